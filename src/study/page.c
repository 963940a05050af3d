/* output/report.html: what the page tells besides the trials, and the page of a task at any time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/page.h"

/* Settings of the store that are shown as they are. */
static const char *const settings[] = {"version",
                                       "convolution library",
                                       "instruction set",
                                       "convolution arithmetic",
                                       "machine",
                                       "threads per trial",
                                       "search end",
                                       "images trained in search",
                                       "images of the search",
                                       "images of the full training",
                                       "repeatable"};
_Static_assert(sizeof settings / sizeof *settings == QEA_PAGE_SETTINGS, "a value for each setting");

static void add_fact(qea_page *p, const char *name, const char *value) {
    if (value != NULL && value[0] != '\0') p->facts[p->num_facts++] = (qea_report_fact){name, value};
}

static qea_status take_layers(qea_context *ctx, qea_page *p) {
    size_t count = p->run->space->num_layers;
    QEA_TRY(QEA_NEW(ctx, "layers", p->layers, count));
    for (size_t i = 0; i < count; i++) {
        const qea_layer_info *info = qea_graph_quantized(p->run->graph, i);
        p->layers[i] = (qea_report_layer){info->name, info->macs, info->weights};
    }
    return QEA_OK;
}

static void describe_network(qea_page *p) {
    int height, width, channels;
    const qea_graph *graph = p->run->graph;
    if (graph == NULL) return;
    qea_graph_input_shape(graph, &height, &width, &channels);
    (void)snprintf(p->network, sizeof p->network,
                   "%zu quantised layers, %" PRIu64 " parameters, input %d x %d x %d, %d classes",
                   qea_graph_num_quantized(graph), qea_graph_num_parameters(graph), height, width, channels,
                   qea_graph_num_classes(graph));
}

static void put_data(qea_text *text, const char *step, const qea_data_config *data) {
    if (data->type == NULL) return;
    qea_text_printf(text, "%s%s: %s", text->size > 0 ? "; " : "", step, data->type);
    if (data->path != NULL) qea_text_printf(text, " in %s", data->path);
}

/* A word for the shell: as it is where that is safe, else in quotes. */
static void put_word(qea_text *text, const char *word) {
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=-,";
    if (word[0] != '\0' && word[0] != '-' && word[strspn(word, safe)] == '\0') {
        qea_text_put(text, word);
        return;
    }
    qea_text_put(text, "'");
    for (const char *c = word; *c != '\0'; c++)
        if (*c == '\'')
            qea_text_put(text, "'\\''");
        else
            qea_text_put_bytes(text, c, 1);
    qea_text_put(text, "'");
}

/* Another name, as the task of this one exists. */
static qea_status make_command(qea_context *ctx, qea_page *p) {
    qea_text name = {0};
    qea_text_printf(&name, "%s-again", p->run->config->task_id);
    qea_text_put(&p->command, "quantea run ");
    put_word(&p->command, p->config_path);
    qea_text_put(&p->command, " --task_id ");
    qea_status status = qea_text_finish(ctx, &name);
    if (status == QEA_OK) put_word(&p->command, name.bytes);
    qea_text_free(&name);
    return status == QEA_OK ? qea_text_finish(ctx, &p->command) : status;
}

static void add_share(qea_page *p) {
    long long images = 0;
    for (size_t i = 0; i < QEA_PAGE_SETTINGS; i++)
        if (strcmp(settings[i], "images trained in search") == 0 && p->values[i] != NULL &&
            qea_int_parse(p->values[i], &images) && images > 0)
            (void)snprintf(p->share, sizeof p->share, "%.3g of its 832 epochs of 45,000 images",
                           (double)images / QEA_ORIGINAL_IMAGES);
    add_fact(p, "share of the original's search", p->share);
}

static qea_status take_facts(qea_context *ctx, qea_page *p) {
    const qea_study_config *config = p->run->config;
    (void)snprintf(p->seed, sizeof p->seed, "%" PRIu64, config->seed);
    p->config_path = realpath(p->run->task.config_path, NULL);
    if (p->config_path == NULL)
        return qea_fail(ctx, QEA_ERR_IO, "%s: asking for its place: %s", p->run->task.config_path, strerror(errno));
    describe_network(p);
    if (config->has_nas && p->run->graph != NULL) put_data(&p->data, "search", &config->nas_data);
    if (config->has_fully_train) put_data(&p->data, "full training", &config->full_data);
    QEA_TRY(qea_text_finish(ctx, &p->data));
    add_fact(p, "configuration file", p->config_path);
    add_fact(p, "seed", p->seed);
    add_fact(p, "network", p->network);
    add_fact(p, "data", p->data.bytes);
    for (size_t i = 0; i < QEA_PAGE_SETTINGS; i++) {
        QEA_TRY(qea_store_get(ctx, p->run->task.store, settings[i], &p->values[i]));
        add_fact(p, strcmp(settings[i], "repeatable") == 0 ? "may not repeat" : settings[i], p->values[i]);
    }
    add_share(p);
    QEA_TRY(make_command(ctx, p));
    return qea_yaml_emit(ctx, config->tree, &p->config);
}

