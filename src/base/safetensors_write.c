/* base/safetensors_write.c: writing safetensors files, whole or not at all. */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors_internal.h"
#include "base/text.h"

static qea_status check_tensor(qea_context *ctx, const char *path, const qea_st_tensor *tensor) {
    size_t bytes;
    if (tensor->type >= QEA_ST_TYPES || tensor->rank < 0 || tensor->rank > QEA_ST_MAX_DIMS)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: tensor '%s': type %d or rank %d cannot be written", path, tensor->name,
                        (int)tensor->type, tensor->rank);
    if (!qea_st_shape_bytes(tensor->dims, tensor->rank, qea_st_types[tensor->type].bytes, &bytes) ||
        bytes != tensor->bytes)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: tensor '%s': its %zu bytes are not those of its shape", path,
                        tensor->name, tensor->bytes);
    return QEA_OK;
}

/* jansson takes over the new value also when it fails, and refuses names that are not UTF-8. */
static qea_status put(qea_context *ctx, const char *path, json_t *object, const char *key, json_t *value) {
    if (json_object_get(object, key) != NULL) {
        json_decref(value);
        return qea_fail(ctx, QEA_ERR_DATA, "%s: the name '%s' is used twice", path, key);
    }
    if (json_object_set_new(object, key, value) == 0) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_DATA, "%s: '%s': out of memory, or text that is not UTF-8", path, key);
}

static json_t *tensor_entry(const qea_st_tensor *tensor, size_t begin) {
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", qea_st_types[tensor->type].name, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + tensor->bytes));
}

static qea_status fill_header(qea_context *ctx, const char *path, const qea_st_tensor *tensors, size_t count,
                              const char *const *meta_keys, const char *const *meta_values, size_t meta_count,
                              json_t *header) {
    if (meta_count > 0) {
        json_t *meta = json_object();
        QEA_TRY(put(ctx, path, header, QEA_ST_META_KEY, meta));
        for (size_t i = 0; i < meta_count; i++)
            QEA_TRY(put(ctx, path, meta, meta_keys[i], json_string(meta_values[i])));
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        QEA_TRY(check_tensor(ctx, path, &tensors[i]));
        if (strcmp(tensors[i].name, QEA_ST_META_KEY) == 0)
            return qea_fail(ctx, QEA_ERR_DATA, "%s: a tensor cannot be named " QEA_ST_META_KEY, path);
        QEA_TRY(put(ctx, path, header, tensors[i].name, tensor_entry(&tensors[i], at)));
        if (!qea_size_add(at, tensors[i].bytes, &at))
            return qea_fail(ctx, QEA_ERR_DATA, "%s: the tensors' size overflows", path);
    }
    return QEA_OK;
}

/* The header as it stands in the file, its length in front, padded so that the data are aligned. */
static qea_status header_text(qea_context *ctx, const char *path, const json_t *header, qea_text *text) {
    qea_text_put_bytes(text, "\0\0\0\0\0\0\0", QEA_ST_LENGTH_BYTES);
    qea_text_put_json(text, header, 0);
    while (text->size % 8 != 0 && !text->failed) qea_text_put(text, " ");
    QEA_TRY(qea_text_finish(ctx, text));
    size_t length = text->size - QEA_ST_LENGTH_BYTES;
    if (length > QEA_ST_MAX_HEADER_BYTES)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: a header of %zu bytes, at most %d are allowed", path, length,
                        (int)QEA_ST_MAX_HEADER_BYTES);
    for (int i = 0; i < QEA_ST_LENGTH_BYTES; i++) text->bytes[i] = (char)(uint8_t)((uint64_t)length >> (8 * i));
    return QEA_OK;
}

static qea_status write_parts(qea_context *ctx, qea_file_writer *w, const qea_text *head, const qea_st_tensor *tensors,
                              size_t count) {
    QEA_TRY(qea_file_writer_put(ctx, w, head->bytes, head->size));
    for (size_t i = 0; i < count; i++) QEA_TRY(qea_file_writer_put(ctx, w, tensors[i].data, tensors[i].bytes));
    return QEA_OK;
}

static qea_status write_file(qea_context *ctx, const char *path, const qea_text *head, const qea_st_tensor *tensors,
                             size_t count) {
    qea_file_writer *w;
    QEA_TRY(qea_file_writer_open(ctx, path, &w));
    qea_status status = write_parts(ctx, w, head, tensors, count);
    if (status == QEA_OK) return qea_file_writer_commit(ctx, w);
    qea_file_writer_abandon(w);
    return status;
}

qea_status qea_st_write(qea_context *ctx, const char *path, const qea_st_tensor *tensors, size_t count,
                        const char *const *meta_keys, const char *const *meta_values, size_t meta_count) {
    qea_text head = {0};
    json_t *header = json_object();
    if (header == NULL) return qea_fail(ctx, QEA_ERR_MEMORY, "%s: header: out of memory", path);
    qea_status status = fill_header(ctx, path, tensors, count, meta_keys, meta_values, meta_count, header);
    if (status == QEA_OK) status = header_text(ctx, path, header, &head);
    if (status == QEA_OK) status = write_file(ctx, path, &head, tensors, count);
    qea_text_free(&head);
    json_decref(header);
    return status;
}
