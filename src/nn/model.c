/* nn/model.c: the parameters of a graph under a bit policy: names, shapes, memory. */
#include "nn/model_internal.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum { FLOAT_BITS = 32 };

static int weight_bits_of(const qea_model *model, const qea_graph_node *node) {
    return node->quantized >= 0 ? model->weight_bits[node->quantized] : FLOAT_BITS;
}

static int activation_bits_of(const qea_model *model, const qea_graph_node *node) {
    return node->quantized >= 0 ? model->activation_bits[node->quantized] : FLOAT_BITS;
}

static size_t node_in_channels(const qea_model *model, const qea_graph_node *node) {
    return (size_t)qea_graph_layer(model->graph, (size_t)node->layer)->in_channels;
}

qea_weight_quant qea_model_weight_quant(const qea_model *model, const qea_graph_node *node) {
    size_t side = (size_t)node->conv.kernel;
    return (qea_weight_quant){.kind = model->weight_quantizer,
                              .bits = weight_bits_of(model, node),
                              .channels = (size_t)node->conv.out_channels,
                              .per_channel = node_in_channels(model, node) / (size_t)node->conv.groups * side * side};
}

/* --- describing --- */

typedef struct describer {
    qea_context *ctx;
    qea_model *model;
    size_t capacity;
    qea_status status;
} describer;

static qea_status add_param(describer *d, const char *node, const char *part, int rank, const size_t *dims,
                            bool trained) {
    qea_model *model = d->model;
    QEA_TRY(qea_grow(d->ctx, "parameters", (void **)&model->params, &d->capacity, model->num_params + 1,
                     sizeof *model->params));
    qea_text name = {0};
    qea_text_printf(&name, "%s.%s", node, part);
    qea_status status = qea_text_finish(d->ctx, &name);
    if (status != QEA_OK) {
        qea_text_free(&name);
        return status;
    }
    qea_param *param = &model->params[model->num_params++];
    *param = (qea_param){.name = name.bytes, .count = 1, .rank = rank, .trained = trained, .decay = trained};
    for (int i = 0; i < rank; i++) {
        param->dims[i] = dims[i];
        param->count *= dims[i]; /* at most QEA_GRAPH_MAX_COUNT: the graph has checked it */
    }
    return QEA_OK;
}

static void describe_vector(describer *d, const char *node, const char *part, size_t count, bool trained) {
    if (d->status == QEA_OK) d->status = add_param(d, node, part, 1, &count, trained);
}

/* Learned steps: one set, or in a supernet one for each width; without weight decay there, since a step that is not in
 * use would shrink. */
static void describe_steps(describer *d, const qea_graph_node *node, const char *part, size_t per_step) {
    const qea_model *model = d->model;
    if (!qea_model_is_supernet(model)) {
        describe_vector(d, node->name, part, per_step, true);
        return;
    }
    const size_t dims[2] = {model->widths.count, per_step};
    if (d->status == QEA_OK) d->status = add_param(d, node->name, part, per_step > 1 ? 2 : 1, dims, true);
    if (d->status == QEA_OK) d->model->params[d->model->num_params - 1].decay = false;
}

/* Bits that stand for all that the layer may have: do they come with learned parameters? */
static int typical_bits(const qea_model *model, int bits) {
    return qea_model_is_supernet(model) && model->widths.count > 0 ? model->widths.bits[0] : bits;
}

static void describe_layer(describer *d, const qea_graph_node *node) {
    qea_weight_quant quant = qea_model_weight_quant(d->model, node);
    int act_bits = activation_bits_of(d->model, node);
    if (quant.bits == 0 || act_bits == 0) return;
    const qea_conv_options *conv = &node->conv;
    size_t in = node_in_channels(d->model, node) / (size_t)conv->groups, side = (size_t)conv->kernel;
    const size_t dims[4] = {quant.channels, in, side, side};
    if (d->status == QEA_OK)
        d->status = add_param(d, node->name, "weight", node->op == QEA_OP_LINEAR ? 2 : 4, dims, true);
    if (conv->bias) describe_vector(d, node->name, "bias", quant.channels, true);
    if (node->quantized < 0) return;
    quant.bits = typical_bits(d->model, quant.bits);
    if (qea_weight_quant_num_params(&quant) > 0)
        describe_steps(d, node, "weight_step", qea_weight_quant_num_params(&quant));
    qea_quantizer kind = d->model->activation_quantizer;
    if (qea_act_quant_num_params(kind, typical_bits(d->model, act_bits)) == 0) return;
    if (kind == QEA_PACT)
        describe_vector(d, node->name, "act_alpha", 1, true);
    else
        describe_steps(d, node, "act_step", 1);
}

