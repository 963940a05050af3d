/* The page that puts several tasks beside each other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/compare.h"
#include "report/html_axes.h"
#include "report/html_gain.h"

enum { HEIGHT = 420, CURVE_HEIGHT = 320 };

/* One per task. */
static const char *const marks[QEA_REPORT_MAX_TASKS] = {"M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0z",
                                                        "M-5 -5H5V5H-5z",
                                                        "M0 -7L6.5 0L0 7L-6.5 0z",
                                                        "M0 -7L6.5 5H-6.5z",
                                                        "M0 7L6.5 -5H-6.5z",
                                                        "M-7 0L-2.5 -6H2.5L7 0L2.5 6H-2.5z",
                                                        "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2z",
                                                        "M-6 -6L6 6H-6L6 -6z"};

typedef struct overlay {
    qea_plot plot;
    const qea_report_comparison *all;
    const char *x_key, *y_key;
} overlay;

static bool values_of(const overlay *o, const qea_report_model *model, double *x, double *y) {
    *x = qea_report_value(model, o->x_key);
    *y = qea_report_value(model, o->y_key);
    return model->done && isfinite(*x) && isfinite(*y);
}

static void widen(overlay *o, const qea_report_step *step, bool front_only) {
    double x, y;
    for (size_t i = 0; i < step->count; i++)
        if ((!front_only || step->models[i].on_front) && values_of(o, &step->models[i], &x, &y)) {
            qea_axis_widen(&o->plot.x, x);
            qea_axis_widen(&o->plot.y, y);
        }
}

static void put_mark(const overlay *o, size_t task, const qea_report_model *model, const char *kind) {
    const qea_report_page *page = o->all->pages[task];
    double x, y;
    char classes[48], id[48];
    if (!values_of(o, model, &x, &y)) return;
    (void)snprintf(classes, sizeof classes, "c%zu %s", task, kind);
    (void)snprintf(id, sizeof id, "%zu-%llu", task + 1, (unsigned long long)model->id);
    qea_plot_mark(&o->plot, classes, marks[task], id, x, y);
    qea_html_put(o->plot.out, page->task);
    qea_text_put(o->plot.out, ": ");
    qea_html_point_name(o->plot.out, page->search, model);
    qea_text_put(o->plot.out, "</title></path>\n");
}

static void put_task(const overlay *o, size_t task) {
    const qea_report_step *search = o->all->pages[task]->search, *full = o->all->pages[task]->full;
    char kind[48];
    (void)snprintf(kind, sizeof kind, "c%zu task-stairs", task);
    if (search->num_objectives == 2) qea_plot_front(&o->plot, kind, search, o->x_key, o->y_key);
    (void)snprintf(kind, sizeof kind, "c%zu task-between", task);
    qea_plot_uniform(&o->plot, kind, full, o->x_key, o->y_key);
    for (size_t i = 0; i < search->count; i++)
        if (search->models[i].on_front) put_mark(o, task, &search->models[i], "task-front");
    for (size_t i = 0; i < full->count; i++)
        put_mark(o, task, &full->models[i], qea_html_reference(&full->models[i]) ? "task-baseline" : "task-final");
}

static void put_legend(const overlay *o) {
    qea_text *out = o->plot.out;
    char kind[48];
    qea_text_put(out, "<figcaption>");
    for (size_t t = 0; t < o->all->count; t++) {
        (void)snprintf(kind, sizeof kind, "c%zu task-final", t);
        qea_plot_legend(out, kind, marks[t], o->all->pages[t]->task);
    }
    qea_plot_legend(out, "task-front", marks[0], "hollow: front of the search");
    qea_plot_legend(out, "task-final", marks[0], "full: front model, fully trained");
    qea_plot_legend(out, "task-baseline", marks[0], "pale: uniform baseline, fully trained");
    qea_plot_legend(out, "task-between", "M-9 0H9", "between uniform baselines, interpolated");
    qea_text_put(out, "</figcaption>");
}

