/* kernels/cpu/pass_depthwise.c: the rows of depthwise convolutions (cpu/depthwise.c has what is around them). Vectors
 * run over channels. Some neighbouring output pixels are computed together, so that a weight that was loaded serves all
 * of them. */
#include "kernels/cpu/pass_depthwise.h"
#include "kernels/cpu/vector.h"

enum { PIXELS = 4 }; /* output pixels that are computed together */

static int larger(int a, int b) { return a > b ? a : b; }
static int smaller(int a, int b) { return a < b ? a : b; }

/* The taps from..to of a window from `start` that lie within `side`. */
static inline void clip(int start, int taps, int side, int *from, int *to) {
    *from = larger(0, -start);
    *to = smaller(taps, side - start);
}

/* One output pixel at column j; taps in rows from..to and in columns within the image. */
static void convolve_pixel(const qea_depthwise *d, const float *x, int from, int to, int j, float *y) {
    int left = j * d->stride - d->pad_w, first, last;
    size_t c = (size_t)d->c;
    clip(left, d->s, d->w, &first, &last);
    for (size_t k = 0; k < c; k += VEC_LANES) {
        vec sum = vec_zero();
        for (int u = from; u < to; u++)
            for (int v = first; v < last; v++)
                sum = vec_fma(vec_load(x + (size_t)(u * d->w + left + v) * c + k),
                              vec_load(d->weights + (size_t)(u * d->s + v) * c + k), sum);
        vec_store(y + k, sum);
    }
}

/* PIXELS output pixels whose windows of s columns lie within the image; x: at the first window's first column. */
static inline __attribute__((always_inline)) void convolve_pixels(const qea_depthwise *d, int s, int stride,
                                                                  const float *x, int from, int to, float *y) {
    size_t c = (size_t)d->c, step = (size_t)stride * c;
    for (size_t k = 0; k < c; k += VEC_LANES) {
        vec sum[PIXELS];
        for (int p = 0; p < PIXELS; p++) sum[p] = vec_zero();
        for (int u = from; u < to; u++) {
            const float *row = x + (size_t)(u * d->w) * c + k, *weights = d->weights + (size_t)(u * s) * c + k;
            for (int v = 0; v < s; v++) {
                vec weight = vec_load(weights + (size_t)v * c);
                for (int p = 0; p < PIXELS; p++)
                    sum[p] = vec_fma(vec_load(row + (size_t)p * step + (size_t)v * c), weight, sum[p]);
            }
        }
        for (int p = 0; p < PIXELS; p++) vec_store(y + (size_t)p * c + k, sum[p]);
    }
}

static void convolve_inside(const qea_depthwise *d, const float *x, int from, int to, float *y) {
    if (d->s == 3 && d->stride == 1)
        convolve_pixels(d, 3, 1, x, from, to, y);
    else if (d->s == 3 && d->stride == 2)
        convolve_pixels(d, 3, 2, x, from, to, y);
    else if (d->s == 5 && d->stride == 1)
        convolve_pixels(d, 5, 1, x, from, to, y);
    else
        convolve_pixels(d, d->s, d->stride, x, from, to, y);
}

/* Output columns first..last-1 have whole windows. */
static void whole_windows(const qea_depthwise *d, int *first, int *last) {
    int room = d->w + d->pad_w - d->s;
    *first = smaller(d->ow, (d->pad_w + d->stride - 1) / d->stride);
    *last = room < 0 ? *first : larger(*first, smaller(d->ow, room / d->stride + 1));
}

void QEA_VARIANT(qea_dw_convolve_row)(const qea_depthwise *d, const float *x, int row, float *y) {
    int top = row * d->stride - d->pad_h, from, to, first, last, j = 0;
    size_t c = (size_t)d->c;
    clip(top, d->r, d->h, &from, &to);
    whole_windows(d, &first, &last);
    const float *window = x + (ptrdiff_t)top * d->w * (ptrdiff_t)c; /* rows before `from` are not looked at */
    for (; j < first; j++) convolve_pixel(d, window, from, to, j, y + (size_t)j * c);
    for (; j + PIXELS <= last; j += PIXELS)
        convolve_inside(d, window + (size_t)(j * d->stride - d->pad_w) * c, from, to, y + (size_t)j * c);
    for (; j < d->ow; j++) convolve_pixel(d, window, from, to, j, y + (size_t)j * c);
}

/* For strides: the outputs whose windows cover a pixel of the input. */
void QEA_VARIANT(qea_dw_spread_row)(const qea_depthwise *d, const float *dy, int row, float *dx) {
    size_t c = (size_t)d->c;
    for (int j = 0; j < d->w; j++, dx += c)
        for (size_t k = 0; k < c; k += VEC_LANES) {
            vec sum = vec_zero();
            for (int u = (row + d->pad_h) % d->stride; u < d->r; u += d->stride) {
                int i = (row + d->pad_h - u) / d->stride;
                if (row + d->pad_h < u || i >= d->oh) continue;
                for (int v = (j + d->pad_w) % d->stride; v < d->s; v += d->stride) {
                    int o = (j + d->pad_w - v) / d->stride;
                    if (j + d->pad_w < v || o >= d->ow) continue;
                    sum = vec_fma(vec_load(dy + (size_t)(i * d->ow + o) * c + k),
                                  vec_load(d->weights + (size_t)(u * d->s + v) * c + k), sum);
                }
            }
            vec_store(dx + k, sum);
        }
}

