/* A supernet under changing bits against models whose bits are fixed, and statistics against those of single batches.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <unistd.h>

#include "nn/plan.h"
#include "nn/plan_networks.h"

enum { LAYERS_MOST = MAX_TEST_LAYERS, NUM_IMAGES = TEST_BATCH * TEST_SIZE * TEST_SIZE * TEST_CHANNELS };

static const qea_widths widths = {4, {2, 3, 4, 8}};
static float images[NUM_IMAGES];
static int32_t labels[TEST_BATCH];

static void random_bits(uint64_t seed, bool with_float, uint8_t *w, uint8_t *a) {
    qea_rng rng = qea_rng_make(seed, QEA_RNG_TEST, 7, 0);
    for (uint32_t i = 0; i < LAYERS_MOST; i++) {
        uint32_t x = qea_rng_below(&rng, 2 * i, with_float ? 5 : 4),
                 y = qea_rng_below(&rng, 2 * i + 1, with_float ? 5 : 4);
        w[i] = x < 4 ? widths.bits[x] : 32;
        a[i] = y < 4 ? widths.bits[y] : 32;
    }
}

static qea_model *make_supernet(const qea_graph *g, qea_quantizer weight, qea_quantizer activation, bool with_float) {
    uint8_t most[LAYERS_MOST];
    memset(most, with_float ? 32 : 8, sizeof most);
    qea_bit_policy wanted = {weight, activation, qea_graph_num_quantized(g), most, most};
    qea_model *model = NULL;
    MUST(qea_supernet_create(NULL, g, &wanted, &widths, 5, &model));
    return model;
}

static qea_plan *make_plan(qea_model *model, const qea_kernels *kernels, bool training) {
    qea_plan_options o = {
        .kernels = kernels, .batch = TEST_BATCH, .training = training, .precision = QEA_PRECISION_F32};
    qea_plan *plan = NULL;
    MUST(qea_plan_create(NULL, model, &o, &plan));
    return plan;
}

static void run(qea_plan *plan, uint64_t batch) {
    qea_batch_result r;
    net_batch(batch, images, labels);
    MUST(qea_plan_train(NULL, plan, images, labels, NULL, &r));
}

/* Where the values of a fixed model's parameter stand in the supernet's one of the same name. */
static size_t offset_of(const qea_model *supernet, const qea_model *fixed, const qea_param *p) {
    bool weights = strstr(p->name, "weight_step") != NULL;
    if (!weights && !strstr(p->name, "act_step")) return 0;
    for (size_t i = 0; i < qea_graph_num_quantized(fixed->graph); i++) {
        const char *layer = qea_graph_quantized(fixed->graph, i)->name;
        if (strncmp(layer, p->name, strlen(layer)) != 0 || p->name[strlen(layer)] != '.') continue;
        int bits = weights ? fixed->weight_bits[i] : fixed->activation_bits[i];
        for (size_t k = 0; k < supernet->widths.count; k++)
            if (supernet->widths.bits[k] == bits) return k * p->count;
    }
    fail_msg("%s belongs to no layer and width", p->name);
    return 0;
}

static bool near(float a, float b, float tolerance) { return fabsf(a - b) <= tolerance * (1 + fabsf(b)); }

/* rounding: of what was computed; tolerance: of gradients. */
static void compare(const qea_model *supernet, const qea_model *fixed, float rounding, float tolerance) {
    for (size_t i = 0; i < fixed->num_params; i++) {
        const qea_param *p = &fixed->params[i], *s = qea_model_find(supernet, p->name);
        size_t at = offset_of(supernet, fixed, p);
        assert_non_null(s);
        for (size_t k = 0; k < p->count; k++) {
            assert_true(near(s->value[at + k], p->value[k], rounding));
            if (p->trained && !near(s->grad[at + k], p->grad[k], tolerance))
                fail_msg("%s[%zu]: gradient %g in the supernet, %g alone", p->name, k, (double)s->grad[at + k],
                         (double)p->grad[k]);
        }
    }
    for (size_t i = 0; i < supernet->num_params; i++) { /* steps of other bits have no gradient */
        const qea_param *s = &supernet->params[i], *p = qea_model_find(fixed, s->name);
        size_t nonzero = 0, expected = 0;
        for (size_t k = 0; s->trained && k < s->count; k++) nonzero += s->grad[k] != 0;
        for (size_t k = 0; s->trained && p && k < p->count; k++) expected += p->grad[k] != 0;
        if (tolerance == 0) assert_int_equal(nonzero, expected);
    }
}

