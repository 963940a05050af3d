/* The table of models, and a section for each: bits along the network, gain over uniform bits. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/html.h"

static unsigned long long id_of(const qea_report_model *model) { return (unsigned long long)model->id; }

static const char *const costs[] = {"flops", "params", "weight_bytes", "bops", "activation_bytes"};
enum { NUM_COSTS = sizeof costs / sizeof *costs };

/* --- the table --- */

static void put_accuracy(qea_text *out, const qea_report_model *model) {
    double accuracy = qea_report_value(model, "accuracy"), low, high;
    qea_wilson_interval(accuracy, qea_report_value(model, "images"), &low, &high);
    qea_html_value(out, "accuracy", accuracy);
    qea_text_put(out, "</td><td>");
    qea_html_fixed(out, 100 * low, 2);
    qea_text_put(out, " to ");
    qea_html_fixed(out, 100 * high, 2);
    qea_text_put(out, "</td>");
}

static void put_row(qea_text *out, const qea_report_model *model) {
    qea_text_printf(out, "<tr data-t=\"%llu\"><th scope=\"row\"><a href=\"#m%llu\">", id_of(model), id_of(model));
    qea_html_name(out, model);
    qea_text_printf(out, "</a></th><td>%llu</td><td>", id_of(model));
    put_accuracy(out, model);
    for (int i = 0; i < NUM_COSTS; i++) {
        qea_text_put(out, "<td>");
        qea_html_value(out, costs[i], qea_report_value(model, costs[i]));
        qea_text_put(out, "</td>");
    }
    qea_text_put(out, "<td>");
    qea_html_fixed(out, model->mean_weight_bits, 2);
    qea_text_put(out, "</td><td>");
    qea_html_fixed(out, model->mean_activation_bits, 2);
    qea_text_put(out, "</td></tr>\n");
}

static bool any_done(const qea_report_step *step) {
    for (size_t i = 0; i < step->count; i++)
        if (step->models[i].done) return true;
    return false;
}

void qea_html_model_table(qea_text *out, const qea_report_page *page) {
    bool final = any_done(page->full);
    const qea_report_model **order;
    size_t count;
    if (qea_report_order(NULL, final ? page->full : page->search, &order, &count) != QEA_OK) {
        out->failed = true;
        return;
    }
    qea_text_printf(
        out,
        "<section aria-labelledby=\"h-models\"><h2 id=\"h-models\">Models</h2>\n<div class=\"scroll\"><table>\n"
        "<caption>%s, by accuracy; 95 %% intervals after Wilson</caption>\n<thead><tr>"
        "<th scope=\"col\">model</th><th scope=\"col\">id</th><th scope=\"col\">top-1 accuracy</th>"
        "<th scope=\"col\">95 %% interval</th>",
        final ? "Fully trained models and uniform baselines on the test images"
              : "The front of the search on the validation images (nothing is fully trained yet)");
    for (int i = 0; i < NUM_COSTS; i++) {
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_title(out, costs[i]);
        qea_text_put(out, "</th>");
    }
    qea_text_put(
        out,
        "<th scope=\"col\">mean weight bits</th><th scope=\"col\">mean activation bits</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++)
        if (order[i]->done) put_row(out, order[i]);
    qea_text_put(out, "</tbody></table></div>\n");
    qea_free(order);
}

/* --- gain over uniform bits --- */

/* The cost that the search weighs against accuracy. */
static const char *main_cost(const qea_report_step *step) {
    for (size_t i = 0; i < step->num_objectives; i++)
        if (!qea_html_is_share(step->objectives[i])) return step->objectives[i];
    return "flops";
}

static double distance(const qea_report_model *a, const qea_report_model *b, const char *key) {
    double p = qea_report_value(a, key), q = qea_report_value(b, key);
    return qea_html_is_share(key) ? fabs(p - q) : fabs(log(p / q));
}

static const qea_report_model *nearest(const qea_report_step *step, const qea_report_model *model, const char *key) {
    const qea_report_model *best = NULL;
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *other = &step->models[i];
        if (other == model || !other->done || !qea_html_reference(other) || !qea_html_uniform(other)) continue;
        double d = distance(model, other, key);
        if (isfinite(d) && (best == NULL || d < distance(model, best, key))) best = other;
    }
    return best;
}

