/* tests/study/config_equal.h: are two configurations the same but for the file's name and tree? */
#ifndef QEA_TEST_CONFIG_EQUAL_H
#define QEA_TEST_CONFIG_EQUAL_H

#include <string.h>

#include "study/config.h"

static inline bool equal_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Without pointers. Structures come zeroed from the heap and are filled field by field, so that bytes can be compared.
 */
static inline void strip(const qea_study_config *from, qea_study_config *to) {
    memcpy(to, from, sizeof *to);
    to->name = to->task_id = to->base_path = to->isa = to->pretrained = to->warnings = NULL;
    to->nas_data.type = to->nas_data.path = to->full_data.type = to->full_data.path = NULL;
    to->tree = NULL;
    for (int i = 0; i < to->num_layer_rules; i++) to->layer_rules[i].pattern = NULL;
    for (int i = 0; i < to->num_limits; i++) to->limits[i].key = NULL;
}

static inline bool configs_equal(const qea_study_config *a, const qea_study_config *b) {
    static qea_study_config x, y;
    bool equal = equal_text(a->task_id, b->task_id) && equal_text(a->base_path, b->base_path) &&
                 equal_text(a->isa, b->isa) && equal_text(a->pretrained, b->pretrained) &&
                 equal_text(a->nas_data.type, b->nas_data.type) && equal_text(a->nas_data.path, b->nas_data.path) &&
                 equal_text(a->full_data.type, b->full_data.type) && equal_text(a->full_data.path, b->full_data.path);
    for (int i = 0; i < a->num_layer_rules && equal && i < b->num_layer_rules; i++)
        equal = equal_text(a->layer_rules[i].pattern, b->layer_rules[i].pattern);
    for (int i = 0; i < a->num_limits && equal && i < b->num_limits; i++)
        equal = equal_text(a->limits[i].key, b->limits[i].key);
    strip(a, &x);
    strip(b, &y);
    return equal && memcmp(&x, &y, sizeof x) == 0;
}

#endif
