/* Survival selection on DTLZ2, against the published quality (Deb & Jain, part I, table III). */
#include "dtlz.h"

static void dtlz2_with_3_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){2, 3, 12, 0, 92, 250}, 2.0e-3);
}

static void dtlz2_with_5_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){2, 5, 6, 0, 212, 350}, 6.0e-3);
}

static void dtlz2_with_8_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){2, 8, 3, 2, 156, 500}, 1.85e-2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtlz2_with_3_objectives_reaches_the_published_igd),
        cmocka_unit_test(dtlz2_with_5_objectives_reaches_the_published_igd),
        cmocka_unit_test(dtlz2_with_8_objectives_reaches_the_published_igd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
