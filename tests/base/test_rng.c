#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

/* kat_vectors of the Random123 distribution, "philox4x32 10". */
static void philox_gives_the_published_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        qea_philox4x32(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void values_depend_on_the_arguments_only(void **state) {
    (void)state;
    qea_rng a = qea_rng_make(5, QEA_RNG_TEST, 1, 2), b = qea_rng_make(5, QEA_RNG_TEST, 1, 2);
    uint64_t forward[50];
    for (uint64_t i = 0; i < 50; i++) forward[i] = qea_rng_u64(&a, i);
    for (uint64_t i = 50; i-- > 0;) assert_true(qea_rng_u64(&b, i) == forward[i]);
}

static void every_argument_changes_the_value(void **state) {
    (void)state;
    uint64_t values[7];
    qea_rng base = qea_rng_make(5, QEA_RNG_TEST, 1, 2), seed = qea_rng_make(6, QEA_RNG_TEST, 1, 2);
    qea_rng purpose = qea_rng_make(5, QEA_RNG_INIT, 1, 2), trial = qea_rng_make(5, QEA_RNG_TEST, 2, 2);
    qea_rng epoch = qea_rng_make(5, QEA_RNG_TEST, 1, 3);
    values[0] = qea_rng_u64(&base, 9);
    values[1] = qea_rng_u64(&base, 10);
    values[2] = qea_rng_u64(&base, 9 + (UINT64_C(1) << 32));
    values[3] = qea_rng_u64(&seed, 9);
    values[4] = qea_rng_u64(&purpose, 9);
    values[5] = qea_rng_u64(&trial, 9);
    values[6] = qea_rng_u64(&epoch, 9);
    for (int i = 0; i < 7; i++) {
        for (int j = 0; j < i; j++) assert_true(values[i] != values[j]);
    }
}

static int bits_set(uint64_t x) {
    int count = 0;
    for (; x != 0; x &= x - 1) count++;
    return count;
}

/* Keys of seeds that differ by one, and values drawn under them, differ in half of the 64 bits: the mean over 1000
 * has a standard deviation of 0.13. */
static void neighbouring_seeds_and_purposes_are_unrelated(void **state) {
    (void)state;
    double keys = 0, values = 0, purposes = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        qea_rng a = qea_rng_make(seed, QEA_RNG_INIT, 0, 0), b = qea_rng_make(seed + 1, QEA_RNG_INIT, 0, 0);
        qea_rng c = qea_rng_make(seed, QEA_RNG_SHUFFLE, 0, 0);
        keys += bits_set(a.key[0] ^ b.key[0]) + bits_set(a.key[1] ^ b.key[1]);
        values += bits_set(qea_rng_u64(&a, 0) ^ qea_rng_u64(&b, 0));
        purposes += bits_set(a.key[0] ^ c.key[0]) + bits_set(a.key[1] ^ c.key[1]);
        assert_true(a.key[0] != b.key[0] || a.key[1] != b.key[1]);
    }
    assert_true(fabs(keys / 1000 - 32) < 0.7);
    assert_true(fabs(values / 1000 - 32) < 0.7);
    assert_true(fabs(purposes / 1000 - 32) < 0.7);
}

/* Chi-square of 100 equal cells: mean 99, standard deviation 14; 160 is above the 99.99 % quantile. */
static void uniform_numbers_fill_zero_to_one_evenly(void **state) {
    (void)state;
    enum { N = 100000, CELLS = 100 };
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    int cells[CELLS] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double u = qea_rng_uniform(&rng, i);
        assert_true(u >= 0 && u < 1);
        cells[(int)(u * CELLS)]++;
    }
    double chi_square = 0;
    for (int i = 0; i < CELLS; i++) chi_square += pow(cells[i] - N / CELLS, 2) / (N / CELLS);
    assert_true(chi_square < 160);
}

