/* A training that was stopped and continued ends with the bits of an undisturbed one; a checkpoint of another is
 * refused. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "train/problem.h"

static qea_dataset *data;
static qea_graph *graph;
static qea_context *ctx;
static char folder[] = "/tmp/qea_checkpoint_XXXXXX";
static char path[64];

static int set_up(void **state) {
    (void)state;
    data = problem_data();
    graph = problem_graph();
    ctx = qea_context_create();
    if (!ctx || !mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    problem_data_free(data);
    qea_graph_destroy(graph);
    qea_context_destroy(ctx);
    return rmdir(folder);
}

static bool stop_at(void *user, const qea_epoch_report *report) {
    return report->step < report->steps || report->epoch != *(const int *)user;
}

/* NaN where there is no validation. */
static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void assert_same_curve(const qea_epoch_point *a, const qea_epoch_point *b, int epochs, bool validated) {
    for (int e = 0; e < epochs; e++) {
        assert_true(a[e].lr > 0 && isfinite(a[e].train_loss) && isnan(a[e].val_accuracy) == !validated);
        assert_true(a[e].train_loss == b[e].train_loss && a[e].train_accuracy == b[e].train_accuracy);
        assert_true(same(a[e].val_accuracy, b[e].val_accuracy) && a[e].lr == b[e].lr);
    }
}

static void check_resume(qea_train_options options, qea_quantizer quantizer, int stop_epoch, int checkpoint_epochs) {
    qea_model *whole = problem_model(graph, quantizer, quantizer, 3, 3);
    qea_model *stopped = problem_model(graph, quantizer, quantizer, 3, 3);
    qea_model *resumed = problem_model(graph, quantizer, quantizer, 3, 3);
    qea_train_result a, b;
    qea_epoch_point curve[8] = {{0}}, stopped_curve[8] = {{0}}, resumed_curve[8] = {{0}};
    options.checkpoint = NULL;
    options.curve = curve;
    MUST(qea_train(ctx, whole, &options, NULL, NULL, &a));
    options.checkpoint = path;
    options.checkpoint_epochs = checkpoint_epochs;
    options.curve = stopped_curve;
    assert_int_equal(qea_train(ctx, stopped, &options, stop_at, &stop_epoch, &b), QEA_ERR_INTERRUPTED);
    options.curve = resumed_curve;
    MUST(qea_train(ctx, resumed, &options, NULL, NULL, &b));
    assert_int_equal(b.first_epoch, stop_epoch + 1);
    assert_int_equal(b.images, a.images);
    double seconds = b.seconds;
    for (size_t i = 0; i < whole->num_params; i++)
        assert_memory_equal(whole->params[i].value, resumed->params[i].value, whole->params[i].count * sizeof(float));
    assert_int_equal(a.best_epoch, b.best_epoch);
    assert_true(same(a.val_accuracy, b.val_accuracy) && same(a.val_accuracy_top5, b.val_accuracy_top5));
    assert_true(a.train_loss == b.train_loss);
    assert_same_curve(curve, resumed_curve, options.epochs, options.validation != NULL);
    /* a finished one has nothing left to do, and gives the same again */
    options.curve = stopped_curve;
    MUST(qea_train(ctx, stopped, &options, NULL, NULL, &b));
    assert_int_equal(b.first_epoch, options.epochs);
    assert_int_equal(b.images, a.images);
    assert_true(b.seconds > 0.5 * seconds); /* of the calls before */
    assert_true(same(a.val_accuracy, b.val_accuracy) && a.train_loss == b.train_loss);
    assert_same_curve(curve, stopped_curve, options.epochs, options.validation != NULL);
    assert_int_equal(remove(path), 0);
    qea_model_destroy(whole);
    qea_model_destroy(stopped);
    qea_model_destroy(resumed);
}

