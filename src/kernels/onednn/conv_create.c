/* kernels/onednn/conv_create.c: the primitives of a convolution and all memory that they need. */
#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/common.h"
#include "kernels/onednn/conv.h"
#include "kernels/onednn/engine.h"

#define DNNL_TRY(call, doing)                                                                                          \
    do {                                                                                                               \
        dnnl_status_t dnnl_status_ = (call);                                                                           \
        if (dnnl_status_ != dnnl_success) return qea_onednn_failed(ctx, dnnl_status_, doing);                          \
    } while (0)

/* Everything that is needed while creating only. */
typedef struct builder {
    qea_onednn_conv *conv;
    dnnl_engine_t engine;
    dnnl_primitive_attr_t attr;
    qea_dnnl_conv problem;
    dnnl_primitive_desc_t forward, data, weights;
} builder;

static dnnl_data_type_t dnnl_type(qea_type type) { return type == QEA_F32 ? dnnl_f32 : dnnl_bf16; }

/* Zeros after the image as many as the last window reaches, which is fewer than `pad` where the stride leaves pixels
 * out. */
static int64_t pad_after(int side, int out, int window, int stride, int pad) {
    int64_t reach = (int64_t)(out - 1) * stride + window - side - pad;
    return reach > 0 ? reach : 0;
}

static qea_dnnl_conv describe(const qea_conv_shape *s, qea_type type, qea_type out_type) {
    qea_dnnl_conv d = {
        .src = {s->n, s->c, s->h, s->w},
        .weights = {s->k, s->c, s->r, s->s},
        .dst = {s->n, s->k, s->oh, s->ow},
        .strides = {s->stride, s->stride},
        .before = {s->pad, s->pad},
        .after = {pad_after(s->h, s->oh, s->r, s->stride, s->pad), pad_after(s->w, s->ow, s->s, s->stride, s->pad)},
        .weight_dims = 4,
        .src_type = dnnl_type(type),
        .weights_type = dnnl_type(type),
        .dst_type = dnnl_type(out_type)};
    if (s->groups > 1) {
        const dnnl_dims_t grouped = {s->groups, s->k / s->groups, s->c / s->groups, s->r, s->s};
        for (int i = 0; i < 5; i++) d.weights[i] = grouped[i];
        d.weight_dims = 5;
    }
    return d;
}

/* oneDNN 2.6.3's 1x1 backward-weights first gathers the pixels that the stride leaves, in whole vectors: fewer channels
 * than fill one, and it writes past its scratch memory. */
static bool writes_past_its_end(const qea_conv_shape *s) {
    enum { WIDEST_VECTOR = 16 };
    return s->r == 1 && s->s == 1 && s->stride > 1 && s->c / s->groups < WIDEST_VECTOR;
}

/* The backward passes' descriptors take the forward pass's as a hint. The gradient of the weights is float32 also where
 * the rest is bf16. */
static qea_status describe_passes(qea_context *ctx, builder *b, unsigned passes) {
    qea_dnnl_conv problem = b->problem;
    DNNL_TRY(qea_dnnl_conv_desc(b->engine, passes == QEA_PASS_FORWARD ? QEA_DNNL_INFERENCE : QEA_DNNL_FORWARD, &problem,
                                b->attr, NULL, &b->forward),
             "convolution");
    if (passes & QEA_PASS_DATA)
        DNNL_TRY(qea_dnnl_conv_desc(b->engine, QEA_DNNL_DATA, &problem, b->attr, b->forward, &b->data),
                 "backward-data of a convolution");
    if (!(passes & QEA_PASS_WEIGHTS)) return QEA_OK;
    problem.weights_type = dnnl_f32;
    problem.not_1x1 = writes_past_its_end(&b->conv->shape);
    DNNL_TRY(qea_dnnl_conv_desc(b->engine, QEA_DNNL_WEIGHTS, &problem, b->attr, b->forward, &b->weights),
             "backward-weights of a convolution");
    return QEA_OK;
}

/* The primitive of `desc`, and a description of the scratch memory that it needs, without memory yet. */
static qea_status make_step(qea_context *ctx, builder *b, dnnl_primitive_desc_t desc, qea_onednn_step *step) {
    DNNL_TRY(dnnl_primitive_create(&step->primitive, desc), "creating a convolution");
    qea_dnnl_desc scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    size_t bytes = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    if (bytes == 0) return QEA_OK;
    if (bytes > b->conv->scratch_bytes) b->conv->scratch_bytes = bytes;
    DNNL_TRY(dnnl_memory_create(&step->scratch, scratch, b->engine, DNNL_MEMORY_NONE), "scratch memory");
    return QEA_OK;
}

