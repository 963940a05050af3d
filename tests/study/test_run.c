/* The command from outside: whole runs on small made images. */
#include <jansson.h>
#include <math.h>

#include "store/store.h"
#include "study/small_run.h"

static void a_run_leaves_its_files_and_shows_a_table(void **state) {
    (void)state;
    int code = run("", "run config.yml -t plain --set general.workers=2");
    if (code != 0) fail_msg("exit code %d: %s", code, slurp("out"));
    static const char *const files[] = {"config.yml",
                                        "reports.csv",
                                        "reports.json",
                                        "report.html",
                                        "nas/output.csv",
                                        "nas/trials.csv",
                                        "nas/front.json",
                                        "fully_train/output.csv",
                                        "fully_train/results.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "tasks/plain/output/%s", files[i]);
        qea_free(slurp(path));
    }
    assert_output_has("uniform w4a4");
    assert_output_has("float (w32a32)");
}

static void the_training_curve_of_every_model_is_kept(void **state) {
    (void)state;
    static const char *const lists[] = {"epoch", "train_loss", "train_accuracy", "val_accuracy", "lr"};
    char *text = slurp("tasks/plain/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL);
    const json_t *models = json_object_get(results, "models");
    assert_true(json_array_size(models) > 2);
    for (size_t m = 0; m < json_array_size(models); m++) {
        const json_t *performance = json_object_get(json_array_get(models, m), "performance");
        const json_t *curve = json_object_get(performance, "curve");
        for (size_t i = 0; i < 5; i++) assert_int_equal(json_array_size(json_object_get(curve, lists[i])), 6);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(curve, "epoch"), 5)), 6);
        double last = json_real_value(json_array_get(json_object_get(curve, "train_loss"), 5));
        assert_true(last == json_real_value(json_object_get(performance, "train_loss")));
    }
    json_decref(results);
    qea_free(text);
}

static void one_worker_and_three_give_byte_equal_results(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t single --workers 1"), 0);
    assert_same_results("plain", "single");
    assert_int_equal(run("", "config.yml -t three --workers 3"), 0);
    assert_same_results("plain", "three");
}

/* Share of the box that the front's points cover: the area under a staircase, accuracy over flops. */
static double staircase(const json_t *front, const json_t *box) {
    double flops[64], accuracy[64], area = 0, reached = 0;
    size_t count = json_array_size(front);
    const json_t *a = json_object_get(box, "accuracy"), *f = json_object_get(box, "flops");
    double a_low = json_number_value(json_array_get(a, 0)), a_high = json_number_value(json_array_get(a, 1));
    double f_low = json_number_value(json_array_get(f, 0)), f_high = json_number_value(json_array_get(f, 1));
    assert_true(count > 0 && count <= 64);
    assert_true(a_low == 1.0 / CLASSES && a_high == 1 && f_low < f_high);
    for (size_t i = 0; i < count; i++) {
        const json_t *objectives = json_object_get(json_array_get(front, i), "objectives");
        accuracy[i] = (json_number_value(json_object_get(objectives, "accuracy")) - a_low) / (a_high - a_low);
        flops[i] = (json_number_value(json_object_get(objectives, "flops")) - f_low) / (f_high - f_low);
    }
    for (size_t done = 0; done < count; done++) { /* from the cheapest to the dearest */
        size_t next = 0;
        for (size_t i = 1; i < count; i++)
            if (flops[i] < flops[next]) next = i;
        if (accuracy[next] > reached) {
            area += (1 - flops[next]) * (accuracy[next] - reached);
            reached = accuracy[next];
        }
        flops[next] = 2;
    }
    return area;
}

static void the_hypervolume_is_that_of_the_front_and_never_falls(void **state) {
    (void)state;
    char *text = slurp("tasks/plain/output/nas/front.json");
    json_t *object = json_loads(text, 0, NULL);
    double found = json_number_value(json_object_get(object, "hypervolume"));
    assert_true(found > 0 && found < 1);
    assert_float_equal(found, staircase(json_object_get(object, "front"), json_object_get(object, "box")), 1e-12);
    json_decref(object);
    qea_free(text);
    text = slurp("tasks/plain/output/nas/trials.csv");
    double before = 0, last = 0;
    strtok(text, "\n");
    for (const char *row; (row = strtok(NULL, "\n")) != NULL; before = last) {
        last = strtod(strrchr(row, ',') + 1, NULL);
        assert_true(last >= before);
    }
    assert_float_equal(last, found, 1e-12);
    qea_free(text);
}

