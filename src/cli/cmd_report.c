/* quantea report: a task's report.html, at any time. */
#include <stdio.h>

#include "cli/command.h"
#include "quantea/network.h"
#include "quantea/study.h"

static const qea_option options[] = {{0, {NULL}, NULL, NULL}};

static int command_report(int argc, char **argv) {
    qea_arguments arguments = {.command = &qea_command_report, .argc = argc, .argv = argv};
    const char *task = NULL, *value;
    int id;
    while ((id = qea_arguments_next(&arguments, &value)) >= 0) {
        if (task != NULL) {
            (void)fprintf(stderr, "quantea report: found '%s' behind '%s'; one task is allowed\n", value, task);
            return QEA_EXIT_USAGE;
        }
        task = value;
    }
    if (id == -2) return QEA_EXIT_USAGE;
    if (task == NULL) {
        (void)fprintf(stderr, "quantea report: a task is needed, its folder or its name; see quantea report --help\n");
        return QEA_EXIT_USAGE;
    }
    qea_context *ctx = qea_context_create();
    if (ctx == NULL) return 5;
    qea_context_set_log(ctx, qea_command_log, NULL);
    char *path = NULL;
    qea_status status = qea_study_report(ctx, task, NULL, &path);
    if (status == QEA_OK) (void)printf("%s\n", path);
    qea_string_free(path);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}

const qea_command qea_command_report = {"report", "TASK",
                                        "writes output/report.html of a task, also of one that runs or was killed",
                                        options, command_report};
