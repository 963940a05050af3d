/* The reference's fused pass, statistics, loss and poolings against formulas evaluated here in float64, values worked
 * out by hand, and finite differences of the surrogate (rounding left out). */
#include "kernels/check.h"

static float quantised(qea_act_quant quant, float y) {
    float q;
    qea_segment s = {.rows = 1, .channels = 1, .num_branches = 1, .num_quants = 1};
    s.branch[0].x = (qea_view){&y, QEA_F32};
    s.out[0].quant = quant;
    s.out[0].q = (qea_view){&q, QEA_F32};
    assert_true(qea_kernels_ref()->segment_forward(&s));
    return q;
}

/* What a gradient of 1 at the quantised copy gives: at y, and at the parameter. */
static void gradients_at(qea_act_quant quant, float y, float *dy, double *param) {
    float one = 1;
    qea_segment s = {.rows = 1, .channels = 1, .num_branches = 1, .num_quants = 1};
    s.branch[0].x = (qea_view){&y, QEA_F32};
    s.out[0].quant = quant;
    qea_segment_grads grads = {.quant = {{&one, QEA_F32}}};
    qea_segment_dx dx[QEA_MAX_BRANCHES] = {{.dx = {dy, QEA_F32}}};
    qea_segment_sums sums = {0};
    qea_kernels_ref()->segment_backward(&s, &grads, dx);
    qea_kernels_ref()->segment_reduce(&s, &grads, &sums);
    *param = sums.param[0];
}

static void rounding_is_half_to_even_inside_the_range(void **state) {
    (void)state;
    const qea_act_quant grid = {.kind = QEA_ACT_ROUND, .inv_step = 2, .lo = -4, .hi = 3};
    const float from[] = {0, 0.25F, 0.75F, 1.25F, 5, -0.25F, -0.75F, -9, 0.24F, 0.26F, INFINITY, -INFINITY};
    const float to[] = {0, 0, 2, 2, 3, 0, -2, -4, 0, 1, 3, -4};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) assert_true(quantised(grid, from[i]) == to[i]);
    assert_true(isnan(quantised(grid, NAN)));
}

static void the_sign_of_zero_is_zero(void **state) {
    (void)state;
    const qea_act_quant sign = {.kind = QEA_ACT_SIGN};
    assert_true(quantised(sign, 0.1F) == 1 && quantised(sign, -7) == -1 && quantised(sign, 0) == 0);
    assert_true(quantised(sign, -0.0F) == 0 && isnan(quantised(sign, NAN)));
}

static void relu_as_a_quantiser_keeps_what_is_positive(void **state) {
    (void)state;
    const qea_act_quant relu = {.kind = QEA_ACT_RELU};
    float dy;
    double param;
    assert_true(quantised(relu, 0.3F) == 0.3F && quantised(relu, -2) == 0);
    gradients_at(relu, 0.3F, &dy, &param);
    assert_true(dy == 1 && param == 0);
    gradients_at(relu, 0, &dy, &param);
    assert_true(dy == 0);
}

static void rounding_passes_gradients_inside_the_closed_range(void **state) {
    (void)state;
    const qea_act_quant grid = {.kind = QEA_ACT_ROUND, .inv_step = 4, .hi = 3};
    const float at[] = {-0.01F, 0, 0.5F, 0.75F, 0.76F}, expected[] = {0, 1, 1, 1, 0};
    for (size_t i = 0; i < 5; i++) {
        float dy;
        double param;
        gradients_at(grid, at[i], &dy, &param);
        assert_true(dy == expected[i] && param == 0);
    }
}

/* alpha = hi / inv_step: y >= alpha belongs to the parameter, what lies strictly between to y. */
static void pact_gives_the_clipped_gradient_to_alpha(void **state) {
    (void)state;
    const qea_act_quant pact = {QEA_ACT_ROUND, QEA_GRAD_PACT, 4, 0, 3};
    const float at[] = {-1, 0, 0.5F, 0.75F, 2}, to_y[] = {0, 0, 1, 0, 0}, to_alpha[] = {0, 0, 0, 1, 1};
    for (size_t i = 0; i < 5; i++) {
        float dy;
        double param;
        gradients_at(pact, at[i], &dy, &param);
        assert_true(dy == to_y[i] && param == (double)to_alpha[i]);
    }
}

/* Esser et al., "Learned step size quantization", equation 3: round(v/s) - v/s inside, the clipping level outside. */
static void lsq_gives_the_step_what_its_formula_says(void **state) {
    (void)state;
    const qea_act_quant lsq = {QEA_ACT_ROUND, QEA_GRAD_LSQ, 1, -4, 3};
    const float at[] = {0.25F, 0.75F, -1.5F, 3, 7, -4, -9}, to_step[] = {-0.25F, 0.25F, -0.5F, 3, 3, -4, -4};
    for (size_t i = 0; i < 7; i++) {
        float dy;
        double param;
        gradients_at(lsq, at[i], &dy, &param);
        assert_true(param == (double)to_step[i]);
        assert_true(dy == (fabsf(at[i]) <= 4 && at[i] <= 3 ? 1.0F : 0.0F));
    }
}