static void another_seed_gives_other_results(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t other --set general.seed=6"), 0);
    char *a = slurp("tasks/plain/output/nas/trials.csv"), *b = slurp("tasks/other/output/nas/trials.csv");
    assert_string_not_equal(a, b);
    qea_free(a);
    qea_free(b);
}

static void a_report_says_the_same_at_the_end_of_a_run_and_later(void **state) {
    (void)state;
    char *before = slurp("tasks/plain/output/report.html");
    assert_int_equal(run("", "report tasks/plain"), 0);
    char *after = slurp("tasks/plain/output/report.html");
    assert_string_equal(before, after);
    qea_free(before);
    qea_free(after);
}

static void assert_setting(const char *task, const char *name, const char *expected) {
    char path[256], *value;
    qea_store *store;
    qea_context *ctx = qea_context_create();
    (void)snprintf(path, sizeof path, "%s/tasks/%s", folder, task);
    assert_int_equal(qea_store_open(ctx, path, true, &store), QEA_OK);
    assert_int_equal(qea_store_get(ctx, store, name, &value), QEA_OK);
    assert_string_equal(value, expected);
    qea_free(value);
    qea_store_close(store);
    qea_context_destroy(ctx);
}

/* sse2 has no bf16 arithmetic whatever the CPU is; oneDNN is held to it, too. */
static void bf16_without_arithmetic_for_it_is_emulated_and_the_task_says_so(void **state) {
    (void)state;
    if (run("", "run config.yml -t old --set pipeline=[fully_train] --set general.isa=sse2") != 0) skip(); /* plain C */
    assert_setting("old", "convolution arithmetic", "float32");
    assert_int_equal(run("", "run config.yml -t emulated --set pipeline=[fully_train] --set general.isa=sse2 "
                             "--set general.precision=bf16"),
                     0);
    assert_output_has("bf16 is emulated");
    assert_setting("emulated", "convolution arithmetic", "bfloat16 emulated in float32");
    char *page = slurp("tasks/emulated/output/report.html");
    assert_non_null(strstr(page, "bfloat16 emulated in float32"));
    qea_free(page);
}

static void a_learning_rate_that_stays_at_its_end_is_told(void **state) {
    (void)state;
    static const char once[] =
        "run config.yml -t %s --set pipeline=[fully_train] --set 'fully_train.baselines=[[4, 4]]' "
        "--set 'fully_train.trainer.lr_scheduler={type: CosineAnnealingLR, params: {T_max: %d}}'";
    static const char *const told[] = {"T_max: 2, and 6 epochs: in the last 4 the rate stays at eta_min",
                                       "T_max: 8, and 6 epochs: they end before"};
    char line[512];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(line, sizeof line, once, i == 0 ? "stays" : "high", i == 0 ? 2 : 8);
        assert_int_equal(run("", line), 0);
        assert_output_has(told[i]);
    }
    (void)snprintf(line, sizeof line, once, "falls", 6);
    assert_int_equal(run("", line), 0);
    char *out = slurp("out");
    assert_null(strstr(out, "T_max"));
    qea_free(out);
}

static void a_trial_that_takes_too_long_fails_and_the_run_says_that_it_may_not_repeat(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t slow --workers 1 --set general.timeout=0.001"), 0);
    assert_output_has("time-out");
    assert_output_has("may not repeat");
}

