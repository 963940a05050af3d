#include "kernels/cpu/depthwise.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/pass_depthwise.h"

struct qea_depthwise_conv {
    const qea_pass_depthwise *kernel;
    int n, threads;
    qea_depthwise forward;
    qea_depthwise data; /* stride 1: the convolution of dy that gives dx, by windows turned by half a turn */
    float *weights, *turned;
    float *sums; /* [threads][r][s][c] */
};

bool qea_depthwise_suits(const qea_conv_shape *s) {
    const qea_pass_depthwise *kernel = qea_cpu_passes_used()->depthwise;
    return kernel && s->groups > 1 && s->groups == s->c && s->k == s->c && s->c % kernel->lanes == 0;
}

static size_t num_weights(const qea_depthwise *d) { return (size_t)d->r * (size_t)d->s * (size_t)d->c; }

/* Turning is possible where no window lies in the padding alone. */
static bool turns(const qea_depthwise *d) { return d->stride == 1 && d->pad_h < d->r && d->pad_w < d->s; }

static qea_status make(qea_context *ctx, qea_depthwise_conv *conv, qea_conv_use use) {
    const qea_depthwise *f = &conv->forward;
    size_t count = num_weights(f);
    QEA_TRY(QEA_NEW(ctx, "packed weights", conv->weights, count));
    conv->forward.weights = conv->weights;
    if (use == QEA_CONV_INFERENCE) return QEA_OK;
    QEA_TRY(QEA_NEW(ctx, "weight gradients", conv->sums, (size_t)conv->threads * count));
    if (!turns(f)) return QEA_OK;
    QEA_TRY(QEA_NEW(ctx, "packed weights", conv->turned, count));
    conv->data = (qea_depthwise){
        f->oh, f->ow, f->c, f->h, f->w, f->r, f->s, 1, f->r - 1 - f->pad_h, f->s - 1 - f->pad_w, conv->turned};
    return QEA_OK;
}

qea_status qea_depthwise_create(qea_context *ctx, const qea_conv_shape *s, qea_conv_use use, qea_depthwise_conv **out) {
    *out = NULL;
    qea_depthwise_conv *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    conv->kernel = qea_cpu_passes_used()->depthwise;
    conv->n = s->n;
    conv->threads = qea_kernels_threads();
    conv->forward = (qea_depthwise){s->h, s->w, s->c, s->oh, s->ow, s->r, s->s, s->stride, s->pad, s->pad, NULL};
    qea_status status = make(ctx, conv, use);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_depthwise_destroy(conv);
    return status;
}

void qea_depthwise_destroy(qea_depthwise_conv *conv) {
    if (!conv) return;
    qea_free(conv->weights);
    qea_free(conv->turned);
    qea_free(conv->sums);
    qea_free(conv);
}

void qea_depthwise_set_weights(qea_depthwise_conv *conv, const float *weights) {
    size_t c = (size_t)conv->forward.c, window = (size_t)conv->forward.r * (size_t)conv->forward.s;
    for (size_t t = 0; t < window; t++)
        for (size_t k = 0; k < c; k++) {
            conv->weights[t * c + k] = weights[k * window + t];
            if (conv->turned) conv->turned[t * c + k] = weights[k * window + window - 1 - t];
        }
}

/* Each row of each output image. */
static void convolve(const qea_depthwise_conv *conv, const qea_depthwise *d, const float *x, float *y) {
    int rows = conv->n * d->oh;
    size_t in = (size_t)d->h * (size_t)d->w * (size_t)d->c, out = (size_t)d->ow * (size_t)d->c;
#pragma omp parallel for schedule(static) num_threads(conv->threads)
    for (int row = 0; row < rows; row++)
        conv->kernel->convolve_row(d, x + (size_t)(row / d->oh) * in, row % d->oh, y + (size_t)row * out);
}

void qea_depthwise_forward(const qea_depthwise_conv *conv, const float *x, float *y) {
    convolve(conv, &conv->forward, x, y);
}

void qea_depthwise_backward_data(const qea_depthwise_conv *conv, const float *dy, float *dx) {
    const qea_depthwise *d = &conv->forward;
    if (conv->turned) {
        convolve(conv, &conv->data, dy, dx);
        return;
    }
    int rows = conv->n * d->h;
    size_t in = (size_t)d->w * (size_t)d->c, out = (size_t)d->oh * (size_t)d->ow * (size_t)d->c;
#pragma omp parallel for schedule(static) num_threads(conv->threads)
    for (int row = 0; row < rows; row++)
        conv->kernel->spread_row(d, dy + (size_t)(row / d->h) * out, row % d->h, dx + (size_t)row * in);
}

void qea_depthwise_backward_weights(qea_depthwise_conv *conv, const float *x, const float *dy, float *dweights) {
    const qea_depthwise *d = &conv->forward;
    int rows = conv->n * d->oh;
    size_t c = (size_t)d->c, window = (size_t)d->r * (size_t)d->s, count = num_weights(d);
    size_t in = (size_t)d->h * (size_t)d->w * c, out = (size_t)d->ow * c;
#pragma omp parallel for schedule(static) num_threads(conv->threads)
    for (int t = 0; t < conv->threads; t++) { /* parts of the rows, whoever takes them */
        float *sums = conv->sums + (size_t)t * count;
        memset(sums, 0, count * sizeof *sums);
        int end = (int)((int64_t)rows * (t + 1) / conv->threads);
        for (int row = (int)((int64_t)rows * t / conv->threads); row < end; row++)
            conv->kernel->gather_row(d, x + (size_t)(row / d->oh) * in, dy + (size_t)row * out, row % d->oh, sums);
    }
    for (size_t k = 0; k < c; k++)
        for (size_t i = 0; i < window; i++) {
            float sum = 0;
            for (int t = 0; t < conv->threads; t++) sum += conv->sums[(size_t)t * count + i * c + k];
            dweights[k * window + i] = sum;
        }
}
