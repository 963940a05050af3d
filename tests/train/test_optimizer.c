/* Steps of the optimisers against their formulas worked out by hand, and against values that PyTorch 1.13 printed. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "train/optimizer.h"

static float value[2], grad[2], fixed[1] = {5};
static qea_param params[2] = {{.name = (char[]){"w"},
                               .value = value,
                               .grad = grad,
                               .count = 2,
                               .rank = 1,
                               .dims = {2},
                               .trained = true,
                               .decay = true},
                              {.name = (char[]){"running_mean"}, .value = fixed, .count = 1, .rank = 1, .dims = {1}}};
static const qea_model model = {.params = params, .num_params = 2};

/* Three steps from w = (1, -2) with gradients (0.5, 0.25), (-0.1, 0.3), (0.2, -0.4). */
static void three_steps(const qea_optimizer_options *o) {
    static const float grads[3][2] = {{0.5F, 0.25F}, {-0.1F, 0.3F}, {0.2F, -0.4F}};
    qea_optimizer_state state;
    assert_int_equal(qea_optimizer_create(NULL, o, &model, &state), QEA_OK);
    value[0] = 1;
    value[1] = -2;
    for (int i = 0; i < 3; i++) {
        memcpy(grad, grads[i], sizeof grad);
        qea_optimizer_step(&state, o, o->lr);
    }
    assert_true(state.steps == 3);
    assert_true(fixed[0] == 5); /* running statistics are not trained */
    qea_optimizer_free(&state);
}

static void expect(double a, double b) {
    assert_true(fabs((double)value[0] - a) < 2e-6);
    assert_true(fabs((double)value[1] - b) < 2e-6);
}

static void sgd_without_momentum_is_gradient_descent(void **state) {
    (void)state;
    three_steps(&(qea_optimizer_options){.kind = QEA_SGD, .lr = 0.1});
    expect(1 - 0.1 * (0.5 - 0.1 + 0.2), -2 - 0.1 * (0.25 + 0.3 - 0.4));
}

static void sgd_with_momentum_and_decay_follows_the_formula(void **state) {
    (void)state;
    const double g[3][2] = {{0.5, 0.25}, {-0.1, 0.3}, {0.2, -0.4}};
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        three_steps(&(qea_optimizer_options){
            .kind = QEA_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = nesterov});
        double w[2] = {1, -2};
        for (int j = 0; j < 2; j++) {
            double v = 0;
            for (int i = 0; i < 3; i++) {
                double d = g[i][j] + 0.01 * w[j];
                v = i == 0 ? d : 0.9 * v + d;
                w[j] -= 0.1 * (nesterov ? d + 0.9 * v : v);
            }
        }
        expect(w[0], w[1]);
    }
}

static void sgd_equals_pytorch(void **state) {
    (void)state;
    qea_optimizer_options o = {.kind = QEA_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01};
    three_steps(&o);
    expect(0.858074725, -2.07341456);
    o.nesterov = true;
    three_steps(&o);
    expect(0.80959332, -2.07483935);
}

static void adam_equals_pytorch(void **state) {
    (void)state;
    three_steps(&(qea_optimizer_options){
        .kind = QEA_ADAM, .lr = 0.01, .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8});
    expect(0.975837052, -2.01473236);
    three_steps(&(qea_optimizer_options){.kind = QEA_ADAM, .lr = 0.05, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3});
    expect(0.897835255, -2.09980202);
}

static void adamw_equals_pytorch(void **state) {
    (void)state;
    three_steps(&(qea_optimizer_options){
        .kind = QEA_ADAMW, .lr = 0.01, .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8});
    expect(0.975906312, -2.01481104);
}

static void parameters_without_decay_do_not_shrink(void **state) {
    (void)state;
    params[0].decay = false;
    three_steps(&(qea_optimizer_options){.kind = QEA_SGD, .lr = 0.1, .weight_decay = 0.5});
    params[0].decay = true;
    expect(1 - 0.1 * (0.5 - 0.1 + 0.2), -2 - 0.1 * (0.25 + 0.3 - 0.4));
}

static void clipping_scales_to_the_largest_norm(void **state) {
    (void)state;
    grad[0] = 3;
    grad[1] = 4;
    assert_true(fabs(qea_clip_gradients(&model, 10) - 5) < 1e-12);
    assert_true(grad[0] == 3 && grad[1] == 4);
    qea_clip_gradients(&model, 1);
    assert_true(fabs((double)grad[0] - 0.6) < 1e-6 && fabs((double)grad[1] - 0.8) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_without_momentum_is_gradient_descent),
        cmocka_unit_test(sgd_with_momentum_and_decay_follows_the_formula),
        cmocka_unit_test(sgd_equals_pytorch),
        cmocka_unit_test(adam_equals_pytorch),
        cmocka_unit_test(adamw_equals_pytorch),
        cmocka_unit_test(parameters_without_decay_do_not_shrink),
        cmocka_unit_test(clipping_scales_to_the_largest_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