/* Told: accuracy and size by the program; known here: bops. */
static void a_program_can_evaluate_the_bits_of_a_network(void **state) {
    (void)state;
    static const char program[] = "while read -r line; do\n"
                                  "    trial=${line#*: }; trial=${trial%%,*}\n"
                                  "    case $line in *'.w\": '*'.a\": '*) ;; *) exit 1 ;; esac\n"
                                  "    echo \"{\\\"trial\\\": $trial, \\\"objectives\\\": {\\\"accuracy\\\": 0.5, "
                                  "\\\"size\\\": $trial}}\"\n"
                                  "done\n";
    char path[256];
    (void)snprintf(path, sizeof path, "%s/evaluator.sh", folder);
    assert_int_equal(qea_file_write(NULL, path, program, strlen(program)), QEA_OK);
    int code = run("", "run config.yml -t told --set 'nas.evaluator={type: command, command: [sh, evaluator.sh]}' "
                       "--set 'nas.search_algorithm.objective_keys=[accuracy, size, bops]' "
                       "--set 'nas.search_algorithm.directions={size: max}'");
    if (code != 0) fail_msg("exit code %d: %s", code, slurp("out"));
    char *rows = slurp("tasks/told/output/nas/trials.csv");
    assert_non_null(strstr(rows, ",weight_bits,activation_bits,accuracy,"));
    assert_non_null(strstr(rows, ",activation_bytes,size,hypervolume\n"));
    assert_null(strstr(rows, ",failed,"));
    qea_free(rows);
    json_t *front = NULL;
    char *text = slurp("tasks/told/output/nas/front.json");
    front = json_loads(text, 0, NULL);
    const json_t *last =
        json_array_get(json_object_get(front, "front"), json_array_size(json_object_get(front, "front")) - 1);
    assert_int_equal(json_integer_value(json_object_get(last, "trial")), 14); /* the largest size is on the front */
    assert_true(json_number_value(json_object_get(json_object_get(last, "objectives"), "size")) == 14);
    assert_true(json_number_value(json_object_get(json_object_get(last, "objectives"), "bops")) > 0);
    json_decref(front);
    qea_free(text);
    qea_free(slurp("tasks/told/output/fully_train/results.json")); /* trained here, as ever */
}

/* Of four networks two cost the same: one of these is trained, though all are equal in the one objective. */
static void models_that_are_equal_in_objectives_and_costs_are_trained_once(void **state) {
    (void)state;
    static const char program[] =
        "while read -r line; do trial=${line#*: }; trial=${trial%%,*}\n"
        "echo \"{\\\"trial\\\": $trial, \\\"objectives\\\": {\\\"accuracy\\\": 0.5}}\"; done\n";
    char path[256];
    (void)snprintf(path, sizeof path, "%s/equal.sh", folder);
    assert_int_equal(qea_file_write(NULL, path, program, strlen(program)), QEA_OK);
    int code = run("", "run config.yml -t equal --set 'nas.evaluator={type: command, command: [sh, equal.sh]}' "
                       "--set 'nas.search_algorithm.objective_keys=[accuracy]' --set fully_train.trainer.epochs=1 "
                       "--set 'nas.search_space.layers={\"*\": {weight_bits: [4], activation_bits: [4]}, "
                       "\"layer1.0.conv?\": {weight_bits: [2, 4], activation_bits: [4]}}' "
                       "--set fully_train.max_models=10 --set 'fully_train.baselines=[]'");
    if (code != 0) fail_msg("exit code %d: %s", code, slurp("out"));
    assert_output_has("every allowed genome has been evaluated (4 trials)");
    char *text = slurp("tasks/equal/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(results, "models")), 3);
    json_decref(results);
    qea_free(text);
}

/* Of 5^10 genomes only that of the fewest bits is allowed: nothing new is found, but not every genome was looked at. */
static void a_search_that_finds_nothing_new_does_not_say_that_all_was_evaluated(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t narrow --set 'pipeline=[nas]' "
                             "--set 'nas.search_space.bit_candidates=[2, 3, 4, 5, 6]' "
                             "--set 'nas.trainer.limits={bops_range: [0, 1]}'"),
                     2);
    char line[512];
    const long long least = number_behind("out", "a range with a part of ");
    assert_true(least > 1);
    (void)snprintf(line, sizeof line,
                   "run config.yml -t narrow --set 'pipeline=[nas]' "
                   "--set 'nas.search_space.bit_candidates=[2, 3, 4, 5, 6]' "
                   "--set 'nas.trainer.limits={bops_range: [0, %lld]}'",
                   least);
    assert_int_equal(run("", line), 0);
    assert_output_has("no allowed genome was found that is new (1 trials)");
}

/* All layers tied make 4 genomes; in 3 of them every layer is left out. */
static void a_network_that_several_genomes_make_is_tried_once(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t skipped --set 'pipeline=[nas]' "
                             "--set 'nas.search_space.bit_candidates=[0, 4]' "
                             "--set 'nas.search_space.layers={\"*\": {tie: true}}'"),
                     0);
    assert_output_has("every allowed genome has been evaluated (2 trials)");
}

