/* kernels/cpu/segment_line.h: what the forward and the backward pass both need of a segment: y of one line.
 * (The formulas are those of kernels/ref/segment.c, operation by operation.) */
#ifndef QEA_KERNELS_CPU_SEGMENT_LINE_H
#define QEA_KERNELS_CPU_SEGMENT_LINE_H

#include <math.h>

#include "kernels/cpu/lines.h"

typedef struct segment_coefs { /* repeated for a line */
    float scale[QEA_MAX_BRANCHES][QEA_LINE], shift[QEA_MAX_BRANCHES][QEA_LINE];
} segment_coefs;

/* A plain branch is 1 x + (-0): that is x to the bit, also for zeros. */
static inline void repeat_coefs(const qea_segment *s, const qea_part *part, const line_walk *walk, segment_coefs *k) {
    for (int b = 0; b < s->num_branches; b++) {
        if (s->branch[b].scale) {
            repeat_channels(part, walk, s->branch[b].scale, k->scale[b]);
            repeat_channels(part, walk, s->branch[b].shift, k->shift[b]);
            continue;
        }
        for (size_t i = 0; i < walk->length; i++) {
            k->scale[b][i] = 1.0F;
            k->shift[b][i] = -0.0F;
        }
    }
}

static inline void output_line(const qea_segment *s, const segment_coefs *k, const float *const x[QEA_MAX_BRANCHES],
                               size_t n, float *y) {
    const float lowest = s->relu ? 0.0F : -INFINITY; /* z < lowest is false for a NaN, which stays */
    const float *x0 = x[0], *x1 = x[1];
    if (s->num_branches == 1) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float z = k->scale[0][i] * x0[i] + k->shift[0][i];
            y[i] = z < lowest ? lowest : z;
        }
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float z = (k->scale[0][i] * x0[i] + k->shift[0][i]) + (k->scale[1][i] * x1[i] + k->shift[1][i]);
        y[i] = z < lowest ? lowest : z;
    }
}

/* Nearest integer, half to even, for |t| < 2^22: the sum has no room for a fraction. */
static inline float round_even(float t) {
    const float magic = 12582912.0F; /* 1.5 * 2^23 */
    return (t + magic) - magic;
}

#endif