static bool intervals_meet(const qea_report_model *a, const qea_report_model *b) {
    double low_a, high_a, low_b, high_b;
    qea_wilson_interval(qea_report_value(a, "accuracy"), qea_report_value(a, "images"), &low_a, &high_a);
    qea_wilson_interval(qea_report_value(b, "accuracy"), qea_report_value(b, "images"), &low_b, &high_b);
    return low_a <= high_b && low_b <= high_a;
}

/* `why`: what it is nearest in. */
static void put_gain(qea_text *out, const qea_report_model *model, const qea_report_model *other, const char *why[2]) {
    double gain = qea_report_value(model, "accuracy") - qea_report_value(other, "accuracy");
    qea_text_printf(out, "<li>Against uniform w%da%d, nearest in ", other->weight_bits[0], other->activation_bits[0]);
    for (int i = 0; i < 2 && why[i] != NULL; i++) {
        if (i > 0) qea_text_put(out, " and in ");
        qea_html_word(out, why[i]);
    }
    qea_text_put(out, ": accuracy <strong>");
    qea_html_signed(out, 100 * gain, 2);
    qea_text_printf(out, " points</strong> (95 %% intervals %s)",
                    intervals_meet(model, other) ? "overlap" : "do not overlap");
    for (int i = 0; i < NUM_COSTS; i++) {
        double before = qea_report_value(other, costs[i]), now = qea_report_value(model, costs[i]);
        if (!(before > 0) || !isfinite(now)) continue;
        qea_text_put(out, ", ");
        qea_html_word(out, costs[i]);
        qea_text_put(out, " ");
        qea_html_signed(out, 100 * (now / before - 1), 1);
        qea_text_put(out, " %");
    }
    qea_text_put(out, ".</li>\n");
}

/* Against the uniform model of the nearest cost and that of the nearest accuracy, which may be the same. */
static void put_gains(qea_text *out, const qea_report_step *step, const qea_report_model *model) {
    const char *cost = main_cost(step);
    const qea_report_model *by_cost = nearest(step, model, cost), *by_accuracy = nearest(step, model, "accuracy");
    if (by_cost != NULL)
        put_gain(out, model, by_cost, (const char *[2]){cost, by_cost == by_accuracy ? "accuracy" : NULL});
    if (by_accuracy != NULL && by_accuracy != by_cost)
        put_gain(out, model, by_accuracy, (const char *[2]){"accuracy", NULL});
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
    qea_text_printf(out, "<details class=\"model\" id=\"m%llu\" data-t=\"%llu\"><summary>", id_of(model), id_of(model));
    qea_html_name(out, model);
    qea_text_put(out, step == page->full ? ", fully trained: " : ": ");
    qea_html_value(out, "accuracy", qea_report_value(model, "accuracy"));
    qea_text_put(out, ", ");
    qea_html_measure(out, main_cost(step), qea_report_value(model, main_cost(step)));
    qea_text_put(out, "</summary>\n");
    if (step == page->full) put_search_line(out, page, model);
    qea_text_put(out, "<ul>\n");
    put_gains(out, step, model);
    qea_text_put(out, "<li>Mean bits: weights ");
    qea_html_fixed(out, model->mean_weight_bits, 2);
    qea_text_put(out, ", activations ");
    qea_html_fixed(out, model->mean_activation_bits, 2);
    qea_text_put(out, ".</li>\n");
    if (model->model_path != NULL) {
        qea_text_put(out, "<li>File: ");
        qea_html_put(out, model->model_path);
        qea_text_put(out, "</li>\n");
    }
    qea_text_put(out, "</ul>\n");
    qea_html_layers(out, page, model);
    qea_text_put(out, "</details>\n");
}

static void put_step_details(qea_text *out, const qea_report_page *page, const qea_report_step *step) {
    const qea_report_model **order;
    size_t count;
    if (qea_report_order(NULL, step, &order, &count) != QEA_OK) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (order[i]->done && (step == page->full || qea_html_final(page, order[i]->id) == NULL))
            put_details(out, page, step, order[i]);
    qea_free(order);
}

void qea_html_model_details(qea_text *out, const qea_report_page *page) {
    qea_text_put(out, "<h3>Bits of each model along the network</h3>\n");
    put_step_details(out, page, page->full);
    put_step_details(out, page, page->search);
    qea_text_put(out, "</section>\n");
}
