/* kernels/cpu/gradient.h: the gradient of the weights of a convolution (stride 1, one group) whose outputs' gradient is
 * bfloat16, by AMX: x and dy are laid out anew so that for each tap of the window a product of matrices of pixels is
 * left, dw[r][s][c][k] = sum over q of x'[c][q + r P + s] dy'[q][k],  q = (n T + i) P + j, T and P the rows and columns
 * of an image with its padding, dy' zero where there is no output pixel. Sums are float32, of one stretch of rows after
 * another. */
#ifndef QEA_KERNELS_CPU_GRADIENT_H
#define QEA_KERNELS_CPU_GRADIENT_H

#include "kernels/common.h"

typedef struct qea_gradient qea_gradient;

bool qea_gradient_suits(const qea_conv_shape *shape);
QEA_MUST_USE qea_status qea_gradient_create(qea_context *ctx, const qea_conv_shape *shape, qea_gradient **out);
void qea_gradient_destroy(qea_gradient *gradient);
/* x: QEA_BF16 or QEA_U8, dy: bfloat16; as conv_backward_weights. */
void qea_gradient_run(qea_gradient *gradient, qea_view x, const uint16_t *dy, float *dweights);

#endif
