/* base/yaml_internal.h: what the parts of yaml share. */
#ifndef QEA_BASE_YAML_INTERNAL_H
#define QEA_BASE_YAML_INTERNAL_H

#include <stdbool.h>

#include "base/yaml.h"

enum {
    QEA_YAML_MAX_DEPTH = 64,
    QEA_YAML_MAX_NODES = 100000,
    QEA_YAML_MAX_BYTES = 4 << 20,
    QEA_YAML_MAX_KEY_BYTES = 128 /* escaped and quoted it stays below the 1024 characters of a simple key */
};

QEA_MUST_USE qea_status qea_yaml_new(qea_context *ctx, qea_yaml_kind kind, qea_yaml **out);

/* Appends to a list (key NULL) or a map. The node owns the item only if QEA_OK is returned. */
QEA_MUST_USE qea_status qea_yaml_append(qea_context *ctx, qea_yaml *node, const char *key, int key_line,
                                        qea_yaml *item);

/* Can this text stand without quotes, in block and flow context, and mean the same? */
bool qea_yaml_is_plain(const char *text);

#endif
