/* tests/study/config_equal.h: are two configurations the same but for the file's name and tree? */
#ifndef QEA_TEST_CONFIG_EQUAL_H
#define QEA_TEST_CONFIG_EQUAL_H

#include <string.h>

#include "study/config.h"

static inline bool equal_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static inline bool equal_program(const qea_program *a, const qea_program *b) {
    if (!equal_text(a->folder, b->folder) || a->command == NULL || b->command == NULL)
        return equal_text(a->folder, b->folder) && a->command == b->command;
    for (size_t i = 0; equal_text(a->command[i], b->command[i]); i++)
        if (a->command[i] == NULL) return true;
    return false;
}

static inline void strip_program(qea_program *program) {
    program->command = NULL;
    program->folder = NULL;
}

/* Without pointers. Structures come zeroed from the heap and are filled field by field, so that bytes can be compared.
 */
static inline void strip(const qea_study_config *from, qea_study_config *to) {
    memcpy(to, from, sizeof *to);
    to->name = to->task_id = to->base_path = to->isa = to->pretrained = to->teacher = to->search_pretrained =
        to->warnings = NULL;
    to->nas_data.type = to->nas_data.path = to->full_data.type = to->full_data.path = NULL;
    to->tree = NULL;
    to->genes = NULL;
    strip_program(&to->program);
    for (int i = 0; i < to->num_objectives; i++) strip_program(&to->objectives[i].program);
    for (int i = 0; i < to->num_layer_rules; i++) to->layer_rules[i].pattern = NULL;
    for (int i = 0; i < to->num_limits; i++) to->limits[i].key = NULL;
}

static inline bool equal_lists(const qea_study_config *a, const qea_study_config *b) {
    bool equal = a->num_layer_rules == b->num_layer_rules && a->num_limits == b->num_limits &&
                 a->num_genes == b->num_genes && a->num_objectives == b->num_objectives;
    for (int i = 0; equal && i < a->num_layer_rules; i++)
        equal = equal_text(a->layer_rules[i].pattern, b->layer_rules[i].pattern);
    for (int i = 0; equal && i < a->num_limits; i++) equal = equal_text(a->limits[i].key, b->limits[i].key);
    for (size_t i = 0; equal && i < a->num_genes; i++)
        equal = strcmp(a->genes[i].name, b->genes[i].name) == 0 &&
                json_equal(a->genes[i].candidates, b->genes[i].candidates);
    for (int i = 0; equal && i < a->num_objectives; i++)
        equal = equal_program(&a->objectives[i].program, &b->objectives[i].program);
    return equal;
}

static inline bool configs_equal(const qea_study_config *a, const qea_study_config *b) {
    static qea_study_config x, y;
    bool equal = equal_text(a->task_id, b->task_id) && equal_text(a->base_path, b->base_path) &&
                 equal_text(a->isa, b->isa) && equal_text(a->pretrained, b->pretrained) &&
                 equal_text(a->teacher, b->teacher) && equal_text(a->search_pretrained, b->search_pretrained) &&
                 equal_text(a->nas_data.type, b->nas_data.type) && equal_text(a->nas_data.path, b->nas_data.path) &&
                 equal_text(a->full_data.type, b->full_data.type) && equal_text(a->full_data.path, b->full_data.path) &&
                 equal_program(&a->program, &b->program) && equal_lists(a, b);
    strip(a, &x);
    strip(b, &y);
    return equal && memcmp(&x, &y, sizeof x) == 0;
}

#endif
