/* bench/train/engine.c: networks made ready to train and to evaluate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/rng.h"
#include "bench/train/bench.h"
#include "nn/graph.h"

enum { MAX_LAYERS = 128 };

const uint8_t bench_bits_4[3] = {4, 4, 4}, bench_bits_weights[3] = {2, 4, 8}, bench_bits_activations[3] = {4, 8, 2},
              bench_bits_float[3] = {32, 32, 32};
const bench_case bench_w4a4_training = {"train_w4a4", "training, w4a4", BENCH_RESNET20,    true,
                                        bench_bits_4, bench_bits_4,     QEA_PRECISION_AUTO};

static const qea_optimizer_options sgd = {.kind = QEA_SGD, .lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4};
static const char *const net_names[] = {"resnet20", "resnet18", "mobilenet_v2"};

const char *bench_net_name(bench_net net) { return net_names[net]; }

/* --- MobileNetV2: Sandler et al. 2018, arXiv:1801.04381, table 2, with ReLU in place of ReLU6 --- */

static void add_conv(qea_graph *g, const char *block, const char *part, const qea_conv_options *options, bool relu,
                     qea_node *last) {
    char name[64], norm[80];
    snprintf(name, sizeof name, "%s.%s", block, part);
    snprintf(norm, sizeof norm, "%s.bn", name);
    bench_must(qea_graph_conv(bench_ctx, g, name, *last, options, last));
    bench_must(qea_graph_batch_norm(bench_ctx, g, norm, *last, 1e-5, 0.1, last));
    if (relu) bench_must(qea_graph_relu(bench_ctx, g, *last, last));
}

static void add_inverted_residual(qea_graph *g, int index, int inputs, int expansion, int outputs, int stride,
                                  qea_node *last) {
    char block[32];
    int inside = inputs * expansion;
    qea_node in = *last;
    snprintf(block, sizeof block, "block%d", index);
    qea_conv_options expand = {.out_channels = inside, .kernel = 1, .stride = 1, .groups = 1, .quantized = true};
    qea_conv_options depthwise = {inside, 3, stride, 1, inside, false, true};
    qea_conv_options project = {.out_channels = outputs, .kernel = 1, .stride = 1, .groups = 1, .quantized = true};
    if (expansion > 1) add_conv(g, block, "expand", &expand, true, last);
    add_conv(g, block, "depthwise", &depthwise, true, last);
    add_conv(g, block, "project", &project, false, last);
    if (stride == 1 && inputs == outputs) bench_must(qea_graph_add(bench_ctx, g, *last, in, last));
}

