/* nn/graph_json.c: a graph as JSON text and back. The reader builds with the public functions, so that a graph from a
 * file has passed every check that one from a program has. */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/graph_internal.h"

enum { MAX_TEXT = 4 << 20 };
static const char format_name[] = "quantea-graph-1";

/* The members of a node besides "op", "name", "in". */
typedef enum field {
    FIELD_HEIGHT,
    FIELD_WIDTH,
    FIELD_CHANNELS,
    FIELD_OUT,
    FIELD_KERNEL,
    FIELD_STRIDE,
    FIELD_PADDING,
    FIELD_GROUPS,
    FIELD_BIAS,
    FIELD_QUANTIZED,
    FIELD_EPS,
    FIELD_MOMENTUM,
    NUM_FIELDS
} field;

static const char *const field_names[NUM_FIELDS] = {"height", "width",     "channels", "out_channels",
                                                    "kernel", "stride",    "padding",  "groups",
                                                    "bias",   "quantized", "eps",      "momentum"};

#define F(name) (1u << FIELD_##name)
#define WINDOW (F(KERNEL) | F(STRIDE) | F(PADDING))

static const struct op_row {
    const char *name;
    bool named;
    int inputs;
    unsigned fields;
} op_rows[] = {
    [QEA_OP_INPUT] = {"input", false, 0, F(HEIGHT) | F(WIDTH) | F(CHANNELS)},
    [QEA_OP_CONV] = {"conv", true, 1, F(OUT) | WINDOW | F(GROUPS) | F(BIAS) | F(QUANTIZED)},
    [QEA_OP_LINEAR] = {"linear", true, 1, F(OUT) | F(BIAS) | F(QUANTIZED)},
    [QEA_OP_BATCH_NORM] = {"batch_norm", true, 1, F(EPS) | F(MOMENTUM)},
    [QEA_OP_RELU] = {"relu", false, 1, 0},
    [QEA_OP_ADD] = {"add", false, 2, 0},
    [QEA_OP_MAX_POOL] = {"max_pool", false, 1, WINDOW},
    [QEA_OP_AVG_POOL] = {"avg_pool", false, 1, WINDOW},
    [QEA_OP_GLOBAL_AVG_POOL] = {"global_avg_pool", false, 1, 0},
};
enum { NUM_OPS = sizeof op_rows / sizeof *op_rows };

/* --- writing --- */

static json_t *field_value(const qea_graph_node *node, field f) {
    bool pool = node->op == QEA_OP_MAX_POOL || node->op == QEA_OP_AVG_POOL;
    switch (f) {
    case FIELD_HEIGHT:
        return json_integer(node->height);
    case FIELD_WIDTH:
        return json_integer(node->width);
    case FIELD_CHANNELS:
        return json_integer(node->channels);
    case FIELD_OUT:
        return json_integer(node->conv.out_channels);
    case FIELD_KERNEL:
        return json_integer(pool ? node->kernel : node->conv.kernel);
    case FIELD_STRIDE:
        return json_integer(pool ? node->stride : node->conv.stride);
    case FIELD_PADDING:
        return json_integer(pool ? node->padding : node->conv.padding);
    case FIELD_GROUPS:
        return json_integer(node->conv.groups);
    case FIELD_BIAS:
        return json_boolean(node->conv.bias);
    case FIELD_QUANTIZED:
        return json_boolean(node->conv.quantized);
    case FIELD_EPS:
        return json_real(node->eps);
    case FIELD_MOMENTUM:
        return json_real(node->momentum);
    case NUM_FIELDS:
        break;
    }
    return NULL;
}

/* NULL where jansson ran out of memory; the _new functions take over the value even when they fail. */
static json_t *node_to_json(const qea_graph_node *node) {
    const struct op_row *row = &op_rows[node->op];
    json_t *object = json_object(), *in = json_array();
    bool ok = object && in && json_object_set_new(object, "op", json_string(row->name)) == 0;
    if (ok && row->named) ok = json_object_set_new(object, "name", json_string(node->name)) == 0;
    for (int i = 0; ok && i < row->inputs; i++) ok = json_array_append_new(in, json_integer(node->in[i])) == 0;
    if (ok && row->inputs > 0) ok = json_object_set(object, "in", in) == 0;
    for (int f = 0; ok && f < NUM_FIELDS; f++)
        if (row->fields & 1u << f) ok = json_object_set_new(object, field_names[f], field_value(node, (field)f)) == 0;
    json_decref(in);
    if (ok) return object;
    json_decref(object);
    return NULL;
}

static json_t *graph_to_json(const qea_graph *g) {
    json_t *root = json_object(), *nodes = json_array();
    bool ok = root && nodes && json_object_set_new(root, "format", json_string(format_name)) == 0 &&
              json_object_set_new(root, "name", json_string(g->name)) == 0 &&
              json_object_set(root, "nodes", nodes) == 0;
    for (size_t i = 0; ok && i < g->num_nodes; i++) ok = json_array_append_new(nodes, node_to_json(&g->nodes[i])) == 0;
    json_decref(nodes);
    if (ok) return root;
    json_decref(root);
    return NULL;
}

