/* The parts of survival selection one by one: ideal and extreme points, the hyperplane, niches. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "search/parts.h"

static const size_t in_order[] = {0, 1, 2, 3, 4, 5, 6, 7};

static void normalise(qea_frame *frame, const double *f, size_t count, size_t front, double *normalised) {
    must(qea_frame_normalise(NULL, frame, f, in_order, count, front, normalised));
}

static void the_hyperplane_is_laid_through_translated_extreme_points(void **state) {
    (void)state;
    /* From the ideal point (100, -20, 3) the extremes are (6,1,1), (1,6,1), (1,1,6): x + y + z = 8, while the worst
     * is 6. */
    const double f[6][3] = {{106, -19, 4}, {101, -14, 4}, {101, -19, 9}, {100, -17, 6}, {103, -20, 6}, {103, -17, 3}};
    double normalised[6][3];
    qea_frame frame;
    must(qea_frame_create(NULL, 3, &frame));
    normalise(&frame, f[0], 6, 6, normalised[0]);
    for (size_t k = 0; k < 6; k++) {
        const double ideal[3] = {100, -20, 3};
        for (size_t i = 0; i < 3; i++) assert_float_equal(normalised[k][i], (f[k][i] - ideal[i]) / 8, 1e-14);
    }
    qea_frame_clear(&frame);
}

static void ideal_and_extreme_points_are_remembered(void **state) {
    (void)state;
    const double first[2][2] = {{0, 8}, {8, 0}}, second[2][2] = {{1, 3}, {3, 1}};
    double normalised[2][2];
    qea_frame frame;
    must(qea_frame_create(NULL, 2, &frame));
    normalise(&frame, first[0], 2, 2, normalised[0]);
    normalise(&frame, second[0], 2, 2, normalised[0]);
    const double ideal[2] = {0, 0}, extremes[4] = {8, 0, 0, 8};
    assert_memory_equal(frame.ideal, ideal, sizeof ideal);
    assert_memory_equal(frame.extremes, extremes, sizeof extremes);
    assert_float_equal(normalised[0][0], 1.0 / 8, 1e-15);
    assert_float_equal(normalised[0][1], 3.0 / 8, 1e-15);
    qea_frame_clear(&frame);
}

static void remembered_extreme_points_give_way_to_better_ones(void **state) {
    (void)state;
    const double first[2][2] = {{0, 8}, {8, 0}}, second[2][2] = {{0, 5}, {6, 0}}, extremes[4] = {6, 0, 0, 5};
    double normalised[2][2];
    qea_frame frame;
    must(qea_frame_create(NULL, 2, &frame));
    normalise(&frame, first[0], 2, 2, normalised[0]);
    normalise(&frame, second[0], 2, 2, normalised[0]);
    assert_memory_equal(frame.extremes, extremes, sizeof extremes);
    qea_frame_clear(&frame);
}

static void lengths_below_a_thousandth_of_the_range_count_as_zero(void **state) {
    (void)state;
    for (int e = -40; e <= 40; e += 20) {
        const double unit = ldexp(1, e);
        /* (99, 0.5) counts as (99, 0): a better extreme point of the first axis than (100, 0); (98, 2) does not */
        const double f[4][2] = {{100, 0}, {99, 0.5 * unit}, {98, 2 * unit}, {0, 1000 * unit}};
        double normalised[4][2];
        qea_frame frame;
        must(qea_frame_create(NULL, 2, &frame));
        normalise(&frame, f[0], 4, 4, normalised[0]);
        assert_memory_equal(frame.extremes, f[1], sizeof f[1]);
        qea_frame_clear(&frame);
    }
}

static void without_a_plane_the_worst_of_the_first_front_is_one(void **state) {
    (void)state;
    /* on a line: all three extreme points are its two ends */
    const double line[4][3] = {{0, 4, 8}, {1, 2, 4}, {1.5, 1, 2}, {2, 0, 0}};
    /* the plane through the first three, 2.5 z - 1.25 (x + y) = 10, meets the first two axes below 0 */
    const double negative[4][3] = {{10, 0, 9}, {0, 10, 9}, {6, 6, 10}, {9.5, 9.5, 0}};
    const double(*const fronts[2])[3] = {line, negative};
    for (size_t which = 0; which < 2; which++) {
        double normalised[4][3];
        qea_frame frame;
        must(qea_frame_create(NULL, 3, &frame));
        normalise(&frame, fronts[which][0], 4, 4, normalised[0]);
        for (size_t i = 0; i < 3; i++) {
            double worst = 0;
            for (size_t k = 0; k < 4; k++) worst = fmax(worst, normalised[k][i]);
            assert_float_equal(worst, 1, 0);
        }
        qea_frame_clear(&frame);
    }
}

