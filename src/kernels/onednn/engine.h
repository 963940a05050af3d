#ifndef QEA_KERNELS_ONEDNN_ENGINE_H
#define QEA_KERNELS_ONEDNN_ENGINE_H

#include <dnnl.h>

#include "quantea/status.h"

/* The CPU engine of this process, made at the first call; NULL if oneDNN has none. */
dnnl_engine_t qea_onednn_engine(void);

/* The status for what oneDNN said; the message names what was being done and on which convolution. */
QEA_MUST_USE qea_status qea_onednn_failed(qea_context *ctx, dnnl_status_t status, const char *doing);

#endif
