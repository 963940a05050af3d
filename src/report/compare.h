/* report/compare.h: several tasks beside each other: one page and one table. */
#ifndef QEA_REPORT_COMPARE_H
#define QEA_REPORT_COMPARE_H

#include "report/report.h"

enum { QEA_REPORT_MAX_TASKS = 8, QEA_REPORT_MAX_OBJECTIVES = 8 };

typedef struct qea_report_difference { /* everything borrowed */
    const char *name;                  /* "seed", "nas.trainer.epochs" */
    const char *const *values;         /* [count of tasks], NULL: the task has none */
} qea_report_difference;

typedef struct qea_report_comparison {   /* everything borrowed */
    const qea_report_page *const *pages; /* [count], 1..QEA_REPORT_MAX_TASKS */
    size_t count;
    const qea_report_difference *differences; /* [num_differences] */
    size_t num_differences;
} qea_report_comparison;

/* One HTML file that needs nothing else: what differs, fronts and models in one plot per pair of objectives that all
 * tasks have, models, budgets, hypervolumes. */
QEA_MUST_USE qea_status qea_report_write_comparison(qea_context *ctx, const qea_report_comparison *all,
                                                    const char *path);
/* The same as text: budgets, models, what differs. */
QEA_MUST_USE qea_status qea_report_comparison_table(qea_context *ctx, const qea_report_comparison *all, qea_text *out);

/* --- what both need --- */

/* Objectives that every task's search has, in the order of the first task; returns how many. */
size_t qea_report_common_objectives(const qea_report_comparison *all, const char *keys[QEA_REPORT_MAX_OBJECTIVES]);
/* Are all hypervolumes shares of one and the same box? */
bool qea_report_same_box(const qea_report_comparison *all);
/* The i-th sentence about what makes the tasks' numbers hard to compare, NULL behind the last. */
const char *qea_report_warning(const qea_report_comparison *all, size_t index);

typedef struct qea_report_budget {
    size_t done, failed, expected, front;
    double images;  /* trained on, with repetitions, in the trainings that ended; NaN: not recorded */
    double seconds; /* of training, all workers together */
} qea_report_budget;
qea_report_budget qea_report_budget_of(const qea_report_step *step);
/* Of the search, with the images and the time of a float network and a supernet that were trained for it. */
qea_report_budget qea_report_search_budget(const qea_report_page *page);

/* The step whose models are compared: the full training, or the search where nothing is fully trained yet. */
const qea_report_step *qea_report_shown_step(const qea_report_page *page);

typedef struct qea_compared {
    size_t task; /* index */
    const qea_report_model *model;
} qea_compared;
/* Models of all tasks by falling accuracy; *out [*count] is owned by the caller (qea_free). */
QEA_MUST_USE qea_status qea_report_compared(qea_context *ctx, const qea_report_comparison *all, qea_compared **out,
                                            size_t *count);

#endif
