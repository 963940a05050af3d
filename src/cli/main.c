/* quantea: the command. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "quantea/study.h"

static const qea_command *const commands[] = {&qea_command_init,   &qea_command_estimate, &qea_command_run,
                                              &qea_command_report, &qea_command_eval,     &qea_command_doctor,
                                              &qea_command_worker};
enum { NUM_COMMANDS = sizeof commands / sizeof *commands };

static void help(FILE *out) {
    (void)fprintf(out, "quantea %s: finds how many bits each layer of a convolutional network needs\n\nusage:\n",
                  qea_version());
    for (int i = 0; i < NUM_COMMANDS; i++)
        if (commands[i]->help != NULL)
            (void)fprintf(out, "  quantea %s %s\n      %s\n", commands[i]->name, commands[i]->arguments,
                          commands[i]->help);
    (void)fprintf(
        out, "  quantea CONFIG.yml ...\n      the same as quantea run CONFIG.yml ...\n\n"
             "quantea COMMAND --help lists a command's options.\n\n"
             "exit codes: 0 done, 2 configuration or usage, 3 data, 4 input/output, 5 memory, 6 state of the task,\n"
             "7 not supported here, 8 diverged, 130 interrupted (the task can be resumed)\n");
}

static const qea_command *find_command(const char *name) {
    for (int i = 0; i < NUM_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        help(stderr);
        return QEA_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("quantea %s\n", qea_version());
        return 0;
    }
    const qea_command *command = find_command(argv[1]);
    if (command == NULL) return qea_command_run.run(argc - 1, argv + 1); /* quantea CONFIG.yml */
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            qea_command_help(command);
            return 0;
        }
    return command->run(argc - 2, argv + 2);
}
