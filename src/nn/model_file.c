/* nn/model_file.c: a model as a safetensors file, with its graph and bits in the metadata. */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "nn/model_internal.h"

enum { OWN_PAIRS = 7, MAX_QUANTIZED = QEA_GRAPH_MAX_NODES };
#define MAX_FILE_BYTES ((size_t)4 << 30)

static const char format_name[] = "quantea-model-1";

/* --- saving --- */

static void put_bits(qea_text *text, const uint8_t *bits, size_t count) {
    qea_text_put(text, "[");
    for (size_t i = 0; i < count; i++) qea_text_printf(text, "%s%d", i ? "," : "", bits[i]);
    qea_text_put(text, "]");
}

static void put_supernet(qea_text *text, const qea_model *model) {
    if (!qea_model_is_supernet(model)) return;
    size_t quantized = qea_graph_num_quantized(model->graph);
    qea_text_put(text, "{\"widths\":");
    put_bits(text, model->widths.bits, model->widths.count);
    qea_text_put(text, ",\"weight_bits\":");
    put_bits(text, model->most_weight_bits, quantized);
    qea_text_put(text, ",\"activation_bits\":");
    put_bits(text, model->most_activation_bits, quantized);
    qea_text_put(text, "}");
}

static void describe_tensors(const qea_model *model, qea_st_tensor *tensors) {
    for (size_t i = 0; i < model->num_params; i++) {
        const qea_param *param = &model->params[i];
        tensors[i] = (qea_st_tensor){.name = param->name,
                                     .type = QEA_ST_F32,
                                     .rank = param->rank,
                                     .bytes = param->count * sizeof(float),
                                     .data = (const uint8_t *)param->value};
        memcpy(tensors[i].dims, param->dims, sizeof param->dims);
    }
}

/* What is to be written; freed together. */
typedef struct save_parts {
    char *graph;
    qea_text weight_bits, activation_bits, supernet;
    size_t num_own; /* pairs: the last of OWN_PAIRS is a supernet's */
    qea_st_tensor *tensors;
    const char **keys, **values;
} save_parts;

static void free_parts(save_parts *parts) {
    qea_string_free(parts->graph);
    qea_text_free(&parts->weight_bits);
    qea_text_free(&parts->activation_bits);
    qea_text_free(&parts->supernet);
    qea_free(parts->tensors);
    qea_free((void *)parts->keys);
    qea_free((void *)parts->values);
}

static qea_status collect_parts(qea_context *ctx, const qea_model *model, const char *const *keys,
                                const char *const *values, size_t count, save_parts *parts) {
    size_t quantized = qea_graph_num_quantized(model->graph);
    QEA_TRY(qea_graph_to_json(ctx, model->graph, &parts->graph));
    put_bits(&parts->weight_bits, model->weight_bits, quantized);
    put_bits(&parts->activation_bits, model->activation_bits, quantized);
    put_supernet(&parts->supernet, model);
    parts->num_own = qea_model_is_supernet(model) ? OWN_PAIRS : OWN_PAIRS - 1;
    QEA_TRY(qea_text_finish(ctx, &parts->supernet));
    QEA_TRY(qea_text_finish(ctx, &parts->weight_bits));
    QEA_TRY(qea_text_finish(ctx, &parts->activation_bits));
    QEA_TRY(QEA_NEW(ctx, "tensors", parts->tensors, model->num_params));
    describe_tensors(model, parts->tensors);
    QEA_TRY(QEA_NEW(ctx, "metadata keys", parts->keys, count + OWN_PAIRS));
    QEA_TRY(QEA_NEW(ctx, "metadata values", parts->values, count + OWN_PAIRS));
    const char *const own[OWN_PAIRS][2] = {
        {"format", format_name},
        {"graph", parts->graph},
        {"weight_quantizer", qea_quantizer_name((int)model->weight_quantizer)},
        {"activation_quantizer", qea_quantizer_name((int)model->activation_quantizer)},
        {"weight_bits", parts->weight_bits.bytes},
        {"activation_bits", parts->activation_bits.bytes},
        {"supernet", parts->supernet.bytes},
    };
    for (size_t i = 0; i < parts->num_own; i++) {
        parts->keys[i] = own[i][0];
        parts->values[i] = own[i][1];
    }
    for (size_t i = 0; i < count; i++) {
        parts->keys[parts->num_own + i] = keys[i];
        parts->values[parts->num_own + i] = values[i];
    }
    return QEA_OK;
}

