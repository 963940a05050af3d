/* Survival selection as a whole: domination, violations, invariances, degenerate fronts. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "search/parts.h"

enum { M = 3, MEMBERS = 60, KEEP = 30, GENERATIONS = 12 };

static qea_survival *make_survival(size_t m, size_t partitions, uint64_t seed) {
    double *points;
    size_t count;
    qea_survival *survival;
    must(qea_reference_points(NULL, m, partitions, 0, &points, &count));
    must(qea_survival_create(NULL, m, points, count, seed, &survival));
    qea_points_free(points);
    return survival;
}

static void domination_is_pareto_for_feasible_and_by_violation_else(void **state) {
    (void)state;
    const double low[2] = {1, 2}, high[2] = {1, 3}, other[2] = {0, 9};
    assert_int_equal(qea_dominates(low, 0, high, 0, 2), -1);
    assert_int_equal(qea_dominates(high, 0, low, 0, 2), 1);
    assert_int_equal(qea_dominates(low, 0, other, 0, 2), 0);
    assert_int_equal(qea_dominates(low, 0, low, 0, 2), 0);
    assert_int_equal(qea_dominates(low, 0.1, high, 0, 2), 1);
    assert_int_equal(qea_dominates(high, 0, low, 0.1, 2), -1);
    assert_int_equal(qea_dominates(high, 0.1, low, 0.2, 2), -1);
    assert_int_equal(qea_dominates(low, 0.2, high, 0.2, 2), 0);
}

/* Peels fronts by definition: a member is in front k if no member of fronts >= k dominates it. */
static void fronts_agree_with_peeling(void **state) {
    (void)state;
    uint64_t rng = 5;
    for (int round = 0; round < 100; round++) {
        double f[40 * 3];
        size_t members[40], starts[41], fronts, front_of[40], m = 1 + test_below(&rng, 3), left = 40;
        for (size_t k = 0; k < 40 * m; k++) f[k] = (double)test_below(&rng, 6);
        for (size_t k = 0; k < 40; k++) members[k] = k, front_of[k] = SIZE_MAX;
        for (size_t front = 0; left > 0; front++) {
            bool first[40];
            for (size_t a = 0; a < 40; a++) {
                first[a] = front_of[a] == SIZE_MAX;
                for (size_t b = 0; b < 40 && first[a]; b++)
                    first[a] = front_of[b] != SIZE_MAX || qea_dominates(f + b * m, 0, f + a * m, 0, m) != -1;
            }
            for (size_t a = 0; a < 40; a++) {
                if (first[a]) front_of[a] = front, left--;
            }
        }
        must(qea_fronts_sort(NULL, f, m, members, 40, 40, starts, &fronts));
        assert_int_equal(starts[fronts], 40);
        for (size_t k = 0; k < fronts; k++) {
            for (size_t i = starts[k]; i < starts[k + 1]; i++) {
                assert_int_equal(front_of[members[i]], k);
                assert_true(i == starts[k] || members[i - 1] < members[i]);
            }
        }
    }
}

/* A small evolution: survivors and moved copies of them, integer-valued; objective i is told as value * scale[i] +
 * shift[i]. chosen gets the survivors of every generation. */
static void evolve(const double *scale, const double *shift, uint64_t seed, size_t chosen[GENERATIONS][KEEP]) {
    qea_survival *survival = make_survival(M, 5, seed);
    double values[MEMBERS][M], told[MEMBERS][M], next[KEEP][M];
    uint64_t rng = 11;
    for (size_t k = 0; k < MEMBERS * M; k++) values[k / M][k % M] = (double)test_below(&rng, 1000);
    for (size_t g = 0; g < GENERATIONS; g++) {
        for (size_t k = 0; k < MEMBERS; k++) {
            for (size_t i = 0; i < M; i++) told[k][i] = values[k][i] * scale[i] + shift[i];
        }
        must(qea_survival_select(NULL, survival, g, told[0], NULL, MEMBERS, KEEP, chosen[g]));
        for (size_t k = 0; k < KEEP; k++) memcpy(next[k], values[chosen[g][k]], sizeof next[k]);
        memcpy(values, next, sizeof next);
        for (size_t k = KEEP; k < MEMBERS; k++) {
            for (size_t i = 0; i < M; i++)
                values[k][i] = fmax(0, values[k - KEEP][i] - 60 + (double)test_below(&rng, 110));
        }
    }
    qea_survival_destroy(survival);
}

static const double no_scale[M] = {1, 1, 1}, no_shift[M] = {0, 0, 0};

