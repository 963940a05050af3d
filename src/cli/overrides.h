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

/* Rows for a command's table of options; their ids are digits, a command's own ids are letters. */
/* clang-format off */
#define QEA_OVERRIDE_OPTIONS                                                                                           \
    {'0', {"--set"}, "KEY=VALUE", "override a key of the configuration: nas.trainer.epochs=3 (may be repeated)"},      \
    {'1', {"--dataset", "-dt"}, "TYPE", "type of the data set of every step"},                                         \
    {'2', {"--data_path", "-dp"}, "FOLDER", "where the images of every step are"},                                     \
    {'3', {"--batch_size", "-bs"}, "N", "images per training batch in every step"},                                    \
    {'4', {"--epochs", "-es"}, "N", "epochs in every step"},                                                           \
    {'5', {"--workers"}, "N", "worker processes, or auto: one per usable processor"},                                  \
    {'6', {"--parallel_search", "-ps"}, "BOOL", "as in the original; means nothing here (see --workers)"},             \
    {'7', {"--parallel_fully_train", "-pt"}, "BOOL", "as in the original; means nothing here (see --workers)"},        \
    {'8', {"--backend", "-b"}, "NAME", "as in the original; means nothing here"},                                      \
    {'9', {"--device_category", "-d"}, "NAME", "as in the original; means nothing here"}
/* clang-format on */

bool qea_is_override(int id);

/* Takes an option that qea_is_override; `command` stands in messages. false: an error was printed. */
bool qea_overrides_take(qea_overrides *overrides, const char *command, int id, const char *value);

#endif
