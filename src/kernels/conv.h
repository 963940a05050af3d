/* kernels/conv.h: the convolutions of the table `cpu`; contracts in kernels/kernels.h. Each pass of a convolution is
 * oneDNN's or a kernel of our own (cpu/), decided when it is created. */
#ifndef QEA_KERNELS_CONV_H
#define QEA_KERNELS_CONV_H

#include "kernels/kernels.h"

QEA_MUST_USE qea_status qea_conv_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use,
                                        const qea_conv_grid *widest, qea_type type, qea_type out_type, qea_conv **out);
void qea_conv_destroy(qea_conv *conv);
QEA_MUST_USE qea_status qea_conv_set_weights(qea_context *ctx, qea_conv *conv, const float *weights,
                                             const qea_conv_grid *grid);
bool qea_conv_reads_bytes(const qea_conv *conv);
QEA_MUST_USE qea_status qea_conv_forward(qea_context *ctx, qea_conv *conv, qea_view x, void *y);
QEA_MUST_USE qea_status qea_conv_backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx);
QEA_MUST_USE qea_status qea_conv_backward_weights(qea_context *ctx, qea_conv *conv, qea_view x, const void *dy,
                                                  float *dweights);
QEA_MUST_USE qea_status qea_conv_forward_stats(qea_context *ctx, qea_conv *conv, qea_view x, void *y, float *mean,
                                               float *variance);

#endif
