/* nn/plan.c: making, running and freeing a plan. */
#include "nn/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/plan_internal.h"

bool qea_precision_is_bf16(qea_precision precision) {
    return precision == QEA_PRECISION_BF16 || (precision == QEA_PRECISION_AUTO && qea_kernels_have_amx());
}

static qea_status make(qea_context *ctx, qea_plan *plan) {
    QEA_TRY(qea_plan_make_layers(ctx, plan));
    QEA_TRY(qea_plan_make_steps(ctx, plan));
    if (plan->options.training) QEA_TRY(qea_plan_make_gradients(ctx, plan));
    return qea_plan_make_memory(ctx, plan);
}

qea_status qea_plan_create(qea_context *ctx, qea_model *model, const qea_plan_options *options, qea_plan **out) {
    *out = NULL;
    if (options->batch < 1) return qea_fail(ctx, QEA_ERR_CONFIG, "plan: batch %d, allowed: at least 1", options->batch);
    qea_plan *plan = NULL;
    size_t before = qea_alloc_bytes();
    QEA_TRY(QEA_NEW(ctx, "plan", plan, 1));
    plan->model = model;
    plan->options = *options;
    plan->kernels = options->kernels;
    plan->bf16 = qea_precision_is_bf16(options->precision);
    plan->logits = plan->dlogits = -1;
    qea_status status = make(ctx, plan);
    plan->bytes = qea_alloc_bytes() - before;
    if (status == QEA_OK) {
        *out = plan;
        return QEA_OK;
    }
    qea_plan_destroy(plan);
    return qea_fail_prefix(ctx, status, "preparing %s for batches of %d", qea_graph_name(model->graph), options->batch);
}

void qea_plan_destroy(qea_plan *plan) {
    if (!plan) return;
    for (size_t i = 0; i < plan->num_layers; i++) qea_plan_layer_free(plan, &plan->layers[i]);
    for (size_t i = 0; i < plan->num_segments; i++) {
        qea_free(plan->segments[i].coefs);
        qea_free(plan->segments[i].pooled);
    }
    qea_free(plan->layers);
    qea_free(plan->node_layer);
    qea_free(plan->segments);
    qea_free(plan->steps);
    qea_free(plan->tensors);
    qea_free(plan->blocks);
    qea_free(plan->arena);
    qea_free(plan->dweight);
    qea_free(plan);
}

size_t qea_plan_bytes(const qea_plan *plan) { return plan->bytes; }

const float *qea_plan_logits(const qea_plan *plan) { return plan->tensors[plan->logits].data; }

static void set_images(qea_plan *plan, const float *images) {
    union { /* the plan only reads them, but a view has no const */
        const float *in;
        void *out;
    } pointer = {images};
    plan->tensors[0].data = pointer.out;
}

static void loss(qea_plan *plan, const int32_t *labels, const qea_soft_targets *soft, float *dlogits,
                 qea_batch_result *result) {
    *result = (qea_batch_result){0};
    int n = plan->options.batch;
    for (int i = 0; i < n; i++) result->count += labels[i] >= 0;
    plan->kernels->softmax_loss(qea_plan_logits(plan), labels, soft, n, qea_graph_num_classes(plan->model->graph),
                                plan->options.label_smoothing, 1.0f / (float)n, dlogits, &result->loss, &result->right,
                                &result->right_top5);
}

/* Steps for other bits than the current ones learn nothing in this pass. */
static void clear_step_gradients(const qea_plan *plan) {
    for (size_t i = 0; i < plan->num_layers; i++) {
        const qea_param *const steps[] = {plan->layers[i].weight_step, plan->layers[i].act_param};
        for (size_t k = 0; k < 2; k++)
            if (steps[k]) memset(steps[k]->grad, 0, steps[k]->count * sizeof(float));
    }
}

qea_status qea_plan_train(qea_context *ctx, qea_plan *plan, const float *images, const int32_t *labels,
                          const qea_soft_targets *soft, qea_batch_result *result) {
    if (!plan->options.training) return qea_fail(ctx, QEA_ERR_STATE, "plan: it was not made for training");
    set_images(plan, images);
    QEA_TRY(qea_plan_refresh(ctx, plan));
    if (qea_model_is_supernet(plan->model)) clear_step_gradients(plan);
    QEA_TRY(qea_plan_forward(ctx, plan, PLAN_BATCH));
    loss(plan, labels, soft, plan_view(plan, plan->dlogits).data, result);
    return plan->dlogits < 0 ? QEA_OK : qea_plan_backward(ctx, plan);
}

qea_status qea_plan_evaluate(qea_context *ctx, qea_plan *plan, const float *images, const int32_t *labels,
                             qea_batch_result *result) {
    set_images(plan, images);
    QEA_TRY(qea_plan_forward(ctx, plan, PLAN_RUNNING));
    loss(plan, labels, NULL, NULL, result);
    return QEA_OK;
}

qea_status qea_plan_estimate_batch(qea_context *ctx, qea_plan *plan, const float *images) {
    set_images(plan, images);
    QEA_TRY(qea_plan_forward(ctx, plan, PLAN_POOLED));
    plan->pooled_batches++;
    return QEA_OK;
}
