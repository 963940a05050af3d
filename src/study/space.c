#include "study/space.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/config_internal.h"

double qea_cost_value(const qea_cost *cost, qea_objective objective) {
    switch (objective) {
    case QEA_OBJ_FLOPS:
        return cost->flops;
    case QEA_OBJ_PARAMS:
        return cost->params;
    case QEA_OBJ_BOPS:
        return cost->bops;
    case QEA_OBJ_WEIGHT_BYTES:
        return cost->weight_bytes;
    case QEA_OBJ_ACTIVATION_BYTES:
        return cost->activation_bytes;
    case QEA_OBJ_ACCURACY:
    case QEA_OBJ_COUNT:
        break;
    }
    return NAN;
}

static qea_gene gene_from(int count, const int *bits) {
    qea_gene gene = {count, {0}};
    for (int i = 0; i < count; i++) gene.bits[i] = (uint8_t)bits[i];
    return gene;
}

/* The last matching rule that names candidates for this half of the genes, else the general ones. */
static qea_gene candidates_of(const qea_study_config *config, const char *layer, bool weights) {
    for (int i = config->num_layer_rules - 1; i >= 0; i--) {
        const qea_layer_rule *rule = &config->layer_rules[i];
        if (fnmatch(rule->pattern, layer, 0) != 0) continue;
        if (weights && rule->num_weight_bits > 0) return gene_from(rule->num_weight_bits, rule->weight_bits);
        if (!weights && rule->num_activation_bits > 0)
            return gene_from(rule->num_activation_bits, rule->activation_bits);
    }
    return gene_from(config->num_candidates, config->candidates);
}

static int tie_of(const qea_study_config *config, const char *layer) {
    for (int i = config->num_layer_rules - 1; i >= 0; i--)
        if (config->layer_rules[i].tie && fnmatch(config->layer_rules[i].pattern, layer, 0) == 0) return i;
    return -1;
}

/* "file:line:column: nas.search_space.layers."PATTERN"". */
static const char *rule_place(const qea_bit_space *space, const char *pattern, char *place, size_t size) {
    char key[256];
    (void)snprintf(key, sizeof key, "nas.search_space.layers.\"%s\"", pattern);
    return qea_study_config_where(space->config, key, place, size);
}

static qea_status fail_tie(qea_context *ctx, const qea_bit_space *space, const char *pattern, bool weights,
                           const char *layer) {
    char place[512];
    return qea_fail(ctx, QEA_ERR_CONFIG,
                    "%s: found tie: true, but the %s candidates of '%s' differ from those of the first layer it ties, "
                    "allowed: the same for all of them",
                    rule_place(space, pattern, place, sizeof place), weights ? "weight" : "activation", layer);
}

/* One half of the genes: a gene per layer, or one for all layers of a tie. */
static qea_status lay_out_half(qea_context *ctx, qea_bit_space *space, bool weights) {
    size_t tied[QEA_MAX_LAYER_RULES];
    for (size_t i = 0; i < QEA_MAX_LAYER_RULES; i++) tied[i] = SIZE_MAX;
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        const char *name = qea_graph_quantized(space->graph, layer)->name;
        size_t *slot = weights ? &space->weight_gene[layer] : &space->activation_gene[layer];
        int tie = tie_of(space->config, name);
        qea_gene gene = candidates_of(space->config, name, weights);
        if (tie >= 0 && tied[tie] != SIZE_MAX) {
            *slot = tied[tie];
            const qea_gene *first = &space->genes[*slot];
            if (first->num_bits != gene.num_bits || memcmp(first->bits, gene.bits, sizeof gene.bits) != 0)
                return fail_tie(ctx, space, space->config->layer_rules[tie].pattern, weights, name);
            continue;
        }
        *slot = space->num_genes++;
        space->genes[*slot] = gene;
        if (tie >= 0) tied[tie] = *slot;
    }
    return QEA_OK;
}

static qea_status fail_pattern(qea_context *ctx, const qea_bit_space *space, const char *pattern) {
    char place[512], hint[QEA_HINT];
    const char **names;
    QEA_TRY(QEA_NEW(ctx, "layer names", names, space->num_layers));
    for (size_t i = 0; i < space->num_layers; i++) names[i] = qea_graph_quantized(space->graph, i)->name;
    qea_status status =
        qea_fail(ctx, QEA_ERR_CONFIG,
                 "%s: matches no quantised layer; their names run from '%s' to '%s' (quantea estimate lists them)%s",
                 rule_place(space, pattern, place, sizeof place), names[0], names[space->num_layers - 1],
                 qea_hint(qea_nearest_name(pattern, names, space->num_layers), hint));
    qea_free(names);
    return status;
}

