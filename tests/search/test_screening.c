/* The predictor against dense ridge regression, the choice of children against a sort of all that were drawn. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "search/parts.h"

enum { GENES = 4, WEIGHTS = 8, TOLD = 30, ASKED = 20 };
static const uint16_t sizes[GENES] = {3, 1, 4, 2}; /* steps: 2 + 0 + 3 + 1, and 3 shared ones; one never passed */

/* Row of the design matrix: the steps a genome has passed, gene by gene, then how many genes have passed each step. */
static void encode(const uint16_t *genome, double row[WEIGHTS + 1]) {
    size_t place = 0;
    for (size_t j = 0; j <= WEIGHTS; j++) row[j] = 0;
    for (size_t i = 0; i < GENES; i++) {
        for (size_t step = 1; step < sizes[i]; step++, place++) {
            row[place] = genome[i] >= step;
            row[6 + step - 1] += genome[i] >= step;
        }
    }
}

/* Solves a [n][n] x = b by Gauss-Jordan elimination; a is positive definite. */
static void eliminate(size_t n, double a[n][n], double *b) {
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < n; i++) {
            if (i == k) continue;
            double factor = a[i][k] / a[k][k];
            for (size_t j = 0; j < n; j++) a[i][j] -= factor * a[k][j];
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = 0; k < n; k++) b[k] /= a[k][k];
}

static void random_genomes(uint64_t *seed, size_t count, uint16_t genomes[][GENES]) {
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < GENES; i++) genomes[t][i] = (uint16_t)test_below(seed, sizes[i]);
}

static void predictions_are_those_of_dense_ridge_regression(void **state) {
    (void)state;
    enum { N = WEIGHTS + 1 };
    uint64_t seed = 3;
    uint16_t told[TOLD][GENES], asked[ASKED][GENES];
    const uint16_t *rows[TOLD];
    double values[TOLD], design[TOLD][N], means[N] = {0}, mean = 0, a[N][N] = {{0}}, b[N] = {0}, predicted[ASKED];
    random_genomes(&seed, TOLD, told);
    random_genomes(&seed, ASKED, asked);
    for (size_t t = 0; t < TOLD; t++) {
        rows[t] = told[t];
        values[t] = 5 + told[t][0] - 2.0 * (told[t][2] > 1) + told[t][0] * told[t][3] + test_uniform(&seed);
        encode(told[t], design[t]);
        mean += values[t] / TOLD;
        for (size_t j = 0; j < N; j++) means[j] += design[t][j] / TOLD;
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t t = 0; t < TOLD; t++) b[i] += (design[t][i] - means[i]) * (values[t] - mean);
        for (size_t j = 0; j < N; j++) {
            a[i][j] = i == j ? QEA_RIDGE : 0;
            for (size_t t = 0; t < TOLD; t++) a[i][j] += (design[t][i] - means[i]) * (design[t][j] - means[j]);
        }
    }
    eliminate(N, a, b);
    qea_genes space;
    must(qea_genes_create(NULL, GENES, sizes, &space));
    must(qea_predict(NULL, &space, rows, values, TOLD, asked[0], ASKED, predicted));
    for (size_t t = 0; t < ASKED; t++) {
        double row[N], expected = mean;
        encode(asked[t], row);
        for (size_t j = 0; j < N; j++) expected += b[j] * (row[j] - means[j]);
        assert_true(fabs(predicted[t] - expected) <= 1e-4);
    }
    qea_genes_clear(&space);
}

static void one_trial_and_equal_values_predict_what_they_were(void **state) {
    (void)state;
    const uint16_t told[2][GENES] = {{0, 0, 1, 1}, {2, 0, 3, 0}}, asked[GENES] = {1, 0, 2, 1};
    const uint16_t *rows[2] = {told[0], told[1]};
    const double values[2] = {7, 7};
    double predicted = 0;
    qea_genes space;
    must(qea_genes_create(NULL, GENES, sizes, &space));
    for (size_t count = 1; count <= 2; count++) {
        must(qea_predict(NULL, &space, rows, values, count, asked, 1, &predicted));
        assert_true(fabs(predicted - 7) <= 1e-12);
    }
    qea_genes_clear(&space);
}

