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
    const char *label; /* "front", "trial", "baseline", "uniform", "random", "child", "probe", "seed" */
    uint64_t source;   /* trial of the search that it comes from; 0: none */
    bool done;         /* else it failed, or has no result yet */
    bool waiting;      /* no result yet: the run goes on, or was stopped */
    bool on_front;
    size_t num_layers;
    const uint8_t *weight_bits, *activation_bits; /* [num_layers] */
    const uint16_t *genome;                       /* [genome_length] */
    const json_t *genes; /* {"w0": 4, ...} of a search space without a network, then there are no layers; else NULL */
    size_t genome_length;
    const json_t *performance; /* object; NULL unless done */
    int epochs;
    const char *reason;                            /* of a failure */
    const char *model_path;                        /* or NULL */
    double mean_weight_bits, mean_activation_bits; /* weights by their number, activations by MACs */
    double runtime_s;                              /* of the training; only for reports.csv and report.html */
    double started_s, ended_s;                     /* Unix time, 0: not yet; only for report.html */
    double hypervolume; /* nas: of the results up to this id, as a share of the step's box; NaN: not known */
    const struct qea_report_model *repeats; /* [num_repeats] fully_train: trainings of this network from other seeds */
    size_t num_repeats;
} qea_report_model;

typedef struct qea_report_step {   /* everything borrowed */
    const char *name;              /* "nas", "fully_train"; "float", "supernet", "prediction", "agreement" */
    const char *const *objectives; /* [num_objectives] names: keys of performance */
    size_t num_objectives;
    const bool *maximized;          /* [num_objectives]; NULL: accuracy alone is */
    const qea_report_model *models; /* [count], by id */
    size_t count;
    const json_t *description; /* the search space's description, to which desc_<id>.json adds the bits */
    size_t expected;           /* models in all, as far as is known; only for report.html */
    double hypervolume;        /* nas: of all results; NaN: not known */
    const json_t *box; /* {"accuracy": [lowest, highest], ...}, what hypervolumes are shares of; NULL: not known */
} qea_report_step;

typedef struct qea_report_layer { /* a quantised layer */
    const char *name;             /* borrowed */
    uint64_t macs, weights;
} qea_report_layer;

typedef struct qea_report_fact { /* a row of "how it was made" */
    const char *name, *value;    /* borrowed */
} qea_report_fact;

typedef struct qea_report_pair {                  /* a genome that was ranked by the search and trained separately */
    const uint8_t *weight_bits, *activation_bits; /* [num_layers]; borrowed */
    size_t num_layers;
    size_t band; /* of nearly equal bops, from 0 */
    double bops;
    double predicted; /* accuracy on the validation images, as the search's evaluator tells it */
    double trained;   /* the same after the training; NaN: there is none (yet) */
} qea_report_pair;

typedef struct qea_report_agreement { /* how well the search ranks; everything borrowed */
    const qea_report_pair *pairs;     /* [count], band by band */
    size_t count, bands;              /* 0, 0: not measured; bands at most QEA_REPORT_MAX_BANDS */
    const char *evaluator;            /* "shared_weights" */
    int epochs;                       /* of the separate trainings */
    size_t images;                    /* that went forward and backward for this */
    size_t validation_images;         /* that judge a trained genome; 0: not known */
} qea_report_agreement;
enum { QEA_REPORT_MAX_BANDS = 10 };

typedef struct qea_report_page { /* what report.html shows; everything borrowed */
    const char *task;            /* its folder */
    const qea_report_step *search, *full;
    const qea_report_step *const *steps; /* [num_steps] both and those around them, in their order */
    size_t num_steps;
    const qea_report_agreement *agreement; /* NULL: not measured */
    const qea_report_layer *layers;        /* [num_layers], in the order of the bits */
    size_t num_layers;
    const qea_report_fact *facts; /* [num_facts] */
    size_t num_facts;
    const char *config;  /* the configuration's text */
    const char *command; /* that repeats the run */
} qea_report_page;

/* What values of an objective count, docs/math.md: "M" (flops), "k" (params), "B" (bytes), "" (all else). */
const char *qea_report_unit(const char *key);

/* --- for machines: equal runs give byte-equal files --- */

