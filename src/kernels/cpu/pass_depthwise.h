/* kernels/cpu/pass_depthwise.h: what depthwise convolutions are made of, for each instruction set: one row of one image
 * at a time. Channels are a multiple of `lanes`. */
#ifndef QEA_KERNELS_CPU_PASS_DEPTHWISE_H
#define QEA_KERNELS_CPU_PASS_DEPTHWISE_H

#include "kernels/cpu/passes.h"

/* Images [h][w][c] to [oh][ow][c] by windows of r x s. */
typedef struct qea_depthwise {
    int h, w, c, oh, ow, r, s, stride, pad_h, pad_w;
    const float *weights; /* [r][s][c] */
} qea_depthwise;

struct qea_pass_depthwise {
    int lanes;
    /* y: row `row` of the output. */
    void (*convolve_row)(const qea_depthwise *d, const float *x, int row, float *y);
    /* dx: row `row` of the input's gradient. */
    void (*spread_row)(const qea_depthwise *d, const float *dy, int row, float *dx);
    /* Adds what row `row` of the output gives to the gradient of the weights, sums [r][s][c]; dy: that row. */
    void (*gather_row)(const qea_depthwise *d, const float *x, const float *dy, int row, float *sums);
};

#ifdef QEA_ISA
void QEA_VARIANT(qea_dw_convolve_row)(const qea_depthwise *d, const float *x, int row, float *y);
void QEA_VARIANT(qea_dw_spread_row)(const qea_depthwise *d, const float *dy, int row, float *dx);
void QEA_VARIANT(qea_dw_gather_row)(const qea_depthwise *d, const float *x, const float *dy, int row, float *sums);
#endif

#endif
