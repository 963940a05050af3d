/* cli/overrides.h: options that stand for keys of the configuration, shared by the commands that read one. */
#ifndef QEA_CLI_OVERRIDES_H
#define QEA_CLI_OVERRIDES_H

#include "cli/command.h"
#include "quantea/study.h"

enum { QEA_MAX_SETS = 200 };

typedef struct qea_overrides {
    qea_override sets[QEA_MAX_SETS]; /* keys and values are borrowed from argv */
    size_t count;
} qea_overrides;

/* Takes the option that was read last: --set, or one whose row has a key. false: an error was printed. */
bool qea_overrides_take(qea_overrides *overrides, const qea_arguments *arguments, const char *value);

#endif
