/* tests/nn/plan_reference.h: a network node by node in float64, with plain loops and without any fusion: what a plan
 * must compute. Every activation and weight has its real value here (step times integer).
 *
 * With a base (an earlier run at other parameters), each quantiser is replaced by its straight-through line at the
 * base: Q(x0) + S(x) - S(x0), S the surrogate (rounding left out); LSQ: s (round(t0) + t - t0), t = clamp(x/s), so that
 * finite differences of the loss are the gradients that straight-through training uses. */
#ifndef TESTS_NN_PLAN_REFERENCE_H
#define TESTS_NN_PLAN_REFERENCE_H

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/model.h"

typedef struct reference {
    const qea_model *model;
    int batch;
    bool training;
    double smoothing;
    const float *images;
    const int32_t *labels;
    double **params;              /* [num_params]: owned copies, free to change */
    double **values;              /* [nodes]: owned, of the last run */
    bool *nonnegative;            /* [nodes] */
    const struct reference *base; /* NULL: quantise */
    double loss;                  /* sum over images */
} reference;

static inline size_t ref_size(const reference *r, int node) {
    const qea_graph_node *n = qea_graph_node_at(r->model->graph, node);
    return (size_t)r->batch * (size_t)n->height * (size_t)n->width * (size_t)n->channels;
}

static inline reference *ref_create(const qea_model *model, int batch, bool training, const float *images,
                                    const int32_t *labels) {
    reference *r = calloc(1, sizeof *r);
    size_t nodes = qea_graph_num_nodes(model->graph);
    *r = (reference){.model = model, .batch = batch, .training = training, .images = images, .labels = labels};
    r->params = calloc(model->num_params, sizeof *r->params);
    for (size_t i = 0; i < model->num_params; i++) {
        r->params[i] = calloc(model->params[i].count, sizeof(double));
        for (size_t j = 0; j < model->params[i].count; j++) r->params[i][j] = (double)model->params[i].value[j];
    }
    r->values = calloc(nodes, sizeof *r->values);
    r->nonnegative = calloc(nodes, sizeof *r->nonnegative);
    for (size_t i = 0; i < nodes; i++) r->values[i] = calloc(ref_size(r, (int)i), sizeof(double));
    return r;
}

static inline void ref_destroy(reference *r) {
    for (size_t i = 0; i < qea_graph_num_nodes(r->model->graph); i++) free(r->values[i]);
    for (size_t i = 0; i < r->model->num_params; i++) free(r->params[i]);
    free(r->values);
    free(r->params);
    free(r->nonnegative);
    free(r);
}

/* Index of "layer.what", or -1. */
static inline int ref_param(const qea_model *model, const char *layer, const char *what) {
    char name[256];
    snprintf(name, sizeof name, "%s.%s", layer, what);
    for (size_t i = 0; i < model->num_params; i++)
        if (strcmp(model->params[i].name, name) == 0) return (int)i;
    return -1;
}

static inline double ref_clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }
static inline double ref_sign(double x) { return (x > 0) - (x < 0); }

/* --- quantisers, REFERENCE section 4 --- */

static inline double ref_bireal_surrogate(double x) {
    double c = ref_clamp(x, -1, 1);
    return c < 0 ? 2 * c + c * c : 2 * c - c * c;
}

/* Value at x for a line through x0; without a base x = x0, p = p0. */
static inline double ref_act(qea_quantizer kind, int bits, bool is_signed, double x, double p, double x0, double p0) {
    if (bits == 32) return x > 0 ? x : 0;
    double n = pow(2, bits) - 1;
    switch (kind) {
    case QEA_PACT:
        return p0 * rint(ref_clamp(x0, 0, p0) / p0 * n) / n + ref_clamp(x, 0, p) - ref_clamp(x0, 0, p0);
    case QEA_BIREAL:
        return ref_sign(x0) + ref_bireal_surrogate(x) - ref_bireal_surrogate(x0);
    case QEA_LSQ: {
        bool both = is_signed && bits > 1;
        double lo = both ? -pow(2, bits - 1) : 0, hi = both ? pow(2, bits - 1) - 1 : n;
        double t0 = ref_clamp(x0 / p0, lo, hi), t = ref_clamp(x / p, lo, hi);
        return p * (rint(t0) + t - t0);
    }
    default:
        return rint(ref_clamp(x0, 0, 1) * n) / n + ref_clamp(x, 0, 1) - ref_clamp(x0, 0, 1);
    }
}

