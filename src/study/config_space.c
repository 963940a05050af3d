/* Readers of the keys that say what is searched. */
#include "study/config_internal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/budget.h"

const char *const qea_objective_names[QEA_OBJ_COUNT] = {"accuracy", "flops",        "params",
                                                        "bops",     "weight_bytes", "activation_bytes"};
#define STEPS "nas|fully_train"
#define OBJECTIVES "accuracy|flops|params|bops|weight_bytes|activation_bytes"

enum { MAX_WORKERS = 1024, MAX_CLASSES = 100000, MAX_BLOCKS = 256, MAX_TASK_ID = 100, MAX_SECONDS = 1000000000 };

QEA_CONFIG_SETTER(qea_config_set_pipeline) {
    bool nas = false, full = false;
    (void)base;
    if (node->kind != QEA_YAML_LIST || node->count == 0) return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *item = node->items[i];
        int step = item->kind == QEA_YAML_SCALAR ? qea_config_choice(STEPS, item->text) : -1;
        if (step < 0) return qea_config_wrong_choice(r, item, path, key->allowed, STEPS);
        if (full || (step == 0 && nas)) return qea_config_wrong(r, item, path, key->allowed);
        if (qea_yaml_get(r->tree, item->text) == NULL)
            return qea_config_fail(r, item, path, "found '%s', but the file has no section of that name", item->text);
        nas = nas || step == 0;
        full = step == 1;
    }
    r->config->has_nas = nas;
    r->config->has_fully_train = full;
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_workers) {
    long long value = 0;
    (void)base;
    bool is_auto = node->kind == QEA_YAML_SCALAR && strcmp(node->text, "auto") == 0;
    if (!is_auto && (!qea_config_integer(node, &value) || value < 1 || value > MAX_WORKERS))
        return qea_config_wrong(r, node, path, key->allowed);
    r->config->workers = (int)value;
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_duration) {
    double *seconds = (double *)((char *)base + key->offset);
    if (node->kind == QEA_YAML_SCALAR && qea_duration_parse(node->text, seconds) && *seconds <= MAX_SECONDS)
        return QEA_OK;
    return qea_config_wrong(r, node, path, key->allowed);
}

/* It becomes the name of a folder. */
QEA_CONFIG_SETTER(qea_config_set_task_id) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    (void)base;
    if (node->kind != QEA_YAML_SCALAR || node->text[strspn(node->text, letters)] != '\0' ||
        strlen(node->text) > MAX_TASK_ID || node->text[0] == '.' || node->text[0] == '-')
        return qea_config_wrong(r, node, path, key->allowed);
    return qea_config_set_string(r->ctx, node->text, &r->config->task_id);
}

static void put_objective(qea_study_config *config, const char *name, qea_objective kind) {
    qea_config_objective *objective = &config->objectives[config->num_objectives++];
    bool accuracy = strcmp(name, qea_objective_names[QEA_OBJ_ACCURACY]) == 0;
    *objective =
        (qea_config_objective){.kind = kind, .maximized = accuracy, .directed = accuracy || kind != QEA_OBJ_COUNT};
    (void)snprintf(objective->name, sizeof objective->name, "%s", name);
}

/* A program may tell any number; of a network given by hand nothing else is known. */
static qea_status add_any_objective(qea_config_reader *r, const char *path, const qea_yaml *node) {
    qea_study_config *config = r->config;
    if (!qea_config_name_ok(node->text))
        return qea_config_wrong(r, node, path, "letters, digits, '_', '.', '-', '/', '[' and ']', at most 63");
    for (int i = 0; i < config->num_objectives; i++)
        if (strcmp(config->objectives[i].name, node->text) == 0)
            return qea_config_fail(r, node, path, "found '%s' twice", node->text);
    int index = qea_config_is_custom(r) ? -1 : qea_config_choice(OBJECTIVES, node->text);
    put_objective(config, node->text, index < 0 ? QEA_OBJ_COUNT : (qea_objective)index);
    return QEA_OK;
}

