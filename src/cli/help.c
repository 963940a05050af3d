/* quantea --help, quantea COMMAND --help. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "quantea/study.h"

enum { WIDTH = 100, COLUMN = 36 };

/* The words of `text` in lines of at most WIDTH columns, all but the first indented. Starts at column `at`. */
static void put_wrapped(const char *text, int at, int indent) {
    int column = at;
    for (const char *word = text; *word != '\0';) {
        int size = (int)strcspn(word, " \n");
        if (column + 1 + size > WIDTH && column > indent) {
            (void)printf("\n%*s", indent, "");
            column = indent;
        } else if (column > at || word != text) {
            (void)printf(" ");
            column++;
        }
        (void)printf("%.*s", size, word);
        column += size;
        word += size;
        while (*word == ' ' || *word == '\n') word++;
    }
    (void)printf("\n");
}

static void put_paragraphs(const char *text) {
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        char paragraph[1024];
        (void)snprintf(paragraph, sizeof paragraph, "%.*s", end != NULL ? (int)(end - text) : (int)strlen(text), text);
        (void)printf("\n");
        put_wrapped(paragraph, 0, 0);
        text = end != NULL ? end + 2 : "";
    }
}

static void put_option(const qea_option *option) {
    char names[128], help[512];
    const char *shorter = option->shorter != NULL ? option->shorter : "", *comma = option->shorter != NULL ? ", " : "";
    if (option->value == NULL)
        (void)snprintf(names, sizeof names, "%s%s%s", option->name, comma, shorter);
    else
        (void)snprintf(names, sizeof names, option->optional ? "%s%s%s[=%s]" : "%s%s%s %s", option->name, comma,
                       shorter, option->value);
    int size = snprintf(help, sizeof help, "%s", option->help);
    if (option->choices != NULL) size += snprintf(help + size, sizeof help - (size_t)size, " [");
    for (const char *c = option->choices; c != NULL && *c != '\0'; c++)
        size += snprintf(help + size, sizeof help - (size_t)size, *c == '|' ? ", " : "%c", *c);
    if (option->choices != NULL) size += snprintf(help + size, sizeof help - (size_t)size, "]");
    if (option->fallback != NULL) (void)snprintf(help + size, sizeof help - (size_t)size, " (%s)", option->fallback);
    (void)printf("  %-*s ", COLUMN - 3, names);
    int used = 3 + (int)strlen(names) > COLUMN ? 3 + (int)strlen(names) : COLUMN;
    put_wrapped(help, used, COLUMN);
}

void qea_help_command(const qea_command *command) {
    (void)printf("usage: quantea %s%s%s\n\n", command->name, command->usage[0] != '\0' ? " " : "", command->usage);
    put_wrapped(command->help != NULL ? command->help : "not for people", 0, 0);
    if (command->about != NULL) put_paragraphs(command->about);
    (void)printf("\noptions:\n");
    for (size_t i = 0; i < qea_num_options; i++)
        if ((qea_options[i].commands & command->bit) != 0) put_option(&qea_options[i]);
    if (command->examples != NULL) (void)printf("\nexamples:\n");
    for (const char *line = command->examples; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        (void)printf("  quantea %.*s\n", (int)strcspn(line, "\n"), line);
    }
}

void qea_help(bool to_stderr) {
    FILE *out = to_stderr ? stderr : stdout;
    (void)fprintf(out, "quantea %s: finds how many bits each layer of a convolutional network needs\n\nusage:\n",
                  qea_version());
    for (size_t i = 0; i < qea_num_commands; i++)
        if (qea_commands[i].help != NULL)
            (void)fprintf(out, "  quantea %s%s%s\n      %s\n", qea_commands[i].name,
                          qea_commands[i].usage[0] != '\0' ? " " : "", qea_commands[i].usage, qea_commands[i].help);
    (void)fprintf(out, "\nquantea COMMAND --help lists a command's options; quantea --version prints the version.\n\n"
                       "exit codes:\n");
    for (size_t i = 0; i < qea_num_exit_codes; i++)
        (void)fprintf(out, "  %3d  %s\n", qea_exit_codes[i].code, qea_exit_codes[i].meaning);
}
