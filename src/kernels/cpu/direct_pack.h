/* kernels/cpu/direct_pack.h: what direct.c and direct_pack.c share. Integers are packed as x - low >= 0 and all sums
 * run over these, from low sum(weights). u8 times s8 adds up in 16 bits as long as that cannot overflow, s16 times s16
 * in 32 bits. Every sum of integers is exact, and so does not depend on the order or the number of threads. */
#ifndef QEA_KERNELS_CPU_DIRECT_PACK_H
#define QEA_KERNELS_CPU_DIRECT_PACK_H

#include "kernels/cpu/direct.h"

enum { QEA_STEP_BYTES = 4 };

typedef struct qea_weight_order { /* weight of channels k and c at r, s: weights[origin + k*k + c*c + r*r + s*s] */
    ptrdiff_t origin, k, c, r, s;
} qea_weight_order;

struct qea_direct_conv {
    qea_conv_shape shape; /* as it is run: see simplify */
    qea_weight_order order;
    const qea_direct_kernel *kernel;
    int threads;
    qea_type out_type;
    int task_rows, image_tasks; /* rows of output pixels of a task; tasks of an image */
    int most_rows;              /* of a task, whatever the number of threads */
    int chunks;                 /* of tasks with most_rows, that statistics are taken of */
    double *moments;            /* owned, [chunks][mean, squares][k] */
    int row_pixels;             /* of the padded rows that the windows see */
    int skip;                   /* each skip-th row and pixel of x is packed */
    bool flat;                  /* the pixels of the one image are images */
    bool real;                  /* bfloat16 numbers; there is no grid */
    qea_conv_grid widest, grid; /* both with 0 in x's range */
    qea_packing widest_packing, packing;
    int budget, steps; /* as in qea_direct_row */
    bool nan_weights;
    uint8_t *weights, *scratch; /* owned; scratch for each thread */
    size_t scratch_bytes;       /* of a thread */
    float *sums;                /* owned, of a task for each thread, where y is no float32 buffer; else NULL */
    int32_t *start;             /* owned, [channels of all blocks] */
};

static inline size_t qea_packed_bytes(qea_packing packing) { return packing == QEA_PACKED_U8 ? 1 : 2; }

static inline size_t qea_direct_row_bytes(const qea_direct_conv *conv) {
    return (size_t)conv->row_pixels * (size_t)conv->shape.c * qea_packed_bytes(conv->packing);
}

/* Rows of the input under `rows` rows of output pixels. */
static inline int qea_direct_rows_under(const qea_conv_shape *s, int rows) { return (rows - 1) * s->stride + s->r; }

/* Channels of the blocks, the last one filled up to whole vectors; what these add is computed and dropped. */
int qea_direct_padded_channels(const qea_direct_conv *conv);
/* Where channel k's weights stand: its block and its place there; a block is [r][step][lanes of it] of four bytes. */
uint8_t *qea_direct_channel(const qea_direct_conv *conv, int k, size_t *step_stride);
/* Weights on the grid to their places, and what sums start from. */
void qea_direct_pack_weights(qea_direct_conv *conv, const float *weights);
/* The rows of image n under `rows` rows of output pixels from `first`; those that the stride leaves out stay as they
 * are. false: a NaN is among them, which is no integer. */
bool qea_direct_pack_rows(const qea_direct_conv *conv, qea_view x, int n, int first, int rows, uint8_t *to);

#endif
