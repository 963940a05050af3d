/* bench/search_problem.h: a search problem that costs nothing to evaluate. SYNTHETIC: no network is trained here.
 *
 * Real: the network (ResNet-20 for 32x32 images), its layers, the genes (weight and activation bits of every quantised
 * layer out of 2, 3, 4, 5, 6, 8) and all costs are the library's own.
 * Invented: the accuracy. With e(b) = 2^(2-b), the error of b bits relative to that of 2 bits, it is
 *     accuracy = chance + (top - chance) exp(-E),
 *     E = sum_l s_l e(w_l) + t_l e(a_l)  +  sum_l c_l sqrt(x_l x_(l+1)),    x_l = s_l e(w_l) + t_l e(a_l)
 * so that every bit of a layer gains less than the one before, layers differ in how much they need them, and low bits
 * in neighbouring layers cost more than each alone. s and t are log-normal (sigma 1, t at 0.6 of s), c uniform in [0,
 * 1), drawn from the seed; s and t are scaled so that E = 0.5 at 2 bits everywhere. top = 0.92, chance = 0.1: from
 * 0.597 at w2a2 to about 0.913 at w8a8. An observation adds normal noise that depends on the seed and the genome alone,
 * as one short training does; its standard deviation is an option. */
#ifndef QEA_BENCH_SEARCH_PROBLEM_H
#define QEA_BENCH_SEARCH_PROBLEM_H

#include <math.h>

#include "base/rng.h"
#include "study/space.h"
#include "study/volume.h"

enum { MOST_LAYERS = 64, MOST_GENES = 2 * MOST_LAYERS };

typedef struct problem {
    qea_study_config config; /* candidates, objectives */
    qea_graph *graph;        /* owned */
    qea_bit_space *space;    /* owned */
    qea_box box;
    uint64_t seed;
    double noise; /* standard deviation of an observed accuracy */
    double weight_need[MOST_LAYERS], activation_need[MOST_LAYERS], coupling[MOST_LAYERS];
} problem;

static inline double problem_error(const problem *p, const uint16_t *genome) {
    uint8_t w[MOST_LAYERS], a[MOST_LAYERS];
    double sum = 0, before = 0;
    qea_bit_space_decode(p->space, genome, w, a);
    for (size_t l = 0; l < p->space->num_layers; l++) {
        double x = p->weight_need[l] * ldexp(1, 2 - w[l]) + p->activation_need[l] * ldexp(1, 2 - a[l]);
        sum += x + p->coupling[l] * sqrt(before * x);
        before = x;
    }
    return sum;
}

/* Objectives as a user sees them: what is true, and what one evaluation would show. */
static inline qea_status problem_evaluate(qea_context *ctx, const problem *p, const uint16_t *genome, double *exact,
                                          double *observed) {
    const double chance = 0.1, top = 0.92;
    uint8_t w[MOST_LAYERS], a[MOST_LAYERS];
    uint32_t hash = 2166136261u; /* FNV-1a: equal genomes, equal noise */
    qea_cost cost;
    qea_bit_space_decode(p->space, genome, w, a);
    QEA_TRY(qea_bit_space_cost(ctx, p->space, w, a, &cost));
    for (size_t i = 0; i < p->space->num_genes; i++) hash = (hash ^ genome[i]) * 16777619u;
    qea_rng rng = qea_rng_make(p->seed, QEA_RNG_TEST, 1, 0);
    for (int j = 0; j < p->config.num_objectives; j++) {
        bool accuracy = p->config.objectives[j].kind == QEA_OBJ_ACCURACY;
        exact[j] = accuracy ? chance + (top - chance) * exp(-problem_error(p, genome))
                            : qea_cost_value(&cost, p->config.objectives[j].kind);
        observed[j] = accuracy ? exact[j] + p->noise * qea_rng_normal(&rng, hash) : exact[j];
    }
    return QEA_OK;
}

static inline void problem_draw(problem *p) {
    static const double share_of_activations = 0.6, worst_error = 0.5;
    const size_t layers = p->space->num_layers;
    uint16_t lowest[MOST_GENES] = {0};
    qea_rng rng = qea_rng_make(p->seed, QEA_RNG_TEST, 0, 0);
    for (size_t l = 0; l < layers; l++) {
        p->weight_need[l] = exp(qea_rng_normal(&rng, 3 * l));
        p->activation_need[l] = share_of_activations * exp(qea_rng_normal(&rng, 3 * l + 1));
        p->coupling[l] = qea_rng_uniform(&rng, 3 * l + 2);
    }
    double scale = worst_error / problem_error(p, lowest); /* all of E is proportional to s and t */
    for (size_t l = 0; l < layers; l++) {
        p->weight_need[l] *= scale;
        p->activation_need[l] *= scale;
    }
}

static inline qea_status problem_create(qea_context *ctx, const qea_config_objective *objectives, int num_objectives,
                                        double noise, uint64_t seed, problem *p) {
    static const int candidates[] = {2, 3, 4, 5, 6, 8};
    static const qea_resnet_options resnet20 = {.height = 32,
                                                .width = 32,
                                                .channels = 3,
                                                .base_depth = 20,
                                                .base_channel = 16,
                                                .stage = 3,
                                                .small_input = true,
                                                .num_classes = 10};
    *p = (problem){.seed = seed, .noise = noise};
    p->config.name = "bench";
    p->config.num_objectives = num_objectives;
    for (int j = 0; j < num_objectives; j++) p->config.objectives[j] = objectives[j];
    p->config.num_candidates = (int)(sizeof candidates / sizeof *candidates);
    for (int k = 0; k < p->config.num_candidates; k++) p->config.candidates[k] = candidates[k];
    QEA_TRY(qea_resnet_create(ctx, &resnet20, &p->graph));
    QEA_TRY(qea_bit_space_create(ctx, &p->config, p->graph, &p->space));
    problem_draw(p);
    return qea_box_of_space(ctx, p->space, NULL, 0, &p->box);
}

static inline void problem_destroy(problem *p) {
    qea_bit_space_destroy(p->space);
    qea_graph_destroy(p->graph);
}

#endif
