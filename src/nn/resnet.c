/* nn/resnet.c: the residual networks of the original (ResNetGeneral with LinearClassificationHead; docs/math.md,
 * "Network"). */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "nn/graph.h"

enum { MAX_STAGES = 4, MAX_BLOCKS = 1000, BOTTLENECK_EXPANSION = 4, BLOCK_BYTES = 32, NAME_BYTES = 64 };

typedef struct resnet_depth {
    int depth;
    bool bottleneck;
    int blocks[MAX_STAGES];
} resnet_depth;

/* He et al. 2015, arXiv:1512.03385, table 1; 20 as the original has it. */
static const resnet_depth depths[] = {
    {18, false, {2, 2, 2, 2}}, {20, false, {3, 3, 3, 2}},  {34, false, {3, 4, 6, 3}},
    {50, true, {3, 4, 6, 3}},  {101, true, {3, 4, 23, 3}}, {152, true, {3, 8, 36, 3}},
};

/* The graph being built, the node that comes last, and how it went so far: after a failure nothing more is done. */
typedef struct builder {
    qea_context *ctx;
    qea_graph *graph;
    qea_node last;
    qea_status status;
} builder;

static void add_conv_norm(builder *b, const char *conv, const char *norm, int channels, int kernel, int stride,
                          bool quantized) {
    qea_conv_options options = {.out_channels = channels,
                                .kernel = kernel,
                                .stride = stride,
                                .padding = kernel / 2,
                                .groups = 1,
                                .quantized = quantized};
    if (b->status == QEA_OK) b->status = qea_graph_conv(b->ctx, b->graph, conv, b->last, &options, &b->last);
    if (b->status == QEA_OK) b->status = qea_graph_batch_norm(b->ctx, b->graph, norm, b->last, 1e-5, 0.1, &b->last);
}

static void add_relu(builder *b) {
    if (b->status == QEA_OK) b->status = qea_graph_relu(b->ctx, b->graph, b->last, &b->last);
}

/* Convolution `index` (from 1) of a block with its batch norm. */
static void add_block_conv(builder *b, const char *block, int index, int channels, int kernel, int stride) {
    char conv[NAME_BYTES], norm[NAME_BYTES];
    snprintf(conv, sizeof conv, "%s.conv%d", block, index);
    snprintf(norm, sizeof norm, "%s.bn%d", block, index);
    add_conv_norm(b, conv, norm, channels, kernel, stride, true);
}

/* ReLU(convolutions + shortcut); the shortcut's convolution comes last, as in the genome. */
static void add_block(builder *b, const char *block, bool bottleneck, int channels, int stride) {
    if (b->status != QEA_OK) return;
    qea_node in = b->last;
    int in_channels = qea_graph_node_at(b->graph, in)->channels;
    int out_channels = bottleneck ? BOTTLENECK_EXPANSION * channels : channels;
    add_block_conv(b, block, 1, channels, bottleneck ? 1 : 3, bottleneck ? 1 : stride);
    add_relu(b);
    add_block_conv(b, block, 2, channels, 3, bottleneck ? stride : 1);
    if (bottleneck) {
        add_relu(b);
        add_block_conv(b, block, 3, out_channels, 1, 1);
    }
    qea_node residual = b->last, shortcut = in;
    if (stride != 1 || in_channels != out_channels) {
        char conv[NAME_BYTES], norm[NAME_BYTES];
        snprintf(conv, sizeof conv, "%s.downsample.0", block);
        snprintf(norm, sizeof norm, "%s.downsample.1", block);
        b->last = in;
        add_conv_norm(b, conv, norm, out_channels, 1, stride, true);
        shortcut = b->last;
    }
    if (b->status == QEA_OK) b->status = qea_graph_add(b->ctx, b->graph, residual, shortcut, &b->last);
    add_relu(b);
}

