/* study/process.h: a worker process that is talked to in lines over pipes. */
#ifndef QEA_STUDY_PROCESS_H
#define QEA_STUDY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "quantea/status.h"

enum { QEA_LINE_BYTES = 1 << 20 }; /* the longest line that is accepted */

typedef struct qea_process {
    pid_t pid;    /* 0: not running */
    int to, from; /* our ends of its stdin and stdout; -1: closed */
    char *buffer; /* owned, [QEA_LINE_BYTES]: what came and is not yet a whole line */
    size_t filled;
    size_t taken; /* bytes at the front that were already handed out */
} qea_process;

typedef enum qea_exit { QEA_EXIT_GOOD, QEA_EXIT_CRASH, QEA_EXIT_MEMORY, QEA_EXIT_OUTSIDE } qea_exit;

/* Starts argv (NULL-terminated, argv[0] is the path) by exec; its stderr goes to log_fd. */
QEA_MUST_USE qea_status qea_process_start(qea_context *ctx, qea_process *process, const char *const *argv, int log_fd);

/* Sends a line (a newline is added). false: the process is gone, or has not read for 10 s. */
bool qea_process_send(qea_process *process, const char *line);

typedef enum qea_receipt {
    QEA_RECEIPT_OPEN,    /* more may come */
    QEA_RECEIPT_CLOSED,  /* the process closed its end: it is gone, or will never answer */
    QEA_RECEIPT_TOO_LONG /* a line has no end */
} qea_receipt;

/* Reads what is there without blocking. */
qea_receipt qea_process_receive(qea_process *process);

/* The next whole line without its newline, valid until the next receive; NULL: none. */
const char *qea_process_line(qea_process *process);

/* Ends it and all of its group, reaps it and says how it ended (GOOD: by itself, with exit code 0): killed at once, or
 * after the moment that it has to end by itself, having closed its end; `oom_kills` is qea_oom_kills() from before its
 * last job. `how` gets words such as "killed by signal 11 (Segmentation fault)". */
qea_exit qea_process_end(qea_process *process, bool kill_it, long oom_kills, char *how, size_t how_size);
void qea_process_free(qea_process *process);

/* Closes its stdin, which tells a worker to end. */
void qea_process_hang_up(qea_process *process);
/* It has ended and waits to be reaped. */
bool qea_process_ended(const qea_process *process);

/* The kernel's count of processes killed for lack of memory (/proc/vmstat); -1: not known. */
long qea_oom_kills(void);

#endif
