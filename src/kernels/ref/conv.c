/* kernels/ref/conv.c: convolutions as their definition says, summed in float64 and rounded once, when stored:
 *   y[n][i][j][k] = sum over r, s, c of x[n][i stride + r - pad][j stride + s - pad][c] w[k][c][r][s],
 * x = 0 outside of the image, c over the channels of k's group. Weights lie as [group][r][s][c][k], so that the inner
 * loops run over neighbours; that is the only liberty taken. */
#include <string.h>

#include "base/memory.h"
#include "kernels/common.h"
#include "kernels/ref/ref.h"

struct qea_conv {
    qea_conv_shape shape;
    qea_type type, out_type;
    float *weights;   /* owned, [groups][r][s][c / groups][k / groups] */
    double *sums;     /* owned, one output pixel of a group: [k / groups] */
    float *dy;        /* owned, the same pixel's gradient */
    double *dw;       /* owned, as weights; NULL for inference */
    float *unrounded; /* owned, y for its statistics; NULL where y is float32 */
};

typedef struct position { /* an image's pixels are counted through: n, row, column */
    int n, i, j, group;
} position;

void qea_ref_conv_destroy(qea_conv *conv) {
    if (!conv) return;
    qea_free(conv->weights);
    qea_free(conv->sums);
    qea_free(conv->dy);
    qea_free(conv->dw);
    qea_free(conv->unrounded);
    qea_free(conv);
}

static size_t num_weights(const qea_conv_shape *s) {
    return (size_t)s->k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s;
}

static size_t num_outputs(const qea_conv_shape *s) {
    return (size_t)s->n * (size_t)s->oh * (size_t)s->ow * (size_t)s->k;
}

static qea_status allocate(qea_context *ctx, qea_conv *conv, qea_conv_use use) {
    size_t group_channels = (size_t)(conv->shape.k / conv->shape.groups);
    qea_status status = QEA_NEW(ctx, "convolution weights", conv->weights, num_weights(&conv->shape));
    if (status == QEA_OK) status = QEA_NEW(ctx, "convolution sums", conv->sums, group_channels);
    if (status == QEA_OK) status = QEA_NEW(ctx, "convolution gradients", conv->dy, group_channels);
    if (status == QEA_OK && conv->out_type != QEA_F32)
        status = QEA_NEW(ctx, "convolution sums", conv->unrounded, num_outputs(&conv->shape));
    if (status == QEA_OK && use == QEA_CONV_TRAINING)
        status = QEA_NEW(ctx, "convolution weight gradients", conv->dw, num_weights(&conv->shape));
    return status;
}

qea_status qea_ref_conv_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use,
                               const qea_conv_grid *widest, qea_type type, qea_type out_type, qea_conv **out) {
    (void)widest;
    *out = NULL;
    qea_status status = qea_conv_shape_check(ctx, shape);
    qea_conv *conv = NULL;
    if (status == QEA_OK) status = QEA_NEW(ctx, "convolution", conv, 1);
    if (status != QEA_OK) return status;
    conv->shape = *shape;
    conv->type = type;
    conv->out_type = out_type;
    status = allocate(ctx, conv, use);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_ref_conv_destroy(conv);
    return status;
}

/* Where the weights of tap (r, s) and channel c of a group stand, for its k = 0. */
static size_t weight_row(const qea_conv_shape *q, int group, int r, int s, int c) {
    size_t group_c = (size_t)(q->c / q->groups), group_k = (size_t)(q->k / q->groups);
    return ((((size_t)group * (size_t)q->r + (size_t)r) * (size_t)q->s + (size_t)s) * group_c + (size_t)c) * group_k;
}

/* The index of [k][c][r][s], k counted within its group. */
static size_t outer_weight(const qea_conv_shape *q, int group, int k, int c, int r, int s) {
    size_t group_c = (size_t)(q->c / q->groups), channel = (size_t)group * (size_t)(q->k / q->groups) + (size_t)k;
    return ((channel * group_c + (size_t)c) * (size_t)q->r + (size_t)r) * (size_t)q->s + (size_t)s;
}

