/* Every convolution of integers that a supernet asks for under changing bits, on the data that it really gets, against
 * plain C: the device's answer must be the same to the bit, while training, for statistics and for validation. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "nn/plan.h"
#include "nn/plan_networks.h"

enum { SIDE = 16, BATCH = 8, CLASSES = 10, MOST = 32 };

static const qea_widths widths = {6, {2, 3, 4, 5, 6, 8}};

/* A convolution on both devices. */
typedef struct twin {
    qea_conv *fast, *plain; /* owned */
    float *y;               /* owned: the plain one's */
    size_t values;
    bool integers;
    qea_conv_grid grid;
} twin;

static const qea_kernels *fast_kernels;
static twin *twins[MOST + 2]; /* of the plan made last, in the order of the layers */
static size_t num_twins, compared;

static twin *twin_of(const qea_conv *conv) { return (twin *)(void *)(uintptr_t)conv; }

static qea_status create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use, const qea_conv_grid *widest,
                         qea_type type, qea_type out_type, qea_conv **out) {
    twin *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->values = (size_t)shape->n * (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->k;
    t->y = calloc(t->values, sizeof *t->y);
    assert_non_null(t->y);
    MUST(fast_kernels->conv_create(ctx, shape, use, widest, type, out_type, &t->fast));
    MUST(qea_kernels_ref()->conv_create(ctx, shape, use, widest, type, out_type, &t->plain));
    twins[num_twins++] = t;
    *out = (qea_conv *)(void *)t;
    return QEA_OK;
}

static void destroy(qea_conv *conv) {
    twin *t = twin_of(conv);
    fast_kernels->conv_destroy(t->fast);
    qea_kernels_ref()->conv_destroy(t->plain);
    free(t->y);
    free(t);
}

static qea_status set_weights(qea_context *ctx, qea_conv *conv, const float *weights, const qea_conv_grid *grid) {
    twin *t = twin_of(conv);
    t->integers = grid != NULL;
    if (grid) t->grid = *grid;
    MUST(qea_kernels_ref()->conv_set_weights(ctx, t->plain, weights, grid));
    return fast_kernels->conv_set_weights(ctx, t->fast, weights, grid);
}

/* y is what the fast one made of x. */
static qea_status compare(qea_context *ctx, twin *t, qea_view x, const void *y) {
    if (!t->integers) return QEA_OK; /* the first and the last layer: real numbers */
    MUST(qea_kernels_ref()->conv_forward(ctx, t->plain, x, t->y));
    assert_memory_equal(t->y, y, t->values * sizeof(float));
    compared++;
    return QEA_OK;
}

static bool reads_bytes(const qea_conv *conv) { return fast_kernels->conv_reads_bytes(twin_of(conv)->fast); }

static qea_status forward(qea_context *ctx, qea_conv *conv, qea_view x, void *y) {
    MUST(fast_kernels->conv_forward(ctx, twin_of(conv)->fast, x, y));
    return compare(ctx, twin_of(conv), x, y);
}

static qea_status forward_stats(qea_context *ctx, qea_conv *conv, qea_view x, void *y, float *mean, float *variance) {
    MUST(fast_kernels->conv_forward_stats(ctx, twin_of(conv)->fast, x, y, mean, variance));
    return compare(ctx, twin_of(conv), x, y);
}

static qea_status backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx) {
    return fast_kernels->conv_backward_data(ctx, twin_of(conv)->fast, dy, dx);
}

static qea_status backward_weights(qea_context *ctx, qea_conv *conv, qea_view x, const void *dy, float *dweights) {
    return fast_kernels->conv_backward_weights(ctx, twin_of(conv)->fast, x, dy, dweights);
}

/* What the kernels are told: unsigned integers of the layer's activation bits, and weights of its bits. */
static void assert_grids(const qea_model *model, bool lsq) {
    size_t layers = qea_graph_num_quantized(model->graph);
    assert_int_equal(num_twins, layers + 2);
    for (size_t i = 0; i < layers; i++) {
        const twin *t = twins[i + 1];
        int w = model->weight_bits[i], most = lsq ? (1 << (w - 1)) - 1 : (1 << w) - 1; /* DoReFa: odd integers */
        assert_true(t->integers);
        assert_int_equal(t->grid.x_lo, 0);
        assert_int_equal(t->grid.x_hi, (1 << model->activation_bits[i]) - 1);
        assert_int_equal(t->grid.w_hi, most);
    }
}

