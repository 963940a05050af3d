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

static json_t *data_to_json(const qea_data_config *config, uint64_t seed, const qea_step_data *data) {
    const qea_dataset *images = data->train_part;
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string(config->type));
    json_object_set_new(object, "height", json_integer(images->height));
    json_object_set_new(object, "width", json_integer(images->width));
    json_object_set_new(object, "channels", json_integer(images->channels));
    if (config->test_portion > 0) { /* which images the test part consists of */
        json_object_set_new(object, "test_portion", json_real(config->test_portion));
        json_object_set_new(object, "seed", json_integer((json_int_t)seed));
    }
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

qea_status qea_study_save_model(qea_context *ctx, const qea_model *model, const qea_data_config *config, uint64_t seed,
                                const qea_step_data *data, const char *path) {
    json_t *values[] = {data_to_json(config, seed, data), classes_to_json(data->train_part)};
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

static bool read_data(const json_t *object, qea_dataset_source *source, qea_transforms *transforms) {
    json_int_t height = json_integer_value(json_object_get(object, "height"));
    json_int_t channels = json_integer_value(json_object_get(object, "channels"));
    json_int_t seed = json_integer_value(json_object_get(object, "seed"));
    double portion = json_number_value(json_object_get(object, "test_portion")); /* 0 where there is none */
    if (height < 1 || height > 65535 || channels < 1 || channels > QEA_MAX_CHANNELS) return false;
    if (!(portion >= 0 && portion <= 0.9) || seed < 0) return false;
    source->image_size = (int)height;
    source->channels = (int)channels;
    source->test_portion = portion;
    source->seed = (uint64_t)seed;
    memset(transforms, 0, sizeof *transforms);
    return read_floats(json_object_get(object, "mean"), (int)channels, false, transforms->mean) &&
           read_floats(json_object_get(object, "std"), (int)channels, true, transforms->std);
}

qea_status qea_model_data(qea_context *ctx, const struct qea_st_file *file, char **type, qea_dataset_source *source,
                          qea_transforms *transforms) {
    const char *text = qea_st_meta(file, "data");
    json_t *object = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *name = json_string_value(json_object_get(object, "type"));
    qea_status status;
    *source = (qea_dataset_source){0};
    if (name == NULL || !read_data(object, source, transforms))
        status =
            qea_fail(ctx, QEA_ERR_DATA,
                     "%s: metadata 'data' is missing or malformed: it must say how images are prepared", file->path);
    else
        status = qea_strdup(ctx, name, type);
    if (status == QEA_OK) source->type = *type;
    json_decref(object);
    return status;
}

static qea_status find_name(qea_context *ctx, const char *what, const char *const *names, size_t count,
                            const char *name, size_t *index) {
    char hint[QEA_HINT];
    qea_text list = {0};
    for (*index = 0; *index < count; ++*index) {
        if (strcmp(names[*index], name) == 0) return QEA_OK;
    }
    for (size_t i = 0; i < count; i++) qea_text_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    qea_status status = qea_text_finish(ctx, &list);
    if (status == QEA_OK)
        status = qea_fail(ctx, QEA_ERR_CONFIG, "%s: found '%s', allowed: %s%s", what, name, list.bytes,
                          qea_hint(qea_nearest_name(name, names, count), hint));
    qea_text_free(&list);
    return status;
}

qea_status qea_study_parse_precision(qea_context *ctx, const char *name, qea_precision *out) {
    static const char *const names[] = {"auto", "f32", "bf16"}; /* in the order of qea_precision */
    size_t index;
    QEA_TRY(find_name(ctx, "precision", names, sizeof names / sizeof *names, name, &index));
    *out = (qea_precision)index;
    return QEA_OK;
}

const char *qea_study_arithmetic(const qea_kernels *kernels, qea_precision precision, bool *emulated) {
    bool bf16 = qea_precision_is_bf16(precision);
    *emulated = bf16 && kernels->bf16 == QEA_BF16_WIDE;
    return !bf16 ? "float32" : *emulated ? "bfloat16 emulated in float32" : "bfloat16";
}

void qea_study_tell_emulation(qea_context *ctx, const qea_kernels *kernels, qea_precision precision, const char *key) {
    bool emulated;
    (void)qea_study_arithmetic(kernels, precision, &emulated);
    if (emulated)
        qea_log(ctx, QEA_LOG_WARNING,
                "%s: this CPU (or the instruction set asked for) has no bf16 arithmetic: bf16 is emulated by float32 "
                "kernels that round their results",
                key);
}

qea_status qea_study_kernels(qea_context *ctx, const char *isa, const qea_kernels **out) {
    static const char *const names[] = {"auto", "avx512", "avx2", "sse2", "ref"};
    size_t index;
    QEA_TRY(find_name(ctx, "instruction set", names, sizeof names / sizeof *names, isa, &index));
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
