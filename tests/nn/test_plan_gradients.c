/* A plan's gradients against finite differences of the network node by node in float64, whose quantisers are replaced
 * by their straight-through lines (plan_reference.h): scales, batch norm, residuals and quantisers all at once. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "nn/plan.h"
#include "nn/plan_networks.h"
#include "nn/plan_reference.h"

static float images[TEST_BATCH * TEST_SIZE * TEST_SIZE * TEST_CHANNELS];
static int32_t labels[TEST_BATCH];

static double loss_at(reference *r, int param, const double *start, const double *direction, double step) {
    double keep[4096];
    size_t count = r->model->params[param].count;
    memcpy(keep, r->params[param], count * sizeof *keep);
    for (size_t i = 0; i < count; i++) r->params[param][i] = start[i] + step * direction[i];
    ref_run(r);
    memcpy(r->params[param], keep, count * sizeof *keep);
    return r->loss / TEST_BATCH;
}

/* LSQ scales the gradient of a step by 1/sqrt(n Qp), n the values that it quantises; see REFERENCE section 4. */
static double lsq_factor(const reference *r, const qea_graph_node *node, const char *what) {
    const qea_model *m = r->model;
    int bits = m->weight_bits[node->quantized];
    double n = (double)m->params[ref_param(m, node->name, "weight")].count / node->channels;
    double top = bits == 1 ? 1 : pow(2, bits - 1) - 1;
    if (strcmp(what, "act_step") == 0) {
        bits = m->activation_bits[node->quantized];
        n = (double)ref_size(r, node->in[0]);
        top = r->nonnegative[node->in[0]] || bits == 1 ? pow(2, bits) - 1 : pow(2, bits - 1) - 1;
    }
    return 1 / sqrt(n * top);
}

static double grad_factor(const reference *r, const qea_param *p) {
    for (int i = 0; i < (int)qea_graph_num_nodes(r->model->graph); i++) {
        const qea_graph_node *node = qea_graph_node_at(r->model->graph, i);
        size_t length = node->name ? strlen(node->name) : 0;
        if (length == 0 || strncmp(p->name, node->name, length) != 0 || p->name[length] != '.') continue;
        const char *what = p->name + length + 1;
        if (strcmp(what, "weight_step") == 0 || strcmp(what, "act_step") == 0) return lsq_factor(r, node, what);
    }
    return 1;
}

/* Along random directions, and along single values. */
static void check_param(reference *r, int index, double tolerance) {
    const qea_param *p = &r->model->params[index];
    double factor = grad_factor(r, p), norm = 1e-3;
    for (size_t i = 0; i < p->count; i++) norm += fabs((double)p->grad[i]) / sqrt((double)p->count);
    double direction[4096];
    assert_true(p->count <= 4096);
    qea_rng rng = qea_rng_make(5, QEA_RNG_TEST, (uint32_t)index, 1);
    for (int trial = 0; trial < 3; trial++) {
        double dot = 0, h = 1e-8;
        size_t one = qea_rng_below(&rng, (uint64_t)trial, (uint32_t)p->count);
        for (size_t i = 0; i < p->count; i++) {
            direction[i] = trial == 0 ? qea_rng_normal(&rng, 1000 + i) : i == one;
            dot += direction[i] * (double)p->grad[i];
        }
        double plus = loss_at(r, index, r->base->params[index], direction, h);
        double minus = loss_at(r, index, r->base->params[index], direction, -h);
        double expected = factor * (plus - minus) / (2 * h);
        if (fabs(dot - expected) > tolerance * norm * (trial == 0 ? 3 : 1))
            fail_msg("%s: gradient along a direction is %g, finite differences give %g (norm %g)", p->name, dot,
                     expected, norm);
    }
}

