/* Lists of numbers as text and back. */
#include "store/store_internal.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { MAX_NUMBER = 40 }; /* bytes of the longest number that is written */

void qea_store_put_u16(qea_text *text, const uint16_t *items, size_t count) {
    for (size_t i = 0; i < count; i++) qea_text_printf(text, i == 0 ? "%u" : " %u", (unsigned)items[i]);
}

void qea_store_put_u8(qea_text *text, const uint8_t *items, size_t count) {
    for (size_t i = 0; i < count; i++) qea_text_printf(text, i == 0 ? "%u" : " %u", (unsigned)items[i]);
}

void qea_store_put_doubles(qea_text *text, const double *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0) qea_text_put(text, " ");
        qea_text_put_double(text, items[i]);
    }
}

static size_t count_items(const char *text) {
    size_t count = text[0] != '\0';
    for (const char *p = text; *p != '\0'; p++) count += *p == ' ';
    return count;
}

/* The next item of *text, copied to `item`; false where it is empty or too long. */
static bool next_item(const char **text, char item[MAX_NUMBER]) {
    size_t size = strcspn(*text, " ");
    if (size == 0 || size >= MAX_NUMBER) return false;
    memcpy(item, *text, size);
    item[size] = '\0';
    *text += size;
    if (**text == ' ') (*text)++;
    return true;
}

static qea_status bad_list(qea_context *ctx, const char *text) {
    return qea_fail(ctx, QEA_ERR_DATA, "reading a list of numbers: found \"%.60s\"", text);
}

qea_status qea_store_get_u16(qea_context *ctx, const char *text, uint16_t **items, size_t *count) {
    const char *rest = text;
    char item[MAX_NUMBER];
    long long value = 0;
    *count = count_items(text);
    QEA_TRY(QEA_NEW(ctx, "a list of the task", *items, *count));
    for (size_t i = 0; i < *count; i++) {
        if (!next_item(&rest, item) || !qea_int_parse(item, &value) || value < 0 || value > UINT16_MAX)
            return bad_list(ctx, text);
        (*items)[i] = (uint16_t)value;
    }
    return QEA_OK;
}

qea_status qea_store_get_u8(qea_context *ctx, const char *text, uint8_t **items, size_t *count) {
    const char *rest = text;
    char item[MAX_NUMBER];
    long long value = 0;
    *count = count_items(text);
    QEA_TRY(QEA_NEW(ctx, "a list of the task", *items, *count));
    for (size_t i = 0; i < *count; i++) {
        if (!next_item(&rest, item) || !qea_int_parse(item, &value) || value < 0 || value > UINT8_MAX)
            return bad_list(ctx, text);
        (*items)[i] = (uint8_t)value;
    }
    return QEA_OK;
}

qea_status qea_store_get_doubles(qea_context *ctx, const char *text, double **items, size_t *count) {
    const char *rest = text;
    char item[MAX_NUMBER];
    *count = count_items(text);
    QEA_TRY(QEA_NEW(ctx, "a list of the task", *items, *count));
    for (size_t i = 0; i < *count; i++)
        if (!next_item(&rest, item) || !qea_double_parse(item, &(*items)[i])) return bad_list(ctx, text);
    return QEA_OK;
}
