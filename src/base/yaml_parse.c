/* base/yaml_parse.c: libyaml's events become a tree; nothing in the text is trusted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/yaml_internal.h"

typedef struct yaml_reader {
    qea_context *ctx;
    const char *name;
    const char *bytes; /* the text, [size] */
    size_t size;
    yaml_parser_t parser;
    size_t nodes;
    int depth;
} yaml_reader;

bool qea_yaml_is_plain(const char *text) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-/~";
    if (text[strspn(text, allowed)] != 0) return false;
    /* A lone "-" starts a list item; "---" and "..." are marks between documents. */
    return strcmp(text, "-") != 0 && strncmp(text, "---", 3) != 0 && strncmp(text, "...", 3) != 0;
}

static qea_status fail_at(const yaml_reader *r, const yaml_mark_t *mark, const char *problem) {
    return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s:%zu:%zu: %s", r->name, mark->line + 1, mark->column + 1, problem);
}

/* A tab among the blanks that the line (counted from 0) begins with. */
static bool is_indented_by_tab(const yaml_reader *r, size_t line) {
    const char *at = r->bytes, *end = r->bytes + r->size;
    for (; line > 0 && at != NULL; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at != NULL) at++;
    }
    for (; at != NULL && at < end && (*at == ' ' || *at == '\t'); at++)
        if (*at == '\t') return true;
    return false;
}

/* What libyaml says names its grammar; people ask which line is to be changed, and how. */
static const char *explain(const char *problem) {
    static const char *const rows[][2] = {
        {"did not find expected key",
         "; the keys of a section begin in the same column, those within it further to the right"},
        {"mapping values are not allowed",
         "; the keys of a section begin in the same column, and a text with ': ' in it stands in quotes"},
        {"found unexpected end of stream", "; a quote or bracket is not closed"},
        {"did not find expected ','", "; a bracket is not closed, or a comma is missing"},
        {"found character that cannot start", "; a text that begins with it stands in quotes"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(problem, rows[i][0], strlen(rows[i][0])) == 0) return rows[i][1];
    return "";
}

static qea_status fail_libyaml(const yaml_reader *r) {
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem == NULL ? "cannot be parsed" : p->problem;
    if (p->error == YAML_MEMORY_ERROR) return qea_fail(r->ctx, QEA_ERR_MEMORY, "%s: out of memory", r->name);
    if (p->error == YAML_READER_ERROR)
        return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s: not a text file: byte %zu: %s", r->name, p->problem_offset,
                        problem);
    if (is_indented_by_tab(r, p->problem_mark.line))
        return fail_at(r, &p->problem_mark, "found a tab in the indentation; allowed are spaces only");
    char begun[64] = "";
    if (p->context != NULL && p->context_mark.line < p->problem_mark.line)
        (void)snprintf(begun, sizeof begun, " that begins in line %zu", p->context_mark.line + 1);
    return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s:%zu:%zu: %s%s%s%s%s", r->name, p->problem_mark.line + 1,
                    p->problem_mark.column + 1, problem, p->context == NULL ? "" : " ",
                    p->context == NULL ? "" : p->context, begun, explain(problem));
}

static qea_status next_event(yaml_reader *r, yaml_event_t *event) {
    return yaml_parser_parse(&r->parser, event) == 1 ? QEA_OK : fail_libyaml(r);
}

static qea_status copy_text(const yaml_reader *r, const yaml_event_t *event, char **out) {
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) return fail_at(r, &event->start_mark, "a 0 byte in a text");
    return qea_strdup(r->ctx, text, out);
}

/* One event, and for a list or map all up to its end, into `node`. The event stays the caller's. */
static qea_status read_node(yaml_reader *r, const yaml_event_t *event, qea_yaml *node);

static qea_status read_child(yaml_reader *r, const yaml_event_t *event, qea_yaml *parent, const char *key,
                             int key_line) {
    qea_yaml *child;
    QEA_TRY(qea_yaml_new(r->ctx, QEA_YAML_SCALAR, &child));
    qea_status status = read_node(r, event, child);
    if (status == QEA_OK) status = qea_yaml_append(r->ctx, parent, key, key_line, child);
    if (status != QEA_OK) qea_yaml_destroy(child);
    return status;
}

static qea_status check_key(const yaml_reader *r, const yaml_event_t *event) {
    if (event->type != YAML_SCALAR_EVENT) return fail_at(r, &event->start_mark, "a key must be a single word or text");
    if (event->data.scalar.anchor != NULL) return fail_at(r, &event->start_mark, "anchors are not allowed");
    if (event->data.scalar.length > QEA_YAML_MAX_KEY_BYTES)
        return fail_at(r, &event->start_mark, "a key of more than 128 bytes");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp((char *)event->data.scalar.value, "<<") == 0)
        return fail_at(r, &event->start_mark, "merge keys (<<) are not allowed");
    return QEA_OK;
}

/* `event` is the key's; the value's is fetched here. */
static qea_status read_member(yaml_reader *r, const yaml_event_t *event, qea_yaml *map) {
    char *key;
    yaml_event_t value;
    QEA_TRY(check_key(r, event));
    QEA_TRY(copy_text(r, event, &key));
    qea_status status = next_event(r, &value);
    if (status == QEA_OK) {
        status = read_child(r, &value, map, key, (int)event->start_mark.line + 1);
        yaml_event_delete(&value);
    }
    qea_free(key);
    return status;
}

/* Reads items until `end` comes. */
static qea_status read_items(yaml_reader *r, yaml_event_type_t end, qea_yaml *node) {
    for (;;) {
        yaml_event_t event;
        QEA_TRY(next_event(r, &event));
        yaml_event_type_t type = event.type;
        qea_status status = QEA_OK;
        if (type != end)
            status = node->kind == QEA_YAML_MAP ? read_member(r, &event, node) : read_child(r, &event, node, NULL, 0);
        yaml_event_delete(&event);
        if (type == end || status != QEA_OK) return status;
    }
}

