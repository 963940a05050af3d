/* data/pickle.h: reads the pickles that CIFAR's "python version" consists of, and executes nothing.
 *
 * A pickle is a program for a stack machine (its opcodes: Python's Lib/pickletools.py). This reader knows the opcodes
 * by which Python 2 and 3, protocols 0 to 5, write dicts, lists, tuples, integers, strings and numpy arrays of unsigned
 * bytes. Of the callables that a pickle may name it knows six, and builds their results itself. Anything else is
 * QEA_ERR_DATA with the offset. Values, stack, memo and decoded text are bounded, so memory is linear in the input. */
#ifndef QEA_DATA_PICKLE_H
#define QEA_DATA_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

typedef enum qea_pickle_kind {
    QEA_PICKLE_NONE,
    QEA_PICKLE_BOOL,
    QEA_PICKLE_INT,
    QEA_PICKLE_BYTES, /* Python 3 bytes and bytearray, Python 2 str */
    QEA_PICKLE_TEXT,  /* Python 3 str, Python 2 unicode */
    QEA_PICKLE_TUPLE,
    QEA_PICKLE_LIST,
    QEA_PICKLE_DICT,   /* items: key, value, key, value, ... */
    QEA_PICKLE_GLOBAL, /* one of the known callables */
    QEA_PICKLE_DTYPE,  /* numpy.dtype('u1'), the only one */
    QEA_PICKLE_ARRAY   /* numpy.ndarray of unsigned bytes, rows one after the other */
} qea_pickle_kind;

enum { QEA_PICKLE_MAX_RANK = 4 };

typedef struct qea_pickle_value {
    qea_pickle_kind kind;
    size_t offset;        /* of the opcode that made it */
    int64_t integer;      /* BOOL, INT; which GLOBAL */
    const uint8_t *bytes; /* BYTES, TEXT (as encoded), ARRAY: borrowed from the input unless owned */
    size_t size;          /* of bytes */
    bool owned;           /* bytes belong to this value */
    bool escaped;         /* TEXT: in raw-unicode-escape (protocol 0), else UTF-8 */
    bool built;           /* DTYPE, ARRAY: its state has been set */
    uint32_t *items;      /* owned, [capacity]; TUPLE, LIST, DICT: indices of values */
    size_t count, capacity;
    int rank; /* ARRAY */
    size_t shape[QEA_PICKLE_MAX_RANK];
} qea_pickle_value;

typedef struct qea_pickle qea_pickle;

/* `bytes` is borrowed for as long as the result lives; `name` stands in messages. */
QEA_MUST_USE qea_status qea_pickle_parse(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                         qea_pickle **out);
void qea_pickle_destroy(qea_pickle *pickle); /* NULL is allowed */

const qea_pickle_value *qea_pickle_root(const qea_pickle *pickle);
/* The value under a key of bytes or text in a dict, or NULL (also where `dict` is none). */
const qea_pickle_value *qea_pickle_get(const qea_pickle *pickle, const qea_pickle_value *dict, const char *key);
/* items[i] of a tuple or list; i < count. */
const qea_pickle_value *qea_pickle_item(const qea_pickle *pickle, const qea_pickle_value *sequence, size_t i);
const char *qea_pickle_kind_name(qea_pickle_kind kind);

#endif
