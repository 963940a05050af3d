/* base/safetensors.c: reading safetensors files; nothing in them is trusted. */
#include "base/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors_internal.h"

const qea_st_type_info qea_st_types[QEA_ST_TYPES] = {
    [QEA_ST_F32] = {"F32", 4}, [QEA_ST_F64] = {"F64", 8},         [QEA_ST_BF16] = {"BF16", 2},
    [QEA_ST_U8] = {"U8", 1},   [QEA_ST_U16] = {"U16", 2},         [QEA_ST_U32] = {"U32", 4},
    [QEA_ST_U64] = {"U64", 8}, [QEA_ST_I8] = {"I8", 1},           [QEA_ST_I16] = {"I16", 2},
    [QEA_ST_I32] = {"I32", 4}, [QEA_ST_I64] = {"I64", 8},         [QEA_ST_BOOL] = {"BOOL", 1},
    [QEA_ST_F16] = {"F16", 2}, [QEA_ST_F8_E4M3] = {"F8_E4M3", 1}, [QEA_ST_F8_E5M2] = {"F8_E5M2", 1},
};

const char *qea_st_type_name(qea_st_type type) { return qea_st_types[type].name; }

bool qea_st_shape_bytes(const size_t *dims, int rank, size_t element_bytes, size_t *out) {
    size_t bytes = element_bytes;
    for (int i = 0; i < rank; i++) {
        if (!qea_size_mul(bytes, dims[i], &bytes)) return false;
    }
    *out = bytes;
    return true;
}

/* Where the reader stands: the tensors' bytes lie behind the header. */
typedef struct st_reader {
    qea_context *ctx;
    qea_st_file *file;
    const uint8_t *data;
    size_t data_size;
} st_reader;

static qea_status fail_tensor(const st_reader *r, const char *tensor, const char *problem) {
    return qea_fail(r->ctx, QEA_ERR_DATA, "%s: tensor '%s': %s", r->file->path, tensor, problem);
}

