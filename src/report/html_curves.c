/* What changes over time: the search's hypervolume over its trials, loss and accuracy over the epochs of the full
 * training. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/html_axes.h"

enum { HEIGHT = 320, MAX_POINTS = 400 };

static void end_figure(qea_text *out) { qea_text_put(out, "</svg></figure>\n"); }

static void put_point_id(const qea_plot *plot, const qea_report_model *model, double x, double y) {
    char id[24];
    bool final = model->source > 0 || strcmp(model->label, "baseline") == 0;
    const char *kind = !final ? "front" : qea_html_reference(model) ? "baseline" : "final";
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)model->id);
    qea_plot_mark(plot, kind, final ? qea_mark_small_square : qea_mark_small_disc, id, x, y);
    qea_html_name(plot->out, model);
}

/* --- the search --- */

size_t qea_html_count_told(const qea_report_step *search) {
    size_t count = search->count;
    while (count > 0 && search->models[count - 1].waiting) count--;
    return count;
}

/* "of the box of accuracy 10.00 % to 100.00 %, ..." */
static void put_box(qea_text *out, const qea_report_step *search) {
    qea_text_put(out, "<figcaption class=\"note\">Share of a box that was fixed before the search: ");
    for (size_t i = 0; i < search->num_objectives; i++) {
        const char *key = search->objectives[i];
        const json_t *range = json_object_get(search->box, key);
        if (i > 0) qea_text_put(out, ", ");
        qea_html_title(out, key);
        qea_text_put(out, " ");
        qea_html_value(out, key, json_number_value(json_array_get(range, 0)));
        qea_text_put(out, " to ");
        qea_html_value(out, key, json_number_value(json_array_get(range, 1)));
    }
    qea_text_put(out, ". Filled points are on the front today.</figcaption></figure>\n");
}

static void put_volume_plot(qea_text *out, const qea_report_step *search, size_t count, double *x, double *y) {
    qea_plot plot = qea_plot_make(out, HEIGHT);
    qea_text label = {0};
    plot.x.title = "trials of the search";
    plot.x.whole = true;
    plot.y.title = "hypervolume";
    plot.y.note = ", more is better";
    plot.y.share = true;
    for (size_t i = 0; i < count; i++) {
        qea_axis_widen(&plot.x, x[i] = (double)search->models[i].id);
        qea_axis_widen(&plot.y, y[i] = search->models[i].hypervolume);
    }
    qea_axis_finish(&plot.x, false);
    qea_axis_finish(&plot.y, false);
    qea_text_put(&label, "Hypervolume over the trials of the search, at the end ");
    qea_html_value(&label, "accuracy", search->hypervolume);
    qea_text_put(&label, " of the box; the table of trials has the same numbers");
    qea_text_put(out, "<figure>");
    qea_plot_begin(&plot, "scatter", &label);
    qea_plot_line(&plot, "volume", 0, x, y, count, true);
    for (size_t i = 0; i < count; i++) {
        if (!search->models[i].on_front || !isfinite(y[i])) continue;
        put_point_id(&plot, &search->models[i], x[i], y[i]);
        qea_text_put(out, ": hypervolume ");
        qea_html_value(out, "accuracy", y[i]);
        qea_text_put(out, "</title></path>\n");
    }
    qea_text_put(out, "</svg>\n");
    put_box(out, search);
}

static void put_volume(qea_text *out, const qea_report_step *search) {
    size_t count = qea_html_count_told(search);
    double *values;
    if (count == 0 || !isfinite(search->hypervolume) || search->box == NULL) return;
    if (QEA_NEW(NULL, "hypervolume", values, 2 * count) != QEA_OK) {
        out->failed = true;
        return;
    }
    put_volume_plot(out, search, count, values, values + count);
    qea_free(values);
}

/* --- full training --- */

typedef struct quantity {
    const char *key, *title, *note;
    bool share;
} quantity;

static const quantity quantities[] = {
    {"train_loss", "training loss", ", less is better", false},
    {"train_accuracy", "accuracy on training images", "", true},
    {"val_accuracy", "accuracy on validation images", "", true},
};
enum { NUM_QUANTITIES = sizeof quantities / sizeof *quantities };

static const json_t *curve_of(const qea_report_model *model, const char *key) {
    return model->done ? json_object_get(json_object_get(model->performance, "curve"), key) : NULL;
}

