/* Scatter plots of report.html: one for each pair of objectives, as SVG. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/html.h"

enum { WIDTH = 640, HEIGHT = 420, LEFT = 76, RIGHT = 20, TOP = 18, BOTTOM = 62, MAX_TICKS = 40 };

typedef struct axis {
    const char *key;
    bool logarithmic;
    double low, high; /* shown; logarithms where logarithmic */
    double from, to;  /* their places */
} axis;

typedef struct plot {
    qea_text *out;
    const qea_report_page *page;
    axis x, y;
} plot;

static double place(const axis *a, double value) {
    double v = a->logarithmic ? log10(value) : value;
    return a->from + (a->to - a->from) * (v - a->low) / (a->high - a->low);
}

static bool point_of(const plot *p, const qea_report_model *model, double *x, double *y) {
    *x = qea_report_value(model, p->x.key);
    *y = qea_report_value(model, p->y.key);
    if (!model->done || !isfinite(*x) || !isfinite(*y)) return false;
    *x = place(&p->x, *x);
    *y = place(&p->y, *y);
    return true;
}

static void widen(const qea_report_step *step, axis *a) {
    for (size_t i = 0; i < step->count; i++) {
        double value = qea_report_value(&step->models[i], a->key);
        if (!step->models[i].done || !isfinite(value)) continue;
        a->low = fmin(a->low, value);
        a->high = fmax(a->high, value);
    }
}

/* Costs that span more than a factor of 4 (the float baseline does that) are shown by their logarithm. */
static axis axis_make(const qea_report_page *page, const char *key, double from, double to) {
    axis a = {key, false, INFINITY, -INFINITY, from, to};
    widen(page->search, &a);
    widen(page->full, &a);
    if (!(a.low <= a.high)) a.low = 0, a.high = 1;
    a.logarithmic = !qea_html_is_share(key) && a.low > 0 && a.high > 4 * a.low;
    if (a.logarithmic) a.low = log10(a.low), a.high = log10(a.high);
    double room = 0.06 * (a.high - a.low);
    if (!(room > 0)) room = fmax(0.05 * fabs(a.high), 1e-3);
    a.low -= room;
    a.high += room;
    return a;
}

/* value = digit * 10^exponent, where digit is an integer */
static void put_tick_text(qea_text *out, const axis *a, double value, int exponent) {
    if (qea_html_is_share(a->key)) {
        qea_html_fixed(out, 100 * value, exponent < -2 ? -2 - exponent : 0);
        qea_text_put(out, " %");
        return;
    }
    static const char *const suffixes[] = {"", " k", " M", " G", " T"};
    int suffix = 0;
    double size = fmax(fabs(value), 1.0);
    for (; size >= 1e4 && suffix < 4; suffix++) size /= 1000, value /= 1000;
    int decimals = 3 * suffix - exponent;
    qea_html_fixed(out, value, decimals < 0 ? 0 : decimals > 9 ? 9 : decimals);
    qea_text_put(out, suffixes[suffix]);
}

static void put_tick(plot *p, const axis *a, double value, int exponent) {
    bool horizontal = a == &p->x;
    double at = place(a, value);
    if (at < fmin(a->from, a->to) - 0.01 || at > fmax(a->from, a->to) + 0.01) return;
    const axis *other = horizontal ? &p->y : &p->x;
    qea_text_put(p->out, "<path class=\"grid\" d=\"M");
    qea_html_fixed(p->out, horizontal ? at : other->from, 1);
    qea_text_put(p->out, " ");
    qea_html_fixed(p->out, horizontal ? other->from : at, 1);
    qea_text_put(p->out, horizontal ? "V" : "H");
    qea_html_fixed(p->out, other->to, 1);
    qea_text_put(p->out, "\"/><text class=\"tick\" x=\"");
    qea_html_fixed(p->out, horizontal ? at : LEFT - 8, 1);
    qea_text_put(p->out, "\" y=\"");
    qea_html_fixed(p->out, horizontal ? HEIGHT - BOTTOM + 20 : at + 4, 1);
    qea_text_printf(p->out, "\" text-anchor=\"%s\">", horizontal ? "middle" : "end");
    put_tick_text(p->out, a, value, exponent);
    qea_text_put(p->out, "</text>\n");
}

/* Multiples of 1, 2 or 5 times a power of ten, about five of them. */
static void put_linear_ticks(plot *p, const axis *a) {
    double raw = (a->high - a->low) / 5;
    int exponent = (int)floor(log10(raw));
    double power = pow(10, exponent), step = power;
    if (raw > 5 * power)
        step = 10 * power;
    else if (raw > 2 * power)
        step = 5 * power;
    else if (raw > power)
        step = 2 * power;
    for (int i = 0; i < MAX_TICKS; i++) {
        double value = (ceil(a->low / step) + i) * step;
        if (value > a->high) break;
        put_tick(p, a, value, exponent);
    }
}

