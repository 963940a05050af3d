/* The pickle opcodes of numbers and strings. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/pickle_machine.h"

static qea_status push_int(qea_pickle *p, qea_pickle_kind kind, int64_t value) {
    return qea_pickle_push(p, (qea_pickle_value){.kind = kind, .integer = value});
}

qea_status qea_pickle_op_none(qea_pickle *p) { return push_int(p, QEA_PICKLE_NONE, 0); }
qea_status qea_pickle_op_true(qea_pickle *p) { return push_int(p, QEA_PICKLE_BOOL, 1); }
qea_status qea_pickle_op_false(qea_pickle *p) { return push_int(p, QEA_PICKLE_BOOL, 0); }

qea_status qea_pickle_parse_decimal(qea_pickle *p, const uint8_t *line, size_t size, int64_t *out) {
    bool negative = size > 0 && line[0] == '-';
    size_t first = negative ? 1 : 0;
    if (size == first || size - first > 18) return qea_pickle_fail(p, "a number of 1 to 18 digits is expected");
    int64_t value = 0;
    for (size_t i = first; i < size; i++) {
        if (line[i] < '0' || line[i] > '9')
            return qea_pickle_fail(p, "byte 0x%02x stands where a digit is expected", line[i]);
        value = 10 * value + (line[i] - '0');
    }
    *out = negative ? -value : value;
    return QEA_OK;
}

qea_status qea_pickle_op_int_line(qea_pickle *p) {
    const uint8_t *line = NULL;
    size_t size = 0;
    int64_t value = 0;
    QEA_TRY(qea_pickle_read_line(p, &line, &size));
    QEA_TRY(qea_pickle_parse_decimal(p, line, size, &value));
    bool is_bool = size == 2 && line[0] == '0' && value <= 1; /* protocol 0 writes False as 00, True as 01 */
    return push_int(p, is_bool ? QEA_PICKLE_BOOL : QEA_PICKLE_INT, value);
}

qea_status qea_pickle_op_long_line(qea_pickle *p) {
    const uint8_t *line = NULL;
    size_t size = 0;
    int64_t value = 0;
    QEA_TRY(qea_pickle_read_line(p, &line, &size));
    if (size > 0 && line[size - 1] == 'L') size--;
    QEA_TRY(qea_pickle_parse_decimal(p, line, size, &value));
    return push_int(p, QEA_PICKLE_INT, value);
}

static qea_status push_unsigned(qea_pickle *p, int bytes) {
    uint64_t value = 0;
    QEA_TRY(qea_pickle_read_number(p, bytes, &value));
    return push_int(p, QEA_PICKLE_INT, (int64_t)value);
}

qea_status qea_pickle_op_int1(qea_pickle *p) { return push_unsigned(p, 1); }
qea_status qea_pickle_op_int2(qea_pickle *p) { return push_unsigned(p, 2); }

qea_status qea_pickle_op_int4(qea_pickle *p) {
    uint64_t value = 0;
    QEA_TRY(qea_pickle_read_number(p, 4, &value));
    return push_int(p, QEA_PICKLE_INT, (int64_t)value - (value >> 31 ? INT64_C(1) << 32 : 0));
}

qea_status qea_pickle_op_long1(qea_pickle *p) { /* a length byte, then two's complement */
    uint64_t count = 0, value = 0;
    const uint8_t *bytes = NULL;
    QEA_TRY(qea_pickle_read_number(p, 1, &count));
    if (count > 7) return qea_pickle_fail(p, "an integer of %d bytes; at most 7 are possible", (int)count);
    QEA_TRY(qea_pickle_read_bytes(p, count, &bytes));
    for (size_t b = 0; b < count; b++) value |= (uint64_t)bytes[b] << (8 * b);
    bool negative = count > 0 && (bytes[count - 1] & 0x80) != 0;
    return push_int(p, QEA_PICKLE_INT, (int64_t)value - (negative ? INT64_C(1) << (8 * count) : 0));
}

static qea_status push_counted(qea_pickle *p, qea_pickle_kind kind, int length_bytes) {
    uint64_t size = 0;
    qea_pickle_value value = {.kind = kind};
    QEA_TRY(qea_pickle_read_number(p, length_bytes, &size));
    QEA_TRY(qea_pickle_read_bytes(p, size, &value.bytes));
    value.size = (size_t)size;
    return qea_pickle_push(p, value);
}

qea_status qea_pickle_op_bytes1(qea_pickle *p) { return push_counted(p, QEA_PICKLE_BYTES, 1); }
qea_status qea_pickle_op_bytes4(qea_pickle *p) { return push_counted(p, QEA_PICKLE_BYTES, 4); }
qea_status qea_pickle_op_bytes8(qea_pickle *p) { return push_counted(p, QEA_PICKLE_BYTES, 8); }
qea_status qea_pickle_op_text1(qea_pickle *p) { return push_counted(p, QEA_PICKLE_TEXT, 1); }
qea_status qea_pickle_op_text4(qea_pickle *p) { return push_counted(p, QEA_PICKLE_TEXT, 4); }
qea_status qea_pickle_op_text8(qea_pickle *p) { return push_counted(p, QEA_PICKLE_TEXT, 8); }

