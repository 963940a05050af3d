/* nn/plan_forward.c: the steps in order. The scale of a branch carries the steps of the grid and the batch
 * normalisation: with u = s x + bias the true value, z = gamma (u - mean_u) / sqrt(var_u + eps) + beta (Ioffe &
 * Szegedy, arXiv:1502.03167, algorithm 1) is scale x + shift with scale = gamma s / sqrt(s^2 var_x + eps). */
#include <math.h>

#include "base/error.h"
#include "nn/plan_internal.h"

double qea_plan_source_step(const qea_plan *plan, const plan_branch *branch, int c) {
    if (branch->layer < 0) return 1;
    const plan_layer *layer = &plan->layers[branch->layer];
    return (double)layer->step_w[c] * (double)layer->step_a;
}

double qea_plan_source_bias(const qea_plan *plan, const plan_branch *branch, int c) {
    if (branch->layer < 0 || !plan->layers[branch->layer].bias) return 0;
    return (double)plan->layers[branch->layer].bias->value[c];
}

static void scale_by_step(const qea_plan *plan, plan_branch *branch, int channels) {
    for (int c = 0; c < channels; c++) {
        branch->coefs.scale[c] = (float)qea_plan_source_step(plan, branch, c);
        branch->coefs.shift[c] = (float)qea_plan_source_bias(plan, branch, c);
    }
}

static void scale_by_running(const qea_plan *plan, plan_branch *branch, int channels) {
    const plan_norm *norm = &branch->norm;
    for (int c = 0; c < channels; c++) {
        double gain = (double)norm->gamma->value[c] / sqrt((double)norm->variance->value[c] + norm->node->eps);
        double offset = qea_plan_source_bias(plan, branch, c) - (double)norm->mean->value[c];
        branch->coefs.scale[c] = (float)(gain * qea_plan_source_step(plan, branch, c));
        branch->coefs.shift[c] = (float)((double)norm->beta->value[c] + gain * offset);
    }
}

static void scale_by_batch(const qea_plan *plan, plan_branch *branch, size_t rows, int channels) {
    const plan_norm *norm = &branch->norm;
    plan_coefs *coefs = &branch->coefs;
    if (!branch->counted)
        plan->kernels->channel_stats(plan_view(plan, branch->source), rows, channels, coefs->center, coefs->variance);
    for (int c = 0; c < channels; c++) {
        double s = qea_plan_source_step(plan, branch, c);
        double variance = s * s * (double)coefs->variance[c];
        double scale = (double)norm->gamma->value[c] * s / sqrt(variance + norm->node->eps);
        coefs->scale[c] = (float)scale;
        coefs->shift[c] = (float)((double)norm->beta->value[c] - scale * (double)coefs->center[c]);
    }
}

static void follow_batch(const qea_plan *plan, const plan_branch *branch, size_t rows, int channels) {
    const plan_norm *norm = &branch->norm;
    const plan_coefs *coefs = &branch->coefs;
    double momentum = norm->node->momentum;
    double unbiased = rows > 1 ? (double)rows / ((double)rows - 1) : 1;
    for (int c = 0; c < channels; c++) {
        double s = qea_plan_source_step(plan, branch, c);
        double mean = s * (double)coefs->center[c], variance = s * s * (double)coefs->variance[c];
        float *running_mean = &norm->mean->value[c], *running_variance = &norm->variance->value[c];
        double true_mean = mean + qea_plan_source_bias(plan, branch, c);
        *running_mean = (float)((1 - momentum) * (double)*running_mean + momentum * true_mean);
        *running_variance = (float)((1 - momentum) * (double)*running_variance + momentum * variance * unbiased);
    }
}

qea_segment qea_plan_segment_view(const qea_plan *plan, const plan_segment *segment, bool outputs) {
    qea_segment view = {.rows = segment->rows,
                        .channels = segment->channels,
                        .num_branches = segment->num_branches,
                        .relu = segment->relu,
                        .y = plan_view(plan, outputs ? segment->y : -1),
                        .num_quants = segment->num_quants};
    for (int i = 0; i < segment->num_branches; i++) {
        const plan_branch *branch = &segment->branch[i];
        view.branch[i].x = plan_view(plan, branch->source);
        if (plan_branch_is_plain(branch)) continue;
        view.branch[i].scale = branch->coefs.scale;
        view.branch[i].shift = branch->coefs.shift;
    }
    for (int i = 0; i < segment->num_quants; i++) {
        view.out[i].quant = plan->layers[segment->quant[i].layer].act;
        view.out[i].q = plan_view(plan, outputs ? segment->quant[i].tensor : -1);
    }
    return view;
}

/* In training also where the bits of this step need none: those of other widths begin with it. */
static bool lacks_act_step(const qea_plan *plan, const plan_layer *layer, bool training) {
    bool needed = training || qea_act_quant_num_params(plan->model->activation_quantizer, layer->act_bits) > 0;
    return needed && layer->act_param && isnan(layer->act_param->value[layer->act_param_at]);
}

/* A supernet's steps begin together, for all widths. */
static void begin_act_steps(const qea_model *model, const plan_layer *layer, float mean) {
    for (size_t i = 0; i < layer->act_param->count; i++) {
        int bits = qea_model_is_supernet(model) ? model->widths.bits[i] : layer->act_bits;
        float *step = &layer->act_param->value[i];
        if (isnan(*step)) *step = qea_act_quant_init_param(model->activation_quantizer, bits, layer->act_signed, mean);
    }
}

