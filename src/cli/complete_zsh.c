/* The completion for zsh, from the table of commands and options. */
#include <string.h>

#include "cli/document.h"

static const char functions[] = "#compdef quantea\n"
                                "# zsh completion for quantea; made by quantea document from the table of options.\n"
                                "\n"
                                "_quantea_tasks() {\n"
                                "    local -a names=(tasks/*/task.db(N:h:t))\n"
                                "    _alternative 'names:task:compadd -a names' 'folders:folder:_files -/'\n"
                                "}\n"
                                "\n"
                                "_quantea_settings() {\n"
                                "    local -A choices=(\n";

/* Text inside '...[text]' of _arguments, between apostrophes. */
static void put_text(FILE *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            (void)fputs("'\\''", out);
        else if (strchr("[]:\\", *c) != NULL)
            (void)fprintf(out, "\\%c", *c);
        else
            (void)fputc(*c, out);
    }
}

static void put_key(FILE *out, const char *path, const char *choices) {
    (void)fprintf(out, "        '%s' '", path);
    if (choices != NULL) qea_put_choices(out, choices, " ");
    (void)fputs("'\n", out);
}

/* What completes a value: an action of _arguments. */
static void put_action(FILE *out, unsigned kind, const char *choices) {
    if (kind == (QEA_VALUE_CHOICE | QEA_VALUE_FOLDER)) {
        (void)fputs("{_alternative \"types\\:type\\:(", out);
        qea_put_choices(out, choices, " ");
        (void)fputs(")\" \"folders\\:folder\\:_files -/\"}", out);
    } else if ((kind & QEA_VALUE_CHOICE) != 0) {
        (void)fputc('(', out);
        qea_put_choices(out, choices, " ");
        (void)fputc(')', out);
    } else if ((kind & QEA_VALUE_SETTING) != 0) {
        (void)fputs("_quantea_settings", out);
    } else if (kind == (QEA_VALUE_CONFIG | QEA_VALUE_TASK)) {
        (void)fputs(
            "{_alternative \"files\\:configuration\\:_files -g \\\"*.y(a|)ml\\\"\" \"tasks\\:task\\:_quantea_tasks\"}",
            out);
    } else if ((kind & QEA_VALUE_CONFIG) != 0) {
        (void)fputs("_files -g \"*.y(a|)ml\"", out);
    } else if ((kind & QEA_VALUE_MODEL) != 0) {
        (void)fputs("_files -g \"*.safetensors\"", out);
    } else if ((kind & QEA_VALUE_FILE) != 0) {
        (void)fputs("_files", out);
    } else if ((kind & QEA_VALUE_FOLDER) != 0) {
        (void)fputs("_files -/", out);
    } else if ((kind & QEA_VALUE_TASK) != 0) {
        (void)fputs("_quantea_tasks", out);
    } else {
        (void)fputc(' ', out); /* anything */
    }
}

/* '(--resume -r)--resume[text]' for each spelling; one that may be repeated is not ruled out by itself. */
static void put_spelling(FILE *out, const qea_option *option, const char *name) {
    bool repeated = (option->kind & QEA_VALUE_SETTING) != 0;
    (void)fputs("            '", out);
    if (repeated)
        (void)fputc('*', out);
    else if (option->shorter != NULL)
        (void)fprintf(out, "(%s %s)", option->name, option->shorter);
    (void)fprintf(out, "%s%s[", name,
                  option->optional                                ? "=-"
                  : option->value != NULL && name == option->name ? "="
                                                                  : "");
    put_text(out, option->help);
    (void)fputc(']', out);
    if (option->value != NULL) {
        (void)fprintf(out, option->optional ? "::%s:" : ":%s:", option->value);
        put_action(out, option->kind, option->choices);
    }
    (void)fputs("' \\\n", out);
}

static void put_options(FILE *out, unsigned bit) {
    for (size_t i = 0; i < qea_num_options; i++) {
        if ((qea_options[i].commands & bit) == 0) continue;
        put_spelling(out, &qea_options[i], qea_options[i].name);
        if (qea_options[i].shorter != NULL) put_spelling(out, &qea_options[i], qea_options[i].shorter);
    }
}

static void put_command(FILE *out, const qea_command *command) {
    (void)fprintf(out, "    %s)\n        _arguments \\\n", command->name);
    put_options(out, command->bit);
    (void)fputs("            ", out);
    if (command->kind != QEA_VALUE_NONE) {
        (void)fprintf(out, "'%s:%s:", command->most > 1 ? "*" : "1", command->noun);
        put_action(out, command->kind, NULL);
        (void)fputs("'\n", out);
    } else {
        (void)fputs("&& return\n", out);
    }
    (void)fputs("        ;;\n", out);
}

void qea_complete_zsh(FILE *out) {
    (void)fputs(functions, out);
    qea_each_key(out, put_key);
    (void)fputs("    )\n"
                "    if compset -P '*='; then\n"
                "        local key=${${IPREFIX%=}##*=}\n"
                "        compadd -- ${=choices[$key]}\n"
                "    else\n"
                "        compadd -S = -- ${(k)choices}\n"
                "    fi\n"
                "}\n"
                "\n"
                "_quantea() {\n"
                "    local curcontext=$curcontext state line\n"
                "    local -A opt_args\n"
                "    local -a commands=(\n",
                out);
    for (size_t i = 0; i < qea_num_commands; i++) {
        if (qea_commands[i].help == NULL) continue;
        (void)fprintf(out, "        '%s:", qea_commands[i].name);
        put_text(out, qea_commands[i].help);
        (void)fputs("'\n", out);
    }
    (void)fputs("        'help:shows what there is, or a command'\n    )\n    _arguments -C \\\n", out);
    put_options(out, QEA_ITSELF);
    (void)fputs("            '1: :->command' \\\n            '*:: :->argument'\n"
                "    if [[ $state == command ]]; then\n"
                "        _describe -t commands command commands\n"
                "        _files -g '*.y(a|)ml'\n"
                "        return\n"
                "    fi\n"
                "    [[ $state == argument ]] || return\n"
                "    local command=$words[1]\n"
                "    [[ $command != *.y(a|)ml ]] || command=run\n"
                "    case $command in\n"
                "    help) _describe -t commands command commands ;;\n",
                out);
    for (size_t i = 0; i < qea_num_commands; i++)
        if (qea_commands[i].help != NULL) put_command(out, &qea_commands[i]);
    (void)fputs("    esac\n}\n\n_quantea \"$@\"\n", out);
}
