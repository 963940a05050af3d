/* search/search.c: the search by ask and tell: who is asked next, and what a generation's results lead to. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

enum { MOST_SCREENING = 100 };

struct qea_search {
    size_t population_size, num_random, num_generations;
    qea_proposer proposer; /* space, archive of trials, constraint */
    qea_survival *survival;
    qea_survival *predicted; /* of children by what is predicted of them; NULL: none are screened */
    qea_screen screen;
    qea_sensitivity sensitivity;
    bool opening;      /* the first population, and after it as long as probes are left */
    qea_origin origin; /* of the trial asked last */
    uint16_t *given;   /* [num_given][num_genes], owned */
    size_t num_given, next_given;
    size_t *parents; /* [num_parents] archive rows; room for population_size; owned */
    size_t num_parents;
    size_t generation;
    size_t first; /* archive row of this generation's first trial */
    size_t told;  /* of this generation */
    bool exhausted;
    uint64_t *front; /* what qea_search_front returned last, owned */
    size_t front_capacity;
    uint16_t *genome; /* [num_genes] scratch, owned */
};

/* --- creation --- */

static qea_status check_config(qea_context *ctx, const qea_search_config *config) {
    if (config->num_genes == 0 || config->num_genes > UINT32_MAX || config->num_objectives == 0)
        return qea_fail(ctx, QEA_ERR_CONFIG, "search: %zu genes and %zu objectives; at least one of each is needed",
                        config->num_genes, config->num_objectives);
    if (config->population_size == 0 || config->population_size > UINT32_MAX / 2)
        return qea_fail(ctx, QEA_ERR_CONFIG, "search: a population of %zu; 1 to %u are allowed",
                        config->population_size, UINT32_MAX / 2);
    if (config->num_random < config->population_size)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "search: a first population of %zu, but a population of %zu; the first must not be smaller",
                        config->num_random, config->population_size);
    if (config->screening > MOST_SCREENING)
        return qea_fail(ctx, QEA_ERR_CONFIG, "search: screening of %zu children for each asked; 0 to %d are allowed",
                        config->screening, MOST_SCREENING);
    for (size_t k = 0; k < config->num_given; k++) {
        for (size_t i = 0; i < config->num_genes; i++) {
            if (config->given[k * config->num_genes + i] >= config->gene_sizes[i])
                return qea_fail(ctx, QEA_ERR_CONFIG, "search: given genome %zu has %u at gene %zu; 0 to %d are allowed",
                                k, config->given[k * config->num_genes + i], i, config->gene_sizes[i] - 1);
        }
    }
    return QEA_OK;
}

static qea_status create_survival(qea_context *ctx, const qea_search_config *config, qea_survival **out) {
    size_t partitions, inner, count;
    double *points;
    qea_reference_choose(config->num_objectives, config->population_size, &partitions, &inner);
    QEA_TRY(qea_reference_points(ctx, config->num_objectives, partitions, inner, &points, &count));
    qea_status status = qea_survival_create(ctx, config->num_objectives, points, count, config->seed, out);
    qea_points_free(points);
    return status;
}

static qea_status fill_search(qea_context *ctx, const qea_search_config *config, qea_search *search) {
    qea_proposer *p = &search->proposer;
    const size_t n = config->num_genes;
    size_t given_size;
    if (!qea_size_mul(config->num_given, n, &given_size))
        return qea_fail(ctx, QEA_ERR_MEMORY, "search: %zu given genomes are too many", config->num_given);
    QEA_TRY(qea_genes_create(ctx, n, config->gene_sizes, &p->space));
    QEA_TRY(QEA_NEW(ctx, "order of genes", p->order, n));
    QEA_TRY(QEA_NEW(ctx, "genome counter", p->counter, n));
    QEA_TRY(QEA_NEW(ctx, "genome", search->genome, n));
    QEA_TRY(QEA_NEW(ctx, "given genomes", search->given, given_size));
    QEA_TRY(QEA_NEW(ctx, "parents", search->parents, config->population_size));
    QEA_TRY(create_survival(ctx, config, &search->survival));
    if (config->screening > 1) QEA_TRY(create_survival(ctx, config, &search->predicted));
    p->archive.num_genes = n;
    p->archive.num_objectives = config->num_objectives;
    p->archive.canonical = config->canonical;
    p->archive.user = config->user;
    if (config->canonical != NULL) QEA_TRY(QEA_NEW(ctx, "canonical genomes", p->archive.forms, 2 * n));
    p->seed = config->seed;
    p->violation = config->violation;
    p->user = config->user;
    p->mutation = config->mutation;
    search->screen.factor = config->screening;
    search->screen.known = config->known;
    search->population_size = config->population_size;
    search->num_random = config->num_random;
    search->num_generations = config->num_generations;
    search->num_given = config->num_given;
    if (given_size > 0) memcpy(search->given, config->given, given_size * sizeof *search->given);
    search->opening = true;
    return config->sensitivity ? qea_sensitivity_create(ctx, p, search->genome, &search->sensitivity) : QEA_OK;
}

