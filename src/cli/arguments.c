#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

enum { MAX_NAMES = 64 };

const qea_command *qea_command_find(const char *name) {
    for (size_t i = 0; i < qea_num_commands; i++)
        if (strcmp(qea_commands[i].name, name) == 0) return &qea_commands[i];
    return NULL;
}

const char *qea_command_nearest(const char *name) {
    const char *names[MAX_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < qea_num_commands && count < MAX_NAMES; i++)
        if (qea_commands[i].help != NULL) names[count++] = qea_commands[i].name;
    return qea_nearest_name(name, names, count);
}

static const qea_option *find_option(const qea_command *command, const char *name) {
    for (size_t i = 0; i < qea_num_options; i++) {
        const qea_option *option = &qea_options[i];
        if ((option->commands & command->bit) == 0) continue;
        if (strcmp(option->name, name) == 0) return option;
        if (option->shorter != NULL && strcmp(option->shorter, name) == 0) return option;
    }
    return NULL;
}

static int unknown_option(const qea_command *command, const char *name) {
    const char *names[MAX_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < qea_num_options && count < MAX_NAMES; i++)
        if ((qea_options[i].commands & command->bit) != 0) names[count++] = qea_options[i].name;
    const char *nearest = strlen(name) > 3 ? qea_nearest_name(name, names, count) : NULL;
    (void)fprintf(stderr, "quantea %s: unknown option '%s'; ", command->name, name);
    if (nearest != NULL) (void)fprintf(stderr, "did you mean %s? ", nearest);
    (void)fprintf(stderr, "see quantea %s --help\n", command->name);
    return QEA_ARGUMENTS_WRONG;
}

static bool take_number(const qea_command *command, const qea_option *option, const char *text, long *out) {
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out >= option->low && *out <= option->high) return true;
    (void)fprintf(stderr, "quantea %s: %s: found '%s'; allowed are whole numbers from %ld to %ld\n", command->name,
                  option->name, text, option->low, option->high);
    return false;
}

/* Is it one of "a|b|c"? */
static bool take_choice(const qea_command *command, const qea_option *option, const char *text) {
    char copy[256];
    const char *names[MAX_NAMES];
    size_t count = 0;
    (void)snprintf(copy, sizeof copy, "%s", option->choices);
    char *rest = NULL;
    for (char *name = strtok_r(copy, "|", &rest); name != NULL && count < MAX_NAMES;
         name = strtok_r(NULL, "|", &rest)) {
        if (strcmp(name, text) == 0) return true;
        names[count++] = name;
    }
    const char *nearest = qea_nearest_name(text, names, count);
    (void)fprintf(stderr, "quantea %s: %s: found '%s'; allowed are", command->name, option->name, text);
    for (size_t i = 0; i < count; i++) (void)fprintf(stderr, "%s %s", i > 0 ? "," : "", names[i]);
    if (nearest != NULL) (void)fprintf(stderr, "; did you mean %s?", nearest);
    (void)fprintf(stderr, "\n");
    return false;
}

static int checked(qea_arguments *arguments, const char *value) {
    const qea_option *option = arguments->option;
    bool right = true;
    if (option->key == NULL && option->kind == QEA_VALUE_NUMBER)
        right = take_number(arguments->command, option, value, &arguments->number);
    if (option->key == NULL && option->kind == QEA_VALUE_CHOICE) right = take_choice(arguments->command, option, value);
    return right ? option->id : QEA_ARGUMENTS_WRONG;
}

static int take_option(qea_arguments *arguments, const char *text, const char **value) {
    char name[128];
    const char *equals = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;
    (void)snprintf(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - text) : (int)sizeof name, text);
    const qea_option *option = arguments->option = find_option(arguments->command, name);
    if (option == NULL) return unknown_option(arguments->command, name);
    if ((option->value == NULL || option->optional) && equals == NULL) return option->id;
    if (option->value != NULL && (equals != NULL || arguments->next < arguments->argc)) {
        *value = equals != NULL ? equals + 1 : arguments->argv[arguments->next++];
        return checked(arguments, *value);
    }
    (void)fprintf(stderr, "quantea %s: option '%s' takes %s%s\n", arguments->command->name, name,
                  option->value != NULL ? "a value: " : "no value", option->value != NULL ? option->value : "");
    return QEA_ARGUMENTS_WRONG;
}

static int take_plain(qea_arguments *arguments, const char *text) {
    const qea_command *command = arguments->command;
    arguments->option = NULL;
    if (arguments->plain == 0) arguments->first_plain = text;
    if (++arguments->plain <= command->most) return QEA_ARGUMENT_PLAIN;
    if (command->noun == NULL)
        (void)fprintf(stderr, "quantea %s: found '%s'; only options are allowed, see quantea %s --help\n",
                      command->name, text, command->name);
    else if (command->most == 1)
        (void)fprintf(stderr, "quantea %s: found '%s' behind '%s'; only one %s is allowed\n", command->name, text,
                      arguments->first_plain, command->noun);
    else
        (void)fprintf(stderr, "quantea %s: found '%s'; at most %d arguments are allowed\n", command->name, text,
                      command->most);
    return QEA_ARGUMENTS_WRONG;
}

static int at_end(const qea_arguments *arguments) {
    const qea_command *command = arguments->command;
    if (arguments->plain >= command->least) return QEA_ARGUMENTS_END;
    (void)fprintf(stderr, "quantea %s: %s %s is needed; see quantea %s --help\n", command->name,
                  arguments->plain > 0 ? "one more" : "a", command->noun, command->name);
    return QEA_ARGUMENTS_WRONG;
}

int qea_arguments_next(qea_arguments *arguments, const char **value) {
    *value = NULL;
    if (arguments->next >= arguments->argc) return at_end(arguments);
    const char *text = arguments->argv[arguments->next++];
    if (!arguments->plain_only && strcmp(text, "--") == 0) {
        arguments->plain_only = true;
        return qea_arguments_next(arguments, value);
    }
    if (!arguments->plain_only && text[0] == '-' && text[1] != '\0') return take_option(arguments, text, value);
    *value = text;
    return take_plain(arguments, text);
}

int qea_exit_code_of(qea_status status) {
    for (size_t i = 0; i < qea_num_exit_codes; i++)
        if (qea_exit_codes[i].status == status) return qea_exit_codes[i].code;
    return QEA_EXIT_USAGE;
}

int qea_command_failed(const qea_context *ctx, qea_status status) {
    if (status != QEA_OK) (void)fprintf(stderr, "quantea: %s\n", qea_context_message(ctx));
    return qea_exit_code_of(status);
}

static void log_line(void *user, qea_log_level level, const char *text) {
    (void)user;
    if (level == QEA_LOG_DEBUG) return;
    (void)fprintf(stderr, "%s%s\n", level == QEA_LOG_WARNING ? "warning: " : "", text);
}

qea_context *qea_command_context(void) {
    qea_context *ctx = qea_context_create();
    if (ctx == NULL)
        (void)fprintf(stderr, "quantea: out of memory\n");
    else
        qea_context_set_log(ctx, log_line, NULL);
    return ctx;
}
