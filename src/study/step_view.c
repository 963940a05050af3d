/* The records of a step as the report reads them. */
#include "study/step_view.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/command.h"

static json_t *describe_space(const qea_run *run) {
    const qea_resnet_options *network = &run->config->network;
    json_t *backbone = json_object(), *head = json_object(), *object = json_object(), *modules = json_array();
    json_array_append_new(modules, json_string("backbone"));
    json_array_append_new(modules, json_string("head"));
    json_object_set_new(object, "modules", modules);
    json_object_set_new(backbone, "type", json_string("ResNetGeneral"));
    if (network->num_blocks[0] > 0) {
        json_t *blocks = json_array();
        for (int i = 0; i < network->stage; i++) json_array_append_new(blocks, json_integer(network->num_blocks[i]));
        json_object_set_new(backbone, "num_blocks", blocks);
    } else {
        json_object_set_new(backbone, "base_depth", json_integer(network->base_depth));
    }
    json_object_set_new(backbone, "base_channel", json_integer(network->base_channel));
    json_object_set_new(backbone, "stage", json_integer(network->stage));
    json_object_set_new(object, "backbone", backbone);
    json_object_set_new(head, "type", json_string("LinearClassificationHead"));
    json_object_set_new(head, "num_classes", json_integer(qea_graph_num_classes(run->graph)));
    json_object_set_new(object, "head", head);
    return object;
}

static qea_report_model model_of(const qea_run *run, const qea_trial_record *record) {
    qea_report_model model = {.id = record->id,
                              .label = record->label,
                              .source = record->source,
                              .done = record->state == QEA_TRIAL_DONE,
                              .waiting = record->state == QEA_TRIAL_ASKED,
                              .num_layers = record->num_layers,
                              .weight_bits = record->weight_bits,
                              .activation_bits = record->activation_bits,
                              .genome = record->genome,
                              .genome_length = record->genome_length,
                              .epochs = record->epochs,
                              .reason = record->reason,
                              .model_path = record->model_path,
                              .runtime_s = record->train_seconds,
                              .started_s = record->started_s,
                              .ended_s = record->ended_s,
                              .hypervolume = NAN};
    if (record->result_json != NULL) model.performance = json_loads(record->result_json, 0, NULL);
    qea_cost cost = {0};
    if (run->graph == NULL)
        model.genes = qea_command_genes(run->space, record);
    else if (qea_bit_space_cost(NULL, run->space, record->weight_bits, record->activation_bits, &cost) == QEA_OK) {
        model.mean_weight_bits = cost.mean_weight_bits;
        model.mean_activation_bits = cost.mean_activation_bits;
    }
    return model;
}

static qea_status mark_front(qea_context *ctx, const qea_run *run, qea_step_view *view) {
    uint64_t *ids;
    size_t count;
    QEA_TRY(qea_run_front(ctx, run, &view->trials, &ids, &count));
    for (size_t i = 0, k = 0; i < view->trials.count && k < count; i++)
        if (view->models[i].id == ids[k]) {
            view->models[i].on_front = true;
            k++;
        }
    qea_free(ids);
    return QEA_OK;
}

void qea_step_view_clear(qea_step_view *view) {
    for (size_t i = 0; view->models != NULL && i < view->trials.count; i++) {
        json_decref((json_t *)(uintptr_t)view->models[i].performance);
        json_decref((json_t *)(uintptr_t)view->models[i].genes);
    }
    qea_free(view->models);
    json_decref(view->description);
    json_decref(view->box);
    qea_step_trials_clear(&view->trials);
}

static bool is_repeat(const qea_trial_record *record) { return strcmp(record->label, "repeat") == 0; }

/* The model before record `end` that has the same repeats: a front model may be a baseline too. */
static const qea_report_model *find_twin(const qea_step_trials *trials, size_t end, const qea_report_model *models) {
    for (size_t i = 0; i < end; i++) {
        if (is_repeat(&trials->records[i])) continue;
        if (qea_trial_same_network(&trials->records[i], &trials->records[end])) return models;
        models++;
    }
    return NULL;
}

