#include "study/command.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/config_internal.h"
#include "study/job.h"

enum { MAX_EXTRA_VALUES = 64 };

/* --- the program --- */

static bool is_program(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* As execvp looks for it. */
static bool is_in_path(const char *name) {
    const char *rest = getenv("PATH");
    char path[PATH_MAX];
    for (rest = rest != NULL ? rest : "/bin:/usr/bin"; *rest != '\0';) {
        size_t size = strcspn(rest, ":");
        int length = snprintf(path, sizeof path, "%.*s/%s", (int)size, size > 0 ? rest : ".", name);
        if (length > 0 && (size_t)length < sizeof path && is_program(path)) return true;
        rest += size;
        if (*rest == ':') rest++;
    }
    return false;
}

qea_status qea_command_check(qea_context *ctx, const qea_study_config *config, const qea_program *program,
                             const char *section) {
    const char *name = program->command[0], *folder = program->folder;
    char place[QEA_CONFIG_PLACE], key[QEA_CONFIG_PATH + 16], path[PATH_MAX];
    struct stat info;
    (void)snprintf(key, sizeof key, "%s.folder", section);
    if (folder[0] != '\0' && (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)))
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: found '%s', which is not a folder",
                        qea_study_config_where(config, key, place, sizeof place), folder);
    bool relative = name[0] != '/' && folder[0] != '\0';
    int length = snprintf(path, sizeof path, "%s%s%s", relative ? folder : "", relative ? "/" : "", name);
    bool found =
        strchr(name, '/') == NULL ? is_in_path(name) : length > 0 && (size_t)length < sizeof path && is_program(path);
    if (found) return QEA_OK;
    (void)snprintf(key, sizeof key, "%s.command", section);
    return qea_fail(ctx, QEA_ERR_CONFIG, "%s: found '%s', which is no program that can be started%s",
                    qea_study_config_where(config, key, place, sizeof place), name,
                    strchr(name, '/') == NULL ? " (looked for in PATH)" : "");
}

qea_status qea_command_become(qea_context *ctx, const qea_program *program, const char *argument) {
    char **command;
    size_t count = 0;
    if (program->folder[0] != '\0' && chdir(program->folder) != 0)
        return qea_fail(ctx, QEA_ERR_IO, "%s: entering it: %s", program->folder, strerror(errno));
    while (program->command[count] != NULL) count++;
    QEA_TRY(QEA_NEW(ctx, "command", command, count + 2)); /* ends with NULL */
    memcpy(command, program->command, count * sizeof *command);
    command[count] = (char *)(uintptr_t)argument; /* execvp changes nothing */
    execvp(command[0], command);
    qea_status status = qea_fail(ctx, QEA_ERR_IO, "%s: starting it: %s", command[0], strerror(errno));
    qea_free(command);
    return status;
}

/* --- jobs --- */

json_t *qea_command_layer_bits(const qea_graph *graph, size_t num_layers, const uint8_t *weight_bits,
                               const uint8_t *activation_bits) {
    json_t *genes = json_object();
    for (size_t i = 0; i < num_layers; i++) {
        char name[512];
        const char *layer = qea_graph_quantized(graph, i)->name;
        (void)snprintf(name, sizeof name, "%s.w", layer);
        json_object_set_new(genes, name, json_integer(weight_bits[i]));
        (void)snprintf(name, sizeof name, "%s.a", layer);
        json_object_set_new(genes, name, json_integer(activation_bits[i]));
    }
    return genes;
}

json_t *qea_command_genes(const qea_bit_space *space, const qea_trial_record *record) {
    const qea_study_config *config = space->config;
    if (config->num_genes == 0)
        return qea_command_layer_bits(space->graph, record->num_layers, record->weight_bits, record->activation_bits);
    json_t *genes = json_object();
    for (size_t i = 0; i < config->num_genes && i < record->genome_length; i++)
        json_object_set(genes, config->genes[i].name, json_array_get(config->genes[i].candidates, record->genome[i]));
    return genes;
}

