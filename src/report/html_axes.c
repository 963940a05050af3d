/* The frame of a plot as SVG. */
#include "report/html_axes.h"

#include <math.h>

enum { MAX_TICKS = 40 };

qea_plot qea_plot_make(qea_text *out, int height) {
    qea_plot plot = {.out = out, .height = height};
    plot.x = (qea_axis){.title = "", .note = "", .low = INFINITY, .high = -INFINITY};
    plot.y = plot.x;
    plot.x.from = QEA_PLOT_LEFT;
    plot.x.to = QEA_PLOT_WIDTH - QEA_PLOT_RIGHT;
    plot.y.from = height - QEA_PLOT_BOTTOM;
    plot.y.to = QEA_PLOT_TOP;
    return plot;
}

void qea_axis_of_key(qea_axis *axis, const char *key) {
    axis->title = key;
    axis->share = qea_html_is_share(key);
    axis->note = axis->share ? ", more is better" : ", less is better";
}

void qea_axis_widen(qea_axis *axis, double value) {
    if (!isfinite(value)) return;
    axis->low = fmin(axis->low, value);
    axis->high = fmax(axis->high, value);
}

void qea_axis_finish(qea_axis *axis, bool logarithmic) {
    if (!(axis->low <= axis->high)) axis->low = 0, axis->high = 1;
    axis->logarithmic = logarithmic && !axis->share && axis->low > 0 && axis->high > 4 * axis->low;
    if (axis->logarithmic) axis->low = log10(axis->low), axis->high = log10(axis->high);
    double room = 0.06 * (axis->high - axis->low);
    if (!(room > 0)) room = fmax(0.05 * fabs(axis->high), 1e-3);
    axis->low -= room;
    axis->high += room;
}

double qea_axis_place(const qea_axis *axis, double value) {
    double v = axis->logarithmic ? log10(value) : value;
    return axis->from + (axis->to - axis->from) * (v - axis->low) / (axis->high - axis->low);
}

/* value = digit * 10^exponent, where digit is an integer */
static void put_tick_text(qea_text *out, const qea_axis *axis, double value, int exponent) {
    if (axis->share) {
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

static void put_tick(const qea_plot *plot, const qea_axis *axis, double value, int exponent) {
    bool horizontal = axis == &plot->x;
    double at = qea_axis_place(axis, value);
    if (at < fmin(axis->from, axis->to) - 0.01 || at > fmax(axis->from, axis->to) + 0.01) return;
    const qea_axis *other = horizontal ? &plot->y : &plot->x;
    qea_text_put(plot->out, "<path class=\"grid\" d=\"M");
    qea_html_fixed(plot->out, horizontal ? at : other->from, 1);
    qea_text_put(plot->out, " ");
    qea_html_fixed(plot->out, horizontal ? other->from : at, 1);
    qea_text_put(plot->out, horizontal ? "V" : "H");
    qea_html_fixed(plot->out, other->to, 1);
    qea_text_put(plot->out, "\"/><text class=\"tick\" x=\"");
    qea_html_fixed(plot->out, horizontal ? at : QEA_PLOT_LEFT - 8, 1);
    qea_text_put(plot->out, "\" y=\"");
    qea_html_fixed(plot->out, horizontal ? plot->height - QEA_PLOT_BOTTOM + 20 : at + 4, 1);
    qea_text_printf(plot->out, "\" text-anchor=\"%s\">", horizontal ? "middle" : "end");
    put_tick_text(plot->out, axis, value, exponent);
    qea_text_put(plot->out, "</text>\n");
}

/* Multiples of 1, 2 or 5 times a power of ten, about five of them. */
static void put_linear_ticks(const qea_plot *plot, const qea_axis *axis) {
    double raw = (axis->high - axis->low) / 5;
    int exponent = (int)floor(log10(raw));
    double power = pow(10, exponent), step = power;
    if (raw > 5 * power) {
        step = 10 * power;
        exponent++;
    } else if (raw > 2 * power) {
        step = 5 * power;
    } else if (raw > power) {
        step = 2 * power;
    }
    if (axis->whole && step < 1) step = 1, exponent = 0;
    for (int i = 0; i < MAX_TICKS; i++) {
        double value = (ceil(axis->low / step) + i) * step;
        if (value > axis->high) break;
        put_tick(plot, axis, value, exponent);
    }
}

static void put_log_ticks(const qea_plot *plot, const qea_axis *axis) {
    static const int digits[] = {1, 2, 5};
    bool sparse = axis->high - axis->low > 3;
    int drawn = 0;
    for (int e = (int)floor(axis->low); e <= (int)ceil(axis->high) && drawn < MAX_TICKS; e++)
        for (int i = 0; i < (sparse ? 1 : 3); i++, drawn++) put_tick(plot, axis, digits[i] * pow(10, e), e);
}

static void put_axis(const qea_plot *plot, const qea_axis *axis) {
    if (axis->logarithmic)
        put_log_ticks(plot, axis);
    else
        put_linear_ticks(plot, axis);
    if (axis == &plot->x)
        qea_text_printf(plot->out, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                        (QEA_PLOT_LEFT + QEA_PLOT_WIDTH - QEA_PLOT_RIGHT) / 2, plot->height - 14);
    else
        qea_text_printf(plot->out,
                        "<text class=\"axis\" transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">",
                        (QEA_PLOT_TOP + plot->height - QEA_PLOT_BOTTOM) / 2);
    qea_html_title(plot->out, axis->title);
    qea_text_printf(plot->out, "%s%s</text>\n", axis->note, axis->logarithmic ? ", log scale" : "");
}

void qea_plot_begin(const qea_plot *plot, const char *kind, qea_text *label) {
    qea_text_printf(plot->out, "<svg class=\"plot %s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", kind,
                    QEA_PLOT_WIDTH, plot->height);
    if (label->failed || label->bytes == NULL)
        plot->out->failed = true;
    else
        qea_text_put(plot->out, label->bytes);
    qea_text_free(label);
    qea_text_put(plot->out, "\">\n");
    put_axis(plot, &plot->x);
    put_axis(plot, &plot->y);
}

void qea_plot_put_place(const qea_plot *plot, double x, double y) {
    qea_html_fixed(plot->out, qea_axis_place(&plot->x, x), 1);
    qea_text_put(plot->out, " ");
    qea_html_fixed(plot->out, qea_axis_place(&plot->y, y), 1);
}

void qea_plot_line(const qea_plot *plot, const char *kind, uint64_t id, const double *x, const double *y, size_t count,
                   bool stairs) {
    bool open = false;
    qea_text_printf(plot->out, "<path class=\"%s\"", kind);
    if (id > 0) qea_text_printf(plot->out, " data-t=\"%llu\"", (unsigned long long)id);
    qea_text_put(plot->out, " d=\"");
    for (size_t i = 0; i < count; i++) {
        bool there = isfinite(x[i]) && isfinite(y[i]);
        if (there && open && stairs) {
            qea_text_put(plot->out, "H");
            qea_html_fixed(plot->out, qea_axis_place(&plot->x, x[i]), 1);
            qea_text_put(plot->out, "V");
            qea_html_fixed(plot->out, qea_axis_place(&plot->y, y[i]), 1);
        } else if (there) {
            qea_text_put(plot->out, open ? "L" : "M");
            qea_plot_put_place(plot, x[i], y[i]);
        }
        open = there;
    }
    qea_text_put(plot->out, "\"/>\n");
}
