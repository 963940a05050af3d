/* What each gene loses, and the genomes that follow from it: on problems whose exact front is known by dynamic
 * programming the seeds lie on its lower convex hull; probes and seeds count as any trial. */
#include "run.h"

enum { PROBES = 8 }; /* the highest genome, and 7 genes of more than one value */

static void assert_probes(const log_of_run *log) {
    for (size_t k = 0; k < PROBES; k++) {
        size_t lowered = 0, lowest = 0;
        assert_int_equal(log->origin[k], QEA_ORIGIN_PROBE);
        for (size_t i = 0; i < GENES; i++) {
            lowered += log->genomes[k][i] != sizes[i] - 1;
            lowest += sizes[i] > 1 && log->genomes[k][i] == 0;
        }
        assert_int_equal(lowered, k == 0 ? 0 : 1);
        assert_int_equal(lowest, k == 0 ? 0 : 1);
    }
    for (size_t k = PROBES; k < log->count; k++) assert_int_not_equal(log->origin[k], QEA_ORIGIN_PROBE);
}

static void probes_come_first_then_the_given_then_random_ones_then_seeds_and_children(void **state) {
    (void)state;
    const uint16_t given[2][GENES] = {{3, 3, 3, 0, 3, 3, 3, 3}, {1, 1, 1, 0, 1, 1, 1, 1}}; /* the first is a probe */
    qea_search_config config = make_config(1);
    config.given = given[0];
    config.num_given = 2;
    config.sensitivity = true;
    log_of_run *log = run_search(&config, &(options){0});
    assert_probes(log);
    assert_memory_equal(log->genomes[PROBES], given[1], sizeof given[1]);
    assert_int_equal(log->origin[PROBES], QEA_ORIGIN_GIVEN);
    for (size_t k = PROBES + 1; k < FIRST; k++) assert_int_equal(log->origin[k], QEA_ORIGIN_RANDOM);
    for (size_t k = FIRST; k < FIRST + POPULATION; k++) assert_int_equal(log->origin[k], QEA_ORIGIN_SEED);
    for (size_t k = FIRST + POPULATION; k < log->count; k++) assert_int_equal(log->origin[k], QEA_ORIGIN_CHILD);
    assert_int_equal(log->end, QEA_ASK_DONE);
    assert_int_equal(log->count, FIRST + GENERATIONS * POPULATION);
    for (size_t k = 0; k < log->count; k++)
        assert_int_equal(log->generation[k], k < FIRST ? 0 : 1 + (k - FIRST) / POPULATION);
    assert_distinct(log);
    free(log);
}

static void probes_that_do_not_fit_head_the_next_generations(void **state) {
    (void)state;
    const uint16_t given[GENES] = {1, 1, 1, 0, 1, 1, 1, 1};
    qea_search_config config = make_config(1);
    config.population_size = config.num_random = 3;
    config.given = given;
    config.num_given = 1;
    config.sensitivity = true;
    log_of_run *log = run_search(&config, &(options){.telling = TELL_BACKWARDS});
    assert_probes(log);
    assert_int_equal(log->origin[PROBES], QEA_ORIGIN_GIVEN); /* fills up the third generation */
    for (size_t k = PROBES + 1; k < PROBES + 4; k++) assert_int_equal(log->origin[k], QEA_ORIGIN_SEED);
    assert_int_equal(log->origin[PROBES + 4], QEA_ORIGIN_CHILD);
    assert_int_equal(log->count, 3 + GENERATIONS * 3);
    assert_distinct(log);
    free(log);
}