qea_status qea_model_save(qea_context *ctx, const qea_model *model, const char *path, const char *const *keys,
                          const char *const *values, size_t count) {
    save_parts parts = {0};
    qea_status status = collect_parts(ctx, model, keys, values, count, &parts);
    if (status == QEA_OK)
        status =
            qea_st_write(ctx, path, parts.tensors, model->num_params, parts.keys, parts.values, count + parts.num_own);
    free_parts(&parts);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "saving model %s", path);
}

/* --- loading --- */

static qea_status need_meta(qea_context *ctx, const qea_st_file *file, const char *key, const char **value) {
    *value = qea_st_meta(file, key);
    return *value ? QEA_OK : qea_fail(ctx, QEA_ERR_DATA, "its metadata has no \"%s\"", key);
}

static qea_status read_quantizer(qea_context *ctx, const qea_st_file *file, const char *key, qea_quantizer *out) {
    const char *name;
    QEA_TRY(need_meta(ctx, file, key, &name));
    if (!qea_quantizer_parse(name, out))
        return qea_fail(ctx, QEA_ERR_DATA, "metadata \"%s\": there is no quantiser \"%.40s\"", key, name);
    return QEA_OK;
}

static bool parse_bits(const json_t *list, size_t count, uint8_t *bits) {
    if (!json_is_array(list) || json_array_size(list) != count) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t value = json_is_integer(item) ? json_integer_value(item) : -1;
        if (value < 0 || value > UINT8_MAX) return false;
        bits[i] = (uint8_t)value;
    }
    return true;
}

static qea_status read_bits(qea_context *ctx, const qea_st_file *file, const char *key, size_t count, uint8_t *bits) {
    const char *text;
    QEA_TRY(need_meta(ctx, file, key, &text));
    json_t *list = json_loads(text, 0, NULL);
    bool good = parse_bits(list, count, bits);
    json_decref(list);
    if (!good)
        return qea_fail(ctx, QEA_ERR_DATA, "metadata \"%s\" is no list of bits for the graph's %zu quantised layers",
                        key, count);
    return QEA_OK;
}

static qea_status read_supernet(qea_context *ctx, const qea_st_file *file, size_t count, uint8_t *weight_bits,
                                uint8_t *activation_bits, qea_widths *widths) {
    json_t *object = json_loads(qea_st_meta(file, "supernet"), 0, NULL);
    const json_t *list = json_object_get(object, "widths");
    widths->count = json_array_size(list);
    bool good = widths->count <= QEA_MAX_WIDTHS && parse_bits(list, widths->count, widths->bits) &&
                parse_bits(json_object_get(object, "weight_bits"), count, weight_bits) &&
                parse_bits(json_object_get(object, "activation_bits"), count, activation_bits);
    json_decref(object);
    if (!good)
        return qea_fail(ctx, QEA_ERR_DATA,
                        "metadata \"supernet\" is no object of widths and of bits for the graph's %zu quantised layers",
                        count);
    return QEA_OK;
}

/* Does the file hold exactly the model's tensors? Before any memory is taken for them. */
static qea_status check_tensors(qea_context *ctx, const qea_st_file *file, const qea_model *model) {
    for (size_t i = 0; i < model->num_params; i++) {
        const qea_param *param = &model->params[i];
        const qea_st_tensor *tensor = qea_st_find(file, param->name);
        if (!tensor) return qea_fail(ctx, QEA_ERR_DATA, "tensor %s is missing", param->name);
        if (tensor->type != QEA_ST_F32 || tensor->rank != param->rank ||
            memcmp(tensor->dims, param->dims, (size_t)param->rank * sizeof *param->dims) != 0 ||
            tensor->bytes != param->count * sizeof(float))
            return qea_fail(ctx, QEA_ERR_DATA, "tensor %s: its type or shape is not the graph's", param->name);
    }
    if (file->count != model->num_params)
        return qea_fail(ctx, QEA_ERR_DATA, "%zu tensors; the graph has %zu", file->count, model->num_params);
    return QEA_OK;
}

