/* nn/quantize_lsq.c: learned step size quantisation (Esser et al. 2019; docs/math.md, "LSQ"). */
#include <math.h>

#include "nn/quantize_rows.h"

typedef struct range {
    float low, high; /* of the integers */
} range;

static range signed_range(int bits) {
    if (bits == 1) return (range){-1, 1}; /* {-s, +s} */
    return (range){-(float)(1 << (bits - 1)), (float)((1 << (bits - 1)) - 1)};
}

/* One bit has no room for a sign: {0, s}. */
static range act_range(int bits, bool is_signed) {
    if (is_signed && bits > 1) return signed_range(bits);
    return (range){0, (float)((1 << bits) - 1)};
}

static float usable_step(float param) { return param < QEA_MIN_STEP ? QEA_MIN_STEP : param; }

static float to_grid(float t, range r, int bits) {
    if (bits == 1) return t >= 0 ? 1.0f : t < 0 ? -1.0f : t; /* NaN stays one */
    return qea_round_even(qea_clamp(t, r.low, r.high));
}

/* 2 mean|w|/sqrt(Qp); at one bit mean|w|, the closest s to w in the least squares sense. */
static void lsq_init(const qea_weight_quant *quant, const float *w, float *params) {
    size_t n = quant->per_channel;
    float factor = quant->bits == 1 ? 1.0f : 2.0f / sqrtf(signed_range(quant->bits).high);
    for (size_t k = 0; k < quant->channels; k++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)fabsf(w[k * n + i]);
        params[k] = usable_step((float)(sum / (double)n) * factor);
    }
}

static void lsq_range(int bits, int *low, int *high) {
    range r = signed_range(bits);
    *low = (int)r.low;
    *high = (int)r.high;
}

static void lsq_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q, float *step) {
    size_t n = quant->per_channel;
    range r = signed_range(quant->bits);
    for (size_t k = 0; k < quant->channels; k++) {
        step[k] = usable_step(params[k]);
        float inverse = 1.0f / step[k];
        for (size_t i = k * n; i < (k + 1) * n; i++) q[i] = to_grid(w[i] * inverse, r, quant->bits);
    }
}

static void lsq_backward(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                         const float *step, const float *dvalue, float *dw, float *dparams) {
    (void)params;
    size_t n = quant->per_channel;
    range r = signed_range(quant->bits);
    double scale = 1.0 / sqrt((double)n * (double)r.high);
    for (size_t k = 0; k < quant->channels; k++) {
        float inverse = 1.0f / step[k];
        double sum = 0;
        for (size_t i = k * n; i < (k + 1) * n; i++) {
            float t = w[i] * inverse, d = dvalue[i];
            float slope = t <= r.low ? r.low : t >= r.high ? r.high : q[i] - t;
            sum += (double)d * (double)slope;
            dw[i] = t >= r.low && t <= r.high ? d : 0.0f;
        }
        dparams[k] = (float)(sum * scale);
    }
}

const qea_weight_method qea_weight_lsq = {
    .learned_steps = true, .init = lsq_init, .range = lsq_range, .forward = lsq_forward, .backward = lsq_backward};

static float act_init(int bits, bool is_signed, float mean_abs) {
    return usable_step(2.0f * mean_abs / sqrtf(act_range(bits, is_signed).high));
}

static void act_make(int bits, bool is_signed, float param, qea_act_quant *out, float *step) {
    range r = act_range(bits, is_signed);
    *step = usable_step(param);
    *out = (qea_act_quant){
        .kind = QEA_ACT_ROUND, .grad = QEA_GRAD_LSQ, .inv_step = 1.0f / *step, .lo = r.low, .hi = r.high};
}

static double act_grad_scale(int bits, bool is_signed, size_t count) {
    return 1.0 / sqrt((double)count * (double)act_range(bits, is_signed).high);
}

const qea_act_method qea_act_lsq = {.learned = true, .init = act_init, .make = act_make, .grad_scale = act_grad_scale};