static inline double ref_mean_abs(const double *w, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(w[i]);
    return sum / (double)n;
}

static inline double ref_max_tanh(const double *w, size_t n) {
    double max = 0;
    for (size_t i = 0; i < n; i++) max = fmax(max, fabs(tanh(w[i])));
    return max;
}

/* w, w0 [channels][n] -> value; s, s0 [channels]: LSQ's steps. */
static inline void ref_weights(qea_quantizer kind, int bits, size_t channels, size_t n, const double *w,
                               const double *s, const double *w0, const double *s0, double *value) {
    double levels = pow(2, bits) - 1, half = pow(2, bits - 1) - 1;
    double max = ref_max_tanh(w, channels * n), max0 = ref_max_tanh(w0, channels * n);
    double mean0 = ref_mean_abs(w0, channels * n);
    for (size_t i = 0; i < channels * n; i++) {
        size_t k = i / n;
        if (bits == 32) {
            value[i] = w[i];
        } else if (kind == QEA_LSQ) {
            double lo = bits == 1 ? -1 : -half - 1, hi = bits == 1 ? 1 : half;
            double t0 = ref_clamp(w0[i] / s0[k], lo, hi), t = ref_clamp(w[i] / s[k], lo, hi);
            double r0 = bits == 1 ? (t0 >= 0 ? 1 : -1) : rint(t0);
            value[i] = s[k] * (r0 + t - t0);
        } else if (kind == QEA_XNOR) {
            value[i] = ref_sign(w0[i]) * ref_mean_abs(w0 + k * n, n) + w[i] - w0[i];
        } else if (bits == 1) {
            value[i] = ref_sign(w0[i]) * mean0 + w[i] - w0[i];
        } else if (kind == QEA_WRPN) {
            value[i] = rint(ref_clamp(w0[i], -1, 1) * half) / half + ref_clamp(w[i], -1, 1) - ref_clamp(w0[i], -1, 1);
        } else {
            double t0 = tanh(w0[i]) / max0, t = tanh(w[i]) / max;
            value[i] = 2 * rint((t0 / 2 + 0.5) * levels) / levels - 1 + t - t0;
        }
    }
}

/* --- operators --- */

static inline void ref_skip(const reference *r, int node) {
    const qea_graph_node *o = qea_graph_node_at(r->model->graph, node);
    const qea_graph_node *in = qea_graph_node_at(r->model->graph, o->in[0]);
    bool flat = o->op == QEA_OP_LINEAR;
    int h = flat ? 1 : in->height, w = flat ? 1 : in->width, stride = flat ? 1 : o->conv.stride;
    int c = flat ? in->height * in->width * in->channels : in->channels;
    size_t at = 0;
    for (int n = 0; n < r->batch; n++)
        for (int i = 0; i < o->height; i++)
            for (int j = 0; j < o->width; j++)
                for (int k = 0; k < o->channels; k++, at++)
                    r->values[node][at] =
                        k < c ? r->values[o->in[0]][((n * h + i * stride) * w + j * stride) * c + k] : 0;
}

