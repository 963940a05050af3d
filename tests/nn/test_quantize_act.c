#include "check.h"

#include "nn/quantize.h"

static const int many_bits[] = {1, 2, 3, 4, 5, 6, 7, 8, 16};
enum { NUM_BITS = sizeof many_bits / sizeof *many_bits };

static double clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static double grid(double x, int k) { return nearbyint(x * (exp2(k) - 1)) / (exp2(k) - 1); }

/* The formulas as the papers have them, float64. */
static double value_of(qea_quantizer kind, int bits, bool is_signed, double p, double x) {
    if (kind == QEA_BIREAL) return x > 0 ? 1 : x < 0 ? -1 : 0;
    if (kind == QEA_PACT) return p * grid((fabs(x) - fabs(x - p) + p) / 2 / p, bits);
    if (kind != QEA_LSQ) return grid(clamp(x, 0, 1), bits);
    bool two_sided = is_signed && bits > 1;
    double qn = two_sided ? exp2(bits - 1) : 0, qp = two_sided ? exp2(bits - 1) - 1 : exp2(bits) - 1;
    return p * nearbyint(clamp(x / p, -qn, qp));
}

static void values_are_those_of_the_formulas_at_all_bits(void **state) {
    (void)state;
    uint32_t seed = 3;
    for (int kind = 0; qea_quantizer_name(kind); kind++)
        for (int b = 0; b < NUM_BITS; b++)
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                int bits = many_bits[b];
                if (!qea_quantizer_activation_bits_ok((qea_quantizer)kind, bits)) continue;
                float param = kind == QEA_PACT ? 1.7f : (float)(2 / exp2(bits));
                double unit = kind == QEA_LSQ ? (double)param : 2 / (exp2(bits) - 1);
                int off = 0;
                for (int i = 0; i < 400; i++) {
                    float x = (float)(3 * check_random(&seed));
                    double exact = value_of((qea_quantizer)kind, bits, is_signed, (double)param, (double)x);
                    double value = (double)qea_act_quant_value((qea_quantizer)kind, bits, is_signed, param, x);
                    if (fabs(value - exact) > 2e-6) off++; /* float32 and float64 on two sides of a tie */
                    assert_near(value, exact, unit + 2e-6);
                }
                assert_true(off <= (bits == 16 ? 8 : 0));
            }
}

static void ties_round_to_even(void **state) {
    (void)state;
    assert_near((double)qea_act_quant_value(QEA_DOREFA, 2, false, 0, 0.5f), 2.0 / 3, 1e-7); /* 1.5 -> 2 */
    assert_near((double)qea_act_quant_value(QEA_LSQ, 4, false, 0.5f, 1.25f), 1, 0);         /* 2.5 -> 2 */
    assert_near((double)qea_act_quant_value(QEA_LSQ, 4, true, 0.5f, -1.25f), -1, 0);        /* -2.5 -> -2 */
}

static void thirty_two_bits_are_a_relu(void **state) {
    (void)state;
    for (int kind = 0; qea_quantizer_name(kind); kind++) {
        qea_act_quant quant;
        float step;
        assert_int_equal(qea_act_quant_num_params((qea_quantizer)kind, 32), 0);
        qea_act_quant_make((qea_quantizer)kind, 32, false, 0, &quant, &step);
        assert_int_equal(quant.kind, QEA_ACT_RELU);
        assert_int_equal(quant.grad, QEA_GRAD_NONE);
        assert_true(step == 1);
        assert_true(qea_act_quant_value((qea_quantizer)kind, 32, false, 0, 17.3f) == 17.3f);
        assert_true(qea_act_quant_value((qea_quantizer)kind, 32, false, 0, -17.3f) == 0);
    }
}

/* The kernels apply clamp(y * inv_step, lo, hi); these are the numbers that the formulas come to. */
static void the_kernels_get_range_step_and_gradient_kind(void **state) {
    (void)state;
    qea_act_quant quant;
    float step;
    qea_act_quant_make(QEA_DOREFA, 4, false, 0, &quant, &step);
    assert_true(quant.kind == QEA_ACT_ROUND && quant.grad == QEA_GRAD_NONE && quant.lo == 0 && quant.hi == 15);
    assert_true(quant.inv_step == 15);
    assert_near((double)step, 1.0 / 15, 1e-8);
    qea_act_quant_make(QEA_PACT, 2, false, 6, &quant, &step);
    assert_true(quant.grad == QEA_GRAD_PACT && quant.lo == 0 && quant.hi == 3 && step == 2 && quant.inv_step == 0.5f);
    qea_act_quant_make(QEA_LSQ, 3, false, 0.25f, &quant, &step);
    assert_true(quant.grad == QEA_GRAD_LSQ && quant.lo == 0 && quant.hi == 7 && step == 0.25f && quant.inv_step == 4);
    qea_act_quant_make(QEA_LSQ, 3, true, 0.25f, &quant, &step);
    assert_true(quant.lo == -4 && quant.hi == 3);
    qea_act_quant_make(QEA_LSQ, 1, true, 0.25f, &quant, &step);
    assert_true(quant.lo == 0 && quant.hi == 1);
    qea_act_quant_make(QEA_BIREAL, 1, false, 0, &quant, &step);
    assert_true(quant.kind == QEA_ACT_SIGN && step == 1);
}

