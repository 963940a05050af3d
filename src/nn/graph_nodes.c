/* nn/graph_nodes.c: one function per kind of node: its checks and the shape of its output. */

#include "base/error.h"
#include "base/memory.h"
#include "nn/graph_internal.h"

qea_status qea_graph_window(qea_context *ctx, const char *what, const qea_graph_node *from, int kernel, int stride,
                            int padding, int *height, int *width) {
    char text[QEA_SHAPE_TEXT];
    if (kernel < 1 || kernel > QEA_GRAPH_MAX_KERNEL || stride < 1 || stride > QEA_GRAPH_MAX_KERNEL || padding < 0 ||
        padding >= kernel)
        return qea_fail(
            ctx, QEA_ERR_CONFIG,
            "%s: kernel %d, stride %d, padding %d; allowed are kernels and strides of 1 to %d and a padding "
            "of 0 to kernel - 1",
            what, kernel, stride, padding, QEA_GRAPH_MAX_KERNEL);
    int room_h = from->height + 2 * padding - kernel, room_w = from->width + 2 * padding - kernel;
    if (room_h < 0 || room_w < 0)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: a kernel of %d does not fit into %s with padding %d", what, kernel,
                        qea_graph_shape_text(from, text), padding);
    *height = room_h / stride + 1;
    *width = room_w / stride + 1;
    return QEA_OK;
}

/* A node that reads `in`, with everything not said otherwise. */
static qea_graph_node new_node(qea_op op, qea_node in) {
    return (qea_graph_node){.op = op, .in = {in, -1}, .layer = -1, .quantized = -1};
}

static void copy_shape(qea_graph_node *to, const qea_graph_node *from) {
    to->height = from->height;
    to->width = from->width;
    to->channels = from->channels;
}

qea_status qea_graph_input(qea_context *ctx, qea_graph *g, int height, int width, int channels, qea_node *out) {
    qea_graph_node node = new_node(QEA_OP_INPUT, -1);
    node.height = height;
    node.width = width;
    node.channels = channels;
    return qea_graph_append(ctx, g, NULL, &node, out);
}

/* Appends a node with weights and its row in the table of layers. Room is made first, so that nothing is half done. */
static qea_status append_layer(qea_context *ctx, qea_graph *g, const char *name, qea_graph_node *node,
                               qea_layer_info *info, qea_node *out) {
    uint64_t per_output =
        (uint64_t)(info->in_channels / info->groups) * (uint64_t)info->kernel * (uint64_t)info->kernel;
    info->weights = per_output * (uint64_t)info->out_channels; /* < 2^24 * 2^16 * 2^24 */
    if (info->weights > QEA_GRAPH_MAX_COUNT)
        return qea_fail(ctx, QEA_ERR_CONFIG, "layer %s: it would have %llu weights; allowed are %d", name,
                        (unsigned long long)info->weights, QEA_GRAPH_MAX_COUNT);
    info->macs = info->weights * (uint64_t)info->out_height * (uint64_t)info->out_width;
    QEA_TRY(
        qea_grow(ctx, "graph layers", (void **)&g->layers, &g->layer_capacity, g->num_layers + 1, sizeof *g->layers));
    QEA_TRY(qea_grow(ctx, "quantised layers", (void **)&g->quantized, &g->quantized_capacity, g->num_quantized + 1,
                     sizeof *g->quantized));
    node->layer = (int)g->num_layers;
    if (info->quantized) node->quantized = (int)g->num_quantized;
    QEA_TRY(qea_graph_append(ctx, g, name, node, out));
    info->name = g->nodes[*out].name;
    g->layers[g->num_layers] = *info;
    if (info->quantized) g->quantized[g->num_quantized++] = (int)g->num_layers;
    g->num_layers++;
    return QEA_OK;
}

qea_status qea_graph_conv(qea_context *ctx, qea_graph *g, const char *name, qea_node in,
                          const qea_conv_options *options, qea_node *out) {
    const qea_graph_node *from;
    QEA_TRY(qea_graph_need(ctx, g, name, in, &from));
    qea_graph_node node = new_node(QEA_OP_CONV, in);
    QEA_TRY(qea_graph_window(ctx, name, from, options->kernel, options->stride, options->padding, &node.height,
                             &node.width));
    if (options->out_channels < 1 || options->out_channels > QEA_GRAPH_MAX_CHANNELS)
        return qea_fail(ctx, QEA_ERR_CONFIG, "layer %s: %d output channels; allowed are 1 to %d", name,
                        options->out_channels, QEA_GRAPH_MAX_CHANNELS);
    if (options->groups < 1 || from->channels % options->groups || options->out_channels % options->groups)
        return qea_fail(ctx, QEA_ERR_CONFIG, "layer %s: %d groups do not divide %d input and %d output channels", name,
                        options->groups, from->channels, options->out_channels);
    node.channels = options->out_channels;
    node.conv = *options;
    qea_layer_info info = {.quantized = options->quantized,
                           .in_height = from->height,
                           .in_width = from->width,
                           .in_channels = from->channels,
                           .out_height = node.height,
                           .out_width = node.width,
                           .out_channels = node.channels,
                           .kernel = options->kernel,
                           .stride = options->stride,
                           .padding = options->padding,
                           .groups = options->groups};
    return append_layer(ctx, g, name, &node, &info, out);
}