qea_status qea_pickle_op_text_line(qea_pickle *p) {
    qea_pickle_value value = {.kind = QEA_PICKLE_TEXT, .escaped = true};
    QEA_TRY(qea_pickle_read_line(p, &value.bytes, &value.size));
    return qea_pickle_push(p, value);
}

/* Room for decoded text. Decoding never lengthens, and the input can be decoded at most twice (a memoised text could
 * otherwise be decoded again and again). */
static qea_status decode_buffer(qea_pickle *p, size_t size, uint8_t **out) {
    if (size > 2 * p->size - p->decoded) return qea_pickle_fail(p, "the same text is decoded again and again");
    p->decoded += size;
    return qea_alloc(p->ctx, "decoded text", size, 1, (void **)out);
}

static bool parse_hex(const uint8_t *digits, size_t count, unsigned *out) {
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        int d = digits[i], low = d | 0x20;
        if (d >= '0' && d <= '9')
            *out = *out * 16 + (unsigned)(d - '0');
        else if (low >= 'a' && low <= 'f')
            *out = *out * 16 + (unsigned)(low - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* One character of Python 2's repr of a string, after a backslash. Returns the bytes used, 0: none of its escapes. */
static size_t unescape_repr(const uint8_t *at, size_t left, uint8_t *out) {
    unsigned value = 0;
    if (left == 0) return 0;
    switch (at[0]) {
    case 'n':
        *out = '\n';
        return 1;
    case 'r':
        *out = '\r';
        return 1;
    case 't':
        *out = '\t';
        return 1;
    case '\\':
    case '\'':
    case '"':
        *out = at[0];
        return 1;
    case 'x':
        if (left < 3 || !parse_hex(at + 1, 2, &value)) return 0;
        *out = (uint8_t)value;
        return 3;
    default:
        return 0;
    }
}

qea_status qea_pickle_op_string_line(qea_pickle *p) {
    const uint8_t *line = NULL;
    size_t size = 0, used = 0;
    QEA_TRY(qea_pickle_read_line(p, &line, &size));
    if (size < 2 || (line[0] != '\'' && line[0] != '"') || line[size - 1] != line[0])
        return qea_pickle_fail(p, "a string in quotes is expected");
    uint8_t *text = NULL;
    QEA_TRY(decode_buffer(p, size - 2, &text));
    for (size_t i = 1; i < size - 1; used++) {
        if (line[i] != '\\') {
            text[used] = line[i++];
            continue;
        }
        size_t taken = unescape_repr(line + i + 1, size - 2 - i, &text[used]);
        if (taken == 0) {
            qea_free(text);
            return qea_pickle_fail(p, "an escape that is unknown, in a string, %zu bytes later", i + 1);
        }
        i += 1 + taken;
    }
    return qea_pickle_push(p, (qea_pickle_value){.kind = QEA_PICKLE_BYTES, .bytes = text, .size = used, .owned = true});
}

/* One character of the text at `at` as its code, 0..255. Returns the bytes used, 0: not in Latin-1, or malformed. */
static size_t latin1_character(const qea_pickle_value *text, const uint8_t *at, size_t left, uint8_t *out) {
    unsigned code = 0;
    *out = at[0];
    if (text->escaped) { /* Python writes a backslash itself as \u005c */
        if (at[0] != '\\') return 1;
        if (left < 6 || at[1] != 'u' || !parse_hex(at + 2, 4, &code) || code > 0xff) return 0;
        *out = (uint8_t)code;
        return 6;
    }
    if (at[0] < 0x80) return 1;
    if ((at[0] != 0xc2 && at[0] != 0xc3) || left < 2 || (at[1] & 0xc0) != 0x80) return 0;
    *out = (uint8_t)((at[0] & 3) << 6 | (at[1] & 0x3f));
    return 2;
}

qea_status qea_pickle_encode_latin1(qea_pickle *p, const qea_pickle_value *text, qea_pickle_value *out) {
    uint8_t *bytes = NULL;
    size_t used = 0;
    QEA_TRY(decode_buffer(p, text->size, &bytes));
    for (size_t i = 0; i < text->size; used++) {
        size_t taken = latin1_character(text, text->bytes + i, text->size - i, &bytes[used]);
        if (taken == 0) {
            qea_free(bytes);
            return qea_pickle_fail(p,
                                   "the text made at byte %zu has a character that is not in Latin-1, %zu bytes later",
                                   text->offset, i);
        }
        i += taken;
    }
    *out = (qea_pickle_value){.kind = QEA_PICKLE_BYTES, .bytes = bytes, .size = used, .owned = true};
    return QEA_OK;
}
