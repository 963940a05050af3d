/* nn/model.h: a graph with its weights: what is trained, saved and loaded. */
#ifndef QEA_NN_MODEL_H
#define QEA_NN_MODEL_H

#include "nn/graph.h"

typedef struct qea_param { /* one tensor that training changes, or BN's running statistics */
    char *name;            /* owned; "layer1.0.conv1.weight", "layer1.0.bn1.running_mean", "layer1.0.conv1.act_alpha",
                              "layer1.0.conv1.weight_step", "layer1.0.conv1.act_step" */
    float *value;          /* owned; weights [K][C/groups][R][S], linear [out][in] */
    float *grad;           /* owned; NULL for running statistics */
    size_t count;
    int rank;
    size_t dims[4];
    bool trained; /* false: running statistics */
    bool decay;   /* weight decay applies (all trained ones, as PyTorch's SGD does in the original) */
} qea_param;

typedef struct qea_model {
    const qea_graph *graph; /* borrowed */
    qea_quantizer weight_quantizer, activation_quantizer;
    uint8_t *weight_bits, *activation_bits; /* owned, [num_quantized]; all 32 for the float network */
    qea_param *params;                      /* owned */
    size_t num_params;
} qea_model;

/* A layer with 0 weight or activation bits is left out and has no parameters. policy NULL: float. Initial values =
 * f(seed) alone: convolutions Kaiming normal fan_out (as ResNetGeneral's PyTorch code), linear uniform(-1/sqrt(in),
 * 1/sqrt(in)), BN 1, 0, 0, 1; PACT alpha 10; LSQ weight steps from the weights, activation steps NaN until the first
 * batch. */
QEA_MUST_USE qea_status qea_model_create(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *policy,
                                         uint64_t seed, qea_model **out);
void qea_model_destroy(qea_model *model);
qea_param *qea_model_find(const qea_model *model, const char *name); /* or NULL */
/* Copies values of equal name and shape; the others keep theirs. Counts copied ones. (warm start, also between
 * policies) The LSQ steps of a layer whose bits or quantiser differ are not copied but set from its new weights,
 * activation steps to NaN. */
size_t qea_model_copy_values(qea_model *to, const qea_model *from);

/* safetensors; metadata: format "quantea-model-1", graph (JSON), weight_bits, activation_bits (JSON lists), quantizer
 * names, and the caller's extra pairs (classes, normalisation...). */
QEA_MUST_USE qea_status qea_model_save(qea_context *ctx, const qea_model *model, const char *path,
                                       const char *const *keys, const char *const *values, size_t count);
/* *graph and *model are owned by the caller. A file that is not whole or does not fit its own graph: QEA_ERR_DATA.
 * If extra != NULL the metadata stays readable through *extra (qea_st_destroy). */
struct qea_st_file;
QEA_MUST_USE qea_status qea_model_load(qea_context *ctx, const char *path, qea_graph **graph, qea_model **model,
                                       struct qea_st_file **extra);

#endif
