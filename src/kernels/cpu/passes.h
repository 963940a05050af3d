/* kernels/cpu/passes.h: the element-wise passes are plain C, compiled once for each instruction set; a table of
 * function pointers says which is used. A pass works on one part of a tensor: some rows, and at most QEA_LINE channels
 * of them. No operation is contracted or reordered by the instruction set, so that all variants give the same bits. */
#ifndef QEA_KERNELS_CPU_PASSES_H
#define QEA_KERNELS_CPU_PASSES_H

#include "kernels/kernels.h"

enum {
    QEA_LINE = 256,          /* values that are worked on at a time: all tiles of a pass stay in the first cache */
    QEA_MAX_CHUNKS = 64,     /* pieces that the rows are cut into, whatever the number of threads */
    QEA_SUM_SLOTS = 4096,    /* chunks * channels of a block, at most: bounds the partial sums on the caller's stack */
    QEA_CHUNK_VALUES = 32768 /* a chunk is no smaller than that: smaller ones cost more than they share out */
};

/* Rows [row, row + rows), channels [channel, channel + channels) of a tensor with all_channels. */
typedef struct qea_part {
    size_t row, rows;
    int channel, channels, all_channels;
} qea_part;

/* Sums over the rows of one part; pointers NULL: not wanted. */
typedef struct qea_part_sums {
    double *dz, *dz_x[QEA_MAX_BRANCHES]; /* [channels of the part] */
    double param[QEA_MAX_QUANTS];
} qea_part_sums;

/* Mean and sum of squared deviations from it of `rows` rows, [channels of a part]; undefined for 0 rows. */
typedef struct qea_moments {
    double rows, *mean, *squares;
} qea_moments;

/* Pooling of [n][h][w][c] to [n][oh][ow][c]. */
typedef struct qea_pool {
    int h, w, c, oh, ow, kernel_h, kernel_w, stride, pad;
} qea_pool;

/* One row of output pixels of a convolution, and a block of channels of it. For every row of the window a pixel's taps
 * and channels lie one behind another in x; they are taken four bytes at a step. The weights of a step are those four
 * (or two) channels' for each lane of the vectors. */
typedef enum qea_packing {
    QEA_PACKED_U8, /* x is u8 and the weights are s8 */
    QEA_PACKED_S16,
    QEA_PACKED_BF16 /* summed in float32; the others as integers */
} qea_packing;
enum { QEA_DIRECT_VECTORS = 2 }; /* a block of channels has at most that many vectors of lanes */
typedef struct qea_direct_row {
    qea_packing packing;
    int rows, steps; /* of the window; per row */
    int budget;      /* U8: steps whose sums are sure to fit 16 bits; else never reached */
    const uint8_t *x;
    size_t row_bytes, pixel_bytes; /* from row to row of the window, from output pixel to output pixel */
    const uint8_t *weights;        /* [rows][steps][vectors][lanes] of four bytes */
    const int32_t *start;          /* [vectors][lanes]: what the sums start from; BF16: zeros */
    int pixels, channels;
    float *y;
    size_t y_stride; /* values from pixel to pixel */
} qea_direct_row;

typedef struct qea_direct_kernel {
    int lanes;              /* channels in a vector; 0: this instruction set has no kernel */
    bool wide;              /* U8 is summed in 32 bits: there is no budget */
    bool bf16;              /* it has a row of QEA_PACKED_BF16 */
    int depth, more_pixels; /* not S16: steps come in multiples of it; pixels behind a row's last that are read */
    void (*begin)(void);    /* before some rows, by the thread that computes them; NULL: nothing to do */
    void (*end)(void);
    /* x[i] - low for `count` integers x >= low, low <= 0, as u8 or s16. false: some are NaN or below. */
    bool (*pack)(const float *x, size_t count, float low, bool bytes, uint8_t *to);
    void (*pack_bytes)(const uint8_t *x, size_t count, int low, bool bytes, uint8_t *to);
    void (*row)(const qea_direct_row *q);
} qea_direct_kernel;

/* Matrices of pixels, bfloat16; see gradient.h. */
typedef struct qea_gradient_product {
    const uint16_t *x; /* [c blocks][16][line] */
    size_t line;
    const uint16_t *dy; /* [k blocks][positions / 2][16][2] */
    size_t positions;   /* a multiple of 32 */
    int c_blocks, k_blocks, window_rows, window_columns;
    size_t pitch;
    float *sums; /* [window rows][window columns][c blocks][16][k blocks][16], added to */
} qea_gradient_product;

