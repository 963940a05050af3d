/* Genomes of nearly equal costs, on which it shows how well the search ranks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/agreement.h"

enum { DRAWS = 16384, RANKED_FOR_EACH = 4 };
static const double tolerance = 0.02; /* of a band's bops, to either side */

typedef struct draw {
    double bops;
    uint32_t number;
    bool taken;
    const uint16_t *genome;
    size_t bytes; /* of the genome */
} draw;

typedef struct draws {
    draw *items; /* owned; allowed ones, each genome once, by bops */
    size_t count;
    uint16_t *genomes; /* owned, [DRAWS][num_genes] */
} draws;

static int by_bops(const void *a, const void *b) {
    const draw *p = a, *q = b;
    if (p->bops != q->bops) return p->bops < q->bops ? -1 : 1;
    int genome = memcmp(p->genome, q->genome, p->bytes);
    return genome != 0 ? genome : (p->number > q->number) - (p->number < q->number);
}

static void leave_out_equal(draws *d) {
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++)
        if (kept == 0 || memcmp(d->items[kept - 1].genome, d->items[i].genome, d->items[i].bytes) != 0)
            d->items[kept++] = d->items[i];
    d->count = kept;
}

static qea_status draw_all(qea_context *ctx, qea_bit_space *space, draws *d) {
    size_t genes = space->num_genes, layers = space->num_layers;
    uint8_t *bits;
    QEA_TRY(QEA_NEW(ctx, "genomes", d->genomes, DRAWS * genes));
    QEA_TRY(QEA_NEW(ctx, "genomes", d->items, DRAWS));
    QEA_TRY(QEA_NEW(ctx, "bits", bits, 2 * layers));
    qea_status status = QEA_OK;
    for (uint32_t i = 0; i < DRAWS && status == QEA_OK; i++) {
        uint16_t *genome = d->genomes + i * genes;
        qea_cost cost;
        qea_bit_space_random(space, space->config->seed, i, genome);
        if (qea_bit_space_violation(space, genome) > 0) continue;
        qea_bit_space_decode(space, genome, bits, bits + layers);
        status = qea_bit_space_cost(ctx, space, bits, bits + layers, &cost);
        d->items[d->count++] =
            (draw){.bops = fmax(1, cost.bops), .number = i, .genome = genome, .bytes = genes * sizeof *genome};
    }
    qea_free(bits);
    if (status != QEA_OK) return status;
    qsort(d->items, d->count, sizeof *d->items, by_bops);
    leave_out_equal(d);
    return QEA_OK;
}

/* Those within the tolerance are alike, the first drawn comes first; of others the nearest. */
static bool is_better(const draw *a, const draw *b, double bops) {
    double p = fabs(log(a->bops / bops)), q = fabs(log(b->bops / bops));
    if (p <= tolerance) p = 0;
    if (q <= tolerance) q = 0;
    return p != q ? p < q : a->number < b->number;
}

static void take_best(draws *d, double bops, uint16_t *genome) {
    draw *best = NULL;
    for (size_t i = 0; i < d->count; i++)
        if (!d->items[i].taken && (best == NULL || is_better(&d->items[i], best, bops))) best = &d->items[i];
    best->taken = true;
    memcpy(genome, best->genome, best->bytes);
}

static qea_status take_bands(qea_context *ctx, const qea_bit_space *space, draws *d, qea_agreement_choice *out) {
    const qea_agreement_config *wanted = &space->config->agreement;
    bool cheap = space->config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS;
    size_t needed = wanted->genomes / wanted->bands;
    out->per_band = needed * (cheap ? RANKED_FOR_EACH : 1);
    if (out->per_band > d->count / wanted->bands) out->per_band = d->count / wanted->bands;
    if (out->per_band < needed) {
        char place[512];
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "%s: found %zu, but among %d random genomes only %zu are different and allowed",
                        qea_study_config_where(space->config, "nas.agreement.genomes", place, sizeof place),
                        wanted->genomes, DRAWS, d->count);
    }
    QEA_TRY(QEA_NEW(ctx, "genomes", out->genomes, wanted->bands * out->per_band * space->num_genes));
    double least = log(d->items[0].bops), most = log(d->items[d->count - 1].bops);
    for (size_t i = 0; i < wanted->bands * out->per_band; i++) {
        double middle = ((double)(i / out->per_band) + 0.5) / (double)wanted->bands;
        take_best(d, exp(least + middle * (most - least)), out->genomes + i * space->num_genes);
    }
    return QEA_OK;
}

qea_status qea_agreement_choose(qea_context *ctx, qea_bit_space *space, qea_agreement_choice *out) {
    draws d = {0};
    *out = (qea_agreement_choice){0};
    qea_status status = draw_all(ctx, space, &d);
    if (status == QEA_OK) status = take_bands(ctx, space, &d, out);
    qea_free(d.items);
    qea_free(d.genomes);
    return status;
}
