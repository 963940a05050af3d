/* store/store.h: the trials of a task on disk: one SQLite database (WAL, synchronous=FULL), the truth about a run. Only
 * the coordinator writes. https://www.sqlite.org/wal.html */
#ifndef QEA_STORE_H
#define QEA_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

typedef enum qea_trial_state { QEA_TRIAL_ASKED, QEA_TRIAL_DONE, QEA_TRIAL_FAILED } qea_trial_state;

typedef struct qea_trial_record {
    char *step;       /* "nas", "fully_train", ...: study/run.h */
    uint64_t id;      /* within the step, 1.. */
    char *label;      /* never NULL; fully_train: "front", "trial", "baseline", "repeat"; nas: docs/events.md */
    uint64_t source;  /* fully_train: the nas trial, 0 = none */
    uint16_t *genome; /* candidate indices; [genome_length]; may be empty */
    size_t genome_length;
    uint8_t *weight_bits, *activation_bits; /* [num_layers] */
    size_t num_layers;
    qea_trial_state state;
    double *
        objectives; /* [num_objectives], as told to the user (not negated), NaN where there is none; NULL unless DONE */
    size_t num_objectives;
    char *result_json; /* all performance values and the training curve (study/execute.h); NULL unless DONE */
    char *reason;      /* FAILED: why; else NULL */
    int attempts;      /* that counted */
    int epochs;
    double started_s, ended_s, train_seconds; /* Unix time; 0 = not yet */
    char *model_path;                         /* relative to the task folder, or NULL */
} qea_trial_record;

typedef struct qea_store qea_store;

/* Opens or makes FOLDER/task.db. QEA_ERR_STATE: another coordinator has it (flock on FOLDER/task.lock, and its pid is
 * named), another schema version, or a network file system (NFS, SMB, 9p, sshfs...) for a writer. */
QEA_MUST_USE qea_status qea_store_open(qea_context *ctx, const char *folder, bool read_only, qea_store **out);
void qea_store_close(qea_store *store);

/* Settings of the task: config text, seed, version, isa, threads, steps finished... Value owned by the caller; NULL if
 * absent. */
QEA_MUST_USE qea_status qea_store_set(qea_context *ctx, qea_store *store, const char *key, const char *value);
QEA_MUST_USE qea_status qea_store_get(qea_context *ctx, qea_store *store, const char *key, char **value);

/* Inserts or replaces (step, id). Durable on return. QEA_ERR_IO on a full disk: nothing is half written. */
QEA_MUST_USE qea_status qea_store_put_trial(qea_context *ctx, qea_store *store, const qea_trial_record *trial);
/* Several in one transaction. */
QEA_MUST_USE qea_status qea_store_put_trials(qea_context *ctx, qea_store *store, const qea_trial_record *trials,
                                             size_t count);
/* All of a step by id; *trials owned by the caller: qea_trial_records_free. QEA_ERR_DATA: a record that no
 * qea_store_put_trial wrote, by file, step and trial. */
QEA_MUST_USE qea_status qea_store_trials(qea_context *ctx, qea_store *store, const char *step,
                                         qea_trial_record **trials, size_t *count);
void qea_trial_records_free(qea_trial_record *trials, size_t count);
void qea_trial_record_clear(qea_trial_record *trial);
QEA_MUST_USE qea_status qea_trial_record_copy(qea_context *ctx, const qea_trial_record *from, qea_trial_record *to);

/* An event worth keeping (a worker died, a retry, a resume): time, step, trial, text. */
QEA_MUST_USE qea_status qea_store_add_event(qea_context *ctx, qea_store *store, const char *step, uint64_t trial,
                                            const char *text);

/* The process that has FOLDER open to write; 0: none, -1: one that has not said who it is. Asking disturbs nobody. */
QEA_MUST_USE qea_status qea_store_holder(qea_context *ctx, const char *folder, long *pid);

const char *qea_store_library_version(void); /* SQLite's: "3.40.1" */

#endif
