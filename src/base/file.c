/* base/file.c: whole-file reads with a size limit, and writes that are whole or absent. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

enum { READ_CHUNK = 1 << 16, TEMP_NAME_TRIES = 1000, SUFFIX_BYTES = 48 };

struct qea_file_writer {
    int fd;
    int error; /* errno of the first failed write, or 0 */
    char *path, *temp_path;
};

static qea_status fail_errno(qea_context *ctx, const char *doing, const char *path, int error) {
    qea_status status = error == ENOENT || error == ENOTDIR ? QEA_ERR_DATA : QEA_ERR_IO;
    return qea_fail(ctx, status, "%s: %s: %s", path, doing, strerror(error));
}

static qea_status fail_size(qea_context *ctx, const char *path, size_t size, size_t max_bytes, const char *more) {
    return qea_fail(ctx, QEA_ERR_DATA, "%s: the file has %s%zu bytes, at most %zu are allowed", path, more, size,
                    max_bytes);
}

/* Reads until the end: the size seen before may be wrong by then, and pipes have none. */
static qea_status read_all(qea_context *ctx, int fd, const char *path, size_t max_bytes, size_t expected,
                           uint8_t **bytes, size_t *size) {
    size_t capacity = 0, used = 0, need = expected + 2; /* the 0 byte, and one to see the end without growing */
    for (;;) {
        QEA_TRY(qea_grow(ctx, "file contents", (void **)bytes, &capacity, need, 1));
        ssize_t got = read(fd, *bytes + used, capacity - used - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return qea_fail(ctx, QEA_ERR_IO, "%s: read at byte %zu: %s", path, used, strerror(errno));
        if (got == 0) break;
        used += (size_t)got;
        if (used > max_bytes) return fail_size(ctx, path, used, max_bytes, "at least ");
        if (used + 1 >= capacity) need = used + READ_CHUNK;
    }
    (*bytes)[used] = 0; /* already zero unless the file shrank under us */
    *size = used;
    return QEA_OK;
}

static qea_status read_open(qea_context *ctx, int fd, const char *path, size_t max_bytes, uint8_t **bytes,
                            size_t *size) {
    struct stat info;
    if (fstat(fd, &info) != 0) return fail_errno(ctx, "stat", path, errno);
    if (S_ISDIR(info.st_mode)) return qea_fail(ctx, QEA_ERR_DATA, "%s: is a folder, a file is expected", path);
    size_t expected = S_ISREG(info.st_mode) && info.st_size > 0 ? (size_t)info.st_size : 0;
    if (expected > max_bytes) return fail_size(ctx, path, expected, max_bytes, "");
    return read_all(ctx, fd, path, max_bytes, expected, bytes, size);
}

qea_status qea_file_read(qea_context *ctx, const char *path, size_t max_bytes, uint8_t **bytes, size_t *size) {
    *bytes = NULL;
    *size = 0;
    if (max_bytes > SIZE_MAX / 2) max_bytes = SIZE_MAX / 2; /* nothing below overflows */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) return qea_fail(ctx, QEA_ERR_DATA, "%s: there is no such file", path);
    if (fd < 0) return fail_errno(ctx, "open for reading", path, errno);
    qea_status status = read_open(ctx, fd, path, max_bytes, bytes, size);
    close(fd);
    if (status != QEA_OK) {
        qea_free(*bytes);
        *bytes = NULL;
        *size = 0;
    }
    return status;
}