static void put_plot(qea_text *out, const qea_report_comparison *all, const char *x_key, const char *y_key) {
    overlay o = {qea_plot_make(out, HEIGHT), all, x_key, y_key};
    qea_text label = {0};
    qea_axis_of_key(&o.plot.x, x_key);
    qea_axis_of_key(&o.plot.y, y_key);
    for (size_t t = 0; t < all->count; t++) {
        widen(&o, all->pages[t]->search, true);
        widen(&o, all->pages[t]->full, false);
    }
    qea_axis_finish(&o.plot.x, true);
    qea_axis_finish(&o.plot.y, true);
    qea_html_word(&label, y_key);
    qea_text_put(&label, " over ");
    qea_html_word(&label, x_key);
    qea_text_put(&label, " of the fronts, the uniform baselines and the fully trained models of each task; the table "
                         "below has the same numbers");
    qea_text_put(out, "<figure>");
    qea_plot_begin(&o.plot, "scatter", &label);
    for (size_t t = 0; t < all->count; t++) put_task(&o, t);
    qea_text_put(out, "</svg>\n");
    put_legend(&o);
    qea_text_put(out, "</figure>\n");
}

static void put_plots(qea_text *out, const qea_report_comparison *all) {
    const char *keys[QEA_REPORT_MAX_OBJECTIVES];
    size_t count = qea_report_common_objectives(all, keys);
    qea_text_put(out, "<div><section aria-labelledby=\"h-plots\"><h2 id=\"h-plots\">Accuracy and cost</h2>\n"
                      "<div class=\"plots\">\n");
    if (count < 2) put_plot(out, all, "flops", "accuracy"); /* which every model has */
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            bool swap = qea_html_is_share(keys[j]);
            put_plot(out, all, keys[swap ? i : j], keys[swap ? j : i]);
        }
    qea_text_put(out, "</div>\n<p class=\"note\">Points of the search show the accuracy on validation images after its "
                      "short training, fully trained models that on the test images.</p></section>\n");
}

/* --- hypervolume --- */

static void put_volume_lines(const qea_plot *plot, const qea_report_comparison *all, double *values, size_t most) {
    for (size_t t = 0; t < all->count; t++) {
        const qea_report_step *search = all->pages[t]->search;
        size_t count = qea_html_count_told(search);
        char kind[48];
        for (size_t i = 0; i < count; i++) {
            values[i] = (double)search->models[i].id;
            values[most + i] = search->models[i].hypervolume;
        }
        (void)snprintf(kind, sizeof kind, "c%zu task-volume", t);
        if (count > 0) qea_plot_line(plot, kind, 0, values, values + most, count, true);
    }
}

static void put_volume_plot(qea_text *out, const qea_report_comparison *all) {
    qea_plot plot = qea_plot_make(out, CURVE_HEIGHT);
    qea_text label = {0};
    size_t most = 1;
    double *values;
    plot.x.title = "trials of the search";
    plot.x.whole = true;
    plot.y.title = "hypervolume";
    plot.y.note = ", more is better";
    plot.y.share = true;
    for (size_t t = 0; t < all->count; t++) {
        const qea_report_step *search = all->pages[t]->search;
        if (search->count > most) most = search->count;
        for (size_t i = 0; i < qea_html_count_told(search); i++) {
            qea_axis_widen(&plot.x, (double)search->models[i].id);
            qea_axis_widen(&plot.y, search->models[i].hypervolume);
        }
    }
    if (QEA_NEW(NULL, "hypervolume", values, 2 * most) != QEA_OK) {
        out->failed = true;
        return;
    }
    qea_axis_finish(&plot.x, false);
    qea_axis_finish(&plot.y, false);
    qea_text_put(&label, "Hypervolume over the trials of each search; the table of budgets has where each ends");
    qea_text_put(out, "<figure>");
    qea_plot_begin(&plot, "volumes", &label);
    put_volume_lines(&plot, all, values, most);
    qea_text_put(out, "</svg>\n<figcaption>");
    for (size_t t = 0; t < all->count; t++) {
        char kind[48];
        (void)snprintf(kind, sizeof kind, "c%zu task-volume", t);
        qea_plot_legend(out, kind, "M-9 0H9", all->pages[t]->task);
    }
    qea_text_put(out, "</figcaption></figure>\n");
    qea_free(values);
}

static void put_volume(qea_text *out, const qea_report_comparison *all) {
    qea_text_put(out, "<section aria-labelledby=\"h-volume\"><h2 id=\"h-volume\">Hypervolume</h2>\n");
    if (qea_report_same_box(all))
        put_volume_plot(out, all);
    else
        qea_text_put(out, "<p>Not drawn: each task's hypervolume is a share of a box of its own, and the boxes differ "
                          "or are not known.</p>");
    qea_text_put(out, "</section>\n");
}

/* --- tables --- */

