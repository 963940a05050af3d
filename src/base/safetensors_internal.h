/* base/safetensors_internal.h: what the reader and the writer of safetensors share. */
#ifndef QEA_BASE_SAFETENSORS_INTERNAL_H
#define QEA_BASE_SAFETENSORS_INTERNAL_H

#include <stdbool.h>

#include "base/safetensors.h"

enum { QEA_ST_LENGTH_BYTES = 8, QEA_ST_MAX_HEADER_BYTES = 100 * 1000 * 1000 };

#define QEA_ST_META_KEY "__metadata__"

/* One element type: its name in the header and its size. */
typedef struct qea_st_type_info {
    const char *name;
    size_t bytes;
} qea_st_type_info;

extern const qea_st_type_info qea_st_types[QEA_ST_TYPES];

/* dims[0] * ... * dims[rank-1] * element_bytes; false on overflow. */
QEA_MUST_USE bool qea_st_shape_bytes(const size_t *dims, int rank, size_t element_bytes, size_t *out);

#endif
