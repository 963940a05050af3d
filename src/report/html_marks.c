/* Points of a plot, the stairs of a front, what uniform bits attain, and the legend. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/html_axes.h"
#include "report/html_gain.h"

const char qea_mark_small_disc[] = "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z";
const char qea_mark_disc[] = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z";
const char qea_mark_small_square[] = "M-4 -4H4V4H-4z";
const char qea_mark_square[] = "M-6 -6H6V6H-6z";
const char qea_mark_diamond[] = "M0 -8L7 0L0 8L-7 0z";

void qea_plot_mark(const qea_plot *plot, const char *kind, const char *mark, const char *id, double x, double y) {
    if (id != NULL)
        qea_text_printf(plot->out, "<path class=\"point %s\" data-t=\"%s\"", kind, id);
    else
        qea_text_printf(plot->out, "<path class=\"%s\"", kind);
    qea_text_put(plot->out, " transform=\"translate(");
    qea_plot_put_place(plot, x, y);
    qea_text_printf(plot->out, ")\" d=\"%s\"><title>", mark);
}

typedef struct spot {
    double x, y;
} spot;

static int by_x(const void *a, const void *b) {
    const spot *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

void qea_plot_front(const qea_plot *plot, const char *kind, const qea_report_step *step, const char *x_key,
                    const char *y_key) {
    spot *spots;
    double *values; /* all x, then all y */
    size_t count = 0;
    if (QEA_NEW(NULL, "front", spots, step->count + 1) != QEA_OK) {
        plot->out->failed = true;
        return;
    }
    for (size_t i = 0; i < step->count; i++) {
        spot at = {qea_report_value(&step->models[i], x_key), qea_report_value(&step->models[i], y_key)};
        if (step->models[i].on_front && isfinite(at.x) && isfinite(at.y)) spots[count++] = at;
    }
    qsort(spots, count, sizeof *spots, by_x);
    if (QEA_NEW(NULL, "front", values, 2 * count + 1) == QEA_OK) {
        for (size_t i = 0; i < count; i++) values[i] = spots[i].x, values[count + i] = spots[i].y;
        if (count > 0) qea_plot_line(plot, kind, 0, values, values + count, count, true);
        qea_free(values);
    } else {
        plot->out->failed = true;
    }
    qea_free(spots);
}

void qea_plot_uniform(const qea_plot *plot, const char *kind, const qea_report_step *step, const char *x_key,
                      const char *y_key) {
    qea_uniform_curve curve;
    double *values; /* all x, then all y */
    if (strcmp(y_key, "accuracy") != 0 || qea_html_is_share(x_key)) return;
    if (qea_uniform_curve_make(step, x_key, &curve) != QEA_OK ||
        QEA_NEW(NULL, "uniform models", values, 2 * curve.count + 1) != QEA_OK) {
        qea_uniform_curve_clear(&curve);
        plot->out->failed = true;
        return;
    }
    for (size_t i = 0; i < curve.count; i++) {
        values[i] = qea_report_value(curve.models[i], x_key);
        values[curve.count + i] = qea_report_value(curve.models[i], y_key);
    }
    if (curve.count > 1) qea_plot_line(plot, kind, 0, values, values + curve.count, curve.count, false);
    qea_free(values);
    qea_uniform_curve_clear(&curve);
}

void qea_plot_legend(qea_text *out, const char *kind, const char *mark, const char *text) {
    qea_text_printf(out,
                    "<span class=\"key\"><svg width=\"18\" height=\"18\" viewBox=\"-9 -9 18 18\" aria-hidden=\"true\">"
                    "<path class=\"%s\" d=\"%s\"/></svg> ",
                    kind, mark);
    qea_html_put(out, text);
    qea_text_put(out, "</span>\n");
}
