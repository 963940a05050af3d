/* Files that a task leaves, made from its records. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/run.h"

typedef struct step_view {    /* a step's records and the report's view of them */
    qea_step_trials trials;   /* owned */
    qea_report_model *models; /* owned, [trials.count] */
    json_t *description;      /* owned */
    const char *objectives[QEA_MAX_OBJECTIVES];
    qea_report_step step;
} step_view;

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
                              .num_layers = record->num_layers,
                              .weight_bits = record->weight_bits,
                              .activation_bits = record->activation_bits,
                              .genome = record->genome,
                              .genome_length = record->genome_length,
                              .epochs = record->epochs,
                              .reason = record->reason,
                              .model_path = record->model_path,
                              .runtime_s = record->train_seconds};
    if (record->result_json != NULL) model.performance = json_loads(record->result_json, 0, NULL);
    qea_cost cost = {0};
    if (qea_bit_space_cost(NULL, run->space, record->weight_bits, record->activation_bits, &cost) == QEA_OK) {
        model.mean_weight_bits = cost.mean_weight_bits;
        model.mean_activation_bits = cost.mean_activation_bits;
    }
    return model;
}

static qea_status mark_front(qea_context *ctx, const qea_run *run, step_view *view) {
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

static void view_clear(step_view *view) {
    for (size_t i = 0; view->models != NULL && i < view->trials.count; i++)
        json_decref((json_t *)(uintptr_t)view->models[i].performance);
    qea_free(view->models);
    json_decref(view->description);
    qea_step_trials_clear(&view->trials);
}

static qea_status view_load(qea_context *ctx, const qea_run *run, const char *name, step_view *view) {
    view->trials.step = name;
    QEA_TRY(qea_step_trials_load(ctx, run, &view->trials));
    QEA_TRY(QEA_NEW(ctx, "report", view->models, view->trials.count));
    for (size_t i = 0; i < view->trials.count; i++) view->models[i] = model_of(run, &view->trials.records[i]);
    view->description = describe_space(run);
    for (int i = 0; i < run->config->num_objectives; i++)
        view->objectives[i] = qea_objective_names[run->config->objectives[i]];
    view->step = (qea_report_step){name,         view->objectives,   (size_t)run->config->num_objectives,
                                   view->models, view->trials.count, view->description};
    return strcmp(name, "nas") == 0 ? mark_front(ctx, run, view) : QEA_OK;
}

typedef qea_status (*write_step)(qea_context *ctx, const qea_report_step *step, const char *path);

static qea_status write_to(qea_context *ctx, const qea_run *run, const char *relative, write_step write,
                           const qea_report_step *step) {
    char *path;
    QEA_TRY(qea_task_path(ctx, &run->task, relative, &path));
    qea_status status = write(ctx, step, path);
    qea_free(path);
    return status;
}

static qea_status write_reports(qea_context *ctx, const qea_run *run, const qea_report_step *steps, size_t count) {
    char *csv = NULL, *json = NULL;
    qea_status status = qea_task_path(ctx, &run->task, "output/reports.csv", &csv);
    if (status == QEA_OK) status = qea_task_path(ctx, &run->task, "output/reports.json", &json);
    if (status == QEA_OK) status = qea_report_write_reports_csv(ctx, steps, count, csv);
    if (status == QEA_OK) status = qea_report_write_reports_json(ctx, steps, count, json);
    qea_free(csv);
    qea_free(json);
    return status;
}

static qea_status write_all(qea_context *ctx, const qea_run *run, step_view *nas, step_view *full, char **table) {
    QEA_TRY(view_load(ctx, run, "nas", nas));
    QEA_TRY(view_load(ctx, run, "fully_train", full));
    if (nas->trials.count > 0) {
        QEA_TRY(write_to(ctx, run, "output/nas/trials.csv", qea_report_write_trials_csv, &nas->step));
        QEA_TRY(write_to(ctx, run, "output/nas/front.json", qea_report_write_front_json, &nas->step));
        QEA_TRY(write_to(ctx, run, "output/nas", qea_report_write_output, &nas->step));
    }
    if (full->trials.count > 0) {
        QEA_TRY(write_to(ctx, run, "output/fully_train/results.json", qea_report_write_results_json, &full->step));
        QEA_TRY(write_to(ctx, run, "output/fully_train", qea_report_write_output, &full->step));
    }
    const qea_report_step steps[] = {nas->step, full->step};
    QEA_TRY(write_reports(ctx, run, steps, 2));
    qea_text text = {0};
    qea_report_table(full->trials.count > 0 ? &full->step : &nas->step, &text);
    qea_status status = qea_text_finish(ctx, &text);
    if (status == QEA_OK)
        *table = text.bytes;
    else
        qea_text_free(&text);
    return status;
}

qea_status qea_run_write_outputs(qea_context *ctx, qea_run *run, char **table) {
    step_view nas = {0}, full = {0};
    qea_status status = write_all(ctx, run, &nas, &full, table);
    view_clear(&nas);
    view_clear(&full);
    return status;
}
