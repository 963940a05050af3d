/* kernels/common.h: what all devices share. */
#ifndef QEA_KERNELS_COMMON_H
#define QEA_KERNELS_COMMON_H

#include "kernels/kernels.h"

static inline float qea_view_load(qea_view v, size_t i) {
    if (v.type == QEA_U8) return (float)((const uint8_t *)v.data)[i];
    return v.type != QEA_BF16 ? ((const float *)v.data)[i] : qea_bf16_to_f32(((const uint16_t *)v.data)[i]);
}

static inline void qea_view_store(qea_view v, size_t i, float value) {
    if (v.type == QEA_U8)
        ((uint8_t *)v.data)[i] = (uint8_t)value;
    else if (v.type == QEA_BF16)
        ((uint16_t *)v.data)[i] = qea_f32_to_bf16(value);
    else
        ((float *)v.data)[i] = v.type == QEA_F32 ? value : qea_round_to_bf16(value);
}

/* The passes of a convolution, to be combined. */
typedef enum qea_conv_pass { QEA_PASS_FORWARD = 1, QEA_PASS_DATA = 2, QEA_PASS_WEIGHTS = 4 } qea_conv_pass;

/* Output pixels along one side of a pooling. */
static inline int qea_pool_side(int side, int kernel, int stride, int pad) {
    return (side + 2 * pad - kernel) / stride + 1;
}

/* QEA_ERR_CONFIG unless every number is in its range, groups divides c and k, oh and ow are what the others make them,
 * and every buffer's size fits in memory. */
QEA_MUST_USE qea_status qea_conv_shape_check(qea_context *ctx, const qea_conv_shape *shape);

/* What qea_kernels_set_threads set; 1 at the start. */
int qea_kernels_threads(void);

#endif
