/* kernels/onednn/version.h: the calls that differ between oneDNN 2 and 3. Version 2 describes an operation in a struct
 * of its own before the primitive descriptor, and memory descriptors are structs; version 3 has neither. */
#ifndef QEA_KERNELS_ONEDNN_VERSION_H
#define QEA_KERNELS_ONEDNN_VERSION_H

#include <dnnl.h>
#include <stdbool.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t qea_dnnl_desc;
#else
typedef const dnnl_memory_desc_t *qea_dnnl_desc;
#endif

typedef enum qea_dnnl_pass { QEA_DNNL_INFERENCE, QEA_DNNL_FORWARD, QEA_DNNL_DATA, QEA_DNNL_WEIGHTS } qea_dnnl_pass;

typedef struct qea_dnnl_conv { /* logical dimensions, n c h w; weights [g] k c r s */
    dnnl_dims_t src, weights, dst, strides, before, after;
    int weight_dims; /* 4, or 5 with groups */
    dnnl_data_type_t src_type, weights_type, dst_type;
    bool not_1x1; /* the implementations named "jit_1x1" are passed over */
} qea_dnnl_conv;

/* Activations lie as nhwc, weights as the primitive likes. `hint`: for the backward passes the forward pass's
 * descriptor. */
dnnl_status_t qea_dnnl_conv_desc(dnnl_engine_t engine, qea_dnnl_pass pass, const qea_dnnl_conv *conv,
                                 const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint,
                                 dnnl_primitive_desc_t *out);

/* The weights in float32 and the order of their dimensions; without memory behind them. */
dnnl_status_t qea_dnnl_plain_weights(dnnl_engine_t engine, const qea_dnnl_conv *conv, dnnl_memory_t *out);

#endif
