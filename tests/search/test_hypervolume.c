/* The hypervolume against inclusion and exclusion over all subsets of the points, and against analytic values. */
#include <math.h>

#include "check.h"

static double volume_of(const double *points, size_t count, size_t m, const double *reference) {
    double volume;
    must(qea_hypervolume(NULL, points, count, m, reference, &volume));
    return volume;
}

/* Sum over the non-empty subsets of (-1)^(size+1) times the box that all of the subset cover. */
static double by_inclusion_exclusion(const double *points, size_t count, size_t m, const double *reference) {
    double total = 0;
    for (uint32_t subset = 1; subset < 1u << count; subset++) {
        double box = -1;
        for (size_t k = 0; k < count; k++) box *= subset >> k & 1 ? -1 : 1;
        for (size_t i = 0; i < m; i++) {
            double worst = -HUGE_VAL;
            for (size_t k = 0; k < count; k++) {
                if (subset >> k & 1) worst = fmax(worst, points[k * m + i]);
            }
            box *= fmax(0, reference[i] - worst);
        }
        total += box;
    }
    return total;
}

static void agrees_with_inclusion_and_exclusion(void **state) {
    (void)state;
    const double reference[5] = {0.9, 1, 0.8, 1.1, 0.95};
    uint64_t rng = 3;
    for (size_t m = 1; m <= 5; m++) {
        for (int round = 0; round < 40; round++) {
            double points[10 * 5];
            size_t count = 1 + test_below(&rng, 10);
            /* few levels, so that there are equal and dominated points, and some outside the box */
            for (size_t k = 0; k < count * m; k++)
                points[k] = round % 2 == 0 ? test_uniform(&rng) : (double)test_below(&rng, 5) / 4;
            assert_float_equal(volume_of(points, count, m, reference),
                               by_inclusion_exclusion(points, count, m, reference), 1e-12);
        }
    }
}

static void points_one_by_one_have_the_volume_of_all_together(void **state) {
    (void)state;
    const double reference[4] = {0.9, 1, 0.8, 1.1};
    uint64_t rng = 5;
    for (size_t m = 1; m <= 4; m++) {
        for (int round = 0; round < 20; round++) {
            double points[60 * 4];
            qea_volume *volume;
            must(qea_volume_create(NULL, m, reference, &volume));
            assert_true(qea_volume_value(volume) == 0);
            for (size_t k = 0; k < 60; k++) {
                double before = qea_volume_value(volume);
                for (size_t i = 0; i < m; i++)
                    points[k * m + i] = round % 2 == 0 ? test_uniform(&rng) : (double)test_below(&rng, 5) / 4;
                must(qea_volume_add(NULL, volume, points + k * m));
                assert_true(qea_volume_value(volume) >= before);
                assert_float_equal(qea_volume_value(volume), volume_of(points, k + 1, m, reference), 1e-12);
            }
            qea_volume_destroy(volume);
        }
    }
}

static void a_point_that_is_not_finite_is_refused_and_changes_nothing(void **state) {
    (void)state;
    const double reference[2] = {1, 1}, good[2] = {0.5, 0.5}, bad[2] = {0.1, NAN};
    qea_volume *volume;
    assert_int_equal(qea_volume_create(NULL, 0, reference, &volume), QEA_ERR_CONFIG);
    must(qea_volume_create(NULL, 2, reference, &volume));
    must(qea_volume_add(NULL, volume, good));
    assert_int_equal(qea_volume_add(NULL, volume, bad), QEA_ERR_CONFIG);
    assert_true(qea_volume_value(volume) == 0.25);
    qea_volume_destroy(volume);
}

static void a_staircase_has_the_area_below_it(void **state) {
    (void)state;
    enum { STEPS = 500 };
    static double points[STEPS][2];
    const double reference[2] = {STEPS, STEPS};
    for (int k = 0; k < STEPS; k++) {
        points[k][0] = k;
        points[k][1] = STEPS - 1 - k;
    }
    assert_float_equal(volume_of(points[0], STEPS, 2, reference), STEPS * (STEPS + 1) / 2, 0);
}

static void points_outside_and_no_points_add_nothing(void **state) {
    (void)state;
    const double reference[2] = {1, 1}, outside[] = {2, 0, 0, 1, 0.5, 0.5};
    assert_float_equal(volume_of(outside, 2, 2, reference), 0, 0);
    assert_float_equal(volume_of(outside, 3, 2, reference), 0.25, 0);
    assert_float_equal(volume_of(NULL, 0, 2, reference), 0, 0);
}

static void numbers_that_are_not_finite_are_refused(void **state) {
    (void)state;
    const double reference[2] = {1, 1}, bad_reference[2] = {1, HUGE_VAL}, bad[] = {0, NAN}, good[] = {0, 0};
    double volume;
    assert_int_equal(qea_hypervolume(NULL, bad, 1, 2, reference, &volume), QEA_ERR_CONFIG);
    assert_int_equal(qea_hypervolume(NULL, good, 1, 2, bad_reference, &volume), QEA_ERR_CONFIG);
    assert_int_equal(qea_hypervolume(NULL, good, 1, 0, reference, &volume), QEA_ERR_CONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_inclusion_and_exclusion),
        cmocka_unit_test(points_one_by_one_have_the_volume_of_all_together),
        cmocka_unit_test(a_point_that_is_not_finite_is_refused_and_changes_nothing),
        cmocka_unit_test(a_staircase_has_the_area_below_it),
        cmocka_unit_test(points_outside_and_no_points_add_nothing),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
