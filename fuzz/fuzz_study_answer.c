/* Any bytes as what a program of the user's writes: as the evaluator's line about trial 17, and as the output of an
 * objective's program. Either a result with finite numbers, or a reason that can be shown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "study/command.h"
#include "study/objective.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char config_text[] = "nas:\n"
                                  "    evaluator: {type: command, command: [cat]}\n"
                                  "    search_algorithm:\n"
                                  "        objective_keys: [accuracy, cost]\n"
                                  "        directions: {accuracy: max, cost: min}\n"
                                  "    search_space: {type: Custom, genes: [{name: w, candidates: [2, 4]}]}\n";

static const qea_study_config *the_config(void) {
    static qea_study_config *config;
    if (config == NULL &&
        qea_study_config_parse(NULL, "fuzz", config_text, sizeof config_text - 1, NULL, 0, &config) != QEA_OK)
        abort();
    return config;
}

static void check_reason(const qea_answer *answer) {
    if (answer->kind != QEA_ANSWER_WRONG && answer->kind != QEA_ANSWER_FAILED) abort();
    if (answer->body != NULL || answer->reason[0] == '\0') abort();
    for (const char *c = answer->reason; *c != '\0'; c++)
        if (*c < ' ' || *c > '~') abort();
}

static void check_line(const char *line) {
    qea_answer answer = {.kind = QEA_ANSWER_UPDATE};
    const qea_study_config *config = the_config();
    const char *name;
    json_t *value;
    qea_command_read_answer(config, 17, line, &answer);
    if (answer.kind != QEA_ANSWER_DONE) {
        check_reason(&answer);
        return;
    }
    for (int i = 0; i < config->num_objectives; i++)
        if (json_object_get(answer.body, config->objectives[i].name) == NULL) abort();
    json_object_foreach(answer.body, name, value) if (!json_is_real(value) || !isfinite(json_real_value(value)))
        abort();
    json_decref(answer.body);
}

static void check_number(const char *bytes, size_t size) {
    qea_answer answer = {.kind = QEA_ANSWER_UPDATE};
    char text[32];
    double again;
    qea_objective_read_answer(bytes, size, &answer);
    if (answer.kind != QEA_ANSWER_DONE) {
        check_reason(&answer);
        return;
    }
    double value = json_real_value(answer.body);
    if (!isfinite(value) || !qea_double_parse(qea_double_format(value, text), &again) || again != value) abort();
    json_decref(answer.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *line = calloc(1, size + 1); /* as qea_process_line gives it: ends with a 0, and may have others */
    if (line == NULL) abort();
    if (size > 0) memcpy(line, bytes, size);
    check_line(line);
    check_number((const char *)bytes, size);
    free(line);
    return 0;
}