/* tolerance: of gradients where the fixed model's layers share a quantised input, whose gradients are summed in another
 * order. */
static void check(qea_graph *g, qea_quantizer weight, qea_quantizer activation, bool with_float, float tolerance) {
    const qea_kernels *const devices[] = {qea_kernels_ref(), qea_kernels_cpu(NULL, "auto")};
    for (int d = 0; d < 2 && devices[d]; d++) {
        qea_model *supernet = make_supernet(g, weight, activation, with_float), *fixed = NULL;
        qea_plan *plan = make_plan(supernet, devices[d], true);
        float rounding = with_float && d == 1 ? 1e-5F : 0;
        uint8_t w[LAYERS_MOST], a[LAYERS_MOST];
        run(plan, 1); /* the steps begin */
        for (uint64_t seed = 0; seed < 3; seed++) {
            random_bits(seed, with_float, w, a);
            MUST(qea_model_set_bits(NULL, supernet, w, a));
            qea_bit_policy wanted = {weight, activation, qea_graph_num_quantized(g), w, a};
            MUST(qea_model_create(NULL, g, &wanted, 99, &fixed));
            assert_int_equal(qea_model_copy_values(fixed, supernet) > 0, 1);
            qea_plan *alone = make_plan(fixed, devices[d], true);
            run(plan, 10 + seed);
            run(alone, 10 + seed);
            for (int i = 0; i < TEST_BATCH * TEST_CLASSES; i++)
                assert_true(near(qea_plan_logits(plan)[i], qea_plan_logits(alone)[i], rounding));
            compare(supernet, fixed, rounding, tolerance);
            qea_plan_destroy(alone);
            qea_model_destroy(fixed);
        }
        qea_plan_destroy(plan);
        qea_model_destroy(supernet);
    }
    qea_graph_destroy(g);
}

static void changed_bits_do_what_a_new_plan_does_bit_for_bit(void **state) {
    (void)state;
    check(net_basic(), QEA_DOREFA, QEA_DOREFA, false, 1e-5F);
    check(net_basic(), QEA_PACT, QEA_PACT, false, 0);
    check(net_basic(), QEA_LSQ, QEA_LSQ, false, 0);
    check(net_depthwise(), QEA_LSQ, QEA_LSQ, false, 0);
    check(net_bias(), QEA_LSQ, QEA_DOREFA, false, 0);
    check(net_odd(), QEA_LSQ, QEA_LSQ, false, 1e-5F);
}

/* Convolutions of integers alone, which only the model with fixed bits knows to have, may take statistics in another
 * order. */
static void floats_among_the_widths_change_nothing_but_rounding(void **state) {
    (void)state;
    check(net_basic(), QEA_LSQ, QEA_LSQ, true, 1e-5F);
    check(net_depthwise(), QEA_DOREFA, QEA_DOREFA, true, 1e-5F);
}

static void evaluation_follows_the_bits_too(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *supernet = make_supernet(g, QEA_LSQ, QEA_LSQ, false);
    qea_plan *training = make_plan(supernet, qea_kernels_ref(), true),
             *plan = make_plan(supernet, qea_kernels_ref(), false);
    run(training, 1);
    qea_plan_destroy(training);
    float low[TEST_BATCH * TEST_CLASSES];
    uint8_t w[LAYERS_MOST], a[LAYERS_MOST];
    for (int round = 0; round < 3; round++) {
        qea_batch_result r;
        memset(w, round == 1 ? 8 : 2, sizeof w);
        memset(a, round == 1 ? 8 : 2, sizeof a);
        MUST(qea_model_set_bits(NULL, supernet, w, a));
        MUST(qea_plan_refresh(NULL, plan));
        MUST(qea_plan_evaluate(NULL, plan, images, labels, &r));
        if (round == 0) memcpy(low, qea_plan_logits(plan), sizeof low);
        bool same = memcmp(low, qea_plan_logits(plan), sizeof low) == 0;
        assert_int_equal(same, round != 1);
    }
    qea_plan_destroy(plan);
    qea_model_destroy(supernet);
    qea_graph_destroy(g);
}

