/* quantea report: a task's report.html, at any time. */
#include <stdio.h>

#include "cli/command.h"
#include "quantea/network.h"
#include "quantea/study.h"

int qea_command_report(qea_arguments *arguments) {
    const char *task = NULL, *value;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0) task = value;
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    char *path = NULL;
    qea_status status = qea_study_report(ctx, task, NULL, &path);
    if (status == QEA_OK) (void)printf("%s\n", path);
    qea_string_free(path);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}