/* sums of up to 3 neighbouring taps v.. of row u over the output columns that see them. */
static inline __attribute__((always_inline)) void gather_taps(const qea_depthwise *d, int taps, const float *x,
                                                              const float *dy, int first, int last, float *sums) {
    size_t c = (size_t)d->c, step = (size_t)d->stride * c;
    for (size_t k = 0; k < c; k += VEC_LANES) {
        vec sum[3];
        for (int t = 0; t < taps; t++) sum[t] = vec_zero();
        for (int j = first; j < last; j++) {
            vec gradient = vec_load(dy + (size_t)j * c + k);
            const float *from = x + (ptrdiff_t)j * (ptrdiff_t)step + k;
            for (int t = 0; t < taps; t++) sum[t] = vec_fma(vec_load(from + (size_t)t * c), gradient, sum[t]);
        }
        for (int t = 0; t < taps; t++) {
            float *to = sums + (size_t)t * c + k;
            vec_store(to, vec_add(vec_load(to), sum[t]));
        }
    }
}

/* As gather_taps for all nine taps of a 3x3 window. */
static void gather_window(const qea_depthwise *d, const float *x, const float *dy, int first, int last, float *sums) {
    size_t c = (size_t)d->c, line = (size_t)d->w * c, step = (size_t)d->stride * c;
    for (size_t k = 0; k < c; k += VEC_LANES) {
        vec sum[9];
        for (int t = 0; t < 9; t++) sum[t] = vec_zero();
        for (int j = first; j < last; j++) {
            vec gradient = vec_load(dy + (size_t)j * c + k);
            const float *from = x + (ptrdiff_t)j * (ptrdiff_t)step + k;
            for (int t = 0; t < 9; t++)
                sum[t] = vec_fma(vec_load(from + (size_t)(t / 3) * line + (size_t)(t % 3) * c), gradient, sum[t]);
        }
        for (int t = 0; t < 9; t++) {
            float *to = sums + (size_t)t * c + k;
            vec_store(to, vec_add(vec_load(to), sum[t]));
        }
    }
}

/* One tap at a time, in the columns where the pixel under it is in the image. */
static void gather_edges(const qea_depthwise *d, const float *x, const float *dy, int from, int to, int first, int last,
                         float *sums) {
    size_t c = (size_t)d->c;
    for (int u = from; u < to; u++)
        for (int v = 0; v < d->s; v++) {
            const float *at = x + ((ptrdiff_t)u * d->w + v - d->pad_w) * (ptrdiff_t)c;
            for (int j = first; j < last; j++) {
                int column = j * d->stride - d->pad_w + v;
                if (column >= 0 && column < d->w)
                    gather_taps(d, 1, at, dy, j, j + 1, sums + (size_t)(u * d->s + v) * c);
            }
        }
}

void QEA_VARIANT(qea_dw_gather_row)(const qea_depthwise *d, const float *x, const float *dy, int row, float *sums) {
    int top = row * d->stride - d->pad_h, from, to, first, last;
    ptrdiff_t c = d->c;
    clip(top, d->r, d->h, &from, &to);
    whole_windows(d, &first, &last);
    const float *window = x + (ptrdiff_t)top * d->w * c;
    gather_edges(d, window, dy, from, to, 0, first, sums);
    gather_edges(d, window, dy, from, to, last, d->ow, sums);
    if (d->r == 3 && d->s == 3 && from == 0 && to == 3) {
        gather_window(d, window - d->pad_w * c, dy, first, last, sums);
        return;
    }
    for (int u = from; u < to; u++)
        for (int v = 0; v < d->s; v += 3) {
            const float *at = window + ((ptrdiff_t)u * d->w + v - d->pad_w) * c;
            float *into = sums + (ptrdiff_t)(u * d->s + v) * c;
            if (d->s - v >= 3)
                gather_taps(d, 3, at, dy, first, last, into);
            else
                for (int t = 0; t < d->s - v; t++) gather_taps(d, 1, at + t * c, dy, first, last, into + t * c);
        }
}

const qea_pass_depthwise QEA_VARIANT(qea_pass_depthwise) = {
    .lanes = VEC_LANES,
    .convolve_row = QEA_VARIANT(qea_dw_convolve_row),
    .spread_row = QEA_VARIANT(qea_dw_spread_row),
    .gather_row = QEA_VARIANT(qea_dw_gather_row),
};
