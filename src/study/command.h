/* study/command.h: the evaluator that is a program of the user's (docs/evaluators.md). It gets a line of JSON per
 * trial,
 * {"trial", "genes", "seed", "epochs"}, and answers with one, {"trial", "objectives"} or {"trial", "error"}. */
#ifndef QEA_STUDY_COMMAND_H
#define QEA_STUDY_COMMAND_H

#include "study/pool.h"
#include "study/space.h"
#include "store/store.h"

/* Is there such a program, as it would be started? QEA_ERR_CONFIG names it; `section` is where its keys stand. */
QEA_MUST_USE qea_status qea_command_check(qea_context *ctx, const qea_study_config *config, const qea_program *program,
                                          const char *section);
/* This process becomes the program, with one more argument unless that is NULL; returns only where that fails. */
qea_status qea_command_become(qea_context *ctx, const qea_program *program, const char *argument);

/* The values of a genome's genes by name: of a network {"conv1.w": 4, "conv1.a": 8, ...}. Owned by the caller. */
json_t *qea_command_genes(const qea_bit_space *space, const qea_trial_record *record);
json_t *qea_command_layer_bits(const qea_graph *graph, size_t num_layers, const uint8_t *weight_bits,
                               const uint8_t *activation_bits);
/* The line for a trial; owned by the caller (qea_free). */
QEA_MUST_USE qea_status qea_command_format(qea_context *ctx, const qea_bit_space *space, const qea_trial_record *record,
                                           char **line);
/* Sets kind and reason: of what a program wrote, so without control characters. */
void qea_command_refuse(qea_answer *out, qea_answer_kind kind, const char *format, ...) QEA_PRINTF(3, 4);
/* What the program's line means; for qea_pool_config.read. DONE: its objectives are there, as finite numbers. */
void qea_command_read_answer(const qea_study_config *config, uint64_t trial, const char *line, qea_answer *out);

#endif
