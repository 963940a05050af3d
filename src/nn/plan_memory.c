/* nn/plan_memory.c: from when to when each block of memory is needed, and where it lies in the arena. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/plan_internal.h"

enum { ARENA_ALIGN = 256 };

static void touch(qea_plan *plan, int tensor, int time) {
    if (tensor < 0 || plan->tensors[tensor].block < 0) return;
    plan_block *block = &plan->blocks[plan->tensors[tensor].block];
    if (block->first < 0 || time < block->first) block->first = time;
    if (time > block->last) block->last = time;
}

static void touch_grads(qea_plan *plan, int tensor, int time) {
    if (tensor < 0) return;
    for (int i = 0; i < plan->tensors[tensor].num_grads; i++) touch(plan, plan->tensors[tensor].grads[i], time);
}

static void touch_segment(qea_plan *plan, const plan_segment *segment, int time, bool backward) {
    for (int i = 0; i < segment->num_branches; i++) {
        touch(plan, segment->branch[i].source, time);
        if (backward) touch(plan, segment->branch[i].dx, time);
    }
    if (backward)
        touch_grads(plan, segment->y, time);
    else
        touch(plan, segment->y, time);
    for (int i = 0; i < segment->num_quants; i++) {
        if (backward)
            touch_grads(plan, segment->quant[i].tensor, time);
        else
            touch(plan, segment->quant[i].tensor, time);
    }
}

static void find_lifetimes(qea_plan *plan) {
    int steps = (int)plan->num_steps;
    for (int i = 0; i < steps; i++) {
        const plan_step *step = &plan->steps[i];
        touch(plan, step->in, i);
        touch(plan, step->out, i);
        touch(plan, step->argmax, i);
        if (step->op == PLAN_SEGMENT) touch_segment(plan, &plan->segments[step->index], i, false);
    }
    int end = plan->options.training ? 2 * steps : steps;
    touch(plan, plan->logits, end);
    for (int i = 0; i < steps && plan->options.training; i++) {
        const plan_step *step = &plan->steps[i];
        int time = 2 * steps - 1 - i;
        if (step->op == PLAN_CONV) touch(plan, step->in, time);
        touch(plan, step->argmax, time);
        touch(plan, step->dx, time);
        touch_grads(plan, step->out, time);
        if (step->op == PLAN_SEGMENT) touch_segment(plan, &plan->segments[step->index], time, true);
    }
}

static int compare_blocks(const void *left, const void *right) {
    const plan_block *a = *(const plan_block *const *)left, *b = *(const plan_block *const *)right;
    if (a->bytes != b->bytes) return a->bytes > b->bytes ? -1 : 1;
    return a < b ? -1 : a > b;
}

static bool overlap_in_time(const plan_block *a, const plan_block *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `block` meets none of the `count` placed blocks that live at the same time. */
static bool place(plan_block *block, plan_block *const *placed, size_t count) {
    block->offset = 0;
    for (size_t i = 0; i < count;) {
        const plan_block *other = placed[i++];
        bool apart = other->offset >= block->offset + block->bytes || block->offset >= other->offset + other->bytes;
        if (apart || !overlap_in_time(block, other)) continue;
        size_t end;
        if (!qea_size_add(other->offset, other->bytes, &block->offset) ||
            !qea_size_add(block->offset, block->bytes, &end))
            return false;
        i = 0; /* the new place may meet one that was passed */
    }
    return true;
}

static qea_status lay_out(qea_context *ctx, qea_plan *plan, plan_block **order) {
    for (size_t i = 0; i < plan->num_blocks; i++) {
        order[i] = &plan->blocks[i];
        if (!qea_size_add(order[i]->bytes, ARENA_ALIGN - 1, &order[i]->bytes))
            return qea_fail(ctx, QEA_ERR_MEMORY, "plan: a tensor is too large");
        order[i]->bytes &= ~(size_t)(ARENA_ALIGN - 1);
    }
    qsort(order, plan->num_blocks, sizeof *order, compare_blocks);
    for (size_t i = 0; i < plan->num_blocks; i++) {
        if (!place(order[i], order, i))
            return qea_fail(ctx, QEA_ERR_MEMORY, "plan: the tensors are too large together");
        size_t end = order[i]->offset + order[i]->bytes;
        if (end > plan->arena_bytes) plan->arena_bytes = end;
    }
    return QEA_OK;
}

qea_status qea_plan_make_memory(qea_context *ctx, qea_plan *plan) {
    find_lifetimes(plan);
    plan_block **order = NULL;
    QEA_TRY(QEA_NEW(ctx, "plan memory", order, plan->num_blocks));
    qea_status status = lay_out(ctx, plan, order);
    qea_free(order);
    QEA_TRY(status);
    QEA_TRY(qea_alloc(ctx, "activations of the plan", plan->arena_bytes, 1, (void **)&plan->arena));
    for (size_t i = 0; i < plan->num_tensors; i++) {
        plan_tensor *tensor = &plan->tensors[i];
        if (tensor->block >= 0) tensor->data = plan->arena + plan->blocks[tensor->block].offset;
    }
    return QEA_OK;
}
