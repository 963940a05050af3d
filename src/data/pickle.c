#include "data/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/pickle_machine.h"

const char *qea_pickle_kind_name(qea_pickle_kind kind) {
    static const char *const names[] = {"None", "bool", "int",    "bytes", "text", "tuple",
                                        "list", "dict", "global", "dtype", "array"};
    return names[kind];
}

qea_status qea_pickle_fail(qea_pickle *p, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return qea_fail(p->ctx, QEA_ERR_DATA, "%s: byte %zu: %s", p->name, p->opcode_at, text);
}

qea_status qea_pickle_read_bytes(qea_pickle *p, uint64_t count, const uint8_t **out) {
    size_t left = p->size - p->at;
    if (count > left)
        return qea_pickle_fail(p, "truncated: %llu bytes should follow, but the file ends at byte %zu",
                               (unsigned long long)count, p->size);
    *out = p->bytes + p->at;
    p->at += (size_t)count;
    return QEA_OK;
}

qea_status qea_pickle_read_number(qea_pickle *p, int bytes, uint64_t *out) {
    const uint8_t *at = NULL;
    QEA_TRY(qea_pickle_read_bytes(p, (uint64_t)bytes, &at));
    *out = 0;
    for (int b = 0; b < bytes; b++) *out |= (uint64_t)at[b] << (8 * b);
    return QEA_OK;
}

qea_status qea_pickle_read_line(qea_pickle *p, const uint8_t **line, size_t *size) {
    const uint8_t *end = memchr(p->bytes + p->at, '\n', p->size - p->at);
    if (!end) return qea_pickle_fail(p, "truncated: a line does not end before the file does at byte %zu", p->size);
    *line = p->bytes + p->at;
    *size = (size_t)(end - *line);
    p->at += *size + 1;
    return QEA_OK;
}

static void free_value(qea_pickle_value *value) {
    if (value->owned) qea_free((void *)(uintptr_t)value->bytes);
    qea_free(value->items);
}

qea_status qea_pickle_push_index(qea_pickle *p, uint32_t index) {
    if (p->stack_count >= QEA_PICKLE_MAX_STACK)
        return qea_pickle_fail(p, "more than %d values on the stack", QEA_PICKLE_MAX_STACK);
    QEA_TRY(
        qea_grow(p->ctx, "pickle stack", (void **)&p->stack, &p->stack_capacity, p->stack_count + 1, sizeof *p->stack));
    p->stack[p->stack_count++] = index;
    return QEA_OK;
}

/* What the value owns becomes the pickle's, also on failure. */
qea_status qea_pickle_push(qea_pickle *p, qea_pickle_value value) {
    qea_status status = QEA_OK;
    if (p->value_count >= QEA_PICKLE_MAX_VALUES)
        status = qea_pickle_fail(p, "more than %d values", QEA_PICKLE_MAX_VALUES);
    if (status == QEA_OK)
        status = qea_grow(p->ctx, "pickle values", (void **)&p->values, &p->value_capacity, p->value_count + 1,
                          sizeof *p->values);
    if (status != QEA_OK) {
        free_value(&value);
        return status;
    }
    value.offset = p->opcode_at;
    p->values[p->value_count] = value;
    return qea_pickle_push_index(p, (uint32_t)p->value_count++);
}

qea_status qea_pickle_pop(qea_pickle *p, uint32_t *index) {
    size_t base = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (p->stack_count <= base) return qea_pickle_fail(p, "the stack is empty");
    *index = p->stack[--p->stack_count];
    return QEA_OK;
}

qea_status qea_pickle_pop_value(qea_pickle *p, qea_pickle_kind kind, qea_pickle_value **out) {
    uint32_t index = 0;
    QEA_TRY(qea_pickle_pop(p, &index));
    *out = &p->values[index];
    if ((*out)->kind != kind)
        return qea_pickle_fail(p, "a %s stands where a %s is expected", qea_pickle_kind_name((*out)->kind),
                               qea_pickle_kind_name(kind));
    return QEA_OK;
}

