#include "study/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

extern char **environ;

static void close_end(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static qea_status spawn(qea_context *ctx, qea_process *process, const char *const *argv, int in, int out, int log_fd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return qea_fail(ctx, QEA_ERR_MEMORY, "starting a worker: no memory");
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return qea_fail(ctx, QEA_ERR_MEMORY, "starting a worker: no memory");
    }
    /* A group of its own: Ctrl-C on the terminal goes to the coordinator alone, which ends its workers itself. */
    int error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (error == 0 && log_fd >= 0) error = posix_spawn_file_actions_adddup2(&actions, log_fd, STDERR_FILENO);
    /* argv is not changed by the call; its type is older than const. */
    char *const *arguments = (char *const *)(uintptr_t)argv;
    if (error == 0) error = posix_spawn(&process->pid, argv[0], &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error == 0) return QEA_OK;
    process->pid = 0;
    return qea_fail(ctx, QEA_ERR_IO, "starting a worker: %s: %s", argv[0], strerror(error));
}

qea_status qea_process_start(qea_context *ctx, qea_process *process, const char *const *argv, int log_fd) {
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    process->filled = process->taken = 0;
    if (process->buffer == NULL) QEA_TRY(QEA_NEW(ctx, "a worker's line buffer", process->buffer, QEA_LINE_BYTES));
    /* A socket for its stdin, so that writing to a dead worker is an error (MSG_NOSIGNAL) and not SIGPIPE. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        qea_status status = qea_fail(ctx, QEA_ERR_IO, "starting a worker: pipes: %s", strerror(errno));
        close_end(&in[0]);
        close_end(&in[1]);
        return status;
    }
    qea_status status = spawn(ctx, process, argv, in[1], out[1], log_fd);
    close_end(&in[1]);
    close_end(&out[1]);
    if (status != QEA_OK) {
        close_end(&in[0]);
        close_end(&out[0]);
        return status;
    }
    /* A worker that does not read its jobs must not hold up the coordinator. */
    const struct timeval patience = {.tv_sec = 10};
    (void)setsockopt(in[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    process->to = in[0];
    process->from = out[0];
    (void)fcntl(process->from, F_SETFL, O_NONBLOCK);
    return QEA_OK;
}

static bool send_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool qea_process_send(qea_process *process, const char *line) {
    return send_all(process->to, line, strlen(line)) && send_all(process->to, "\n", 1);
}

qea_receipt qea_process_receive(qea_process *process) {
    memmove(process->buffer, process->buffer + process->taken, process->filled - process->taken);
    process->filled -= process->taken;
    process->taken = 0;
    while (process->filled < QEA_LINE_BYTES) {
        ssize_t got = read(process->from, process->buffer + process->filled, QEA_LINE_BYTES - process->filled);
        if (got > 0) {
            process->filled += (size_t)got;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else {
            return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? QEA_RECEIPT_OPEN : QEA_RECEIPT_CLOSED;
        }
    }
    bool whole = memchr(process->buffer, '\n', process->filled) != NULL;
    return whole ? QEA_RECEIPT_OPEN : QEA_RECEIPT_TOO_LONG;
}

const char *qea_process_line(qea_process *process) {
    char *line = process->buffer + process->taken;
    char *end = memchr(line, '\n', process->filled - process->taken);
    if (end == NULL) return NULL;
    *end = '\0';
    process->taken = (size_t)(end + 1 - process->buffer);
    return line;
}

long qea_oom_kills(void) {
    FILE *file = fopen("/proc/vmstat", "re");
    if (file == NULL) return -1;
    char name[64];
    long value, found = -1;
    while (found < 0 && fscanf(file, "%63s %ld", name, &value) == 2)
        if (strcmp(name, "oom_kill") == 0) found = value;
    fclose(file);
    return found;
}

/* Signals that a program brings on itself; the others are sent to it. */
static bool is_crash_signal(int signal_number) {
    switch (signal_number) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGSYS:
    case SIGXFSZ:
    case SIGXCPU:
    case SIGTRAP:
    case SIGPIPE:
        return true;
    default:
        return false;
    }
}

bool qea_process_ended(const qea_process *process) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == process->pid;
}

void qea_process_hang_up(qea_process *process) { close_end(&process->to); }

static bool ends_soon(const qea_process *process) {
    const struct timespec pause = {0, 10000000};
    for (int i = 0; i < 200; i++) {
        if (qea_process_ended(process)) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

qea_exit qea_process_end(qea_process *process, bool kill_it, long oom_kills, char *how, size_t how_size) {
    int status = 0;
    close_end(&process->to);
    if (!kill_it) kill_it = !ends_soon(process);
    if (kill_it) kill(process->pid, SIGKILL);
    /* What it started goes with it: they are one group. It is not reaped yet, so the id is still its own. */
    kill(-process->pid, SIGKILL);
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
    }
    close_end(&process->from);
    process->pid = 0;
    process->filled = process->taken = 0;
    if (kill_it) {
        (void)snprintf(how, how_size, "hung up and went on");
        return QEA_EXIT_CRASH;
    }
    if (!WIFSIGNALED(status)) {
        (void)snprintf(how, how_size, "ended with exit code %d", WEXITSTATUS(status));
        return WEXITSTATUS(status) == 0 ? QEA_EXIT_GOOD : QEA_EXIT_CRASH;
    }
    int number = WTERMSIG(status);
    (void)snprintf(how, how_size, "killed by signal %d (%s)", number, strsignal(number));
    if (is_crash_signal(number)) return QEA_EXIT_CRASH;
    long now = qea_oom_kills();
    return number == SIGKILL && oom_kills >= 0 && now > oom_kills ? QEA_EXIT_MEMORY : QEA_EXIT_OUTSIDE;
}

void qea_process_free(qea_process *process) {
    char how[128];
    if (process->pid > 0) (void)qea_process_end(process, true, -1, how, sizeof how);
    qea_free(process->buffer);
    process->buffer = NULL;
}
