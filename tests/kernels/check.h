/* tests/kernels/check.h: random tensors, and the two tables side by side. */
#ifndef CHECK_H
#define CHECK_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "kernels/kernels.h"

static uint64_t check_drawn;

static inline uint64_t draw(void) {
    qea_rng rng = qea_rng_make(7, QEA_RNG_TEST, 0, 0);
    return qea_rng_u64(&rng, check_drawn++);
}
static inline int draw_int(int from, int to) { return from + (int)(draw() % (uint64_t)(to - from + 1)); }
static inline float draw_float(void) { return (float)((double)(draw() >> 11) * 0x1p-53 * 4 - 2); } /* [-2, 2) */

static const char *check_isa = "auto";

/* The cpu table; skips the test by name where this build or CPU has none for the instruction set. */
static inline const qea_kernels *cpu_table(void) {
    const qea_kernels *cpu = qea_kernels_cpu(NULL, check_isa);
    if (!cpu) skip();
    return cpu;
}

/* How many random cases a test runs that has `all` of them. */
static inline int cases(int all) {
    const char *most = getenv("QEA_TEST_CASES");
    return most && atoi(most) < all ? atoi(most) : all;
}

/* Runs the tests once for each instruction set, in a process of its own because a process decides once. "auto" is a set
 * of its own where it means more than the plain ones. For processors that are emulated and slow: QEA_TEST_ISA names the
 * one set that is run, QEA_TEST_CASES is the most random cases of a test, QEA_TEST_SKIP a pattern of tests left out. */
static inline int for_each_isa(int (*tests)(const char *isa)) {
    static const char *const sets[] = {"sse2", "avx2", "avx512", "auto"};
    const char *only = getenv("QEA_TEST_ISA"), *left_out = getenv("QEA_TEST_SKIP");
    int failures = 0;
    if (left_out) cmocka_set_skip_filter(left_out);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (only && strcmp(only, sets[i]) != 0) continue;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            check_isa = sets[i];
            const qea_kernels *best = i == 3 ? qea_kernels_cpu(NULL, "auto") : NULL;
            if (best && best->bf16 != QEA_BF16) exit(0);
            exit(tests(sets[i]));
        }
        int status = 0;
        failures += child < 0 || waitpid(child, &status, 0) != child || status != 0;
    }
    return failures;
}

static inline qea_view make_view(qea_type type, size_t count) {
    qea_view v = {calloc(count > 0 ? count : 1, qea_type_bytes(type)), type};
    assert_non_null(v.data);
    return v;
}
static inline qea_view floats(const float *values) { return (qea_view){(void *)(uintptr_t)values, QEA_F32}; }
static inline float get(qea_view v, size_t i) {
    if (v.type == QEA_U8) return (float)((uint8_t *)v.data)[i];
    return v.type != QEA_BF16 ? ((float *)v.data)[i] : qea_bf16_to_f32(((uint16_t *)v.data)[i]);
}
static inline void put(qea_view v, size_t i, float value) {
    if (v.type == QEA_U8)
        ((uint8_t *)v.data)[i] = (uint8_t)value;
    else if (v.type == QEA_BF16)
        ((uint16_t *)v.data)[i] = qea_f32_to_bf16(value);
    else
        ((float *)v.data)[i] = v.type == QEA_F32 ? value : qea_round_to_bf16(value);
}
static inline qea_view random_view(qea_type type, size_t count) {
    qea_view v = make_view(type, count);
    for (size_t i = 0; i < count; i++) put(v, i, draw_float());
    return v;
}
static inline qea_view random_integers(qea_type type, size_t count, int from, int to) {
    qea_view v = make_view(type, count);
    for (size_t i = 0; i < count; i++) put(v, i, (float)draw_int(from, to));
    return v;
}
static inline qea_view copy_view(qea_view from, size_t count) {
    qea_view v = make_view(from.type, count);
    memcpy(v.data, from.data, count * qea_type_bytes(from.type));
    return v;
}
static inline float *random_floats(size_t count) { return random_view(QEA_F32, count).data; }

static inline void assert_same_bits(qea_view a, qea_view b, size_t count) {
    assert_int_equal(a.type, b.type);
    for (size_t i = 0; i < count; i++) {
        float x = get(a, i), y = get(b, i);
        if (memcmp(&x, &y, sizeof x) != 0 && !(isnan(x) && isnan(y)))
            fail_msg("value %zu of %zu: %.9g is not %.9g", i, count, (double)x, (double)y);
    }
}

/* |a - b| <= tolerance * (|b| + scale) for all. */
static inline void assert_near(const float *a, const float *b, size_t count, double tolerance, double scale) {
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= tolerance * (fabs((double)b[i]) + scale)))
            fail_msg("value %zu of %zu: %.9g is not %.9g", i, count, (double)a[i], (double)b[i]);
    }
}

#endif
