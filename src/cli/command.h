/* cli/command.h: the table of commands, options and exit codes, and what reads it: the parser, --help, the man pages
 * and the completions. A new command or option is one row in table.c. */
#ifndef QEA_CLI_COMMAND_H
#define QEA_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "quantea/status.h"

enum { QEA_EXIT_USAGE = 2 };

/* One bit per command, for the column "commands" of an option's row. */
enum {
    QEA_INIT = 1 << 0,
    QEA_ESTIMATE = 1 << 1,
    QEA_RUN = 1 << 2,
    QEA_REPORT = 1 << 3,
    QEA_EVAL = 1 << 4,
    QEA_DOCTOR = 1 << 5,
    QEA_WORKER = 1 << 6,
    QEA_DOCUMENT = 1 << 7,
    QEA_PROGRESS = 1 << 8,
    QEA_COMPARE = 1 << 9,
    QEA_EVERY_COMMAND = (1 << 10) - 1,
    QEA_ITSELF = 1 << 10 /* quantea without a command */
};

/* What a value or a plain argument may be; several bits: one of them. */
enum {
    QEA_VALUE_NONE = 0,
    QEA_VALUE_TEXT = 1 << 0,
    QEA_VALUE_NUMBER = 1 << 1, /* whole, low..high */
    QEA_VALUE_CHOICE = 1 << 2, /* one of `choices` */
    QEA_VALUE_FILE = 1 << 3,
    QEA_VALUE_CONFIG = 1 << 4, /* a file *.yml */
    QEA_VALUE_MODEL = 1 << 5,  /* a file *.safetensors */
    QEA_VALUE_FOLDER = 1 << 6,
    QEA_VALUE_TASK = 1 << 7,   /* a task's folder or its name under ./tasks */
    QEA_VALUE_SETTING = 1 << 8 /* KEY=VALUE of the configuration */
};

typedef struct qea_option {
    unsigned commands;    /* that have it */
    int id;               /* what a command switches on: a letter, unlike the others of the same command */
    const char *name;     /* "--resume" */
    const char *shorter;  /* "-r", or NULL */
    const char *help;     /* one line, small letter, no full stop */
    unsigned kind;        /* of the value: QEA_VALUE_* */
    const char *value;    /* word for it ("TASK"); NULL where there is none */
    const char *choices;  /* "a|b|c" */
    const char *fallback; /* the default, for the documents; NULL: none, or `help` says it */
    long low, high;       /* NUMBER */
    /* The key of the configuration that the option sets, or NULL. The parser does not look at such a value: the
     * configuration does. */
    const char *key;
    bool literal;  /* the key's value is a text as it stands (a path), not YAML */
    bool optional; /* the value may be left out (then NULL) and stands behind "=": --name[=VALUE] */
} qea_option;

typedef struct qea_arguments qea_arguments;

typedef struct qea_command {
    unsigned bit;
    const char *name;
    int (*run)(qea_arguments *arguments); /* returns the exit code */
    const char *usage;                    /* behind the name: "CONFIG.yml [options]" */
    const char *help;                     /* one line; NULL: not for people, shown nowhere */
    const char *about;                    /* paragraphs, parted by an empty line; a line is not broken in it */
    const char *examples;                 /* one command a line, without "quantea" */
    /* plain arguments */
    unsigned kind;
    const char *noun; /* "configuration file": of which 1 or more are needed; NULL: no plain arguments */
    int least, most;
} qea_command;

typedef struct qea_exit_code {
    int code;
    qea_status status;
    const char *meaning;
} qea_exit_code;

typedef struct qea_variable {
    const char *name, *meaning;
} qea_variable;

extern const qea_command qea_commands[];
extern const size_t qea_num_commands;
extern const qea_option qea_options[];
extern const size_t qea_num_options;
extern const qea_exit_code qea_exit_codes[];
extern const size_t qea_num_exit_codes;
extern const qea_variable qea_variables[]; /* of the environment */
extern const size_t qea_num_variables;

/* NULL: no command of this name. */
const qea_command *qea_command_find(const char *name);
/* The nearest name of a command that people use to a misspelt one, or NULL. */
const char *qea_command_nearest(const char *name);

/* --- what the commands do: cmd_<name>.c --- */
int qea_command_init(qea_arguments *arguments);
int qea_command_estimate(qea_arguments *arguments);
int qea_command_run(qea_arguments *arguments);
int qea_command_progress(qea_arguments *arguments);
int qea_command_report(qea_arguments *arguments);
int qea_command_compare(qea_arguments *arguments);
int qea_command_eval(qea_arguments *arguments);
int qea_command_doctor(qea_arguments *arguments);
int qea_command_worker(qea_arguments *arguments);
int qea_command_document(qea_arguments *arguments);

/* --- arguments.c: the parser --- */

enum {
    QEA_ARGUMENT_PLAIN = 0,  /* not an option */
    QEA_ARGUMENTS_END = -1,  /* no more */
    QEA_ARGUMENTS_WRONG = -2 /* an error, which was printed */
};

struct qea_arguments {
    const qea_command *command;
    int argc, next; /* argv[next] comes next */
    char **argv;    /* what stands behind the command's name */
    bool plain_only;
    int plain;                /* how many plain arguments there were */
    const char *first_plain;  /* for the message about one too many */
    const qea_option *option; /* of the last id; NULL: a plain argument */
    long number;              /* the value of the last option, where its kind is NUMBER */
};

/* Walks through arguments as the table allows them. Returns the option's id with *value set (NULL if it takes none), or
 * one of the above; PLAIN has the argument in *value. Values are checked as far as the table tells. Options may stand
 * anywhere; "--name=value" works; behind "--" everything is plain. */
int qea_arguments_next(qea_arguments *arguments, const char **value);

/* Prints "quantea: <explanation>" and returns the exit code of the status. */
int qea_command_failed(const qea_context *ctx, qea_status status);

/* A context that logs to stderr, or NULL after saying so; the exit code is then qea_exit_code_of(QEA_ERR_MEMORY). */
qea_context *qea_command_context(void);
int qea_exit_code_of(qea_status status);

/* --- help.c --- */
void qea_help_command(const qea_command *command); /* to stdout */
void qea_help(bool to_stderr);                     /* what there is */

#endif
