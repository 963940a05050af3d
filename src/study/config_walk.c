/* Paths of keys, and the check that every key in the file is known. */
#include "study/config_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* --- paths --- */

const char *qea_config_next_part(const char *path, char part[QEA_CONFIG_PATH]) {
    bool quoted = path[0] == '"';
    const char *start = path + (quoted ? 1 : 0);
    size_t size = strcspn(start, quoted ? "\"" : ".");
    const char *end = start + size;
    if (size == 0 || size >= QEA_CONFIG_PATH || (quoted && *end != '"')) return NULL;
    memcpy(part, start, size);
    part[size] = '\0';
    if (quoted) end++;
    if (*end == '\0') return end;
    return *end == '.' && end[1] != '\0' ? end + 1 : NULL;
}

void qea_config_join(char path[QEA_CONFIG_PATH], const char *parent, const char *name) {
    const char *quote = strchr(name, '.') != NULL ? "\"" : "";
    (void)snprintf(path, QEA_CONFIG_PATH, "%.380s%s%s%.120s%s", parent, parent[0] != '\0' ? "." : "", quote, name,
                   quote);
}

const qea_yaml *qea_config_find(const qea_yaml *tree, const char *path) {
    char part[QEA_CONFIG_PATH];
    while (*path != '\0') {
        path = qea_config_next_part(path, part);
        if (path == NULL) return NULL;
        tree = qea_yaml_get(tree, part);
        if (tree == NULL) return NULL;
    }
    return qea_config_is_null(tree) ? NULL : tree;
}

/* The part of a path behind its step ("nas.", "fully_train." or the table's "*."), or NULL. */
static const char *behind_step(const char *path) {
    static const char *const steps[] = {"*.", "nas.", "fully_train."};
    for (size_t i = 0; i < 3; i++)
        if (strncmp(path, steps[i], strlen(steps[i])) == 0) return path + strlen(steps[i]);
    return NULL;
}

static bool is_path_of(const qea_config_key *key, const char *path) {
    if (key->path[0] != '*') return strcmp(key->path, path) == 0;
    const char *rest = behind_step(path);
    return rest != NULL && strcmp(key->path + 2, rest) == 0;
}

static const qea_config_key *find_key(const char *path, size_t first) {
    for (size_t i = first; i < qea_config_num_keys; i++)
        if (is_path_of(&qea_config_keys[i], path)) return &qea_config_keys[i];
    return NULL;
}

/* The `type` beside the key at `path`, or beside the `params` that it is in, given or by default; NULL where it is not
 * one that exists (which is reported when the type itself is read). */
static const char *type_beside(const qea_config_reader *r, const char *path) {
    char type_path[QEA_CONFIG_PATH];
    (void)snprintf(type_path, sizeof type_path, "%s", path);
    char *dot = strrchr(type_path, '.');
    if (dot != NULL) *dot = '\0';
    dot = strrchr(type_path, '.');
    if (dot != NULL && strcmp(dot, ".params") == 0) *dot = '\0';
    strncat(type_path, ".type", sizeof type_path - strlen(type_path) - 1);
    const qea_config_key *key = find_key(type_path, 0);
    const qea_yaml *given = qea_config_find(r->tree, type_path);
    if (key == NULL) return NULL;
    if (given == NULL) return key->fallback;
    bool exists = given->kind == QEA_YAML_SCALAR && qea_config_choice(key->choices, given->text) >= 0;
    return exists ? given->text : NULL;
}

bool qea_config_fits_type(const qea_config_reader *r, const qea_config_key *key, const char *path) {
    const char *type = key->types != NULL ? type_beside(r, path) : NULL;
    return type == NULL || qea_config_choice(key->types, type) >= 0;
}

/* --- are all keys known? --- */

static const char *last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

/* Names that may stand in the section at `parent`, as "a|b|c". */
static void put_names(const qea_config_reader *r, const char *parent, qea_text *names) {
    char path[QEA_CONFIG_PATH];
    for (size_t i = 0; i < qea_config_num_keys; i++) {
        const qea_config_key *key = &qea_config_keys[i];
        const char *name = last_part(key->path);
        qea_config_join(path, parent, name);
        if (key->role >= QEA_ROLE_IGNORED || !is_path_of(key, path) || !qea_config_fits_type(r, key, path)) continue;
        if (names->size > 0) qea_text_put(names, "|");
        qea_text_put(names, name);
    }
}

/* The path of a key of this name in another section of the same step, or NULL. */
static const char *find_elsewhere(const char *name, const char *parent, char path[QEA_CONFIG_PATH]) {
    bool full = strncmp(parent, "fully_train", strlen("fully_train")) == 0;
    for (size_t i = 0; i < qea_config_num_keys; i++) {
        const char *found = qea_config_keys[i].path;
        if (qea_config_keys[i].role != QEA_ROLE_USED || strcmp(last_part(found), name) != 0) continue;
        const char *step = found[0] != '*' ? "" : full ? "fully_train" : "nas";
        (void)snprintf(path, QEA_CONFIG_PATH, "%s%s", step, found[0] == '*' ? found + 1 : found);
        return path;
    }
    return NULL;
}