static void nothing_depends_on_the_order_of_telling_with_failures_limits_and_screening(void **state) {
    (void)state;
    size_t limit = 12;
    qea_search_config config = make_config(7);
    config.sensitivity = true;
    config.screening = 4;
    config.violation = sum_above;
    config.user = &limit;
    log_of_run *a = run_search(&config, &(options){.fail_every = 5});
    log_of_run *b = run_search(&config, &(options){.fail_every = 5, .telling = TELL_BACKWARDS});
    assert_memory_equal(a, b, sizeof *a);
    assert_int_equal(a->count, FIRST + GENERATIONS * POPULATION);
    assert_distinct(a);
    size_t probes = 0, seeds = 0, sum = 0;
    for (size_t k = 0; k < a->count; k++) {
        assert_true(sum_above(&limit, a->genomes[k]) <= 0);
        probes += a->origin[k] == QEA_ORIGIN_PROBE;
        seeds += a->origin[k] == QEA_ORIGIN_SEED;
    }
    for (size_t i = 0; i < GENES; i++) sum += a->genomes[0][i];
    assert_int_equal(sum, limit); /* the base: all genes lowered in turn until it is allowed */
    for (size_t i = 0; i < GENES; i++) assert_true(i == 3 || a->genomes[0][i] == 1 || a->genomes[0][i] == 2);
    assert_int_equal(probes, PROBES);
    assert_true(seeds > 0);
    free(a), free(b);
}

static double first_half_above(void *user, const uint16_t *genome) {
    size_t sum = 0;
    for (size_t i = 0; i < GENES / 2; i++) sum += genome[i];
    return sum > *(size_t *)user ? (double)(sum - *(size_t *)user) : 0;
}

/* As where weights are limited and activations are not. */
static void genes_that_a_limit_does_not_concern_stay_high_in_the_base(void **state) {
    (void)state;
    size_t limit = 4, sum = 0;
    qea_search_config config = make_config(7);
    config.sensitivity = true;
    config.violation = first_half_above;
    config.user = &limit;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->origin[0], QEA_ORIGIN_PROBE);
    for (size_t i = 0; i < GENES / 2; i++) sum += log->genomes[0][i];
    assert_int_equal(sum, limit);
    for (size_t i = GENES / 2; i < GENES; i++) assert_int_equal(log->genomes[0][i], sizes[i] - 1);
    free(log);
}

static void a_base_that_fails_leaves_no_seeds_and_the_budget_as_it_was(void **state) {
    (void)state;
    qea_search_config config = make_config(3);
    config.sensitivity = true;
    log_of_run *log = run_search(&config, &(options){.fail_one = 1});
    assert_probes(log);
    for (size_t k = FIRST; k < log->count; k++) assert_int_equal(log->origin[k], QEA_ORIGIN_CHILD);
    assert_int_equal(log->count, FIRST + GENERATIONS * POPULATION);
    free(log);
}

static void a_small_space_is_exhausted_with_probes_and_seeds_too(void **state) {
    (void)state;
    uint16_t two[GENES] = {2, 2, 2, 1, 2, 2, 2, 2};
    qea_search_config config = make_config(5);
    config.gene_sizes = two;
    config.num_generations = 50;
    config.screening = 5;
    config.sensitivity = true;
    log_of_run *log = run_search(&config, &(options){0});
    assert_int_equal(log->end, QEA_ASK_EXHAUSTED);
    assert_int_equal(log->count, 128);
    assert_distinct(log);
    free(log);
}

/* --- seeds against the exact front --- */

enum { HULL_GENES = 12, HULL_VALUES = 4, LARGEST = 40, MOST_COST = HULL_GENES * LARGEST * HULL_VALUES + 1 };

/* Objective 0: sum of costs, which are integers; objective 1: sum of needs x 2^-value; objective 2 (if asked for): a
 * second cost, in which the genes have other weights. */
typedef struct sums {
    double cost[HULL_GENES][HULL_VALUES], second[HULL_GENES], need[HULL_GENES];
    double error_of_base; /* on objective 1, of the first trial */
} sums;

static sums make_sums(uint64_t seed, bool even_costs) {
    sums s = {.error_of_base = 0};
    for (size_t i = 0; i < HULL_GENES; i++) {
        double cost = 0, step = (double)(1 + test_below(&seed, LARGEST));
        for (size_t v = 0; v < HULL_VALUES; v++) {
            s.cost[i][v] = cost;
            if (!even_costs) step = (double)(1 + test_below(&seed, LARGEST));
            cost += step;
        }
        s.need[i] = exp(3 * test_uniform(&seed));
        s.second[i] = (double)(1 + test_below(&seed, LARGEST));
    }
    return s;
}