static void put_heads(qea_text *out, const qea_report_comparison *all, const char *first) {
    qea_text_printf(out, "<thead><tr><th scope=\"col\" class=\"text\">%s</th>", first);
    for (size_t t = 0; t < all->count; t++) {
        qea_text_put(out, "<th scope=\"col\" class=\"text\">");
        qea_html_put(out, all->pages[t]->task);
        qea_text_put(out, "</th>");
    }
    qea_text_put(out, "</tr></thead>\n<tbody>\n");
}

static void put_differences(qea_text *out, const qea_report_comparison *all) {
    qea_text_put(out, "<section aria-labelledby=\"h-differs\"><h2 id=\"h-differs\">What differs</h2>\n");
    for (size_t i = 0;; i++) {
        const char *warning = qea_report_warning(all, i);
        if (warning == NULL) break;
        qea_text_printf(out, "<p class=\"warning\">%s</p>\n", warning);
    }
    if (all->num_differences == 0) {
        qea_text_put(out,
                     "<p>Nothing but the tasks' names: same configuration, seed, version and machine.</p></section>\n");
        return;
    }
    qea_text_put(out, "<div class=\"scroll\"><table>\n<caption>Settings and circumstances that are not the same in all "
                      "tasks</caption>\n");
    put_heads(out, all, "what");
    for (size_t i = 0; i < all->num_differences; i++) {
        qea_text_put(out, "<tr><th scope=\"row\">");
        qea_html_put(out, all->differences[i].name);
        qea_text_put(out, "</th>");
        for (size_t t = 0; t < all->count; t++) {
            qea_text_put(out, "<td class=\"text\">");
            qea_html_put(out, all->differences[i].values[t] != NULL ? all->differences[i].values[t] : "-");
            qea_text_put(out, "</td>");
        }
        qea_text_put(out, "</tr>\n");
    }
    qea_text_put(out, "</tbody></table></div></section>\n");
}

static void put_budgets(qea_text *out, const qea_report_comparison *all) {
    static const char *const heads[] = {"trials",
                                        "failed",
                                        "training images of the search",
                                        "time of the search",
                                        "models trained",
                                        "training images of the full training",
                                        "time of the full training",
                                        "front",
                                        "hypervolume"};
    qea_text_put(out, "<section aria-labelledby=\"h-budgets\"><h2 id=\"h-budgets\">Budgets</h2>\n<div class=\"scroll\">"
                      "<table>\n<caption>What each task has spent, and what its search came to; times are of training, "
                      "all workers together</caption>\n<thead><tr><th scope=\"col\">task</th>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        qea_text_printf(out, "<th scope=\"col\">%s</th>", heads[i]);
    qea_text_put(out, "</tr></thead>\n<tbody>\n");
    for (size_t t = 0; t < all->count; t++) {
        const qea_report_page *page = all->pages[t];
        qea_report_budget search = qea_report_search_budget(page), full = qea_report_budget_of(page->full);
        qea_text_put(out, "<tr><th scope=\"row\">");
        qea_html_put(out, page->task);
        qea_text_printf(out, "</th><td>%zu of %zu</td><td>%zu</td><td>", search.done, search.expected, search.failed);
        qea_html_value(out, "images", search.images);
        qea_text_put(out, "</td><td>");
        qea_html_duration(out, search.seconds);
        qea_text_printf(out, "</td><td>%zu</td><td>", full.done);
        qea_html_value(out, "images", full.images);
        qea_text_put(out, "</td><td>");
        qea_html_duration(out, full.seconds);
        qea_text_printf(out, "</td><td>%zu</td><td>", search.front);
        qea_html_value(out, "accuracy", page->search->hypervolume);
        qea_text_put(out, "</td></tr>\n");
    }
    qea_text_put(out, "</tbody></table></div></section>\n");
}

static void put_model_row(qea_text *out, const qea_report_comparison *all, const qea_compared *row,
                          const qea_uniform_curve *curve) {
    const qea_report_model *model = row->model;
    char id[48];
    (void)snprintf(id, sizeof id, "%zu-%llu", row->task + 1, (unsigned long long)model->id);
    qea_text_printf(out,
                    "<tr data-t=\"%s\" id=\"t%s\"><th scope=\"row\"><a href=\"#t%s\"><svg width=\"16\" height=\"16\" "
                    "viewBox=\"-8 -8 16 16\" aria-hidden=\"true\"><path class=\"c%zu task-final\" d=\"%s\"/></svg> ",
                    id, id, id, row->task, marks[row->task]);
    qea_html_put(out, all->pages[row->task]->task);
    qea_text_put(out, "</a></th><td class=\"text\">");
    qea_html_name(out, model);
    qea_text_put(out, "</td><td>");
    qea_html_model_cells(out, model);
    qea_html_gain_cells(out, curve, model);
    qea_text_put(out, "</tr>\n");
}

