/* nn/graph.h: the graph's inside, for nn, train and deploy. */
#ifndef QEA_NN_GRAPH_H
#define QEA_NN_GRAPH_H

#include "quantea/network.h"

/* What a graph may be at most; every builder checks, so that a hostile file cannot ask for more. */
enum {
    QEA_GRAPH_MAX_NODES = 4096,
    QEA_GRAPH_MAX_NAME = 200,     /* bytes of a layer's name */
    QEA_GRAPH_MAX_SIDE = 1 << 16, /* height, width */
    QEA_GRAPH_MAX_CHANNELS = 1 << 24,
    QEA_GRAPH_MAX_KERNEL = 255,
    QEA_GRAPH_MAX_POOL_KERNEL = 16, /* max pool: the winner's place in the window is stored in a byte */
    QEA_GRAPH_MAX_COUNT = 1 << 30   /* values of a tensor of one image, weights of a layer */
};

typedef enum qea_op {
    QEA_OP_INPUT,
    QEA_OP_CONV,
    QEA_OP_LINEAR,
    QEA_OP_BATCH_NORM,
    QEA_OP_RELU,
    QEA_OP_ADD,
    QEA_OP_MAX_POOL,
    QEA_OP_AVG_POOL,
    QEA_OP_GLOBAL_AVG_POOL
} qea_op;

typedef struct qea_graph_node {
    qea_op op;
    char *name;                  /* owned; NULL for operators without weights */
    qea_node in[2];              /* in[1] is -1 but for ADD; in[0] is -1 for INPUT */
    int height, width, channels; /* of the output */
    int consumers;               /* nodes that read it */
    int layer;                   /* CONV, LINEAR: index for qea_graph_layer, else -1 */
    int quantized;               /* CONV, LINEAR: index in the genome, or -1 */
    qea_conv_options conv;       /* CONV, LINEAR (kernel = stride = 1 there; the input is flattened) */
    int kernel, stride, padding; /* pools */
    double eps, momentum;        /* BATCH_NORM */
} qea_graph_node;

size_t qea_graph_num_nodes(const qea_graph *g);
const qea_graph_node *qea_graph_node_at(const qea_graph *g, qea_node node);
const char *qea_graph_name(const qea_graph *g);

/* Has `policy` as many layers as the graph, and are all bits defined for their quantisers? 0 bits need a layer whose
 * stride stays inside its input, since its output is then the subsampled input. QEA_ERR_CONFIG names layer and bits. */
QEA_MUST_USE qea_status qea_graph_check_policy(qea_context *ctx, const qea_graph *g, const qea_bit_policy *policy);

#endif
