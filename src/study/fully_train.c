/* The step `fully_train`: the front's models, or those that were chosen, and the uniform baselines with one recipe. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "quantea/search.h"
#include "study/run.h"

typedef struct front_choice {
    uint64_t *ids; /* owned, ascending */
    size_t count;
} front_choice;

/* Is it the model of a trial of the search, and not a further training of one? */
static bool is_of_search(const qea_trial_record *record) {
    return strcmp(record->label, "front") == 0 || strcmp(record->label, "trial") == 0;
}

static bool equal_costs(const qea_cost *a, const qea_cost *b) {
    for (int k = 0; k < QEA_OBJ_COUNT; k++)
        if (k != QEA_OBJ_ACCURACY && qea_cost_value(a, (qea_objective)k) != qea_cost_value(b, (qea_objective)k))
            return false;
    return true;
}

/* Of trials with equal objectives and costs the first stays. */
static qea_status leave_out_equal(qea_context *ctx, const qea_run *run, qea_step_trials *search, front_choice *front) {
    size_t kept = 0, bytes = (size_t)run->config->num_objectives * sizeof(double);
    qea_cost *costs; /* of those that stay, and of one more; all 0 where there is no network */
    QEA_TRY(QEA_NEW(ctx, "costs of the front", costs, front->count + 1));
    qea_status status = QEA_OK;
    for (size_t i = 0; status == QEA_OK && i < front->count; i++) {
        const qea_trial_record *mine = qea_step_trials_find(search, front->ids[i]);
        bool known = false;
        if (run->graph != NULL)
            status = qea_bit_space_cost(ctx, run->space, mine->weight_bits, mine->activation_bits, &costs[kept]);
        for (size_t k = 0; k < kept && !known; k++)
            known = memcmp(qea_step_trials_find(search, front->ids[k])->objectives, mine->objectives, bytes) == 0 &&
                    equal_costs(&costs[k], &costs[kept]);
        if (!known) front->ids[kept++] = front->ids[i];
    }
    front->count = kept;
    qea_free(costs);
    return status;
}

/* Smallest number of partitions whose reference points are at least `points`. */
static qea_status points_for(qea_context *ctx, size_t objectives, size_t points, double **out, size_t *count) {
    for (size_t p = 1;; p++) {
        QEA_TRY(qea_reference_points(ctx, objectives, p, 0, out, count));
        if (*count >= points || objectives == 1) return QEA_OK;
        qea_points_free(*out);
    }
}

static qea_status choose_by_niching(qea_context *ctx, const qea_run *run, qea_step_trials *search, front_choice *front,
                                    size_t keep, double *values, size_t *chosen) {
    size_t m = (size_t)run->config->num_objectives, num_points;
    double *points = NULL;
    qea_survival *survival = NULL;
    for (size_t i = 0; i < front->count; i++)
        qea_run_minimised(run, qea_step_trials_find(search, front->ids[i])->objectives, values + i * m);
    QEA_TRY(points_for(ctx, m, keep, &points, &num_points));
    qea_status status = qea_survival_create(ctx, m, points, num_points, run->config->seed, &survival);
    if (status == QEA_OK) status = qea_survival_select(ctx, survival, 0, values, NULL, front->count, keep, chosen);
    if (status == QEA_OK) {
        for (size_t i = 0; i < keep; i++) front->ids[i] = front->ids[chosen[i]];
        front->count = keep;
    }
    qea_survival_destroy(survival);
    qea_points_free(points);
    return status;
}

static qea_status cap(qea_context *ctx, const qea_run *run, qea_step_trials *search, front_choice *front) {
    size_t keep = run->config->max_models, m = (size_t)run->config->num_objectives;
    if (front->count <= keep) return QEA_OK;
    double *values = NULL;
    size_t *chosen = NULL;
    qea_status status = QEA_NEW(ctx, "objectives", values, front->count * m);
    if (status == QEA_OK) status = QEA_NEW(ctx, "chosen models", chosen, keep);
    if (status == QEA_OK) status = choose_by_niching(ctx, run, search, front, keep, values, chosen);
    qea_free(values);
    qea_free(chosen);
    return status;
}