static qea_status add_objective(qea_config_reader *r, const qea_config_key *key, const char *path,
                                const qea_yaml *node) {
    qea_study_config *config = r->config;
    if (node->kind != QEA_YAML_SCALAR) return qea_config_wrong(r, node, path, key->allowed);
    bool program = qea_config_has_program(r, node->text);
    if (program && qea_config_is_result(node->text))
        return qea_config_fail(r, node, path, "found '%s', which every result has already, allowed: another name",
                               node->text);
    if (program || qea_config_has_command(r)) return add_any_objective(r, path, node);
    if (strcmp(node->text, "latency") == 0)
        return qea_config_fail(r, node, path,
                               "found 'latency', which is not measured here, allowed: accuracy, flops, params, bops, "
                               "weight_bytes, activation_bytes, or a name whose program in "
                               "nas.search_algorithm.commands measures it");
    int index = qea_config_choice(OBJECTIVES, node->text);
    if (index < 0) return qea_config_wrong_choice(r, node, path, key->allowed, OBJECTIVES);
    for (int i = 0; i < config->num_objectives; i++)
        if ((int)config->objectives[i].kind == index) index = -1;
    if (index < 0) return qea_config_wrong(r, node, path, key->allowed);
    put_objective(config, node->text, (qea_objective)index);
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_objectives) {
    (void)base;
    r->config->num_objectives = 0;
    if (node->kind == QEA_YAML_SCALAR) return add_objective(r, key, path, node);
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > QEA_MAX_OBJECTIVES)
        return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) QEA_TRY(add_objective(r, key, path, node->items[i]));
    return QEA_OK;
}

/* There is no other network: [backbone, head], or the older form's [backbone]. */
QEA_CONFIG_SETTER(qea_config_set_modules) {
    static const char *const names[] = {"backbone", "head"};
    (void)base;
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > 2)
        return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *item = node->items[i];
        if (item->kind != QEA_YAML_SCALAR || strcmp(item->text, names[i]) != 0)
            return qea_config_wrong(r, item, path, key->allowed);
    }
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_evaluator) {
    int index = node->kind == QEA_YAML_SCALAR ? qea_config_choice(key->choices, node->text) : -1;
    (void)base;
    if (index < 0) return qea_config_wrong(r, node, path, key->allowed);
    r->config->evaluator = index == 0 ? QEA_EVALUATOR_TRAIN : (qea_evaluator)(index - 1);
    return QEA_OK;
}

#define RULE_KEYS "weight_bits|activation_bits|tie"