qea_status qea_graph_to_json(qea_context *ctx, const qea_graph *g, char **text) {
    *text = NULL;
    if (!g->finished) return qea_fail(ctx, QEA_ERR_CONFIG, "graph %s: it is not finished", g->name);
    json_t *root = graph_to_json(g);
    if (!root)
        return qea_fail(ctx, QEA_ERR_MEMORY, "graph %s as JSON: out of memory, or a name that is not UTF-8", g->name);
    qea_text out = {0};
    qea_text_put_json(&out, root, 0);
    json_decref(root);
    return qea_text_take(ctx, &out, text);
}

void qea_string_free(char *text) { qea_free(text); }

/* --- reading --- */

typedef struct node_reader {
    qea_context *ctx;
    const json_t *object;
    size_t index; /* of the node, for messages */
    qea_status status;
} node_reader;

static const json_t *need(node_reader *r, const char *key, bool right_type, const char *wanted) {
    const json_t *value = json_object_get(r->object, key);
    if (r->status == QEA_OK && (!value || !right_type))
        r->status = qea_fail(r->ctx, QEA_ERR_DATA, "node %zu: \"%s\" is %s; expected %s", r->index, key,
                             value ? "of another type" : "missing", wanted);
    return r->status == QEA_OK ? value : NULL;
}

static int read_int(node_reader *r, field f) {
    const char *key = field_names[f];
    const json_t *value = need(r, key, json_is_integer(json_object_get(r->object, key)), "an integer");
    json_int_t number = value ? json_integer_value(value) : 0;
    if (r->status == QEA_OK && (number < 0 || number > QEA_GRAPH_MAX_COUNT))
        r->status = qea_fail(r->ctx, QEA_ERR_DATA, "node %zu: \"%s\" is %lld; expected 0 to %d", r->index, key,
                             (long long)number, QEA_GRAPH_MAX_COUNT);
    return r->status == QEA_OK ? (int)number : 0;
}

static bool read_bool(node_reader *r, field f) {
    const char *key = field_names[f];
    return json_is_true(need(r, key, json_is_boolean(json_object_get(r->object, key)), "true or false"));
}

static double read_number(node_reader *r, field f) {
    const char *key = field_names[f];
    const json_t *value = need(r, key, json_is_number(json_object_get(r->object, key)), "a number");
    return value ? json_number_value(value) : 0;
}

static const char *read_string(node_reader *r, const char *key) {
    const json_t *value = need(r, key, json_is_string(json_object_get(r->object, key)), "a string");
    return value ? json_string_value(value) : "";
}

static void read_inputs(node_reader *r, int count, qea_node in[2]) {
    if (count == 0) return;
    const json_t *list = json_object_get(r->object, "in");
    need(r, "in", json_is_array(list) && json_array_size(list) == (size_t)count, "a list of the nodes read");
    for (int i = 0; r->status == QEA_OK && i < count; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        json_int_t number = json_is_integer(item) ? json_integer_value(item) : -1;
        if (number < 0 || number >= (json_int_t)r->index)
            r->status = qea_fail(r->ctx, QEA_ERR_DATA, "node %zu: \"in\" must name earlier nodes", r->index);
        else
            in[i] = (qea_node)number;
    }
}

static int find_op(node_reader *r) {
    const char *name = read_string(r, "op");
    for (int op = 0; r->status == QEA_OK && op < (int)NUM_OPS; op++)
        if (strcmp(op_rows[op].name, name) == 0) return op;
    if (r->status == QEA_OK)
        r->status = qea_fail(r->ctx, QEA_ERR_DATA, "node %zu: there is no op \"%.40s\"", r->index, name);
    return -1;
}

/* Members that the node's kind does not have would be lost silently. */
static void check_members(node_reader *r, const struct op_row *row) {
    size_t expected = 1u + (row->named ? 1u : 0u) + (row->inputs > 0 ? 1u : 0u);
    for (int f = 0; f < NUM_FIELDS; f++) expected += row->fields >> f & 1u;
    if (r->status == QEA_OK && json_object_size(r->object) != expected)
        r->status = qea_fail(r->ctx, QEA_ERR_DATA, "node %zu (%s): %zu members; expected %zu", r->index, row->name,
                             json_object_size(r->object), expected);
}

/* What a node says, read before the graph is touched. */
typedef struct node_text {
    const char *name;
    qea_node in[2];
    int number[NUM_FIELDS]; /* integers, and 0 or 1 for true and false */
    double eps, momentum;
} node_text;

