/* base/yaml_emit.c: a tree as YAML text. Text is either plain in the narrow sense of qea_yaml_is_plain or in double
 * quotes, which is why it reads back the same. */
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/yaml_internal.h"

enum { INDENT = 2 };

/* Decodes one character of UTF-8; returns its bytes, or 0 where there is none. */
static size_t decode(const unsigned char *at, uint32_t *out) {
    size_t bytes = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    static const unsigned char lead_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = bytes == 0 ? 0 : at[0] & lead_mask[bytes];
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (at[i] & 0x3Fu);
    }
    if (bytes == 0 || code < least[bytes] || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return 0;
    *out = code;
    return bytes;
}

/* Control characters, line breaks of Unicode, the byte order mark and non-characters are escaped. */
static bool stands_for_itself(uint32_t code) {
    if (code < 0x80) return code >= 0x20 && code != 0x7F && code != '"' && code != '\\';
    return code >= 0xA0 && code != 0x2028 && code != 0x2029 && code != 0xFEFF && code != 0xFFFE && code != 0xFFFF;
}

static bool put_quoted(qea_text *out, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    qea_text_put(out, "\"");
    while (*at != 0) {
        uint32_t code;
        size_t bytes = decode(at, &code);
        if (bytes == 0) return false;
        if (stands_for_itself(code)) {
            qea_text_put_bytes(out, (const char *)at, bytes);
        } else if (code == '"' || code == '\\') {
            qea_text_printf(out, "\\%c", (int)code);
        } else if (code == '\n') {
            qea_text_put(out, "\\n");
        } else {
            qea_text_printf(out, "\\u%04X", (unsigned)code); /* none above U+FFFF comes here */
        }
        at += bytes;
    }
    qea_text_put(out, "\"");
    return true;
}

static bool is_simple(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/';
}

static void put_uri(qea_text *out, const char *uri) {
    for (; *uri != 0; uri++) {
        if (is_simple(*uri) || *uri == ':' || *uri == '!') {
            qea_text_put_bytes(out, uri, 1);
        } else {
            qea_text_printf(out, "%%%02X", (unsigned)(unsigned char)*uri);
        }
    }
}

/* "!!float", or the tag spelt out where the shorthand could be misread. */
static void put_tag(qea_text *out, const char *tag) {
    static const char standard[] = "tag:yaml.org,2002:";
    bool is_standard = strncmp(tag, standard, sizeof standard - 1) == 0;
    const char *rest = is_standard ? tag + sizeof standard - 1 : tag + (tag[0] == '!');
    bool simple = *rest != 0 && (is_standard || tag[0] == '!');
    for (const char *at = rest; *at != 0; at++) simple = simple && is_simple(*at);
    qea_text_put(out, simple ? (is_standard ? "!!" : "!") : "!<");
    put_uri(out, simple ? rest : tag);
    qea_text_put(out, simple ? "" : ">");
}

/* Lists of words and numbers stand in one line. Empty plain text (null) would vanish there. */
static bool fits_one_line(const qea_yaml *node) {
    if (node->kind != QEA_YAML_LIST) return node->count == 0;
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *item = node->items[i];
        if (item->kind != QEA_YAML_SCALAR || (item->text[0] == 0 && !item->quoted)) return false;
    }
    return true;
}

static bool put_scalar(qea_text *out, const qea_yaml *node) {
    if (node->quoted || !qea_yaml_is_plain(node->text)) return put_quoted(out, node->text);
    qea_text_put(out, node->text);
    return true;
}

/* " !!tag value" without line breaks; nothing at all for null. */
static bool put_one_line(qea_text *out, const qea_yaml *node) {
    if (node->tag != NULL) {
        qea_text_put(out, " ");
        put_tag(out, node->tag);
    }
    if (node->kind == QEA_YAML_SCALAR) {
        if (node->text[0] == 0 && !node->quoted) return true;
        qea_text_put(out, " ");
        return put_scalar(out, node);
    }
    qea_text_put(out, node->kind == QEA_YAML_LIST ? " [" : " {");
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *item = node->items[i];
        if (i > 0) qea_text_put(out, ", ");
        if (item->tag != NULL) put_tag(out, item->tag);
        if (item->tag != NULL) qea_text_put(out, " ");
        if (!put_scalar(out, item)) return false;
    }
    qea_text_put(out, node->kind == QEA_YAML_LIST ? "]" : "}");
    return true;
}

static bool put_block(qea_text *out, const qea_yaml *node, int indent, bool line_begun);

static bool is_block(const qea_yaml *node) { return node->kind != QEA_YAML_SCALAR && !fits_one_line(node); }

/* What stands behind "key:", "-" or "---". */
static bool put_value(qea_text *out, const qea_yaml *node, int indent) {
    if (!is_block(node)) {
        bool ok = put_one_line(out, node);
        qea_text_put(out, "\n");
        return ok;
    }
    if (node->tag != NULL) {
        qea_text_put(out, " ");
        put_tag(out, node->tag);
    }
    qea_text_put(out, "\n");
    return put_block(out, node, indent, false);
}

static bool put_key(qea_text *out, const char *key) {
    if (key[0] == 0 || !qea_yaml_is_plain(key)) return put_quoted(out, key);
    qea_text_put(out, key);
    return true;
}

static bool put_item(qea_text *out, const qea_yaml *item, int indent) {
    qea_text_put(out, "-");
    if (!is_block(item) || item->tag != NULL) return put_value(out, item, indent);
    qea_text_put(out, " ");
    return put_block(out, item, indent, true);
}

static bool put_member(qea_text *out, const char *key, const qea_yaml *value, int indent) {
    if (!put_key(out, key)) return false;
    qea_text_put(out, ":");
    return put_value(out, value, indent);
}

static bool put_block(qea_text *out, const qea_yaml *node, int indent, bool line_begun) {
    bool ok = true;
    for (size_t i = 0; i < node->count && ok && !out->failed; i++) {
        for (int j = 0; j < indent && !(line_begun && i == 0); j++) qea_text_put(out, " ");
        ok = node->kind == QEA_YAML_MAP ? put_member(out, node->keys[i], node->items[i], indent + INDENT)
                                        : put_item(out, node->items[i], indent + INDENT);
    }
    return ok;
}

qea_status qea_yaml_emit(qea_context *ctx, const qea_yaml *node, char **text) {
    qea_text out = {0};
    bool bare = is_block(node) && node->tag == NULL;
    *text = NULL;
    if (!bare) qea_text_put(&out, "---");
    bool ok = bare ? put_block(&out, node, 0, false) : put_value(&out, node, 0);
    qea_status status = qea_text_finish(ctx, &out);
    if (!ok && status == QEA_OK)
        status = qea_fail(ctx, QEA_ERR_CONFIG, "YAML: a text is not UTF-8 and cannot be written");
    if (status != QEA_OK) {
        qea_text_free(&out);
        return status;
    }
    *text = out.bytes;
    return QEA_OK;
}
