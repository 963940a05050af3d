/* search/sensitivity.c: one trial per gene measures what is lost when that gene alone goes to its lowest value. From
 * that, a chain of genomes for each objective that lower values improve, a cost: from the highest genome the step that
 * loses least for what it saves, again and again, down to the lowest. Where objectives are sums over the genes this is
 * the greedy rule of the multiple-choice knapsack problem, and the chain is the lower convex hull of the front (Sinha &
 * Zoltners, Operations Research 27(3), 1979, doi:10.1287/opre.27.3.503). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

enum { MOST_LEVELS = 16 }; /* genes of more values step through so many of them, evenly spread */
static const size_t none = SIZE_MAX;
static const double least_need = 0.01; /* of the mean: noise may say that a gene needs nothing, or less */
static const double least_trust = 0.1; /* in what tells a gene from the others */

static size_t num_levels(const qea_genes *space, size_t k) {
    const size_t size = space->sizes[space->free[k]];
    return size < MOST_LEVELS ? size : MOST_LEVELS;
}

/* Level 0 is the gene's lowest value, the last one its highest. */
static void set_level(const qea_genes *space, size_t k, size_t level, uint16_t *genome) {
    const size_t gene = space->free[k];
    genome[gene] = (uint16_t)(level * (space->sizes[gene] - 1u) / (num_levels(space, k) - 1));
}

static void write_genome(const qea_genes *space, const size_t *levels, uint16_t *genome) {
    memset(genome, 0, space->num_genes * sizeof *genome);
    for (size_t k = 0; k < space->num_free; k++) set_level(space, k, levels[k], genome);
}

static void set_highest(const qea_genes *space, size_t *levels) {
    for (size_t k = 0; k < space->num_free; k++) levels[k] = num_levels(space, k) - 1;
}

/* --- probes --- */

/* Genes go down in turn, a level each, until the genome is allowed; `helpful`: only steps that lower the violation. */
static bool go_down_in_turn(const qea_proposer *p, bool helpful, size_t *levels, uint16_t *genome) {
    double violation = qea_genome_violation(p, genome);
    for (bool moved = true; moved && !(violation <= 0);) {
        moved = false;
        for (size_t k = 0; k < p->space.num_free && !(violation <= 0); k++) {
            if (levels[k] == 0) continue;
            set_level(&p->space, k, levels[k] - 1, genome);
            const double lower = qea_genome_violation(p, genome);
            if (helpful && !(lower < violation)) {
                set_level(&p->space, k, levels[k], genome);
                continue;
            }
            levels[k]--;
            violation = lower;
            moved = true;
        }
    }
    return violation <= 0;
}

/* The highest genome; where it is not allowed, a high one that is. Genes that a limit does not concern stay high, so
 * that their probes have something to lose. */
static bool find_base(const qea_proposer *p, size_t *levels, uint16_t *genome) {
    set_highest(&p->space, levels);
    write_genome(&p->space, levels, genome);
    return go_down_in_turn(p, true, levels, genome) || go_down_in_turn(p, false, levels, genome);
}

qea_status qea_sensitivity_create(qea_context *ctx, const qea_proposer *p, uint16_t *scratch, qea_sensitivity *s) {
    const size_t n = p->space.num_free;
    QEA_TRY(QEA_NEW(ctx, "base of the probes", s->base, n));
    QEA_TRY(QEA_NEW(ctx, "rows of the probes", s->rows, n + 1));
    for (size_t probe = 0; probe <= n; probe++) s->rows[probe] = none;
    s->num_probes = find_base(p, s->base, scratch) ? n + 1 : 0;
    return QEA_OK;
}

void qea_sensitivity_clear(qea_sensitivity *s) {
    qea_free(s->base);
    qea_free(s->rows);
    qea_free(s->seeds);
}

bool qea_sensitivity_probe(qea_sensitivity *s, const qea_proposer *p, uint16_t *genome) {
    while (s->next_probe < s->num_probes) {
        const size_t probe = s->next_probe++;
        write_genome(&p->space, s->base, genome);
        if (probe > 0) {
            if (s->base[probe - 1] == 0) continue;
            set_level(&p->space, probe - 1, 0, genome);
        }
        if (qea_archive_has(&p->archive, genome) || !qea_genome_allowed(p, genome)) continue;
        s->rows[probe] = p->archive.count;
        return true;
    }
    return false;
}

