/* Readers of the keys of a search space that is given by hand, and of objectives of the user's own. */
#include "study/config_internal.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { MAX_GENES = 4096, MAX_GENE_CANDIDATES = 4096, MAX_CANDIDATE_BYTES = 64 };

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define NAME_TEXT "letters, digits, '_', '.', '-', '/', '[' and ']', at most 63"

static bool has_type(const qea_config_reader *r, const char *path, const char *type) {
    const qea_yaml *node = qea_config_find(r->tree, path);
    return node != NULL && node->kind == QEA_YAML_SCALAR && strcmp(node->text, type) == 0;
}

bool qea_config_is_custom(const qea_config_reader *r) { return has_type(r, "nas.search_space.type", "Custom"); }

bool qea_config_has_command(const qea_config_reader *r) { return has_type(r, "nas.evaluator.type", "command"); }

/* It stands in files, tables and pages. */
bool qea_config_name_ok(const char *name) {
    size_t size = strlen(name);
    return size > 0 && size < QEA_NAME_BYTES && name[strspn(name, LETTERS ".-/[]")] == '\0';
}

/* --- genes --- */

/* A number, true or false, or a text, as the program will get it; NULL: none of them. */
static json_t *candidate_of(const qea_yaml *node) {
    long long integer;
    double number;
    bool flag;
    if (node->kind != QEA_YAML_SCALAR || qea_config_is_null(node)) return NULL;
    if (qea_config_integer(node, &integer)) return json_integer(integer);
    if (qea_config_number(node, &number)) return isfinite(number) ? json_real(number) : NULL;
    if (qea_config_flag(node, &flag)) return json_boolean(flag);
    for (const char *c = node->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127) return NULL;
    return strlen(node->text) <= MAX_CANDIDATE_BYTES ? json_string(node->text) : NULL; /* NULL: not UTF-8 */
}

static bool is_in(const json_t *list, const json_t *value) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value)) return true;
    return false;
}

static qea_status read_candidates(qea_config_reader *r, const char *path, const qea_yaml *node, json_t **out) {
    static const char allowed[] = "a list of 1 to 4096 numbers, texts (at most 64 bytes), true or false, each once";
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > MAX_GENE_CANDIDATES)
        return qea_config_wrong(r, node, path, allowed);
    *out = json_array();
    for (size_t i = 0; i < node->count; i++) {
        json_t *value = candidate_of(node->items[i]);
        bool good = value != NULL && !is_in(*out, value);
        if (good) json_array_append(*out, value);
        json_decref(value);
        if (!good) return qea_config_wrong(r, node->items[i], path, allowed);
    }
    return QEA_OK;
}

static qea_status read_gene_name(qea_config_reader *r, const char *path, const qea_yaml *node, qea_custom_gene *gene) {
    if (node->kind != QEA_YAML_SCALAR || !qea_config_name_ok(node->text))
        return qea_config_wrong(r, node, path, NAME_TEXT);
    for (const qea_custom_gene *other = r->config->genes; other < gene; other++)
        if (strcmp(other->name, node->text) == 0)
            return qea_config_fail(r, node, path, "found '%s' twice, allowed: each name once", node->text);
    strcpy(gene->name, node->text);
    return QEA_OK;
}

static qea_status read_gene(qea_config_reader *r, const char *path, const qea_yaml *node, qea_custom_gene *gene) {
    static const char allowed[] = "{name, candidates}";
    if (node->kind != QEA_YAML_MAP || node->count != 2) return qea_config_wrong(r, node, path, allowed);
    const qea_yaml *name = qea_yaml_get(node, "name"), *candidates = qea_yaml_get(node, "candidates");
    if (name == NULL || candidates == NULL) return qea_config_wrong(r, node, path, allowed);
    QEA_TRY(read_gene_name(r, path, name, gene));
    return read_candidates(r, path, candidates, &gene->candidates);
}

QEA_CONFIG_SETTER(qea_config_set_genes) {
    qea_study_config *config = r->config;
    (void)base;
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > MAX_GENES)
        return qea_config_wrong(r, node, path, key->allowed);
    QEA_TRY(QEA_NEW(r->ctx, "genes", config->genes, node->count));
    for (size_t i = 0; i < node->count; i++) {
        config->num_genes++;
        QEA_TRY(read_gene(r, path, node->items[i], &config->genes[i]));
    }
    return QEA_OK;
}

/* --- objectives --- */

