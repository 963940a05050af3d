/* quantea eval: the accuracy of a saved model. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "quantea/study.h"

static qea_dataset_part part_of(const char *name) {
    return name[0] == 'v' ? QEA_PART_VAL : strcmp(name, "train") == 0 ? QEA_PART_TRAIN : QEA_PART_TEST;
}

static void take_option(qea_eval_options *eval, int id, const char *value, long number) {
    switch (id) {
    case 'p':
        eval->data.path = value;
        break;
    case 'd':
        eval->data.type = value;
        break;
    case 'P':
        eval->part = part_of(value);
        break;
    case 'i':
        eval->isa = value;
        break;
    case 'x':
        eval->precision = value;
        break;
    case 'n':
        eval->images = (size_t)number;
        break;
    case 'b':
        eval->batch = (int)number;
        break;
    case 't':
        eval->threads = (int)number;
        break;
    default:
        eval->model_path = value;
        break;
    }
}

static void print_report(const qea_eval_options *eval, const qea_eval_report *report) {
    (void)printf("%s: top-1 %.2f %% [%.2f, %.2f], top-5 %.2f %%, loss %.4f on %zu images; mean bits w %.2f, a %.2f; "
                 "%.0f images/s\n",
                 eval->model_path, 100 * report->accuracy, 100 * report->low95, 100 * report->high95,
                 100 * report->accuracy_top5, report->loss, report->count, report->mean_weight_bits,
                 report->mean_activation_bits, report->images_per_s);
}

int qea_command_eval(qea_arguments *arguments) {
    qea_eval_options eval = {.part = QEA_PART_TEST};
    const char *value;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0) take_option(&eval, id, value, arguments->number);
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    qea_eval_report report;
    qea_status status = qea_model_evaluate(ctx, &eval, &report);
    if (status == QEA_OK) print_report(&eval, &report);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}