bool qea_sensitivity_seed(qea_sensitivity *s, const qea_proposer *p, uint16_t *genome) {
    const size_t n = p->space.num_genes;
    while (s->next_seed < s->num_seeds) {
        const uint16_t *seed = s->seeds + s->next_seed++ * n;
        if (qea_archive_has(&p->archive, seed)) continue;
        memcpy(genome, seed, n * sizeof *genome);
        return true;
    }
    return false;
}

/* --- what a gene's values lose and save --- */

typedef enum effect { SAVES = -1, NOTHING, LOSES } effect; /* of lower values on an objective, all genes together */

typedef struct loss_model {
    const qea_proposer *p; /* borrowed */
    void (*known)(void *user, const uint16_t *genome, double *objectives);
    size_t n, m;           /* free genes, objectives */
    double *needs;         /* [n][m] change from a gene's highest value to its lowest; owned, as all below */
    double *totals;        /* [m] sums over the genes */
    effect *effects;       /* [m] */
    double *now, *changed; /* [m] objectives that are known of `genome`, and after a step */
    size_t *levels;        /* [n], where the chain is */
    uint16_t *genome;      /* the same */
    size_t *steps;         /* [..][2] gene and level of each step down */
    size_t num_steps;
} loss_model;

static void free_model(loss_model *model) {
    qea_free(model->needs);
    qea_free(model->totals);
    qea_free(model->effects);
    qea_free(model->now);
    qea_free(model->changed);
    qea_free(model->levels);
    qea_free(model->genome);
    qea_free(model->steps);
}

static qea_status create_model(qea_context *ctx, loss_model *model) {
    const qea_genes *space = &model->p->space;
    size_t steps = 0;
    for (size_t k = 0; k < model->n; k++) steps += num_levels(space, k) - 1;
    QEA_TRY(qea_alloc(ctx, "needs of the genes", model->n, model->m * sizeof(double), (void **)&model->needs));
    QEA_TRY(QEA_NEW(ctx, "totals of the needs", model->totals, model->m));
    QEA_TRY(QEA_NEW(ctx, "effects of lower values", model->effects, model->m));
    QEA_TRY(QEA_NEW(ctx, "known objectives", model->now, model->m));
    QEA_TRY(QEA_NEW(ctx, "changed objectives", model->changed, model->m));
    QEA_TRY(QEA_NEW(ctx, "levels of the genes", model->levels, model->n));
    QEA_TRY(QEA_NEW(ctx, "genome of the chain", model->genome, space->num_genes));
    return qea_alloc(ctx, "steps of the chain", steps, 2 * sizeof *model->steps, (void **)&model->steps);
}

/* Share of a gene's whole effect that a level has, 1 at the lowest and 0 at the highest: a cost grows evenly, and what
 * a level more gains is half of what the level below gained. */
static double share_of(const loss_model *model, size_t k, size_t level, effect what) {
    const int top = (int)num_levels(&model->p->space, k) - 1;
    if (what != LOSES) return 1 - (double)level / top;
    return (ldexp(1, -(int)level) - ldexp(1, -top)) / (1 - ldexp(1, -top));
}

static bool is_told(const qea_archive *archive, size_t row) {
    return row != none && archive->states[row] == QEA_TRIAL_TOLD;
}

/* NULL: the probe was not asked, or it failed. */
static const double *objectives_of(const loss_model *model, const qea_sensitivity *s, size_t probe) {
    const qea_archive *archive = &model->p->archive;
    return is_told(archive, s->rows[probe]) ? archive->objectives + s->rows[probe] * model->m : NULL;
}

