/* base/yaml.c: the tree of a YAML document. */
#include "base/yaml.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/yaml_internal.h"

qea_status qea_yaml_new(qea_context *ctx, qea_yaml_kind kind, qea_yaml **out) {
    qea_yaml *node;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "YAML node", node, 1));
    node->kind = kind;
    *out = node;
    return QEA_OK;
}

qea_status qea_yaml_new_map(qea_context *ctx, qea_yaml **out) { return qea_yaml_new(ctx, QEA_YAML_MAP, out); }

void qea_yaml_destroy(qea_yaml *node) {
    if (node == NULL) return;
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys != NULL) qea_free(node->keys[i]);
        qea_yaml_destroy(node->items[i]);
    }
    qea_free(node->keys);
    qea_free(node->key_lines);
    qea_free(node->items);
    qea_free(node->tag);
    qea_free(node->text);
    qea_free(node);
}

/* Three arrays share one capacity, which rises only after all of them grew. */
static qea_status make_room(qea_context *ctx, qea_yaml *node) {
    size_t keys = node->capacity, lines = node->capacity, items = node->capacity, need = node->count + 1;
    if (need <= node->capacity) return QEA_OK;
    if (node->kind == QEA_YAML_MAP) {
        QEA_TRY(qea_grow(ctx, "YAML keys", (void **)&node->keys, &keys, need, sizeof *node->keys));
        QEA_TRY(qea_grow(ctx, "YAML key lines", (void **)&node->key_lines, &lines, need, sizeof *node->key_lines));
    }
    QEA_TRY(qea_grow(ctx, "YAML items", (void **)&node->items, &items, need, sizeof(qea_yaml *)));
    node->capacity = items;
    return QEA_OK;
}

qea_status qea_yaml_append(qea_context *ctx, qea_yaml *node, const char *key, int key_line, qea_yaml *item) {
    QEA_TRY(make_room(ctx, node));
    if (node->kind == QEA_YAML_MAP) {
        QEA_TRY(qea_strdup(ctx, key, &node->keys[node->count]));
        node->key_lines[node->count] = key_line;
    }
    node->items[node->count++] = item;
    return QEA_OK;
}

static qea_status copy_into(qea_context *ctx, const qea_yaml *from, qea_yaml *to) {
    to->line = from->line;
    to->column = from->column;
    to->quoted = from->quoted;
    if (from->tag != NULL) QEA_TRY(qea_strdup(ctx, from->tag, &to->tag));
    if (from->text != NULL) QEA_TRY(qea_strdup(ctx, from->text, &to->text));
    for (size_t i = 0; i < from->count; i++) {
        bool is_map = from->kind == QEA_YAML_MAP;
        qea_yaml *item;
        QEA_TRY(qea_yaml_copy(ctx, from->items[i], &item));
        qea_status status =
            qea_yaml_append(ctx, to, is_map ? from->keys[i] : NULL, is_map ? from->key_lines[i] : 0, item);
        if (status != QEA_OK) {
            qea_yaml_destroy(item);
            return status;
        }
    }
    return QEA_OK;
}

qea_status qea_yaml_copy(qea_context *ctx, const qea_yaml *node, qea_yaml **out) {
    qea_yaml *copy;
    *out = NULL;
    QEA_TRY(qea_yaml_new(ctx, node->kind, &copy));
    qea_status status = copy_into(ctx, node, copy);
    if (status != QEA_OK) {
        qea_yaml_destroy(copy);
        return status;
    }
    *out = copy;
    return QEA_OK;
}

/* The member's index, or count. */
static size_t find(const qea_yaml *map, const char *key) {
    size_t i = 0;
    while (i < map->count && strcmp(map->keys[i], key) != 0) i++;
    return i;
}

qea_yaml *qea_yaml_get(const qea_yaml *map, const char *key) {
    if (map == NULL || map->kind != QEA_YAML_MAP) return NULL;
    size_t i = find(map, key);
    return i < map->count ? map->items[i] : NULL;
}

qea_status qea_yaml_put(qea_context *ctx, qea_yaml *map, const char *key, qea_yaml *value) {
    size_t i = find(map, key);
    if (i < map->count) {
        qea_yaml_destroy(map->items[i]);
        map->items[i] = value;
        map->key_lines[i] = value->line;
        return QEA_OK;
    }
    qea_status status = qea_yaml_append(ctx, map, key, value->line, value);
    if (status != QEA_OK) qea_yaml_destroy(value);
    return status;
}

void qea_yaml_remove(qea_yaml *map, const char *key) {
    if (map == NULL || map->kind != QEA_YAML_MAP) return;
    size_t i = find(map, key);
    if (i == map->count) return;
    qea_free(map->keys[i]);
    qea_yaml_destroy(map->items[i]);
    size_t behind = --map->count - i;
    memmove(map->keys + i, map->keys + i + 1, behind * sizeof *map->keys);
    memmove(map->key_lines + i, map->key_lines + i + 1, behind * sizeof *map->key_lines);
    memmove(map->items + i, map->items + i + 1, behind * sizeof(qea_yaml *));
}