static void parameters_start_as_the_papers_say(void **state) {
    (void)state;
    assert_int_equal(qea_act_quant_num_params(QEA_PACT, 4), 1);
    assert_int_equal(qea_act_quant_num_params(QEA_LSQ, 4), 1);
    assert_int_equal(qea_act_quant_num_params(QEA_DOREFA, 4), 0);
    assert_int_equal(qea_act_quant_num_params(QEA_LSQ, 0), 0);
    assert_true(qea_act_quant_init_param(QEA_PACT, 4, false, 0.3f) == 10);
    assert_near((double)qea_act_quant_init_param(QEA_LSQ, 4, false, 0.3f), 0.6 / sqrt(15), 1e-7);
    assert_near((double)qea_act_quant_init_param(QEA_LSQ, 4, true, 0.3f), 0.6 / sqrt(7), 1e-7);
    assert_true(qea_act_quant_init_param(QEA_LSQ, 4, false, 0) > 0);
}

static void lsq_scales_its_parameters_gradient_and_pact_does_not(void **state) {
    (void)state;
    assert_near((double)qea_act_quant_param_grad(QEA_LSQ, 2, false, 12, 64), 12 / sqrt(64 * 3), 1e-6);
    assert_near((double)qea_act_quant_param_grad(QEA_LSQ, 2, true, 12, 64), 12 / sqrt(64 * 1), 1e-6);
    assert_near((double)qea_act_quant_param_grad(QEA_PACT, 2, false, 12, 64), 12, 0);
    assert_near((double)qea_act_quant_param_grad(QEA_DOREFA, 2, false, 12, 64), 0, 0);
}

static void a_parameter_driven_below_0_stays_usable(void **state) {
    (void)state;
    static const qea_quantizer kinds[] = {QEA_PACT, QEA_LSQ};
    for (size_t i = 0; i < 2; i++) {
        qea_act_quant quant;
        float step;
        qea_act_quant_make(kinds[i], 4, false, -3, &quant, &step);
        assert_true(step > 0 && isfinite(quant.inv_step) && quant.inv_step > 0);
    }
}

static void bits_are_allowed_as_the_papers_define_them(void **state) {
    (void)state;
    static const struct {
        const char *name, *weight, *activation; /* 1 at k: k bits; for k = 0..16, then 32 */
    } rows[] = {
        {"dorefa",
         "11111111100000001"
         "1",
         "11111111100000001"
         "1"},
        {"pact",
         "01111111100000001"
         "1",
         "01111111100000001"
         "1"},
        {"wrpn",
         "01111111100000001"
         "1",
         "01111111100000001"
         "1"},
        {"xnor",
         "01000000000000000"
         "1",
         "01111111100000001"
         "1"},
        {"bireal",
         "01000000000000000"
         "1",
         "01000000000000000"
         "1"},
        {"lsq",
         "01111111100000001"
         "1",
         "01111111100000001"
         "1"},
    };
    for (int i = 0; i < 6; i++) {
        qea_quantizer kind;
        assert_true(qea_quantizer_parse(rows[i].name, &kind));
        assert_int_equal(kind, i);
        assert_string_equal(qea_quantizer_name(i), rows[i].name);
        for (int k = 0; k < 18; k++) {
            int bits = k == 17 ? 32 : k;
            assert_int_equal(qea_quantizer_weight_bits_ok(kind, bits), rows[i].weight[k] == '1');
            assert_int_equal(qea_quantizer_activation_bits_ok(kind, bits), rows[i].activation[k] == '1');
        }
        assert_false(qea_quantizer_weight_bits_ok(kind, -1) || qea_quantizer_weight_bits_ok(kind, 31) ||
                     qea_quantizer_weight_bits_ok(kind, 33) || qea_quantizer_activation_bits_ok(kind, 1000));
    }
    qea_quantizer kind;
    assert_false(qea_quantizer_parse("DoReFa", &kind) || qea_quantizer_parse("", &kind));
    assert_null(qea_quantizer_name(6));
    assert_null(qea_quantizer_name(-1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_formulas_at_all_bits),
        cmocka_unit_test(ties_round_to_even),
        cmocka_unit_test(thirty_two_bits_are_a_relu),
        cmocka_unit_test(the_kernels_get_range_step_and_gradient_kind),
        cmocka_unit_test(parameters_start_as_the_papers_say),
        cmocka_unit_test(lsq_scales_its_parameters_gradient_and_pact_does_not),
        cmocka_unit_test(a_parameter_driven_below_0_stays_usable),
        cmocka_unit_test(bits_are_allowed_as_the_papers_define_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
