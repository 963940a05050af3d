#include "study/execute.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/execute_internal.h"
#include "study/model_metadata.h"

static void unload(qea_loaded_model *loaded) {
    qea_model_destroy(loaded->model);
    qea_graph_destroy(loaded->graph);
    qea_free(loaded->path);
    *loaded = (qea_loaded_model){0};
}

qea_status qea_executor_load(qea_context *ctx, const char *path, qea_loaded_model *loaded) {
    if (loaded->path != NULL && strcmp(loaded->path, path) == 0) return QEA_OK;
    unload(loaded);
    QEA_TRY(qea_model_load(ctx, path, &loaded->graph, &loaded->model, NULL));
    qea_status status = qea_strdup(ctx, path, &loaded->path);
    if (status != QEA_OK) unload(loaded);
    return status;
}

static qea_status prepare(qea_context *ctx, qea_executor *executor, const char *step) {
    const qea_study_config *config = executor->config;
    bool agreement = strcmp(step, "agreement") == 0, prediction = strcmp(step, "prediction") == 0;
    executor->final = strcmp(step, "fully_train") == 0;
    executor->full = executor->final || agreement;
    executor->stage = strcmp(step, "float") == 0 || strcmp(step, "supernet") == 0;
    executor->supernet = strcmp(step, "supernet") == 0;
    executor->rank = (strcmp(step, "nas") == 0 || prediction) && config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS;
    executor->data_config = executor->final ? &config->full_data
                            : agreement     ? &config->agreement.data
                                            : &config->nas_data;
    executor->recipe = executor->final      ? &config->full_recipe
                       : agreement          ? &config->agreement.recipe
                       : executor->supernet ? &config->supernet.recipe
                       : executor->stage    ? &config->supernet.float_recipe
                                            : &config->nas_recipe;
    QEA_TRY(qea_study_kernels(ctx, config->isa, &executor->kernels));
    qea_kernels_set_threads(executor->stage ? config->supernet.threads : config->threads_per_worker);
    QEA_TRY(qea_step_data_load(ctx, executor->data_config, config->seed, executor->final, &executor->data));
    QEA_TRY(qea_study_network(ctx, config, executor->data.train_part, &executor->graph));
    return executor->supernet || executor->rank ? qea_bit_space_create(ctx, config, executor->graph, &executor->space)
                                                : QEA_OK;
}

qea_status qea_executor_create(qea_context *ctx, const qea_study_config *config, const char *step, qea_executor **out) {
    *out = NULL;
    qea_executor *executor;
    QEA_TRY(QEA_NEW(ctx, "executor", executor, 1));
    executor->config = config;
    qea_status status = prepare(ctx, executor, step);
    if (status == QEA_OK)
        *out = executor;
    else
        qea_executor_destroy(executor);
    return status;
}

void qea_executor_destroy(qea_executor *executor) {
    if (executor == NULL) return;
    qea_ranker_destroy(executor->ranker);
    unload(&executor->ranked);
    unload(&executor->teacher);
    qea_bit_space_destroy(executor->space);
    qea_step_data_clear(&executor->data);
    qea_graph_destroy(executor->graph);
    qea_free(executor);
}

const qea_graph *qea_executor_graph(const qea_executor *executor) { return executor->graph; }

qea_status qea_executor_warm_start(qea_context *ctx, const char *path, qea_model *model) {
    qea_graph *graph = NULL;
    qea_model *from = NULL;
    QEA_TRY(qea_model_load(ctx, path, &graph, &from, NULL));
    size_t copied = qea_model_copy_values(model, from);
    qea_model_destroy(from);
    qea_graph_destroy(graph);
    if (copied == 0) return qea_fail(ctx, QEA_ERR_DATA, "%s: no tensor has a name and shape of this network", path);
    return QEA_OK;
}

qea_teacher qea_executor_teacher(const qea_executor *executor) {
    const qea_distillation *distillation =
        executor->supernet ? &executor->config->supernet.distillation : &executor->config->distillation;
    return (qea_teacher){executor->teacher.model, (float)distillation->temperature, (float)distillation->weight};
}

qea_train_options qea_executor_options(const qea_executor *executor, const qea_job *job) {
    const qea_recipe *recipe = executor->recipe;
    qea_train_options options = {.optimizer = recipe->optimizer,
                                 .schedule = recipe->schedule,
                                 .epochs = recipe->epochs,
                                 .max_steps = recipe->max_steps,
                                 .label_smoothing = (float)recipe->label_smoothing,
                                 .precision = recipe->precision,
                                 .kernels = executor->kernels,
                                 .train = executor->data.train,
                                 .keep_best = recipe->keep_best,
                                 .checkpoint = job->checkpoint,
                                 .checkpoint_epochs = recipe->checkpoint_epochs};
    options.train.seed = job->seed;
    if (job->teacher != NULL) options.teacher = qea_executor_teacher(executor);
    /* A trial of the search is validated once, at its end, unless an epoch is to be chosen. */
    if (executor->data.validation.count > 0 && (executor->final || recipe->keep_best))
        options.validation = &executor->data.validation;
    return options;
}