/* Calls `visit` for each (group, r, s, c, k): the inner index first, then the index in [k][c][r][s]. */
#define FOR_EACH_WEIGHT(q, inner, outer, statement)                                                                    \
    for (int g = 0; g < (q)->groups; g++)                                                                              \
        for (int r = 0; r < (q)->r; r++)                                                                               \
            for (int s = 0; s < (q)->s; s++)                                                                           \
                for (int c = 0; c < (q)->c / (q)->groups; c++)                                                         \
                    for (int k = 0; k < (q)->k / (q)->groups; k++) {                                                   \
                        size_t inner = weight_row(q, g, r, s, c) + (size_t)k, outer = outer_weight(q, g, k, c, r, s);  \
                        statement;                                                                                     \
                    }

qea_status qea_ref_conv_set_weights(qea_context *ctx, qea_conv *conv, const float *weights, const qea_conv_grid *grid) {
    (void)ctx, (void)grid;
    qea_view to = {conv->weights, QEA_F32};
    bool round = conv->type != QEA_F32;
    FOR_EACH_WEIGHT(&conv->shape, inner, outer, {
        float w = weights[outer];
        qea_view_store(to, inner, round ? qea_round_to_bf16(w) : w);
    });
    return QEA_OK;
}

/* The index of the input pixel under tap (r, s) of output pixel `at`, for channel 0 of the group; false: padding. */
static bool input_pixel(const qea_conv_shape *q, position at, int r, int s, size_t *index) {
    int row = at.i * q->stride + r - q->pad, column = at.j * q->stride + s - q->pad;
    if (row < 0 || row >= q->h || column < 0 || column >= q->w) return false;
    size_t pixel = ((size_t)at.n * (size_t)q->h + (size_t)row) * (size_t)q->w + (size_t)column;
    *index = pixel * (size_t)q->c + (size_t)at.group * (size_t)(q->c / q->groups);
    return true;
}

static size_t output_pixel(const qea_conv_shape *q, position at) {
    size_t pixel = ((size_t)at.n * (size_t)q->oh + (size_t)at.i) * (size_t)q->ow + (size_t)at.j;
    return pixel * (size_t)q->k + (size_t)at.group * (size_t)(q->k / q->groups);
}

/* The next output pixel and group; false after the last. */
static bool next(const qea_conv_shape *q, position *at) {
    if (++at->group < q->groups) return true;
    at->group = 0;
    if (++at->j < q->ow) return true;
    at->j = 0;
    if (++at->i < q->oh) return true;
    at->i = 0;
    return ++at->n < q->n;
}

static void add_tap(const qea_conv *conv, qea_view x, size_t in, int group, int r, int s) {
    const qea_conv_shape *q = &conv->shape;
    int group_k = q->k / q->groups;
    for (int c = 0; c < q->c / q->groups; c++) {
        const float *w = conv->weights + weight_row(q, group, r, s, c);
        double value = (double)qea_view_load(x, in + (size_t)c);
        for (int k = 0; k < group_k; k++) conv->sums[k] += value * (double)w[k];
    }
}

static void convolve(const qea_conv *conv, qea_view x, qea_view to) {
    const qea_conv_shape *q = &conv->shape;
    int group_k = q->k / q->groups;
    position at = {0};
    do {
        memset(conv->sums, 0, (size_t)group_k * sizeof *conv->sums);
        size_t in;
        for (int r = 0; r < q->r; r++)
            for (int s = 0; s < q->s; s++)
                if (input_pixel(q, at, r, s, &in)) add_tap(conv, x, in, at.group, r, s);
        size_t out = output_pixel(q, at);
        for (int k = 0; k < group_k; k++) qea_view_store(to, out + (size_t)k, (float)conv->sums[k]);
    } while (next(q, &at));
}

bool qea_ref_conv_reads_bytes(const qea_conv *conv) {
    (void)conv;
    return true;
}