static void bits_that_a_supernet_has_not_are_refused(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    qea_graph *g = net_basic();
    qea_model *supernet = make_supernet(g, QEA_LSQ, QEA_LSQ, false), *fixed = NULL;
    uint8_t good[LAYERS_MOST], bad[LAYERS_MOST];
    memset(good, 4, sizeof good);
    static const uint8_t wrong[] = {0, 1, 5, 9, 16, 32};
    for (size_t i = 0; i < sizeof wrong; i++) {
        memset(bad, 4, sizeof bad);
        bad[1] = wrong[i];
        assert_int_equal(qea_model_set_bits(ctx, supernet, bad, good), QEA_ERR_CONFIG);
        assert_int_equal(qea_model_set_bits(ctx, supernet, good, bad), QEA_ERR_CONFIG);
        assert_non_null(strstr(qea_context_message(ctx), qea_graph_quantized(g, 1)->name));
        assert_int_equal(supernet->weight_bits[0], 8); /* nothing was taken */
    }
    MUST(qea_model_set_bits(ctx, supernet, good, good));
    qea_bit_policy wanted = {QEA_LSQ, QEA_LSQ, qea_graph_num_quantized(g), good, good};
    MUST(qea_model_create(ctx, g, &wanted, 1, &fixed));
    assert_int_equal(qea_model_set_bits(ctx, fixed, good, good), QEA_ERR_CONFIG);
    qea_model_destroy(fixed);
    memset(bad, 0, sizeof bad);
    wanted.weight_quantizer = wanted.activation_quantizer = QEA_DOREFA; /* where 0 bits exist */
    wanted.weight_bits = bad;
    assert_int_equal(qea_supernet_create(ctx, g, &wanted, &widths, 1, &fixed), QEA_ERR_CONFIG);
    wanted.weight_bits = good;
    assert_int_equal(qea_supernet_create(ctx, g, &wanted, &(qea_widths){2, {4, 2}}, 1, &fixed), QEA_ERR_CONFIG);
    qea_model_destroy(supernet);
    qea_graph_destroy(g);
    qea_context_destroy(ctx);
}

static void a_supernet_survives_its_file(void **state) {
    (void)state;
    char path[] = "/tmp/qea_supernet_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    qea_graph *g = net_basic(), *loaded_graph = NULL;
    qea_model *supernet = make_supernet(g, QEA_LSQ, QEA_LSQ, false), *loaded = NULL;
    uint8_t w[LAYERS_MOST], a[LAYERS_MOST];
    random_bits(4, false, w, a);
    MUST(qea_model_set_bits(NULL, supernet, w, a));
    const char *key = "classes", *value = "[]";
    MUST(qea_model_save(NULL, supernet, path, &key, &value, 1));
    MUST(qea_model_load(NULL, path, &loaded_graph, &loaded, NULL));
    assert_true(qea_model_is_supernet(loaded));
    assert_memory_equal(&loaded->widths, &supernet->widths, sizeof widths);
    assert_int_equal(loaded->most_weight_bits[0], 8);
    assert_memory_equal(loaded->weight_bits, w, qea_graph_num_quantized(g));
    assert_memory_equal(loaded->activation_bits, a, qea_graph_num_quantized(g));
    for (size_t i = 0; i < supernet->num_params; i++)
        assert_memory_equal(loaded->params[i].value, supernet->params[i].value,
                            supernet->params[i].count * sizeof(float));
    qea_model_destroy(loaded);
    qea_graph_destroy(loaded_graph);
    qea_model_destroy(supernet);
    qea_graph_destroy(g);
    unlink(path);
}

