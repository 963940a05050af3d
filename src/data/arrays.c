/* The user's own arrays: train.safetensors, test.safetensors and perhaps val.safetensors in a folder, each with the
 * tensors x (U8 [N,H,W,C]) and y (any integer type, [N]). Labels are 0 .. the largest in train.safetensors. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "data/readers.h"
#include "data/transforms.h"

static const char *const file_names[] = {
    [QEA_PART_TRAIN] = "train.safetensors", [QEA_PART_VAL] = "val.safetensors", [QEA_PART_TEST] = "test.safetensors"};

typedef struct arrays {
    qea_st_file *file;
    const qea_st_tensor *x, *y; /* borrowed from file */
} arrays;

static size_t integer_bytes(qea_st_type type) {
    switch (type) {
    case QEA_ST_U8:
    case QEA_ST_I8:
        return 1;
    case QEA_ST_U16:
    case QEA_ST_I16:
        return 2;
    case QEA_ST_U32:
    case QEA_ST_I32:
        return 4;
    case QEA_ST_U64:
    case QEA_ST_I64:
        return 8;
    default:
        return 0;
    }
}

static size_t offset_in_file(const arrays *in, const qea_st_tensor *tensor) {
    return (size_t)(tensor->data - in->file->bytes);
}

static qea_status fail_kind(qea_context *ctx, const char *path, const qea_st_tensor *tensor, const char *allowed) {
    qea_text found = {0};
    for (int d = 0; d < tensor->rank; d++) qea_text_printf(&found, "%s%zu", d > 0 ? "," : "", tensor->dims[d]);
    qea_status status = qea_text_finish(ctx, &found);
    if (status == QEA_OK)
        status = qea_fail(ctx, QEA_ERR_DATA, "%s: tensor %s: found %s [%s], allowed: %s", path, tensor->name,
                          qea_st_type_name(tensor->type), found.bytes, allowed);
    qea_text_free(&found);
    return status;
}

static qea_status check_tensors(qea_context *ctx, const char *path, arrays *in) {
    in->x = qea_st_find(in->file, "x");
    in->y = qea_st_find(in->file, "y");
    if (!in->x || !in->y)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: has no tensor \"%s\"; x (images) and y (labels) are needed", path,
                        in->x ? "y" : "x");
    if (in->x->type != QEA_ST_U8 || in->x->rank != 4)
        return fail_kind(ctx, path, in->x, "U8 with the four dimensions [N,H,W,C], values 0 to 255");
    for (int d = 1; d < 4; d++) {
        size_t most = d == 3 ? QEA_MAX_CHANNELS : QEA_DATA_MAX_SIDE;
        if (in->x->dims[d] > most)
            return qea_fail(ctx, QEA_ERR_DATA,
                            "%s: tensor x at byte %zu: dimension %d of [N,H,W,C] is %zu; at most %zu is possible%s",
                            path, offset_in_file(in, in->x), d, in->x->dims[d], most,
                            d == 3 && in->x->dims[1] <= QEA_MAX_CHANNELS ? " (is the order [N,C,H,W]?)" : "");
    }
    if (integer_bytes(in->y->type) == 0 || in->y->rank != 1)
        return fail_kind(ctx, path, in->y, "integers with the one dimension [N]");
    if (in->x->dims[0] != in->y->dims[0])
        return qea_fail(ctx, QEA_ERR_DATA, "%s: tensor x at byte %zu has %zu images, y at byte %zu has %zu labels",
                        path, offset_in_file(in, in->x), in->x->dims[0], offset_in_file(in, in->y), in->y->dims[0]);
    return QEA_OK;
}

static qea_status open_arrays(qea_context *ctx, const char *path, arrays *in) {
    QEA_TRY(qea_st_read(ctx, path, QEA_DATA_MAX_BYTES, &in->file));
    qea_status status = check_tensors(ctx, path, in);
    if (status != QEA_OK) {
        qea_st_destroy(in->file);
        in->file = NULL;
    }
    return status;
}

static bool is_signed(qea_st_type type) {
    return type == QEA_ST_I8 || type == QEA_ST_I16 || type == QEA_ST_I32 || type == QEA_ST_I64;
}

