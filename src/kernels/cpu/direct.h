/* kernels/cpu/direct.h: convolutions by direct sums, one group: the forward pass of integers, whatever holds them,
 * exact; and where the CPU has AMX the forward pass of bfloat16 numbers and backward-data (stride 1), summed in
 * float32. A task is some rows of output pixels of one image: the rows of x under them are packed with the padding
 * around them, so that the taps and channels of a window's row lie one behind another. Contracts in kernels/kernels.h;
 * a bfloat16 number that is not finite makes NaN of the outputs that it reaches and may of others of the same image. */
#ifndef QEA_KERNELS_CPU_DIRECT_H
#define QEA_KERNELS_CPU_DIRECT_H

#include "kernels/cpu/cpu.h"

typedef struct qea_direct_conv qea_direct_conv;

/* widest: holds every grid to come; NULL: bfloat16 numbers. false: the instruction set has no kernel, the shape or the
 * range of the integers is not for it, or it would not be faster than arithmetic in `type` (QEA_F32 or QEA_BF16). */
bool qea_direct_suits(const qea_conv_shape *shape, const qea_conv_grid *widest, qea_type type);
QEA_MUST_USE qea_status qea_direct_create(qea_context *ctx, const qea_conv_shape *shape, const qea_conv_grid *widest,
                                          qea_type out_type, qea_direct_conv **out);
void qea_direct_destroy(qea_direct_conv *conv);
/* grid NULL: the widest. QEA_ERR_CONFIG: a weight is beyond it. */
QEA_MUST_USE qea_status qea_direct_set_weights(qea_context *ctx, qea_direct_conv *conv, const float *weights,
                                               const qea_conv_grid *grid);
/* x: of any type, for bfloat16 numbers QEA_BF16 or QEA_U8; y: out_type. */
void qea_direct_run(const qea_direct_conv *conv, qea_view x, void *y);
/* And the statistics of the sums, taken while these are in the cache, the same for any number of threads. */
void qea_direct_run_stats(const qea_direct_conv *conv, qea_view x, void *y, float *mean, float *variance);

/* Backward-data of a convolution of QEA_BF16 tensors: set_weights takes that convolution's weights, run its dy and dx.
 * It is the forward pass of dy by the weights turned by 180 degrees, padded with r - 1 - pad. */
bool qea_direct_suits_backward(const qea_conv_shape *shape);
QEA_MUST_USE qea_status qea_direct_create_backward(qea_context *ctx, const qea_conv_shape *shape,
                                                   qea_direct_conv **out);

#endif
