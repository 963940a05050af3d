/* kernels/cpu/winograd.h: the backward passes of a 3x3 convolution (stride 1, pad 1, one group) in float32 by Winograd's
 * minimal filtering; Lavin and Gray 2016, formulas in docs/math.md. The image is cut into tiles of 4x4 pixels. A tile
 * with its border, 6x6, is transformed to 36 values; what was a convolution is then 36 products of matrices, of tiles
 * and channels, with a quarter of the multiplications:
 *   backward-data      m[36][tile][c] = sum over k of dy'[36][tile][k] u[36][k][c],   dx = output transform of m
 *   backward-weights   s[36][c][k]    = sum over tiles of x'[36][tile][c] dy''[36][tile][k],   dw = transform of s
 * Transformed tiles are worked on a block at a time, which stays in the second cache. */
#ifndef QEA_KERNELS_CPU_WINOGRAD_H
#define QEA_KERNELS_CPU_WINOGRAD_H

#include "kernels/cpu/passes.h"

enum {
    QEA_WG_TILE = 4,   /* pixels of a tile's side */
    QEA_WG_SIDE = 6,   /* with its border */
    QEA_WG_POINTS = 36 /* QEA_WG_SIDE squared */
};

/* Images [n][h][w][channels] and which of their tiles: numbered along rows, then images. */
typedef struct qea_wg_tiles {
    int h, w, channels;
    int down, across; /* tiles of an image */
    int first, count;
} qea_wg_tiles;

/* Transformed tiles [36][tile][width]: `width` is the channels rounded up to whole vectors, `plane` the values from one
 * of the 36 to the next. */
typedef struct qea_wg_planes {
    float *values;
    int width;
    size_t plane;
} qea_wg_planes;

typedef struct qea_winograd_kernels { /* of one instruction set */
    int lanes, rows; /* values of a vector; tiles that `multiply` takes at a time: it writes whole groups of them */
    /* u[36][blocks of c][k][vectors of the block] of weights [k][c][3][3]; u_size values. */
    size_t (*u_size)(int k, int c);
    void (*pack)(const float *weights, int k, int c, float *u);
    void (*input)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to);
    void (*gradient)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to);
    void (*output)(const qea_wg_tiles *tiles, const qea_wg_planes *from, float *image);
    void (*multiply)(const qea_wg_planes *a, const float *u, int k, int tiles, const qea_wg_planes *m);
    /* s[36][c][b's width] += */
    void (*accumulate)(const qea_wg_planes *a, int c, const qea_wg_planes *b, int tiles, float *s);
    /* Sums `parts` of these, `part` values apart, in their order, and writes dw[k][c][3][3] for one c. */
    void (*finish)(const float *s, size_t part, int parts, int c, int channels, int k, float *dw);
} qea_winograd_kernels;

extern const qea_winograd_kernels qea_winograd_avx2, qea_winograd_avx512;

#ifdef QEA_ISA
size_t QEA_VARIANT(qea_wg_u_size)(int k, int c);
void QEA_VARIANT(qea_wg_pack)(const float *weights, int k, int c, float *u);
void QEA_VARIANT(qea_wg_input)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to);
void QEA_VARIANT(qea_wg_gradient)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to);
void QEA_VARIANT(qea_wg_output)(const qea_wg_tiles *tiles, const qea_wg_planes *from, float *image);
void QEA_VARIANT(qea_wg_multiply)(const qea_wg_planes *a, const float *u, int k, int tiles, const qea_wg_planes *m);
void QEA_VARIANT(qea_wg_accumulate)(const qea_wg_planes *a, int c, const qea_wg_planes *b, int tiles, float *s);
void QEA_VARIANT(qea_wg_finish)(const float *s, size_t part, int parts, int c, int channels, int k, float *dw);
#endif

/* One convolution's backward passes. */
typedef struct qea_winograd qea_winograd;

/* Whether the passes are possible for a shape at all. */
bool qea_winograd_fits(const qea_conv_shape *shape);

#endif