/* A name of its own beside the target. Names left by a killed process are stepped over. */
static int open_temp(const char *path, char *temp_path) {
    size_t path_size = strlen(path);
    memcpy(temp_path, path, path_size);
    for (int i = 0; i < TEMP_NAME_TRIES; i++) {
        char suffix[SUFFIX_BYTES];
        snprintf(suffix, sizeof suffix, ".%ld-%d.tmp", (long)getpid(), i);
        strcpy(temp_path + path_size, suffix);
        int fd = open(temp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* NAME.PID-I.tmp */
static bool is_temp(const char *name) {
    static const char digits[] = "0123456789", end[] = ".tmp";
    size_t size = strlen(name), at = size;
    if (size <= strlen(end) || strcmp(name + size - strlen(end), end) != 0) return false;
    for (at = size - strlen(end); at > 0 && strchr(digits, name[at - 1]) != NULL;) at--;
    if (at == size - strlen(end) || at == 0 || name[--at] != '-') return false;
    size_t dash = at;
    while (at > 0 && strchr(digits, name[at - 1]) != NULL) at--;
    return at < dash && at > 1 && name[at - 1] == '.';
}

void qea_file_sweep(const char *folder) {
    enum { MOST_NAMES = 1000000 };
    char **names, *path;
    size_t count;
    if (qea_folder_list(NULL, folder, MOST_NAMES, &names, &count) != QEA_OK) return;
    for (size_t i = 0; i < count; i++) {
        if (!is_temp(names[i]) || qea_path_join(NULL, folder, names[i], &path) != QEA_OK) continue;
        (void)unlink(path);
        qea_free(path);
    }
    qea_names_free(names, count);
}

static void writer_free(qea_file_writer *w) {
    if (w == NULL) return;
    qea_free(w->path);
    qea_free(w->temp_path);
    qea_free(w);
}

static qea_status writer_new(qea_context *ctx, const char *path, qea_file_writer *w) {
    QEA_TRY(qea_strdup(ctx, path, &w->path));
    QEA_TRY(QEA_NEW(ctx, "name of a temporary file", w->temp_path, strlen(path) + SUFFIX_BYTES));
    w->fd = open_temp(path, w->temp_path);
    if (w->fd < 0) return qea_fail(ctx, QEA_ERR_IO, "%s: create for writing: %s", path, strerror(errno));
    return QEA_OK;
}

qea_status qea_file_writer_open(qea_context *ctx, const char *path, qea_file_writer **out) {
    qea_file_writer *w;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "file writer", w, 1));
    qea_status status = writer_new(ctx, path, w);
    if (status != QEA_OK) {
        writer_free(w);
        return status;
    }
    *out = w;
    return QEA_OK;
}

static qea_status fail_write(qea_context *ctx, const qea_file_writer *w, const char *doing, int error) {
    return qea_fail(ctx, QEA_ERR_IO, "%s: %s: %s", w->path, doing, strerror(error));
}

qea_status qea_file_writer_put(qea_context *ctx, qea_file_writer *w, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0 && w->error == 0) {
        ssize_t put = write(w->fd, at, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            w->error = errno;
            break;
        }
        at += put;
        size -= (size_t)put;
    }
    return w->error == 0 ? QEA_OK : fail_write(ctx, w, "write", w->error);
}

/* Makes the rename itself durable. File systems that cannot sync a folder say EINVAL. */
static qea_status sync_folder_of(qea_context *ctx, const qea_file_writer *w) {
    char *slash = strrchr(w->temp_path, '/'); /* no longer needed: reused for the folder's name */
    const char *folder = slash == NULL ? "." : w->temp_path;
    if (slash != NULL) slash[slash == w->temp_path ? 1 : 0] = 0;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_write(ctx, w, "open its folder", errno);
    int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return error == 0 ? QEA_OK : fail_write(ctx, w, "sync its folder", error);
}

qea_status qea_file_writer_commit(qea_context *ctx, qea_file_writer *w) {
    const char *doing = "write";
    int error = w->error;
    if (error == 0 && fsync(w->fd) != 0) {
        doing = "sync to disk";
        error = errno;
    }
    if (close(w->fd) != 0 && error == 0) {
        doing = "close";
        error = errno;
    }
    if (error == 0 && rename(w->temp_path, w->path) != 0) {
        doing = "rename into place";
        error = errno;
    }
    qea_status status;
    if (error == 0) {
        status = sync_folder_of(ctx, w);
    } else {
        unlink(w->temp_path);
        status = fail_write(ctx, w, doing, error);
    }
    writer_free(w);
    return status;
}

void qea_file_writer_abandon(qea_file_writer *w) {
    if (w == NULL) return;
    close(w->fd);
    unlink(w->temp_path);
    writer_free(w);
}

qea_status qea_file_write(qea_context *ctx, const char *path, const void *bytes, size_t size) {
    qea_file_writer *w;
    QEA_TRY(qea_file_writer_open(ctx, path, &w));
    qea_status status = qea_file_writer_put(ctx, w, bytes, size);
    if (status == QEA_OK) return qea_file_writer_commit(ctx, w);
    qea_file_writer_abandon(w);
    return status;
}

static qea_status append(qea_context *ctx, const char *path, const char *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return fail_errno(ctx, "open to extend it", path, errno);
    int error = 0;
    while (size > 0 && error == 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR) error = errno;
        if (put < 0) continue;
        bytes += put;
        size -= (size_t)put;
    }
    if (error == 0 && fsync(fd) != 0) error = errno;
    if (close(fd) != 0 && error == 0) error = errno;
    return error == 0 ? QEA_OK : fail_errno(ctx, "extend", path, error);
}

qea_status qea_file_extend(qea_context *ctx, const char *path, const void *bytes, size_t size) {
    uint8_t *before = NULL;
    size_t there = 0;
    /* A longer file is no beginning of the bytes. One that cannot be read is replaced, or that says why not. */
    bool begins = qea_file_read(NULL, path, size, &before, &there) == QEA_OK && memcmp(before, bytes, there) == 0;
    qea_free(before);
    if (begins) return there < size ? append(ctx, path, (const char *)bytes + there, size - there) : QEA_OK;
    return qea_file_write(ctx, path, bytes, size);
}