/* Liu et al., "Bi-Real Net", section 3.3: derivative of the piecewise quadratic, 2 + 2x below 0 and 2 - 2x above. */
static void sign_has_the_piecewise_quadratic_gradient(void **state) {
    (void)state;
    const float at[] = {-1.5F, -1, -0.75F, 0, 0.25F, 1, 3}, expected[] = {0, 0, 0.5F, 2, 1.5F, 0, 0};
    for (size_t i = 0; i < 7; i++) {
        float dy;
        double param;
        gradients_at((qea_act_quant){.kind = QEA_ACT_SIGN}, at[i], &dy, &param);
        assert_true(dy == expected[i]);
    }
}

enum { ROWS = 5, CHANNELS = 3, COUNT = ROWS * CHANNELS };

/* loss = sum of gy y + sum of gq clamp(y inv_step) / inv_step in float64, z of two branches behind a ReLU. */
static double surrogate_loss(const qea_segment *s, const qea_segment_grads *grads) {
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        int c = i % CHANNELS;
        double z = (double)s->branch[0].scale[c] * (double)get(s->branch[0].x, (size_t)i) +
                   (double)s->branch[0].shift[c] + (double)get(s->branch[1].x, (size_t)i);
        double y = z > 0 ? z : 0, step = 1 / (double)s->out[0].quant.inv_step;
        double clipped = fmin(fmax(y / step, (double)s->out[0].quant.lo), (double)s->out[0].quant.hi) * step;
        sum += (double)get(grads->plain[0], (size_t)i) * y + (double)get(grads->quant[0], (size_t)i) * clipped;
    }
    return sum;
}

static void backward_and_sums_are_finite_differences_of_the_surrogate(void **state) {
    (void)state;
    float scale[CHANNELS] = {0.5F, -1.25F, 2}, shift[CHANNELS] = {0.1F, 0.2F, -0.3F}, center[CHANNELS] = {0.3F, 0, -1};
    qea_segment s = {.rows = ROWS, .channels = CHANNELS, .num_branches = 2, .relu = true, .num_quants = 1};
    s.branch[0].x = random_view(QEA_F32, COUNT), s.branch[1].x = random_view(QEA_F32, COUNT);
    for (size_t i = 0; i < 2 * COUNT; i++) {
        qea_view x = s.branch[i / COUNT].x;
        put(x, i % COUNT, rintf(get(x, i % COUNT) * 4096) / 4096);
    }
    s.branch[0].scale = scale, s.branch[0].shift = shift;
    s.out[0].quant = (qea_act_quant){.kind = QEA_ACT_ROUND, .inv_step = 7, .hi = 7};
    qea_segment_grads grads = {1, {random_view(QEA_F32, COUNT)}, {random_view(QEA_F32, COUNT)}};
    float dx0[COUNT], dx1[COUNT], dz_sum[CHANNELS], dz_x[CHANNELS];
    qea_segment_dx dx[QEA_MAX_BRANCHES] = {{.dx = {dx0, QEA_F32}, .a = scale}, {.dx = {dx1, QEA_F32}}};
    qea_segment_sums sums = {.dz = dz_sum, .dz_x = {dz_x}, .center = {center}};
    qea_kernels_ref()->segment_backward(&s, &grads, dx);
    qea_kernels_ref()->segment_reduce(&s, &grads, &sums);

    const float step = 0x1p-13F; /* small beside the distance to any kink; exact beside the values, which are rounded */
    double expected_dz[CHANNELS] = {0}, expected_dz_x[CHANNELS] = {0};
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < COUNT; i++) {
            float *x = (float *)s.branch[b].x.data + i, before = *x;
            *x = before + step;
            double up = surrogate_loss(&s, &grads);
            *x = before - step;
            double slope = (up - surrogate_loss(&s, &grads)) / (2 * (double)step);
            *x = before;
            assert_true(fabs(slope - (double)(b == 0 ? dx0 : dx1)[i]) < 1e-4);
            if (b == 0) continue; /* the plain branch: dx is dz */
            expected_dz[i % CHANNELS] += slope;
            expected_dz_x[i % CHANNELS] += slope * (double)(((float *)s.branch[0].x.data)[i] - center[i % CHANNELS]);
        }
    for (int c = 0; c < CHANNELS; c++) {
        assert_true(fabs(expected_dz[c] - (double)dz_sum[c]) < 1e-3);
        assert_true(fabs(expected_dz_x[c] - (double)dz_x[c]) < 1e-3);
    }
    free(s.branch[0].x.data), free(s.branch[1].x.data), free(grads.plain[0].data), free(grads.quant[0].data);
}

