/* A plan's forward pass against the network node by node (plan_reference.h), and against itself on other kernels. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/memory.h"
#include "nn/plan.h"
#include "nn/plan_networks.h"
#include "nn/plan_reference.h"

typedef qea_graph *(*network_fn)(void);
static const network_fn networks[] = {net_basic, net_bottleneck, net_bias, net_depthwise, net_odd, net_shared};
enum { NUM_NETWORKS = sizeof networks / sizeof *networks };

static const policy policies[] = {
    {QEA_DOREFA, QEA_DOREFA, {4, 2, 8, 3}, {4, 8, 2, 5}},
    {QEA_DOREFA, QEA_DOREFA, {1, 32, 16, 4}, {2, 32, 16, 1}},
    {QEA_DOREFA, QEA_DOREFA, {4, 0, 4, 4}, {4, 4, 0, 4}},
    {QEA_DOREFA, QEA_DOREFA, {0, 0, 0, 0}, {0, 0, 0, 0}},
    {QEA_DOREFA, QEA_PACT, {4, 2, 8, 3}, {4, 8, 2, 5}},
    {QEA_WRPN, QEA_WRPN, {4, 2, 8, 1}, {4, 8, 2, 5}},
    {QEA_XNOR, QEA_XNOR, {1, 1, 1, 1}, {4, 8, 2, 5}},
    {QEA_BIREAL, QEA_BIREAL, {1, 1, 1, 1}, {1, 1, 1, 1}},
    {QEA_LSQ, QEA_LSQ, {4, 2, 8, 3}, {4, 8, 2, 5}},
    {QEA_LSQ, QEA_LSQ, {1, 4, 4, 4}, {3, 4, 4, 4}},
    {QEA_DOREFA, QEA_DOREFA, {32, 32, 32, 32}, {32, 32, 32, 32}},
};
enum { NUM_POLICIES = sizeof policies / sizeof *policies };

static float images[TEST_BATCH * TEST_SIZE * TEST_SIZE * TEST_CHANNELS];
static int32_t labels[TEST_BATCH];

static qea_plan *make_plan(qea_model *model, const qea_kernels *kernels, bool training, qea_precision precision) {
    qea_plan_options options = {
        .kernels = kernels, .batch = TEST_BATCH, .training = training, .precision = precision, .label_smoothing = 0.1F};
    qea_plan *plan = NULL;
    MUST(qea_plan_create(NULL, model, &options, &plan));
    return plan;
}

/* LSQ's activation steps as the first training batch sets them. */
static void set_act_steps(qea_model *model) {
    qea_plan *plan = make_plan(model, qea_kernels_ref(), true, QEA_PRECISION_F32);
    qea_batch_result r;
    MUST(qea_plan_train(NULL, plan, images, labels, NULL, &r));
    qea_plan_destroy(plan);
}

static double largest_error(const float *logits, const reference *r) {
    const double *expected = r->values[qea_graph_num_nodes(r->model->graph) - 1];
    double error = 0, size = 1e-3;
    for (int i = 0; i < TEST_BATCH * TEST_CLASSES; i++) {
        error = fmax(error, fabs((double)logits[i] - expected[i]));
        size = fmax(size, fabs(expected[i]));
    }
    return isfinite(error) ? error / size : INFINITY;
}

