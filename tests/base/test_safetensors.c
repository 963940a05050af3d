#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/safetensors.h"
#include "base/scratch.h"

static qea_context *ctx;
static scratch folder;

static int set_up(void **state) {
    (void)state;
    ctx = qea_context_create();
    folder = scratch_make();
    return ctx == NULL;
}

static int tear_down(void **state) {
    (void)state;
    scratch_remove(&folder);
    qea_context_destroy(ctx);
    return 0;
}

static void assert_says(const char *part) {
    if (strstr(qea_context_message(ctx), part) == NULL) fail_msg("'%s' is not in '%s'", part, qea_context_message(ctx));
}

/* The bytes of a file with this header and so many bytes of data 0, 1, 2, ...; returns the size. */
static size_t make_file(const char *header, size_t data_size, uint8_t *out) {
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(length >> (8 * i));
    memcpy(out + 8, header, length);
    for (size_t i = 0; i < data_size; i++) out[8 + length + i] = (uint8_t)i;
    return 8 + length + data_size;
}

static qea_status parse_header(const char *header, size_t data_size, qea_st_file **out) {
    uint8_t bytes[4096];
    assert_true(strlen(header) + data_size + 8 <= sizeof bytes);
    return qea_st_parse(ctx, "test", bytes, make_file(header, data_size, bytes), out);
}

/* Written by hand after the description of the format. */
static void a_file_of_the_published_format_is_read(void **state) {
    (void)state;
    qea_st_file *file;
    assert_int_equal(parse_header("{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]},"
                                  "\"__metadata__\":{\"format\":\"pt\",\"empty\":\"\"},"
                                  "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                                  "\"scalar\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[19,27]},"
                                  "\"none\":{\"dtype\":\"F16\",\"shape\":[4,0],\"data_offsets\":[27,27]}}   ",
                                  27, &file),
                     QEA_OK);
    assert_int_equal(file->count, 4);
    assert_string_equal(file->tensors[0].name, "a"); /* in the order of their bytes */
    const qea_st_tensor *a = qea_st_find(file, "a"), *b = qea_st_find(file, "b"), *scalar = qea_st_find(file, "scalar");
    assert_int_equal(a->type, QEA_ST_F32);
    assert_int_equal(a->rank, 2);
    assert_int_equal(a->dims[1], 2);
    assert_int_equal(a->bytes, 16);
    assert_int_equal(a->data[5], 5);
    assert_int_equal(b->type, QEA_ST_U8);
    assert_int_equal(b->data[0], 16);
    assert_int_equal(scalar->rank, 0);
    assert_int_equal(scalar->bytes, 8);
    assert_int_equal(qea_st_find(file, "none")->type, QEA_ST_F16);
    assert_int_equal(qea_st_find(file, "none")->bytes, 0);
    assert_null(qea_st_find(file, "c"));
    assert_string_equal(qea_st_meta(file, "format"), "pt");
    assert_string_equal(qea_st_meta(file, "empty"), "");
    assert_null(qea_st_meta(file, "other"));
    qea_st_destroy(file);
    qea_st_destroy(NULL);
}

static void a_file_without_tensors_is_read(void **state) {
    (void)state;
    qea_st_file *file;
    assert_int_equal(parse_header("{}", 0, &file), QEA_OK);
    assert_int_equal(file->count, 0);
    qea_st_destroy(file);
}

