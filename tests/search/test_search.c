/* The search by ask and tell: order of calls, constraint, exhaustion, repeatability. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "run.h"
#include "search/parts.h"

static void asks_the_budget_and_no_genome_twice(void **state) {
    (void)state;
    qea_search_config config = make_config(1);
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_DONE);
    assert_int_equal(log->count, FIRST + GENERATIONS * POPULATION);
    assert_int_equal(log->generations, GENERATIONS);
    for (size_t k = 0; k < log->count; k++)
        assert_int_equal(log->generation[k], k < FIRST ? 0 : 1 + (k - FIRST) / POPULATION);
    assert_distinct(log);
    free(log);
}

static void without_generations_only_the_first_population_is_asked(void **state) {
    (void)state;
    qea_search_config config = make_config(1);
    config.num_generations = 0;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_DONE);
    assert_int_equal(log->count, FIRST);
    free(log);
}

static void the_order_of_telling_changes_nothing_and_the_seed_does(void **state) {
    (void)state;
    qea_search_config config = make_config(7), other = make_config(8);
    options backwards = {.telling = TELL_BACKWARDS, .fail_every = 5}, at_once = {.fail_every = 5};
    log_of_run *a = run_search(&config, &at_once), *b = run_search(&config, &backwards),
               *c = run_search(&other, &at_once);
    assert_memory_equal(a, b, sizeof *a);
    assert_memory_not_equal(a->genomes, c->genomes, sizeof a->genomes);
    free(a), free(b), free(c);
}

static void the_front_is_every_non_dominated_trial_that_was_told(void **state) {
    (void)state;
    qea_search_config config = make_config(3);
    options o = {.fail_every = 7};
    log_of_run *log = run_search(&config, &o);
    size_t next = 0;
    for (uint64_t t = 1; t <= log->count; t++) {
        double f[2], other[2];
        bool best = t % 7 != 0;
        evaluate(log->genomes[t - 1], f);
        for (uint64_t u = 1; u <= log->count && best; u++) {
            evaluate(log->genomes[u - 1], other);
            best = u % 7 == 0 || qea_dominates(other, 0, f, 0, 2) != -1;
        }
        if (best) assert_int_equal(log->front[next++], t);
    }
    assert_int_equal(next, log->front_count);
    free(log);
}

static void told_violations_keep_trials_off_the_front_and_pull_the_search(void **state) {
    (void)state;
    qea_search_config config = make_config(3);
    config.num_generations = 20;
    log_of_run *log = run_search(&config, &(options){.violate_from = 2});
    double early = 0, late = 0;
    for (size_t k = 0; k < log->front_count; k++)
        assert_true(log->front[k] <= 2 || log->genomes[log->front[k] - 1][0] == 0);
    for (size_t k = 0; k < FIRST; k++) {
        for (size_t i = 0; i < GENES; i++) {
            early += log->genomes[k][i];
            late += log->genomes[log->count - 1 - k][i];
        }
    }
    assert_true(late < 0.8 * early);
    free(log);
}

static void failed_trials_are_no_parents(void **state) {
    (void)state;
    qea_search_config config = make_config(3);
    log_of_run *log = run_search(&config, &(options){.fail_even = true});
    size_t odd = 0;
    for (size_t k = FIRST + POPULATION; k < log->count; k++) odd += log->genomes[k][0] % 2;
    assert_true(odd > (log->count - FIRST - POPULATION) * 3 / 4);
    free(log);
}

static void a_run_in_which_every_trial_fails_ends_with_an_empty_front(void **state) {
    (void)state;
    qea_search_config config = make_config(3);
    log_of_run *log = run_search(&config, &(options){.fail_every = 1});
    assert_int_equal(log->end, QEA_ASK_DONE);
    assert_int_equal(log->count, FIRST + GENERATIONS * POPULATION);
    assert_int_equal(log->front_count, 0);
    assert_distinct(log);
    free(log);
}

static void given_genomes_come_first_without_doubles_and_forbidden_ones(void **state) {
    (void)state;
    uint16_t given[4][GENES] = {{1, 1, 1, 0, 1, 1, 1, 1}, {3, 3, 3, 0, 3, 3, 3, 3}, {1, 1, 1, 0, 1, 1, 1, 1}, {0}};
    size_t limit = 12;
    qea_search_config config = make_config(2);
    config.given = given[0];
    config.num_given = 4;
    config.violation = sum_above;
    config.user = &limit;
    log_of_run *log = run_search(&config, &(options){0});
    assert_memory_equal(log->genomes[0], given[0], sizeof given[0]);
    assert_memory_equal(log->genomes[1], given[3], sizeof given[3]);
    assert_int_equal(log->count, FIRST + GENERATIONS * POPULATION);
    for (size_t k = 0; k < log->count; k++) assert_true(sum_above(&limit, log->genomes[k]) <= 0);
    assert_distinct(log);
    free(log);

    config.num_random = config.population_size = 1;
    config.num_generations = 0;
    log = run_search(&config, &(options){0});
    assert_int_equal(log->count, 1);
    assert_memory_equal(log->genomes[0], given[0], sizeof given[0]);
    free(log);
}

/* The number of genomes of 7 free genes 0..3 that sum up to at most 2: 1 + 7 + 7 + 21. */
static void a_small_feasible_space_is_exhausted_to_the_last_genome(void **state) {
    (void)state;
    size_t limit = 2;
    qea_search_config config = make_config(5);
    config.violation = sum_above;
    config.user = &limit;
    for (int t = TELL_AT_ONCE; t <= TELL_BACKWARDS; t++) {
        log_of_run *log = run_search(&config, &(options){.telling = (telling)t});
        assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
        assert_int_equal(log->count, 36);
        assert_distinct(log);
        free(log);
    }
}

