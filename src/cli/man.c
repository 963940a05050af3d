/* Man pages of the commands. */
#include <string.h>

#include "cli/document.h"
#include "quantea/study.h"

void qea_man_put(FILE *out, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bool line_begins = i == 0 || text[i - 1] == '\n';
        if (line_begins && (text[i] == '.' || text[i] == '\'')) (void)fputs("\\&", out);
        if (text[i] == '\\')
            (void)fputs("\\e", out);
        else if (text[i] == '-')
            (void)fputs("\\-", out);
        else
            (void)fputc(text[i], out);
    }
}

static void put(FILE *out, const char *text) { qea_man_put(out, text, strlen(text)); }

/* "\fB" (bold) or "\fI" (italic), text, "\fR". */
static void put_font(FILE *out, char font, const char *text) {
    (void)fprintf(out, "\\f%c", font);
    put(out, text);
    (void)fputs("\\fR", out);
}

/* Names of options stand out, whatever stands between them. */
static void put_usage(FILE *out, const char *usage) {
    for (const char *word = usage; *word != '\0';) {
        size_t size = strcspn(word, " ");
        char copy[64];
        (void)snprintf(copy, sizeof copy, "%.*s", (int)size, word);
        (void)fputc(' ', out);
        if (strncmp(copy, "--", 2) == 0)
            put_font(out, 'B', copy);
        else if (copy[0] >= 'A' && copy[0] <= 'Z')
            put_font(out, 'I', copy);
        else
            put(out, copy);
        word += size;
        word += *word == ' ';
    }
}

void qea_man_head(FILE *out, const char *title, const char *name, const char *what) {
    const char *section = strchr(title, '5') != NULL ? "File Formats" : "User Commands";
    (void)fprintf(out,
                  ".\\\" Made by quantea document from the tables of options and of configuration keys.\n"
                  ".TH %s %s \"quantea %s\" \"%s\"\n.SH NAME\n",
                  title, QEA_DATE, qea_version(), section);
    put(out, name);
    (void)fputs(" \\- ", out);
    put(out, what);
    (void)fputc('\n', out);
}

static void put_options(FILE *out, unsigned bit) {
    (void)fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < qea_num_options; i++) {
        const qea_option *option = &qea_options[i];
        if ((option->commands & bit) == 0) continue;
        (void)fputs(".TP\n", out);
        put_font(out, 'B', option->name);
        if (option->shorter != NULL) (void)fputs(", ", out);
        if (option->shorter != NULL) put_font(out, 'B', option->shorter);
        if (option->value != NULL) (void)fputs(option->optional ? "[=" : " ", out);
        if (option->value != NULL) put_font(out, 'I', option->value);
        if (option->optional) (void)fputc(']', out);
        (void)fputc('\n', out);
        put(out, option->help);
        (void)fputs(".\n", out);
        if (option->choices != NULL) (void)fputs("One of ", out);
        if (option->choices != NULL) qea_put_choices(out, option->choices, ", ");
        if (option->kind == (QEA_VALUE_CHOICE | QEA_VALUE_FOLDER)) (void)fputs(", or a folder", out);
        if (option->kind == (QEA_VALUE_CHOICE | QEA_VALUE_NUMBER)) (void)fputs(", or a whole number", out);
        if (option->choices != NULL) (void)fputs(".\n", out);
        if (option->kind == QEA_VALUE_NUMBER && option->key == NULL)
            (void)fprintf(out, "From %ld to %ld.\n", option->low, option->high);
        if (option->fallback != NULL) {
            (void)fputs("Default: ", out);
            put(out, option->fallback);
            (void)fputs(".\n", out);
        }
        if (option->key != NULL) {
            (void)fputs("Sets ", out);
            put_font(out, 'B', option->key);
            (void)fputs(", see quantea\\-config(5).\n", out);
        }
    }
}

static void put_exit_codes(FILE *out) {
    (void)fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < qea_num_exit_codes; i++) {
        (void)fprintf(out, ".TP\n.B %d\n", qea_exit_codes[i].code);
        put(out, qea_exit_codes[i].meaning);
        (void)fputs(".\n", out);
    }
}

static void put_paragraphs(FILE *out, const char *text) {
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        (void)fputs(".PP\n", out);
        qea_man_put(out, text, end != NULL ? (size_t)(end - text) : strlen(text));
        (void)fputc('\n', out);
        text = end != NULL ? end + 2 : "";
    }
}

static void put_examples(FILE *out, const char *lines) {
    (void)fputs(".SH EXAMPLES\n.nf\n", out);
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        (void)fputs("quantea ", out);
        qea_man_put(out, line, strcspn(line, "\n"));
        (void)fputc('\n', out);
    }
    (void)fputs(".fi\n", out);
}

void qea_man_command(FILE *out, const qea_command *command) {
    char title[64], name[64];
    (void)snprintf(title, sizeof title, "QUANTEA-");
    for (size_t i = 0; command->name[i] != '\0' && i + 12 < sizeof title; i++)
        (void)snprintf(title + 8 + i, sizeof title - 8 - i, "%c 1", command->name[i] - 'a' + 'A');
    (void)snprintf(name, sizeof name, "quantea-%s", command->name);
    qea_man_head(out, title, name, command->help);
    (void)fputs(".SH SYNOPSIS\n\\fBquantea ", out);
    put(out, command->name);
    (void)fputs("\\fR", out);
    put_usage(out, command->usage);
    (void)fputs("\n.SH DESCRIPTION\n", out);
    (void)fprintf(out, "\\fBquantea %s\\fR ", command->name);
    put(out, command->help);
    (void)fputs(".\n", out);
    if (command->about != NULL) put_paragraphs(out, command->about);
    put_options(out, command->bit);
    put_exit_codes(out);
    if (command->examples != NULL) put_examples(out, command->examples);
    (void)fputs(".SH SEE ALSO\n.BR quantea (1),\n.BR quantea\\-config (5)\n", out);
}

void qea_man_main(FILE *out) {
    qea_man_head(out, "QUANTEA 1", "quantea", "finds how many bits each layer of a convolutional network needs");
    (void)fputs(".SH SYNOPSIS\n.B quantea\n.I COMMAND\n[arguments]\n.br\n.B quantea\n.I CONFIG.yml\n[options]\n"
                ".SH DESCRIPTION\n"
                "\\fBquantea\\fR searches the bit widths of a network's weights and activations with NSGA\\-III over "
                "accuracy and cost, trains the models on the Pareto front with quantisation in the loop, and writes "
                "them beside the uniform baselines.\n"
                "The second form means \\fBquantea run\\fR.\n.SH COMMANDS\n",
                out);
    for (size_t i = 0; i < qea_num_commands; i++) {
        if (qea_commands[i].help == NULL) continue;
        (void)fprintf(out, ".TP\n\\fBquantea\\-%s\\fR(1)\n", qea_commands[i].name);
        put(out, qea_commands[i].help);
        (void)fputs(".\n", out);
    }
    put_options(out, QEA_ITSELF);
    put_exit_codes(out);
    (void)fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < qea_num_variables; i++) {
        (void)fprintf(out, ".TP\n.B %s\n", qea_variables[i].name);
        put(out, qea_variables[i].meaning);
        (void)fputs(".\n", out);
    }
    (void)fputs(".SH FILES\n.TP\n.I tasks/NAME\na task: the configuration as it holds, the store \\fItask.db\\fR, "
                "the checkpoints, and in \\fIoutput\\fR what is for people: \\fIreport.html\\fR, tables, models.\n"
                ".SH SEE ALSO\n.BR quantea\\-config (5)\n",
                out);
}