/* The first allowed genome that looking for one finds, of the given, the lowest and the highest, random ones and (small
 * spaces) all. */
static bool find_allowed(qea_search *search) {
    qea_proposer *p = &search->proposer;
    const size_t n = p->space.num_genes;
    for (size_t k = 0; k < search->num_given; k++) {
        if (qea_genome_allowed(p, search->given + k * n)) return true;
    }
    memset(search->genome, 0, n * sizeof *search->genome);
    if (qea_genome_allowed(p, search->genome)) return true;
    for (size_t i = 0; i < n; i++) search->genome[i] = (uint16_t)(p->space.sizes[i] - 1);
    return qea_genome_allowed(p, search->genome) || qea_propose_random(p, search->genome) ||
           qea_propose_systematic(p, search->genome);
}

qea_status qea_search_create(qea_context *ctx, const qea_search_config *config, qea_search **out) {
    *out = NULL;
    QEA_TRY(check_config(ctx, config));
    qea_search *search = NULL;
    QEA_TRY(QEA_NEW(ctx, "search", search, 1));
    qea_status status = fill_search(ctx, config, search);
    if (status == QEA_OK && !find_allowed(search))
        status = qea_fail(ctx, QEA_ERR_CONFIG, "search: no genome was found that meets the constraint");
    if (status == QEA_OK)
        *out = search;
    else
        qea_search_destroy(search);
    return status;
}

void qea_search_destroy(qea_search *search) {
    if (search == NULL) return;
    qea_genes_clear(&search->proposer.space);
    qea_archive_clear(&search->proposer.archive);
    qea_free(search->proposer.order);
    qea_free(search->proposer.counter);
    qea_survival_destroy(search->survival);
    qea_survival_destroy(search->predicted);
    qea_screen_clear(&search->screen);
    qea_sensitivity_clear(&search->sensitivity);
    qea_free(search->given);
    qea_free(search->parents);
    qea_free(search->front);
    qea_free(search->genome);
    qea_free(search);
}

/* --- generations --- */

static bool ended_well(const qea_archive *archive, size_t row) { return archive->states[row] == QEA_TRIAL_TOLD; }

/* The parents and this generation's trials that did not fail, in id order. */
static size_t gather(const qea_search *search, size_t *rows) {
    const qea_archive *archive = &search->proposer.archive;
    size_t count = search->num_parents;
    memcpy(rows, search->parents, count * sizeof *rows);
    for (size_t row = search->first; row < archive->count; row++) {
        if (ended_well(archive, row)) rows[count++] = row;
    }
    return count;
}

/* rows [count] -> search->parents. objectives, violations and chosen are scratch of `count` rows. */
static qea_status choose_parents(qea_context *ctx, qea_search *search, const size_t *rows, size_t count,
                                 double *objectives, double *violations, size_t *chosen) {
    const qea_archive *archive = &search->proposer.archive;
    const size_t m = archive->num_objectives, keep = count < search->population_size ? count : search->population_size;
    for (size_t k = 0; k < count; k++) {
        memcpy(objectives + k * m, archive->objectives + rows[k] * m, m * sizeof *objectives);
        violations[k] = archive->violations[rows[k]];
    }
    QEA_TRY(
        qea_survival_select(ctx, search->survival, search->generation, objectives, violations, count, keep, chosen));
    for (size_t k = 0; k < keep; k++) search->parents[k] = rows[chosen[k]];
    search->num_parents = keep;
    return QEA_OK;
}

