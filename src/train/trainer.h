/* train/trainer.h: the quantisation-aware training loop, evaluation and checkpoints. */
#ifndef QEA_TRAIN_TRAINER_H
#define QEA_TRAIN_TRAINER_H

#include "data/loader.h"
#include "nn/plan.h"

typedef enum qea_optimizer { QEA_SGD, QEA_ADAM, QEA_ADAMW } qea_optimizer;
typedef struct qea_optimizer_options {
    qea_optimizer kind;
    double lr, momentum, weight_decay;
    bool nesterov;
    double beta1, beta2, eps;
    double grad_clip; /* largest L2 norm of all gradients together; 0 = none */
} qea_optimizer_options;

enum { QEA_MAX_MILESTONES = 64 };
typedef enum qea_schedule { QEA_SCHEDULE_CONSTANT, QEA_SCHEDULE_MULTISTEP, QEA_SCHEDULE_COSINE } qea_schedule;
typedef struct qea_schedule_options {
    qea_schedule kind;
    int num_milestones, milestones[QEA_MAX_MILESTONES]; /* epochs, ascending */
    double gamma;
    double min_lr;      /* cosine ends here */
    int cosine_epochs;  /* T_max; 0 = all epochs */
    double warmup_epochs; /* linear from lr/(steps+1) */
    bool per_step;      /* cosine changes at each step instead of each epoch */
} qea_schedule_options;
/* The learning rate of step `step` (0-based) of `steps` in epoch `epoch` (0-based) of `epochs`. */
double qea_schedule_lr(const qea_schedule_options *schedule, double lr, int epoch, int epochs, size_t step, size_t steps);

typedef struct qea_train_options {
    qea_optimizer_options optimizer;
    qea_schedule_options schedule;
    int epochs;
    size_t max_steps;          /* per epoch; 0 = all */
    float label_smoothing;
    qea_precision precision;
    const qea_kernels *kernels;
    qea_loader_config train;   /* its seed is the training seed */
    const qea_loader_config *validation; /* borrowed; NULL: none */
    bool keep_best;            /* at the end the weights of the best validation epoch stand in the model */
    const char *checkpoint;    /* path, borrowed, or NULL: written every checkpoint_epochs, continued from where it exists */
    int checkpoint_epochs;     /* >= 1 */
} qea_train_options;

typedef struct qea_epoch_report { int epoch, epochs; double lr, train_loss, train_accuracy, val_accuracy /* NaN: none */; double images_per_s; size_t step, steps; } qea_epoch_report;
/* Called after every epoch (step == steps) and about once a second within one; false asks to stop: QEA_ERR_INTERRUPTED after
 * a checkpoint (of the last whole epoch). */
typedef bool (*qea_progress_fn)(void *user, const qea_epoch_report *report);

typedef struct qea_train_result {
    int epochs_done, best_epoch; /* best_epoch -1: not chosen */
    double train_loss, val_accuracy, val_accuracy_top5; /* of the weights left in the model; NaN without validation */
    double seconds;
    size_t images;               /* went forward and backward, this call only */
    size_t peak_bytes;
} qea_train_result;

/* QEA_ERR_DIVERGED: a loss that is not finite (message names epoch and step). The model holds what was reached. */
QEA_MUST_USE qea_status qea_train(qea_context *ctx, qea_model *model, const qea_train_options *options, qea_progress_fn progress, void *user, qea_train_result *result);

typedef struct qea_eval_result { size_t count; double accuracy, accuracy_top5, loss; double images_per_s; } qea_eval_result;
/* Every image counts once, whatever the batch size. data.shuffle, drop_last and augmentation are ignored. */
QEA_MUST_USE qea_status qea_evaluate(qea_context *ctx, qea_model *model, const qea_kernels *kernels, qea_precision precision, const qea_loader_config *data, qea_eval_result *result);

#endif
