/* nn/graph_internal.h: the graph itself, private to graph*.c. */
#ifndef QEA_NN_GRAPH_INTERNAL_H
#define QEA_NN_GRAPH_INTERNAL_H

#include "nn/graph.h"

struct qea_graph {
    char *name;            /* owned */
    qea_graph_node *nodes; /* owned */
    size_t num_nodes, node_capacity;
    qea_layer_info *layers; /* owned; names borrowed from the nodes */
    size_t num_layers, layer_capacity;
    int *quantized; /* owned: layer of each pair of genes */
    size_t num_quantized, quantized_capacity;
    bool finished;
};

/* Appends `node` with a copy of `name` (NULL: none) after checking that the graph is open, the name new and well
 * formed, the inputs earlier nodes and the shape within limits; fills consumers. */
QEA_MUST_USE qea_status qea_graph_append(qea_context *ctx, qea_graph *g, const char *name, const qea_graph_node *node,
                                         qea_node *out);

/* The node `in`, or QEA_ERR_CONFIG where there is none. `what` stands in the message. */
QEA_MUST_USE qea_status qea_graph_need(qea_context *ctx, const qea_graph *g, const char *what, qea_node in,
                                       const qea_graph_node **out);

/* height, width, channels of a node's output. */
enum { QEA_SHAPE_TEXT = 48 };
const char *qea_graph_shape_text(const qea_graph_node *node, char text[QEA_SHAPE_TEXT]);

/* (size + 2 padding - kernel)/stride + 1 rounded down, in both directions. */
QEA_MUST_USE qea_status qea_graph_window(qea_context *ctx, const char *what, const qea_graph_node *from, int kernel,
                                         int stride, int padding, int *height, int *width);

#endif
