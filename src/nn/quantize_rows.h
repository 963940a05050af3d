/* nn/quantize_rows.h: what a row of the quantiser table (quantizer.c) consists of; private to quantiz*.c. */
#ifndef QEA_NN_QUANTIZE_ROWS_H
#define QEA_NN_QUANTIZE_ROWS_H

#include "nn/quantize.h"

/* Weights at 1..16 bits; arguments as in nn/quantize.h. */
typedef struct qea_weight_method {
    bool learned_steps;                                                         /* one parameter per output channel */
    void (*init)(const qea_weight_quant *quant, const float *w, float *params); /* NULL without parameters */
    void (*range)(int bits, int *low, int *high);                               /* of the integers */
    void (*forward)(const qea_weight_quant *quant, const float *w, const float *params, float *q, float *step);
    void (*backward)(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                     const float *step, const float *dvalue, float *dw, float *dparams);
} qea_weight_method;

/* Activations at 1..16 bits. */
typedef struct qea_act_method {
    bool learned; /* one parameter */
    float (*init)(int bits, bool is_signed, float mean_abs);
    void (*make)(int bits, bool is_signed, float param, qea_act_quant *out, float *step);
    double (*grad_scale)(int bits, bool is_signed, size_t count); /* of the parameter's gradient */
} qea_act_method;

extern const qea_weight_method qea_weight_dorefa, qea_weight_wrpn, qea_weight_sign, qea_weight_channel_sign,
    qea_weight_lsq;
extern const qea_act_method qea_act_uniform, qea_act_pact, qea_act_sign, qea_act_lsq;

/* A learned step or clipping level is used as at least this, so that a scale that training drove to 0 or below stays a
 * scale. */
#define QEA_MIN_STEP 1e-8f

/* Nearest integer, half to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits behind the point. Unlike rintf it is
 * two additions on every CPU, and so the loops around it become vector code. */
static inline float qea_round_even(float x) {
    const float shift = 12582912.0f;
    return (x + shift) - shift;
}

static inline float qea_clamp(float x, float low, float high) { /* a NaN stays one */
    x = x < low ? low : x;
    return x > high ? high : x;
}

#endif
