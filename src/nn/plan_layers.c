/* nn/plan_layers.c: the plan's convolutions: quantisers, parameters, kernels; weights on the grid. */
#include "base/error.h"
#include "base/memory.h"
#include "nn/model_internal.h"
#include "nn/plan_internal.h"

qea_conv_shape qea_plan_layer_shape(const qea_graph_node *node, const qea_graph_node *from, int batch) {
    const qea_conv_options *o = &node->conv;
    qea_conv_shape shape = {.n = batch, .k = node->channels, .oh = node->height, .ow = node->width};
    if (node->op == QEA_OP_LINEAR) { /* a 1x1 convolution of 1x1 images */
        shape.h = shape.w = shape.r = shape.s = shape.stride = shape.groups = 1;
        shape.c = from->height * from->width * from->channels;
    } else {
        shape.h = from->height;
        shape.w = from->width;
        shape.c = from->channels;
        shape.r = shape.s = o->kernel;
        shape.stride = o->stride;
        shape.pad = o->padding;
        shape.groups = o->groups;
    }
    return shape;
}

static bool low_bits(int bits) { return bits >= 1 && bits <= 8; }

static int model_bits(const uint8_t *bits, const qea_graph_node *node) {
    return node->quantized >= 0 ? bits[node->quantized] : 32;
}

/* The most that the layer can get: what its kernel must be able to do. */
static int most_weight_bits(const qea_model *model, const qea_graph_node *node) {
    return model_bits(qea_model_is_supernet(model) ? model->most_weight_bits : model->weight_bits, node);
}

static int most_act_bits(const qea_model *model, const qea_graph_node *node) {
    return model_bits(qea_model_is_supernet(model) ? model->most_activation_bits : model->activation_bits, node);
}

static void add_act_range(const qea_act_quant *quant, qea_conv_grid *grid) {
    if ((int)quant->lo < grid->x_lo) grid->x_lo = (int)quant->lo;
    if ((int)quant->hi > grid->x_hi) grid->x_hi = (int)quant->hi;
}

/* The integers that the layer convolves now; false: real numbers. */
static bool current_grid(const plan_layer *layer, qea_conv_grid *grid) {
    *grid = (qea_conv_grid){0};
    if (!layer->act_quantized || layer->act.kind == QEA_ACT_RELU) return false;
    add_act_range(&layer->act, grid);
    return qea_weight_quant_range(&layer->weight_quant, &grid->w_lo, &grid->w_hi);
}

/* All that it may convolve with at most these bits; whether its input has a sign is not known yet. */
static bool widest_grid(const qea_plan *plan, const plan_layer *layer, int weight_bits, int act_bits,
                        qea_conv_grid *grid) {
    qea_weight_quant weights = layer->weight_quant;
    weights.bits = weight_bits;
    *grid = (qea_conv_grid){0};
    if (!layer->act_quantized || act_bits == 32) return false;
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        qea_act_quant quant;
        float step, any = 1;
        qea_act_quant_make(plan->model->activation_quantizer, act_bits, is_signed, any, &quant, &step);
        add_act_range(&quant, grid);
    }
    return qea_weight_quant_range(&weights, &grid->w_lo, &grid->w_hi);
}

qea_type qea_plan_copy_type(const qea_plan *plan, const plan_layer *layer) {
    qea_act_quant quant;
    float step, any = 1;
    qea_act_quant_make(plan->model->activation_quantizer, most_act_bits(plan->model, layer->node), layer->act_signed,
                       any, &quant, &step);
    bool bytes = quant.kind == QEA_ACT_ROUND && quant.lo >= 0 && quant.hi <= UINT8_MAX;
    return bytes && plan->kernels->conv_reads_bytes(layer->conv) ? QEA_U8 : layer->type;
}

/* Integers of up to 8 bits are exact in bfloat16; a layer whose kernel cannot do it here falls back to float32 where
 * the precision was left to us. */
static qea_status make_conv(qea_context *ctx, qea_plan *plan, plan_layer *layer) {
    const qea_kernels *k = plan->kernels;
    qea_conv_use use = plan->options.training ? QEA_CONV_TRAINING : QEA_CONV_INFERENCE;
    int weight_bits = most_weight_bits(plan->model, layer->node), act_bits = most_act_bits(plan->model, layer->node);
    qea_conv_grid found;
    const qea_conv_grid *widest = widest_grid(plan, layer, weight_bits, act_bits, &found) ? &found : NULL;
    if (plan->bf16 && low_bits(weight_bits) && low_bits(act_bits)) {
        layer->type = k->bf16;
        layer->out_type = plan->options.training ? k->bf16 : QEA_F32; /* evaluation stores the sums exactly */
        qea_status status = k->conv_create(ctx, &layer->shape, use, widest, layer->type, layer->out_type, &layer->conv);
        if (status == QEA_ERR_UNSUPPORTED && layer->out_type == QEA_F32) {
            layer->out_type = k->bf16;
            status = k->conv_create(ctx, &layer->shape, use, widest, layer->type, layer->out_type, &layer->conv);
        }
        if (status != QEA_ERR_UNSUPPORTED || plan->options.precision == QEA_PRECISION_BF16) return status;
    }
    layer->type = layer->out_type = QEA_F32;
    return k->conv_create(ctx, &layer->shape, use, widest, layer->type, layer->out_type, &layer->conv);
}

