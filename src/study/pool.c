#include "study/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/process.h"

typedef struct pool_job {
    uint64_t id;
    char *line; /* owned */
    int attempts, losses;
    bool repeatable, may_pass, finished;
    int worker; /* -1: waiting */
} pool_job;

typedef struct pool_worker {
    qea_process process;
    size_t job; /* index of its job, SIZE_MAX: idle */
    double started;
    bool starting; /* has not told that it is ready */
    long oom_kills;
} pool_worker;

struct qea_pool {
    qea_pool_config config;
    pool_worker *workers; /* owned, [config.workers] */
    struct pollfd *fds;   /* owned, [config.workers] */
    pool_job *jobs;       /* owned */
    size_t num_jobs, capacity, unfinished;
    size_t next; /* all jobs before it are given out or finished */
};

double qea_pool_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

qea_status qea_pool_create(qea_context *ctx, const qea_pool_config *config, qea_pool **out) {
    *out = NULL;
    qea_pool *pool;
    QEA_TRY(QEA_NEW(ctx, "worker pool", pool, 1));
    pool->config = *config;
    qea_status status = QEA_NEW(ctx, "workers", pool->workers, (size_t)config->workers);
    if (status == QEA_OK) status = QEA_NEW(ctx, "workers' pipes", pool->fds, (size_t)config->workers);
    if (status != QEA_OK) {
        qea_free(pool->workers);
        qea_free(pool);
        return status;
    }
    for (int i = 0; i < config->workers; i++) {
        pool->workers[i].job = SIZE_MAX;
        pool->workers[i].process.to = pool->workers[i].process.from = -1;
    }
    *out = pool;
    return QEA_OK;
}

static void forget_jobs(qea_pool *pool) {
    for (size_t i = 0; i < pool->num_jobs; i++) qea_free(pool->jobs[i].line);
    pool->num_jobs = pool->unfinished = pool->next = 0;
}

void qea_pool_destroy(qea_pool *pool) {
    if (pool == NULL) return;
    for (int i = 0; i < pool->config.workers; i++) qea_process_hang_up(&pool->workers[i].process);
    for (int i = 0; i < pool->config.workers; i++) {
        char how[192];
        pool_worker *worker = &pool->workers[i];
        bool idle = worker->job == SIZE_MAX; /* it may end in its own way */
        if (worker->process.pid > 0) (void)qea_process_end(&worker->process, !idle, -1, how, sizeof how);
        qea_process_free(&worker->process);
    }
    forget_jobs(pool);
    qea_free(pool->jobs);
    qea_free(pool->workers);
    qea_free(pool->fds);
    qea_free(pool);
}

qea_status qea_pool_submit(qea_context *ctx, qea_pool *pool, uint64_t job, const char *line) {
    QEA_TRY(qea_grow(ctx, "jobs", (void **)&pool->jobs, &pool->capacity, pool->num_jobs + 1, sizeof *pool->jobs));
    pool_job *slot = &pool->jobs[pool->num_jobs];
    *slot = (pool_job){.id = job, .repeatable = true, .worker = -1};
    QEA_TRY(qea_strdup(ctx, line, &slot->line));
    pool->num_jobs++;
    pool->unfinished++;
    return QEA_OK;
}

size_t qea_pool_running(const qea_pool *pool) {
    size_t count = 0;
    for (int i = 0; i < pool->config.workers; i++) count += pool->workers[i].job != SIZE_MAX;
    return count;
}

static void tell_event(qea_pool *pool, uint64_t job, const char *text) {
    if (pool->config.on_event != NULL) pool->config.on_event(pool->config.user, job, text);
}

static qea_status finish(qea_context *ctx, qea_pool *pool, pool_job *job, const json_t *result, const char *reason) {
    job->finished = true;
    pool->unfinished--;
    qea_outcome outcome = {job->id, result, reason, job->attempts, job->repeatable, result == NULL && job->may_pass};
    return pool->config.on_outcome(ctx, pool->config.user, &outcome);
}

/* An attempt failed: once more, or for good. */
static qea_status attempt_failed(qea_context *ctx, qea_pool *pool, pool_job *job, const char *reason) {
    job->worker = -1;
    if (job->attempts >= pool->config.max_attempts) return finish(ctx, pool, job, NULL, reason);
    char text[512];
    (void)snprintf(text, sizeof text, "%s; attempt %d of %d follows", reason, job->attempts + 1,
                   pool->config.max_attempts);
    tell_event(pool, job->id, text);
    pool->next = 0; /* its place in the queue lies before those not yet begun */
    return QEA_OK;
}

