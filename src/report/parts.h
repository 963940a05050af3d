/* report/parts.h: what the files of this layer share. */
#ifndef QEA_REPORT_PARTS_H
#define QEA_REPORT_PARTS_H

#include "report/report.h"

/* Writes the text as a whole file and frees it in every case. */
QEA_MUST_USE qea_status qea_report_write_text(qea_context *ctx, qea_text *text, const char *path);

/* "2-4-8". */
void qea_report_put_bits(qea_text *text, const uint8_t *bits, size_t count);

/* "done", "waiting" (it has no result yet) or "failed". */
const char *qea_report_state(const qea_report_model *model);

/* A number of `performance`, NaN if there is none. */
double qea_report_value(const qea_report_model *model, const char *key);

/* A copy of `performance`, or null where there is none, without what differs from run to run ("measured") and without
 * what is long ("curve") where they are not wanted; owned by the caller. */
json_t *qea_report_performance(const qea_report_model *model, bool measured, bool curve);

/* `decimals` (0..3) without printf's locale, at least `width` wide; "-" where there is no number. value >= 0. */
void qea_report_put_fixed(qea_text *text, double value, int decimals, int width);

/* "front, trial 7", "uniform w4a4", "float (w32a32)". */
void qea_report_model_name(const qea_report_model *model, char name[48]);

/* The models that a table shows, of the search those of the front, by falling accuracy; *out [*count] is owned by the
 * caller (qea_free). */
QEA_MUST_USE qea_status qea_report_order(qea_context *ctx, const qea_report_step *step, const qea_report_model ***out,
                                         size_t *count);

/* The step's description with nbit_w_list and nbit_a_list added; owned by the caller. */
json_t *qea_report_description(const qea_report_step *step, const qea_report_model *model);

/* Does a larger value of the step's objective count as better? */
bool qea_report_is_maximized(const qea_report_step *step, size_t objective);

/* Is it one of the user's own, that is, neither accuracy nor a cost that is known of every network? */
bool qea_report_is_own(const qea_report_step *step, size_t objective);

/* The step's genes by name, where there is no network; else NULL. */
const json_t *qea_report_genes(const qea_report_step *step);

/* A list of bits; owned by the caller. */
json_t *qea_report_bits_json(const uint8_t *bits, size_t count);

/* Writes a JSON value as a file and frees it in every case. */
QEA_MUST_USE qea_status qea_report_write_json(qea_context *ctx, json_t *owned, const char *path);

#endif