static void put_unknown(const char *names, const char *word, const char *parent, qea_text *text) {
    char other[QEA_CONFIG_PATH], buffer[128];
    double number;
    if (qea_double_parse(word, &number)) { /* {lr: 0,1} */
        qea_text_put(text, "found a number where a key is expected; a decimal point is a point: 0.1");
        return;
    }
    const char *nearest = qea_config_nearest(names, word, buffer, sizeof buffer);
    if (nearest == NULL) nearest = find_elsewhere(word, parent, other);
    qea_text_put(text, "not a known key; ");
    if (nearest != NULL) qea_text_printf(text, "did you mean '%s'? ", nearest);
    qea_text_put(text, "allowed here: ");
    qea_config_put_choices(text, names);
}

static qea_status fail_unknown(qea_config_reader *r, const qea_yaml *map, size_t index, const char *parent) {
    qea_text names = {0}, text = {0};
    char path[QEA_CONFIG_PATH];
    int line = map->key_lines[index];
    qea_config_join(path, parent, map->keys[index]);
    put_names(r, parent, &names);
    qea_status status = qea_text_finish(r->ctx, &names);
    if (status == QEA_OK) put_unknown(names.bytes, map->keys[index], parent, &text);
    if (status == QEA_OK) status = qea_text_finish(r->ctx, &text);
    if (status == QEA_OK && line > 0)
        status = qea_fail(r->ctx, QEA_ERR_CONFIG, "%s:%d: %s: %s", r->config->name, line, path, text.bytes);
    else if (status == QEA_OK)
        status = qea_fail(r->ctx, QEA_ERR_CONFIG, "--set %s: %s", path, text.bytes);
    qea_text_free(&names);
    qea_text_free(&text);
    return status;
}

/* The key that `path` is, of those for the chosen type; or a failure. */
static qea_status identify(qea_config_reader *r, const qea_yaml *map, size_t index, const char *parent,
                           const char *path, const qea_config_key **out) {
    const qea_config_key *any = find_key(path, 0);
    if (any == NULL) return fail_unknown(r, map, index, parent);
    for (*out = any; *out != NULL; *out = find_key(path, (size_t)(*out - qea_config_keys) + 1))
        if (qea_config_fits_type(r, *out, path)) return QEA_OK;
    qea_text names = {0}, allowed = {0};
    put_names(r, parent, &names);
    qea_status status = qea_text_finish(r->ctx, &names);
    if (status == QEA_OK) qea_config_put_choices(&allowed, names.bytes);
    if (status == QEA_OK) status = qea_text_finish(r->ctx, &allowed);
    if (status == QEA_OK)
        status = qea_config_fail(r, map->items[index], path, "%s has no such setting, allowed: %s",
                                 type_beside(r, path), allowed.bytes);
    qea_text_free(&names);
    qea_text_free(&allowed);
    return status;
}

void qea_config_ignore(qea_config_reader *r, const char *path) {
    qea_text_printf(&r->ignored, "%s%s", r->ignored.size > 0 ? ", " : "", path);
}

static qea_status check_map(qea_config_reader *r, const qea_yaml *map, const char *parent);

static qea_status check_member(qea_config_reader *r, const qea_yaml *map, size_t index, const char *parent) {
    const qea_yaml *node = map->items[index];
    const qea_config_key *key = NULL;
    char path[QEA_CONFIG_PATH];
    double number;
    bool flag;
    qea_config_join(path, parent, map->keys[index]);
    QEA_TRY(identify(r, map, index, parent, path, &key));
    if (qea_config_is_null(node)) return QEA_OK;
    switch (key->role) {
    case QEA_ROLE_IGNORED:
        qea_config_ignore(r, path);
        return QEA_OK;
    case QEA_ROLE_REFUSED:
        if (qea_config_number(node, &number) && number == 0) return QEA_OK;
        if (qea_config_flag(node, &flag) && !flag) return QEA_OK;
        return qea_config_fail(r, node, path, "cannot be used: %s", key->doc);
    default:
        if (key->kind != QEA_KEY_MAP) return QEA_OK; /* its value is checked when it is read */
        if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, QEA_CONFIG_SECTION);
        return check_map(r, node, path);
    }
}

static qea_status check_map(qea_config_reader *r, const qea_yaml *map, const char *parent) {
    for (size_t i = 0; i < map->count; i++) QEA_TRY(check_member(r, map, i, parent));
    return QEA_OK;
}

qea_status qea_config_check_sections(qea_config_reader *r) {
    const qea_config_key *key;
    for (size_t i = 0; i < r->tree->count; i++) QEA_TRY(identify(r, r->tree, i, "", r->tree->keys[i], &key));
    return QEA_OK;
}

qea_status qea_config_check_keys(qea_config_reader *r) {
    if (r->tree->kind != QEA_YAML_MAP)
        return qea_config_wrong(r, r->tree, "the file", "a map with general, pipeline, nas and fully_train");
    return check_map(r, r->tree, "");
}
