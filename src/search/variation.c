/* search/variation.c: integer genomes: random ones, crossover, mutation. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

#ifdef QEA_TUNE
double tune[16];
#endif

qea_status qea_space_create(qea_context *ctx, size_t num_genes, const uint16_t *sizes, qea_space *space) {
    *space = (qea_space){.num_genes = num_genes};
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

void qea_space_clear(qea_space *space) {
    qea_free(space->sizes);
    qea_free(space->free);
    *space = (qea_space){0};
}

uint64_t qea_space_count(const qea_space *space) {
    uint64_t count = 1;
    for (size_t i = 0; i < space->num_free; i++) {
        uint64_t size = space->sizes[space->free[i]];
        if (count > UINT64_MAX / size) return UINT64_MAX;
        count *= size;
    }
    return count;
}

void qea_genome_sample(const qea_space *space, qea_draws *draws, uint16_t *genome) {
#ifdef QEA_TUNE
    int mode = (int)tune[0];
    if (mode) {
        double level = qea_draw_uniform(draws);
        double share = qea_draw_uniform(draws);
        if (mode == 2) share = 1;
        if (mode == 3) share = 0.5;
        if (mode == 4 && qea_draw_below(draws, 2)) share = 0;
        for (size_t i = 0; i < space->num_genes; i++) {
            size_t s = space->sizes[i];
            if (qea_draw_uniform(draws) < share) {
                if (mode >= 5) {
                    /* rounded level */
                    double x = level * (double)(s - 1);
                    size_t lo = (size_t)x;
                    if (lo > s - 1) lo = s - 1;
                    if (lo + 1 < s && qea_draw_uniform(draws) < x - (double)lo) lo++;
                    genome[i] = (uint16_t)lo;
                } else {
                    size_t v = 0;
                    for (size_t k = 1; k < s; k++) v += qea_draw_uniform(draws) < level;
                    genome[i] = (uint16_t)v;
                }
            } else
                genome[i] = (uint16_t)qea_draw_below(draws, s);
        }
        return;
    }
#endif
    for (size_t i = 0; i < space->num_genes; i++) genome[i] = (uint16_t)qea_draw_below(draws, space->sizes[i]);
}

void qea_genome_cross(const qea_space *space, qea_draws *draws, const uint16_t *a, const uint16_t *b, uint16_t *child) {
    int kind = 0;
#ifdef QEA_TUNE
    kind = (int)tune[1];
    if (kind == 2) kind = (int)qea_draw_below(draws, 2);
    if (kind == 3) {
        memcpy(child, a, space->num_genes * sizeof *child);
        return;
    }
    if (kind == 4) kind = qea_draw_below(draws, 4) == 0 ? 0 : 1;
    if (qea_draw_uniform(draws) >= tune[6]) {
        memcpy(child, a, space->num_genes * sizeof *child);
        return;
    }
#endif
    if (kind == 0) {
        for (size_t i = 0; i < space->num_genes; i++) child[i] = qea_draw_below(draws, 2) == 0 ? a[i] : b[i];
    } else {
        size_t n = space->num_genes, start = qea_draw_below(draws, n), length = 1 + qea_draw_below(draws, n);
        memcpy(child, a, n * sizeof *child);
        for (size_t k = 0; k < length; k++) child[(start + k) % n] = b[(start + k) % n];
    }
}

void qea_genome_mutate(const qea_space *space, qea_draws *draws, uint16_t *genome) {
    double rate = 1.0, step = 0.5;
    bool force = true, directed = false;
#ifdef QEA_TUNE
    rate = tune[2];
    step = tune[3];
    force = tune[4] != 0;
    directed = qea_draw_uniform(draws) < tune[5];
#endif
    if (space->num_free == 0) return;
    bool up = qea_draw_below(draws, 2) == 1;
    size_t forced = force ? qea_draw_below(draws, space->num_free) : space->num_free;
    rate /= (double)space->num_free;
    for (size_t k = 0; k < space->num_free; k++) {
        if (k != forced && qea_draw_uniform(draws) >= rate) continue;
        size_t i = space->free[k], s = space->sizes[i];
        if (qea_draw_uniform(draws) < step) {
            bool u = directed ? up : qea_draw_below(draws, 2) == 1;
            if (u && genome[i] + 1u >= s) {
                if (directed) continue;
                u = false;
            } else if (!u && genome[i] == 0) {
                if (directed) continue;
                u = true;
            }
            genome[i] = (uint16_t)(u ? genome[i] + 1 : genome[i] - 1);
        } else {
            size_t v = qea_draw_below(draws, s - 1);
            genome[i] = (uint16_t)(v + (v >= genome[i]));
        }
    }
}