static void add_arg(qea_onednn_step *step, int arg, dnnl_memory_t memory) {
    step->args[step->num_args++] = (dnnl_exec_arg_t){arg, memory};
}

static qea_status make_memory(qea_context *ctx, const builder *b, dnnl_primitive_desc_t desc, dnnl_query_t what,
                              void *data, dnnl_memory_t *out) {
    DNNL_TRY(dnnl_memory_create(out, dnnl_primitive_desc_query_md(desc, what, 0), b->engine, data),
             "memory of a convolution");
    return QEA_OK;
}

/* As make_memory, with memory of its own behind it. */
static qea_status make_owned(qea_context *ctx, const builder *b, dnnl_primitive_desc_t desc, dnnl_query_t what,
                             void **block, dnnl_memory_t *out) {
    size_t bytes = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(desc, what, 0));
    QEA_TRY(qea_alloc(ctx, "packed weights", bytes, 1, block));
    return make_memory(ctx, b, desc, what, *block, out);
}

static qea_status describe_memory(qea_context *ctx, dnnl_memory_t memory, qea_dnnl_desc *out) {
    DNNL_TRY(dnnl_memory_get_memory_desc(memory, out), "memory of a convolution");
    return QEA_OK;
}

static qea_status make_reorder(qea_context *ctx, builder *b, dnnl_memory_t from, dnnl_memory_t to,
                               qea_onednn_step *step) {
    qea_dnnl_desc from_desc, to_desc;
    QEA_TRY(describe_memory(ctx, from, &from_desc));
    QEA_TRY(describe_memory(ctx, to, &to_desc));
    dnnl_primitive_desc_t desc;
    DNNL_TRY(dnnl_reorder_primitive_desc_create(&desc, from_desc, b->engine, to_desc, b->engine, b->attr),
             "packing weights");
    qea_status status = make_step(ctx, b, desc, step);
    dnnl_primitive_desc_destroy(desc);
    add_arg(step, DNNL_ARG_FROM, from);
    add_arg(step, DNNL_ARG_TO, to);
    return status;
}

/* The caller's tensors, without memory yet. */
static qea_status make_borrowed(qea_context *ctx, builder *b) {
    qea_onednn_conv *conv = b->conv;
    QEA_TRY(make_memory(ctx, b, b->forward, dnnl_query_src_md, DNNL_MEMORY_NONE, &conv->in));
    QEA_TRY(make_memory(ctx, b, b->forward, dnnl_query_dst_md, DNNL_MEMORY_NONE, &conv->out));
    DNNL_TRY(qea_dnnl_plain_weights(b->engine, &b->problem, &conv->plain), "weights");
    return QEA_OK;
}

static qea_status make_forward(qea_context *ctx, builder *b) {
    qea_onednn_conv *conv = b->conv;
    QEA_TRY(make_owned(ctx, b, b->forward, dnnl_query_weights_md, &conv->packed_block, &conv->packed));
    QEA_TRY(make_reorder(ctx, b, conv->plain, conv->packed, &conv->pack));
    QEA_TRY(make_step(ctx, b, b->forward, &conv->forward));
    add_arg(&conv->forward, DNNL_ARG_SRC, conv->in);
    add_arg(&conv->forward, DNNL_ARG_WEIGHTS, conv->packed);
    add_arg(&conv->forward, DNNL_ARG_DST, conv->out);
    return QEA_OK;
}

static qea_status make_data(qea_context *ctx, builder *b) {
    qea_onednn_conv *conv = b->conv;
    dnnl_memory_t weights = conv->packed; /* shared with the forward pass where it has the same layout */
    if (!weights || !dnnl_memory_desc_equal(dnnl_primitive_desc_query_md(b->forward, dnnl_query_weights_md, 0),
                                            dnnl_primitive_desc_query_md(b->data, dnnl_query_weights_md, 0))) {
        QEA_TRY(
            make_owned(ctx, b, b->data, dnnl_query_weights_md, &conv->packed_for_data_block, &conv->packed_for_data));
        QEA_TRY(make_reorder(ctx, b, conv->plain, conv->packed_for_data, &conv->pack_for_data));
        weights = conv->packed_for_data;
    }
    QEA_TRY(make_step(ctx, b, b->data, &conv->data));
    add_arg(&conv->data, DNNL_ARG_DIFF_DST, conv->out);
    add_arg(&conv->data, DNNL_ARG_WEIGHTS, weights);
    add_arg(&conv->data, DNNL_ARG_DIFF_SRC, conv->in);
    return QEA_OK;
}