#define T(name, dtype, shape, begin, end)                                                                              \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void hostile_headers_are_refused_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data_size;
        const char *reason;
    } cases[] = {
        {"", 0, "begin with '{'"},
        {" {}", 0, "begin with '{'"},
        {"[]", 0, "begin with '{'"},
        {"{", 0, "byte 9"},
        {"{} x", 0, "header"},
        {"{}", 1, "the tensors end at byte 0"},
        {"{\"a\":1}", 0, "not an object"},
        {"{\"a\":{}}", 0, "dtype, shape and data_offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":1}}", 1, "nothing else"},
        {"{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2, "duplicate"},
        {"{" T("a", "F99", "[1]", 0, 1) "}", 1, "F99"},
        {"{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype"},
        {"{" T("a", "U8", "1", 0, 1) "}", 1, "shape"},
        {"{" T("a", "U8", "[-1]", 0, 1) "}", 1, "shape"},
        {"{" T("a", "U8", "[1.0]", 0, 1) "}", 1, "shape"},
        {"{" T("a", "U8", "[\"1\"]", 0, 1) "}", 1, "shape"},
        {"{" T("a", "U8", "[9223372036854775808]", 0, 1) "}", 1, "header"},
        {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "9 dimensions, at most 8"},
        {"{" T("a", "U8", "[4294967296,4294967297]", 0, 4294967296) "}", 1, "do not lie"},
        {"{" T("a", "F32", "[4611686018427387905]", 0, 4) "}", 4, "overflows"},
        {"{" T("a", "U8", "[4294967296,4294967296]", 0, 0) "}", 0, "overflows"},
        {"{" T("a", "F32", "[2]", 0, 4) "}", 4, "needs 8 bytes, data_offsets give 4"},
        {"{" T("a", "U8", "[2]", 0, 2) "}", 1, "do not lie"},
        {"{" T("a", "U8", "[1]", 1, 0) "}", 1, "do not lie"},
        {"{" T("a", "U8", "[1]", -1, 0) "}", 1, "data_offsets"},
        {"{" T("a", "U8", "[1]", 0.0, 1) "}", 1, "data_offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, "data_offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":{}}}", 1, "data_offsets"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 1, 3) "}", 3, "overlap"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 0, 2) "}", 2, "overlap"},
        {"{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 2, 3) "}", 3, "hole"},
        {"{" T("a", "U8", "[1]", 1, 2) "}", 2, "hole"},
        {"{" T("a", "U8", "[1]", 0, 1) "}", 2, "the file at 2"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[0]", 1, 1) "}", 2, "overlap"},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "'k'"},
        {"{\"__metadata__\":{\"k\":\"\\u0000\"}}", 0, "header"},
        {"{\"\xff\":1}", 0, "decode"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qea_st_file *file;
        if (parse_header(cases[i].header, cases[i].data_size, &file) != QEA_ERR_DATA)
            fail_msg("accepted: %s", cases[i].header);
        assert_null(file);
        assert_says("test: ");
        assert_says(cases[i].reason);
    }
}

static void impossible_header_lengths_are_refused(void **state) {
    (void)state;
    qea_st_file *file;
    uint8_t bytes[64];
    size_t size = make_file("{}", 0, bytes);
    for (size_t cut = 0; cut < 8; cut++) {
        assert_int_equal(qea_st_parse(ctx, "test", bytes, cut, &file), QEA_ERR_DATA);
        assert_says("too few");
    }
    static const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int j = 0; j < 8; j++) bytes[j] = (uint8_t)(lengths[i] >> (8 * j));
        assert_int_equal(qea_st_parse(ctx, "test", bytes, size, &file), QEA_ERR_DATA);
        assert_says("promises a header");
    }
}

static const float weights[6] = {1, 2, 3, 4, 5, 6};
static const uint8_t labels[3] = {7, 8, 9};
static const int64_t steps[1] = {1234567890123};

static void fill_tensors(qea_st_tensor tensors[3]) {
    static char names[3][8] = {"w\"1", "labels", "steps"};
    tensors[0] = (qea_st_tensor){names[0], QEA_ST_F32, 2, {2, 3}, sizeof weights, (const uint8_t *)weights};
    tensors[1] = (qea_st_tensor){names[1], QEA_ST_U8, 1, {3}, sizeof labels, labels};
    tensors[2] = (qea_st_tensor){names[2], QEA_ST_I64, 0, {0}, sizeof steps, (const uint8_t *)steps};
}

