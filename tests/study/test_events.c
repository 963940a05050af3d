/* The events of a run: docs/events.md is what the table says (with QEA_UPDATE_DOCS=1 in the environment the file is
 * written anew), and every event is one line of JSON with the fields that stand there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "study/events.h"

#define DOCUMENT "docs/events.md" /* tests run in the root of the repository */

static void the_document_is_up_to_date(void **state) {
    (void)state;
    char *made = NULL;
    uint8_t *there = NULL;
    size_t size;
    assert_int_equal(qea_study_events_document(NULL, &made), QEA_OK);
    if (getenv("QEA_UPDATE_DOCS") != NULL) assert_int_equal(qea_file_write(NULL, DOCUMENT, made, strlen(made)), QEA_OK);
    if (qea_file_read(NULL, DOCUMENT, 1 << 20, &there, &size) != QEA_OK) fail_msg(DOCUMENT " is missing");
    if (strcmp((char *)there, made) != 0)
        fail_msg(DOCUMENT " is not what src/study/events.c says: run this test with QEA_UPDATE_DOCS=1");
    qea_free(there);
    qea_free(made);
}

static const double values[2] = {0.75, 1.5e6};
static const uint16_t genome[2] = {1, 0};
static const uint8_t bits[2] = {4, 8};

static json_t *event(qea_study_event kind, const qea_study_trial *trial) {
    static const qea_study_objective objectives[2] = {{"accuracy", true, 0.75, ""}, {"flops", false, NAN, "M"}};
    static const qea_study_point points[2] = {{3, values, true, false}, {4, values, false, true}};
    const qea_study_progress progress = {.event = kind,
                                         .task_folder = "tasks/\"q\"\n",
                                         .step = "nas",
                                         .done = 2,
                                         .total = 9,
                                         .objectives = objectives,
                                         .num_objectives = 2,
                                         .points = points,
                                         .num_points = 2,
                                         .hypervolume = 0.5,
                                         .elapsed_s = 3,
                                         .eta_s = NAN,
                                         .trial = trial,
                                         .text = kind == QEA_STUDY_TRIAL_FAILED ? "why" : NULL,
                                         .status = QEA_ERR_IO,
                                         .condition = QEA_STUDY_STOPPED};
    char *line;
    assert_int_equal(qea_study_progress_json(NULL, &progress, &line), QEA_OK);
    assert_null(strchr(line, '\n'));
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    qea_free(line);
    return object;
}

static void the_line_of_a_finished_trial_has_its_values(void **state) {
    (void)state;
    const qea_study_trial trial = {3, "child", 2, genome, 2, bits, bits, 2, values, true, 1.25};
    json_t *object = event(QEA_STUDY_TRIAL_DONE, &trial);
    json_object_del(object, "time");
    json_t *wanted = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:i, s:[i,i], s:[i,i], s:[i,i], s:{s:f, s:i}, s:b, s:f, s:i, s:i, s:i, "
        "s:f}",
        "event", "trial_done", "task", "tasks/\"q\"\n", "step", "nas", "trial", 3, "label", "child", "attempt", 2,
        "genome", 1, 0, "weight_bits", 4, 8, "activation_bits", 4, 8, "objectives", "accuracy", 0.75, "flops", 1500000,
        "on_front", 1, "seconds", 1.25, "done", 2, "failed", 0, "total", 9, "hypervolume", 0.5);
    char *found = json_dumps(object, JSON_SORT_KEYS), *expected = json_dumps(wanted, JSON_SORT_KEYS);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
    json_decref(wanted);
    json_decref(object);
}

static void what_is_not_known_is_null(void **state) {
    (void)state;
    json_t *object = event(QEA_STUDY_PROGRESS, NULL);
    assert_true(json_is_null(json_object_get(object, "eta_s")) &&
                json_is_null(json_object_get(object, "images_per_s")));
    const json_t *best = json_object_get(object, "best");
    assert_true(json_is_null(json_object_get(best, "flops")));
    assert_true(json_real_value(json_object_get(best, "accuracy")) == 0.75);
    json_decref(object);
    object = event(QEA_STUDY_STATE, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "state")), "stopped");
    assert_true(json_is_null(json_object_get(object, "pid")) && json_is_null(json_object_get(object, "text")));
    assert_int_equal(json_array_size(json_object_get(object, "front")), 1);
    json_decref(object);
    object = event(QEA_STUDY_STEP_BEGUN, NULL);
    assert_string_equal(json_string_value(json_object_get(json_object_get(object, "units"), "flops")), "M");
    json_decref(object);
    object = event(QEA_STUDY_ENDED, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "status")), qea_status_name(QEA_ERR_IO));
    json_decref(object);
}

static void every_field_of_every_event_is_documented_for_it(void **state) {
    (void)state;
    const qea_study_trial trial = {3, "child", 2, genome, 2, bits, bits, 2, values, true, 1.25};
    char *document = NULL; /* what the first test compared with the file */
    assert_int_equal(qea_study_events_document(NULL, &document), QEA_OK);
    for (int kind = QEA_STUDY_PROGRESS; kind <= QEA_STUDY_STATE; kind++) {
        json_t *object = event((qea_study_event)kind, &trial);
        const char *name = json_string_value(json_object_get(object, "event")), *key;
        json_t *value;
        json_object_foreach(object, key, value) {
            char cell[64];
            (void)snprintf(cell, sizeof cell, "\n| `%s` | ", key);
            const char *row = strstr(document, cell);
            if (row == NULL) fail_msg("%s: %s is not documented", name, key);
            char line[1024];
            (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(row + 1, "\n"), row + 1);
            if (strstr(line, name) == NULL && strstr(line, "| every |") == NULL) fail_msg("%s: %s", name, line);
        }
        json_decref(object);
    }
    qea_free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_up_to_date),
        cmocka_unit_test(the_line_of_a_finished_trial_has_its_values),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(every_field_of_every_event_is_documented_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