/* The first cost that all searches weigh; flops every model of a network has. */
static const char *main_cost(const qea_report_comparison *all) {
    const char *keys[QEA_REPORT_MAX_OBJECTIVES];
    size_t count = qea_report_common_objectives(all, keys);
    for (size_t i = 0; i < count; i++)
        if (!qea_html_is_share(keys[i])) return keys[i];
    return "flops";
}

static void put_rows(qea_text *out, const qea_report_comparison *all, const qea_compared *rows, size_t count) {
    qea_uniform_curve curves[QEA_REPORT_MAX_TASKS] = {{0}};
    for (size_t t = 0; t < all->count; t++)
        if (qea_uniform_curve_make(qea_report_shown_step(all->pages[t]), main_cost(all), &curves[t]) != QEA_OK)
            out->failed = true;
    for (size_t i = 0; i < count && !out->failed; i++) put_model_row(out, all, &rows[i], &curves[rows[i].task]);
    for (size_t t = 0; t < all->count; t++) qea_uniform_curve_clear(&curves[t]);
}

static void put_models(qea_text *out, const qea_report_comparison *all) {
    qea_compared *rows;
    size_t count;
    if (qea_report_compared(NULL, all, &rows, &count) != QEA_OK) {
        out->failed = true;
        return;
    }
    qea_text_put(out,
                 "<section aria-labelledby=\"h-models\"><h2 id=\"h-models\">Models</h2>\n<div class=\"scroll\">"
                 "<table>\n<caption>Fully trained models and uniform baselines on the test images, or the front on "
                 "validation images of a task that has none yet, by accuracy; 95 % intervals after Wilson"
                 "</caption>\n<thead><tr><th scope=\"col\">task</th><th scope=\"col\" class=\"text\">model</th>"
                 "<th scope=\"col\">top-1 accuracy</th><th scope=\"col\">95 % interval</th>");
    for (int i = 0; i < QEA_HTML_NUM_COSTS; i++) {
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_title(out, qea_html_costs[i]);
        qea_text_put(out, "</th>");
    }
    qea_text_put(out, "<th scope=\"col\">mean weight bits</th><th scope=\"col\">mean activation bits</th>");
    qea_html_gain_heads(out, main_cost(all));
    qea_text_put(out, "</tr></thead>\n<tbody>\n");
    put_rows(out, all, rows, count);
    qea_text_put(out,
                 "</tbody></table></div>\n<p class=\"note\">Each model is told against the uniform models of its own "
                 "task. ");
    qea_html_gain_note(out);
    qea_text_put(out, "</p></section>\n");
    qea_free(rows);
}

static void put_commands(qea_text *out, const qea_report_comparison *all) {
    qea_text_put(out, "<section aria-labelledby=\"h-origin\"><h2 id=\"h-origin\">How they were made</h2>\n"
                      "<p>The commands that repeat them:</p><pre><code>");
    for (size_t t = 0; t < all->count; t++) {
        qea_html_put(out, all->pages[t]->command);
        qea_text_put(out, "\n");
    }
    qea_text_put(out, "</code></pre></section>\n");
}

qea_status qea_report_write_comparison(qea_context *ctx, const qea_report_comparison *all, const char *path) {
    qea_text text = {0}, title = {0};
    for (size_t t = 0; t < all->count; t++) {
        if (t > 0) qea_text_put(&title, t + 1 < all->count ? ", " : " and ");
        qea_text_put(&title, all->pages[t]->task);
    }
    if (qea_text_finish(ctx, &title) != QEA_OK) {
        qea_text_free(&title);
        return QEA_ERR_MEMORY;
    }
    qea_html_begin(&text, title.bytes);
    qea_text_printf(&text, "<p>%zu tasks beside each other.</p></header>\n<main>\n", all->count);
    qea_text_free(&title);
    put_differences(&text, all);
    put_plots(&text, all);
    qea_html_selection(&text);
    qea_text_put(&text, "</div>\n");
    put_models(&text, all);
    put_budgets(&text, all);
    put_volume(&text, all);
    put_commands(&text, all);
    qea_html_end(&text);
    return qea_report_write_text(ctx, &text, path);
}
