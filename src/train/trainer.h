/* train/trainer.h: the quantisation-aware training loop, evaluation and checkpoints. */
#ifndef QEA_TRAIN_TRAINER_H
#define QEA_TRAIN_TRAINER_H

#include "data/loader.h"
#include "nn/plan.h"

typedef enum qea_optimizer { QEA_SGD, QEA_ADAM, QEA_ADAMW } qea_optimizer;

typedef struct qea_optimizer_options { /* formulas: train/optimizer.h */
    qea_optimizer kind;
    double lr;                /* > 0 */
    double momentum;          /* SGD, 0..1 */
    double weight_decay;      /* >= 0 */
    bool nesterov;            /* SGD */
    double beta1, beta2, eps; /* Adam, AdamW */
    double grad_clip;         /* largest L2 norm of all gradients together; 0 = none */
} qea_optimizer_options;

enum { QEA_MAX_MILESTONES = 64 };
typedef enum qea_schedule { QEA_SCHEDULE_CONSTANT, QEA_SCHEDULE_MULTISTEP, QEA_SCHEDULE_COSINE } qea_schedule;

typedef struct qea_schedule_options {
    qea_schedule kind;
    int num_milestones, milestones[QEA_MAX_MILESTONES]; /* epochs, ascending */
    double gamma;
    double min_lr;        /* cosine ends here */
    int cosine_epochs;    /* T_max; 0 = all epochs */
    double warmup_epochs; /* W steps: the rate times (t + 1) / (W + 1) in step t < W */
    bool per_step;        /* cosine changes at each step instead of each epoch */
} qea_schedule_options;

/* The learning rate of step `step` (0-based) of `steps` in epoch `epoch` (0-based) of `epochs`:
 *   multistep  lr gamma^(number of milestones <= epoch)
 *   cosine     min_lr + (lr - min_lr) (1 + cos(pi t/T)) / 2, t in epochs, min_lr behind T */
double qea_schedule_lr(const qea_schedule_options *schedule, double lr, int epoch, int epochs, size_t step,
                       size_t steps);

typedef struct qea_epoch_point {       /* what an epoch left: a point of the training curve */
    double train_loss, train_accuracy; /* means over its steps */
    double val_accuracy;               /* behind it; NaN without validation */
    double lr;                         /* of its last step */
} qea_epoch_point;

/* The bits of step `step` (counted from 0 over all epochs), [num_quantized] each: a function of its arguments alone. */
typedef void (*qea_draw_bits_fn)(void *user, uint64_t step, uint8_t *weight_bits, uint8_t *activation_bits);

typedef struct qea_teacher { /* distillation: soft targets beside the labels (kernels.h, softmax_loss) */
    qea_model *model;        /* borrowed; NULL: none. Runs with running statistics, and is not changed */
    float temperature;       /* > 0 */
    float weight;            /* 0..1 */
} qea_teacher;

typedef struct qea_train_options {
    qea_optimizer_options optimizer;
    qea_schedule_options schedule;
    int epochs;
    size_t max_steps; /* per epoch; 0 = all */
    float label_smoothing;
    qea_precision precision;
    const qea_kernels *kernels;
    qea_loader_config train; /* its seed is the training seed. A step takes a whole batch: images that do not fill one
                                are left to the next epoch's order, whatever drop_last says; a data set smaller than a
                                batch is one batch */
    const qea_loader_config *validation; /* borrowed; NULL: none. Read as qea_evaluate does */
    bool keep_best; /* at the end the weights of the best validation epoch (the first of equals) stand in the model */
    const char *checkpoint;     /* path, borrowed, or NULL: written every checkpoint_epochs and after the last epoch,
                                   continued from where it exists: the result is bit for bit that of an undisturbed run */
    int checkpoint_epochs;      /* >= 1 */
    qea_draw_bits_fn draw_bits; /* a supernet gets new bits before each step; NULL: the model's bits stay */
    void *draw_user;            /* borrowed */
    qea_teacher teacher;
    qea_epoch_point *curve; /* [epochs], borrowed, or NULL: a point is put there when its epoch ends. Kept in
                               checkpoints: the points of epochs before a stop are there again, bit for bit */
} qea_train_options;

