#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scratch.h"

typedef struct fixture {
    qea_context *ctx;
    scratch scratch;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    f->ctx = qea_context_create();
    f->scratch = scratch_make();
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    qea_alloc_fail_after(0);
    scratch_remove(&f->scratch);
    qea_context_destroy(f->ctx);
    free(f);
    return 0;
}

static void assert_says(const fixture *f, const char *part) {
    if (strstr(qea_context_message(f->ctx), part) == NULL)
        fail_msg("'%s' is not in '%s'", part, qea_context_message(f->ctx));
}

static void assert_holds(const fixture *f, const char *path, const char *text) {
    uint8_t *bytes;
    size_t size;
    assert_int_equal(qea_file_read(f->ctx, path, 1000, &bytes, &size), QEA_OK);
    assert_int_equal(size, strlen(text));
    assert_string_equal((char *)bytes, text); /* also: the 0 byte behind the end */
    qea_free(bytes);
}

static void assert_names(const fixture *f, size_t expected) {
    char **names;
    size_t count;
    assert_int_equal(qea_folder_list(f->ctx, f->scratch.folder, 100, &names, &count), QEA_OK);
    assert_int_equal(count, expected);
    qea_names_free(names, count);
}

static void what_is_written_is_read_back(void **state) {
    fixture *f = *state;
    enum { SIZE = 300000 };
    uint8_t *written = malloc(SIZE), *bytes;
    size_t size;
    for (size_t i = 0; i < SIZE; i++) written[i] = (uint8_t)(i * 31 >> 3);
    const char *path = scratch_path(&f->scratch, "file");
    assert_int_equal(qea_file_write(f->ctx, path, written, SIZE), QEA_OK);
    assert_int_equal(qea_file_read(f->ctx, path, SIZE, &bytes, &size), QEA_OK);
    assert_int_equal(size, SIZE);
    assert_memory_equal(bytes, written, SIZE);
    assert_int_equal(bytes[SIZE], 0);
    qea_free(bytes);
    free(written);
}

static void empty_files_are_files(void **state) {
    fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "empty");
    assert_int_equal(qea_file_write(f->ctx, path, NULL, 0), QEA_OK);
    assert_holds(f, path, "");
}

static void a_file_over_the_limit_is_a_data_error_with_both_sizes(void **state) {
    fixture *f = *state;
    uint8_t *bytes;
    size_t size, before = qea_alloc_count();
    const char *path = scratch_path(&f->scratch, "large");
    assert_int_equal(qea_file_write(f->ctx, path, "0123456789", 10), QEA_OK);
    assert_int_equal(qea_file_read(f->ctx, path, 10, &bytes, &size), QEA_OK);
    qea_free(bytes);
    before = qea_alloc_count();
    assert_int_equal(qea_file_read(f->ctx, path, 9, &bytes, &size), QEA_ERR_DATA);
    assert_int_equal(qea_alloc_count(), before);
    assert_null(bytes);
    assert_says(f, path);
    assert_says(f, "10 bytes");
    assert_says(f, "at most 9");
}

static void a_missing_file_is_a_data_error_that_names_it(void **state) {
    fixture *f = *state;
    uint8_t *bytes;
    size_t size;
    const char *path = scratch_path(&f->scratch, "nothing");
    assert_int_equal(qea_file_read(f->ctx, path, 10, &bytes, &size), QEA_ERR_DATA);
    assert_says(f, path);
    assert_int_equal(qea_file_read(f->ctx, f->scratch.folder, 10, &bytes, &size), QEA_ERR_DATA);
    assert_says(f, "folder");
}

/* Files of /proc say that they have 0 bytes, as pipes do. */
static void a_file_without_a_size_is_read_and_limited(void **state) {
    fixture *f = *state;
    uint8_t *bytes;
    size_t size;
    if (!qea_file_exists("/proc/self/status")) skip();
    assert_int_equal(qea_file_read(f->ctx, "/proc/self/status", 1 << 20, &bytes, &size), QEA_OK);
    assert_true(size > 100 && strlen((char *)bytes) == size);
    qea_free(bytes);
    assert_int_equal(qea_file_read(f->ctx, "/proc/self/status", 100, &bytes, &size), QEA_ERR_DATA);
    assert_says(f, "at most 100");
    if (!qea_file_exists("/dev/zero")) skip();
    assert_int_equal(qea_file_read(f->ctx, "/dev/zero", 1 << 20, &bytes, &size), QEA_ERR_DATA);
}

