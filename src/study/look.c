/* A task seen from another process: the records tell most; what only its coordinator knows stands in two settings. */
#include "study/look.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "quantea/study.h"
#include "study/board.h"

static const char look_setting[] = "look", end_setting[] = "end", finished[] = "finished";

/* --- the coordinator --- */

static double unix_time_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

void qea_look_leave(qea_store *store, const qea_study_progress *progress) {
    json_t *look = json_object();
    json_object_set_new(look, "time", json_real(unix_time_s()));
    json_object_set_new(look, "step", json_string(progress->step));
    json_object_set_new(look, "generation", json_integer((json_int_t)progress->generation));
    json_object_set_new(look, "running", json_integer((json_int_t)progress->running));
    json_object_set_new(look, "begun", number(progress->begun));
    json_object_set_new(look, "images_per_s", number(progress->images_per_s));
    json_object_set_new(look, "elapsed_s", number(progress->elapsed_s));
    json_object_set_new(look, "eta_s", number(progress->eta_s));
    qea_text text = {0};
    qea_text_put_json(&text, look, 0);
    json_decref(look);
    if (qea_text_finish(NULL, &text) == QEA_OK && qea_store_set(NULL, store, look_setting, text.bytes) != QEA_OK)
        text.failed = true; /* the next result tells of the disk */
    qea_text_free(&text);
}

qea_status qea_look_begun(qea_context *ctx, qea_store *store) { return qea_store_set(ctx, store, end_setting, ""); }

void qea_look_ended(qea_store *store, qea_status status, const char *text) {
    const char *end = status == QEA_OK ? finished : status == QEA_ERR_INTERRUPTED ? "interrupted" : text;
    if (qea_store_set(NULL, store, end_setting, end) != QEA_OK)
        return; /* what looks like a killed task was one that could not write */
}

/* --- those who look --- */

typedef struct look { /* start with {0} */
    qea_run run;
    qea_step_trials trials;
    qea_board board;
    char *end;    /* owned */
    json_t *left; /* owned: what the coordinator left (qea_look_leave), or NULL */
    double age;   /* of it, s */
} look;
enum { OLD_S = 60 }; /* what is older says nothing of a running process */

/* Is it being measured how well the search ranks? */
static qea_status load_agreement(qea_context *ctx, look *l, bool *measures) {
    static const char *const steps[] = {"agreement", "prediction"};
    *measures = false;
    for (int i = 0; i < 2 && l->run.config->agreement.genomes > 0; i++) {
        l->trials.step = steps[i];
        QEA_TRY(qea_step_trials_load(ctx, &l->run, &l->trials));
        l->trials.total = l->trials.count;
        for (size_t k = 0; k < l->trials.count; k++)
            if (l->trials.records[k].state == QEA_TRIAL_ASKED) *measures = true;
        if (*measures || l->trials.count > 0) return QEA_OK;
    }
    return QEA_OK;
}

static qea_status load(qea_context *ctx, look *l, const char *step) {
    char *search_end;
    l->trials.step = step;
    QEA_TRY(qea_step_trials_load(ctx, &l->run, &l->trials));
    l->trials.total = l->trials.count;
    if (strcmp(step, "nas") != 0) return QEA_OK;
    QEA_TRY(qea_store_get(ctx, l->run.task.store, "search end", &search_end));
    if (search_end == NULL || search_end[0] == '\0') l->trials.total = qea_budget_trials(l->run.config);
    qea_free(search_end);
    return QEA_OK;
}

/* The step that the running process told of lately; NULL: none. */
static const char *told_step(const look *l, long pid) {
    static const char *const steps[] = {"float", "supernet", "nas", "prediction", "agreement", "fully_train"};
    const char *told = json_string_value(json_object_get(l->left, "step"));
    if (pid == 0 || told == NULL || !(l->age >= 0 && l->age < OLD_S)) return NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(told, steps[i]) == 0) return steps[i];
    return NULL;
}