/* Little-endian two's complement, the format's byte order, on any machine. Negative: out of range, also where it is a
 * U64 from 2^63 on. */
static int64_t label_at(const qea_st_tensor *y, size_t i) {
    size_t bytes = integer_bytes(y->type);
    const uint8_t *at = y->data + i * bytes;
    uint64_t value = 0;
    for (size_t b = 0; b < bytes; b++) value |= (uint64_t)at[b] << (8 * b);
    bool negative = is_signed(y->type) && (at[bytes - 1] & 0x80) != 0;
    if (negative && bytes < 8) value |= ~UINT64_C(0) << (8 * bytes);
    return (int64_t)value;
}

/* *largest of the labels, which must be 0 .. limit-1. */
static qea_status check_labels(qea_context *ctx, const char *path, const arrays *in, int limit, int *largest) {
    *largest = 0;
    for (size_t i = 0; i < in->y->dims[0]; i++) {
        int64_t label = label_at(in->y, i);
        if (label < 0 || label >= limit) {
            char found[24];
            if (is_signed(in->y->type))
                (void)snprintf(found, sizeof found, "%" PRId64, label);
            else
                (void)snprintf(found, sizeof found, "%" PRIu64, (uint64_t)label);
            return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: label %zu in y is %s; 0 to %d are possible", path,
                            offset_in_file(in, in->y) + i * integer_bytes(in->y->type), i, found, limit - 1);
        }
        if (label > *largest) *largest = (int)label;
    }
    return QEA_OK;
}

static qea_status copy_arrays(qea_context *ctx, const char *path, const arrays *in, int num_classes,
                              qea_dataset **out) {
    const size_t *dims = in->x->dims;
    QEA_TRY(qea_dataset_create(ctx, path, dims[0], (int)dims[1], (int)dims[2], (int)dims[3], num_classes, out));
    memcpy((*out)->pixels, in->x->data, in->x->bytes);
    for (size_t i = 0; i < dims[0]; i++) (*out)->labels[i] = (int32_t)label_at(in->y, i);
    return QEA_OK;
}

/* known_classes 0: the labels of this file decide. */
static qea_status load_file(qea_context *ctx, const char *path, int known_classes, qea_dataset **out) {
    arrays in = {0};
    int largest = 0;
    QEA_TRY(open_arrays(ctx, path, &in));
    qea_status status = check_labels(ctx, path, &in, known_classes ? known_classes : QEA_DATA_MAX_CLASSES, &largest);
    if (status == QEA_OK) status = copy_arrays(ctx, path, &in, known_classes ? known_classes : largest + 1, out);
    qea_st_destroy(in.file);
    return status;
}

static qea_status count_classes(qea_context *ctx, const char *folder, int *num_classes) {
    char *path = NULL;
    QEA_TRY(qea_path_join(ctx, folder, file_names[QEA_PART_TRAIN], &path));
    arrays in = {0};
    int largest = 0;
    qea_status status = open_arrays(ctx, path, &in);
    if (status == QEA_OK) status = check_labels(ctx, path, &in, QEA_DATA_MAX_CLASSES, &largest);
    qea_st_destroy(in.file);
    qea_free(path);
    *num_classes = largest + 1;
    return status;
}

qea_status qea_load_arrays(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                           qea_dataset **out) {
    static const char *const files[] = {"train.safetensors", "test.safetensors", NULL};
    char *path = NULL;
    QEA_TRY(qea_path_join(ctx, source->path, file_names[part], &path));
    if (part != QEA_PART_VAL && !qea_file_exists(path)) {
        qea_free(path);
        return qea_data_fail_layout(ctx, source->path, files,
                                    part == QEA_PART_TRAIN ? "no train.safetensors in it"
                                                           : "no test.safetensors in it");
    }
    int num_classes = 0; /* the training file says */
    qea_status status = QEA_OK;
    bool absent = part == QEA_PART_VAL && !qea_file_exists(path);
    if (!absent) {
        if (part != QEA_PART_TRAIN) status = count_classes(ctx, source->path, &num_classes);
        if (status == QEA_OK) status = load_file(ctx, path, num_classes, out);
    }
    qea_free(path);
    return status;
}
