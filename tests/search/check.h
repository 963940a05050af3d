/* tests/search/check.h: what the tests of this layer share. */
#ifndef TEST_SEARCH_CHECK_H
#define TEST_SEARCH_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "quantea/search.h"

#if defined(__SANITIZE_ADDRESS__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

static inline void must(qea_status status) { assert_int_equal(status, QEA_OK); }

static inline void *test_alloc(size_t bytes) {
    void *block = calloc(1, bytes);
    assert_non_null(block);
    return block;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), so that the tests' numbers are not the library's. */
static inline uint64_t test_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double test_uniform(uint64_t *state) { return (double)(test_random(state) >> 11) * 0x1p-53; }

static inline size_t test_below(uint64_t *state, size_t bound) { return (size_t)(test_random(state) % bound); }

static inline int test_compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts the values. */
static inline double test_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, test_compare);
    return values[count / 2];
}

#endif