static qea_status read_values(qea_context *ctx, const qea_st_file *file, qea_model *model) {
    QEA_TRY(check_tensors(ctx, file, model));
    QEA_TRY(qea_model_allocate(ctx, model));
    for (size_t i = 0; i < model->num_params; i++) {
        qea_param *param = &model->params[i];
        memcpy(param->value, qea_st_find(file, param->name)->data, param->count * sizeof *param->value);
        for (size_t k = 0; k < param->count; k++)
            if (!qea_param_allows(param, param->value[k]))
                return qea_fail(ctx, QEA_ERR_DATA, "tensor %s, value %zu: %g is not allowed there", param->name, k,
                                (double)param->value[k]);
    }
    return QEA_OK;
}

static qea_status read_model(qea_context *ctx, const qea_st_file *file, const qea_graph *graph, qea_model **out) {
    uint8_t weight_bits[MAX_QUANTIZED], activation_bits[MAX_QUANTIZED];
    qea_bit_policy policy = {
        .num_layers = qea_graph_num_quantized(graph), .weight_bits = weight_bits, .activation_bits = activation_bits};
    QEA_TRY(read_quantizer(ctx, file, "weight_quantizer", &policy.weight_quantizer));
    QEA_TRY(read_quantizer(ctx, file, "activation_quantizer", &policy.activation_quantizer));
    QEA_TRY(read_bits(ctx, file, "weight_bits", policy.num_layers, weight_bits));
    QEA_TRY(read_bits(ctx, file, "activation_bits", policy.num_layers, activation_bits));
    uint8_t most_weight_bits[MAX_QUANTIZED], most_activation_bits[MAX_QUANTIZED];
    qea_bit_policy most = policy;
    qea_widths widths = {0};
    most.weight_bits = most_weight_bits;
    most.activation_bits = most_activation_bits;
    bool supernet = qea_st_meta(file, "supernet") != NULL;
    if (supernet) QEA_TRY(read_supernet(ctx, file, policy.num_layers, most_weight_bits, most_activation_bits, &widths));
    qea_model *model = NULL;
    QEA_TRY(qea_model_describe(ctx, graph, supernet ? &most : &policy, supernet ? &widths : NULL, &model));
    qea_status status = read_values(ctx, file, model);
    if (status == QEA_OK && supernet) status = qea_model_set_bits(ctx, model, weight_bits, activation_bits);
    if (status == QEA_OK)
        *out = model;
    else
        qea_model_destroy(model);
    return status;
}

static qea_status read_graph(qea_context *ctx, const qea_st_file *file, qea_graph **out) {
    const char *format, *text;
    format = qea_st_meta(file, "format");
    if (format == NULL)
        return qea_fail(ctx, QEA_ERR_DATA, "not a model that quantea wrote: its metadata has no \"format\"");
    if (strcmp(format, format_name) != 0)
        return qea_fail(ctx, QEA_ERR_DATA, "its format is \"%.40s\"; expected \"%s\"", format, format_name);
    QEA_TRY(need_meta(ctx, file, "graph", &text));
    return qea_graph_from_json(ctx, text, strlen(text), out);
}

qea_status qea_model_from_file(qea_context *ctx, const struct qea_st_file *file, qea_graph **graph, qea_model **model) {
    *graph = NULL;
    *model = NULL;
    QEA_TRY(read_graph(ctx, file, graph));
    qea_status status = read_model(ctx, file, *graph, model);
    if (status != QEA_OK) {
        qea_graph_destroy(*graph);
        *graph = NULL;
    }
    return status == QEA_ERR_CONFIG ? QEA_ERR_DATA : status; /* bits that do not fit: the file is wrong */
}

qea_status qea_model_load(qea_context *ctx, const char *path, qea_graph **graph, qea_model **model,
                          struct qea_st_file **extra) {
    *graph = NULL;
    *model = NULL;
    if (extra) *extra = NULL;
    qea_st_file *file = NULL;
    QEA_TRY(qea_st_read(ctx, path, MAX_FILE_BYTES, &file));
    qea_status status = qea_model_from_file(ctx, file, graph, model);
    if (status == QEA_OK && extra)
        *extra = file;
    else
        qea_st_destroy(file);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "model %s", path);
}
