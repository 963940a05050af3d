/* quantea/search.h: NSGA-III over vectors of small integers, by ask and tell. Knows genomes, objective vectors and
 * constraint violations only. Deb & Jain, IEEE TEVC 18(4), 2014, doi:10.1109/TEVC.2013.2281535 (part I) and .2281534
 * (part II, constraints). */
#ifndef QUANTEA_SEARCH_H
#define QUANTEA_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a mutated gene goes. */
typedef enum qea_mutation {
    QEA_MUTATION_ANY, /* to any other value */
    QEA_MUTATION_STEP /* four of five times to a neighbouring value, else to any other */
} qea_mutation;

/* Gene values are 0..gene_sizes[i]-1 and ordered (neighbours are alike). */
typedef struct qea_search_config {
    size_t num_genes;
    const uint16_t *gene_sizes; /* [num_genes], each >= 1; copied */
    size_t num_objectives;      /* >= 1; all are minimised */
    size_t population_size;     /* genomes asked per generation, >= 1 */
    size_t num_random;          /* genomes of the first population (given ones count in), >= population_size */
    size_t num_generations;     /* after the first population; 0 is allowed */
    uint64_t seed;
    const uint16_t *given; /* [num_given][num_genes] genomes that stand in the first population; copied; doubles and
                              infeasible ones are left out; at most num_random are taken */
    size_t num_given;
    /* Constraint violation known before evaluation, >= 0, 0 = allowed; NULL = everything is allowed. Genomes with a
     * violation > 0 are drawn anew and never asked. */
    double (*violation)(void *user, const uint16_t *genome);
    void *user; /* borrowed; of `violation`, `known` and `canonical` */
    qea_mutation mutation;
    /* Children drawn for each one that is asked, after the first population; 0 or 1: none is left out. The objectives
     * that are not known are predicted by ridge regression on the genes of all trials told, and survival selection
     * chooses the generation from all children drawn. At most 100. */
    size_t screening;
    /* Writes the objectives that need no evaluation, costs for instance, into objectives[num_objectives], and leaves
     * the others as they are; a value that is not finite is one not known. NULL: none is known. */
    void (*known)(void *user, const uint16_t *genome, double *objectives);
    /* What each gene loses is measured before anything is bred: the first trials, before the given genomes, are the
     * probes: the highest genome (where it is not allowed the first allowed one as all genes go down in turn), then,
     * for each gene of more than one value, the same with that gene alone at its lowest value, where that is allowed.
     * They count as any trial: they stand in the first population, and where they do not fit at the head of the next
     * generations, which given and random genomes fill up. The generation after that begins with seeds, at most
     * population_size: genomes of a greedy descent from the highest to the lowest, one descent for each objective that
     * lower values improve, in steps that lose least of the others for what they save, evenly spread. A failed probe is
     * a gene of average needs. */
    bool sensitivity;
    /* Where several genomes are the same thing to evaluate: turns genome[num_genes] into the one that stands for all of
     * them, itself where it is that one. Of these no more than one is asked, whichever comes first, in the form in
     * which it came. `violation` and `known` must say the same of all of them. NULL: no two genomes are the same. */
    void (*canonical)(void *user, uint16_t *genome);
} qea_search_config;

/* Where a genome that is asked comes from. */
typedef enum qea_origin {
    QEA_ORIGIN_GIVEN,
    QEA_ORIGIN_PROBE,
    QEA_ORIGIN_SEED,
    QEA_ORIGIN_CHILD,
    QEA_ORIGIN_RANDOM /* drawn, or found by looking through the space */
} qea_origin;

typedef struct qea_search qea_search;

typedef enum qea_ask {
    QEA_ASK_TRIAL, /* a genome to evaluate */
    QEA_ASK_WAIT,  /* the generation is handed out whole; tell its results first */
    QEA_ASK_DONE,  /* the budget is spent */
    /* No allowed genome is left that was not evaluated. Proved for spaces of up to 2^20 genomes; in larger ones
     * redraws, random genomes moved towards the constraint and all one-gene neighbours of every trial found none. */
    QEA_ASK_EXHAUSTED
} qea_ask;

/* Two-step use: ask until QEA_ASK_WAIT, tell, again; or tell each trial at once. What is asked depends on the
 * configuration and on what was told only, so a search is resumed by asking and telling the same again. Reference
 * points: the largest lattice of at most population_size points, in two layers where one has no inner points.
 * QEA_ERR_CONFIG: a wrong size, a given gene outside its range, or no genome at all meets the constraint (searched: the
 * given, the lowest, the highest and many random genomes, these also moved downhill on the violation; spaces of up to
 * 2^20 genomes completely). `config` is not kept; *out is NULL on failure, else owned by the caller. */
QEA_API QEA_MUST_USE qea_status qea_search_create(qea_context *ctx, const qea_search_config *config, qea_search **out);
QEA_API void qea_search_destroy(qea_search *search);