static void check(qea_graph *g, const policy *bits, const qea_kernels *kernels, qea_precision precision,
                  double tolerance) {
    qea_model *model = net_model(g, bits, 11);
    net_batch(4, images, labels);
    qea_plan_options options = {
        .kernels = kernels, .batch = TEST_BATCH, .training = true, .precision = precision, .label_smoothing = 0.1F};
    qea_plan *plan = NULL;
    qea_batch_result result;
    MUST(qea_plan_create(NULL, model, &options, &plan));
    MUST(qea_plan_train(NULL, plan, images, labels, NULL, &result)); /* LSQ's steps */
    MUST(qea_plan_train(NULL, plan, images, labels, NULL, &result));
    reference *base = ref_create(model, TEST_BATCH, true, images, labels);
    reference *r = ref_create(model, TEST_BATCH, true, images, labels);
    base->smoothing = r->smoothing = 0.1;
    ref_run(base);
    r->base = base;
    memcpy(r->nonnegative, base->nonnegative, qea_graph_num_nodes(g) * sizeof *r->nonnegative);
    for (size_t i = 0; i < model->num_params; i++)
        if (model->params[i].trained) check_param(r, (int)i, tolerance);
    ref_destroy(r);
    ref_destroy(base);
    qea_plan_destroy(plan);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

static const policy float_policy = {QEA_DOREFA, QEA_DOREFA, {32, 32, 32, 32}, {32, 32, 32, 32}};

static void check_all_networks(const policy *p, const qea_kernels *kernels) {
    qea_graph *(*const networks[])(void) = {net_basic, net_bottleneck, net_bias, net_depthwise, net_odd, net_shared};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        check(networks[i](), p, kernels, QEA_PRECISION_F32, 1e-3);
}

static void float_networks(void **state) {
    (void)state;
    check_all_networks(&float_policy, qea_kernels_ref());
}

static void dorefa(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_DOREFA, QEA_DOREFA, {4, 2, 8, 3}, {4, 8, 2, 5}}, qea_kernels_ref());
}

static void dorefa_with_float_and_16_bit_layers(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_DOREFA, QEA_DOREFA, {1, 32, 16, 4}, {2, 32, 16, 32}}, qea_kernels_ref());
}

static void layers_left_out(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_DOREFA, QEA_DOREFA, {4, 0, 4, 4}, {4, 4, 4, 0}}, qea_kernels_ref());
}

static void pact(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_PACT, QEA_PACT, {4, 2, 8, 3}, {4, 8, 2, 5}}, qea_kernels_ref());
}

static void wrpn(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_WRPN, QEA_WRPN, {4, 5, 8, 1}, {4, 8, 2, 5}}, qea_kernels_ref());
}

static void xnor(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_XNOR, QEA_XNOR, {1, 1, 1, 1}, {4, 8, 2, 5}}, qea_kernels_ref());
}

static void bireal(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_BIREAL, QEA_BIREAL, {1, 1, 1, 1}, {1, 1, 1, 1}}, qea_kernels_ref());
}

static void lsq(void **state) {
    (void)state;
    check_all_networks(&(policy){QEA_LSQ, QEA_LSQ, {4, 2, 8, 1}, {4, 8, 2, 5}}, qea_kernels_ref());
}

static void fast_kernels(void **state) {
    (void)state;
    const qea_kernels *cpu = qea_kernels_cpu(NULL, "auto");
    if (!cpu) skip();
    check_all_networks(&float_policy, cpu);
    check_all_networks(&(policy){QEA_DOREFA, QEA_PACT, {4, 2, 8, 3}, {4, 8, 2, 5}}, cpu);
    check_all_networks(&(policy){QEA_LSQ, QEA_LSQ, {4, 2, 8, 1}, {4, 8, 2, 5}}, cpu);
}

