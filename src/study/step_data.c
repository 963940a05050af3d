#include "study/step_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "data/readers.h"
#include "data/transforms.h"

static size_t limited(size_t count, size_t limit) { return limit > 0 && limit < count ? limit : count; }

static qea_loader_config loader_of(const qea_dataset *dataset, size_t first, size_t count, int batch,
                                   const qea_transforms *transforms) {
    qea_loader_config config = {
        .dataset = dataset, .first = first, .count = count, .depth = 2, .transforms = *transforms};
    config.batch = count < (size_t)batch ? (int)(count > 0 ? count : 1) : batch;
    return config;
}

static qea_status check_channels(qea_context *ctx, const qea_dataset *train, const qea_dataset *other,
                                 const char *path) {
    if (other == NULL || (other->height == train->height && other->width == train->width &&
                          other->channels == train->channels && other->num_classes == train->num_classes))
        return QEA_OK;
    return qea_fail(
        ctx, QEA_ERR_DATA,
        "%s: the parts differ: training images are %dx%dx%d in %d classes, the others %dx%dx%d in %d classes", path,
        train->height, train->width, train->channels, train->num_classes, other->height, other->width, other->channels,
        other->num_classes);
}

static qea_status load_parts(qea_context *ctx, const qea_data_config *config, uint64_t seed, bool with_test,
                             qea_step_data *out) {
    qea_dataset_source source = {config->type,     config->path,         config->image_size,
                                 config->channels, config->test_portion, seed};
    QEA_TRY(qea_dataset_load(ctx, &source, QEA_PART_TRAIN, &out->train_part));
    QEA_TRY(qea_dataset_load(ctx, &source, QEA_PART_VAL, &out->val_part));
    if (with_test) QEA_TRY(qea_dataset_load(ctx, &source, QEA_PART_TEST, &out->test_part));
    QEA_TRY(check_channels(ctx, out->train_part, out->val_part, config->path));
    return check_channels(ctx, out->train_part, out->test_part, config->path);
}

qea_status qea_step_data_load(qea_context *ctx, const qea_data_config *config, uint64_t seed, bool with_test,
                              qea_step_data *out) {
    memset(out, 0, sizeof *out);
    qea_transforms training = config->transforms;
    if (!config->transforms_given) QEA_TRY(qea_transforms_default(ctx, config->type, &training));
    qea_transforms plain = qea_transforms_evaluation(&training);
    qea_status status = load_parts(ctx, config, seed, with_test, out);
    if (status == QEA_OK) status = qea_transforms_check(ctx, &training, out->train_part->channels);
    if (status != QEA_OK) {
        qea_step_data_clear(out);
        return status;
    }
    size_t all = out->train_part->count, train = all;
    if (out->val_part == NULL) {
        train = (size_t)((double)all * config->train_portion + 0.5);
        out->validation =
            loader_of(out->train_part, train, limited(all - train, config->val_images), config->test_batch, &plain);
    } else {
        out->validation =
            loader_of(out->val_part, 0, limited(out->val_part->count, config->val_images), config->test_batch, &plain);
    }
    out->train = loader_of(out->train_part, 0, limited(train, config->train_images), config->train_batch, &training);
    out->train.shuffle = config->shuffle;
    out->train.drop_last = true;
    if (out->test_part != NULL)
        out->test = loader_of(out->test_part, 0, limited(out->test_part->count, config->test_images),
                              config->test_batch, &plain);
    return QEA_OK;
}

void qea_step_data_clear(qea_step_data *data) {
    qea_dataset_destroy(data->train_part);
    qea_dataset_destroy(data->val_part);
    qea_dataset_destroy(data->test_part);
    memset(data, 0, sizeof *data);
}

void qea_step_data_describe(const qea_step_data *data, char text[QEA_STEP_DATA_TEXT]) {
    const qea_dataset *const parts[] = {data->train_part, data->val_part, data->test_part};
    size_t images = 0;
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i] == NULL) continue;
        images += parts[i]->count;
        crc = qea_dataset_checksum(parts[i], crc);
    }
    (void)snprintf(text, QEA_STEP_DATA_TEXT, "%zu, CRC-32 %08" PRIx32, images, crc);
}

qea_status qea_study_network(qea_context *ctx, const qea_study_config *config, const qea_dataset *data,
                             qea_graph **out) {
    qea_resnet_options options = config->network;
    char place[512];
    if (config->network_classes_given && options.num_classes != data->num_classes)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: found %d classes, but the data in '%s' have %d",
                        qea_study_config_where(config, "nas.search_space.head.num_classes", place, sizeof place),
                        options.num_classes, config->nas_data.path, data->num_classes);
    options.num_classes = data->num_classes;
    options.height = data->height;
    options.width = data->width;
    options.channels = data->channels;
    return qea_resnet_create(ctx, &options, out);
}