/* LSQ's rule by hand: 2 mean|w| / sqrt(2^(k-1) - 1) per channel and width. */
static void a_float_network_gives_a_supernet_its_first_steps(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *network = NULL, *supernet = make_supernet(g, QEA_LSQ, QEA_LSQ, false);
    MUST(qea_model_create(NULL, g, NULL, 77, &network));
    assert_true(qea_model_copy_values(supernet, network) > 0);
    const char *layer = qea_graph_quantized(g, 0)->name;
    char name[100];
    snprintf(name, sizeof name, "%s.weight", layer);
    const qea_param *weight = qea_model_find(supernet, name), *original = qea_model_find(network, name);
    assert_memory_equal(weight->value, original->value, weight->count * sizeof(float));
    snprintf(name, sizeof name, "%s.weight_step", layer);
    const qea_param *steps = qea_model_find(supernet, name);
    size_t channels = weight->dims[0], per = weight->count / channels;
    assert_int_equal(steps->count, widths.count * channels);
    for (size_t i = 0; i < steps->count; i++) {
        size_t k = i % channels;
        double sum = 0, top = pow(2, widths.bits[i / channels] - 1) - 1;
        for (size_t j = 0; j < per; j++) sum += fabs((double)weight->value[k * per + j]);
        assert_true(fabs((double)steps->value[i] - 2 * sum / (double)per / sqrt(top)) < 1e-6);
    }
    snprintf(name, sizeof name, "%s.act_step", layer);
    steps = qea_model_find(supernet, name);
    assert_true(steps->count == widths.count && isnan(steps->value[0]));
    qea_model_destroy(network);
    qea_model_destroy(supernet);
    qea_graph_destroy(g);
}

/* --- statistics --- */

enum { BATCHES = 3, MOST_CHANNELS = 64 };

static bool is_mean(const qea_param *p) { return strstr(p->name, "running_mean") != NULL; }

/* Pools what single batches have: with a momentum of 1 a training pass leaves its batch's mean and unbiased variance.
 */
static void pool_by_hand(qea_model *model, const qea_kernels *kernels, double (*mean)[MOST_CHANNELS],
                         double (*variance)[MOST_CHANNELS], const double *rows) {
    double means[BATCHES][64][MOST_CHANNELS], variances[BATCHES][64][MOST_CHANNELS];
    qea_plan *plan = make_plan(model, kernels, true);
    for (uint64_t b = 0; b < BATCHES; b++) {
        run(plan, 20 + b);
        for (size_t i = 0; i < model->num_params; i++)
            for (size_t c = 0; !model->params[i].trained && c < model->params[i].count; c++) {
                double value = (double)model->params[i].value[c];
                if (is_mean(&model->params[i]))
                    means[b][i][c] = value;
                else
                    variances[b][i][c] = value;
            }
    }
    qea_plan_destroy(plan);
    for (size_t i = 0; i + 1 < model->num_params; i++)
        for (size_t c = 0; is_mean(&model->params[i]) && c < model->params[i].count; c++) {
            double n = rows[i], sum = 0;
            for (int b = 0; b < BATCHES; b++) sum += means[b][i][c];
            mean[i][c] = sum / BATCHES;
            sum = 0;
            for (int b = 0; b < BATCHES; b++)
                sum += (n - 1) * variances[b][i + 1][c] + n * pow(means[b][i][c] - mean[i][c], 2);
            variance[i][c] = sum / (BATCHES * n - 1);
        }
}

static qea_graph *net_momentum(int stride) {
    qea_node x;
    qea_graph *g = net_begin(&x);
    net_conv(g, "stem", &x, 6, 3, 1, 1, true, false);
    MUST(qea_graph_batch_norm(NULL, g, "n0", x, 1e-5, 1, &x));
    net_relu(g, &x);
    net_conv(g, "middle", &x, 8, 3, stride, 1, false, true);
    MUST(qea_graph_batch_norm(NULL, g, "n1", x, 1e-5, 1, &x));
    net_relu(g, &x);
    net_conv(g, "last", &x, 4, 1, 1, 1, false, true);
    MUST(qea_graph_batch_norm(NULL, g, "n2", x, 1e-5, 1, &x));
    net_relu(g, &x);
    return net_end(g, x);
}

