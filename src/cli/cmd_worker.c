/* quantea worker: what `quantea run` starts for its trials; not for people. */
#include <stdio.h>

#include "cli/command.h"
#include "quantea/study.h"

static const qea_option options[] = {{0, {NULL}, NULL, NULL}};

static int command_worker(int argc, char **argv) {
    long parent;
    if (argc != 3 || !qea_argument_int("worker", argv[2], 1, 1L << 40, &parent)) {
        (void)fprintf(stderr, "quantea worker: started by quantea run only\n");
        return QEA_EXIT_USAGE;
    }
    qea_context *ctx = qea_context_create();
    if (ctx == NULL) return 5;
    int code = qea_command_failed(ctx, qea_worker_main(ctx, argv[0], argv[1], parent));
    qea_context_destroy(ctx);
    return code;
}

const qea_command qea_command_worker = {"worker", "CONFIG STEP PARENT", NULL, options, command_worker};
