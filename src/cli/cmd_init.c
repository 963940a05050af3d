/* quantea init: a configuration to start from. */
#include <stdio.h>

#include "cli/command.h"
#include "quantea/inspect.h"

static const qea_option options[] = {
    {'d', {"--dataset", "-dt"}, "TYPE|FOLDER", "type of the data set, or a folder of images (FashionMnist)"},
    {'p', {"--data_path", "-dp"}, "FOLDER", "where the images of a type are; the usual place if not given"},
    {'n', {"--network"}, "NAME", "resnet8, resnet14, resnet20 (the default), resnet32; resnet18, resnet34, resnet50"},
    {'o', {"--output", "-o"}, "FILE", "the file to write (quantea.yml)"},
    {'f', {"--force"}, NULL, "replace the file if it exists"},
    {0, {NULL}, NULL, NULL}};

static bool take_option(qea_template_options *wanted, int id, const char *value) {
    switch (id) {
    case 'd':
        wanted->dataset = value;
        return true;
    case 'p':
        wanted->data_path = value;
        return true;
    case 'n':
        wanted->network = value;
        return true;
    case 'o':
        wanted->file = value;
        return true;
    case 'f':
        wanted->force = true;
        return true;
    default:
        (void)fprintf(stderr, "quantea init: found '%s'; only options are allowed, see quantea init --help\n", value);
        return false;
    }
}

static int command_init(int argc, char **argv) {
    qea_template_options wanted = {.dataset = "FashionMnist", .network = "resnet20", .file = "quantea.yml"};
    qea_arguments arguments = {.command = &qea_command_init, .argc = argc, .argv = argv};
    const char *value;
    int id;
    while ((id = qea_arguments_next(&arguments, &value)) >= 0)
        if (!take_option(&wanted, id, value)) return QEA_EXIT_USAGE;
    if (id == -2) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_context_create();
    if (ctx == NULL) return 5;
    qea_status status = qea_template_write(ctx, &wanted);
    if (status == QEA_OK) (void)printf("wrote %s; next: quantea estimate %s\n", wanted.file, wanted.file);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}

const qea_command qea_command_init = {
    "init", "[options]", "writes a commented configuration for a data set and a network", options, command_init};
