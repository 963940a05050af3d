/* search/screening.c: many children are drawn, the most promising are kept: by what is known of them before the
 * evaluation, costs for instance, and by what a predictor says of the rest. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

void qea_screen_clear(qea_screen *screen) { qea_free(screen->genomes); }

typedef struct child_pool {
    size_t count, num_told, m;
    uint16_t *genomes;        /* [count][num_genes], owned */
    double *objectives;       /* [count][m], owned */
    const uint16_t **learned; /* [num_told] genomes in the archive, owned */
    size_t *told;             /* [num_told] archive rows, owned */
    double *values;           /* [num_told], owned */
    double *predicted;        /* [count], owned */
    size_t *chosen;           /* [count], owned */
} child_pool;

static void free_pool(child_pool *pool) {
    qea_free(pool->genomes);
    qea_free(pool->objectives);
    qea_free(pool->learned);
    qea_free(pool->told);
    qea_free(pool->values);
    qea_free(pool->predicted);
    qea_free(pool->chosen);
}

static qea_status create_pool(qea_context *ctx, const qea_proposer *p, size_t most, child_pool *pool) {
    const size_t n = p->space.num_genes, rows = p->archive.count;
    size_t genes, numbers;
    pool->m = p->archive.num_objectives;
    if (!qea_size_mul(most, n, &genes) || !qea_size_mul(most, pool->m, &numbers))
        return qea_fail(ctx, QEA_ERR_MEMORY, "search: %zu children to screen are too many", most);
    QEA_TRY(QEA_NEW(ctx, "children to screen", pool->genomes, genes));
    QEA_TRY(QEA_NEW(ctx, "their objectives", pool->objectives, numbers));
    QEA_TRY(QEA_NEW(ctx, "genomes told", pool->learned, rows));
    QEA_TRY(QEA_NEW(ctx, "trials told", pool->told, rows));
    QEA_TRY(QEA_NEW(ctx, "values told", pool->values, rows));
    QEA_TRY(QEA_NEW(ctx, "predictions", pool->predicted, most));
    QEA_TRY(QEA_NEW(ctx, "children kept", pool->chosen, most));
    for (size_t row = 0; row < rows; row++) {
        if (p->archive.states[row] != QEA_TRIAL_TOLD) continue;
        pool->learned[pool->num_told] = qea_archive_genome(&p->archive, row);
        pool->told[pool->num_told++] = row;
    }
    return QEA_OK;
}

static bool is_in_pool(const child_pool *pool, const uint16_t *genome, size_t num_genes) {
    for (size_t k = 0; k < pool->count; k++)
        if (memcmp(pool->genomes + k * num_genes, genome, num_genes * sizeof *genome) == 0) return true;
    return false;
}

/* Distinct new children; one drawn twice is not drawn again. */
static void draw_children(qea_proposer *p, const size_t *parents, size_t num_parents, size_t most, child_pool *pool) {
    const size_t n = p->space.num_genes;
    for (size_t number = 0; number < most; number++) {
        uint16_t *child = pool->genomes + pool->count * n;
        if (qea_propose_child(p, parents, num_parents, number, child) && !is_in_pool(pool, child, n)) pool->count++;
    }
}

/* Where an objective of any child is not known it is predicted from all trials told. */
static qea_status judge_children(qea_context *ctx, const qea_screen *screen, const qea_proposer *p, child_pool *pool) {
    const size_t n = p->space.num_genes, m = pool->m;
    for (size_t k = 0; k < pool->count; k++) {
        for (size_t j = 0; j < m; j++) pool->objectives[k * m + j] = NAN;
        if (screen->known != NULL) screen->known(p->user, pool->genomes + k * n, pool->objectives + k * m);
    }
    for (size_t j = 0; j < m; j++) {
        bool all = true;
        for (size_t k = 0; k < pool->count; k++) all = all && isfinite(pool->objectives[k * m + j]);
        if (all) continue;
        for (size_t i = 0; i < pool->num_told; i++) pool->values[i] = p->archive.objectives[pool->told[i] * m + j];
        QEA_TRY(qea_predict(ctx, &p->space, pool->learned, pool->values, pool->num_told, pool->genomes, pool->count,
                            pool->predicted));
        for (size_t k = 0; k < pool->count; k++) {
            double *value = &pool->objectives[k * m + j];
            if (!isfinite(*value)) *value = pool->predicted[k];
        }
    }
    return QEA_OK;
}

static qea_status keep_best(qea_context *ctx, qea_screen *screen, const qea_proposer *p, qea_survival *survival,
                            size_t generation, size_t keep, child_pool *pool) {
    const size_t n = p->space.num_genes;
    if (keep > pool->count) keep = pool->count;
    QEA_TRY(qea_survival_select(ctx, survival, generation, pool->objectives, NULL, pool->count, keep, pool->chosen));
    QEA_TRY(qea_grow(ctx, "children kept", (void **)&screen->genomes, &screen->capacity, keep,
                     n * sizeof *screen->genomes));
    for (size_t k = 0; k < keep; k++)
        memcpy(screen->genomes + k * n, pool->genomes + pool->chosen[k] * n, n * sizeof *screen->genomes);
    screen->count = keep;
    return QEA_OK;
}

qea_status qea_screen_fill(qea_context *ctx, qea_screen *screen, qea_proposer *p, const size_t *parents,
                           size_t num_parents, qea_survival *survival, size_t generation, size_t keep) {
    child_pool pool = {0};
    size_t most;
    screen->count = screen->next = 0;
    if (screen->factor < 2 || num_parents == 0) return QEA_OK; /* parents were told, so there is something to learn */
    if (!qea_size_mul(screen->factor, keep, &most))
        return qea_fail(ctx, QEA_ERR_MEMORY, "search: %zu times %zu children are too many", screen->factor, keep);
    qea_status status = create_pool(ctx, p, most, &pool);
    if (status == QEA_OK) {
        draw_children(p, parents, num_parents, most, &pool);
        status = judge_children(ctx, screen, p, &pool);
    }
    if (status == QEA_OK) status = keep_best(ctx, screen, p, survival, generation, keep, &pool);
    free_pool(&pool);
    return status;
}
