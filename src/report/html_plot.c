/* Scatter plots of report.html: one for each pair of objectives, as SVG. */
#include <math.h>
#include <stdio.h>

#include "report/html_axes.h"
#include "report/html_gain.h"

enum { HEIGHT = 420 };

typedef struct scatter {
    qea_plot plot;
    const qea_report_page *page;
    const char *x_key, *y_key;
} scatter;

static bool values_of(const scatter *s, const qea_report_model *model, double *x, double *y) {
    *x = qea_report_value(model, s->x_key);
    *y = qea_report_value(model, s->y_key);
    return model->done && isfinite(*x) && isfinite(*y);
}

static void widen(scatter *s, const qea_report_step *step) {
    double x, y;
    for (size_t i = 0; i < step->count; i++)
        if (values_of(s, &step->models[i], &x, &y)) {
            qea_axis_widen(&s->plot.x, x);
            qea_axis_widen(&s->plot.y, y);
        }
}

static void put_mark(const scatter *s, const qea_report_model *model, const char *kind, const char *mark) {
    double x, y;
    char id[24];
    if (!values_of(s, model, &x, &y)) return;
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)model->id);
    qea_plot_mark(&s->plot, kind, mark, id, x, y);
    qea_html_point_name(s->plot.out, s->page->search, model);
    qea_text_put(s->plot.out, "</title></path>\n");
}

/* The 95 % interval of a final accuracy. */
static void put_interval(const scatter *s, const qea_report_model *model) {
    double x, y, low, high, count = qea_report_value(model, "images");
    const qea_axis *axis = &s->plot.y;
    if (!axis->share || !(count > 0) || !values_of(s, model, &x, &y)) return;
    qea_wilson_interval(y, count, &low, &high);
    const double xs[] = {x, x}, ys[] = {fmax(low, axis->low), fmin(high, axis->high)};
    qea_plot_line(&s->plot, "interval", 0, xs, ys, 2, false);
}

/* From the accuracy in the search to that of the same bits fully trained. */
static void put_rise(const scatter *s, const qea_report_model *model) {
    double xs[2], ys[2];
    for (size_t i = 0; i < s->page->search->count; i++) {
        const qea_report_model *trial = &s->page->search->models[i];
        if (model->source == 0 || trial->id != model->source || !values_of(s, trial, &xs[0], &ys[0])) continue;
        if (values_of(s, model, &xs[1], &ys[1])) qea_plot_line(&s->plot, "rise", model->id, xs, ys, 2, false);
    }
}

/* The name of a uniform baseline beside its point. */
static void put_label(const scatter *s, const qea_report_model *model) {
    double x, y;
    if (!qea_html_uniform(model) || !values_of(s, model, &x, &y)) return;
    x = qea_axis_place(&s->plot.x, x);
    y = qea_axis_place(&s->plot.y, y);
    bool left = x > QEA_PLOT_WIDTH - QEA_PLOT_RIGHT - 60;
    qea_text *out = s->plot.out;
    qea_text_put(out, "<text class=\"label\" x=\"");
    qea_html_fixed(out, left ? x - 10 : x + 10, 1);
    qea_text_put(out, "\" y=\"");
    qea_html_fixed(out, y < QEA_PLOT_TOP + 16 ? y + 16 : y - 8, 1);
    qea_text_printf(out, "\" text-anchor=\"%s\">", left ? "end" : "start");
    qea_html_put_uniform(out, model);
    qea_text_put(out, "</text>\n");
}

