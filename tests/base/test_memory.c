#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"

static void products_and_sums_that_overflow_are_refused(void **state) {
    (void)state;
    size_t out = 7;
    assert_false(qea_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_false(qea_size_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 7);
    assert_true(qea_size_mul(SIZE_MAX / 2, 2, &out));
    assert_true(out == SIZE_MAX - 1);
    assert_true(qea_size_mul(SIZE_MAX, 0, &out) && out == 0);
    assert_true(qea_size_mul(0, SIZE_MAX, &out) && out == 0);
    assert_true(qea_size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
}

static void memory_is_zero_and_aligned_to_64_bytes(void **state) {
    (void)state;
    for (size_t size = 1; size < 300; size += 13) {
        uint8_t *block;
        assert_int_equal(QEA_NEW(NULL, "block", block, size), QEA_OK);
        assert_int_equal((uintptr_t)block % 64, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(block[i], 0);
        memset(block, 0xFF, size); /* so that the next one is not zero by chance */
        qea_free(block);
    }
}

/* Around the size from which blocks lie on pages of their own. */
static void large_blocks_are_zero_to_the_last_byte_and_grow(void **state) {
    (void)state;
    static const size_t sizes[] = {(4 << 20) - 1, 4 << 20, (4 << 20) + 1, (6 << 20) - 64, (7 << 20) + 3};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *block;
        assert_int_equal(QEA_NEW(NULL, "block", block, sizes[i]), QEA_OK);
        assert_int_equal((uintptr_t)block % 64, 0);
        size_t capacity = sizes[i], zeros = 0;
        for (size_t k = 0; k < sizes[i]; k++) zeros += block[k] == 0;
        assert_int_equal(zeros, sizes[i]);
        memset(block, 0xFF, sizes[i]);
        assert_int_equal(qea_grow(NULL, "block", (void **)&block, &capacity, sizes[i] + 1, 1), QEA_OK);
        assert_true(block[0] == 0xFF && block[sizes[i] - 1] == 0xFF && block[sizes[i]] == 0 &&
                    block[capacity - 1] == 0);
        memset(block, 0xFF, capacity);
        qea_free(block);
    }
}

static void nothing_is_allocated_for_count_zero(void **state) {
    (void)state;
    int *block = (int *)1;
    size_t before = qea_alloc_count();
    assert_int_equal(QEA_NEW(NULL, "nothing", block, 0), QEA_OK);
    assert_null(block);
    assert_int_equal(qea_alloc_count(), before);
    qea_free(NULL);
}

static void impossible_sizes_are_a_memory_error_that_names_what(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    double *block = (double *)1;
    assert_int_equal(QEA_NEW(ctx, "the weights", block, SIZE_MAX / 4), QEA_ERR_MEMORY);
    assert_null(block);
    assert_non_null(strstr(qea_context_message(ctx), "the weights"));
    assert_int_equal(QEA_NEW(ctx, "all of it", block, SIZE_MAX / 8), QEA_ERR_MEMORY);
    assert_null(block);
    assert_non_null(strstr(qea_context_message(ctx), "all of it"));
    char *bytes;
    assert_int_equal(QEA_NEW(ctx, "padding overflows", bytes, SIZE_MAX), QEA_ERR_MEMORY);
    qea_context_destroy(ctx);
}

static void growing_keeps_contents_and_alignment_and_zeroes_the_rest(void **state) {
    (void)state;
    uint32_t *block = NULL;
    size_t capacity = 0, used = 0, steps = 0;
    while (used < 5000) {
        size_t before = capacity;
        assert_int_equal(qea_grow(NULL, "numbers", (void **)&block, &capacity, used + 1, sizeof *block), QEA_OK);
        assert_true(capacity > used);
        steps += capacity != before;
        assert_int_equal((uintptr_t)block % 64, 0);
        for (size_t i = before; i < capacity; i++) assert_int_equal(block[i], 0);
        for (; used < capacity; used++) block[used] = (uint32_t)used * 3 + 1;
    }
    for (size_t i = 0; i < used; i++) assert_int_equal(block[i], i * 3 + 1);
    assert_true(steps <= 12); /* geometric */
    qea_free(block);
}

static void growing_too_far_leaves_the_block_as_it_was(void **state) {
    (void)state;
    uint64_t *block = NULL;
    size_t capacity = 0;
    assert_int_equal(qea_grow(NULL, "numbers", (void **)&block, &capacity, 3, sizeof *block), QEA_OK);
    uint64_t *before = block;
    size_t capacity_before = capacity;
    block[2] = 42;
    assert_int_equal(qea_grow(NULL, "numbers", (void **)&block, &capacity, SIZE_MAX / 4, sizeof *block),
                     QEA_ERR_MEMORY);
    assert_ptr_equal(block, before);
    assert_int_equal(capacity, capacity_before);
    assert_int_equal(block[2], 42);
    qea_free(block);
}

static void allocations_are_counted(void **state) {
    (void)state;
    size_t before = qea_alloc_count(), capacity = 0;
    int *a, *b = NULL;
    assert_int_equal(QEA_NEW(NULL, "a", a, 10), QEA_OK);
    assert_int_equal(qea_grow(NULL, "b", (void **)&b, &capacity, 10, sizeof *b), QEA_OK);
    assert_int_equal(qea_grow(NULL, "b", (void **)&b, &capacity, 10, sizeof *b), QEA_OK); /* no growth needed */
    assert_int_equal(qea_alloc_count(), before + 2);
    qea_free(a);
    qea_free(b);
}

static void the_nth_allocation_can_be_made_to_fail_once(void **state) {
    (void)state;
    int *a, *b, *c;
    qea_alloc_fail_after(2);
    assert_int_equal(QEA_NEW(NULL, "a", a, 1), QEA_OK);
    assert_int_equal(QEA_NEW(NULL, "b", b, 1), QEA_ERR_MEMORY);
    assert_int_equal(QEA_NEW(NULL, "c", c, 1), QEA_OK);
    qea_alloc_fail_after(1);
    qea_alloc_fail_after(0);
    assert_int_equal(QEA_NEW(NULL, "b", b, 1), QEA_OK);
    qea_free(a);
    qea_free(b);
    qea_free(c);
}

static void text_is_copied(void **state) {
    (void)state;
    char *copy;
    assert_int_equal(qea_strdup(NULL, "", &copy), QEA_OK);
    assert_string_equal(copy, "");
    qea_free(copy);
    assert_int_equal(qea_strdup(NULL, "word", &copy), QEA_OK);
    assert_string_equal(copy, "word");
    qea_free(copy);
    qea_alloc_fail_after(1);
    assert_int_equal(qea_strdup(NULL, "word", &copy), QEA_ERR_MEMORY);
    assert_null(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_sums_that_overflow_are_refused),
        cmocka_unit_test(memory_is_zero_and_aligned_to_64_bytes),
        cmocka_unit_test(large_blocks_are_zero_to_the_last_byte_and_grow),
        cmocka_unit_test(nothing_is_allocated_for_count_zero),
        cmocka_unit_test(impossible_sizes_are_a_memory_error_that_names_what),
        cmocka_unit_test(growing_keeps_contents_and_alignment_and_zeroes_the_rest),
        cmocka_unit_test(growing_too_far_leaves_the_block_as_it_was),
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test(the_nth_allocation_can_be_made_to_fail_once),
        cmocka_unit_test(text_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
