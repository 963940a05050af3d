/* kernels/cpu/depthwise.h: depthwise convolutions of float32 tensors (each channel by its own window), all passes. */
#ifndef QEA_KERNELS_CPU_DEPTHWISE_H
#define QEA_KERNELS_CPU_DEPTHWISE_H

#include "kernels/common.h"

typedef struct qea_depthwise_conv qea_depthwise_conv;

/* false: not depthwise, or this CPU's instruction set has no kernel for so many channels. */
bool qea_depthwise_suits(const qea_conv_shape *shape);

/* As qea_kernels' functions of these names, for a shape that suits. */
QEA_MUST_USE qea_status qea_depthwise_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use,
                                             qea_depthwise_conv **out);
void qea_depthwise_destroy(qea_depthwise_conv *conv);
void qea_depthwise_set_weights(qea_depthwise_conv *conv, const float *weights);
void qea_depthwise_forward(const qea_depthwise_conv *conv, const float *x, float *y);
void qea_depthwise_backward_data(const qea_depthwise_conv *conv, const float *dy, float *dx);
void qea_depthwise_backward_weights(qea_depthwise_conv *conv, const float *x, const float *dy, float *dweights);

#endif
