/* tests/kernels/conv_shapes.h: random convolutions. */
#ifndef CONV_SHAPES_H
#define CONV_SHAPES_H

#include "kernels/check.h"

/* Images no smaller than the window, and the outputs that they give. */
static inline void fit_window(qea_conv_shape *s) {
    if (s->h + 2 * s->pad < s->r) s->h = s->r;
    if (s->w + 2 * s->pad < s->s) s->w = s->s;
    s->oh = (s->h + 2 * s->pad - s->r) / s->stride + 1;
    s->ow = (s->w + 2 * s->pad - s->s) / s->stride + 1;
}

static inline qea_conv_shape draw_shape(void) {
    static const int channels[] = {1, 3, 7, 8, 16, 33, 64}, windows[] = {1, 2, 3, 4, 5, 7};
    qea_conv_shape s = {.n = draw_int(1, 3), .h = draw_int(1, 13), .w = draw_int(1, 13)};
    s.c = channels[draw_int(0, 6)];
    s.k = channels[draw_int(0, 6)];
    s.r = windows[draw_int(0, 5)];
    s.s = draw_int(0, 2) ? s.r : windows[draw_int(0, 5)];
    s.stride = draw_int(0, 2) ? draw_int(1, 2) : draw_int(3, 5);
    s.pad = draw_int(0, (s.r > s.s ? s.r : s.s) / 2);
    s.groups = 1;
    int form = draw_int(0, 3);
    if (form == 0) s.groups = s.k = s.c; /* depthwise */
    if (form == 1) {                     /* grouped */
        s.groups = draw_int(1, 4);
        s.c = s.groups * draw_int(1, 12);
        s.k = s.groups * draw_int(1, 12);
    }
    fit_window(&s);
    return s;
}

typedef struct sizes {
    size_t in, out, weights;
} sizes;

static inline sizes sizes_of(const qea_conv_shape *s) {
    return (sizes){(size_t)(s->n * s->h * s->w * s->c), (size_t)(s->n * s->oh * s->ow * s->k),
                   (size_t)(s->k * (s->c / s->groups) * s->r * s->s)};
}

/* Gradients of integers up to `largest` products: the reference's bits, or near where they may be filtered
 * (cpu/winograd.c has the bound). */
static inline void assert_gradients(const qea_conv_shape *s, qea_view dx, const float *dw, qea_view right_dx,
                                    const float *right_dw, double largest) {
    sizes n = sizes_of(s);
    if (dx.type == QEA_F32 && s->r == 3 && s->s == 3 && s->stride == 1 && s->pad == 1 && s->groups == 1) {
        assert_near(dx.data, right_dx.data, n.in, 1e-6, largest * 9 * s->k);
        assert_near(dw, right_dw, n.weights, 1e-6, largest * (s->n * s->oh * s->ow));
        return;
    }
    assert_same_bits(dx, right_dx, n.in);
    assert_same_bits((qea_view){(void *)(uintptr_t)dw, QEA_F32}, (qea_view){(void *)(uintptr_t)right_dw, QEA_F32},
                     n.weights);
}

#endif
