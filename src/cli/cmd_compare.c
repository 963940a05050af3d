/* quantea compare: several tasks in one page and one table. */
#include <stdio.h>

#include "cli/command.h"
#include "quantea/network.h"
#include "quantea/study.h"

enum { MOST = 8 }; /* as the table of commands says */

int qea_command_compare(qea_arguments *arguments) {
    const char *tasks[MOST], *file = "comparison.html", *value;
    size_t count = 0;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0)
        if (id == 'o')
            file = value;
        else if (count < MOST)
            tasks[count++] = value;
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    char *table = NULL;
    qea_status status = qea_study_compare(ctx, tasks, count, NULL, file, &table);
    if (status == QEA_OK) (void)printf("%s\npage: %s\n", table, file);
    qea_string_free(table);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}