qea_status qea_command_format(qea_context *ctx, const qea_bit_space *space, const qea_trial_record *record,
                              char **line) {
    const qea_study_config *config = space->config;
    uint64_t seed =
        record->num_layers > 0
            ? qea_job_seed(config->seed, 0, record->num_layers, record->weight_bits, record->activation_bits)
            : qea_job_seed_of_genome(config->seed, record->genome_length, record->genome);
    json_t *object = json_object();
    json_object_set_new(object, "trial", json_integer((json_int_t)record->id));
    json_object_set_new(object, "genes", qea_command_genes(space, record));
    /* 32 bits: every library's generator takes them, and every JSON reader has them exactly. */
    json_object_set_new(object, "seed", json_integer((json_int_t)(seed >> 32)));
    json_object_set_new(object, "epochs", json_integer(config->nas_recipe.epochs));
    qea_text text = {0};
    qea_text_put_json(&text, object, 0);
    json_decref(object);
    return qea_text_take(ctx, &text, line);
}

/* --- answers --- */

/* The reason goes to the store, the log and the report. */
void qea_command_refuse(qea_answer *out, qea_answer_kind kind, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    for (char *c = out->reason; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = '?';
    out->kind = kind;
}

static void refuse_text(qea_answer *out, const char *line) {
    if (strstr(line, "NaN") != NULL || strstr(line, "Infinity") != NULL)
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer has a number that is not finite: %.100s",
                           line);
    else
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer is not a JSON object: %.100s", line);
}

/* One objective that the program has to tell. */
static bool check_objective(const qea_config_objective *objective, const json_t *objectives, qea_answer *out) {
    const json_t *value = json_object_get(objectives, objective->name);
    double number = json_number_value(value);
    if (value == NULL)
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer has no objective '%s'", objective->name);
    else if (!json_is_number(value) || !isfinite(number))
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer: the objective '%s' is not a number",
                           objective->name);
    else if (objective->kind == QEA_OBJ_ACCURACY && (number < 0 || number > 1))
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer: the accuracy is not between 0 and 1");
    else
        return true;
    return false;
}

/* Every number that was told, the objectives first; as reals, so that 3 and 3.0 are one result. */
static json_t *take_values(const qea_study_config *config, const json_t *objectives) {
    json_t *values = json_object(), *value;
    const char *name;
    for (int i = 0; i < config->num_objectives; i++) {
        value = json_object_get(objectives, config->objectives[i].name);
        if (json_is_number(value))
            json_object_set_new(values, config->objectives[i].name, json_real(json_number_value(value)));
    }
    json_object_foreach((json_t *)(uintptr_t)objectives, name, value) {
        bool good = json_is_number(value) && isfinite(json_number_value(value)) && qea_config_name_ok(name);
        if (good && json_object_size(values) < MAX_EXTRA_VALUES)
            json_object_set_new(values, name, json_real(json_number_value(value)));
    }
    return values;
}

static void read_answer(const qea_study_config *config, uint64_t trial, const json_t *answer, qea_answer *out) {
    const json_t *id = json_object_get(answer, "trial"), *error = json_object_get(answer, "error");
    const json_t *objectives = json_object_get(answer, "objectives");
    if (!json_is_integer(id) || json_integer_value(id) != (json_int_t)trial) {
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer is not for trial %" PRIu64, trial);
    } else if (error != NULL) {
        const char *text = json_string_value(error);
        qea_command_refuse(out, QEA_ANSWER_FAILED, "the evaluator says: %.400s",
                           text != NULL ? text : "an error without a text");
    } else if (!json_is_object(objectives)) {
        qea_command_refuse(out, QEA_ANSWER_WRONG, "the evaluator's answer has neither objectives nor an error");
    } else {
        for (int i = 0; i < config->num_objectives; i++) {
            const qea_config_objective *objective = &config->objectives[i];
            bool known = objective->kind != QEA_OBJ_COUNT && objective->kind != QEA_OBJ_ACCURACY;
            if (!known && !check_objective(objective, objectives, out)) return;
        }
        out->kind = QEA_ANSWER_DONE;
        out->body = take_values(config, objectives);
    }
}

void qea_command_read_answer(const qea_study_config *config, uint64_t trial, const char *line, qea_answer *out) {
    json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(answer))
        read_answer(config, trial, answer, out);
    else
        refuse_text(out, line);
    json_decref(answer);
}
