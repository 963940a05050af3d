/* nn/quantize.h: quantisers on whole weight tensors, and what an activation quantiser is to the kernels.
 * A quantised tensor is integers on a grid times a step: value = step * q. Convolutions run on the integers.
 * Formulas, gradients and their sources: docs/math.md, "Quantisers". */
#ifndef QEA_NN_QUANTIZE_H
#define QEA_NN_QUANTIZE_H

#include "kernels/kernels.h"
#include "quantea/quantizer.h"

/* A row per quantiser (the table in quantizer.c); the only place that knows what differs between them. */
typedef struct qea_weight_quant {
    qea_quantizer kind;
    int bits;           /* 1..8, 16, 32 (float: q = w, step 1) */
    size_t channels;    /* K */
    size_t per_channel; /* (C/groups)*R*S */
} qea_weight_quant;

/* Number of learned parameters: LSQ K (steps), else 0. */
size_t qea_weight_quant_num_params(const qea_weight_quant *quant);
void qea_weight_quant_init_params(const qea_weight_quant *quant, const float *w, float *params);
/* w [K][per_channel] -> q, same shape, integers as float32 (odd integers 2i - n for DoReFa); step[K]. A NaN gives NaN.
 */
void qea_weight_quant_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q,
                              float *step);
/* The lowest and the highest integer that forward makes; false: it makes real numbers. */
bool qea_weight_quant_range(const qea_weight_quant *quant, int *low, int *high);
/* dvalue = gradient with respect to step * q -> dw (written; may be dvalue itself), dparams (written). w, params, q,
 * step as in forward. */
void qea_weight_quant_backward(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                               const float *step, const float *dvalue, float *dw, float *dparams);

/* Activations: number of learned parameters (PACT alpha, LSQ step: 1, else 0), and for given bits and parameter the
 * kernel's quantiser and the step. is_signed: the values do not come out of a ReLU; only LSQ at 2 bits and more then
 * has integers below 0. */
size_t qea_act_quant_num_params(qea_quantizer kind, int bits);
/* mean_abs: mean |y| of the first batch (LSQ's first step = 2 mean_abs/sqrt(Qp)); PACT: 10. */
float qea_act_quant_init_param(qea_quantizer kind, int bits, bool is_signed, float mean_abs);
void qea_act_quant_make(qea_quantizer kind, int bits, bool is_signed, float param, qea_act_quant *out, float *step);
/* d(loss)/d(param) from the kernel's sum over `count` values (LSQ: scaled by 1/sqrt(count Qp)). */
float qea_act_quant_param_grad(qea_quantizer kind, int bits, bool is_signed, double sum, size_t count);

/* Slow, plain: the value of one activation, for tests. */
float qea_act_quant_value(qea_quantizer kind, int bits, bool is_signed, float param, float x);

#endif
