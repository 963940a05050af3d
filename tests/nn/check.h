/* tests/nn/check.h: what the tests of the network's parts share. */
#ifndef QEA_TESTS_NN_CHECK_H
#define QEA_TESTS_NN_CHECK_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nn/graph.h"

static inline void must(qea_context *ctx, qea_status status) {
    if (status != QEA_OK) fail_msg("%s: %s", qea_status_name(status), qea_context_message(ctx));
}

static inline void assert_says(qea_context *ctx, const char *part) {
    if (!strstr(qea_context_message(ctx), part)) fail_msg("\"%s\" is not in: %s", part, qea_context_message(ctx));
}

/* |a - b| <= tolerance; a NaN is near nothing. */
static inline void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static inline int check_context(void **state) {
    *state = qea_context_create();
    return *state ? 0 : -1;
}

static inline int check_context_end(void **state) {
    qea_context_destroy(*state);
    return 0;
}

/* Uniform in [-1, 1); a multiplicative generator of its own (Park and Miller, CACM 1988). */
static inline double check_random(uint32_t *seed) {
    *seed = (uint32_t)((uint64_t)*seed * 48271u % 2147483647u);
    return *seed / 1073741823.5 - 1.0;
}

static inline qea_resnet_options check_resnet20(void) {
    return (qea_resnet_options){.height = 32,
                                .width = 32,
                                .channels = 3,
                                .base_depth = 20,
                                .base_channel = 16,
                                .stage = 3,
                                .small_input = true,
                                .num_classes = 10};
}

/* The ImageNet networks of torchvision. */
static inline qea_resnet_options check_imagenet(int depth) {
    return (qea_resnet_options){.height = 224,
                                .width = 224,
                                .channels = 3,
                                .base_depth = depth,
                                .base_channel = 64,
                                .stage = 4,
                                .num_classes = 1000};
}

static inline uint64_t check_macs(const qea_graph *g, bool quantized_only) {
    uint64_t sum = 0;
    for (size_t i = 0; i < qea_graph_num_layers(g); i++)
        if (!quantized_only || qea_graph_layer(g, i)->quantized) sum += qea_graph_layer(g, i)->macs;
    return sum;
}

#endif
