#include <string.h>

#include "kernels/common.h"
#include "kernels/cpu/cpu.h"

/* kernel 0: one window over the whole image. */
static qea_pool make_pool(int h, int w, int c, int kernel, int stride, int pad) {
    if (kernel == 0) return (qea_pool){h, w, c, 1, 1, h, w, 1, 0};
    int oh = qea_pool_side(h, kernel, stride, pad), ow = qea_pool_side(w, kernel, stride, pad);
    return (qea_pool){h, w, c, oh, ow, kernel, kernel, stride, pad};
}

void qea_cpu_max_pool(qea_view x, qea_view y, uint8_t *argmax, int n, int h, int w, int c, int kernel, int stride,
                      int pad) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_pool p = make_pool(h, w, c, kernel, stride, pad);
    int rows = n * p.oh;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(rows))
    for (int row = 0; row < rows; row++) passes->max_pool_row(&p, x, y, argmax, row);
}

void qea_cpu_avg_pool(qea_view x, qea_view y, int n, int h, int w, int c, int kernel, int stride, int pad) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_pool p = make_pool(h, w, c, kernel, stride, pad);
    int rows = n * p.oh;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(rows))
    for (int row = 0; row < rows; row++) passes->avg_pool_row(&p, x, y, row);
}

static void pool_backward(const qea_pool *p, qea_view dy, const uint8_t *argmax, qea_view dx, int n, float factor) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    int rows = n * p->h;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(rows))
    for (int row = 0; row < rows; row++) passes->pool_backward_row(p, dy, argmax, dx, factor, row);
}

void qea_cpu_max_pool_backward(qea_view dy, const uint8_t *argmax, qea_view dx, int n, int h, int w, int c, int kernel,
                               int stride, int pad) {
    qea_pool p = make_pool(h, w, c, kernel, stride, pad);
    pool_backward(&p, dy, argmax, dx, n, 1.0F);
}

void qea_cpu_avg_pool_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int kernel, int stride, int pad) {
    qea_pool p = make_pool(h, w, c, kernel, stride, pad);
    pool_backward(&p, dy, NULL, dx, n, 1.0F / (float)(p.kernel_h * p.kernel_w));
}

static void zero(qea_view to, size_t index, size_t count) { /* zero is all bits zero in both types */
    size_t bytes = qea_type_bytes(to.type);
    memset((char *)to.data + index * bytes, 0, count * bytes);
}

/* One pixel of `channels` from one of from_channels (NULL data: none): the first ones copied, the others zero. */
static void copy_pixel(qea_view from, size_t from_index, int from_channels, qea_view to, size_t to_index,
                       int channels) {
    int common = !from.data ? 0 : channels < from_channels ? channels : from_channels;
    if (common > 0) qea_cpu_passes_used()->copy(from, from_index, to, to_index, (size_t)common);
    zero(to, to_index + (size_t)common, (size_t)(channels - common));
}

void qea_cpu_skip(qea_view x, qea_view y, int n, int h, int w, int c, int oh, int ow, int k, int stride) {
    int rows = n * oh;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(rows))
    for (int row = 0; row < rows; row++)
        for (int j = 0; j < ow; j++) {
            int i = row % oh * stride, column = j * stride;
            bool inside = i < h && column < w;
            size_t from = (((size_t)(row / oh) * (size_t)h + (size_t)i) * (size_t)w + (size_t)column) * (size_t)c;
            size_t to = ((size_t)row * (size_t)ow + (size_t)j) * (size_t)k;
            copy_pixel(inside ? x : (qea_view){NULL, x.type}, from, c, y, to, k);
        }
}

void qea_cpu_skip_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int oh, int ow, int k, int stride) {
    int rows = n * h;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(rows))
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < w; column++) {
            int i = row % h / stride, j = column / stride;
            bool inside = row % h % stride == 0 && column % stride == 0 && i < oh && j < ow;
            size_t from = (((size_t)(row / h) * (size_t)oh + (size_t)i) * (size_t)ow + (size_t)j) * (size_t)k;
            size_t to = ((size_t)row * (size_t)w + (size_t)column) * (size_t)c;
            copy_pixel(inside ? dy : (qea_view){NULL, dy.type}, from, k, dx, to, c);
        }
}