/* id,label,state,encoding,weight_bits,activation_bits,<performance keys of the table below, objectives of the user's
 * own>,hypervolume; lists joined with '-'. Without a network: id,label,state,encoding,<genes>,<objectives>,hypervolume.
 */
QEA_MUST_USE qea_status qea_report_write_trials_csv(qea_context *ctx, const qea_report_step *step, const char *path);
/* {"hypervolume", "box", "front": [{"trial", "objectives": {...}, "weight_bits": [...], "activation_bits": [...]},
 * ...]} by trial; without a network "genes": {...} in place of the bits, in this and the other files. */
QEA_MUST_USE qea_status qea_report_write_front_json(qea_context *ctx, const qea_report_step *step, const char *path);
/* {"models": [{"id", "label", "source", "state", "weight_bits", "activation_bits", "performance": {...}}, ...]}; of a
 * model trained several times also "seeds": {"trainings", "accuracy_mean", "accuracy_sd"} and "repeats": [{"id",
 * "state", "performance"}, ...]. */
QEA_MUST_USE qea_status qea_report_write_results_json(qea_context *ctx, const qea_report_step *step, const char *path);

/* {"evaluator", "epochs", "train_images", "validation_images", "tau", "chance", "tau_of_bops", "bands": [{"genomes",
 * "bops": [lowest, highest], "trained": [lowest, highest], "tau"}, ...], "mean_tau_of_bands", "chance_of_mean",
 * "genomes": [{"band" (from 1), "weight_bits", "activation_bits", "bops", "predicted", "trained"}, ...]}; null for what
 * is not defined. tau and chance: report/kendall.h. */
QEA_MUST_USE qea_status qea_report_write_agreement_json(qea_context *ctx, const qea_report_agreement *agreement,
                                                        const char *path);

/* --- the original's --- */

/* worker_id,performance,desc of the models on the front (nas) or all (fully_train), cells as JSON; and beside it, in
 * `folder`, desc_<id>.json and performance_<id>.json of each of them. */
QEA_MUST_USE qea_status qea_report_write_output(qea_context *ctx, const qea_report_step *step, const char *folder);
/* Every model of every step, the columns of the original's reports.csv and then encoding, accuracy, flops, params. */
QEA_MUST_USE qea_status qea_report_write_reports_csv(qea_context *ctx, const qea_report_step *steps, size_t count,
                                                     const char *path);
QEA_MUST_USE qea_status qea_report_write_reports_json(qea_context *ctx, const qea_report_step *steps, size_t count,
                                                      const char *path);

/* --- for TensorBoard --- */

/* FOLDER/nas: each objective and the hypervolume, a step is a trial; FOLDER/fully_train/LABEL_ID: loss, accuracy and
 * learning rate, a step is an epoch; of the models that are done. Written again when more are done: the files grow. */
QEA_MUST_USE qea_status qea_report_write_tensorboard(qea_context *ctx, const qea_report_step *step, const char *folder);

/* --- for people --- */

typedef struct qea_report_spread {
    size_t trainings; /* that are done, of the model and its repeats */
    double mean, sd;  /* of their accuracies, 0..1; sd with trainings - 1 in the denominator; NaN: too few */
} qea_report_spread;
qea_report_spread qea_report_accuracies(const qea_report_model *model);
/* Was a model trained several times? */
bool qea_report_repeated(const qea_report_step *step);

/* Front models and baselines by falling accuracy: accuracy with its 95 % interval, flops, params, mean bits,
 * objectives of the user's own; where models were trained several times, mean and standard deviation of the trainings,
 * and the order is the mean's. Without a network: the front by its first objective, the best first, and the genes. */
void qea_report_table(const qea_report_step *step, qea_text *out);

/* One HTML file that needs nothing else: plots of the objectives, models and their bits, failures, how it was made.
 * Equal pages give byte-equal files. */
QEA_MUST_USE qea_status qea_report_write_html(qea_context *ctx, const qea_report_page *page, const char *path);

/* Wilson's 95 % interval of `right` of `count` (Wilson 1927, doi:10.1080/01621459.1927.10502953); 0..1. */
void qea_wilson_interval(double share, double count, double *low, double *high);

#endif
