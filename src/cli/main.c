/* quantea: the command. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "quantea/study.h"

static bool is_help(const char *argument) { return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0; }

static int unknown_command(const char *name) {
    const char *nearest = qea_command_nearest(name);
    (void)fprintf(stderr, "quantea: '%s' is neither a command nor a configuration file; ", name);
    if (nearest != NULL) (void)fprintf(stderr, "did you mean %s? ", nearest);
    (void)fprintf(stderr, "see quantea --help\n");
    return QEA_EXIT_USAGE;
}

/* quantea help [COMMAND] */
static int help(const char *name) {
    const qea_command *command = name != NULL ? qea_command_find(name) : NULL;
    if (name != NULL && command == NULL) return unknown_command(name);
    if (command != NULL)
        qea_help_command(command);
    else
        qea_help(false);
    return 0;
}

/* A word without dot and slash that no file has as its name was meant as a command. */
static bool looks_like_command(const char *word) {
    return word[0] != '-' && strpbrk(word, "./") == NULL && access(word, F_OK) != 0;
}

int main(int argc, char **argv) {
    (void)signal(SIGXFSZ, SIG_IGN); /* a file beyond `ulimit -f` is an error with a message, here and in workers */
    if (argc < 2) {
        qea_help(true);
        return QEA_EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0) return help(argv[2]); /* argv ends with NULL */
    if (is_help(argv[1])) return help(NULL);
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("quantea %s\n", qea_version());
        return 0;
    }
    const qea_command *command = qea_command_find(argv[1]);
    if (command == NULL && looks_like_command(argv[1])) return unknown_command(argv[1]);
    int skipped = command != NULL ? 2 : 1; /* quantea CONFIG.yml */
    if (command == NULL) command = qea_command_find("run");
    for (int i = skipped; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i])) {
            qea_help_command(command);
            return 0;
        }
    qea_arguments arguments = {.command = command, .argc = argc - skipped, .argv = argv + skipped};
    return command->run(&arguments);
}
