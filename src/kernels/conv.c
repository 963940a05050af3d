#include "kernels/conv.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/common.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/winograd.h"
#include "kernels/onednn/onednn.h"

struct qea_conv {
    qea_onednn_conv *library;  /* owned; runs the passes that no kernel below runs. NULL: these run all */
    qea_integer_conv *integer; /* owned; forward, or NULL */
    qea_winograd *winograd;    /* owned; both backward passes, or NULL */
};

void qea_conv_destroy(qea_conv *conv) {
    if (!conv) return;
    qea_winograd_destroy(conv->winograd);
    qea_onednn_conv_destroy(conv->library);
    qea_cpu_integer_destroy(conv->integer);
    qea_free(conv);
}

static qea_status make(qea_context *ctx, qea_conv *conv, const qea_conv_shape *shape, const qea_conv_grid *widest,
                       unsigned passes, qea_type type, qea_type out_type) {
    QEA_TRY(qea_conv_shape_check(ctx, shape));
    bool floats = type == QEA_F32 && out_type == QEA_F32;
    unsigned left = passes; /* for oneDNN */
    if (floats && widest && qea_cpu_integer_suits(shape, widest)) {
        QEA_TRY(qea_cpu_integer_create(ctx, shape, widest, &conv->integer));
        left &= ~(unsigned)QEA_PASS_FORWARD;
    }
    if (floats && (passes & QEA_PASS_DATA) && qea_winograd_suits(shape)) {
        QEA_TRY(qea_winograd_create(ctx, shape, &conv->winograd));
        left &= ~(unsigned)(QEA_PASS_DATA | QEA_PASS_WEIGHTS);
    }
    return left ? qea_onednn_conv_create(ctx, shape, left, type, out_type, &conv->library) : QEA_OK;
}

qea_status qea_conv_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use, const qea_conv_grid *widest,
                           qea_type type, qea_type out_type, qea_conv **out) {
    *out = NULL;
    qea_conv *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    unsigned passes = use == QEA_CONV_TRAINING ? QEA_PASS_FORWARD | QEA_PASS_DATA | QEA_PASS_WEIGHTS : QEA_PASS_FORWARD;
    qea_status status = make(ctx, conv, shape, widest, passes, type, out_type);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_conv_destroy(conv);
    return status;
}

qea_status qea_conv_set_weights(qea_context *ctx, qea_conv *conv, const float *weights, const qea_conv_grid *grid) {
    if (conv->integer) QEA_TRY(qea_cpu_integer_set_weights(ctx, conv->integer, weights, grid));
    if (conv->winograd) qea_winograd_set_weights(conv->winograd, weights);
    return conv->library ? qea_onednn_conv_set_weights(ctx, conv->library, weights) : QEA_OK;
}

qea_status qea_conv_forward(qea_context *ctx, qea_conv *conv, const void *x, void *y) {
    if (!conv->integer) return qea_onednn_conv_forward(ctx, conv->library, x, y);
    qea_cpu_integer_forward(conv->integer, x, y);
    return QEA_OK;
}

qea_status qea_conv_backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx) {
    if (!conv->winograd) return qea_onednn_conv_backward_data(ctx, conv->library, dy, dx);
    qea_winograd_backward_data(conv->winograd, dy, dx);
    return QEA_OK;
}

qea_status qea_conv_backward_weights(qea_context *ctx, qea_conv *conv, const void *x, const void *dy, float *dweights) {
    if (!conv->winograd) return qea_onednn_conv_backward_weights(ctx, conv->library, x, dy, dweights);
    qea_winograd_backward_weights(conv->winograd, x, dy, dweights);
    return QEA_OK;
}