/* The model's bits as they are now. */
static void take_bits(const qea_model *model, plan_layer *layer) {
    layer->weight_quant.bits = model_bits(model->weight_bits, layer->node);
    layer->act_bits = model_bits(model->activation_bits, layer->node);
    size_t weights = qea_model_step_offset(model, layer->weight_quant.bits, layer->weight_quant.channels);
    size_t activations = qea_model_step_offset(model, layer->act_bits, 1);
    layer->weight_step_at = weights != SIZE_MAX ? weights : 0; /* 32 bits have no step, and read none */
    layer->act_param_at = activations != SIZE_MAX && model->activation_quantizer != QEA_PACT ? activations : 0;
}

static void find_params(const qea_model *model, plan_layer *layer) {
    const char *name = layer->node->name;
    layer->weight = qea_model_find_part(model, name, "weight");
    layer->bias = qea_model_find_part(model, name, "bias");
    layer->weight_step = qea_model_find_part(model, name, "weight_step");
    layer->act_param =
        qea_model_find_part(model, name, model->activation_quantizer == QEA_PACT ? "act_alpha" : "act_step");
}

static qea_status make_layer(qea_context *ctx, qea_plan *plan, const qea_graph_node *node, plan_layer *layer) {
    const qea_model *model = plan->model;
    const qea_conv_shape *shape = &layer->shape;
    layer->node = node;
    layer->shape = qea_plan_layer_shape(node, qea_graph_node_at(model->graph, node->in[0]), plan->options.batch);
    layer->act_quantized = node->quantized >= 0;
    layer->step_a = 1;
    layer->in = -1;
    size_t per_channel = (size_t)(shape->c / shape->groups) * (size_t)shape->r * (size_t)shape->s;
    layer->weight_quant = (qea_weight_quant){model->weight_quantizer, 32, (size_t)shape->k, per_channel};
    take_bits(model, layer);
    find_params(model, layer);
    size_t count;
    if (!qea_size_mul(per_channel, (size_t)shape->k, &count) || !layer->weight || layer->weight->count != count)
        return qea_fail(ctx, QEA_ERR_CONFIG, "plan: layer %s: the model's weights do not fit the graph", node->name);
    QEA_TRY(QEA_NEW(ctx, "quantised weights", layer->q, count));
    QEA_TRY(QEA_NEW(ctx, "weight steps", layer->step_w, (size_t)shape->k));
    if (plan->dweight_count < count) plan->dweight_count = count;
    qea_status status = make_conv(ctx, plan, layer);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "layer %s", node->name);
}

qea_status qea_plan_make_layers(qea_context *ctx, qea_plan *plan) {
    const qea_graph *graph = plan->model->graph;
    size_t nodes = qea_graph_num_nodes(graph);
    QEA_TRY(QEA_NEW(ctx, "plan layers", plan->layers, qea_graph_num_layers(graph)));
    QEA_TRY(QEA_NEW(ctx, "plan nodes", plan->node_layer, nodes));
    for (size_t i = 0; i < nodes; i++) {
        const qea_graph_node *node = qea_graph_node_at(graph, (qea_node)i);
        plan->node_layer[i] = -1;
        if (node->op != QEA_OP_CONV && node->op != QEA_OP_LINEAR) continue;
        if (most_weight_bits(plan->model, node) == 0 || most_act_bits(plan->model, node) == 0) continue; /* left out */
        plan->node_layer[i] = (int)plan->num_layers;
        plan_layer *layer = &plan->layers[plan->num_layers++]; /* counted first, so that a failure frees its parts */
        QEA_TRY(make_layer(ctx, plan, node, layer));
    }
    if (plan->options.training) QEA_TRY(QEA_NEW(ctx, "weight gradients", plan->dweight, plan->dweight_count));
    return QEA_OK;
}

void qea_plan_layer_free(const qea_plan *plan, plan_layer *layer) {
    if (layer->conv) plan->kernels->conv_destroy(layer->conv);
    qea_free(layer->q);
    qea_free(layer->step_w);
}

void qea_plan_set_act_quant(const qea_plan *plan, plan_layer *layer) {
    float param = layer->act_param ? layer->act_param->value[layer->act_param_at] : 0.0f;
    qea_act_quant_make(plan->model->activation_quantizer, layer->act_bits, layer->act_signed, param, &layer->act,
                       &layer->step_a);
}

qea_status qea_plan_refresh(qea_context *ctx, qea_plan *plan) {
    for (size_t i = 0; i < plan->num_layers; i++) {
        plan_layer *layer = &plan->layers[i];
        take_bits(plan->model, layer);
        if (layer->act_quantized) qea_plan_set_act_quant(plan, layer);
        const float *steps = layer->weight_step ? layer->weight_step->value + layer->weight_step_at : NULL;
        qea_weight_quant_forward(&layer->weight_quant, layer->weight->value, steps, layer->q, layer->step_w);
        qea_conv_grid grid;
        bool integers = current_grid(layer, &grid);
        QEA_TRY(plan->kernels->conv_set_weights(ctx, layer->conv, layer->q, integers ? &grid : NULL));
    }
    return QEA_OK;
}