static qea_status make_weights(qea_context *ctx, builder *b) {
    qea_onednn_conv *conv = b->conv;
    QEA_TRY(make_owned(ctx, b, b->weights, dnnl_query_diff_weights_md, &conv->gradient_block, &conv->gradient));
    QEA_TRY(make_step(ctx, b, b->weights, &conv->weights));
    add_arg(&conv->weights, DNNL_ARG_SRC, conv->in);
    add_arg(&conv->weights, DNNL_ARG_DIFF_DST, conv->out);
    add_arg(&conv->weights, DNNL_ARG_DIFF_WEIGHTS, conv->gradient);
    return make_reorder(ctx, b, conv->gradient, conv->plain, &conv->unpack);
}

/* One buffer for all: the steps run one after another. */
static qea_status give_scratch(qea_context *ctx, qea_onednn_conv *conv) {
    QEA_TRY(qea_alloc(ctx, "convolution scratch memory", conv->scratch_bytes, 1, &conv->scratch_block));
    qea_onednn_step *steps[] = {&conv->forward, &conv->data,          &conv->weights,
                                &conv->pack,    &conv->pack_for_data, &conv->unpack};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!steps[i]->scratch) continue;
        DNNL_TRY(dnnl_memory_set_data_handle(steps[i]->scratch, conv->scratch_block), "scratch memory");
        add_arg(steps[i], DNNL_ARG_SCRATCHPAD, steps[i]->scratch);
    }
    return QEA_OK;
}

static qea_status build(qea_context *ctx, builder *b, unsigned passes) {
    b->engine = qea_onednn_engine();
    if (!b->engine) return qea_fail(ctx, QEA_ERR_UNSUPPORTED, "%s: no CPU engine", qea_onednn_version());
    DNNL_TRY(dnnl_stream_create(&b->conv->stream, b->engine, dnnl_stream_default_flags), "stream");
    DNNL_TRY(dnnl_primitive_attr_create(&b->attr), "attributes");
    DNNL_TRY(dnnl_primitive_attr_set_scratchpad_mode(b->attr, dnnl_scratchpad_mode_user), "attributes");
    QEA_TRY(describe_passes(ctx, b, passes));
    QEA_TRY(make_borrowed(ctx, b));
    if (passes & QEA_PASS_FORWARD) QEA_TRY(make_forward(ctx, b));
    if (passes & QEA_PASS_DATA) QEA_TRY(make_data(ctx, b));
    if (passes & QEA_PASS_WEIGHTS) QEA_TRY(make_weights(ctx, b));
    return give_scratch(ctx, b->conv);
}

static void finish(builder *b) {
    if (b->attr) dnnl_primitive_attr_destroy(b->attr);
    dnnl_primitive_desc_t descs[] = {b->forward, b->data, b->weights};
    for (size_t i = 0; i < sizeof descs / sizeof descs[0]; i++)
        if (descs[i]) dnnl_primitive_desc_destroy(descs[i]);
}

qea_status qea_onednn_conv_create(qea_context *ctx, const qea_conv_shape *shape, unsigned passes, qea_type type,
                                  qea_type out_type, qea_onednn_conv **out) {
    *out = NULL;
    QEA_TRY(qea_conv_shape_check(ctx, shape));
    if ((type == QEA_BF16 || out_type == QEA_BF16) && !qea_onednn_has_bf16())
        return qea_fail(ctx, QEA_ERR_UNSUPPORTED,
                        "bf16 convolution: this CPU (or the instruction set asked for) has no "
                        "bf16 arithmetic");
    builder b = {.problem = describe(shape, type, out_type)};
    QEA_TRY(QEA_NEW(ctx, "convolution", b.conv, 1));
    b.conv->shape = *shape;
    b.conv->type = type;
    b.conv->out_type = out_type;
    b.conv->threads = qea_kernels_threads();
    omp_set_num_threads(b.conv->threads);
    qea_status status = build(ctx, &b, passes);
    finish(&b);
    if (status == QEA_OK)
        *out = b.conv;
    else
        qea_onednn_conv_destroy(b.conv);
    return status;
}