static qea_config_objective *find_objective(qea_config_reader *r, const char *name) {
    for (int i = 0; i < r->config->num_objectives; i++)
        if (strcmp(r->config->objectives[i].name, name) == 0) return &r->config->objectives[i];
    return NULL;
}

qea_status qea_config_own_objective(qea_config_reader *r, const char *path, const qea_yaml *node, size_t index,
                                    qea_config_objective **out) {
    char member[QEA_CONFIG_PATH];
    qea_config_join(member, path, node->keys[index]);
    *out = find_objective(r, node->keys[index]);
    if (*out == NULL) return qea_config_fail(r, node->items[index], member, "not one of objective_keys");
    if ((*out)->kind != QEA_OBJ_COUNT)
        return qea_config_fail(r, node->items[index], member, "cannot be set: it is known for what a network costs");
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_directions) {
    (void)base;
    if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *item = node->items[i];
        qea_config_objective *objective;
        QEA_TRY(qea_config_own_objective(r, path, node, i, &objective));
        int direction = item->kind == QEA_YAML_SCALAR ? qea_config_choice("min|max", item->text) : -1;
        if (direction < 0) return qea_config_wrong(r, item, path, key->allowed);
        objective->maximized = direction == 1;
        objective->directed = true;
    }
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_bounds) {
    (void)base;
    if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *pair = node->items[i];
        qea_config_objective *objective;
        double low, high;
        QEA_TRY(qea_config_own_objective(r, path, node, i, &objective));
        if (pair->kind != QEA_YAML_LIST || pair->count != 2 || !qea_config_number(pair->items[0], &low) ||
            !qea_config_number(pair->items[1], &high) || !isfinite(low) || !isfinite(high) || low >= high)
            return qea_config_wrong(r, pair, path, key->allowed);
        objective->low = low;
        objective->high = high;
        objective->bounded = true;
    }
    return QEA_OK;
}

void qea_config_clear_custom(qea_study_config *config) {
    for (size_t i = 0; i < config->num_genes; i++) json_decref(config->genes[i].candidates);
    qea_free(config->genes);
}

/* --- what must agree --- */

static qea_status refuse_with_custom(qea_config_reader *r, const char *path) {
    const qea_yaml *node = qea_config_find(r->tree, path);
    if (node == NULL) return QEA_OK;
    return qea_config_fail(r, node, path, "has no meaning where search_space.type is Custom: there is no network");
}

static qea_status need(qea_config_reader *r, bool given, const char *path, const char *because) {
    char place[QEA_CONFIG_PLACE];
    if (given) return QEA_OK;
    return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s: missing, and needed because %s",
                    qea_study_config_where(r->config, path, place, sizeof place), because);
}

static qea_status check_directions(qea_config_reader *r) {
    for (int i = 0; i < r->config->num_objectives; i++) {
        const qea_config_objective *objective = &r->config->objectives[i];
        if (objective->kind == QEA_OBJ_COUNT && !objective->directed)
            return qea_config_fail(
                r, qea_config_find(r->tree, "nas.search_algorithm.objective_keys"), "nas.search_algorithm.directions",
                "missing for '%s', allowed: directions: {%s: min} or max", objective->name, objective->name);
    }
    return QEA_OK;
}

qea_status qea_config_complete_custom(qea_config_reader *r) {
    const qea_study_config *config = r->config;
    bool command = qea_config_has_command(r);
    if (command) {
        QEA_TRY(need(r, config->program.command != NULL, "nas.evaluator.command", "nas.evaluator.type is command"));
        if (config->init == QEA_INIT_SEARCH)
            return qea_config_fail(r, qea_config_find(r->tree, "fully_train.init"), "fully_train.init",
                                   "found search, but a command leaves no weights; allowed: scratch, pretrained");
    }
    QEA_TRY(check_directions(r));
    if (!qea_config_is_custom(r)) return QEA_OK;
    QEA_TRY(need(r, command, "nas.evaluator.type", "a Custom search space is evaluated by a command"));
    QEA_TRY(need(r, config->num_genes > 0, "nas.search_space.genes", "search_space.type is Custom"));
    QEA_TRY(need(r, qea_config_find(r->tree, "nas.search_algorithm.objective_keys") != NULL,
                 "nas.search_algorithm.objective_keys", "search_space.type is Custom"));
    QEA_TRY(refuse_with_custom(r, "nas.dataset"));
    QEA_TRY(refuse_with_custom(r, "nas.trainer.limits"));
    return refuse_with_custom(r, "fully_train");
}
