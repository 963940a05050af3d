/* What the tests of the data readers share: a folder that is removed afterwards, small files, expectations. */
#ifndef QEA_TESTS_DATA_FIXTURE_H
#define QEA_TESTS_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/readers.h"

typedef struct fixture {
    char folder[256];
    qea_context *ctx;
} fixture;

static inline int fixture_remove(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

static inline int fixture_setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    if (!f) return -1;
    snprintf(f->folder, sizeof f->folder, "%s/qea-data-XXXXXX", base && strlen(base) < 200 ? base : "/tmp");
    f->ctx = qea_context_create();
    *state = f;
    return f->ctx && mkdtemp(f->folder) ? 0 : -1;
}

static inline int fixture_teardown(void **state) {
    fixture *f = *state;
    nftw(f->folder, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    qea_context_destroy(f->ctx);
    free(f);
    return 0;
}

#define FIXTURE_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/* The path of `name` in the folder, in a buffer that four calls later is used again. */
static inline const char *fixture_path(const fixture *f, const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", f->folder, name);
    return path;
}

/* Writes a file, making the folders of its name. */
static inline void fixture_write(const fixture *f, const char *name, const void *bytes, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    for (char *slash = path + strlen(f->folder) + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file of zeros (sparse) of the given size. */
static inline void fixture_zeros(const fixture *f, const char *name, size_t size) {
    fixture_write(f, name, "", 0);
    assert_int_equal(truncate(fixture_path(f, name), (off_t)size), 0);
}

/* Overwrites bytes of a file. */
static inline void fixture_patch(const fixture *f, const char *name, size_t offset, const void *bytes, size_t size) {
    FILE *file = fopen(fixture_path(f, name), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void fixture_truncate(const fixture *f, const char *name, size_t size) {
    assert_int_equal(truncate(fixture_path(f, name), (off_t)size), 0);
}

static inline void expect_message(const fixture *f, const char *part) {
    const char *message = qea_context_message(f->ctx);
    if (!strstr(message, part)) fail_msg("\"%s\" is not in the message \"%s\"", part, message);
}

static inline qea_dataset *fixture_load(const fixture *f, const char *type, const char *path, qea_dataset_part part) {
    qea_dataset *dataset = NULL;
    qea_dataset_source source = {.type = type, .path = path};
    qea_status status = qea_dataset_load(f->ctx, &source, part, &dataset);
    if (status != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
    return dataset;
}

/* Loading must fail with QEA_ERR_DATA and a message that contains both texts (NULL: any). */
static inline void expect_data_error(const fixture *f, const char *type, qea_dataset_part part, const char *one,
                                     const char *other) {
    qea_dataset *dataset = NULL;
    qea_dataset_source source = {.type = type, .path = f->folder};
    assert_int_equal(qea_dataset_load(f->ctx, &source, part, &dataset), QEA_ERR_DATA);
    assert_null(dataset);
    if (one) expect_message(f, one);
    if (other) expect_message(f, other);
}

#endif
