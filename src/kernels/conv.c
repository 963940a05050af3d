#include "kernels/conv.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/common.h"
#include "kernels/cpu/direct.h"
#include "kernels/cpu/gradient.h"
#include "kernels/cpu/winograd.h"
#include "kernels/onednn/onednn.h"

struct qea_conv {
    size_t out_rows; /* n oh ow */
    int k;
    qea_type out_type;
    qea_onednn_conv *library; /* owned; runs the passes that no kernel below runs. NULL: these run all */
    unsigned library_passes;
    qea_direct_conv *direct; /* owned; forward, or NULL */
    qea_direct_conv *data;   /* owned; backward-data, or NULL */
    qea_winograd *winograd;  /* owned; both backward passes, or NULL */
    qea_winograd *filter;    /* owned; forward of real numbers, or NULL */
    qea_gradient *gradient;  /* owned; of the weights, or NULL */
    bool real;               /* no grid says that the weights and x are integers */
    /* QEA_BF16_WIDE: float32 kernels, whose results are rounded. The products of rounded numbers are exact in float32,
     * and so these are bfloat16's results but for the order of the sums. */
    size_t round_in, round_out; /* values of dx, of y but the direct convolution's; 0: not rounded */
    size_t round_weights;
    float *weights; /* owned, rounded */
};

void qea_conv_destroy(qea_conv *conv) {
    if (!conv) return;
    qea_winograd_destroy(conv->winograd);
    qea_winograd_destroy(conv->filter);
    qea_gradient_destroy(conv->gradient);
    qea_onednn_conv_destroy(conv->library);
    qea_direct_destroy(conv->direct);
    qea_direct_destroy(conv->data);
    qea_free(conv->weights);
    qea_free(conv);
}

static size_t tensor_size(int n, int h, int w, int c) { return (size_t)n * (size_t)h * (size_t)w * (size_t)c; }

/* What the kernels below see of a type. */
static qea_type held_as(qea_type type) { return type == QEA_BF16_WIDE ? QEA_F32 : type; }

static qea_status make_rounding(qea_context *ctx, qea_conv *conv, const qea_conv_shape *s, qea_type type,
                                qea_type out_type) {
    if (out_type == QEA_BF16_WIDE) conv->round_out = tensor_size(s->n, s->oh, s->ow, s->k);
    if (type != QEA_BF16_WIDE) return QEA_OK;
    conv->round_in = tensor_size(s->n, s->h, s->w, s->c);
    conv->round_weights = tensor_size(s->k, s->c / s->groups, s->r, s->s);
    return QEA_NEW(ctx, "rounded weights", conv->weights, conv->round_weights);
}

/* On the grid, or as bfloat16 numbers. */
static qea_status make_forward(qea_context *ctx, qea_conv *conv, const qea_conv_shape *shape,
                               const qea_conv_grid *widest, qea_type type, qea_type out_type) {
    if (widest && qea_direct_suits(shape, widest, type))
        return qea_direct_create(ctx, shape, widest, out_type, &conv->direct);
    if (qea_direct_suits(shape, NULL, type)) return qea_direct_create(ctx, shape, NULL, out_type, &conv->direct);
    return QEA_OK;
}

static qea_status make(qea_context *ctx, qea_conv *conv, const qea_conv_shape *shape, const qea_conv_grid *widest,
                       unsigned passes, qea_type type, qea_type out_type) {
    QEA_TRY(qea_conv_shape_check(ctx, shape));
    QEA_TRY(make_rounding(ctx, conv, shape, type, out_type));
    type = held_as(type);
    unsigned left = passes; /* for oneDNN */
    QEA_TRY(make_forward(ctx, conv, shape, widest, type, out_type));
    if (conv->direct) left &= ~(unsigned)QEA_PASS_FORWARD;
    out_type = held_as(out_type);
    bool floats = type == QEA_F32 && out_type == QEA_F32;
    bool real = floats && !widest && !conv->weights && !conv->round_out; /* oneDNN stays for integers among them */
    if (real && qea_winograd_suits(shape)) QEA_TRY(qea_winograd_create(ctx, shape, true, &conv->filter));
    if (floats && (passes & QEA_PASS_DATA) && qea_winograd_suits(shape)) {
        QEA_TRY(qea_winograd_create(ctx, shape, false, &conv->winograd));
        left &= ~(unsigned)(QEA_PASS_DATA | QEA_PASS_WEIGHTS);
    }
    bool halves = type == QEA_BF16 && out_type == QEA_BF16;
    if (halves && (left & QEA_PASS_DATA) && qea_direct_suits_backward(shape)) {
        QEA_TRY(qea_direct_create_backward(ctx, shape, &conv->data));
        left &= ~(unsigned)QEA_PASS_DATA;
    }
    if (halves && (left & QEA_PASS_WEIGHTS) && qea_gradient_suits(shape)) {
        QEA_TRY(qea_gradient_create(ctx, shape, &conv->gradient));
        left &= ~(unsigned)QEA_PASS_WEIGHTS;
    }
    conv->library_passes = left;
    return left ? qea_onednn_conv_create(ctx, shape, left, type, out_type, &conv->library) : QEA_OK;
}

