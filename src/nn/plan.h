/* nn/plan.h: a model made ready to run: nodes grouped into convolutions and fused element-wise segments, buffers laid
 * out. */
#ifndef QEA_NN_PLAN_H
#define QEA_NN_PLAN_H

#include "kernels/kernels.h"
#include "nn/model.h"

typedef enum qea_precision {
    QEA_PRECISION_AUTO, /* bf16 where the CPU has AMX, else float32 */
    QEA_PRECISION_F32,
    QEA_PRECISION_BF16 /* convolutions of layers with 1..8 bits (both) in bf16, as the kernels do it, the others in
                          float32 */
} qea_precision;

/* Whether layers of up to 8 bits convolve in bf16. */
bool qea_precision_is_bf16(qea_precision precision);

typedef struct qea_plan_options {
    const qea_kernels *kernels; /* borrowed */
    int batch;                  /* images per run */
    bool training;              /* keeps what backward needs; else memory is reused from layer to layer */
    qea_precision precision;
    float label_smoothing;
} qea_plan_options;

typedef struct qea_plan qea_plan;

/* Everything is allocated here; running allocates nothing. The model is borrowed and is read (weights, running
 * statistics, parameters) at each run; the bits of a supernet at each qea_plan_train and qea_plan_refresh. A
 * supernet's layer computes in bf16 where its highest bits do, and copies of its input are not shared with other
 * layers; otherwise its plan does what one for a model with fixed bits does. */
QEA_MUST_USE qea_status qea_plan_create(qea_context *ctx, qea_model *model, const qea_plan_options *options,
                                        qea_plan **out);
void qea_plan_destroy(qea_plan *plan);
/* Memory taken to make it: tensors, coefficients, quantised weights and what the convolutions need (packed weights,
 * scratch memory); without what oneDNN keeps for itself. */
size_t qea_plan_bytes(const qea_plan *plan);

typedef struct qea_batch_result {
    double loss; /* sum over images */
    int64_t right, right_top5, count;
} qea_batch_result;

/* One training pass: forward with batch statistics (running ones are updated), loss (mean over images; soft: the logits
 * of a teacher for these images, or NULL), backward; every trained parameter's grad is written. Weights are quantised
 * and packed first; LSQ's steps without a value get one. images [batch][H][W][C] float32, labels [batch], all present.
 */
QEA_MUST_USE qea_status qea_plan_train(qea_context *ctx, qea_plan *plan, const float *images, const int32_t *labels,
                                       const qea_soft_targets *soft, qea_batch_result *result);
/* Forward with running statistics; rows with label -1 do not count. Works on training plans too, where bf16 layers
 * store their outputs in bf16; an inference plan stores them exactly. QEA_ERR_STATE: LSQ's steps have no values before
 * training. */
QEA_MUST_USE qea_status qea_plan_evaluate(qea_context *ctx, qea_plan *plan, const float *images, const int32_t *labels,
                                          qea_batch_result *result);
/* Call before the first qea_plan_evaluate after the model changed (quantises and packs the weights). */
QEA_MUST_USE qea_status qea_plan_refresh(qea_context *ctx, qea_plan *plan);
/* Re-estimates the running statistics of batch normalisation for weights that changed without training, or bits that
 * did: begin, then any number of batches, each normalised by its own statistics, then end, which writes the mean and
 * the unbiased variance over all images of all batches (float64 sums, exact in that sense). Refresh first. On any plan;
 * images [batch][H][W][C], all present. end without a batch changes nothing. */
void qea_plan_estimate_begin(qea_plan *plan);
QEA_MUST_USE qea_status qea_plan_estimate_batch(qea_context *ctx, qea_plan *plan, const float *images);
void qea_plan_estimate_end(qea_plan *plan);
/* Logits of the last run, [batch][classes]. */
const float *qea_plan_logits(const qea_plan *plan);

#endif
