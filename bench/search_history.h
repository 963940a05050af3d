/* bench/search_history.h: what a method of bench_search is, and the trials that it fills. */
#ifndef QEA_BENCH_SEARCH_HISTORY_H
#define QEA_BENCH_SEARCH_HISTORY_H

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "bench/search_problem.h"
#include "quantea/search.h"

enum { POPULATION = 16, FIRST_POPULATION = 32 }; /* the original's budget: 32 + 50 x 16 = 832 */

/* Trials in order, and what became of them. */
typedef struct history {
    const problem *problem; /* borrowed */
    const char *python;     /* that has pymoo, borrowed; NULL: none */
    size_t genes, m, most, count;
    uint16_t *genomes;        /* [most][genes], owned */
    double *exact, *observed; /* [most][m] as a user sees them, owned */
    double *minimised;        /* [most][m], the observed ones, all to be minimised; owned */
} history;

static inline void history_free(history *h) {
    qea_free(h->genomes);
    qea_free(h->exact);
    qea_free(h->observed);
    qea_free(h->minimised);
}

static inline qea_status history_create(qea_context *ctx, const problem *p, size_t most, const char *python,
                                        history *h) {
    *h = (history){.problem = p,
                   .python = python,
                   .genes = p->space->num_genes,
                   .m = (size_t)p->config.num_objectives,
                   .most = most};
    QEA_TRY(qea_alloc(ctx, "genomes", most * h->genes, sizeof *h->genomes, (void **)&h->genomes));
    QEA_TRY(qea_alloc(ctx, "exact values", most * h->m, sizeof(double), (void **)&h->exact));
    QEA_TRY(qea_alloc(ctx, "observed values", most * h->m, sizeof(double), (void **)&h->observed));
    return qea_alloc(ctx, "minimised values", most * h->m, sizeof(double), (void **)&h->minimised);
}

/* Evaluates a trial; *minimised, if wanted, points at what a search is told. */
static inline qea_status history_add(qea_context *ctx, history *h, const uint16_t *genome, const double **minimised) {
    const qea_study_config *config = &h->problem->config;
    double *exact = h->exact + h->count * h->m, *observed = h->observed + h->count * h->m;
    double *told = h->minimised + h->count * h->m;
    memcpy(h->genomes + h->count * h->genes, genome, h->genes * sizeof *genome);
    QEA_TRY(problem_evaluate(ctx, h->problem, genome, exact, observed));
    for (size_t j = 0; j < h->m; j++) told[j] = config->objectives[j].maximized ? -observed[j] : observed[j];
    if (minimised != NULL) *minimised = told;
    h->count++;
    return QEA_OK;
}

/* No other of the first `trials` dominates trial t, as observed. */
static inline bool history_on_front(const history *h, size_t t, size_t trials) {
    for (size_t other = 0; other < trials; other++)
        if (qea_dominates(h->minimised + other * h->m, 0, h->minimised + t * h->m, 0, h->m) < 0) return false;
    return true;
}

typedef struct search_method {
    const char *name;
    qea_status (*run)(qea_context *ctx, const struct search_method *method, history *h);
    bool uniform; /* the first population has the uniform genomes in it */
    qea_mutation mutation;
    size_t screening;
    bool sensitivity;
} search_method;

#endif
