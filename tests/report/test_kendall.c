/* Kendall's tau-b: values worked out by hand, ties, a count over all pairs written another way, chance. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "report/kendall.h"

static void assert_near(double found, double expected) {
    if (!(fabs(found - expected) < 1e-12)) fail_msg("found %.17g, expected %.17g", found, expected);
}

static void orders_that_agree_are_one_and_reversed_ones_minus_one(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4, 5}, up[] = {0.1, 0.2, 7, 8, 900}, down[] = {5, 4, 3, 2, -1e9};
    assert_near(qea_kendall_tau(x, up, 5), 1);
    assert_near(qea_kendall_tau(x, down, 5), -1);
    assert_near(qea_kendall_tau(x, up, 2), 1);
}

/* 3 1 2 4: of 6 pairs (3,1) and (3,2) are in opposite order: (4 - 2)/6. */
static void one_in_the_wrong_place_is_counted_by_hand(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4}, y[] = {3, 1, 2, 4};
    assert_near(qea_kendall_tau(x, y, 4), 1.0 / 3);
}

/* x 1 2 2 3, y 1 3 2 3: of 6 pairs (1,2) (1,3) (1,4) (3,4) agree, (2,3) is equal in x, (2,4) in y:
 * 4 / sqrt((6 - 1)(6 - 1)). With y 1 2 2 3 both are equal in the same place: 5/5. */
static void ties_count_as_in_tau_b(void **state) {
    (void)state;
    const double x[] = {1, 2, 2, 3}, y[] = {1, 3, 2, 3};
    assert_near(qea_kendall_tau(x, y, 4), 4.0 / 5);
    assert_near(qea_kendall_tau(x, x, 4), 1);
    const double two[] = {0, 0, 1, 1}, all[] = {1, 2, 3, 4}; /* 4 agree, 2 equal in one: 4/sqrt(4*6) */
    assert_near(qea_kendall_tau(two, all, 4), 4 / sqrt(24));
}

static void what_has_no_order_has_no_tau(void **state) {
    (void)state;
    const double x[] = {1, 2, 3}, same[] = {5, 5, 5}, hole[] = {1, (double)NAN, 3};
    assert_true(isnan(qea_kendall_tau(x, same, 3)));
    assert_true(isnan(qea_kendall_tau(same, x, 3)));
    assert_true(isnan(qea_kendall_tau(x, hole, 3)));
    assert_true(isnan(qea_kendall_tau(x, x, 1)));
    assert_true(isnan(qea_kendall_tau(x, x, 0)));
    const size_t ends[] = {1, 3};
    const double last_same[] = {9, 5, 5};
    assert_true(isnan(qea_kendall_mean(x, last_same, ends, 2)));
    assert_true(isnan(qea_kendall_chance(x, last_same, ends, 2)));
}

/* Another form of the same: the correlation of the signs of all differences, each pair twice. */
static double correlation_of_signs(const double *x, const double *y, size_t n) {
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double a = x[i] == x[j] ? 0 : copysign(1, x[i] - x[j]), b = y[i] == y[j] ? 0 : copysign(1, y[i] - y[j]);
            xy += a * b;
            xx += a * a;
            yy += b * b;
        }
    return xy / sqrt(xx * yy);
}

static void random_pairs_with_many_ties_match_the_correlation_of_signs(void **state) {
    (void)state;
    double x[40], y[40];
    for (uint32_t k = 0; k < 200; k++) {
        qea_rng rng = qea_rng_make(7, QEA_RNG_TEST, k, 0);
        size_t n = 2 + k % 39;
        for (size_t i = 0; i < n; i++) {
            x[i] = qea_rng_below(&rng, 2 * i, 3 + k % 20);
            y[i] = x[i] / 2 + qea_rng_below(&rng, 2 * i + 1, 5);
        }
        double expected = correlation_of_signs(x, y, n), found = qea_kendall_tau(x, y, n);
        if (isnan(expected))
            assert_true(isnan(found));
        else
            assert_near(found, expected);
    }
}

static void groups_are_taken_one_by_one_and_those_without_an_order_left_out(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4, 1, 2, 8, 8, 8}, y[] = {3, 1, 2, 4, 2, 1, 1, 2, 3};
    const size_t ends[] = {4, 6, 9};
    assert_near(qea_kendall_mean(x, y, ends, 1), 1.0 / 3);
    assert_near(qea_kendall_mean(x, y, ends, 2), (1.0 / 3 - 1) / 2);
    assert_near(qea_kendall_mean(x, y, ends, 3), (1.0 / 3 - 1) / 2);
}

/* Of the 24 orders of four 1, 3, 5, 6, 5, 3, 1 have 0, 1, 2, ... pairs in opposite order, tau 1, 2/3, 1/3, ... Two
 * groups of four, both in order: 1/576. */
static void chance_is_that_of_all_orders(void **state) {
    (void)state;
    static const double x[] = {1, 2, 3, 4, 1, 2, 3, 4};
    static const struct {
        double y[4], chance;
    } cases[] = {
        {{1, 2, 3, 4}, 1.0 / 24},
        {{2, 1, 3, 4}, 4.0 / 24},
        {{3, 1, 2, 4}, 9.0 / 24},
        {{4, 3, 2, 1}, 1},
    };
    const size_t ends[] = {4, 8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double p = cases[i].chance, found = qea_kendall_chance(x, cases[i].y, ends, 1);
        double deviation = sqrt(p * (1 - p) / QEA_KENDALL_ORDERS) + 1.0 / QEA_KENDALL_ORDERS;
        if (!(fabs(found - p) < 4 * deviation)) fail_msg("found %g, expected %g", found, p);
    }
    double both = qea_kendall_chance(x, x, ends, 2);
    if (!(both > 0.0005 && both < 0.0035)) fail_msg("found %g, expected %g", both, 1.0 / 576);
    assert_true(both == qea_kendall_chance(x, x, ends, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_that_agree_are_one_and_reversed_ones_minus_one),
        cmocka_unit_test(one_in_the_wrong_place_is_counted_by_hand),
        cmocka_unit_test(ties_count_as_in_tau_b),
        cmocka_unit_test(what_has_no_order_has_no_tau),
        cmocka_unit_test(random_pairs_with_many_ties_match_the_correlation_of_signs),
        cmocka_unit_test(groups_are_taken_one_by_one_and_those_without_an_order_left_out),
        cmocka_unit_test(chance_is_that_of_all_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
