#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/run.h"

void qea_step_trials_clear(qea_step_trials *trials) {
    for (size_t i = 0; i < trials->count; i++) qea_trial_record_clear(&trials->records[i]);
    qea_free(trials->records);
    trials->records = NULL;
    trials->count = trials->capacity = 0;
}

qea_status qea_step_trials_load(qea_context *ctx, const qea_run *run, qea_step_trials *trials) {
    qea_step_trials_clear(trials);
    QEA_TRY(qea_store_trials(ctx, run->task.store, trials->step, &trials->records, &trials->count));
    trials->capacity = trials->count;
    return QEA_OK;
}

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