static bool json_size(const json_t *value, size_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static qea_status read_type(const st_reader *r, const char *name, const json_t *dtype, qea_st_tensor *tensor,
                            size_t *element_bytes) {
    const char *word = json_string_value(dtype);
    if (word == NULL) return fail_tensor(r, name, "dtype is missing or not a string");
    for (int i = 0; i < QEA_ST_TYPES; i++) {
        if (strcmp(word, qea_st_types[i].name) != 0) continue;
        tensor->type = (qea_st_type)i;
        *element_bytes = qea_st_types[i].bytes;
        return QEA_OK;
    }
    return qea_fail(r->ctx, QEA_ERR_DATA, "%s: tensor '%s': dtype '%s' is not known", r->file->path, name, word);
}

static qea_status read_shape(const st_reader *r, const char *name, const json_t *shape, qea_st_tensor *tensor) {
    if (!json_is_array(shape)) return fail_tensor(r, name, "shape is missing or not a list");
    size_t rank = json_array_size(shape);
    if (rank > QEA_ST_MAX_DIMS)
        return qea_fail(r->ctx, QEA_ERR_DATA, "%s: tensor '%s': %zu dimensions, at most %d are allowed", r->file->path,
                        name, rank, (int)QEA_ST_MAX_DIMS);
    for (size_t i = 0; i < rank; i++) {
        if (!json_size(json_array_get(shape, i), &tensor->dims[i]))
            return fail_tensor(r, name, "shape holds something that is not an integer >= 0");
    }
    tensor->rank = (int)rank;
    return QEA_OK;
}

static qea_status read_offsets(const st_reader *r, const char *name, const json_t *offsets, size_t element_bytes,
                               qea_st_tensor *tensor) {
    size_t begin, end, bytes;
    if (json_array_size(offsets) != 2 || !json_size(json_array_get(offsets, 0), &begin) ||
        !json_size(json_array_get(offsets, 1), &end))
        return fail_tensor(r, name, "data_offsets is missing or not a list of two integers >= 0");
    if (begin > end || end > r->data_size)
        return qea_fail(r->ctx, QEA_ERR_DATA,
                        "%s: tensor '%s': data_offsets [%zu, %zu] do not lie in the file's %zu "
                        "bytes of data: the file is cut off, or malformed",
                        r->file->path, name, begin, end, r->data_size);
    if (!qea_st_shape_bytes(tensor->dims, tensor->rank, element_bytes, &bytes))
        return fail_tensor(r, name, "the shape's size overflows");
    if (bytes != end - begin)
        return qea_fail(r->ctx, QEA_ERR_DATA, "%s: tensor '%s': the shape needs %zu bytes, data_offsets give %zu",
                        r->file->path, name, bytes, end - begin);
    tensor->bytes = bytes;
    tensor->data = r->data + begin;
    return QEA_OK;
}

static qea_status read_tensor(const st_reader *r, const char *name, const json_t *entry, qea_st_tensor *tensor) {
    size_t element_bytes = 0;
    if (!json_is_object(entry)) return fail_tensor(r, name, "the entry is not an object");
    if (json_object_size(entry) != 3)
        return fail_tensor(r, name, "the entry must have dtype, shape and data_offsets and nothing else");
    QEA_TRY(qea_strdup(r->ctx, name, &tensor->name));
    QEA_TRY(read_type(r, name, json_object_get(entry, "dtype"), tensor, &element_bytes));
    QEA_TRY(read_shape(r, name, json_object_get(entry, "shape"), tensor));
    return read_offsets(r, name, json_object_get(entry, "data_offsets"), element_bytes, tensor);
}

static qea_status read_meta(const st_reader *r, json_t *meta) {
    qea_st_file *file = r->file;
    if (!json_is_object(meta))
        return qea_fail(r->ctx, QEA_ERR_DATA, "%s: " QEA_ST_META_KEY " is not an object", file->path);
    QEA_TRY(QEA_NEW(r->ctx, "metadata keys", file->meta_keys, json_object_size(meta)));
    QEA_TRY(QEA_NEW(r->ctx, "metadata values", file->meta_values, json_object_size(meta)));
    const char *key;
    json_t *value;
    json_object_foreach(meta, key, value) {
        if (!json_is_string(value))
            return qea_fail(r->ctx, QEA_ERR_DATA, "%s: " QEA_ST_META_KEY ": the value of '%s' is not a string",
                            file->path, key);
        size_t i = file->meta_count++;
        QEA_TRY(qea_strdup(r->ctx, key, &file->meta_keys[i]));
        QEA_TRY(qea_strdup(r->ctx, json_string_value(value), &file->meta_values[i]));
    }
    return QEA_OK;
}

/* By place, then by name: tensors without elements may share a place. */
static int compare_places(const void *a, const void *b) {
    const qea_st_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Every byte of the data belongs to exactly one tensor. */
static qea_status check_cover(const st_reader *r) {
    qea_st_file *file = r->file;
    size_t at = 0;
    if (file->count > 1) qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const qea_st_tensor *tensor = &file->tensors[i];
        size_t begin = (size_t)(tensor->data - r->data);
        if (begin != at)
            return qea_fail(r->ctx, QEA_ERR_DATA,
                            "%s: tensor '%s' begins at byte %zu of the data, the one before ends "
                            "at %zu (%s)",
                            file->path, tensor->name, begin, at, begin < at ? "overlap" : "hole");
        at = begin + tensor->bytes;
    }
    if (at != r->data_size)
        return qea_fail(r->ctx, QEA_ERR_DATA, "%s: the tensors end at byte %zu of the data, the file at %zu",
                        file->path, at, r->data_size);
    return QEA_OK;
}

static qea_status read_header(const st_reader *r, json_t *header) {
    qea_st_file *file = r->file;
    const char *name;
    json_t *entry;
    if (!json_is_object(header))
        return qea_fail(r->ctx, QEA_ERR_DATA, "%s: the header is not a JSON object", file->path);
    QEA_TRY(QEA_NEW(r->ctx, "tensors", file->tensors, json_object_size(header)));
    json_object_foreach(header, name, entry) {
        if (strcmp(name, QEA_ST_META_KEY) == 0) {
            QEA_TRY(read_meta(r, entry));
        } else {
            QEA_TRY(read_tensor(r, name, entry, &file->tensors[file->count++]));
        }
    }
    return check_cover(r);
}

static qea_status parse_header(qea_context *ctx, qea_st_file *file, size_t length) {
    const char *text = (const char *)file->bytes + QEA_ST_LENGTH_BYTES;
    if (length == 0 || text[0] != '{')
        return qea_fail(ctx, QEA_ERR_DATA, "%s: byte 8: the header does not begin with '{'", file->path);
    json_error_t error;
    json_t *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (header == NULL)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %d: header: %s", file->path, QEA_ST_LENGTH_BYTES + error.position,
                        error.text);
    st_reader reader = {ctx, file, file->bytes + QEA_ST_LENGTH_BYTES + length,
                        file->size - QEA_ST_LENGTH_BYTES - length};
    qea_status status = read_header(&reader, header);
    json_decref(header);
    return status;
}

