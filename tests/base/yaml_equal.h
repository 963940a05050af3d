/* tests/base/yaml_equal.h: are two trees the same, lines and columns aside? */
#ifndef QEA_TESTS_BASE_YAML_EQUAL_H
#define QEA_TESTS_BASE_YAML_EQUAL_H

#include <stdbool.h>
#include <string.h>

#include "base/yaml.h"

static inline bool same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static inline bool yaml_equal(const qea_yaml *a, const qea_yaml *b) {
    if (a->kind != b->kind || a->count != b->count || a->quoted != b->quoted) return false;
    if (!same_text(a->tag, b->tag) || !same_text(a->text, b->text)) return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == QEA_YAML_MAP && strcmp(a->keys[i], b->keys[i]) != 0) return false;
        if (!yaml_equal(a->items[i], b->items[i])) return false;
    }
    return true;
}

#endif