static void an_unconstrained_space_is_exhausted_too(void **state) {
    (void)state;
    uint16_t two[GENES] = {2, 2, 2, 1, 2, 2, 2, 2};
    qea_search_config config = make_config(5);
    config.gene_sizes = two;
    config.num_generations = 50;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
    assert_int_equal(log->count, 128);
    assert_true(log->complete);
    assert_distinct(log);
    free(log);
}

static void a_large_space_that_seems_exhausted_is_not_called_complete(void **state) {
    (void)state;
    size_t limit = 0;
    uint16_t many[GENES] = {16, 16, 16, 16, 16, 16, 16, 16};
    qea_search_config config = make_config(5);
    config.gene_sizes = many;
    config.violation = sum_above;
    config.user = &limit;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
    assert_int_equal(log->count, 1);
    assert_false(log->complete);
    free(log);
}

/* The first gene at 0 switches off the second. */
static void switch_off(void *user, uint16_t *genome) {
    (void)user;
    if (genome[0] == 0) genome[1] = 0;
}

/* Of 2^7 genomes half have the first gene at 0, and of these two each are the same. */
static void of_genomes_that_are_the_same_one_is_asked(void **state) {
    (void)state;
    uint16_t two[GENES] = {2, 2, 2, 1, 2, 2, 2, 2};
    for (int variant = 0; variant < 3; variant++) {
        qea_search_config config = make_config(5);
        config.gene_sizes = two;
        config.num_generations = 50;
        config.canonical = switch_off;
        config.sensitivity = variant == 1;
        config.screening = variant == 2 ? 3 : 0;
        log_of_run *log = run_search(&config, &(options){.telling = TELL_BACKWARDS});
        assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
        assert_int_equal(log->count, 64 + 32);
        assert_true(log->complete);
        for (size_t i = 0; i < log->count; i++) switch_off(NULL, log->genomes[i]);
        assert_distinct(log);
        free(log);
    }
}

static void screened_children_do_not_depend_on_the_order_of_telling_and_are_replayed(void **state) {
    (void)state;
    qea_search_config config = make_config(7);
    size_t limit = 12;
    config.screening = 6;
    config.violation = sum_above;
    config.user = &limit;
    options backwards = {.telling = TELL_BACKWARDS, .fail_every = 5}, at_once = {.fail_every = 5};
    log_of_run *a = run_search(&config, &at_once), *b = run_search(&config, &backwards);
    assert_int_equal(a->count, FIRST + GENERATIONS * POPULATION);
    assert_memory_equal(a, b, sizeof *a);
    assert_distinct(a);
    for (size_t k = 0; k < a->count; k++) assert_true(sum_above(&limit, a->genomes[k]) <= 0);
    config.screening = 0;
    log_of_run *c = run_search(&config, &at_once);
    assert_memory_equal(a->genomes, c->genomes, FIRST * sizeof a->genomes[0]);
    assert_memory_not_equal(a->genomes, c->genomes, sizeof a->genomes);
    config.screening = 1; /* one child per trial leaves no choice */
    log_of_run *d = run_search(&config, &at_once);
    assert_memory_equal(c, d, sizeof *c);
    free(a), free(b), free(c), free(d);
}