/* What the generation that begins asks: what is left of the opening, or seeds, then children. */
static qea_status plan_generation(qea_context *ctx, qea_search *search) {
    qea_sensitivity *s = &search->sensitivity;
    size_t seeds = 0;
    if (search->opening && s->next_probe < s->num_probes) return QEA_OK;
    if (search->opening) {
        QEA_TRY(qea_sensitivity_plan(ctx, s, &search->proposer, search->screen.known, search->population_size));
        seeds = s->num_seeds;
    }
    search->opening = false;
    return qea_screen_fill(ctx, &search->screen, &search->proposer, search->parents, search->num_parents,
                           search->predicted, search->generation, search->population_size - seeds);
}

/* Survivors of parents and children become the parents of the next generation. */
static qea_status end_generation(qea_context *ctx, qea_search *search) {
    const qea_archive *archive = &search->proposer.archive;
    const size_t room = search->num_parents + archive->count - search->first;
    size_t *rows = NULL, *chosen = NULL;
    double *objectives = NULL, *violations = NULL;
    qea_status status = QEA_NEW(ctx, "candidates", rows, room);
    if (status == QEA_OK) status = QEA_NEW(ctx, "chosen candidates", chosen, room);
    if (status == QEA_OK)
        status = qea_alloc(ctx, "candidates' objectives", room, archive->num_objectives * sizeof *objectives,
                           (void **)&objectives);
    if (status == QEA_OK) status = QEA_NEW(ctx, "candidates' violations", violations, room);
    if (status == QEA_OK)
        status = choose_parents(ctx, search, rows, gather(search, rows), objectives, violations, chosen);
    qea_free(rows);
    qea_free(chosen);
    qea_free(objectives);
    qea_free(violations);
    if (status != QEA_OK) return status;
    search->generation++;
    search->first = archive->count;
    search->told = 0;
    return plan_generation(ctx, search);
}

/* --- ask and tell --- */

/* The next given genome that is allowed and new; those before it are dropped. */
static bool take_given(qea_search *search, uint16_t *genome) {
    const qea_proposer *p = &search->proposer;
    const size_t n = p->space.num_genes;
    while (search->next_given < search->num_given) {
        const uint16_t *given = search->given + search->next_given++ * n;
        if (qea_archive_has(&p->archive, given) || !qea_genome_allowed(p, given)) continue;
        memcpy(genome, given, n * sizeof *genome);
        return true;
    }
    return false;
}

/* A child: of those that were screened, or drawn now. Screened children are distinct, but one may be a seed that was
 * asked meanwhile. */
static bool take_child(qea_search *search, uint16_t *genome) {
    qea_proposer *p = &search->proposer;
    qea_screen *screen = &search->screen;
    const size_t n = p->space.num_genes;
    while (screen->next < screen->count) {
        const uint16_t *child = screen->genomes + screen->next++ * n;
        if (qea_archive_has(&p->archive, child)) continue;
        memcpy(genome, child, n * sizeof *genome);
        return true;
    }
    return qea_propose_child(p, search->parents, search->num_parents, 0, genome);
}

static bool propose(qea_search *search, uint16_t *genome) {
    qea_proposer *p = &search->proposer;
    qea_sensitivity *s = &search->sensitivity;
    search->origin = search->opening ? QEA_ORIGIN_PROBE : QEA_ORIGIN_SEED;
    if (search->opening ? qea_sensitivity_probe(s, p, genome) : qea_sensitivity_seed(s, p, genome)) return true;
    search->origin = search->opening ? QEA_ORIGIN_GIVEN : QEA_ORIGIN_CHILD;
    if (search->opening ? take_given(search, genome) : take_child(search, genome)) return true;
    search->origin = QEA_ORIGIN_RANDOM;
    return qea_propose_random(p, genome) || qea_propose_systematic(p, genome);
}

static size_t quota(const qea_search *search) {
    return search->generation == 0 ? search->num_random : search->population_size;
}

