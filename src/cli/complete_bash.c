/* The completion for bash, from the table of commands and options. */
#include <string.h>

#include "cli/document.h"

static const char functions[] = "# bash completion for quantea; made by quantea document from the table of options.\n"
                                "\n"
                                "_quantea_words() { # those of $1 that begin with $cur\n"
                                "    local word words\n"
                                "    read -ra words <<<\"$1\"\n"
                                "    for word in \"${words[@]}\"; do\n"
                                "        [[ $word != \"$cur\"* ]] || COMPREPLY+=(\"$word\")\n"
                                "    done\n"
                                "}\n"
                                "\n"
                                "_quantea_files() { # that match the pattern $1, and folders\n"
                                "    local name\n"
                                "    compopt -o filenames 2>/dev/null\n"
                                "    while IFS= read -r name; do\n"
                                "        # shellcheck disable=SC2053  # a pattern\n"
                                "        if [[ -d $name || $name == $1 ]]; then COMPREPLY+=(\"$name\"); fi\n"
                                "    done < <(compgen -f -- \"$cur\")\n"
                                "}\n"
                                "\n"
                                "_quantea_tasks() { # by name, or the folder\n"
                                "    local store name\n"
                                "    for store in tasks/*/task.db; do\n"
                                "        [[ -e $store ]] || continue\n"
                                "        name=${store#tasks/} name=${name%/task.db}\n"
                                "        [[ $name != \"$cur\"* ]] || COMPREPLY+=(\"$name\")\n"
                                "    done\n"
                                "    _quantea_files ''\n"
                                "}\n"
                                "\n";

static const char ending[] = "    esac\n"
                             "}\n"
                             "\n"
                             "complete -F _quantea quantea\n";

static void put_key(FILE *out, const char *path, const char *choices) {
    (void)choices;
    (void)fprintf(out, " %s=", path);
}

static void put_key_choices(FILE *out, const char *path, const char *choices) {
    if (choices == NULL) return;
    (void)fprintf(out, "    '%s') _quantea_words '", path);
    qea_put_choices(out, choices, " ");
    (void)fputs("' ;;\n", out);
}

static void put_settings(FILE *out) {
    (void)fputs("_quantea_keys='", out);
    qea_each_key(out, put_key);
    (void)fputs("'\n\n_quantea_key_value() { # of the key $1\n    case $1 in\n", out);
    qea_each_key(out, put_key_choices);
    (void)fputs("    esac\n}\n\n", out);
}

static void put_kind(FILE *out, unsigned kind, const char *choices) {
    if ((kind & QEA_VALUE_CHOICE) != 0) {
        (void)fputs(" _quantea_words '", out);
        qea_put_choices(out, choices, " ");
        (void)fputs("';", out);
    }
    if ((kind & QEA_VALUE_SETTING) != 0)
        (void)fputs(" _quantea_words \"$_quantea_keys\"; compopt -o nospace 2>/dev/null;", out);
    if ((kind & QEA_VALUE_FILE) != 0) (void)fputs(" _quantea_files '*';", out);
    if ((kind & QEA_VALUE_CONFIG) != 0) (void)fputs(" _quantea_files '*.y*ml';", out);
    if ((kind & QEA_VALUE_MODEL) != 0) (void)fputs(" _quantea_files '*.safetensors';", out);
    if ((kind & QEA_VALUE_FOLDER) != 0) (void)fputs(" _quantea_files '';", out);
    if ((kind & QEA_VALUE_TASK) != 0) (void)fputs(" _quantea_tasks;", out);
}

static void put_names(FILE *out, unsigned bit) {
    for (size_t i = 0; i < qea_num_options; i++) {
        if ((qea_options[i].commands & bit) == 0) continue;
        (void)fprintf(out, " %s", qea_options[i].name);
        if (qea_options[i].shorter != NULL) (void)fprintf(out, " %s", qea_options[i].shorter);
    }
}

static void put_command(FILE *out, const qea_command *command) {
    (void)fprintf(out, "    %s)\n        case $option in\n", command->name);
    for (size_t i = 0; i < qea_num_options; i++) {
        const qea_option *option = &qea_options[i];
        if ((option->commands & command->bit) == 0 || option->value == NULL || option->optional) continue;
        (void)fprintf(out, "        %s", option->name);
        if (option->shorter != NULL) (void)fprintf(out, " | %s", option->shorter);
        (void)fputc(')', out);
        put_kind(out, option->kind, option->choices);
        (void)fputs(" return ;;\n", out);
    }
    (void)fputs("        esac\n        if [[ $cur == -* ]]; then _quantea_words '", out);
    put_names(out, command->bit);
    (void)fputs("'; return; fi\n", out);
    if (command->kind != QEA_VALUE_NONE) {
        (void)fputs("       ", out);
        put_kind(out, command->kind, NULL);
        (void)fputc('\n', out);
    }
    (void)fputs("        ;;\n", out);
}

/* Bash parts words at "=": the option of "--part=va" is two words back, and so is the key of "--set a.b=va". */
static const char beginning[] =
    "_quantea() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} assigned=\n"
    "    COMPREPLY=()\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur= assigned=$option\n"
    "    elif [[ $option == = ]]; then\n"
    "        assigned=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if [[ $assigned == --* ]]; then\n"
    "        option=$assigned\n"
    "    elif [[ -n $assigned ]]; then\n"
    "        _quantea_key_value \"$assigned\"\n"
    "        return\n"
    "    fi\n";

void qea_complete_bash(FILE *out) {
    (void)fputs(functions, out);
    put_settings(out);
    (void)fputs(beginning, out);
    (void)fputs("    if ((COMP_CWORD == 1)); then\n        _quantea_words 'help", out);
    for (size_t i = 0; i < qea_num_commands; i++)
        if (qea_commands[i].help != NULL) (void)fprintf(out, " %s", qea_commands[i].name);
    put_names(out, QEA_ITSELF);
    (void)fputs(
        "'\n        _quantea_files '*.y*ml'\n        return\n    fi\n    case $command in\n    help) _quantea_words '",
        out);
    for (size_t i = 0; i < qea_num_commands; i++)
        if (qea_commands[i].help != NULL) (void)fprintf(out, " %s", qea_commands[i].name);
    (void)fputs("' ;;\n    *.y*ml) command=run ;;\n", out);
    (void)fputs("    esac\n    case $command in\n", out);
    for (size_t i = 0; i < qea_num_commands; i++)
        if (qea_commands[i].help != NULL) put_command(out, &qea_commands[i]);
    (void)fputs(ending, out);
}
