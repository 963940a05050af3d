#include "kernels/onednn/version.h"

#include <string.h>

static const dnnl_dims_t no_dilation = {0};

static dnnl_format_tag_t plain_tag(const qea_dnnl_conv *conv) {
    return conv->weight_dims == 5 ? dnnl_goihw : dnnl_oihw;
}

static bool is_1x1(const_dnnl_primitive_desc_t desc) {
    const char *name = NULL;
    dnnl_status_t status = dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, (void *)&name);
    return status == dnnl_success && name && strncmp(name, "jit_1x1", strlen("jit_1x1")) == 0;
}

#if DNNL_VERSION_MAJOR >= 3

typedef struct descs {
    dnnl_memory_desc_t src, weights, dst;
} descs;

static void destroy(descs *d) {
    if (d->src) dnnl_memory_desc_destroy(d->src);
    if (d->weights) dnnl_memory_desc_destroy(d->weights);
    if (d->dst) dnnl_memory_desc_destroy(d->dst);
}

static dnnl_status_t describe(const qea_dnnl_conv *c, descs *d) {
    *d = (descs){0};
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&d->src, 4, c->src, c->src_type, dnnl_nhwc);
    if (status == dnnl_success)
        status = dnnl_memory_desc_create_with_tag(&d->weights, c->weight_dims, c->weights, c->weights_type,
                                                  dnnl_format_tag_any);
    if (status == dnnl_success) status = dnnl_memory_desc_create_with_tag(&d->dst, 4, c->dst, c->dst_type, dnnl_nhwc);
    return status;
}

static dnnl_status_t create(dnnl_engine_t engine, qea_dnnl_pass pass, const qea_dnnl_conv *c, const descs *d,
                            const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint,
                            dnnl_primitive_desc_t *out) {
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    if (pass == QEA_DNNL_DATA)
        return dnnl_convolution_backward_data_primitive_desc_create(
            out, engine, direct, d->src, d->weights, d->dst, c->strides, no_dilation, c->before, c->after, hint, attr);
    if (pass == QEA_DNNL_WEIGHTS)
        return dnnl_convolution_backward_weights_primitive_desc_create(out, engine, direct, d->src, d->weights, NULL,
                                                                       d->dst, c->strides, no_dilation, c->before,
                                                                       c->after, hint, attr);
    dnnl_prop_kind_t prop = pass == QEA_DNNL_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
    return dnnl_convolution_forward_primitive_desc_create(out, engine, prop, direct, d->src, d->weights, NULL, d->dst,
                                                          c->strides, no_dilation, c->before, c->after, attr);
}

dnnl_status_t qea_dnnl_conv_desc(dnnl_engine_t engine, qea_dnnl_pass pass, const qea_dnnl_conv *conv,
                                 const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint,
                                 dnnl_primitive_desc_t *out) {
    descs d;
    dnnl_status_t status = describe(conv, &d);
    if (status == dnnl_success) status = create(engine, pass, conv, &d, attr, hint, out);
    while (status == dnnl_success && conv->not_1x1 && is_1x1(*out)) status = dnnl_primitive_desc_next_impl(*out);
    destroy(&d);
    return status;
}

dnnl_status_t qea_dnnl_plain_weights(dnnl_engine_t engine, const qea_dnnl_conv *conv, dnnl_memory_t *out) {
    dnnl_memory_desc_t desc;
    dnnl_status_t status =
        dnnl_memory_desc_create_with_tag(&desc, conv->weight_dims, conv->weights, dnnl_f32, plain_tag(conv));
    if (status != dnnl_success) return status;
    status = dnnl_memory_create(out, desc, engine, DNNL_MEMORY_NONE);
    dnnl_memory_desc_destroy(desc);
    return status;
}

#else

static dnnl_status_t describe(qea_dnnl_pass pass, const qea_dnnl_conv *c, dnnl_convolution_desc_t *out) {
    dnnl_memory_desc_t src, weights, dst;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&src, 4, c->src, c->src_type, dnnl_nhwc);
    if (status == dnnl_success)
        status =
            dnnl_memory_desc_init_by_tag(&weights, c->weight_dims, c->weights, c->weights_type, dnnl_format_tag_any);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&dst, 4, c->dst, c->dst_type, dnnl_nhwc);
    if (status != dnnl_success) return status;
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    if (pass == QEA_DNNL_DATA)
        return dnnl_dilated_convolution_backward_data_desc_init(out, direct, &src, &weights, &dst, c->strides,
                                                                no_dilation, c->before, c->after);
    if (pass == QEA_DNNL_WEIGHTS)
        return dnnl_dilated_convolution_backward_weights_desc_init(out, direct, &src, &weights, NULL, &dst, c->strides,
                                                                   no_dilation, c->before, c->after);
    dnnl_prop_kind_t prop = pass == QEA_DNNL_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
    return dnnl_dilated_convolution_forward_desc_init(out, prop, direct, &src, &weights, NULL, &dst, c->strides,
                                                      no_dilation, c->before, c->after);
}

static dnnl_status_t first_not_1x1(dnnl_engine_t engine, const dnnl_convolution_desc_t *desc,
                                   const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint,
                                   dnnl_primitive_desc_t *out) {
    dnnl_primitive_desc_iterator_t iterator;
    dnnl_status_t status = dnnl_primitive_desc_iterator_create(&iterator, desc, attr, engine, hint);
    if (status != dnnl_success) return status;
    for (; status == dnnl_success; status = dnnl_primitive_desc_iterator_next(iterator)) {
        *out = dnnl_primitive_desc_iterator_fetch(iterator);
        if (!*out || !is_1x1(*out)) break;
        dnnl_primitive_desc_destroy(*out);
        *out = NULL;
    }
    dnnl_primitive_desc_iterator_destroy(iterator);
    return status == dnnl_success && !*out ? dnnl_out_of_memory : status;
}

dnnl_status_t qea_dnnl_conv_desc(dnnl_engine_t engine, qea_dnnl_pass pass, const qea_dnnl_conv *conv,
                                 const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint,
                                 dnnl_primitive_desc_t *out) {
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = describe(pass, conv, &desc);
    if (status != dnnl_success) return status;
    return conv->not_1x1 ? first_not_1x1(engine, &desc, attr, hint, out)
                         : dnnl_primitive_desc_create(out, &desc, attr, engine, hint);
}

dnnl_status_t qea_dnnl_plain_weights(dnnl_engine_t engine, const qea_dnnl_conv *conv, dnnl_memory_t *out) {
    dnnl_memory_desc_t desc;
    dnnl_status_t status =
        dnnl_memory_desc_init_by_tag(&desc, conv->weight_dims, conv->weights, dnnl_f32, plain_tag(conv));
    return status == dnnl_success ? dnnl_memory_create(out, &desc, engine, DNNL_MEMORY_NONE) : status;
}

#endif
