/* nn/policy.c: is a bit policy one for this graph? */
#include "base/error.h"
#include "nn/graph.h"

/* A layer left out passes on its input at every stride-th pixel; those must exist. */
static bool can_be_left_out(const qea_layer_info *layer) {
    return (layer->out_height - 1) * layer->stride < layer->in_height &&
           (layer->out_width - 1) * layer->stride < layer->in_width;
}

static qea_status check_layer(qea_context *ctx, const qea_graph *g, const qea_bit_policy *policy, size_t i) {
    const qea_layer_info *layer = qea_graph_quantized(g, i);
    int weight_bits = policy->weight_bits[i], activation_bits = policy->activation_bits[i];
    if (!qea_quantizer_weight_bits_ok(policy->weight_quantizer, weight_bits))
        return qea_fail(ctx, QEA_ERR_CONFIG, "layer %s (quantised layer %zu): %d weight bits are not defined for %s",
                        layer->name, i, weight_bits, qea_quantizer_name((int)policy->weight_quantizer));
    if (!qea_quantizer_activation_bits_ok(policy->activation_quantizer, activation_bits))
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "layer %s (quantised layer %zu): %d activation bits are not defined for %s", layer->name, i,
                        activation_bits, qea_quantizer_name((int)policy->activation_quantizer));
    if ((weight_bits == 0 || activation_bits == 0) && !can_be_left_out(layer))
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "layer %s (quantised layer %zu): 0 bits leave the layer out, which is not possible: its output "
                        "is larger than its input at stride %d",
                        layer->name, i, layer->stride);
    return QEA_OK;
}

qea_status qea_graph_check_policy(qea_context *ctx, const qea_graph *g, const qea_bit_policy *policy) {
    size_t count = qea_graph_num_quantized(g);
    if (policy->num_layers != count)
        return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: bits for %zu layers were given; it has %zu quantised layers",
                        qea_graph_name(g), policy->num_layers, count);
    if (!qea_quantizer_name((int)policy->weight_quantizer) || !qea_quantizer_name((int)policy->activation_quantizer))
        return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: quantisers %d and %d; there is no such quantiser",
                        qea_graph_name(g), (int)policy->weight_quantizer, (int)policy->activation_quantizer);
    for (size_t i = 0; i < count; i++) QEA_TRY(check_layer(ctx, g, policy, i));
    return QEA_OK;
}
