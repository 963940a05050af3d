/* kernels/onednn/conv.c: running a convolution. Nothing is allocated here. */
#include "kernels/onednn/conv.h"

#include <omp.h>

#include "base/memory.h"
#include "kernels/onednn/engine.h"

static void destroy_memory(dnnl_memory_t memory) {
    if (memory) dnnl_memory_destroy(memory);
}

static void destroy_step(qea_onednn_step *step) {
    if (step->primitive) dnnl_primitive_destroy(step->primitive);
    destroy_memory(step->scratch);
}

void qea_onednn_conv_destroy(qea_onednn_conv *conv) {
    if (!conv) return;
    qea_onednn_step *steps[] = {&conv->forward, &conv->data,          &conv->weights,
                                &conv->pack,    &conv->pack_for_data, &conv->unpack};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) destroy_step(steps[i]);
    dnnl_memory_t memories[] = {conv->in, conv->out, conv->plain, conv->packed, conv->packed_for_data, conv->gradient};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) destroy_memory(memories[i]);
    if (conv->stream) dnnl_stream_destroy(conv->stream);
    qea_free(conv->packed_block);
    qea_free(conv->packed_for_data_block);
    qea_free(conv->gradient_block);
    qea_free(conv->scratch_block);
    qea_free(conv);
}

/* The casts take const away only because oneDNN has one kind of handle; a primitive writes to its outputs alone. */
static void set(dnnl_memory_t memory, const void *data) {
    dnnl_memory_set_data_handle(memory, (void *)(uintptr_t)data);
}

static qea_status run(qea_context *ctx, qea_onednn_conv *conv, const qea_onednn_step *step, const char *doing) {
    if (!step->primitive) return QEA_OK;
    if (omp_get_max_threads() != conv->threads) omp_set_num_threads(conv->threads);
    dnnl_status_t status = dnnl_primitive_execute(step->primitive, conv->stream, step->num_args, step->args);
    if (status == dnnl_success) status = dnnl_stream_wait(conv->stream);
    return status == dnnl_success ? QEA_OK : qea_onednn_failed(ctx, status, doing);
}

qea_status qea_onednn_conv_set_weights(qea_context *ctx, qea_onednn_conv *conv, const float *weights) {
    set(conv->plain, weights);
    qea_status status = run(ctx, conv, &conv->pack, "packing weights");
    if (status == QEA_OK) status = run(ctx, conv, &conv->pack_for_data, "packing weights for backward-data");
    return status;
}

qea_status qea_onednn_conv_forward(qea_context *ctx, qea_onednn_conv *conv, const void *x, void *y) {
    set(conv->in, x);
    set(conv->out, y);
    return run(ctx, conv, &conv->forward, "convolution");
}

qea_status qea_onednn_conv_backward_data(qea_context *ctx, qea_onednn_conv *conv, const void *dy, void *dx) {
    set(conv->in, dx);
    set(conv->out, dy);
    return run(ctx, conv, &conv->data, "backward-data of a convolution");
}

qea_status qea_onednn_conv_backward_weights(qea_context *ctx, qea_onednn_conv *conv, const void *x, const void *dy,
                                            float *dweights) {
    set(conv->in, x);
    set(conv->out, dy);
    set(conv->plain, dweights);
    qea_status status = run(ctx, conv, &conv->weights, "backward-weights of a convolution");
    if (status == QEA_OK) status = run(ctx, conv, &conv->unpack, "unpacking weight gradients");
    return status;
}