typedef struct key_place {
    const char *key;
    int line;
} key_place;

static int compare_keys(const void *a, const void *b) {
    const key_place *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorted first: a hostile file may have 50,000 keys, and comparing each with each would take minutes. */
static qea_status check_doubles(const yaml_reader *r, const qea_yaml *map) {
    key_place *places;
    QEA_TRY(QEA_NEW(r->ctx, "YAML keys", places, map->count));
    for (size_t i = 0; i < map->count; i++) places[i] = (key_place){map->keys[i], map->key_lines[i]};
    if (map->count > 1) qsort(places, map->count, sizeof *places, compare_keys);
    qea_status status = QEA_OK;
    for (size_t i = 1; i < map->count && status == QEA_OK; i++) {
        if (strcmp(places[i - 1].key, places[i].key) != 0) continue;
        status = qea_fail(r->ctx, QEA_ERR_CONFIG, "%s:%d: the key '%s' stands already in line %d", r->name,
                          places[i].line, places[i].key, places[i - 1].line);
    }
    qea_free(places);
    return status;
}

static qea_status read_collection(yaml_reader *r, const yaml_event_t *event, qea_yaml *node) {
    if (++r->depth > QEA_YAML_MAX_DEPTH) return fail_at(r, &event->start_mark, "nested deeper than 64 levels");
    qea_status status;
    if (node->kind == QEA_YAML_LIST) {
        status = read_items(r, YAML_SEQUENCE_END_EVENT, node);
    } else {
        status = read_items(r, YAML_MAPPING_END_EVENT, node);
        if (status == QEA_OK) status = check_doubles(r, node);
    }
    r->depth--;
    return status;
}

static qea_status read_node(yaml_reader *r, const yaml_event_t *event, qea_yaml *node) {
    const yaml_char_t *tag = NULL, *anchor = NULL;
    if (++r->nodes > QEA_YAML_MAX_NODES) return fail_at(r, &event->start_mark, "more than 100000 values");
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return fail_at(r, &event->start_mark, "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        tag = event->data.scalar.tag;
        anchor = event->data.scalar.anchor;
        break;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = QEA_YAML_LIST;
        tag = event->data.sequence_start.tag;
        anchor = event->data.sequence_start.anchor;
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = QEA_YAML_MAP;
        tag = event->data.mapping_start.tag;
        anchor = event->data.mapping_start.anchor;
        break;
    default:
        return fail_at(r, &event->start_mark, "a value is missing");
    }
    if (anchor != NULL) return fail_at(r, &event->start_mark, "anchors are not allowed");
    if (tag != NULL && tag[0] != 0) QEA_TRY(qea_strdup(r->ctx, (const char *)tag, &node->tag));
    if (node->kind != QEA_YAML_SCALAR) return read_collection(r, event, node);
    QEA_TRY(copy_text(r, event, &node->text));
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || !qea_yaml_is_plain(node->text);
    return QEA_OK;
}

/* The next event must be of this type and carries nothing for us. */
static qea_status expect(yaml_reader *r, yaml_event_type_t type, const char *problem) {
    yaml_event_t event;
    QEA_TRY(next_event(r, &event));
    qea_status status = event.type == type ? QEA_OK : fail_at(r, &event.start_mark, problem);
    yaml_event_delete(&event);
    return status;
}

static qea_status read_document(yaml_reader *r, qea_yaml *root) {
    yaml_event_t event;
    QEA_TRY(expect(r, YAML_STREAM_START_EVENT, "not a YAML stream"));
    QEA_TRY(expect(r, YAML_DOCUMENT_START_EVENT, "the document is empty"));
    QEA_TRY(next_event(r, &event));
    qea_status status = read_node(r, &event, root);
    yaml_event_delete(&event);
    QEA_TRY(status);
    QEA_TRY(expect(r, YAML_DOCUMENT_END_EVENT, "more than one value"));
    return expect(r, YAML_STREAM_END_EVENT, "a second document begins, one is allowed");
}

qea_status qea_yaml_parse(qea_context *ctx, const char *name, const char *bytes, size_t size, qea_yaml **out) {
    yaml_reader reader = {.ctx = ctx, .name = name, .bytes = bytes, .size = size};
    qea_yaml *root;
    *out = NULL;
    if (size > QEA_YAML_MAX_BYTES)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: %zu bytes, at most %d are allowed", name, size,
                        (int)QEA_YAML_MAX_BYTES);
    QEA_TRY(qea_yaml_new(ctx, QEA_YAML_SCALAR, &root));
    if (!yaml_parser_initialize(&reader.parser)) {
        qea_yaml_destroy(root);
        return qea_fail(ctx, QEA_ERR_MEMORY, "%s: out of memory", name);
    }
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, size);
    qea_status status = read_document(&reader, root);
    yaml_parser_delete(&reader.parser);
    if (status != QEA_OK) {
        qea_yaml_destroy(root);
        return status;
    }
    *out = root;
    return QEA_OK;
}

qea_status qea_yaml_read(qea_context *ctx, const char *path, qea_yaml **out) {
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    qea_status status = qea_file_read(ctx, path, QEA_YAML_MAX_BYTES, &bytes, &size);
    if (status == QEA_ERR_DATA) return QEA_ERR_CONFIG; /* the message stands already */
    QEA_TRY(status);
    status = qea_yaml_parse(ctx, path, (const char *)bytes, size, out);
    qea_free(bytes);
    return status;
}

const char *qea_yaml_library_version(void) { return yaml_get_version_string(); }
