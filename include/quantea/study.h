/* quantea/study.h: a run from its configuration to its models: search, full training, files; and evaluation of a saved
 * model. */
#ifndef QUANTEA_STUDY_H
#define QUANTEA_STUDY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/dataset.h"
#include "quantea/progress.h"
#include "quantea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
QEA_API const char *qea_version(void);

/* A key of the configuration and its value: {"nas.trainer.epochs", "3", false}; "*.trainer.epochs" means every step. */
typedef struct qea_override {
    const char *key;   /* borrowed */
    const char *value; /* borrowed; YAML text */
    bool literal;      /* the value is a text as it stands, not YAML (a path) */
} qea_override;

typedef struct qea_study_options {
    const char *config_path; /* when a task is resumed: says where tasks are if base_path does not; or NULL */
    const char *resume_task; /* task folder, or its name under local_base_path; NULL: a new task */
    const char *task_id;     /* name of a new task; NULL: from the configuration or the time */
    const char *base_path;   /* folder of the tasks; NULL: from the configuration, else ./tasks */
    /* [num_overrides]; together with resume_task only general.workers and, kept from then on, pipeline, the search's
     * budgets (nas.budget, nas.trials, nas.stagnation, nas.search_algorithm.policy.num_generation), nas.agreement.* and
     * what is trained: fully_train.trials, .max_models, .seeds, .baselines */
    const qea_override *overrides;
    size_t num_overrides;
    bool force; /* resume although the machine, the instruction set or a library differs */
    /* Folder of TensorBoard's event files (TASK/nas, TASK/fully_train/... are made in it), which grow as trials end;
     * "": output/tensorboard in the task's folder; NULL: none. */
    const char *tensorboard;
    const char *command; /* path of the quantea program that workers are started from; NULL: /proc/self/exe */
    qea_study_progress_fn progress; /* NULL: none */
    void *user;
    const volatile sig_atomic_t *stop; /* NULL, or becomes non-zero to stop cleanly (QEA_ERR_INTERRUPTED) */
} qea_study_options;

typedef struct qea_study_result {
    char *task_folder; /* of the run, also when it failed later on; NULL if it did not get that far */
    char *table;       /* text: front models beside the baselines, or the search's front; NULL if none */
    char *search_end;  /* why the search ended; NULL if it did not */
} qea_study_result;

/* Runs or resumes a task to its end. The result is filled as far as it got, on failure too (free it always). */
QEA_API QEA_MUST_USE qea_status qea_study_run(qea_context *ctx, const qea_study_options *options,
                                              qea_study_result *result);
QEA_API void qea_study_result_clear(qea_study_result *result);

/* Writes output/report.html of a task anew, from its store alone and at any time: while the task runs, after it ended
 * or was killed. Nothing else of the task is touched. task: its folder, or its name under `base` (NULL: ./tasks).
 * *path: of the file; owned by the caller, free with qea_string_free. QEA_ERR_CONFIG: no such task; QEA_ERR_STATE: it
 * has not begun yet. */
QEA_API QEA_MUST_USE qea_status qea_study_report(qea_context *ctx, const char *task, const char *base, char **path);

/* Puts several tasks (2 to 8, at any time of each) beside each other: writes one self-contained HTML page to `file`
 * with the fronts and fully trained models in one plot per pair of the objectives that all have, budgets, hypervolumes
 * and what differs in configurations and circumstances; *table has the same as text (owned by the caller, free with
 * qea_string_free). tasks [count]: folders, or names under `base` (NULL: ./tasks). Nothing of the tasks is touched.
 * QEA_ERR_CONFIG: no such task, or too few or many; QEA_ERR_STATE: one has not begun yet. */
QEA_API QEA_MUST_USE qea_status qea_study_compare(qea_context *ctx, const char *const *tasks, size_t count,
                                                  const char *base, const char *file, char **table);

/* A worker's life: jobs from stdin, answers to stdout, one JSON object a line; ends with stdin. The command calls this
 * for `quantea worker`; nobody else should. parent: pid of the coordinator. */
QEA_API QEA_MUST_USE qea_status qea_worker_main(qea_context *ctx, const char *config_path, const char *step,
                                                long parent);

typedef struct qea_eval_options {
    const char *model_path;
    qea_dataset_source data; /* path: needed; type NULL, and 0 elsewhere: what the model was trained with, with the
                                same division into training and test images */
    qea_dataset_part part;   /* usually QEA_PART_TEST */
    size_t images;           /* at most this many; 0 = all */
    int batch;               /* 0 = 256 */
    int threads;             /* 0 = one per usable processor */
    const char *isa;         /* NULL = "auto" */
    const char *precision;   /* "auto", "f32", "bf16"; NULL = "auto" */
} qea_eval_options;

typedef struct qea_eval_report {
    size_t count;
    double accuracy, accuracy_top5; /* 0..1 */
    double low95, high95;           /* Wilson interval of accuracy */
    double loss;                    /* mean cross-entropy */
    double images_per_s;
    double mean_weight_bits,
        mean_activation_bits; /* over quantised layers; weights by number of weights, activations by MACs */
} qea_eval_report;

/* Accuracy of a saved model, as it is quantised. */
QEA_API QEA_MUST_USE qea_status qea_model_evaluate(qea_context *ctx, const qea_eval_options *options,
                                                   qea_eval_report *out);

#ifdef __cplusplus
}
#endif
#endif
