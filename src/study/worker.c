/* A worker's life. Lines from stdin are jobs (job.h); lines to stdout are
 *   {"type": "ready"}                                      it has its images and waits for jobs
 *   {"type": "update", "epoch", "epochs", "step", "steps", "loss", "accuracy", "val_accuracy", "images_per_s"}
 *                                                          step 0: it goes on from a checkpoint, behind `epoch` epochs
 *   {"type": "done", "result": {...}, "repeatable": bool}  (execute.h)
 *   {"type": "failed", "reason": "...", "memory": bool, "repeatable": bool}
 *                                                          the trial failed; memory: trying again may help
 *   {"type": "fatal", "status": "data", "reason": "..."}   no trial can work */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "quantea/study.h"
#include "study/command.h"
#include "study/execute.h"
#include "study/objective.h"
#include "study/process.h"

/* Whole line or an error: the coordinator's end is a pipe. */
static qea_status say(qea_context *ctx, json_t *message) {
    qea_text text = {0};
    qea_text_put_json(&text, message, 0);
    qea_text_put(&text, "\n");
    json_decref(message);
    qea_status status = qea_text_finish(ctx, &text);
    for (size_t done = 0; status == QEA_OK && done < text.size;) {
        ssize_t sent = write(STDOUT_FILENO, text.bytes + done, text.size - done);
        if (sent >= 0)
            done += (size_t)sent;
        else if (errno != EINTR)
            status = qea_fail(ctx, QEA_ERR_IO, "worker: writing to the coordinator: %s", strerror(errno));
    }
    qea_text_free(&text);
    return status;
}

typedef struct worker { /* everything borrowed */
    const qea_study_config *config;
    const char *step;
    qea_executor *executor;
} worker;

static json_t *finite_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static bool report_progress(void *user, const qea_epoch_report *report) {
    json_t *message = json_object();
    json_object_set_new(message, "type", json_string("update"));
    json_object_set_new(message, "epoch", json_integer(report->epoch));
    json_object_set_new(message, "epochs", json_integer(report->epochs));
    json_object_set_new(message, "step", json_integer((json_int_t)report->step));
    json_object_set_new(message, "steps", json_integer((json_int_t)report->steps));
    json_object_set_new(message, "loss", finite_or_null(report->train_loss));
    json_object_set_new(message, "accuracy", finite_or_null(report->train_accuracy));
    json_object_set_new(message, "val_accuracy", finite_or_null(report->val_accuracy));
    json_object_set_new(message, "images_per_s", finite_or_null(report->images_per_s));
    return say(user, message) == QEA_OK;
}

static qea_status say_failure(qea_context *ctx, qea_status status) {
    bool fatal = status != QEA_ERR_DIVERGED && status != QEA_ERR_MEMORY;
    json_t *message = json_object();
    json_object_set_new(message, "type", json_string(fatal ? "fatal" : "failed"));
    json_object_set_new(message, "status", json_string(qea_status_name(status)));
    json_object_set_new(message, "reason", json_string(qea_context_message(ctx)));
    json_object_set_new(message, "memory", json_boolean(status == QEA_ERR_MEMORY));
    return say(ctx, message);
}

static bool is_search(const char *step) { return strcmp(step, "nas") == 0; }

/* A trial of the search that lacks an objective has failed; a model that was trained for long is one without it. */
static qea_status say_result(qea_context *ctx, const worker *w, json_t *result, bool repeatable) {
    const char *name;
    json_t *error, *message = json_object();
    json_object_set_new(message, "repeatable", json_boolean(repeatable));
    json_object_foreach(json_object_get(result, "objective_errors"), name, error) {
        char reason[640];
        if (!is_search(w->step)) break;
        (void)snprintf(reason, sizeof reason, "the program of the objective '%s' %s", name, json_string_value(error));
        json_object_set_new(message, "type", json_string("failed"));
        json_object_set_new(message, "reason", json_string(reason));
        json_decref(result);
        return say(ctx, message);
    }
    json_object_set_new(message, "type", json_string("done"));
    json_object_set_new(message, "result", result);
    return say(ctx, message);
}

static qea_status do_job(qea_context *ctx, const worker *w, const char *line) {
    qea_job job;
    json_t *result = NULL;
    bool repeatable = true, measured = is_search(w->step) || strcmp(w->step, "fully_train") == 0;
    qea_status status = qea_job_parse(ctx, line, &job);
    if (status == QEA_OK) {
        status = qea_executor_run(ctx, w->executor, &job, report_progress, ctx, &result);
        if (status == QEA_OK && measured)
            status = qea_objectives_measure(ctx, w->config, qea_executor_graph(w->executor), &job, result, &repeatable);
        qea_job_clear(&job);
    }
    if (status == QEA_OK) return say_result(ctx, w, result, repeatable);
    json_decref(result);
    return say_failure(ctx, status);
}

static qea_status serve(qea_context *ctx, const worker *w) {
    char *line = NULL;
    size_t capacity = 0;
    qea_status status = QEA_OK;
    ssize_t length;
    while (status == QEA_OK && (length = getline(&line, &capacity, stdin)) > 0)
        if (length < QEA_LINE_BYTES) status = do_job(ctx, w, line);
    free(line);
    return status;
}

static qea_status work(qea_context *ctx, const qea_study_config *config, const char *step) {
    worker w = {.config = config, .step = step};
    qea_status status = qea_executor_create(ctx, config, step, &w.executor);
    if (status != QEA_OK)
        status = say_failure(ctx, status);
    else if ((status = say(ctx, json_pack("{s:s}", "type", "ready"))) == QEA_OK)
        status = serve(ctx, &w);
    qea_executor_destroy(w.executor);
    return status;
}

qea_status qea_worker_main(qea_context *ctx, const char *config_path, const char *step, long parent) {
    /* Die with the coordinator, also where it is killed without a chance to tell. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent) return qea_fail(ctx, QEA_ERR_STATE, "worker: its coordinator is gone");
    qea_study_config *config;
    qea_status status = qea_study_config_read(ctx, config_path, NULL, 0, &config);
    if (status != QEA_OK) return say_failure(ctx, status);
    if (strncmp(step, qea_objective_step, strlen(qea_objective_step)) == 0)
        status = qea_objective_become(ctx, config, step);
    else if (config->evaluator == QEA_EVALUATOR_COMMAND && is_search(step))
        status = qea_command_become(ctx, &config->program, NULL);
    else
        status = work(ctx, config, step);
    qea_study_config_destroy(config);
    return status;
}
