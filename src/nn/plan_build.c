/* nn/plan_build.c: nodes -> steps. A walk over the nodes keeps for each a value that is not computed yet: a sum of at
 * most two branches (a tensor, optionally normalised), optionally a ReLU. A node whose only reader can carry the value
 * on is absorbed by it; every other value becomes a segment, with the outputs that its readers need: float y, and one
 * quantised copy per quantiser setting. So conv-BN-ReLU-quantise and conv-BN-add-ReLU-quantise are one pass over memory
 * each. */
#include "base/error.h"
#include "base/memory.h"
#include "nn/model_internal.h"
#include "nn/plan_internal.h"

typedef struct value {
    int num_branches;
    plan_branch branch[QEA_MAX_BRANCHES];
    bool relu;
    int tensor; /* of the float value where it has memory, else -1 */
} value;

typedef struct builder {
    qea_plan *plan;
    const qea_graph *graph;
    int num_nodes;
    value *values; /* [nodes] */
} builder;

static value plain_value(int tensor) {
    return (value){.num_branches = 1, .branch = {{.source = tensor, .layer = -1, .dx = -1}}, .tensor = tensor};
}

static const qea_graph_node *node_at(const builder *b, int node) { return qea_graph_node_at(b->graph, node); }

static bool reads(const qea_graph_node *reader, int node) { return reader->in[0] == node || reader->in[1] == node; }

static size_t node_rows(const builder *b, const qea_graph_node *node) {
    return (size_t)b->plan->options.batch * (size_t)node->height * (size_t)node->width;
}

/* --- tensors and steps --- */

qea_status qea_plan_add_tensor(qea_context *ctx, qea_plan *plan, size_t rows, int channels, qea_type type, int block,
                               int *out) {
    size_t bytes;
    if (!qea_size_mul(rows, (size_t)channels, &bytes) || !qea_size_mul(bytes, qea_type_bytes(type), &bytes))
        return qea_fail(ctx, QEA_ERR_MEMORY, "plan: a tensor of %zu rows of %d channels is too large", rows, channels);
    QEA_TRY(qea_grow(ctx, "plan tensors", (void **)&plan->tensors, &plan->tensor_capacity, plan->num_tensors + 1,
                     sizeof *plan->tensors));
    if (block < 0) {
        QEA_TRY(qea_grow(ctx, "plan memory", (void **)&plan->blocks, &plan->block_capacity, plan->num_blocks + 1,
                         sizeof *plan->blocks));
        block = (int)plan->num_blocks;
        plan->blocks[plan->num_blocks++] = (plan_block){.bytes = bytes, .first = -1, .last = -1};
    }
    *out = (int)plan->num_tensors;
    plan->tensors[plan->num_tensors++] = (plan_tensor){
        .rows = rows, .channels = channels, .type = type, .grad_type = type, .bytes = bytes, .block = block};
    return QEA_OK;
}

static qea_status add_step(qea_context *ctx, qea_plan *plan, const plan_step *step) {
    QEA_TRY(qea_grow(ctx, "plan steps", (void **)&plan->steps, &plan->step_capacity, plan->num_steps + 1,
                     sizeof *plan->steps));
    plan->steps[plan->num_steps++] = *step;
    return QEA_OK;
}

/* --- which values are carried on --- */

static bool carries_on(const qea_graph_node *reader, const value *v) {
    switch (reader->op) {
    case QEA_OP_BATCH_NORM:
        return v->num_branches == 1 && !v->branch[0].normed && !v->relu;
    case QEA_OP_ADD:
        return v->num_branches == 1 && !v->relu;
    case QEA_OP_RELU:
        return true;
    default:
        return false;
    }
}

static bool is_absorbed(const builder *b, int node) {
    if (node_at(b, node)->consumers != 1) return false;
    int reader = node + 1;
    while (!reads(node_at(b, reader), node)) reader++;
    return carries_on(node_at(b, reader), &b->values[node]);
}

/* The value as its reader extends it: itself, or the tensor that it has become. */
static value extend(const builder *b, int node) {
    return is_absorbed(b, node) ? b->values[node] : plain_value(b->values[node].tensor);
}

/* --- segments --- */

static bool same_quantizer(const qea_plan *plan, const plan_layer *a, const plan_layer *b) {
    if (qea_model_is_supernet(plan->model)) return false; /* their bits may part */
    return !a->act_param && !b->act_param && a->act_bits == b->act_bits && a->type == b->type &&
           qea_plan_copy_type(plan, a) == qea_plan_copy_type(plan, b);
}

