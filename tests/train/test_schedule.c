/* Learning rates at chosen steps, by hand. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "train/trainer.h"

static void expect(double rate, double expected) { assert_true(fabs(rate - expected) < 1e-12); }

static void constant_stays(void **state) {
    (void)state;
    qea_schedule_options s = {.kind = QEA_SCHEDULE_CONSTANT};
    expect(qea_schedule_lr(&s, 0.1, 7, 10, 3, 5), 0.1);
}

static void multistep_drops_from_each_milestone_on(void **state) {
    (void)state;
    qea_schedule_options s = {
        .kind = QEA_SCHEDULE_MULTISTEP, .num_milestones = 3, .milestones = {5, 10, 15}, .gamma = 0.1};
    expect(qea_schedule_lr(&s, 0.1, 0, 20, 0, 100), 0.1);
    expect(qea_schedule_lr(&s, 0.1, 4, 20, 99, 100), 0.1);
    expect(qea_schedule_lr(&s, 0.1, 5, 20, 0, 100), 0.01);
    expect(qea_schedule_lr(&s, 0.1, 10, 20, 0, 100), 0.001);
    expect(qea_schedule_lr(&s, 0.1, 19, 20, 0, 100), 0.0001);
}

static void cosine_goes_from_lr_to_its_end(void **state) {
    (void)state;
    qea_schedule_options s = {.kind = QEA_SCHEDULE_COSINE, .min_lr = 0.02};
    expect(qea_schedule_lr(&s, 0.1, 0, 10, 0, 4), 0.1);
    expect(qea_schedule_lr(&s, 0.1, 5, 10, 3, 4), 0.06); /* per epoch: the step does not count */
    s.per_step = true;
    expect(qea_schedule_lr(&s, 0.1, 5, 10, 2, 4), 0.02 + 0.04 * (1 + cos(3.14159265358979323846 * 0.55)));
    s.cosine_epochs = 4;
    expect(qea_schedule_lr(&s, 0.1, 2, 10, 0, 4), 0.06);
    expect(qea_schedule_lr(&s, 0.1, 4, 10, 0, 4), 0.02);
    expect(qea_schedule_lr(&s, 0.1, 7, 10, 0, 4), 0.02);
}

static void warmup_rises_linearly_to_the_schedule(void **state) {
    (void)state;
    qea_schedule_options s = {.kind = QEA_SCHEDULE_CONSTANT, .warmup_epochs = 1.5};
    expect(qea_schedule_lr(&s, 0.7, 0, 10, 0, 4), 0.1);
    expect(qea_schedule_lr(&s, 0.7, 0, 10, 3, 4), 0.4);
    expect(qea_schedule_lr(&s, 0.7, 1, 10, 1, 4), 0.6);
    expect(qea_schedule_lr(&s, 0.7, 1, 10, 2, 4), 0.7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_stays),
        cmocka_unit_test(multistep_drops_from_each_milestone_on),
        cmocka_unit_test(cosine_goes_from_lr_to_its_end),
        cmocka_unit_test(warmup_rises_linearly_to_the_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