static qea_status memo_put(qea_pickle *p, uint64_t slot) {
    size_t base = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (slot >= QEA_PICKLE_MAX_MEMO) return qea_pickle_fail(p, "a memo slot of %d or more", QEA_PICKLE_MAX_MEMO);
    if (p->stack_count <= base) return qea_pickle_fail(p, "the stack is empty");
    QEA_TRY(qea_grow(p->ctx, "pickle memo", (void **)&p->memo, &p->memo_capacity, (size_t)slot + 1, sizeof *p->memo));
    if (slot >= p->memo_count) p->memo_count = (size_t)slot + 1;
    if (p->memo[slot] == 0) p->memo_used++;
    p->memo[slot] = p->stack[p->stack_count - 1] + 1;
    return QEA_OK;
}

static qea_status memo_get(qea_pickle *p, uint64_t slot) {
    if (slot >= p->memo_count || p->memo[slot] == 0)
        return qea_pickle_fail(p, "memo slot %llu is empty", (unsigned long long)slot);
    return qea_pickle_push_index(p, p->memo[slot] - 1);
}

/* The memo's slot as a line of digits or as a number of 1 or 4 bytes. */
static qea_status read_slot(qea_pickle *p, int bytes, uint64_t *slot) {
    if (bytes > 0) return qea_pickle_read_number(p, bytes, slot);
    const uint8_t *line = NULL;
    size_t size = 0;
    int64_t value = 0;
    QEA_TRY(qea_pickle_read_line(p, &line, &size));
    QEA_TRY(qea_pickle_parse_decimal(p, line, size, &value));
    *slot = (uint64_t)value;
    return QEA_OK;
}

static qea_status put(qea_pickle *p, int bytes) {
    uint64_t slot = 0;
    QEA_TRY(read_slot(p, bytes, &slot));
    return memo_put(p, slot);
}

static qea_status get(qea_pickle *p, int bytes) {
    uint64_t slot = 0;
    QEA_TRY(read_slot(p, bytes, &slot));
    return memo_get(p, slot);
}

static qea_status op_put_line(qea_pickle *p) { return put(p, 0); }
static qea_status op_put1(qea_pickle *p) { return put(p, 1); }
static qea_status op_put4(qea_pickle *p) { return put(p, 4); }
static qea_status op_get_line(qea_pickle *p) { return get(p, 0); }
static qea_status op_get1(qea_pickle *p) { return get(p, 1); }
static qea_status op_get4(qea_pickle *p) { return get(p, 4); }
static qea_status op_memoize(qea_pickle *p) { return memo_put(p, p->memo_used); }

static qea_status op_protocol(qea_pickle *p) {
    uint64_t version = 0;
    QEA_TRY(qea_pickle_read_number(p, 1, &version));
    if (p->opcode_at != 0 || version > 5) return qea_pickle_fail(p, "protocol %d; 0 to 5 are known", (int)version);
    return QEA_OK;
}

static qea_status op_frame(qea_pickle *p) { /* only groups opcodes for reading */
    uint64_t length = 0;
    QEA_TRY(qea_pickle_read_number(p, 8, &length));
    if (length > p->size - p->at)
        return qea_pickle_fail(p, "truncated: a frame of %llu bytes follows, but the file ends at byte %zu",
                               (unsigned long long)length, p->size);
    return QEA_OK;
}

static qea_status op_stop(qea_pickle *p) {
    if (p->mark_count != 0) return qea_pickle_fail(p, "the pickle ends behind an open mark");
    QEA_TRY(qea_pickle_pop(p, &p->root));
    if (p->stack_count != 0) return qea_pickle_fail(p, "the pickle ends with more than one value");
    if (p->at != p->size)
        return qea_fail(p->ctx, QEA_ERR_DATA, "%s: oversized: %zu bytes follow byte %zu, where the pickle ends",
                        p->name, p->size - p->at, p->at);
    p->stopped = true;
    return QEA_OK;
}

