/* tests/nn/plan_networks.h: small networks, models and batches for the tests of plans. */
#ifndef TESTS_NN_PLAN_NETWORKS_H
#define TESTS_NN_PLAN_NETWORKS_H

#include "base/rng.h"
#include "nn/model.h"

enum { TEST_SIZE = 8, TEST_CHANNELS = 3, TEST_CLASSES = 5, TEST_BATCH = 6, MAX_TEST_LAYERS = 32 };

#define MUST(call) assert_int_equal((call), QEA_OK)

static inline qea_graph *net_begin(qea_node *last) {
    qea_graph *g = NULL;
    MUST(qea_graph_create(NULL, "test", &g));
    MUST(qea_graph_input(NULL, g, TEST_SIZE, TEST_SIZE, TEST_CHANNELS, last));
    return g;
}

static inline void net_conv(qea_graph *g, const char *name, qea_node *last, int out, int kernel, int stride, int groups,
                            bool bias, bool quantized) {
    qea_conv_options o = {.out_channels = out,
                          .kernel = kernel,
                          .stride = stride,
                          .padding = kernel / 2,
                          .groups = groups,
                          .bias = bias,
                          .quantized = quantized};
    MUST(qea_graph_conv(NULL, g, name, *last, &o, last));
}

static inline void net_norm(qea_graph *g, const char *name, qea_node *last) {
    MUST(qea_graph_batch_norm(NULL, g, name, *last, 1e-5, 0.1, last));
}

static inline void net_relu(qea_graph *g, qea_node *last) { MUST(qea_graph_relu(NULL, g, *last, last)); }

static inline qea_graph *net_end(qea_graph *g, qea_node last) {
    MUST(qea_graph_global_avg_pool(NULL, g, last, &last));
    MUST(qea_graph_linear(NULL, g, "fc", last, TEST_CLASSES, true, false, &last));
    MUST(qea_graph_finish(NULL, g));
    return g;
}

/* Two stages of one block each, with a shortcut convolution in the second. */
static inline qea_graph *net_resnet(int depth) {
    qea_resnet_options o = {.height = TEST_SIZE,
                            .width = TEST_SIZE,
                            .channels = TEST_CHANNELS,
                            .base_depth = depth,
                            .base_channel = 4,
                            .stage = 2,
                            .small_input = true,
                            .num_classes = TEST_CLASSES};
    if (depth < 50) o.num_blocks[0] = o.num_blocks[1] = 1;
    if (depth >= 50) o.stage = 1;
    qea_graph *g = NULL;
    MUST(qea_resnet_create(NULL, &o, &g));
    return g;
}
static inline qea_graph *net_basic(void) { return net_resnet(20); }
static inline qea_graph *net_bottleneck(void) { return net_resnet(50); }

/* Wide enough for all kernels, on images of any size. */
static inline qea_graph *net_resnet20(int size) {
    const qea_resnet_options o = {.height = size,
                                  .width = size,
                                  .channels = TEST_CHANNELS,
                                  .base_depth = 20,
                                  .base_channel = 16,
                                  .stage = 3,
                                  .small_input = true,
                                  .num_classes = TEST_CLASSES};
    qea_graph *g = NULL;
    MUST(qea_resnet_create(NULL, &o, &g));
    return g;
}

/* As an exported network: biases instead of batch norm, residual, max pool, a quantised linear layer at the end. */
static inline qea_graph *net_bias(void) {
    qea_node x, skip;
    qea_graph *g = net_begin(&x);
    net_conv(g, "a", &x, 6, 3, 1, 1, true, false);
    net_relu(g, &x);
    MUST(qea_graph_max_pool(NULL, g, x, 3, 2, 1, &x));
    skip = x;
    net_conv(g, "b", &x, 6, 3, 1, 1, true, true);
    net_relu(g, &x);
    net_conv(g, "c", &x, 6, 3, 1, 1, true, true);
    MUST(qea_graph_add(NULL, g, x, skip, &x));
    net_relu(g, &x);
    MUST(qea_graph_avg_pool(NULL, g, x, 2, 2, 0, &x));
    MUST(qea_graph_linear(NULL, g, "fc", x, TEST_CLASSES, true, true, &x));
    MUST(qea_graph_finish(NULL, g));
    return g;
}

/* MobileNetV2's inverted residual: expand, depthwise, project without ReLU (signed activations), add. */
static inline qea_graph *net_depthwise(void) {
    qea_node x, skip;
    qea_graph *g = net_begin(&x);
    net_conv(g, "stem", &x, 4, 3, 1, 1, false, false);
    net_norm(g, "stem_bn", &x);
    skip = x;
    net_conv(g, "expand", &x, 8, 1, 1, 1, false, true);
    net_norm(g, "expand_bn", &x);
    net_relu(g, &x);
    net_conv(g, "depthwise", &x, 8, 3, 1, 8, false, true);
    net_norm(g, "depthwise_bn", &x);
    net_relu(g, &x);
    net_conv(g, "project", &x, 4, 1, 1, 1, false, true);
    net_norm(g, "project_bn", &x);
    MUST(qea_graph_add(NULL, g, x, skip, &x));
    return net_end(g, x);
}

