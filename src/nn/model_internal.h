/* nn/model_internal.h: a model before its values are there; private to model*.c and plan*.c. */
#ifndef QEA_NN_MODEL_INTERNAL_H
#define QEA_NN_MODEL_INTERNAL_H

#include "nn/model.h"
#include "nn/quantize.h"

/* Names and shapes of all parameters, no values yet: a loader compares them with the file before it takes memory.
 * widths: NULL, or a supernet whose highest bits are `policy`. */
QEA_MUST_USE qea_status qea_model_describe(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *policy,
                                           const qea_widths *widths, qea_model **out);
/* Can a supernet have these highest bits and widths? (supernet.c) */
QEA_MUST_USE qea_status qea_supernet_check(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *most,
                                           const qea_widths *widths);
/* Values (all 0) and gradients. */
QEA_MUST_USE qea_status qea_model_allocate(qea_context *ctx, qea_model *model);

/* The values that qea_model_create says, for a described model. */
QEA_MUST_USE qea_status qea_model_begin(qea_context *ctx, qea_model *model, uint64_t seed);

/* qea_model_load behind the reading of the file. */
struct qea_st_file;
QEA_MUST_USE qea_status qea_model_from_file(qea_context *ctx, const struct qea_st_file *file, qea_graph **graph,
                                            qea_model **model);

/* The parameter "node.part", e.g. "layer1.0.conv1" and "weight", or NULL. */
qea_param *qea_model_find_part(const qea_model *model, const char *node, const char *part);
/* Where the learned step for `bits` begins in a parameter of `per_step` values for each: 0 but in a supernet, SIZE_MAX
 * where that has none. */
size_t qea_model_step_offset(const qea_model *model, int bits, size_t per_step);
/* How the weights of a convolution or linear layer are quantised (32 bits where they are not). */
qea_weight_quant qea_model_weight_quant(const qea_model *model, const qea_graph_node *node);

#endif
