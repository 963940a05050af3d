/* Genomes of one pair of bits in every layer, for the first population. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/space.h"

enum { MAX_PAIRS = QEA_MAX_CANDIDATES * QEA_MAX_CANDIDATES };

typedef struct bit_pair {
    int w, a;
    double log_cost; /* of w a: bit operations, but for a factor */
    bool taken;
} bit_pair;

/* Pairs of different bits. 0 and another number leave all layers out, as 0 and 0 do. */
static size_t list_mixed(const qea_study_config *config, bit_pair *pairs) {
    size_t count = 0;
    for (int i = 0; i < config->num_candidates; i++)
        for (int j = 0; j < config->num_candidates; j++) {
            int w = config->candidates[i], a = config->candidates[j];
            if (i != j && w * a > 0) pairs[count++] = (bit_pair){.w = w, .a = a, .log_cost = log(w * a)};
        }
    return count;
}

static int by_cost(const void *x, const void *y) {
    const bit_pair *p = x, *q = y;
    if (p->w * p->a != q->w * q->a) return p->w * p->a < q->w * q->a ? -1 : 1;
    return p->w - q->w;
}

/* Of those not taken; of two equally near, the cheaper. */
static bit_pair *take_nearest(bit_pair *pairs, size_t count, double log_cost) {
    const double rounding = 1e-9; /* no machine's logarithm decides */
    bit_pair *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].taken) continue;
        if (best == NULL || fabs(pairs[i].log_cost - log_cost) < fabs(best->log_cost - log_cost) - rounding)
            best = &pairs[i];
    }
    best->taken = true;
    return best;
}

qea_status qea_bit_space_uniform(qea_context *ctx, const qea_bit_space *space, size_t most, uint16_t **genomes,
                                 size_t *count) {
    const qea_study_config *config = space->config;
    *genomes = NULL;
    *count = 0;
    if (space->graph == NULL) return QEA_OK; /* bits alone are uniform */
    bit_pair mixed[MAX_PAIRS];
    size_t n = (size_t)config->num_candidates, num_equal = n < most ? n : most, num_mixed = list_mixed(config, mixed);
    qsort(mixed, num_mixed, sizeof *mixed, by_cost);
    size_t take = most - num_equal < num_mixed ? most - num_equal : num_mixed;
    *count = num_equal + take;
    QEA_TRY(qea_alloc(ctx, "uniform genomes", *count * space->num_genes, sizeof **genomes, (void **)genomes));
    for (size_t i = 0; i < num_equal; i++) { /* evenly over the candidates where not all fit */
        size_t c = num_equal == n || num_equal < 2 ? i : i * (n - 1) / (num_equal - 1);
        qea_bit_space_nearest(space, config->candidates[c], config->candidates[c], *genomes + i * space->num_genes);
    }
    for (size_t i = 0; i < take; i++) {
        double low = mixed[0].log_cost, high = mixed[num_mixed - 1].log_cost;
        double target = low + (high - low) * (2 * (double)i + 1) / (2 * (double)take);
        const bit_pair *pair = take == num_mixed ? &mixed[i] : take_nearest(mixed, num_mixed, target);
        qea_bit_space_nearest(space, pair->w, pair->a, *genomes + (num_equal + i) * space->num_genes);
    }
    return QEA_OK;
}
