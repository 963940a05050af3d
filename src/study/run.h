/* study/run.h: a run in progress: what its steps share, and the trials of a step on the workers. */
#ifndef QEA_STUDY_RUN_H
#define QEA_STUDY_RUN_H

#include "quantea/study.h"
#include "report/report.h"
#include "study/budget.h"
#include "study/pool.h"
#include "study/space.h"
#include "study/step_data.h"
#include "study/task.h"
#include "study/volume.h"

typedef struct qea_run {
    const qea_study_options *options; /* borrowed */
    qea_study_config *config;         /* owned */
    qea_task task;                    /* owned */
    qea_graph *graph;                 /* owned */
    qea_bit_space *space;             /* owned */
    qea_box box;                      /* of the search's hypervolume */
    qea_search_clock clock;           /* of the search with the steps before it */
    char *tensorboard;                /* owned; folder of the event files, NULL: none */
    /* What was loaded for each step; "" for one that this run does not have. */
    char search_images[QEA_STEP_DATA_TEXT], full_images[QEA_STEP_DATA_TEXT];
} qea_run;

/* The configuration of a new task: the file, the options' overrides, absolute paths; `made_name` is the task's name
 * where none is given. */
QEA_MUST_USE qea_status qea_run_config(qea_context *ctx, const qea_study_options *options, const char *made_name,
                                       qea_study_config **out);
/* What can be wrong is found before anything is trained: kernels, images, pretrained model. Makes graph and space from
 * run->config. */
QEA_MUST_USE qea_status qea_run_check(qea_context *ctx, qea_run *run);
/* run->graph as the task's store has it; stays NULL where it has none: not begun yet, or a search without a network. */
QEA_MUST_USE qea_status qea_run_load_network(qea_context *ctx, qea_run *run);

/* The trials of one step. Records stand in id order; run_trials changes them in place and writes them to the store. */
typedef struct qea_step_trials {
    const char *step;          /* "float", "supernet", "nas", "prediction", "agreement", "fully_train" */
    qea_trial_record *records; /* owned */
    size_t count, capacity;
    size_t total; /* expected in all, for the progress */
    size_t generation;
    bool warm;        /* fully_train: start from the search's weights */
    bool keep_models; /* save model files */
    bool checkpoints;
    qea_search_clock *clock; /* borrowed; begins nothing when the search's budget is spent; fully_train: NULL */
} qea_step_trials;
void qea_step_trials_clear(qea_step_trials *trials);

/* Loads what the store has of the step; nothing on failure. QEA_ERR_DATA: a damaged database: a trial whose number of
 * objectives, genome or bits are not of run->config and run->space, as far as these are there. */
QEA_MUST_USE qea_status qea_step_trials_load(qea_context *ctx, const qea_run *run, qea_step_trials *trials);
/* A trial that has failed is tried again, from its checkpoint, when the task is resumed... */
QEA_MUST_USE qea_status qea_step_trials_keep_open(qea_context *ctx, const qea_run *run, const qea_trial_record *record);
/* ...which begins with this: such records become ASKED. */
QEA_MUST_USE qea_status qea_step_trials_reopen(qea_context *ctx, const qea_run *run, qea_step_trials *trials);
/* The record of `id`, or NULL. */
qea_trial_record *qea_step_trials_find(qea_step_trials *trials, uint64_t id);
/* Inserts by id a record in state ASKED; weight and activation bits [num_layers] are copied. */
QEA_MUST_USE qea_status qea_step_trials_add(qea_context *ctx, const qea_run *run, qea_step_trials *trials, uint64_t id,
                                            const char *label, uint64_t source, const uint16_t *genome,
                                            size_t genome_length, const uint8_t *weight_bits,
                                            const uint8_t *activation_bits);
/* Are both trainings of one network from one start? The further ones have the label "repeat". */
bool qea_trial_same_network(const qea_trial_record *a, const qea_trial_record *b);
/* Which training of its network a record is: 0 but for the repeats, which count from 1 in the order of their ids. */
uint32_t qea_step_trials_repeat(const qea_step_trials *trials, const qea_trial_record *record);
/* Writes records [first, count) to the store in one transaction. */
QEA_MUST_USE qea_status qea_step_trials_save(qea_context *ctx, const qea_run *run, const qea_step_trials *trials,
                                             size_t first);

/* general.workers; where it is auto: a worker for each processor that this process may use (base/limits.h), fewer where
 * a worker has several threads. */
int qea_crew_workers(const qea_study_config *config);

/* Workers for one step. */
typedef struct qea_crew qea_crew;
QEA_MUST_USE qea_status qea_crew_create(qea_context *ctx, const qea_run *run, qea_step_trials *trials, qea_crew **out);
void qea_crew_destroy(qea_crew *crew);
/* Begins to measure the hypervolume, now that run->box is known. */
QEA_MUST_USE qea_status qea_crew_measure(qea_context *ctx, qea_crew *crew);
/* Trains every record of the step that is in state ASKED; each result is in the store before the next is taken. Where
 * the clock's budget ends before, records stay ASKED. */
QEA_MUST_USE qea_status qea_crew_run(qea_context *ctx, qea_crew *crew);
/* Tells who watches that the step is at its end. */
void qea_crew_end(qea_crew *crew);
/* All of this for what is left of a step whose trials are known. */
QEA_MUST_USE qea_status qea_crew_work(qea_context *ctx, const qea_run *run, qea_step_trials *trials);

/* The steps. *table (owned by the caller, qea_free) and *end may stay NULL. */
QEA_MUST_USE qea_status qea_run_nas(qea_context *ctx, qea_run *run, char **end);
/* Would the search begin? QEA_ERR_CONFIG: no genome is within all limits. */
QEA_MUST_USE qea_status qea_run_check_search(qea_context *ctx, qea_run *run);
QEA_MUST_USE qea_status qea_run_fully_train(qea_context *ctx, qea_run *run);
/* How well the search ranks, where config->agreement says that it is measured (study/agreement.h). */
QEA_MUST_USE qea_status qea_run_agreement(qea_context *ctx, qea_run *run);

/* The steps "float" and "supernet" before a search with shared weights: one trial each, whose model the search's trials
 * and the full training begin from. Does what the store says is not done. *end (owned by the caller, qea_free) stays
 * NULL unless the search's time is spent before they are: then there is no search. */
QEA_MUST_USE qea_status qea_run_supernet(qea_context *ctx, qea_run *run, char **end);
/* The model file that the training of a record begins from; *path (owned by the caller) stays NULL for random weights.
 */
QEA_MUST_USE qea_status qea_run_start_path(qea_context *ctx, const qea_run *run, const char *step,
                                           const qea_trial_record *record, char **path);
/* The same for the teacher of a step. */
QEA_MUST_USE qea_status qea_run_teacher_path(qea_context *ctx, const qea_run *run, const char *step, char **path);

/* Writes every file of the task that is derived from the store. */
QEA_MUST_USE qea_status qea_run_write_outputs(qea_context *ctx, qea_run *run, char **table);

/* Brings TensorBoard's event files of a step up to date, where they are wanted; a failure is a warning. */
void qea_run_tensorboard(qea_context *ctx, const qea_run *run, const char *step);

/* Ids of the search's front: DONE records within all limits that no other dominates, ascending; owned by the caller
 * (qea_free). */
QEA_MUST_USE qea_status qea_run_front(qea_context *ctx, const qea_run *run, const qea_step_trials *trials,
                                      uint64_t **ids, size_t *count);
/* objectives as told to people -> minimised ones. */
void qea_run_minimised(const qea_run *run, const double *objectives, double *minimised);

#endif