qea_status qea_search_ask(qea_context *ctx, qea_search *search, qea_ask *what, uint64_t *trial, uint16_t *genome) {
    qea_archive *archive = &search->proposer.archive;
    if (search->told == quota(search) && search->generation < search->num_generations)
        QEA_TRY(end_generation(ctx, search));
    const size_t asked = archive->count - search->first;
    if (asked < quota(search) && !search->exhausted) {
        if (propose(search, search->genome)) {
            QEA_TRY(qea_archive_add(ctx, archive, search->genome));
            memcpy(genome, search->genome, archive->num_genes * sizeof *genome);
            *trial = archive->count;
            *what = QEA_ASK_TRIAL;
            return QEA_OK;
        }
        search->exhausted = true;
    }
    if (search->told < asked)
        *what = QEA_ASK_WAIT;
    else
        *what = search->exhausted ? QEA_ASK_EXHAUSTED : QEA_ASK_DONE;
    return QEA_OK;
}

qea_status qea_search_tell(qea_context *ctx, qea_search *search, uint64_t trial, const double *objectives,
                           double violation) {
    qea_archive *archive = &search->proposer.archive;
    const size_t m = archive->num_objectives;
    if (trial == 0 || trial > archive->count)
        return qea_fail(ctx, QEA_ERR_STATE, "search: a result for trial %" PRIu64 ", but %zu were asked", trial,
                        archive->count);
    const size_t row = (size_t)trial - 1;
    if (archive->states[row] != QEA_TRIAL_ASKED)
        return qea_fail(ctx, QEA_ERR_STATE, "search: a second result for trial %" PRIu64, trial);
    if (objectives != NULL && !(violation >= 0))
        return qea_fail(ctx, QEA_ERR_CONFIG, "search: trial %" PRIu64 " has violation %g; allowed are numbers >= 0",
                        trial, violation);
    for (size_t i = 0; i < m && objectives != NULL; i++) {
        if (!isfinite(objectives[i]))
            return qea_fail(ctx, QEA_ERR_CONFIG, "search: trial %" PRIu64 " has objective %zu = %g; it must be finite",
                            trial, i, objectives[i]);
    }
    archive->states[row] = objectives == NULL ? QEA_TRIAL_FAILED : QEA_TRIAL_TOLD;
    if (objectives != NULL) {
        memcpy(archive->objectives + row * m, objectives, m * sizeof *objectives);
        archive->violations[row] = violation;
    }
    search->told++;
    return QEA_OK;
}

size_t qea_search_generation(const qea_search *search) { return search->generation; }

bool qea_search_complete(const qea_search *search) { return search->exhausted && search->proposer.counter_done; }

qea_origin qea_search_origin(const qea_search *search) { return search->origin; }

/* rows: scratch of all trials; starts: of one more. */
static qea_status collect_front(qea_context *ctx, qea_search *search, size_t *rows, size_t *starts, size_t *count) {
    const qea_archive *archive = &search->proposer.archive;
    size_t found = 0, num_fronts;
    for (size_t row = 0; row < archive->count; row++) {
        if (ended_well(archive, row) && archive->violations[row] <= 0) rows[found++] = row;
    }
    QEA_TRY(qea_fronts_sort(ctx, archive->objectives, archive->num_objectives, rows, found, 1, starts, &num_fronts));
    *count = num_fronts == 0 ? 0 : starts[1];
    QEA_TRY(qea_grow(ctx, "front", (void **)&search->front, &search->front_capacity, *count, sizeof *search->front));
    for (size_t k = 0; k < *count; k++) search->front[k] = rows[k] + 1;
    return QEA_OK;
}

qea_status qea_search_front(qea_context *ctx, qea_search *search, const uint64_t **trials, size_t *count) {
    size_t *rows = NULL, *starts = NULL, num = search->proposer.archive.count;
    *trials = NULL;
    *count = 0;
    qea_status status = QEA_NEW(ctx, "trials by front", rows, num);
    if (status == QEA_OK) status = QEA_NEW(ctx, "starts of fronts", starts, num + 1);
    if (status == QEA_OK) status = collect_front(ctx, search, rows, starts, count);
    if (status == QEA_OK) *trials = search->front;
    qea_free(rows);
    qea_free(starts);
    return status;
}
