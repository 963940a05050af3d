/* tests/search/additive.h: a problem whose exact front is known. Genes pick candidates; both objectives are sums over
 * the genes: f1 = sum of cost[i][g_i] (an integer), f2 = sum of error[i][g_i]. A higher candidate costs more and errs
 * less. The front by dynamic programming: the least error of every cost. */
#ifndef TEST_SEARCH_ADDITIVE_H
#define TEST_SEARCH_ADDITIVE_H

#include <math.h>

#include "check.h"

enum { ADDITIVE_GENES = 40, ADDITIVE_VALUES = 3, ADDITIVE_HALF = 20, ADDITIVE_SEEDS = 11 };

typedef struct additive {
    size_t num_costs; /* largest cost + 1 */
    double cost[ADDITIVE_GENES][ADDITIVE_VALUES], error[ADDITIVE_GENES][ADDITIVE_VALUES];
} additive;

/* Layers of random size and sensitivity at 2, 4 or 8 bits: cost = size * bits, error = sensitivity * 4^-bits, the power
 * of the rounding noise. */
static additive additive_bits(uint64_t seed) {
    static const int bits[ADDITIVE_VALUES] = {2, 4, 8};
    additive a = {.num_costs = 1};
    for (size_t i = 0; i < ADDITIVE_GENES; i++) {
        double size = (double)(1 + test_below(&seed, 10)), sensitivity = (double)(1 + test_below(&seed, 1000));
        for (size_t v = 0; v < ADDITIVE_VALUES; v++) {
            a.cost[i][v] = size * bits[v];
            a.error[i][v] = ldexp(sensitivity, -2 * bits[v]);
        }
        a.num_costs += (size_t)a.cost[i][ADDITIVE_VALUES - 1];
    }
    return a;
}

/* Every step of a gene costs and saves random amounts that have nothing to do with each other: many candidates are bad
 * at every cost, and the uniform genomes are far from the front. */
static additive additive_rough(uint64_t seed) {
    additive a = {.num_costs = 1};
    for (size_t i = 0; i < ADDITIVE_GENES; i++) {
        double cost = 0, error = 0;
        for (size_t v = 0; v < ADDITIVE_VALUES; v++) {
            cost += (double)(1 + test_below(&seed, 40));
            a.cost[i][v] = cost;
            error += (double)(1 + test_below(&seed, 40));
            a.error[i][ADDITIVE_VALUES - 1 - v] = error;
        }
        a.num_costs += (size_t)cost;
    }
    return a;
}

static void additive_evaluate(const additive *a, const uint16_t *genome, double f[2]) {
    f[0] = f[1] = 0;
    for (size_t i = 0; i < ADDITIVE_GENES; i++) {
        f[0] += a->cost[i][genome[i]];
        f[1] += a->error[i][genome[i]];
    }
}

/* The worst of both objectives and a tenth of the range more, so that the ends of the front count too. */
static void additive_reference(const additive *a, double reference[2]) {
    double best[2] = {0, 0};
    reference[0] = reference[1] = 0;
    for (size_t i = 0; i < ADDITIVE_GENES; i++) {
        best[0] += a->cost[i][0];
        best[1] += a->error[i][ADDITIVE_VALUES - 1];
        reference[0] += a->cost[i][ADDITIVE_VALUES - 1];
        reference[1] += a->error[i][0];
    }
    for (size_t j = 0; j < 2; j++) reference[j] += floor((reference[j] - best[j]) / 10);
}

/* least[c]: the least error at cost exactly c, after the genes so far. The area below the reference is a sum of slabs.
 */
static double additive_exact_volume(const additive *a) {
    double *least = test_alloc(a->num_costs * sizeof *least), *next = test_alloc(a->num_costs * sizeof *next);
    double reference[2], total = 0, best = HUGE_VAL;
    for (size_t c = 0; c < a->num_costs; c++) least[c] = c == 0 ? 0 : HUGE_VAL;
    for (size_t i = 0; i < ADDITIVE_GENES; i++) {
        for (size_t c = 0; c < a->num_costs; c++) {
            next[c] = HUGE_VAL;
            for (size_t v = 0; v < ADDITIVE_VALUES; v++) {
                size_t cost = (size_t)a->cost[i][v];
                if (cost <= c) next[c] = fmin(next[c], least[c - cost] + a->error[i][v]);
            }
        }
        double *swap = least;
        least = next;
        next = swap;
    }
    additive_reference(a, reference);
    for (size_t c = 0; (double)c < reference[0]; c++) {
        if (c < a->num_costs) best = fmin(best, least[c]);
        if (best < reference[1]) total += reference[1] - best;
    }
    free(least);
    free(next);
    return total;
}

/* The uniform genomes: every pair of a value for the first half (weights) and one for the second (activations). */
enum { UNIFORM_GENOMES = ADDITIVE_VALUES * ADDITIVE_VALUES };
static void additive_uniform(uint16_t genomes[UNIFORM_GENOMES][ADDITIVE_GENES]) {
    for (size_t k = 0; k < UNIFORM_GENOMES; k++) {
        for (size_t i = 0; i < ADDITIVE_GENES; i++)
            genomes[k][i] = (uint16_t)(i < ADDITIVE_HALF ? k / ADDITIVE_VALUES : k % ADDITIVE_VALUES);
    }
}

#endif
