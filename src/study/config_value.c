/* Values of the configuration, and messages about them. */
#include "study/config_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define YAML_TAG "tag:yaml.org,2002:"

static bool is_one_of(const char *text, const char *const *words) {
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0) return true;
    return false;
}

static bool has_tag(const qea_yaml *node, const char *name) {
    return node->tag != NULL && strncmp(node->tag, YAML_TAG, strlen(YAML_TAG)) == 0 &&
           strcmp(node->tag + strlen(YAML_TAG), name) == 0;
}

bool qea_config_is_null(const qea_yaml *node) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return node->kind == QEA_YAML_SCALAR && !node->quoted && (node->tag == NULL || has_tag(node, "null")) &&
           is_one_of(node->text, words);
}

/* A scalar that may be read as something else than a text. */
static bool is_plain(const qea_yaml *node) {
    return node->kind == QEA_YAML_SCALAR && node->tag == NULL && !node->quoted;
}

bool qea_config_number(const qea_yaml *node, double *out) {
    bool tagged = node->kind == QEA_YAML_SCALAR && (has_tag(node, "float") || has_tag(node, "int"));
    return (tagged || is_plain(node)) && qea_double_parse(node->text, out);
}

/* 400, and also !!float 400 or 4e2. */
bool qea_config_integer(const qea_yaml *node, long long *out) {
    double value;
    if (is_plain(node) && qea_int_parse(node->text, out)) return true;
    if (!qea_config_number(node, &value) || value != floor(value) || fabs(value) > 9007199254740992.0) return false;
    *out = (long long)value;
    return true;
}

/* YAML 1.1's words, as the original's reader has them. */
bool qea_config_flag(const qea_yaml *node, bool *out) {
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    if (!is_plain(node) && !(node->kind == QEA_YAML_SCALAR && has_tag(node, "bool"))) return false;
    *out = is_one_of(node->text, yes);
    return *out || is_one_of(node->text, no);
}

int qea_config_choice(const char *choices, const char *text) {
    size_t size = strlen(text);
    int index = 0;
    for (const char *p = choices; *p != '\0'; index++) {
        size_t length = strcspn(p, "|");
        if (length == size && memcmp(p, text, size) == 0) return index;
        p += length;
        if (*p == '|') p++;
    }
    return -1;
}

const char *qea_config_nearest(const char *choices, const char *word, char *buffer, size_t size) {
    enum { MAX_NAMES = 128, MAX_BYTES = 4096 };
    char copy[MAX_BYTES], *rest = NULL;
    const char *names[MAX_NAMES];
    size_t count = 0;
    if (strlen(choices) >= sizeof copy) return NULL;
    strcpy(copy, choices);
    for (char *name = strtok_r(copy, "|", &rest); name != NULL && count < MAX_NAMES; name = strtok_r(NULL, "|", &rest))
        names[count++] = name;
    const char *best = qea_nearest_name(word, names, count);
    if (best == NULL) return NULL;
    (void)snprintf(buffer, size, "%s", best);
    return buffer;
}

void qea_config_put_choices(qea_text *text, const char *choices) {
    for (const char *p = choices; *p != '\0'; p++) {
        if (*p == '|') {
            qea_text_put(text, ", ");
        } else {
            qea_text_put_bytes(text, p, 1);
        }
    }
}

void qea_config_allowed(const qea_config_key *key, qea_text *text) {
    if (key->choices != NULL) {
        if (strchr(key->choices, '|') != NULL) qea_text_put(text, "one of ");
        qea_config_put_choices(text, key->choices);
        return;
    }
    switch (key->kind) {
    case QEA_KEY_INT:
    case QEA_KEY_SIZE:
    case QEA_KEY_SEED:
        qea_text_printf(text, "an integer from %.0f to %.0f", key->low, key->high);
        break;
    case QEA_KEY_NUMBER:
        qea_text_put(text, "a number from ");
        qea_text_put_double(text, key->low);
        qea_text_put(text, " to ");
        qea_text_put_double(text, key->high);
        break;
    case QEA_KEY_FLAG:
        qea_text_put(text, "true or false");
        break;
    case QEA_KEY_MAP:
        qea_text_put(text, QEA_CONFIG_SECTION);
        break;
    default:
        qea_text_put(text, key->allowed != NULL ? key->allowed : "a text");
        break;
    }
}

qea_status qea_config_set_string(qea_context *ctx, const char *text, char **target) {
    qea_free(*target);
    *target = NULL;
    return qea_strdup(ctx, text, target);
}

/* What was found, short and without control characters. */
static void describe(const qea_yaml *node, char *out, size_t size) {
    if (node->kind == QEA_YAML_MAP) {
        (void)snprintf(out, size, "a map");
    } else if (node->kind == QEA_YAML_LIST) {
        (void)snprintf(out, size, node->count == 0 ? "an empty list" : "a list of %zu", node->count);
    } else {
        double number;
        bool quoted_number = !is_plain(node) && node->tag == NULL && qea_double_parse(node->text, &number);
        (void)snprintf(out, size, strlen(node->text) > 60 ? "%s'%.60s...'" : "%s'%s'", quoted_number ? "a text, " : "",
                       node->text);
        for (char *p = out; *p != '\0'; p++)
            if (iscntrl((unsigned char)*p)) *p = '?';
    }
}

const char *qea_config_place(const char *file, const qea_yaml *node, const char *path, char *buffer, size_t size) {
    if (node == NULL)
        (void)snprintf(buffer, size, "%s: %s", file, path);
    else if (node->line == 0)
        (void)snprintf(buffer, size, "--set %s", path);
    else
        (void)snprintf(buffer, size, "%s:%d:%d: %s", file, node->line, node->column, path);
    return buffer;
}

qea_status qea_config_fail(qea_config_reader *r, const qea_yaml *node, const char *path, const char *format, ...) {
    char text[1024], place[QEA_CONFIG_PLACE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s: %s",
                    qea_config_place(r->config->name, node, path, place, sizeof place), text);
}

qea_status qea_config_wrong(qea_config_reader *r, const qea_yaml *node, const char *path, const char *allowed) {
    char found[80];
    describe(node, found, sizeof found);
    return qea_config_fail(r, node, path, "found %s, allowed: %s", found, allowed);
}

qea_status qea_config_wrong_choice(qea_config_reader *r, const qea_yaml *node, const char *path, const char *allowed,
                                   const char *choices) {
    char found[80], buffer[128], hint[QEA_HINT];
    const char *nearest = NULL;
    double number;
    describe(node, found, sizeof found);
    if (node->kind == QEA_YAML_SCALAR && !qea_double_parse(node->text, &number))
        nearest = qea_config_nearest(choices, node->text, buffer, sizeof buffer);
    return qea_config_fail(r, node, path, "found %s, allowed: %s%s", found, allowed, qea_hint(nearest, hint));
}

qea_status qea_config_int_list(qea_config_reader *r, const char *path, const qea_yaml *node, const char *allowed,
                               int low, int high, int max, int *items, int *count) {
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > (size_t)max)
        return qea_config_wrong(r, node, path, allowed);
    *count = 0;
    for (size_t i = 0; i < node->count; i++) {
        long long value;
        if (!qea_config_integer(node->items[i], &value) || value < low || value > high)
            return qea_config_wrong(r, node->items[i], path, allowed);
        for (int j = 0; j < *count; j++)
            if (items[j] == value)
                return qea_config_fail(r, node->items[i], path, "found %lld twice, allowed: %s", value, allowed);
        items[(*count)++] = (int)value;
    }
    return QEA_OK;
}
