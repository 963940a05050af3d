/* What a trial of a step costs: some of it is done, and timed. */
#include <limits.h>
#include <math.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/execute_internal.h"

/* --- a training --- */

typedef struct stopwatch {
    double budget, spent; /* seconds of training steps; of epochs that ended */
    size_t steps;         /* of epochs that ended */
    double epoch_s;       /* of the running epoch */
    size_t epoch_steps, batch;
} stopwatch;

static bool look_at_time(void *user, const qea_epoch_report *report) {
    stopwatch *watch = user;
    watch->epoch_steps = report->step;
    watch->epoch_s = report->images_per_s > 0 ? (double)(report->step * watch->batch) / report->images_per_s : 0;
    bool go_on = watch->spent + watch->epoch_s < watch->budget;
    if (report->step < report->steps) return go_on;
    watch->spent += watch->epoch_s;
    watch->steps += report->step;
    watch->epoch_s = 0;
    watch->epoch_steps = 0;
    return go_on;
}

static size_t dataset_bytes(const qea_dataset *data) {
    if (data == NULL) return 0;
    size_t image = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    return data->count * (image + sizeof *data->labels);
}

static size_t data_bytes(const qea_executor *executor) {
    const qea_step_data *data = &executor->data;
    return dataset_bytes(data->train_part) + dataset_bytes(data->val_part) + dataset_bytes(data->test_part);
}

/* Of the batches that a loader keeps. */
static size_t loader_bytes(const qea_loader_config *config) {
    const qea_dataset *data = config->dataset;
    size_t image = (size_t)data->height * (size_t)data->width * (size_t)data->channels * sizeof(float);
    return (size_t)(config->depth + 1) * (size_t)config->batch * image;
}

static qea_status evaluation_bytes(qea_context *ctx, const qea_executor *executor, qea_model *model,
                                   const qea_loader_config *images, size_t *out) {
    qea_plan *plan;
    qea_plan_options options = {
        .kernels = executor->kernels, .batch = images->batch, .precision = executor->recipe->precision};
    QEA_TRY(qea_plan_create(ctx, model, &options, &plan));
    *out = qea_plan_bytes(plan) + loader_bytes(images);
    qea_plan_destroy(plan);
    return QEA_OK;
}

static qea_status time_training(qea_context *ctx, const qea_executor *executor, const qea_train_options *planned,
                                double seconds, qea_model *model, qea_estimate_step *out) {
    qea_train_options options = *planned;
    stopwatch watch = {.budget = seconds, .batch = (size_t)options.train.batch};
    qea_train_result trained;
    options.validation = NULL;
    options.keep_best = false;
    options.epochs = INT_MAX; /* small data: as many as fit in the time */
    options.schedule = (qea_schedule_options){.kind = QEA_SCHEDULE_CONSTANT};
    qea_status status = qea_train(ctx, model, &options, look_at_time, &watch, &trained);
    bool ended = status == QEA_ERR_INTERRUPTED || (status == QEA_ERR_DIVERGED && trained.images > 0);
    if (!ended) return status;
    out->measured_steps = watch.steps + watch.epoch_steps;
    out->measured_s = watch.spent + watch.epoch_s;
    if (out->measured_steps == 0) { /* diverged before the first look */
        out->measured_steps = trained.images / watch.batch;
        out->measured_s = trained.seconds;
    }
    out->setup_s = fmax(0, trained.seconds - out->measured_s);
    out->train_images_per_s = (double)(out->measured_steps * watch.batch) / out->measured_s;
    out->model_bytes = trained.peak_bytes + loader_bytes(&executor->data.train);
    return QEA_OK;
}

static qea_status time_evaluation(qea_context *ctx, const qea_executor *executor, qea_model *model, double seconds,
                                  const qea_loader_config *images, qea_estimate_step *out) {
    qea_loader_config some = *images;
    double fit = 3 * out->train_images_per_s * seconds; /* forward alone is about a third of a step */
    if (fit < (double)some.count) some.count = fit > some.batch ? (size_t)fit : (size_t)some.batch;
    qea_eval_result result;
    QEA_TRY(qea_evaluate(ctx, model, executor->kernels, executor->recipe->precision, &some, &result));
    out->eval_images_per_s = result.images_per_s;
    return QEA_OK;
}

static size_t statistics_images(const qea_executor *executor) {
    size_t wanted = executor->config->supernet.bn_images, count = executor->data.train.count;
    return wanted < count ? wanted : count;
}

/* That judge a trial without training. */
static size_t judging_images(const qea_executor *executor) {
    size_t wanted = executor->config->supernet.val_images, count = executor->data.validation.count;
    return wanted > 0 && wanted < count ? wanted : count;
}