static void read_fields(node_reader *r, const struct op_row *row, node_text *t) {
    if (row->named) t->name = read_string(r, "name");
    read_inputs(r, row->inputs, t->in);
    for (int f = 0; f < FIELD_EPS; f++)
        if (row->fields & 1u << f)
            t->number[f] = f == FIELD_BIAS || f == FIELD_QUANTIZED ? read_bool(r, (field)f) : read_int(r, (field)f);
    if (row->fields & F(EPS)) {
        t->eps = read_number(r, FIELD_EPS);
        t->momentum = read_number(r, FIELD_MOMENTUM);
    }
    check_members(r, row);
}

static qea_status add_node(qea_context *ctx, qea_graph *g, qea_op op, const node_text *t) {
    const int *n = t->number, kernel = n[FIELD_KERNEL], stride = n[FIELD_STRIDE], padding = n[FIELD_PADDING];
    const qea_conv_options conv = {.out_channels = n[FIELD_OUT],
                                   .kernel = kernel,
                                   .stride = stride,
                                   .padding = padding,
                                   .groups = n[FIELD_GROUPS],
                                   .bias = n[FIELD_BIAS],
                                   .quantized = n[FIELD_QUANTIZED]};
    qea_node in = t->in[0], out;
    switch (op) {
    case QEA_OP_INPUT:
        return qea_graph_input(ctx, g, n[FIELD_HEIGHT], n[FIELD_WIDTH], n[FIELD_CHANNELS], &out);
    case QEA_OP_CONV:
        return qea_graph_conv(ctx, g, t->name, in, &conv, &out);
    case QEA_OP_LINEAR:
        return qea_graph_linear(ctx, g, t->name, in, conv.out_channels, conv.bias, conv.quantized, &out);
    case QEA_OP_BATCH_NORM:
        return qea_graph_batch_norm(ctx, g, t->name, in, t->eps, t->momentum, &out);
    case QEA_OP_RELU:
        return qea_graph_relu(ctx, g, in, &out);
    case QEA_OP_ADD:
        return qea_graph_add(ctx, g, in, t->in[1], &out);
    case QEA_OP_MAX_POOL:
        return qea_graph_max_pool(ctx, g, in, kernel, stride, padding, &out);
    case QEA_OP_AVG_POOL:
        return qea_graph_avg_pool(ctx, g, in, kernel, stride, padding, &out);
    case QEA_OP_GLOBAL_AVG_POOL:
        return qea_graph_global_avg_pool(ctx, g, in, &out);
    }
    return QEA_ERR_DATA;
}

static qea_status read_node(qea_context *ctx, qea_graph *g, const json_t *object, size_t index) {
    node_reader r = {.ctx = ctx, .object = object, .index = index, .status = QEA_OK};
    int op = find_op(&r);
    if (r.status != QEA_OK) return r.status;
    node_text t = {0};
    read_fields(&r, &op_rows[op], &t);
    return r.status == QEA_OK ? add_node(ctx, g, (qea_op)op, &t) : r.status;
}

static qea_status read_nodes(qea_context *ctx, qea_graph *g, const json_t *nodes) {
    if (!json_is_array(nodes) || json_array_size(nodes) > QEA_GRAPH_MAX_NODES)
        return qea_fail(ctx, QEA_ERR_DATA, "\"nodes\" must be a list of at most %d", QEA_GRAPH_MAX_NODES);
    for (size_t i = 0; i < json_array_size(nodes); i++) QEA_TRY(read_node(ctx, g, json_array_get(nodes, i), i));
    return qea_graph_finish(ctx, g);
}

static qea_status read_graph(qea_context *ctx, const json_t *root, qea_graph **out) {
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *name = json_string_value(json_object_get(root, "name"));
    if (!format || strcmp(format, format_name) != 0 || !name || json_object_size(root) != 3)
        return qea_fail(ctx, QEA_ERR_DATA, "not an object with \"format\": \"%s\", \"name\" and \"nodes\"",
                        format_name);
    qea_graph *g = NULL;
    QEA_TRY(qea_graph_create(ctx, name, &g));
    qea_status status = read_nodes(ctx, g, json_object_get(root, "nodes"));
    if (status == QEA_OK)
        *out = g;
    else
        qea_graph_destroy(g);
    return status == QEA_ERR_CONFIG ? QEA_ERR_DATA : status; /* a wrong graph in a file is wrong data */
}

qea_status qea_graph_from_json(qea_context *ctx, const char *text, size_t size, qea_graph **out) {
    *out = NULL;
    if (size > MAX_TEXT)
        return qea_fail(ctx, QEA_ERR_DATA, "graph from JSON: %zu bytes; allowed are %d", size, MAX_TEXT);
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return qea_fail(ctx, QEA_ERR_DATA, "graph from JSON: line %d, byte %d: %s", error.line, error.position,
                        error.text);
    qea_status status = read_graph(ctx, root, out);
    json_decref(root);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "graph from JSON");
}
