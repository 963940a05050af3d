#include "kernels/cpu/lines.h"

/* The index of pixel (row, j) in an image of `columns` pixels a row; rows are counted through all images. */
static size_t pixel_index(const qea_pool *p, int columns, size_t row, int j) {
    return (row * (size_t)columns + (size_t)j) * (size_t)p->c;
}

static int later(int a, int b) { return a > b ? a : b; }
static int sooner(int a, int b) { return a < b ? a : b; }

typedef struct window { /* taps [r0, r1) x [s0, s1) lie inside of the image; tap (0, 0) is at row top, column left */
    int top, left, r0, r1, s0, s1;
} window;

static window window_at(const qea_pool *p, int i, int j) {
    int top = i * p->stride - p->pad, left = j * p->stride - p->pad;
    return (window){
        top, left, later(0, -top), sooner(p->kernel_h, p->h - top), later(0, -left), sooner(p->kernel_w, p->w - left)};
}

static size_t tap_index(const qea_pool *p, const window *win, size_t image, int r, int s) {
    return pixel_index(p, p->w, image * (size_t)p->h + (size_t)(win->top + r), win->left + s);
}

/* Keeps the larger value and its place; the first of equals stays, and a NaN is not replaced. */
static void keep_larger(const float *v, size_t n, int32_t place, float *best, int32_t *winner) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        int take = (int)!(v[i] <= best[i]) & (int)(best[i] == best[i]);
        best[i] = take ? v[i] : best[i];
        winner[i] = take ? place : winner[i];
    }
}

static void max_window(const qea_pool *p, const window *win, size_t image, qea_view x, size_t c, size_t n, float *best,
                       int32_t *winner) {
    line_tile tile;
    bool found = false;
    for (int r = win->r0; r < win->r1; r++)
        for (int s = win->s0; s < win->s1; s++) {
            const float *v = read_line(x, tap_index(p, win, image, r, s) + c, n, &tile);
            int32_t place = r * p->kernel_w + s;
            if (found) {
                keep_larger(v, n, place, best, winner);
                continue;
            }
            memcpy(best, v, n * sizeof *best);
            for (size_t i = 0; i < n; i++) winner[i] = place;
            found = true;
        }
}

void QEA_VARIANT(qea_pass_max_pool_row)(const qea_pool *p, qea_view x, qea_view y, uint8_t *argmax, int row) {
    line_tile best;
    int32_t winner[QEA_LINE] = {0};
    size_t image = (size_t)(row / p->oh), channels = (size_t)p->c;
    for (int j = 0; j < p->ow; j++) {
        window win = window_at(p, row % p->oh, j);
        size_t out = pixel_index(p, p->ow, (size_t)row, j);
        for (size_t c = 0; c < channels; c += QEA_LINE) {
            size_t n = channels - c < QEA_LINE ? channels - c : QEA_LINE;
            max_window(p, &win, image, x, c, n, best.f, winner);
            if (y.type == QEA_F32) memcpy((float *)y.data + out + c, best.f, n * sizeof best.f[0]);
            finish_line(y, out + c, n, &best);
            for (size_t i = 0; argmax && i < n; i++) argmax[out + c + i] = (uint8_t)winner[i];
        }
    }
}

static void add_line(const float *v, size_t n, float *sum) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) sum[i] += v[i];
}

static void scale_line(const float *v, size_t n, float factor, float *to) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] = v[i] * factor;
}

void QEA_VARIANT(qea_pass_avg_pool_row)(const qea_pool *p, qea_view x, qea_view y, int row) {
    line_tile in, to;
    float sum[QEA_LINE], factor = 1.0F / (float)(p->kernel_h * p->kernel_w);
    size_t image = (size_t)(row / p->oh), channels = (size_t)p->c;
    for (int j = 0; j < p->ow; j++) {
        window win = window_at(p, row % p->oh, j);
        size_t out = pixel_index(p, p->ow, (size_t)row, j);
        for (size_t c = 0; c < channels; c += QEA_LINE) {
            size_t n = channels - c < QEA_LINE ? channels - c : QEA_LINE;
            memset(sum, 0, n * sizeof *sum);
            for (int r = win.r0; r < win.r1; r++)
                for (int s = win.s0; s < win.s1; s++)
                    add_line(read_line(x, tap_index(p, &win, image, r, s) + c, n, &in), n, sum);
            scale_line(sum, n, factor, start_line(y, out + c, &to));
            finish_line(y, out + c, n, &to);
        }
    }
}

/* --- backward --- */

/* Output rows (columns) [first, last] whose windows cover an input row (column). */
static int first_window(int at, int kernel, int stride, int pad) {
    int before = at + pad - kernel + 1;
    return before <= 0 ? 0 : (before + stride - 1) / stride;
}

static int last_window(int at, int stride, int pad, int count) { return sooner((at + pad) / stride, count - 1); }

static void add_won(const float *g, const uint8_t *argmax, size_t n, int place, float *sum) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) sum[i] += argmax[i] == place ? g[i] : 0.0F;
}

/* Sum of dy over the windows that cover pixel (h, w) of the image; argmax not NULL: where that pixel won. */
static void gather_line(const qea_pool *p, qea_view dy, const uint8_t *argmax, size_t image, int h, int w, size_t c,
                        size_t n, float *sum) {
    line_tile tile;
    memset(sum, 0, n * sizeof *sum);
    int last_i = last_window(h, p->stride, p->pad, p->oh), last_j = last_window(w, p->stride, p->pad, p->ow);
    for (int i = first_window(h, p->kernel_h, p->stride, p->pad); i <= last_i; i++)
        for (int j = first_window(w, p->kernel_w, p->stride, p->pad); j <= last_j; j++) {
            size_t out = pixel_index(p, p->ow, image * (size_t)p->oh + (size_t)i, j) + c;
            const float *g = read_line(dy, out, n, &tile);
            int r = h + p->pad - i * p->stride, s = w + p->pad - j * p->stride;
            if (argmax)
                add_won(g, argmax + out, n, r * p->kernel_w + s, sum);
            else
                add_line(g, n, sum);
        }
}

void QEA_VARIANT(qea_pass_pool_backward_row)(const qea_pool *p, qea_view dy, const uint8_t *argmax, qea_view dx,
                                             float factor, int row) {
    line_tile to;
    float sum[QEA_LINE];
    size_t image = (size_t)(row / p->h), channels = (size_t)p->c;
    for (int w = 0; w < p->w; w++) {
        size_t in = pixel_index(p, p->w, (size_t)row, w);
        for (size_t c = 0; c < channels; c += QEA_LINE) {
            size_t n = channels - c < QEA_LINE ? channels - c : QEA_LINE;
            gather_line(p, dy, argmax, image, row % p->h, w, c, n, sum);
            scale_line(sum, n, factor, start_line(dx, in + c, &to));
            finish_line(dx, in + c, n, &to);
        }
    }
}