static void check_one(network_fn network, const policy *p, bool training) {
    qea_graph *g = network();
    qea_model *model = net_model(g, p, 7);
    net_batch(3, images, labels);
    set_act_steps(model);
    if (!training) labels[1] = -1;
    reference *r = ref_create(model, TEST_BATCH, training, images, labels);
    r->smoothing = 0.1;
    ref_run(r);
    qea_plan *plan = make_plan(model, qea_kernels_ref(), training, QEA_PRECISION_F32);
    qea_batch_result result;
    MUST(qea_plan_refresh(NULL, plan));
    if (training)
        MUST(qea_plan_train(NULL, plan, images, labels, NULL, &result));
    else
        MUST(qea_plan_evaluate(NULL, plan, images, labels, &result));
    assert_true(largest_error(qea_plan_logits(plan), r) < 1e-5);
    assert_true(fabs(result.loss - r->loss) < 1e-4);
    assert_int_equal(result.count, training ? TEST_BATCH : TEST_BATCH - 1);
    for (size_t i = 0; i < model->num_params; i++) /* running statistics moved as PyTorch's do */
        for (size_t j = 0; j < model->params[i].count; j++)
            assert_true(fabs((double)model->params[i].value[j] - r->params[i][j]) < 1e-5 * (1 + fabs(r->params[i][j])));
    qea_plan_destroy(plan);
    ref_destroy(r);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

static void evaluation_equals_the_network_node_by_node(void **state) {
    (void)state;
    for (int n = 0; n < NUM_NETWORKS; n++)
        for (int p = 0; p < NUM_POLICIES; p++) check_one(networks[n], &policies[p], false);
}

static void training_forward_equals_the_network_node_by_node(void **state) {
    (void)state;
    for (int n = 0; n < NUM_NETWORKS; n++)
        for (int p = 0; p < NUM_POLICIES; p++) check_one(networks[n], &policies[p], true);
}

static void a_training_plan_evaluates_like_an_inference_plan(void **state) {
    (void)state;
    for (int n = 0; n < NUM_NETWORKS; n++) {
        qea_graph *g = networks[n]();
        qea_model *model = net_model(g, &policies[0], 7);
        net_batch(3, images, labels);
        qea_plan *a = make_plan(model, qea_kernels_ref(), true, QEA_PRECISION_F32);
        qea_plan *b = make_plan(model, qea_kernels_ref(), false, QEA_PRECISION_F32);
        qea_batch_result ra, rb;
        MUST(qea_plan_train(NULL, a, images, labels, NULL, &ra));
        MUST(qea_plan_refresh(NULL, b));
        MUST(qea_plan_evaluate(NULL, a, images, labels, &ra));
        MUST(qea_plan_evaluate(NULL, b, images, labels, &rb));
        assert_memory_equal(qea_plan_logits(a), qea_plan_logits(b), TEST_BATCH * TEST_CLASSES * sizeof(float));
        assert_true(qea_plan_bytes(b) < qea_plan_bytes(a));
        qea_plan_destroy(a);
        qea_plan_destroy(b);
        qea_model_destroy(model);
        qea_graph_destroy(g);
    }
}

static void running_allocates_nothing(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *model = net_model(g, &policies[8], 7);
    net_batch(3, images, labels);
    qea_plan *plan = make_plan(model, qea_kernels_ref(), true, QEA_PRECISION_F32);
    qea_batch_result r;
    size_t before = qea_alloc_count();
    for (int i = 0; i < 3; i++) MUST(qea_plan_train(NULL, plan, images, labels, NULL, &r));
    MUST(qea_plan_evaluate(NULL, plan, images, labels, &r));
    assert_int_equal(qea_alloc_count(), before);
    qea_plan_destroy(plan);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

static void lsq_steps_start_at_twice_the_mean_of_the_first_batch(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *model = net_model(g, &policies[8], 7);
    net_batch(3, images, labels);
    qea_model *float_model = net_model(g, &policies[10], 7); /* its stem computes the same */
    reference *r = ref_create(float_model, TEST_BATCH, true, images, labels);
    ref_run(r);
    double sum = 0;
    size_t size = ref_size(r, 3); /* input, conv1, bn1, ReLU */
    for (size_t i = 0; i < size; i++) sum += r->values[3][i];
    set_act_steps(model);
    double expected = 2 * sum / (double)size / sqrt(15); /* 4 bits, unsigned */
    assert_true(fabs((double)qea_model_find(model, "layer1.0.conv1.act_step")->value[0] - expected) < 1e-5);
    ref_destroy(r);
    qea_model_destroy(float_model);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

static void evaluating_lsq_before_training_is_an_error(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *model = net_model(g, &policies[8], 7);
    qea_plan *plan = make_plan(model, qea_kernels_ref(), false, QEA_PRECISION_F32);
    qea_batch_result r;
    MUST(qea_plan_refresh(NULL, plan));
    assert_int_equal(qea_plan_evaluate(NULL, plan, images, labels, &r), QEA_ERR_STATE);
    qea_plan_destroy(plan);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

/* Integers of up to 8 bits are exact in bfloat16 and evaluation stores the sums in float32: the same bits. */
static void evaluation_in_bf16_is_exact(void **state) {
    (void)state;
    for (int n = 0; n < NUM_NETWORKS; n++)
        for (int p = 0; p < NUM_POLICIES; p++) {
            qea_graph *g = networks[n]();
            qea_model *model = net_model(g, &policies[p], 7);
            net_batch(3, images, labels);
            set_act_steps(model);
            qea_plan *a = make_plan(model, qea_kernels_ref(), false, QEA_PRECISION_F32);
            qea_plan *b = make_plan(model, qea_kernels_ref(), false, QEA_PRECISION_BF16);
            qea_batch_result r;
            MUST(qea_plan_refresh(NULL, a));
            MUST(qea_plan_refresh(NULL, b));
            MUST(qea_plan_evaluate(NULL, a, images, labels, &r));
            MUST(qea_plan_evaluate(NULL, b, images, labels, &r));
            assert_memory_equal(qea_plan_logits(a), qea_plan_logits(b), TEST_BATCH * TEST_CLASSES * sizeof(float));
            qea_plan_destroy(a);
            qea_plan_destroy(b);
            qea_model_destroy(model);
            qea_graph_destroy(g);
        }
}

/* Convolutions that hold nothing of their own in another type, so that a plan's tensors show. */
static qea_status make_f32_conv(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use,
                                const qea_conv_grid *widest, qea_type type, qea_type out_type, qea_conv **out) {
    (void)type, (void)out_type;
    return qea_kernels_ref()->conv_create(ctx, shape, use, widest, QEA_F32, QEA_F32, out);
}

static void training_in_bf16_is_close_and_its_tensors_are_smaller(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *model = net_model(g, &policies[0], 7);
    net_batch(3, images, labels);
    reference *r = ref_create(model, TEST_BATCH, true, images, labels);
    ref_run(r);
    qea_kernels f32_convs = *qea_kernels_ref();
    f32_convs.conv_create = make_f32_conv;
    qea_plan *a = make_plan(model, &f32_convs, true, QEA_PRECISION_F32);
    qea_plan *b = make_plan(model, &f32_convs, true, QEA_PRECISION_BF16);
    assert_true(qea_plan_bytes(b) < qea_plan_bytes(a));
    qea_plan_destroy(b);
    b = make_plan(model, qea_kernels_ref(), true, QEA_PRECISION_BF16);
    qea_batch_result result;
    MUST(qea_plan_train(NULL, b, images, labels, NULL, &result));
    assert_true(largest_error(qea_plan_logits(b), r) < 0.1);
    qea_plan_destroy(a);
    qea_plan_destroy(b);
    ref_destroy(r);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

/* Sums of integers are exact in any order; what follows is float32 in the same order, but for the mean of the pool and
 * the float layers. */
static void fast_kernels_evaluate_like_the_reference(void **state) {
    (void)state;
    const qea_kernels *cpu = qea_kernels_cpu(NULL, "auto");
    if (!cpu) skip();
    for (int n = 0; n < NUM_NETWORKS; n++)
        for (int p = 0; p < NUM_POLICIES; p++) {
            qea_graph *g = networks[n]();
            qea_model *model = net_model(g, &policies[p], 7);
            net_batch(3, images, labels);
            set_act_steps(model);
            reference *r = ref_create(model, TEST_BATCH, false, images, labels);
            ref_run(r);
            qea_plan *plan = make_plan(model, cpu, false, QEA_PRECISION_AUTO);
            qea_batch_result result;
            MUST(qea_plan_refresh(NULL, plan));
            MUST(qea_plan_evaluate(NULL, plan, images, labels, &result));
            assert_true(largest_error(qea_plan_logits(plan), r) < 1e-5);
            qea_plan_destroy(plan);
            ref_destroy(r);
            qea_model_destroy(model);
            qea_graph_destroy(g);
        }
}

/* What the C library has given out; 0 where it does not say. */
static size_t heap_bytes(void) {
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
#endif
#endif
    return 0;
}

/* Beside the bytes asked for: the arena may lie on huge pages of 2 MiB, and oneDNN keeps some memory of its own. Asked
 * for and given back: what is needed while a plan is made. */
enum { SLACK = 3 << 20, PASSING = 128 << 10 };

static void check_bytes(qea_model *model, const qea_kernels *kernels, bool training) {
    qea_plan_options options = {.kernels = kernels, .batch = 32, .training = training};
    qea_plan *plan = NULL;
    size_t before = heap_bytes();
    MUST(qea_plan_create(NULL, model, &options, &plan));
    size_t heap = heap_bytes() - before, said = qea_plan_bytes(plan);
    assert_in_range(said, heap > SLACK ? heap - SLACK : 0, heap + PASSING);
    qea_plan_destroy(plan);
}

static void bytes_are_what_the_heap_grows_by(void **state) {
    (void)state;
    if (heap_bytes() == 0) skip();
    qea_graph *g = net_resnet20(32);
    qea_model *model = net_model(g, &policies[0], 7);
    const qea_kernels *tables[] = {qea_kernels_ref(), qea_kernels_cpu(NULL, "auto")};
    for (int t = 0; t < 2; t++) {
        if (!tables[t]) continue;
        check_bytes(model, tables[t], true);
        check_bytes(model, tables[t], false);
    }
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_equals_the_network_node_by_node),
        cmocka_unit_test(training_forward_equals_the_network_node_by_node),
        cmocka_unit_test(a_training_plan_evaluates_like_an_inference_plan),
        cmocka_unit_test(running_allocates_nothing),
        cmocka_unit_test(lsq_steps_start_at_twice_the_mean_of_the_first_batch),
        cmocka_unit_test(evaluating_lsq_before_training_is_an_error),
        cmocka_unit_test(evaluation_in_bf16_is_exact),
        cmocka_unit_test(training_in_bf16_is_close_and_its_tensors_are_smaller),
        cmocka_unit_test(fast_kernels_evaluate_like_the_reference),
        cmocka_unit_test(bytes_are_what_the_heap_grows_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