static void describe_norm(describer *d, const qea_graph_node *node) {
    size_t channels = (size_t)node->channels;
    describe_vector(d, node->name, "weight", channels, true);
    describe_vector(d, node->name, "bias", channels, true);
    describe_vector(d, node->name, "running_mean", channels, false);
    describe_vector(d, node->name, "running_var", channels, false);
}

static qea_status copy_bits(qea_context *ctx, const uint8_t *bits, size_t count, uint8_t **out) {
    QEA_TRY(QEA_NEW(ctx, "bits", *out, count));
    for (size_t i = 0; i < count; i++) (*out)[i] = bits ? bits[i] : FLOAT_BITS;
    return QEA_OK;
}

static qea_status describe(qea_context *ctx, const qea_bit_policy *policy, const qea_widths *widths, qea_model *model) {
    size_t quantized = qea_graph_num_quantized(model->graph), nodes = qea_graph_num_nodes(model->graph);
    QEA_TRY(copy_bits(ctx, policy ? policy->weight_bits : NULL, quantized, &model->weight_bits));
    QEA_TRY(copy_bits(ctx, policy ? policy->activation_bits : NULL, quantized, &model->activation_bits));
    if (widths) {
        model->widths = *widths;
        QEA_TRY(copy_bits(ctx, model->weight_bits, quantized, &model->most_weight_bits));
        QEA_TRY(copy_bits(ctx, model->activation_bits, quantized, &model->most_activation_bits));
    }
    if (policy) {
        model->weight_quantizer = policy->weight_quantizer;
        model->activation_quantizer = policy->activation_quantizer;
    }
    describer d = {.ctx = ctx, .model = model, .status = QEA_OK};
    for (size_t i = 0; i < nodes && d.status == QEA_OK; i++) {
        const qea_graph_node *node = qea_graph_node_at(model->graph, (qea_node)i);
        if (node->layer >= 0) describe_layer(&d, node);
        if (node->op == QEA_OP_BATCH_NORM) describe_norm(&d, node);
    }
    return d.status;
}

qea_status qea_model_describe(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *policy,
                              const qea_widths *widths, qea_model **out) {
    qea_model *model = NULL;
    *out = NULL;
    if (policy) QEA_TRY(qea_graph_check_policy(ctx, graph, policy));
    if (widths) QEA_TRY(qea_supernet_check(ctx, graph, policy, widths));
    QEA_TRY(QEA_NEW(ctx, "model", model, 1));
    model->graph = graph;
    qea_status status = describe(ctx, policy, widths, model);
    if (status == QEA_OK)
        *out = model;
    else
        qea_model_destroy(model);
    return status;
}

qea_status qea_model_allocate(qea_context *ctx, qea_model *model) {
    for (size_t i = 0; i < model->num_params; i++) {
        qea_param *param = &model->params[i];
        QEA_TRY(QEA_NEW(ctx, param->name, param->value, param->count));
        if (param->trained) QEA_TRY(QEA_NEW(ctx, param->name, param->grad, param->count));
    }
    return QEA_OK;
}

void qea_model_destroy(qea_model *model) {
    if (!model) return;
    for (size_t i = 0; i < model->num_params; i++) {
        qea_free(model->params[i].name);
        qea_free(model->params[i].value);
        qea_free(model->params[i].grad);
    }
    qea_free(model->params);
    qea_free(model->weight_bits);
    qea_free(model->activation_bits);
    qea_free(model->most_weight_bits);
    qea_free(model->most_activation_bits);
    qea_free(model);
}

/* --- finding and copying --- */

qea_param *qea_model_find(const qea_model *model, const char *name) {
    for (size_t i = 0; i < model->num_params; i++)
        if (strcmp(model->params[i].name, name) == 0) return &model->params[i];
    return NULL;
}

qea_param *qea_model_find_part(const qea_model *model, const char *node, const char *part) {
    size_t length = strlen(node);
    for (size_t i = 0; i < model->num_params; i++) {
        const char *name = model->params[i].name;
        if (strncmp(name, node, length) == 0 && name[length] == '.' && strcmp(name + length + 1, part) == 0)
            return &model->params[i];
    }
    return NULL;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

bool qea_param_allows(const qea_param *param, float value) {
    if (isnan(value)) return ends_with(param->name, ".act_step");
    return isfinite(value) && (value >= 0 || !ends_with(param->name, ".running_var"));
}
