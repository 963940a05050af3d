/* tests/search/run.h: a whole search by ask and tell on a small problem, and what it asked. */
#ifndef TEST_SEARCH_RUN_H
#define TEST_SEARCH_RUN_H

#include <math.h>
#include <string.h>

#include "check.h"

enum { GENES = 8, VALUES = 4, POPULATION = 10, FIRST = 14, GENERATIONS = 6, MOST = 4096 };

typedef struct log_of_run {
    size_t count, generations;
    bool complete;
    qea_ask end;
    uint16_t genomes[MOST][GENES];
    size_t generation[MOST];
    qea_origin origin[MOST];
    uint64_t front[MOST];
    size_t front_count;
} log_of_run;

static const uint16_t sizes[GENES] = {VALUES, VALUES, VALUES, 1, VALUES, VALUES, VALUES, VALUES};

static inline qea_search_config make_config(uint64_t seed) {
    return (qea_search_config){.num_genes = GENES,
                               .gene_sizes = sizes,
                               .num_objectives = 2,
                               .population_size = POPULATION,
                               .num_random = FIRST,
                               .num_generations = GENERATIONS,
                               .seed = seed};
}

static inline void evaluate(const uint16_t *genome, double f[2]) {
    f[0] = f[1] = 0;
    for (size_t i = 0; i < GENES; i++) {
        f[0] += genome[i] * (double)(i + 1);
        f[1] += pow(VALUES - genome[i], 2) * (double)(GENES - i);
    }
}

static inline double sum_above(void *user, const uint16_t *genome) {
    size_t sum = 0;
    for (size_t i = 0; i < GENES; i++) sum += genome[i];
    return sum > *(size_t *)user ? (double)(sum - *(size_t *)user) : 0;
}

/* How results come back. */
typedef enum telling { TELL_AT_ONCE, TELL_BACKWARDS } telling;

typedef struct options {
    telling telling;
    uint64_t fail_every;   /* trial ids divisible by it fail; 0 = none */
    uint64_t fail_one;     /* this trial fails; 0 = none */
    bool fail_even;        /* trials whose first gene is even fail */
    uint64_t violate_from; /* of trials with ids above it the told violation is the sum of the genes; 0 = none */
} options;

static inline void tell(qea_search *search, const log_of_run *log, uint64_t trial, const options *o) {
    double f[2], violation = 0;
    evaluate(log->genomes[trial - 1], f);
    if (o->violate_from > 0 && trial > o->violate_from) {
        for (size_t i = 0; i < GENES; i++) violation += log->genomes[trial - 1][i];
    }
    bool fails = o->fail_every > 0 && trial % o->fail_every == 0;
    fails = fails || trial == o->fail_one || (o->fail_even && log->genomes[trial - 1][0] % 2 == 0);
    must(qea_search_tell(NULL, search, trial, fails ? NULL : f, violation));
}

static inline log_of_run *run_search(const qea_search_config *config, const options *o) {
    log_of_run *log = test_alloc(sizeof *log);
    qea_search *search;
    uint64_t trial, told = 0;
    must(qea_search_create(NULL, config, &search));
    for (;;) {
        uint16_t genome[GENES];
        must(qea_search_ask(NULL, search, &log->end, &trial, genome));
        if (log->end == QEA_ASK_TRIAL) {
            assert_int_equal(trial, log->count + 1);
            assert_true(log->count < MOST);
            memcpy(log->genomes[log->count], genome, sizeof genome);
            log->origin[log->count] = qea_search_origin(search);
            log->generation[log->count++] = qea_search_generation(search);
            if (o->telling == TELL_AT_ONCE) tell(search, log, ++told, o);
        } else if (log->end == QEA_ASK_WAIT) {
            assert_true(told < log->count);
            for (uint64_t t = log->count; t > told; t--) tell(search, log, t, o);
            told = log->count;
        } else {
            break;
        }
    }
    const uint64_t *front;
    must(qea_search_front(NULL, search, &front, &log->front_count));
    if (log->front_count > 0) memcpy(log->front, front, log->front_count * sizeof *front);
    log->generations = qea_search_generation(search);
    log->complete = qea_search_complete(search);
    qea_search_destroy(search);
    return log;
}

static inline void assert_distinct(const log_of_run *log) {
    for (size_t a = 0; a < log->count; a++) {
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(log->genomes[a], log->genomes[b], sizeof log->genomes[a]);
        for (size_t i = 0; i < GENES; i++) assert_true(log->genomes[a][i] < sizes[i]);
    }
}

#endif