static void add_network(builder *b, const qea_resnet_options *options, const resnet_depth *form, int stages) {
    b->status = qea_graph_input(b->ctx, b->graph, options->height, options->width, options->channels, &b->last);
    add_conv_norm(b, "conv1", "bn1", options->base_channel, options->small_input ? 3 : 7, options->small_input ? 1 : 2,
                  false);
    add_relu(b);
    if (b->status == QEA_OK && !options->small_input)
        b->status = qea_graph_max_pool(b->ctx, b->graph, b->last, 3, 2, 1, &b->last);
    for (int stage = 0; stage < stages; stage++)
        for (int i = 0; i < form->blocks[stage]; i++) {
            char block[BLOCK_BYTES];
            snprintf(block, sizeof block, "layer%d.%d", stage + 1, i);
            add_block(b, block, form->bottleneck, options->base_channel << stage, stage > 0 && i == 0 ? 2 : 1);
        }
    if (b->status == QEA_OK) b->status = qea_graph_global_avg_pool(b->ctx, b->graph, b->last, &b->last);
    if (b->status == QEA_OK)
        b->status = qea_graph_linear(b->ctx, b->graph, "fc", b->last, options->num_classes, true, false, &b->last);
    if (b->status == QEA_OK) b->status = qea_graph_finish(b->ctx, b->graph);
}

static qea_status given_blocks(qea_context *ctx, const qea_resnet_options *options, resnet_depth *form, int *stages) {
    int used = 0;
    while (used < MAX_STAGES && options->num_blocks[used] > 0) used++;
    for (int i = 0; i < MAX_STAGES; i++)
        if (options->num_blocks[i] > MAX_BLOCKS || (i < used ? 0 : options->num_blocks[i]) != 0)
            return qea_fail(
                ctx, QEA_ERR_CONFIG,
                "resnet: num_blocks %d of stage %d; allowed are 1 to %d for the first stages, 0 behind them",
                options->num_blocks[i], i + 1, MAX_BLOCKS);
    *form = (resnet_depth){0};
    memcpy(form->blocks, options->num_blocks, sizeof form->blocks);
    *stages = options->stage == 0 || options->stage > used ? used : options->stage;
    return QEA_OK;
}

static qea_status choose_form(qea_context *ctx, const qea_resnet_options *options, resnet_depth *form, int *stages) {
    bool given = options->num_blocks[0] > 0;
    if (options->stage < (given ? 0 : 1) || options->stage > MAX_STAGES)
        return qea_fail(ctx, QEA_ERR_CONFIG, "resnet: stage %d; allowed are 1 to %d", options->stage, MAX_STAGES);
    if (given) return given_blocks(ctx, options, form, stages);
    *stages = options->stage;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        if (depths[i].depth == options->base_depth) {
            *form = depths[i];
            return QEA_OK;
        }
    return qea_fail(ctx, QEA_ERR_CONFIG, "resnet: base_depth %d; allowed are 18, 20, 34, 50, 101, 152",
                    options->base_depth);
}

static void graph_name(const resnet_depth *form, int stages, char *text, size_t size) {
    if (form->depth > 0) {
        snprintf(text, size, "resnet%d", form->depth);
        return;
    }
    size_t length = (size_t)snprintf(text, size, "resnet");
    for (int i = 0; i < stages && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "-%d", form->blocks[i]);
}

qea_status qea_resnet_create(qea_context *ctx, const qea_resnet_options *options, qea_graph **out) {
    resnet_depth form = {0};
    int stages = 0;
    *out = NULL;
    QEA_TRY(choose_form(ctx, options, &form, &stages));
    if (options->base_channel < 1 || options->base_channel > QEA_GRAPH_MAX_CHANNELS >> 6)
        return qea_fail(ctx, QEA_ERR_CONFIG, "resnet: base_channel %d; allowed are 1 to %d", options->base_channel,
                        QEA_GRAPH_MAX_CHANNELS >> 6);
    char name[NAME_BYTES];
    graph_name(&form, stages, name, sizeof name);
    builder b = {.ctx = ctx};
    QEA_TRY(qea_graph_create(ctx, name, &b.graph));
    add_network(&b, options, &form, stages);
    if (b.status != QEA_OK) {
        qea_graph_destroy(b.graph);
        return b.status;
    }
    *out = b.graph;
    return QEA_OK;
}