qea_status qea_conv_create(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use, const qea_conv_grid *widest,
                           qea_type type, qea_type out_type, qea_conv **out) {
    *out = NULL;
    qea_conv *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    unsigned passes = use == QEA_CONV_TRAINING ? QEA_PASS_FORWARD | QEA_PASS_DATA | QEA_PASS_WEIGHTS : QEA_PASS_FORWARD;
    conv->out_rows = (size_t)shape->n * (size_t)shape->oh * (size_t)shape->ow;
    conv->k = shape->k;
    conv->out_type = out_type;
    qea_status status = make(ctx, conv, shape, widest, passes, type, out_type);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_conv_destroy(conv);
    return status;
}

qea_status qea_conv_set_weights(qea_context *ctx, qea_conv *conv, const float *weights, const qea_conv_grid *grid) {
    for (size_t i = 0; i < conv->round_weights; i++) conv->weights[i] = qea_round_to_bf16(weights[i]);
    if (conv->weights) weights = conv->weights;
    if (conv->direct) QEA_TRY(qea_direct_set_weights(ctx, conv->direct, weights, grid));
    if (conv->data) QEA_TRY(qea_direct_set_weights(ctx, conv->data, weights, NULL));
    if (conv->winograd) qea_winograd_set_weights(conv->winograd, weights);
    conv->real = grid == NULL;
    if (conv->filter && conv->real) qea_winograd_set_weights(conv->filter, weights);
    return conv->library ? qea_onednn_conv_set_weights(ctx, conv->library, weights) : QEA_OK;
}

bool qea_conv_reads_bytes(const qea_conv *conv) { return conv->direct && !(conv->library_passes & QEA_PASS_WEIGHTS); }

/* By floats; what is to be rounded is left as the float32 sums. */
static qea_status convolve(qea_context *ctx, qea_conv *conv, qea_view x, void *y) {
    if (conv->filter && conv->real)
        qea_winograd_forward(conv->filter, x.data, y);
    else
        return qea_onednn_conv_forward(ctx, conv->library, x.data, y);
    return QEA_OK;
}

qea_status qea_conv_forward(qea_context *ctx, qea_conv *conv, qea_view x, void *y) {
    if (conv->direct) {
        qea_direct_run(conv->direct, x, y);
        return QEA_OK;
    }
    QEA_TRY(convolve(ctx, conv, x, y));
    if (conv->round_out) qea_cpu_round_to_bf16(y, conv->round_out);
    return QEA_OK;
}

qea_status qea_conv_forward_stats(qea_context *ctx, qea_conv *conv, qea_view x, void *y, float *mean, float *variance) {
    if (conv->direct) {
        qea_direct_run_stats(conv->direct, x, y, mean, variance);
        return QEA_OK;
    }
    QEA_TRY(convolve(ctx, conv, x, y));
    qea_cpu_channel_stats((qea_view){y, held_as(conv->out_type)}, conv->out_rows, conv->k, mean, variance);
    if (conv->round_out) qea_cpu_round_to_bf16(y, conv->round_out);
    return QEA_OK;
}

qea_status qea_conv_backward_data(qea_context *ctx, qea_conv *conv, const void *dy, void *dx) {
    if (conv->data)
        qea_direct_run(conv->data, (qea_view){(void *)(uintptr_t)dy, QEA_BF16}, dx);
    else if (conv->winograd)
        qea_winograd_backward_data(conv->winograd, dy, dx);
    else
        QEA_TRY(qea_onednn_conv_backward_data(ctx, conv->library, dy, dx));
    if (conv->round_in) qea_cpu_round_to_bf16(dx, conv->round_in);
    return QEA_OK;
}

qea_status qea_conv_backward_weights(qea_context *ctx, qea_conv *conv, qea_view x, const void *dy, float *dweights) {
    if (conv->gradient) {
        qea_gradient_run(conv->gradient, x, dy, dweights);
        return QEA_OK;
    }
    if (!conv->winograd) return qea_onednn_conv_backward_weights(ctx, conv->library, x.data, dy, dweights);
    qea_winograd_backward_weights(conv->winograd, x, dy, dweights);
    return QEA_OK;
}
