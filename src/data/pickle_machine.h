/* data/pickle_machine.h: what the files of the pickle reader share. */
#ifndef QEA_DATA_PICKLE_MACHINE_H
#define QEA_DATA_PICKLE_MACHINE_H

#include "data/pickle.h"

/* Five times what the largest file, CIFAR-100's training part, needs in the most wasteful protocol. */
enum { QEA_PICKLE_MAX_VALUES = 1 << 20, QEA_PICKLE_MAX_STACK = 1 << 20, QEA_PICKLE_MAX_MEMO = 1 << 20 };

struct qea_pickle {
    qea_context *ctx; /* borrowed */
    const char *name; /* borrowed */
    const uint8_t *bytes;
    size_t size, at, opcode_at;
    qea_pickle_value *values; /* owned; a value's index never changes, its address may */
    size_t value_count, value_capacity;
    uint32_t *stack; /* owned; indices of values */
    size_t stack_count, stack_capacity;
    size_t *marks; /* owned; heights of the stack */
    size_t mark_count, mark_capacity;
    uint32_t *memo; /* owned; index of the value + 1, 0 = nothing */
    size_t memo_count, memo_used, memo_capacity;
    size_t decoded; /* bytes of decoded text, all together */
    uint32_t root;
    bool stopped;
};

typedef qea_status (*qea_pickle_opcode)(qea_pickle *p);

/* "name: byte N: ..." with the offset of the current opcode. */
qea_status qea_pickle_fail(qea_pickle *p, const char *format, ...) QEA_PRINTF(2, 3);

/* Input. Little-endian, `bytes` of 1, 2, 4 or 8. A line ends with a newline that is not counted. */
QEA_MUST_USE qea_status qea_pickle_read_number(qea_pickle *p, int bytes, uint64_t *out);
QEA_MUST_USE qea_status qea_pickle_read_bytes(qea_pickle *p, uint64_t count, const uint8_t **out);
QEA_MUST_USE qea_status qea_pickle_read_line(qea_pickle *p, const uint8_t **line, size_t *size);

/* Stack. A popped value must lie above the last mark. Popped pointers are valid until the next push. */
QEA_MUST_USE qea_status qea_pickle_push(qea_pickle *p, qea_pickle_value value);
QEA_MUST_USE qea_status qea_pickle_push_index(qea_pickle *p, uint32_t index);
QEA_MUST_USE qea_status qea_pickle_pop(qea_pickle *p, uint32_t *index);
QEA_MUST_USE qea_status qea_pickle_pop_value(qea_pickle *p, qea_pickle_kind kind, qea_pickle_value **out);

/* A line that is a decimal number of at most 18 digits. */
QEA_MUST_USE qea_status qea_pickle_parse_decimal(qea_pickle *p, const uint8_t *line, size_t size, int64_t *out);

/* The bytes that text.encode('latin1') gives, as a new value's owned bytes. */
QEA_MUST_USE qea_status qea_pickle_encode_latin1(qea_pickle *p, const qea_pickle_value *text, qea_pickle_value *out);

bool qea_pickle_is(const qea_pickle_value *value, const char *string); /* bytes or text of these characters */

/* pickle_scalars.c */
qea_status qea_pickle_op_int_line(qea_pickle *p);
qea_status qea_pickle_op_long_line(qea_pickle *p);
qea_status qea_pickle_op_int1(qea_pickle *p);
qea_status qea_pickle_op_int2(qea_pickle *p);
qea_status qea_pickle_op_int4(qea_pickle *p);
qea_status qea_pickle_op_long1(qea_pickle *p);
qea_status qea_pickle_op_none(qea_pickle *p);
qea_status qea_pickle_op_true(qea_pickle *p);
qea_status qea_pickle_op_false(qea_pickle *p);
qea_status qea_pickle_op_bytes1(qea_pickle *p);
qea_status qea_pickle_op_bytes4(qea_pickle *p);
qea_status qea_pickle_op_bytes8(qea_pickle *p);
qea_status qea_pickle_op_text1(qea_pickle *p);
qea_status qea_pickle_op_text4(qea_pickle *p);
qea_status qea_pickle_op_text8(qea_pickle *p);
qea_status qea_pickle_op_text_line(qea_pickle *p);
qea_status qea_pickle_op_string_line(qea_pickle *p);

/* pickle_containers.c */
qea_status qea_pickle_op_mark(qea_pickle *p);
qea_status qea_pickle_op_empty_tuple(qea_pickle *p);
qea_status qea_pickle_op_empty_list(qea_pickle *p);
qea_status qea_pickle_op_empty_dict(qea_pickle *p);
qea_status qea_pickle_op_tuple(qea_pickle *p);
qea_status qea_pickle_op_list(qea_pickle *p);
qea_status qea_pickle_op_dict(qea_pickle *p);
qea_status qea_pickle_op_tuple1(qea_pickle *p);
qea_status qea_pickle_op_tuple2(qea_pickle *p);
qea_status qea_pickle_op_tuple3(qea_pickle *p);
qea_status qea_pickle_op_append(qea_pickle *p);
qea_status qea_pickle_op_appends(qea_pickle *p);
qea_status qea_pickle_op_setitem(qea_pickle *p);
qea_status qea_pickle_op_setitems(qea_pickle *p);

/* pickle_objects.c */
qea_status qea_pickle_op_global(qea_pickle *p);
qea_status qea_pickle_op_stack_global(qea_pickle *p);
qea_status qea_pickle_op_reduce(qea_pickle *p);
qea_status qea_pickle_op_build(qea_pickle *p);

#endif
