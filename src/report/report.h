/* report/report.h: the files and the table that a run leaves. Reads records only; knows neither networks nor the store.
 */
#ifndef QEA_REPORT_H
#define QEA_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "quantea/status.h"

typedef struct qea_report_model { /* everything borrowed */
    uint64_t id;
    const char *label; /* "front", "baseline", "given", "random", "child" */
    uint64_t source;   /* trial of the search that it comes from; 0: none */
    bool done;         /* else it failed */
    bool on_front;
    size_t num_layers;
    const uint8_t *weight_bits, *activation_bits; /* [num_layers] */
    const uint16_t *genome;                       /* [genome_length] */
    size_t genome_length;
    const json_t *performance; /* object; NULL unless done */
    int epochs;
    const char *reason;                            /* of a failure */
    const char *model_path;                        /* or NULL */
    double mean_weight_bits, mean_activation_bits; /* weights by their number, activations by MACs */
    double runtime_s;                              /* only for reports.csv */
} qea_report_model;

typedef struct qea_report_step {   /* everything borrowed */
    const char *name;              /* "nas", "fully_train" */
    const char *const *objectives; /* [num_objectives] names: keys of performance */
    size_t num_objectives;
    const qea_report_model *models; /* [count], by id */
    size_t count;
    const json_t *description; /* the search space's description, to which desc_<id>.json adds the bits */
} qea_report_step;

/* --- for machines: equal runs give byte-equal files --- */

/* id,label,state,encoding,weight_bits,activation_bits,<performance keys of the table below>; lists joined with '-'. */
QEA_MUST_USE qea_status qea_report_write_trials_csv(qea_context *ctx, const qea_report_step *step, const char *path);
/* {"front": [{"trial", "objectives": {...}, "weight_bits": [...], "activation_bits": [...]}, ...]} by trial. */
QEA_MUST_USE qea_status qea_report_write_front_json(qea_context *ctx, const qea_report_step *step, const char *path);
/* {"models": [{"id", "label", "source", "state", "weight_bits", "activation_bits", "performance": {...}}, ...]}. */
QEA_MUST_USE qea_status qea_report_write_results_json(qea_context *ctx, const qea_report_step *step, const char *path);

/* --- the original's --- */

/* worker_id,performance,desc of the models on the front (nas) or all (fully_train), cells as JSON; and beside it, in
 * `folder`, desc_<id>.json and performance_<id>.json of each of them. */
QEA_MUST_USE qea_status qea_report_write_output(qea_context *ctx, const qea_report_step *step, const char *folder);
/* Every model of every step, the columns of the original's reports.csv and then encoding, accuracy, flops, params. */
QEA_MUST_USE qea_status qea_report_write_reports_csv(qea_context *ctx, const qea_report_step *steps, size_t count,
                                                     const char *path);
QEA_MUST_USE qea_status qea_report_write_reports_json(qea_context *ctx, const qea_report_step *steps, size_t count,
                                                      const char *path);

/* --- for people --- */

/* Front models and baselines by falling accuracy: accuracy with its 95 % interval, flops, params, mean bits. */
void qea_report_table(const qea_report_step *step, qea_text *out);

/* Wilson's 95 % interval of `right` of `count` (Wilson 1927, doi:10.1080/01621459.1927.10502953); 0..1. */
void qea_wilson_interval(double share, double count, double *low, double *high);

#endif