static qea_status check_rules_match(qea_context *ctx, const qea_bit_space *space) {
    for (int i = 0; i < space->config->num_layer_rules; i++) {
        bool found = false;
        for (size_t layer = 0; layer < space->num_layers && !found; layer++)
            found =
                fnmatch(space->config->layer_rules[i].pattern, qea_graph_quantized(space->graph, layer)->name, 0) == 0;
        if (!found) return fail_pattern(ctx, space, space->config->layer_rules[i].pattern);
    }
    return QEA_OK;
}

/* A rule's bits were checked when it was read: these are the general candidates. */
static qea_status fail_bits(qea_context *ctx, const qea_bit_space *space, size_t layer, int bits, bool weight) {
    const qea_study_config *config = space->config;
    const qea_quantizer quantizer = weight ? config->weight_quantizer : config->activation_quantizer;
    char place[512], allowed[64];
    return qea_fail(
        ctx, QEA_ERR_CONFIG, "%s: found %d bits, which %s does not permit for the %s of layer '%s', allowed: %s",
        qea_study_config_where(config, "nas.search_space.bit_candidates", place, sizeof place), bits,
        qea_quantizer_name((int)quantizer), weight ? "weights" : "activations",
        qea_graph_quantized(space->graph, layer)->name, qea_config_bits(quantizer, weight, allowed, sizeof allowed));
}

static qea_status check_bits(qea_context *ctx, const qea_bit_space *space) {
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        const qea_gene *w = &space->genes[space->weight_gene[layer]], *a = &space->genes[space->activation_gene[layer]];
        for (int i = 0; i < w->num_bits; i++)
            if (!qea_quantizer_weight_bits_ok(space->config->weight_quantizer, w->bits[i]))
                return fail_bits(ctx, space, layer, w->bits[i], true);
        for (int i = 0; i < a->num_bits; i++)
            if (!qea_quantizer_activation_bits_ok(space->config->activation_quantizer, a->bits[i]))
                return fail_bits(ctx, space, layer, a->bits[i], false);
    }
    return QEA_OK;
}

static qea_status build(qea_context *ctx, qea_bit_space *space) {
    size_t layers = space->num_layers;
    if (layers == 0)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: the network has no quantised layer", space->config->name);
    char place[512];
    if (space->config->length != 0 && space->config->length != 2 * layers)
        return qea_fail(
            ctx, QEA_ERR_CONFIG,
            "%s: found %zu, but the network has %zu genes (%zu quantised layers, weights and activations)",
            qea_study_config_where(space->config, "nas.search_algorithm.policy.length", place, sizeof place),
            space->config->length, 2 * layers, layers);
    QEA_TRY(QEA_NEW(ctx, "genes", space->genes, 2 * layers));
    QEA_TRY(QEA_NEW(ctx, "gene sizes", space->gene_sizes, 2 * layers));
    QEA_TRY(QEA_NEW(ctx, "weight genes", space->weight_gene, layers));
    QEA_TRY(QEA_NEW(ctx, "activation genes", space->activation_gene, layers));
    QEA_TRY(QEA_NEW(ctx, "bits", space->scratch_bits, 2 * layers));
    QEA_TRY(QEA_NEW(ctx, "genome", space->scratch_genome, 2 * layers));
    QEA_TRY(check_rules_match(ctx, space));
    QEA_TRY(lay_out_half(ctx, space, true));
    QEA_TRY(lay_out_half(ctx, space, false));
    for (size_t i = 0; i < space->num_genes; i++) space->gene_sizes[i] = (uint16_t)space->genes[i].num_bits;
    QEA_TRY(check_bits(ctx, space));
    return qea_bit_space_check_limits(ctx, space);
}

/* Genes without layers. */
static qea_status build_custom(qea_context *ctx, qea_bit_space *space) {
    const qea_study_config *config = space->config;
    char place[512];
    if (config->length != 0 && config->length != config->num_genes)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: found %zu, but there are %zu genes",
                        qea_study_config_where(config, "nas.search_algorithm.policy.length", place, sizeof place),
                        config->length, config->num_genes);
    space->num_genes = config->num_genes;
    QEA_TRY(QEA_NEW(ctx, "gene sizes", space->gene_sizes, space->num_genes));
    for (size_t i = 0; i < space->num_genes; i++)
        space->gene_sizes[i] = (uint16_t)json_array_size(config->genes[i].candidates);
    return QEA_OK;
}

