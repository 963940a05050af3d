/* study/task.h: the folder of a run: where each file is, what it was made with, its log. */
#ifndef QEA_STUDY_TASK_H
#define QEA_STUDY_TASK_H

#include "store/store.h"
#include "study/config.h"

typedef struct qea_task {
    char *folder;      /* owned */
    char *config_path; /* owned; FOLDER/output/config.yml */
    qea_store *store;  /* owned */
    int log_fd;        /* FOLDER/logs/pipeline.log; -1: none */
} qea_task;

/* Makes a new task BASE/ID with its folders, store and configuration. QEA_ERR_STATE: one of that name exists. */
QEA_MUST_USE qea_status qea_task_create(qea_context *ctx, const char *base, const char *id,
                                        const qea_study_config *config, qea_task *out);

/* Writes output/config.yml anew: a continued task may have a larger budget. */
QEA_MUST_USE qea_status qea_task_save_config(qea_context *ctx, const qea_task *task, const qea_study_config *config);

/* Opens an existing one to go on: by path, or by name under `base`. */
QEA_MUST_USE qea_status qea_task_open(qea_context *ctx, const char *base, const char *task, qea_task *out);
/* Opens one to read it, also while it runs: nothing is locked, made or logged. */
QEA_MUST_USE qea_status qea_task_view(qea_context *ctx, const char *base, const char *task, qea_task *out);
void qea_task_close(qea_task *task);

/* FOLDER/relative, owned by the caller. */
QEA_MUST_USE qea_status qea_task_path(qea_context *ctx, const qea_task *task, const char *relative, char **out);

/* Appends a line with the time to the log. */
void qea_task_log(const qea_task *task, const char *text);

/* Records what results depend on besides the configuration, or compares: QEA_ERR_STATE names what differs unless
 * `force`. */
QEA_MUST_USE qea_status qea_task_record(qea_context *ctx, qea_task *task, const char *key, const char *value,
                                        bool force);
/* The same of instruction set, library, threads and version. The machine's name is recorded for the report. */
QEA_MUST_USE qea_status qea_task_environment(qea_context *ctx, qea_task *task, const qea_study_config *config,
                                             bool force);

#endif
