/* bench/search_methods.h: the searches that bench_search compares; each fills a history of trials. */
#ifndef QEA_BENCH_SEARCH_METHODS_H
#define QEA_BENCH_SEARCH_METHODS_H

#include "bench/search_pymoo.h"

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

enum { plain_search_method = 2 };
static const search_method search_methods[] = {
    {"random search", run_random, false, QEA_MUTATION_ANY, 0, false},
    {"the original's rule", run_original, false, QEA_MUTATION_ANY, 0, false},
    {"NSGA-III, plain", run_nsga3, false, QEA_MUTATION_ANY, 0, false},
    {"NSGA-III, ordered mutation", run_nsga3, false, QEA_MUTATION_STEP, 0, false},
    {"NSGA-III, uniform, ordered mutation", run_nsga3, true, QEA_MUTATION_STEP, 0, false},
    {"NSGA-III, uniform", run_nsga3, true, QEA_MUTATION_ANY, 0, false},
    {"the same, screening 8", run_nsga3, true, QEA_MUTATION_ANY, 8, false},
    {"the same, screening 20", run_nsga3, true, QEA_MUTATION_ANY, 20, false},
    {"the same, sensitivity", run_nsga3, true, QEA_MUTATION_ANY, 0, true},
    {"the same, sensitivity, screening 20", run_nsga3, true, QEA_MUTATION_ANY, 20, true},
    {"pymoo's NSGA-III", run_pymoo, false, QEA_MUTATION_ANY, 0, false},
    {"pymoo's, first population as uniform", run_pymoo, true, QEA_MUTATION_ANY, 0, false},
};
static const size_t num_search_methods = sizeof search_methods / sizeof *search_methods;

#endif
