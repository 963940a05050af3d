/* A worker's side of a search with shared weights. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/execute_internal.h"
#include "study/model_metadata.h"

/* --- training --- */

static void draw(void *user, uint64_t step, uint8_t *weight_bits, uint8_t *activation_bits) {
    const qea_executor *executor = user;
    qea_bit_space_draw(executor->space, executor->config->seed, step, weight_bits, activation_bits);
}

void qea_executor_draw_bits(qea_executor *executor, qea_train_options *options) {
    options->draw_bits = draw;
    options->draw_user = executor;
    options->validation = NULL; /* running statistics mean nothing before they are re-estimated */
}

/* --- judging --- */

qea_status qea_executor_ranker(qea_context *ctx, const qea_executor *executor, qea_model *model, size_t images,
                               size_t validation_images, qea_ranker **out) {
    qea_loader_config train = executor->data.train;
    train.seed = executor->config->seed;
    qea_ranker_options options = {.kernels = executor->kernels,
                                  .precision = executor->recipe->precision,
                                  .train = &train,
                                  .images = images,
                                  .validation = &executor->data.validation,
                                  .validation_images = validation_images};
    return qea_ranker_create(ctx, model, &options, out);
}

qea_status qea_executor_judge_highest(qea_context *ctx, qea_executor *executor, qea_model *supernet,
                                      qea_eval_result *measured) {
    qea_ranker *ranker;
    QEA_TRY(qea_model_set_bits(ctx, supernet, supernet->most_weight_bits, supernet->most_activation_bits));
    QEA_TRY(qea_executor_ranker(ctx, executor, supernet, executor->config->supernet.bn_images, 0, &ranker));
    qea_status status = qea_ranker_run(ctx, ranker, measured);
    qea_ranker_destroy(ranker);
    return status;
}

static qea_status load_supernet(qea_context *ctx, qea_executor *executor, const char *path) {
    if (executor->ranker != NULL && strcmp(executor->ranked.path, path) == 0) return QEA_OK;
    qea_ranker_destroy(executor->ranker);
    executor->ranker = NULL;
    QEA_TRY(qea_executor_load(ctx, path, &executor->ranked));
    const qea_supernet_config *config = &executor->config->supernet;
    return qea_executor_ranker(ctx, executor, executor->ranked.model, config->bn_images, config->val_images,
                               &executor->ranker);
}

/* The trial's network on its own, with the supernet's weights and the re-estimated statistics. */
static qea_status save_trial(qea_context *ctx, const qea_executor *executor, const qea_job *job) {
    qea_model *model;
    qea_bit_policy policy = {executor->config->weight_quantizer, executor->config->activation_quantizer,
                             job->num_layers, job->weight_bits, job->activation_bits};
    QEA_TRY(qea_model_create(ctx, executor->graph, &policy, job->seed, &model));
    (void)qea_model_copy_values(model, executor->ranked.model);
    qea_status status =
        qea_study_save_model(ctx, model, executor->data_config, executor->config->seed, &executor->data, job->model);
    qea_model_destroy(model);
    return status;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

qea_status qea_executor_rank(qea_context *ctx, qea_executor *executor, const qea_job *job, json_t **result) {
    double start = now_s();
    if (job->init == NULL) return qea_fail(ctx, QEA_ERR_DATA, "job: init: a supernet is needed, found none");
    QEA_TRY(load_supernet(ctx, executor, job->init));
    qea_model *supernet = executor->ranked.model;
    if (qea_graph_num_quantized(supernet->graph) != job->num_layers)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: %zu quantised layers, the job has bits for %zu", job->init,
                        qea_graph_num_quantized(supernet->graph), job->num_layers);
    QEA_TRY(qea_model_set_bits(ctx, supernet, job->weight_bits, job->activation_bits));
    qea_eval_result measured;
    QEA_TRY(qea_ranker_run(ctx, executor->ranker, &measured));
    if (job->model != NULL) QEA_TRY(save_trial(ctx, executor, job));
    const double none = (double)NAN;
    qea_train_result trained = {.best_epoch = -1,
                                .train_loss = none,
                                .val_accuracy = none,
                                .seconds = now_s() - start,
                                .peak_bytes = qea_ranker_bytes(executor->ranker)};
    *result = qea_executor_result(&trained, NULL, &measured);
    return QEA_OK;
}