static qea_graph *mobilenet_v2(int side) {
    static const int stages[][4] = {/* expansion, channels, blocks, stride */
                                    {1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                    {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    const qea_conv_options stem = {32, 3, 2, 1, 1, false, false};
    const qea_conv_options head = {.out_channels = 1280, .kernel = 1, .stride = 1, .groups = 1, .quantized = true};
    qea_graph *g;
    qea_node last;
    int channels = 32, index = 0;
    bench_must(qea_graph_create(bench_ctx, "mobilenet-v2", &g));
    bench_must(qea_graph_input(bench_ctx, g, side, side, 3, &last));
    add_conv(g, "stem", "conv", &stem, true, &last);
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (int i = 0; i < stages[s][2]; i++, channels = stages[s][1])
            add_inverted_residual(g, index++, channels, stages[s][0], stages[s][1], i == 0 ? stages[s][3] : 1, &last);
    add_conv(g, "head", "conv", &head, true, &last);
    bench_must(qea_graph_global_avg_pool(bench_ctx, g, last, &last));
    bench_must(qea_graph_linear(bench_ctx, g, "classifier", last, 1000, true, false, &last));
    bench_must(qea_graph_finish(bench_ctx, g));
    return g;
}

static qea_graph *make_graph(bench_net net) {
    static const qea_resnet_options resnet20 = {32, 32, 3, 20, 16, 3, {0}, true, 10},
                                    resnet18 = {224, 224, 3, 18, 64, 4, {0}, false, 1000};
    if (net == BENCH_MOBILENET_V2) return mobilenet_v2(224);
    qea_graph *graph;
    bench_must(qea_resnet_create(bench_ctx, net == BENCH_RESNET20 ? &resnet20 : &resnet18, &graph));
    return graph;
}

/* --- engine --- */

static void make_images(bench_engine *e) {
    int height, width, channels, classes = qea_graph_num_classes(e->graph);
    qea_graph_input_shape(e->graph, &height, &width, &channels);
    size_t count = (size_t)e->batch * (size_t)height * (size_t)width * (size_t)channels;
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    bench_must(QEA_NEW(bench_ctx, "images", e->images, count));
    bench_must(QEA_NEW(bench_ctx, "labels", e->labels, (size_t)e->batch));
    for (size_t i = 0; i < count; i++) e->images[i] = (float)qea_rng_normal(&rng, i);
    for (size_t i = 0; i < (size_t)e->batch; i++) e->labels[i] = (int32_t)qea_rng_below(&rng, i, (uint32_t)classes);
}

bench_engine bench_engine_make_of(const bench_case *what, qea_graph *graph, const qea_kernels *kernels, int batch) {
    bench_engine e = {.what = what, .graph = graph, .batch = batch};
    uint8_t w[MAX_LAYERS], a[MAX_LAYERS];
    size_t layers = qea_graph_num_quantized(graph);
    for (size_t i = 0; i < layers && i < MAX_LAYERS; i++) {
        w[i] = what->weight_bits[i % 3];
        a[i] = what->activation_bits[i % 3];
    }
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, layers, w, a};
    bench_must(qea_model_create(bench_ctx, graph, &policy, 1, &e.model));
    qea_plan_options options = {
        .kernels = kernels, .batch = batch, .training = what->train, .precision = what->precision};
    bench_must(qea_plan_create(bench_ctx, e.model, &options, &e.plan));
    if (what->train) bench_must(qea_optimizer_create(bench_ctx, &sgd, e.model, &e.optimizer));
    bench_must(qea_plan_refresh(bench_ctx, e.plan));
    make_images(&e);
    return e;
}

bench_engine bench_engine_make(const bench_case *what, const qea_kernels *kernels, int batch) {
    return bench_engine_make_of(what, make_graph(what->net), kernels, batch);
}

void bench_engine_free(bench_engine *e) {
    qea_optimizer_free(&e->optimizer);
    qea_plan_destroy(e->plan);
    qea_model_destroy(e->model);
    qea_graph_destroy(e->graph);
    qea_free(e->images);
    qea_free(e->labels);
}

void bench_engine_step(bench_engine *e) {
    qea_batch_result result;
    if (!e->what->train) {
        bench_must(qea_plan_evaluate(bench_ctx, e->plan, e->images, e->labels, &result));
        return;
    }
    bench_must(qea_plan_train(bench_ctx, e->plan, e->images, e->labels, NULL, &result));
    double start = e->profiled ? bench_now(true) : 0;
    qea_optimizer_step(&e->optimizer, &sgd, sgd.lr);
    if (e->profiled) e->optimizer_seconds += bench_now(true) - start;
}

double bench_engine_rate(bench_engine *e, double seconds, bool processor) {
    double start = bench_now(processor), first, now;
    bench_engine_step(e);
    first = bench_now(processor) - start;
    if (first > seconds) return e->batch / first;
    int steps = 0;
    start = bench_now(processor);
    do {
        bench_engine_step(e);
        steps++;
        now = bench_now(processor);
    } while (now - start < seconds);
    return e->batch * steps / (now - start);
}

double bench_engine_flops(const bench_engine *e) {
    double macs = 0;
    size_t layers = qea_graph_num_layers(e->graph);
    for (size_t i = 0; i < layers; i++) {
        double layer = (double)qea_graph_layer(e->graph, i)->macs;
        macs += layer * (!e->what->train ? 1 : i == 0 ? 2 : 3); /* nothing goes back to the images */
    }
    return 2 * macs;
}

double bench_engine_kept(const bench_engine *e) {
    double values = 0, integers = 0, parameters = 3 * (double)qea_graph_num_parameters(e->graph);
    for (qea_node i = 0; i < (qea_node)qea_graph_num_nodes(e->graph); i++) {
        const qea_graph_node *node = qea_graph_node_at(e->graph, i);
        double out = (double)node->height * node->width * node->channels;
        if (node->op == QEA_OP_INPUT) values += out;
        if (node->op == QEA_OP_CONV || node->op == QEA_OP_LINEAR) {
            const qea_graph_node *from = qea_graph_node_at(e->graph, node->in[0]);
            values += out;
            double in = (double)from->height * from->width * from->channels;
            if (node->quantized >= 0)
                integers += in;
            else if (node->in[0] > 0)
                values += in;
        }
        if (node->op == QEA_OP_ADD && qea_graph_node_at(e->graph, node->in[1])->op != QEA_OP_BATCH_NORM) values += out;
    }
    return (sizeof(float) * values + integers) * e->batch + sizeof(float) * parameters;
}
