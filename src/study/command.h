/* study/command.h: the evaluator that is a program of the user's (docs/evaluators.md). It gets a line of JSON per
 * trial,
 * {"trial", "genes", "seed", "epochs"}, and answers with one, {"trial", "objectives"} or {"trial", "error"}. */
#ifndef QEA_STUDY_COMMAND_H
#define QEA_STUDY_COMMAND_H

#include "study/pool.h"
#include "study/space.h"
#include "store/store.h"

/* Is there such a program, as it would be started? QEA_ERR_CONFIG names it. */
QEA_MUST_USE qea_status qea_command_check(qea_context *ctx, const qea_study_config *config);
/* This process becomes the program; returns only where that fails. */
qea_status qea_command_become(qea_context *ctx, const qea_study_config *config);

/* The values of a genome's genes by name: of a network {"conv1.w": 4, "conv1.a": 8, ...}. Owned by the caller. */
json_t *qea_command_genes(const qea_bit_space *space, const qea_trial_record *record);
/* The line for a trial; owned by the caller (qea_free). */
QEA_MUST_USE qea_status qea_command_format(qea_context *ctx, const qea_bit_space *space, const qea_trial_record *record,
                                           char **line);
/* What the program's line means; for qea_pool_config.read. DONE: its objectives are there, as finite numbers. */
void qea_command_read_answer(const qea_study_config *config, uint64_t trial, const char *line, qea_answer *out);

#endif
