/* nn/quantizer.c: the table of quantisers, and the functions that look into it. */
#include <math.h>
#include <string.h>

#include "nn/quantize_rows.h"

enum { FLOAT_BITS = 32 };

#define BITS(k) ((uint64_t)1 << (k))
#define ALL_BITS (0x1fe | BITS(16) | BITS(FLOAT_BITS)) /* 1..8, 16, 32 */
#define ONE_BIT (BITS(1) | BITS(FLOAT_BITS))

typedef struct quantizer_row {
    const char *name;
    uint64_t weight_bits, activation_bits; /* bit k is set: k bits are defined */
    const qea_weight_method *weight;
    const qea_act_method *act;
} quantizer_row;

static const quantizer_row rows[] = {
    [QEA_DOREFA] = {"dorefa", ALL_BITS | BITS(0), ALL_BITS | BITS(0), &qea_weight_dorefa, &qea_act_uniform},
    [QEA_PACT] = {"pact", ALL_BITS, ALL_BITS, &qea_weight_dorefa, &qea_act_pact},
    [QEA_WRPN] = {"wrpn", ALL_BITS, ALL_BITS, &qea_weight_wrpn, &qea_act_uniform},
    [QEA_XNOR] = {"xnor", ONE_BIT, ALL_BITS, &qea_weight_channel_sign, &qea_act_uniform},
    [QEA_BIREAL] = {"bireal", ONE_BIT, ONE_BIT, &qea_weight_sign, &qea_act_sign},
    [QEA_LSQ] = {"lsq", ALL_BITS, ALL_BITS, &qea_weight_lsq, &qea_act_lsq},
};
enum { NUM_ROWS = sizeof rows / sizeof *rows };

const char *qea_quantizer_name(int quantizer) {
    return quantizer >= 0 && quantizer < (int)NUM_ROWS ? rows[quantizer].name : NULL;
}

bool qea_quantizer_parse(const char *name, qea_quantizer *out) {
    for (int i = 0; i < (int)NUM_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = (qea_quantizer)i;
            return true;
        }
    return false;
}

static bool has_bits(uint64_t set, int bits) { return bits >= 0 && bits <= FLOAT_BITS && (set >> bits & 1); }

bool qea_quantizer_weight_bits_ok(qea_quantizer quantizer, int bits) {
    return qea_quantizer_name((int)quantizer) && has_bits(rows[quantizer].weight_bits, bits);
}

bool qea_quantizer_activation_bits_ok(qea_quantizer quantizer, int bits) {
    return qea_quantizer_name((int)quantizer) && has_bits(rows[quantizer].activation_bits, bits);
}

/* --- weights --- */

static bool quantizes(int bits) { return bits > 0 && bits < FLOAT_BITS; }

size_t qea_weight_quant_num_params(const qea_weight_quant *quant) {
    return quantizes(quant->bits) && rows[quant->kind].weight->learned_steps ? quant->channels : 0;
}

void qea_weight_quant_init_params(const qea_weight_quant *quant, const float *w, float *params) {
    if (qea_weight_quant_num_params(quant) > 0) rows[quant->kind].weight->init(quant, w, params);
}

void qea_weight_quant_forward(const qea_weight_quant *quant, const float *w, const float *params, float *q,
                              float *step) {
    if (quantizes(quant->bits)) {
        rows[quant->kind].weight->forward(quant, w, params, q, step);
        return;
    }
    memcpy(q, w, quant->channels * quant->per_channel * sizeof *w);
    for (size_t k = 0; k < quant->channels; k++) step[k] = 1;
}

bool qea_weight_quant_range(const qea_weight_quant *quant, int *low, int *high) {
    if (!quantizes(quant->bits)) return false;
    rows[quant->kind].weight->range(quant->bits, low, high);
    return true;
}

void qea_weight_quant_backward(const qea_weight_quant *quant, const float *w, const float *params, const float *q,
                               const float *step, const float *dvalue, float *dw, float *dparams) {
    if (quantizes(quant->bits))
        rows[quant->kind].weight->backward(quant, w, params, q, step, dvalue, dw, dparams);
    else
        memmove(dw, dvalue, quant->channels * quant->per_channel * sizeof *dw);
}

/* --- activations --- */

size_t qea_act_quant_num_params(qea_quantizer kind, int bits) {
    return quantizes(bits) && rows[kind].act->learned ? 1 : 0;
}

float qea_act_quant_init_param(qea_quantizer kind, int bits, bool is_signed, float mean_abs) {
    return qea_act_quant_num_params(kind, bits) ? rows[kind].act->init(bits, is_signed, mean_abs) : 0.0f;
}

void qea_act_quant_make(qea_quantizer kind, int bits, bool is_signed, float param, qea_act_quant *out, float *step) {
    if (quantizes(bits)) {
        rows[kind].act->make(bits, is_signed, param, out, step);
        return;
    }
    *step = 1;
    *out = (qea_act_quant){.kind = QEA_ACT_RELU, .inv_step = 1, .lo = 0, .hi = INFINITY};
}

float qea_act_quant_param_grad(qea_quantizer kind, int bits, bool is_signed, double sum, size_t count) {
    if (!qea_act_quant_num_params(kind, bits)) return 0;
    return (float)(sum * rows[kind].act->grad_scale(bits, is_signed, count));
}

float qea_act_quant_value(qea_quantizer kind, int bits, bool is_signed, float param, float x) {
    qea_act_quant quant;
    float step;
    qea_act_quant_make(kind, bits, is_signed, param, &quant, &step);
    if (quant.kind == QEA_ACT_RELU) return x > 0 ? x : 0.0f;
    if (quant.kind == QEA_ACT_SIGN) return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
    return step * rintf(qea_clamp(x * quant.inv_step, quant.lo, quant.hi));
}
