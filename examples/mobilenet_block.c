/* Another network through the C API: a small one of inverted residuals with linear bottlenecks, as in MobileNetV2
 * (Sandler et al. 2018, arXiv:1801.04381, section 3.3), and what its layers cost at 8 and at 4 bits.
 *
 *   cc mobilenet_block.c -lquantea -o mobilenet_block */
#include <stdio.h>
#include <string.h>

#include <quantea/network.h>
#include <quantea/quantizer.h>
#include <quantea/status.h>

enum { MAX_LAYERS = 64, CLASSES = 10 };

/* The graph and the node that comes last; after a failure nothing more is added. */
typedef struct builder {
    qea_context *ctx;
    qea_graph *graph;
    qea_node last;
    qea_status status;
} builder;

typedef struct stage {
    int expansion, channels, blocks, stride;
} stage;

/* Convolution, batch norm and, unless it ends in a linear bottleneck, ReLU. */
static void add_conv(builder *b, const char *name, int channels, int kernel, int stride, int groups, int relu) {
    char norm[80];
    qea_conv_options options = {.out_channels = channels,
                                .kernel = kernel,
                                .stride = stride,
                                .padding = kernel / 2,
                                .groups = groups,
                                .quantized = strcmp(name, "stem") != 0};
    snprintf(norm, sizeof norm, "%s.bn", name);
    if (b->status == QEA_OK) b->status = qea_graph_conv(b->ctx, b->graph, name, b->last, &options, &b->last);
    if (b->status == QEA_OK) b->status = qea_graph_batch_norm(b->ctx, b->graph, norm, b->last, 1e-5, 0.1, &b->last);
    if (b->status == QEA_OK && relu) b->status = qea_graph_relu(b->ctx, b->graph, b->last, &b->last);
}

/* Expand by 1x1, filter each channel by 3x3, project by 1x1; add the input where the shape allows it. */
static void add_block(builder *b, const char *block, int in_channels, int expansion, int out_channels, int stride) {
    char name[64];
    qea_node in = b->last;
    int inside = in_channels * expansion;
    snprintf(name, sizeof name, "%s.expand", block);
    if (expansion > 1) add_conv(b, name, inside, 1, 1, 1, 1);
    snprintf(name, sizeof name, "%s.depthwise", block);
    add_conv(b, name, inside, 3, stride, inside, 1);
    snprintf(name, sizeof name, "%s.project", block);
    add_conv(b, name, out_channels, 1, 1, 1, 0);
    if (b->status == QEA_OK && stride == 1 && in_channels == out_channels)
        b->status = qea_graph_add(b->ctx, b->graph, b->last, in, &b->last);
}

static void build(builder *b) {
    static const stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 1}, {6, 32, 2, 2}, {6, 64, 2, 2}};
    int channels = 16;
    b->status = qea_graph_create(b->ctx, "small-mobilenet", &b->graph);
    if (b->status == QEA_OK) b->status = qea_graph_input(b->ctx, b->graph, 32, 32, 3, &b->last);
    add_conv(b, "stem", channels, 3, 1, 1, 1);
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (int i = 0; i < stages[s].blocks; i++) {
            char block[32];
            snprintf(block, sizeof block, "stage%d.%d", (int)s + 1, i);
            add_block(b, block, channels, stages[s].expansion, stages[s].channels, i == 0 ? stages[s].stride : 1);
            channels = stages[s].channels;
        }
    add_conv(b, "head", 128, 1, 1, 1, 1);
    if (b->status == QEA_OK) b->status = qea_graph_global_avg_pool(b->ctx, b->graph, b->last, &b->last);
    if (b->status == QEA_OK)
        b->status = qea_graph_linear(b->ctx, b->graph, "classifier", b->last, CLASSES, true, false, &b->last);
    if (b->status == QEA_OK) b->status = qea_graph_finish(b->ctx, b->graph);
}

static void print_layers(const qea_graph *graph) {
    printf("%-20s %-14s %-14s %6s %7s %9s %10s %s\n", "layer", "input", "output", "kernel", "groups", "weights", "MACs",
           "quantised");
    for (size_t i = 0; i < qea_graph_num_layers(graph); i++) {
        const qea_layer_info *layer = qea_graph_layer(graph, i);
        char in[40], out[40];
        snprintf(in, sizeof in, "%dx%dx%d", layer->in_height, layer->in_width, layer->in_channels);
        snprintf(out, sizeof out, "%dx%dx%d", layer->out_height, layer->out_width, layer->out_channels);
        printf("%-20s %-14s %-14s %6d %7d %9llu %10llu %s\n", layer->name, in, out, layer->kernel, layer->groups,
               (unsigned long long)layer->weights, (unsigned long long)layer->macs, layer->quantized ? "yes" : "no");
    }
}

/* LSQ, because the input of an expansion comes out of a linear bottleneck and has both signs. */
static qea_status print_cost(qea_context *ctx, const qea_graph *graph, int bits) {
    uint8_t list[MAX_LAYERS];
    qea_cost cost;
    memset(list, bits, sizeof list);
    qea_bit_policy policy = {QEA_LSQ, QEA_LSQ, qea_graph_num_quantized(graph), list, list};
    qea_status status = qea_graph_cost(ctx, graph, &policy, &cost);
    if (status == QEA_OK)
        printf("w%da%d: %.3f M flops, %.3f k params, %.0f M bops, %.0f bytes of weights, %.0f bytes of activations\n",
               bits, bits, cost.flops, cost.params, cost.bops_total / 1e6, cost.weight_bytes_total,
               cost.activation_bytes);
    return status;
}

int main(void) {
    builder b = {.ctx = qea_context_create()};
    if (!b.ctx) return 1;
    build(&b);
    if (b.status == QEA_OK) {
        print_layers(b.graph);
        printf("%s: %llu parameters, a genome of %d genes\n", "small-mobilenet",
               (unsigned long long)qea_graph_num_parameters(b.graph), 2 * (int)qea_graph_num_quantized(b.graph));
        b.status = print_cost(b.ctx, b.graph, 8);
    }
    if (b.status == QEA_OK) b.status = print_cost(b.ctx, b.graph, 4);
    if (b.status != QEA_OK) fprintf(stderr, "%s\n", qea_context_message(b.ctx));
    int failed = b.status != QEA_OK;
    qea_graph_destroy(b.graph);
    qea_context_destroy(b.ctx);
    return failed;
}
