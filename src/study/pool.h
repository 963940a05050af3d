/* study/pool.h: jobs on worker processes: dispatch, time-outs, crashes, retries. Knows nothing of networks: a job is an
 * id and a line, and what a worker's line means is for `read` to say. */
#ifndef QEA_STUDY_POOL_H
#define QEA_STUDY_POOL_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "quantea/status.h"

typedef struct qea_outcome {
    uint64_t job;
    const json_t *result; /* borrowed; NULL: it failed */
    const char *reason;   /* borrowed; why it failed, NULL if it did not */
    int attempts;         /* that counted: crashes, memory, time-outs and the last one */
    bool repeatable;      /* false: a time-out or a lack of memory was among the attempts */
    bool may_pass;        /* it failed for what may be gone another time: a lack of memory, signals from outside */
} qea_outcome;

typedef enum qea_answer_kind {
    QEA_ANSWER_READY,  /* the worker has started, and begins with the job */
    QEA_ANSWER_UPDATE, /* the job goes on */
    QEA_ANSWER_DONE,   /* with a result */
    QEA_ANSWER_FAILED, /* the job failed, and would again */
    QEA_ANSWER_MEMORY, /* the job failed for lack of memory; trying again may help */
    QEA_ANSWER_FATAL,  /* no job can work */
    QEA_ANSWER_WRONG   /* no answer to this job: the worker is started anew */
} qea_answer_kind;

typedef struct qea_answer {
    qea_answer_kind kind;
    json_t *body;      /* owned by the pool: of an update the message, of DONE the result; else NULL */
    qea_status status; /* FATAL */
    char reason[512];  /* all but READY, UPDATE and DONE */
    bool unrepeatable; /* a time-out or a lack of memory had a part in it */
} qea_answer;

enum { QEA_START_S = 600 };

typedef struct qea_pool_config {
    const char *const *argv;           /* borrowed; of a worker, NULL-terminated */
    int workers;                       /* >= 1 */
    int log_fd;                        /* workers' stderr; -1: ours */
    double timeout_s;                  /* of one attempt; 0 = none */
    bool tells_ready;                  /* workers tell when they have started: an attempt's time begins then, and
                                          a start may take as long, or QEA_START_S */
    int max_attempts;                  /* >= 1 */
    int max_losses;                    /* workers that a job may lose to signals from outside before it has failed */
    const char *what;                  /* borrowed; "worker", for messages */
    double deadline;                   /* by qea_pool_now; from then on no job begins; 0 = none */
    double grace_s;                    /* that running jobs have behind the deadline to end */
    const volatile sig_atomic_t *stop; /* borrowed or NULL */
    void *user;
    /* What a line of a busy worker means; *out is zeroed. */
    void (*read)(void *user, uint64_t job, const char *line, qea_answer *out);
    /* A job was given to a worker. */
    void (*on_start)(void *user, uint64_t job, int attempt);
    /* {"type": "update", ...} of a running job; NULL message: about once a second, time passes. */
    void (*on_update)(void *user, uint64_t job, const json_t *message);
    /* A job ended for good. An error ends the drain. */
    qea_status (*on_outcome)(qea_context *ctx, void *user, const qea_outcome *outcome);
    /* Something happened that is worth a line: a worker died, a retry. */
    void (*on_event)(void *user, uint64_t job, const char *text);
} qea_pool_config;

typedef struct qea_pool qea_pool;

QEA_MUST_USE qea_status qea_pool_create(qea_context *ctx, const qea_pool_config *config, qea_pool **out);
/* Kills the workers that still run. NULL is allowed. */
void qea_pool_destroy(qea_pool *pool);

/* Queues a job; `line` is copied. Jobs start in the order of submission. */
QEA_MUST_USE qea_status qea_pool_submit(qea_context *ctx, qea_pool *pool, uint64_t job, const char *line);

size_t qea_pool_running(const qea_pool *pool);

/* Seconds on a clock that only goes forward. */
double qea_pool_now(void);

/* Works until every job has an outcome, or the deadline's grace is over: then what runs is killed, and it and what has
 * not begun have no outcome. QEA_ERR_INTERRUPTED: stop was set (running jobs are lost and have no outcome);
 * another error: a worker said that no job can work (bad data, say), or a callback failed. */
QEA_MUST_USE qea_status qea_pool_drain(qea_context *ctx, qea_pool *pool);

#endif