/* A supernet's first step draws the most bits: where these are floats, the steps of the others begin all the same. */
static void activation_steps_begin_at_a_step_that_draws_floats(void **state) {
    (void)state;
    qea_graph *g = net_basic();
    qea_model *supernet = make_supernet(g, QEA_LSQ, QEA_LSQ, true);
    qea_plan *plan = make_plan(supernet, qea_kernels_ref(), true);
    run(plan, 1);
    for (size_t i = 0; i < supernet->num_params; i++) {
        const qea_param *p = &supernet->params[i];
        for (size_t k = 0; strstr(p->name, ".act_step") && k < p->count; k++) assert_true(p->value[k] > 0);
    }
    qea_plan_destroy(plan);
    qea_model_destroy(supernet);
    qea_graph_destroy(g);
}

static void estimated_statistics_are_those_of_all_images(void **state) {
    (void)state;
    qea_graph *g = net_momentum(2);
    const policy bits = {QEA_DOREFA, QEA_DOREFA, {4, 3}, {3, 4}};
    qea_model *model = net_model(g, &bits, 3);
    double mean[64][MOST_CHANNELS], variance[64][MOST_CHANNELS], rows[64] = {0};
    for (size_t i = 0; i < model->num_params; i++)
        rows[i] = TEST_BATCH * (strncmp(model->params[i].name, "n0", 2) == 0 ? 64.0 : 16.0);
    pool_by_hand(model, qea_kernels_ref(), mean, variance, rows);
    for (int training = 0; training < 2; training++) {
        qea_plan *plan = make_plan(model, qea_kernels_ref(), training);
        float before[NUM_IMAGES];
        const qea_param *weight = qea_model_find(model, "middle.weight");
        memcpy(before, weight->value, weight->count * sizeof(float));
        MUST(qea_plan_refresh(NULL, plan));
        for (int again = 0; again < 2; again++) { /* the second time begins anew */
            qea_plan_estimate_begin(plan);
            for (uint64_t b = 0; b < BATCHES; b++) {
                net_batch(20 + b, images, labels);
                MUST(qea_plan_estimate_batch(NULL, plan, images));
            }
            qea_plan_estimate_end(plan);
        }
        for (size_t i = 0; i + 1 < model->num_params; i++)
            for (size_t c = 0; is_mean(&model->params[i]) && c < model->params[i].count; c++) {
                double scale = 1e-5 * (1 + sqrt(variance[i][c]));
                assert_true(fabs((double)model->params[i].value[c] - mean[i][c]) < scale);
                assert_true(fabs((double)model->params[i + 1].value[c] - variance[i][c]) < 1e-5 * (1 + variance[i][c]));
            }
        assert_memory_equal(before, weight->value, weight->count * sizeof(float));
        qea_plan_estimate_begin(plan);
        qea_plan_estimate_end(plan); /* no batch: they stay */
        assert_true(fabs((double)qea_model_find(model, "n0.running_var")->value[0]) > 0);
        qea_plan_destroy(plan);
    }
    qea_model_destroy(model);
    qea_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_bits_do_what_a_new_plan_does_bit_for_bit),
        cmocka_unit_test(floats_among_the_widths_change_nothing_but_rounding),
        cmocka_unit_test(evaluation_follows_the_bits_too),
        cmocka_unit_test(bits_that_a_supernet_has_not_are_refused),
        cmocka_unit_test(a_supernet_survives_its_file),
        cmocka_unit_test(a_float_network_gives_a_supernet_its_first_steps),
        cmocka_unit_test(activation_steps_begin_at_a_step_that_draws_floats),
        cmocka_unit_test(estimated_statistics_are_those_of_all_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