static void a_flat_first_front_is_measured_by_the_worst_member(void **state) {
    (void)state;
    /* the first member dominates: its own range is zero in both objectives */
    const double f[3][2] = {{3, 7}, {5, 8}, {4, 11}}, expected[3][2] = {{0, 0}, {1, 0.25}, {0.5, 1}};
    double normalised[3][2];
    qea_frame frame;
    must(qea_frame_create(NULL, 2, &frame));
    normalise(&frame, f[0], 3, 1, normalised[0]);
    assert_memory_equal(normalised, expected, sizeof expected);
    qea_frame_clear(&frame);
}

static void a_system_is_solved_or_called_singular(void **state) {
    (void)state;
    double regular[9] = {0, 2, 0, 4, 0, 0, 1, 1, 8}, singular[4] = {1, 2, 2, 4}, broken[4] = {NAN, 1, 1, 1}, x[3];
    assert_true(qea_solve_ones(regular, 3, x));
    assert_float_equal(x[0], 0.25, 1e-15);
    assert_float_equal(x[1], 0.5, 1e-15);
    assert_float_equal(x[2], 0.03125, 1e-15);
    assert_false(qea_solve_ones(singular, 2, x));
    assert_false(qea_solve_ones(broken, 2, x));
}

/* Two lines, the axes. */
static void fill(const double *points, size_t count, size_t accepted, size_t keep, uint64_t seed, bool *picked) {
    const double axes[4] = {1, 0, 0, 1};
    qea_draws draws = qea_draws_make(seed, QEA_RNG_SEARCH_NICHE, 0, 0);
    must(qea_niche_fill(NULL, points, count, 2, axes, 2, accepted, keep, &draws, picked));
}

static void crowds_are_counted_over_the_accepted_fronts(void **state) {
    (void)state;
    const double points[5][2] = {{0.9, 0.1}, {0.8, 0}, {0.2, 1}, {0.7, 0}, {0.6, 0}};
    for (uint64_t seed = 0; seed < 30; seed++) {
        bool picked[5];
        fill(points[0], 5, 1, 2, seed, picked);
        assert_true(picked[0] && picked[2] && !picked[1] && !picked[3] && !picked[4]);
    }
}

static void an_empty_niche_takes_its_closest_member_and_a_crowded_one_any(void **state) {
    (void)state;
    const double points[4][2] = {{1, 0.3}, {1, 0.1}, {1, 0.2}, {1, 0.4}};
    size_t second[4] = {0};
    for (uint64_t seed = 0; seed < 300; seed++) {
        bool picked[4];
        fill(points[0], 4, 0, 1, seed, picked);
        assert_true(picked[1]);
        fill(points[0], 4, 0, 2, seed, picked);
        assert_true(picked[1]);
        for (size_t k = 0; k < 4; k++) second[k] += k != 1 && picked[k];
    }
    assert_true(second[0] > 60 && second[2] > 60 && second[3] > 60);
}

static void ties_between_niches_are_broken_at_random_and_empty_ones_left_out(void **state) {
    (void)state;
    const double points[3][2] = {{1, 0.1}, {0.1, 1}, {1, 0.2}};
    size_t first = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        bool picked[3];
        fill(points[0], 3, 0, 1, seed, picked);
        first += picked[0];
        assert_true(picked[0] != picked[1] && !picked[2]);
        fill(points[0], 3, 0, 3, seed, picked); /* the second axis runs dry */
        assert_true(picked[0] && picked[1] && picked[2]);
    }
    assert_in_range(first, 110, 190);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hyperplane_is_laid_through_translated_extreme_points),
        cmocka_unit_test(ideal_and_extreme_points_are_remembered),
        cmocka_unit_test(remembered_extreme_points_give_way_to_better_ones),
        cmocka_unit_test(lengths_below_a_thousandth_of_the_range_count_as_zero),
        cmocka_unit_test(without_a_plane_the_worst_of_the_first_front_is_one),
        cmocka_unit_test(a_flat_first_front_is_measured_by_the_worst_member),
        cmocka_unit_test(a_system_is_solved_or_called_singular),
        cmocka_unit_test(crowds_are_counted_over_the_accepted_fronts),
        cmocka_unit_test(an_empty_niche_takes_its_closest_member_and_a_crowded_one_any),
        cmocka_unit_test(ties_between_niches_are_broken_at_random_and_empty_ones_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
