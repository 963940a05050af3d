#include "study/agreement.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Of what a record says that it found; NaN: it has no result. */
static double number_of(const qea_trial_record *record, const char *key) {
    json_t *result = record->result_json != NULL ? json_loads(record->result_json, 0, NULL) : NULL;
    const json_t *value = json_object_get(result, key);
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    json_decref(result);
    return number;
}

static bool is_waiting(const qea_step_trials *trials) {
    for (size_t i = 0; i < trials->count; i++)
        if (trials->records[i].state == QEA_TRIAL_ASKED) return true;
    return false;
}

/* --- the genomes that are ranked --- */

static qea_status add_genome(qea_context *ctx, const qea_run *run, qea_step_trials *trials, uint64_t id, size_t band,
                             const uint16_t *genome, uint8_t *bits) {
    const qea_bit_space *space = run->space;
    const qea_trial_record *known = qea_step_trials_find(trials, id);
    char label[32];
    if (known == NULL) {
        (void)snprintf(label, sizeof label, "band%zu", band + 1);
        qea_bit_space_decode(space, genome, bits, bits + space->num_layers);
        return qea_step_trials_add(ctx, run, trials, id, label, 0, genome, space->num_genes, bits,
                                   bits + space->num_layers);
    }
    if (known->genome_length == space->num_genes &&
        memcmp(known->genome, genome, space->num_genes * sizeof *genome) == 0)
        return QEA_OK;
    return qea_fail(ctx, QEA_ERR_STATE,
                    "%s: the agreement's genome %" PRIu64 " in the store is another one: nas.agreement was changed",
                    run->task.folder, id);
}

static qea_status add_genomes(qea_context *ctx, const qea_run *run, const qea_agreement_choice *choice,
                              qea_step_trials *trials) {
    size_t count = run->config->agreement.bands * choice->per_band;
    uint8_t *bits;
    if (trials->count > count)
        return qea_fail(ctx, QEA_ERR_STATE,
                        "%s: the store has %zu genomes of the agreement, not %zu: nas.agreement "
                        "was changed",
                        run->task.folder, trials->count, count);
    QEA_TRY(QEA_NEW(ctx, "bits", bits, 2 * run->space->num_layers));
    qea_status status = QEA_OK;
    for (size_t i = 0; i < count && status == QEA_OK; i++)
        status = add_genome(ctx, run, trials, i + 1, i / choice->per_band, choice->genomes + i * run->space->num_genes,
                            bits);
    qea_free(bits);
    return status;
}

/* The ids 1, 2... with as many in each band: so an id tells its band. */
static qea_status check_bands(qea_context *ctx, const qea_run *run, const qea_step_trials *trials) {
    size_t bands = run->config->agreement.bands, count = trials->count;
    uint64_t last = count > 0 ? trials->records[count - 1].id : 0;
    if (count > 0 && count % bands == 0 && last == count) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_DATA,
                    "%s/task.db: step %s: found %zu trials, the last of them %" PRIu64
                    ", allowed: trials from 1 on without a gap, as many in each of the %zu bands",
                    run->task.folder, trials->step, count, last, bands);
}

/* What the search knows of a genome need not be found out again. */
static qea_status take_result(qea_context *ctx, qea_trial_record *record, const qea_trial_record *trial) {
    qea_trial_record copy = {0};
    QEA_TRY(qea_trial_record_copy(ctx, trial, &copy));
    char *step = copy.step, *label = copy.label;
    copy.step = record->step;
    copy.label = record->label;
    copy.id = record->id;
    copy.source = trial->id;
    copy.started_s = copy.ended_s = copy.train_seconds = 0; /* of the search */
    qea_free(copy.model_path);
    copy.model_path = NULL;
    record->step = step;
    record->label = label;
    qea_trial_record_clear(record);
    *record = copy;
    return QEA_OK;
}

static qea_status take_results(qea_context *ctx, const qea_run *run, qea_step_trials *trials) {
    qea_step_trials search = {.step = "nas"};
    qea_status status = qea_step_trials_load(ctx, run, &search);
    for (size_t i = 0; i < trials->count && status == QEA_OK; i++)
        for (size_t k = 0; k < search.count && trials->records[i].state == QEA_TRIAL_ASKED && status == QEA_OK; k++) {
            const qea_trial_record *trial = &search.records[k];
            if (trial->state == QEA_TRIAL_DONE && trial->genome_length == trials->records[i].genome_length &&
                memcmp(trial->genome, trials->records[i].genome, trial->genome_length * sizeof *trial->genome) == 0)
                status = take_result(ctx, &trials->records[i], trial);
        }
    qea_step_trials_clear(&search);
    return status;
}

static qea_status rank(qea_context *ctx, qea_run *run, const qea_agreement_choice *choice, qea_step_trials *trials) {
    QEA_TRY(qea_step_trials_load(ctx, run, trials));
    QEA_TRY(add_genomes(ctx, run, choice, trials));
    QEA_TRY(check_bands(ctx, run, trials));
    QEA_TRY(take_results(ctx, run, trials));
    QEA_TRY(qea_step_trials_save(ctx, run, trials, 0));
    return is_waiting(trials) ? qea_crew_work(ctx, run, trials) : QEA_OK;
}

/* --- those that are trained --- */

typedef struct ranked {
    const qea_trial_record *record;
    double accuracy;
} ranked;

static int by_accuracy(const void *a, const void *b) {
    const ranked *p = a, *q = b;
    if (p->accuracy != q->accuracy) return p->accuracy > q->accuracy ? -1 : 1;
    return (p->record->id > q->record->id) - (p->record->id < q->record->id);
}

