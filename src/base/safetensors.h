/* base/safetensors.h: the safetensors file format: 8 bytes little-endian header length, a JSON header, the tensors'
 * bytes. https://github.com/huggingface/safetensors (format section of its README). */
#ifndef QEA_BASE_SAFETENSORS_H
#define QEA_BASE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

typedef enum qea_st_type {
    QEA_ST_F32,
    QEA_ST_F64,
    QEA_ST_BF16,
    QEA_ST_U8,
    QEA_ST_U16,
    QEA_ST_U32,
    QEA_ST_U64,
    QEA_ST_I8,
    QEA_ST_I16,
    QEA_ST_I32,
    QEA_ST_I64,
    QEA_ST_BOOL,
    QEA_ST_F16,
    QEA_ST_F8_E4M3,
    QEA_ST_F8_E5M2,
    QEA_ST_TYPES
} qea_st_type;

enum { QEA_ST_MAX_DIMS = 8 };

typedef struct qea_st_tensor {
    char *name; /* owned */
    qea_st_type type;
    int rank;
    size_t dims[QEA_ST_MAX_DIMS];
    size_t bytes;
    const uint8_t *data; /* borrowed from the file (reading; may be unaligned) or from the caller (writing) */
} qea_st_tensor;

typedef struct qea_st_file {
    char *path;
    uint8_t *bytes; /* owned: the whole file */
    size_t size;
    qea_st_tensor *tensors; /* owned; in the order of their bytes in the file */
    size_t count;
    char **meta_keys, **meta_values; /* owned; __metadata__ */
    size_t meta_count;
} qea_st_file;

/* Checks everything before it is used: header length, JSON, types, shapes against offsets, overlaps, holes, the end. */
QEA_MUST_USE qea_status qea_st_read(qea_context *ctx, const char *path, size_t max_bytes, qea_st_file **out);
/* The same from memory (for fuzzing); `name` stands in messages. */
QEA_MUST_USE qea_status qea_st_parse(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                     qea_st_file **out);
void qea_st_destroy(qea_st_file *file);
const char *qea_st_type_name(qea_st_type type);                              /* "F32" */
const qea_st_tensor *qea_st_find(const qea_st_file *file, const char *name); /* or NULL */
const char *qea_st_meta(const qea_st_file *file, const char *key);           /* or NULL */

/* Writes tensors in the given order, whole or not at all; data 8-byte aligned. meta is key, value pairs. */
QEA_MUST_USE qea_status qea_st_write(qea_context *ctx, const char *path, const qea_st_tensor *tensors, size_t count,
                                     const char *const *meta_keys, const char *const *meta_values, size_t meta_count);

#endif
