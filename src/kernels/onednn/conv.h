/* kernels/onednn/conv.h: a convolution is up to six primitives on shared memory objects, all made at the start;
 * those of the passes that will not be run are left out. */
#ifndef QEA_KERNELS_ONEDNN_CONV_H
#define QEA_KERNELS_ONEDNN_CONV_H

#include "kernels/onednn/onednn.h"
#include "kernels/onednn/version.h"

enum { QEA_ONEDNN_MAX_ARGS = 4 };

typedef struct qea_onednn_step { /* a primitive and the memory it works on */
    dnnl_primitive_t primitive;  /* owned; NULL: not needed */
    dnnl_memory_t scratch;       /* owned; NULL: needs none. All steps of a convolution share one buffer */
    dnnl_exec_arg_t args[QEA_ONEDNN_MAX_ARGS];
    int num_args;
} qea_onednn_step;

struct qea_onednn_conv {
    qea_conv_shape shape;
    qea_type type, out_type;
    int threads; /* oneDNN sizes its scratch memory for the threads of the time of creation */
    dnnl_stream_t stream;
    dnnl_memory_t in, out;                 /* x or dx, y or dy: the caller's, set at each call */
    dnnl_memory_t plain;                   /* weights or their gradient as the caller has them, set at each call */
    dnnl_memory_t packed, packed_for_data; /* weights as `forward` and `data` like them */
    dnnl_memory_t gradient;                /* as `weights` writes it */
    qea_onednn_step forward, data, weights, pack, pack_for_data, unpack;
    void *packed_block, *packed_for_data_block, *gradient_block, *scratch_block; /* owned */
    size_t scratch_bytes;
};

#endif