/* Images of the epochs and evaluations that a trial will have. */
static void count_images(const qea_executor *executor, const qea_train_options *planned, qea_estimate_step *out) {
    const qea_loader_config *train = &executor->data.train,
                            *last = executor->final ? &executor->data.test : &executor->data.validation;
    size_t steps = train->count / (size_t)train->batch;
    if (planned->max_steps > 0 && planned->max_steps < steps) steps = planned->max_steps;
    out->epochs = planned->epochs;
    out->batch = train->batch;
    out->epoch_images = steps * (size_t)train->batch;
    out->eval_images = last->count;
    if (executor->supernet) out->eval_images += statistics_images(executor);
    if (planned->validation != NULL) out->eval_images += planned->validation->count * (size_t)planned->epochs;
    out->data_bytes = data_bytes(executor);
}

/* The answers of a teacher take time whatever its weights are. */
static qea_status add_teacher(qea_context *ctx, qea_executor *executor, qea_train_options *planned) {
    const qea_study_config *config = executor->config;
    bool taught = executor->supernet ? config->supernet.distillation.weight > 0
                                     : executor->full && config->teacher != NULL && config->distillation.weight > 0;
    if (!taught) return QEA_OK;
    QEA_TRY(qea_model_create(ctx, executor->graph, NULL, config->seed, &executor->teacher.model));
    planned->teacher = qea_executor_teacher(executor);
    return QEA_OK;
}

static qea_status measure_training(qea_context *ctx, qea_executor *executor, const qea_job *job, double seconds,
                                   qea_model *model, qea_estimate_step *out) {
    const qea_loader_config *images = executor->final ? &executor->data.test : &executor->data.validation;
    qea_train_options planned = qea_executor_options(executor, job);
    size_t bytes;
    QEA_TRY(add_teacher(ctx, executor, &planned));
    if (executor->supernet) qea_executor_draw_bits(executor, &planned);
    count_images(executor, &planned, out);
    QEA_TRY(time_training(ctx, executor, &planned, seconds, model, out));
    QEA_TRY(time_evaluation(ctx, executor, model, seconds / 2, images, out));
    QEA_TRY(evaluation_bytes(ctx, executor, model, images, &bytes));
    if (planned.validation != NULL)
        out->model_bytes += bytes; /* both at a time */
    else if (bytes > out->model_bytes)
        out->model_bytes = bytes;
    out->trial_s = out->setup_s + (double)out->epochs * (double)out->epoch_images / out->train_images_per_s +
                   (double)out->eval_images / out->eval_images_per_s;
    return QEA_OK;
}

/* --- a trial without training --- */

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Learned steps have no values before a first training step. */
static qea_status begin_steps(qea_context *ctx, const qea_executor *executor, const qea_job *job, qea_model *model) {
    qea_train_options options = qea_executor_options(executor, job);
    qea_train_result trained;
    options.validation = NULL;
    options.keep_best = false;
    options.epochs = 1;
    options.max_steps = 1;
    qea_status status = qea_train(ctx, model, &options, NULL, NULL, &trained);
    return status == QEA_ERR_DIVERGED ? QEA_OK : status;
}

static size_t part_of(size_t images, double part, size_t least) {
    size_t count = (size_t)(part * (double)images);
    if (count < least) count = least;
    return count < images ? count : images;
}

/* Statistics and validation of `part` (0..1) of a trial's images, at least a batch of each. Buffers are made before the
 * clock starts: a worker makes them once. */
static qea_status time_rank(qea_context *ctx, const qea_executor *executor, qea_model *model, double part,
                            qea_estimate_step *out) {
    const qea_loader_config *images = &executor->data.validation;
    qea_ranker *ranker;
    qea_eval_result result;
    size_t statistics = part_of(statistics_images(executor), part, (size_t)images->batch),
           judging = part_of(judging_images(executor), part, (size_t)images->batch);
    QEA_TRY(qea_executor_ranker(ctx, executor, model, statistics, judging, &ranker));
    double begun = now_s();
    qea_status status = qea_ranker_run(ctx, ranker, &result);
    out->measured_s = now_s() - begun;
    out->eval_images_per_s = (double)(statistics + judging) / out->measured_s;
    out->model_bytes = qea_ranker_bytes(ranker);
    qea_ranker_destroy(ranker);
    return status;
}

static qea_status measure_ranking(qea_context *ctx, const qea_executor *executor, const qea_job *job, double seconds,
                                  qea_model *model, qea_estimate_step *out) {
    out->batch = executor->data.validation.batch;
    out->eval_images = judging_images(executor) + statistics_images(executor);
    out->data_bytes = data_bytes(executor);
    QEA_TRY(begin_steps(ctx, executor, job, model));
    QEA_TRY(time_rank(ctx, executor, model, 0, out));
    QEA_TRY(time_rank(ctx, executor, model, fmin(1, seconds * out->eval_images_per_s / (double)out->eval_images), out));
    out->trial_s = (double)out->eval_images / out->eval_images_per_s;
    return QEA_OK;
}

qea_status qea_executor_measure(qea_context *ctx, qea_executor *executor, const qea_job *job, double seconds,
                                qea_estimate_step *out) {
    qea_model *model;
    QEA_TRY(qea_executor_model(ctx, executor, job, &model));
    qea_status status = executor->rank ? measure_ranking(ctx, executor, job, seconds, model, out)
                                       : measure_training(ctx, executor, job, seconds, model, out);
    qea_model_destroy(model);
    return status;
}