static qea_status make_coefs(qea_context *ctx, plan_segment *segment) {
    enum { PER_BRANCH = sizeof(plan_coefs) / sizeof(float *) };
    size_t channels = (size_t)segment->channels;
    QEA_TRY(QEA_NEW(ctx, "segment coefficients", segment->coefs, channels * (QEA_MAX_BRANCHES * PER_BRANCH + 1)));
    float *next = segment->coefs;
    for (int i = 0; i < QEA_MAX_BRANCHES; i++) {
        plan_coefs *c = &segment->branch[i].coefs;
        float **const arrays[PER_BRANCH] = {&c->scale, &c->shift, &c->center, &c->variance,
                                            &c->dz_x,  &c->a,     &c->b,      &c->c0};
        for (int j = 0; j < PER_BRANCH; j++, next += channels) *arrays[j] = next;
    }
    segment->dz = next;
    return QEA_NEW(ctx, "pooled statistics", segment->pooled, channels * QEA_MAX_BRANCHES * 2);
}

/* A convolution takes them for the first batch normalisation that reads it. */
static void take_statistics(qea_plan *plan, plan_branch *branch) {
    plan_layer *layer = branch->normed && branch->layer >= 0 ? &plan->layers[branch->layer] : NULL;
    if (!layer || layer->mean) return;
    branch->counted = true;
    layer->mean = branch->coefs.center;
    layer->variance = branch->coefs.variance;
}

static bool segment_learns(const qea_plan *plan, const plan_segment *segment) {
    for (int i = 0; i < segment->num_branches; i++) {
        const plan_branch *branch = &segment->branch[i];
        if (!plan_branch_is_plain(branch) || plan->tensors[branch->source].needs_grad) return true;
    }
    return false;
}

/* An empty segment of `v`; its outputs are added by the caller. */
static qea_status add_segment(qea_context *ctx, builder *b, int node, const value *v, plan_segment **out) {
    qea_plan *plan = b->plan;
    const qea_graph_node *n = node_at(b, node);
    QEA_TRY(qea_grow(ctx, "plan segments", (void **)&plan->segments, &plan->segment_capacity, plan->num_segments + 1,
                     sizeof *plan->segments));
    plan_segment *segment = &plan->segments[plan->num_segments++];
    *segment = (plan_segment){
        .num_branches = v->num_branches, .relu = v->relu, .y = -1, .rows = node_rows(b, n), .channels = n->channels};
    for (int i = 0; i < v->num_branches; i++) segment->branch[i] = v->branch[i];
    *out = segment;
    QEA_TRY(make_coefs(ctx, segment));
    for (int i = 0; i < segment->num_branches; i++) take_statistics(plan, &segment->branch[i]);
    return add_step(ctx, plan,
                    &(plan_step){.op = PLAN_SEGMENT,
                                 .index = (int)plan->num_segments - 1,
                                 .node = n,
                                 .in = -1,
                                 .out = -1,
                                 .argmax = -1,
                                 .dx = -1});
}

/* Gives `layer` a quantised copy in `segment`: one that is there, or a new one; *full where no more fit. */
static qea_status add_quant(qea_context *ctx, qea_plan *plan, plan_segment *segment, int layer_index, bool *full) {
    plan_layer *layer = &plan->layers[layer_index];
    *full = false;
    for (int i = 0; i < segment->num_quants; i++)
        if (same_quantizer(plan, &plan->layers[segment->quant[i].layer], layer)) {
            layer->in = segment->quant[i].tensor;
            return QEA_OK;
        }
    *full = segment->num_quants == QEA_MAX_QUANTS;
    if (*full) return QEA_OK;
    int tensor;
    QEA_TRY(
        qea_plan_add_tensor(ctx, plan, segment->rows, segment->channels, qea_plan_copy_type(plan, layer), -1, &tensor));
    plan->tensors[tensor].grad_type = layer->type;
    plan->tensors[tensor].needs_grad = segment_learns(plan, segment) || layer->act_param;
    segment->quant[segment->num_quants].layer = layer_index;
    segment->quant[segment->num_quants++].tensor = tensor;
    layer->in = tensor;
    return QEA_OK;
}

/* What the readers of a value need of it. A 32-bit activation is a ReLU: where the value comes out of one, it is the
 * value. */