/* A model that the store may know from before. */
static qea_status add_if_new(qea_context *ctx, qea_run *run, qea_step_trials *trials, uint64_t id, const char *label,
                             uint64_t source, const uint8_t *weight_bits, const uint8_t *activation_bits) {
    const qea_trial_record *known = qea_step_trials_find(trials, id);
    if (known == NULL)
        return qea_step_trials_add(ctx, run, trials, id, label, source, NULL, 0, weight_bits, activation_bits);
    size_t layers = run->space->num_layers;
    if (known->num_layers == layers && memcmp(known->weight_bits, weight_bits, layers) == 0 &&
        memcmp(known->activation_bits, activation_bits, layers) == 0)
        return QEA_OK;
    return qea_fail(ctx, QEA_ERR_STATE, "%s: model %" PRIu64 " in the store has other bits than this run's",
                    run->task.folder, id);
}

static uint64_t last_id(const qea_step_trials *trials) {
    return trials->count > 0 ? trials->records[trials->count - 1].id : 0;
}

/* Baselines are numbered behind the trials that the search had when the first full training began. */
static qea_status find_first_baseline(qea_context *ctx, const qea_run *run, const qea_step_trials *search,
                                      uint64_t *id) {
    static const char setting[] = "first baseline";
    char *text, number[24];
    long long value;
    QEA_TRY(qea_store_get(ctx, run->task.store, setting, &text));
    bool known = text != NULL && qea_int_parse(text, &value) && value > 0;
    qea_free(text);
    *id = known ? (uint64_t)value : last_id(search) + 1;
    if (known) return QEA_OK;
    (void)snprintf(number, sizeof number, "%" PRIu64, *id);
    return qea_store_set(ctx, run->task.store, setting, number);
}

/* Of the model of a trial of the search: the trial's own, but where the search went on after a full training another
 * model may have that. */
static uint64_t model_id(const qea_run *run, const qea_step_trials *search, qea_step_trials *trials,
                         uint64_t first_baseline, uint64_t source) {
    uint64_t behind_baselines = first_baseline + (uint64_t)run->config->num_baselines, free_id = behind_baselines;
    for (size_t i = 0; i < trials->count; i++)
        if (trials->records[i].source == source && is_of_search(&trials->records[i])) return trials->records[i].id;
    bool taken = source >= first_baseline && source < behind_baselines;
    if (!taken && qea_step_trials_find(trials, source) == NULL) return source;
    if (free_id <= last_id(search)) free_id = last_id(search) + 1;
    return free_id <= last_id(trials) ? last_id(trials) + 1 : free_id;
}

static qea_status add_model(qea_context *ctx, qea_run *run, const qea_step_trials *search, uint64_t first_baseline,
                            const qea_trial_record *trial, const char *label, qea_step_trials *trials) {
    uint64_t id = model_id(run, search, trials, first_baseline, trial->id);
    return add_if_new(ctx, run, trials, id, label, trial->id, trial->weight_bits, trial->activation_bits);
}

static bool is_among(const front_choice *front, uint64_t id) {
    for (size_t i = 0; i < front->count; i++)
        if (front->ids[i] == id) return true;
    return false;
}

/* Those of the front are told from others, which the user may have reasons for. */
static qea_status add_chosen(qea_context *ctx, qea_run *run, qea_step_trials *search, uint64_t first_baseline,
                             const front_choice *front, qea_step_trials *trials) {
    const qea_study_config *config = run->config;
    for (int i = 0; i < config->num_chosen; i++) {
        char place[512];
        const uint64_t id = (uint64_t)config->chosen[i];
        const qea_trial_record *trial = qea_step_trials_find(search, id);
        if (trial == NULL || trial->state != QEA_TRIAL_DONE)
            return qea_fail(ctx, QEA_ERR_CONFIG, "%s: found %" PRIu64 ", allowed: trials that the search has done",
                            qea_study_config_where(config, "fully_train.trials", place, sizeof place), id);
        QEA_TRY(add_model(ctx, run, search, first_baseline, trial, is_among(front, id) ? "front" : "trial", trials));
    }
    return QEA_OK;
}

