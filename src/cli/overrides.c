#include "cli/overrides.h"

#include <stdio.h>
#include <string.h>

bool qea_overrides_take(qea_overrides *overrides, const qea_arguments *arguments, const char *value) {
    const qea_option *option = arguments->option;
    const char *command = arguments->command->name;
    if (overrides->count == QEA_MAX_SETS) {
        (void)fprintf(stderr, "quantea %s: more than %d overrides\n", command, QEA_MAX_SETS);
        return false;
    }
    qea_override *set = &overrides->sets[overrides->count];
    *set = (qea_override){option->key, value, option->literal};
    if (option->key == NULL) { /* KEY=VALUE */
        char *equals = strchr(value, '=');
        if (equals == NULL || equals == value) {
            (void)fprintf(stderr, "quantea %s: %s: found '%s'; allowed is %s\n", command, option->name, value,
                          option->value);
            return false;
        }
        *equals = '\0'; /* argv is ours to write */
        *set = (qea_override){value, equals + 1, false};
    }
    overrides->count++;
    return true;
}
