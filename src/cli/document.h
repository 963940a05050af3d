/* cli/document.h: man pages and completions, written from the table of commands and options and from that of the
 * configuration's keys. `quantea document FOLDER` writes them all; the build calls it. */
#ifndef QEA_CLI_DOCUMENT_H
#define QEA_CLI_DOCUMENT_H

#include <stdio.h>

#include "cli/command.h"

/* --- man pages --- */
void qea_man_main(FILE *out);                                /* quantea(1) */
void qea_man_command(FILE *out, const qea_command *command); /* quantea-run(1) ... */
/* A Markdown document (headings, paragraphs, lists, tables, code in backticks) as a man page. `title` is
 * "QUANTEA-CONFIG 5", `name` "quantea-config", `what` one line about it. */
void qea_man_markdown(FILE *out, const char *title, const char *name, const char *what, const char *markdown);
/* What pages begin with. */
void qea_man_head(FILE *out, const char *title, const char *name, const char *what);
/* Text without its meaning to roff; `size` bytes. */
void qea_man_put(FILE *out, const char *text, size_t size);

/* --- completions --- */
void qea_complete_bash(FILE *out);
void qea_complete_zsh(FILE *out);
void qea_complete_fish(FILE *out);

/* Calls f(user, path, choices) for every key of the configuration, those of every step with nas., fully_train. and *.
 * in front. */
typedef void (*qea_key_fn)(FILE *out, const char *path, const char *choices);
void qea_each_key(FILE *out, qea_key_fn f);
/* "a|b|c" with other text between. */
void qea_put_choices(FILE *out, const char *choices, const char *between);

#endif
