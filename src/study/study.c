/* A run: configuration and data are checked before anything is trained, then the steps follow. */
#include "quantea/study.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/config_internal.h"
#include "study/look.h"
#include "study/model_metadata.h"
#include "study/run.h"

enum { MAX_OVERRIDES = 256 };

/* --- configuration of a new task --- */

/* Values that stand in place of the file's. */
typedef struct changes {
    qea_config_override list[MAX_OVERRIDES];
    size_t count;
    char *paths[QEA_MAX_OBJECTIVES + 8]; /* owned */
    size_t num_paths;
    char keys[QEA_MAX_OBJECTIVES][QEA_CONFIG_PATH];
} changes;

static void change(changes *c, const char *key, const char *value, qea_config_set kind) {
    c->list[c->count++] = (qea_config_override){key, value, kind};
}

/* Puts the absolute form of a path in its place, so that the task can be resumed from another folder. */
static void make_absolute(changes *c, const char *key, const char *path) {
    char *absolute = path != NULL ? realpath(path, NULL) : NULL;
    if (absolute == NULL) return;
    c->paths[c->num_paths++] = absolute;
    change(c, key, absolute, QEA_SET_REWRITTEN);
}

static const char *or_here(const char *folder) { return folder[0] != '\0' ? folder : "."; }

static void make_programs_absolute(changes *c, const qea_study_config *config) {
    if (config->evaluator == QEA_EVALUATOR_COMMAND)
        make_absolute(c, "nas.evaluator.folder", or_here(config->program.folder));
    for (int i = 0; i < config->num_objectives; i++) {
        const qea_config_objective *objective = &config->objectives[i];
        char section[QEA_CONFIG_PATH];
        if (objective->program.command == NULL) continue;
        qea_config_join(section, "nas.search_algorithm.commands", objective->name);
        qea_config_join(c->keys[i], section, "folder");
        make_absolute(c, c->keys[i], or_here(objective->program.folder));
    }
}

static void make_paths_absolute(changes *c, const qea_study_config *config) {
    make_programs_absolute(c, config);
    make_absolute(c, "nas.dataset.common.data_path", config->nas_data.path);
    make_absolute(c, "fully_train.dataset.common.data_path", config->full_data.path);
    make_absolute(c, "fully_train.pretrained", config->pretrained);
    make_absolute(c, "nas.evaluator.pretrained", config->search_pretrained);
    make_absolute(c, "nas.evaluator.supernet", config->supernet.path);
    if (config->teacher != NULL && strcmp(config->teacher, "search") != 0)
        make_absolute(c, "fully_train.teacher", config->teacher);
}

/* Read twice: the second time with what the first one shows, absolute paths and the name of the task, which may stand
 * in other values. */
static qea_status read_config(qea_context *ctx, const qea_study_options *options, const char *made_name, changes *c,
                              qea_study_config **out) {
    enum { MOST = MAX_OVERRIDES - QEA_MAX_OBJECTIVES - 16 }; /* the rest is for what is changed here */
    if (options->num_overrides > MOST)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%zu overrides: at most %d are allowed", options->num_overrides, MOST);
    for (size_t i = 0; i < options->num_overrides; i++)
        change(c, options->overrides[i].key, options->overrides[i].value,
               options->overrides[i].literal ? QEA_SET_TEXT : QEA_SET_YAML);
    if (options->base_path != NULL) change(c, "general.task.local_base_path", options->base_path, QEA_SET_TEXT);
    if (options->task_id != NULL) change(c, "general.task.task_id", options->task_id, QEA_SET_TEXT);
    QEA_TRY(qea_study_config_read(ctx, options->config_path, c->list, c->count, out));
    if ((*out)->task_id[0] == '\0') change(c, "general.task.task_id", made_name, QEA_SET_TEXT);
    make_paths_absolute(c, *out);
    qea_study_config_destroy(*out);
    *out = NULL;
    return qea_study_config_read(ctx, options->config_path, c->list, c->count, out);
}

qea_status qea_run_config(qea_context *ctx, const qea_study_options *options, const char *made_name,
                          qea_study_config **out) {
    changes *c;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "overrides", c, 1));
    qea_status status = read_config(ctx, options, made_name, c, out);
    for (size_t i = 0; i < c->num_paths; i++) free(c->paths[i]);
    qea_free(c);
    return status;
}

