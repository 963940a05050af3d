/* nn/quantize_act.c: activations on a fixed grid, PACT and signs (docs/math.md, "Activations"). */
#include "nn/quantize_rows.h"

static float levels_of(int bits) { return (float)((1 << bits) - 1); }

/* DoReFa: q_k(clamp(x, 0, 1)). */
static void uniform_make(int bits, bool is_signed, float param, qea_act_quant *out, float *step) {
    (void)is_signed, (void)param;
    float levels = levels_of(bits);
    *step = 1.0f / levels;
    *out = (qea_act_quant){.kind = QEA_ACT_ROUND, .inv_step = levels, .lo = 0, .hi = levels};
}

const qea_act_method qea_act_uniform = {.make = uniform_make};

/* PACT: alpha q_k(clamp(x, 0, alpha)/alpha). */
static float pact_init(int bits, bool is_signed, float mean_abs) {
    (void)bits, (void)is_signed, (void)mean_abs;
    return 10.0f;
}

static void pact_make(int bits, bool is_signed, float param, qea_act_quant *out, float *step) {
    (void)is_signed;
    float levels = levels_of(bits), alpha = param < QEA_MIN_STEP ? QEA_MIN_STEP : param;
    *step = alpha / levels;
    *out = (qea_act_quant){
        .kind = QEA_ACT_ROUND, .grad = QEA_GRAD_PACT, .inv_step = levels / alpha, .lo = 0, .hi = levels};
}

static double pact_grad_scale(int bits, bool is_signed, size_t count) {
    (void)bits, (void)is_signed, (void)count;
    return 1;
}

const qea_act_method qea_act_pact = {
    .learned = true, .init = pact_init, .make = pact_make, .grad_scale = pact_grad_scale};

/* Bi-Real: sign(x). */
static void sign_make(int bits, bool is_signed, float param, qea_act_quant *out, float *step) {
    (void)bits, (void)is_signed, (void)param;
    *step = 1;
    *out = (qea_act_quant){.kind = QEA_ACT_SIGN, .inv_step = 1, .lo = -1, .hi = 1};
}

const qea_act_method qea_act_sign = {.make = sign_make};
