/* Survival selection on DTLZ1, against the published quality (Deb & Jain, part I, table III). */
#include "dtlz.h"

static void dtlz1_with_3_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){1, 3, 12, 0, 92, 400}, 4e-3);
}

static void dtlz1_with_5_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){1, 5, 6, 0, 212, 600}, 2e-3);
}

static void dtlz1_with_8_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){1, 8, 3, 2, 156, 750}, 8e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtlz1_with_3_objectives_reaches_the_published_igd),
        cmocka_unit_test(dtlz1_with_5_objectives_reaches_the_published_igd),
        cmocka_unit_test(dtlz1_with_8_objectives_reaches_the_published_igd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