/* Over all trials told so far, as single ones may be all noise: is the objective better the lower the genes are? */
static effect effect_of(const loss_model *model, size_t j) {
    const qea_genes *space = &model->p->space;
    const qea_archive *archive = &model->p->archive;
    double sum_x = 0, sum_y = 0, sum_xy = 0, count = 0;
    for (size_t row = 0; row < archive->count; row++) {
        const uint16_t *genome = qea_archive_genome(archive, row);
        if (!is_told(archive, row)) continue;
        double x = 0, y = archive->objectives[row * model->m + j];
        for (size_t k = 0; k < space->num_free; k++)
            x += (double)genome[space->free[k]] / (space->sizes[space->free[k]] - 1);
        sum_x += x;
        sum_y += y;
        sum_xy += x * y;
        count++;
    }
    const double covariance = sum_xy - sum_x * sum_y / count;
    return covariance < 0 ? LOSES : covariance > 0 ? SAVES : NOTHING;
}

/* What the base has. Lower values gain nothing where they lose: probes that are better than the base say that it is
 * better than it looked. */
static double base_of(const qea_sensitivity *s, size_t j, effect what, const loss_model *model) {
    const double looked = objectives_of(model, s, 0)[j];
    double sum = looked, count = 1;
    for (size_t k = 0; k < model->n && what == LOSES; k++) {
        const double *probe = objectives_of(model, s, k + 1);
        if (probe == NULL || probe[j] >= looked) continue;
        sum += probe[j];
        count++;
    }
    return sum / count;
}

/* Needs below 0 are noise, and the others have as much of it. What is noise in the differences between the genes is
 * taken out, so that they move towards their mean (James & Stein, 4th Berkeley Symposium, 1961). */
static double trust_in(const qea_sensitivity *s, size_t j, double mean, const loss_model *model) {
    double noise = 0, negative = 0, spread = 0, told = 0;
    for (size_t k = 0; k < model->n; k++) {
        const double need = model->needs[k * model->m + j];
        if (objectives_of(model, s, k + 1) == NULL) continue;
        spread += (need - mean) * (need - mean);
        told++;
        if (need >= 0) continue;
        noise += need * need;
        negative++;
    }
    return negative > 0 ? fmax(1 - noise / negative / (spread / told), least_trust) : 1;
}

/* Of an objective, from the probes that were told; genes without one need what the others need on average, and all need
 * the same where no more is to be seen than noise. */
static void measure_objective(const qea_sensitivity *s, size_t j, loss_model *model) {
    const effect what = effect_of(model, j);
    const double base = base_of(s, j, what, model);
    double total = 0, told = 0;
    for (size_t k = 0; k < model->n; k++) {
        const double *probe = objectives_of(model, s, k + 1);
        if (probe == NULL) continue;
        model->needs[k * model->m + j] = (probe[j] - base) / (1 - share_of(model, k, s->base[k], what));
        total += model->needs[k * model->m + j];
        told++;
    }
    const bool seen = told > 0 && (int)what * total > 0;
    const double mean = seen ? total / told : (int)what,
                 trust = what == LOSES && seen ? trust_in(s, j, mean, model) : 1;
    for (size_t k = 0; k < model->n; k++) {
        double *need = &model->needs[k * model->m + j];
        if (objectives_of(model, s, k + 1) == NULL || !seen) *need = mean;
        if (what == LOSES) *need = fmax(mean + (*need - mean) * trust, least_need * mean);
        if (what == SAVES) *need = fmin(*need, 0);
        model->totals[j] += *need;
    }
    model->effects[j] = what;
}

/* --- the chain --- */

static void ask_known(const loss_model *model, double *objectives) {
    for (size_t j = 0; j < model->m; j++) objectives[j] = NAN;
    if (model->known != NULL) model->known(model->p->user, model->genome, objectives);
}

/* What a step of gene k down to `level` loses for what it saves of objective `cost`; infinite where it saves nothing.
 */
static double price_of(const loss_model *model, size_t k, size_t level, size_t cost) {
    double loss = 0, saved = 0;
    set_level(&model->p->space, k, level, model->genome);
    ask_known(model, model->changed);
    set_level(&model->p->space, k, model->levels[k], model->genome);
    for (size_t j = 0; j < model->m; j++) {
        if (model->effects[j] != LOSES && j != cost) continue;
        double change = model->changed[j] - model->now[j];
        if (!isfinite(change))
            change = model->needs[k * model->m + j] * (share_of(model, k, level, model->effects[j]) -
                                                       share_of(model, k, model->levels[k], model->effects[j]));
        if (j == cost)
            saved = -change;
        else
            loss += fmax(change, 0) / model->totals[j];
    }
    return saved > 0 ? loss / saved : HUGE_VAL;
}

