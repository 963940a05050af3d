/* The training loop on a small separable problem. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <malloc.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/memory.h"
#include "train/problem.h"

static qea_dataset *data;
static qea_graph *graph;
static qea_context *ctx;

static int set_up(void **state) {
    (void)state;
    data = problem_data();
    graph = problem_graph();
    ctx = qea_context_create();
    return ctx ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    problem_data_free(data);
    qea_graph_destroy(graph);
    qea_context_destroy(ctx);
    return 0;
}

static qea_train_result train(qea_model *model, const qea_train_options *options) {
    qea_train_result result;
    MUST(qea_train(ctx, model, options, NULL, NULL, &result));
    return result;
}

static bool same_values(const qea_model *a, const qea_model *b) {
    for (size_t i = 0; i < a->num_params; i++)
        if (memcmp(a->params[i].value, b->params[i].value, a->params[i].count * sizeof(float)) != 0) return false;
    return true;
}

static void every_quantiser_learns_the_problem(void **state) {
    (void)state;
    static const struct {
        qea_quantizer weight, activation;
        uint8_t w, a;
    } cases[] = {{QEA_DOREFA, QEA_DOREFA, 4, 4},  {QEA_PACT, QEA_PACT, 4, 4},     {QEA_WRPN, QEA_WRPN, 4, 4},
                 {QEA_XNOR, QEA_XNOR, 1, 4},      {QEA_BIREAL, QEA_BIREAL, 1, 1}, {QEA_LSQ, QEA_LSQ, 4, 4},
                 {QEA_DOREFA, QEA_DOREFA, 32, 32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qea_loader_config validation;
        qea_train_options options = problem_options(data, &validation);
        qea_model *model = problem_model(graph, cases[i].weight, cases[i].activation, cases[i].w, cases[i].a);
        qea_train_result result = train(model, &options);
        assert_true(result.val_accuracy > 0.95);
        assert_int_equal(result.epochs_done, 4);
        assert_int_equal(result.images, 4 * PROBLEM_TRAIN);
        qea_model_destroy(model);
    }
}

static void every_optimiser_learns_the_problem(void **state) {
    (void)state;
    for (int kind = QEA_SGD; kind <= QEA_ADAMW; kind++) {
        qea_loader_config validation;
        qea_train_options options = problem_options(data, &validation);
        options.optimizer.kind = (qea_optimizer)kind;
        options.optimizer.lr = kind == QEA_SGD ? 0.05 : 0.01;
        options.optimizer.nesterov = true;
        options.optimizer.grad_clip = 2;
        options.label_smoothing = 0.1F;
        options.schedule = (qea_schedule_options){.kind = QEA_SCHEDULE_COSINE, .warmup_epochs = 1, .per_step = true};
        qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
        assert_true(train(model, &options).val_accuracy > 0.95);
        qea_model_destroy(model);
    }
}

static void equal_seeds_give_equal_bits_and_others_do_not(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.epochs = 1;
    qea_model *models[3];
    for (int i = 0; i < 3; i++) {
        models[i] = problem_model(graph, QEA_LSQ, QEA_LSQ, 3, 3);
        options.train.seed = i < 2 ? 9 : 10;
        options.train.depth = i;
        train(models[i], &options);
    }
    assert_true(same_values(models[0], models[1]));
    assert_false(same_values(models[0], models[2]));
    for (int i = 0; i < 3; i++) qea_model_destroy(models[i]);
}

static void the_accuracy_is_that_of_an_evaluation(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.epochs = 2;
    options.keep_best = true;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_train_result result = train(model, &options);
    for (int batch = 1; batch < 200; batch += 63) { /* 64 images in batches of 1, 64, 127, 190 */
        qea_eval_result eval;
        validation.batch = batch;
        validation.shuffle = validation.drop_last = true;
        MUST(qea_evaluate(ctx, model, qea_kernels_ref(), QEA_PRECISION_F32, &validation, &eval));
        assert_int_equal(eval.count, PROBLEM_IMAGES - PROBLEM_TRAIN);
        assert_true(eval.accuracy == result.val_accuracy);
        assert_true(eval.accuracy_top5 == 1); /* of four classes */
        assert_true(eval.loss > 0);
    }
    qea_model_destroy(model);
}

