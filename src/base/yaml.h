/* base/yaml.h: a YAML document as a tree that remembers where each thing stood. */
#ifndef QEA_BASE_YAML_H
#define QEA_BASE_YAML_H

#include <stddef.h>

#include "quantea/status.h"

typedef enum qea_yaml_kind { QEA_YAML_SCALAR, QEA_YAML_LIST, QEA_YAML_MAP } qea_yaml_kind;

typedef struct qea_yaml {
    qea_yaml_kind kind;
    int line, column; /* 1-based; 0 for what came from the command line */
    char *tag;        /* owned; NULL or e.g. "tag:yaml.org,2002:float" */
    char *text;       /* owned; scalars only */
    int quoted;       /* scalars: is it text only, never a number, truth value or null: it was in quotes or a block,
                         or holds characters that none of those has (anything but letters, digits and "_.+-/~") */
    char **keys;      /* owned; maps only, count of them, no doubles */
    int *key_lines;   /* owned; maps only */
    struct qea_yaml **items; /* owned; map values or list items */
    size_t count;
    size_t capacity;
} qea_yaml;

/* One document. Depth at most 64, at most 100,000 nodes, at most 4 MiB, keys of at most 128 bytes; anchors and
 * aliases, merge keys ("<<"), doubled keys, keys that are not scalars, 0 bytes and further documents are refused:
 * QEA_ERR_CONFIG. `name` stands in messages: "name:line:column: ...". */
QEA_MUST_USE qea_status qea_yaml_parse(qea_context *ctx, const char *name, const char *bytes, size_t size,
                                       qea_yaml **out);
/* The same from a file; a missing or too large one is QEA_ERR_CONFIG as well. */
QEA_MUST_USE qea_status qea_yaml_read(qea_context *ctx, const char *path, qea_yaml **out);
void qea_yaml_destroy(qea_yaml *node);
QEA_MUST_USE qea_status qea_yaml_copy(qea_context *ctx, const qea_yaml *node, qea_yaml **out);

/* Map member or NULL. */
qea_yaml *qea_yaml_get(const qea_yaml *map, const char *key);
/* Puts `value` (now owned by `map`) under `key`, replacing and destroying what was there. */
QEA_MUST_USE qea_status qea_yaml_put(qea_context *ctx, qea_yaml *map, const char *key, qea_yaml *value);
/* Removes and destroys a member; nothing where there is none. */
void qea_yaml_remove(qea_yaml *map, const char *key);
QEA_MUST_USE qea_status qea_yaml_new_map(qea_context *ctx, qea_yaml **out);

/* The tree as YAML text that qea_yaml_parse reads back to the same tree (owned by the caller, qea_free), lines and
 * columns aside. Text or keys that are not UTF-8 are QEA_ERR_CONFIG. */
QEA_MUST_USE qea_status qea_yaml_emit(qea_context *ctx, const qea_yaml *node, char **text);

const char *qea_yaml_library_version(void); /* "0.2.5" */

#endif
