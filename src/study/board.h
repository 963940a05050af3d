/* study/board.h: how far a step is, for those who watch: what is running, the best of each objective, the points of the
 * trials and their front. */
#ifndef QEA_STUDY_BOARD_H
#define QEA_STUDY_BOARD_H

#include <jansson.h>

#include "study/run.h"

typedef struct qea_board_slot { /* of a worker */
    uint64_t id;                /* of its trial; 0: none */
    int attempt;
    double fraction, before; /* of the trial that is done; of that, what its checkpoint had */
    double images_per_s;
} qea_board_slot;

typedef struct qea_board {         /* start with {0} */
    const qea_run *run;            /* borrowed */
    const qea_step_trials *trials; /* borrowed */
    qea_board_slot *slots;         /* owned, [num_slots] */
    int num_slots;
    qea_study_objective objectives[QEA_MAX_OBJECTIVES];
    qea_study_point *points; /* owned */
    size_t num_points, capacity;
    qea_volume *volume;   /* owned; of the search's trials that are done; NULL: not known */
    double begun;         /* monotonic, s */
    double finished_here; /* trials' worth of work since `begun`, in trials that ended */
} qea_board;

/* Takes in the trials that are done already. */
QEA_MUST_USE qea_status qea_board_create(qea_context *ctx, const qea_run *run, const qea_step_trials *trials,
                                         int workers, qea_board *board);
void qea_board_clear(qea_board *board);
/* Begins to measure the hypervolume, where run->box became known only now. */
QEA_MUST_USE qea_status qea_board_measure(qea_context *ctx, qea_board *board);

void qea_board_start(qea_board *board, uint64_t trial, int attempt);
/* A worker's {"type": "update", ...} (worker.c) about its trial. */
void qea_board_update(qea_board *board, uint64_t trial, const json_t *message);
/* A trial ended for good: its worker is free, its result counts. */
QEA_MUST_USE qea_status qea_board_finish(qea_context *ctx, qea_board *board, const qea_trial_record *record);

/* Nothing runs any more. */
void qea_board_rest(qea_board *board);

/* Everything but trial, text, status and pid. */
void qea_board_read(const qea_board *board, qea_study_event event, qea_study_progress *out);
/* What there is to tell of a record. */
void qea_board_trial(const qea_board *board, const qea_trial_record *record, qea_study_trial *out);

#endif