qea_status qea_ref_conv_forward(qea_context *ctx, qea_conv *conv, qea_view x, void *y) {
    (void)ctx;
    convolve(conv, x, (qea_view){y, conv->out_type});
    return QEA_OK;
}

qea_status qea_ref_conv_forward_stats(qea_context *ctx, qea_conv *conv, qea_view x, void *y, float *mean,
                                      float *variance) {
    (void)ctx;
    const qea_conv_shape *q = &conv->shape;
    qea_view sums = {conv->unrounded ? conv->unrounded : y, QEA_F32}, to = {y, conv->out_type};
    convolve(conv, x, sums);
    qea_ref_channel_stats(sums, num_outputs(q) / (size_t)q->k, q->k, mean, variance);
    for (size_t i = 0; conv->unrounded && i < num_outputs(q); i++) qea_view_store(to, i, conv->unrounded[i]);
    return QEA_OK;
}

/* The output row that tap r of input row `row` belongs to, or -1. */
static int output_row(int row, int r, int pad, int stride, int rows) {
    int shifted = row + pad - r;
    if (shifted < 0 || shifted % stride) return -1;
    return shifted / stride < rows ? shifted / stride : -1;
}

/* d(loss)/dx of one value: the sum over the output pixels that saw it. */
static double input_gradient(const qea_conv *conv, qea_view dy, int n, int row, int column, int group, int c) {
    const qea_conv_shape *q = &conv->shape;
    double sum = 0;
    for (int r = 0; r < q->r; r++)
        for (int s = 0; s < q->s; s++) {
            position at = {n, output_row(row, r, q->pad, q->stride, q->oh),
                           output_row(column, s, q->pad, q->stride, q->ow), group};
            if (at.i < 0 || at.j < 0) continue;
            size_t out = output_pixel(q, at);
            const float *w = conv->weights + weight_row(q, group, r, s, c);
            for (int k = 0; k < q->k / q->groups; k++) sum += (double)qea_view_load(dy, out + (size_t)k) * (double)w[k];
        }
    return sum;
}

qea_status qea_ref_conv_backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx) {
    (void)ctx;
    const qea_conv_shape *q = &conv->shape;
    qea_view from = {(void *)(uintptr_t)dy, conv->out_type}, to = {dx, conv->type};
    int group_c = q->c / q->groups;
    size_t index = 0;
    for (int n = 0; n < q->n; n++)
        for (int row = 0; row < q->h; row++)
            for (int column = 0; column < q->w; column++)
                for (int c = 0; c < q->c; c++, index++) {
                    double sum = input_gradient(conv, from, n, row, column, c / group_c, c % group_c);
                    qea_view_store(to, index, (float)sum);
                }
    return QEA_OK;
}

qea_status qea_ref_conv_backward_weights(qea_context *ctx, qea_conv *conv, qea_view x, const void *dy,
                                         float *dweights) {
    (void)ctx;
    const qea_conv_shape *q = &conv->shape;
    qea_view out_view = {(void *)(uintptr_t)dy, conv->out_type};
    int group_k = q->k / q->groups;
    memset(conv->dw, 0, num_weights(q) * sizeof *conv->dw);
    position at = {0};
    do {
        size_t in, out = output_pixel(q, at);
        for (int k = 0; k < group_k; k++) conv->dy[k] = qea_view_load(out_view, out + (size_t)k);
        for (int r = 0; r < q->r; r++)
            for (int s = 0; s < q->s; s++) {
                if (!input_pixel(q, at, r, s, &in)) continue;
                for (int c = 0; c < q->c / q->groups; c++) {
                    double value = (double)qea_view_load(x, in + (size_t)c);
                    double *dw = conv->dw + weight_row(q, at.group, r, s, c);
                    for (int k = 0; k < group_k; k++) dw[k] += value * (double)conv->dy[k];
                }
            }
    } while (next(q, &at));
    FOR_EACH_WEIGHT(q, inner, outer, dweights[outer] = (float)conv->dw[inner]);
    return QEA_OK;
}
