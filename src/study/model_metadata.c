#include "study/model_metadata.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "base/text.h"

static json_t *floats_to_json(const float *values, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_real((double)values[i]));
    return list;
}

static json_t *data_to_json(const qea_data_config *config, const qea_step_data *data) {
    const qea_dataset *images = data->train_part;
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string(config->type));
    json_object_set_new(object, "height", json_integer(images->height));
    json_object_set_new(object, "width", json_integer(images->width));
    json_object_set_new(object, "channels", json_integer(images->channels));
    json_object_set_new(object, "mean", floats_to_json(data->train.transforms.mean, images->channels));
    json_object_set_new(object, "std", floats_to_json(data->train.transforms.std, images->channels));
    return object;
}

static json_t *classes_to_json(const qea_dataset *images) {
    json_t *list = json_array();
    for (int i = 0; images->class_names != NULL && i < images->num_classes; i++)
        json_array_append_new(list, json_string(images->class_names[i]));
    return list;
}

qea_status qea_study_save_model(qea_context *ctx, const qea_model *model, const qea_data_config *config,
                                const qea_step_data *data, const char *path) {
    json_t *values[] = {data_to_json(config, data), classes_to_json(data->train_part)};
    const char *keys[] = {"data", "classes"};
    qea_text texts[2] = {{0}, {0}};
    qea_status status = QEA_OK;
    for (int i = 0; i < 2; i++) {
        qea_text_put_json(&texts[i], values[i], 0);
        json_decref(values[i]);
        if (status == QEA_OK) status = qea_text_finish(ctx, &texts[i]);
    }
    const char *const strings[] = {texts[0].bytes, texts[1].bytes};
    size_t count = data->train_part->class_names != NULL ? 2 : 1;
    if (status == QEA_OK) status = qea_model_save(ctx, model, path, keys, strings, count);
    qea_text_free(&texts[0]);
    qea_text_free(&texts[1]);
    return status;
}

static bool read_floats(const json_t *list, int count, bool positive, float *out) {
    if (json_array_size(list) != (size_t)count) return false;
    for (int i = 0; i < count; i++) {
        double value = json_number_value(json_array_get(list, (size_t)i));
        if (!isfinite(value) || (positive && value <= 0)) return false;
        out[i] = (float)value;
    }
    return true;
}

static bool read_data(const json_t *object, int *image_size, int *channels, qea_transforms *transforms) {
    json_int_t height = json_integer_value(json_object_get(object, "height"));
    json_int_t c = json_integer_value(json_object_get(object, "channels"));
    if (height < 1 || height > 65535 || c < 1 || c > QEA_MAX_CHANNELS) return false;
    *image_size = (int)height;
    *channels = (int)c;
    memset(transforms, 0, sizeof *transforms);
    return read_floats(json_object_get(object, "mean"), (int)c, false, transforms->mean) &&
           read_floats(json_object_get(object, "std"), (int)c, true, transforms->std);
}

qea_status qea_model_data(qea_context *ctx, const struct qea_st_file *file, char **type, int *image_size, int *channels,
                          qea_transforms *transforms) {
    const char *text = qea_st_meta(file, "data");
    json_t *object = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *name = json_string_value(json_object_get(object, "type"));
    qea_status status;
    if (name == NULL || !read_data(object, image_size, channels, transforms))
        status =
            qea_fail(ctx, QEA_ERR_DATA,
                     "%s: metadata 'data' is missing or malformed: it must say how images are prepared", file->path);
    else
        status = qea_strdup(ctx, name, type);
    json_decref(object);
    return status;
}

qea_status qea_study_kernels(qea_context *ctx, const char *isa, const qea_kernels **out) {
    if (strcmp(isa, "ref") == 0) {
        *out = qea_kernels_ref();
        return QEA_OK;
    }
    *out = qea_kernels_cpu(ctx, isa);
    if (*out != NULL) return QEA_OK;
    if (strcmp(isa, "auto") != 0) return QEA_ERR_UNSUPPORTED; /* explained by the call */
    *out = qea_kernels_ref();
    return QEA_OK;
}
