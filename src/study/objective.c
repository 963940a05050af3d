#include "study/objective.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/command.h"
#include "study/config_internal.h"
#include "study/process.h"

enum { MOST_BYTES = 4096 }; /* of a program's output */

const char qea_objective_step[] = "objective:";
static const char section[] = "nas.search_algorithm.commands";
static const char blanks[] = " \t\r\n";

static bool has_program(const qea_config_objective *objective) { return objective->program.command != NULL; }

bool qea_objectives_need_model(const qea_study_config *config) {
    for (int i = 0; i < config->num_objectives; i++)
        if (has_program(&config->objectives[i])) return true;
    return false;
}

qea_status qea_objectives_check(qea_context *ctx, const qea_study_config *config) {
    for (int i = 0; i < config->num_objectives; i++) {
        const qea_config_objective *objective = &config->objectives[i];
        char path[QEA_CONFIG_PATH];
        qea_config_join(path, section, objective->name);
        if (has_program(objective)) QEA_TRY(qea_command_check(ctx, config, &objective->program, path));
    }
    return QEA_OK;
}

/* --- the program's side --- */

qea_status qea_objective_become(qea_context *ctx, const qea_study_config *config, const char *step) {
    const char *name = step + strlen(qea_objective_step);
    size_t size = strcspn(name, ":"); /* no name has a ':' */
    for (int i = 0; i < config->num_objectives && name[size] == ':'; i++) {
        const qea_config_objective *objective = &config->objectives[i];
        if (has_program(objective) && strlen(objective->name) == size && strncmp(objective->name, name, size) == 0)
            return qea_command_become(ctx, &objective->program, name + size + 1);
    }
    return qea_fail(ctx, QEA_ERR_STATE, "worker: '%s': there is no such objective", step);
}

/* --- its output --- */

void qea_objective_read_answer(const char *bytes, size_t size, qea_answer *out) {
    char text[64];
    double value;
    while (size > 0 && strchr(blanks, bytes[size - 1]) != NULL && bytes[size - 1] != '\0') size--;
    while (size > 0 && strchr(blanks, *bytes) != NULL && *bytes != '\0') {
        bytes++;
        size--;
    }
    (void)snprintf(text, sizeof text, "%.*s", size < sizeof text ? (int)size : (int)sizeof text - 1, bytes);
    if (size == 0)
        qea_command_refuse(out, QEA_ANSWER_WRONG, "printed nothing, a number is wanted");
    else if (size >= sizeof text || strlen(text) != size || !qea_double_parse(text, &value))
        qea_command_refuse(out, QEA_ANSWER_WRONG, "printed what is not one number: %.60s", text);
    else if (!isfinite(value))
        qea_command_refuse(out, QEA_ANSWER_WRONG, "printed a number that is not finite: %s", text);
    else
        *out = (qea_answer){.kind = QEA_ANSWER_DONE, .body = json_real(value)};
}

/* --- a run of it --- */

typedef enum hearing { HEARD, LATE, TOO_MUCH } hearing;

/* Collects its output until it ends. */
static hearing listen_to(qea_process *process, double timeout_s) {
    double begun = qea_pool_now();
    for (bool open = true;;) {
        struct pollfd end = {open ? process->from : -1, POLLIN, 0};
        (void)poll(&end, 1, 20);
        /* A process that it started may keep its output open; it may close that itself and go on. */
        bool ended = qea_process_ended(process);
        if (open) open = qea_process_receive(process) != QEA_RECEIPT_CLOSED;
        if (process->filled > MOST_BYTES) return TOO_MUCH;
        if (ended) return HEARD;
        if (timeout_s > 0 && qea_pool_now() - begun >= timeout_s) return LATE;
    }
}

