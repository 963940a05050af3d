#include "study/volume.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static const char setting[] = "hypervolume box";

/* false: no trial is done. */
static bool range_of_results(const qea_trial_record *records, size_t count, int objective, double *low, double *high) {
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (records[i].state != QEA_TRIAL_DONE || (size_t)objective >= records[i].num_objectives) continue;
        double value = records[i].objectives[objective];
        *low = found ? fmin(*low, value) : value;
        *high = found ? fmax(*high, value) : value;
        found = true;
    }
    return found;
}

qea_status qea_box_of_space(qea_context *ctx, const qea_bit_space *space, const qea_trial_record *records, size_t count,
                            qea_box *out) {
    qea_cost least, most;
    *out = (qea_box){.known = true};
    if (space->graph != NULL) QEA_TRY(qea_bit_space_extremes(ctx, space, &least, &most));
    for (int i = 0; i < space->config->num_objectives; i++) {
        const qea_config_objective *objective = &space->config->objectives[i];
        double *low = &out->low[i], *high = &out->high[i];
        if (objective->bounded) {
            *low = objective->low;
            *high = objective->high;
        } else if (objective->kind == QEA_OBJ_COUNT) {
            out->known = range_of_results(records, count, i, low, high) && out->known;
        } else {
            bool accuracy = objective->kind == QEA_OBJ_ACCURACY;
            *low = accuracy ? 1.0 / qea_graph_num_classes(space->graph) : qea_cost_value(&least, objective->kind);
            *high = accuracy ? 1 : qea_cost_value(&most, objective->kind);
        }
    }
    return QEA_OK;
}

json_t *qea_box_to_json(const qea_study_config *config, const qea_box *box) {
    if (!box->known) return NULL;
    json_t *object = json_object();
    for (int i = 0; i < config->num_objectives; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, json_real(box->low[i]));
        json_array_append_new(pair, json_real(box->high[i]));
        json_object_set_new(object, config->objectives[i].name, pair);
    }
    return object;
}

static bool read_box(const json_t *object, const qea_study_config *config, qea_box *out) {
    for (int i = 0; i < config->num_objectives; i++) {
        const json_t *pair = json_object_get(object, config->objectives[i].name);
        if (json_array_size(pair) != 2 || !json_is_number(json_array_get(pair, 0)) ||
            !json_is_number(json_array_get(pair, 1)))
            return false;
        out->low[i] = json_number_value(json_array_get(pair, 0));
        out->high[i] = json_number_value(json_array_get(pair, 1));
        if (out->low[i] > out->high[i]) return false;
    }
    out->known = true;
    return true;
}

qea_status qea_box_load(qea_context *ctx, qea_store *store, const qea_study_config *config, qea_box *out) {
    char *text;
    *out = (qea_box){0};
    QEA_TRY(qea_store_get(ctx, store, setting, &text));
    if (text == NULL) return QEA_OK;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    qea_free(text);
    bool good = read_box(object, config, out);
    json_decref(object);
    return good ? QEA_OK : qea_fail(ctx, QEA_ERR_DATA, "task.db: the %s is not that of these objectives", setting);
}

qea_status qea_box_save(qea_context *ctx, qea_store *store, const qea_study_config *config, const qea_box *box) {
    qea_text text = {0};
    json_t *object = qea_box_to_json(config, box);
    qea_text_put_json(&text, object, 0);
    json_decref(object);
    qea_status status = qea_text_finish(ctx, &text);
    if (status == QEA_OK) status = qea_store_set(ctx, store, setting, text.bytes);
    qea_text_free(&text);
    return status;
}

qea_status qea_box_volume(qea_context *ctx, const qea_study_config *config, const qea_box *box, qea_volume **out) {
    double reference[QEA_MAX_OBJECTIVES];
    *out = NULL;
    if (!box->known) return QEA_OK;
    for (int i = 0; i < config->num_objectives; i++) reference[i] = 1;
    return qea_volume_create(ctx, (size_t)config->num_objectives, reference, out);
}

qea_status qea_box_add(qea_context *ctx, const qea_study_config *config, const qea_box *box, qea_volume *volume,
                       const qea_trial_record *record) {
    double depth[QEA_MAX_OBJECTIVES]; /* 0: as good as the box allows, 1: as bad */
    if (volume == NULL || record->state != QEA_TRIAL_DONE || record->num_objectives != (size_t)config->num_objectives)
        return QEA_OK;
    if (qea_objectives_violation(config, record->objectives) > 0) return QEA_OK;
    for (int i = 0; i < config->num_objectives; i++) {
        double value = record->objectives[i], width = box->high[i] - box->low[i];
        if (!isfinite(value)) return QEA_OK;
        double from_best = config->objectives[i].maximized ? box->high[i] - value : value - box->low[i];
        depth[i] = width > 0 ? fmax(0, from_best / width) : 0; /* a box without width does not judge */
    }
    return qea_volume_add(ctx, volume, depth);
}

double qea_box_share(const qea_volume *volume) { return volume != NULL ? qea_volume_value(volume) : NAN; }
