/* quantea doctor: what this machine has of what a run needs. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "quantea/inspect.h"

static const qea_option options[] = {{0, {NULL}, NULL, NULL}};

static void print_facts(const qea_machine *machine) {
    const char *topic = "";
    for (size_t i = 0; i < machine->count; i++) {
        const qea_fact *fact = &machine->facts[i];
        if (strcmp(topic, fact->topic) != 0) (void)printf("%s%s\n", i > 0 ? "\n" : "", fact->topic);
        topic = fact->topic;
        (void)printf("  %-18s %s\n", fact->name, fact->value);
    }
}

static int command_doctor(int argc, char **argv) {
    qea_arguments arguments = {.command = &qea_command_doctor, .argc = argc, .argv = argv};
    const char *value;
    int id = qea_arguments_next(&arguments, &value);
    if (id == 0) (void)fprintf(stderr, "quantea doctor: found '%s'; nothing is allowed here\n", value);
    if (id != -1) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_context_create();
    if (ctx == NULL) return 5;
    qea_machine machine;
    qea_status status = qea_machine_inspect(ctx, &machine);
    if (status == QEA_OK) print_facts(&machine);
    qea_machine_clear(&machine);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}

const qea_command qea_command_doctor = {
    "doctor", "", "shows what this machine has: processor, kernels, workers, memory, disk, libraries, data sets",
    options, command_doctor};