qea_status qea_bit_space_create(qea_context *ctx, const qea_study_config *config, const qea_graph *graph,
                                qea_bit_space **out) {
    *out = NULL;
    qea_bit_space *space;
    QEA_TRY(QEA_NEW(ctx, "search space", space, 1));
    space->config = config;
    space->graph = graph;
    space->num_layers = graph != NULL ? qea_graph_num_quantized(graph) : 0;
    qea_status status = graph != NULL ? build(ctx, space) : build_custom(ctx, space);
    if (status == QEA_OK)
        *out = space;
    else
        qea_bit_space_destroy(space);
    return status;
}

void qea_bit_space_destroy(qea_bit_space *space) {
    if (space == NULL) return;
    qea_free(space->genes);
    qea_free(space->gene_sizes);
    qea_free(space->weight_gene);
    qea_free(space->activation_gene);
    qea_free(space->scratch_bits);
    qea_free(space->scratch_genome);
    qea_free(space);
}

void qea_bit_space_decode(const qea_bit_space *space, const uint16_t *genome, uint8_t *weight_bits,
                          uint8_t *activation_bits) {
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        size_t w = space->weight_gene[layer], a = space->activation_gene[layer];
        weight_bits[layer] = space->genes[w].bits[genome[w]];
        activation_bits[layer] = space->genes[a].bits[genome[a]];
    }
}

static uint16_t nearest_candidate(const qea_gene *gene, int bits) {
    int best = 0;
    for (int i = 1; i < gene->num_bits; i++)
        if (abs(gene->bits[i] - bits) <= abs(gene->bits[best] - bits)) best = i;
    return (uint16_t)best;
}

void qea_bit_space_nearest(const qea_bit_space *space, int weight_bits, int activation_bits, uint16_t *genome) {
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        size_t w = space->weight_gene[layer], a = space->activation_gene[layer];
        genome[w] = nearest_candidate(&space->genes[w], weight_bits);
        genome[a] = nearest_candidate(&space->genes[a], activation_bits);
    }
}

qea_status qea_bit_space_cost(qea_context *ctx, const qea_bit_space *space, const uint8_t *weight_bits,
                              const uint8_t *activation_bits, qea_cost *out) {
    qea_bit_policy policy = {space->config->weight_quantizer, space->config->activation_quantizer, space->num_layers,
                             weight_bits, activation_bits};
    return qea_graph_cost(ctx, space->graph, &policy, out);
}

void qea_bit_space_known(void *user, const uint16_t *genome, double *minimised) {
    const qea_bit_space *space = user;
    qea_cost cost;
    if (space->graph == NULL) return;
    uint8_t *w = space->scratch_bits, *a = w + space->num_layers;
    qea_bit_space_decode(space, genome, w, a);
    if (qea_bit_space_cost(NULL, space, w, a, &cost) != QEA_OK) return; /* cannot happen: bits were checked */
    for (int i = 0; i < space->config->num_objectives; i++) {
        const qea_config_objective *objective = &space->config->objectives[i];
        if (objective->kind == QEA_OBJ_ACCURACY || objective->kind == QEA_OBJ_COUNT) continue;
        double value = qea_cost_value(&cost, objective->kind);
        minimised[i] = objective->maximized ? -value : value;
    }
}

bool qea_bit_space_leaves_out(const qea_bit_space *space) {
    for (size_t i = 0; space->genes != NULL && i < space->num_genes; i++)
        if (space->genes[i].bits[0] == 0) return true;
    return false;
}

void qea_bit_space_canonical(void *user, uint16_t *genome) {
    const qea_bit_space *space = user;
    uint8_t *in_use = space->scratch_bits; /* [num_genes] */
    memset(in_use, 0, space->num_genes);
    for (size_t layer = 0; layer < space->num_layers; layer++) {
        size_t w = space->weight_gene[layer], a = space->activation_gene[layer];
        if (space->genes[w].bits[genome[w]] != 0 && space->genes[a].bits[genome[a]] != 0) in_use[w] = in_use[a] = 1;
    }
    for (size_t i = 0; i < space->num_genes; i++)
        if (!in_use[i]) genome[i] = 0;
}
