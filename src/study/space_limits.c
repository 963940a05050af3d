/* The limits on costs, and the range that the costs of a search space lie in. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/space.h"

/* --- the range of the costs --- */

/* Where an activation lives at its narrowest or its widest. A layer that is left out (0 bits) passes its input on as it
 * is, in 32 bits, so that the fewest bits do not make the fewest bytes. */
static void activation_end(const qea_bit_space *space, bool widest, uint8_t *w, uint8_t *a) {
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        const qea_gene *weights = &space->genes[space->weight_gene[layer]];
        const qea_gene *activations = &space->genes[space->activation_gene[layer]];
        bool can_be_left_out = weights->bits[0] == 0 || activations->bits[0] == 0;
        int narrow = activations->bits[0] == 0 && activations->num_bits > 1 ? 1 : 0;
        w[layer] = widest && can_be_left_out ? 0 : weights->bits[weights->num_bits - 1];
        a[layer] = activations->bits[widest ? activations->num_bits - 1 : narrow];
    }
}

/* All other costs grow with the bits. */
static void bits_end(const qea_bit_space *space, bool most, uint8_t *w, uint8_t *a) {
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        const qea_gene *weights = &space->genes[space->weight_gene[layer]];
        const qea_gene *activations = &space->genes[space->activation_gene[layer]];
        w[layer] = weights->bits[most ? weights->num_bits - 1 : 0];
        a[layer] = activations->bits[most ? activations->num_bits - 1 : 0];
    }
}

qea_status qea_bit_space_extremes(qea_context *ctx, const qea_bit_space *space, qea_cost *least, qea_cost *most) {
    uint8_t *w = space->scratch_bits, *a = w + space->num_layers;
    for (int end = 0; end < 2; end++) {
        qea_cost *cost = end == 0 ? least : most, activations;
        bits_end(space, end == 1, w, a);
        QEA_TRY(qea_bit_space_cost(ctx, space, w, a, cost));
        activation_end(space, end == 1, w, a);
        QEA_TRY(qea_bit_space_cost(ctx, space, w, a, &activations));
        cost->activation_bytes = activations.activation_bytes;
    }
    return QEA_OK;
}

/* --- how far a genome is outside --- */

static double excess(double low, double high, double value) {
    double width = high - low, bound = isfinite(high) ? high : low;
    double unit = isfinite(width) && width > 0 ? width : fmax(fabs(bound), 1.0);
    if (value < low) return (low - value) / unit;
    if (value > high) return (value - high) / unit;
    return 0;
}

/* The cost that a limit is about. */
static double limited_cost(const qea_limit *limit, const qea_cost *cost) {
    int k = 0;
    while (k < QEA_OBJ_COUNT && strcmp(limit->key, qea_objective_names[k]) != 0) k++;
    return qea_cost_value(cost, (qea_objective)k);
}

double qea_bit_space_violation(void *user, const uint16_t *genome) {
    const qea_bit_space *space = user;
    if (space->config->num_limits == 0) return 0;
    uint8_t *w = space->scratch_bits, *a = w + space->num_layers;
    qea_bit_space_decode(space, genome, w, a);
    qea_cost cost;
    if (qea_bit_space_cost(NULL, space, w, a, &cost) != QEA_OK) return HUGE_VAL; /* cannot happen: bits were checked */
    double sum = 0;
    for (int i = 0; i < space->config->num_limits; i++) {
        const qea_limit *limit = &space->config->limits[i];
        sum += excess(limit->low, limit->high, limited_cost(limit, &cost));
    }
    return sum;
}

double qea_objectives_violation(const qea_study_config *config, const double *objectives) {
    double sum = 0;
    for (int i = 0; i < config->num_objectives; i++) {
        const qea_config_objective *objective = &config->objectives[i];
        if (objective->limited) sum += excess(objective->lowest, objective->highest, objectives[i]);
    }
    return sum;
}

/* --- limits that no genome meets --- */

static const char *limit_place(const qea_bit_space *space, const qea_limit *limit, char *place, size_t size) {
    char path[96];
    (void)snprintf(path, sizeof path, "nas.trainer.limits.%s", limit->range_key);
    return qea_study_config_where(space->config, path, place, size);
}

/* A cost in the unit of the file, without what dividing by that unit has left behind the point. */
static const char *in_file(const qea_limit *limit, double cost, char text[32]) {
    return qea_double_format(round(cost * limit->unit * 1000) / 1000, text);
}

