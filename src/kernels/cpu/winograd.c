#include "kernels/cpu/winograd.h"

#include <omp.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/pass_winograd.h"

enum {
    WINDOW = 3 * 3,
    BLOCK = 48,       /* tiles that are worked on at a time; a multiple of 12. Up to 64 channels all of a block lies in
                         the second cache, beyond that fewer tiles would read the weights too often */
    LEAST_TILES = 16, /* fewer do not pay for the transforms of the weights and of their gradient, */
    LEAST_PIXELS = 8, /* nor tiles with fewer than that of their 16 pixels in the image, on average */
    MOST_WEIGHTS = 256 * 256 /* c k: 36 values are kept for each in place of 9 */
};

/* Forward: y is what the backward pass makes of x with the weights mirrored, inputs and outputs exchanged. */
struct qea_winograd {
    qea_conv_shape shape; /* of the convolution whose backward passes these are */
    float *mirrored;      /* forward: its weights; else NULL */
    const qea_pass_winograd *kernel;
    int down, across; /* tiles of an image */
    int tiles, blocks, threads;
    float *u;                       /* transformed weights */
    qea_wg_planes *x_side, *y_side; /* [threads]: transformed tiles with c and with k channels */
    float *sums;                    /* [threads][36][c][k's width] */
    float *scratch;                 /* behind the planes */
};

static size_t width_of(const qea_pass_winograd *kernel, int channels) {
    size_t lanes = (size_t)kernel->lanes;
    return ((size_t)channels + lanes - 1) / lanes * lanes;
}

static int tiles_along(int side) { return (side + WG_TILE - 1) / WG_TILE; }

bool qea_winograd_suits(const qea_conv_shape *s) {
    const qea_pass_winograd *kernel = qea_cpu_passes_used()->winograd;
    if (!kernel || s->r != 3 || s->s != 3 || s->stride != 1 || s->pad != 1 || s->groups != 1) return false;
    int64_t tiles = (int64_t)tiles_along(s->h) * tiles_along(s->w); /* of an image */
    return s->c >= kernel->lanes && s->k >= kernel->lanes && (int64_t)s->c * s->k <= MOST_WEIGHTS &&
           tiles * s->n >= LEAST_TILES && tiles * s->n <= INT32_MAX / 2 && (int64_t)s->h * s->w >= LEAST_PIXELS * tiles;
}

static qea_status make_scratch(qea_context *ctx, qea_winograd *conv) {
    size_t c_width = width_of(conv->kernel, conv->shape.c), k_width = width_of(conv->kernel, conv->shape.k);
    size_t c_plane = qea_wg_plane(c_width * BLOCK), k_plane = qea_wg_plane(k_width * BLOCK);
    size_t threads = (size_t)conv->threads, each = WG_POINTS * (c_plane + k_plane);
    QEA_TRY(QEA_NEW(ctx, "transformed tiles", conv->scratch, threads * each));
    QEA_TRY(QEA_NEW(ctx, "transformed tiles", conv->x_side, threads));
    QEA_TRY(QEA_NEW(ctx, "transformed tiles", conv->y_side, threads));
    for (size_t t = 0; t < threads; t++) {
        float *at = conv->scratch + t * each;
        conv->x_side[t] = (qea_wg_planes){at, c_width, c_plane};
        conv->y_side[t] = (qea_wg_planes){at + WG_POINTS * c_plane, k_width, k_plane};
    }
    return QEA_OK;
}

static qea_status make(qea_context *ctx, qea_winograd *conv, bool forward) {
    size_t c = (size_t)conv->shape.c, k = (size_t)conv->shape.k;
    size_t u = WG_POINTS * qea_wg_plane(k * width_of(conv->kernel, conv->shape.c));
    size_t sums = WG_POINTS * qea_wg_plane(c * width_of(conv->kernel, conv->shape.k));
    QEA_TRY(QEA_NEW(ctx, "transformed weights", conv->u, u));
    if (forward)
        QEA_TRY(QEA_NEW(ctx, "mirrored weights", conv->mirrored, k * c * WINDOW));
    else
        QEA_TRY(QEA_NEW(ctx, "transformed gradient", conv->sums, (size_t)conv->threads * sums));
    return make_scratch(ctx, conv);
}