static void sum_up(const sums *s, const uint16_t *genome, double f[3]) {
    f[0] = f[1] = f[2] = 0;
    for (size_t i = 0; i < HULL_GENES; i++) {
        f[0] += s->cost[i][genome[i]];
        f[1] += ldexp(s->need[i], -genome[i]);
        f[2] += s->second[i] * genome[i];
    }
}

static void write_costs(void *user, const uint16_t *genome, double *objectives) {
    double f[3];
    sum_up(user, genome, f);
    objectives[0] = f[0];
}

/* The least sum of needs of every cost, then the lower convex hull of that: hull[c] at cost c. */
static void exact_hull(const sums *s, bool of_second, double *hull) {
    double *least = test_alloc(MOST_COST * sizeof *least);
    for (size_t c = 0; c < MOST_COST; c++) least[c] = c == 0 ? 0 : HUGE_VAL;
    for (size_t i = 0; i < HULL_GENES; i++) {
        for (size_t c = MOST_COST; c-- > 0;) {
            double best = HUGE_VAL;
            for (size_t v = 0; v < HULL_VALUES; v++) {
                size_t cost = (size_t)(of_second ? s->second[i] * (double)v : s->cost[i][v]);
                if (cost <= c) best = fmin(best, least[c - cost] + ldexp(s->need[i], -(int)v));
            }
            least[c] = best;
        }
    }
    for (size_t a = 0; a < MOST_COST; a++) hull[a] = least[a];
    for (size_t a = 0; a < MOST_COST;) { /* from each corner the steepest way down is the hull */
        size_t next = 0;
        double slope = 0;
        for (size_t b = a + 1; b < MOST_COST; b++) {
            double other = (least[b] - least[a]) / (double)(b - a);
            if (isfinite(other) && other <= slope) slope = other, next = b;
        }
        if (next == 0) break;
        for (size_t c = a; c <= next; c++) hull[c] = least[a] + slope * (double)(c - a);
        a = next;
    }
    free(least);
}

static bool is_on_hull(const sums *s, const uint16_t *genome, bool of_second, const double *hull) {
    double f[3];
    sum_up(s, genome, f);
    return fabs(f[1] - hull[(size_t)f[of_second ? 2 : 0]]) <= 1e-9;
}

/* Nearly. */
static double normal(uint64_t *stream) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += test_uniform(stream);
    return sum;
}

/* The seeds of a search of that problem in which trial `failed` fails (0: none); normal noise
 * is added to objective 1. */
static size_t ask_seeds(sums *s, size_t num_objectives, bool costs_known, size_t population, uint64_t failed,
                        double noise, uint16_t seeds[][HULL_GENES]) {
    uint16_t many[HULL_GENES], genome[HULL_GENES];
    size_t count = 0;
    uint64_t stream = (uint64_t)s->cost[0][HULL_VALUES - 1];
    for (size_t i = 0; i < HULL_GENES; i++) many[i] = HULL_VALUES;
    qea_search_config config = {.num_genes = HULL_GENES,
                                .gene_sizes = many,
                                .num_objectives = num_objectives,
                                .population_size = population,
                                .num_random = population > HULL_GENES + 1 ? population : HULL_GENES + 1,
                                .num_generations = 1,
                                .seed = 1,
                                .user = s,
                                .known = costs_known ? write_costs : NULL,
                                .sensitivity = true};
    qea_search *search;
    qea_ask what;
    uint64_t trial;
    must(qea_search_create(NULL, &config, &search));
    for (;;) {
        double f[3];
        must(qea_search_ask(NULL, search, &what, &trial, genome));
        if (what != QEA_ASK_TRIAL) break;
        if (qea_search_origin(search) == QEA_ORIGIN_SEED) memcpy(seeds[count++], genome, sizeof genome);
        sum_up(s, genome, f);
        f[1] += noise * normal(&stream) + (trial == 1 ? s->error_of_base : 0);
        must(qea_search_tell(NULL, search, trial, trial == failed ? NULL : f, 0));
    }
    assert_int_equal(what, QEA_ASK_DONE);
    qea_search_destroy(search);
    return count;
}

