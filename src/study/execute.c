#include "study/execute.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/model_metadata.h"

struct qea_executor {
    const qea_study_config *config; /* borrowed */
    const qea_data_config *data_config;
    const qea_recipe *recipe;
    bool final; /* fully_train */
    qea_step_data data;
    qea_graph *graph; /* owned */
    const qea_kernels *kernels;
};

static qea_status prepare(qea_context *ctx, qea_executor *executor, const char *step) {
    const qea_study_config *config = executor->config;
    executor->final = strcmp(step, "fully_train") == 0;
    executor->data_config = executor->final ? &config->full_data : &config->nas_data;
    executor->recipe = executor->final ? &config->full_recipe : &config->nas_recipe;
    QEA_TRY(qea_study_kernels(ctx, config->isa, &executor->kernels));
    qea_kernels_set_threads(config->threads_per_worker);
    QEA_TRY(qea_step_data_load(ctx, executor->data_config, config->seed, executor->final, &executor->data));
    return qea_study_network(ctx, config, executor->data.train_part, &executor->graph);
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
    qea_step_data_clear(&executor->data);
    qea_graph_destroy(executor->graph);
    qea_free(executor);
}

static qea_status warm_start(qea_context *ctx, const char *path, qea_model *model) {
    qea_graph *graph = NULL;
    qea_model *from = NULL;
    QEA_TRY(qea_model_load(ctx, path, &graph, &from, NULL));
    size_t copied = qea_model_copy_values(model, from);
    qea_model_destroy(from);
    qea_graph_destroy(graph);
    if (copied == 0) return qea_fail(ctx, QEA_ERR_DATA, "%s: no tensor has a name and shape of this network", path);
    return QEA_OK;
}

static qea_train_options options_of(const qea_executor *executor, const qea_job *job) {
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
    /* A trial of the search is validated once, at its end, unless an epoch is to be chosen. */
    if (executor->data.validation.count > 0 && (executor->final || recipe->keep_best))
        options.validation = &executor->data.validation;
    return options;
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *result_to_json(const qea_train_result *trained, const qea_eval_result *measured) {
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
                        trained->best_epoch < 0 ? json_null() : json_integer(trained->best_epoch));
    json_t *differs = json_object();
    json_object_set_new(differs, "seconds", json_real(trained->seconds));
    json_object_set_new(differs, "images_per_s",
                        json_real(trained->seconds > 0 ? (double)trained->images / trained->seconds : 0));
    json_object_set_new(differs, "peak_bytes", json_integer((json_int_t)trained->peak_bytes));
    json_object_set_new(result, "measured", differs);
    return result;
}

static qea_status train_and_measure(qea_context *ctx, qea_executor *executor, const qea_job *job, qea_model *model,
                                    qea_progress_fn progress, void *user, json_t **result) {
    if (job->init != NULL) QEA_TRY(warm_start(ctx, job->init, model));
    qea_train_options options = options_of(executor, job);
    qea_train_result trained;
    QEA_TRY(qea_train(ctx, model, &options, progress, user, &trained));
    qea_eval_result measured;
    const qea_loader_config *images = executor->final ? &executor->data.test : &executor->data.validation;
    QEA_TRY(qea_evaluate(ctx, model, executor->kernels, executor->recipe->precision, images, &measured));
    if (job->model != NULL)
        QEA_TRY(qea_study_save_model(ctx, model, executor->data_config, &executor->data, job->model));
    /* The checkpoint stays until the coordinator has the result on disk. */
    *result = result_to_json(&trained, &measured);
    return QEA_OK;
}

qea_status qea_executor_run(qea_context *ctx, qea_executor *executor, const qea_job *job, qea_progress_fn progress,
                            void *user, json_t **result) {
    *result = NULL;
    qea_bit_policy policy = {executor->config->weight_quantizer, executor->config->activation_quantizer,
                             job->num_layers, job->weight_bits, job->activation_bits};
    qea_model *model;
    QEA_TRY(qea_model_create(ctx, executor->graph, &policy, job->seed, &model));
    qea_status status = train_and_measure(ctx, executor, job, model, progress, user, result);
    qea_model_destroy(model);
    return status;
}