/* A signal from outside is no attempt; but a job that again and again loses its worker has failed. */
static qea_status lost_worker(qea_context *ctx, qea_pool *pool, pool_job *job, const char *how) {
    char text[512];
    job->attempts--;
    job->worker = -1;
    if (++job->losses > pool->config.max_losses) {
        job->repeatable = false;
        job->may_pass = true;
        (void)snprintf(text, sizeof text, "lost %d times to signals from outside; last: the %s was %s", job->losses,
                       pool->config.what, how);
        return finish(ctx, pool, job, NULL, text);
    }
    (void)snprintf(text, sizeof text, "the %s was %s from outside; the trial starts again", pool->config.what, how);
    tell_event(pool, job->id, text);
    pool->next = 0;
    return QEA_OK;
}

static void lacks_memory(pool_job *job) {
    job->repeatable = false;
    job->may_pass = true;
}

/* Ends a worker; because: why, where it did not end by itself. */
static qea_status worker_gone(qea_context *ctx, qea_pool *pool, pool_worker *worker, const char *because) {
    char how[192], text[512];
    qea_exit end = qea_process_end(&worker->process, because != NULL, worker->oom_kills, how, sizeof how);
    if (worker->job == SIZE_MAX) return QEA_OK;
    pool_job *job = &pool->jobs[worker->job];
    worker->job = SIZE_MAX;
    if (because != NULL) return attempt_failed(ctx, pool, job, because);
    if (end == QEA_EXIT_OUTSIDE) return lost_worker(ctx, pool, job, how);
    if (end == QEA_EXIT_MEMORY) lacks_memory(job);
    (void)snprintf(text, sizeof text, "the %s %s%s", pool->config.what, how,
                   end == QEA_EXIT_MEMORY ? ": out of memory" : "");
    return attempt_failed(ctx, pool, job, text);
}

static pool_job *next_job(qea_pool *pool) {
    for (; pool->next < pool->num_jobs; pool->next++) {
        pool_job *job = &pool->jobs[pool->next];
        if (!job->finished && job->worker < 0) return job;
    }
    return NULL;
}

static qea_status give_out(qea_context *ctx, qea_pool *pool) {
    for (int i = 0; i < pool->config.workers; i++) {
        pool_worker *worker = &pool->workers[i];
        if (worker->job != SIZE_MAX) continue;
        pool_job *job = next_job(pool);
        if (job == NULL) return QEA_OK;
        if (worker->process.pid != 0 && qea_process_ended(&worker->process)) /* while it had nothing to do */
            QEA_TRY(worker_gone(ctx, pool, worker, NULL));
        worker->started = qea_pool_now();
        if (worker->process.pid == 0) {
            QEA_TRY(qea_process_start(ctx, &worker->process, pool->config.argv, pool->config.log_fd));
            worker->starting = pool->config.tells_ready;
        }
        worker->job = pool->next++;
        job->may_pass = false;
        worker->oom_kills = qea_oom_kills();
        job->worker = i;
        job->attempts++;
        if (pool->config.on_start != NULL) pool->config.on_start(pool->config.user, job->id, job->attempts);
        if (!qea_process_send(&worker->process, job->line)) QEA_TRY(worker_gone(ctx, pool, worker, NULL));
    }
    return QEA_OK;
}

static qea_status hear(qea_context *ctx, qea_pool *pool, pool_worker *worker, const qea_answer *answer) {
    pool_job *job = &pool->jobs[worker->job];
    switch (answer->kind) {
    case QEA_ANSWER_READY:
        worker->starting = false;
        worker->started = qea_pool_now();
        return QEA_OK;
    case QEA_ANSWER_UPDATE:
        if (pool->config.on_update != NULL) pool->config.on_update(pool->config.user, job->id, answer->body);
        return QEA_OK;
    case QEA_ANSWER_FATAL:
        return qea_fail(ctx, answer->status, "%s", answer->reason);
    case QEA_ANSWER_WRONG:
        return worker_gone(ctx, pool, worker, answer->reason);
    case QEA_ANSWER_MEMORY:
        lacks_memory(job);
        if (worker->starting) return worker_gone(ctx, pool, worker, answer->reason); /* it ends */
        break;
    default:
        break;
    }
    worker->job = SIZE_MAX;
    job->worker = -1;
    job->repeatable = job->repeatable && !answer->unrepeatable;
    if (answer->kind == QEA_ANSWER_DONE) return finish(ctx, pool, job, answer->body, NULL);
    if (answer->kind == QEA_ANSWER_FAILED) return finish(ctx, pool, job, NULL, answer->reason);
    return attempt_failed(ctx, pool, job, answer->reason);
}

