#include "check.h"

#include "nn/quantize.h"

enum { K = 3, P = 119, N = K * P };

static const int many_bits[] = {1, 2, 3, 4, 5, 6, 7, 8, 16};
enum { NUM_BITS = sizeof many_bits / sizeof *many_bits };

static void random_values(float *x, size_t n, double scale, uint32_t seed) {
    for (size_t i = 0; i < n; i++) x[i] = (float)(scale * check_random(&seed));
}

static double mean_abs(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs((double)x[i]);
    return sum / (double)n;
}

static double sign_of(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

static double clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static double grid(double x, int k) { return nearbyint(x * (exp2(k) - 1)) / (exp2(k) - 1); } /* q_k of the papers */

/* The value of weight i of channel c as the formulas say, in float64; s: LSQ's step of the channel. */
static double value_of(qea_quantizer kind, int bits, const float *w, size_t c, size_t i, double s) {
    double x = (double)w[c * P + i], max = 0;
    for (size_t j = 0; j < N; j++) max = fmax(max, fabs(tanh((double)w[j])));
    switch (kind) {
    case QEA_DOREFA:
    case QEA_PACT:
        return bits == 1 ? sign_of(x) * mean_abs(w, N) : 2 * grid(tanh(x) / (2 * max) + 0.5, bits) - 1;
    case QEA_WRPN:
        return bits == 1 ? sign_of(x) * mean_abs(w, N) : grid(clamp(x, -1, 1), bits - 1);
    case QEA_XNOR:
        return sign_of(x) * mean_abs(w + c * P, P);
    case QEA_BIREAL:
        return sign_of(x) * mean_abs(w, N);
    case QEA_LSQ:
        if (bits == 1) return x >= 0 ? s : -s;
        return s * nearbyint(clamp(x / s, -exp2(bits - 1), exp2(bits - 1) - 1));
    }
    return NAN;
}

static void values_are_those_of_the_formulas_at_all_bits(void **state) {
    (void)state;
    for (int kind = 0; qea_quantizer_name(kind); kind++)
        for (int b = 0; b < NUM_BITS; b++) {
            int bits = many_bits[b];
            if (!qea_quantizer_weight_bits_ok((qea_quantizer)kind, bits)) continue;
            float w[N], q[N], step[K], params[K] = {0};
            random_values(w, N, 1.4, (uint32_t)(1 + kind * 100 + bits));
            qea_weight_quant quant = {(qea_quantizer)kind, bits, K, P};
            qea_weight_quant_init_params(&quant, w, params);
            qea_weight_quant_forward(&quant, w, params, q, step);
            size_t off = 0;
            for (size_t i = 0; i < N; i++) {
                double exact = value_of((qea_quantizer)kind, bits, w, i / P, i % P, (double)params[i / P]);
                double difference = fabs((double)step[i / P] * (double)q[i] - exact);
                assert_true(q[i] == nearbyintf(q[i]));
                if (difference > 1e-6) off++; /* float32 and float64 may round to two sides of a tie */
                assert_true(difference <= 2.1 * (double)step[i / P] + 1e-6);
            }
            assert_true(off <= (bits == 16 ? N / 20 : 0));
        }
}

/* Weights far beyond every clamp reach both ends. */
static void integers_fill_the_range_that_is_told(void **state) {
    (void)state;
    for (int kind = 0; qea_quantizer_name(kind); kind++)
        for (int b = 0; b < NUM_BITS; b++) {
            qea_weight_quant quant = {(qea_quantizer)kind, many_bits[b], K, P};
            if (!qea_quantizer_weight_bits_ok(quant.kind, quant.bits)) continue;
            float w[N], q[N], step[K], params[K] = {1e-4f, 1e-4f, 1e-4f};
            random_values(w, N, 5, (uint32_t)(kind * 100 + quant.bits));
            w[0] = 9, w[1] = -9;
            qea_weight_quant_forward(&quant, w, params, q, step);
            int low, high;
            assert_true(qea_weight_quant_range(&quant, &low, &high));
            for (size_t i = 0; i < N; i++) assert_true(q[i] >= (float)low && q[i] <= (float)high);
            assert_true(q[0] == (float)high && q[1] == (float)low);
        }
    int low, high;
    assert_false(qea_weight_quant_range(&(qea_weight_quant){QEA_DOREFA, 32, K, P}, &low, &high));
}

static void dorefa_gives_odd_integers_between_its_ends(void **state) {
    (void)state;
    /* tanh w = -0.8, -0.3, 0.1, 0.8: (tanh w / 0.8 + 1)/2 * 3 = 0, 0.94, 1.69, 3 */
    float w[4] = {-1.09861229f, -0.30951960f, 0.10033535f, 1.09861229f}, q[4], step[2];
    qea_weight_quant quant = {QEA_DOREFA, 2, 2, 2};
    qea_weight_quant_forward(&quant, w, NULL, q, step);
    const float expected[4] = {-3, -1, 1, 3};
    assert_memory_equal(q, expected, sizeof q);
    assert_near((double)step[0], 1.0 / 3, 1e-7);
    assert_true(step[0] == step[1]);
}

static void ties_round_to_even_and_zero_has_no_sign(void **state) {
    (void)state;
    float w[5] = {-2, -0.5f, 0, 0.5f, 0.9f}, q[5], step[1];
    qea_weight_quant wrpn = {QEA_WRPN, 3, 1, 5}, sign = {QEA_DOREFA, 1, 1, 5};
    qea_weight_quant_forward(&wrpn, w, NULL, q, step);
    const float on_grid[5] = {-3, -2, 0, 2, 3}; /* 3 w = -6, -1.5, 0, 1.5, 2.7 */
    assert_memory_equal(q, on_grid, sizeof q);
    qea_weight_quant_forward(&sign, w, NULL, q, step);
    const float signs[5] = {-1, -1, 0, 1, 1};
    assert_memory_equal(q, signs, sizeof q);
    assert_near((double)step[0], 3.9 / 5, 1e-6);
}

static void lsq_clamps_to_its_asymmetric_range(void **state) {
    (void)state;
    float w[4] = {-2, -0.8f, 0.2f, 0.9f}, params[1] = {0.5f}, q[4], step[1];
    qea_weight_quant quant = {QEA_LSQ, 2, 1, 4};
    qea_weight_quant_forward(&quant, w, params, q, step);
    const float expected[4] = {-2, -2, 0, 1}; /* w/s = -4, -1.6, 0.4, 1.8; range -2..1 */
    for (int i = 0; i < 4; i++) assert_true(q[i] == expected[i]);
    assert_true(step[0] == 0.5f);
    quant.bits = 1;
    qea_weight_quant_forward(&quant, w, params, q, step);
    const float binary[4] = {-1, -1, 1, 1};
    assert_memory_equal(q, binary, sizeof q);
}

static void lsq_starts_with_twice_the_mean_over_the_root_of_qp(void **state) {
    (void)state;
    float w[N], params[K];
    random_values(w, N, 0.3, 5);
    for (int b = 0; b < NUM_BITS; b++) {
        qea_weight_quant quant = {QEA_LSQ, many_bits[b], K, P};
        assert_int_equal(qea_weight_quant_num_params(&quant), K);
        qea_weight_quant_init_params(&quant, w, params);
        for (size_t c = 0; c < K; c++) {
            double mean = mean_abs(w + c * P, P);
            double expected = many_bits[b] == 1 ? mean : 2 * mean / sqrt(exp2(many_bits[b] - 1) - 1);
            assert_near((double)params[c], expected, 1e-6 * expected);
        }
    }
}

static void a_step_driven_below_0_stays_usable(void **state) {
    (void)state;
    float w[4] = {-2, -0.8f, 0.2f, 0.9f}, params[1] = {-1}, q[4], step[1], d[4] = {1, 1, 1, 1}, dw[4], dparams[1];
    qea_weight_quant quant = {QEA_LSQ, 4, 1, 4};
    qea_weight_quant_forward(&quant, w, params, q, step);
    assert_true(step[0] > 0);
    qea_weight_quant_backward(&quant, w, params, q, step, d, dw, dparams);
    assert_true(isfinite(dparams[0]));
}

static void float_weights_pass_through(void **state) {
    (void)state;
    float w[N], q[N], step[K], d[N], dw[N];
    random_values(w, N, 3, 8);
    random_values(d, N, 1, 9);
    for (int kind = 0; qea_quantizer_name(kind); kind++) {
        qea_weight_quant quant = {(qea_quantizer)kind, 32, K, P};
        assert_int_equal(qea_weight_quant_num_params(&quant), 0);
        qea_weight_quant_forward(&quant, w, NULL, q, step);
        assert_memory_equal(q, w, sizeof w);
        for (size_t c = 0; c < K; c++) assert_true(step[c] == 1);
        qea_weight_quant_backward(&quant, w, NULL, q, step, d, dw, NULL);
        assert_memory_equal(dw, d, sizeof d);
    }
}

static void zeros_and_nans_do_not_spread(void **state) {
    (void)state;
    for (int kind = 0; qea_quantizer_name(kind); kind++)
        for (int bits = 1; bits <= 4; bits += 3) {
            if (!qea_quantizer_weight_bits_ok((qea_quantizer)kind, bits)) continue;
            float zero[4] = {0}, bad[4] = {0.5f, NAN, -0.25f, 1}, q[4], step[2], params[2] = {0};
            qea_weight_quant quant = {(qea_quantizer)kind, bits, 2, 2};
            qea_weight_quant_init_params(&quant, zero, params);
            qea_weight_quant_forward(&quant, zero, params, q, step);
            for (int i = 0; i < 4; i++) assert_true(isfinite(q[i]) && isfinite(step[i / 2]));
            qea_weight_quant_forward(&quant, bad, params, q, step);
            assert_true(isnan(q[1]) && isfinite(q[0]));
        }
}

/* --- gradients: of loss = sum g_i value_i --- */

/* DoReFa's and WRPN's surrogates, rounding left out; float64. */
static double surrogate_loss(qea_quantizer kind, const double *w, const float *g) {
    double max = 0, loss = 0;
    for (size_t i = 0; i < N; i++) max = fmax(max, fabs(tanh(w[i])));
    for (size_t i = 0; i < N; i++)
        loss += (double)g[i] * (kind == QEA_WRPN ? clamp(w[i], -1, 1) : 2 * (tanh(w[i]) / (2 * max) + 0.5) - 1);
    return loss;
}

static void gradients_equal_finite_differences_of_the_surrogate(void **state) {
    (void)state;
    static const qea_quantizer kinds[] = {QEA_DOREFA, QEA_PACT, QEA_WRPN};
    for (size_t k = 0; k < 3; k++)
        for (int b = 1; b < NUM_BITS; b++) {
            float w[N], g[N], q[N], step[K], dw[N];
            double x[N];
            random_values(w, N, 1.3, (uint32_t)(40 + b));
            random_values(g, N, 1, (uint32_t)(50 + b));
            for (size_t i = 0; i < N; i++) x[i] = (double)w[i];
            qea_weight_quant quant = {kinds[k], many_bits[b], K, P};
            qea_weight_quant_forward(&quant, w, NULL, q, step);
            qea_weight_quant_backward(&quant, w, NULL, q, step, g, dw, NULL);
            for (size_t i = 0; i < N; i++) {
                const double h = 1e-6;
                x[i] = (double)w[i] + h;
                double up = surrogate_loss(kinds[k], x, g);
                x[i] = (double)w[i] - h;
                double down = surrogate_loss(kinds[k], x, g);
                x[i] = (double)w[i];
                assert_near((double)dw[i], (up - down) / (2 * h), 2e-6);
            }
        }
}

/* The largest weight's gradient has a part from every other weight; without it the test above would differ there alone.
 */
static void the_largest_weight_feels_the_maximum(void **state) {
    (void)state;
    float w[3] = {0.5f, -1, 0.25f}, g[3] = {1, 0, 1}, q[3], step[1], dw[3];
    qea_weight_quant quant = {QEA_DOREFA, 4, 1, 3};
    qea_weight_quant_forward(&quant, w, NULL, q, step);
    qea_weight_quant_backward(&quant, w, NULL, q, step, g, dw, NULL);
    double max = tanh(1), expected = (tanh(0.5) + tanh(0.25)) * (1 - max * max) / (max * max);
    assert_near((double)dw[1], expected, 1e-6);
}

static void sign_gradients_pass_unchanged(void **state) {
    (void)state;
    static const qea_quantizer kinds[] = {QEA_DOREFA, QEA_PACT, QEA_WRPN, QEA_XNOR, QEA_BIREAL};
    for (size_t k = 0; k < 5; k++) {
        float w[N], g[N], q[N], step[K], dw[N];
        random_values(w, N, 3, 60);
        random_values(g, N, 1, 61);
        qea_weight_quant quant = {kinds[k], 1, K, P};
        qea_weight_quant_forward(&quant, w, NULL, q, step);
        qea_weight_quant_backward(&quant, w, NULL, q, step, g, dw, NULL);
        assert_memory_equal(dw, g, sizeof g);
    }
}

/* Equations 3 and 5 of the paper; at one bit with sign in the place of rounding, between -1 and 1. */
static void lsq_gradients_are_the_papers(void **state) {
    (void)state;
    for (int b = 0; b < NUM_BITS; b++) {
        int bits = many_bits[b];
        double qn = bits == 1 ? 1 : exp2(bits - 1), qp = bits == 1 ? 1 : exp2(bits - 1) - 1;
        float w[N], g[N], q[N], step[K], dw[N], params[K], dparams[K];
        random_values(w, N, 1, (uint32_t)(70 + b));
        random_values(g, N, 1, (uint32_t)(80 + b));
        for (size_t c = 0; c < K; c++) params[c] = (float)((0.4 + 0.2 * (double)c) / qp);
        qea_weight_quant quant = {QEA_LSQ, bits, K, P};
        qea_weight_quant_forward(&quant, w, params, q, step);
        qea_weight_quant_backward(&quant, w, params, q, step, g, dw, dparams);
        for (size_t c = 0; c < K; c++) {
            double sum = 0;
            for (size_t i = c * P; i < (c + 1) * P; i++) {
                double t = (double)w[i] / (double)params[c];
                bool inside = t > -qn && t < qp;
                double rounded = bits == 1 ? (t >= 0 ? 1 : -1) : nearbyint(t);
                sum += (double)g[i] * (inside ? rounded - t : t <= -qn ? -qn : qp);
                assert_true(dw[i] == (inside ? g[i] : 0.0f));
            }
            double expected = sum / sqrt(P * qp);
            assert_near((double)dparams[c], expected, 1e-5 * (1 + fabs(expected)) + (bits == 16 ? 0.05 : 0));
        }
    }
}

static void backward_may_write_over_its_input(void **state) {
    (void)state;
    for (int kind = 0; qea_quantizer_name(kind); kind++)
        for (int bits = 1; bits <= 32; bits = bits == 1 ? 4 : bits * 8) {
            if (!qea_quantizer_weight_bits_ok((qea_quantizer)kind, bits)) continue;
            float w[N], g[N], q[N], step[K], dw[N], params[K] = {0}, apart[K] = {0}, within[K] = {0};
            random_values(w, N, 1, 90);
            random_values(g, N, 1, 91);
            qea_weight_quant quant = {(qea_quantizer)kind, bits, K, P};
            qea_weight_quant_init_params(&quant, w, params);
            qea_weight_quant_forward(&quant, w, params, q, step);
            qea_weight_quant_backward(&quant, w, params, q, step, g, dw, apart);
            qea_weight_quant_backward(&quant, w, params, q, step, g, g, within);
            assert_memory_equal(g, dw, sizeof g);
            assert_memory_equal(apart, within, sizeof apart);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_formulas_at_all_bits),
        cmocka_unit_test(integers_fill_the_range_that_is_told),
        cmocka_unit_test(dorefa_gives_odd_integers_between_its_ends),
        cmocka_unit_test(ties_round_to_even_and_zero_has_no_sign),
        cmocka_unit_test(lsq_clamps_to_its_asymmetric_range),
        cmocka_unit_test(lsq_starts_with_twice_the_mean_over_the_root_of_qp),
        cmocka_unit_test(a_step_driven_below_0_stays_usable),
        cmocka_unit_test(float_weights_pass_through),
        cmocka_unit_test(zeros_and_nans_do_not_spread),
        cmocka_unit_test(gradients_equal_finite_differences_of_the_surrogate),
        cmocka_unit_test(the_largest_weight_feels_the_maximum),
        cmocka_unit_test(sign_gradients_pass_unchanged),
        cmocka_unit_test(lsq_gradients_are_the_papers),
        cmocka_unit_test(backward_may_write_over_its_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
