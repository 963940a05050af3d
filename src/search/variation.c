/* search/variation.c: integer genomes: random ones, crossover, mutation. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

/* Chosen on additive and coupled problems of 24 to 42 genes with 832 evaluations (tests/search/additive.h is the kind):
 * more or larger moves cost hypervolume, fewer lose it on problems whose values have no order. */
static const double mutations_per_genome = 0.5;
static const double neighbour_share = 0.8; /* of mutations go to a neighbouring value, the others to any */

qea_status qea_genes_create(qea_context *ctx, size_t num_genes, const uint16_t *sizes, qea_genes *space) {
    *space = (qea_genes){.num_genes = num_genes};
    QEA_TRY(QEA_NEW(ctx, "gene sizes", space->sizes, num_genes));
    QEA_TRY(QEA_NEW(ctx, "free genes", space->free, num_genes));
    for (size_t i = 0; i < num_genes; i++) {
        if (sizes[i] == 0)
            return qea_fail(ctx, QEA_ERR_CONFIG, "search: gene %zu has no values; 1 to 65535 are allowed", i);
        space->sizes[i] = sizes[i];
        if (sizes[i] > 1) space->free[space->num_free++] = (uint32_t)i;
    }
    return QEA_OK;
}

void qea_genes_clear(qea_genes *space) {
    qea_free(space->sizes);
    qea_free(space->free);
    *space = (qea_genes){0};
}

uint64_t qea_genes_count(const qea_genes *space) {
    uint64_t count = 1;
    for (size_t i = 0; i < space->num_free; i++) {
        uint64_t size = space->sizes[space->free[i]];
        if (count > UINT64_MAX / size) return UINT64_MAX;
        count *= size;
    }
    return count;
}

/* Independent uniform genes would nearly all sum up to the same cost. So a genome draws two levels in [0, 1), and its
 * genes are uniform between them: some genomes are low, some high, some wide, and every genome can be drawn. */
void qea_genome_sample(const qea_genes *space, qea_draws *draws, uint16_t *genome) {
    double low = qea_draw_uniform(draws), high = qea_draw_uniform(draws);
    if (low > high) {
        double swap = low;
        low = high;
        high = swap;
    }
    for (size_t i = 0; i < space->num_genes; i++) {
        double size = space->sizes[i];
        double value = (low + (high - low) * qea_draw_uniform(draws)) * size;
        genome[i] = (uint16_t)(value < size ? value : size - 1);
    }
}

/* Uniform crossover in which the share of genes that come from the parent with the higher value is drawn per child:
 * children spread from the lower to the higher side of both parents instead of gathering in the middle. */
void qea_genome_cross(const qea_genes *space, qea_draws *draws, const uint16_t *a, const uint16_t *b, uint16_t *child) {
    double share = qea_draw_uniform(draws);
    for (size_t i = 0; i < space->num_genes; i++) {
        bool higher = qea_draw_uniform(draws) < share;
        child[i] = (a[i] > b[i]) == higher ? a[i] : b[i];
    }
}

static uint16_t neighbour(uint16_t value, uint16_t size, bool up) {
    if (value == 0) up = true;
    if (value + 1 == size) up = false;
    return (uint16_t)(up ? value + 1 : value - 1);
}

void qea_genome_mutate(const qea_genes *space, qea_draws *draws, qea_mutation mutation, uint16_t *genome) {
    const double rate = mutations_per_genome / (double)space->num_free;
    for (size_t k = 0; k < space->num_free; k++) {
        if (qea_draw_uniform(draws) >= rate) continue;
        const size_t gene = space->free[k];
        if (mutation == QEA_MUTATION_STEP && qea_draw_uniform(draws) < neighbour_share) {
            genome[gene] = neighbour(genome[gene], space->sizes[gene], qea_draw_below(draws, 2) == 1);
        } else {
            /* any other value: those from the present one on are one further */
            uint16_t value = (uint16_t)qea_draw_below(draws, space->sizes[gene] - 1u);
            genome[gene] = (uint16_t)(value + (value >= genome[gene]));
        }
    }
}