static void name_from_time(char name[32]) {
    struct tm parts;
    time_t now = time(NULL);
    localtime_r(&now, &parts);
    (void)snprintf(name, 32, "%04d%02d%02d-%02d%02d%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                   parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* --- opening --- */

static qea_status open_new(qea_context *ctx, qea_run *run) {
    char name[32];
    const qea_study_options *options = run->options;
    name_from_time(name);
    QEA_TRY(qea_run_config(ctx, options, name, &run->config));
    QEA_TRY(qea_run_check(ctx, run));
    return qea_task_create(ctx, run->config->base_path, run->config->task_id, run->config, &run->task);
}

/* What may change when a task is resumed: the steps, the search's budgets, what measures how well it ranks, and which
 * models are trained how often, for good; and the number of workers, for this time. */
typedef struct resume_overrides {
    qea_config_override all[MAX_OVERRIDES + 1]; /* those that the task keeps, and behind them perhaps the workers */
    size_t num_kept, num;
} resume_overrides;

static const char *const kept_keys[] = {"pipeline",
                                        "nas.budget",
                                        "nas.trials",
                                        "nas.stagnation",
                                        "nas.search_algorithm.policy.num_generation",
                                        "nas.agreement.genomes",
                                        "nas.agreement.bands",
                                        "nas.agreement.epochs",
                                        "fully_train.trials",
                                        "fully_train.max_models",
                                        "fully_train.seeds",
                                        "fully_train.baselines"};
enum { NUM_KEPT_KEYS = sizeof kept_keys / sizeof *kept_keys };

static bool is_kept(const char *key) {
    for (size_t k = 0; k < NUM_KEPT_KEYS; k++)
        if (strcmp(key, kept_keys[k]) == 0) return true;
    return false;
}

static qea_status refuse_override(qea_context *ctx, const char *key) {
    char allowed[512] = "general.workers";
    for (size_t k = 0, used = strlen(allowed); k < NUM_KEPT_KEYS && used < sizeof allowed; k++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, ", %s", kept_keys[k]);
    return qea_fail(ctx, QEA_ERR_CONFIG, "--set %s: a resumed task keeps its configuration; allowed: %s", key, allowed);
}

static qea_status sort_overrides(qea_context *ctx, const qea_study_options *options, resume_overrides *out) {
    qea_config_override workers = {0};
    for (size_t i = 0; i < options->num_overrides; i++) {
        const qea_override *given = &options->overrides[i];
        const qea_config_override override = {given->key, given->value, given->literal ? QEA_SET_TEXT : QEA_SET_YAML};
        if (is_kept(given->key) && out->num_kept < MAX_OVERRIDES)
            out->all[out->num_kept++] = override;
        else if (strcmp(given->key, "general.workers") == 0)
            workers = override;
        else
            return refuse_override(ctx, given->key);
    }
    out->num = out->num_kept;
    if (workers.key != NULL) out->all[out->num++] = workers;
    return QEA_OK;
}

/* What has been measured is not measured in another way. */
static qea_status check_agreement(qea_context *ctx, const qea_run *run, const resume_overrides *overrides) {
    static const char section[] = "nas.agreement.";
    qea_step_trials trials = {.step = "prediction"};
    QEA_TRY(qea_step_trials_load(ctx, run, &trials));
    bool begun = trials.count > 0;
    qea_step_trials_clear(&trials);
    for (size_t i = 0; begun && i < overrides->num_kept; i++)
        if (strncmp(overrides->all[i].key, section, strlen(section)) == 0)
            return qea_fail(ctx, QEA_ERR_CONFIG, "--set %s: %s: how well the search ranks is being measured already",
                            overrides->all[i].key, run->task.folder);
    return QEA_OK;
}

/* A budget below what has been spent would contradict the store. */
static qea_status check_budget(qea_context *ctx, const qea_run *run, const qea_study_config *config) {
    qea_step_trials trials = {.step = "nas"};
    QEA_TRY(qea_step_trials_load(ctx, run, &trials));
    size_t count = trials.count, budget = qea_budget_trials(config);
    qea_step_trials_clear(&trials);
    if (budget >= count) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_CONFIG, "%s: found a budget of %zu trials, but the search has had %zu already",
                    run->task.folder, budget, count);
}

/* Trials that are chosen must have been done, where the search will add none. */
static qea_status check_chosen(qea_context *ctx, const qea_run *run) {
    const qea_study_config *config = run->config;
    char place[512];
    qea_step_trials trials = {.step = "nas"};
    qea_status status = qea_step_trials_load(ctx, run, &trials);
    for (int i = 0; i < config->num_chosen && status == QEA_OK; i++) {
        const qea_trial_record *trial = qea_step_trials_find(&trials, (uint64_t)config->chosen[i]);
        if (trial != NULL ? trial->state == QEA_TRIAL_FAILED : trials.count >= qea_budget_trials(config))
            status = qea_fail(ctx, QEA_ERR_CONFIG, "%s: found %d, allowed: trials that the search has done",
                              qea_study_config_where(config, "fully_train.trials", place, sizeof place),
                              (int)config->chosen[i]);
    }
    qea_step_trials_clear(&trials);
    return status;
}

/* The task keeps what is new of its configuration, once all of it has been checked. */
static qea_status keep_changes(qea_context *ctx, const qea_run *run, const resume_overrides *overrides) {
    qea_study_config *config;
    if (overrides->num_kept == 0) return QEA_OK;
    QEA_TRY(qea_study_config_read(ctx, run->task.config_path, overrides->all, overrides->num_kept, &config));
    qea_status status = qea_task_save_config(ctx, &run->task, config);
    qea_study_config_destroy(config);
    for (size_t i = 0; i < overrides->num_kept && status == QEA_OK; i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "continued with %.100s=%.100s", overrides->all[i].key,
                       overrides->all[i].value);
        qea_task_log(&run->task, line);
        status = qea_store_add_event(ctx, run->task.store, "", 0, line);
        if (status == QEA_OK && strncmp(overrides->all[i].key, "nas.", 4) == 0)
            status = qea_store_set(ctx, run->task.store, "search end", ""); /* not yet */
    }
    return status;
}

