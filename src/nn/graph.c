/* nn/graph.c: the container of nodes: create, append with every check, finish, look up. */
#include "nn/graph_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

qea_status qea_graph_create(qea_context *ctx, const char *name, qea_graph **out) {
    qea_graph *g = NULL;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "graph", g, 1));
    qea_status status = qea_strdup(ctx, name, &g->name);
    if (status != QEA_OK) {
        qea_graph_destroy(g);
        return status;
    }
    *out = g;
    return QEA_OK;
}

void qea_graph_destroy(qea_graph *graph) {
    if (!graph) return;
    for (size_t i = 0; i < graph->num_nodes; i++) qea_free(graph->nodes[i].name);
    qea_free(graph->nodes);
    qea_free(graph->layers);
    qea_free(graph->quantized);
    qea_free(graph->name);
    qea_free(graph);
}

const char *qea_graph_shape_text(const qea_graph_node *node, char text[QEA_SHAPE_TEXT]) {
    snprintf(text, QEA_SHAPE_TEXT, "%d x %d x %d", node->height, node->width, node->channels);
    return text;
}

qea_status qea_graph_need(qea_context *ctx, const qea_graph *g, const char *what, qea_node in,
                          const qea_graph_node **out) {
    if (in < 0 || (size_t)in >= g->num_nodes)
        return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: %s reads node %d; nodes 0 to %d exist", g->name, what, in,
                        (int)g->num_nodes - 1);
    *out = &g->nodes[in];
    return QEA_OK;
}

/* Names become parts of keys in files and of patterns in configurations, so they are plain. */
static bool well_formed(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";
    size_t length = strlen(name);
    return length > 0 && length <= QEA_GRAPH_MAX_NAME && strspn(name, allowed) == length;
}

static qea_status check_name(qea_context *ctx, const qea_graph *g, const char *name) {
    if (!well_formed(name))
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "graph %s: layer name \"%.*s\": allowed are 1 to %d letters, digits and _ . - /", g->name,
                        QEA_GRAPH_MAX_NAME, name, QEA_GRAPH_MAX_NAME);
    for (size_t i = 0; i < g->num_nodes; i++)
        if (g->nodes[i].name && strcmp(g->nodes[i].name, name) == 0)
            return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: the name \"%s\" is used twice", g->name, name);
    return QEA_OK;
}

static qea_status check_shape(qea_context *ctx, const qea_graph *g, const qea_graph_node *node) {
    char text[QEA_SHAPE_TEXT];
    bool sides = node->height >= 1 && node->height <= QEA_GRAPH_MAX_SIDE && node->width >= 1 &&
                 node->width <= QEA_GRAPH_MAX_SIDE && node->channels >= 1 && node->channels <= QEA_GRAPH_MAX_CHANNELS;
    if (!sides || (int64_t)node->height * node->width > QEA_GRAPH_MAX_COUNT / node->channels)
        return qea_fail(
            ctx, QEA_ERR_CONFIG,
            "graph %s: node %zu would be %s (height x width x channels); allowed are sides of 1 to %d, 1 to "
            "%d channels and at most %d values",
            g->name, g->num_nodes, qea_graph_shape_text(node, text), QEA_GRAPH_MAX_SIDE, QEA_GRAPH_MAX_CHANNELS,
            QEA_GRAPH_MAX_COUNT);
    return QEA_OK;
}

static qea_status check_place(qea_context *ctx, const qea_graph *g, const qea_graph_node *node) {
    if (g->finished) return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: it is finished; nothing can be added", g->name);
    if (g->num_nodes >= QEA_GRAPH_MAX_NODES)
        return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: more than %d nodes", g->name, QEA_GRAPH_MAX_NODES);
    if ((node->op == QEA_OP_INPUT) != (g->num_nodes == 0))
        return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: node 0, and no other, must be the input", g->name);
    return QEA_OK;
}

qea_status qea_graph_append(qea_context *ctx, qea_graph *g, const char *name, const qea_graph_node *node,
                            qea_node *out) {
    QEA_TRY(check_place(ctx, g, node));
    QEA_TRY(check_shape(ctx, g, node));
    if (name) QEA_TRY(check_name(ctx, g, name));
    QEA_TRY(qea_grow(ctx, "graph nodes", (void **)&g->nodes, &g->node_capacity, g->num_nodes + 1, sizeof *g->nodes));
    char *copy = NULL;
    if (name) QEA_TRY(qea_strdup(ctx, name, &copy));
    for (int i = 0; i < 2; i++)
        if (node->in[i] >= 0) g->nodes[node->in[i]].consumers++;
    qea_graph_node *added = &g->nodes[g->num_nodes];
    *added = *node;
    added->name = copy;
    *out = (qea_node)g->num_nodes++;
    return QEA_OK;
}

qea_status qea_graph_finish(qea_context *ctx, qea_graph *g) {
    if (g->finished) return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: it is finished already", g->name);
    if (g->num_layers == 0) return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: it has no layer with weights", g->name);
    for (size_t i = 0; i + 1 < g->num_nodes; i++)
        if (g->nodes[i].consumers == 0)
            return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: the output of node %zu (%s) is read by no other node",
                            g->name, i, g->nodes[i].name ? g->nodes[i].name : "without weights");
    const qea_graph_node *last = &g->nodes[g->num_nodes - 1];
    char text[QEA_SHAPE_TEXT];
    if (last->height != 1 || last->width != 1)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "graph %s: the last node is %s (height x width x channels); it must be the logits, 1 x 1 x "
                        "classes",
                        g->name, qea_graph_shape_text(last, text));
    g->finished = true;
    return QEA_OK;
}

size_t qea_graph_num_nodes(const qea_graph *g) { return g->num_nodes; }

const qea_graph_node *qea_graph_node_at(const qea_graph *g, qea_node node) { return &g->nodes[node]; }

const char *qea_graph_name(const qea_graph *g) { return g->name; }

size_t qea_graph_num_layers(const qea_graph *g) { return g->num_layers; }

const qea_layer_info *qea_graph_layer(const qea_graph *g, size_t index) {
    return index < g->num_layers ? &g->layers[index] : NULL;
}

size_t qea_graph_num_quantized(const qea_graph *g) { return g->num_quantized; }

const qea_layer_info *qea_graph_quantized(const qea_graph *g, size_t index) {
    return index < g->num_quantized ? &g->layers[g->quantized[index]] : NULL;
}

int qea_graph_num_classes(const qea_graph *g) { return g->num_nodes ? g->nodes[g->num_nodes - 1].channels : 0; }

void qea_graph_input_shape(const qea_graph *g, int *height, int *width, int *channels) {
    const qea_graph_node none = {0};
    const qea_graph_node *input = g->num_nodes ? &g->nodes[0] : &none;
    *height = input->height;
    *width = input->width;
    *channels = input->channels;
}