static void draw_bits(uint64_t seed, qea_model *model) {
    uint8_t w[MOST], a[MOST];
    qea_rng rng = qea_rng_make(seed, QEA_RNG_TEST, 8, 0);
    for (uint32_t i = 0; i < MOST; i++) {
        w[i] = widths.bits[qea_rng_below(&rng, 2 * i, 6)];
        a[i] = widths.bits[qea_rng_below(&rng, 2 * i + 1, 6)];
    }
    MUST(qea_model_set_bits(NULL, model, w, a));
}

static void run_genomes(qea_model *model, qea_plan *training, qea_plan *judging, bool lsq) {
    static float images[BATCH * SIDE * SIDE * 3];
    static const int32_t labels[BATCH] = {3, 7, 0, 1, 2, 9, 8, 5};
    size_t layers = qea_graph_num_quantized(model->graph);
    qea_batch_result result;
    for (uint64_t genome = 0; genome < 3; genome++) {
        qea_rng rng = qea_rng_make(genome, QEA_RNG_TEST, 9, 0);
        for (uint64_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = (float)qea_rng_normal(&rng, i);
        if (genome > 0) draw_bits(genome, model); /* at first the highest */
        compared = 0;
        MUST(qea_plan_train(NULL, training, images, labels, NULL, &result));
        assert_int_equal(compared, layers);
        MUST(qea_plan_refresh(NULL, judging));
        assert_grids(model, lsq);
        qea_plan_estimate_begin(judging);
        MUST(qea_plan_estimate_batch(NULL, judging, images));
        qea_plan_estimate_end(judging);
        MUST(qea_plan_evaluate(NULL, judging, images, labels, &result));
        assert_int_equal(compared, 3 * layers);
    }
}

static void integer_convolutions_of_a_supernet_equal_plain_c_bit_for_bit(void **state) {
    (void)state;
    static const qea_quantizer quantizers[] = {QEA_LSQ, QEA_DOREFA};
    fast_kernels = qea_kernels_cpu(NULL, "auto");
    if (!fast_kernels) skip();
    qea_kernels kernels = *fast_kernels;
    kernels.conv_create = create;
    kernels.conv_destroy = destroy;
    kernels.conv_set_weights = set_weights;
    kernels.conv_reads_bytes = reads_bytes;
    kernels.conv_forward = forward;
    kernels.conv_forward_stats = forward_stats;
    kernels.conv_backward_data = backward_data;
    kernels.conv_backward_weights = backward_weights;
    qea_resnet_options o = {.height = SIDE, .width = SIDE, .channels = 3, .base_depth = 20, .base_channel = 16};
    o.stage = 3;
    o.small_input = true;
    o.num_classes = CLASSES;
    qea_graph *graph = NULL;
    MUST(qea_resnet_create(NULL, &o, &graph));
    uint8_t most[MOST];
    memset(most, 8, sizeof most);
    for (int q = 0; q < 2; q++) {
        qea_bit_policy wanted = {quantizers[q], quantizers[q], qea_graph_num_quantized(graph), most, most};
        qea_plan_options options = {
            .kernels = &kernels, .batch = BATCH, .training = true, .precision = QEA_PRECISION_F32};
        qea_model *model = NULL;
        qea_plan *training = NULL, *judging = NULL;
        MUST(qea_supernet_create(NULL, graph, &wanted, &widths, 5, &model));
        num_twins = 0;
        MUST(qea_plan_create(NULL, model, &options, &training));
        options.training = false;
        num_twins = 0;
        MUST(qea_plan_create(NULL, model, &options, &judging));
        run_genomes(model, training, judging, quantizers[q] == QEA_LSQ);
        qea_plan_destroy(training);
        qea_plan_destroy(judging);
        qea_model_destroy(model);
    }
    qea_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_convolutions_of_a_supernet_equal_plain_c_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