static qea_status write_sample(const char *path) {
    static const char *const keys[] = {"bits", "arch"}, *const values[] = {"[4, 8]", "resnet \xc3\xa9\n\"20\""};
    qea_st_tensor tensors[3];
    fill_tensors(tensors);
    return qea_st_write(ctx, path, tensors, 3, keys, values, 2);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    qea_st_file *file;
    const char *path = scratch_path(&folder, "sample.safetensors");
    assert_int_equal(write_sample(path), QEA_OK);
    assert_int_equal(qea_st_read(ctx, path, 4096, &file), QEA_OK);
    assert_string_equal(file->path, path);
    assert_int_equal(file->count, 3);
    assert_string_equal(file->tensors[0].name, "w\"1");
    assert_string_equal(file->tensors[2].name, "steps");
    const qea_st_tensor *w = qea_st_find(file, "w\"1"), *s = qea_st_find(file, "steps");
    assert_int_equal(w->dims[0] * 10 + w->dims[1], 23);
    assert_memory_equal(w->data, weights, sizeof weights);
    assert_memory_equal(s->data, steps, sizeof steps);
    assert_memory_equal(qea_st_find(file, "labels")->data, labels, sizeof labels);
    assert_int_equal((w->data - file->bytes) % 8, 0);
    assert_int_equal(file->meta_count, 2);
    assert_string_equal(qea_st_meta(file, "bits"), "[4, 8]");
    assert_string_equal(qea_st_meta(file, "arch"), "resnet \xc3\xa9\n\"20\"");
    qea_st_destroy(file);
    assert_int_equal(qea_st_read(ctx, path, 20, &file), QEA_ERR_DATA);
    assert_says("at most 20");
    assert_int_equal(qea_st_read(ctx, scratch_path(&folder, "none"), 20, &file), QEA_ERR_DATA);
}

/* The bytes themselves, against the format's description. */
static void written_bytes_follow_the_published_format(void **state) {
    (void)state;
    static char name[] = "x";
    static const uint8_t data[2] = {0xAB, 0xCD};
    qea_st_tensor tensor = {name, QEA_ST_I16, 1, {1}, 2, data};
    const char *path = scratch_path(&folder, "bytes.safetensors");
    uint8_t *bytes;
    size_t size;
    assert_int_equal(qea_st_write(ctx, path, &tensor, 1, NULL, NULL, 0), QEA_OK);
    assert_int_equal(qea_file_read(ctx, path, 4096, &bytes, &size), QEA_OK);
    static const char header[] = "{\"x\": {\"dtype\": \"I16\", \"shape\": [1], \"data_offsets\": [0, 2]}}";
    size_t length = (sizeof header - 1 + 7) / 8 * 8;
    assert_int_equal(bytes[0], length);
    for (int i = 1; i < 8; i++) assert_int_equal(bytes[i], 0);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < length; i++) assert_int_equal(bytes[8 + i], ' ');
    assert_int_equal(size, 8 + length + 2);
    assert_memory_equal(bytes + 8 + length, data, 2);
    qea_free(bytes);
}

static void no_truncated_or_longer_file_is_accepted(void **state) {
    (void)state;
    const char *path = scratch_path(&folder, "cut.safetensors");
    uint8_t *bytes;
    size_t size;
    qea_st_file *file;
    assert_int_equal(write_sample(path), QEA_OK);
    assert_int_equal(qea_file_read(ctx, path, 4096, &bytes, &size), QEA_OK);
    for (size_t cut = 0; cut < size; cut++) assert_int_equal(qea_st_parse(ctx, "cut", bytes, cut, &file), QEA_ERR_DATA);
    assert_int_equal(qea_st_parse(ctx, "longer", bytes, size + 1, &file), QEA_ERR_DATA); /* the 0 behind the end */
    qea_free(bytes);
}

