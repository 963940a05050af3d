/* nn/graph.h: the graph's inside, for nn, train and deploy. */
#ifndef QEA_NN_GRAPH_H
#define QEA_NN_GRAPH_H

#include "quantea/network.h"

typedef enum qea_op { QEA_OP_INPUT, QEA_OP_CONV, QEA_OP_LINEAR, QEA_OP_BATCH_NORM, QEA_OP_RELU, QEA_OP_ADD, QEA_OP_MAX_POOL, QEA_OP_AVG_POOL, QEA_OP_GLOBAL_AVG_POOL } qea_op;

typedef struct qea_graph_node {
    qea_op op;
    char *name;            /* owned; NULL for operators without weights */
    qea_node in[2];        /* in[1] is -1 but for ADD; in[0] is -1 for INPUT */
    int height, width, channels; /* of the output */
    int consumers;         /* nodes that read it */
    int layer;             /* CONV, LINEAR: index for qea_graph_layer, else -1 */
    int quantized;         /* CONV, LINEAR: index in the genome, or -1 */
    qea_conv_options conv; /* CONV, LINEAR (kernel = stride = 1 there; the input is flattened) */
    int kernel, stride, padding; /* pools */
    double eps, momentum;  /* BATCH_NORM */
} qea_graph_node;

size_t qea_graph_num_nodes(const qea_graph *g);
const qea_graph_node *qea_graph_node_at(const qea_graph *g, qea_node node);
const char *qea_graph_name(const qea_graph *g);

#endif
