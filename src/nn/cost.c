/* nn/cost.c: what a graph costs under a bit policy (docs/math.md, "Costs"). */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/graph.h"

enum { FLOAT_BITS = 32 };

typedef struct layer_bits {
    int weight, activation; /* both 0 where the layer is left out */
} layer_bits;

static layer_bits bits_of(const qea_graph_node *node, const qea_bit_policy *policy) {
    if (!policy || node->quantized < 0) return (layer_bits){FLOAT_BITS, FLOAT_BITS};
    layer_bits bits = {policy->weight_bits[node->quantized], policy->activation_bits[node->quantized]};
    return bits.weight == 0 || bits.activation == 0 ? (layer_bits){0, 0} : bits;
}

/* Parameters of a node besides the weights of a layer: biases, scales and shifts. */
static uint64_t other_parameters(const qea_graph_node *node) {
    if (node->op == QEA_OP_BATCH_NORM) return 2 * (uint64_t)node->channels;
    return node->layer >= 0 && node->conv.bias ? (uint64_t)node->channels : 0;
}

uint64_t qea_graph_num_parameters(const qea_graph *g) {
    uint64_t sum = 0;
    for (size_t i = 0; i < qea_graph_num_nodes(g); i++) {
        const qea_graph_node *node = qea_graph_node_at(g, (qea_node)i);
        if (node->layer >= 0) sum += qea_graph_layer(g, (size_t)node->layer)->weights;
        sum += other_parameters(node);
    }
    return sum;
}

static void add_node_cost(const qea_graph *g, const qea_graph_node *node, const qea_bit_policy *policy,
                          qea_cost *cost) {
    layer_bits bits = bits_of(node, policy);
    double others = bits.weight == 0 ? 0 : (double)other_parameters(node);
    cost->params += others;
    cost->weight_bytes_total += others * FLOAT_BITS / 8;
    if (node->layer < 0) return;
    const qea_layer_info *layer = qea_graph_layer(g, (size_t)node->layer);
    double macs = (double)layer->macs, weights = (double)layer->weights;
    double bops = macs * bits.weight * bits.activation, bytes = weights * bits.weight / 8;
    cost->flops += layer->quantized ? macs * (bits.weight + bits.activation) / FLOAT_BITS : macs;
    cost->params += weights * bits.weight / FLOAT_BITS;
    cost->bops_total += bops;
    cost->weight_bytes_total += bytes;
    if (layer->quantized) {
        cost->bops += bops;
        cost->weight_bytes += bytes;
    }
}

/* Is the value of node `i` passed on without being stored? Batch norm, ReLU and addition are done on the way out of the
 * node before them, where nobody else reads that node. */
static bool passed_on(const qea_graph *g, size_t i) {
    if (i + 1 >= qea_graph_num_nodes(g) || qea_graph_node_at(g, (qea_node)i)->consumers != 1) return false;
    const qea_graph_node *next = qea_graph_node_at(g, (qea_node)(i + 1));
    bool elementwise = next->op == QEA_OP_BATCH_NORM || next->op == QEA_OP_RELU || next->op == QEA_OP_ADD;
    return elementwise && (next->in[0] == (qea_node)i || next->in[1] == (qea_node)i);
}

typedef struct stored_value {
    int bits;    /* 0: nobody has read it yet */
    size_t last; /* node that reads it last */
} stored_value;

/* Bits at which each value lives (its readers' largest; float where a reader is no quantised layer) and its last
 * reader. */
static void find_readers(const qea_graph *g, const qea_bit_policy *policy, stored_value *values) {
    size_t count = qea_graph_num_nodes(g);
    for (size_t i = 0; i < count; i++) {
        const qea_graph_node *node = qea_graph_node_at(g, (qea_node)i);
        int bits = bits_of(node, policy).activation;
        if (bits == 0) bits = FLOAT_BITS; /* left out: the value itself goes through */
        for (int k = 0; k < 2; k++) {
            if (node->in[k] < 0) continue;
            stored_value *value = &values[node->in[k]];
            value->last = i;
            if (value->bits < bits) value->bits = bits;
        }
    }
    values[count - 1] = (stored_value){FLOAT_BITS, count - 1}; /* the logits */
}

static double stored_bytes(const qea_graph_node *node, int bits) {
    return ceil((double)node->height * node->width * node->channels * bits / 8);
}

/* Runs of nodes that end in a stored value are steps; at each one the stored values that it or a later step reads, and
 * its own, are live. A value is freed behind the step in which its last reader stands. */
static double peak_activation_bytes(const qea_graph *g, const stored_value *values) {
    size_t count = qea_graph_num_nodes(g), first = 0;
    double peak = 0;
    for (size_t i = 0; i < count; i++) {
        if (passed_on(g, i)) continue;
        double live = stored_bytes(qea_graph_node_at(g, (qea_node)i), values[i].bits);
        for (size_t j = 0; j < first; j++)
            if (values[j].last >= first && !passed_on(g, j))
                live += stored_bytes(qea_graph_node_at(g, (qea_node)j), values[j].bits);
        if (live > peak) peak = live;
        first = i + 1;
    }
    return peak;
}

static void fill_mean_bits(const qea_graph *g, const qea_bit_policy *policy, qea_cost *cost) {
    double macs = 0, weights = 0, activation_bits = 0;
    for (size_t i = 0; i < qea_graph_num_nodes(g); i++) {
        const qea_graph_node *node = qea_graph_node_at(g, (qea_node)i);
        if (node->quantized < 0) continue;
        const qea_layer_info *layer = qea_graph_quantized(g, (size_t)node->quantized);
        macs += (double)layer->macs;
        weights += (double)layer->weights;
        activation_bits += (double)layer->macs * bits_of(node, policy).activation;
    }
    cost->mean_weight_bits = weights > 0 ? cost->weight_bytes * 8 / weights : 0;
    cost->mean_activation_bits = macs > 0 ? activation_bits / macs : 0;
}

qea_status qea_graph_cost(qea_context *ctx, const qea_graph *g, const qea_bit_policy *policy, qea_cost *out) {
    qea_cost cost = {0};
    size_t count = qea_graph_num_nodes(g);
    if (policy) QEA_TRY(qea_graph_check_policy(ctx, g, policy));
    if (count == 0) {
        *out = cost;
        return QEA_OK;
    }
    stored_value *values = NULL;
    QEA_TRY(QEA_NEW(ctx, "activation sizes", values, count));
    for (size_t i = 0; i < count; i++) add_node_cost(g, qea_graph_node_at(g, (qea_node)i), policy, &cost);
    find_readers(g, policy, values);
    cost.activation_bytes = peak_activation_bytes(g, values);
    fill_mean_bits(g, policy, &cost);
    cost.flops /= 1e6;
    cost.params /= 1e3;
    qea_free(values);
    *out = cost;
    return QEA_OK;
}