qea_status qea_winograd_create(qea_context *ctx, const qea_conv_shape *shape, bool forward, qea_winograd **out) {
    *out = NULL;
    qea_winograd *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    conv->shape = *shape;
    if (forward) {
        conv->shape.c = shape->k;
        conv->shape.k = shape->c;
    }
    conv->kernel = qea_cpu_passes_used()->winograd;
    conv->down = tiles_along(shape->h);
    conv->across = tiles_along(shape->w);
    conv->tiles = shape->n * conv->down * conv->across;
    conv->blocks = (conv->tiles + BLOCK - 1) / BLOCK;
    conv->threads = qea_cpu_team(conv->blocks);
    qea_status status = make(ctx, conv, forward);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_winograd_destroy(conv);
    return status;
}

void qea_winograd_destroy(qea_winograd *conv) {
    if (!conv) return;
    qea_free(conv->mirrored);
    qea_free(conv->u);
    qea_free(conv->sums);
    qea_free(conv->x_side);
    qea_free(conv->y_side);
    qea_free(conv->scratch);
    qea_free(conv);
}

static qea_wg_tiles tiles_of(const qea_winograd *conv, int block, int channels) {
    int first = block * BLOCK, left = conv->tiles - first, count = left < BLOCK ? left : BLOCK;
    return (qea_wg_tiles){conv->shape.h, conv->shape.w, channels, conv->down, conv->across, first, count};
}

/* weights [c][k][window] of the forward convolution -> [k][c][window], each window read from its end. */
static const float *mirror(const qea_winograd *conv, const float *weights) {
    size_t c = (size_t)conv->shape.c, k = (size_t)conv->shape.k;
    for (size_t i = 0; i < c; i++)
        for (size_t j = 0; j < k; j++)
            for (size_t t = 0; t < WINDOW; t++)
                conv->mirrored[(j * c + i) * WINDOW + t] = weights[(i * k + j) * WINDOW + WINDOW - 1 - t];
    return conv->mirrored;
}

void qea_winograd_set_weights(qea_winograd *conv, const float *weights) {
    int c = conv->shape.c, k = conv->shape.k, columns = conv->kernel->columns;
    if (conv->mirrored) weights = mirror(conv, weights);
#pragma omp parallel for schedule(static) num_threads(conv->threads) if (c > columns)
    for (int first = 0; first < c; first += columns) conv->kernel->pack(weights, k, c, first, conv->u);
}

void qea_winograd_backward_data(qea_winograd *conv, const float *dy, float *dx) {
    const qea_pass_winograd *kernel = conv->kernel;
    const qea_conv_shape *s = &conv->shape;
#pragma omp parallel for schedule(static) num_threads(conv->threads)
    for (int block = 0; block < conv->blocks; block++) {
        const qea_wg_planes *from = &conv->y_side[omp_get_thread_num()], *to = &conv->x_side[omp_get_thread_num()];
        qea_wg_tiles in = tiles_of(conv, block, s->k), out = tiles_of(conv, block, s->c);
        kernel->input(&in, (qea_view){(void *)(uintptr_t)dy, QEA_F32}, from);
        kernel->multiply(from, conv->u, s->k, in.count, to);
        kernel->output(&out, to, dx);
    }
}

void qea_winograd_forward(qea_winograd *conv, const float *x, float *y) { qea_winograd_backward_data(conv, x, y); }

void qea_winograd_backward_weights(qea_winograd *conv, qea_view x, const float *dy, float *dweights) {
    const qea_pass_winograd *kernel = conv->kernel;
    const qea_conv_shape *s = &conv->shape;
    size_t sums = WG_POINTS * qea_wg_plane((size_t)s->c * conv->y_side[0].width);
#pragma omp parallel for schedule(static) num_threads(conv->threads)
    for (int t = 0; t < conv->threads; t++) { /* parts of the blocks, whoever takes them */
        float *sum = conv->sums + (size_t)t * sums;
        memset(sum, 0, sums * sizeof *sum);
        int end = (int)((int64_t)conv->blocks * (t + 1) / conv->threads);
        for (int block = (int)((int64_t)conv->blocks * t / conv->threads); block < end; block++) {
            qea_wg_tiles in = tiles_of(conv, block, s->c), out = tiles_of(conv, block, s->k);
            kernel->input(&in, x, &conv->x_side[t]);
            kernel->gradient(&out, dy, &conv->y_side[t]);
            kernel->accumulate(&conv->x_side[t], &conv->y_side[t], s->c, in.count, sum);
        }
    }
#pragma omp parallel for schedule(static) num_threads(conv->threads)
    for (int c = 0; c < s->c; c++) kernel->finish(conv->sums, conv->threads, c, s->c, s->k, dweights);
}
