/* Student's distribution against published tables, Welch's interval against an example computed by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/welch.h"

static void assert_near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) fail_msg("found %.9g, expected %.9g", found, expected);
}

/* The table of every textbook (Fisher & Yates, table III), two-sided 5 %; and t with two degrees in closed form. */
static void the_quantile_is_that_of_the_tables(void **state) {
    (void)state;
    static const double table[][2] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},
                                      {8, 2.306},  {10, 2.228}, {20, 2.086}, {30, 2.042}, {120, 1.980}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_near(qea_student_t95(table[i][0]), table[i][1], 0.0006);
    assert_near(qea_student_t95(2), 2 * 0.95 * sqrt(1 / (2 * (1 - 0.95 * 0.95))), 1e-6);
    assert_near(qea_student_t95(1), tan(0.95 * acos(0)), 1e-4);
    assert_near(qea_student_t95(1000), 1.962339, 1e-5);
}

/* Equal spreads and numbers have 2 n - 2 degrees of freedom; one without spread leaves the other's n - 1. */
static void the_interval_of_a_difference_is_welchs(void **state) {
    (void)state;
    const qea_report_spread a = {3, 0.92, 0.002}, b = {3, 0.91, 0.002}, still = {3, 0.9, 0};
    assert_near(qea_welch_half_width(a, b), 2.776445 * 0.002 * sqrt(2.0 / 3), 1e-8);
    assert_near(qea_welch_half_width(a, still), 4.302653 * 0.002 * sqrt(1.0 / 3), 1e-8);
    assert_near(qea_welch_half_width(still, a), qea_welch_half_width(a, still), 0);
    const qea_report_spread c = {5, 0.9,
                                 0.004}; /* u = 4/3, v = 16/5 millionths: f = 20.551 / (0.889 + 2.56) = 5.9588 */
    assert_near(qea_welch_half_width(a, c), qea_student_t95(5.95876) * sqrt(4.0 / 3 + 3.2) * 1e-3, 1e-8);
    assert_true(qea_welch_half_width(still, still) == 0);
}

static void single_trainings_have_no_interval(void **state) {
    (void)state;
    const qea_report_spread one = {1, 0.9, NAN}, three = {3, 0.9, 0.001};
    assert_true(isnan(qea_welch_half_width(one, three)));
    assert_true(isnan(qea_welch_half_width(three, one)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quantile_is_that_of_the_tables),
        cmocka_unit_test(the_interval_of_a_difference_is_welchs),
        cmocka_unit_test(single_trainings_have_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
