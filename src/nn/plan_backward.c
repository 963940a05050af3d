/* nn/plan_backward.c: the steps in reverse. What a convolution gets back is d' = d(loss)/d(true output) step_w[k], so
 * that backward-data on the integer weights gives the gradient with respect to the real value of its input (step_a q),
 * which straight-through passes on, and backward-weights on the integer input, times step_a / step_w[k], that with
 * respect to the real weights (step_w q). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "nn/plan_internal.h"

/* The gradient with respect to `tensor` as one view: its readers' gradients are summed into the first. */
static qea_view gather(const qea_plan *plan, int tensor) {
    const plan_tensor *t = &plan->tensors[tensor];
    if (t->num_grads == 0) return (qea_view){NULL, QEA_F32};
    qea_view sum = plan_view(plan, t->grads[0]);
    if (t->num_grads == 1) return sum;
    qea_segment identity = {.rows = t->rows, .channels = t->channels, .num_branches = 1};
    identity.branch[0].x = sum;
    qea_segment_grads grads = {.num_plain = t->num_grads};
    for (int i = 0; i < t->num_grads; i++) grads.plain[i] = plan_view(plan, t->grads[i]);
    qea_segment_dx dx[QEA_MAX_BRANCHES] = {{.dx = sum}};
    plan->kernels->segment_backward(&identity, &grads, dx);
    return sum;
}

/* --- convolutions --- */

static qea_status conv_backward(qea_context *ctx, qea_plan *plan, const plan_step *step) {
    const qea_kernels *k = plan->kernels;
    plan_layer *layer = &plan->layers[step->index];
    const qea_weight_quant *quant = &layer->weight_quant;
    const void *dy = gather(plan, step->out).data;
    QEA_TRY(k->conv_backward_weights(ctx, layer->conv, plan_view(plan, step->in), dy, plan->dweight));
    for (size_t c = 0; c < quant->channels; c++) {
        float step_w = layer->step_w[c]; /* 0: a channel of zeros, nothing came back */
        float factor = step_w != 0 ? layer->step_a / step_w : 0;
        float *row = plan->dweight + c * quant->per_channel;
        for (size_t i = 0; i < quant->per_channel; i++) row[i] *= factor;
    }
    const qea_param *steps = layer->weight_step;
    size_t at = layer->weight_step_at;
    qea_weight_quant_backward(quant, layer->weight->value, steps ? steps->value + at : NULL, layer->q, layer->step_w,
                              plan->dweight, layer->weight->grad, steps ? steps->grad + at : NULL);
    if (step->dx < 0) return QEA_OK;
    return k->conv_backward_data(ctx, layer->conv, dy, plan_view(plan, step->dx).data);
}

/* --- segments --- */

/* Step of the source's true value, and the part of it that stays in what goes back (see the head of this file). */
static double true_step(const qea_plan *plan, const plan_branch *branch, int c) {
    if (branch->layer < 0) return 1;
    const plan_layer *layer = &plan->layers[branch->layer];
    return (double)layer->step_w[c] * (double)layer->step_a;
}

static double returned_step(const qea_plan *plan, const plan_branch *branch, int c) {
    return branch->layer < 0 ? 1 : (double)plan->layers[branch->layer].step_w[c];
}

/* Ioffe & Szegedy, section 3: with inv = 1/sqrt(var_u + eps), xhat = s (x - mean_x) inv,
 *   d(gamma) = sum dz xhat, d(beta) = sum dz,
 *   du = gamma inv (dz - d(beta)/rows - xhat d(gamma)/rows). */
static void norm_backward(const qea_plan *plan, const plan_segment *segment, plan_branch *branch) {
    const plan_norm *norm = &branch->norm;
    plan_coefs *coefs = &branch->coefs;
    double rows = (double)segment->rows;
    for (int c = 0; c < segment->channels; c++) {
        double s = true_step(plan, branch, c), gamma = (double)norm->gamma->value[c];
        double inv = 1 / sqrt(s * s * (double)coefs->variance[c] + norm->node->eps);
        double dbeta = (double)segment->dz[c], dgamma = s * inv * (double)coefs->dz_x[c];
        norm->beta->grad[c] = (float)dbeta;
        norm->gamma->grad[c] = (float)dgamma;
        double a = gamma * inv * returned_step(plan, branch, c);
        coefs->a[c] = (float)a;
        coefs->b[c] = (float)(-a * s * inv * dgamma / rows);
        coefs->c0[c] = (float)(-a * dbeta / rows);
    }
}

static void bias_backward(const qea_plan *plan, const plan_segment *segment, const plan_branch *branch) {
    if (branch->layer < 0) return;
    const plan_layer *layer = &plan->layers[branch->layer];
    for (int c = 0; c < segment->channels; c++) branch->coefs.a[c] = (float)returned_step(plan, branch, c);
    if (!layer->bias) return;
    for (int c = 0; c < segment->channels; c++) layer->bias->grad[c] = segment->dz[c];
}

