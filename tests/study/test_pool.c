/* The pool of workers, with small shell programs as workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "study/job.h"

enum { MAX_JOBS = 8 };

typedef struct log_of_outcomes {
    int done[MAX_JOBS], failed[MAX_JOBS], attempts[MAX_JOBS], starts[MAX_JOBS];
    bool repeatable[MAX_JOBS], may_pass[MAX_JOBS];
    long long values[MAX_JOBS];
    char reason[MAX_JOBS][256];
    int events;
} log_of_outcomes;

static qea_status note_outcome(qea_context *ctx, void *user, const qea_outcome *outcome) {
    (void)ctx;
    log_of_outcomes *log = user;
    size_t job = (size_t)outcome->job;
    if (outcome->result != NULL) {
        log->done[job]++;
        log->values[job] = json_integer_value(json_object_get(outcome->result, "value"));
    } else {
        log->failed[job]++;
        (void)snprintf(log->reason[job], sizeof log->reason[job], "%s", outcome->reason);
    }
    log->attempts[job] = outcome->attempts;
    log->repeatable[job] = outcome->repeatable;
    log->may_pass[job] = outcome->may_pass;
    return QEA_OK;
}

static void note_start(void *user, uint64_t job, int attempt) {
    (void)attempt;
    ((log_of_outcomes *)user)->starts[job]++;
}

static void note_event(void *user, uint64_t job, const char *text) {
    (void)job;
    (void)text;
    ((log_of_outcomes *)user)->events++;
}

/* Runs jobs 1..count on workers that execute `script` with each job's line in $line. */
static qea_status run_script(const char *script, int workers, int count, double timeout_s,
                             const volatile sig_atomic_t *stop, log_of_outcomes *log, char *message) {
    char program[2048];
    (void)snprintf(program, sizeof program, "while read -r line; do %s\ndone", script);
    const char *const argv[] = {"/bin/sh", "-c", program, NULL};
    qea_pool_config config = {.argv = argv,
                              .workers = workers,
                              .log_fd = -1,
                              .timeout_s = timeout_s,
                              .max_attempts = 3,
                              .max_losses = 100,
                              .what = "worker",
                              .read = qea_job_read_answer,
                              .stop = stop,
                              .user = log,
                              .on_start = note_start,
                              .on_outcome = note_outcome,
                              .on_event = note_event};
    memset(log, 0, sizeof *log);
    qea_context *ctx = qea_context_create();
    qea_pool *pool;
    assert_int_equal(qea_pool_create(ctx, &config, &pool), QEA_OK);
    for (int job = 1; job <= count; job++) {
        char line[32];
        (void)snprintf(line, sizeof line, "%d", job);
        assert_int_equal(qea_pool_submit(ctx, pool, (uint64_t)job, line), QEA_OK);
    }
    qea_status status = qea_pool_drain(ctx, pool);
    if (message != NULL) (void)snprintf(message, 256, "%s", qea_context_message(ctx));
    qea_pool_destroy(pool);
    qea_context_destroy(ctx);
    return status;
}

#define DONE "echo '{\"type\": \"done\", \"result\": {\"value\": '$line'}}'"

static void every_job_gets_its_own_result(void **state) {
    (void)state;
    log_of_outcomes log;
    assert_int_equal(run_script(DONE, 3, 7, 0, NULL, &log, NULL), QEA_OK);
    for (int job = 1; job <= 7; job++) {
        assert_int_equal(log.done[job], 1);
        assert_int_equal(log.values[job], job);
        assert_int_equal(log.attempts[job], 1);
        assert_true(log.repeatable[job]);
    }
}

static qea_status count_outcome(qea_context *ctx, void *user, const qea_outcome *outcome) {
    (void)ctx;
    *(int *)user += outcome->result != NULL;
    return QEA_OK;
}

static void more_workers_than_256_are_all_heard(void **state) {
    (void)state;
    enum { WORKERS = 300 };
    static const char *const argv[] = {"/bin/sh", "-c", "while read -r line; do " DONE "\ndone", NULL};
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < 2 * WORKERS + 64) skip(); /* files open at once */
    int done = 0;
    qea_pool_config config = {.argv = argv,
                              .workers = WORKERS,
                              .log_fd = -1,
                              .timeout_s = 60,
                              .max_attempts = 1,
                              .what = "worker",
                              .read = qea_job_read_answer,
                              .user = &done,
                              .on_outcome = count_outcome};
    qea_pool *pool;
    assert_int_equal(qea_pool_create(NULL, &config, &pool), QEA_OK);
    for (uint64_t job = 1; job <= WORKERS; job++) assert_int_equal(qea_pool_submit(NULL, pool, job, "1"), QEA_OK);
    assert_int_equal(qea_pool_drain(NULL, pool), QEA_OK);
    qea_pool_destroy(pool);
    assert_int_equal(done, WORKERS);
}