static void the_old_file_stands_until_the_new_one_is_committed(void **state) {
    fixture *f = *state;
    qea_file_writer *w;
    const char *path = scratch_path(&f->scratch, "file");
    assert_int_equal(qea_file_write(f->ctx, path, "old", 3), QEA_OK);
    assert_int_equal(qea_file_writer_open(f->ctx, path, &w), QEA_OK);
    assert_int_equal(qea_file_writer_put(f->ctx, w, "new", 3), QEA_OK);
    assert_holds(f, path, "old");
    assert_int_equal(qea_file_writer_put(f->ctx, w, "er", 2), QEA_OK);
    assert_int_equal(qea_file_writer_commit(f->ctx, w), QEA_OK);
    assert_holds(f, path, "newer");
    assert_names(f, 1);
}

static void an_abandoned_writer_leaves_nothing(void **state) {
    fixture *f = *state;
    qea_file_writer *w;
    const char *path = scratch_path(&f->scratch, "file");
    assert_int_equal(qea_file_writer_open(f->ctx, path, &w), QEA_OK);
    assert_int_equal(qea_file_writer_put(f->ctx, w, "new", 3), QEA_OK);
    qea_file_writer_abandon(w);
    qea_file_writer_abandon(NULL);
    assert_names(f, 0);
}

static void two_writers_of_one_path_do_not_mix(void **state) {
    fixture *f = *state;
    qea_file_writer *a, *b;
    const char *path = scratch_path(&f->scratch, "file");
    assert_int_equal(qea_file_writer_open(f->ctx, path, &a), QEA_OK);
    assert_int_equal(qea_file_writer_open(f->ctx, path, &b), QEA_OK);
    assert_int_equal(qea_file_writer_put(f->ctx, a, "aaa", 3), QEA_OK);
    assert_int_equal(qea_file_writer_put(f->ctx, b, "bb", 2), QEA_OK);
    assert_int_equal(qea_file_writer_commit(f->ctx, a), QEA_OK);
    assert_holds(f, path, "aaa");
    assert_int_equal(qea_file_writer_commit(f->ctx, b), QEA_OK);
    assert_holds(f, path, "bb");
    assert_names(f, 1);
}

