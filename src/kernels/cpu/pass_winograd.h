/* kernels/cpu/pass_winograd.h: what Winograd's convolutions are made of, for each instruction set. Images are cut into
 * tiles of 4x4 pixels. A tile, with its border 6x6, becomes 36 values in each channel; what was a convolution is then
 * 36 products of matrices of tiles and channels: backward-data      m[36][tile][c] = sum over k of dy'[36][tile][k]
 * u[36][k][c];     m becomes 4x4 pixels of dx backward-weights   s[36][c][k]    = sum over tiles of x'[36][tile][c]
 * dy''[36][tile][k];     s becomes 3x3 of dw Widths are channels rounded up to whole vectors; values beyond the last
 * channel are zero. */
#ifndef QEA_KERNELS_CPU_PASS_WINOGRAD_H
#define QEA_KERNELS_CPU_PASS_WINOGRAD_H

#include "kernels/cpu/passes.h"

enum {
    WG_TILE = 4,   /* pixels of a tile's side */
    WG_SIDE = 6,   /* with its border */
    WG_POINTS = 36 /* WG_SIDE squared */
};

/* Values from one of the 36 planes to the next for planes of `count`: an odd number of cache lines, so that they do not
 * all meet in the same sets of the first cache. */
static inline size_t qea_wg_plane(size_t count) {
    enum { LINE = 16 };
    return ((count + LINE - 1) / LINE | 1) * LINE;
}

/* Some tiles of images [n][h][w][channels]; tiles are numbered along a row, down an image, then by image. */
typedef struct qea_wg_tiles {
    int h, w, channels;
    int down, across; /* tiles of an image */
    int first, count;
} qea_wg_tiles;

/* Transformed tiles: value[point * plane + tile * width + channel]. */
typedef struct qea_wg_planes {
    float *value;
    size_t width, plane;
} qea_wg_planes;

struct qea_pass_winograd {
    int lanes, columns; /* channels in a vector, in a block of vectors */
    /* u[36][qea_wg_plane(k * c's width)] of weights [k][c][3][3], for the block of c from `first`. */
    void (*pack)(const float *weights, int k, int c, int first, float *u);
    void (*input)(const qea_wg_tiles *tiles, qea_view image, const qea_wg_planes *to); /* float32 or bytes */
    void (*gradient)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to);
    void (*output)(const qea_wg_tiles *tiles, const qea_wg_planes *from, float *image);
    /* Writes as many tiles of m as are a multiple of 12. */
    void (*multiply)(const qea_wg_planes *dy, const float *u, int k, int tiles, const qea_wg_planes *m);
    void (*accumulate)(const qea_wg_planes *x, const qea_wg_planes *dy, int c, int tiles, float *s);
    /* dw[..][c][3][3] for one c of `channels`: the transform of the sum of `parts` of s, in their order. */
    void (*finish)(const float *s, int parts, int c, int channels, int k, float *dw);
};

#ifdef QEA_ISA
void QEA_VARIANT(qea_wg_pack)(const float *weights, int k, int c, int first, float *u);
void QEA_VARIANT(qea_wg_input)(const qea_wg_tiles *tiles, qea_view image, const qea_wg_planes *to);
void QEA_VARIANT(qea_wg_gradient)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to);
void QEA_VARIANT(qea_wg_output)(const qea_wg_tiles *tiles, const qea_wg_planes *from, float *image);
void QEA_VARIANT(qea_wg_multiply)(const qea_wg_planes *dy, const float *u, int k, int tiles, const qea_wg_planes *m);
void QEA_VARIANT(qea_wg_accumulate)(const qea_wg_planes *x, const qea_wg_planes *dy, int c, int tiles, float *s);
void QEA_VARIANT(qea_wg_finish)(const float *s, int parts, int c, int channels, int k, float *dw);
#endif

#endif
