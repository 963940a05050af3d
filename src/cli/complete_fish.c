/* The completion for fish, from the table of commands and options. */
#include <string.h>

#include "cli/document.h"

static const char functions[] = "# fish completion for quantea; made by quantea document from the table of options.\n"
                                "\n"
                                "function __quantea_tasks\n"
                                "    for store in tasks/*/task.db\n"
                                "        string replace -r '^tasks/(.*)/task.db$' '$1' -- $store\n"
                                "    end\n"
                                "    __fish_complete_directories\n"
                                "end\n"
                                "\n"
                                "function __quantea_files\n"
                                "    for suffix in $argv\n"
                                "        __fish_complete_suffix $suffix\n"
                                "    end\n"
                                "end\n"
                                "\n"
                                "function __quantea_runs # quantea run, or quantea CONFIG.yml\n"
                                "    set -l words (commandline -opc)\n"
                                "    __fish_seen_subcommand_from run\n"
                                "    or string match -qr '[./]' -- $words[2]\n"
                                "end\n"
                                "\n"
                                "function __quantea_settings\n"
                                "    printf '%s\\n'";

static void put_key(FILE *out, const char *path, const char *choices) {
    (void)fprintf(out, " \\\n        '%s='", path);
    if (choices == NULL) return;
    for (const char *c = choices; *c != '\0'; c += strcspn(c, "|"), c += *c == '|')
        (void)fprintf(out, " '%s=%.*s'", path, (int)strcspn(c, "|"), c);
}

/* Between apostrophes. */
static void put_text(FILE *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\') (void)fputc('\\', out);
        (void)fputc(*c, out);
    }
}

/* " -a '...'" with what completes a value; nothing where anything goes. */
static void put_values(FILE *out, unsigned kind, const char *choices) {
    (void)fputs(" -a '", out);
    if ((kind & QEA_VALUE_CHOICE) != 0) qea_put_choices(out, choices, " ");
    if ((kind & QEA_VALUE_SETTING) != 0) (void)fputs("(__quantea_settings)", out);
    if ((kind & QEA_VALUE_CONFIG) != 0) (void)fputs(" (__quantea_files .yml .yaml)", out);
    if ((kind & QEA_VALUE_MODEL) != 0) (void)fputs(" (__quantea_files .safetensors)", out);
    if ((kind & QEA_VALUE_FOLDER) != 0) (void)fputs(" (__fish_complete_directories)", out);
    if ((kind & QEA_VALUE_TASK) != 0) (void)fputs(" (__quantea_tasks)", out);
    (void)fputs("'", out);
}

static void put_option(FILE *out, const char *where, const qea_option *option) {
    (void)fprintf(out, "complete -c quantea -n '%s' -l %s", where, option->name + 2);
    if (option->shorter != NULL)
        (void)fprintf(out, strlen(option->shorter) == 2 ? " -s %s" : " -o %s", option->shorter + 1);
    bool value = option->value != NULL && !option->optional; /* what follows is no value, then */
    if (value) (void)fputs((option->kind & QEA_VALUE_FILE) != 0 ? " -r -F" : " -x", out);
    if (value && (option->kind & QEA_VALUE_FILE) == 0) put_values(out, option->kind, option->choices);
    (void)fputs(" -d '", out);
    put_text(out, option->help);
    (void)fputs("'\n", out);
}

static void put_command(FILE *out, const qea_command *command) {
    char where[128];
    (void)fprintf(out, "\ncomplete -c quantea -n __fish_use_subcommand -a %s -d '", command->name);
    put_text(out, command->help);
    (void)fputs("'\n", out);
    if (command->bit == QEA_RUN)
        (void)snprintf(where, sizeof where, "__quantea_runs");
    else
        (void)snprintf(where, sizeof where, "__fish_seen_subcommand_from %s", command->name);
    if (command->kind != QEA_VALUE_NONE) {
        (void)fprintf(out, "complete -c quantea -n '%s'", where);
        put_values(out, command->kind, NULL);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < qea_num_options; i++)
        if ((qea_options[i].commands & command->bit) != 0) put_option(out, where, &qea_options[i]);
}

void qea_complete_fish(FILE *out) {
    (void)fputs(functions, out);
    qea_each_key(out, put_key);
    (void)fputs("\nend\n\ncomplete -c quantea -f\n"
                "complete -c quantea -n __fish_use_subcommand -k -a '(__quantea_files .yml .yaml)'\n"
                "complete -c quantea -n __fish_use_subcommand -a help -d 'shows what there is, or a command'\n",
                out);
    for (size_t i = 0; i < qea_num_options; i++)
        if ((qea_options[i].commands & QEA_ITSELF) != 0) put_option(out, "__fish_use_subcommand", &qea_options[i]);
    for (size_t i = 0; i < qea_num_commands; i++)
        if (qea_commands[i].help != NULL) put_command(out, &qea_commands[i]);
}
