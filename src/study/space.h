/* study/space.h: the search space: which gene sets the bits of which layer, and what a genome costs. */
#ifndef QEA_STUDY_SPACE_H
#define QEA_STUDY_SPACE_H

#include "study/config.h"

typedef struct qea_gene {
    int num_bits;
    uint8_t bits[QEA_MAX_CANDIDATES]; /* ascending */
} qea_gene;

typedef struct qea_bit_space {
    const qea_graph *graph;         /* borrowed; NULL: the genes are given by hand, there are no layers */
    const qea_study_config *config; /* borrowed */
    size_t num_layers;              /* quantised layers L */
    size_t num_genes;               /* 2 L without ties: weights of all layers, then activations */
    qea_gene *genes;                /* owned, [num_genes]; NULL without a graph */
    uint16_t *gene_sizes;           /* owned, [num_genes] */
    size_t *weight_gene;            /* owned, [L] */
    size_t *activation_gene;        /* owned, [L] */
    uint8_t *scratch_bits;          /* owned, [2 L] */
    uint16_t *scratch_genome;       /* owned, [num_genes] */
} qea_bit_space;

/* QEA_ERR_CONFIG: config->length is given and is not the number of genes; a rule that matches no layer; bits the
 * quantiser has not; a limit that no genome meets. */
QEA_MUST_USE qea_status qea_bit_space_create(qea_context *ctx, const qea_study_config *config, const qea_graph *graph,
                                             qea_bit_space **out);
void qea_bit_space_destroy(qea_bit_space *space);

/* genome [num_genes] -> weight_bits [L], activation_bits [L]. */
void qea_bit_space_decode(const qea_bit_space *space, const uint16_t *genome, uint8_t *weight_bits,
                          uint8_t *activation_bits);

/* The genome with the allowed bits nearest to (w, a) in every layer; of two equally near, the higher. */
void qea_bit_space_nearest(const qea_bit_space *space, int weight_bits, int activation_bits, uint16_t *genome);

QEA_MUST_USE qea_status qea_bit_space_cost(qea_context *ctx, const qea_bit_space *space, const uint8_t *weight_bits,
                                           const uint8_t *activation_bits, qea_cost *out);

/* The least and the most of each cost (space_limits.c): of the genome of the fewest and of that of the most bits, but
 * activation_bytes, which are most where layers are left out, and least where none is. */
QEA_MUST_USE qea_status qea_bit_space_extremes(qea_context *ctx, const qea_bit_space *space, qea_cost *least,
                                               qea_cost *most);

/* QEA_ERR_CONFIG: a limit that lies outside of these. Part of qea_bit_space_create. */
QEA_MUST_USE qea_status qea_bit_space_check_limits(qea_context *ctx, const qea_bit_space *space);
/* For a search that found no genome within all limits: QEA_ERR_CONFIG with all of them and what comes nearest. */
qea_status qea_bit_space_fail_limits(qea_context *ctx, qea_bit_space *space);

/* For a supernet (space_supernet.c): the highest bits of every layer, all widths below 32, and the bits of a step,
 * f(seed, step): of every four steps the first has the most bits, the second the fewest, the third random ones, the
 * last random ones from a random range of each gene's candidates, so that all costs are seen. Random ones that the
 * limits do not allow are drawn again, up to 15 times. Bits are [L]. */
void qea_bit_space_highest(const qea_bit_space *space, uint8_t *weight_bits, uint8_t *activation_bits);
qea_widths qea_bit_space_widths(const qea_bit_space *space);
void qea_bit_space_draw(qea_bit_space *space, uint64_t seed, uint64_t step, uint8_t *weight_bits,
                        uint8_t *activation_bits);

/* A random genome, f(seed, number): each gene from a range of its candidates that is drawn first, one range for weights
 * and one for activations, so that all costs are seen, and equal costs in many ways. */
void qea_bit_space_random(const qea_bit_space *space, uint64_t seed, uint32_t number, uint16_t *genome);

/* Sum over the configuration's limits on costs of the relative excess; 0 = within all. Signature of
 * qea_search_config.violation with `user` = the space. */
double qea_bit_space_violation(void *space, const uint16_t *genome);

/* The same of the objectives [num_objectives] of a trial, which `range` limits. */
double qea_objectives_violation(const qea_study_config *config, const double *objectives);

/* Writes the costs among the objectives, all to be minimised, and leaves the others. Signature of
 * qea_search_config.known with `user` = the space. */
void qea_bit_space_known(void *space, const uint16_t *genome, double *minimised);

/* Can a layer be left out (0 bits)? */
bool qea_bit_space_leaves_out(const qea_bit_space *space);
/* Genes that set the bits of no layer but such that are left out get their lowest value: genomes that are one network
 * become one. Signature of qea_search_config.canonical with `user` = the space. */
void qea_bit_space_canonical(void *space, uint16_t *genome);

/* At most `most` uniform genomes [*count][num_genes], owned by the caller (qea_free): w = a first, then the other
 * pairs, all of them or those nearest to costs at equal ratios. A pair of 0 and another number is no network of its
 * own. In space_uniform.c. */
QEA_MUST_USE qea_status qea_bit_space_uniform(qea_context *ctx, const qea_bit_space *space, size_t most,
                                              uint16_t **genomes, size_t *count);

/* One value of a cost by the objective's name (NaN for accuracy). */
double qea_cost_value(const qea_cost *cost, qea_objective objective);

#endif
