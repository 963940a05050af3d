/* nn/model_init.c: values at the start, and values taken over from another model. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "nn/model_internal.h"

enum { WEIGHT_STREAM = 0, BIAS_STREAM = 1 };

static void fill(qea_param *param, float value) {
    for (size_t i = 0; param && i < param->count; i++) param->value[i] = value;
}

static void fill_uniform(qea_param *param, const qea_rng *rng, double bound) {
    for (size_t i = 0; param && i < param->count; i++)
        param->value[i] = (float)((2 * qea_rng_uniform(rng, i) - 1) * bound);
}

/* The streams go by the layer's number in the graph, so that what else a layer has (steps, or nothing at all) changes
 * no weight of another. */
static void init_layer(const qea_model *model, const qea_graph_node *node, uint64_t seed) {
    qea_param *weight = qea_model_find_part(model, node->name, "weight");
    if (!weight) return; /* left out */
    qea_rng rng = qea_rng_make(seed, QEA_RNG_INIT, (uint32_t)node->layer, WEIGHT_STREAM);
    qea_weight_quant quant = qea_model_weight_quant(model, node);
    double bound = 1 / sqrt((double)quant.per_channel);
    if (node->op == QEA_OP_LINEAR) {
        fill_uniform(weight, &rng, bound);
    } else { /* He et al. 2015, arXiv:1502.01852, equation 14 (fan_out) */
        double deviation = sqrt(2.0 / ((double)node->conv.out_channels * node->conv.kernel * node->conv.kernel));
        for (size_t i = 0; i < weight->count; i++) weight->value[i] = (float)(qea_rng_normal(&rng, i) * deviation);
    }
    rng = qea_rng_make(seed, QEA_RNG_INIT, (uint32_t)node->layer, BIAS_STREAM);
    fill_uniform(qea_model_find_part(model, node->name, "bias"), &rng, bound);
}

/* How many sets a layer's steps have, and the bits of set `i`. */
static size_t num_sets(const qea_model *model) { return qea_model_is_supernet(model) ? model->widths.count : 1; }
static int set_bits(const qea_model *model, size_t i, int bits) {
    return qea_model_is_supernet(model) ? model->widths.bits[i] : bits;
}

/* LSQ's weight steps from the weights that stand there; activation steps wait for the first batch. */
static void init_weight_steps(const qea_model *model, const qea_graph_node *node, float *steps, int bits) {
    qea_weight_quant quant = qea_model_weight_quant(model, node);
    quant.bits = bits;
    qea_weight_quant_init_params(&quant, qea_model_find_part(model, node->name, "weight")->value, steps);
}

static void init_all_weight_steps(const qea_model *model, const qea_graph_node *node) {
    qea_param *param = qea_model_find_part(model, node->name, "weight_step");
    if (!param) return;
    size_t sets = num_sets(model), count = param->count / sets;
    for (size_t i = 0; i < sets; i++)
        init_weight_steps(model, node, param->value + i * count,
                          set_bits(model, i, qea_model_weight_quant(model, node).bits));
}

static void init_activation(const qea_model *model, const qea_graph_node *node) {
    fill(qea_model_find_part(model, node->name, "act_step"), NAN);
    fill(qea_model_find_part(model, node->name, "act_alpha"), qea_act_quant_init_param(QEA_PACT, 8, false, 0));
}

static void init_norm(const qea_model *model, const qea_graph_node *node) {
    fill(qea_model_find_part(model, node->name, "weight"), 1);
    fill(qea_model_find_part(model, node->name, "running_var"), 1);
}

qea_status qea_model_begin(qea_context *ctx, qea_model *model, uint64_t seed) {
    QEA_TRY(qea_model_allocate(ctx, model));
    for (size_t i = 0; i < qea_graph_num_nodes(model->graph); i++) {
        const qea_graph_node *node = qea_graph_node_at(model->graph, (qea_node)i);
        if (node->op == QEA_OP_BATCH_NORM) init_norm(model, node);
        if (node->layer < 0) continue;
        init_layer(model, node, seed);
        init_all_weight_steps(model, node);
        init_activation(model, node);
    }
    return QEA_OK;
}

qea_status qea_model_create(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *policy, uint64_t seed,
                            qea_model **out) {
    qea_model *model = NULL;
    *out = NULL;
    QEA_TRY(qea_model_describe(ctx, graph, policy, NULL, &model));
    qea_status status = qea_model_begin(ctx, model, seed);
    if (status == QEA_OK)
        *out = model;
    else
        qea_model_destroy(model);
    return status;
}

/* --- warm start --- */

static bool same_shape(const qea_param *a, const qea_param *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* The layer's quantised index in the other graph, or -1. */
static int find_quantized(const qea_graph *graph, const char *name) {
    for (size_t i = 0; i < qea_graph_num_quantized(graph); i++)
        if (strcmp(qea_graph_quantized(graph, i)->name, name) == 0) return (int)i;
    return -1;
}

/* The `count` steps for `bits` of quantiser `kind` in a part of the other model, or NULL. */
static const float *find_steps(const qea_model *from, const char *node, const char *part, qea_quantizer kind, int bits,
                               size_t count) {
    qea_param *param = qea_model_find_part(from, node, part);
    int there = find_quantized(from->graph, node);
    bool weights = strcmp(part, "weight_step") == 0;
    if (!param || there < 0 || kind != (weights ? from->weight_quantizer : from->activation_quantizer)) return NULL;
    int own = weights ? from->weight_bits[there] : from->activation_bits[there];
    size_t offset = qea_model_step_offset(from, bits, count);
    bool fits = (qea_model_is_supernet(from) || own == bits) && offset != SIZE_MAX && offset + count <= param->count;
    return fits ? param->value + offset : NULL;
}

/* A learned step belongs to its bits: under others it would be wrong by their ratio. */
static void take_steps(const qea_model *to, const qea_graph_node *node, const qea_model *from, bool weights) {
    const char *part = weights ? "weight_step" : "act_step";
    qea_param *param = qea_model_find_part(to, node->name, part);
    if (!param) return;
    qea_quantizer kind = weights ? to->weight_quantizer : to->activation_quantizer;
    int own = weights ? to->weight_bits[node->quantized] : to->activation_bits[node->quantized];
    size_t sets = num_sets(to), count = param->count / sets;
    for (size_t i = 0; i < sets; i++) {
        int bits = set_bits(to, i, own);
        float *mine = param->value + i * count;
        const float *theirs = find_steps(from, node->name, part, kind, bits, count);
        if (theirs)
            memcpy(mine, theirs, count * sizeof *mine);
        else if (weights)
            init_weight_steps(to, node, mine, bits);
        else
            mine[0] = NAN;
    }
}

size_t qea_model_copy_values(qea_model *to, const qea_model *from) {
    size_t copied = 0;
    for (size_t i = 0; i < to->num_params; i++) {
        qea_param *param = &to->params[i];
        const qea_param *source = qea_model_find(from, param->name);
        if (!source || !same_shape(param, source)) continue;
        memcpy(param->value, source->value, param->count * sizeof *param->value);
        copied++;
    }
    for (size_t i = 0; i < qea_graph_num_nodes(to->graph); i++) {
        const qea_graph_node *node = qea_graph_node_at(to->graph, (qea_node)i);
        if (node->quantized < 0) continue;
        take_steps(to, node, from, true);
        take_steps(to, node, from, false);
    }
    return copied;
}