static void a_small_space_is_exhausted_with_screening_too(void **state) {
    (void)state;
    uint16_t two[GENES] = {2, 2, 2, 1, 2, 2, 2, 2};
    qea_search_config config = make_config(5);
    config.gene_sizes = two;
    config.num_generations = 50;
    config.screening = 5;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
    assert_int_equal(log->count, 128);
    assert_distinct(log);
    free(log);
}

/* Allowed: two far corners of a large space, and nothing that a step downhill would find. */
static double only_two(void *user, const uint16_t *genome) {
    (void)user;
    size_t sum = 0;
    for (size_t i = 0; i < GENES; i++) sum += genome[i];
    return sum == 7 * (VALUES - 1) || (sum == 2 && genome[0] == 1 && genome[7] == 1) ? 0 : 1;
}

static void allowed_genomes_are_found_where_random_ones_and_neighbours_are_not(void **state) {
    (void)state;
    qea_search_config config = make_config(5);
    config.violation = only_two;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
    assert_int_equal(log->count, 2);
    free(log);
}

/* The share of genes that children have from the second of two parents. */
static double share_of_second(double violation_first, double violation_second) {
    enum { LONG = 50, CHILDREN = 2000 };
    static const uint16_t first[LONG] = {0};
    uint16_t second[LONG], many[LONG], child[LONG];
    uint32_t order[LONG];
    const size_t parents[2] = {0, 1};
    double sum = 0;
    qea_proposer p = {.order = order, .archive = {.num_genes = LONG, .num_objectives = 1}};
    for (size_t i = 0; i < LONG; i++) second[i] = 1, many[i] = 2;
    must(qea_genes_create(NULL, LONG, many, &p.space));
    must(qea_archive_add(NULL, &p.archive, first));
    must(qea_archive_add(NULL, &p.archive, second));
    p.archive.violations[0] = violation_first;
    p.archive.violations[1] = violation_second;
    for (p.seed = 0; p.seed < CHILDREN; p.seed++) {
        assert_true(qea_propose_child(&p, parents, 2, 0, child));
        for (size_t i = 0; i < LONG; i++) sum += child[i];
    }
    qea_genes_clear(&p.space);
    qea_archive_clear(&p.archive);
    return sum / LONG / CHILDREN;
}

static void parents_are_drawn_by_violation_and_at_random_without(void **state) {
    (void)state;
    /* two different parents give half of the genes each; the tournament shows in how often the same one is drawn twice
     */
    double fair = share_of_second(0, 0), first = share_of_second(0, 1), second = share_of_second(2, 1);
    assert_float_equal(fair, 0.5, 0.02);
    assert_true(first < fair - 0.05);
    assert_true(second > fair + 0.05);
}

enum { LARGE = 60 };

static double far_from_target(void *user, const uint16_t *genome) {
    (void)user;
    double sum = 0;
    for (size_t i = 0; i < LARGE; i++) sum += genome[i] * (double)(i + 1);
    return fmax(0, fabs(sum - 400) - 3); /* of 0..5490; random genomes hardly ever */
}

static void a_narrow_band_of_a_large_space_fills_the_budget(void **state) {
    (void)state;
    uint16_t many[LARGE], genome[LARGE];
    for (size_t i = 0; i < LARGE; i++) many[i] = 4;
    qea_search_config config = make_config(5);
    config.num_genes = LARGE;
    config.gene_sizes = many;
    config.violation = far_from_target;
    qea_search *search;
    qea_ask what;
    uint64_t trial = 0;
    must(qea_search_create(NULL, &config, &search));
    for (;;) {
        must(qea_search_ask(NULL, search, &what, &trial, genome));
        if (what != QEA_ASK_TRIAL) break;
        assert_true(far_from_target(NULL, genome) <= 0);
        double f[2] = {genome[0], VALUES - genome[1]};
        must(qea_search_tell(NULL, search, trial, f, 0));
    }
    assert_int_equal(what, QEA_ASK_DONE);
    assert_int_equal(trial, FIRST + GENERATIONS * POPULATION);
    qea_search_destroy(search);
}