/* Ends the process and says what came of it. */
static void conclude(qea_process *process, hearing heard, const qea_program *program, long oom_kills, qea_answer *out) {
    char how[192], number[32], *output = process->buffer;
    size_t size = process->filled;
    qea_exit end = qea_process_end(process, heard != HEARD, oom_kills, how, sizeof how); /* the buffer stays */
    out->unrepeatable = heard == LATE || (heard == HEARD && (end == QEA_EXIT_MEMORY || end == QEA_EXIT_OUTSIDE));
    if (heard == LATE)
        qea_command_refuse(out, QEA_ANSWER_WRONG, "time-out: no end after %s s",
                           qea_double_format(program->timeout_s, number));
    else if (heard == TOO_MUCH)
        qea_command_refuse(out, QEA_ANSWER_WRONG, "printed more than %d bytes, a number is wanted", MOST_BYTES);
    else if (end != QEA_EXIT_GOOD)
        qea_command_refuse(out, QEA_ANSWER_WRONG, "%s%s", how, end == QEA_EXIT_MEMORY ? ": out of memory" : "");
    else
        qea_objective_read_answer(output, size, out);
}

static qea_status run_once(qea_context *ctx, const qea_study_config *config, const qea_config_objective *objective,
                           const char *model, const char *line, qea_answer *out) {
    char parent[24], step[QEA_NAME_BYTES + sizeof qea_objective_step + PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%ld", (long)getpid());
    (void)snprintf(step, sizeof step, "%s%s:%s", qea_objective_step, objective->name, model);
    /* By way of this program again, which dies with its worker before and behind its exec (worker.c). */
    const char *argv[] = {"/proc/self/exe", "worker", config->name, step, parent, NULL};
    qea_process process = {.to = -1, .from = -1};
    long oom_kills = qea_oom_kills();
    qea_status status = qea_process_start(ctx, &process, argv, -1);
    if (status == QEA_OK) {
        (void)qea_process_send(&process, line); /* that it does not read is its own affair */
        qea_process_hang_up(&process);
        conclude(&process, listen_to(&process, objective->program.timeout_s), &objective->program, oom_kills, out);
    }
    qea_process_free(&process);
    return status;
}

static void take_answer(json_t *result, const char *name, const qea_answer *answer) {
    if (answer->kind == QEA_ANSWER_DONE) {
        json_object_set(result, name, answer->body);
        return;
    }
    json_t *errors = json_object_get(result, "objective_errors");
    if (errors == NULL) {
        errors = json_object();
        json_object_set_new(result, "objective_errors", errors);
    }
    json_object_set_new(errors, name, json_string(answer->reason));
    json_object_set_new(result, name, json_null());
}

static qea_status measure(qea_context *ctx, const qea_study_config *config, const qea_config_objective *objective,
                          const char *model, const json_t *genes, json_t *result, bool *repeatable) {
    qea_answer answer = {.kind = QEA_ANSWER_WRONG};
    qea_text line = {0};
    json_t *object = json_object();
    json_object_set_new(object, "objective", json_string(objective->name));
    json_object_set_new(object, "model", json_string(model));
    json_object_set(object, "genes", (json_t *)(uintptr_t)genes);
    qea_text_put_json(&line, object, 0);
    json_decref(object);
    qea_status status = qea_text_finish(ctx, &line);
    for (int i = 0; i < objective->program.attempts && status == QEA_OK && answer.kind != QEA_ANSWER_DONE; i++) {
        status = run_once(ctx, config, objective, model, line.bytes, &answer);
        *repeatable = *repeatable && !answer.unrepeatable;
    }
    if (status == QEA_OK) take_answer(result, objective->name, &answer);
    json_decref(answer.body);
    qea_text_free(&line);
    return status;
}

qea_status qea_objectives_measure(qea_context *ctx, const qea_study_config *config, const qea_graph *graph,
                                  const qea_job *job, json_t *result, bool *repeatable) {
    *repeatable = true;
    if (!qea_objectives_need_model(config)) return QEA_OK;
    /* Programs have folders of their own. */
    char *model = job->model != NULL ? realpath(job->model, NULL) : NULL;
    if (model == NULL) return qea_fail(ctx, QEA_ERR_STATE, "job: model: the objectives' programs need its file");
    json_t *genes = qea_command_layer_bits(graph, job->num_layers, job->weight_bits, job->activation_bits);
    qea_status status = QEA_OK;
    for (int i = 0; i < config->num_objectives && status == QEA_OK; i++)
        if (has_program(&config->objectives[i]))
            status = measure(ctx, config, &config->objectives[i], model, genes, result, repeatable);
    json_decref(genes);
    free(model);
    return status;
}