static void scaling_an_objective_by_a_power_of_two_changes_nothing(void **state) {
    (void)state;
    static size_t plain[GENERATIONS][KEEP], scaled[GENERATIONS][KEEP];
    const int exponents[] = {-60, -13, -1, 1, 9, 60, 900, -900};
    evolve(no_scale, no_shift, 1, plain);
    for (size_t i = 0; i < M; i++) {
        for (size_t e = 0; e < sizeof exponents / sizeof *exponents; e++) {
            double scale[M] = {1, 1, 1};
            scale[i] = ldexp(1, exponents[e]);
            evolve(scale, no_shift, 1, scaled);
            assert_memory_equal(plain, scaled, sizeof plain);
        }
    }
}

static void shifting_an_objective_exactly_changes_nothing(void **state) {
    (void)state;
    static size_t plain[GENERATIONS][KEEP], shifted[GENERATIONS][KEEP];
    const double shifts[] = {-1, 7, -500, 12345, -0x1p40, 0x1p51};
    evolve(no_scale, no_shift, 1, plain);
    for (size_t i = 0; i < M; i++) {
        for (size_t e = 0; e < sizeof shifts / sizeof *shifts; e++) {
            double shift[M] = {0, 0, 0};
            shift[i] = shifts[e];
            evolve(no_scale, shift, 1, shifted);
            assert_memory_equal(plain, shifted, sizeof plain);
        }
    }
}