typedef struct watch {
    double best;
    int best_epoch, calls;
    size_t allocations, heap;
    int stop_epoch;
} watch;

static size_t heap_in_use(void) {
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#else
    return mallinfo2().uordblks + mallinfo2().hblkhd;
#endif
}

static bool look(void *user, const qea_epoch_report *report) {
    watch *w = user;
    if (report->step < report->steps) return true;
    if (w->calls++ == 0) {
        w->allocations = qea_alloc_count();
        w->heap = heap_in_use();
    }
    if (report->val_accuracy > w->best) {
        w->best = report->val_accuracy;
        w->best_epoch = report->epoch;
    }
    return report->epoch != w->stop_epoch;
}

static void the_best_epoch_is_kept(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.keep_best = true;
    options.optimizer.lr = 0.9; /* restless */
    options.epochs = 6;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 2, 2);
    watch w = {.best = -1, .stop_epoch = -1};
    qea_train_result result;
    MUST(qea_train(ctx, model, &options, look, &w, &result));
    assert_int_equal(w.calls, 6);
    assert_int_equal(result.best_epoch, w.best_epoch);
    assert_true(result.val_accuracy == w.best);
    qea_eval_result eval;
    MUST(qea_evaluate(ctx, model, qea_kernels_ref(), QEA_PRECISION_F32, &validation, &eval));
    assert_true(eval.accuracy == w.best);
    qea_model_destroy(model);
}

typedef struct recording {
    qea_epoch_point points[6];
    int calls;
} recording;

static bool record(void *user, const qea_epoch_report *report) {
    recording *r = user;
    if (report->step < report->steps) return true;
    r->points[r->calls++] =
        (qea_epoch_point){report->train_loss, report->train_accuracy, report->val_accuracy, report->lr};
    return true;
}

static void the_curve_holds_what_each_epoch_reported(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    qea_epoch_point curve[4];
    recording seen = {.calls = 0};
    options.schedule = (qea_schedule_options){.kind = QEA_SCHEDULE_MULTISTEP, .num_milestones = 1, .milestones = {2}};
    options.schedule.gamma = 0.5;
    options.curve = curve;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_train_result result;
    MUST(qea_train(ctx, model, &options, record, &seen, &result));
    assert_int_equal(seen.calls, 4);
    assert_memory_equal(curve, seen.points, sizeof curve);
    assert_true(curve[1].lr == 0.05 && curve[2].lr == 0.025);
    assert_true(curve[3].train_loss == result.train_loss && curve[3].val_accuracy == result.val_accuracy);
    assert_true(curve[3].train_loss < curve[0].train_loss && curve[3].train_accuracy > curve[0].train_accuracy);
    qea_model_destroy(model);
}

static bool compare_memory(void *user, const qea_epoch_report *report) {
    watch *w = user;
    bool go_on = look(user, report);
    if (report->step == report->steps) {
        assert_int_equal(qea_alloc_count(), w->allocations);
        assert_int_equal(heap_in_use(), w->heap); /* of the whole process, whoever allocates */
    }
    return go_on;
}

static void nothing_is_allocated_after_the_first_epoch(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.keep_best = true;
    const qea_kernels *cpu = qea_kernels_cpu(NULL, "auto");
    if (cpu) options.kernels = cpu;
    qea_model *model = problem_model(graph, QEA_LSQ, QEA_LSQ, 4, 4);
    watch w = {.best = -1, .stop_epoch = -1};
    qea_train_result result;
    MUST(qea_train(ctx, model, &options, compare_memory, &w, &result));
    assert_true(result.peak_bytes > 0);
    qea_model_destroy(model);
}

/* How often a training of one epoch takes memory, validation included. */
static size_t allocations_in(size_t steps, const qea_kernels *kernels) {
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.keep_best = true;
    options.epochs = 1;
    options.max_steps = steps;
    if (kernels) options.kernels = kernels;
    qea_model *model = problem_model(graph, QEA_LSQ, QEA_LSQ, 4, 4);
    const size_t before = qea_alloc_count();
    qea_train_result result = train(model, &options);
    const size_t taken = qea_alloc_count() - before;
    assert_int_equal(result.images, steps * 32);
    qea_model_destroy(model);
    return taken;
}