qea_status qea_graph_linear(qea_context *ctx, qea_graph *g, const char *name, qea_node in, int out_features, bool bias,
                            bool quantized, qea_node *out) {
    const qea_graph_node *from;
    QEA_TRY(qea_graph_need(ctx, g, name, in, &from));
    if (out_features < 1 || out_features > QEA_GRAPH_MAX_CHANNELS)
        return qea_fail(ctx, QEA_ERR_CONFIG, "layer %s: %d output features; allowed are 1 to %d", name, out_features,
                        QEA_GRAPH_MAX_CHANNELS);
    qea_graph_node node = new_node(QEA_OP_LINEAR, in);
    node.height = node.width = 1;
    node.channels = out_features;
    node.conv = (qea_conv_options){
        .out_channels = out_features, .kernel = 1, .stride = 1, .groups = 1, .bias = bias, .quantized = quantized};
    qea_layer_info info = {.quantized = quantized,
                           .linear = true,
                           .in_height = 1,
                           .in_width = 1,
                           .in_channels = from->height * from->width * from->channels,
                           .out_height = 1,
                           .out_width = 1,
                           .out_channels = out_features,
                           .kernel = 1,
                           .stride = 1,
                           .groups = 1};
    return append_layer(ctx, g, name, &node, &info, out);
}

qea_status qea_graph_batch_norm(qea_context *ctx, qea_graph *g, const char *name, qea_node in, double eps,
                                double momentum, qea_node *out) {
    const qea_graph_node *from;
    QEA_TRY(qea_graph_need(ctx, g, name, in, &from));
    if (!(eps > 0 && eps <= 1) || !(momentum > 0 && momentum <= 1))
        return qea_fail(ctx, QEA_ERR_CONFIG, "batch norm %s: eps %g, momentum %g; allowed is 0 < x <= 1 for both", name,
                        eps, momentum);
    qea_graph_node node = new_node(QEA_OP_BATCH_NORM, in);
    copy_shape(&node, from);
    node.eps = eps;
    node.momentum = momentum;
    return qea_graph_append(ctx, g, name, &node, out);
}

qea_status qea_graph_relu(qea_context *ctx, qea_graph *g, qea_node in, qea_node *out) {
    const qea_graph_node *from;
    QEA_TRY(qea_graph_need(ctx, g, "a relu", in, &from));
    qea_graph_node node = new_node(QEA_OP_RELU, in);
    copy_shape(&node, from);
    return qea_graph_append(ctx, g, NULL, &node, out);
}

qea_status qea_graph_add(qea_context *ctx, qea_graph *g, qea_node a, qea_node b, qea_node *out) {
    const qea_graph_node *left, *right;
    QEA_TRY(qea_graph_need(ctx, g, "an addition", a, &left));
    QEA_TRY(qea_graph_need(ctx, g, "an addition", b, &right));
    if (a == b) return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: node %d is added to itself", g->name, a);
    char x[QEA_SHAPE_TEXT], y[QEA_SHAPE_TEXT];
    if (left->height != right->height || left->width != right->width || left->channels != right->channels)
        return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: nodes %d (%s) and %d (%s) cannot be added", g->name, a,
                        qea_graph_shape_text(left, x), b, qea_graph_shape_text(right, y));
    qea_graph_node node = new_node(QEA_OP_ADD, a);
    node.in[1] = b;
    copy_shape(&node, left);
    return qea_graph_append(ctx, g, NULL, &node, out);
}

static qea_status add_pool(qea_context *ctx, qea_graph *g, qea_op op, qea_node in, int kernel, int stride, int padding,
                           qea_node *out) {
    const qea_graph_node *from;
    QEA_TRY(qea_graph_need(ctx, g, "a pool", in, &from));
    qea_graph_node node = new_node(op, in);
    if (op == QEA_OP_GLOBAL_AVG_POOL) {
        node.height = node.width = 1;
    } else {
        if (kernel > QEA_GRAPH_MAX_POOL_KERNEL || padding > kernel / 2) /* every window sees the image */
            return qea_fail(ctx, QEA_ERR_CONFIG,
                            "a pool with kernel %d and padding %d; allowed are kernels up to %d "
                            "and a padding up to half of the kernel",
                            kernel, padding, QEA_GRAPH_MAX_POOL_KERNEL);
        QEA_TRY(qea_graph_window(ctx, "a pool", from, kernel, stride, padding, &node.height, &node.width));
        node.kernel = kernel;
        node.stride = stride;
        node.padding = padding;
    }
    node.channels = from->channels;
    return qea_graph_append(ctx, g, NULL, &node, out);
}

qea_status qea_graph_max_pool(qea_context *ctx, qea_graph *g, qea_node in, int kernel, int stride, int padding,
                              qea_node *out) {
    return add_pool(ctx, g, QEA_OP_MAX_POOL, in, kernel, stride, padding, out);
}

qea_status qea_graph_avg_pool(qea_context *ctx, qea_graph *g, qea_node in, int kernel, int stride, int padding,
                              qea_node *out) {
    return add_pool(ctx, g, QEA_OP_AVG_POOL, in, kernel, stride, padding, out);
}

qea_status qea_graph_global_avg_pool(qea_context *ctx, qea_graph *g, qea_node in, qea_node *out) {
    return add_pool(ctx, g, QEA_OP_GLOBAL_AVG_POOL, in, 0, 1, 0, out);
}
