/* study/page.h: what report.html tells of a task besides its trials; a task opened to report about it. */
#ifndef QEA_STUDY_PAGE_H
#define QEA_STUDY_PAGE_H

#include "study/agreement.h"
#include "study/step_view.h"

enum { QEA_PAGE_SETTINGS = 11, QEA_PAGE_FACTS = QEA_PAGE_SETTINGS + 6, QEA_PAGE_AROUND = 4 };

typedef struct qea_page {                  /* start with {0} */
    const qea_run *run;                    /* borrowed */
    qea_report_layer *layers;              /* owned */
    char *values[QEA_PAGE_SETTINGS];       /* owned */
    qea_agreement_view agreement;          /* owned */
    qea_step_view around[QEA_PAGE_AROUND]; /* owned; the steps beside search and full training */
    const qea_report_step *steps[QEA_PAGE_AROUND + 2];
    char seed[32], network[200], share[80];
    qea_text data, command; /* owned */
    char *config;           /* owned */
    char *config_path;      /* owned, of malloc: absolute, so that the command works from any folder */
    qea_report_fact facts[QEA_PAGE_FACTS];
    size_t num_facts;
    qea_report_page report; /* points into the page and into the views */
} qea_page;

/* Needs of `run` the configuration, the task's store, the graph and the space; run and views stay. Clear it on failure,
 * too. */
QEA_MUST_USE qea_status qea_page_make(qea_context *ctx, const qea_run *run, const qea_step_view *nas,
                                      const qea_step_view *full, qea_page *page);
void qea_page_clear(qea_page *page);

/* A task as its store has it now. It does not move: its page points into it. */
typedef struct qea_opened_task { /* start with {.run = {.task = {.log_fd = -1}}} */
    qea_run run;
    qea_step_view nas, full;
    qea_page page;
} qea_opened_task;

/* task: its folder, or its name under `base` (NULL: ./tasks). Close it on failure, too. */
QEA_MUST_USE qea_status qea_opened_task_open(qea_context *ctx, const char *task, const char *base,
                                             qea_opened_task *out);
void qea_opened_task_close(qea_opened_task *opened);

#endif