/* Damaged headers are either refused or give tensors within the file. */
static void damaged_files_never_lead_outside_the_file(void **state) {
    (void)state;
    const char *path = scratch_path(&folder, "damaged.safetensors");
    qea_rng rng = qea_rng_make(21, QEA_RNG_TEST, 0, 0);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(write_sample(path), QEA_OK);
    assert_int_equal(qea_file_read(ctx, path, 4096, &bytes, &size), QEA_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        uint8_t *byte = &bytes[qea_rng_below(&rng, 2 * i, (uint32_t)size)], kept = *byte;
        *byte = (uint8_t)qea_rng_below(&rng, 2 * i + 1, 256);
        qea_st_file *file;
        qea_status status = qea_st_parse(ctx, "damaged", bytes, size, &file);
        assert_true(status == QEA_OK || status == QEA_ERR_DATA);
        for (size_t t = 0; status == QEA_OK && t < file->count; t++) {
            assert_true(file->tensors[t].data >= file->bytes + 8);
            assert_true(file->tensors[t].data + file->tensors[t].bytes <= file->bytes + file->size);
        }
        qea_st_destroy(file);
        *byte = kept;
    }
    qea_free(bytes);
}

static void tensors_that_contradict_themselves_are_not_written(void **state) {
    (void)state;
    const char *path = scratch_path(&folder, "bad.safetensors");
    qea_st_tensor tensors[3];
    static char meta_name[] = "__metadata__", not_utf8[] = "\xff";
    for (int i = 0; i < 8; i++) {
        fill_tensors(tensors);
        switch (i) {
        case 0:
            tensors[1].bytes = 4;
            break;
        case 1:
            tensors[1].rank = 9;
            break;
        case 2:
            tensors[1].rank = -1;
            break;
        case 3:
            tensors[1].type = QEA_ST_TYPES;
            break;
        case 4:
            tensors[1].name = meta_name;
            break;
        case 5:
            tensors[1].name = tensors[0].name;
            break;
        case 6:
            tensors[1].name = not_utf8;
            break;
        default:
            tensors[0].dims[0] = SIZE_MAX / 2;
            break;
        }
        assert_int_equal(qea_st_write(ctx, path, tensors, 3, NULL, NULL, 0), QEA_ERR_DATA);
        assert_says(path);
        assert_false(qea_file_exists(path));
    }
    static const char *const keys[] = {"a", "a"}, *const values[] = {"1", "2"};
    assert_int_equal(qea_st_write(ctx, path, NULL, 0, keys, values, 2), QEA_ERR_DATA);
    assert_says("used twice");
}

static void a_full_disk_keeps_the_old_file(void **state) {
    (void)state;
    static uint8_t data[20000];
    static char name[] = "large";
    qea_st_tensor tensor = {name, QEA_ST_U8, 1, {sizeof data}, sizeof data, data};
    const char *path = scratch_path(&folder, "full.safetensors");
    assert_int_equal(write_sample(path), QEA_OK);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    qea_status status = qea_st_write(ctx, path, &tensor, 1, NULL, NULL, 0);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, QEA_ERR_IO);
    assert_says(path);
    qea_st_file *file;
    assert_int_equal(qea_st_read(ctx, path, 4096, &file), QEA_OK);
    assert_int_equal(file->count, 3);
    qea_st_destroy(file);
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    const char *path = scratch_path(&folder, "memory.safetensors");
    long n = 0;
    qea_status status;
    do {
        qea_st_file *file = NULL;
        qea_alloc_fail_after(++n);
        status = write_sample(path);
        if (status == QEA_OK) status = qea_st_read(ctx, path, 4096, &file);
        qea_alloc_fail_after(0);
        qea_st_destroy(file);
        assert_true(status == QEA_OK || status == QEA_ERR_MEMORY);
    } while (status != QEA_OK);
    assert_true(n > 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_the_published_format_is_read),
        cmocka_unit_test(a_file_without_tensors_is_read),
        cmocka_unit_test(hostile_headers_are_refused_with_a_reason),
        cmocka_unit_test(impossible_header_lengths_are_refused),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(written_bytes_follow_the_published_format),
        cmocka_unit_test(no_truncated_or_longer_file_is_accepted),
        cmocka_unit_test(damaged_files_never_lead_outside_the_file),
        cmocka_unit_test(tensors_that_contradict_themselves_are_not_written),
        cmocka_unit_test(a_full_disk_keeps_the_old_file),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