static const qea_pickle_opcode opcodes[256] = {
    ['.'] = op_stop,
    [0x80] = op_protocol,
    [0x95] = op_frame,
    /* numbers, None */
    ['I'] = qea_pickle_op_int_line,
    ['L'] = qea_pickle_op_long_line,
    ['K'] = qea_pickle_op_int1,
    ['M'] = qea_pickle_op_int2,
    ['J'] = qea_pickle_op_int4,
    [0x8a] = qea_pickle_op_long1,
    ['N'] = qea_pickle_op_none,
    [0x88] = qea_pickle_op_true,
    [0x89] = qea_pickle_op_false,
    /* strings: Python 2 str, Python 3 bytes, bytearray, text */
    ['S'] = qea_pickle_op_string_line,
    ['U'] = qea_pickle_op_bytes1,
    ['T'] = qea_pickle_op_bytes4,
    ['C'] = qea_pickle_op_bytes1,
    ['B'] = qea_pickle_op_bytes4,
    [0x8e] = qea_pickle_op_bytes8,
    [0x96] = qea_pickle_op_bytes8,
    ['V'] = qea_pickle_op_text_line,
    [0x8c] = qea_pickle_op_text1,
    ['X'] = qea_pickle_op_text4,
    [0x8d] = qea_pickle_op_text8,
    /* containers */
    ['('] = qea_pickle_op_mark,
    [')'] = qea_pickle_op_empty_tuple,
    ['t'] = qea_pickle_op_tuple,
    [0x85] = qea_pickle_op_tuple1,
    [0x86] = qea_pickle_op_tuple2,
    [0x87] = qea_pickle_op_tuple3,
    [']'] = qea_pickle_op_empty_list,
    ['l'] = qea_pickle_op_list,
    ['a'] = qea_pickle_op_append,
    ['e'] = qea_pickle_op_appends,
    ['}'] = qea_pickle_op_empty_dict,
    ['d'] = qea_pickle_op_dict,
    ['s'] = qea_pickle_op_setitem,
    ['u'] = qea_pickle_op_setitems,
    /* memo */
    ['p'] = op_put_line,
    ['q'] = op_put1,
    ['r'] = op_put4,
    [0x94] = op_memoize,
    ['g'] = op_get_line,
    ['h'] = op_get1,
    ['j'] = op_get4,
    /* objects */
    ['c'] = qea_pickle_op_global,
    [0x93] = qea_pickle_op_stack_global,
    ['R'] = qea_pickle_op_reduce,
    ['b'] = qea_pickle_op_build,
};

static qea_status run(qea_pickle *p) {
    while (!p->stopped) {
        p->opcode_at = p->at;
        if (p->at == p->size) return qea_pickle_fail(p, "truncated: the file ends before the pickle does");
        uint8_t code = p->bytes[p->at++];
        if (!opcodes[code])
            return qea_pickle_fail(p, "opcode 0x%02x is not one that a CIFAR batch is written with", code);
        QEA_TRY(opcodes[code](p));
    }
    return QEA_OK;
}

qea_status qea_pickle_parse(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, qea_pickle **out) {
    *out = NULL;
    qea_pickle *p = NULL;
    QEA_TRY(QEA_NEW(ctx, "pickle", p, 1));
    p->ctx = ctx;
    p->name = name;
    p->bytes = bytes;
    p->size = size;
    qea_status status = run(p);
    if (status != QEA_OK) {
        qea_pickle_destroy(p);
        return status;
    }
    *out = p;
    return QEA_OK;
}

void qea_pickle_destroy(qea_pickle *p) {
    if (!p) return;
    for (size_t v = 0; v < p->value_count; v++) free_value(&p->values[v]);
    qea_free(p->values);
    qea_free(p->stack);
    qea_free(p->marks);
    qea_free(p->memo);
    qea_free(p);
}

const qea_pickle_value *qea_pickle_root(const qea_pickle *p) { return &p->values[p->root]; }

const qea_pickle_value *qea_pickle_item(const qea_pickle *p, const qea_pickle_value *sequence, size_t i) {
    return &p->values[sequence->items[i]];
}

const qea_pickle_value *qea_pickle_get(const qea_pickle *p, const qea_pickle_value *dict, const char *key) {
    if (dict->kind != QEA_PICKLE_DICT) return NULL;
    for (size_t i = dict->count; i >= 2; i -= 2) /* of equal keys the last one counts, as in Python */
        if (qea_pickle_is(qea_pickle_item(p, dict, i - 2), key)) return qea_pickle_item(p, dict, i - 1);
    return NULL;
}
