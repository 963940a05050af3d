/* nn/plan_gradients.c: which tensor each step's backward part writes. A gradient takes over memory that is dead by then
 * where it can: that of the tensor it belongs to (a quantised copy after the gradient of the weights was taken, a
 * convolution's output inside the element-wise backward pass), else that of an incoming gradient of the same shape. */
#include <limits.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/plan_internal.h"

/* The first step whose backward part reads the tensor (INT_MAX: none does). In the backward pass it is the last. */
static int last_backward_reader(const qea_plan *plan, int tensor) {
    for (size_t i = 0; i < plan->num_steps; i++) {
        const plan_step *step = &plan->steps[i];
        if (step->op == PLAN_CONV && step->in == tensor) return (int)i;
        if (step->op != PLAN_SEGMENT) continue;
        const plan_segment *segment = &plan->segments[step->index];
        for (int j = 0; j < segment->num_branches; j++)
            if (segment->branch[j].source == tensor) return (int)i;
    }
    return INT_MAX;
}

/* The block of `tensor` where its gradient, written at step `at`, may take it over; else -1. */
static int own_memory(const qea_plan *plan, int tensor, int at) {
    const plan_tensor *t = &plan->tensors[tensor];
    bool holds_it = qea_type_bytes(t->type) >= qea_type_bytes(t->grad_type);
    return holds_it && !t->lent && last_backward_reader(plan, tensor) >= at ? t->block : -1;
}

/* A gradient of `tensor` in the memory `block`, which may be the tensor's; -1: in memory of its own. */
static qea_status add_gradient(qea_context *ctx, qea_plan *plan, int tensor, int block, int *out) {
    plan_tensor *t = &plan->tensors[tensor];
    if (t->num_grads == QEA_MAX_GRADS)
        return qea_fail(ctx, QEA_ERR_UNSUPPORTED, "plan: a value is read by more than %d nodes", QEA_MAX_GRADS);
    if (block >= 0 && block == t->block) t->lent = true;
    QEA_TRY(qea_plan_add_tensor(ctx, plan, t->rows, t->channels, t->grad_type, block, out));
    t = &plan->tensors[tensor]; /* the array may have moved */
    t->grads[t->num_grads++] = *out;
    return QEA_OK;
}

/* Whether a branch behind the j-th reads the same tensor: what goes back to them is written one branch after the other.
 */
static bool later_branch_reads(const plan_segment *segment, int j) {
    for (int i = j + 1; i < segment->num_branches; i++)
        if (segment->branch[i].source == segment->branch[j].source) return true;
    return false;
}

static qea_status segment_gradients(qea_context *ctx, qea_plan *plan, plan_segment *segment, int at) {
    int spare = -1;
    if (segment->y >= 0 && plan->tensors[segment->y].num_grads > 0)
        spare = plan->tensors[plan->tensors[segment->y].grads[0]].block;
    for (int j = 0; j < segment->num_branches; j++) {
        plan_branch *branch = &segment->branch[j];
        if (!plan->tensors[branch->source].needs_grad) continue;
        int own = later_branch_reads(segment, j) ? -1 : own_memory(plan, branch->source, at);
        bool fits = own < 0 && plan->tensors[branch->source].type == QEA_F32;
        QEA_TRY(add_gradient(ctx, plan, branch->source, fits ? spare : own, &branch->dx));
        if (fits) spare = -1;
    }
    return QEA_OK;
}

qea_status qea_plan_make_gradients(qea_context *ctx, qea_plan *plan) {
    plan_tensor *logits = &plan->tensors[plan->logits];
    logits->lent = true; /* they stay readable after the run */
    if (logits->needs_grad) QEA_TRY(add_gradient(ctx, plan, plan->logits, -1, &plan->dlogits));
    for (int i = (int)plan->num_steps - 1; i >= 0; i--) {
        plan_step *step = &plan->steps[i];
        if (step->op == PLAN_SEGMENT)
            QEA_TRY(segment_gradients(ctx, plan, &plan->segments[step->index], i));
        else if (plan->tensors[step->in].needs_grad)
            QEA_TRY(add_gradient(ctx, plan, step->in, own_memory(plan, step->in, i), &step->dx));
    }
    return QEA_OK;
}
