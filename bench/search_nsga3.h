/* bench/search_nsga3.h: our own search as a method of bench_search. */
#ifndef QEA_BENCH_SEARCH_NSGA3_H
#define QEA_BENCH_SEARCH_NSGA3_H

#include "bench/search_history.h"

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

/* Our own search with the helps of `method`; *search is the caller's. */
static inline qea_status create_nsga3(qea_context *ctx, const search_method *method, const history *h,
                                      qea_search **search) {
    const problem *p = h->problem;
    uint16_t *uniform = NULL;
    size_t num_uniform = 0;
    *search = NULL;
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
                                .known = qea_bit_space_known,
                                .sensitivity = method->sensitivity};
    qea_status status = qea_search_create(ctx, &config, search);
    qea_free(uniform);
    return status;
}

static inline qea_status run_nsga3(qea_context *ctx, const search_method *method, history *h) {
    qea_search *search;
    QEA_TRY(create_nsga3(ctx, method, h, &search));
    qea_status status = drive(ctx, search, h);
    qea_search_destroy(search);
    return status;
}

#endif