static void a_job_that_always_crashes_its_worker_fails_after_three_attempts_and_the_others_go_on(void **state) {
    (void)state;
    log_of_outcomes log;
    assert_int_equal(run_script("test $line = 2 && kill -SEGV $$; " DONE, 2, 4, 0, NULL, &log, NULL), QEA_OK);
    assert_int_equal(log.failed[2], 1);
    assert_int_equal(log.attempts[2], 3);
    assert_non_null(strstr(log.reason[2], "signal 11"));
    assert_int_equal(log.done[1] + log.done[3] + log.done[4], 3);
}

static void a_worker_that_exits_is_a_failed_attempt(void **state) {
    (void)state;
    log_of_outcomes log;
    assert_int_equal(run_script("exit 9", 1, 1, 0, NULL, &log, NULL), QEA_OK);
    assert_int_equal(log.failed[1], 1);
    assert_int_equal(log.attempts[1], 3);
    assert_non_null(strstr(log.reason[1], "exit code 9"));
}

static void a_signal_from_outside_is_no_attempt(void **state) {
    (void)state;
    char folder[] = "/tmp/quantea-pool-XXXXXX", script[512];
    assert_non_null(mkdtemp(folder));
    /* Killed (as if from outside) five times, then it works. */
    (void)snprintf(script, sizeof script, "echo x >>%s/count; test $(wc -l <%s/count) -le 5 && kill -KILL $$; " DONE,
                   folder, folder);
    log_of_outcomes log;
    assert_int_equal(run_script(script, 1, 1, 0, NULL, &log, NULL), QEA_OK);
    assert_int_equal(log.done[1], 1);
    assert_int_equal(log.attempts[1], 1);
    assert_int_equal(log.starts[1], 6);
    assert_true(log.repeatable[1]);
    (void)snprintf(script, sizeof script, "%s/count", folder);
    (void)unlink(script);
    (void)rmdir(folder);
}

static void a_time_out_kills_the_worker_and_marks_the_job_as_not_repeatable(void **state) {
    (void)state;
    log_of_outcomes log;
    assert_int_equal(run_script("test $line = 1 && kill -STOP $$; " DONE, 2, 2, 1.0, NULL, &log, NULL), QEA_OK);
    assert_int_equal(log.failed[1], 1);
    assert_false(log.repeatable[1]);
    assert_non_null(strstr(log.reason[1], "time-out"));
    assert_int_equal(log.done[2], 1);
    assert_true(log.repeatable[2]);
}

/* Workers that need longer to start than a job may take; what they say then is `begun`. */
static void run_slow_starters(const char *begun, const char *script, log_of_outcomes *log) {
    char program[512];
    (void)snprintf(program, sizeof program, "sleep 1.5; %s; while read -r line; do %s\ndone", begun, script);
    const char *const argv[] = {"/bin/sh", "-c", program, NULL};
    qea_pool_config config = {.argv = argv,
                              .workers = 1,
                              .log_fd = -1,
                              .timeout_s = 1,
                              .tells_ready = true,
                              .max_attempts = 1,
                              .what = "worker",
                              .read = qea_job_read_answer,
                              .user = log,
                              .on_outcome = note_outcome};
    qea_pool *pool;
    memset(log, 0, sizeof *log);
    assert_int_equal(qea_pool_create(NULL, &config, &pool), QEA_OK);
    assert_int_equal(qea_pool_submit(NULL, pool, 1, "1"), QEA_OK);
    assert_int_equal(qea_pool_drain(NULL, pool), QEA_OK);
    qea_pool_destroy(pool);
}

static void the_time_of_an_attempt_begins_when_its_worker_has_started(void **state) {
    (void)state;
    log_of_outcomes log;
    run_slow_starters("echo '{\"type\": \"ready\"}'", DONE, &log);
    assert_int_equal(log.done[1], 1);
    run_slow_starters("echo '{\"type\": \"ready\"}'", "exec sleep 60", &log);
    assert_int_equal(log.failed[1], 1);
    assert_non_null(strstr(log.reason[1], "time-out"));
    run_slow_starters("true", DONE, &log); /* it need not say so */
    assert_int_equal(log.done[1], 1);
}