/* Of a band evenly over the ranks, the best and the last among them. */
static qea_status add_band(qea_context *ctx, qea_run *run, size_t needed, ranked *list, size_t count,
                           qea_step_trials *trained) {
    if (needed > count) needed = count;
    qsort(list, count, sizeof *list, by_accuracy);
    for (size_t i = 0; i < needed; i++) {
        const qea_trial_record *record = list[needed > 1 ? i * (count - 1) / (needed - 1) : 0].record;
        if (qea_step_trials_find(trained, record->id) != NULL) continue;
        QEA_TRY(qea_step_trials_add(ctx, run, trained, record->id, record->label, 0, record->genome,
                                    record->genome_length, record->weight_bits, record->activation_bits));
    }
    return QEA_OK;
}

static qea_status add_bands(qea_context *ctx, qea_run *run, size_t per_band, const qea_step_trials *predicted,
                            qea_step_trials *trained) {
    const qea_agreement_config *wanted = &run->config->agreement;
    ranked *list;
    QEA_TRY(QEA_NEW(ctx, "genomes", list, per_band));
    qea_status status = QEA_OK;
    for (size_t band = 0; band < wanted->bands && status == QEA_OK; band++) {
        size_t count = 0;
        for (size_t i = band * per_band; i < (band + 1) * per_band; i++) {
            const qea_trial_record *record = &predicted->records[i];
            double accuracy = number_of(record, "accuracy");
            if (record->state == QEA_TRIAL_DONE && !isnan(accuracy)) list[count++] = (ranked){record, accuracy};
        }
        status = add_band(ctx, run, wanted->genomes / wanted->bands, list, count, trained);
    }
    qea_free(list);
    return status;
}

static qea_status train(qea_context *ctx, qea_run *run, size_t per_band, const qea_step_trials *predicted,
                        qea_step_trials *trained) {
    QEA_TRY(qea_step_trials_load(ctx, run, trained));
    QEA_TRY(qea_step_trials_reopen(ctx, run, trained));
    QEA_TRY(add_bands(ctx, run, per_band, predicted, trained));
    QEA_TRY(qea_step_trials_save(ctx, run, trained, 0));
    trained->total = trained->count;
    return is_waiting(trained) ? qea_crew_work(ctx, run, trained) : QEA_OK;
}

qea_status qea_run_agreement(qea_context *ctx, qea_run *run) {
    qea_agreement_choice choice;
    qea_step_trials predicted = {.step = "prediction"}, trained = {.step = "agreement", .checkpoints = true};
    QEA_TRY(qea_agreement_choose(ctx, run->space, &choice));
    predicted.total = run->config->agreement.bands * choice.per_band;
    qea_status status = rank(ctx, run, &choice, &predicted);
    if (status == QEA_OK) status = train(ctx, run, choice.per_band, &predicted, &trained);
    qea_step_trials_clear(&predicted);
    qea_step_trials_clear(&trained);
    qea_free(choice.genomes);
    return status;
}

/* --- for the report --- */

static double images_of(const qea_step_trials *trials) {
    double images = 0;
    for (size_t i = 0; i < trials->count; i++) {
        const qea_trial_record *record = &trials->records[i];
        double trained = record->source == 0 ? number_of(record, "train_images") : 0; /* else a trial of the search */
        if (isfinite(trained)) images += trained;
    }
    return images;
}

static qea_status fill(qea_context *ctx, const qea_run *run, qea_agreement_view *view) {
    static const char *const names[] = {"train", "finetune", "shared_weights", "command"};
    const qea_agreement_config *wanted = &run->config->agreement;
    QEA_TRY(check_bands(ctx, run, &view->predicted));
    size_t per_band = view->predicted.count / wanted->bands;
    QEA_TRY(QEA_NEW(ctx, "pairs", view->pairs, view->trained.count));
    for (size_t i = 0; i < view->trained.count; i++) {
        const qea_trial_record *record = &view->trained.records[i],
                               *predicted = qea_step_trials_find(&view->predicted, record->id);
        qea_cost cost;
        if (predicted == NULL) continue;
        QEA_TRY(qea_bit_space_cost(ctx, run->space, record->weight_bits, record->activation_bits, &cost));
        view->pairs[view->report.count++] = (qea_report_pair){.weight_bits = record->weight_bits,
                                                              .activation_bits = record->activation_bits,
                                                              .num_layers = record->num_layers,
                                                              .band = (record->id - 1) / per_band,
                                                              .bops = cost.bops,
                                                              .predicted = number_of(predicted, "accuracy"),
                                                              .trained = number_of(record, "accuracy")};
    }
    for (size_t i = 0; i < view->trained.count && view->report.validation_images == 0; i++)
        view->report.validation_images = (size_t)fmax(0, number_of(&view->trained.records[i], "images"));
    view->report.pairs = view->pairs;
    view->report.bands = wanted->bands;
    view->report.evaluator = names[run->config->evaluator];
    view->report.epochs = wanted->epochs;
    view->report.images = (size_t)(images_of(&view->predicted) + images_of(&view->trained));
    return QEA_OK;
}

qea_status qea_agreement_view_load(qea_context *ctx, const qea_run *run, qea_agreement_view *view) {
    *view = (qea_agreement_view){.predicted = {.step = "prediction"}, .trained = {.step = "agreement"}};
    if (run->config->agreement.genomes == 0) return QEA_OK;
    qea_status status = qea_step_trials_load(ctx, run, &view->predicted);
    if (status == QEA_OK) status = qea_step_trials_load(ctx, run, &view->trained);
    if (status == QEA_OK && view->trained.count > 0) status = fill(ctx, run, view);
    return status;
}

void qea_agreement_view_clear(qea_agreement_view *view) {
    qea_free(view->pairs);
    qea_step_trials_clear(&view->predicted);
    qea_step_trials_clear(&view->trained);
    *view = (qea_agreement_view){0};
}
