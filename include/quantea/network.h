/* quantea/network.h: a convolutional network as a graph of nodes, and what it costs. A graph has shapes and names, no
 * weights. Wherever a qea_status is returned, outputs are written on QEA_OK only and QEA_ERR_MEMORY is possible. */
#ifndef QUANTEA_NETWORK_H
#define QUANTEA_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/quantizer.h"
#include "quantea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qea_graph qea_graph;

/* Nodes are numbered from 0 in the order of adding; an input must exist already. */
typedef int qea_node;

typedef struct qea_conv_options {
    int out_channels;
    int kernel;  /* R = S */
    int stride;  /* both directions */
    int padding; /* zeros on each side, both directions, less than kernel */
    int groups;  /* divides in and out channels */
    bool bias;
    bool quantized; /* has a weight gene and an activation gene */
} qea_conv_options;

/* An empty graph, to be filled from its input on. `name` is UTF-8 and copied. *out is owned by the caller. */
QEA_API QEA_MUST_USE qea_status qea_graph_create(qea_context *ctx, const char *name, qea_graph **out);
QEA_API void qea_graph_destroy(qea_graph *graph); /* NULL is allowed */

/* Each adds a node and returns its number in *out. The shape of a node's output is one image's: height x width x
 * channels; windows (convolutions, pools) leave floor((side + 2 padding - kernel)/stride) + 1. Names follow torchvision
 * ("layer1.0.conv1"): 1 to 200 letters, digits and _ . - /, each once; copied. QEA_ERR_CONFIG, and the graph is as
 * before: a name used twice, an input that does not exist, a shape that does not fit, a finished graph, or more than
 * 4,096 nodes, sides of 65,536, kernels of 255, 2^30 values of a tensor or weights of a layer. */
/* Node 0, and no other. */
QEA_API QEA_MUST_USE qea_status qea_graph_input(qea_context *ctx, qea_graph *g, int height, int width, int channels,
                                                qea_node *out);
QEA_API QEA_MUST_USE qea_status qea_graph_conv(qea_context *ctx, qea_graph *g, const char *name, qea_node in,
                                               const qea_conv_options *options, qea_node *out);
/* 0 < eps <= 1, 0 < momentum <= 1 (the new batch's share in the running statistics, as in PyTorch). */
QEA_API QEA_MUST_USE qea_status qea_graph_batch_norm(qea_context *ctx, qea_graph *g, const char *name, qea_node in,
                                                     double eps, double momentum, qea_node *out);
QEA_API QEA_MUST_USE qea_status qea_graph_relu(qea_context *ctx, qea_graph *g, qea_node in, qea_node *out);
/* The sum of two different nodes of equal shape. */
QEA_API QEA_MUST_USE qea_status qea_graph_add(qea_context *ctx, qea_graph *g, qea_node a, qea_node b, qea_node *out);
/* kernel 1 to 16, padding at most kernel/2; the average counts padding, the maximum does not see it. */
QEA_API QEA_MUST_USE qea_status qea_graph_max_pool(qea_context *ctx, qea_graph *g, qea_node in, int kernel, int stride,
                                                   int padding, qea_node *out);
QEA_API QEA_MUST_USE qea_status qea_graph_avg_pool(qea_context *ctx, qea_graph *g, qea_node in, int kernel, int stride,
                                                   int padding, qea_node *out);
QEA_API QEA_MUST_USE qea_status qea_graph_global_avg_pool(qea_context *ctx, qea_graph *g, qea_node in, qea_node *out);
/* A fully connected layer over all H*W*C values of its input (H, W, C order). */
QEA_API QEA_MUST_USE qea_status qea_graph_linear(qea_context *ctx, qea_graph *g, const char *name, qea_node in,
                                                 int out_features, bool bias, bool quantized, qea_node *out);
/* The last node added must be the logits, 1 x 1 x classes, every other one must be read, and there must be a layer with
 * weights; checks and closes the graph. */
