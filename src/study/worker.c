/* A worker's life. Lines from stdin are jobs (job.h); lines to stdout are
 *   {"type": "update", "epoch", "epochs", "step", "steps", "loss", "accuracy", "val_accuracy", "images_per_s"}
 *   {"type": "done", "result": {...}}                      (execute.h)
 *   {"type": "failed", "reason": "...", "memory": bool}    the trial failed; memory: trying again may help
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

static qea_status do_job(qea_context *ctx, qea_executor *executor, const char *line) {
    qea_job job;
    json_t *result = NULL;
    qea_status status = qea_job_parse(ctx, line, &job);
    if (status == QEA_OK) {
        status = qea_executor_run(ctx, executor, &job, report_progress, ctx, &result);
        qea_job_clear(&job);
    }
    if (status != QEA_OK) return say_failure(ctx, status);
    json_t *message = json_object();
    json_object_set_new(message, "type", json_string("done"));
    json_object_set_new(message, "result", result);
    return say(ctx, message);
}

static qea_status serve(qea_context *ctx, qea_executor *executor) {
    char *line = NULL;
    size_t capacity = 0;
    qea_status status = QEA_OK;
    ssize_t length;
    while (status == QEA_OK && (length = getline(&line, &capacity, stdin)) > 0)
        if (length < QEA_LINE_BYTES) status = do_job(ctx, executor, line);
    free(line);
    return status;
}

qea_status qea_worker_main(qea_context *ctx, const char *config_path, const char *step, long parent) {
    /* Die with the coordinator, also where it is killed without a chance to tell. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent) return qea_fail(ctx, QEA_ERR_STATE, "worker: its coordinator is gone");
    qea_study_config *config;
    qea_executor *executor = NULL;
    qea_status status = qea_study_config_read(ctx, config_path, NULL, 0, &config);
    if (status != QEA_OK) return say_failure(ctx, status);
    if (config->evaluator == QEA_EVALUATOR_COMMAND && strcmp(step, "nas") == 0) {
        status = qea_command_become(ctx, config);
        qea_study_config_destroy(config);
        return status;
    }
    status = qea_executor_create(ctx, config, step, &executor);
    if (status == QEA_OK)
        status = serve(ctx, executor);
    else
        status = say_failure(ctx, status);
    qea_executor_destroy(executor);
    qea_study_config_destroy(config);
    return status;
}