static double never(void *user, const uint16_t *genome) {
    (void)genome;
    return *(double *)user;
}

static void a_space_that_nothing_is_allowed_in_is_a_configuration_error(void **state) {
    (void)state;
    double answers[] = {1, HUGE_VAL, NAN};
    qea_search_config config = make_config(5);
    config.violation = never;
    for (size_t k = 0; k < 3; k++) {
        qea_search *search = NULL;
        qea_context *ctx = qea_context_create();
        config.user = &answers[k];
        assert_int_equal(qea_search_create(ctx, &config, &search), QEA_ERR_CONFIG);
        assert_non_null(strstr(qea_context_message(ctx), "constraint"));
        assert_null(search);
        qea_context_destroy(ctx);
    }
}

static void wrong_configurations_are_refused(void **state) {
    (void)state;
    const uint16_t empty_gene[GENES] = {4, 4, 0, 1, 1, 1, 1, 1}, outside[GENES] = {4};
    qea_search_config bad[7];
    for (size_t k = 0; k < 7; k++) bad[k] = make_config(1);
    bad[0].num_genes = 0;
    bad[1].num_objectives = 0;
    bad[2].population_size = 0;
    bad[3].num_random = POPULATION - 1;
    bad[4].gene_sizes = empty_gene;
    bad[5].given = outside;
    bad[5].num_given = 1;
    bad[6].num_objectives = SIZE_MAX / 2;
    for (size_t k = 0; k < 7; k++) {
        qea_search *search;
        assert_int_equal(qea_search_create(NULL, &bad[k], &search), QEA_ERR_CONFIG);
        assert_null(search);
    }
}

static void wrong_results_are_refused_and_leave_the_search_as_it_was(void **state) {
    (void)state;
    const double good[2] = {1, 2}, nan[2] = {1, NAN}, infinite[2] = {-HUGE_VAL, 1};
    qea_search_config config = make_config(1);
    qea_search *search;
    qea_ask what;
    uint64_t trial;
    uint16_t genome[GENES];
    must(qea_search_create(NULL, &config, &search));
    assert_int_equal(qea_search_tell(NULL, search, 1, good, 0), QEA_ERR_STATE);
    must(qea_search_ask(NULL, search, &what, &trial, genome));
    assert_int_equal(qea_search_tell(NULL, search, 0, good, 0), QEA_ERR_STATE);
    assert_int_equal(qea_search_tell(NULL, search, 2, good, 0), QEA_ERR_STATE);
    assert_int_equal(qea_search_tell(NULL, search, 1, nan, 0), QEA_ERR_CONFIG);
    assert_int_equal(qea_search_tell(NULL, search, 1, infinite, 0), QEA_ERR_CONFIG);
    assert_int_equal(qea_search_tell(NULL, search, 1, good, -1), QEA_ERR_CONFIG);
    assert_int_equal(qea_search_tell(NULL, search, 1, good, NAN), QEA_ERR_CONFIG);
    must(qea_search_tell(NULL, search, 1, good, 0));
    assert_int_equal(qea_search_tell(NULL, search, 1, good, 0), QEA_ERR_STATE);
    for (size_t k = 1; k < FIRST; k++) must(qea_search_ask(NULL, search, &what, &trial, genome));
    assert_int_equal(what, QEA_ASK_TRIAL);
    for (size_t k = 0; k < 3; k++) {
        must(qea_search_ask(NULL, search, &what, &trial, genome));
        assert_int_equal(what, QEA_ASK_WAIT);
    }
    qea_search_destroy(search);
    qea_search_destroy(NULL);
}

