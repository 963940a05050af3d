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

/* LSQ's weight steps from the weights that stand there; activation steps wait for the first batch. */
static void init_weight_steps(const qea_model *model, const qea_graph_node *node) {
    qea_param *step = qea_model_find_part(model, node->name, "weight_step");
    if (!step) return;
    qea_weight_quant quant = qea_model_weight_quant(model, node);
    qea_weight_quant_init_params(&quant, qea_model_find_part(model, node->name, "weight")->value, step->value);
}

static void init_activation(const qea_model *model, const qea_graph_node *node) {
    fill(qea_model_find_part(model, node->name, "act_step"), NAN);
    fill(qea_model_find_part(model, node->name, "act_alpha"), qea_act_quant_init_param(QEA_PACT, 8, false, 0));
}

static void init_norm(const qea_model *model, const qea_graph_node *node) {
    fill(qea_model_find_part(model, node->name, "weight"), 1);
    fill(qea_model_find_part(model, node->name, "running_var"), 1);
}

qea_status qea_model_create(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *policy, uint64_t seed,
                            qea_model **out) {
    qea_model *model = NULL;
    *out = NULL;
    QEA_TRY(qea_model_describe(ctx, graph, policy, &model));
    qea_status status = qea_model_allocate(ctx, model);
    if (status != QEA_OK) {
        qea_model_destroy(model);
        return status;
    }
    for (size_t i = 0; i < qea_graph_num_nodes(graph); i++) {
        const qea_graph_node *node = qea_graph_node_at(graph, (qea_node)i);
        if (node->op == QEA_OP_BATCH_NORM) init_norm(model, node);
        if (node->layer < 0) continue;
        init_layer(model, node, seed);
        init_weight_steps(model, node);
        init_activation(model, node);
    }
    *out = model;
    return QEA_OK;
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

/* A learned step belongs to its bits: under others it would be wrong by their ratio. */
static void restart_steps(const qea_model *to, const qea_graph_node *node, const qea_model *from) {
    int there = find_quantized(from->graph, node->name);
    bool same_weights = there >= 0 && from->weight_quantizer == to->weight_quantizer &&
                        from->weight_bits[there] == to->weight_bits[node->quantized];
    bool same_activations = there >= 0 && from->activation_quantizer == to->activation_quantizer &&
                            from->activation_bits[there] == to->activation_bits[node->quantized];
    if (!same_weights) init_weight_steps(to, node);
    if (!same_activations) fill(qea_model_find_part(to, node->name, "act_step"), NAN);
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
        if (node->quantized >= 0) restart_steps(to, node, from);
    }
    return copied;
}