static qea_status listen_to(qea_context *ctx, qea_pool *pool, pool_worker *worker) {
    qea_receipt receipt = qea_process_receive(&worker->process);
    for (const char *line; worker->process.pid != 0 && (line = qea_process_line(&worker->process)) != NULL;) {
        if (worker->job == SIZE_MAX) continue;
        qea_answer answer = {.kind = QEA_ANSWER_WRONG};
        pool->config.read(pool->config.user, pool->jobs[worker->job].id, line, &answer);
        qea_status status = hear(ctx, pool, worker, &answer);
        json_decref(answer.body);
        if (status != QEA_OK) return status;
    }
    if (receipt == QEA_RECEIPT_OPEN || worker->process.pid == 0) return QEA_OK;
    char text[96];
    (void)snprintf(text, sizeof text, "the %s sent a line of more than %d bytes", pool->config.what, QEA_LINE_BYTES);
    return worker_gone(ctx, pool, worker, receipt == QEA_RECEIPT_TOO_LONG ? text : NULL);
}

/* A worker may be gone while a process that it started keeps its output open. */
static qea_status check_ended(qea_context *ctx, qea_pool *pool) {
    for (int i = 0; i < pool->config.workers; i++) {
        pool_worker *worker = &pool->workers[i];
        if (worker->job == SIZE_MAX || !qea_process_ended(&worker->process)) continue;
        QEA_TRY(listen_to(ctx, pool, worker)); /* its last words */
        if (worker->job != SIZE_MAX) QEA_TRY(worker_gone(ctx, pool, worker, NULL));
    }
    return QEA_OK;
}

static qea_status check_timeouts(qea_context *ctx, qea_pool *pool) {
    for (int i = 0; i < pool->config.workers && pool->config.timeout_s > 0; i++) {
        pool_worker *worker = &pool->workers[i];
        double limit = pool->config.timeout_s;
        if (worker->starting && limit < QEA_START_S) limit = QEA_START_S;
        if (worker->job == SIZE_MAX || qea_pool_now() - worker->started < limit) continue;
        char text[96], number[32];
        (void)snprintf(text, sizeof text, "time-out: %s after %s s",
                       worker->starting ? "it has not started" : "no result", qea_double_format(limit, number));
        pool->jobs[worker->job].repeatable = false;
        QEA_TRY(worker_gone(ctx, pool, worker, text));
    }
    return QEA_OK;
}

static qea_status wait_and_listen(qea_context *ctx, qea_pool *pool) {
    struct pollfd *fds = pool->fds;
    int count = pool->config.workers;
    /* poll refuses more than can be open; workers start in their order. */
    while (count > 0 && pool->workers[count - 1].process.pid == 0) count--;
    for (int i = 0; i < count; i++) fds[i] = (struct pollfd){pool->workers[i].process.from, POLLIN, 0};
    if (poll(fds, (nfds_t)count, 1000) <= 0) { /* also EINTR: the caller looks at `stop` */
        if (pool->config.on_update != NULL) pool->config.on_update(pool->config.user, 0, NULL);
        return QEA_OK;
    }
    for (int i = 0; i < count; i++)
        if (fds[i].revents != 0) QEA_TRY(listen_to(ctx, pool, &pool->workers[i]));
    return QEA_OK;
}

/* Seconds since the deadline; negative before it. */
static double overdue(const qea_pool *pool) {
    return pool->config.deadline > 0 ? qea_pool_now() - pool->config.deadline : -1;
}

static qea_status drain(qea_context *ctx, qea_pool *pool) {
    while (pool->unfinished > 0) {
        if (pool->config.stop != NULL && *pool->config.stop)
            return qea_fail(ctx, QEA_ERR_INTERRUPTED, "stopped; the task can be resumed");
        double late = overdue(pool);
        if (late >= 0 && (late >= pool->config.grace_s || qea_pool_running(pool) == 0)) return QEA_OK;
        if (late < 0) QEA_TRY(give_out(ctx, pool));
        QEA_TRY(wait_and_listen(ctx, pool));
        QEA_TRY(check_ended(ctx, pool));
        QEA_TRY(check_timeouts(ctx, pool));
    }
    return QEA_OK;
}

qea_status qea_pool_drain(qea_context *ctx, qea_pool *pool) {
    qea_status status = drain(ctx, pool);
    for (int i = 0; i < pool->config.workers && pool->unfinished > 0; i++) { /* nothing more is wanted of them */
        qea_process_free(&pool->workers[i].process);
        pool->workers[i].job = SIZE_MAX;
    }
    forget_jobs(pool);
    return status;
}