static qea_status parse_file(qea_context *ctx, qea_st_file *file) {
    if (file->size < QEA_ST_LENGTH_BYTES)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: found %zu bytes, too few for a safetensors file", file->path,
                        file->size);
    uint64_t length = 0;
    for (int i = QEA_ST_LENGTH_BYTES - 1; i >= 0; i--) length = length << 8 | file->bytes[i];
    size_t rest = file->size - QEA_ST_LENGTH_BYTES;
    size_t allowed = rest < QEA_ST_MAX_HEADER_BYTES ? rest : QEA_ST_MAX_HEADER_BYTES;
    if (length > allowed)
        return qea_fail(
            ctx, QEA_ERR_DATA,
            "%s: not a safetensors file, or cut off: byte 0 promises a header of %llu bytes, %zu are possible",
            file->path, (unsigned long long)length, allowed);
    return parse_header(ctx, file, (size_t)length);
}

static qea_status load(qea_context *ctx, const char *path, size_t max_bytes, qea_st_file *file) {
    QEA_TRY(qea_strdup(ctx, path, &file->path));
    QEA_TRY(qea_file_read(ctx, path, max_bytes, &file->bytes, &file->size));
    return parse_file(ctx, file);
}

static qea_status load_copy(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, qea_st_file *file) {
    QEA_TRY(qea_strdup(ctx, name, &file->path));
    QEA_TRY(QEA_NEW(ctx, "safetensors contents", file->bytes, size));
    if (size > 0) memcpy(file->bytes, bytes, size);
    file->size = size;
    return parse_file(ctx, file);
}

static qea_status keep_if_ok(qea_status status, qea_st_file *file, qea_st_file **out) {
    if (status == QEA_OK) {
        *out = file;
    } else {
        qea_st_destroy(file);
    }
    return status;
}

qea_status qea_st_read(qea_context *ctx, const char *path, size_t max_bytes, qea_st_file **out) {
    qea_st_file *file;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "safetensors file", file, 1));
    return keep_if_ok(load(ctx, path, max_bytes, file), file, out);
}

qea_status qea_st_parse(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, qea_st_file **out) {
    qea_st_file *file;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "safetensors file", file, 1));
    return keep_if_ok(load_copy(ctx, name, bytes, size, file), file, out);
}

void qea_st_destroy(qea_st_file *file) {
    if (file == NULL) return;
    for (size_t i = 0; i < file->count; i++) qea_free(file->tensors[i].name);
    for (size_t i = 0; i < file->meta_count; i++) {
        qea_free(file->meta_keys[i]);
        qea_free(file->meta_values[i]);
    }
    qea_free(file->tensors);
    qea_free(file->meta_keys);
    qea_free(file->meta_values);
    qea_free(file->bytes);
    qea_free(file->path);
    qea_free(file);
}

const qea_st_tensor *qea_st_find(const qea_st_file *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    }
    return NULL;
}

const char *qea_st_meta(const qea_st_file *file, const char *key) {
    for (size_t i = 0; i < file->meta_count; i++) {
        if (strcmp(file->meta_keys[i], key) == 0) return file->meta_values[i];
    }
    return NULL;
}
