#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/parts.h"

/* The columns of trials.csv that are values of `performance`, in this order. "measured" is left out: it differs from
 * run to run. */
static const char *const value_columns[] = {"accuracy", "accuracy_top5", "loss",         "train_loss",      "flops",
                                            "params",   "bops",          "weight_bytes", "activation_bytes"};
enum { NUM_VALUE_COLUMNS = sizeof value_columns / sizeof *value_columns };

qea_status qea_report_write_text(qea_context *ctx, qea_text *text, const char *path) {
    qea_status status = qea_text_finish(ctx, text);
    if (status == QEA_OK) status = qea_file_write(ctx, path, text->bytes != NULL ? text->bytes : "", text->size);
    qea_text_free(text);
    return status;
}

void qea_report_put_bits(qea_text *text, const uint8_t *bits, size_t count) {
    for (size_t i = 0; i < count; i++) qea_text_printf(text, "%s%d", i > 0 ? "-" : "", bits[i]);
}

static void put_encoding(qea_text *text, const qea_report_model *model) {
    for (size_t i = 0; i < model->genome_length; i++) qea_text_printf(text, "%s%d", i > 0 ? "-" : "", model->genome[i]);
}

const char *qea_report_state(const qea_report_model *model) {
    return model->done ? "done" : model->waiting ? "waiting" : "failed";
}

static void put_value(qea_text *text, const qea_report_model *model, const char *key) {
    const json_t *value = json_object_get(model->performance, key);
    if (json_is_number(value)) qea_text_put_double(text, json_number_value(value));
}

bool qea_report_is_maximized(const qea_report_step *step, size_t objective) {
    return step->maximized != NULL ? step->maximized[objective] : strcmp(step->objectives[objective], "accuracy") == 0;
}

const json_t *qea_report_genes(const qea_report_step *step) { return step->count > 0 ? step->models[0].genes : NULL; }

/* A cell in quotes, quotes doubled (RFC 4180, section 2). */
static void put_quoted(qea_text *text, const char *cell) {
    qea_text_put(text, "\"");
    for (const char *rest = cell; *rest != '\0';) {
        size_t plain = strcspn(rest, "\"");
        qea_text_put_bytes(text, rest, plain);
        rest += plain;
        if (*rest == '"') {
            qea_text_put(text, "\"\"");
            rest++;
        }
    }
    qea_text_put(text, "\"");
}

bool qea_report_is_own(const qea_report_step *step, size_t objective) {
    for (int k = 0; k < NUM_VALUE_COLUMNS; k++)
        if (strcmp(value_columns[k], step->objectives[objective]) == 0) return false;
    return true;
}

/* The values' columns: of a network what is known of it, then the objectives that are not among these. model NULL: the
 * header. */
static void put_values(qea_text *text, const qea_report_step *step, const qea_report_model *model) {
    bool network = qea_report_genes(step) == NULL;
    size_t known = network ? NUM_VALUE_COLUMNS : 0;
    for (size_t k = 0; k < known + step->num_objectives; k++) {
        const char *key = k < known ? value_columns[k] : step->objectives[k - known];
        if (network && k >= known && !qea_report_is_own(step, k - known)) continue;
        qea_text_put(text, ",");
        if (model == NULL)
            qea_text_put(text, key);
        else
            put_value(text, model, key);
    }
}

/* A gene's value: a number as it is, a text in quotes. */
static void put_gene(qea_text *text, const json_t *value) {
    if (json_is_string(value))
        put_quoted(text, json_string_value(value));
    else
        qea_text_put_json(text, value, 0);
}

static void put_trial(qea_text *text, const qea_report_step *step, const qea_report_model *model) {
    qea_text_printf(text, "%llu,%s,%s,", (unsigned long long)model->id, model->label, qea_report_state(model));
    put_encoding(text, model);
    if (model->genes != NULL) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)model->genes, name, value) {
            qea_text_put(text, ",");
            put_gene(text, value);
        }
    } else {
        qea_text_put(text, ",");
        qea_report_put_bits(text, model->weight_bits, model->num_layers);
        qea_text_put(text, ",");
        qea_report_put_bits(text, model->activation_bits, model->num_layers);
    }
    put_values(text, step, model);
    qea_text_put(text, ",");
    if (isfinite(model->hypervolume)) qea_text_put_double(text, model->hypervolume);
    qea_text_put(text, "\n");
}

qea_status qea_report_write_trials_csv(qea_context *ctx, const qea_report_step *step, const char *path) {
    qea_text text = {0};
    const json_t *genes = qea_report_genes(step);
    qea_text_put(&text, "id,label,state,encoding");
    if (genes != NULL) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)genes, name, value) qea_text_printf(&text, ",%s", name);
    } else {
        qea_text_put(&text, ",weight_bits,activation_bits");
    }
    put_values(&text, step, NULL);
    qea_text_put(&text, ",hypervolume\n");
    for (size_t i = 0; i < step->count; i++) put_trial(&text, step, &step->models[i]);
    return qea_report_write_text(ctx, &text, path);
}