/* Rows [first, first + rows) of a tensor. */
static qea_view rows_of(qea_view view, size_t first, int channels) {
    size_t skipped = first * (size_t)channels * qea_type_bytes(view.type);
    return (qea_view){(uint8_t *)view.data + skipped, view.type};
}

/* The mean of |y| over a segment, computed some rows at a time in the memory for a weight gradient: the layer behind
 * has a weight for every channel at least. */
static double mean_abs_output(const qea_plan *plan, const plan_segment *segment) {
    size_t channels = (size_t)segment->channels, rows = plan->dweight_count / channels;
    double sum = 0;
    for (size_t first = 0; first < segment->rows; first += rows) {
        qea_segment view = qea_plan_segment_view(plan, segment, false);
        for (int i = 0; i < view.num_branches; i++) view.branch[i].x = rows_of(view.branch[i].x, first, view.channels);
        view.rows = segment->rows - first < rows ? segment->rows - first : rows;
        view.num_quants = 0;
        view.y = (qea_view){plan->dweight, QEA_F32};
        (void)plan->kernels->segment_forward(&view);
        for (size_t i = 0; i < view.rows * channels; i++) sum += fabs((double)plan->dweight[i]);
    }
    return sum / ((double)segment->rows * (double)channels);
}

/* A step that has no value yet (LSQ) gets it from the first training batch. */
static qea_status init_act_param(qea_context *ctx, qea_plan *plan, const plan_segment *segment, int i, bool training) {
    plan_layer *layer = &plan->layers[segment->quant[i].layer];
    if (!lacks_act_step(plan, layer, training)) return QEA_OK;
    if (!training)
        return qea_fail(ctx, QEA_ERR_STATE, "layer %s: its activation step has no value before training",
                        layer->node->name);
    begin_act_steps(plan->model, layer, (float)mean_abs_output(plan, segment));
    qea_plan_set_act_quant(plan, layer);
    return QEA_OK;
}

static void scale_norm(const qea_plan *plan, plan_segment *segment, int i, plan_statistics statistics) {
    plan_branch *branch = &segment->branch[i];
    if (statistics == PLAN_RUNNING) {
        scale_by_running(plan, branch, segment->channels);
        return;
    }
    scale_by_batch(plan, branch, segment->rows, segment->channels);
    if (statistics == PLAN_BATCH)
        follow_batch(plan, branch, segment->rows, segment->channels);
    else
        qea_plan_pool_statistics(plan, segment, i);
}

static qea_status segment_forward(qea_context *ctx, qea_plan *plan, plan_segment *segment, plan_statistics statistics) {
    for (int i = 0; i < segment->num_branches; i++) {
        plan_branch *branch = &segment->branch[i];
        if (branch->normed)
            scale_norm(plan, segment, i, statistics);
        else if (branch->layer >= 0)
            scale_by_step(plan, branch, segment->channels);
    }
    for (int i = 0; i < segment->num_quants; i++)
        QEA_TRY(init_act_param(ctx, plan, segment, i, statistics == PLAN_BATCH));
    qea_segment view = qea_plan_segment_view(plan, segment, true);
    if (!plan->kernels->segment_forward(&view)) plan->nan = true;
    return QEA_OK;
}

static qea_status conv_forward(qea_context *ctx, const qea_plan *plan, const plan_step *step,
                               plan_statistics statistics) {
    const plan_layer *layer = &plan->layers[step->index];
    qea_view x = plan_view(plan, step->in);
    void *y = plan_view(plan, step->out).data;
    if (!layer->mean || statistics == PLAN_RUNNING) return plan->kernels->conv_forward(ctx, layer->conv, x, y);
    return plan->kernels->conv_forward_stats(ctx, layer->conv, x, y, layer->mean, layer->variance);
}

/* A NaN that went into bytes is no NaN any more in the steps behind them: the loss must not look sound. */
static void spread_nan(const qea_plan *plan) {
    const plan_tensor *logits = &plan->tensors[plan->logits];
    float *values = logits->data;
    for (size_t i = 0; plan->nan && i < logits->rows * (size_t)logits->channels; i++) values[i] = NAN;
}

qea_status qea_plan_forward(qea_context *ctx, qea_plan *plan, plan_statistics statistics) {
    const qea_kernels *k = plan->kernels;
    int n = plan->options.batch;
    plan->nan = false;
    for (size_t i = 0; i < plan->num_steps; i++) {
        const plan_step *step = &plan->steps[i];
        const qea_graph_node *node = step->node, *from = step->from;
        const qea_conv_shape *skip = &step->skip;
        qea_view x = plan_view(plan, step->in), y = plan_view(plan, step->out);
        switch (step->op) {
        case PLAN_CONV:
            QEA_TRY(conv_forward(ctx, plan, step, statistics));
            break;
        case PLAN_SEGMENT:
            QEA_TRY(segment_forward(ctx, plan, &plan->segments[step->index], statistics));
            break;
        case PLAN_SKIP:
            k->skip(x, y, n, skip->h, skip->w, skip->c, skip->oh, skip->ow, skip->k, skip->stride);
            break;
        case PLAN_MAX_POOL:
            k->max_pool(x, y, plan_view(plan, step->argmax).data, n, from->height, from->width, from->channels,
                        node->kernel, node->stride, node->padding);
            break;
        case PLAN_AVG_POOL:
            k->avg_pool(x, y, n, from->height, from->width, from->channels, node->kernel, node->stride, node->padding);
            break;
        }
    }
    spread_nan(plan);
    return QEA_OK;
}