static inline double ref_conv_at(const qea_graph_node *o, int h, int w, int c, const double *x, const double *weight,
                                 int n, int i, int j, int k) {
    int kernel = o->op == QEA_OP_LINEAR ? 1 : o->conv.kernel, groups = o->op == QEA_OP_LINEAR ? 1 : o->conv.groups;
    int stride = o->op == QEA_OP_LINEAR ? 1 : o->conv.stride, pad = o->op == QEA_OP_LINEAR ? 0 : o->conv.padding;
    int per = c / groups, first = k / (o->channels / groups) * per;
    double sum = 0;
    for (int q = 0; q < per; q++)
        for (int a = 0; a < kernel; a++)
            for (int b = 0; b < kernel; b++) {
                int y = i * stride - pad + a, z = j * stride - pad + b;
                if (y < 0 || y >= h || z < 0 || z >= w) continue;
                sum += weight[((k * per + q) * kernel + a) * kernel + b] * x[((n * h + y) * w + z) * c + first + q];
            }
    return sum;
}

static inline void ref_layer(reference *r, int node) {
    const qea_model *m = r->model;
    const reference *base = r->base ? r->base : r;
    const qea_graph_node *o = qea_graph_node_at(m->graph, node), *in = qea_graph_node_at(m->graph, o->in[0]);
    int wb = o->quantized >= 0 ? m->weight_bits[o->quantized] : 32;
    int ab = o->quantized >= 0 ? m->activation_bits[o->quantized] : 32;
    if (wb == 0 || ab == 0) {
        ref_skip(r, node);
        return;
    }
    int wi = ref_param(m, o->name, "weight"), si = ref_param(m, o->name, "weight_step");
    int bi = ref_param(m, o->name, "bias");
    int pi = ref_param(m, o->name, m->activation_quantizer == QEA_PACT ? "act_alpha" : "act_step");
    size_t count = m->params[wi].count, size = ref_size(r, o->in[0]);
    double *weight = calloc(count, sizeof *weight), *x = calloc(size, sizeof *x);
    ref_weights(m->weight_quantizer, wb, (size_t)o->channels, count / (size_t)o->channels, r->params[wi],
                si < 0 ? NULL : r->params[si], base->params[wi], si < 0 ? NULL : base->params[si], weight);
    for (size_t i = 0; i < size; i++) {
        double v = r->values[o->in[0]][i], v0 = base->values[o->in[0]][i];
        x[i] = o->quantized < 0 ? v
                                : ref_act(m->activation_quantizer, ab, !r->nonnegative[o->in[0]], v,
                                          pi < 0 ? 0 : r->params[pi][0], v0, pi < 0 ? 0 : base->params[pi][0]);
    }
    bool flat = o->op == QEA_OP_LINEAR;
    int h = flat ? 1 : in->height, w = flat ? 1 : in->width,
        c = flat ? in->height * in->width * in->channels : in->channels;
    size_t at = 0;
    for (int n = 0; n < r->batch; n++)
        for (int i = 0; i < o->height; i++)
            for (int j = 0; j < o->width; j++)
                for (int k = 0; k < o->channels; k++, at++)
                    r->values[node][at] =
                        ref_conv_at(o, h, w, c, x, weight, n, i, j, k) + (bi < 0 ? 0 : r->params[bi][k]);
    free(weight);
    free(x);
}

static inline void ref_batch_norm(reference *r, int node) {
    const qea_graph_node *o = qea_graph_node_at(r->model->graph, node);
    const double *x = r->values[o->in[0]];
    const double *gamma = r->params[ref_param(r->model, o->name, "weight")];
    const double *beta = r->params[ref_param(r->model, o->name, "bias")];
    double *mean = r->params[ref_param(r->model, o->name, "running_mean")];
    double *var = r->params[ref_param(r->model, o->name, "running_var")];
    size_t channels = (size_t)o->channels, size = ref_size(r, node), rows = size / channels;
    for (size_t c = 0; c < channels; c++) {
        double mu = 0, v = 0;
        for (size_t i = c; i < size; i += channels) mu += x[i] / (double)rows;
        for (size_t i = c; i < size; i += channels) v += (x[i] - mu) * (x[i] - mu) / (double)rows;
        if (r->training) {
            mean[c] = (1 - o->momentum) * mean[c] + o->momentum * mu;
            var[c] = (1 - o->momentum) * var[c] + o->momentum * v * (double)rows / (double)(rows > 1 ? rows - 1 : 1);
        } else {
            mu = mean[c];
            v = var[c];
        }
        for (size_t i = c; i < size; i += channels)
            r->values[node][i] = gamma[c] * (x[i] - mu) / sqrt(v + o->eps) + beta[c];
    }
}