static void one_objective_and_one_gene_work(void **state) {
    (void)state;
    const uint16_t size = 9;
    qea_search_config config = {.num_genes = 1,
                                .gene_sizes = &size,
                                .num_objectives = 1,
                                .population_size = 2,
                                .num_random = 3,
                                .num_generations = 9,
                                .seed = 4};
    qea_search *search;
    qea_ask what;
    uint64_t trial, best = 0;
    const uint64_t *front;
    size_t count;
    uint16_t genome;
    must(qea_search_create(NULL, &config, &search));
    for (;;) {
        must(qea_search_ask(NULL, search, &what, &trial, &genome));
        if (what != QEA_ASK_TRIAL) break;
        double f = fabs(genome - 6.0);
        if (genome == 6) best = trial;
        must(qea_search_tell(NULL, search, trial, &f, 0));
    }
    assert_int_equal(what, QEA_ASK_EXHAUSTED);
    must(qea_search_front(NULL, search, &front, &count));
    assert_int_equal(count, 1);
    assert_int_equal(front[0], best);
    qea_search_destroy(search);
}

/* Fails the n-th allocation for every n until a whole run gets through. */
static qea_status run_once(const qea_search_config *config) {
    qea_search *search;
    qea_ask what = QEA_ASK_TRIAL;
    uint64_t trial;
    uint16_t genome[GENES];
    const uint64_t *front;
    size_t count;
    qea_status status = qea_search_create(NULL, config, &search);
    while (status == QEA_OK && what == QEA_ASK_TRIAL) {
        status = qea_search_ask(NULL, search, &what, &trial, genome);
        double f[2] = {genome[0], VALUES - genome[0]};
        if (status == QEA_OK && what == QEA_ASK_TRIAL) status = qea_search_tell(NULL, search, trial, f, 0);
    }
    if (status == QEA_OK) status = qea_search_front(NULL, search, &front, &count);
    qea_search_destroy(search);
    return status;
}

static void an_allocation_that_fails_is_reported_wherever_it_happens(void **state) {
    (void)state;
    qea_search_config config = make_config(1);
    config.num_generations = 2;
    config.screening = 3;
    config.sensitivity = true;
    qea_status status = QEA_ERR_MEMORY;
    long n = 1;
    for (; status != QEA_OK; n++) {
        qea_alloc_fail_after(n);
        status = run_once(&config);
        assert_true(status == QEA_OK || status == QEA_ERR_MEMORY);
    }
    qea_alloc_fail_after(0);
    assert_true(n > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_budget_and_no_genome_twice),
        cmocka_unit_test(without_generations_only_the_first_population_is_asked),
        cmocka_unit_test(the_order_of_telling_changes_nothing_and_the_seed_does),
        cmocka_unit_test(the_front_is_every_non_dominated_trial_that_was_told),
        cmocka_unit_test(told_violations_keep_trials_off_the_front_and_pull_the_search),
        cmocka_unit_test(failed_trials_are_no_parents),
        cmocka_unit_test(parents_are_drawn_by_violation_and_at_random_without),
        cmocka_unit_test(a_run_in_which_every_trial_fails_ends_with_an_empty_front),
        cmocka_unit_test(given_genomes_come_first_without_doubles_and_forbidden_ones),
        cmocka_unit_test(a_small_feasible_space_is_exhausted_to_the_last_genome),
        cmocka_unit_test(an_unconstrained_space_is_exhausted_too),
        cmocka_unit_test(a_large_space_that_seems_exhausted_is_not_called_complete),
        cmocka_unit_test(of_genomes_that_are_the_same_one_is_asked),
        cmocka_unit_test(screened_children_do_not_depend_on_the_order_of_telling_and_are_replayed),
        cmocka_unit_test(a_small_space_is_exhausted_with_screening_too),
        cmocka_unit_test(allowed_genomes_are_found_where_random_ones_and_neighbours_are_not),
        cmocka_unit_test(a_narrow_band_of_a_large_space_fills_the_budget),
        cmocka_unit_test(a_space_that_nothing_is_allowed_in_is_a_configuration_error),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(wrong_results_are_refused_and_leave_the_search_as_it_was),
        cmocka_unit_test(one_objective_and_one_gene_work),
        cmocka_unit_test(an_allocation_that_fails_is_reported_wherever_it_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
