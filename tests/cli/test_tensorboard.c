/* quantea run --tensorboard: the files hold what the records hold, and TensorBoard, where the Python package is there,
 * reads from them what they hold. */
#include <jansson.h>

#include "report/event_file.h"
#include "study/small_run.h"

#define FILE_NAME "events.out.tfevents.quantea"

static event_file read_one(const char *relative) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s/" FILE_NAME, folder, relative);
    return read_event_file(path);
}

static void the_events_of_a_full_training_are_its_curve(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t board --workers 2 --tensorboard"), 0);
    char *text = slurp("tasks/board/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL);
    const json_t *models = json_object_get(results, "models"), *model;
    size_t m;
    json_array_foreach(models, m, model) {
        char relative[160];
        (void)snprintf(relative, sizeof relative, "tasks/board/output/tensorboard/fully_train/%s_%lld",
                       json_string_value(json_object_get(model, "label")),
                       (long long)json_integer_value(json_object_get(model, "id")));
        event_file file = read_one(relative);
        const json_t *performance = json_object_get(model, "performance"),
                     *curve = json_object_get(performance, "curve");
        for (size_t e = 0; e < 6; e++) {
            const scalar *loss = find_scalar(&file, "loss/train", (int64_t)e + 1);
            const scalar *rate = find_scalar(&file, "lr", (int64_t)e + 1);
            assert_true(loss != NULL && rate != NULL);
            assert_true(loss->value ==
                        (float)json_number_value(json_array_get(json_object_get(curve, "train_loss"), e)));
            assert_true(rate->value == (float)json_number_value(json_array_get(json_object_get(curve, "lr"), e)));
        }
        const scalar *test = find_scalar(&file, "accuracy/test", 6);
        assert_true(test != NULL && test->value == (float)json_number_value(json_object_get(performance, "accuracy")));
        free(file.scalars);
    }
    assert_true(json_array_size(models) >= 3);
    json_decref(results);
    qea_free(text);
}

static void the_events_of_the_search_are_its_trials(void **state) {
    (void)state;
    event_file file = read_one("tasks/board/output/tensorboard/nas");
    size_t accuracies = 0, volumes = 0;
    float volume = 0;
    int64_t step = 0;
    for (size_t i = 0; i < file.count; i++) {
        assert_true(file.scalars[i].step >= step); /* TensorBoard drops what goes back */
        step = file.scalars[i].step;
        accuracies += strcmp(file.scalars[i].tag, "objectives/accuracy") == 0;
        if (strcmp(file.scalars[i].tag, "hypervolume") != 0) continue;
        volumes++;
        assert_true(file.scalars[i].value >= volume && file.scalars[i].value <= 1);
        volume = file.scalars[i].value;
    }
    assert_int_equal(accuracies, 14);
    assert_int_equal(volumes, 14);
    assert_true(volume > 0);
    free(file.scalars);
}

static void a_folder_of_ones_own_takes_several_tasks(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t other --tensorboard=boards --quiet"), 0);
    event_file file = read_one("boards/other/nas");
    assert_true(file.count >= 28);
    free(file.scalars);
    assert_int_equal(run("", "run --resume tasks/board --tensorboard=boards --quiet"), 0);
    event_file again = read_one("boards/board/nas"), before = read_one("tasks/board/output/tensorboard/nas");
    assert_int_equal(again.count, before.count);
    for (size_t i = 0; i < again.count; i++) {
        const scalar *a = &again.scalars[i], *b = &before.scalars[i];
        assert_string_equal(a->tag, b->tag);
        assert_true(a->step == b->step && a->time_s == b->time_s && a->value == b->value);
    }
    free(again.scalars);
    free(before.scalars);
    assert_int_equal(run("", "run config.yml -t wrong --tensorboard=config.yml"), 4);
    assert_output_has("config.yml: making this folder");
}

static const char script[] = "import os, sys\n"
                             "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
                             "found = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0}).Reload()\n"
                             "for tag in found.Tags()['scalars']:\n"
                             "    for event in found.Scalars(tag):\n"
                             "        print(tag, event.step, float.hex(event.value), float.hex(event.wall_time))\n";

static size_t compare_with_tensorboard(const char *python, const char *relative) {
    char line[1024], path[160], tag[64], value[64], time[64];
    long long step;
    (void)snprintf(path, sizeof path, "%s/read.py", folder);
    assert_int_equal(qea_file_write(NULL, path, script, sizeof script - 1), QEA_OK);
    (void)snprintf(line, sizeof line, "%s %s %s/%s 2>%s/errors", python, path, folder, relative, folder);
    event_file file = read_one(relative);
    FILE *output = popen(line, "r");
    assert_non_null(output);
    size_t lines = 0;
    for (; fgets(line, sizeof line, output) != NULL; lines++) {
        assert_int_equal(sscanf(line, "%63s %lld %63s %63s", tag, &step, value, time), 4);
        const scalar *s = find_scalar(&file, tag, step);
        if (s == NULL) fail_msg("TensorBoard found %s", line);
        assert_true((double)s->value == strtod(value, NULL) && s->time_s == strtod(time, NULL));
    }
    assert_int_equal(pclose(output), 0);
    assert_int_equal(lines, file.count);
    free(file.scalars);
    return lines;
}

/* QEA_PYTHON: a Python that has the package `tensorboard`; python3 if not given. */
static void tensorboard_reads_what_the_files_hold(void **state) {
    (void)state;
    const char *python = getenv("QEA_PYTHON");
    char line[512];
    if (python == NULL) python = "python3";
    (void)snprintf(line, sizeof line, "%s -c 'import tensorboard' 2>/dev/null", python);
    if (system(line) != 0) skip();
    assert_true(compare_with_tensorboard(python, "tasks/board/output/tensorboard/nas") >= 42);
    char path[512], **names;
    size_t count;
    (void)snprintf(path, sizeof path, "%s/tasks/board/output/tensorboard/fully_train", folder);
    assert_int_equal(qea_folder_list(NULL, path, 100, &names, &count), QEA_OK);
    assert_true(count >= 3);
    for (size_t i = 0; i < count && i < 2; i++) {
        (void)snprintf(path, sizeof path, "tasks/board/output/tensorboard/fully_train/%s", names[i]);
        assert_true(compare_with_tensorboard(python, path) >= 20);
    }
    qea_names_free(names, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_events_of_a_full_training_are_its_curve),
        cmocka_unit_test(the_events_of_the_search_are_its_trials),
        cmocka_unit_test(a_folder_of_ones_own_takes_several_tasks),
        cmocka_unit_test(tensorboard_reads_what_the_files_hold),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
