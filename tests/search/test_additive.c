/* The whole search with its integer operators, against a front known by dynamic programming. */
#include "additive.h"

enum { EVALUATIONS = 32 + 50 * 16 };

/* qea_search_config.known: the costs, objective 0. */
static void write_cost(void *user, const uint16_t *genome, double *objectives) {
    double both[2];
    additive_evaluate(user, genome, both);
    objectives[0] = both[0];
}

static double hypervolume_ratio(additive *a, uint64_t seed, bool with_uniform, size_t screening) {
    uint16_t sizes[ADDITIVE_GENES], uniform[UNIFORM_GENOMES][ADDITIVE_GENES], genome[ADDITIVE_GENES];
    double(*told)[2] = test_alloc(EVALUATIONS * sizeof *told), reference[2], volume;
    size_t count = 0;
    for (size_t i = 0; i < ADDITIVE_GENES; i++) sizes[i] = ADDITIVE_VALUES;
    additive_uniform(uniform);
    qea_search_config config = {.num_genes = ADDITIVE_GENES,
                                .gene_sizes = sizes,
                                .num_objectives = 2,
                                .population_size = 16,
                                .num_random = 32,
                                .num_generations = 50,
                                .seed = seed,
                                .given = uniform[0],
                                .num_given = with_uniform ? UNIFORM_GENOMES : 0,
                                .user = a,
                                .screening = screening,
                                .known = write_cost};
    qea_search *search;
    qea_ask what;
    uint64_t trial;
    must(qea_search_create(NULL, &config, &search));
    for (;;) {
        must(qea_search_ask(NULL, search, &what, &trial, genome));
        if (what != QEA_ASK_TRIAL) break;
        assert_true(count < EVALUATIONS);
        additive_evaluate(a, genome, told[count]);
        must(qea_search_tell(NULL, search, trial, told[count++], 0));
    }
    assert_int_equal(what, QEA_ASK_DONE);
    assert_int_equal(count, EVALUATIONS);
    additive_reference(a, reference);
    must(qea_hypervolume(NULL, told[0], count, 2, reference, &volume));
    qea_search_destroy(search);
    free(told);
    return volume / additive_exact_volume(a);
}

static void check_ratio(additive (*make)(uint64_t), bool with_uniform, size_t screening, double bound) {
    double ratios[ADDITIVE_SEEDS];
    for (uint64_t seed = 1; seed <= ADDITIVE_SEEDS; seed++) {
        additive a = make(1000 + seed);
        ratios[seed - 1] = hypervolume_ratio(&a, seed, with_uniform, screening);
        assert_true(ratios[seed - 1] <= 1 + 1e-12); /* nothing is better than exact */
    }
    double median = test_median(ratios, ADDITIVE_SEEDS);
    print_message("hypervolume ratio %s uniform genomes, screening %zu: worst %.4f median %.4f best %.4f\n",
                  with_uniform ? "with" : "without", screening, ratios[0], median, ratios[ADDITIVE_SEEDS - 1]);
    assert_true(median >= bound);
}

static void reaches_most_of_the_exact_front(void **state) {
    (void)state;
    check_ratio(additive_bits, false, 0, 0.90);
}

static void reaches_nearly_all_of_the_exact_front_from_uniform_genomes(void **state) {
    (void)state;
    check_ratio(additive_bits, true, 0, 0.965);
}

static void reaches_most_of_the_exact_front_where_costs_say_nothing_about_errors(void **state) {
    (void)state;
    check_ratio(additive_rough, false, 0, 0.90);
    check_ratio(additive_rough, true, 0, 0.90);
}

static void screened_children_reach_nearly_all_of_either_front(void **state) {
    (void)state;
    check_ratio(additive_bits, true, 8, 0.98);
    check_ratio(additive_rough, true, 8, 0.965);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches_most_of_the_exact_front),
        cmocka_unit_test(reaches_nearly_all_of_the_exact_front_from_uniform_genomes),
        cmocka_unit_test(reaches_most_of_the_exact_front_where_costs_say_nothing_about_errors),
        cmocka_unit_test(screened_children_reach_nearly_all_of_either_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