/* On QEA_ASK_TRIAL: *trial = 1, 2, 3, ... in the order of asking, genome[num_genes] is written; neither it nor one of
 * its canonical form was asked before. Else both are left as they were. */
QEA_API QEA_MUST_USE qea_status qea_search_ask(qea_context *ctx, qea_search *search, qea_ask *what, uint64_t *trial,
                                               uint16_t *genome);

/* The result of an asked trial, in any order within a generation (selection sees them in id order). objectives[M]
 * finite. violation >= 0. For a trial that failed: objectives NULL; it never becomes a parent and is not on the front.
 * QEA_ERR_STATE: not asked, or told before. QEA_ERR_CONFIG: an objective is not finite, or the violation NaN or
 * negative. After an error nothing has changed. */
QEA_API QEA_MUST_USE qea_status qea_search_tell(qea_context *ctx, qea_search *search, uint64_t trial,
                                                const double *objectives, double violation);

QEA_API size_t qea_search_generation(const qea_search *search); /* 0 = the first population */

/* It is exhausted, and every genome was looked at: each was asked, stands for one that was, or is not allowed. */
QEA_API bool qea_search_complete(const qea_search *search);

QEA_API qea_origin qea_search_origin(const qea_search *search); /* of the trial that was asked last */

/* Ids of the non-dominated feasible trials of all told, ascending; *trials is owned by the search and valid until the
 * next call. Of trials with equal objectives all are on the front. */
QEA_API QEA_MUST_USE qea_status qea_search_front(qea_context *ctx, qea_search *search, const uint64_t **trials,
                                                 size_t *count);

/* --- survival selection and its parts, for tests and for choosing among finished trials --- */

/* Das and Dennis: points of `partitions` on the unit simplex, H = C(M+p-1, p). inner_partitions 0 = one layer; else the
 * second layer is z/2 + 1/(2M). *points [count][M], owned by the caller (qea_points_free). QEA_ERR_CONFIG: no
 * objectives or partitions, more than 65536 of either, or more than 2^24 points in a layer. */
QEA_API QEA_MUST_USE qea_status qea_reference_points(qea_context *ctx, size_t num_objectives, size_t partitions,
                                                     size_t inner_partitions, double **points, size_t *count);
QEA_API void qea_points_free(double *points);

/* Remembers the ideal and the extreme points over the generations. `points` [count][M] copied; parts >= 0, not all 0
 * (else QEA_ERR_CONFIG). Lengths are measured relative to the first front, so scaling an objective by a power of two,
 * or shifting one whose differences are exact, leaves every choice as it was. */
typedef struct qea_survival qea_survival;
QEA_API QEA_MUST_USE qea_status qea_survival_create(qea_context *ctx, size_t num_objectives, const double *points,
                                                    size_t num_points, uint64_t seed, qea_survival **out);
QEA_API void qea_survival_destroy(qea_survival *survival);

/* Chooses `keep` of `count` members: objectives [count][M] finite, violations [count] >= 0 or NULL (all 0).
 * chosen[keep] gets indices, ascending. generation seeds the ties. QEA_ERR_CONFIG: keep > count, an objective that is
 * not finite, a violation that is NaN or negative. Feasible members come first, front by front, the last front by
 * niching; then infeasible ones by violation. */
QEA_API QEA_MUST_USE qea_status qea_survival_select(qea_context *ctx, qea_survival *survival, size_t generation,
                                                    const double *objectives, const double *violations, size_t count,
                                                    size_t keep, size_t *chosen);

/* Constrained domination (part II, definition 1): -1 a is better, 1 b is better, 0 neither. */
QEA_API int qea_dominates(const double *a, double violation_a, const double *b, double violation_b,
                          size_t num_objectives);

/* Exact hypervolume of `count` points [count][M] (minimised) inside the box below `reference` [M]; points outside add
 * nothing, no points have volume 0. QEA_ERR_CONFIG: a number that is not finite. Sums of products in double precision.
 */
QEA_API QEA_MUST_USE qea_status qea_hypervolume(qea_context *ctx, const double *points, size_t count,
                                                size_t num_objectives, const double *reference, double *out);

/* The same volume while the points come one by one, at a fraction of the time: of each point the part is added that no
 * earlier one covers. Equal to qea_hypervolume of all points up to rounding. reference [num_objectives] is copied. */
typedef struct qea_volume qea_volume;
QEA_API QEA_MUST_USE qea_status qea_volume_create(qea_context *ctx, size_t num_objectives, const double *reference,
                                                  qea_volume **out);
QEA_API void qea_volume_destroy(qea_volume *volume);
/* point [num_objectives]. QEA_ERR_CONFIG: a number that is not finite; nothing has changed then. */
QEA_API QEA_MUST_USE qea_status qea_volume_add(qea_context *ctx, qea_volume *volume, const double *point);
QEA_API double qea_volume_value(const qea_volume *volume); /* 0 before the first point */

#ifdef __cplusplus
}
#endif
#endif
