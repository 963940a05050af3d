/* The table of models, and a section for each: bits along the network, gain over uniform bits. */
#include <math.h>

#include "base/memory.h"
#include "report/html_gain.h"

static unsigned long long id_of(const qea_report_model *model) { return (unsigned long long)model->id; }

/* --- the table --- */

static void put_accuracy_cells(qea_text *out, const qea_report_model *model) {
    double accuracy = qea_report_value(model, "accuracy"), low, high;
    qea_wilson_interval(accuracy, qea_report_value(model, "images"), &low, &high);
    qea_html_value(out, "accuracy", accuracy);
    qea_text_put(out, "</td><td>");
    qea_html_fixed(out, 100 * low, 2);
    qea_text_put(out, " to ");
    qea_html_fixed(out, 100 * high, 2);
    qea_text_put(out, "</td>");
}

void qea_html_model_cells(qea_text *out, const qea_report_model *model) {
    put_accuracy_cells(out, model);
    for (int i = 0; i < QEA_HTML_NUM_COSTS; i++) {
        qea_text_put(out, "<td>");
        qea_html_value(out, qea_html_costs[i], qea_report_value(model, qea_html_costs[i]));
        qea_text_put(out, "</td>");
    }
    qea_text_put(out, "<td>");
    qea_html_fixed(out, model->mean_weight_bits, 2);
    qea_text_put(out, "</td><td>");
    qea_html_fixed(out, model->mean_activation_bits, 2);
    qea_text_put(out, "</td>");
}

static void put_spread(qea_text *out, const qea_report_model *model) {
    qea_report_spread spread = qea_report_accuracies(model);
    qea_html_value(out, "accuracy", spread.mean);
    qea_text_put(out, " \302\261 ");
    qea_html_fixed(out, 100 * spread.sd, 2);
    qea_text_printf(out, " of %zu", spread.trainings);
}

static void put_row(qea_text *out, const qea_report_step *step, const qea_report_model *model,
                    const qea_uniform_curve *curve) {
    qea_text_printf(out, "<tr data-t=\"%llu\"><th scope=\"row\"><a href=\"#m%llu\">", id_of(model), id_of(model));
    qea_html_name(out, model);
    qea_text_printf(out, "</a></th><td>%llu</td><td>", id_of(model));
    qea_html_model_cells(out, model);
    for (size_t i = 0; i < step->num_objectives; i++) {
        if (!qea_report_is_own(step, i)) continue;
        qea_text_put(out, "<td>");
        qea_html_value(out, step->objectives[i], qea_report_value(model, step->objectives[i]));
        qea_text_put(out, "</td>");
    }
    if (qea_report_repeated(step)) {
        qea_text_put(out, "<td>");
        if (model->num_repeats > 0) put_spread(out, model);
        qea_text_put(out, "</td>");
    }
    qea_html_gain_cells(out, curve, model);
    qea_text_put(out, "</tr>\n");
}

static void put_table_head(qea_text *out, const qea_report_step *step, bool final) {
    qea_text_printf(
        out,
        "<section aria-labelledby=\"h-models\"><h2 id=\"h-models\">Models</h2>\n<div class=\"scroll\"><table>\n"
        "<caption>%s, by accuracy; 95 %% intervals after Wilson</caption>\n<thead><tr>"
        "<th scope=\"col\">model</th><th scope=\"col\">id</th><th scope=\"col\">top-1 accuracy</th>"
        "<th scope=\"col\">95 %% interval</th>",
        final ? "Fully trained models and uniform baselines on the test images"
              : "The front of the search on the validation images (nothing is fully trained yet)");
    for (int i = 0; i < QEA_HTML_NUM_COSTS; i++) {
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_title(out, qea_html_costs[i]);
        qea_text_put(out, "</th>");
    }
    qea_text_put(out, "<th scope=\"col\">mean weight bits</th><th scope=\"col\">mean activation bits</th>");
    for (size_t i = 0; i < step->num_objectives; i++) {
        if (!qea_report_is_own(step, i)) continue;
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_title(out, step->objectives[i]);
        qea_text_put(out, "</th>");
    }
    if (qea_report_repeated(step)) qea_text_put(out, "<th scope=\"col\">mean and standard deviation of all seeds</th>");
    qea_html_gain_heads(out, qea_html_main_cost(step));
    qea_text_put(out, "</tr></thead>\n<tbody>\n");
}

