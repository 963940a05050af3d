/* base/memory.h: allocation with overflow checks. Everything is freed with qea_free. */
#ifndef QEA_BASE_MEMORY_H
#define QEA_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "quantea/status.h"

/* *out = a * b; false on overflow (then *out is untouched). */
QEA_MUST_USE bool qea_size_mul(size_t a, size_t b, size_t *out);
QEA_MUST_USE bool qea_size_add(size_t a, size_t b, size_t *out);

/* count elements of size bytes, all zero, aligned to 64 bytes. *out = NULL for count 0. On failure
 * QEA_ERR_MEMORY with a message that names `what` and the size. */
QEA_MUST_USE qea_status qea_alloc(qea_context *ctx, const char *what, size_t count, size_t size, void **out);

/* Grows *block (NULL or from qea_alloc/qea_grow) to hold at least `need` elements; *capacity is updated, growth is
 * geometric, new bytes are zero. */
QEA_MUST_USE qea_status qea_grow(qea_context *ctx, const char *what, void **block, size_t *capacity, size_t need,
                                 size_t size);

QEA_MUST_USE qea_status qea_strdup(qea_context *ctx, const char *text, char **out);

void qea_free(void *block); /* NULL is allowed */

/* Number of qea_alloc/qea_grow calls that took memory so far in this process, for tests (training allocates nothing
 * after its first batch). */
size_t qea_alloc_count(void);

/* Bytes that this thread took by qea_alloc and qea_grow so far, freed since or not: what is more behind the making of
 * something than before it is that thing's memory, and what growing and temporary arrays took. */
size_t qea_alloc_bytes(void);

/* For tests: the n-th allocation from now on fails (once); 0 switches that off. */
void qea_alloc_fail_after(long n);

/* QEA_NEW(ctx, "what", pointer, count): allocates `count` of *pointer. */
#define QEA_NEW(ctx, what, pointer, count) qea_alloc((ctx), (what), (count), sizeof *(pointer), (void **)&(pointer))

#endif
