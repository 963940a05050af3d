/* Values from the command line are put into the tree before anything is merged. */
#include "study/config_internal.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Nodes from the command line have no place in the file. */
static void forget_places(qea_yaml *node) {
    node->line = node->column = 0;
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == QEA_YAML_MAP) node->key_lines[i] = 0;
        forget_places(node->items[i]);
    }
}

static qea_status make_text(qea_context *ctx, const char *value, qea_yaml *node) {
    qea_free(node->text);
    node->text = NULL;
    return qea_strdup(ctx, value, &node->text);
}

static qea_status parse_value(qea_context *ctx, const qea_config_override *override, qea_yaml **out) {
    const char *yaml = override->kind != QEA_SET_YAML ? "''" : override->value[0] == '\0' ? "~" : override->value;
    qea_status status = qea_yaml_parse(ctx, override->key, yaml, strlen(yaml), out);
    if (status != QEA_OK) return qea_fail_prefix(ctx, status, "--set");
    if (override->kind != QEA_SET_YAML) status = make_text(ctx, override->value, *out);
    if (status != QEA_OK) {
        qea_yaml_destroy(*out);
        return status;
    }
    forget_places(*out);
    return QEA_OK;
}

/* The map at `key` in `map`; made where there is none. */
static qea_status enter(qea_context *ctx, const char *path, qea_yaml *map, const char *key, qea_yaml **out) {
    qea_yaml *made = NULL;
    *out = qea_yaml_get(map, key);
    if (*out != NULL && (*out)->kind == QEA_YAML_MAP) return QEA_OK;
    if (*out != NULL && !qea_config_is_null(*out))
        return qea_fail(ctx, QEA_ERR_CONFIG, "--set %s: '%s' is not a section, nothing can be set in it", path, key);
    QEA_TRY(qea_yaml_new_map(ctx, &made));
    *out = made;
    return qea_yaml_put(ctx, map, key, made);
}

static qea_status put(qea_context *ctx, qea_yaml *tree, const char *path, const char *rest, const qea_yaml *value,
                      bool keep_place) {
    char part[QEA_CONFIG_PATH];
    qea_yaml *map = tree, *copy = NULL;
    for (;;) {
        rest = qea_config_next_part(rest, part);
        if (rest == NULL)
            return qea_fail(ctx, QEA_ERR_CONFIG, "--set %s: not a path of keys, as nas.trainer.epochs", path);
        if (*rest == '\0') break;
        QEA_TRY(enter(ctx, path, map, part, &map));
    }
    QEA_TRY(qea_yaml_copy(ctx, value, &copy));
    const qea_yaml *before = keep_place ? qea_yaml_get(map, part) : NULL;
    if (before != NULL) {
        copy->line = before->line;
        copy->column = before->column;
    }
    return qea_yaml_put(ctx, map, part, copy);
}

static qea_status put_in_steps(qea_context *ctx, qea_yaml *tree, const char *path, const qea_yaml *value) {
    static const char *const steps[] = {"nas", "fully_train"};
    for (size_t i = 0; i < 2; i++) {
        qea_yaml *step = qea_yaml_get(tree, steps[i]);
        if (step == NULL) continue;
        QEA_TRY(enter(ctx, path, tree, steps[i], &step));
        QEA_TRY(put(ctx, step, path, path + 2, value, false));
    }
    return QEA_OK;
}

qea_status qea_config_override_tree(qea_context *ctx, qea_yaml *tree, const qea_config_override *overrides,
                                    size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *path = overrides[i].key;
        qea_yaml *value = NULL;
        QEA_TRY(parse_value(ctx, &overrides[i], &value));
        qea_status status = strncmp(path, "*.", 2) == 0
                                ? put_in_steps(ctx, tree, path, value)
                                : put(ctx, tree, path, path, value, overrides[i].kind == QEA_SET_REWRITTEN);
        qea_yaml_destroy(value);
        QEA_TRY(status);
    }
    return QEA_OK;
}