static void a_search_without_time_begins_no_trial_and_says_so(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t hurried --workers 1 --set nas.budget=0.3 --set nas.trainer.epochs=40"),
                     0);
    assert_output_has("the time of 0.3s is spent");
    char *rows = slurp("tasks/hurried/output/nas/trials.csv");
    assert_non_null(strstr(rows, ",waiting,"));
    qea_free(rows);
}

static void a_task_of_the_same_name_is_refused(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t plain"), 6);
    assert_output_has("tasks/plain");
}

static void a_saved_model_evaluates_to_the_accuracy_of_its_record(void **state) {
    (void)state;
    char line[512], accuracy[64];
    char *text = slurp("tasks/plain/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL);
    const json_t *model = json_array_get(json_object_get(results, "models"), 0);
    assert_non_null(model);
    double value = json_number_value(json_object_get(json_object_get(model, "performance"), "accuracy"));
    (void)snprintf(accuracy, sizeof accuracy, "top-1 %.2f %%", 100 * value);
    (void)snprintf(line, sizeof line, "eval tasks/plain/output/fully_train/model_%lld.safetensors --data data",
                   (long long)json_integer_value(json_object_get(model, "id")));
    assert_int_equal(run("", line), 0);
    assert_output_has(accuracy);
    json_decref(results);
    qea_free(text);
}

static void wrong_input_ends_with_its_exit_code_and_names_the_place(void **state) {
    (void)state;
    static const struct {
        const char *arguments;
        int code;
        const char *text;
    } cases[] = {
        {"run nothing.yml", 2, "nothing.yml"},
        {"run config.yml --set nas.trainer.epoch=3", 2, "epochs"},
        {"run config.yml --set nas.trainer.epochs=many", 2, "many"},
        {"run config.yml --set nas.search_algorithm.policy.length=40", 2, "40"},
        {"run config.yml --set nas.dataset.common.data_path=/nowhere", 3, "/nowhere"},
        {"run config.yml --set 'nas.search_algorithm.objective_keys=[accuracy, latency]'", 2, "latency"},
        {"run config.yml --set 'nas.trainer.limits={flop_range: [0, 1]}'", 2, "genome"},
        {"run config.yml --colour", 2, "--colour"},
        {"run --resume tasks/nothing", 2, "nothing"},
        {"eval config.yml --data data", 3, "config.yml"},
        {"report tasks/nothing", 2, "nothing"},
        {"report nothing", 2, "tasks/nothing"},
        {"report", 2, "task"},
        {"report one two", 2, "two"},
        {"", 2, "usage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = run("", cases[i].arguments);
        char *out = slurp("out");
        if (code != cases[i].code || strstr(out, cases[i].text) == NULL)
            fail_msg("quantea %s: exit code %d instead of %d, output: %s", cases[i].arguments, code, cases[i].code,
                     out);
        qea_free(out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_leaves_its_files_and_shows_a_table),
        cmocka_unit_test(the_training_curve_of_every_model_is_kept),
        cmocka_unit_test(one_worker_and_three_give_byte_equal_results),
        cmocka_unit_test(the_hypervolume_is_that_of_the_front_and_never_falls),
        cmocka_unit_test(another_seed_gives_other_results),
        cmocka_unit_test(a_report_says_the_same_at_the_end_of_a_run_and_later),
        cmocka_unit_test(a_learning_rate_that_stays_at_its_end_is_told),
        cmocka_unit_test(a_trial_that_takes_too_long_fails_and_the_run_says_that_it_may_not_repeat),
        cmocka_unit_test(a_program_can_evaluate_the_bits_of_a_network),
        cmocka_unit_test(models_that_are_equal_in_objectives_and_costs_are_trained_once),
        cmocka_unit_test(a_search_that_finds_nothing_new_does_not_say_that_all_was_evaluated),
        cmocka_unit_test(a_network_that_several_genomes_make_is_tried_once),
        cmocka_unit_test(a_search_without_time_begins_no_trial_and_says_so),
        cmocka_unit_test(a_task_of_the_same_name_is_refused),
        cmocka_unit_test(bf16_without_arithmetic_for_it_is_emulated_and_the_task_says_so),
        cmocka_unit_test(a_saved_model_evaluates_to_the_accuracy_of_its_record),
        cmocka_unit_test(wrong_input_ends_with_its_exit_code_and_names_the_place),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