enum { STEPS = HULL_GENES * (HULL_VALUES - 1), ALL_SEEDS = 100 };

static void check_hull(bool even_costs, bool costs_known) {
    static double hull[MOST_COST];
    static uint16_t seeds[ALL_SEEDS][HULL_GENES];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        sums s = make_sums(seed, even_costs);
        exact_hull(&s, false, hull);
        size_t count = ask_seeds(&s, 2, costs_known, ALL_SEEDS, 0, 0, seeds);
        assert_true(count <= STEPS && (even_costs ? count + 3 >= STEPS : count >= STEPS / 2));
        for (size_t k = 0; k < count; k++) assert_true(is_on_hull(&s, seeds[k], false, hull));
    }
}

static void seeds_lie_on_the_lower_hull_of_the_exact_front(void **state) {
    (void)state;
    check_hull(false, true); /* uneven costs: steps pass over values that are no corners */
    check_hull(true, true);
    check_hull(true, false); /* costs that nobody tells are added up from the probes */
}

static void a_gene_whose_probe_failed_needs_what_the_others_need(void **state) {
    (void)state;
    static double hull[MOST_COST];
    static uint16_t seeds[ALL_SEEDS][HULL_GENES];
    for (uint64_t failed = 2; failed <= HULL_GENES + 1; failed++) {
        sums s = make_sums(failed, false);
        for (size_t i = 0; i < HULL_GENES; i++) s.need[i] = 7;
        exact_hull(&s, false, hull);
        size_t count = ask_seeds(&s, 2, true, ALL_SEEDS, failed, 0, seeds);
        assert_true(count >= STEPS / 2);
        for (size_t k = 0; k < count; k++) assert_true(is_on_hull(&s, seeds[k], false, hull));
    }
}

/* Genes that need the same: what tells their probes apart is noise. Were it believed, the seeds would be above the hull
 * by 0.069 of its height on average, measured without; were nothing but the mean believed, by 0. */
static void noise_is_taken_out_of_the_differences_between_the_genes(void **state) {
    (void)state;
    static double hull[MOST_COST];
    static uint16_t seeds[ALL_SEEDS][HULL_GENES];
    double above = 0;
    size_t all = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        sums s = make_sums(seed, false);
        for (size_t i = 0; i < HULL_GENES; i++) s.need[i] = 7;
        exact_hull(&s, false, hull);
        size_t count = ask_seeds(&s, 2, true, ALL_SEEDS, 0, 7, seeds);
        for (size_t k = 0; k < count; k++) {
            double f[3];
            sum_up(&s, seeds[k], f);
            above += (f[1] - hull[(size_t)f[0]]) / (7 * HULL_GENES);
        }
        all += count;
    }
    print_message("seeds are above the hull by %.4f of its height\n", above / (double)all);
    assert_true(above / (double)all <= 0.06);
}

/* By its probes alone that problem's objective 1 would gain by lower values. */
static void a_base_that_looks_worse_than_every_probe_leads_to_seeds_all_the_same(void **state) {
    (void)state;
    uint16_t seeds[ALL_SEEDS][HULL_GENES];
    for (uint64_t seed = 1; seed <= 10; seed++) {
        sums s = make_sums(seed, false);
        s.error_of_base = 30; /* needs are at most e^3 */
        assert_true(ask_seeds(&s, 2, true, ALL_SEEDS, 0, 0, seeds) >= STEPS / 2);
        assert_true(ask_seeds(&s, 2, false, ALL_SEEDS, 0, 0, seeds) >= STEPS / 2);
    }
}