/* The folder that the resumed task is in: that of the configuration beside it, where there is one. */
static qea_status open_task(qea_context *ctx, const qea_study_options *options, qea_task *out) {
    qea_study_config *config = NULL;
    const char *base = options->base_path;
    if (base == NULL && options->config_path != NULL) {
        QEA_TRY(qea_study_config_read(ctx, options->config_path, NULL, 0, &config));
        base = config->base_path;
    }
    qea_status status = qea_task_open(ctx, base != NULL ? base : "tasks", options->resume_task, out);
    qea_study_config_destroy(config);
    return status;
}

static qea_status open_old(qea_context *ctx, qea_run *run) {
    const qea_study_options *options = run->options;
    resume_overrides overrides = {.num_kept = 0};
    QEA_TRY(sort_overrides(ctx, options, &overrides));
    QEA_TRY(open_task(ctx, options, &run->task));
    QEA_TRY(qea_study_config_read(ctx, run->task.config_path, overrides.all, overrides.num, &run->config));
    QEA_TRY(check_agreement(ctx, run, &overrides));
    QEA_TRY(check_budget(ctx, run, run->config));
    QEA_TRY(check_chosen(ctx, run));
    QEA_TRY(qea_run_check(ctx, run));
    QEA_TRY(keep_changes(ctx, run, &overrides));
    qea_task_log(&run->task, "resumed");
    return qea_store_add_event(ctx, run->task.store, "", 0, "resumed");
}

static qea_status warn_if_not_repeatable(qea_context *ctx, const qea_run *run) {
    char *repeatable;
    QEA_TRY(qea_store_get(ctx, run->task.store, "repeatable", &repeatable));
    if (repeatable != NULL) qea_log(ctx, QEA_LOG_WARNING, "this run may not repeat: %s", repeatable);
    qea_free(repeatable);
    return QEA_OK;
}

/* The network goes into the store, so that a report needs no images. It is made for the images' size and classes: a
 * task does not go on with others. */
static qea_status record_network(qea_context *ctx, qea_run *run) {
    char *text, *before = NULL;
    if (run->graph == NULL) return QEA_OK;
    QEA_TRY(qea_graph_to_json(ctx, run->graph, &text));
    qea_status status = qea_store_get(ctx, run->task.store, "network", &before);
    if (status == QEA_OK && before != NULL && strcmp(before, text) != 0 && !run->options->force)
        status = qea_fail(ctx, QEA_ERR_STATE,
                          "%s was begun with another network, as the images had another size or other classes; start a "
                          "new task, or go on with --force",
                          run->task.folder);
    if (status == QEA_OK) status = qea_store_set(ctx, run->task.store, "network", text);
    qea_free(before);
    qea_string_free(text);
    return status;
}

/* Other images under the same name would make trials that cannot be compared. */
static qea_status record_images(qea_context *ctx, qea_run *run) {
    const bool force = run->options->force;
    if (run->search_images[0] != '\0')
        QEA_TRY(qea_task_record(ctx, &run->task, "images of the search", run->search_images, force));
    if (run->full_images[0] == '\0') return QEA_OK;
    return qea_task_record(ctx, &run->task, "images of the full training", run->full_images, force);
}