typedef struct qea_epoch_report {
    int epoch, epochs;                     /* epoch: 0-based */
    double lr, train_loss, train_accuracy; /* means over the epoch so far */
    double val_accuracy;                   /* NaN: none (yet) */
    double images_per_s;
    size_t step, steps;
} qea_epoch_report;

/* Called after every epoch (step == steps), about once a second within one, and before all where a checkpoint is
 * continued (step 0 of the epoch that comes next; nothing is known of it); false asks to stop with
 * QEA_ERR_INTERRUPTED. The checkpoint then holds the epoch that just ended, or, within one, the last that was written.
 */
typedef bool (*qea_progress_fn)(void *user, const qea_epoch_report *report);

typedef struct qea_train_result {
    int first_epoch;                        /* that this call trained; 0 unless it went on from a checkpoint */
    int epochs_done, best_epoch;            /* best_epoch -1: not chosen */
    double train_loss;                      /* mean over the last epoch */
    double val_accuracy, val_accuracy_top5; /* of the weights left in the model, 0..1; NaN without validation */
    double seconds;                         /* with earlier calls that the checkpoint goes on from */
    size_t images;                          /* went forward and backward in them */
    size_t epoch_images;                    /* that go forward and backward in an epoch */
    size_t peak_bytes; /* parameters, gradients, optimiser, plans, the best weights; without data sets and loaders */
} qea_train_result;

/* Trains `model` in place; allocates nothing after the first batch but to write a checkpoint.
 * QEA_ERR_CONFIG: an option out of range, images or labels that do not fit the network. QEA_ERR_DIVERGED: a loss or a
 * parameter is not finite (the message names epoch and step); the model holds what was reached. QEA_ERR_STATE: the
 * checkpoint was made with another network, policy, data selection or options (the message names the first difference).
 */
QEA_MUST_USE qea_status qea_train(qea_context *ctx, qea_model *model, const qea_train_options *options,
                                  qea_progress_fn progress, void *user, qea_train_result *result);

typedef struct qea_eval_result {
    size_t count;
    double accuracy, accuracy_top5; /* 0..1 */
    double loss;                    /* mean */
    double images_per_s;
} qea_eval_result;

/* With running statistics. Every image counts once, whatever the batch size: shuffle, drop_last, crops and flips of
 * `data` are ignored. */
QEA_MUST_USE qea_status qea_evaluate(qea_context *ctx, qea_model *model, const qea_kernels *kernels,
                                     qea_precision precision, const qea_loader_config *data, qea_eval_result *result);

/* A model judged without training, as often as its bits change: the running statistics of batch normalisation are
 * re-estimated on training images, then it is evaluated. */
typedef struct qea_ranker_options {
    const qea_kernels *kernels; /* borrowed */
    qea_precision precision;
    const qea_loader_config *train; /* borrowed; where images for the statistics come from: the first of the order that
                                       its seed gives, without crops and flips, so that they are the same each time */
    size_t images;                  /* so many of them, in whole batches; at least 1, at most what there are */
    const qea_loader_config
        *validation;          /* borrowed; read as qea_evaluate does, in smaller batches where these are faster */
    size_t validation_images; /* so many of them, the first of the order that train's seed gives; 0: all */
} qea_ranker_options;

typedef struct qea_ranker qea_ranker;
/* The model is borrowed; its running statistics are changed. */
QEA_MUST_USE qea_status qea_ranker_create(qea_context *ctx, qea_model *model, const qea_ranker_options *options,
                                          qea_ranker **out);
void qea_ranker_destroy(qea_ranker *ranker);
QEA_MUST_USE qea_status qea_ranker_run(qea_context *ctx, qea_ranker *ranker, qea_eval_result *result);
size_t qea_ranker_bytes(const qea_ranker *ranker); /* of its plan */

#endif
