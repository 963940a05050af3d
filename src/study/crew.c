/* The trials of one step on worker processes: jobs made from records, results put into the store, progress told. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/board.h"
#include "study/command.h"
#include "study/job.h"
#include "study/look.h"
#include "study/objective.h"
#include "study/run.h"

struct qea_crew {
    const qea_run *run;      /* borrowed */
    qea_step_trials *trials; /* borrowed */
    qea_pool *pool;          /* owned */
    qea_board board;         /* owned */
    int workers;
    char parent[24];
    const char *argv[6];
    double left_s; /* monotonic: when a look was left for other processes */
};

static double unix_time(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_search(const qea_crew *crew) { return strcmp(crew->trials->step, "nas") == 0; }

/* A program of the user's tells the results. */
static bool has_command(const qea_crew *crew) {
    return is_search(crew) && crew->run->config->evaluator == QEA_EVALUATOR_COMMAND;
}

/* --- progress --- */

/* What cannot be seen in the records, for qea_study_look. The next write of a result tells of a store that takes
 * nothing more. */
static void leave_look(qea_crew *crew, const qea_study_progress *progress) {
    enum { EVERY_S = 1 }; /* a write waits for the disk */
    double now = qea_pool_now();
    bool step = progress->event == QEA_STUDY_STEP_BEGUN || progress->event == QEA_STUDY_STEP_ENDED;
    if (!step && now - crew->left_s < EVERY_S) return;
    crew->left_s = now;
    qea_look_leave(crew->run->task.store, progress);
}

/* record: NULL, or what the event is about; log: a line for the log, or NULL. */
static void tell(qea_crew *crew, qea_study_event event, const qea_trial_record *record, const char *text,
                 const char *log) {
    if (log != NULL) qea_task_log(&crew->run->task, log);
    qea_study_progress progress;
    qea_study_trial trial;
    qea_board_read(&crew->board, event, &progress);
    leave_look(crew, &progress);
    const qea_study_options *options = crew->run->options;
    if (options->progress == NULL) return;
    if (record != NULL) {
        qea_board_trial(&crew->board, record, &trial);
        progress.trial = &trial;
    }
    progress.text = text;
    options->progress(options->user, &progress);
}

/* A time that cannot be stored ends nothing; the next write of a result tells of the disk. */
static void save_clock(const qea_crew *crew, bool at_once) {
    if (crew->trials->clock != NULL && qea_search_clock_save(NULL, crew->trials->clock, at_once) != QEA_OK)
        qea_task_log(&crew->run->task, "the store did not take the time");
}

static void on_start(void *user, uint64_t job, int attempt) {
    qea_crew *crew = user;
    qea_board_start(&crew->board, job, attempt);
    qea_trial_record *record = qea_step_trials_find(crew->trials, job);
    if (record != NULL && record->started_s == 0) record->started_s = unix_time();
    tell(crew, QEA_STUDY_TRIAL_STARTED, record, NULL, NULL);
}

static void on_event(void *user, uint64_t job, const char *text) {
    qea_crew *crew = user;
    char line[640];
    (void)snprintf(line, sizeof line, "%s trial %" PRIu64 ": %s", crew->trials->step, job, text);
    /* An event that cannot be stored is still in the log; the next write of a result tells of the disk. */
    if (qea_store_add_event(NULL, crew->run->task.store, crew->trials->step, job, text) != QEA_OK)
        qea_task_log(&crew->run->task, "the store did not take an event");
    tell(crew, QEA_STUDY_NOTE, qea_step_trials_find(crew->trials, job), text, line);
}

/* A worker tells of step 0 only where it goes on from a checkpoint. */
static void tell_return(qea_crew *crew, uint64_t job, const json_t *message) {
    const json_t *step = json_object_get(message, "step");
    char text[80];
    if (!json_is_integer(step) || json_integer_value(step) != 0) return;
    (void)snprintf(text, sizeof text, "goes on from its checkpoint, behind epoch %d of %d",
                   (int)json_integer_value(json_object_get(message, "epoch")),
                   (int)json_integer_value(json_object_get(message, "epochs")));
    on_event(crew, job, text);
}

static void on_update(void *user, uint64_t job, const json_t *message) {
    qea_crew *crew = user;
    if (message != NULL) {
        qea_board_update(&crew->board, job, message);
        tell_return(crew, job, message);
    }
    save_clock(crew, false);
    tell(crew, QEA_STUDY_PROGRESS, NULL, NULL, NULL);
}

/* --- results --- */

static void put_costs(json_t *result, const qea_cost *cost) {
    json_object_set_new(result, "flops", json_real(cost->flops));
    json_object_set_new(result, "params", json_real(cost->params));
    json_object_set_new(result, "bops", json_real(cost->bops));
    json_object_set_new(result, "bops_total", json_real(cost->bops_total));
    json_object_set_new(result, "weight_bytes", json_real(cost->weight_bytes));
    json_object_set_new(result, "weight_bytes_total", json_real(cost->weight_bytes_total));
    json_object_set_new(result, "activation_bytes", json_real(cost->activation_bytes));
    if (json_object_get(result, "latency") == NULL) /* nothing here measures it yet */
        json_object_set_new(result, "latency", json_null());
}

static qea_status fill_objectives(qea_context *ctx, const qea_run *run, const json_t *result,
                                  qea_trial_record *record) {
    record->num_objectives = (size_t)run->config->num_objectives;
    QEA_TRY(QEA_NEW(ctx, "objectives", record->objectives, record->num_objectives));
    for (size_t i = 0; i < record->num_objectives; i++) {
        const json_t *value = json_object_get(result, run->config->objectives[i].name);
        record->objectives[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return QEA_OK;
}

static qea_status record_done(qea_context *ctx, qea_crew *crew, qea_trial_record *record, const json_t *performance) {
    qea_cost cost;
    bool network = crew->run->graph != NULL;
    if (network)
        QEA_TRY(qea_bit_space_cost(ctx, crew->run->space, record->weight_bits, record->activation_bits, &cost));
    json_t *result = json_deep_copy(performance);
    if (network) put_costs(result, &cost);
    const json_t *measured = json_object_get(result, "measured");
    record->train_seconds = has_command(crew) ? record->ended_s - record->started_s
                                              : json_number_value(json_object_get(measured, "seconds"));
    record->epochs = (int)json_integer_value(json_object_get(result, "epochs"));
    qea_status status = fill_objectives(ctx, crew->run, result, record);
    qea_text text = {0};
    qea_text_put_json(&text, result, 0);
    json_decref(result);
    if (status == QEA_OK) status = qea_text_finish(ctx, &text);
    if (status != QEA_OK) {
        qea_text_free(&text);
        return status;
    }
    record->result_json = text.bytes;
    record->state = QEA_TRIAL_DONE;
    return QEA_OK;
}

static bool has_accuracy(const json_t *result) {
    const json_t *value = json_object_get(result, "accuracy");
    return json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= 1;
}

static void describe(const qea_crew *crew, const qea_trial_record *record, char *line, size_t size) {
    if (record->state == QEA_TRIAL_FAILED) {
        (void)snprintf(line, size, "%s trial %" PRIu64 " failed: %s", crew->trials->step, record->id, record->reason);
        return;
    }
    int used = snprintf(line, size, "%s trial %" PRIu64 " done:", crew->trials->step, record->id);
    for (size_t i = 0; i < record->num_objectives && used > 0 && (size_t)used < size; i++) {
        char text[32];
        double value = record->objectives[i], rounded = fabs(value) < 1e9 ? round(value * 1e6) / 1e6 : value;
        used += snprintf(line + used, size - (size_t)used, "%s %s %s", i > 0 ? "," : "",
                         crew->run->config->objectives[i].name, qea_double_format(rounded, text));
    }
}

static void remove_work(const qea_crew *crew, uint64_t id);

/* A training of hours that ended by what may be gone tomorrow keeps its checkpoint. */
static bool goes_on(const qea_crew *crew, const qea_outcome *outcome) {
    return outcome->result == NULL && outcome->may_pass && crew->trials->checkpoints;
}

/* Objectives that a model was to have and has not. */
static void tell_errors(qea_crew *crew, const qea_trial_record *record, const json_t *result) {
    const char *name;
    json_t *reason;
    json_object_foreach(json_object_get(result, "objective_errors"), name, reason) {
        char text[640];
        (void)snprintf(text, sizeof text, "has no '%s', as its program %s", name, json_string_value(reason));
        on_event(crew, record->id, text);
    }
}

static qea_status put_failure(qea_context *ctx, const qea_crew *crew, qea_trial_record *record,
                              const qea_outcome *outcome) {
    qea_text text = {0};
    bool open = goes_on(crew, outcome);
    if (open) QEA_TRY(qea_step_trials_keep_open(ctx, crew->run, record));
    record->state = QEA_TRIAL_FAILED;
    qea_free(record->model_path); /* there is no such file */
    record->model_path = NULL;
    qea_text_put(&text, outcome->reason != NULL ? outcome->reason : "the worker gave no accuracy between 0 and 1");
    if (open) qea_text_put(&text, "; resuming the task goes on with it");
    return qea_text_take(ctx, &text, &record->reason);
}

static qea_status on_outcome(qea_context *ctx, void *user, const qea_outcome *outcome) {
    qea_crew *crew = user;
    qea_trial_record *record = qea_step_trials_find(crew->trials, outcome->job);
    if (record == NULL)
        return qea_fail(ctx, QEA_ERR_STATE, "a worker answered for trial %" PRIu64 ", which is not known",
                        outcome->job);
    record->attempts = outcome->attempts;
    record->ended_s = unix_time();
    if (outcome->result != NULL && (has_command(crew) || has_accuracy(outcome->result))) {
        QEA_TRY(record_done(ctx, crew, record, outcome->result));
        tell_errors(crew, record, outcome->result);
    } else {
        QEA_TRY(put_failure(ctx, crew, record, outcome));
    }
    if (!outcome->repeatable)
        QEA_TRY(
            qea_store_set(ctx, crew->run->task.store, "repeatable", "a trial met its time-out or a lack of memory"));
    QEA_TRY(qea_store_put_trial(ctx, crew->run->task.store, record));
    save_clock(crew, false);
    if (!goes_on(crew, outcome)) remove_work(crew, record->id);
    QEA_TRY(qea_board_finish(ctx, &crew->board, record));
    char line[640];
    describe(crew, record, line, sizeof line);
    bool done = record->state == QEA_TRIAL_DONE;
    if (crew->trials->checkpoints) qea_run_tensorboard(ctx, crew->run, crew->trials->step); /* one that takes long */
    tell(crew, done ? QEA_STUDY_TRIAL_DONE : QEA_STUDY_TRIAL_FAILED, record, record->reason, line);
    return QEA_OK;
}

/* --- jobs --- */

/* Of a file that is there while a trial runs. */
static qea_status work_path(qea_context *ctx, const qea_crew *crew, uint64_t id, const char *what, char **out) {
    char name[80];
    (void)snprintf(name, sizeof name, "work/%s_%" PRIu64 ".%s", crew->trials->step, id, what);
    return qea_task_path(ctx, &crew->run->task, name, out);
}

/* A model that is not kept, but needed as a file. */
static bool has_passing_model(const qea_crew *crew) {
    return is_search(crew) && !crew->trials->keep_models && qea_objectives_need_model(crew->run->config);
}

static void remove_work(const qea_crew *crew, uint64_t id) {
    char *path = NULL;
    if (crew->trials->checkpoints && work_path(NULL, crew, id, "checkpoint", &path) == QEA_OK) (void)unlink(path);
    qea_free(path);
    path = NULL;
    if (has_passing_model(crew) && work_path(NULL, crew, id, "safetensors", &path) == QEA_OK) (void)unlink(path);
    qea_free(path);
}

static qea_status make_job(qea_context *ctx, const qea_crew *crew, qea_trial_record *record, qea_job *job) {
    *job = (qea_job){.trial = record->id, .num_layers = record->num_layers};
    job->weight_bits = record->weight_bits; /* borrowed: submit_one gives them back */
    job->activation_bits = record->activation_bits;
    job->seed = qea_job_seed(crew->run->config->seed, qea_step_trials_repeat(crew->trials, record), record->num_layers,
                             record->weight_bits, record->activation_bits);
    QEA_TRY(qea_run_start_path(ctx, crew->run, crew->trials->step, record, &job->init));
    QEA_TRY(qea_run_teacher_path(ctx, crew->run, crew->trials->step, &job->teacher));
    if (crew->trials->checkpoints) QEA_TRY(work_path(ctx, crew, record->id, "checkpoint", &job->checkpoint));
    if (has_passing_model(crew)) return work_path(ctx, crew, record->id, "safetensors", &job->model);
    if (!crew->trials->keep_models) return QEA_OK;
    char name[80];
    (void)snprintf(name, sizeof name, "output/%s/model_%" PRIu64 ".safetensors", crew->trials->step, record->id);
    if (record->model_path == NULL) QEA_TRY(qea_strdup(ctx, name, &record->model_path));
    return qea_task_path(ctx, &crew->run->task, name, &job->model);
}

static qea_status submit_to_command(qea_context *ctx, qea_crew *crew, const qea_trial_record *record) {
    char *line;
    QEA_TRY(qea_command_format(ctx, crew->run->space, record, &line));
    qea_status status = qea_pool_submit(ctx, crew->pool, record->id, line);
    qea_free(line);
    return status;
}

static qea_status submit_one(qea_context *ctx, qea_crew *crew, qea_trial_record *record) {
    qea_job job;
    char *line = NULL;
    if (has_command(crew)) return submit_to_command(ctx, crew, record);
    qea_status status = make_job(ctx, crew, record, &job);
    if (status == QEA_OK) status = qea_job_format(ctx, &job, &line);
    if (status == QEA_OK) status = qea_pool_submit(ctx, crew->pool, record->id, line);
    qea_free(line);
    job.weight_bits = job.activation_bits = NULL;
    qea_job_clear(&job);
    return status;
}

int qea_crew_workers(const qea_study_config *config) {
    if (config->workers > 0) return config->workers;
    int workers = qea_cpus_read().usable / config->threads_per_worker;
    return workers > 1 ? workers : 1;
}

qea_status qea_crew_measure(qea_context *ctx, qea_crew *crew) { return qea_board_measure(ctx, &crew->board); }

static void read_command_answer(void *user, uint64_t job, const char *line, qea_answer *out) {
    const qea_crew *crew = user;
    qea_command_read_answer(crew->run->config, job, line, out);
}

/* How trials are given out, where not as to workers of our own. */
static void prepare_for_command(const qea_study_config *config, qea_pool_config *pool) {
    pool->what = "evaluator";
    pool->read = read_command_answer;
    pool->max_attempts = config->program.attempts;
    pool->max_losses = 3;
    if (config->program.timeout_s > 0) pool->timeout_s = config->program.timeout_s;
    pool->tells_ready = false; /* a program's start counts (docs/evaluators.md) */
}

static qea_status prepare(qea_context *ctx, qea_crew *crew) {
    const qea_study_config *config = crew->run->config;
    crew->workers = qea_crew_workers(config);
    if (crew->trials->total > 0 && crew->trials->total < (size_t)crew->workers)
        crew->workers = (int)crew->trials->total;
    (void)snprintf(crew->parent, sizeof crew->parent, "%ld", (long)getpid());
    const char *command = crew->run->options->command != NULL ? crew->run->options->command : "/proc/self/exe";
    const char *argv[] = {command, "worker", crew->run->task.config_path, crew->trials->step, crew->parent, NULL};
    memcpy(crew->argv, argv, sizeof argv);
    qea_pool_config pool = {.argv = crew->argv,
                            .workers = crew->workers,
                            .log_fd = crew->run->task.log_fd,
                            .timeout_s = is_search(crew) ? config->trial_timeout_s : 0,
                            .tells_ready = true,
                            .max_attempts = 3,
                            .max_losses = 100,
                            .what = "worker",
                            .read = qea_job_read_answer,
                            .stop = crew->run->options->stop,
                            .user = crew,
                            .on_start = on_start,
                            .on_update = on_update,
                            .on_outcome = on_outcome,
                            .on_event = on_event};
    if (has_command(crew)) prepare_for_command(config, &pool);
    const qea_search_clock *clock = crew->trials->clock;
    if (clock != NULL && clock->budget > 0) {
        pool.deadline = qea_pool_now() + fmax(0, qea_search_clock_left(clock));
        pool.grace_s = is_search(crew) ? qea_search_clock_grace(clock) : 0; /* a training goes on from a checkpoint */
    }
    QEA_TRY(qea_board_create(ctx, crew->run, crew->trials, crew->workers, &crew->board));
    QEA_TRY(qea_pool_create(ctx, &pool, &crew->pool));
    tell(crew, QEA_STUDY_STEP_BEGUN, NULL, NULL, NULL);
    return QEA_OK;
}

qea_status qea_crew_create(qea_context *ctx, const qea_run *run, qea_step_trials *trials, qea_crew **out) {
    *out = NULL;
    qea_crew *crew;
    QEA_TRY(QEA_NEW(ctx, "crew", crew, 1));
    crew->run = run;
    crew->trials = trials;
    for (size_t i = 0; i < trials->count; i++) /* a run may have been killed before it did */
        if (trials->records[i].state != QEA_TRIAL_ASKED) remove_work(crew, trials->records[i].id);
    qea_status status = prepare(ctx, crew);
    if (status == QEA_OK)
        *out = crew;
    else
        qea_crew_destroy(crew);
    return status;
}

void qea_crew_destroy(qea_crew *crew) {
    if (crew == NULL) return;
    qea_pool_destroy(crew->pool);
    qea_board_clear(&crew->board);
    qea_free(crew);
}

qea_status qea_crew_run(qea_context *ctx, qea_crew *crew) {
    for (size_t i = 0; i < crew->trials->count; i++)
        if (crew->trials->records[i].state == QEA_TRIAL_ASKED)
            QEA_TRY(submit_one(ctx, crew, &crew->trials->records[i]));
    qea_status status = qea_pool_drain(ctx, crew->pool);
    qea_board_rest(&crew->board);
    save_clock(crew, true);
    return status;
}

qea_status qea_crew_work(qea_context *ctx, const qea_run *run, qea_step_trials *trials) {
    qea_crew *crew;
    QEA_TRY(qea_crew_create(ctx, run, trials, &crew));
    qea_status status = qea_crew_run(ctx, crew);
    if (status == QEA_OK) qea_crew_end(crew);
    qea_crew_destroy(crew);
    return status;
}

void qea_crew_end(qea_crew *crew) { tell(crew, QEA_STUDY_STEP_ENDED, NULL, NULL, NULL); }