/* The only child of this process; 0: this kernel does not tell. */
static pid_t find_child(void) {
    char path[64];
    long child = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    assert_int_equal(fscanf(file, "%ld", &child), 1);
    (void)fclose(file);
    return (pid_t)child;
}

static void a_worker_that_ends_between_jobs_costs_the_next_one_no_attempt(void **state) {
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "while read -r line; do " DONE "\ndone", NULL};
    log_of_outcomes log;
    memset(&log, 0, sizeof log);
    qea_pool_config config = {.argv = argv,
                              .workers = 1,
                              .log_fd = -1,
                              .max_attempts = 1,
                              .max_losses = 0,
                              .what = "worker",
                              .read = qea_job_read_answer,
                              .user = &log,
                              .on_outcome = note_outcome};
    qea_pool *pool;
    assert_int_equal(qea_pool_create(NULL, &config, &pool), QEA_OK);
    assert_int_equal(qea_pool_submit(NULL, pool, 1, "1"), QEA_OK);
    assert_int_equal(qea_pool_drain(NULL, pool), QEA_OK);
    pid_t child = find_child();
    siginfo_t info;
    if (child != 0) { /* it ends, and nobody has waited for it */
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    }
    assert_int_equal(qea_pool_submit(NULL, pool, 2, "2"), QEA_OK);
    assert_int_equal(qea_pool_drain(NULL, pool), QEA_OK);
    qea_pool_destroy(pool);
    assert_int_equal(log.done[1] + log.done[2], 2);
    if (child == 0) skip();
}

/* May pass: what ended the last attempt may be gone another time. */
static void only_a_lack_of_memory_or_signals_at_the_end_may_pass(void **state) {
    (void)state;
    static const struct {
        const char *script;
        bool may_pass;
    } ends[] = {
        {"echo '{\"type\": \"failed\", \"reason\": \"x\", \"memory\": true}'", true},
        {"echo '{\"type\": \"failed\", \"reason\": \"x\"}'", false},
        {"kill -KILL $$", true},
        {"kill -SEGV $$", false},
        {"exit 3", false},
        {"echo nonsense", false},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        log_of_outcomes log;
        assert_int_equal(run_script(ends[i].script, 1, 1, 0, NULL, &log, NULL), QEA_OK);
        assert_int_equal(log.failed[1], 1);
        assert_int_equal(log.may_pass[1], ends[i].may_pass);
    }
}

static void a_recorded_failure_is_not_tried_again_but_a_lack_of_memory_is(void **state) {
    (void)state;
    log_of_outcomes log;
    const char *script = "echo '{\"type\": \"failed\", \"reason\": \"boom\", \"memory\": '$(test $line = 2 && echo "
                         "true || echo false)'}'";
    assert_int_equal(run_script(script, 1, 2, 0, NULL, &log, NULL), QEA_OK);
    assert_int_equal(log.failed[1], 1);
    assert_int_equal(log.attempts[1], 1);
    assert_string_equal(log.reason[1], "boom");
    assert_true(log.repeatable[1]);
    assert_int_equal(log.failed[2], 1);
    assert_int_equal(log.attempts[2], 3);
    assert_false(log.repeatable[2]);
}

static void a_fatal_answer_ends_the_drain_with_its_status_and_reason(void **state) {
    (void)state;
    log_of_outcomes log;
    char message[256];
    const char *script = "echo '{\"type\": \"fatal\", \"status\": \"data\", \"reason\": \"no images\"}'";
    assert_int_equal(run_script(script, 1, 2, 0, NULL, &log, message), QEA_ERR_DATA);
    assert_string_equal(message, "no images");
}

static void nonsense_from_a_worker_is_a_failed_attempt(void **state) {
    (void)state;
    static const char *const nonsense[] = {"echo hello", "echo '{}'", "echo '{\"type\": \"dance\"}'", "echo '[1'"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        log_of_outcomes log;
        assert_int_equal(run_script(nonsense[i], 1, 1, 0, NULL, &log, NULL), QEA_OK);
        assert_int_equal(log.failed[1], 1);
        assert_int_equal(log.attempts[1], 3);
    }
}

static void stop_interrupts_and_leaves_jobs_without_outcome(void **state) {
    (void)state;
    volatile sig_atomic_t stop = 1;
    log_of_outcomes log;
    assert_int_equal(run_script(DONE, 1, 1, 0, &stop, &log, NULL), QEA_ERR_INTERRUPTED);
    assert_int_equal(log.done[1] + log.failed[1], 0);
}

