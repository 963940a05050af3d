/* quantea doctor: what this machine has of what a run needs. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "quantea/inspect.h"

static void print_facts(const qea_machine *machine) {
    const char *topic = "";
    for (size_t i = 0; i < machine->count; i++) {
        const qea_fact *fact = &machine->facts[i];
        if (strcmp(topic, fact->topic) != 0) (void)printf("%s%s\n", i > 0 ? "\n" : "", fact->topic);
        topic = fact->topic;
        (void)printf("  %-18s %s\n", fact->name, fact->value);
    }
}

int qea_command_doctor(qea_arguments *arguments) {
    const char *value;
    if (qea_arguments_next(arguments, &value) != QEA_ARGUMENTS_END) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    qea_machine machine;
    qea_status status = qea_machine_inspect(ctx, &machine);
    if (status == QEA_OK) print_facts(&machine);
    qea_machine_clear(&machine);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}
