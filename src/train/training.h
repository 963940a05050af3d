/* train/training.h: a training run's state; private to src/train. */
#ifndef QEA_TRAIN_TRAINING_H
#define QEA_TRAIN_TRAINING_H

#include "train/optimizer.h"
#include "train/trainer.h"

/* A plan and a loader that go over a part of a data set. */
typedef struct qea_evaluator {
    qea_plan *plan;     /* owned */
    qea_loader *loader; /* owned */
} qea_evaluator;

/* images: read as it says (qea_plain_loader). */
QEA_MUST_USE qea_status qea_evaluator_create(qea_context *ctx, qea_model *model, const qea_kernels *kernels,
                                             qea_precision precision, const qea_loader_config *images,
                                             qea_evaluator *out);
void qea_evaluator_free(qea_evaluator *evaluator);
/* Refreshes the plan first. */
QEA_MUST_USE qea_status qea_evaluator_run(qea_context *ctx, qea_evaluator *evaluator, qea_eval_result *result);
/* `config` as images are read to judge a network: in file order, without crops and flips. */
qea_loader_config qea_plain_loader(const qea_loader_config *config);

/* QEA_ERR_CONFIG where images or labels do not fit the network. */
QEA_MUST_USE qea_status qea_check_data(qea_context *ctx, const qea_graph *graph, const qea_dataset *data);

typedef struct qea_training {
    qea_model *model;                 /* borrowed */
    const qea_train_options *options; /* borrowed */
    qea_plan *plan;                   /* owned */
    qea_loader *loader;               /* owned */
    int batch;                        /* images of a step */
    qea_plan *teacher;                /* owned; NULL without one */
    uint8_t *bits;                    /* owned, [2 num_quantized]; NULL where they do not change */
    qea_evaluator validation;
    qea_optimizer_state optimizer;
    float **best; /* owned, [num_params]: values of the best epoch; NULL without keep_best */
    /* where the run stands; kept in checkpoints */
    int epochs_done, best_epoch;
    double train_loss;
    double accuracy, accuracy_top5;           /* of the last epoch; NaN without validation */
    double best_accuracy, best_accuracy_top5; /* of the best one */
    double images;                            /* that went forward and backward */
    double earlier_s;                         /* that this took before `start` */
    double start;                             /* by qea_seconds; not kept */
} qea_training;

/* Writes, or continues from, options->checkpoint. Loading nothing (there is no such file) is QEA_OK. */
QEA_MUST_USE qea_status qea_checkpoint_save(qea_context *ctx, const qea_training *training);
QEA_MUST_USE qea_status qea_checkpoint_load(qea_context *ctx, qea_training *training);

double qea_seconds(void); /* monotonic */
/* What the training has taken so far, in all calls. */
static inline double qea_training_seconds(const qea_training *t) { return t->earlier_s + qea_seconds() - t->start; }

#endif