/* --- a trial --- */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* Columns of equal length. More than MOST epochs are thinned out: a result is one line of at most QEA_LINE_BYTES. */
static json_t *curve_to_json(const qea_epoch_point *curve, int epochs) {
    enum { MOST = 4000 };
    int stride = (epochs + MOST - 1) / MOST;
    json_t *epoch = json_array(), *loss = json_array(), *accuracy = json_array(), *validated = json_array(),
           *rate = json_array(), *object = json_object();
    for (int done = 1; done <= epochs; done++) {
        if (done % stride != 0 && done != epochs) continue;
        const qea_epoch_point *point = &curve[done - 1];
        json_array_append_new(epoch, json_integer(done));
        json_array_append_new(loss, number(point->train_loss));
        json_array_append_new(accuracy, number(point->train_accuracy));
        json_array_append_new(validated, number(point->val_accuracy));
        json_array_append_new(rate, number(point->lr));
    }
    json_object_set_new(object, "epoch", epoch);
    json_object_set_new(object, "train_loss", loss);
    json_object_set_new(object, "train_accuracy", accuracy);
    json_object_set_new(object, "val_accuracy", validated);
    json_object_set_new(object, "lr", rate);
    return object;
}

json_t *qea_executor_result(const qea_train_result *trained, const qea_epoch_point *curve,
                            const qea_eval_result *measured) {
    json_t *result = json_object();
    json_object_set_new(result, "accuracy", json_real(measured->accuracy));
    json_object_set_new(result, "accuracy_top1", json_real(measured->accuracy));
    json_object_set_new(result, "accuracy_top5", json_real(measured->accuracy_top5));
    json_object_set_new(result, "loss", number(measured->loss));
    json_object_set_new(result, "train_loss", number(trained->train_loss));
    json_object_set_new(result, "val_accuracy", number(trained->val_accuracy));
    json_object_set_new(result, "images", json_integer((json_int_t)measured->count));
    json_object_set_new(result, "epochs", json_integer(trained->epochs_done));
    json_object_set_new(result, "best_epoch",
                        trained->best_epoch < 0 ? json_null() : json_integer(trained->best_epoch + 1));
    json_object_set_new(result, "train_images",
                        json_integer((json_int_t)((size_t)trained->epochs_done * trained->epoch_images)));
    json_object_set_new(result, "curve", curve_to_json(curve, trained->epochs_done));
    json_t *differs = json_object();
    json_object_set_new(differs, "seconds", json_real(trained->seconds));
    json_object_set_new(differs, "images_per_s",
                        json_real(trained->seconds > 0 ? (double)trained->images / trained->seconds : 0));
    json_object_set_new(differs, "peak_bytes", json_integer((json_int_t)trained->peak_bytes));
    json_object_set_new(result, "measured", differs);
    return result;
}

static qea_status train_and_measure(qea_context *ctx, qea_executor *executor, const qea_job *job, qea_model *model,
                                    qea_epoch_point *curve, qea_progress_fn progress, void *user, json_t **result) {
    if (job->init != NULL) QEA_TRY(qea_executor_warm_start(ctx, job->init, model));
    if (job->teacher != NULL) QEA_TRY(qea_executor_load(ctx, job->teacher, &executor->teacher));
    qea_train_options options = qea_executor_options(executor, job);
    if (executor->supernet) qea_executor_draw_bits(executor, &options);
    options.curve = curve;
    qea_train_result trained;
    QEA_TRY(qea_train(ctx, model, &options, progress, user, &trained));
    qea_eval_result measured;
    const qea_loader_config *images = executor->final ? &executor->data.test : &executor->data.validation;
    if (executor->supernet)
        QEA_TRY(qea_executor_judge_highest(ctx, executor, model, &measured));
    else
        QEA_TRY(qea_evaluate(ctx, model, executor->kernels, executor->recipe->precision, images, &measured));
    if (job->model != NULL)
        QEA_TRY(qea_study_save_model(ctx, model, executor->data_config, executor->config->seed, &executor->data,
                                     job->model));
    /* The checkpoint stays until the coordinator has the result on disk. */
    *result = qea_executor_result(&trained, curve, &measured);
    return QEA_OK;
}

static qea_status run_job(qea_context *ctx, qea_executor *executor, const qea_job *job, qea_model *model,
                          qea_progress_fn progress, void *user, json_t **result) {
    qea_epoch_point *curve;
    QEA_TRY(QEA_NEW(ctx, "training curve", curve, (size_t)executor->recipe->epochs));
    qea_status status = train_and_measure(ctx, executor, job, model, curve, progress, user, result);
    qea_free(curve);
    return status;
}

qea_status qea_executor_model(qea_context *ctx, const qea_executor *executor, const qea_job *job, qea_model **out) {
    qea_bit_policy policy = {executor->config->weight_quantizer, executor->config->activation_quantizer,
                             job->num_layers, job->weight_bits, job->activation_bits};
    if (executor->space == NULL) return qea_model_create(ctx, executor->graph, &policy, job->seed, out);
    qea_widths widths = qea_bit_space_widths(executor->space);
    return qea_supernet_create(ctx, executor->graph, &policy, &widths, job->seed, out);
}

qea_status qea_executor_run(qea_context *ctx, qea_executor *executor, const qea_job *job, qea_progress_fn progress,
                            void *user, json_t **result) {
    *result = NULL;
    if (executor->rank) return qea_executor_rank(ctx, executor, job, result);
    qea_model *model;
    QEA_TRY(qea_executor_model(ctx, executor, job, &model));
    qea_status status = run_job(ctx, executor, job, model, progress, user, result);
    qea_model_destroy(model);
    return status;
}
