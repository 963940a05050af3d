/* Survival selection on DTLZ3 (many local fronts) and DTLZ4 (a crowded front), against the published quality (Deb &
 * Jain, part I, table III). */
#include "dtlz.h"

static void dtlz3_with_3_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){3, 3, 12, 0, 92, 1000}, 8e-3);
}

static void dtlz4_with_3_objectives_reaches_the_published_igd(void **state) {
    (void)state;
    check_dtlz(&(dtlz_case){4, 3, 12, 0, 92, 600}, 1e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtlz3_with_3_objectives_reaches_the_published_igd),
        cmocka_unit_test(dtlz4_with_3_objectives_reaches_the_published_igd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