static void list_readers(const builder *b, int node, bool nonnegative, bool *needs_float, int *layers,
                         int *num_layers) {
    const qea_plan *plan = b->plan;
    *needs_float = node == b->num_nodes - 1;
    *num_layers = 0;
    for (int i = node + 1; i < b->num_nodes; i++) {
        if (!reads(node_at(b, i), node)) continue;
        int index = plan->node_layer[i];
        plan_layer *layer = index >= 0 ? &plan->layers[index] : NULL;
        if (layer && layer->act_bits == 32 && nonnegative && !qea_model_is_supernet(plan->model))
            layer->act_quantized = false;
        if (layer && layer->act_quantized) {
            layer->act_signed = !nonnegative;
            layers[(*num_layers)++] = index;
        } else {
            *needs_float = true;
        }
    }
}

/* Segments with the quantised copies that `layers` read; more than one where there are many, the later ones made from
 * y. */
static qea_status add_segments(qea_context *ctx, builder *b, int node, bool needs_float, const int *layers,
                               int num_layers) {
    qea_plan *plan = b->plan;
    value v = b->values[node];
    bool computed = v.tensor >= 0;
    int done = 0;
    if (num_layers > QEA_MAX_QUANTS) needs_float = true;
    while (done < num_layers || (needs_float && v.tensor < 0)) {
        plan_segment *segment;
        QEA_TRY(add_segment(ctx, b, node, computed ? &(value){0} : &v, &segment));
        if (computed) {
            value plain = plain_value(v.tensor);
            segment->num_branches = 1;
            segment->branch[0].source = plain.branch[0].source;
            segment->branch[0].layer = segment->branch[0].dx = -1;
        } else if (needs_float) {
            QEA_TRY(qea_plan_add_tensor(ctx, plan, segment->rows, segment->channels, QEA_F32, -1, &segment->y));
            plan->tensors[segment->y].nonnegative = segment->relu;
            plan->tensors[segment->y].needs_grad = segment_learns(plan, segment);
            v.tensor = segment->y;
            computed = true;
        }
        for (bool full = false; done < num_layers && !full; done += !full)
            QEA_TRY(add_quant(ctx, plan, segment, layers[done], &full));
    }
    b->values[node].tensor = v.tensor;
    return QEA_OK;
}

static qea_status materialise(qea_context *ctx, builder *b, int node) {
    const value *v = &b->values[node];
    bool nonnegative = v->relu || (v->tensor >= 0 && b->plan->tensors[v->tensor].nonnegative);
    int *layers = NULL, num_layers;
    QEA_TRY(QEA_NEW(ctx, "plan readers", layers, (size_t)b->num_nodes));
    bool needs_float;
    list_readers(b, node, nonnegative, &needs_float, layers, &num_layers);
    qea_status status = add_segments(ctx, b, node, needs_float, layers, num_layers);
    qea_free(layers);
    return status;
}

/* --- one node --- */

static qea_status visit_layer(qea_context *ctx, builder *b, int i) {
    qea_plan *plan = b->plan;
    const qea_graph_node *node = node_at(b, i);
    int index = plan->node_layer[i];
    plan_step step = {.op = index >= 0 ? PLAN_CONV : PLAN_SKIP,
                      .index = index,
                      .node = node,
                      .from = node_at(b, node->in[0]),
                      .in = b->values[node->in[0]].tensor,
                      .argmax = -1,
                      .dx = -1};
    step.skip = qea_plan_layer_shape(node, step.from, plan->options.batch);
    qea_type type = QEA_F32;
    if (index >= 0) {
        plan_layer *layer = &plan->layers[index];
        if (layer->in < 0) layer->in = step.in;
        step.in = layer->in;
        type = layer->out_type;
    }
    QEA_TRY(qea_plan_add_tensor(ctx, plan, node_rows(b, node), node->channels, type, -1, &step.out));
    plan_tensor *out = &plan->tensors[step.out];
    out->needs_grad = index >= 0 || plan->tensors[step.in].needs_grad;
    out->nonnegative = index < 0 && plan->tensors[step.in].nonnegative;
    b->values[i] = plain_value(step.out);
    if (index >= 0) { /* sums on the grid: not a value yet */
        b->values[i].branch[0].layer = index;
        b->values[i].tensor = -1;
    }
    return add_step(ctx, plan, &step);
}

static qea_status visit_pool(qea_context *ctx, builder *b, int i) {
    qea_plan *plan = b->plan;
    const qea_graph_node *node = node_at(b, i);
    plan_step step = {.op = node->op == QEA_OP_MAX_POOL ? PLAN_MAX_POOL : PLAN_AVG_POOL,
                      .node = node,
                      .from = node_at(b, node->in[0]),
                      .in = b->values[node->in[0]].tensor,
                      .argmax = -1,
                      .dx = -1};
    size_t rows = node_rows(b, node);
    QEA_TRY(qea_plan_add_tensor(ctx, plan, rows, node->channels, QEA_F32, -1, &step.out));
    if (node->op == QEA_OP_MAX_POOL && plan->options.training) { /* one byte each: a quarter of the rows, rounded up */
        QEA_TRY(qea_plan_add_tensor(ctx, plan, (rows + 3) / 4, node->channels, QEA_F32, -1, &step.argmax));
    }
    plan->tensors[step.out].needs_grad = plan->tensors[step.in].needs_grad;
    plan->tensors[step.out].nonnegative = plan->tensors[step.in].nonnegative;
    b->values[i] = plain_value(step.out);
    return add_step(ctx, plan, &step);
}

