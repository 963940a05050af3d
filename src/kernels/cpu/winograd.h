/* kernels/cpu/winograd.h: the passes of a 3x3 convolution (stride 1, pad 1, one group) in float32 by minimal filtering:
 * Lavin and Gray 2016, arXiv 1509.09308; formulas in docs/math.md. One is made for the forward pass, or for both
 * backward passes. x of the gradient of the weights is float32 or QEA_U8. */
#ifndef QEA_KERNELS_CPU_WINOGRAD_H
#define QEA_KERNELS_CPU_WINOGRAD_H

#include "kernels/common.h"

typedef struct qea_winograd qea_winograd;

/* Whether a convolution of float32 tensors is faster this way than by direct sums, with this CPU's instruction set. */
bool qea_winograd_suits(const qea_conv_shape *shape);

/* As qea_kernels' functions of these names, for a shape that suits. */
QEA_MUST_USE qea_status qea_winograd_create(qea_context *ctx, const qea_conv_shape *shape, bool forward,
                                            qea_winograd **out);
void qea_winograd_destroy(qea_winograd *conv);
void qea_winograd_set_weights(qea_winograd *conv, const float *weights);
void qea_winograd_forward(qea_winograd *conv, const float *x, float *y);
void qea_winograd_backward_data(qea_winograd *conv, const float *dy, float *dx);
void qea_winograd_backward_weights(qea_winograd *conv, qea_view x, const float *dy, float *dweights);

#endif
