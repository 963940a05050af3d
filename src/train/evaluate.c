/* train/evaluate.c: accuracy of a model on a part of a data set. */
#include <time.h>

#include "base/error.h"
#include "train/training.h"

double qea_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

qea_status qea_check_data(qea_context *ctx, const qea_graph *graph, const qea_dataset *data) {
    int height, width, channels;
    qea_graph_input_shape(graph, &height, &width, &channels);
    if (data->height != height || data->width != width || data->channels != channels)
        return qea_fail(ctx, QEA_ERR_CONFIG, "the images are %d x %d x %d, the network takes %d x %d x %d",
                        data->height, data->width, data->channels, height, width, channels);
    if (data->num_classes > qea_graph_num_classes(graph))
        return qea_fail(ctx, QEA_ERR_CONFIG, "the data set has %d classes, the network %d", data->num_classes,
                        qea_graph_num_classes(graph));
    return QEA_OK;
}

qea_loader_config qea_plain_loader(const qea_loader_config *data) {
    qea_loader_config config = *data;
    config.shuffle = config.drop_last = config.transforms.flip = false;
    config.transforms.crop_padding = 0;
    if (config.count > 0 && (size_t)config.batch > config.count) config.batch = (int)config.count;
    return config;
}

qea_status qea_evaluator_create(qea_context *ctx, qea_model *model, const qea_kernels *kernels, qea_precision precision,
                                const qea_loader_config *images, qea_evaluator *out) {
    *out = (qea_evaluator){0};
    QEA_TRY(qea_check_data(ctx, model->graph, images->dataset));
    QEA_TRY(qea_loader_create(ctx, images, &out->loader));
    qea_plan_options options = {.kernels = kernels, .batch = images->batch, .precision = precision};
    qea_status status = qea_plan_create(ctx, model, &options, &out->plan);
    if (status != QEA_OK) qea_evaluator_free(out);
    return status;
}

void qea_evaluator_free(qea_evaluator *evaluator) {
    qea_plan_destroy(evaluator->plan);
    qea_loader_destroy(evaluator->loader);
    *evaluator = (qea_evaluator){0};
}

qea_status qea_evaluator_run(qea_context *ctx, qea_evaluator *evaluator, qea_eval_result *result) {
    *result = (qea_eval_result){0};
    double start = qea_seconds(), loss = 0;
    int64_t right = 0, right_top5 = 0;
    QEA_TRY(qea_plan_refresh(ctx, evaluator->plan));
    QEA_TRY(qea_loader_start(ctx, evaluator->loader, 0));
    for (qea_batch batch; qea_loader_next(evaluator->loader, &batch);) {
        qea_batch_result r;
        QEA_TRY(qea_plan_evaluate(ctx, evaluator->plan, batch.images, batch.labels, &r));
        loss += r.loss;
        right += r.right;
        right_top5 += r.right_top5;
        result->count += (size_t)r.count;
    }
    double count = result->count > 0 ? (double)result->count : 1, seconds = qea_seconds() - start;
    result->accuracy = (double)right / count;
    result->accuracy_top5 = (double)right_top5 / count;
    result->loss = loss / count;
    result->images_per_s = seconds > 0 ? (double)result->count / seconds : 0;
    return QEA_OK;
}

qea_status qea_evaluate(qea_context *ctx, qea_model *model, const qea_kernels *kernels, qea_precision precision,
                        const qea_loader_config *data, qea_eval_result *result) {
    qea_evaluator evaluator;
    qea_loader_config images = qea_plain_loader(data);
    QEA_TRY(qea_evaluator_create(ctx, model, kernels, precision, &images, &evaluator));
    qea_status status = qea_evaluator_run(ctx, &evaluator, result);
    qea_evaluator_free(&evaluator);
    return status;
}
