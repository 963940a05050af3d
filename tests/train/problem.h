/* tests/train/problem.h: a small separable problem: the place of a bright square tells the class. */
#ifndef TESTS_TRAIN_PROBLEM_H
#define TESTS_TRAIN_PROBLEM_H

#include <stdlib.h>

#include "base/rng.h"
#include "train/trainer.h"

enum { PROBLEM_SIZE = 8, PROBLEM_CLASSES = 4, PROBLEM_IMAGES = 320, PROBLEM_TRAIN = 256 };

#define MUST(call) assert_int_equal((call), QEA_OK)

static inline qea_dataset *problem_data(void) {
    qea_dataset *d = calloc(1, sizeof *d);
    *d = (qea_dataset){.count = PROBLEM_IMAGES,
                       .height = PROBLEM_SIZE,
                       .width = PROBLEM_SIZE,
                       .channels = 1,
                       .num_classes = PROBLEM_CLASSES};
    d->pixels = calloc(d->count, PROBLEM_SIZE * PROBLEM_SIZE);
    d->labels = calloc(d->count, sizeof *d->labels);
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    for (size_t i = 0; i < d->count; i++) {
        int label = (int)qea_rng_below(&rng, i, PROBLEM_CLASSES);
        d->labels[i] = label;
        for (int y = 0; y < PROBLEM_SIZE; y++)
            for (int x = 0; x < PROBLEM_SIZE; x++) {
                size_t at = (i * PROBLEM_SIZE + (size_t)y) * PROBLEM_SIZE + (size_t)x;
                bool bright = (y >= 4) == (label / 2) && (x >= 4) == (label % 2);
                d->pixels[at] = (uint8_t)(qea_rng_below(&rng, 1000 + at, 100) + (bright ? 100U : 0U));
            }
    }
    return d;
}

static inline void problem_data_free(qea_dataset *d) {
    free(d->pixels);
    free(d->labels);
    free(d);
}

/* Two quantised convolutions between a float stem and a float head: the head sees places, not only means. */
static inline qea_graph *problem_graph(void) {
    qea_graph *g = NULL;
    qea_node x;
    qea_conv_options o = {.out_channels = 8, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
    MUST(qea_graph_create(NULL, "problem", &g));
    MUST(qea_graph_input(NULL, g, PROBLEM_SIZE, PROBLEM_SIZE, 1, &x));
    for (int i = 0; i < 3; i++) {
        char conv[16], norm[16];
        snprintf(conv, sizeof conv, "conv%d", i);
        snprintf(norm, sizeof norm, "bn%d", i);
        o.quantized = i > 0;
        o.stride = i > 0 ? 2 : 1;
        MUST(qea_graph_conv(NULL, g, conv, x, &o, &x));
        MUST(qea_graph_batch_norm(NULL, g, norm, x, 1e-5, 0.1, &x));
        MUST(qea_graph_relu(NULL, g, x, &x));
    }
    MUST(qea_graph_linear(NULL, g, "fc", x, PROBLEM_CLASSES, true, false, &x));
    MUST(qea_graph_finish(NULL, g));
    return g;
}

static inline qea_model *problem_model(const qea_graph *g, qea_quantizer weight, qea_quantizer activation, uint8_t w,
                                       uint8_t a) {
    const uint8_t weight_bits[2] = {w, w}, activation_bits[2] = {a, a};
    qea_bit_policy policy = {weight, activation, 2, weight_bits, activation_bits};
    qea_model *model = NULL;
    MUST(qea_model_create(NULL, g, &policy, 3, &model));
    return model;
}

static inline qea_loader_config problem_loader(const qea_dataset *d, bool train) {
    return (qea_loader_config){.dataset = d,
                               .first = train ? 0 : PROBLEM_TRAIN,
                               .count = train ? PROBLEM_TRAIN : PROBLEM_IMAGES - PROBLEM_TRAIN,
                               .batch = train ? 32 : 25,
                               .shuffle = train,
                               .seed = 9,
                               .depth = 1,
                               .transforms = {.mean = {0.3F}, .std = {0.25F}}};
}

/* validation is filled in; both loaders read `d`. */
static inline qea_train_options problem_options(const qea_dataset *d, qea_loader_config *validation) {
    *validation = problem_loader(d, false);
    return (qea_train_options){.optimizer = {.kind = QEA_SGD,
                                             .lr = 0.05,
                                             .momentum = 0.9,
                                             .weight_decay = 1e-4,
                                             .beta1 = 0.9,
                                             .beta2 = 0.999,
                                             .eps = 1e-8},
                               .epochs = 4,
                               .precision = QEA_PRECISION_F32,
                               .kernels = qea_kernels_ref(),
                               .train = problem_loader(d, true),
                               .validation = validation,
                               .checkpoint_epochs = 1};
}

#endif