static void what_a_killed_writer_left_is_swept_away_and_nothing_else(void **state) {
    fixture *f = *state;
    static const char *const others[] = {"a.tmp",    "a.1-.tmp",     "a.-1.tmp", "a.1.tmp",
                                         "a1-2.tmp", "a.1-2.tmp.gz", ".1-2.tmp"};
    enum { OTHERS = sizeof others / sizeof *others };
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(qea_file_write(f->ctx, scratch_path(&f->scratch, others[i]), "x", 1), QEA_OK);
    pid_t pid = fork();
    if (pid == 0) {
        qea_file_writer *w;
        if (qea_file_writer_open(NULL, scratch_path(&f->scratch, "killed"), &w) == QEA_OK) (void)raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_names(f, OTHERS + 1);
    qea_file_sweep(f->scratch.folder);
    assert_names(f, OTHERS);
    qea_file_sweep(scratch_path(&f->scratch, "nowhere"));
}

static void new_files_have_the_permissions_of_the_umask(void **state) {
    fixture *f = *state;
    struct stat info;
    const char *path = scratch_path(&f->scratch, "file");
    mode_t before = umask(027);
    assert_int_equal(qea_file_write(f->ctx, path, "x", 1), QEA_OK);
    umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

/* A limit on file sizes stands for the full disk: write fails half-way. */
static void a_full_disk_is_an_io_error_and_keeps_the_old_file(void **state) {
    fixture *f = *state;
    static char block[8192];
    const char *path = scratch_path(&f->scratch, "file");
    assert_int_equal(qea_file_write(f->ctx, path, "old", 3), QEA_OK);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    qea_file_writer *w;
    qea_status open_status = qea_file_writer_open(f->ctx, path, &w);
    qea_status first = qea_file_writer_put(f->ctx, w, block, sizeof block);
    qea_status second = qea_file_writer_put(f->ctx, w, block, sizeof block);
    qea_status third = qea_file_writer_put(f->ctx, w, "x", 1);
    qea_status commit = qea_file_writer_commit(f->ctx, w);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(open_status, QEA_OK);
    assert_int_equal(first, QEA_OK);
    assert_int_equal(second, QEA_ERR_IO);
    assert_int_equal(third, QEA_ERR_IO);
    assert_int_equal(commit, QEA_ERR_IO);
    assert_says(f, path);
    assert_says(f, "File too large");
    assert_holds(f, path, "old");
    assert_names(f, 1);
}

static void places_that_cannot_be_written_are_io_errors(void **state) {
    fixture *f = *state;
    const char *missing = scratch_path(&f->scratch, "no/such/folder/file");
    assert_int_equal(qea_file_write(f->ctx, missing, "x", 1), QEA_ERR_IO);
    assert_says(f, missing);
    const char *folder = scratch_path(&f->scratch, "folder");
    assert_int_equal(qea_folder_make(f->ctx, folder), QEA_OK);
    assert_int_equal(qea_file_write(f->ctx, folder, "x", 1), QEA_ERR_IO);
    assert_says(f, folder);
    assert_names(f, 1);
}

static void folders_are_made_with_their_parents(void **state) {
    fixture *f = *state;
    const char *deep = scratch_path(&f->scratch, "a/b//c/");
    assert_int_equal(qea_folder_make(f->ctx, deep), QEA_OK);
    assert_int_equal(qea_folder_make(f->ctx, deep), QEA_OK);
    assert_true(qea_file_is_folder(scratch_path(&f->scratch, "a/b/c")));
    assert_true(qea_file_exists(deep));
    assert_false(qea_file_exists(scratch_path(&f->scratch, "a/c")));
}

static void a_file_in_the_way_of_a_folder_is_an_io_error(void **state) {
    fixture *f = *state;
    const char *file = scratch_path(&f->scratch, "file");
    assert_int_equal(qea_file_write(f->ctx, file, "x", 1), QEA_OK);
    assert_false(qea_file_is_folder(file));
    assert_int_equal(qea_folder_make(f->ctx, file), QEA_ERR_IO);
    assert_int_equal(qea_folder_make(f->ctx, scratch_path(&f->scratch, "file/below")), QEA_ERR_IO);
    assert_int_equal(qea_folder_make(f->ctx, ""), QEA_ERR_IO);
}

static void folders_are_listed_in_byte_order_up_to_a_limit(void **state) {
    fixture *f = *state;
    static const char *const made[] = {"b", "B", ".hidden", "a10", "a2"};
    static const char *const sorted[] = {".hidden", "B", "a10", "a2", "b"};
    char **names;
    size_t count;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(qea_file_write(f->ctx, scratch_path(&f->scratch, made[i]), "", 0), QEA_OK);
    assert_int_equal(qea_folder_list(f->ctx, f->scratch.folder, 5, &names, &count), QEA_OK);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(names[i], sorted[i]);
    qea_names_free(names, count);
    assert_int_equal(qea_folder_list(f->ctx, f->scratch.folder, 4, &names, &count), QEA_ERR_DATA);
    assert_null(names);
    assert_says(f, "more than the 4");
    assert_int_equal(qea_folder_list(f->ctx, scratch_path(&f->scratch, "nothing"), 4, &names, &count), QEA_ERR_DATA);
    assert_says(f, "nothing");
}

static void paths_are_joined_with_one_slash(void **state) {
    fixture *f = *state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}, {"a/b", "c/d", "a/b/c/d"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path;
        assert_int_equal(qea_path_join(f->ctx, cases[i][0], cases[i][1], &path), QEA_OK);
        assert_string_equal(path, cases[i][2]);
        qea_free(path);
    }
}

/* Fails each allocation in turn until the whole sequence succeeds. */
static void every_failed_allocation_is_reported_and_leaves_no_trace(void **state) {
    fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "file");
    for (long n = 1;; n++) {
        uint8_t *bytes = NULL;
        char **names = NULL;
        size_t size, count = 0;
        qea_alloc_fail_after(n);
        qea_status status = qea_file_write(f->ctx, path, "text", 4);
        if (status == QEA_OK) status = qea_file_read(f->ctx, path, 10, &bytes, &size);
        if (status == QEA_OK) status = qea_folder_list(f->ctx, f->scratch.folder, 10, &names, &count);
        qea_alloc_fail_after(0);
        qea_free(bytes);
        qea_names_free(names, count);
        if (status == QEA_OK) {
            assert_true(n > 5);
            break;
        }
        assert_int_equal(status, QEA_ERR_MEMORY);
    }
    assert_names(f, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_back),
        TEST(empty_files_are_files),
        TEST(a_file_over_the_limit_is_a_data_error_with_both_sizes),
        TEST(a_missing_file_is_a_data_error_that_names_it),
        TEST(a_file_without_a_size_is_read_and_limited),
        TEST(the_old_file_stands_until_the_new_one_is_committed),
        TEST(an_abandoned_writer_leaves_nothing),
        TEST(two_writers_of_one_path_do_not_mix),
        TEST(what_a_killed_writer_left_is_swept_away_and_nothing_else),
        TEST(new_files_have_the_permissions_of_the_umask),
        TEST(a_full_disk_is_an_io_error_and_keeps_the_old_file),
        TEST(places_that_cannot_be_written_are_io_errors),
        TEST(folders_are_made_with_their_parents),
        TEST(a_file_in_the_way_of_a_folder_is_an_io_error),
        TEST(folders_are_listed_in_byte_order_up_to_a_limit),
        TEST(paths_are_joined_with_one_slash),
        TEST(every_failed_allocation_is_reported_and_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
