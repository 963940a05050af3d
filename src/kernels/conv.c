#include "kernels/conv.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/common.h"
#include "kernels/onednn/onednn.h"

struct qea_conv {
    qea_onednn_conv *library; /* owned; runs the passes that no kernel below runs. NULL: these run all */
};

void qea_conv_destroy(qea_conv *conv) {
    if (!conv) return;
    qea_onednn_conv_destroy(conv->library);
    qea_free(conv);
}

static qea_status make(qea_context *ctx, qea_conv *conv, const qea_conv_shape *shape, unsigned passes, qea_type type,
                       qea_type out_type) {
    QEA_TRY(qea_conv_shape_check(ctx, shape));
    unsigned left = passes; /* for oneDNN */
    return left ? qea_onednn_conv_create(ctx, shape, left, type, out_type, &conv->library) : QEA_OK;
}

qea_status qea_conv_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use, qea_type type,
                           qea_type out_type, qea_conv **out) {
    *out = NULL;
    qea_conv *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    unsigned passes = use == QEA_CONV_TRAINING ? QEA_PASS_FORWARD | QEA_PASS_DATA | QEA_PASS_WEIGHTS : QEA_PASS_FORWARD;
    qea_status status = make(ctx, conv, shape, passes, type, out_type);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_conv_destroy(conv);
    return status;
}

qea_status qea_conv_set_weights(qea_context *ctx, qea_conv *conv, const float *weights) {
    return conv->library ? qea_onednn_conv_set_weights(ctx, conv->library, weights) : QEA_OK;
}

qea_status qea_conv_forward(qea_context *ctx, qea_conv *conv, const void *x, void *y) {
    return qea_onednn_conv_forward(ctx, conv->library, x, y);
}

qea_status qea_conv_backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx) {
    return qea_onednn_conv_backward_data(ctx, conv->library, dy, dx);
}

qea_status qea_conv_backward_weights(qea_context *ctx, qea_conv *conv, const void *x, const void *dy, float *dweights) {
    return qea_onednn_conv_backward_weights(ctx, conv->library, x, dy, dweights);
}