void qea_html_model_table(qea_text *out, const qea_report_page *page) {
    bool final = qea_html_any_done(page->full);
    const qea_report_step *step = final ? page->full : page->search;
    const qea_report_model **order;
    qea_uniform_curve curve;
    size_t count;
    if (qea_uniform_curve_make(step, qea_html_main_cost(step), &curve) != QEA_OK ||
        qea_report_order(NULL, step, &order, &count) != QEA_OK) {
        qea_uniform_curve_clear(&curve);
        out->failed = true;
        return;
    }
    put_table_head(out, step, final);
    for (size_t i = 0; i < count; i++)
        if (order[i]->done) put_row(out, step, order[i], &curve);
    qea_text_put(out, "</tbody></table></div>\n<p class=\"note\">");
    qea_html_gain_note(out);
    qea_text_put(out, "</p>\n");
    qea_free(order);
    qea_uniform_curve_clear(&curve);
}

/* --- the sections --- */

static void put_epochs(qea_text *out, const qea_report_model *model) {
    qea_text_printf(out, " after %d epoch%s", model->epochs, model->epochs == 1 ? "" : "s");
}

static void put_search_line(qea_text *out, const qea_report_page *page, const qea_report_model *model) {
    for (size_t i = 0; i < page->search->count; i++) {
        const qea_report_model *trial = &page->search->models[i];
        if (trial == model || trial->id != model->source || !trial->done) continue;
        qea_text_put(out, "<p>Accuracy in the search: ");
        qea_html_value(out, "accuracy", qea_report_value(trial, "accuracy"));
        put_epochs(out, trial);
        qea_text_put(out, "; fully trained: ");
        qea_html_value(out, "accuracy", qea_report_value(model, "accuracy"));
        put_epochs(out, model);
        qea_text_put(out, ".</p>\n");
    }
}

static void put_details(qea_text *out, const qea_report_page *page, const qea_report_step *step,
                        const qea_report_model *model) {
    qea_text_printf(out, "<details class=\"model\" id=\"m%llu\" data-t=\"%llu\"%s><summary>", id_of(model),
                    id_of(model), qea_html_reference(model) ? " data-reference=\"yes\"" : "");
    qea_html_name(out, model);
    qea_text_put(out, step == page->full ? ", fully trained: " : ": ");
    qea_html_value(out, "accuracy", qea_report_value(model, "accuracy"));
    qea_text_put(out, ", ");
    qea_html_measure(out, qea_html_main_cost(step), qea_report_value(model, qea_html_main_cost(step)));
    qea_text_put(out, "</summary>\n");
    if (step == page->full) put_search_line(out, page, model);
    qea_text_put(out, "<ul>\n");
    qea_html_gains(out, step, model);
    qea_text_put(out, "<li>Mean bits: weights ");
    qea_html_fixed(out, model->mean_weight_bits, 2);
    qea_text_put(out, ", activations ");
    qea_html_fixed(out, model->mean_activation_bits, 2);
    qea_text_put(out, ".</li>\n");
    if (model->num_repeats > 0) {
        qea_text_put(out, "<li>All seeds: ");
        put_spread(out, model);
        qea_text_put(out, " trainings; gains count with the mean.</li>\n");
    }
    if (model->model_path != NULL) {
        qea_text_put(out, "<li>File: ");
        qea_html_put(out, model->model_path);
        qea_text_put(out, "</li>\n");
    }
    qea_text_put(out, "</ul>\n");
    qea_html_layers(out, page, model);
    qea_text_put(out, "</details>\n");
}

/* Of a search that nothing is fully trained of yet, so many. */
enum { MAX_SEARCH_DETAILS = 24 };

static void put_step_details(qea_text *out, const qea_report_page *page, const qea_report_step *step) {
    const qea_report_model **order;
    size_t count;
    if (qea_report_order(NULL, step, &order, &count) != QEA_OK) {
        out->failed = true;
        return;
    }
    if (step == page->search && count > MAX_SEARCH_DETAILS) count = MAX_SEARCH_DETAILS;
    for (size_t i = 0; i < count; i++)
        if (order[i]->done) put_details(out, page, step, order[i]);
    qea_free(order);
}

void qea_html_model_details(qea_text *out, const qea_report_page *page) {
    qea_html_bit_map(out, page);
    qea_text_put(out, "<h3>Each model along the network</h3>\n");
    put_step_details(out, page, qea_html_any_done(page->full) ? page->full : page->search);
    qea_text_put(out, "</section>\n");
}