/* bfloat16 keeps 8 bits; roundings of later layers may differ, so that only a rough agreement can be asked. */
static void bf16_gradients_point_the_same_way(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *model = net_model(g, &(policy){QEA_DOREFA, QEA_DOREFA, {8, 8, 8, 8}, {8, 8, 8, 8}}, 11);
    net_batch(4, images, labels);
    double dot = 0, exact_norm = 0, bf16_norm = 0;
    float *exact[256] = {0};
    for (int pass = 0; pass < 2; pass++) {
        qea_plan_options options = {.kernels = qea_kernels_ref(),
                                    .batch = TEST_BATCH,
                                    .training = true,
                                    .precision = pass == 0 ? QEA_PRECISION_F32 : QEA_PRECISION_BF16};
        qea_plan *plan = NULL;
        qea_batch_result result;
        MUST(qea_plan_create(NULL, model, &options, &plan));
        MUST(qea_plan_train(NULL, plan, images, labels, NULL, &result));
        for (size_t i = 0; i < model->num_params; i++) {
            const qea_param *p = &model->params[i];
            if (!p->trained) continue;
            if (pass == 0) {
                exact[i] = malloc(p->count * sizeof(float));
                memcpy(exact[i], p->grad, p->count * sizeof(float));
                continue;
            }
            for (size_t j = 0; j < p->count; j++) {
                dot += (double)exact[i][j] * (double)p->grad[j];
                exact_norm += (double)exact[i][j] * (double)exact[i][j];
                bf16_norm += (double)p->grad[j] * (double)p->grad[j];
            }
            free(exact[i]);
        }
        qea_plan_destroy(plan);
    }
    assert_true(dot / sqrt(exact_norm * bf16_norm) > 0.98);
    assert_true(fabs(sqrt(bf16_norm / exact_norm) - 1) < 0.05);
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

static void assert_same_params(const qea_model *left, const qea_model *right) {
    for (size_t i = 0; i < left->num_params; i++) {
        const qea_param *a = &left->params[i], *b = &right->params[i];
        assert_memory_equal(a->value, b->value, a->count * sizeof(float));
        if (a->trained) assert_memory_equal(a->grad, b->grad, a->count * sizeof(float));
    }
}

/* The same values in 16 bits and widened: the reference's sums are the same, and so is all that follows. */
static void bf16_in_float32_buffers_is_bf16_to_the_bit(void **state) {
    (void)state;
    qea_kernels wide = *qea_kernels_ref();
    wide.bf16 = QEA_BF16_WIDE;
    const policy bits = {QEA_DOREFA, QEA_DOREFA, {4, 2, 8, 3}, {4, 8, 2, 5}};
    qea_graph *g = net_basic();
    qea_model *models[2];
    net_batch(4, images, labels);
    for (int i = 0; i < 2; i++) {
        qea_plan_options options = {.kernels = i ? &wide : qea_kernels_ref(),
                                    .batch = TEST_BATCH,
                                    .training = true,
                                    .precision = QEA_PRECISION_BF16};
        qea_plan *plan = NULL;
        qea_batch_result result;
        models[i] = net_model(g, &bits, 11);
        MUST(qea_plan_create(NULL, models[i], &options, &plan));
        MUST(qea_plan_train(NULL, plan, images, labels, NULL, &result));
        qea_plan_destroy(plan);
    }
    assert_same_params(models[0], models[1]);
    for (int i = 0; i < 2; i++) qea_model_destroy(models[i]);
    qea_graph_destroy(g);
}

/* Two steps, so that what LSQ's first one starts from shows; the memory that the plan takes. */
static size_t train_two_steps(qea_model *model, const qea_kernels *kernels) {
    qea_plan_options options = {.kernels = kernels, .batch = TEST_BATCH, .training = true};
    qea_plan *plan = NULL;
    qea_batch_result result;
    MUST(qea_plan_create(NULL, model, &options, &plan));
    for (int i = 0; i < 2; i++) MUST(qea_plan_train(NULL, plan, images, labels, NULL, &result));
    size_t bytes = qea_plan_bytes(plan);
    qea_plan_destroy(plan);
    return bytes;
}

static bool reads_no_bytes(const qea_conv *conv) {
    (void)conv;
    return false;
}

static qea_graph *net_wide(void) { return net_resnet20(TEST_SIZE); }

static void inputs_in_bytes_train_to_the_same_bits_in_less_memory(void **state) {
    (void)state;
    qea_graph *(*const networks[])(void) = {net_wide, net_bottleneck, net_bias, net_depthwise, net_odd, net_shared};
    const policy policies[] = {{QEA_DOREFA, QEA_DOREFA, {4, 2, 8, 3}, {4, 8, 2, 5}},
                               {QEA_DOREFA, QEA_PACT, {4, 16, 2, 8}, {4, 8, 16, 3}},
                               {QEA_LSQ, QEA_LSQ, {4, 2, 8, 3}, {4, 8, 2, 1}}};
    const qea_kernels *tables[] = {qea_kernels_ref(), qea_kernels_cpu(NULL, "auto")};
    net_batch(4, images, labels);
    for (int form = 0; form < 2 * 6 * 3; form++) {
        const qea_kernels *bytes = tables[form % 2];
        if (!bytes) continue;
        qea_kernels without = *bytes;
        without.conv_reads_bytes = reads_no_bytes;
        qea_graph *g = networks[form / 2 % 6]();
        qea_model *a = net_model(g, &policies[form / 12], 11), *b = net_model(g, &policies[form / 12], 11);
        size_t less = train_two_steps(a, bytes), more = train_two_steps(b, &without);
        assert_same_params(a, b);
        if (form / 2 % 6 == 0) assert_true(less < more);
        qea_model_destroy(a), qea_model_destroy(b);
        qea_graph_destroy(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_networks),
        cmocka_unit_test(dorefa),
        cmocka_unit_test(dorefa_with_float_and_16_bit_layers),
        cmocka_unit_test(layers_left_out),
        cmocka_unit_test(pact),
        cmocka_unit_test(wrpn),
        cmocka_unit_test(xnor),
        cmocka_unit_test(bireal),
        cmocka_unit_test(lsq),
        cmocka_unit_test(fast_kernels),
        cmocka_unit_test(bf16_gradients_point_the_same_way),
        cmocka_unit_test(bf16_in_float32_buffers_is_bf16_to_the_bit),
        cmocka_unit_test(inputs_in_bytes_train_to_the_same_bits_in_less_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
