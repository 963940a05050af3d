/* search/parts.h: what the files of this layer share. Survival (domination, normalisation, niching) sees objective
 * vectors and violations; variation and the archive see genomes; only search.c, proposal.c, screening.c
 * and sensitivity.c know both.
 */
#ifndef QEA_SEARCH_PARTS_H
#define QEA_SEARCH_PARTS_H

#include <stdbool.h>

#include "base/rng.h"
#include "quantea/search.h"

/* A stream of random numbers read in order; its place is the caller's, so nothing is hidden. */
typedef struct qea_draws {
    qea_rng rng;
    uint64_t next;
} qea_draws;

static inline qea_draws qea_draws_make(uint64_t seed, qea_rng_purpose purpose, uint64_t trial, uint64_t attempt) {
    qea_draws draws = {qea_rng_make(seed, purpose, (uint32_t)trial, (uint32_t)attempt), 0};
    return draws;
}

static inline uint32_t qea_draw_below(qea_draws *draws, size_t bound) {
    return qea_rng_below(&draws->rng, draws->next++, (uint32_t)bound);
}

static inline double qea_draw_uniform(qea_draws *draws) { return qea_rng_uniform(&draws->rng, draws->next++); }

/* --- domination.c --- */

/* Sorts `members` [count] (indices of rows of objectives [..][m]) by Pareto fronts: afterwards front k stands in
 * members[starts[k] .. starts[k+1]), ascending inside. Stops after the front that reaches `enough` members; the rest is
 * left out. starts has room for count + 1. Efficient non-dominated sort, Zhang et al., IEEE TEVC 19(2), 2015,
 * doi:10.1109/TEVC.2014.2308305. */
QEA_MUST_USE qea_status qea_fronts_sort(qea_context *ctx, const double *objectives, size_t m, size_t *members,
                                        size_t count, size_t enough, size_t *starts, size_t *num_fronts);

/* --- normalise.c --- */

/* What normalisation remembers over the generations, in the objectives' own units. */
typedef struct qea_frame {
    size_t m;
    bool started;     /* false until the first feasible member was seen */
    double *ideal;    /* [m], owned */
    double *extremes; /* [m][m], row j is the extreme point of axis j; owned */
} qea_frame;

QEA_MUST_USE qea_status qea_frame_create(qea_context *ctx, size_t m, qea_frame *frame);
void qea_frame_clear(qea_frame *frame);

/* Learns from feasible `members` [count], of which the first `front` are non-dominated, and writes their normalised
 * objectives [count][m]: 0 is the ideal point, 1 the intercept of the hyperplane. count and front >= 1. */
QEA_MUST_USE qea_status qea_frame_normalise(qea_context *ctx, qea_frame *frame, const double *objectives,
                                            const size_t *members, size_t count, size_t front, double *normalised);

/* Solves matrix [n][n] x = 1; `matrix` is overwritten. False if it is singular. Exposed for tests. */
bool qea_solve_ones(double *matrix, size_t n, double *x);

/* --- niching.c --- */

/* Of normalised [count][m] the first `accepted` are taken; chooses `keep` - accepted of the others by the crowding of
 * their reference lines. directions [h][m] have length 1. picked[count] gets true for every taken member. */
QEA_MUST_USE qea_status qea_niche_fill(qea_context *ctx, const double *normalised, size_t count, size_t m,
                                       const double *directions, size_t h, size_t accepted, size_t keep,
                                       qea_draws *draws, bool *picked);

/* --- reference_points.c --- */

/* The lattice for a population: the largest single layer of at most `population` points, and where that has no inner
 * points (partitions < m) the largest second layer that still fits. At least the m corners. */
void qea_reference_choose(size_t m, size_t population, size_t *partitions, size_t *inner_partitions);

/* --- variation.c --- */

typedef struct qea_genes {
    size_t num_genes;
    uint16_t *sizes; /* [num_genes], owned */
    size_t num_free; /* genes of more than one value */
    uint32_t *free;  /* [num_free], their places; owned */
} qea_genes;

QEA_MUST_USE qea_status qea_genes_create(qea_context *ctx, size_t num_genes, const uint16_t *sizes, qea_genes *space);
void qea_genes_clear(qea_genes *space);
uint64_t qea_genes_count(const qea_genes *space); /* number of genomes; UINT64_MAX if that is not enough */

void qea_genome_sample(const qea_genes *space, qea_draws *draws, uint16_t *genome);
void qea_genome_cross(const qea_genes *space, qea_draws *draws, const uint16_t *a, const uint16_t *b, uint16_t *child);
void qea_genome_mutate(const qea_genes *space, qea_draws *draws, qea_mutation mutation, uint16_t *genome);

/* --- archive.c --- */

typedef enum qea_trial_state { QEA_TRIAL_ASKED, QEA_TRIAL_TOLD, QEA_TRIAL_FAILED } qea_trial_state;

