#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

static const qea_option *find_option(const qea_command *command, const char *text, size_t length) {
    for (const qea_option *option = command->options; option->id != 0; option++)
        for (int i = 0; i < 3 && option->names[i] != NULL; i++)
            if (strlen(option->names[i]) == length && memcmp(option->names[i], text, length) == 0) return option;
    return NULL;
}

int qea_arguments_next(qea_arguments *arguments, const char **value) {
    *value = NULL;
    if (arguments->next >= arguments->argc) return -1;
    const char *text = arguments->argv[arguments->next++];
    if (!arguments->plain_only && strcmp(text, "--") == 0) {
        arguments->plain_only = true;
        return qea_arguments_next(arguments, value);
    }
    if (arguments->plain_only || text[0] != '-' || text[1] == '\0') {
        *value = text;
        return 0;
    }
    const char *equals = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;
    size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
    const qea_option *option = find_option(arguments->command, text, length);
    if (option == NULL) {
        (void)fprintf(stderr, "quantea %s: unknown option '%.*s'; see quantea %s --help\n", arguments->command->name,
                      (int)length, text, arguments->command->name);
        return -2;
    }
    if (option->value == NULL && equals == NULL) return option->id;
    if (option->value != NULL && equals != NULL) {
        *value = equals + 1;
        return option->id;
    }
    if (option->value != NULL && arguments->next < arguments->argc) {
        *value = arguments->argv[arguments->next++];
        return option->id;
    }
    (void)fprintf(stderr, "quantea %s: option '%.*s' takes %s%s\n", arguments->command->name, (int)length, text,
                  option->value != NULL ? "a value: " : "no value", option->value != NULL ? option->value : "");
    return -2;
}

void qea_command_help(const qea_command *command) {
    (void)printf("usage: quantea %s %s\n%s\n", command->name, command->arguments, command->help);
    if (command->options->id != 0) (void)printf("\noptions:\n");
    for (const qea_option *option = command->options; option->id != 0; option++) {
        char names[96];
        int size = snprintf(names, sizeof names, "%s", option->names[0]);
        for (int i = 1; i < 3 && option->names[i] != NULL; i++)
            size += snprintf(names + size, sizeof names - (size_t)size, ", %s", option->names[i]);
        if (option->value != NULL) (void)snprintf(names + size, sizeof names - (size_t)size, " %s", option->value);
        (void)printf("  %-34s %s\n", names, option->help);
    }
}

bool qea_argument_int(const char *option, const char *text, long low, long high, long *out) {
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out >= low && *out <= high) return true;
    (void)fprintf(stderr, "quantea: %s: found '%s', allowed are whole numbers from %ld to %ld\n", option, text, low,
                  high);
    return false;
}

int qea_command_failed(const qea_context *ctx, qea_status status) {
    static const int codes[] = {[QEA_OK] = 0,
                                [QEA_ERR_CONFIG] = 2,
                                [QEA_ERR_DATA] = 3,
                                [QEA_ERR_IO] = 4,
                                [QEA_ERR_MEMORY] = 5,
                                [QEA_ERR_STATE] = 6,
                                [QEA_ERR_UNSUPPORTED] = 7,
                                [QEA_ERR_DIVERGED] = 8,
                                [QEA_ERR_INTERRUPTED] = 130};
    if (status != QEA_OK) (void)fprintf(stderr, "quantea: %s\n", qea_context_message(ctx));
    return codes[status];
}

void qea_command_log(void *user, qea_log_level level, const char *text) {
    (void)user;
    if (level == QEA_LOG_DEBUG) return;
    (void)fprintf(stderr, "%s%s\n", level == QEA_LOG_WARNING ? "warning: " : "", text);
}
