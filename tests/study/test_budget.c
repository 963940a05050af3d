/* Durations, and the number of trials that budgets allow. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/budget.h"

static void durations_are_read_with_units_or_as_seconds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {{"90", 90},     {"0", 0},        {"2h", 7200}, {"90m", 5400},   {"1h30m", 5400},
                 {"1.5h", 5400}, {"1d2s", 86402}, {"45s", 45},  {"0.25s", 0.25}, {"1d1h1m1s", 90061}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double seconds = -1;
        assert_true(qea_duration_parse(cases[i].text, &seconds));
        assert_float_equal(seconds, cases[i].seconds, 1e-9);
    }
}

static void what_is_no_duration_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"",     "h",     "2x",   "-3",   "30m1h",
                                        "1h1h", "2 h",   "1h30", "nan",  "inf",
                                        ".h",   "1..2h", "2h ",  "1e3h", "1111111111111111111111111111111111h"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double seconds;
        if (qea_duration_parse(cases[i], &seconds)) fail_msg("'%s' was read as %g s", cases[i], seconds);
    }
}

static void a_duration_is_told_in_the_largest_units(void **state) {
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0s"},       {0.26, "0.3s"},      {59.99, "1m"},       {7200, "2h"},
                 {5400, "1h30m"}, {90061, "1d1h1m1s"}, {86400.5, "1d0.5s"}, {-3, "0s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[48];
        assert_string_equal(qea_duration_format(cases[i].seconds, text), cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_with_units_or_as_seconds),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(a_duration_is_told_in_the_largest_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
