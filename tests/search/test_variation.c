/* Integer operators: they stay in range and reach every gene and value. */
#include "check.h"
#include "search/parts.h"

enum { GENES = 6, DRAWS = 20000 };
static const uint16_t sizes[GENES] = {3, 1, 5, 2, 65535, 4};

static qea_genes make_space(void) {
    qea_genes space;
    must(qea_genes_create(NULL, GENES, sizes, &space));
    assert_int_equal(space.num_free, GENES - 1);
    return space;
}

static void random_genomes_take_every_value_of_every_gene(void **state) {
    (void)state;
    qea_genes space = make_space();
    size_t seen[GENES][8] = {0};
    for (uint64_t t = 0; t < DRAWS; t++) {
        uint16_t genome[GENES];
        qea_draws draws = qea_draws_make(1, QEA_RNG_SEARCH_SAMPLE, t, 0);
        qea_genome_sample(&space, &draws, genome);
        for (size_t i = 0; i < GENES; i++) {
            assert_true(genome[i] < sizes[i]);
            seen[i][genome[i] * (size_t)(sizes[i] < 8 ? sizes[i] : 8) / sizes[i]]++;
        }
    }
    for (size_t i = 0; i < GENES; i++) {
        for (size_t v = 0; v < 8 && v < sizes[i]; v++) assert_true(seen[i][v] > DRAWS / 40);
    }
    qea_genes_clear(&space);
}

static void random_genomes_cover_low_and_high_sums(void **state) {
    (void)state;
    enum { MANY = 40 };
    uint16_t many[MANY], genome[MANY];
    qea_genes space;
    size_t low = 0, high = 0;
    for (size_t i = 0; i < MANY; i++) many[i] = 3;
    must(qea_genes_create(NULL, MANY, many, &space));
    for (uint64_t t = 0; t < 1000; t++) {
        size_t sum = 0;
        qea_draws draws = qea_draws_make(1, QEA_RNG_SEARCH_SAMPLE, t, 0);
        qea_genome_sample(&space, &draws, genome);
        for (size_t i = 0; i < MANY; i++) sum += genome[i];
        low += sum < MANY / 2;
        high += sum > 2 * MANY - MANY / 2;
    }
    assert_true(low > 50 && high > 50); /* independent uniform genes: about none */
    qea_genes_clear(&space);
}

static void crossover_takes_every_gene_from_either_parent(void **state) {
    (void)state;
    qea_genes space = make_space();
    const uint16_t a[GENES] = {0, 0, 4, 0, 60000, 1}, b[GENES] = {2, 0, 1, 1, 5, 3};
    size_t from_a[GENES] = {0}, all_low = 0;
    for (uint64_t t = 0; t < DRAWS; t++) {
        uint16_t child[GENES];
        bool low = true;
        qea_draws draws = qea_draws_make(2, QEA_RNG_SEARCH_MATE, t, 0);
        qea_genome_cross(&space, &draws, a, b, child);
        for (size_t i = 0; i < GENES; i++) {
            assert_true(child[i] == a[i] || child[i] == b[i]);
            from_a[i] += child[i] == a[i];
            low = low && child[i] <= a[i] && child[i] <= b[i];
        }
        all_low += low;
    }
    for (size_t i = 0; i < GENES; i++) {
        if (a[i] != b[i]) assert_in_range(from_a[i], DRAWS * 45 / 100, DRAWS * 55 / 100);
    }
    /* five genes differ: 1/6 with a share drawn per child, 1/32 with fair coins */
    assert_in_range(all_low, DRAWS * 15 / 100, DRAWS * 18 / 100);
    qea_genes_clear(&space);
}

static void mutation_changes_every_free_gene_by_steps_and_by_resets(void **state) {
    (void)state;
    qea_genes space = make_space();
    size_t steps[GENES] = {0}, jumps[GENES] = {0};
    for (uint64_t t = 0; t < DRAWS; t++) {
        uint16_t genome[GENES], before[GENES];
        qea_draws draws = qea_draws_make(3, QEA_RNG_SEARCH_MATE, t, 0);
        qea_genome_sample(&space, &draws, before);
        for (size_t i = 0; i < GENES; i++) genome[i] = before[i];
        qea_genome_mutate(&space, &draws, QEA_MUTATION_STEP, genome);
        for (size_t i = 0; i < GENES; i++) {
            int change = abs(genome[i] - before[i]);
            assert_true(genome[i] < sizes[i]);
            steps[i] += change == 1;
            jumps[i] += change > 1;
        }
    }
    for (size_t i = 0; i < GENES; i++) {
        assert_true(sizes[i] == 1 ? steps[i] == 0 : steps[i] > DRAWS / 20);
        assert_true(sizes[i] <= 2 ? jumps[i] == 0 : jumps[i] > DRAWS / 400);
    }
    qea_genes_clear(&space);
}

static void mutation_without_order_goes_to_every_other_value_alike(void **state) {
    (void)state;
    qea_genes space = make_space();
    size_t to[5] = {0};
    for (uint64_t t = 0; t < DRAWS; t++) {
        uint16_t genome[GENES] = {0};
        qea_draws draws = qea_draws_make(4, QEA_RNG_SEARCH_MATE, t, 0);
        qea_genome_mutate(&space, &draws, QEA_MUTATION_ANY, genome);
        to[genome[2]]++;
    }
    /* half a mutation for five free genes: one in ten, to four values */
    for (size_t v = 1; v < 5; v++) assert_in_range(to[v], DRAWS / 40 * 8 / 10, DRAWS / 40 * 12 / 10);
    qea_genes_clear(&space);
}

static void the_number_of_genomes_saturates(void **state) {
    (void)state;
    uint16_t many[41];
    qea_genes space = make_space();
    assert_int_equal(qea_genes_count(&space), 3u * 5 * 2 * 65535 * 4);
    qea_genes_clear(&space);
    for (size_t i = 0; i < 41; i++) many[i] = 3;
    must(qea_genes_create(NULL, 41, many, &space));
    assert_true(qea_genes_count(&space) == UINT64_MAX);
    qea_genes_clear(&space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_genomes_take_every_value_of_every_gene),
        cmocka_unit_test(random_genomes_cover_low_and_high_sums),
        cmocka_unit_test(crossover_takes_every_gene_from_either_parent),
        cmocka_unit_test(mutation_changes_every_free_gene_by_steps_and_by_resets),
        cmocka_unit_test(mutation_without_order_goes_to_every_other_value_alike),
        cmocka_unit_test(the_number_of_genomes_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
