#include <math.h>
#include <string.h>

#include "base/error.h"
#include "report/parts.h"

json_t *qea_report_bits_json(const uint8_t *bits, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_integer(bits[i]));
    return list;
}

json_t *qea_report_description(const qea_report_step *step, const qea_report_model *model) {
    json_t *desc = step->description != NULL ? json_deep_copy(step->description) : json_object();
    if (model->genes != NULL) {
        json_object_set_new(desc, "genes", json_deep_copy(model->genes));
        return desc;
    }
    json_object_set_new(desc, "nbit_w_list", qea_report_bits_json(model->weight_bits, model->num_layers));
    json_object_set_new(desc, "nbit_a_list", qea_report_bits_json(model->activation_bits, model->num_layers));
    return desc;
}

qea_status qea_report_write_json(qea_context *ctx, json_t *owned, const char *path) {
    qea_text text = {0};
    qea_text_put_json(&text, owned, 2);
    qea_text_put(&text, "\n");
    json_decref(owned);
    return qea_report_write_text(ctx, &text, path);
}

static json_t *objectives_of(const qea_report_step *step, const qea_report_model *model) {
    json_t *object = json_object();
    for (size_t i = 0; i < step->num_objectives; i++) {
        json_t *value = json_object_get(model->performance, step->objectives[i]);
        json_object_set_new(object, step->objectives[i], value != NULL ? json_incref(value) : json_null());
    }
    return object;
}

static void put_bits(json_t *object, const qea_report_model *model) {
    if (model->genes != NULL) {
        json_object_set_new(object, "genes", json_deep_copy(model->genes));
        return;
    }
    json_object_set_new(object, "weight_bits", qea_report_bits_json(model->weight_bits, model->num_layers));
    json_object_set_new(object, "activation_bits", qea_report_bits_json(model->activation_bits, model->num_layers));
}

qea_status qea_report_write_front_json(qea_context *ctx, const qea_report_step *step, const char *path) {
    json_t *list = json_array();
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        if (!model->on_front) continue;
        json_t *entry = json_object();
        json_object_set_new(entry, "trial", json_integer((json_int_t)model->id));
        json_object_set_new(entry, "objectives", objectives_of(step, model));
        put_bits(entry, model);
        json_array_append_new(list, entry);
    }
    json_t *object = json_object();
    json_object_set_new(object, "hypervolume",
                        isfinite(step->hypervolume) ? json_real(step->hypervolume) : json_null());
    json_object_set_new(object, "box", step->box != NULL ? json_deep_copy(step->box) : json_null());
    json_object_set_new(object, "front", list);
    return qea_report_write_json(ctx, object, path);
}

json_t *qea_report_performance(const qea_report_model *model, bool measured, bool curve) {
    if (model->performance == NULL) return json_null();
    json_t *copy = json_copy((json_t *)(uintptr_t)model->performance);
    if (!measured) json_object_del(copy, "measured");
    if (!curve) json_object_del(copy, "curve");
    return copy;
}

static void put_repeats(json_t *entry, const qea_report_model *model) {
    if (model->num_repeats == 0) return;
    qea_report_spread spread = qea_report_accuracies(model);
    json_t *seeds = json_object(), *list = json_array();
    json_object_set_new(seeds, "trainings", json_integer((json_int_t)spread.trainings));
    json_object_set_new(seeds, "accuracy_mean", spread.trainings > 0 ? json_real(spread.mean) : json_null());
    json_object_set_new(seeds, "accuracy_sd", spread.trainings > 1 ? json_real(spread.sd) : json_null());
    for (size_t i = 0; i < model->num_repeats; i++) {
        json_t *repeat = json_object();
        json_object_set_new(repeat, "id", json_integer((json_int_t)model->repeats[i].id));
        json_object_set_new(repeat, "state", json_string(qea_report_state(&model->repeats[i])));
        json_object_set_new(repeat, "performance", qea_report_performance(&model->repeats[i], false, true));
        json_array_append_new(list, repeat);
    }
    json_object_set_new(entry, "seeds", seeds);
    json_object_set_new(entry, "repeats", list);
}

qea_status qea_report_write_results_json(qea_context *ctx, const qea_report_step *step, const char *path) {
    json_t *list = json_array();
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "id", json_integer((json_int_t)model->id));
        json_object_set_new(entry, "label", json_string(model->label));
        json_object_set_new(entry, "source", model->source > 0 ? json_integer((json_int_t)model->source) : json_null());
        json_object_set_new(entry, "state", json_string(qea_report_state(model)));
        put_bits(entry, model);
        json_object_set_new(entry, "performance", qea_report_performance(model, false, true));
        put_repeats(entry, model);
        json_array_append_new(list, entry);
    }
    json_t *object = json_object();
    json_object_set_new(object, "models", list);
    return qea_report_write_json(ctx, object, path);
}

qea_status qea_report_write_reports_json(qea_context *ctx, const qea_report_step *steps, size_t count,
                                         const char *path) {
    json_t *object = json_object();
    for (size_t s = 0; s < count; s++) {
        json_t *list = json_array();
        for (size_t i = 0; i < steps[s].count; i++) {
            const qea_report_model *model = &steps[s].models[i];
            json_t *entry = json_object();
            json_object_set_new(entry, "worker_id", json_integer((json_int_t)model->id));
            json_object_set_new(entry, "label", json_string(model->label));
            json_object_set_new(entry, "epoch", json_integer(model->epochs));
            json_object_set_new(entry, "performance", qea_report_performance(model, true, false));
            json_object_set_new(entry, "model_path",
                                model->model_path != NULL ? json_string(model->model_path) : json_null());
            if (model->reason != NULL) json_object_set_new(entry, "reason", json_string(model->reason));
            json_object_set_new(entry, "desc", qea_report_description(&steps[s], model));
            json_array_append_new(list, entry);
        }
        json_object_set_new(object, steps[s].name, list);
    }
    return qea_report_write_json(ctx, object, path);
}