/* Whatever a residual network does not do: a quantised first layer, a value read by many layers, x + x, batch norm
 * behind a pool and behind a sum, two batch norms in a row, ReLU of a ReLU, a pool that is read twice, grouped
 * convolutions. */
static inline qea_graph *net_odd(void) {
    qea_node x, y, z;
    qea_graph *g = net_begin(&x);
    net_conv(g, "first", &x, 4, 3, 1, 1, true, true);
    net_norm(g, "n0", &x);
    net_norm(g, "n1", &x);
    net_relu(g, &x);
    net_relu(g, &x);
    y = z = x;
    net_conv(g, "p", &y, 4, 3, 1, 2, false, true);
    net_conv(g, "q", &z, 4, 1, 1, 1, true, true);
    MUST(qea_graph_add(NULL, g, y, z, &y));
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "r%d", i);
        z = x;
        net_conv(g, name, &z, 4, 1, 1, 1, true, true);
        net_relu(g, &z);
        MUST(qea_graph_add(NULL, g, y, z, &y));
    }
    net_norm(g, "n2", &y);
    MUST(qea_graph_avg_pool(NULL, g, y, 2, 2, 0, &y));
    z = y;
    net_norm(g, "n3", &y);
    net_relu(g, &y);
    x = y;
    net_conv(g, "s", &x, 4, 3, 1, 1, true, false); /* so that both summands are read before they are added */
    MUST(qea_graph_add(NULL, g, y, z, &y));
    MUST(qea_graph_add(NULL, g, y, x, &y));
    return net_end(g, y);
}

/* Sums whose two summands come from one value: with its batch normalisation, and two normalisations of it. */
static inline qea_graph *net_shared(void) {
    qea_node x, y;
    qea_graph *g = net_begin(&x);
    net_conv(g, "a", &x, 4, 3, 1, 1, false, true);
    net_norm(g, "a_bn", &x);
    net_relu(g, &x);
    y = x;
    net_norm(g, "y", &y);
    MUST(qea_graph_add(NULL, g, x, y, &x));
    net_conv(g, "b", &x, 4, 3, 1, 1, true, true);
    net_relu(g, &x);
    y = x;
    net_norm(g, "first", &x);
    net_norm(g, "second", &y);
    MUST(qea_graph_add(NULL, g, x, y, &x));
    return net_end(g, x);
}

typedef struct policy {
    qea_quantizer weight, activation;
    uint8_t weight_bits[4], activation_bits[4]; /* repeated over the layers */
} policy;

static inline qea_model *net_model(const qea_graph *g, const policy *p, uint64_t seed) {
    uint8_t w[MAX_TEST_LAYERS], a[MAX_TEST_LAYERS];
    size_t layers = qea_graph_num_quantized(g);
    for (size_t i = 0; i < layers; i++) {
        w[i] = p->weight_bits[i % 4];
        a[i] = p->activation_bits[i % 4];
    }
    qea_bit_policy bits = {p->weight, p->activation, layers, w, a};
    qea_model *model = NULL;
    MUST(qea_model_create(NULL, g, &bits, seed, &model));
    qea_rng rng = qea_rng_make(seed, QEA_RNG_TEST, 1, 0);
    uint64_t index = 0;
    for (size_t i = 0; i < model->num_params; i++) { /* nothing stays at a special value */
        qea_param *param = &model->params[i];
        if (strstr(param->name, "act_")) continue;
        for (size_t j = 0; j < param->count; j++)
            param->value[j] *= (float)(0.8 + 0.4 * qea_rng_uniform(&rng, index++));
        if (strstr(param->name, "bias") || strstr(param->name, "running_mean"))
            for (size_t j = 0; j < param->count; j++)
                param->value[j] += (float)(0.2 * qea_rng_uniform(&rng, index++) - 0.1);
    }
    return model;
}

static inline void net_batch(uint64_t seed, float *images, int32_t *labels) {
    qea_rng rng = qea_rng_make(seed, QEA_RNG_TEST, 2, 0);
    for (uint64_t i = 0; i < TEST_BATCH * TEST_SIZE * TEST_SIZE * TEST_CHANNELS; i++)
        images[i] = (float)qea_rng_normal(&rng, i);
    for (uint64_t i = 0; i < TEST_BATCH; i++) labels[i] = (int32_t)qea_rng_below(&rng, 100000 + i, TEST_CLASSES);
}

#endif