static void behind_the_deadline_no_job_begins_and_those_that_run_have_the_grace_to_end(void **state) {
    (void)state;
    /* Job 1 ends within the grace, job 2 does not, jobs 3 and 4 never begin. */
    static const char script[] = "case $line in *1*) sleep 0.4 ;; *) exec sleep 60 ;; esac\n"
                                 "echo '{\"type\": \"done\", \"result\": {\"value\": 7}}'";
    char program[512];
    (void)snprintf(program, sizeof program, "while read -r line; do %s\ndone", script);
    const char *const argv[] = {"/bin/sh", "-c", program, NULL};
    log_of_outcomes log;
    memset(&log, 0, sizeof log);
    qea_pool *pool;
    const double begun = qea_pool_now();
    qea_pool_config config = {.argv = argv,
                              .workers = 2,
                              .log_fd = -1,
                              .max_attempts = 1,
                              .what = "worker",
                              .read = qea_job_read_answer,
                              .deadline = begun + 0.1,
                              .grace_s = 1.5,
                              .user = &log,
                              .on_start = note_start,
                              .on_outcome = note_outcome,
                              .on_event = note_event};
    assert_int_equal(qea_pool_create(NULL, &config, &pool), QEA_OK);
    for (uint64_t job = 1; job <= 4; job++) {
        char line[8];
        (void)snprintf(line, sizeof line, "%d", (int)job);
        assert_int_equal(qea_pool_submit(NULL, pool, job, line), QEA_OK);
    }
    assert_int_equal(qea_pool_drain(NULL, pool), QEA_OK);
    assert_true(qea_pool_now() - begun < 10);
    assert_int_equal(qea_pool_running(pool), 0);
    qea_pool_destroy(pool);
    assert_int_equal(log.done[1], 1);
    assert_int_equal(log.done[2] + log.failed[2], 0);
    assert_int_equal(log.starts[2], 1);
    assert_int_equal(log.starts[3] + log.starts[4], 0);
}

static void a_command_that_cannot_be_started_is_an_error_that_names_it(void **state) {
    (void)state;
    const char *const argv[] = {"/nonexistent/worker", NULL};
    log_of_outcomes log = {0};
    qea_pool_config config = {.argv = argv,
                              .workers = 1,
                              .log_fd = -1,
                              .max_attempts = 3,
                              .what = "worker",
                              .read = qea_job_read_answer,
                              .user = &log,
                              .on_outcome = note_outcome};
    qea_context *ctx = qea_context_create();
    qea_pool *pool;
    assert_int_equal(qea_pool_create(ctx, &config, &pool), QEA_OK);
    assert_int_equal(qea_pool_submit(ctx, pool, 1, "x"), QEA_OK);
    assert_int_equal(qea_pool_drain(ctx, pool), QEA_ERR_IO);
    assert_non_null(strstr(qea_context_message(ctx), "/nonexistent/worker"));
    qea_pool_destroy(pool);
    qea_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_gets_its_own_result),
        cmocka_unit_test(more_workers_than_256_are_all_heard),
        cmocka_unit_test(a_job_that_always_crashes_its_worker_fails_after_three_attempts_and_the_others_go_on),
        cmocka_unit_test(a_worker_that_exits_is_a_failed_attempt),
        cmocka_unit_test(a_signal_from_outside_is_no_attempt),
        cmocka_unit_test(a_time_out_kills_the_worker_and_marks_the_job_as_not_repeatable),
        cmocka_unit_test(the_time_of_an_attempt_begins_when_its_worker_has_started),
        cmocka_unit_test(a_worker_that_ends_between_jobs_costs_the_next_one_no_attempt),
        cmocka_unit_test(only_a_lack_of_memory_or_signals_at_the_end_may_pass),
        cmocka_unit_test(a_recorded_failure_is_not_tried_again_but_a_lack_of_memory_is),
        cmocka_unit_test(a_fatal_answer_ends_the_drain_with_its_status_and_reason),
        cmocka_unit_test(nonsense_from_a_worker_is_a_failed_attempt),
        cmocka_unit_test(stop_interrupts_and_leaves_jobs_without_outcome),
        cmocka_unit_test(behind_the_deadline_no_job_begins_and_those_that_run_have_the_grace_to_end),
        cmocka_unit_test(a_command_that_cannot_be_started_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
