/* study/objective.h: objectives that programs of the user's tell (nas.search_algorithm.commands, docs/evaluators.md).
 * The worker that has trained a model starts each program once with the model's file as last argument and
 * {"objective", "model", "genes"} on its standard input; its output is one number. */
#ifndef QEA_STUDY_OBJECTIVE_H
#define QEA_STUDY_OBJECTIVE_H

#include "study/config.h"
#include "study/job.h"

/* Does a trial need its model as a file, for such programs? */
bool qea_objectives_need_model(const qea_study_config *config);
/* Are there these programs, as they would be started? QEA_ERR_CONFIG names what is not. */
QEA_MUST_USE qea_status qea_objectives_check(qea_context *ctx, const qea_study_config *config);

/* Puts into `result`, of a job whose model is saved, the number of each program. One that cannot be had is null, and
 * "objective_errors" has the reason by the objective's name. *repeatable: whether time-outs and lack of memory had no
 * part in it. Returns an error only where no program can work. */
QEA_MUST_USE qea_status qea_objectives_measure(qea_context *ctx, const qea_study_config *config, const qea_graph *graph,
                                               const qea_job *job, json_t *result, bool *repeatable);

/* What a program's output means: DONE with a number, else WRONG. */
void qea_objective_read_answer(const char *bytes, size_t size, qea_answer *out);

/* This process, a worker whose step is "objective:NAME:MODEL", becomes the program; returns only where that fails. */
extern const char qea_objective_step[]; /* "objective:" */
qea_status qea_objective_become(qea_context *ctx, const qea_study_config *config, const char *step);

#endif