static qea_status check_limit(qea_context *ctx, const qea_bit_space *space, const qea_limit *limit,
                              const qea_cost *least, const qea_cost *most) {
    double low = limited_cost(limit, least), high = limited_cost(limit, most);
    char place[512], text[4][32];
    if (limit->low <= high && limit->high >= low) return QEA_OK;
    return qea_fail(
        ctx, QEA_ERR_CONFIG,
        "%s: found [%s, %s], which no genome meets, allowed: a range with a part of %s to %s, which this network costs "
        "at its candidates",
        limit_place(space, limit, place, sizeof place), in_file(limit, limit->low, text[0]),
        in_file(limit, limit->high, text[1]), qea_double_format(ceil(low * limit->unit), text[2]),
        qea_double_format(floor(high * limit->unit), text[3]));
}

qea_status qea_bit_space_check_limits(qea_context *ctx, const qea_bit_space *space) {
    qea_cost least, most;
    QEA_TRY(qea_bit_space_extremes(ctx, space, &least, &most));
    for (int i = 0; i < space->config->num_limits; i++)
        QEA_TRY(check_limit(ctx, space, &space->config->limits[i], &least, &most));
    return QEA_OK;
}

/* Walks downhill on the violation, gene by gene; returns what is left of it. */
static double walk_to_limits(qea_bit_space *space, uint16_t *genome) {
    double violation = qea_bit_space_violation(space, genome), before;
    do {
        before = violation;
        for (size_t i = 0; i < space->num_genes; i++) {
            uint16_t best = genome[i];
            for (genome[i] = 0; genome[i] < space->gene_sizes[i]; genome[i]++) {
                double moved = qea_bit_space_violation(space, genome);
                if (moved >= violation) continue;
                violation = moved;
                best = genome[i];
            }
            genome[i] = best;
        }
    } while (violation < before);
    return violation;
}

/* The nearest genome of those that walks from some random ones find; `genomes` is [2][num_genes], the first is it. */
static void find_nearest(qea_bit_space *space, uint16_t *genomes) {
    enum { WALKS = 32 };
    uint16_t *tried = genomes + space->num_genes;
    double least = HUGE_VAL;
    for (uint32_t i = 0; i < WALKS; i++) {
        qea_bit_space_random(space, space->config->seed, i, tried);
        double violation = walk_to_limits(space, tried);
        if (violation < least) memcpy(genomes, tried, space->num_genes * sizeof *genomes);
        if (violation < least) least = violation;
    }
}

static void put_limits(const qea_bit_space *space, const qea_cost *nearest, qea_text *found, qea_text *costs) {
    const int count = space->config->num_limits;
    for (int i = 0; i < count; i++) {
        const qea_limit *limit = &space->config->limits[i];
        const char *between = i == 0 ? "" : i == count - 1 ? " and " : ", ";
        char text[3][32];
        in_file(limit, limit->low, text[0]);
        in_file(limit, limit->high, text[1]);
        in_file(limit, limited_cost(limit, nearest), text[2]);
        qea_text_printf(found, "%s%s%s[%s, %s]", between, count > 1 ? limit->range_key : "", count > 1 ? " " : "",
                        text[0], text[1]);
        qea_text_printf(costs, "%s%s%s%s", between, count > 1 ? limit->range_key : "", count > 1 ? " " : "", text[2]);
    }
}

static qea_status fail_limits(qea_context *ctx, const qea_bit_space *space, const qea_cost *nearest) {
    const qea_study_config *config = space->config;
    char place[512];
    qea_text found = {0}, costs = {0};
    put_limits(space, nearest, &found, &costs);
    if (config->num_limits == 1)
        limit_place(space, &config->limits[0], place, sizeof place);
    else
        qea_study_config_where(config, "nas.trainer.limits", place, sizeof place);
    qea_status status = qea_text_finish(ctx, &found);
    if (status == QEA_OK) status = qea_text_finish(ctx, &costs);
    if (status == QEA_OK)
        status = qea_fail(ctx, QEA_ERR_CONFIG,
                          "%s: found %s, which no genome meets%s, allowed: what one meets; the nearest found costs %s",
                          place, found.bytes, config->num_limits > 1 ? " together" : "", costs.bytes);
    qea_text_free(&found);
    qea_text_free(&costs);
    return status;
}

qea_status qea_bit_space_fail_limits(qea_context *ctx, qea_bit_space *space) {
    uint8_t *w = space->scratch_bits, *a = w + space->num_layers;
    uint16_t *genomes;
    qea_cost cost;
    QEA_TRY(QEA_NEW(ctx, "genomes", genomes, 2 * space->num_genes));
    find_nearest(space, genomes);
    qea_bit_space_decode(space, genomes, w, a);
    qea_free(genomes);
    QEA_TRY(qea_bit_space_cost(ctx, space, w, a, &cost));
    return fail_limits(ctx, space, &cost);
}