/* The last step that has trials; where none has, the first. */
static qea_status load_step(qea_context *ctx, look *l, long pid) {
    static const char *const before[] = {"supernet", "float"};
    const qea_study_config *config = l->run.config;
    const char *told = told_step(l, pid);
    bool measures;
    if (told != NULL) return load(ctx, l, told);
    if (config->has_fully_train || !config->has_nas) QEA_TRY(load(ctx, l, "fully_train"));
    if (l->trials.count > 0 || !config->has_nas) return QEA_OK;
    QEA_TRY(load_agreement(ctx, l, &measures));
    if (measures) return QEA_OK;
    QEA_TRY(load(ctx, l, "nas"));
    for (int i = 0; i < 2 && l->trials.count == 0 && config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS; i++)
        QEA_TRY(load(ctx, l, before[i]));
    return l->trials.count > 0 ? QEA_OK : load(ctx, l, "nas");
}

static qea_status read_left(qea_context *ctx, look *l) {
    char *text;
    QEA_TRY(qea_store_get(ctx, l->run.task.store, look_setting, &text));
    l->left = text != NULL ? json_loads(text, 0, NULL) : NULL;
    l->age = unix_time_s() - json_number_value(json_object_get(l->left, "time"));
    qea_free(text);
    return QEA_OK;
}

/* What the coordinator left is of use while it is new and of this step. */
static void take_left(const look *l, qea_study_progress *progress) {
    const char *step = json_string_value(json_object_get(l->left, "step"));
    if (step == NULL || strcmp(step, progress->step) != 0) return;
    json_int_t generation = json_integer_value(json_object_get(l->left, "generation"));
    progress->generation = generation > 0 ? (size_t)generation : 0;
    if (progress->pid == 0 || !(l->age >= 0 && l->age < OLD_S)) return;
    const json_t *eta = json_object_get(l->left, "eta_s");
    json_int_t running = json_integer_value(json_object_get(l->left, "running"));
    progress->running = running > 0 ? (size_t)running : 0;
    progress->begun = json_number_value(json_object_get(l->left, "begun"));
    progress->images_per_s = json_number_value(json_object_get(l->left, "images_per_s"));
    progress->elapsed_s = json_number_value(json_object_get(l->left, "elapsed_s")) + l->age;
    if (json_is_number(eta)) progress->eta_s = fmax(0, json_number_value(eta) - l->age);
}

static qea_status look_at(qea_context *ctx, look *l, qea_study_progress *progress) {
    long pid;
    QEA_TRY(qea_store_holder(ctx, l->run.task.folder, &pid));
    QEA_TRY(qea_store_get(ctx, l->run.task.store, end_setting, &l->end));
    QEA_TRY(qea_study_config_read(ctx, l->run.task.config_path, NULL, 0, &l->run.config));
    QEA_TRY(qea_box_load(ctx, l->run.task.store, l->run.config, &l->run.box));
    QEA_TRY(read_left(ctx, l));
    QEA_TRY(load_step(ctx, l, pid));
    QEA_TRY(qea_board_create(ctx, &l->run, &l->trials, 1, &l->board));
    qea_board_read(&l->board, QEA_STUDY_STATE, progress);
    progress->elapsed_s = progress->eta_s = NAN;
    progress->pid = pid;
    progress->condition = pid != 0 ? QEA_STUDY_RUNNING : QEA_STUDY_STOPPED;
    if (pid == 0 && l->end != NULL && strcmp(l->end, finished) == 0)
        progress->condition = QEA_STUDY_FINISHED;
    else if (pid == 0 && l->end != NULL && l->end[0] != '\0')
        progress->text = l->end;
    take_left(l, progress);
    return QEA_OK;
}

qea_status qea_study_look(qea_context *ctx, const char *task, const char *base, qea_study_progress_fn progress,
                          void *user) {
    look l = {.run = {.task = {.log_fd = -1}}};
    qea_study_progress seen;
    QEA_TRY(qea_task_view(ctx, base != NULL ? base : "tasks", task, &l.run.task));
    qea_status status = look_at(ctx, &l, &seen);
    if (status == QEA_OK) progress(user, &seen);
    qea_board_clear(&l.board);
    qea_step_trials_clear(&l.trials);
    qea_free(l.end);
    json_decref(l.left);
    qea_task_close(&l.run.task);
    qea_study_config_destroy(l.run.config);
    return status;
}
