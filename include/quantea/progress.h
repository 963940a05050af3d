/* quantea/progress.h: what a run is doing, for those who watch it: the function that qea_study_run calls, and the look
 * at a task from another process. */
#ifndef QUANTEA_PROGRESS_H
#define QUANTEA_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qea_study_event {
    QEA_STUDY_PROGRESS,      /* time passes: about once a second and whenever a worker tells of itself */
    QEA_STUDY_STEP_BEGUN,    /* also where a resumed task goes on with a step */
    QEA_STUDY_TRIAL_STARTED, /* a worker got it; again with each attempt */
    QEA_STUDY_TRIAL_DONE,
    QEA_STUDY_TRIAL_FAILED, /* for good; `text`: why */
    QEA_STUDY_NOTE,         /* something else that is worth a line: a worker died, a trial is tried again; `text` */
    QEA_STUDY_STEP_ENDED,
    QEA_STUDY_ENDED, /* the last event of every run; `status`, and where it failed `text` */
    QEA_STUDY_STATE  /* what qea_study_look found: `condition`, `pid`, `text` */
} qea_study_event;

typedef enum qea_study_condition {
    QEA_STUDY_RUNNING, /* a process has the task: `pid` */
    QEA_STUDY_FINISHED,
    QEA_STUDY_STOPPED /* it can be resumed; `text`: why it stopped, NULL: not known, as where it was killed */
} qea_study_condition;

typedef struct qea_study_objective {
    const char *name; /* "accuracy", "flops", ... */
    bool maximized;
    double best;      /* of the step's trials so far; NaN: none yet */
    const char *unit; /* what values count: "M" 10^6, "k" 10^3, "B" bytes, "": one */
} qea_study_objective;

typedef struct qea_study_point { /* a trial with a result */
    uint64_t trial;
    const double *objectives; /* [num_objectives], as told to people, not negated; NaN where there is none */
    bool front;               /* no other trial of the step dominates it, so far */
    bool uniform;             /* one number of bits for all weights, one for all activations */
} qea_study_point;

typedef struct qea_study_trial { /* what an event is about */
    uint64_t id;
    const char
        *label;  /* nas: "uniform", "random", "child"; fully_train: "front", "trial" (chosen), "baseline", "repeat" */
    int attempt; /* 1.. */
    const uint16_t *genome; /* [genome_length] indices of candidates; none in fully_train */
    size_t genome_length;
    const uint8_t *weight_bits, *activation_bits; /* [num_layers] */
    size_t num_layers;
    const double *objectives; /* [num_objectives]; NULL unless it is done */
    bool front;               /* of a trial that is done: when it ended */
    double seconds;           /* its training took; 0 unless it is done */
} qea_study_trial;

/* Everything is borrowed and valid during the call. */
typedef struct qea_study_progress {
    qea_study_event event;
    const char *task_folder;             /* NULL: there is none yet (ENDED only) */
    const char *step;                    /* "nas", "fully_train", ...; NULL: none has begun (ENDED and STATE only) */
    size_t generation;                   /* nas */
    size_t done, failed, running, total; /* trials of this step */
    double begun;                        /* what is done of those that run, in trials: 0..running */
    const qea_study_objective *objectives;
    size_t num_objectives;
    const qea_study_point *points; /* by the time they came */
    size_t num_points;
    double hypervolume;  /* nas: of the finished trials, as a share of the box fixed before the search, 0..1; NaN: not
                            known */
    double images_per_s; /* training, all workers together, lately; 0: not known yet */
    double elapsed_s;    /* since this step began, or went on; NaN: not known */
    double eta_s;        /* seconds left in this step; NaN: not known yet */
    const qea_study_trial *trial; /* of TRIAL_ events and notes that are about one; else NULL */
    const char *text;
    qea_status status;             /* ENDED */
    qea_study_condition condition; /* STATE */
    long pid;                      /* STATE: of the process that runs the task; 0: none does, -1: not known */
} qea_study_progress;
typedef void (*qea_study_progress_fn)(void *user, const qea_study_progress *progress);

/* One line of JSON without its newline, as docs/events.md describes it. Owned by the caller, free with
 * qea_string_free. */
QEA_API QEA_MUST_USE qea_status qea_study_progress_json(qea_context *ctx, const qea_study_progress *progress,
                                                        char **line);

/* Looks at a task from outside, which may run, was killed or has ended: calls `progress` once, with event STATE, unless
 * it fails. Reads alone: the task is not disturbed. What only the running process knows (running, begun,
 * images_per_s, elapsed_s, eta_s) is at most some seconds old. task: its folder, or its name under `base` (NULL:
 * ./tasks). QEA_ERR_CONFIG: no such task; QEA_ERR_STATE: it has not begun yet. */
QEA_API QEA_MUST_USE qea_status qea_study_look(qea_context *ctx, const char *task, const char *base,
                                               qea_study_progress_fn progress, void *user);

#ifdef __cplusplus
}
#endif
#endif
