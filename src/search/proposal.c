/* search/proposal.c: genomes that are allowed and were never asked. A space of few allowed genomes is used up to the
 * last one: redraws, then random genomes, then a systematic walk. */
#include <string.h>

#include "base/memory.h"
#include "search/parts.h"

enum {
    CHILD_TRIES = 64,
    RANDOM_TRIES = 128,
    REPAIR_PASSES = 64,
    WALK_BITS = 20 /* spaces of up to 2^20 genomes are walked completely */
};

double qea_genome_violation(const qea_proposer *p, const uint16_t *genome) {
    return p->violation == NULL ? 0 : p->violation(p->user, genome);
}

/* False for NaN too. */
bool qea_genome_allowed(const qea_proposer *p, const uint16_t *genome) { return qea_genome_violation(p, genome) <= 0; }

static bool is_new(const qea_proposer *p, const uint16_t *genome) {
    return !qea_archive_has(&p->archive, genome) && qea_genome_allowed(p, genome);
}

/* Trial and attempt number the streams, so a genome depends on the seed and on what was told, not on earlier draws. */
static qea_draws start_draws(const qea_proposer *p, qea_rng_purpose purpose, size_t attempt) {
    return qea_draws_make(p->seed, purpose, p->archive.count + 1, attempt);
}

/* Moves one gene by one value if that violates less. */
static bool improve_gene(const qea_proposer *p, uint16_t *genome, size_t gene, double *violation) {
    const uint16_t before = genome[gene];
    for (int up = 0; up < 2; up++) {
        if (up ? before + 1 >= p->space.sizes[gene] : before == 0) continue;
        genome[gene] = (uint16_t)(up ? before + 1 : before - 1);
        double moved = qea_genome_violation(p, genome);
        if (moved < *violation) {
            *violation = moved;
            return true;
        }
    }
    genome[gene] = before;
    return false;
}

/* Walks downhill on the violation, genes in random order, until the genome is allowed or no single step helps. Where
 * few genomes are allowed, plain random ones would all be drawn in vain. */
static void repair(qea_proposer *p, qea_draws *draws, uint16_t *genome) {
    double violation = qea_genome_violation(p, genome);
    bool moved = true;
    for (int pass = 0; pass < REPAIR_PASSES && moved && violation > 0; pass++) {
        moved = false;
        for (size_t k = 0; k < p->space.num_free; k++) p->order[k] = p->space.free[k];
        for (size_t k = p->space.num_free; k > 0 && violation > 0; k--) {
            size_t place = qea_draw_below(draws, k);
            size_t gene = p->order[place];
            p->order[place] = p->order[k - 1];
            if (improve_gene(p, genome, gene, &violation)) moved = true;
        }
    }
}

/* Tournament of two by violation; when both are feasible, a random one. */
static size_t draw_parent(const qea_proposer *p, qea_draws *draws, const size_t *parents, size_t num_parents) {
    size_t a = parents[qea_draw_below(draws, num_parents)], b = parents[qea_draw_below(draws, num_parents)];
    return p->archive.violations[b] < p->archive.violations[a] ? b : a;
}

bool qea_propose_child(qea_proposer *p, const size_t *parents, size_t num_parents, size_t number, uint16_t *genome) {
    for (size_t attempt = 0; attempt < CHILD_TRIES && num_parents > 0; attempt++) {
        qea_draws draws = start_draws(p, QEA_RNG_SEARCH_MATE, number * CHILD_TRIES + attempt);
        size_t a = draw_parent(p, &draws, parents, num_parents), b = draw_parent(p, &draws, parents, num_parents);
        qea_genome_cross(&p->space, &draws, qea_archive_genome(&p->archive, a), qea_archive_genome(&p->archive, b),
                         genome);
        qea_genome_mutate(&p->space, &draws, p->mutation, genome);
        if (attempt >= CHILD_TRIES / 2) repair(p, &draws, genome);
        if (is_new(p, genome)) return true;
    }
    return false;
}

bool qea_propose_random(qea_proposer *p, uint16_t *genome) {
    for (size_t attempt = 0; attempt < RANDOM_TRIES; attempt++) {
        qea_draws draws = start_draws(p, QEA_RNG_SEARCH_SAMPLE, attempt);
        qea_genome_sample(&p->space, &draws, genome);
        if (attempt >= RANDOM_TRIES / 2) repair(p, &draws, genome);
        if (is_new(p, genome)) return true;
    }
    return false;
}

/* Genomes that differ from an asked one in one gene. What was passed stays asked or not allowed, so the walk goes on
 * where it stopped, and all walks together take one pass. */
static bool next_neighbour(qea_proposer *p, uint16_t *genome) {
    for (; p->neighbour_row < p->archive.count; p->neighbour_row++, p->neighbour_gene = 0) {
        memcpy(genome, qea_archive_genome(&p->archive, p->neighbour_row), p->space.num_genes * sizeof *genome);
        for (; p->neighbour_gene < p->space.num_free; p->neighbour_gene++) {
            const size_t gene = p->space.free[p->neighbour_gene];
            const uint16_t before = genome[gene];
            for (genome[gene] = 0; genome[gene] < p->space.sizes[gene]; genome[gene]++) {
                if (is_new(p, genome)) return true;
            }
            genome[gene] = before;
        }
    }
    return false;
}

/* Counts through a small space, genome by genome; likewise goes on where it stopped. */
static bool next_counted(qea_proposer *p, uint16_t *genome) {
    if (qea_genes_count(&p->space) > (uint64_t)1 << WALK_BITS) return false;
    while (!p->counter_done) {
        if (is_new(p, p->counter)) {
            memcpy(genome, p->counter, p->space.num_genes * sizeof *genome);
            return true;
        }
        size_t gene = 0;
        while (gene < p->space.num_genes && ++p->counter[gene] == p->space.sizes[gene]) p->counter[gene++] = 0;
        p->counter_done = gene == p->space.num_genes;
    }
    return false;
}

bool qea_propose_systematic(qea_proposer *p, uint16_t *genome) {
    return next_neighbour(p, genome) || next_counted(p, genome);
}
