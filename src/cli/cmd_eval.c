/* quantea eval: the accuracy of a saved model. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "quantea/study.h"

static const qea_option options[] = {
    {'p', {"--data", "-dp"}, "FOLDER", "where the images are"},
    {'d', {"--dataset", "-dt"}, "TYPE", "type of the data set; as in training if not given"},
    {'P', {"--part"}, "PART", "train, val or test (the default)"},
    {'n', {"--images"}, "N", "at most the first N images"},
    {'b', {"--batch_size", "-bs"}, "N", "images per batch (256)"},
    {'t', {"--threads"}, "N", "threads; one per usable processor if not given"},
    {'i', {"--isa"}, "NAME", "auto, avx512, avx2, sse2 or ref"},
    {'x', {"--precision"}, "NAME", "auto, f32 or bf16"},
    {0, {NULL}, NULL, NULL}};

static bool parse_part(const char *value, qea_dataset_part *out) {
    static const char *const names[] = {"train", "val", "test"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], value) == 0) {
            *out = (qea_dataset_part)i;
            return true;
        }
    (void)fprintf(stderr, "quantea eval: --part: found '%s', allowed are train, val, test\n", value);
    return false;
}

static bool take_option(qea_eval_options *eval, int id, const char *value) {
    long number = 0;
    switch (id) {
    case 'p':
        eval->data.path = value;
        return true;
    case 'd':
        eval->data.type = value;
        return true;
    case 'P':
        return parse_part(value, &eval->part);
    case 'i':
        eval->isa = value;
        return true;
    case 'x':
        eval->precision = value;
        return true;
    case 'n':
        if (!qea_argument_int("--images", value, 1, 1L << 40, &number)) return false;
        eval->images = (size_t)number;
        return true;
    case 'b':
        if (!qea_argument_int("--batch_size", value, 1, 65536, &number)) return false;
        eval->batch = (int)number;
        return true;
    case 't':
        if (!qea_argument_int("--threads", value, 1, 1024, &number)) return false;
        eval->threads = (int)number;
        return true;
    default:
        break;
    }
    if (eval->model_path != NULL) {
        (void)fprintf(stderr, "quantea eval: found '%s' behind '%s'; one model is allowed\n", value, eval->model_path);
        return false;
    }
    eval->model_path = value;
    return true;
}

static void print_report(const qea_eval_options *eval, const qea_eval_report *report) {
    (void)printf("%s: top-1 %.2f %% [%.2f, %.2f], top-5 %.2f %%, loss %.4f on %zu images; mean bits w %.2f, a %.2f; "
                 "%.0f images/s\n",
                 eval->model_path, 100 * report->accuracy, 100 * report->low95, 100 * report->high95,
                 100 * report->accuracy_top5, report->loss, report->count, report->mean_weight_bits,
                 report->mean_activation_bits, report->images_per_s);
}

static int command_eval(int argc, char **argv) {
    qea_eval_options eval = {.part = QEA_PART_TEST};
    qea_arguments arguments = {.command = &qea_command_eval, .argc = argc, .argv = argv};
    const char *value;
    int id;
    while ((id = qea_arguments_next(&arguments, &value)) >= 0)
        if (!take_option(&eval, id, value)) return QEA_EXIT_USAGE;
    if (id == -2) return QEA_EXIT_USAGE;
    if (eval.model_path == NULL) {
        (void)fprintf(stderr, "quantea eval: a model file is needed; see quantea eval --help\n");
        return QEA_EXIT_USAGE;
    }
    qea_context *ctx = qea_context_create();
    if (ctx == NULL) return 5;
    qea_context_set_log(ctx, qea_command_log, NULL);
    qea_eval_report report;
    qea_status status = qea_model_evaluate(ctx, &eval, &report);
    if (status == QEA_OK) print_report(&eval, &report);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}

const qea_command qea_command_eval = {"eval", "MODEL.safetensors --data FOLDER [options]",
                                      "prints the accuracy of a saved model, as it is quantised", options,
                                      command_eval};
