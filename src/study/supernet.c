/* The steps before a search with shared weights, and where every training of a run begins. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "study/run.h"

enum { FLOAT_BITS = 32 };

static bool is_float(const qea_trial_record *record) {
    for (size_t i = 0; i < record->num_layers; i++)
        if (record->weight_bits[i] != FLOAT_BITS || record->activation_bits[i] != FLOAT_BITS) return false;
    return true;
}

static qea_status model_path(qea_context *ctx, const qea_run *run, const char *step, uint64_t id, char **path) {
    char name[80];
    (void)snprintf(name, sizeof name, "output/%s/model_%" PRIu64 ".safetensors", step, id);
    return qea_task_path(ctx, &run->task, name, path);
}

/* The network that the supernet begins from. */
static qea_status float_path(qea_context *ctx, const qea_run *run, char **path) {
    if (run->config->search_pretrained != NULL) return qea_strdup(ctx, run->config->search_pretrained, path);
    return model_path(ctx, run, "float", 1, path);
}

static qea_status supernet_path(qea_context *ctx, const qea_run *run, char **path) {
    const char *given = run->config->supernet.path;
    return given != NULL ? qea_strdup(ctx, given, path) : model_path(ctx, run, "supernet", 1, path);
}

static qea_status full_start_path(qea_context *ctx, const qea_run *run, const qea_trial_record *record, char **path) {
    const qea_study_config *config = run->config;
    if (config->init == QEA_INIT_SCRATCH) return QEA_OK;
    if (config->init == QEA_INIT_PRETRAINED) return qea_strdup(ctx, config->pretrained, path);
    if (config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS)
        return is_float(record) ? float_path(ctx, run, path) : supernet_path(ctx, run, path);
    if (record->source == 0) return QEA_OK; /* a baseline that the search did not train begins from scratch */
    return model_path(ctx, run, "nas", record->source, path);
}

/* As a front model begins, but where that is its trial, which these genomes have not: then as trials begin. A file may
 * come from a training on the images that judge here: a search with shared weights has a float network of its own. */
static qea_status agreement_start_path(qea_context *ctx, const qea_run *run, const qea_trial_record *record,
                                       char **path) {
    const qea_study_config *config = run->config;
    if (config->init == QEA_INIT_SEARCH && config->evaluator == QEA_EVALUATOR_FINETUNE)
        return qea_strdup(ctx, config->search_pretrained, path);
    if (config->init == QEA_INIT_SEARCH && config->evaluator != QEA_EVALUATOR_SHARED_WEIGHTS) return QEA_OK;
    if (config->init == QEA_INIT_PRETRAINED && config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS)
        return float_path(ctx, run, path);
    return full_start_path(ctx, run, record, path);
}

qea_status qea_run_start_path(qea_context *ctx, const qea_run *run, const char *step, const qea_trial_record *record,
                              char **path) {
    const qea_study_config *config = run->config;
    if (strcmp(step, "fully_train") == 0) return full_start_path(ctx, run, record, path);
    if (strcmp(step, "agreement") == 0) return agreement_start_path(ctx, run, record, path);
    if (strcmp(step, "supernet") == 0) return float_path(ctx, run, path);
    if (strcmp(step, "float") == 0) return QEA_OK;
    if (config->evaluator == QEA_EVALUATOR_FINETUNE) return qea_strdup(ctx, config->search_pretrained, path);
    return config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS ? supernet_path(ctx, run, path) : QEA_OK;
}

qea_status qea_run_teacher_path(qea_context *ctx, const qea_run *run, const char *step, char **path) {
    const qea_study_config *config = run->config;
    if (strcmp(step, "supernet") == 0)
        return config->supernet.distillation.weight > 0 ? float_path(ctx, run, path) : QEA_OK;
    bool agreement = strcmp(step, "agreement") == 0, full = strcmp(step, "fully_train") == 0 || agreement;
    bool own = agreement && config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS; /* see agreement_start_path */
    if (!full || config->teacher == NULL || config->distillation.weight == 0) return QEA_OK;
    if (own || strcmp(config->teacher, "search") == 0) return float_path(ctx, run, path);
    return qea_strdup(ctx, config->teacher, path);
}

/* --- the two steps --- */

/* What was trained since the last checkpoint is lost; the checkpoint is where a larger budget goes on. */
static qea_status tell_end(qea_context *ctx, const qea_run *run, const char *step, char **end) {
    char text[128], time[48];
    (void)snprintf(text, sizeof text, "the time of %s is spent in the training of the %s (no trials)",
                   qea_duration_format(run->config->budget_s, time),
                   strcmp(step, "float") == 0 ? "float network" : "supernet");
    QEA_TRY(qea_store_set(ctx, run->task.store, "search end", text));
    qea_task_log(&run->task, text);
    return qea_strdup(ctx, text, end);
}

static qea_status train_what_is_left(qea_context *ctx, qea_run *run, qea_step_trials *trials, char **end) {
    qea_crew *crew;
    if (trials->records[0].state == QEA_TRIAL_ASKED) {
        QEA_TRY(qea_crew_create(ctx, run, trials, &crew));
        qea_status status = qea_crew_run(ctx, crew);
        qea_crew_destroy(crew);
        if (status != QEA_OK) return status;
    }
    const qea_trial_record *record = &trials->records[0];
    if (record->state == QEA_TRIAL_DONE) return QEA_OK;
    if (record->state == QEA_TRIAL_ASKED) return tell_end(ctx, run, trials->step, end);
    return qea_fail(ctx, QEA_ERR_DIVERGED, "the training of the %s network failed: %s", record->label,
                    record->reason != NULL ? record->reason : "no reason is known");
}

static qea_status run_step(qea_context *ctx, qea_run *run, const char *step, const uint8_t *weight_bits,
                           const uint8_t *activation_bits, char **end) {
    char name[32], *folder;
    (void)snprintf(name, sizeof name, "output/%s", step);
    QEA_TRY(qea_task_path(ctx, &run->task, name, &folder));
    qea_status status = qea_folder_make(ctx, folder);
    qea_free(folder);
    if (status != QEA_OK) return status;
    qea_step_trials trials = {.step = step, .total = 1, .keep_models = true, .checkpoints = true, .clock = &run->clock};
    status = qea_step_trials_load(ctx, run, &trials);
    if (status == QEA_OK) status = qea_step_trials_reopen(ctx, run, &trials);
    if (status == QEA_OK && trials.count == 0)
        status = qea_step_trials_add(ctx, run, &trials, 1, step, 0, NULL, 0, weight_bits, activation_bits);
    if (status == QEA_OK) status = qea_step_trials_save(ctx, run, &trials, 0);
    if (status == QEA_OK) status = train_what_is_left(ctx, run, &trials, end);
    qea_step_trials_clear(&trials);
    return status;
}

qea_status qea_run_supernet(qea_context *ctx, qea_run *run, char **end) {
    size_t layers = run->space->num_layers;
    uint8_t *bits;
    *end = NULL;
    if (run->config->supernet.path != NULL) return QEA_OK;
    QEA_TRY(QEA_NEW(ctx, "bits", bits, 2 * layers));
    memset(bits, FLOAT_BITS, 2 * layers);
    qea_status status = QEA_OK;
    if (run->config->search_pretrained == NULL) status = run_step(ctx, run, "float", bits, bits + layers, end);
    qea_bit_space_highest(run->space, bits, bits + layers);
    if (status == QEA_OK && *end == NULL) status = run_step(ctx, run, "supernet", bits, bits + layers, end);
    qea_free(bits);
    return status;
}
