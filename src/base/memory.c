/* base/memory.c: allocation with overflow checks, on top of aligned_alloc. */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

enum {
    ALIGNMENT = 64,
    HUGE_PAGE = 2 << 20, /* blocks of two of them or more ask the system for such pages: training is 6 % faster */
    MIN_GROWTH = 8
};

static atomic_size_t allocations;
static _Thread_local size_t bytes_taken;
static atomic_long fail_countdown; /* > 0: that many allocations from now, the last of which fails */

bool qea_size_mul(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool qea_size_add(size_t a, size_t b, size_t *out) {
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

size_t qea_alloc_count(void) { return atomic_load(&allocations); }

size_t qea_alloc_bytes(void) { return bytes_taken; }

void qea_alloc_fail_after(long n) { atomic_store(&fail_countdown, n); }

static bool told_to_fail(void) { return atomic_load(&fail_countdown) > 0 && atomic_fetch_sub(&fail_countdown, 1) == 1; }

/* A block whose whole pages may be huge ones; the system may refuse, and then they are not. */
static char *take_aligned(size_t bytes) {
    size_t whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
#ifdef MADV_HUGEPAGE
    size_t pages = bytes / HUGE_PAGE;
    if (pages >= 2) {
        void *block; /* aligned_alloc takes whole huge pages only */
        if (posix_memalign(&block, HUGE_PAGE, whole) != 0) return NULL;
        (void)madvise(block, pages * HUGE_PAGE, MADV_HUGEPAGE);
        return block;
    }
#endif
    return aligned_alloc(ALIGNMENT, whole);
}

/* bytes > 0; the last ones are zeroed from `zero_from` on. */
static void *take(size_t bytes, size_t zero_from) {
    if (bytes > PTRDIFF_MAX - HUGE_PAGE || told_to_fail()) return NULL; /* pointers into more cannot be subtracted */
    char *block = take_aligned(bytes);
    if (block == NULL) return NULL;
    atomic_fetch_add(&allocations, 1);
    bytes_taken += bytes;
    memset(block + zero_from, 0, bytes - zero_from);
    return block;
}

static qea_status too_large(qea_context *ctx, const char *what, size_t count, size_t size) {
    return qea_fail(ctx, QEA_ERR_MEMORY, "%s: %zu elements of %zu bytes are more than can be addressed", what, count,
                    size);
}

/* The callers' pointers have other types than void *: they are read and written as bytes, so that no aliasing rule is
 * broken. */
qea_status qea_alloc(qea_context *ctx, const char *what, size_t count, size_t size, void **out) {
    void *block = NULL;
    memcpy(out, &block, sizeof block);
    size_t bytes;
    if (!qea_size_mul(count, size, &bytes)) return too_large(ctx, what, count, size);
    if (bytes == 0) return QEA_OK;
    block = take(bytes, 0);
    if (block == NULL) return qea_fail(ctx, QEA_ERR_MEMORY, "%s: out of memory for %zu bytes", what, bytes);
    memcpy(out, &block, sizeof block);
    return QEA_OK;
}

qea_status qea_grow(qea_context *ctx, const char *what, void **block, size_t *capacity, size_t need, size_t size) {
    if (need <= *capacity) return QEA_OK;
    size_t wanted = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : need;
    if (wanted < need) wanted = need;
    if (wanted < MIN_GROWTH) wanted = MIN_GROWTH;
    size_t bytes;
    if (!qea_size_mul(wanted, size, &bytes)) {
        wanted = need;
        if (!qea_size_mul(wanted, size, &bytes)) return too_large(ctx, what, need, size);
    }
    size_t used = *capacity * size;
    if (bytes == 0) return QEA_OK;
    void *old, *grown = take(bytes, used);
    if (grown == NULL) return qea_fail(ctx, QEA_ERR_MEMORY, "%s: out of memory for %zu bytes", what, bytes);
    memcpy(&old, block, sizeof old);
    if (used != 0) memcpy(grown, old, used);
    free(old);
    memcpy(block, &grown, sizeof grown);
    *capacity = wanted;
    return QEA_OK;
}

qea_status qea_strdup(qea_context *ctx, const char *text, char **out) {
    size_t size = strlen(text) + 1;
    *out = NULL;
    void *copy;
    QEA_TRY(qea_alloc(ctx, "text", size, 1, &copy));
    memcpy(copy, text, size);
    *out = copy;
    return QEA_OK;
}

void qea_free(void *block) { free(block); }