/* The sums over rows that the parameters' gradients need; false: none are. */
static bool wanted_sums(const qea_plan *plan, plan_segment *segment, qea_segment_sums *sums) {
    bool wanted = false;
    for (int i = 0; i < segment->num_branches; i++) {
        plan_branch *branch = &segment->branch[i];
        if (branch->normed) {
            sums->dz_x[i] = branch->coefs.dz_x;
            sums->center[i] = branch->coefs.center;
        }
        if (branch->normed || (branch->layer >= 0 && plan->layers[branch->layer].bias)) {
            sums->dz = segment->dz;
            wanted = true;
        }
    }
    for (int i = 0; i < segment->num_quants; i++) wanted |= plan->layers[segment->quant[i].layer].act_param != NULL;
    return wanted;
}

static void parameters_backward(const qea_plan *plan, plan_segment *segment, const qea_segment_sums *sums) {
    for (int i = 0; i < segment->num_branches; i++) {
        plan_branch *branch = &segment->branch[i];
        if (branch->normed)
            norm_backward(plan, segment, branch); /* a bias below it has no effect: its gradient stays 0 */
        else
            bias_backward(plan, segment, branch);
    }
    size_t count = segment->rows * (size_t)segment->channels;
    for (int i = 0; i < segment->num_quants; i++) {
        const plan_layer *layer = &plan->layers[segment->quant[i].layer];
        if (layer->act_param)
            layer->act_param->grad[layer->act_param_at] = qea_act_quant_param_grad(
                plan->model->activation_quantizer, layer->act_bits, layer->act_signed, sums->param[i], count);
    }
}

static void segment_backward(const qea_plan *plan, plan_segment *segment) {
    qea_segment view = qea_plan_segment_view(plan, segment, false);
    qea_segment_grads grads = {0};
    if (segment->y >= 0) {
        const plan_tensor *y = &plan->tensors[segment->y];
        for (int i = 0; i < y->num_grads; i++) grads.plain[grads.num_plain++] = plan_view(plan, y->grads[i]);
    }
    for (int i = 0; i < segment->num_quants; i++) grads.quant[i] = gather(plan, segment->quant[i].tensor);

    qea_segment_sums sums = {0};
    if (wanted_sums(plan, segment, &sums)) plan->kernels->segment_reduce(&view, &grads, &sums);
    parameters_backward(plan, segment, &sums);

    qea_segment_dx dx[QEA_MAX_BRANCHES] = {{.dx = {NULL, QEA_F32}}};
    bool any = false;
    for (int i = 0; i < segment->num_branches; i++) {
        const plan_branch *branch = &segment->branch[i];
        if (branch->dx < 0) continue;
        any = true;
        dx[i].dx = plan_view(plan, branch->dx);
        if (plan_branch_is_plain(branch)) continue;
        dx[i].a = branch->coefs.a;
        if (!branch->normed) continue;
        dx[i].b = branch->coefs.b;
        dx[i].center = branch->coefs.center;
        dx[i].c0 = branch->coefs.c0;
    }
    if (any) plan->kernels->segment_backward(&view, &grads, dx);
}

/* --- all steps --- */

static void pool_backward(const qea_plan *plan, const plan_step *step) {
    const qea_kernels *k = plan->kernels;
    const qea_graph_node *node = step->node, *from = step->from;
    const qea_conv_shape *skip = &step->skip;
    int n = plan->options.batch;
    if (step->dx < 0) return;
    qea_view dy = gather(plan, step->out), dx = plan_view(plan, step->dx);
    if (step->op == PLAN_MAX_POOL)
        k->max_pool_backward(dy, plan_view(plan, step->argmax).data, dx, n, from->height, from->width, from->channels,
                             node->kernel, node->stride, node->padding);
    else if (step->op == PLAN_AVG_POOL)
        k->avg_pool_backward(dy, dx, n, from->height, from->width, from->channels, node->kernel, node->stride,
                             node->padding);
    else
        k->skip_backward(dy, dx, n, skip->h, skip->w, skip->c, skip->oh, skip->ow, skip->k, skip->stride);
}

qea_status qea_plan_backward(qea_context *ctx, qea_plan *plan) {
    for (size_t i = plan->num_steps; i-- > 0;) {
        const plan_step *step = &plan->steps[i];
        if (step->op == PLAN_CONV)
            QEA_TRY(conv_backward(ctx, plan, step));
        else if (step->op == PLAN_SEGMENT)
            segment_backward(plan, &plan->segments[step->index]);
        else
            pool_backward(plan, step);
    }
    return QEA_OK;
}
