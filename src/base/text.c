/* base/text.c: a growing string and JSON in it. */
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Room for `more` bytes and the 0. */
static bool reserve(qea_text *text, size_t more) {
    size_t need;
    if (text->failed) return false;
    text->failed = !qea_size_add(text->size, more, &need) || !qea_size_add(need, 1, &need) ||
                   qea_grow(NULL, "text", (void **)&text->bytes, &text->capacity, need, 1) != QEA_OK;
    return !text->failed;
}

void qea_text_put_bytes(qea_text *text, const char *bytes, size_t size) {
    if (!reserve(text, size)) return;
    if (size > 0) memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void qea_text_put(qea_text *text, const char *string) { qea_text_put_bytes(text, string, strlen(string)); }

void qea_text_printf(qea_text *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) text->failed = true;
    if (reserve(text, length < 0 ? 0 : (size_t)length)) {
        vsnprintf(text->bytes + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    va_end(again);
}

void qea_text_put_double(qea_text *text, double value) {
    char buffer[32];
    qea_text_put(text, qea_double_format(value, buffer));
}

qea_status qea_text_finish(qea_context *ctx, qea_text *text) {
    qea_text_put_bytes(text, "", 0); /* an empty text is "", not NULL */
    if (text->failed) return qea_fail(ctx, QEA_ERR_MEMORY, "text: out of memory after %zu bytes", text->size);
    return QEA_OK;
}

qea_status qea_text_take(qea_context *ctx, qea_text *text, char **out) {
    qea_status status = qea_text_finish(ctx, text);
    *out = NULL;
    if (status == QEA_OK)
        *out = text->bytes;
    else
        qea_free(text->bytes);
    *text = (qea_text){0};
    return status;
}

void qea_text_free(qea_text *text) {
    qea_free(text->bytes);
    *text = (qea_text){0};
}

static void put_json_string(qea_text *text, const char *string, size_t size) {
    qea_text_put(text, "\"");
    for (size_t i = 0; i < size; i++) {
        char c = string[i];
        if (c == '"' || c == '\\') {
            qea_text_printf(text, "\\%c", c);
        } else if (c == '\n') {
            qea_text_put(text, "\\n");
        } else if (c == '\t') {
            qea_text_put(text, "\\t");
        } else if ((unsigned char)c < 0x20 || c == 0x7F) {
            qea_text_printf(text, "\\u%04x", (unsigned)c);
        } else {
            qea_text_put_bytes(text, &c, 1);
        }
    }
    qea_text_put(text, "\"");
}

static void put_break(qea_text *text, int indent, int depth) {
    qea_text_put(text, "\n");
    for (int i = 0; i < indent * depth; i++) qea_text_put(text, " ");
}

static bool all_scalars(const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (json_is_array(item) || json_is_object(item)) return false;
    }
    return true;
}

static void put_json(qea_text *text, const json_t *value, int indent, int depth);

/* A list of numbers or words stays on one line: it is read as one thing. */
static void put_json_array(qea_text *text, const json_t *array, int indent, int depth) {
    bool one_line = indent <= 0 || all_scalars(array);
    qea_text_put(text, "[");
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0) qea_text_put(text, one_line ? ", " : ",");
        if (!one_line) put_break(text, indent, depth + 1);
        put_json(text, json_array_get(array, i), indent, depth + 1);
    }
    if (!one_line) put_break(text, indent, depth);
    qea_text_put(text, "]");
}

static void put_json_object(qea_text *text, const json_t *object, int indent, int depth) {
    json_t *iterated = (json_t *)object; /* jansson iterates through a non-const pointer, without changing it */
    bool first = true;
    qea_text_put(text, "{");
    for (void *at = json_object_iter(iterated); at != NULL; at = json_object_iter_next(iterated, at)) {
        const char *key = json_object_iter_key(at);
        if (!first) qea_text_put(text, indent > 0 ? "," : ", ");
        if (indent > 0) put_break(text, indent, depth + 1);
        put_json_string(text, key, strlen(key));
        qea_text_put(text, ": ");
        put_json(text, json_object_iter_value(at), indent, depth + 1);
        first = false;
    }
    if (indent > 0 && !first) put_break(text, indent, depth);
    qea_text_put(text, "}");
}

static void put_json(qea_text *text, const json_t *value, int indent, int depth) {
    if (text->failed) return;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_json_object(text, value, indent, depth);
        break;
    case JSON_ARRAY:
        put_json_array(text, value, indent, depth);
        break;
    case JSON_STRING:
        put_json_string(text, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        qea_text_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        if (isfinite(json_real_value(value))) {
            qea_text_put_double(text, json_real_value(value));
        } else {
            qea_text_put(text, "null");
        }
        break;
    case JSON_TRUE:
        qea_text_put(text, "true");
        break;
    case JSON_FALSE:
        qea_text_put(text, "false");
        break;
    case JSON_NULL:
        qea_text_put(text, "null");
        break;
    }
}

void qea_text_put_json(qea_text *text, const json_t *value, int indent) { put_json(text, value, indent, 0); }