static int compare_ints(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Ascending, for neighbouring genes are alike. */
static qea_status read_bits(qea_config_reader *r, const char *path, const qea_yaml *node, int *bits, int *count) {
    static const char allowed[] = "a list of bits, each once: 0 to 8, 16, 32";
    QEA_TRY(qea_config_int_list(r, path, node, allowed, 0, 32, QEA_MAX_CANDIDATES, bits, count));
    for (int i = 0; i < *count; i++)
        if (bits[i] > 8 && bits[i] != 16 && bits[i] != 32) return qea_config_wrong(r, node->items[i], path, allowed);
    qsort(bits, (size_t)*count, sizeof *bits, compare_ints);
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_candidates) {
    (void)key;
    (void)base;
    return read_bits(r, path, node, r->config->candidates, &r->config->num_candidates);
}

static qea_status fail_rule_key(qea_config_reader *r, const qea_yaml *node, const char *path, const char *key) {
    char buffer[64], hint[QEA_HINT];
    return qea_config_fail(r, node, path, "not a known key, allowed here: weight_bits, activation_bits, tie%s",
                           qea_hint(qea_config_nearest(RULE_KEYS, key, buffer, sizeof buffer), hint));
}

static qea_status read_rule(qea_config_reader *r, const char *path, const qea_yaml *node, qea_layer_rule *rule) {
    if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, "{weight_bits, activation_bits, tie}");
    for (size_t i = 0; i < node->count; i++) {
        char member[QEA_CONFIG_PATH];
        const qea_yaml *value = node->items[i];
        qea_config_join(member, path, node->keys[i]);
        switch (qea_config_choice(RULE_KEYS, node->keys[i])) {
        case 0:
            QEA_TRY(read_bits(r, member, value, rule->weight_bits, &rule->num_weight_bits));
            break;
        case 1:
            QEA_TRY(read_bits(r, member, value, rule->activation_bits, &rule->num_activation_bits));
            break;
        case 2:
            if (!qea_config_flag(value, &rule->tie)) return qea_config_wrong(r, value, member, "true or false");
            break;
        default:
            return fail_rule_key(r, value, member, node->keys[i]);
        }
    }
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_layers) {
    qea_study_config *config = r->config;
    (void)base;
    if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, key->allowed);
    if (node->count > QEA_MAX_LAYER_RULES)
        return qea_config_fail(r, node, path, "found %zu patterns, allowed: at most %d", node->count,
                               QEA_MAX_LAYER_RULES);
    for (size_t i = 0; i < node->count; i++) {
        char member[QEA_CONFIG_PATH];
        qea_layer_rule *rule = &config->layer_rules[config->num_layer_rules++];
        qea_config_join(member, path, node->keys[i]);
        QEA_TRY(qea_strdup(r->ctx, node->keys[i], &rule->pattern));
        QEA_TRY(read_rule(r, member, node->items[i], rule));
    }
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_blocks) {
    qea_resnet_options *network = &r->config->network;
    (void)base;
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > 4)
        return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) {
        long long blocks;
        if (!qea_config_integer(node->items[i], &blocks) || blocks < 1 || blocks > MAX_BLOCKS)
            return qea_config_wrong(r, node->items[i], path, key->allowed);
        network->num_blocks[i] = (int)blocks;
    }
    const qea_yaml *stage = qea_config_find(r->tree, "nas.search_space.backbone.stage");
    if (stage != NULL && network->stage != (int)node->count)
        return qea_config_fail(r, stage, "nas.search_space.backbone.stage",
                               "found %d, but num_blocks has %zu stages; leave one of the two out", network->stage,
                               node->count);
    network->stage = (int)node->count;
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_classes) {
    qea_study_config *config = r->config;
    long long classes;
    (void)base;
    if (!qea_config_integer(node, &classes) || classes < 2 || classes > MAX_CLASSES)
        return qea_config_wrong(r, node, path, key->allowed);
    if (config->network_classes_given && config->network.num_classes != (int)classes)
        return qea_config_fail(r, node, path, "found %lld, but the backbone's num_classes is %d", classes,
                               config->network.num_classes);
    config->network.num_classes = (int)classes;
    config->network_classes_given = true;
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_baselines) {
    qea_study_config *config = r->config;
    (void)base;
    config->num_baselines = 0;
    if (node->kind != QEA_YAML_LIST || node->count > QEA_MAX_BASELINES)
        return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *pair = node->items[i];
        long long bits[2];
        if (pair->kind != QEA_YAML_LIST || pair->count != 2) return qea_config_wrong(r, pair, path, key->allowed);
        for (size_t j = 0; j < 2; j++)
            if (!qea_config_integer(pair->items[j], &bits[j]) || bits[j] < 0 || bits[j] > 32)
                return qea_config_wrong(r, pair->items[j], path, "0 to 8, 16 or 32 bits");
        bool weight_ok = qea_quantizer_weight_bits_ok(config->weight_quantizer, (int)bits[0]);
        bool activation_ok = qea_quantizer_activation_bits_ok(config->activation_quantizer, (int)bits[1]);
        if (!weight_ok || !activation_ok) {
            if (qea_config_find(r->tree, path) == NULL) continue; /* of the default list, not the user's */
            return qea_config_fail(r, pair, path,
                                   "found [%lld, %lld], which the quantisers %s (weights) and %s "
                                   "(activations) do not permit",
                                   bits[0], bits[1], qea_quantizer_name((int)config->weight_quantizer),
                                   qea_quantizer_name((int)config->activation_quantizer));
        }
        int *baseline = config->baselines[config->num_baselines++];
        baseline[0] = (int)bits[0];
        baseline[1] = (int)bits[1];
    }
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_trials) {
    qea_study_config *config = r->config;
    (void)base;
    if (node->kind == QEA_YAML_LIST && node->count == 0) return QEA_OK;
    return qea_config_int_list(r, path, node, key->allowed, 1, INT_MAX, QEA_MAX_CHOSEN, config->chosen,
                               &config->num_chosen);
}

/* The original counts single operations and parameters, the objectives millions and thousands. */
QEA_CONFIG_SETTER(qea_config_set_limit) {
    static const struct {
        const char *key, *objective;
        double unit;
    } units[] = {{"flop_range", "flops", 1e6},
                 {"param_range", "params", 1e3},
                 {"bops_range", "bops", 1},
                 {"weight_bytes_range", "weight_bytes", 1},
                 {"activation_bytes_range", "activation_bytes", 1}};
    double range[2];
    (void)base;
    if (node->kind != QEA_YAML_LIST || node->count != 2) return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < 2; i++)
        if (!qea_config_number(node->items[i], &range[i]) || !(range[i] >= 0))
            return qea_config_wrong(r, node->items[i], path, key->allowed);
    if (range[0] > range[1])
        return qea_config_fail(r, node, path, "found a lowest value above the highest, allowed: %s", key->allowed);
    if (strncmp(path, "nas.", 4) != 0) return QEA_OK;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(strrchr(path, '.') + 1, units[i].key) != 0) continue;
        qea_limit *limit = &r->config->limits[r->config->num_limits++];
        limit->low = range[0] / units[i].unit;
        limit->high = range[1] / units[i].unit;
        limit->range_key = units[i].key;
        limit->unit = units[i].unit;
        return qea_strdup(r->ctx, units[i].objective, &limit->key);
    }
    return QEA_OK;
}
