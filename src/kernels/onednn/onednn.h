/* kernels/onednn/onednn.h: convolutions by oneDNN's C API; contracts in kernels/kernels.h. */
#ifndef QEA_KERNELS_ONEDNN_H
#define QEA_KERNELS_ONEDNN_H

#include "kernels/common.h"

typedef enum qea_onednn_isa { QEA_ONEDNN_SSE, QEA_ONEDNN_AVX2, QEA_ONEDNN_AVX512, QEA_ONEDNN_ALL } qea_onednn_isa;

/* The highest instruction set that oneDNN may use, for the whole process; before anything else here. false: oneDNN was
 * in use before. */
bool qea_onednn_limit(qea_onednn_isa isa);
bool qea_onednn_stays_within(qea_onednn_isa isa); /* what it uses of this CPU is no more than the limit would allow */
bool qea_onednn_has_bf16(void);                   /* bf16 by instructions of the CPU, not emulated */
bool qea_onednn_has_amx(void);
const char *qea_onednn_version(void); /* "oneDNN 2.6.3" */

typedef struct qea_onednn_conv qea_onednn_conv;

/* As qea_kernels' functions of these names; `passes` (qea_conv_pass, one at least): those that may be run, the others
 * are not made. */
QEA_MUST_USE qea_status qea_onednn_conv_create(qea_context *ctx, const qea_conv_shape *shape, unsigned passes,
                                               qea_type type, qea_type out_type, qea_onednn_conv **out);
void qea_onednn_conv_destroy(qea_onednn_conv *conv);
QEA_MUST_USE qea_status qea_onednn_conv_set_weights(qea_context *ctx, qea_onednn_conv *conv, const float *weights);
QEA_MUST_USE qea_status qea_onednn_conv_forward(qea_context *ctx, qea_onednn_conv *conv, const void *x, void *y);
QEA_MUST_USE qea_status qea_onednn_conv_backward_data(qea_context *ctx, qea_onednn_conv *conv, const void *dy,
                                                      void *dx);
QEA_MUST_USE qea_status qea_onednn_conv_backward_weights(qea_context *ctx, qea_onednn_conv *conv, const void *x,
                                                         const void *dy, float *dweights);

#endif