static void seeds_are_evenly_spread_over_the_descent_and_end_with_the_cheapest(void **state) {
    (void)state;
    uint16_t all[ALL_SEEDS][HULL_GENES], few[ALL_SEEDS][HULL_GENES];
    sums s = make_sums(3, true);
    size_t count = ask_seeds(&s, 2, true, ALL_SEEDS, 0, 0, all), wanted = 5;
    assert_int_equal(ask_seeds(&s, 2, true, wanted, 0, 0, few), wanted);
    for (size_t k = 0, at = 0; k < wanted; k++) {
        size_t from = at;
        while (at < count && memcmp(all[at], few[k], sizeof few[k]) != 0) at++;
        assert_in_range(at + 1 - from, count / wanted, count / wanted + 2);
        at++;
    }
    for (size_t i = 0; i < HULL_GENES; i++) assert_int_equal(few[wanted - 1][i], 0);
}

static void each_cost_has_a_descent_of_its_own(void **state) {
    (void)state;
    enum { WANTED = 20 };
    static double first[MOST_COST], second[MOST_COST];
    uint16_t seeds[WANTED][HULL_GENES];
    for (uint64_t seed = 1; seed <= 10; seed++) {
        size_t on_first = 0, on_second = 0;
        sums s = make_sums(seed, false);
        exact_hull(&s, false, first);
        exact_hull(&s, true, second);
        size_t count = ask_seeds(&s, 3, true, WANTED, 0, 0, seeds);
        for (size_t k = 0; k < count; k++) {
            bool on[2] = {is_on_hull(&s, seeds[k], false, first), is_on_hull(&s, seeds[k], true, second)};
            assert_true(on[0] || on[1]);
            on_first += on[0];
            on_second += on[1];
        }
        assert_true(on_first + 2 >= WANTED / 2 && on_second + 2 >= WANTED / 2);
    }
}

static void genes_of_thousands_of_values_go_down_in_sixteen_levels(void **state) {
    (void)state;
    const uint16_t many[3] = {65535, 2, 1000};
    qea_search_config config = {.num_genes = 3,
                                .gene_sizes = many,
                                .num_objectives = 2,
                                .population_size = 100,
                                .num_random = 100,
                                .num_generations = 1,
                                .seed = 1,
                                .sensitivity = true};
    qea_search *search;
    qea_ask what;
    uint64_t trial;
    uint16_t genome[3];
    size_t seeds = 0;
    must(qea_search_create(NULL, &config, &search));
    for (;;) {
        must(qea_search_ask(NULL, search, &what, &trial, genome));
        if (what != QEA_ASK_TRIAL) break;
        double f[2] = {genome[0] + 100.0 * genome[1] + genome[2], 1e5 - genome[0] - genome[1] - genome[2]};
        must(qea_search_tell(NULL, search, trial, f, 0));
        if (qea_search_origin(search) != QEA_ORIGIN_SEED) continue;
        bool found = false;
        for (size_t level = 0; level < 16; level++) found = found || genome[0] == level * 65534 / 15;
        assert_true(found);
        seeds++;
    }
    assert_int_equal(seeds, 15 + 1 + 15);
    qea_search_destroy(search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_come_first_then_the_given_then_random_ones_then_seeds_and_children),
        cmocka_unit_test(probes_that_do_not_fit_head_the_next_generations),
        cmocka_unit_test(nothing_depends_on_the_order_of_telling_with_failures_limits_and_screening),
        cmocka_unit_test(genes_that_a_limit_does_not_concern_stay_high_in_the_base),
        cmocka_unit_test(a_base_that_fails_leaves_no_seeds_and_the_budget_as_it_was),
        cmocka_unit_test(a_small_space_is_exhausted_with_probes_and_seeds_too),
        cmocka_unit_test(seeds_lie_on_the_lower_hull_of_the_exact_front),
        cmocka_unit_test(a_gene_whose_probe_failed_needs_what_the_others_need),
        cmocka_unit_test(noise_is_taken_out_of_the_differences_between_the_genes),
        cmocka_unit_test(a_base_that_looks_worse_than_every_probe_leads_to_seeds_all_the_same),
        cmocka_unit_test(seeds_are_evenly_spread_over_the_descent_and_end_with_the_cheapest),
        cmocka_unit_test(each_cost_has_a_descent_of_its_own),
        cmocka_unit_test(genes_of_thousands_of_values_go_down_in_sixteen_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