static void a_continued_training_equals_an_undisturbed_one(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.schedule = (qea_schedule_options){.kind = QEA_SCHEDULE_COSINE, .per_step = true};
    options.train.transforms.flip = true;
    options.train.transforms.crop_padding = 1;
    check_resume(options, QEA_DOREFA, 1, 1);
    options.keep_best = true;
    check_resume(options, QEA_LSQ, 0, 1);
    options.optimizer.kind = QEA_ADAMW;
    options.optimizer.lr = 0.01;
    check_resume(options, QEA_PACT, 2, 3);
    check_resume(options, QEA_DOREFA, 1, 4); /* written because of the stop */
    options.validation = NULL;
    options.optimizer = (qea_optimizer_options){.kind = QEA_SGD, .lr = 0.05};
    check_resume(options, QEA_DOREFA, 1, 1);
}

static bool stop_soon(void *user, const qea_epoch_report *report) {
    (void)report;
    return (*(int *)user)-- > 0;
}

static void checkpoints_come_at_their_interval(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.checkpoint = path;
    options.checkpoint_epochs = 3;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_train_result result;
    model->params[0].value[0] = 0.5F;
    int calls = 100;
    MUST(qea_train(ctx, model, &options, stop_soon, &calls, &result));
    assert_true(qea_file_exists(path)); /* after the last epoch, 4 */
    assert_int_equal(remove(path), 0);
    qea_model_destroy(model);
}

static void expect_refused(const qea_train_options *options, qea_model *model, const char *names) {
    qea_train_result result;
    float before = model->params[0].value[0];
    assert_int_equal(qea_train(ctx, model, options, NULL, NULL, &result), QEA_ERR_STATE);
    assert_non_null(strstr(qea_context_message(ctx), names));
    assert_true(model->params[0].value[0] == before);
}

static void a_checkpoint_of_another_training_is_refused(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.epochs = 1;
    options.checkpoint = path;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_model *other = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 5);
    qea_train_result result;
    MUST(qea_train(ctx, model, &options, NULL, NULL, &result));
    expect_refused(&options, other, "activation_bits 5 5");
    qea_train_options changed = options;
    changed.optimizer.lr = 0.06;
    expect_refused(&changed, model, "lr 0.06");
    changed = options;
    changed.epochs = 5;
    expect_refused(&changed, model, "epochs 5");
    changed = options;
    changed.train.seed++;
    expect_refused(&changed, model, "seed 10");
    changed = options;
    qea_epoch_point curve[1];
    changed.curve = curve;
    expect_refused(&changed, model, "curve 1");
    changed = options;
    changed.train.count--;
    expect_refused(&changed, model, "images 255");
    assert_int_equal(remove(path), 0);
    qea_model_destroy(model);
    qea_model_destroy(other);
}

static void a_damaged_checkpoint_is_a_data_error(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options options = problem_options(data, &validation);
    options.epochs = 1;
    options.checkpoint = path;
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_train_result result;
    MUST(qea_train(ctx, model, &options, NULL, NULL, &result));
    uint8_t *bytes;
    size_t size;
    MUST(qea_file_read(ctx, path, 1 << 26, &bytes, &size));
    static const size_t kept[] = {0, 7, 100};
    for (size_t i = 0; i < 4; i++) {
        MUST(qea_file_write(ctx, path, bytes, i < 3 ? kept[i] : size - 4));
        assert_int_equal(qea_train(ctx, model, &options, NULL, NULL, &result), QEA_ERR_DATA);
        assert_non_null(strstr(qea_context_message(ctx), path));
    }
    MUST(qea_model_save(ctx, model, path, NULL, NULL, 0)); /* a model is no checkpoint */
    assert_int_equal(qea_train(ctx, model, &options, NULL, NULL, &result), QEA_ERR_DATA);
    qea_free(bytes);
    assert_int_equal(remove(path), 0);
    qea_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_continued_training_equals_an_undisturbed_one),
        cmocka_unit_test(checkpoints_come_at_their_interval),
        cmocka_unit_test(a_checkpoint_of_another_training_is_refused),
        cmocka_unit_test(a_damaged_checkpoint_is_a_data_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