/* Every trial ever asked; row t-1 is trial t. Genomes are distinct. */
typedef struct qea_archive {
    size_t num_genes, num_objectives, count, capacity;
    uint16_t *genomes;                               /* [capacity][num_genes], owned */
    double *objectives;                              /* [capacity][num_objectives], owned */
    double *violations;                              /* [capacity], owned */
    uint8_t *states;                                 /* [capacity], qea_trial_state; owned */
    size_t *table;                                   /* [table_size] hash table of row + 1, 0 = empty; owned */
    size_t table_size;                               /* a power of two, or 0 */
    void (*canonical)(void *user, uint16_t *genome); /* or NULL: see qea_search_config */
    void *user;                                      /* borrowed */
    uint16_t *forms; /* [2][num_genes], scratch for canonical forms; owned, NULL without `canonical` */
} qea_archive;

void qea_archive_clear(qea_archive *archive);
/* Is it there, or one of the same canonical form? */
bool qea_archive_has(const qea_archive *archive, const uint16_t *genome);
/* Adds a genome that is not there yet. */
QEA_MUST_USE qea_status qea_archive_add(qea_context *ctx, qea_archive *archive, const uint16_t *genome);
static inline const uint16_t *qea_archive_genome(const qea_archive *archive, size_t row) {
    return archive->genomes + row * archive->num_genes;
}

/* --- proposal.c --- */

/* Finds genomes that are allowed and were never asked. */
typedef struct qea_proposer {
    qea_genes space;
    qea_archive archive;
    uint64_t seed;
    double (*violation)(void *user, const uint16_t *genome); /* or NULL */
    void *user;                                              /* borrowed */
    qea_mutation mutation;
    uint32_t *order;                      /* [num_free], scratch of the repair; owned */
    size_t neighbour_row, neighbour_gene; /* all neighbours before this place are asked or not allowed */
    uint16_t *counter;                    /* [num_genes], so are all genomes before it; owned */
    bool counter_done;
} qea_proposer;

/* Each writes genome [num_genes] and returns true, or returns false when it found none. `number` counts the children
 * that are drawn for the same trial, from 0. */
bool qea_propose_child(qea_proposer *p, const size_t *parents, size_t num_parents, size_t number, uint16_t *genome);
bool qea_propose_random(qea_proposer *p, uint16_t *genome);
bool qea_propose_systematic(qea_proposer *p, uint16_t *genome);
double qea_genome_violation(const qea_proposer *p, const uint16_t *genome); /* 0 without limits */
bool qea_genome_allowed(const qea_proposer *p, const uint16_t *genome);

/* --- predictor.c --- */

enum { QEA_RIDGE = 4 }; /* times the variance of a weight, if that of the noise is 1 */

/* Ridge regression: learns values[i] of the genomes [count] and writes predicted[k] of other [num_others][num_genes].
 * count >= 1; values finite. */
QEA_MUST_USE qea_status qea_predict(qea_context *ctx, const qea_genes *space, const uint16_t *const *genomes,
                                    const double *values, size_t count, const uint16_t *others, size_t num_others,
                                    double *predicted);

/* --- screening.c --- */

typedef struct qea_screen {
    size_t factor; /* children drawn per child that is kept; 0 or 1: nothing is screened */
    void (*known)(void *user, const uint16_t *genome, double *objectives); /* or NULL */
    uint16_t *genomes; /* [capacity][num_genes], those kept, owned */
    size_t capacity, count, next;
} qea_screen;

/* Draws factor * keep new children of the parents and keeps the `keep` most promising of them (fewer where fewer are
 * found), ascending by the order of drawing. */
QEA_MUST_USE qea_status qea_screen_fill(qea_context *ctx, qea_screen *screen, qea_proposer *p, const size_t *parents,
                                        size_t num_parents, qea_survival *survival, size_t generation, size_t keep);
void qea_screen_clear(qea_screen *screen);

/* --- sensitivity.c --- */

typedef struct qea_sensitivity {
    size_t num_probes, next_probe; /* the base and one per free gene; 0: nothing is measured */
    size_t *base;                  /* [num_free] levels of the genome in which single genes are lowered; owned */
    size_t *rows;    /* [num_free + 1] archive rows of the base and of each gene's probe, SIZE_MAX: none; owned */
    uint16_t *seeds; /* [num_seeds][num_genes], owned */
    size_t num_seeds, next_seed;
} qea_sensitivity;

/* scratch [num_genes]. Where no genome between the highest and the lowest is allowed nothing is measured. */
QEA_MUST_USE qea_status qea_sensitivity_create(qea_context *ctx, const qea_proposer *p, uint16_t *scratch,
                                               qea_sensitivity *s);
void qea_sensitivity_clear(qea_sensitivity *s);
/* The next probe, to be added to the archive at once; false: there is none left. */
bool qea_sensitivity_probe(qea_sensitivity *s, const qea_proposer *p, uint16_t *genome);
/* When the probes were told: plans at most `wanted` seeds, equally many for each cost. Costs are objectives that lower
 * values improve, from the highest genome on; `known` (or NULL) tells them for any genome, else they are added up from
 * the probes. None where the base failed, or where no objective gets worse. */
QEA_MUST_USE qea_status qea_sensitivity_plan(qea_context *ctx, qea_sensitivity *s, const qea_proposer *p,
                                             void (*known)(void *user, const uint16_t *genome, double *objectives),
                                             size_t wanted);
/* The next seed that was never asked; false: there is none left. */
bool qea_sensitivity_seed(qea_sensitivity *s, const qea_proposer *p, uint16_t *genome);

#endif