static qea_status add_front(qea_context *ctx, qea_run *run, qea_step_trials *search, uint64_t first_baseline,
                            front_choice *front, qea_step_trials *trials) {
    QEA_TRY(leave_out_equal(ctx, run, search, front));
    QEA_TRY(cap(ctx, run, search, front));
    for (size_t i = 0; i < front->count; i++)
        QEA_TRY(
            add_model(ctx, run, search, first_baseline, qea_step_trials_find(search, front->ids[i]), "front", trials));
    return QEA_OK;
}

static qea_status add_models(qea_context *ctx, qea_run *run, qea_step_trials *search, uint64_t first_baseline,
                             qea_step_trials *trials) {
    front_choice front = {0};
    qea_status status = qea_run_front(ctx, run, search, &front.ids, &front.count);
    if (status == QEA_OK)
        status = run->config->num_chosen > 0 ? add_chosen(ctx, run, search, first_baseline, &front, trials)
                                             : add_front(ctx, run, search, first_baseline, &front, trials);
    qea_free(front.ids);
    return status;
}

static bool all_equal(const uint8_t *bits, size_t count, int value) {
    for (size_t i = 0; i < count; i++)
        if (bits[i] != value) return false;
    return true;
}

/* The front model with these bits in every layer, if it trains exactly as the baseline would: not when it starts from
 * its own trial. */
static const qea_trial_record *uniform_front_model(const qea_run *run, const qea_step_trials *trials,
                                                   const int baseline[2]) {
    if (run->config->init == QEA_INIT_SEARCH && run->config->evaluator != QEA_EVALUATOR_SHARED_WEIGHTS) return NULL;
    for (size_t i = 0; i < trials->count; i++) {
        const qea_trial_record *record = &trials->records[i];
        if (is_of_search(record) && all_equal(record->weight_bits, record->num_layers, baseline[0]) &&
            all_equal(record->activation_bits, record->num_layers, baseline[1]))
            return record;
    }
    return NULL;
}

/* Of the i-th baseline: the id that it has, its place behind the trials of the search, or, where that is taken because
 * the baseline was added to a task that had ended, one behind all models, of which each i has another. */
static uint64_t baseline_id(const qea_run *run, const qea_step_trials *search, qea_step_trials *trials,
                            uint64_t first_baseline, int i) {
    const int *bits = run->config->baselines[i];
    const uint64_t id = first_baseline + (uint64_t)i;
    for (size_t k = 0; k < trials->count; k++) {
        const qea_trial_record *record = &trials->records[k];
        if (strcmp(record->label, "baseline") == 0 && all_equal(record->weight_bits, record->num_layers, bits[0]) &&
            all_equal(record->activation_bits, record->num_layers, bits[1]))
            return record->id;
    }
    if (qea_step_trials_find(trials, id) == NULL) return id;
    return (last_id(search) > last_id(trials) ? last_id(search) : last_id(trials)) + 1 + (uint64_t)i;
}

static qea_status add_baselines(qea_context *ctx, qea_run *run, const qea_step_trials *search, uint64_t first_baseline,
                                qea_step_trials *trials) {
    const qea_study_config *config = run->config;
    size_t layers = run->space->num_layers;
    uint8_t *bits;
    QEA_TRY(QEA_NEW(ctx, "bits", bits, 2 * layers));
    qea_status status = QEA_OK;
    for (int i = 0; status == QEA_OK && i < config->num_baselines; i++) {
        int w = config->baselines[i][0], a = config->baselines[i][1];
        if (uniform_front_model(run, trials, config->baselines[i]) != NULL) continue; /* see add_twins */
        if (!qea_quantizer_weight_bits_ok(config->weight_quantizer, w) ||
            !qea_quantizer_activation_bits_ok(config->activation_quantizer, a)) {
            qea_log(ctx, QEA_LOG_WARNING,
                    "the baseline w%da%d is left out: the quantizer is not defined for these bits", w, a);
            continue;
        }
        memset(bits, w, layers);
        memset(bits + layers, a, layers);
        status = add_if_new(ctx, run, trials, baseline_id(run, search, trials, first_baseline, i), "baseline", 0, bits,
                            bits + layers);
    }
    qea_free(bits);
    return status;
}