qea_status qea_run_load_network(qea_context *ctx, qea_run *run) {
    char *text;
    QEA_TRY(qea_store_get(ctx, run->task.store, "network", &text));
    qea_status status = text != NULL ? qea_graph_from_json(ctx, text, strlen(text), &run->graph) : QEA_OK;
    qea_free(text);
    return status;
}

static void tell_end(qea_context *ctx, const qea_run *run, qea_status status) {
    const char *text = status != QEA_OK ? qea_context_message(ctx) : NULL;
    if (run->options->progress == NULL) return;
    const qea_study_progress progress = {.event = QEA_STUDY_ENDED,
                                         .task_folder = run->task.folder,
                                         .hypervolume = NAN,
                                         .elapsed_s = NAN,
                                         .eta_s = NAN,
                                         .text = text,
                                         .status = status};
    run->options->progress(run->options->user, &progress);
}

/* Made before anything is trained, so that a wrong place is found out then. */
static qea_status open_tensorboard(qea_context *ctx, qea_run *run) {
    const char *folder = run->options->tensorboard;
    if (folder == NULL) return QEA_OK;
    if (folder[0] == '\0')
        QEA_TRY(qea_task_path(ctx, &run->task, "output/tensorboard", &run->tensorboard));
    else
        QEA_TRY(qea_path_join(ctx, folder, run->config->task_id, &run->tensorboard));
    return qea_folder_make(ctx, run->tensorboard);
}

/* The search with the steps before it. *stopped: its time was spent before there was a trial. */
static qea_status run_search(qea_context *ctx, qea_run *run, qea_study_result *result, bool *stopped) {
    QEA_TRY(qea_search_clock_start(ctx, run->task.store, run->config->budget_s, &run->clock));
    if (run->config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS)
        QEA_TRY(qea_run_supernet(ctx, run, &result->search_end));
    *stopped = result->search_end != NULL;
    if (!*stopped) QEA_TRY(qea_run_nas(ctx, run, &result->search_end));
    QEA_TRY(qea_run_write_outputs(ctx, run, &result->table)); /* stand before the long step begins */
    qea_free(result->table);
    result->table = NULL;
    return QEA_OK;
}

static qea_status run_steps(qea_context *ctx, qea_run *run, qea_study_result *result) {
    QEA_TRY(qea_task_environment(ctx, &run->task, run->config, run->options->force));
    QEA_TRY(record_network(ctx, run));
    QEA_TRY(record_images(ctx, run));
    QEA_TRY(open_tensorboard(ctx, run));
    QEA_TRY(qea_look_begun(ctx, run->task.store));
    qea_status status = QEA_OK;
    bool stopped = false;
    if (run->config->has_nas) status = run_search(ctx, run, result, &stopped);
    if (status == QEA_OK && run->config->has_nas && run->config->agreement.genomes > 0 && !stopped)
        status = qea_run_agreement(ctx, run);
    if (status == QEA_OK && run->config->has_fully_train && !stopped) status = qea_run_fully_train(ctx, run);
    if (status == QEA_OK) status = qea_run_write_outputs(ctx, run, &result->table);
    qea_look_ended(run->task.store, status, qea_context_message(ctx));
    if (status == QEA_OK) return warn_if_not_repeatable(ctx, run);
    char line[2100];
    (void)snprintf(line, sizeof line, "ended: %s", qea_context_message(ctx));
    qea_task_log(&run->task, line);
    return status;
}

qea_status qea_study_run(qea_context *ctx, const qea_study_options *options, qea_study_result *result) {
    *result = (qea_study_result){0};
    qea_run run = {.options = options, .task = {.log_fd = -1}};
    qea_status status = options->resume_task != NULL ? open_old(ctx, &run) : open_new(ctx, &run);
    if (run.task.folder != NULL && status == QEA_OK) status = qea_strdup(ctx, run.task.folder, &result->task_folder);
    if (status == QEA_OK) status = run_steps(ctx, &run, result);
    tell_end(ctx, &run, status);
    qea_bit_space_destroy(run.space);
    qea_graph_destroy(run.graph);
    qea_free(run.tensorboard);
    qea_task_close(&run.task);
    qea_study_config_destroy(run.config);
    return status;
}

void qea_study_result_clear(qea_study_result *result) {
    qea_free(result->task_folder);
    qea_free(result->table);
    qea_free(result->search_end);
    *result = (qea_study_result){0};
}
