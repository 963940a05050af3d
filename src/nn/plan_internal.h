/* nn/plan_internal.h: what a plan consists of; private to plan*.c.
 *
 *   plan_layers.c     convolutions of the graph: their quantisers, parameters and kernels; weights quantised and packed
 *   plan_build.c      nodes -> steps: convolutions, fused segments, pools, over tensors
 *   plan_gradients.c  the gradient tensor that each step writes in the backward pass, and which memory it may take over
 *   plan_memory.c     lifetimes of tensors -> offsets in one arena
 *   plan_forward.c, plan_backward.c   run the steps
 *   plan_statistics.c running statistics of batch normalisation re-estimated
 *   plan.c            create, destroy, train, evaluate
 *
 * A quantised tensor holds integers q; its value is step * q. A convolution computes acc = sum q_w q_a, and its true
 * output is s[k] acc + bias[k] with s[k] = step_a step_w[k]. Nothing multiplies by s: the segment behind it does, in
 * the scale that it applies anyway. */
#ifndef QEA_NN_PLAN_INTERNAL_H
#define QEA_NN_PLAN_INTERNAL_H

#include "nn/plan.h"
#include "nn/quantize.h"

typedef struct plan_tensor {
    size_t rows; /* images x height x width */
    int channels;
    qea_type type;
    qea_type grad_type; /* of the gradients with respect to it */
    size_t bytes;
    int block;        /* of memory; -1: the caller's images */
    bool nonnegative; /* comes out of a ReLU */
    bool needs_grad;
    bool lent;                           /* a gradient has taken over its memory */
    int num_grads, grads[QEA_MAX_GRADS]; /* tensors whose sum is the gradient with respect to this one */
    void *data;                          /* set when the arena is there; the images: at each run */
} plan_tensor;

typedef struct plan_block { /* memory that one tensor, or a tensor and then its gradient, lives in */
    size_t bytes, offset;
    int first, last; /* time: forward step i at i, its backward part at 2 steps - 1 - i */
} plan_block;

typedef struct plan_layer { /* a convolution or linear layer that is not left out */
    const qea_graph_node *node;
    qea_conv_shape shape;
    qea_type type, out_type;
    qea_conv *conv;                                     /* owned */
    qea_param *weight, *bias, *weight_step, *act_param; /* borrowed from the model; all but weight may be NULL */
    size_t weight_step_at, act_param_at; /* where those for the current bits begin (a supernet has several) */
    qea_weight_quant weight_quant;
    float *q, *step_w;  /* owned: weights on the grid [K][per_channel], steps [K] */
    bool act_quantized; /* the input is a quantised copy */
    bool act_signed;
    int act_bits;
    qea_act_quant act;      /* current */
    float step_a;           /* current; 1 for float inputs */
    int in;                 /* tensor */
    float *mean, *variance; /* of the sums over a batch, [K]: where a batch normalisation wants them, or NULL */
} plan_layer;

typedef struct plan_norm { /* a batch normalisation */
    const qea_graph_node *node;
    qea_param *gamma, *beta, *mean, *variance; /* borrowed */
} plan_norm;

/* Per-channel coefficients of a branch, [channels] each. */
typedef struct plan_coefs {
    float *scale, *shift;     /* z = scale x + shift */
    float *center, *variance; /* of x over the batch */
    float *dz_x;              /* sum of dz (x - center) */
    float *a, *b, *c0;        /* dx = a dz + b (x - center) + c0 */
} plan_coefs;

typedef struct plan_branch {
    int source; /* tensor */
    int layer;  /* whose output the source is, or -1 */
    bool normed;
    bool counted; /* its layer's convolution takes the statistics */
    plan_norm norm;
    plan_coefs coefs; /* unused where the branch is plain x */
    int dx;           /* gradient tensor, or -1 */
} plan_branch;

typedef struct plan_segment {
    int num_branches;
    plan_branch branch[QEA_MAX_BRANCHES];
    bool relu;
    int y; /* tensor, or -1 */
    int num_quants;
    struct plan_segment_quant {
        int layer; /* whose quantiser it is (the first of those that share the copy) */
        int tensor;
    } quant[QEA_MAX_QUANTS];
    size_t rows;
    int channels;
    float *coefs;   /* owned: the memory of all branches' coefficients and of dz */
    float *dz;      /* sum of dz [channels] */
    double *pooled; /* owned, [branches][mean, sum of squared deviations][channels] over estimated batches */
} plan_segment;