static inline void ref_pool(reference *r, int node) {
    const qea_graph_node *o = qea_graph_node_at(r->model->graph, node),
                         *in = qea_graph_node_at(r->model->graph, o->in[0]);
    bool global = o->op == QEA_OP_GLOBAL_AVG_POOL, max = o->op == QEA_OP_MAX_POOL;
    int kh = global ? in->height : o->kernel, kw = global ? in->width : o->kernel;
    int stride = global ? 1 : o->stride, pad = global ? 0 : o->padding;
    size_t at = 0;
    for (int n = 0; n < r->batch; n++)
        for (int i = 0; i < o->height; i++)
            for (int j = 0; j < o->width; j++)
                for (int k = 0; k < o->channels; k++, at++) {
                    double best = -INFINITY, sum = 0;
                    for (int a = 0; a < kh; a++)
                        for (int b = 0; b < kw; b++) {
                            int y = i * stride - pad + a, z = j * stride - pad + b;
                            if (y < 0 || y >= in->height || z < 0 || z >= in->width) continue;
                            double v = r->values[o->in[0]][((n * in->height + y) * in->width + z) * in->channels + k];
                            best = v > best ? v : best;
                            sum += v;
                        }
                    r->values[node][at] = max ? best : sum / (kh * kw);
                }
}

static inline void ref_loss(reference *r) {
    int nodes = (int)qea_graph_num_nodes(r->model->graph), classes = qea_graph_num_classes(r->model->graph);
    r->loss = 0;
    for (int n = 0; n < r->batch; n++) {
        const double *logits = r->values[nodes - 1] + n * classes;
        if (r->labels[n] < 0) continue;
        double max = -INFINITY, sum = 0;
        for (int c = 0; c < classes; c++) max = fmax(max, logits[c]);
        for (int c = 0; c < classes; c++) sum += exp(logits[c] - max);
        for (int c = 0; c < classes; c++) {
            double target = (c == r->labels[n] ? 1 - r->smoothing : 0) + r->smoothing / classes;
            r->loss -= target * (logits[c] - max - log(sum));
        }
    }
}

static inline void ref_run(reference *r) {
    const qea_graph *g = r->model->graph;
    for (int i = 0; i < (int)qea_graph_num_nodes(g); i++) {
        const qea_graph_node *o = qea_graph_node_at(g, i);
        size_t size = ref_size(r, i);
        bool kept = o->in[0] >= 0 && r->nonnegative[o->in[0]];
        switch (o->op) {
        case QEA_OP_INPUT:
            for (size_t j = 0; j < size; j++) r->values[i][j] = (double)r->images[j];
            break;
        case QEA_OP_CONV:
        case QEA_OP_LINEAR:
            ref_layer(r, i);
            r->nonnegative[i] =
                kept && o->quantized >= 0 &&
                (r->model->weight_bits[o->quantized] == 0 || r->model->activation_bits[o->quantized] == 0);
            break;
        case QEA_OP_BATCH_NORM:
            ref_batch_norm(r, i);
            break;
        case QEA_OP_RELU:
            for (size_t j = 0; j < size; j++) r->values[i][j] = fmax(r->values[o->in[0]][j], 0);
            r->nonnegative[i] = true;
            break;
        case QEA_OP_ADD:
            for (size_t j = 0; j < size; j++) r->values[i][j] = r->values[o->in[0]][j] + r->values[o->in[1]][j];
            break;
        case QEA_OP_MAX_POOL:
        case QEA_OP_AVG_POOL:
        case QEA_OP_GLOBAL_AVG_POOL:
            ref_pool(r, i);
            r->nonnegative[i] = kept;
            break;
        }
    }
    ref_loss(r);
}

#endif