static void put_log_ticks(plot *p, const axis *a) {
    static const int digits[] = {1, 2, 5};
    bool sparse = a->high - a->low > 3;
    int drawn = 0;
    for (int e = (int)floor(a->low); e <= (int)ceil(a->high) && drawn < MAX_TICKS; e++)
        for (int i = 0; i < (sparse ? 1 : 3); i++, drawn++) put_tick(p, a, digits[i] * pow(10, e), e);
}

static void put_axis(plot *p, const axis *a) {
    bool horizontal = a == &p->x;
    if (a->logarithmic)
        put_log_ticks(p, a);
    else
        put_linear_ticks(p, a);
    if (horizontal)
        qea_text_printf(p->out, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14);
    else
        qea_text_printf(p->out,
                        "<text class=\"axis\" transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">",
                        (TOP + HEIGHT - BOTTOM) / 2);
    qea_html_title(p->out, a->key);
    qea_text_printf(p->out, "%s%s</text>\n", qea_html_is_share(a->key) ? ", more is better" : ", less is better",
                    a->logarithmic ? ", log scale" : "");
}

static void put_title(plot *p, const qea_report_model *model, bool final) {
    qea_text_put(p->out, "<title>");
    qea_html_name(p->out, model);
    qea_text_put(p->out, final ? ", fully trained" : "");
    for (size_t i = 0; i < p->page->search->num_objectives; i++) {
        const char *key = p->page->search->objectives[i];
        qea_text_put(p->out, i == 0 ? ": " : ", ");
        qea_html_measure(p->out, key, qea_report_value(model, key));
    }
    qea_text_put(p->out, "; weights ");
    qea_report_put_bits(p->out, model->weight_bits, model->num_layers);
    qea_text_put(p->out, ", activations ");
    qea_report_put_bits(p->out, model->activation_bits, model->num_layers);
    qea_text_put(p->out, "</title>");
}

static void put_mark(plot *p, const qea_report_model *model, const char *kind, const char *path) {
    double x, y;
    if (!point_of(p, model, &x, &y)) return;
    qea_text_printf(p->out, "<path class=\"point %s\" data-t=\"%llu\" transform=\"translate(", kind,
                    (unsigned long long)model->id);
    qea_html_fixed(p->out, x, 1);
    qea_text_put(p->out, " ");
    qea_html_fixed(p->out, y, 1);
    qea_text_printf(p->out, ")\" d=\"%s\">", path);
    put_title(p, model, model->source > 0 || strcmp(model->label, "baseline") == 0);
    qea_text_put(p->out, "</path>\n");
}

static const char small_disc[] = "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z";
static const char disc[] = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z";
static const char small_square[] = "M-4 -4H4V4H-4z";
static const char square[] = "M-6 -6H6V6H-6z";
static const char diamond[] = "M0 -8L7 0L0 8L-7 0z";

/* The 95 % interval of a final accuracy, and the name of a baseline beside its point. */
static void put_interval(plot *p, const qea_report_model *model) {
    double x, y, low, high, count = qea_report_value(model, "images");
    if (!qea_html_is_share(p->y.key) || !(count > 0) || !point_of(p, model, &x, &y)) return;
    qea_wilson_interval(qea_report_value(model, p->y.key), count, &low, &high);
    qea_text_put(p->out, "<path class=\"interval\" d=\"M");
    qea_html_fixed(p->out, x, 1);
    qea_text_put(p->out, " ");
    qea_html_fixed(p->out, fmin(place(&p->y, low), p->y.from), 1);
    qea_text_put(p->out, "V");
    qea_html_fixed(p->out, fmax(place(&p->y, high), p->y.to), 1);
    qea_text_put(p->out, "\"/>\n");
}

static void put_label(plot *p, const qea_report_model *model) {
    double x, y;
    if (!qea_html_uniform(model) || !point_of(p, model, &x, &y)) return;
    bool left = x > WIDTH - RIGHT - 60;
    qea_text_put(p->out, "<text class=\"label\" x=\"");
    qea_html_fixed(p->out, left ? x - 10 : x + 10, 1);
    qea_text_put(p->out, "\" y=\"");
    qea_html_fixed(p->out, y < TOP + 16 ? y + 16 : y - 8, 1);
    qea_text_printf(p->out, "\" text-anchor=\"%s\">w%da%d</text>\n", left ? "end" : "start", model->weight_bits[0],
                    model->activation_bits[0]);
}

typedef struct spot {
    double x, y;
} spot;

