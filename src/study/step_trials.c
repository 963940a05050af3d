#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/graph.h"
#include "study/run.h"

void qea_step_trials_clear(qea_step_trials *trials) {
    for (size_t i = 0; i < trials->count; i++) qea_trial_record_clear(&trials->records[i]);
    qea_free(trials->records);
    trials->records = NULL;
    trials->count = trials->capacity = 0;
}

/* --- what the store has --- */

/* Steps whose trials are genomes; the others have bits alone. */
static bool is_of_genomes(const char *step) {
    return strcmp(step, "nas") == 0 || strcmp(step, "prediction") == 0 || strcmp(step, "agreement") == 0;
}

static qea_status check_genome(qea_context *ctx, const qea_bit_space *space, const char *step,
                               const qea_trial_record *record) {
    bool none = record->genome_length == 0 && !is_of_genomes(step);
    if (record->genome_length != space->num_genes && !none)
        return qea_fail(ctx, QEA_ERR_DATA, "found a genome of %zu genes, allowed: %zu", record->genome_length,
                        space->num_genes);
    for (size_t i = 0; i < record->genome_length; i++)
        if (record->genome[i] >= space->gene_sizes[i])
            return qea_fail(ctx, QEA_ERR_DATA, "found %d for gene %zu, allowed: 0 to %d", record->genome[i], i + 1,
                            space->gene_sizes[i] - 1);
    return QEA_OK;
}

static qea_status check_bits(qea_context *ctx, const qea_bit_space *space, const qea_trial_record *record) {
    const qea_bit_policy policy = {space->config->weight_quantizer, space->config->activation_quantizer,
                                   record->num_layers, record->weight_bits, record->activation_bits};
    if (space->graph != NULL) return qea_graph_check_policy(ctx, space->graph, &policy);
    if (record->num_layers == 0) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_DATA, "found bits for %zu layers, allowed: none, as there is no network",
                    record->num_layers);
}

/* Against the configuration and the space, as far as the run has them yet. */
static qea_status check_record(qea_context *ctx, const qea_run *run, const char *step, const qea_trial_record *record) {
    bool done = record->state == QEA_TRIAL_DONE && run->config != NULL;
    if (done && record->num_objectives != (size_t)run->config->num_objectives)
        return qea_fail(ctx, QEA_ERR_DATA, "it is done and has %zu objectives, allowed: %d", record->num_objectives,
                        run->config->num_objectives);
    if (run->space == NULL) return QEA_OK;
    QEA_TRY(check_genome(ctx, run->space, step, record));
    return check_bits(ctx, run->space, record);
}

static qea_status check_records(qea_context *ctx, const qea_run *run, const qea_step_trials *trials) {
    for (size_t i = 0; i < trials->count; i++)
        if (check_record(ctx, run, trials->step, &trials->records[i]) != QEA_OK)
            return qea_fail_prefix(ctx, QEA_ERR_DATA, "%s/task.db: step %s, trial %" PRIu64, run->task.folder,
                                   trials->step, trials->records[i].id);
    return QEA_OK;
}

qea_status qea_step_trials_load(qea_context *ctx, const qea_run *run, qea_step_trials *trials) {
    qea_step_trials_clear(trials);
    QEA_TRY(qea_store_trials(ctx, run->task.store, trials->step, &trials->records, &trials->count));
    trials->capacity = trials->count;
    qea_status status = check_records(ctx, run, trials);
    if (status != QEA_OK) qea_step_trials_clear(trials);
    return status;
}

static void name_open_trial(const qea_trial_record *record, char setting[64]) {
    (void)snprintf(setting, 64, "open: %s %" PRIu64, record->step, record->id);
}

qea_status qea_step_trials_keep_open(qea_context *ctx, const qea_run *run, const qea_trial_record *record) {
    char setting[64];
    name_open_trial(record, setting);
    return qea_store_set(ctx, run->task.store, setting, "1");
}

