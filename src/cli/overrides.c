#include "cli/overrides.h"

#include <stdio.h>
#include <string.h>

/* What the options '1'..'9' set. */
static const struct {
    const char *key;
    bool literal;
} keys[] = {{"*.dataset.type", false},
            {"*.dataset.common.data_path", true},
            {"*.dataset.train.batch_size", false},
            {"*.trainer.epochs", false},
            {"general.workers", false},
            {"general.parallel_search", false},
            {"general.parallel_fully_train", false},
            {"general.backend", false},
            {"general.device_category", false}};

bool qea_is_override(int id) { return id >= '0' && id <= '9'; }

static bool add(qea_overrides *overrides, const char *command, const char *key, const char *value, bool literal) {
    if (overrides->count == QEA_MAX_SETS) {
        (void)fprintf(stderr, "quantea %s: more than %d overrides\n", command, QEA_MAX_SETS);
        return false;
    }
    overrides->sets[overrides->count++] = (qea_override){key, value, literal};
    return true;
}

bool qea_overrides_take(qea_overrides *overrides, const char *command, int id, const char *value) {
    if (id != '0') return add(overrides, command, keys[id - '1'].key, value, keys[id - '1'].literal);
    char *equals = strchr(value, '=');
    if (equals == NULL || equals == value) {
        (void)fprintf(stderr, "quantea %s: --set %s: found no KEY=VALUE\n", command, value);
        return false;
    }
    *equals = '\0'; /* argv is ours to write */
    return add(overrides, command, value, equals + 1, false);
}