static void bounded_numbers_stay_below_the_bound_and_are_even(void **state) {
    (void)state;
    qea_rng rng = qea_rng_make(2, QEA_RNG_TEST, 0, 0);
    int counts[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) counts[qea_rng_below(&rng, i, 7)]++;
    for (int i = 0; i < 7; i++) assert_true(abs(counts[i] - 10000) < 500); /* 5.4 standard deviations */
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(qea_rng_below(&rng, i, 1), 0);
        assert_true(qea_rng_below(&rng, i, UINT32_MAX) < UINT32_MAX);
    }
}

/* The upper word of the exact product, by a 128-bit multiplication in 32-bit steps of a different order. */
static void bounded_numbers_are_the_scaled_64_bit_value(void **state) {
    (void)state;
    qea_rng rng = qea_rng_make(3, QEA_RNG_TEST, 0, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t bound = (uint32_t)(qea_rng_u64(&rng, 5000 + i) | 1);
        long double exact = (long double)qea_rng_u64(&rng, i) * bound / 18446744073709551616.0L;
        assert_true(fabsl(exact - 0.5L - qea_rng_below(&rng, i, bound)) <= 0.5L + 1e-6L);
    }
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov against erf: sqrt(n) D exceeds 2.2 with probability 1e-4. */
static void normal_numbers_follow_the_normal_distribution(void **state) {
    (void)state;
    enum { N = 20000 };
    static double values[N];
    qea_rng rng = qea_rng_make(4, QEA_RNG_TEST, 0, 0);
    double sum = 0, squares = 0, distance = 0;
    for (int i = 0; i < N; i++) {
        values[i] = qea_rng_normal(&rng, (uint64_t)i);
        assert_true(isfinite(values[i]));
        sum += values[i];
        squares += values[i] * values[i];
    }
    assert_true(fabs(sum / N) < 0.03);
    assert_true(fabs(squares / N - 1) < 0.05);
    qsort(values, N, sizeof values[0], compare_doubles);
    for (int i = 0; i < N; i++) {
        double cdf = 0.5 * erfc(-values[i] / sqrt(2.0));
        distance = fmax(distance, fmax(fabs(cdf - (double)i / N), fabs(cdf - (i + 1.0) / N)));
    }
    assert_true(distance * sqrt(N) < 2.2);
}

/* All 24 orders of four things come up equally often: 1000 each, standard deviation 31. */
static void permutations_are_valid_and_all_equally_likely(void **state) {
    (void)state;
    int counts[256] = {0}, seen = 0;
    for (uint32_t trial = 0; trial < 24000; trial++) {
        qea_rng rng = qea_rng_make(6, QEA_RNG_SHUFFLE, trial, 0);
        uint32_t order[4];
        qea_rng_permutation(&rng, 4, order);
        uint32_t present = 0, code = 0;
        for (int i = 0; i < 4; i++) {
            assert_true(order[i] < 4);
            present |= 1u << order[i];
            code = code * 4 + order[i];
        }
        assert_int_equal(present, 15);
        counts[code]++;
    }
    for (int i = 0; i < 256; i++) {
        if (counts[i] == 0) continue;
        seen++;
        assert_true(abs(counts[i] - 1000) < 160);
    }
    assert_int_equal(seen, 24);
}

static void permutations_of_nothing_and_one_thing_work(void **state) {
    (void)state;
    qea_rng rng = qea_rng_make(6, QEA_RNG_SHUFFLE, 0, 0);
    uint32_t order[2] = {9, 9};
    qea_rng_permutation(&rng, 0, order);
    assert_int_equal(order[0], 9);
    qea_rng_permutation(&rng, 1, order);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_known_answers),
        cmocka_unit_test(values_depend_on_the_arguments_only),
        cmocka_unit_test(every_argument_changes_the_value),
        cmocka_unit_test(neighbouring_seeds_and_purposes_are_unrelated),
        cmocka_unit_test(uniform_numbers_fill_zero_to_one_evenly),
        cmocka_unit_test(bounded_numbers_stay_below_the_bound_and_are_even),
        cmocka_unit_test(bounded_numbers_are_the_scaled_64_bit_value),
        cmocka_unit_test(normal_numbers_follow_the_normal_distribution),
        cmocka_unit_test(permutations_are_valid_and_all_equally_likely),
        cmocka_unit_test(permutations_of_nothing_and_one_thing_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