/* The statistics that batch normalisation normalises by. */
typedef enum plan_statistics {
    PLAN_RUNNING, /* as they stand */
    PLAN_BATCH,   /* the batch's; the running ones follow it */
    PLAN_POOLED   /* the batch's; they are pooled with those of other batches */
} plan_statistics;

typedef enum plan_op { PLAN_CONV, PLAN_SKIP, PLAN_SEGMENT, PLAN_MAX_POOL, PLAN_AVG_POOL } plan_op;

typedef struct plan_step {
    plan_op op;
    int index; /* CONV: layer; SEGMENT: segment */
    const qea_graph_node *node,
        *from;           /* the node computed and the one it reads; SEGMENT: the last node of the segment */
    int in, out;         /* tensors; not for SEGMENT */
    int argmax;          /* tensor, MAX_POOL in training; else -1 */
    int dx;              /* gradient tensor of `in`, or -1; not for SEGMENT */
    qea_conv_shape skip; /* SKIP: the convolution that is left out */
} plan_step;

struct qea_plan {
    qea_model *model; /* borrowed */
    qea_plan_options options;
    const qea_kernels *kernels;
    bool bf16; /* for layers that allow it */

    plan_layer *layers;
    size_t num_layers;
    int *node_layer; /* [nodes]: index in layers, or -1 */
    plan_segment *segments;
    size_t num_segments, segment_capacity;
    plan_step *steps;
    size_t num_steps, step_capacity;
    plan_tensor *tensors; /* tensors[0] is the images */
    size_t num_tensors, tensor_capacity;
    plan_block *blocks;
    size_t num_blocks, block_capacity;

    int logits, dlogits; /* tensors; dlogits -1 without training */
    uint8_t *arena;      /* owned */
    size_t arena_bytes;
    float *dweight; /* owned scratch, the largest layer's weights */
    size_t dweight_count;
    size_t bytes; /* all that making it took */
    bool nan;     /* the forward pass met a NaN that a copy in bytes does not hold */
    size_t pooled_batches;
};

static inline qea_view plan_view(const qea_plan *plan, int tensor) {
    if (tensor < 0) return (qea_view){NULL, QEA_F32};
    return (qea_view){plan->tensors[tensor].data, plan->tensors[tensor].type};
}

static inline bool plan_branch_is_plain(const plan_branch *branch) { return branch->layer < 0 && !branch->normed; }

/* plan_layers.c */
QEA_MUST_USE qea_status qea_plan_make_layers(qea_context *ctx, qea_plan *plan);
qea_conv_shape qea_plan_layer_shape(const qea_graph_node *node, const qea_graph_node *from, int batch);
void qea_plan_layer_free(const qea_plan *plan, plan_layer *layer);
void qea_plan_set_act_quant(const qea_plan *plan, plan_layer *layer); /* from its parameter's value */
/* What its quantised input is best held in: bytes, or the type of its convolution. */
qea_type qea_plan_copy_type(const qea_plan *plan, const plan_layer *layer);

/* plan_build.c */
QEA_MUST_USE qea_status qea_plan_make_steps(qea_context *ctx, qea_plan *plan);
/* A tensor with memory of its own (block < 0 given) or in an existing block. */
QEA_MUST_USE qea_status qea_plan_add_tensor(qea_context *ctx, qea_plan *plan, size_t rows, int channels, qea_type type,
                                            int block, int *out);

/* plan_gradients.c, plan_memory.c */
QEA_MUST_USE qea_status qea_plan_make_gradients(qea_context *ctx, qea_plan *plan);
QEA_MUST_USE qea_status qea_plan_make_memory(qea_context *ctx, qea_plan *plan);

/* plan_forward.c */
QEA_MUST_USE qea_status qea_plan_forward(qea_context *ctx, qea_plan *plan, plan_statistics statistics);
/* The segment as the kernels see it; outputs: with y and the quantised copies. */
qea_segment qea_plan_segment_view(const qea_plan *plan, const plan_segment *segment, bool outputs);

/* plan_statistics.c: adds the statistics of the batch (coefs.center, coefs.variance, of the grid) of a branch. */
void qea_plan_pool_statistics(const qea_plan *plan, const plan_segment *segment, int branch);
/* s[c] and bias[c] of the branch's source: what turns the integers' sums into true values (plan_forward.c). */
double qea_plan_source_step(const qea_plan *plan, const plan_branch *branch, int c);
double qea_plan_source_bias(const qea_plan *plan, const plan_branch *branch, int c);

/* plan_backward.c: from dlogits to every parameter's grad. */
QEA_MUST_USE qea_status qea_plan_backward(qea_context *ctx, qea_plan *plan);

#endif
