/* kernels/ref/pool.c: pooling and the convolution left out. Backward passes gather: each input value sums what its
 * windows send back, in the order of the windows, so that nothing is added to memory twice. */
#include <math.h>

#include "kernels/common.h"
#include "kernels/ref/ref.h"

typedef struct pool {
    int h, w, c, oh, ow, kernel_h, kernel_w, stride, pad;
} pool;

/* kernel 0: one window over the whole image. */
static pool make_pool(int h, int w, int c, int kernel, int stride, int pad) {
    if (kernel == 0) return (pool){h, w, c, 1, 1, h, w, 1, 0};
    return (pool){
        h,      w,      c,  qea_pool_side(h, kernel, stride, pad), qea_pool_side(w, kernel, stride, pad), kernel,
        kernel, stride, pad};
}

/* The index of [n][i][j][c] in an image of rows x columns pixels. */
static size_t at(int n, int rows, int columns, int channels, int i, int j, int c) {
    size_t pixel = ((size_t)n * (size_t)rows + (size_t)i) * (size_t)columns + (size_t)j;
    return pixel * (size_t)channels + (size_t)c;
}

/* Output pixel i's window covers input rows i stride - pad + [0, kernel): does it cover `row`, and as which tap? */
static bool covers(int i, int row, int kernel, int stride, int pad, int *tap) {
    *tap = row - (i * stride - pad);
    return *tap >= 0 && *tap < kernel;
}

static float window_max(const pool *p, qea_view x, int n, int i, int j, int c, uint8_t *winner) {
    float best = 0;
    bool found = false;
    for (int r = 0; r < p->kernel_h; r++)
        for (int s = 0; s < p->kernel_w; s++) {
            int row = i * p->stride - p->pad + r, column = j * p->stride - p->pad + s;
            if (row < 0 || row >= p->h || column < 0 || column >= p->w) continue;
            float v = qea_view_load(x, at(n, p->h, p->w, p->c, row, column, c));
            if (found && !(v > best || (isnan(v) && !isnan(best)))) continue;
            best = v;
            found = true;
            *winner = (uint8_t)(r * p->kernel_w + s);
        }
    return best;
}

void qea_ref_max_pool(qea_view x, qea_view y, uint8_t *argmax, int n, int h, int w, int c, int kernel, int stride,
                      int pad) {
    pool p = make_pool(h, w, c, kernel, stride, pad);
    size_t out = 0;
    for (int b = 0; b < n; b++)
        for (int i = 0; i < p.oh; i++)
            for (int j = 0; j < p.ow; j++)
                for (int k = 0; k < c; k++, out++) {
                    uint8_t winner = 0;
                    qea_view_store(y, out, window_max(&p, x, b, i, j, k, &winner));
                    if (argmax) argmax[out] = winner;
                }
}

static float window_mean(const pool *p, qea_view x, int n, int i, int j, int c) {
    float sum = 0;
    for (int r = 0; r < p->kernel_h; r++)
        for (int s = 0; s < p->kernel_w; s++) {
            int row = i * p->stride - p->pad + r, column = j * p->stride - p->pad + s;
            if (row < 0 || row >= p->h || column < 0 || column >= p->w) continue;
            sum += qea_view_load(x, at(n, p->h, p->w, p->c, row, column, c));
        }
    return sum * (1.0F / (float)(p->kernel_h * p->kernel_w));
}

void qea_ref_avg_pool(qea_view x, qea_view y, int n, int h, int w, int c, int kernel, int stride, int pad) {
    pool p = make_pool(h, w, c, kernel, stride, pad);
    size_t out = 0;
    for (int b = 0; b < n; b++)
        for (int i = 0; i < p.oh; i++)
            for (int j = 0; j < p.ow; j++)
                for (int k = 0; k < c; k++, out++) qea_view_store(y, out, window_mean(&p, x, b, i, j, k));
}

/* Sum of dy over the windows that cover the input value; argmax not NULL: only those that it won. */
static float gather(const pool *p, qea_view dy, const uint8_t *argmax, int n, int row, int column, int c) {
    float sum = 0;
    int r, s;
    for (int i = 0; i < p->oh; i++) {
        if (!covers(i, row, p->kernel_h, p->stride, p->pad, &r)) continue;
        for (int j = 0; j < p->ow; j++) {
            if (!covers(j, column, p->kernel_w, p->stride, p->pad, &s)) continue;
            size_t out = at(n, p->oh, p->ow, p->c, i, j, c);
            if (!argmax || argmax[out] == r * p->kernel_w + s) sum += qea_view_load(dy, out);
        }
    }
    return sum;
}

static void pool_backward(const pool *p, qea_view dy, const uint8_t *argmax, qea_view dx, int n, float factor) {
    size_t in = 0;
    for (int b = 0; b < n; b++)
        for (int row = 0; row < p->h; row++)
            for (int column = 0; column < p->w; column++)
                for (int c = 0; c < p->c; c++, in++)
                    qea_view_store(dx, in, gather(p, dy, argmax, b, row, column, c) * factor);
}

void qea_ref_max_pool_backward(qea_view dy, const uint8_t *argmax, qea_view dx, int n, int h, int w, int c, int kernel,
                               int stride, int pad) {
    pool p = make_pool(h, w, c, kernel, stride, pad);
    pool_backward(&p, dy, argmax, dx, n, 1.0F);
}

void qea_ref_avg_pool_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int kernel, int stride, int pad) {
    pool p = make_pool(h, w, c, kernel, stride, pad);
    pool_backward(&p, dy, NULL, dx, n, 1.0F / (float)(p.kernel_h * p.kernel_w));
}

void qea_ref_skip(qea_view x, qea_view y, int n, int h, int w, int c, int oh, int ow, int k, int stride) {
    size_t out = 0;
    for (int b = 0; b < n; b++)
        for (int i = 0; i < oh; i++)
            for (int j = 0; j < ow; j++)
                for (int channel = 0; channel < k; channel++, out++) {
                    int row = i * stride, column = j * stride;
                    bool inside = channel < c && row < h && column < w;
                    float v = inside ? qea_view_load(x, at(b, h, w, c, row, column, channel)) : 0.0F;
                    qea_view_store(y, out, v);
                }
}

void qea_ref_skip_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int oh, int ow, int k, int stride) {
    size_t in = 0;
    for (int b = 0; b < n; b++)
        for (int row = 0; row < h; row++)
            for (int column = 0; column < w; column++)
                for (int channel = 0; channel < c; channel++, in++) {
                    int i = row / stride, j = column / stride;
                    bool inside = channel < k && row % stride == 0 && column % stride == 0 && i < oh && j < ow;
                    qea_view_store(dx, in, inside ? qea_view_load(dy, at(b, oh, ow, k, i, j, channel)) : 0.0F);
                }
}
