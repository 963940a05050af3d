/* kernels/ref/ref.h: the functions of the reference table, one file per topic; contracts in kernels/kernels.h. */
#ifndef QEA_KERNELS_REF_H
#define QEA_KERNELS_REF_H

#include "kernels/kernels.h"

QEA_MUST_USE qea_status qea_ref_conv_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use,
                                            const qea_conv_grid *widest, qea_type type, qea_type out_type,
                                            qea_conv **out);
void qea_ref_conv_destroy(qea_conv *conv);
QEA_MUST_USE qea_status qea_ref_conv_set_weights(qea_context *ctx, qea_conv *conv, const float *weights,
                                                 const qea_conv_grid *grid);
bool qea_ref_conv_reads_bytes(const qea_conv *conv);
QEA_MUST_USE qea_status qea_ref_conv_forward(qea_context *ctx, qea_conv *conv, qea_view x, void *y);
QEA_MUST_USE qea_status qea_ref_conv_forward_stats(qea_context *ctx, qea_conv *conv, qea_view x, void *y, float *mean,
                                                   float *variance);
QEA_MUST_USE qea_status qea_ref_conv_backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx);
QEA_MUST_USE qea_status qea_ref_conv_backward_weights(qea_context *ctx, qea_conv *conv, qea_view x, const void *dy,
                                                      float *dweights);

void qea_ref_channel_stats(qea_view x, size_t rows, int channels, float *mean, float *variance);

bool qea_ref_segment_forward(const qea_segment *segment);
void qea_ref_segment_reduce(const qea_segment *segment, const qea_segment_grads *grads, qea_segment_sums *sums);
void qea_ref_segment_backward(const qea_segment *segment, const qea_segment_grads *grads,
                              const qea_segment_dx dx[QEA_MAX_BRANCHES]);

void qea_ref_max_pool(qea_view x, qea_view y, uint8_t *argmax, int n, int h, int w, int c, int kernel, int stride,
                      int pad);
void qea_ref_max_pool_backward(qea_view dy, const uint8_t *argmax, qea_view dx, int n, int h, int w, int c, int kernel,
                               int stride, int pad);
void qea_ref_avg_pool(qea_view x, qea_view y, int n, int h, int w, int c, int kernel, int stride, int pad);
void qea_ref_avg_pool_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int kernel, int stride, int pad);
void qea_ref_skip(qea_view x, qea_view y, int n, int h, int w, int c, int oh, int ow, int k, int stride);
void qea_ref_skip_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int oh, int ow, int k, int stride);

void qea_ref_softmax_loss(const float *logits, const int32_t *labels, const qea_soft_targets *soft, int n, int classes,
                          float smoothing, float grad_scale, float *dlogits, double *loss, int64_t *right,
                          int64_t *right_top5);

#endif
