/* bench/peer.h: a program that another library is measured with: one line of JSON to each line of JSON. */
#ifndef QEA_BENCH_PEER_H
#define QEA_BENCH_PEER_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct bench_process {
    pid_t id;
    FILE *to, *from;
} bench_process;

/* The next line; NULL: the process is gone, or wrote something else. Owned by the caller. */
static inline json_t *bench_process_hear(bench_process *process) {
    char line[65536];
    return fgets(line, sizeof line, process->from) ? json_loads(line, 0, NULL) : NULL;
}

static inline void bench_process_say(bench_process *process, const json_t *value) {
    char *line = json_dumps(value, JSON_COMPACT);
    fprintf(process->to, "%s\n", line ? line : "");
    fflush(process->to);
    free(line);
}

/* Starts PYTHON SCRIPT ARGUMENT; `argument` may be NULL. `prepare` (or NULL) is called in the new process before. */
static inline bool bench_process_start(const char *python, const char *script, const char *argument,
                                       void (*prepare)(const void *user), const void *user, bench_process *process) {
    int to[2], from[2];
    signal(SIGPIPE, SIG_IGN);
    fflush(NULL);
    if (pipe(to) != 0 || pipe(from) != 0 || (process->id = fork()) < 0) return false;
    if (process->id == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        if (prepare) prepare(user);
        execlp(python, python, script, argument, (char *)NULL);
        _exit(127);
    }
    close(to[0]), close(from[1]);
    process->to = fdopen(to[1], "w");
    process->from = fdopen(from[0], "r");
    return process->to && process->from;
}

static inline void bench_process_stop(bench_process *process) {
    fclose(process->to); /* it ends with its input */
    fclose(process->from);
    waitpid(process->id, NULL, 0);
}

#endif