static qea_status reopen(qea_context *ctx, const qea_run *run, qea_trial_record *record) {
    char setting[64], *open;
    if (record->state != QEA_TRIAL_FAILED) return QEA_OK;
    name_open_trial(record, setting);
    QEA_TRY(qea_store_get(ctx, run->task.store, setting, &open));
    bool is_open = open != NULL && open[0] != '\0';
    qea_free(open);
    if (!is_open) return QEA_OK;
    record->state = QEA_TRIAL_ASKED;
    qea_free(record->reason);
    record->reason = NULL;
    QEA_TRY(qea_store_put_trial(ctx, run->task.store, record));
    return qea_store_set(ctx, run->task.store, setting, "");
}

qea_status qea_step_trials_reopen(qea_context *ctx, const qea_run *run, qea_step_trials *trials) {
    for (size_t i = 0; i < trials->count; i++) QEA_TRY(reopen(ctx, run, &trials->records[i]));
    return QEA_OK;
}

/* --- in memory --- */

/* Index of the first record whose id is not below. */
static size_t find_place(const qea_step_trials *trials, uint64_t id) {
    size_t low = 0, high = trials->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trials->records[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

qea_trial_record *qea_step_trials_find(qea_step_trials *trials, uint64_t id) {
    size_t at = find_place(trials, id);
    return at < trials->count && trials->records[at].id == id ? &trials->records[at] : NULL;
}

static qea_status copy_bytes(qea_context *ctx, const char *what, const void *from, size_t count, size_t size,
                             void **out) {
    QEA_TRY(qea_alloc(ctx, what, count, size, out));
    if (count > 0) memcpy(*out, from, count * size);
    return QEA_OK;
}

qea_status qea_step_trials_add(qea_context *ctx, const qea_run *run, qea_step_trials *trials, uint64_t id,
                               const char *label, uint64_t source, const uint16_t *genome, size_t genome_length,
                               const uint8_t *weight_bits, const uint8_t *activation_bits) {
    size_t layers = run->space->num_layers, at = find_place(trials, id);
    if (at < trials->count && trials->records[at].id == id)
        return qea_fail(ctx, QEA_ERR_STATE, "%s: trial %llu stands in the store already", trials->step,
                        (unsigned long long)id);
    QEA_TRY(qea_grow(ctx, "trials", (void **)&trials->records, &trials->capacity, trials->count + 1,
                     sizeof *trials->records));
    qea_trial_record *record = &trials->records[at];
    memmove(record + 1, record, (trials->count++ - at) * sizeof *record);
    *record = (qea_trial_record){
        .id = id, .source = source, .state = QEA_TRIAL_ASKED, .genome_length = genome_length, .num_layers = layers};
    QEA_TRY(qea_strdup(ctx, trials->step, &record->step));
    QEA_TRY(qea_strdup(ctx, label, &record->label));
    QEA_TRY(copy_bytes(ctx, "genome", genome, genome_length, sizeof *genome, (void **)&record->genome));
    QEA_TRY(copy_bytes(ctx, "weight bits", weight_bits, layers, 1, (void **)&record->weight_bits));
    return copy_bytes(ctx, "activation bits", activation_bits, layers, 1, (void **)&record->activation_bits);
}

bool qea_trial_same_network(const qea_trial_record *a, const qea_trial_record *b) {
    return a->source == b->source && a->num_layers == b->num_layers &&
           memcmp(a->weight_bits, b->weight_bits, a->num_layers) == 0 &&
           memcmp(a->activation_bits, b->activation_bits, a->num_layers) == 0;
}

uint32_t qea_step_trials_repeat(const qea_step_trials *trials, const qea_trial_record *record) {
    uint32_t repeat = 0;
    if (strcmp(record->label, "repeat") != 0) return 0;
    for (size_t i = 0; i < trials->count && trials->records[i].id <= record->id; i++)
        repeat +=
            strcmp(trials->records[i].label, "repeat") == 0 && qea_trial_same_network(&trials->records[i], record);
    return repeat;
}

qea_status qea_step_trials_save(qea_context *ctx, const qea_run *run, const qea_step_trials *trials, size_t first) {
    if (first >= trials->count) return QEA_OK;
    return qea_store_put_trials(ctx, run->task.store, trials->records + first, trials->count - first);
}