static void dx_with_all_coefficients_is_its_formula(void **state) {
    (void)state;
    float x = 3, g = 5, to, a = 2, b = 7, center = 1, c0 = 11;
    qea_segment s = {.rows = 1, .channels = 1, .num_branches = 1};
    s.branch[0].x = (qea_view){&x, QEA_F32};
    qea_segment_grads grads = {1, {{&g, QEA_F32}}, {{NULL, QEA_F32}}};
    qea_segment_dx dx[QEA_MAX_BRANCHES] = {{{&to, QEA_F32}, &a, &b, &center, &c0}};
    qea_kernels_ref()->segment_backward(&s, &grads, dx);
    assert_true(to == 2 * 5 + 7 * (3 - 1) + 11);
}

static void statistics_are_mean_and_biased_variance(void **state) {
    (void)state;
    float x[] = {1, 10, 2, 10, 3, 10, 6, 10}, mean[2], variance[2];
    qea_kernels_ref()->channel_stats((qea_view){x, QEA_F32}, 4, 2, mean, variance);
    assert_true(mean[0] == 3 && variance[0] == 3.5F && mean[1] == 10 && variance[1] == 0);
}

static void softmax_loss_is_its_formula(void **state) {
    (void)state;
    const float logits[] = {0, 0, 0, 0, logf(2), 0, 0, 0, 1000, 0, 0, 0, 0, 0, NAN, 0};
    const int32_t labels[] = {1, 0, 0, -1};
    float d[16];
    double loss;
    int64_t right, top5;
    qea_kernels_ref()->softmax_loss(logits, labels, NULL, 4, 4, 0, 2, d, &loss, &right, &top5);
    assert_true(fabs(loss - (log(4) + log(2.5))) < 1e-6); /* p = 1/4; 2/5; 1, whatever the size of the logit */
    assert_true(right == 2 && top5 == 3); /* of equals the first is the answer, which is not the label of row 0 */
    const float expected[] = {0.5F, -1.5F, 0.5F, 0.5F, -1.2F, 0.4F, 0.4F, 0.4F, 0, 0, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 16; i++) assert_true(fabsf(d[i] - expected[i]) < 1e-6F);
}

static void label_smoothing_spreads_its_share_over_all_classes(void **state) {
    (void)state;
    const float logits[] = {1, -1, 0.5F};
    const int32_t label = 2;
    float d[3];
    double loss, norm = log(exp(1) + exp(-1) + exp(0.5)), expected = 0;
    int64_t right, top5;
    qea_kernels_ref()->softmax_loss(logits, &label, NULL, 1, 3, 0.3F, 1, d, &loss, &right, &top5);
    for (int i = 0; i < 3; i++) {
        double target = 0.1 + (i == 2 ? 0.7 : 0), log_p = (double)logits[i] - norm;
        expected -= target * log_p;
        assert_true(fabs((double)d[i] - (exp(log_p) - target)) < 1e-6);
    }
    assert_true(fabs(loss - expected) < 1e-6 && right == 0 && top5 == 1);
}

/* In float64, independent of the code: the loss that the gradient is a difference of. */
static double distilled(const double *x, const double *teacher, int classes, int label, double t, double weight) {
    double sum = 0, soft_sum = 0, teacher_sum = 0, kl = 0;
    for (int i = 0; i < classes; i++) {
        sum += exp(x[i]);
        soft_sum += exp(x[i] / t);
        teacher_sum += exp(teacher[i] / t);
    }
    for (int i = 0; i < classes; i++) {
        double p = exp(x[i] / t) / soft_sum, q = exp(teacher[i] / t) / teacher_sum;
        kl += q * log(q / p);
    }
    return (1 - weight) * -log(exp(x[label]) / sum) + weight * t * t * kl;
}