static size_t take_repeats(const qea_step_view *view, size_t of, qea_report_model *out) {
    const qea_step_trials *trials = &view->trials;
    size_t taken = 0;
    for (size_t i = 0; i < trials->count; i++)
        if (is_repeat(&trials->records[i]) && qea_trial_same_network(&trials->records[i], &trials->records[of]))
            out[taken++] = view->models[i];
    return taken;
}

/* Models first, behind them their repeats, those of a network side by side. */
static qea_status put_repeats_behind(qea_context *ctx, qea_step_view *view) {
    const qea_step_trials *trials = &view->trials;
    qea_report_model *sorted;
    size_t models = 0, end = 0;
    QEA_TRY(QEA_NEW(ctx, "report", sorted, trials->count));
    for (size_t i = 0; i < trials->count; i++)
        if (!is_repeat(&trials->records[i])) sorted[end++] = view->models[i];
    for (size_t i = 0; i < trials->count; i++) {
        if (is_repeat(&trials->records[i])) continue;
        const qea_report_model *twin = find_twin(trials, i, sorted);
        qea_report_model *model = &sorted[models++];
        model->repeats = twin != NULL ? twin->repeats : sorted + end;
        model->num_repeats = twin != NULL ? twin->num_repeats : take_repeats(view, i, sorted + end);
        if (twin == NULL) end += model->num_repeats;
    }
    qea_free(view->models);
    view->models = sorted;
    view->step.models = sorted;
    view->step.count = view->step.expected = models;
    return QEA_OK;
}

/* A search that has not ended goes on to its budget. */
static qea_status expect_trials(qea_context *ctx, const qea_run *run, qea_step_view *view) {
    char *end;
    QEA_TRY(qea_store_get(ctx, run->task.store, "search end", &end));
    bool ended = end != NULL && end[0] != '\0';
    if (!ended && run->config->has_nas) view->step.expected = qea_budget_trials(run->config);
    qea_free(end);
    return QEA_OK;
}

/* In the order of the ids, so that it does not depend on which trial ended first. */
static qea_status measure_volume(qea_context *ctx, const qea_run *run, qea_step_view *view) {
    qea_box box;
    qea_volume *volume;
    QEA_TRY(qea_box_load(ctx, run->task.store, run->config, &box));
    QEA_TRY(qea_box_volume(ctx, run->config, &box, &volume));
    qea_status status = QEA_OK;
    for (size_t i = 0; i < view->trials.count && status == QEA_OK; i++) {
        status = qea_box_add(ctx, run->config, &box, volume, &view->trials.records[i]);
        view->models[i].hypervolume = qea_box_share(volume);
    }
    view->step.hypervolume = qea_box_share(volume);
    view->box = qea_box_to_json(run->config, &box);
    view->step.box = view->box;
    qea_volume_destroy(volume);
    return status;
}

qea_status qea_step_view_load(qea_context *ctx, const qea_run *run, const char *name, qea_step_view *view) {
    view->trials.step = name;
    QEA_TRY(qea_step_trials_load(ctx, run, &view->trials));
    QEA_TRY(QEA_NEW(ctx, "report", view->models, view->trials.count));
    for (size_t i = 0; i < view->trials.count; i++) view->models[i] = model_of(run, &view->trials.records[i]);
    if (run->graph != NULL) view->description = describe_space(run);
    for (int i = 0; i < run->config->num_objectives; i++) view->objectives[i] = run->config->objectives[i].name;
    for (int i = 0; i < run->config->num_objectives; i++) view->maximized[i] = run->config->objectives[i].maximized;
    view->step = (qea_report_step){.name = name,
                                   .objectives = view->objectives,
                                   .maximized = view->maximized,
                                   .num_objectives = (size_t)run->config->num_objectives,
                                   .models = view->models,
                                   .count = view->trials.count,
                                   .description = view->description,
                                   .expected = view->trials.count,
                                   .hypervolume = NAN};
    if (strcmp(name, "nas") != 0) return put_repeats_behind(ctx, view);
    QEA_TRY(expect_trials(ctx, run, view));
    QEA_TRY(measure_volume(ctx, run, view));
    return mark_front(ctx, run, view);
}