typedef struct qea_gradient_kernel {
    void (*begin)(void); /* before the others, by the thread that calls them */
    void (*end)(void);
    /* x[positions][channels], bytes or bfloat16, to one line of `positions` (a multiple of 32) for each channel. */
    void (*lines)(qea_view x, size_t positions, int channels, uint16_t *to);
    void (*pairs)(const uint16_t *dy, size_t positions, int channels, uint16_t *to);
    void (*add)(const qea_gradient_product *q);
} qea_gradient_kernel;

typedef struct qea_pass_winograd qea_pass_winograd; /* pass_winograd.h */

typedef struct qea_cpu_passes {
    bool (*forward)(const qea_segment *s, const qea_part *part); /* false: as segment_forward */
    void (*reduce)(const qea_segment *s, const qea_segment_grads *grads, const float *const center[QEA_MAX_BRANCHES],
                   const qea_part *part, qea_part_sums *sums);
    void (*backward)(const qea_segment *s, const qea_segment_grads *grads, const qea_segment_dx dx[QEA_MAX_BRANCHES],
                     const qea_part *part);
    /* Adds the part's rows. */
    void (*stats)(qea_view x, const qea_part *part, qea_moments *moments);
    /* One row of output pixels (forward) or of input pixels (backward): row = image * rows per image + row. */
    void (*max_pool_row)(const qea_pool *p, qea_view x, qea_view y, uint8_t *argmax, int row);
    void (*avg_pool_row)(const qea_pool *p, qea_view x, qea_view y, int row);
    void (*pool_backward_row)(const qea_pool *p, qea_view dy, const uint8_t *argmax, qea_view dx, float factor,
                              int row);
    /* `count` values from one view to another, of any type but QEA_U8. */
    void (*copy)(qea_view from, size_t from_index, qea_view to, size_t to_index, size_t count);
    const qea_direct_kernel *direct;
    const qea_pass_winograd *winograd;   /* NULL: none for this instruction set */
    const qea_gradient_kernel *gradient; /* NULL: none */
} qea_cpu_passes;

extern const qea_cpu_passes qea_cpu_passes_base, qea_cpu_passes_avx2, qea_cpu_passes_avx512;
extern const qea_direct_kernel qea_pass_direct_avx512;
void qea_amx_begin(void); /* the tiles of this thread */
void qea_amx_end(void);
extern const qea_gradient_kernel qea_pass_gradient_amx;
qea_direct_kernel qea_pass_direct_amx(void); /* for a CPU with AMX, in a process that may use its tiles */

#define QEA_PASTE_NAMES(a, b) a##_##b
#define QEA_PASTE(a, b) QEA_PASTE_NAMES(a, b)
#define QEA_VARIANT(name) QEA_PASTE(name, QEA_ISA) /* QEA_ISA: base, avx2 or avx512; given by the build */

#ifdef QEA_ISA
bool QEA_VARIANT(qea_pass_forward)(const qea_segment *s, const qea_part *part);
void QEA_VARIANT(qea_pass_reduce)(const qea_segment *s, const qea_segment_grads *grads,
                                  const float *const center[QEA_MAX_BRANCHES], const qea_part *part,
                                  qea_part_sums *sums);
void QEA_VARIANT(qea_pass_backward)(const qea_segment *s, const qea_segment_grads *grads,
                                    const qea_segment_dx dx[QEA_MAX_BRANCHES], const qea_part *part);
void QEA_VARIANT(qea_pass_stats)(qea_view x, const qea_part *part, qea_moments *moments);
void QEA_VARIANT(qea_pass_max_pool_row)(const qea_pool *p, qea_view x, qea_view y, uint8_t *argmax, int row);
void QEA_VARIANT(qea_pass_avg_pool_row)(const qea_pool *p, qea_view x, qea_view y, int row);
void QEA_VARIANT(qea_pass_pool_backward_row)(const qea_pool *p, qea_view dy, const uint8_t *argmax, qea_view dx,
                                             float factor, int row);
void QEA_VARIANT(qea_pass_copy)(qea_view from, size_t from_index, qea_view to, size_t to_index, size_t count);
extern const qea_direct_kernel QEA_VARIANT(qea_pass_direct);
extern const qea_pass_winograd QEA_VARIANT(qea_pass_winograd);
#endif

#endif