static double number_at(const json_t *list, size_t index) {
    const json_t *value = json_array_get(list, index);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool any_value(const qea_report_step *full, const char *key) {
    for (size_t i = 0; i < full->count; i++) {
        const json_t *list = curve_of(&full->models[i], key);
        for (size_t k = 0; k < json_array_size(list); k++)
            if (isfinite(number_at(list, k))) return true;
    }
    return false;
}

/* At most MAX_POINTS of a model's curve, the last among them; returns how many. */
static size_t take_curve(const qea_report_model *model, const char *key, double x[MAX_POINTS], double y[MAX_POINTS]) {
    const json_t *epochs = curve_of(model, "epoch"), *list = curve_of(model, key);
    size_t size = json_array_size(list), every = (size + MAX_POINTS - 1) / MAX_POINTS, count = 0;
    for (size_t back = 0; back * every < size; back++) count++;
    for (size_t i = 0; i < count; i++) {
        size_t at = size - 1 - (count - 1 - i) * every;
        x[i] = number_at(epochs, at);
        y[i] = number_at(list, at);
    }
    return count;
}

static void put_training_lines(const qea_plot *plot, const qea_report_step *full, const quantity *what) {
    double x[MAX_POINTS], y[MAX_POINTS];
    for (size_t i = 0; i < full->count; i++) {
        const qea_report_model *model = &full->models[i];
        size_t count = take_curve(model, what->key, x, y);
        if (count == 0) continue;
        qea_plot_line(plot, qea_html_reference(model) ? "curve of-baseline" : "curve of-final", model->id, x, y, count,
                      false);
        if (!isfinite(x[count - 1]) || !isfinite(y[count - 1])) continue;
        put_point_id(plot, model, x[count - 1], y[count - 1]);
        qea_text_printf(plot->out, ": %s ", what->title);
        if (what->share)
            qea_html_value(plot->out, "accuracy", y[count - 1]);
        else
            qea_html_fixed(plot->out, y[count - 1], 4);
        qea_text_put(plot->out, " in epoch ");
        qea_html_fixed(plot->out, x[count - 1], 0);
        qea_text_put(plot->out, "</title></path>\n");
    }
}

static void put_training_plot(qea_text *out, const qea_report_step *full, const quantity *what) {
    qea_plot plot = qea_plot_make(out, HEIGHT);
    qea_text label = {0};
    plot.x.title = "epoch of the full training";
    plot.x.whole = true;
    plot.y.title = what->title;
    plot.y.note = what->note;
    plot.y.share = what->share;
    double x[MAX_POINTS], y[MAX_POINTS];
    for (size_t i = 0; i < full->count; i++) {
        size_t count = take_curve(&full->models[i], what->key, x, y);
        for (size_t k = 0; k < count; k++) {
            qea_axis_widen(&plot.x, x[k]);
            qea_axis_widen(&plot.y, y[k]);
        }
    }
    qea_axis_finish(&plot.x, false);
    qea_axis_finish(&plot.y, true);
    qea_text_printf(&label,
                    "Curves over the epochs of the full training: %s of each model; a table below has where "
                    "they end",
                    what->title);
    qea_text_put(out, "<figure>");
    qea_plot_begin(&plot, "scatter", &label);
    put_training_lines(&plot, full, what);
    end_figure(out);
}

/* --- where the training ended, as a table --- */

static void put_end_row(qea_text *out, const qea_report_model *model) {
    const json_t *epochs = curve_of(model, "epoch");
    size_t size = json_array_size(epochs);
    if (size == 0) return;
    qea_text_printf(out, "<tr data-t=\"%llu\"><th scope=\"row\">", (unsigned long long)model->id);
    qea_html_name(out, model);
    qea_text_put(out, "</th><td>");
    qea_html_fixed(out, number_at(epochs, size - 1), 0);
    for (int i = 0; i < NUM_QUANTITIES; i++) {
        double value = number_at(curve_of(model, quantities[i].key), size - 1);
        qea_text_put(out, "</td><td>");
        if (quantities[i].share)
            qea_html_value(out, "accuracy", value);
        else
            qea_html_fixed(out, value, 4);
    }
    qea_text_put(out, "</td></tr>\n");
}

static void put_ends(qea_text *out, const qea_report_step *full) {
    qea_text_put(out, "<details><summary>where each training ended</summary><div class=\"scroll\"><table>\n"
                      "<caption>The last epoch of each full training</caption>\n<thead><tr>"
                      "<th scope=\"col\">model</th><th scope=\"col\">epoch</th>");
    for (int i = 0; i < NUM_QUANTITIES; i++) qea_text_printf(out, "<th scope=\"col\">%s</th>", quantities[i].title);
    qea_text_put(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < full->count; i++) put_end_row(out, &full->models[i]);
    qea_text_put(out, "</tbody></table></div></details>\n");
}

void qea_html_curves(qea_text *out, const qea_report_page *page) {
    const qea_report_step *search = page->search, *full = page->full;
    bool trained = any_value(full, "train_loss"),
         told = qea_html_count_told(search) > 0 && isfinite(search->hypervolume);
    if (!trained && !told) return;
    qea_text_put(out,
                 "<section aria-labelledby=\"h-curves\"><h2 id=\"h-curves\">Progress</h2>\n<div class=\"plots\">\n");
    put_volume(out, search);
    for (int i = 0; i < NUM_QUANTITIES; i++)
        if (any_value(full, quantities[i].key)) put_training_plot(out, full, &quantities[i]);
    qea_text_put(out, "</div>\n");
    if (trained) put_ends(out, full);
    qea_text_put(out, "</section>\n");
}
