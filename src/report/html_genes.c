/* report.html of a search without a network: tables of objectives and genes in place of layers. */
#include <math.h>

#include "base/memory.h"
#include "report/html.h"

static void put_head(qea_text *out, const qea_report_step *step) {
    const char *name;
    json_t *value;
    qea_text_put(out,
                 "<thead><tr><th scope=\"col\">trial</th><th scope=\"col\">origin</th><th scope=\"col\">state</th>");
    for (size_t i = 0; i < step->num_objectives; i++) {
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_put(out, step->objectives[i]);
        qea_text_put(out, qea_report_is_maximized(step, i) ? " (max)</th>" : " (min)</th>");
    }
    json_object_foreach((json_t *)(uintptr_t)qea_report_genes(step), name, value) {
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_put(out, name);
        qea_text_put(out, "</th>");
    }
    qea_text_put(out, "<th scope=\"col\">hypervolume so far</th></tr></thead>\n<tbody>\n");
}

static void put_gene(qea_text *out, const json_t *value) {
    qea_text text = {0};
    if (!json_is_string(value)) qea_text_put_json(&text, value, 0);
    qea_text_put(out, "<td>");
    qea_html_put(out, json_is_string(value) ? json_string_value(value) : text.bytes != NULL ? text.bytes : "");
    qea_text_put(out, "</td>");
    out->failed = out->failed || text.failed;
    qea_text_free(&text);
}

/* `row`: the letter of the row's own address; `to`: that of the place it points to. */
static void put_row(qea_text *out, const qea_report_step *step, const qea_report_model *model, char row, char to) {
    unsigned long long id = (unsigned long long)model->id;
    const char *name;
    json_t *value;
    qea_text_printf(out, "<tr data-t=\"%llu\" id=\"%c%llu\"><th scope=\"row\"><a href=\"#%c%llu\">%llu</a></th><td>",
                    id, row, id, to, id, id);
    qea_html_put(out, model->label);
    qea_text_printf(out, "</td><td>%s%s</td>", qea_report_state(model), model->on_front ? ", front" : "");
    for (size_t i = 0; i < step->num_objectives; i++) {
        double number = qea_report_value(model, step->objectives[i]);
        qea_text_put(out, "<td>");
        if (isfinite(number)) qea_text_put_double(out, number);
        qea_text_put(out, isfinite(number) ? "</td>" : "-</td>");
    }
    json_object_foreach((json_t *)(uintptr_t)model->genes, name, value) put_gene(out, value);
    qea_text_put(out, "<td>");
    qea_html_value(out, "accuracy", model->hypervolume);
    qea_text_put(out, "</td></tr>\n");
}

void qea_html_gene_front(qea_text *out, const qea_report_page *page) {
    const qea_report_step *step = page->search;
    const qea_report_model **order;
    size_t count;
    if (qea_report_order(NULL, step, &order, &count) != QEA_OK) {
        out->failed = true;
        return;
    }
    qea_text_put(out, "<section aria-labelledby=\"h-models\"><h2 id=\"h-models\">The front</h2>\n<div class=\"scroll\">"
                      "<table>\n<caption>Trials that no other dominates, by the first objective</caption>\n");
    put_head(out, step);
    for (size_t i = 0; i < count; i++) put_row(out, step, order[i], 'm', 't');
    qea_text_put(out, "</tbody></table></div></section>\n");
    qea_free(order);
}

void qea_html_gene_trials(qea_text *out, const qea_report_page *page) {
    const qea_report_step *step = page->search;
    qea_text_printf(out,
                    "<section aria-labelledby=\"h-trials\"><h2 id=\"h-trials\">Trials</h2>\n<details id=\"trials\">"
                    "<summary>all %zu trials of the search</summary><div class=\"scroll\"><table>\n<caption>Trials of "
                    "the search, by id</caption>\n",
                    step->count);
    put_head(out, step);
    for (size_t i = 0; i < step->count; i++) put_row(out, step, &step->models[i], 't', 't');
    qea_text_put(out, "</tbody></table></div></details></section>\n");
}
