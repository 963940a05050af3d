/* The structured reference points. */
#include <math.h>

#include "check.h"
#include "search/parts.h"

static size_t count_points(size_t m, size_t outer, size_t inner) {
    double *points;
    size_t count;
    must(qea_reference_points(NULL, m, outer, inner, &points, &count));
    for (size_t k = 0; k < count; k++) {
        double sum = 0;
        for (size_t i = 0; i < m; i++) {
            assert_true(points[k * m + i] >= 0);
            sum += points[k * m + i];
        }
        assert_float_equal(sum, 1, 1e-12);
        for (size_t other = 0; other < k; other++)
            assert_memory_not_equal(points + k * m, points + other * m, m * sizeof *points);
    }
    qea_points_free(points);
    return count;
}

static void lattices_have_the_published_number_of_distinct_points_on_the_simplex(void **state) {
    (void)state;
    assert_int_equal(count_points(3, 12, 0), 91);
    assert_int_equal(count_points(5, 6, 0), 210);
    assert_int_equal(count_points(8, 3, 2), 156);
    assert_int_equal(count_points(10, 3, 2), 275);
    assert_int_equal(count_points(15, 2, 1), 135);
    assert_int_equal(count_points(2, 15, 0), 16);
    assert_int_equal(count_points(1, 4, 0), 1);
}

static void the_inner_layer_is_shrunk_to_the_middle(void **state) {
    (void)state;
    double *points;
    size_t count;
    must(qea_reference_points(NULL, 4, 1, 1, &points, &count));
    assert_int_equal(count, 8);
    for (size_t k = 4; k < 8; k++) {
        size_t corners = 0;
        for (size_t i = 0; i < 4; i++) {
            corners += points[k * 4 + i] == 0.625;
            assert_true(points[k * 4 + i] == 0.625 || points[k * 4 + i] == 0.125);
        }
        assert_int_equal(corners, 1);
    }
    qea_points_free(points);
}

static void impossible_lattices_are_refused(void **state) {
    (void)state;
    double *points;
    size_t count;
    assert_int_equal(qea_reference_points(NULL, 0, 1, 0, &points, &count), QEA_ERR_CONFIG);
    assert_int_equal(qea_reference_points(NULL, 3, 0, 0, &points, &count), QEA_ERR_CONFIG);
    assert_int_equal(qea_reference_points(NULL, 60, 60, 0, &points, &count), QEA_ERR_CONFIG);
    assert_int_equal(qea_reference_points(NULL, 3, 4, SIZE_MAX, &points, &count), QEA_ERR_CONFIG);
    assert_null(points);
}

static size_t chosen_count(size_t m, size_t population) {
    size_t outer, inner;
    qea_reference_choose(m, population, &outer, &inner);
    return count_points(m, outer, inner);
}

static void the_search_takes_the_largest_lattice_that_the_population_fills(void **state) {
    (void)state;
    assert_int_equal(chosen_count(2, 16), 16);
    assert_int_equal(chosen_count(3, 92), 91);
    assert_int_equal(chosen_count(3, 16), 15);
    assert_int_equal(chosen_count(5, 212), 210);
    assert_int_equal(chosen_count(8, 156), 156); /* 3 + 2 partitions */
    assert_int_equal(chosen_count(1, 20), 1);
    assert_int_equal(chosen_count(6, 3), 6); /* never fewer than the corners */
    for (size_t m = 1; m <= 8; m++) {
        for (size_t population = m; population < 60; population++)
            assert_true(chosen_count(m, population) <= population);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lattices_have_the_published_number_of_distinct_points_on_the_simplex),
        cmocka_unit_test(the_inner_layer_is_shrunk_to_the_middle),
        cmocka_unit_test(impossible_lattices_are_refused),
        cmocka_unit_test(the_search_takes_the_largest_lattice_that_the_population_fills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