static void begin_chain(loss_model *model) {
    set_highest(&model->p->space, model->levels);
    write_genome(&model->p->space, model->levels, model->genome);
}

static void go_down(loss_model *model, size_t step) {
    const size_t k = model->steps[2 * step];
    model->levels[k] = model->steps[2 * step + 1];
    set_level(&model->p->space, k, model->levels[k], model->genome);
}

/* A step may pass over levels that are worse than what lies beyond them. */
static void find_chain(loss_model *model, size_t cost) {
    begin_chain(model);
    model->num_steps = 0;
    for (;;) {
        double least = HUGE_VAL;
        size_t *step = model->steps + 2 * model->num_steps;
        ask_known(model, model->now);
        for (size_t k = 0; k < model->n; k++) {
            for (size_t level = model->levels[k]; level-- > 0;) {
                const double price = price_of(model, k, level, cost);
                if (!(price < least)) continue;
                least = price;
                step[0] = k;
                step[1] = level;
            }
        }
        if (!isfinite(least)) break;
        go_down(model, model->num_steps++);
    }
}

static bool is_seed(const qea_sensitivity *s, const uint16_t *genome, size_t num_genes) {
    for (size_t k = 0; k < s->num_seeds; k++)
        if (memcmp(s->seeds + k * num_genes, genome, num_genes * sizeof *genome) == 0) return true;
    return false;
}

/* Of the chain's genomes that can be asked `wanted`, evenly spread and with the cheapest; all where there are fewer. */
static void spread_seeds(loss_model *model, size_t wanted, qea_sensitivity *s) {
    const size_t num_genes = model->p->space.num_genes, before = s->num_seeds;
    size_t found = 0;
    for (int take = 0; take < 2; take++) {
        size_t place = 0, all = found;
        begin_chain(model);
        for (size_t step = 0; step <= model->num_steps; step++) {
            if (step > 0) go_down(model, step - 1);
            if (qea_archive_has(&model->p->archive, model->genome) || !qea_genome_allowed(model->p, model->genome))
                continue;
            if (take == 0) {
                found++;
                continue;
            }
            bool chosen = all <= wanted || (place + 1) * wanted / all > place * wanted / all;
            place++;
            if (!chosen || s->num_seeds - before == wanted || is_seed(s, model->genome, num_genes)) continue;
            memcpy(s->seeds + s->num_seeds++ * num_genes, model->genome, num_genes * sizeof *model->genome);
        }
    }
}

static void find_seeds(qea_sensitivity *s, size_t wanted, loss_model *model) {
    size_t costs = 0, done = 0, losses = 0;
    for (size_t j = 0; j < model->m; j++) {
        measure_objective(s, j, model);
        costs += model->effects[j] == SAVES;
        losses += model->effects[j] == LOSES;
    }
    for (size_t j = 0; j < model->m && losses > 0; j++) {
        if (model->effects[j] != SAVES) continue;
        find_chain(model, j);
        spread_seeds(model, wanted / costs + (done < wanted % costs), s);
        done++;
    }
}

qea_status qea_sensitivity_plan(qea_context *ctx, qea_sensitivity *s, const qea_proposer *p,
                                void (*known)(void *user, const uint16_t *genome, double *objectives), size_t wanted) {
    loss_model model = {.p = p, .known = known, .n = p->space.num_free, .m = p->archive.num_objectives};
    size_t genes;
    if (s->num_probes == 0 || model.n == 0 || objectives_of(&model, s, 0) == NULL) return QEA_OK;
    if (!qea_size_mul(wanted, p->space.num_genes, &genes))
        return qea_fail(ctx, QEA_ERR_MEMORY, "search: %zu seeds are too many", wanted);
    qea_free(s->seeds); /* of a plan that ran out of memory */
    s->seeds = NULL;
    s->num_seeds = s->next_seed = 0;
    QEA_TRY(QEA_NEW(ctx, "seeds", s->seeds, genes));
    qea_status status = create_model(ctx, &model);
    if (status == QEA_OK) find_seeds(s, wanted, &model);
    free_model(&model);
    return status;
}
