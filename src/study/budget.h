/* study/budget.h: how much a search may spend: trials, wall-clock time, generations without progress. */
#ifndef QEA_STUDY_BUDGET_H
#define QEA_STUDY_BUDGET_H

#include "store/store.h"
#include "study/config.h"

/* What the original's search trains on: 832 trials of one epoch of 45,000 images. */
enum { QEA_ORIGINAL_IMAGES = 832 * 45000 };

/* Trials that the search has at most. */
size_t qea_budget_trials(const qea_study_config *config);

/* "2h", "1h30m", "90.5s", "90"; units d, h, m, s from the longer to the shorter, without one seconds. */
QEA_MUST_USE bool qea_duration_parse(const char *text, double *seconds);
/* "1h30m", to a tenth of a second. Returns buffer. */
char *qea_duration_format(double seconds, char buffer[48]);

/* The time that the search has taken, over all runs of the task; kept in the store. */
typedef struct qea_search_clock {
    qea_store *store;    /* borrowed */
    double before;       /* s, of earlier runs */
    double begun, saved; /* by qea_pool_now */
    double budget;       /* s, over all runs; 0 = none */
} qea_search_clock;

QEA_MUST_USE qea_status qea_search_clock_start(qea_context *ctx, qea_store *store, double budget,
                                               qea_search_clock *out);
double qea_search_clock_spent(const qea_search_clock *clock);
/* Seconds left of the budget, <= 0: spent; infinite without one. */
double qea_search_clock_left(const qea_search_clock *clock);
/* What a running trial may take behind the budget: a tenth of it, at most 45 s. */
double qea_search_clock_grace(const qea_search_clock *clock);
/* Writes the time to the store: at once, or where the last time is some seconds ago. */
QEA_MUST_USE qea_status qea_search_clock_save(qea_context *ctx, qea_search_clock *clock, bool at_once);

#endif