static void put_points(const scatter *s) {
    const qea_report_step *search = s->page->search, *full = s->page->full;
    for (size_t i = 0; i < search->count; i++)
        if (!search->models[i].on_front && !qea_html_reference(&search->models[i]))
            put_mark(s, &search->models[i], "trial", qea_mark_small_disc);
    for (size_t i = 0; i < search->count; i++)
        if (!search->models[i].on_front && qea_html_reference(&search->models[i]))
            put_mark(s, &search->models[i], "uniform", qea_mark_small_square);
    /* of more than two objectives a projection has no such line */
    if (search->num_objectives == 2) qea_plot_front(&s->plot, "stairs", search, s->x_key, s->y_key);
    for (size_t i = 0; i < full->count; i++) put_rise(s, &full->models[i]);
    qea_plot_uniform(&s->plot, "between", full, s->x_key, s->y_key);
    for (size_t i = 0; i < search->count; i++)
        if (search->models[i].on_front) put_mark(s, &search->models[i], "front", qea_mark_disc);
    for (size_t i = 0; i < full->count; i++) put_interval(s, &full->models[i]);
    for (size_t i = 0; i < full->count; i++)
        if (qea_html_reference(&full->models[i])) put_mark(s, &full->models[i], "baseline", qea_mark_square);
    for (size_t i = 0; i < full->count; i++)
        if (!qea_html_reference(&full->models[i])) put_mark(s, &full->models[i], "final", qea_mark_diamond);
    for (size_t i = 0; i < full->count; i++)
        if (qea_html_reference(&full->models[i])) put_label(s, &full->models[i]);
}

static void put_legend(const scatter *s) {
    qea_text *out = s->plot.out;
    qea_text_put(out, "<figcaption>");
    qea_plot_legend(out, "trial", qea_mark_small_disc, "trial of the search");
    qea_plot_legend(out, "uniform", qea_mark_small_square, "uniform trial");
    qea_plot_legend(out, "front", qea_mark_disc, "front of the search");
    if (qea_html_any_done(s->page->full)) {
        qea_plot_legend(out, "final", qea_mark_diamond, "front model, fully trained");
        qea_plot_legend(out, "baseline", qea_mark_square, "uniform baseline, fully trained");
        qea_plot_legend(out, "between", "M-9 0H9", "between uniform baselines, interpolated");
    }
    qea_text_put(out, "</figcaption>");
}

static void put_plot(qea_text *out, const qea_report_page *page, const char *x_key, const char *y_key) {
    scatter s = {qea_plot_make(out, HEIGHT), page, x_key, y_key};
    qea_text label = {0};
    qea_axis_of_key(&s.plot.x, x_key);
    qea_axis_of_key(&s.plot.y, y_key);
    widen(&s, page->search);
    widen(&s, page->full);
    qea_axis_finish(&s.plot.x, true);
    qea_axis_finish(&s.plot.y, true);
    qea_html_word(&label, y_key);
    qea_text_put(&label, " over ");
    qea_html_word(&label, x_key);
    qea_text_put(&label, " of all trials, the front, the uniform baselines and the fully trained models; the tables "
                         "below have the same numbers");
    qea_text_put(out, "<figure>");
    qea_plot_begin(&s.plot, "scatter", &label);
    put_points(&s);
    qea_text_put(out, "</svg>\n");
    put_legend(&s);
    qea_text_put(out, "</figure>\n");
}

void qea_html_plots(qea_text *out, const qea_report_page *page) {
    const qea_report_step *search = page->search;
    bool network = qea_report_genes(search) == NULL;
    qea_text_printf(out, "<section aria-labelledby=\"h-plots\"><h2 id=\"h-plots\">%s</h2>\n<div class=\"plots\">\n",
                    network ? "Accuracy and cost" : "Objectives");
    if (search->num_objectives == 1) put_plot(out, page, "flops", search->objectives[0]);
    for (size_t i = 0; i < search->num_objectives; i++)
        for (size_t j = i + 1; j < search->num_objectives; j++) {
            bool swap = qea_html_is_share(search->objectives[j]);
            put_plot(out, page, search->objectives[swap ? i : j], search->objectives[swap ? j : i]);
        }
    if (!network) {
        qea_text_put(out, "</div></section>\n");
        return;
    }
    qea_text_put(
        out, "</div>\n<p class=\"note\">Points of the search show the accuracy on validation images after its short "
             "training, fully trained models that on the test images, with a line for the 95 % interval; dotted lines "
             "join the two of the same bits.</p></section>\n");
}