static int by_x(const void *a, const void *b) {
    const spot *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

/* What the front attains, as stairs; of more than two objectives a projection has no such line. */
static void put_stairs(plot *p) {
    const qea_report_step *search = p->page->search;
    spot *spots;
    size_t count = 0;
    if (search->num_objectives != 2) return;
    if (QEA_NEW(NULL, "front", spots, search->count + 1) != QEA_OK) {
        p->out->failed = true;
        return;
    }
    for (size_t i = 0; i < search->count; i++)
        if (search->models[i].on_front && point_of(p, &search->models[i], &spots[count].x, &spots[count].y)) count++;
    qsort(spots, count, sizeof *spots, by_x);
    for (size_t i = 0; i < count; i++) {
        qea_text_put(p->out, i == 0 ? "<path class=\"stairs\" d=\"M" : "H");
        qea_html_fixed(p->out, spots[i].x, 1);
        qea_text_put(p->out, i == 0 ? " " : "V");
        qea_html_fixed(p->out, spots[i].y, 1);
    }
    if (count > 0) qea_text_put(p->out, "\"/>\n");
    qea_free(spots);
}

static void put_points(plot *p) {
    const qea_report_step *search = p->page->search, *full = p->page->full;
    for (size_t i = 0; i < search->count; i++)
        if (!search->models[i].on_front && !qea_html_reference(&search->models[i]))
            put_mark(p, &search->models[i], "trial", small_disc);
    for (size_t i = 0; i < search->count; i++)
        if (!search->models[i].on_front && qea_html_reference(&search->models[i]))
            put_mark(p, &search->models[i], "uniform", small_square);
    put_stairs(p);
    for (size_t i = 0; i < search->count; i++)
        if (search->models[i].on_front) put_mark(p, &search->models[i], "front", disc);
    for (size_t i = 0; i < full->count; i++) put_interval(p, &full->models[i]);
    for (size_t i = 0; i < full->count; i++)
        if (qea_html_reference(&full->models[i])) {
            put_mark(p, &full->models[i], "baseline", square);
            put_label(p, &full->models[i]);
        }
    for (size_t i = 0; i < full->count; i++)
        if (!qea_html_reference(&full->models[i])) put_mark(p, &full->models[i], "final", diamond);
}

static void put_legend(plot *p) {
    static const struct {
        const char *kind, *path, *text;
    } keys[] = {{"trial", small_disc, "trial of the search"},
                {"uniform", small_square, "uniform trial"},
                {"front", disc, "front of the search"},
                {"final", diamond, "front model, fully trained"},
                {"baseline", square, "uniform baseline, fully trained"}};
    qea_text_put(p->out, "<figcaption>");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        qea_text_printf(
            p->out,
            "<span class=\"key\"><svg width=\"18\" height=\"18\" viewBox=\"-9 -9 18 18\" aria-hidden=\"true\">"
            "<path class=\"%s\" d=\"%s\"/></svg> %s</span>\n",
            keys[i].kind, keys[i].path, keys[i].text);
    qea_text_put(p->out, "</figcaption>");
}

static void put_plot(qea_text *out, const qea_report_page *page, const char *x_key, const char *y_key) {
    plot p = {out, page, axis_make(page, x_key, LEFT, WIDTH - RIGHT), axis_make(page, y_key, HEIGHT - BOTTOM, TOP)};
    qea_text_printf(out,
                    "<figure><svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" "
                    "aria-label=\"Scatter plot: ",
                    WIDTH, HEIGHT);
    qea_html_word(out, y_key);
    qea_text_put(out, " over ");
    qea_html_word(out, x_key);
    qea_text_put(out,
                 " of all trials, the front, the baselines and the fully trained models; the tables below have the "
                 "same numbers\">\n");
    put_axis(&p, &p.x);
    put_axis(&p, &p.y);
    put_points(&p);
    qea_text_put(out, "</svg>\n");
    put_legend(&p);
    qea_text_put(out, "</figure>\n");
}

void qea_html_plots(qea_text *out, const qea_report_page *page) {
    const qea_report_step *search = page->search;
    qea_text_put(
        out, "<section aria-labelledby=\"h-plots\"><h2 id=\"h-plots\">Accuracy and cost</h2>\n<div class=\"plots\">\n");
    if (search->num_objectives == 1) put_plot(out, page, "flops", search->objectives[0]);
    for (size_t i = 0; i < search->num_objectives; i++)
        for (size_t j = i + 1; j < search->num_objectives; j++) {
            bool swap = qea_html_is_share(search->objectives[j]);
            put_plot(out, page, search->objectives[swap ? i : j], search->objectives[swap ? j : i]);
        }
    qea_text_put(
        out, "</div>\n<p class=\"note\">Points of the search show the accuracy on validation images after its short "
             "training, fully trained models that on the test images, with a line for the 95 % interval.</p>"
             "</section>\n");
}
