#include "study/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/process.h"

/* A job that again and again is lost to signals from outside ends the run rather than spinning. */
enum { MAX_OUTSIDE_LOSSES = 100 };

typedef struct pool_job {
    uint64_t id;
    char *line; /* owned */
    int attempts, outside_losses;
    bool repeatable, finished;
    int worker; /* -1: waiting */
} pool_job;

typedef struct pool_worker {
    qea_process process;
    size_t job; /* index of its job, SIZE_MAX: idle */
    double started;
    long oom_kills;
} pool_worker;

struct qea_pool {
    qea_pool_config config;
    pool_worker *workers; /* owned, [config.workers] */
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
    if (status != QEA_OK) {
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
    for (int i = 0; i < pool->config.workers; i++) qea_process_free(&pool->workers[i].process);
    forget_jobs(pool);
    qea_free(pool->jobs);
    qea_free(pool->workers);
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
    qea_outcome outcome = {job->id, result, reason, job->attempts, job->repeatable};
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

static qea_status worker_gone(qea_context *ctx, qea_pool *pool, pool_worker *worker, bool kill_it,
                              const char *because) {
    char how[192], text[512];
    qea_exit end = qea_process_end(&worker->process, kill_it, worker->oom_kills, how, sizeof how);
    if (worker->job == SIZE_MAX) return QEA_OK;
    pool_job *job = &pool->jobs[worker->job];
    worker->job = SIZE_MAX;
    if (because != NULL) {
        job->repeatable = false;
        return attempt_failed(ctx, pool, job, because);
    }
    (void)snprintf(text, sizeof text, "the worker %s%s", how, end == QEA_EXIT_MEMORY ? ": out of memory" : "");
    if (end != QEA_EXIT_OUTSIDE) {
        if (end == QEA_EXIT_MEMORY) job->repeatable = false;
        return attempt_failed(ctx, pool, job, text);
    }
    job->attempts--; /* a signal from outside is no attempt */
    if (++job->outside_losses > MAX_OUTSIDE_LOSSES)
        return qea_fail(ctx, QEA_ERR_STATE, "trial %llu: lost %d times to signals from outside; last: %s",
                        (unsigned long long)job->id, job->outside_losses, how);
    (void)snprintf(text, sizeof text, "the worker was %s from outside; the trial starts again", how);
    tell_event(pool, job->id, text);
    job->worker = -1;
    pool->next = 0;
    return QEA_OK;
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
        if (worker->process.pid == 0)
            QEA_TRY(qea_process_start(ctx, &worker->process, pool->config.argv, pool->config.log_fd));
        worker->job = pool->next++;
        worker->started = qea_pool_now();
        worker->oom_kills = qea_oom_kills();
        job->worker = i;
        job->attempts++;
        if (pool->config.on_start != NULL) pool->config.on_start(pool->config.user, job->id, job->attempts);
        if (!qea_process_send(&worker->process, job->line)) QEA_TRY(worker_gone(ctx, pool, worker, true, NULL));
    }
    return QEA_OK;
}

static qea_status status_by_name(const char *name) {
    for (int s = QEA_ERR_CONFIG; s <= QEA_ERR_INTERRUPTED; s++)
        if (strcmp(qea_status_name((qea_status)s), name) == 0) return (qea_status)s;
    return QEA_ERR_STATE;
}

/* One message of a busy worker. */
static qea_status hear(qea_context *ctx, qea_pool *pool, pool_worker *worker, const json_t *message) {
    pool_job *job = &pool->jobs[worker->job];
    const char *type = json_string_value(json_object_get(message, "type"));
    const char *reason = json_string_value(json_object_get(message, "reason"));
    if (reason == NULL) reason = "no reason was given";
    if (type == NULL) return worker_gone(ctx, pool, worker, true, "the worker sent a message without a type");
    if (strcmp(type, "update") == 0) {
        if (pool->config.on_update != NULL) pool->config.on_update(pool->config.user, job->id, message);
        return QEA_OK;
    }
    if (strcmp(type, "done") == 0) {
        worker->job = SIZE_MAX;
        job->worker = -1;
        return finish(ctx, pool, job, json_object_get(message, "result"), NULL);
    }
    if (strcmp(type, "failed") == 0) {
        worker->job = SIZE_MAX;
        if (json_is_true(json_object_get(message, "memory"))) {
            job->repeatable = false;
            return attempt_failed(ctx, pool, job, reason);
        }
        return finish(ctx, pool, job, NULL, reason); /* would fail again in the same way */
    }
    if (strcmp(type, "fatal") == 0) {
        const char *status = json_string_value(json_object_get(message, "status"));
        return qea_fail(ctx, status_by_name(status != NULL ? status : ""), "%s", reason);
    }
    return worker_gone(ctx, pool, worker, true, "the worker sent a message of an unknown type");
}

static qea_status listen_to(qea_context *ctx, qea_pool *pool, pool_worker *worker) {
    bool open = qea_process_receive(&worker->process);
    for (const char *line; worker->process.pid != 0 && (line = qea_process_line(&worker->process)) != NULL;) {
        if (worker->job == SIZE_MAX) continue;
        json_t *message = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (message == NULL)
            QEA_TRY(worker_gone(ctx, pool, worker, true, "the worker sent a line that is not JSON"));
        else {
            qea_status status = hear(ctx, pool, worker, message);
            json_decref(message);
            if (status != QEA_OK) return status;
        }
    }
    if (!open && worker->process.pid != 0) return worker_gone(ctx, pool, worker, false, NULL);
    return QEA_OK;
}

static qea_status check_timeouts(qea_context *ctx, qea_pool *pool) {
    if (pool->config.timeout_s <= 0) return QEA_OK;
    for (int i = 0; i < pool->config.workers; i++) {
        pool_worker *worker = &pool->workers[i];
        if (worker->job == SIZE_MAX || qea_pool_now() - worker->started < pool->config.timeout_s) continue;
        char text[96];
        (void)snprintf(text, sizeof text, "time-out: no result after %lld s", (long long)pool->config.timeout_s);
        QEA_TRY(worker_gone(ctx, pool, worker, true, text));
    }
    return QEA_OK;
}

static qea_status wait_and_listen(qea_context *ctx, qea_pool *pool) {
    struct pollfd fds[256];
    int count = pool->config.workers < 256 ? pool->config.workers : 256;
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
