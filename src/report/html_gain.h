/* report/html_gain.h: what uniform bits attain, between the uniform models too, and what a model gains over it. */
#ifndef QEA_REPORT_HTML_GAIN_H
#define QEA_REPORT_HTML_GAIN_H

#include "report/html.h"

/* Uniform models of a step by rising cost and accuracy: those that a cheaper or equally dear one surpasses in accuracy
 * are left out. Between neighbours, accuracy is taken as linear in the logarithm of the cost. */
typedef struct qea_uniform_curve {
    const char *cost;                /* borrowed; a key of `performance` */
    const qea_report_model **models; /* [count], owned, each borrowed */
    size_t count;
} qea_uniform_curve;

typedef struct qea_uniform_point {
    double accuracy, cost;                 /* NaN where the curve does not reach */
    const qea_report_model *below, *above; /* neighbours; the same: a uniform model itself; NULL: there is none */
} qea_uniform_point;

QEA_MUST_USE qea_status qea_uniform_curve_make(const qea_report_step *step, const char *cost, qea_uniform_curve *out);
void qea_uniform_curve_clear(qea_uniform_curve *curve);
qea_uniform_point qea_uniform_at_cost(const qea_uniform_curve *curve, double cost);
qea_uniform_point qea_uniform_at_accuracy(const qea_uniform_curve *curve, double accuracy);

/* The cost that the search weighs against accuracy. */
const char *qea_html_main_cost(const qea_report_step *step);

/* "w4a4" */
void qea_html_put_uniform(qea_text *out, const qea_report_model *model);

/* List items: the gain at equal cost, at equal accuracy, and other costs at equal accuracy. Nothing for a uniform model
 * that is compared with, or where there is none to compare with. */
void qea_html_gains(qea_text *out, const qea_report_step *step, const qea_report_model *model);

/* Heads of the two cells below, and what interpolation means. */
void qea_html_gain_heads(qea_text *out, const char *cost);
void qea_html_gain_note(qea_text *out);

/* Two cells: points of accuracy at equal cost, share of the cost at equal accuracy; "-" outside the curve. */
void qea_html_gain_cells(qea_text *out, const qea_uniform_curve *curve, const qea_report_model *model);

#endif
