/* cli/command.h: the commands and their options. */
#ifndef QEA_CLI_COMMAND_H
#define QEA_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "quantea/status.h"

enum { QEA_EXIT_USAGE = 2 };

/* An option: its spellings, whether a value follows, what it does in one line. */
typedef struct qea_option {
    char id;              /* what the command switches on */
    const char *names[3]; /* "--resume", "-r", NULL */
    const char *value;    /* word for the value in the help ("TASK"); NULL: no value */
    const char *help;
} qea_option;

typedef struct qea_command {
    const char *name;
    const char *arguments;             /* "CONFIG.yml" */
    const char *help;                  /* one line */
    const qea_option *options;         /* ends with id 0 */
    int (*run)(int argc, char **argv); /* what stands behind the command's name; returns the exit code */
} qea_command;

extern const qea_command qea_command_run, qea_command_estimate, qea_command_init, qea_command_report, qea_command_eval,
    qea_command_doctor, qea_command_worker;

/* Walks through arguments. Returns the option's id with *value set (NULL if it takes none), 0 for a plain argument (in
 * *value), -1 at the end, -2 after an error that was printed. Options may stand anywhere; "--name=value" works; behind
 * "--" everything is plain. */
typedef struct qea_arguments {
    const qea_command *command;
    int argc, next;
    char **argv;
    bool plain_only;
} qea_arguments;
int qea_arguments_next(qea_arguments *arguments, const char **value);

void qea_command_help(const qea_command *command);

/* A whole number within [low, high] or an error printed: false. */
bool qea_argument_int(const char *option, const char *text, long low, long high, long *out);

/* Prints "quantea: <explanation>" and returns the exit code of the status. */
int qea_command_failed(const qea_context *ctx, qea_status status);

/* Prints log lines to stderr. */
void qea_command_log(void *user, qea_log_level level, const char *text);

#endif
