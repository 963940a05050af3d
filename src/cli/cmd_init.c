/* quantea init: a configuration to start from. */
#include <stdio.h>

#include "cli/command.h"
#include "quantea/inspect.h"

static void take_option(qea_template_options *wanted, int id, const char *value) {
    switch (id) {
    case 'd':
        wanted->dataset = value;
        break;
    case 'p':
        wanted->data_path = value;
        break;
    case 'n':
        wanted->network = value;
        break;
    case 'o':
        wanted->file = value;
        break;
    case 'f':
        wanted->force = true;
        break;
    default:
        break;
    }
}

int qea_command_init(qea_arguments *arguments) {
    qea_template_options wanted = {.dataset = "FashionMnist", .network = "resnet20", .file = "quantea.yml"};
    const char *value;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0) take_option(&wanted, id, value);
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    qea_status status = qea_template_write(ctx, &wanted);
    if (status == QEA_OK) (void)printf("wrote %s; next: quantea estimate %s\n", wanted.file, wanted.file);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}
