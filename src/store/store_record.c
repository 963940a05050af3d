/* Trial records in memory. */
#include "store/store.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

void qea_trial_record_clear(qea_trial_record *trial) {
    if (trial == NULL) return;
    void *owned[] = {trial->step,       trial->label,       trial->genome, trial->weight_bits, trial->activation_bits,
                     trial->objectives, trial->result_json, trial->reason, trial->model_path};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) qea_free(owned[i]);
    memset(trial, 0, sizeof *trial);
}

void qea_trial_records_free(qea_trial_record *trials, size_t count) {
    if (trials == NULL) return;
    for (size_t i = 0; i < count; i++) qea_trial_record_clear(&trials[i]);
    qea_free(trials);
}

static qea_status copy_text(qea_context *ctx, const char *from, char **to) {
    return from != NULL ? qea_strdup(ctx, from, to) : QEA_OK;
}

static qea_status copy_items(qea_context *ctx, const void *from, size_t count, size_t size, void **to) {
    if (from == NULL || count == 0) return QEA_OK;
    QEA_TRY(qea_alloc(ctx, "a trial record", count, size, to));
    memcpy(*to, from, count * size);
    return QEA_OK;
}

static qea_status copy_owned(qea_context *ctx, const qea_trial_record *from, qea_trial_record *to) {
    QEA_TRY(copy_text(ctx, from->step, &to->step));
    QEA_TRY(copy_text(ctx, from->label, &to->label));
    QEA_TRY(copy_text(ctx, from->result_json, &to->result_json));
    QEA_TRY(copy_text(ctx, from->reason, &to->reason));
    QEA_TRY(copy_text(ctx, from->model_path, &to->model_path));
    QEA_TRY(copy_items(ctx, from->genome, from->genome_length, sizeof *from->genome, (void **)&to->genome));
    QEA_TRY(copy_items(ctx, from->weight_bits, from->num_layers, 1, (void **)&to->weight_bits));
    QEA_TRY(copy_items(ctx, from->activation_bits, from->num_layers, 1, (void **)&to->activation_bits));
    return copy_items(ctx, from->objectives, from->num_objectives, sizeof *from->objectives, (void **)&to->objectives);
}

qea_status qea_trial_record_copy(qea_context *ctx, const qea_trial_record *from, qea_trial_record *to) {
    *to = *from;
    to->step = to->label = to->result_json = to->reason = to->model_path = NULL;
    to->genome = NULL;
    to->weight_bits = to->activation_bits = NULL;
    to->objectives = NULL;
    qea_status status = copy_owned(ctx, from, to);
    if (status != QEA_OK) qea_trial_record_clear(to);
    return status;
}