static void nothing_is_allocated_after_the_first_batch(void **state) {
    (void)state;
    const qea_kernels *tables[] = {NULL, qea_kernels_cpu(NULL, "auto")}; /* NULL: ref */
    for (int i = 0; i < 2; i++) {
        (void)allocations_in(1, tables[i]); /* what a process keeps from then on */
        assert_int_equal(allocations_in(8, tables[i]), allocations_in(1, tables[i]));
    }
}

static void a_loss_that_is_not_finite_ends_with_the_reason(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    qea_train_result result;
    for (int precision = QEA_PRECISION_F32; precision <= QEA_PRECISION_BF16; precision++)
        for (int i = 0; i < 2; i++) {
            options.precision = (qea_precision)precision;
            options.optimizer.lr = i == 0 ? 1e30 : 0.05;
            qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
            if (i == 1) qea_model_find(model, "bn1.weight")->value[3] = NAN;
            assert_int_equal(qea_train(ctx, model, &options, NULL, NULL, &result), QEA_ERR_DIVERGED);
            assert_non_null(strstr(qea_context_message(ctx), "the loss is"));
            assert_non_null(strstr(qea_context_message(ctx), "epoch 1, step"));
            qea_model_destroy(model);
        }
}

static void stopping_is_a_status_of_its_own(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    watch w = {.best = -1, .stop_epoch = 1};
    qea_train_result result;
    assert_int_equal(qea_train(ctx, model, &options, look, &w, &result), QEA_ERR_INTERRUPTED);
    assert_int_equal(result.epochs_done, 2);
    qea_model_destroy(model);
}

static void max_steps_bounds_an_epoch(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.max_steps = 3;
    options.epochs = 2;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    assert_int_equal(train(model, &options).images, 2 * 3 * 32);
    options.max_steps = 0;
    options.train.count = 20; /* less than a batch: one batch of 20 */
    assert_int_equal(train(model, &options).images, 2 * 20);
    options.train.count = 70; /* two whole batches */
    assert_int_equal(train(model, &options).images, 2 * 64);
    qea_model_destroy(model);
}

static void options_out_of_range_are_refused(void **state) {
    (void)state;
    qea_loader_config validation;
    const qea_train_options good = problem_options(data, &validation);
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_train_result result;
    qea_train_options bad[6] = {good, good, good, good, good, good};
    bad[0].epochs = -1;
    bad[1].optimizer.lr = NAN;
    bad[2].optimizer.momentum = 1.5;
    bad[3].label_smoothing = 1;
    bad[4].train.batch = 0;
    bad[5].optimizer.kind = QEA_ADAM;
    bad[5].optimizer.beta2 = 1;
    for (int i = 0; i < 6; i++) assert_int_equal(qea_train(ctx, model, &bad[i], NULL, NULL, &result), QEA_ERR_CONFIG);
    qea_dataset other = *data;
    other.num_classes = PROBLEM_CLASSES + 1;
    bad[0] = good;
    bad[0].train.dataset = &other;
    assert_int_equal(qea_train(ctx, model, &bad[0], NULL, NULL, &result), QEA_ERR_CONFIG);
    other = *data;
    other.width = PROBLEM_SIZE / 2;
    assert_int_equal(qea_train(ctx, model, &bad[0], NULL, NULL, &result), QEA_ERR_CONFIG);
    qea_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_quantiser_learns_the_problem),
        cmocka_unit_test(every_optimiser_learns_the_problem),
        cmocka_unit_test(equal_seeds_give_equal_bits_and_others_do_not),
        cmocka_unit_test(the_accuracy_is_that_of_an_evaluation),
        cmocka_unit_test(the_best_epoch_is_kept),
        cmocka_unit_test(the_curve_holds_what_each_epoch_reported),
        cmocka_unit_test(nothing_is_allocated_after_the_first_epoch),
        cmocka_unit_test(nothing_is_allocated_after_the_first_batch),
        cmocka_unit_test(a_loss_that_is_not_finite_ends_with_the_reason),
        cmocka_unit_test(stopping_is_a_status_of_its_own),
        cmocka_unit_test(max_steps_bounds_an_epoch),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
