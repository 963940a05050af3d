/* The system calls below stand in for those of the C library, so that any of them can be made to fail. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scratch.h"

static int writes_to_failure, syncs_to_failure, renames_to_failure; /* 1: the next call fails; 0: none */
static int writes_to_interruption;
static bool short_writes;

static bool is_now(int *countdown) { return *countdown > 0 && --*countdown == 0; }

static int refuse(int error) {
    errno = error;
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t size) {
    if (is_now(&writes_to_interruption)) return refuse(EINTR);
    if (is_now(&writes_to_failure)) return refuse(ENOSPC);
    return syscall(SYS_write, fd, bytes, short_writes && size > 3 ? 3 : size);
}

int fsync(int fd) { return is_now(&syncs_to_failure) ? refuse(EIO) : (int)syscall(SYS_fsync, fd); }

int rename(const char *from, const char *to) {
    if (is_now(&renames_to_failure)) return refuse(EACCES);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static qea_context *ctx;
static scratch folder;
static const char *path;

static int set_up(void **state) {
    (void)state;
    ctx = qea_context_create();
    folder = scratch_make();
    path = scratch_path(&folder, "file");
    return qea_file_write(ctx, path, "old", 3) == QEA_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    writes_to_failure = syncs_to_failure = renames_to_failure = writes_to_interruption = 0;
    short_writes = false;
    scratch_remove(&folder);
    qea_context_destroy(ctx);
    return 0;
}

/* The file holds this, and nothing else is in the folder. */
static void assert_left(const char *text) {
    uint8_t *bytes;
    size_t size, count;
    char **names;
    assert_int_equal(qea_file_read(ctx, path, 100, &bytes, &size), QEA_OK);
    assert_string_equal((char *)bytes, text);
    qea_free(bytes);
    assert_int_equal(qea_folder_list(ctx, folder.folder, 10, &names, &count), QEA_OK);
    assert_int_equal(count, 1);
    qea_names_free(names, count);
}

static void assert_fails_saying(const char *doing, int error) {
    assert_int_equal(qea_file_write(ctx, path, "new text", 8), QEA_ERR_IO);
    const char *parts[] = {path, doing, strerror(error)};
    for (int i = 0; i < 3; i++) {
        if (strstr(qea_context_message(ctx), parts[i]) == NULL)
            fail_msg("'%s' is not in '%s'", parts[i], qea_context_message(ctx));
    }
}

static void a_failed_write_keeps_the_old_file(void **state) {
    (void)state;
    short_writes = true;
    for (int n = 1; n <= 3; n++) {
        writes_to_failure = n;
        assert_fails_saying("write", ENOSPC);
        assert_left("old");
    }
}

static void a_failed_sync_keeps_the_old_file(void **state) {
    (void)state;
    syncs_to_failure = 1;
    assert_fails_saying("sync to disk", EIO);
    assert_left("old");
}

static void a_failed_rename_keeps_the_old_file(void **state) {
    (void)state;
    renames_to_failure = 1;
    assert_fails_saying("rename", EACCES);
    assert_left("old");
}

/* The rename has happened by then: the new file is there, whole, but may be gone after a power cut. */
static void a_failed_sync_of_the_folder_is_reported(void **state) {
    (void)state;
    syncs_to_failure = 2;
    assert_fails_saying("sync its folder", EIO);
    assert_left("new text");
}

static void short_and_interrupted_writes_are_continued(void **state) {
    (void)state;
    short_writes = true;
    writes_to_interruption = 2;
    assert_int_equal(qea_file_write(ctx, path, "0123456789", 10), QEA_OK);
    assert_left("0123456789");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_failed_write_keeps_the_old_file),          TEST(a_failed_sync_keeps_the_old_file),
        TEST(a_failed_rename_keeps_the_old_file),         TEST(a_failed_sync_of_the_folder_is_reported),
        TEST(short_and_interrupted_writes_are_continued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
