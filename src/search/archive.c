/* search/archive.c: every trial ever asked, and the question whether a genome is among them. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

void qea_archive_clear(qea_archive *archive) {
    qea_free(archive->genomes);
    qea_free(archive->objectives);
    qea_free(archive->violations);
    qea_free(archive->states);
    qea_free(archive->table);
    qea_free(archive->forms);
    *archive = (qea_archive){0};
}

/* FNV-1a over the genes, with a final mix (the table uses the low bits). */
static uint64_t hash_genome(const uint16_t *genome, size_t num_genes) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < num_genes; i++) {
        hash ^= genome[i];
        hash *= 0x100000001b3u;
    }
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

/* The genome's canonical form, in one of two places, or the genome itself where it is its own. */
static const uint16_t *form_of(const qea_archive *archive, const uint16_t *genome, size_t place) {
    if (archive->canonical == NULL) return genome;
    uint16_t *form = archive->forms + place * archive->num_genes;
    memcpy(form, genome, archive->num_genes * sizeof *form);
    archive->canonical(archive->user, form);
    return form;
}

/* The genome's slot: the one that holds it, or the empty one where it belongs. The table is never full. */
static size_t find_slot(const qea_archive *archive, const uint16_t *genome) {
    const size_t mask = archive->table_size - 1, bytes = archive->num_genes * sizeof *genome;
    const uint16_t *form = form_of(archive, genome, 0);
    size_t slot = (size_t)hash_genome(form, archive->num_genes) & mask;
    while (archive->table[slot] != 0 &&
           memcmp(form_of(archive, qea_archive_genome(archive, archive->table[slot] - 1), 1), form, bytes) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

bool qea_archive_has(const qea_archive *archive, const uint16_t *genome) {
    return archive->table_size > 0 && archive->table[find_slot(archive, genome)] != 0;
}

/* Keeps the table at most half full. */
static qea_status grow_table(qea_context *ctx, qea_archive *archive) {
    size_t size = archive->table_size == 0 ? 64 : archive->table_size, *table = NULL;
    if (archive->count + 1 <= archive->table_size / 2) return QEA_OK;
    if (archive->table_size > 0 && !qea_size_mul(archive->table_size, 2, &size))
        return qea_fail(ctx, QEA_ERR_MEMORY, "search: %zu trials are too many", archive->count);
    QEA_TRY(QEA_NEW(ctx, "table of genomes", table, size));
    qea_free(archive->table);
    archive->table = table;
    archive->table_size = size;
    for (size_t row = 0; row < archive->count; row++)
        table[find_slot(archive, qea_archive_genome(archive, row))] = row + 1;
    return QEA_OK;
}

/* Four arrays grow together: `capacity` is stored only after all of them have grown. */
static qea_status grow_rows(qea_context *ctx, qea_archive *archive) {
    const size_t genome_bytes = archive->num_genes * sizeof(uint16_t);
    const size_t objective_bytes = archive->num_objectives * sizeof(double);
    size_t need = 64, had[4] = {archive->capacity, archive->capacity, archive->capacity, archive->capacity};
    if (archive->count < archive->capacity) return QEA_OK;
    if (archive->capacity > 0 && !qea_size_mul(archive->capacity, 2, &need))
        return qea_fail(ctx, QEA_ERR_MEMORY, "search: %zu trials are too many", archive->count);
    QEA_TRY(qea_grow(ctx, "genomes", (void **)&archive->genomes, &had[0], need, genome_bytes));
    QEA_TRY(qea_grow(ctx, "objectives", (void **)&archive->objectives, &had[1], need, objective_bytes));
    QEA_TRY(qea_grow(ctx, "violations", (void **)&archive->violations, &had[2], need, sizeof(double)));
    QEA_TRY(qea_grow(ctx, "trial states", (void **)&archive->states, &had[3], need, 1));
    archive->capacity = need;
    return QEA_OK;
}

qea_status qea_archive_add(qea_context *ctx, qea_archive *archive, const uint16_t *genome) {
    QEA_TRY(grow_rows(ctx, archive));
    QEA_TRY(grow_table(ctx, archive));
    archive->table[find_slot(archive, genome)] = archive->count + 1;
    memcpy(archive->genomes + archive->count * archive->num_genes, genome, archive->num_genes * sizeof *genome);
    archive->states[archive->count++] = QEA_TRIAL_ASKED;
    return QEA_OK;
}