static void soft_targets_pull_by_their_share(void **state) {
    (void)state;
    enum { CLASSES = 4 };
    const float logits[2 * CLASSES] = {1, -1, 0.5F, 2, 9, 9, 9, 9}, teacher[2 * CLASSES] = {0.25F, 2, -1.5F, 1};
    const int32_t labels[2] = {2, -1};
    const float weights[] = {0, 0.4F, 1}, temperatures[] = {1, 3};
    for (int k = 0; k < 6; k++) {
        qea_soft_targets soft = {teacher, temperatures[k % 2], weights[k / 2]};
        double t = (double)soft.temperature, weight = (double)soft.weight, x[CLASSES], y[CLASSES], loss;
        float d[2 * CLASSES];
        int64_t right, top5;
        for (int i = 0; i < CLASSES; i++) {
            x[i] = (double)logits[i];
            y[i] = (double)teacher[i];
        }
        qea_kernels_ref()->softmax_loss(logits, labels, &soft, 2, CLASSES, 0, 2, d, &loss, &right, &top5);
        assert_true(fabs(loss - distilled(x, y, CLASSES, 2, t, weight)) < 1e-6);
        for (int i = 0; i < CLASSES; i++) {
            double at = x[i], plus, minus;
            x[i] = at + 1e-5;
            plus = distilled(x, y, CLASSES, 2, t, weight);
            x[i] = at - 1e-5;
            minus = distilled(x, y, CLASSES, 2, t, weight);
            x[i] = at;
            assert_true(fabs((double)d[i] - 2 * (plus - minus) / 2e-5) < 1e-5);
            assert_true(d[CLASSES + i] == 0); /* a row without a label has no teacher either */
        }
        assert_true(right == 0 && top5 == 1);
    }
}

static void a_nan_is_never_right_and_reaches_the_loss(void **state) {
    (void)state;
    const float logits[] = {5, NAN, 0};
    const int32_t label = 0;
    double loss;
    int64_t right, top5;
    qea_kernels_ref()->softmax_loss(logits, &label, NULL, 1, 3, 0, 1, NULL, &loss, &right, &top5);
    assert_true(isnan(loss) && right == 0 && top5 == 0);
}

static void pooling_values_and_gradients_by_hand(void **state) {
    (void)state;
    const qea_kernels *ref = qea_kernels_ref();
    float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, y[4], dy[] = {1, 10, 100, 1000}, dx[9];
    uint8_t argmax[4];
    qea_view in = {x, QEA_F32}, out = {y, QEA_F32}, from = {dy, QEA_F32}, to = {dx, QEA_F32};
    ref->max_pool(in, out, argmax, 1, 3, 3, 1, 2, 1, 0);
    const float highest[] = {5, 6, 8, 9}, to_winners[] = {0, 0, 0, 0, 1, 10, 0, 100, 1000};
    for (int i = 0; i < 4; i++) assert_true(y[i] == highest[i] && argmax[i] == 3);
    ref->max_pool_backward(from, argmax, to, 1, 3, 3, 1, 2, 1, 0);
    assert_memory_equal(dx, to_winners, sizeof dx);

    ref->avg_pool(in, out, 1, 3, 3, 1, 2, 2, 1); /* the padding counts: a corner alone is a quarter */
    const float means[] = {0.25F, 1.25F, 2.75F, 7};
    for (int i = 0; i < 4; i++) assert_true(y[i] == means[i]);
    ref->avg_pool_backward(from, to, 1, 3, 3, 1, 2, 2, 1);
    const float shares[] = {0.25F, 2.5F, 2.5F, 25, 250, 250, 25, 250, 250};
    for (int i = 0; i < 9; i++) assert_true(dx[i] == shares[i]);

    ref->avg_pool(in, out, 1, 3, 3, 1, 0, 0, 0);
    assert_true(fabsf(y[0] - 5) < 1e-6F);
    (ref->skip)(in, out, 1, 3, 3, 1, 2, 2, 1, 2);
    assert_true(y[0] == 1 && y[1] == 3 && y[2] == 7 && y[3] == 9);
    ref->skip_backward(from, to, 1, 3, 3, 1, 2, 2, 1, 2);
    const float scattered[] = {1, 0, 10, 0, 0, 0, 100, 0, 1000};
    assert_memory_equal(dx, scattered, sizeof dx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_half_to_even_inside_the_range),
        cmocka_unit_test(the_sign_of_zero_is_zero),
        cmocka_unit_test(relu_as_a_quantiser_keeps_what_is_positive),
        cmocka_unit_test(rounding_passes_gradients_inside_the_closed_range),
        cmocka_unit_test(pact_gives_the_clipped_gradient_to_alpha),
        cmocka_unit_test(lsq_gives_the_step_what_its_formula_says),
        cmocka_unit_test(sign_has_the_piecewise_quadratic_gradient),
        cmocka_unit_test(backward_and_sums_are_finite_differences_of_the_surrogate),
        cmocka_unit_test(dx_with_all_coefficients_is_its_formula),
        cmocka_unit_test(statistics_are_mean_and_biased_variance),
        cmocka_unit_test(softmax_loss_is_its_formula),
        cmocka_unit_test(label_smoothing_spreads_its_share_over_all_classes),
        cmocka_unit_test(soft_targets_pull_by_their_share),
        cmocka_unit_test(a_nan_is_never_right_and_reaches_the_loss),
        cmocka_unit_test(pooling_values_and_gradients_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
