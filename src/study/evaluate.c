/* Accuracy of a saved model. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "data/transforms.h"
#include "quantea/study.h"
#include "report/report.h"
#include "study/model_metadata.h"

typedef struct loaded {
    qea_graph *graph;
    qea_model *model;
    qea_st_file *file;
    qea_dataset *data;
    char *type;
    qea_transforms transforms;
} loaded;

static qea_status load_data(qea_context *ctx, const qea_eval_options *options, loaded *l) {
    int height, width, channels;
    qea_dataset_source source = options->data, trained;
    QEA_TRY(qea_model_data(ctx, l->file, &l->type, &trained, &l->transforms));
    if (source.path == NULL)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: say with --data where the images are", options->model_path);
    if (source.type == NULL) source.type = trained.type;
    if (source.image_size == 0) source.image_size = trained.image_size;
    if (source.channels == 0) source.channels = trained.channels;
    if (source.test_portion == 0) { /* the very images that it was tested on */
        source.test_portion = trained.test_portion;
        source.seed = trained.seed;
    }
    QEA_TRY(qea_dataset_load(ctx, &source, options->part, &l->data));
    if (l->data == NULL) return qea_fail(ctx, QEA_ERR_DATA, "%s: there is no such part in this data set", source.path);
    qea_graph_input_shape(l->graph, &height, &width, &channels);
    if (l->data->height != height || l->data->width != width || l->data->channels != channels)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: images are %dx%dx%d, the model %s takes %dx%dx%d", source.path,
                        l->data->height, l->data->width, l->data->channels, options->model_path, height, width,
                        channels);
    if (l->data->num_classes != qea_graph_num_classes(l->graph))
        return qea_fail(ctx, QEA_ERR_DATA, "%s: there are %d classes, the model %s has %d", source.path,
                        l->data->num_classes, options->model_path, qea_graph_num_classes(l->graph));
    return QEA_OK;
}

static qea_status fill_mean_bits(qea_context *ctx, const loaded *l, qea_eval_report *out) {
    qea_bit_policy policy = {l->model->weight_quantizer, l->model->activation_quantizer,
                             qea_graph_num_quantized(l->graph), l->model->weight_bits, l->model->activation_bits};
    qea_cost cost;
    QEA_TRY(qea_graph_cost(ctx, l->graph, &policy, &cost));
    out->mean_weight_bits = cost.mean_weight_bits;
    out->mean_activation_bits = cost.mean_activation_bits;
    return QEA_OK;
}

static qea_status measure(qea_context *ctx, const qea_eval_options *options, loaded *l, qea_eval_report *out) {
    const qea_kernels *kernels;
    qea_precision precision;
    const char *isa = options->isa != NULL ? options->isa : "auto";
    QEA_TRY(qea_study_parse_precision(ctx, options->precision != NULL ? options->precision : "auto", &precision));
    QEA_TRY(qea_study_kernels(ctx, isa, &kernels));
    qea_study_tell_emulation(ctx, kernels, precision, "precision");
    if (!qea_file_exists(options->model_path)) {
        qea_status status = qea_file_fail_missing(ctx, options->model_path, "file");
        return qea_fail_prefix(ctx, status, "model");
    }
    QEA_TRY(qea_model_load(ctx, options->model_path, &l->graph, &l->model, &l->file));
    QEA_TRY(load_data(ctx, options, l));
    qea_kernels_set_threads(options->threads > 0 ? options->threads : qea_cpus_read().usable);
    size_t count = options->images > 0 && options->images < l->data->count ? options->images : l->data->count;
    int batch = options->batch > 0 ? options->batch : 256;
    qea_loader_config loader = {.dataset = l->data,
                                .count = count,
                                .batch = count < (size_t)batch ? (int)count : batch,
                                .depth = 2,
                                .transforms = qea_transforms_evaluation(&l->transforms)};
    qea_eval_result result;
    QEA_TRY(qea_evaluate(ctx, l->model, kernels, precision, &loader, &result));
    *out = (qea_eval_report){.count = result.count,
                             .accuracy = result.accuracy,
                             .accuracy_top5 = result.accuracy_top5,
                             .loss = result.loss,
                             .images_per_s = result.images_per_s};
    qea_wilson_interval(out->accuracy, (double)out->count, &out->low95, &out->high95);
    return fill_mean_bits(ctx, l, out);
}

qea_status qea_model_evaluate(qea_context *ctx, const qea_eval_options *options, qea_eval_report *out) {
    loaded l = {0};
    qea_status status = measure(ctx, options, &l, out);
    qea_dataset_destroy(l.data);
    qea_model_destroy(l.model);
    qea_graph_destroy(l.graph);
    qea_st_destroy(l.file);
    qea_free(l.type);
    return status;
}