static void put_json_cell(qea_text *text, json_t *owned) {
    qea_text cell = {0};
    qea_text_put_json(&cell, owned, 0);
    put_quoted(text, cell.bytes != NULL ? cell.bytes : "");
    text->failed = text->failed || cell.failed;
    qea_text_free(&cell);
    json_decref(owned);
}

static json_t *performance_of(const qea_report_model *model) {
    return model->performance != NULL ? qea_report_performance(model, true, false) : json_object();
}

static bool in_output(const qea_report_step *step, const qea_report_model *model) {
    return model->done && (model->on_front || strcmp(step->name, "nas") != 0);
}

static qea_status write_one_json(qea_context *ctx, json_t *owned, const char *folder, const char *stem, uint64_t id) {
    char name[64];
    qea_text text = {0};
    char *path = NULL;
    (void)snprintf(name, sizeof name, "%s_%llu.json", stem, (unsigned long long)id);
    qea_text_put_json(&text, owned, 2);
    qea_text_put(&text, "\n");
    json_decref(owned);
    qea_status status = qea_path_join(ctx, folder, name, &path);
    if (status == QEA_OK)
        status = qea_report_write_text(ctx, &text, path);
    else
        qea_text_free(&text);
    qea_free(path);
    return status;
}

qea_status qea_report_write_output(qea_context *ctx, const qea_report_step *step, const char *folder) {
    qea_text text = {0};
    qea_text_put(&text, "worker_id,performance,desc\n");
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        if (!in_output(step, model)) continue;
        qea_text_printf(&text, "%llu,", (unsigned long long)model->id);
        put_json_cell(&text, performance_of(model));
        qea_text_put(&text, ",");
        put_json_cell(&text, qea_report_description(step, model));
        qea_text_put(&text, "\n");
        qea_status status = write_one_json(ctx, performance_of(model), folder, "performance", model->id);
        if (status == QEA_OK)
            status = write_one_json(ctx, qea_report_description(step, model), folder, "desc", model->id);
        if (status != QEA_OK) {
            qea_text_free(&text);
            return status;
        }
    }
    char *path = NULL;
    qea_status status = qea_path_join(ctx, folder, "output.csv", &path);
    if (status == QEA_OK)
        status = qea_report_write_text(ctx, &text, path);
    else
        qea_text_free(&text);
    qea_free(path);
    return status;
}

static json_t *objectives_list(const qea_report_step *step) {
    json_t *list = json_array();
    for (size_t i = 0; i < step->num_objectives; i++) json_array_append_new(list, json_string(step->objectives[i]));
    return list;
}

static json_t *rewards_list(const qea_report_step *step, const qea_report_model *model) {
    json_t *list = json_array();
    for (size_t i = 0; i < step->num_objectives; i++) {
        json_t *value = json_object_get(model->performance, step->objectives[i]);
        json_array_append_new(list, value != NULL ? json_incref(value) : json_null());
    }
    return list;
}

static void put_report_row(qea_text *text, const qea_report_step *step, const qea_report_model *model) {
    qea_text_printf(text, "%s,%llu,", step->name, (unsigned long long)model->id);
    put_json_cell(text, qea_report_description(step, model));
    qea_text_printf(text, ",%d,", model->epochs);
    put_json_cell(text, performance_of(model));
    qea_text_put(text, ",,"); /* checkpoint_path */
    if (model->model_path != NULL) put_quoted(text, model->model_path);
    qea_text_put(text, ",");
    if (model->model_path != NULL) put_quoted(text, model->model_path); /* weights_file: the same file has both */
    qea_text_put(text, ",");
    put_quoted(text, model->reason != NULL ? model->reason : model->label);
    qea_text_put(text, ",");
    json_t *objectives = json_object();
    for (size_t i = 0; i < step->num_objectives; i++)
        json_object_set_new(objectives, step->objectives[i],
                            json_string(qea_report_is_maximized(step, i) ? "MAX" : "MIN"));
    put_json_cell(text, objectives);
    qea_text_put(text, ",");
    put_json_cell(text, objectives_list(step));
    qea_text_put(text, ",");
    put_json_cell(text, rewards_list(step, model));
    qea_text_put(text, ",");
    qea_text_put_double(text, model->runtime_s);
    qea_text_put(text, ",");
    put_encoding(text, model);
    static const char *const last[] = {"accuracy", "flops", "params"};
    for (int k = 0; k < 3; k++) {
        qea_text_put(text, ",");
        put_value(text, model, last[k]);
    }
    qea_text_put(text, "\n");
}

qea_status qea_report_write_reports_csv(qea_context *ctx, const qea_report_step *steps, size_t count,
                                        const char *path) {
    qea_text text = {0};
    qea_text_put(&text, "step_name,worker_id,desc,epoch,performance,checkpoint_path,model_path,weights_file,info,"
                        "objectives,_objective_keys,rewards,runtime,encoding,accuracy,flops,params\n");
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < steps[s].count; i++) put_report_row(&text, &steps[s], &steps[s].models[i]);
    return qea_report_write_text(ctx, &text, path);
}
