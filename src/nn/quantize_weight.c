/* nn/quantize_weight.c: weights without learned parameters: DoReFa, WRPN, signs (docs/math.md, "Weights"). */
#include <math.h>

#include "nn/quantize_rows.h"
#include "nn/tanh.h"

enum { LANES = 8, BLOCK = 256 };

static size_t total(const qea_weight_quant *quant) { return quant->channels * quant->per_channel; }

/* Sums go over LANES partial sums, in a fixed order: vector code with the same result everywhere. */
static double add_lanes(const double lanes[LANES]) {
    double sum = 0;
    for (int k = 0; k < LANES; k++) sum += lanes[k];
    return sum;
}

static double sum_abs(const float *x, size_t n) {
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += (double)fabsf(x[i + (size_t)k]);
    for (; i < n; i++) lanes[0] += (double)fabsf(x[i]);
    return add_lanes(lanes);
}

static double sum_products(const float *x, const float *y, size_t n) {
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += (double)x[i + (size_t)k] * (double)y[i + (size_t)k];
    for (; i < n; i++) lanes[0] += (double)x[i] * (double)y[i];
    return add_lanes(lanes);
}

static float max_abs(const float *x, size_t n) {
    float lanes[LANES] = {0}, max = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float a = fabsf(x[i + (size_t)k]);
            lanes[k] = a > lanes[k] ? a : lanes[k];
        }
    for (; i < n; i++) max = fmaxf(max, fabsf(x[i]));
    for (int k = 0; k < LANES; k++) max = fmaxf(max, lanes[k]);
    return max;
}

static void set_steps(const qea_weight_quant *quant, float value, float *step) {
    for (size_t k = 0; k < quant->channels; k++) step[k] = value;
}

static void pass_gradient(const qea_weight_quant *quant, const float *dvalue, float *dw) {
    size_t n = total(quant);
    for (size_t i = 0; i < n; i++) dw[i] = dvalue[i];
}

static void signs(const float *w, size_t n, float *q) {
    for (size_t i = 0; i < n; i++) q[i] = w[i] > 0 ? 1.0f : w[i] < 0 ? -1.0f : w[i]; /* 0 -> 0, NaN -> NaN */
}

static void symmetric(int size, int *low, int *high) {
    *low = -size;
    *high = size;
}

/* --- sign(w) mean|w|; the gradient passes unchanged, the mean counts as a constant --- */

static void sign_range(int bits, int *low, int *high) {
    (void)bits;
    symmetric(1, low, high);
}

static void sign_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q, float *step) {
    (void)params;
    size_t n = total(quant);
    signs(w, n, q);
    set_steps(quant, (float)(sum_abs(w, n) / (double)n), step);
}

static void channel_sign_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q,
                                 float *step) {
    (void)params;
    size_t n = quant->per_channel;
    signs(w, total(quant), q);
    for (size_t k = 0; k < quant->channels; k++) step[k] = (float)(sum_abs(w + k * n, n) / (double)n);
}

static void sign_backward(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                          const float *step, const float *dvalue, float *dw, float *dparams) {
    (void)w, (void)params, (void)q, (void)step, (void)dparams;
    pass_gradient(quant, dvalue, dw);
}

const qea_weight_method qea_weight_sign = {.range = sign_range, .forward = sign_forward, .backward = sign_backward};
const qea_weight_method qea_weight_channel_sign = {
    .range = sign_range, .forward = channel_sign_forward, .backward = sign_backward};

/* --- DoReFa: 2 q_k(tanh w / (2 max|tanh w|) + 1/2) - 1; tanh grows with w, so the maximum is that of max|w| --- */

static void dorefa_range(int bits, int *low, int *high) { symmetric((1 << bits) - 1, low, high); }

static void dorefa_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q, float *step) {
    if (quant->bits == 1) {
        sign_forward(quant, w, params, q, step);
        return;
    }
    size_t n = total(quant);
    float levels = (float)((1 << quant->bits) - 1), max = qea_tanhf(max_abs(w, n));
    float half_inverse = max > 0 ? 0.5f / max : 0.0f;
    for (size_t i = 0; i < n; i++) {
        float unit = qea_tanhf(w[i]) * half_inverse + 0.5f; /* 0..1 */
        q[i] = 2.0f * qea_round_even(unit * levels) - levels;
    }
    set_steps(quant, 1.0f / levels, step);
}

static size_t first_of_size(const float *w, size_t n, float size) {
    for (size_t i = 0; i < n; i++)
        if (fabsf(w[i]) == size) return i;
    return n; /* only where every weight is NaN */
}

/* The surrogate is tanh(w)/M with M = max|tanh w| = |tanh(w[m])|, so that w[m] also gets -sign/M^2 sum(dvalue tanh w).
 */
static void dorefa_backward(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                            const float *step, const float *dvalue, float *dw, float *dparams) {
    if (quant->bits == 1) {
        sign_backward(quant, w, params, q, step, dvalue, dw, dparams);
        return;
    }
    size_t n = total(quant);
    float largest = max_abs(w, n), max = qea_tanhf(largest), inverse = max > 0 ? 1.0f / max : 0.0f;
    double sum = 0;
    for (size_t start = 0; start < n; start += BLOCK) {
        float t[BLOCK];
        size_t count = n - start < BLOCK ? n - start : BLOCK;
        for (size_t i = 0; i < count; i++) t[i] = qea_tanhf(w[start + i]);
        sum += sum_products(dvalue + start, t, count); /* before dw is written: it may be dvalue */
        for (size_t i = 0; i < count; i++) dw[start + i] = dvalue[start + i] * ((1.0f - t[i] * t[i]) * inverse);
    }
    size_t m = first_of_size(w, n, largest);
    if (m == n) return;
    float of_max = (float)(sum * (double)((1.0f - max * max) * inverse * inverse));
    dw[m] -= w[m] < 0 ? -of_max : of_max;
}

const qea_weight_method qea_weight_dorefa = {
    .range = dorefa_range, .forward = dorefa_forward, .backward = dorefa_backward};

/* --- WRPN: q_(k-1)(clamp(w, -1, 1)) --- */

static void wrpn_range(int bits, int *low, int *high) { symmetric(bits == 1 ? 1 : (1 << (bits - 1)) - 1, low, high); }

static void wrpn_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q, float *step) {
    if (quant->bits == 1) {
        sign_forward(quant, w, params, q, step);
        return;
    }
    size_t n = total(quant);
    float levels = (float)((1 << (quant->bits - 1)) - 1);
    for (size_t i = 0; i < n; i++) q[i] = qea_round_even(qea_clamp(w[i], -1.0f, 1.0f) * levels);
    set_steps(quant, 1.0f / levels, step);
}

static void wrpn_backward(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                          const float *step, const float *dvalue, float *dw, float *dparams) {
    if (quant->bits == 1) {
        sign_backward(quant, w, params, q, step, dvalue, dw, dparams);
        return;
    }
    size_t n = total(quant);
    for (size_t i = 0; i < n; i++) dw[i] = fabsf(w[i]) <= 1.0f ? dvalue[i] : 0.0f;
}

const qea_weight_method qea_weight_wrpn = {.range = wrpn_range, .forward = wrpn_forward, .backward = wrpn_backward};
