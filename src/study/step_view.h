/* study/step_view.h: the records of a step as the report reads them, and the page that is made from both steps. */
#ifndef QEA_STUDY_STEP_VIEW_H
#define QEA_STUDY_STEP_VIEW_H

#include "study/run.h"

typedef struct qea_step_view { /* start with {0} */
    qea_step_trials trials;    /* owned */
    qea_report_model *models;  /* owned, [trials.count] */
    json_t *description, *box; /* owned */
    const char *objectives[QEA_MAX_OBJECTIVES];
    bool maximized[QEA_MAX_OBJECTIVES];
    qea_report_step step;
} qea_step_view;

/* Needs of `run` the configuration, the task's store, the graph and the space. */
QEA_MUST_USE qea_status qea_step_view_load(qea_context *ctx, const qea_run *run, const char *name, qea_step_view *view);
void qea_step_view_clear(qea_step_view *view);

/* Writes output/report.html. */
QEA_MUST_USE qea_status qea_run_write_page(qea_context *ctx, const qea_run *run, const qea_step_view *nas,
                                           const qea_step_view *full);

#endif