/* Further trainings of a model, to config->seeds in all. Adding moves the records, hence the index. */
static qea_status add_repeats_of(qea_context *ctx, qea_run *run, qea_step_trials *trials, size_t model,
                                 uint64_t *next_id) {
    qea_trial_record original;
    int known = 1;
    for (size_t i = 0; i < trials->count; i++)
        known += strcmp(trials->records[i].label, "repeat") == 0 &&
                 qea_trial_same_network(&trials->records[i], &trials->records[model]);
    QEA_TRY(qea_trial_record_copy(ctx, &trials->records[model], &original));
    qea_status status = QEA_OK;
    for (; status == QEA_OK && known < run->config->seeds; known++, ++*next_id)
        status = qea_step_trials_add(ctx, run, trials, *next_id, "repeat", original.source, NULL, 0,
                                     original.weight_bits, original.activation_bits);
    qea_trial_record_clear(&original);
    return status;
}

/* Behind all models, so that each model is trained once before any is trained again. */
static qea_status add_repeats(qea_context *ctx, qea_run *run, const qea_step_trials *search, uint64_t first_baseline,
                              qea_step_trials *trials) {
    uint64_t next_id = first_baseline + (uint64_t)run->config->num_baselines;
    size_t models = trials->count;
    if (next_id <= last_id(search)) next_id = last_id(search) + 1;
    if (next_id <= last_id(trials)) next_id = last_id(trials) + 1;
    for (size_t i = 0; i < models; i++)
        if (strcmp(trials->records[i].label, "repeat") != 0) QEA_TRY(add_repeats_of(ctx, run, trials, i, &next_id));
    return QEA_OK;
}

static qea_status copy_as_baseline(qea_context *ctx, const qea_run *run, const qea_trial_record *front, uint64_t id) {
    qea_trial_record copy = {0};
    qea_status status = qea_trial_record_copy(ctx, front, &copy);
    qea_free(copy.label);
    copy.label = NULL;
    copy.id = id;
    if (status == QEA_OK) status = qea_strdup(ctx, "baseline", &copy.label);
    if (status == QEA_OK) status = qea_store_put_trial(ctx, run->task.store, &copy);
    qea_trial_record_clear(&copy);
    return status;
}

/* Baselines that were not trained because a front model is the same network trained from the same seed. */
static qea_status add_twins(qea_context *ctx, const qea_run *run, const qea_step_trials *search,
                            uint64_t first_baseline, qea_step_trials *trials) {
    for (int i = 0; i < run->config->num_baselines; i++) {
        const qea_trial_record *front = uniform_front_model(run, trials, run->config->baselines[i]);
        if (front != NULL)
            QEA_TRY(copy_as_baseline(ctx, run, front, baseline_id(run, search, trials, first_baseline, i)));
    }
    return QEA_OK;
}

qea_status qea_run_fully_train(qea_context *ctx, qea_run *run) {
    qea_step_trials search = {.step = "nas"},
                    trials = {.step = "fully_train", .keep_models = true, .checkpoints = true};
    uint64_t first_baseline = 0;
    qea_status status = qea_step_trials_load(ctx, run, &search);
    if (status == QEA_OK) status = qea_step_trials_load(ctx, run, &trials);
    if (status == QEA_OK) status = qea_step_trials_reopen(ctx, run, &trials);
    if (status == QEA_OK) status = find_first_baseline(ctx, run, &search, &first_baseline);
    if (status == QEA_OK) status = add_models(ctx, run, &search, first_baseline, &trials);
    if (status == QEA_OK) status = add_baselines(ctx, run, &search, first_baseline, &trials);
    if (status == QEA_OK) status = add_repeats(ctx, run, &search, first_baseline, &trials);
    if (status == QEA_OK) status = qea_step_trials_save(ctx, run, &trials, 0);
    trials.total = trials.count;
    if (status == QEA_OK) status = qea_crew_work(ctx, run, &trials);
    if (status == QEA_OK) status = add_twins(ctx, run, &search, first_baseline, &trials);
    qea_step_trials_clear(&trials);
    qea_step_trials_clear(&search);
    return status;
}