static void equal_seeds_choose_equally_and_others_break_ties_otherwise(void **state) {
    (void)state;
    static size_t first[GENERATIONS][KEEP], again[GENERATIONS][KEEP], other[GENERATIONS][KEEP];
    evolve(no_scale, no_shift, 1, first);
    evolve(no_scale, no_shift, 1, again);
    evolve(no_scale, no_shift, 2, other);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

/* Distinct ascending indices below count. */
static void assert_choice(const size_t *chosen, size_t keep, size_t count) {
    for (size_t k = 0; k < keep; k++) {
        assert_true(chosen[k] < count);
        assert_true(k == 0 || chosen[k - 1] < chosen[k]);
    }
}

static void whole_fronts_go_first(void **state) {
    (void)state;
    const double f[8][2] = {{5, 5}, {0, 3}, {9, 9}, {3, 0}, {1, 4}, {1, 1}, {4, 1}, {6, 5}};
    size_t chosen[6];
    qea_survival *survival = make_survival(2, 3, 1);
    must(qea_survival_select(NULL, survival, 0, f[0], NULL, 8, 6, chosen));
    const size_t fronts[6] = {0, 1, 3, 4, 5, 6};
    assert_memory_equal(chosen, fronts, sizeof fronts);
    must(qea_survival_select(NULL, survival, 1, f[0], NULL, 8, 3, chosen));
    const size_t first[3] = {1, 3, 5};
    assert_memory_equal(chosen, first, sizeof first);
    qea_survival_destroy(survival);
}

static void infeasible_members_stand_behind_by_violation(void **state) {
    (void)state;
    const double f[5][2] = {{0, 0}, {9, 9}, {0, 0}, {5, 5}, {0, 0}}, violations[5] = {3, 0, 1, 0, 2};
    size_t chosen[4];
    qea_survival *survival = make_survival(2, 3, 1);
    must(qea_survival_select(NULL, survival, 0, f[0], violations, 5, 4, chosen));
    const size_t expected[4] = {1, 2, 3, 4};
    assert_memory_equal(chosen, expected, sizeof expected);
    must(qea_survival_select(NULL, survival, 1, f[0], violations, 5, 1, chosen));
    assert_int_equal(chosen[0], 3); /* dominates the other feasible one */
    qea_survival_destroy(survival);
}

static void equal_violations_are_cut_at_random(void **state) {
    (void)state;
    const double f[4] = {0, 0, 0, 0}, violations[4] = {1, 1, 1, 1};
    size_t chosen, seen[4] = {0};
    qea_survival *survival = make_survival(1, 1, 1);
    for (size_t g = 0; g < 200; g++) {
        must(qea_survival_select(NULL, survival, g, f, violations, 4, 1, &chosen));
        seen[chosen]++;
    }
    for (size_t k = 0; k < 4; k++) assert_true(seen[k] > 20);
    qea_survival_destroy(survival);
}

static void infeasible_members_do_not_shape_the_choice_among_feasible_ones(void **state) {
    (void)state;
    double f[MEMBERS][M], violations[MEMBERS] = {0};
    size_t without[KEEP / 3], with[KEEP / 3];
    uint64_t rng = 23;
    for (size_t k = 0; k < MEMBERS * M; k++) f[k / M][k % M] = test_uniform(&rng);
    for (size_t k = MEMBERS - 10; k < MEMBERS; k++) {
        violations[k] = 1;
        for (size_t i = 0; i < M; i++) f[k][i] = -1e9 * (test_uniform(&rng) + (double)i);
    }
    qea_survival *a = make_survival(M, 4, 1), *b = make_survival(M, 4, 1);
    for (size_t g = 0; g < 5; g++) {
        must(qea_survival_select(NULL, a, g, f[0], NULL, MEMBERS - 10, KEEP / 3, without));
        must(qea_survival_select(NULL, b, g, f[0], violations, MEMBERS, KEEP / 3, with));
        assert_memory_equal(without, with, sizeof with);
    }
    qea_survival_destroy(a);
    qea_survival_destroy(b);
}

/* What = 0 all equal, 1 one objective flat, 2 on a line in space, 3 doubles of few points, 4 huge, 5 tiny beside huge.
 */
static double degenerate_value(int what, size_t k, size_t i, uint64_t *rng) {
    switch (what) {
    case 0:
        return 4.5;
    case 1:
        return i == 1 ? -2 : (double)(i == 0 ? k : MEMBERS - k);
    case 2:
        return (i == 0 ? 1 : -1) * (double)k * (double)(i + 1);
    case 3:
        return (double)((k % 3 + i) % 3);
    case 4:
        return (test_uniform(rng) - 0.5) * 1.7e308 * 2;
    default:
        return test_uniform(rng) * (i == 0 ? 1e-310 : 1e300);
    }
}

static void degenerate_fronts_are_cut_without_harm(void **state) {
    (void)state;
    uint64_t rng = 31;
    for (int what = 0; what < 6; what++) {
        qea_survival *survival = make_survival(M, 4, 1);
        double f[MEMBERS][M];
        size_t chosen[MEMBERS];
        for (size_t k = 0; k < MEMBERS; k++) {
            for (size_t i = 0; i < M; i++) f[k][i] = degenerate_value(what, k, i, &rng);
        }
        for (size_t g = 0; g < 4; g++) {
            size_t keep = g == 3 ? MEMBERS : 7;
            must(qea_survival_select(NULL, survival, g, f[0], NULL, MEMBERS, keep, chosen));
            assert_choice(chosen, keep, MEMBERS);
        }
        must(qea_survival_select(NULL, survival, 4, f[0], NULL, 1, 1, chosen));
        assert_int_equal(chosen[0], 0);
        must(qea_survival_select(NULL, survival, 5, f[0], NULL, 0, 0, chosen));
        qea_survival_destroy(survival);
    }
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    const double zero[2] = {0, 0}, negative[2] = {1, -1}, bad[2] = {NAN, 0}, good[2] = {0, 0};
    const double bad_violation = NAN, negative_violation = -1;
    size_t chosen[2];
    qea_survival *survival;
    assert_int_equal(qea_survival_create(NULL, 2, zero, 1, 1, &survival), QEA_ERR_CONFIG);
    assert_int_equal(qea_survival_create(NULL, 2, negative, 1, 1, &survival), QEA_ERR_CONFIG);
    assert_int_equal(qea_survival_create(NULL, 2, bad, 1, 1, &survival), QEA_ERR_CONFIG);
    assert_int_equal(qea_survival_create(NULL, 0, good, 1, 1, &survival), QEA_ERR_CONFIG);
    assert_null(survival);
    survival = make_survival(2, 3, 1);
    assert_int_equal(qea_survival_select(NULL, survival, 0, bad, NULL, 1, 1, chosen), QEA_ERR_CONFIG);
    assert_int_equal(qea_survival_select(NULL, survival, 0, good, NULL, 1, 2, chosen), QEA_ERR_CONFIG);
    assert_int_equal(qea_survival_select(NULL, survival, 0, good, &bad_violation, 1, 1, chosen), QEA_ERR_CONFIG);
    assert_int_equal(qea_survival_select(NULL, survival, 0, good, &negative_violation, 1, 1, chosen), QEA_ERR_CONFIG);
    qea_survival_destroy(survival);
    qea_survival_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domination_is_pareto_for_feasible_and_by_violation_else),
        cmocka_unit_test(fronts_agree_with_peeling),
        cmocka_unit_test(scaling_an_objective_by_a_power_of_two_changes_nothing),
        cmocka_unit_test(shifting_an_objective_exactly_changes_nothing),
        cmocka_unit_test(equal_seeds_choose_equally_and_others_break_ties_otherwise),
        cmocka_unit_test(whole_fronts_go_first),
        cmocka_unit_test(infeasible_members_stand_behind_by_violation),
        cmocka_unit_test(equal_violations_are_cut_at_random),
        cmocka_unit_test(infeasible_members_do_not_shape_the_choice_among_feasible_ones),
        cmocka_unit_test(degenerate_fronts_are_cut_without_harm),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