static qea_status visit_batch_norm(qea_context *ctx, builder *b, int i) {
    const qea_graph_node *node = node_at(b, i);
    const qea_model *model = b->plan->model;
    value v = extend(b, node->in[0]);
    v.branch[0].normed = true;
    v.branch[0].norm = (plan_norm){.node = node,
                                   .gamma = qea_model_find_part(model, node->name, "weight"),
                                   .beta = qea_model_find_part(model, node->name, "bias"),
                                   .mean = qea_model_find_part(model, node->name, "running_mean"),
                                   .variance = qea_model_find_part(model, node->name, "running_var")};
    const plan_norm *n = &v.branch[0].norm;
    if (!n->gamma || !n->beta || !n->mean || !n->variance)
        return qea_fail(ctx, QEA_ERR_CONFIG, "plan: the model has no parameters for %s", node->name);
    v.tensor = -1;
    b->values[i] = v;
    return QEA_OK;
}

static void visit_add(builder *b, int i) {
    const qea_graph_node *node = node_at(b, i);
    value v = extend(b, node->in[0]);
    v.branch[v.num_branches++] = extend(b, node->in[1]).branch[0];
    v.tensor = -1;
    b->values[i] = v;
}

static void visit_relu(builder *b, int i) {
    value v = extend(b, node_at(b, i)->in[0]);
    if (v.tensor < 0 || !b->plan->tensors[v.tensor].nonnegative) { /* else it changes nothing */
        v.relu = true;
        v.tensor = -1;
    }
    b->values[i] = v;
}

static qea_status visit(qea_context *ctx, builder *b, int i) {
    switch (node_at(b, i)->op) {
    case QEA_OP_INPUT:
        b->values[i] = plain_value(0);
        return QEA_OK;
    case QEA_OP_CONV:
    case QEA_OP_LINEAR:
        return visit_layer(ctx, b, i);
    case QEA_OP_BATCH_NORM:
        return visit_batch_norm(ctx, b, i);
    case QEA_OP_ADD:
        visit_add(b, i);
        return QEA_OK;
    case QEA_OP_RELU:
        visit_relu(b, i);
        return QEA_OK;
    case QEA_OP_MAX_POOL:
    case QEA_OP_AVG_POOL:
    case QEA_OP_GLOBAL_AVG_POOL:
        return visit_pool(ctx, b, i);
    }
    return qea_fail(ctx, QEA_ERR_CONFIG, "plan: node %d has an operator that is not known", i);
}

static qea_status add_images(qea_context *ctx, const builder *b) {
    int tensor;
    for (int i = 0; i < b->num_nodes; i++)
        if (node_at(b, i)->op == QEA_OP_INPUT) {
            QEA_TRY(qea_plan_add_tensor(ctx, b->plan, node_rows(b, node_at(b, i)), node_at(b, i)->channels, QEA_F32, -1,
                                        &tensor));
            b->plan->num_blocks = 0; /* the caller's memory */
            b->plan->tensors[tensor].block = -1;
            return QEA_OK;
        }
    return qea_fail(ctx, QEA_ERR_CONFIG, "plan: the graph has no input");
}

static qea_status walk(qea_context *ctx, builder *b) {
    QEA_TRY(add_images(ctx, b));
    for (int i = 0; i < b->num_nodes; i++) {
        QEA_TRY(visit(ctx, b, i));
        if (!is_absorbed(b, i)) QEA_TRY(materialise(ctx, b, i));
    }
    b->plan->logits = b->values[b->num_nodes - 1].tensor;
    return QEA_OK;
}

qea_status qea_plan_make_steps(qea_context *ctx, qea_plan *plan) {
    builder b = {.plan = plan, .graph = plan->model->graph};
    size_t nodes = qea_graph_num_nodes(b.graph);
    b.num_nodes = (int)nodes;
    QEA_TRY(QEA_NEW(ctx, "plan values", b.values, nodes));
    qea_status status = walk(ctx, &b);
    qea_free(b.values);
    return status;
}
