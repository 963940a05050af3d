/* report/html_axes.h: the frame of a plot as SVG: two axes with ticks and titles, and places on them. */
#ifndef QEA_REPORT_HTML_AXES_H
#define QEA_REPORT_HTML_AXES_H

#include "report/html.h"

enum { QEA_PLOT_WIDTH = 640, QEA_PLOT_LEFT = 76, QEA_PLOT_RIGHT = 20, QEA_PLOT_TOP = 18, QEA_PLOT_BOTTOM = 62 };

typedef struct qea_axis {
    const char *title; /* borrowed; a key of `performance` or words */
    const char *note;  /* borrowed; what stands behind the title: ", more is better" */
    bool share;        /* shown in percent */
    bool whole;        /* ticks at whole numbers only */
    bool logarithmic;
    double low, high; /* shown; logarithms where logarithmic */
    double from, to;  /* their places */
} qea_axis;

typedef struct qea_plot {
    qea_text *out; /* borrowed */
    int height;
    qea_axis x, y;
} qea_plot;

/* A plot whose axes have no range yet: each value that will stand in it widens them, then they are finished. */
qea_plot qea_plot_make(qea_text *out, int height);
/* The axis of a key of `performance`: what is no share of 100 % may become logarithmic. */
void qea_axis_of_key(qea_axis *axis, const char *key);
void qea_axis_widen(qea_axis *axis, double value); /* NaN: nothing */
/* `logarithmic`: where the range spans more than a factor of 4 (the float baseline does that) above 0. */
void qea_axis_finish(qea_axis *axis, bool logarithmic);
double qea_axis_place(const qea_axis *axis, double value);

/* <svg class="plot KIND" ...> with the aria-label `label` (HTML; freed) and both axes; the caller closes it. */
void qea_plot_begin(const qea_plot *plot, const char *kind, qea_text *label);

/* "12.3 45.6", places of a point given in values. */
void qea_plot_put_place(const qea_plot *plot, double x, double y);

/* A line through [count] points given in values: <path class="KIND" ... d="..."/>; NaN values interrupt it. `stairs`:
 * at the value of a point until the next. `id` > 0: the line of that trial (data-t). */
void qea_plot_line(const qea_plot *plot, const char *kind, uint64_t id, const double *x, const double *y, size_t count,
                   bool stairs);

/* Marks: outlines around 0, 0. */
extern const char qea_mark_small_disc[], qea_mark_disc[], qea_mark_small_square[], qea_mark_square[],
    qea_mark_diamond[];

/* <path class="point KIND" data-t="ID"><title>; the caller writes the name of the point and closes both. id NULL: it is
 * no trial, and cannot be selected. */
void qea_plot_mark(const qea_plot *plot, const char *kind, const char *mark, const char *id, double x, double y);

/* What the front of a step attains in two keys, as stairs. */
void qea_plot_front(const qea_plot *plot, const char *kind, const qea_report_step *step, const char *x_key,
                    const char *y_key);

/* What the uniform models of a step attain, between them too (html_gain.h); nothing where y is not accuracy. */
void qea_plot_uniform(const qea_plot *plot, const char *kind, const qea_report_step *step, const char *x_key,
                      const char *y_key);

/* A key of the legend under a plot; `text` is escaped. */
void qea_plot_legend(qea_text *out, const char *kind, const char *mark, const char *text);

#endif
