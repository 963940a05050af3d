/* quantea worker: what `quantea run` starts for its trials; not for people. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "quantea/study.h"

int qea_command_worker(qea_arguments *arguments) {
    char **argv = arguments->argv;
    long parent = arguments->argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (parent < 1) {
        (void)fprintf(stderr, "quantea worker: started by quantea run only\n");
        return QEA_EXIT_USAGE;
    }
    qea_context *ctx = qea_context_create(); /* without a log: the coordinator speaks */
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    int code = qea_command_failed(ctx, qea_worker_main(ctx, argv[0], argv[1], parent));
    qea_context_destroy(ctx);
    return code;
}