/* Those that have trials; search and full training stand in any case. */
static qea_status take_steps(qea_context *ctx, const qea_step_view *nas, const qea_step_view *full, qea_page *p,
                             size_t *count) {
    static const char *const names[QEA_PAGE_AROUND] = {"float", "supernet", "prediction", "agreement"};
    *count = 0;
    for (size_t i = 0; i < QEA_PAGE_AROUND; i++) {
        if (i == 2) p->steps[(*count)++] = &nas->step;
        QEA_TRY(qea_step_view_load(ctx, p->run, names[i], &p->around[i]));
        if (p->around[i].trials.count > 0) p->steps[(*count)++] = &p->around[i].step;
    }
    p->steps[(*count)++] = &full->step;
    return QEA_OK;
}

qea_status qea_page_make(qea_context *ctx, const qea_run *run, const qea_step_view *nas, const qea_step_view *full,
                         qea_page *p) {
    size_t num_steps;
    *p = (qea_page){.run = run};
    QEA_TRY(take_layers(ctx, p));
    QEA_TRY(take_steps(ctx, nas, full, p, &num_steps));
    QEA_TRY(take_facts(ctx, p));
    QEA_TRY(qea_agreement_view_load(ctx, run, &p->agreement));
    p->report = (qea_report_page){.task = run->config->task_id,
                                  .search = &nas->step,
                                  .full = &full->step,
                                  .steps = p->steps,
                                  .num_steps = num_steps,
                                  .agreement = p->agreement.report.count > 0 ? &p->agreement.report : NULL,
                                  .layers = p->layers,
                                  .num_layers = run->space->num_layers,
                                  .facts = p->facts,
                                  .num_facts = p->num_facts,
                                  .config = p->config,
                                  .command = p->command.bytes};
    return QEA_OK;
}

void qea_page_clear(qea_page *p) {
    qea_free(p->layers);
    qea_agreement_view_clear(&p->agreement);
    for (size_t i = 0; i < QEA_PAGE_AROUND; i++) qea_step_view_clear(&p->around[i]);
    for (size_t i = 0; i < QEA_PAGE_SETTINGS; i++) qea_free(p->values[i]);
    qea_text_free(&p->data);
    qea_text_free(&p->command);
    qea_free(p->config);
    free(p->config_path);
}

static qea_status write_page(qea_context *ctx, const qea_page *p) {
    char *path;
    QEA_TRY(qea_task_path(ctx, &p->run->task, "output/report.html", &path));
    qea_status status = qea_report_write_html(ctx, &p->report, path);
    qea_free(path);
    return status;
}

qea_status qea_run_write_page(qea_context *ctx, const qea_run *run, const qea_step_view *nas,
                              const qea_step_view *full) {
    qea_page p;
    qea_status status = qea_page_make(ctx, run, nas, full, &p);
    if (status == QEA_OK) status = write_page(ctx, &p);
    qea_page_clear(&p);
    return status;
}

/* --- at any time --- */

static qea_status load_task(qea_context *ctx, qea_opened_task *out) {
    qea_run *run = &out->run;
    QEA_TRY(qea_study_config_read(ctx, run->task.config_path, NULL, 0, &run->config));
    QEA_TRY(qea_run_load_network(ctx, run));
    if (run->graph == NULL && run->config->num_genes == 0)
        return qea_fail(ctx, QEA_ERR_STATE,
                        "%s: nothing to report: the task has not begun yet, or a version without reports made it",
                        run->task.folder);
    QEA_TRY(qea_bit_space_create(ctx, run->config, run->graph, &run->space));
    QEA_TRY(qea_step_view_load(ctx, run, "nas", &out->nas));
    QEA_TRY(qea_step_view_load(ctx, run, "fully_train", &out->full));
    return qea_page_make(ctx, run, &out->nas, &out->full, &out->page);
}

qea_status qea_opened_task_open(qea_context *ctx, const char *task, const char *base, qea_opened_task *out) {
    QEA_TRY(qea_task_view(ctx, base != NULL ? base : "tasks", task, &out->run.task));
    return load_task(ctx, out);
}

void qea_opened_task_close(qea_opened_task *opened) {
    qea_page_clear(&opened->page);
    qea_step_view_clear(&opened->nas);
    qea_step_view_clear(&opened->full);
    qea_bit_space_destroy(opened->run.space);
    qea_graph_destroy(opened->run.graph);
    qea_task_close(&opened->run.task);
    qea_study_config_destroy(opened->run.config);
}

qea_status qea_study_report(qea_context *ctx, const char *task, const char *base, char **path) {
    qea_opened_task opened = {.run = {.task = {.log_fd = -1}}};
    *path = NULL;
    qea_status status = qea_opened_task_open(ctx, task, base, &opened);
    if (status == QEA_OK) status = write_page(ctx, &opened.page);
    if (status == QEA_OK) status = qea_task_path(ctx, &opened.run.task, "output/report.html", path);
    qea_opened_task_close(&opened);
    return status;
}
