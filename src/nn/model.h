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

enum { QEA_MAX_WIDTHS = 16 };

/* The bit widths, ascending and from 1..16, that a supernet keeps learned steps for. */
typedef struct qea_widths {
    size_t count;
    uint8_t bits[QEA_MAX_WIDTHS];
} qea_widths;

typedef struct qea_model {
    const qea_graph *graph; /* borrowed */
    qea_quantizer weight_quantizer, activation_quantizer;
    uint8_t *weight_bits, *activation_bits; /* owned, [num_quantized]; all 32 for the float network */
    qea_param *params;                      /* owned */
    size_t num_params;
    /* A supernet: one set of weights whose bits change between runs (qea_model_set_bits). LSQ has a step for each width
     * (act_step [widths], weight_step [widths][K]), PACT one alpha for all. */
    uint8_t *most_weight_bits, *most_activation_bits; /* owned, [num_quantized]: the highest; NULL: no supernet */
    qea_widths widths;
} qea_model;

static inline bool qea_model_is_supernet(const qea_model *model) { return model->most_weight_bits != NULL; }

/* A layer with 0 weight or activation bits is left out and has no parameters. policy NULL: float. Initial values =
 * f(seed) alone: convolutions Kaiming normal fan_out (as ResNetGeneral's PyTorch code), linear uniform(-1/sqrt(in),
 * 1/sqrt(in)), BN 1, 0, 0, 1; PACT alpha 10; LSQ weight steps from the weights, activation steps NaN until the first
 * batch. */
QEA_MUST_USE qea_status qea_model_create(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *policy,
                                         uint64_t seed, qea_model **out);
void qea_model_destroy(qea_model *model);

/* A supernet with the highest bits of every layer, which are its bits at first; initial values as in qea_model_create.
 * No layer can be left out (0 bits). */
QEA_MUST_USE qea_status qea_supernet_create(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *most,
                                            const qea_widths *widths, uint64_t seed, qea_model **out);
/* The bits that its plans run with from their next refresh on; [num_quantized]. QEA_ERR_CONFIG: the model is no
 * supernet; 0 bits, more than the highest, or a width without a learned step. */
QEA_MUST_USE qea_status qea_model_set_bits(qea_context *ctx, qea_model *model, const uint8_t *weight_bits,
                                           const uint8_t *activation_bits);

qea_param *qea_model_find(const qea_model *model, const char *name); /* or NULL */
/* May `param` have this value? It is finite, a variance no less than 0; a step of activations is NaN until a batch has
 * been quantised with it, which none is where it is left at 32 bits. */
bool qea_param_allows(const qea_param *param, float value);
/* Copies values of equal name and shape; the others keep theirs. Counts copied ones. (warm start, also between
 * policies, from and to a supernet) The LSQ steps of bits or a quantiser that `from` has no steps for are set from the
 * new weights, activation steps to NaN. */
size_t qea_model_copy_values(qea_model *to, const qea_model *from);

/* safetensors; metadata: format "quantea-model-1", graph (JSON), weight_bits, activation_bits (JSON lists), quantizer
 * names, of a supernet "supernet" ({"widths", "weight_bits", "activation_bits"}: the highest), and the caller's extra
 * pairs (classes, normalisation...). */
QEA_MUST_USE qea_status qea_model_save(qea_context *ctx, const qea_model *model, const char *path,
                                       const char *const *keys, const char *const *values, size_t count);
/* *graph and *model are owned by the caller. A file that is not whole or does not fit its own graph: QEA_ERR_DATA.
 * If extra != NULL the metadata stays readable through *extra (qea_st_destroy). */
struct qea_st_file;
QEA_MUST_USE qea_status qea_model_load(qea_context *ctx, const char *path, qea_graph **graph, qea_model **model,
                                       struct qea_st_file **extra);

#endif
