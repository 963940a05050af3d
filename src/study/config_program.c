/* Readers of the keys of programs: the evaluator, and those that tell objectives. */
#include "study/config_internal.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { MAX_ARGUMENTS = 256, MAX_TIMEOUT_S = 100000000, MAX_ATTEMPTS = 100 };

#define COMMANDS "nas.search_algorithm.commands"
#define COMMAND_TEXT "a list of 1 to 256 texts: the program and its arguments"
#define PROGRAM_KEYS "command|folder|timeout_s|attempts|range"
#define PROGRAM_TEXT "{command, folder, timeout_s, attempts, range}"

/* What a trial's result says anyway (study/execute.h, crew.c), and no program may say in its place. */
#define RESULT_KEYS                                                                                                    \
    "accuracy_top1|accuracy_top5|loss|train_loss|val_accuracy|images|epochs|best_epoch|train_images|curve|measured|"   \
    "bops_total|weight_bytes_total|objective_errors"

bool qea_config_has_program(const qea_config_reader *r, const char *objective) {
    const qea_yaml *commands = qea_config_find(r->tree, COMMANDS);
    const qea_yaml *program =
        commands != NULL && commands->kind == QEA_YAML_MAP ? qea_yaml_get(commands, objective) : NULL;
    return program != NULL && !qea_config_is_null(program);
}

bool qea_config_is_result(const char *name) { return qea_config_choice(RESULT_KEYS, name) >= 0; }

static qea_status read_command(qea_config_reader *r, const char *path, const qea_yaml *node, qea_program *program) {
    if (node->kind != QEA_YAML_LIST || node->count == 0 || node->count > MAX_ARGUMENTS)
        return qea_config_wrong(r, node, path, COMMAND_TEXT);
    QEA_TRY(QEA_NEW(r->ctx, "command", program->command, node->count + 1)); /* ends with NULL */
    for (size_t i = 0; i < node->count; i++) {
        const qea_yaml *item = node->items[i];
        if (item->kind != QEA_YAML_SCALAR || (i == 0 && item->text[0] == '\0'))
            return qea_config_wrong(r, item, path, COMMAND_TEXT);
        QEA_TRY(qea_strdup(r->ctx, item->text, &program->command[i]));
    }
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_command) {
    (void)key;
    (void)base;
    return read_command(r, path, node, &r->config->program);
}

static qea_status read_range(qea_config_reader *r, const char *path, const qea_yaml *node,
                             qea_config_objective *objective) {
    objective->limited = true;
    if (node->kind == QEA_YAML_LIST && node->count == 2 && qea_config_number(node->items[0], &objective->lowest) &&
        qea_config_number(node->items[1], &objective->highest) && objective->lowest <= objective->highest)
        return QEA_OK; /* either may be infinite */
    return qea_config_wrong(r, node, path, "[lowest, highest]");
}

static qea_status read_member(qea_config_reader *r, const char *path, const char *name, const qea_yaml *node,
                              qea_config_objective *objective) {
    qea_program *program = &objective->program;
    long long attempts;
    switch (qea_config_choice(PROGRAM_KEYS, name)) {
    case 0:
        return read_command(r, path, node, program);
    case 1:
        if (node->kind != QEA_YAML_SCALAR) return qea_config_wrong(r, node, path, "a text: a folder");
        return qea_config_set_string(r->ctx, node->text, &program->folder);
    case 2:
        if (qea_config_number(node, &program->timeout_s) && program->timeout_s >= 0 &&
            program->timeout_s <= MAX_TIMEOUT_S)
            return QEA_OK;
        return qea_config_wrong(r, node, path, "a number from 0 to 100000000");
    case 3:
        if (!qea_config_integer(node, &attempts) || attempts < 1 || attempts > MAX_ATTEMPTS)
            return qea_config_wrong(r, node, path, "an integer from 1 to 100");
        program->attempts = (int)attempts;
        return QEA_OK;
    case 4:
        return read_range(r, path, node, objective);
    default:
        break;
    }
    char buffer[64], hint[QEA_HINT];
    return qea_config_fail(r, node, path,
                           "not a known key, allowed here: command, folder, timeout_s, attempts, range%s",
                           qea_hint(qea_config_nearest(PROGRAM_KEYS, name, buffer, sizeof buffer), hint));
}

static qea_status read_program(qea_config_reader *r, const char *path, const qea_yaml *node,
                               qea_config_objective *objective) {
    qea_program *program = &objective->program;
    if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, PROGRAM_TEXT);
    program->attempts = 1;
    QEA_TRY(qea_config_set_string(r->ctx, "", &program->folder));
    for (size_t i = 0; i < node->count; i++) {
        char member[QEA_CONFIG_PATH];
        if (qea_config_is_null(node->items[i])) continue;
        qea_config_join(member, path, node->keys[i]);
        QEA_TRY(read_member(r, member, node->keys[i], node->items[i], objective));
    }
    if (program->command != NULL) return QEA_OK;
    return qea_config_fail(r, node, path, "names no program, allowed: {command: [program, argument, ...]}");
}

QEA_CONFIG_SETTER(qea_config_set_commands) {
    (void)base;
    if (node->kind != QEA_YAML_MAP) return qea_config_wrong(r, node, path, key->allowed);
    if (qea_config_has_command(r) && node->count > 0)
        return qea_config_fail(r, node, path,
                               "has no meaning where nas.evaluator.type is command: that program tells all objectives");
    for (size_t i = 0; i < node->count; i++) {
        char member[QEA_CONFIG_PATH];
        qea_config_objective *objective;
        if (qea_config_is_null(node->items[i])) continue;
        QEA_TRY(qea_config_own_objective(r, path, node, i, &objective));
        qea_config_join(member, path, node->keys[i]);
        QEA_TRY(read_program(r, member, node->items[i], objective));
    }
    return QEA_OK;
}

static void clear_program(qea_program *program) {
    for (char **item = program->command; item != NULL && *item != NULL; item++) qea_free(*item);
    qea_free(program->command);
    qea_free(program->folder);
}

void qea_config_clear_programs(qea_study_config *config) {
    clear_program(&config->program);
    for (int i = 0; i < config->num_objectives; i++) clear_program(&config->objectives[i].program);
}