QEA_API QEA_MUST_USE qea_status qea_graph_finish(qea_context *ctx, qea_graph *g);

/* ResNetGeneral + LinearClassificationHead (docs/math.md, "Network"). */
typedef struct qea_resnet_options {
    int height, width, channels; /* of the input */
    int base_depth;              /* 18, 20, 34, 50, 101, 152; ignored where num_blocks[0] > 0 */
    int base_channel;            /* of the first stage: 16, 64, ... */
    int stage;                   /* stages used, 1..4; with num_blocks also 0 = all that have blocks */
    int num_blocks[4];           /* BasicBlocks per stage; all 0: from base_depth */
    bool small_input;            /* true: 3x3 stem; false: 7x7 stride 2 and max pool */
    int num_classes;
} qea_resnet_options;
/* A finished graph, owned by the caller. QEA_ERR_CONFIG names the option that is out of range. */
QEA_API QEA_MUST_USE qea_status qea_resnet_create(qea_context *ctx, const qea_resnet_options *options, qea_graph **out);

/* --- what it consists of; an index behind the last gives NULL --- */
typedef struct qea_layer_info { /* of a convolution or linear layer */
    const char *name;           /* owned by the graph */
    bool quantized;
    bool linear;
    int in_height, in_width, in_channels, out_height, out_width, out_channels, kernel, stride, padding, groups;
    uint64_t macs;    /* of one image */
    uint64_t weights; /* number of weights, without the bias */
} qea_layer_info;

QEA_API size_t qea_graph_num_layers(const qea_graph *g); /* convolutions and linear layers, in order */
QEA_API const qea_layer_info *qea_graph_layer(const qea_graph *g, size_t index);
QEA_API size_t qea_graph_num_quantized(const qea_graph *g); /* the genome has twice as many genes */
QEA_API const qea_layer_info *qea_graph_quantized(const qea_graph *g, size_t index);
QEA_API int qea_graph_num_classes(const qea_graph *g);
QEA_API void qea_graph_input_shape(const qea_graph *g, int *height, int *width, int *channels);
QEA_API uint64_t qea_graph_num_parameters(const qea_graph *g); /* weights, biases, BN scale and shift */

/* A finished graph as JSON text and back (models carry it in their metadata). Text owned by the caller: free with
 * qea_string_free. A text of more than 4 MiB, that is not of this form, or whose graph breaks a rule above:
 * QEA_ERR_DATA. */
QEA_API QEA_MUST_USE qea_status qea_graph_to_json(qea_context *ctx, const qea_graph *g, char **text);
QEA_API QEA_MUST_USE qea_status qea_graph_from_json(qea_context *ctx, const char *text, size_t size, qea_graph **out);
QEA_API void qea_string_free(char *text);

/* --- what it costs under a policy (docs/math.md, "Costs") --- */
typedef struct qea_cost {
    double flops;                /* millions: sum MACs (w + a)/32 over quantised layers + MACs elsewhere */
    double params;               /* thousands: sum weights w/32 over quantised layers + parameters elsewhere */
    double bops;                 /* sum MACs w a over quantised layers */
    double bops_total;           /* the others added at 32 x 32 */
    double weight_bytes;         /* sum weights w/8 over quantised layers */
    double weight_bytes_total;   /* the others added at 32 bits */
    double activation_bytes;     /* peak of live tensors over the execution order at batch 1 */
    double mean_weight_bits;     /* over quantised layers, by number of weights; a layer left out counts as 0 */
    double mean_activation_bits; /* over quantised layers, by MACs */
} qea_cost;
/* policy NULL = 32 bits everywhere. QEA_ERR_CONFIG: wrong number of layers, bits not defined for the quantiser, 0 bits
 * for a layer whose output is larger than its input. */
QEA_API QEA_MUST_USE qea_status qea_graph_cost(qea_context *ctx, const qea_graph *g, const qea_bit_policy *policy,
                                               qea_cost *out);

#ifdef __cplusplus
}
#endif
#endif
