/* bench/search_methods.h: the searches that bench_search compares; each fills a history of trials. */
#ifndef QEA_BENCH_SEARCH_METHODS_H
#define QEA_BENCH_SEARCH_METHODS_H

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "quantea/search.h"
#include "bench/search_problem.h"

enum { POPULATION = 16, FIRST_POPULATION = 32 }; /* the original's budget: 32 + 50 x 16 = 832 */

/* Trials in order, and what became of them. */
typedef struct history {
    const problem *problem; /* borrowed */
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

static inline qea_status history_create(qea_context *ctx, const problem *p, size_t most, history *h) {
    *h = (history){.problem = p, .genes = p->space->num_genes, .m = (size_t)p->config.num_objectives, .most = most};
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
} search_method;

static inline void draw_genes(const history *h, const qea_rng *rng, uint64_t *next, size_t from, size_t to,
                              uint16_t *genome) {
    for (size_t i = from; i < to; i++)
        genome[i] = (uint16_t)qea_rng_below(rng, (*next)++, h->problem->space->gene_sizes[i]);
}

static inline qea_status run_random(qea_context *ctx, const search_method *method, history *h) {
    (void)method;
    qea_rng rng = qea_rng_make(h->problem->seed, QEA_RNG_TEST, 2, 0);
    uint64_t next = 0;
    uint16_t genome[MOST_GENES];
    while (h->count < h->most) {
        draw_genes(h, &rng, &next, 0, h->genes, genome);
        QEA_TRY(history_add(ctx, h, genome, NULL));
    }
    return QEA_OK;
}

/* A random trial of the front: the candidates are tried in random order. */
static inline const uint16_t *draw_from_front(const history *h, const qea_rng *rng, uint64_t *next) {
    for (;;) {
        size_t t = qea_rng_below(rng, (*next)++, (uint32_t)h->count);
        if (history_on_front(h, t, h->count)) return h->genomes + t * h->genes;
    }
}

/* The original: parents at random from all non-dominated trials; a half-open window between two random places is taken
 * from a second parent or drawn anew, one as likely as the other. So the last gene never changes, an empty window
 * changes nothing, and genomes that are known are evaluated again. */
static inline qea_status run_original(qea_context *ctx, const search_method *method, history *h) {
    (void)method;
    qea_rng rng = qea_rng_make(h->problem->seed, QEA_RNG_TEST, 3, 0);
    uint64_t next = 0;
    uint16_t genome[MOST_GENES];
    while (h->count < h->most) {
        if (h->count < FIRST_POPULATION) {
            draw_genes(h, &rng, &next, 0, h->genes, genome);
        } else {
            size_t from = qea_rng_below(&rng, next++, (uint32_t)h->genes);
            size_t to = qea_rng_below(&rng, next++, (uint32_t)h->genes);
            if (from > to) {
                size_t swap = from;
                from = to;
                to = swap;
            }
            memcpy(genome, draw_from_front(h, &rng, &next), h->genes * sizeof *genome);
            if (qea_rng_below(&rng, next++, 2) == 0)
                memcpy(genome + from, draw_from_front(h, &rng, &next) + from, (to - from) * sizeof *genome);
            else
                draw_genes(h, &rng, &next, from, to, genome);
        }
        QEA_TRY(history_add(ctx, h, genome, NULL));
    }
    return QEA_OK;
}

static inline qea_status drive(qea_context *ctx, qea_search *search, history *h) {
    uint16_t genome[MOST_GENES];
    while (h->count < h->most) {
        qea_ask what;
        uint64_t trial;
        const double *told;
        QEA_TRY(qea_search_ask(ctx, search, &what, &trial, genome));
        if (what != QEA_ASK_TRIAL) break; /* told at once, so it is never to wait; the space is never exhausted */
        QEA_TRY(history_add(ctx, h, genome, &told));
        QEA_TRY(qea_search_tell(ctx, search, trial, told, 0));
    }
    return QEA_OK;
}

static inline qea_status run_nsga3(qea_context *ctx, const search_method *method, history *h) {
    const problem *p = h->problem;
    uint16_t *uniform = NULL;
    size_t num_uniform = 0;
    qea_search *search = NULL;
    if (method->uniform) QEA_TRY(qea_bit_space_uniform(ctx, p->space, FIRST_POPULATION, &uniform, &num_uniform));
    qea_search_config config = {.num_genes = h->genes,
                                .gene_sizes = p->space->gene_sizes,
                                .num_objectives = h->m,
                                .population_size = POPULATION,
                                .num_random = FIRST_POPULATION,
                                .num_generations = (h->most - FIRST_POPULATION + POPULATION - 1) / POPULATION,
                                .seed = p->seed,
                                .given = uniform,
                                .num_given = num_uniform,
                                .user = p->space,
                                .mutation = method->mutation,
                                .screening = method->screening,
                                .known = qea_bit_space_known};
    qea_status status = qea_search_create(ctx, &config, &search);
    if (status == QEA_OK) status = drive(ctx, search, h);
    qea_search_destroy(search);
    qea_free(uniform);
    return status;
}

enum { plain_search_method = 2 };
static const search_method search_methods[] = {
    {"random search", run_random, false, QEA_MUTATION_STEP, 0},
    {"the original's rule", run_original, false, QEA_MUTATION_STEP, 0},
    {"NSGA-III, plain", run_nsga3, false, QEA_MUTATION_ANY, 0},
    {"NSGA-III, ordered mutation", run_nsga3, false, QEA_MUTATION_STEP, 0},
    {"NSGA-III, uniform", run_nsga3, true, QEA_MUTATION_ANY, 0},
    {"NSGA-III, uniform, ordered", run_nsga3, true, QEA_MUTATION_STEP, 0},
    {"NSGA-III, uniform, screening 8", run_nsga3, true, QEA_MUTATION_STEP, 8},
    {"NSGA-III, uniform, screening 20", run_nsga3, true, QEA_MUTATION_STEP, 20},
};
static const size_t num_search_methods = sizeof search_methods / sizeof *search_methods;

#endif