static void genes_of_thousands_of_values_are_learnt_in_parts(void **state) {
    (void)state;
    enum { MANY = 200 };
    static uint16_t told[MANY][1];
    const uint16_t size = 65535, asked[2][1] = {{1000}, {64000}};
    const uint16_t *rows[MANY];
    double values[MANY], predicted[2];
    qea_genes space;
    must(qea_genes_create(NULL, 1, &size, &space));
    for (size_t t = 0; t < MANY; t++) {
        told[t][0] = (uint16_t)(t * 327);
        rows[t] = told[t];
        values[t] = told[t][0] / 65535.0;
    }
    must(qea_predict(NULL, &space, rows, values, MANY, asked[0], 2, predicted));
    assert_true(fabs(predicted[0] - (1000 / 65535.0)) <= 0.1);
    assert_true(fabs(predicted[1] - (64000 / 65535.0)) <= 0.1);
    qea_genes_clear(&space);
}

enum { LONG = 12, VALUES = 4, KEEP = 5, FACTOR = 6 };

static double weighted_sum(const uint16_t *genome) {
    double sum = 0;
    for (size_t i = 0; i < LONG; i++) sum += genome[i] * (1 + 0.37 * (double)i);
    return sum;
}

static void write_sum(void *user, const uint16_t *genome, double *objectives) {
    (void)user;
    objectives[0] = weighted_sum(genome);
}

static void of_children_with_one_known_objective_the_best_are_kept(void **state) {
    (void)state;
    uint16_t many[LONG], first[LONG], second[LONG];
    uint32_t order[LONG];
    const size_t parents[2] = {0, 1};
    double *points, sums[KEEP * FACTOR], kept[KEEP];
    size_t num_points, drawn = 0;
    for (size_t i = 0; i < LONG; i++) many[i] = VALUES, first[i] = 0, second[i] = VALUES - 1;
    qea_proposer p = {.order = order, .archive = {.num_genes = LONG, .num_objectives = 1}, .seed = 9};
    must(qea_genes_create(NULL, LONG, many, &p.space));
    must(qea_archive_add(NULL, &p.archive, first));
    must(qea_archive_add(NULL, &p.archive, second));
    for (size_t row = 0; row < 2; row++) {
        p.archive.states[row] = QEA_TRIAL_TOLD;
        p.archive.objectives[row] = p.archive.violations[row] = 0;
    }
    for (size_t k = 0; k < KEEP * FACTOR; k++) {
        uint16_t child[LONG];
        assert_true(qea_propose_child(&p, parents, 2, k, child));
        sums[drawn++] = weighted_sum(child);
        for (size_t other = 0; other + 1 < drawn; other++) /* no two genomes here have one sum by chance */
            if (sums[other] == sums[drawn - 1]) drawn--;
    }
    qsort(sums, drawn, sizeof *sums, test_compare);
    qea_survival *survival;
    qea_screen screen = {.factor = FACTOR, .known = write_sum};
    must(qea_reference_points(NULL, 1, 1, 0, &points, &num_points));
    must(qea_survival_create(NULL, 1, points, num_points, 1, &survival));
    must(qea_screen_fill(NULL, &screen, &p, parents, 2, survival, 1, KEEP));
    assert_int_equal(screen.count, KEEP);
    for (size_t k = 0; k < KEEP; k++) kept[k] = weighted_sum(screen.genomes + k * LONG);
    qsort(kept, KEEP, sizeof *kept, test_compare);
    for (size_t k = 0; k < KEEP; k++) assert_true(kept[k] == sums[k]);
    qea_points_free(points);
    qea_survival_destroy(survival);
    qea_screen_clear(&screen);
    qea_archive_clear(&p.archive);
    qea_genes_clear(&p.space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_are_those_of_dense_ridge_regression),
        cmocka_unit_test(one_trial_and_equal_values_predict_what_they_were),
        cmocka_unit_test(genes_of_thousands_of_values_are_learnt_in_parts),
        cmocka_unit_test(of_children_with_one_known_objective_the_best_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
