/* Who may write a task: the coordinator's lock. */
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

/* The pid that stands in the lock's file; 0: none. */
static long read_pid(int lock) {
    char pid[32] = "";
    ssize_t got = pread(lock, pid, sizeof pid - 1, 0);
    return got > 0 ? strtol(pid, NULL, 10) : 0;
}

static qea_status refuse_second(qea_context *ctx, const char *folder, int lock) {
    long pid = read_pid(lock);
    if (pid > 0)
        return qea_fail(ctx, QEA_ERR_STATE,
                        "%s: this task is in use by another process (pid %ld); wait for it or end it", folder, pid);
    return qea_fail(ctx, QEA_ERR_STATE, "%s: this task is in use by another process; wait for it or end it", folder);
}

/* Who asks for the holder has the lock for a moment (qea_store_holder): that is not taken for a coordinator. */
static bool take_lock(int file) {
    enum { TRIES = 10 };
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < TRIES; i++) {
        if (flock(file, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK) return false;
        if (i + 1 < TRIES) (void)nanosleep(&pause, NULL);
    }
    errno = EWOULDBLOCK;
    return false;
}

qea_status qea_store_lock(qea_context *ctx, const char *folder, int *lock) {
    char *path = NULL;
    char pid[32];
    QEA_TRY(qea_path_join(ctx, folder, "task.lock", &path));
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644); /* not inherited: a worker must not hold it */
    int error = errno;
    qea_free(path);
    if (file < 0) return qea_fail(ctx, QEA_ERR_IO, "%s: making task.lock: %s", folder, strerror(error));
    qea_status status = QEA_OK;
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (!take_lock(file)) {
        status = errno == EWOULDBLOCK ? refuse_second(ctx, folder, file)
                                      : qea_fail(ctx, QEA_ERR_IO, "%s: locking task.lock: %s", folder, strerror(errno));
    } else if (ftruncate(file, 0) != 0 || pwrite(file, pid, (size_t)length, 0) != length) {
        status = qea_fail(ctx, QEA_ERR_IO, "%s: writing task.lock: %s", folder, strerror(errno));
    }
    if (status != QEA_OK) {
        (void)close(file);
        return status;
    }
    *lock = file;
    return QEA_OK;
}

/* The file stays: removing it could take it from under a process that has just opened it. */
void qea_store_unlock(int lock) {
    if (lock >= 0) (void)close(lock);
}

qea_status qea_store_holder(qea_context *ctx, const char *folder, long *pid) {
    char *path = NULL;
    *pid = 0;
    QEA_TRY(qea_path_join(ctx, folder, "task.lock", &path));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int error = errno;
    qea_free(path);
    if (file < 0 && error == ENOENT) return QEA_OK;
    if (file < 0) return qea_fail(ctx, QEA_ERR_IO, "%s: opening task.lock: %s", folder, strerror(error));
    qea_status status = QEA_OK;
    if (flock(file, LOCK_SH | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            *pid = read_pid(file);
            if (*pid <= 0) *pid = -1;
        } else {
            status = qea_fail(ctx, QEA_ERR_IO, "%s: asking for task.lock: %s", folder, strerror(errno));
        }
    }
    (void)close(file);
    return status;
}
