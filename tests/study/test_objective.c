/* Objectives that a program tells of a trial's model file and bits. The program is this one, started with an argument.
 */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <time.h>

#include "nn/model.h"
#include "study/objective.h"
#include "study/small_run.h"

/* --- the program --- */

static void rest_a_while(void) {
    const struct timespec t = {60, 0};
    nanosleep(&t, NULL);
}

/* The sum of all bits that the model file has; -1 where what was told on standard input is not the same. */
static int bits_of(const char *path) {
    static char line[1 << 16];
    qea_graph *graph;
    qea_model *model;
    if (fgets(line, sizeof line, stdin) == NULL || fgetc(stdin) != EOF) return -1;
    json_t *told = json_loads(line, 0, NULL);
    const json_t *genes = json_object_get(told, "genes"), *file = json_object_get(told, "model");
    if (!json_is_string(file) || strcmp(json_string_value(file), path) != 0 || path[0] != '/') return -1;
    if (qea_model_load(NULL, path, &graph, &model, NULL) != QEA_OK) return -1;
    size_t layers = qea_graph_num_quantized(graph);
    int sum = 0;
    for (size_t i = 0; i < layers; i++) {
        char w[128], a[128];
        (void)snprintf(w, sizeof w, "%s.w", qea_graph_quantized(graph, i)->name);
        (void)snprintf(a, sizeof a, "%s.a", qea_graph_quantized(graph, i)->name);
        if (json_integer_value(json_object_get(genes, w)) != model->weight_bits[i] ||
            json_integer_value(json_object_get(genes, a)) != model->activation_bits[i])
            return -1;
        sum += model->weight_bits[i] + model->activation_bits[i];
    }
    bool same = json_object_size(genes) == 2 * layers;
    qea_model_destroy(model);
    qea_graph_destroy(graph);
    json_decref(told);
    return same ? sum : -1;
}

static int fail_as(const char *fault) {
    if (strcmp(fault, "nothing") == 0) (void)printf(" \n");
    if (strcmp(fault, "text") == 0) (void)printf("about 3\x07\n");
    if (strcmp(fault, "two") == 0) (void)printf("3 4\n");
    if (strcmp(fault, "nan") == 0) (void)printf("nan\n");
    if (strcmp(fault, "infinite") == 0) (void)printf("-inf\n");
    if (strcmp(fault, "huge") == 0) (void)printf("1e999\n");
    if (strcmp(fault, "silent") == 0) rest_a_while();
    for (int i = 0; i < 100000 && strcmp(fault, "long") == 0; i++) (void)printf("3.14");
    if (strcmp(fault, "exit") == 0) {
        (void)printf("3\n");
        return 3;
    }
    if (strcmp(fault, "crash") == 0) (void)raise(SIGABRT);
    if (strcmp(fault, "leaves") == 0) { /* a child that keeps the output open */
        if (fork() == 0) rest_a_while();
        return 4;
    }
    if (strcmp(fault, "closes") == 0) {
        (void)fclose(stdout);
        rest_a_while();
    }
    return 0;
}

/* Fails the first time in its folder. */
static int fail_once(void) {
    FILE *seen = fopen("seen", "r");
    if (seen == NULL) {
        seen = fopen("seen", "w");
        if (seen != NULL) (void)fclose(seen);
        return 1;
    }
    (void)fclose(seen);
    (void)printf("\n 2.5e0\t\r\n");
    return 0;
}

static int measure(const char *mode, const char *path) {
    if (strcmp(mode, "bits") == 0) (void)printf("%d\n", bits_of(path));
    if (strcmp(mode, "once") == 0) return fail_once();
    return fail_as(mode);
}

/* --- tests --- */

static char self[1024];

#define ENERGY(mode, more)                                                                                             \
    "--set 'nas.search_algorithm.objective_keys=[accuracy, energy]' --set nas.search_algorithm.directions.energy=min " \
    "--set 'nas.search_algorithm.commands.energy={command: [%s, --measure, " mode "]" more "}' "

/* format: with the place of this program. */
static int run_format(const char *format) {
    char line[2048];
    (void)snprintf(line, sizeof line, format, self);
    return run("", line);
}

static json_t *read_json(const char *relative) {
    char *text = slurp(relative);
    json_t *object = json_loads(text, 0, NULL);
    qea_free(text);
    assert_non_null(object);
    return object;
}

static int sum_of(const json_t *list) {
    int sum = 0;
    size_t index;
    json_t *value;
    json_array_foreach(list, index, value) sum += (int)json_integer_value(value);
    return sum;
}

static void assert_energies_are_sums_of_bits(const json_t *models, const char *values) {
    size_t index;
    json_t *model;
    assert_true(json_array_size(models) > 0);
    json_array_foreach(models, index, model) {
        int bits = sum_of(json_object_get(model, "weight_bits")) + sum_of(json_object_get(model, "activation_bits"));
        assert_true(json_number_value(json_object_get(json_object_get(model, values), "energy")) == bits);
    }
}

static void assert_work_is_empty(const char *task) {
    char line[256];
    (void)snprintf(line, sizeof line, "test -z \"$(ls %s/tasks/%s/work)\"", folder, task);
    assert_int_equal(system(line), 0);
}

static void trials_and_final_models_have_the_number_that_the_program_tells_of_their_files(void **state) {
    (void)state;
    if (run_format("config.yml -t single --workers 1 " ENERGY("bits", "")) != 0) fail_msg("%s", slurp("out"));
    assert_output_has("a bits        energy\n");
    json_t *front = read_json("tasks/single/output/nas/front.json");
    assert_energies_are_sums_of_bits(json_object_get(front, "front"), "objectives");
    assert_true(json_number_value(json_object_get(front, "hypervolume")) > 0);
    json_decref(front);
    json_t *results = read_json("tasks/single/output/fully_train/results.json");
    assert_energies_are_sums_of_bits(json_object_get(results, "models"), "performance");
    json_decref(results);
    char *rows = slurp("tasks/single/output/nas/trials.csv"), *page = slurp("tasks/single/output/report.html");
    assert_non_null(strstr(rows, ",activation_bytes,energy,hypervolume\n"));
    assert_null(strstr(rows, "failed"));
    assert_non_null(strstr(page, "mean activation bits</th><th scope=\"col\">energy</th>"));
    qea_free(rows);
    qea_free(page);
    assert_work_is_empty("single");
}

static void a_trial_with_shared_weights_has_a_model_of_its_own(void **state) {
    (void)state;
    if (run_format("config.yml -t shared --set 'pipeline=[nas]' --set 'nas.evaluator={type: shared_weights, "
                   "float_epochs: 1, supernet_epochs: 1, bn_images: 96}' " ENERGY("bits", "")) != 0)
        fail_msg("%s", slurp("out"));
    json_t *front = read_json("tasks/shared/output/nas/front.json");
    assert_energies_are_sums_of_bits(json_object_get(front, "front"), "objectives");
    json_decref(front);
    assert_work_is_empty("shared");
}

/* The example's price: 2000 pJ per layer and 0.8 pJ per bit of weight. */
static void the_example_tells_the_price_of_the_weights(void **state) {
    (void)state;
    char line[2048], here[512];
    if (system("command -v python3 >/dev/null") != 0) skip();
    assert_non_null(getcwd(here, sizeof here));
    (void)snprintf(line, sizeof line,
                   "config.yml -t example --set 'nas.search_algorithm.objective_keys=[accuracy, energy]' --set "
                   "nas.search_algorithm.directions.energy=min --set "
                   "'nas.search_algorithm.commands.energy={command: [python3, %s/examples/energy.py]}'",
                   here);
    if (run("", line) != 0) fail_msg("%s", slurp("out"));
    json_t *results = read_json("tasks/example/output/fully_train/results.json"), *entry;
    size_t index;
    json_array_foreach(json_object_get(results, "models"), index, entry) {
        qea_graph *graph;
        qea_model *model;
        double price = 0;
        if (strcmp(json_string_value(json_object_get(entry, "label")), "front") != 0) continue;
        (void)snprintf(line, sizeof line, "%s/tasks/example/output/fully_train/model_%d.safetensors", folder,
                       (int)json_integer_value(json_object_get(entry, "id")));
        assert_int_equal(qea_model_load(NULL, line, &graph, &model, NULL), QEA_OK);
        for (size_t i = 0; i < qea_graph_num_quantized(graph); i++)
            price += 2000 + 0.8 * (double)qea_graph_quantized(graph, i)->weights * model->weight_bits[i];
        assert_float_equal(json_number_value(json_object_get(json_object_get(entry, "performance"), "energy")), price,
                           1e-6);
        qea_model_destroy(model);
        qea_graph_destroy(graph);
    }
    json_decref(results);
}

/* The bits of 4 layers, weights and activations of 2 or 4 bits each: from 16 to 32. */
static void trials_outside_the_range_have_results_and_are_not_on_the_front(void **state) {
    (void)state;
    size_t index, outside = 0, count = 0;
    json_t *entry, *model;
    if (run_format("config.yml -t range --set 'pipeline=[nas]' " ENERGY("bits", ", range: [27, .inf]")) != 0)
        fail_msg("%s", slurp("out"));
    json_t *front = read_json("tasks/range/output/nas/front.json"), *all = read_json("tasks/range/output/reports.json");
    json_array_foreach(json_object_get(front, "front"), index, entry) {
        assert_true(json_number_value(json_object_get(json_object_get(entry, "objectives"), "energy")) >= 27);
        count++;
    }
    assert_true(count > 0);
    json_array_foreach(json_object_get(all, "nas"), index, model) {
        double energy = json_number_value(json_object_get(json_object_get(model, "performance"), "energy"));
        assert_true(energy > 0);
        outside += energy < 27;
    }
    assert_true(outside > 0);
    json_decref(front);
    json_decref(all);
    assert_int_equal(run_format("config.yml -t none --set 'pipeline=[nas]' " ENERGY("bits", ", range: [0, 1]")), 0);
    front = read_json("tasks/none/output/nas/front.json");
    assert_int_equal(json_array_size(json_object_get(front, "front")), 0);
    assert_true(json_number_value(json_object_get(front, "hypervolume")) == 0);
    json_decref(front);
}

static void workers_and_kills_change_nothing(void **state) {
    (void)state;
    static const int kills[] = {3, 9, 15};
    char line[2048];
    (void)snprintf(line, sizeof line, "run config.yml -t killed --workers 3 " ENERGY("bits", ""), self);
    for (int i = 0; i < 3; i++)
        (void)run_and_signal(i == 0 ? line : "run --resume tasks/killed", "killed", kills[i], "KILL");
    (void)snprintf(line, sizeof line, "cd / && %s run --resume %s/tasks/killed >/dev/null 2>&1", command, folder);
    assert_int_equal(system(line), 0);
    assert_same_results("single", "killed");
    assert_work_is_empty("killed");
}

#define ONE_TRIAL                                                                                                      \
    "--set 'pipeline=[nas]' --set 'nas.search_algorithm.policy={num_generation: 0, num_individual: 1, "                \
    "random_samples: 1}' "

static void every_fault_is_a_failed_trial_with_its_reason(void **state) {
    (void)state;
    static const char *const faults[][2] = {{"nothing", "printed nothing"},
                                            {"text", "not one number: about 3?"},
                                            {"two", "not one number: 3 4"},
                                            {"nan", "not finite: nan"},
                                            {"infinite", "not finite: -inf"},
                                            {"huge", "not one number: 1e999"},
                                            {"silent", "time-out: no end after 1 s"},
                                            {"closes", "time-out: no end after 1 s"},
                                            {"long", "more than 4096 bytes"},
                                            {"exit", "exit code 3"},
                                            {"leaves", "exit code 4"},
                                            {"crash", "killed by signal 6"}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char line[2048], task[64];
        (void)snprintf(line, sizeof line,
                       "config.yml -t %s " ONE_TRIAL "--set 'nas.search_algorithm.objective_keys=[accuracy, energy]' "
                       "--set nas.search_algorithm.directions.energy=min --set "
                       "'nas.search_algorithm.commands.energy={command: [%s, --measure, %s], timeout_s: 1}'",
                       faults[i][0], self, faults[i][0]);
        if (run("", line) != 0) fail_msg("%s: %s", faults[i][0], slurp("out"));
        (void)snprintf(task, sizeof task, "tasks/%s/output/reports.json", faults[i][0]);
        json_t *reports = read_json(task);
        const json_t *trial = json_array_get(json_object_get(reports, "nas"), 0);
        const char *reason = json_string_value(json_object_get(trial, "reason"));
        if (reason == NULL || strstr(reason, faults[i][1]) == NULL ||
            strstr(reason, "the program of the objective 'energy' ") != reason)
            fail_msg("%s: the reason is '%s'", faults[i][0], reason != NULL ? reason : "");
        json_decref(reports);
        assert_work_is_empty(faults[i][0]);
    }
}

static void a_program_that_fails_is_tried_as_often_as_attempts_says(void **state) {
    (void)state;
    char line[256];
    (void)snprintf(line, sizeof line, "mkdir %s/once", folder);
    assert_int_equal(system(line), 0);
    assert_int_equal(run_format("config.yml -t again " ONE_TRIAL ENERGY("once", ", folder: once, attempts: 2")), 0);
    char *rows = slurp("tasks/again/output/nas/trials.csv");
    assert_non_null(strstr(rows, ",2.5,"));
    qea_free(rows);
}

/* Hours of training are not thrown away for a number that is missing. */
static void a_final_model_without_its_number_is_kept_and_the_reason_is_told(void **state) {
    (void)state;
    char line[2048];
    (void)snprintf(
        line, sizeof line,
        "run config.yml -t later --workers 1 --set 'pipeline=[nas]' " ENERGY(
            "bits",
            "") "&& "
                "sed -i 's/--measure, bits/--measure, exit/; s/- bits$/- exit/; s/\\[nas\\]/[nas, fully_train]/; "
                "s/^    - nas$/    - nas\\n    - fully_train/' tasks/later/output/config.yml && %s run --resume "
                "tasks/later",
        self, command);
    char whole[4096];
    (void)snprintf(whole, sizeof whole, "cd %s && %s %s >out 2>&1", folder, command, line);
    if (system(whole) != 0) fail_msg("%s", slurp("out"));
    json_t *results = read_json("tasks/later/output/fully_train/results.json"), *model;
    size_t index;
    assert_true(json_array_size(json_object_get(results, "models")) > 1);
    json_array_foreach(json_object_get(results, "models"), index, model) {
        const json_t *performance = json_object_get(model, "performance");
        const char *reason =
            json_string_value(json_object_get(json_object_get(performance, "objective_errors"), "energy"));
        assert_string_equal(json_string_value(json_object_get(model, "state")), "done");
        assert_true(json_is_null(json_object_get(performance, "energy")));
        assert_true(json_is_number(json_object_get(performance, "accuracy")));
        assert_string_equal(reason != NULL ? reason : "", "ended with exit code 3");
    }
    json_decref(results);
    char *log = slurp("tasks/later/logs/pipeline.log");
    assert_non_null(strstr(log, "has no 'energy', as its program ended with exit code 3"));
    qea_free(log);
}

/* Every value that a result has is refused as the name of another, but for the latency that nothing measures here. */
static void a_program_may_measure_the_latency_and_takes_no_name_that_a_result_has(void **state) {
    (void)state;
    assert_int_equal(run_format("config.yml -t latency " ONE_TRIAL
                                "--set 'nas.search_algorithm={objective_keys: [accuracy, latency], directions: "
                                "{latency: min}, commands: {latency: {command: [%s, --measure, bits]}}, policy: "
                                "{num_generation: 0, num_individual: 1, random_samples: 1}}'"),
                     0);
    json_t *reports = read_json("tasks/latency/output/reports.json"), *value;
    const json_t *performance = json_object_get(json_array_get(json_object_get(reports, "nas"), 0), "performance");
    const char *name;
    assert_true(json_number_value(json_object_get(performance, "latency")) > 0);
    assert_true(json_object_size(performance) > 15);
    json_object_foreach((json_t *)(uintptr_t)performance, name, value) {
        char line[2048];
        if (strcmp(name, "latency") == 0) continue;
        (void)snprintf(line, sizeof line,
                       "config.yml -t wrong --set 'nas.search_algorithm.objective_keys=[accuracy, %s]' --set "
                       "'nas.search_algorithm.directions={%s: min}' --set 'nas.search_algorithm.commands={%s: "
                       "{command: [%s]}}'",
                       name, name, name, self);
        if (run("", line) != 2) fail_msg("%s was taken: %s", name, slurp("out"));
    }
    json_decref(reports);
}

static void what_cannot_be_is_refused_and_named(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{energy: {command: [nothing-of-that-name]}}", "nothing-of-that-name"},
        {"{energy: {command: [/etc/passwd]}}", "nas.search_algorithm.commands.energy.command"},
        {"{energy: {command: [sh], folder: /nowhere}}", "nas.search_algorithm.commands.energy.folder"},
        {"{energy: {command: []}}", "a list of 1 to 256 texts"},
        {"{energy: {timeout_s: 3}}", "names no program"},
        {"{energy: [sh]}", "{command, folder, timeout_s, attempts, range}"},
        {"{energy: {command: [sh], range: [3, 1]}}", "[lowest, highest]"},
        {"{energy: {command: [sh], range: 3}}", "[lowest, highest]"},
        {"{energy: {command: [sh], timeout: 3}}", "did you mean"},
        {"{energy: {command: [sh], timeout_s: -1}}", "from 0 to 100000000"},
        {"{energy: {command: [sh], attempts: 0}}", "from 1 to 100"},
        {"{energy: {command: [sh]}, heat: {command: [sh]}}", "not one of objective_keys"},
        {"{energy: {command: [sh]}, accuracy: {command: [sh]}}", "commands.accuracy: cannot be set"},
        {"", "found 'energy', allowed"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[1024];
        (void)snprintf(line, sizeof line,
                       "config.yml -t wrong --set 'nas.search_algorithm.objective_keys=[accuracy, energy]' --set "
                       "nas.search_algorithm.directions.energy=min --set 'nas.search_algorithm.commands=%s'",
                       wrong[i][0]);
        int code = run("", line);
        char *out = slurp("out");
        if (code != 2 || strstr(out, wrong[i][1]) == NULL) fail_msg("%s: exit code %d: %s", wrong[i][0], code, out);
        qea_free(out);
    }
    assert_int_equal(run("", "config.yml -t wrong --set 'nas.search_algorithm.objective_keys=[accuracy, energy]' --set "
                             "'nas.search_algorithm.commands={energy: {command: [sh]}}'"),
                     2);
    assert_output_has("directions");
    assert_int_equal(run("", "config.yml -t wrong --set 'nas.evaluator={type: command, command: [sh]}' --set "
                             "'nas.search_algorithm.objective_keys=[accuracy, energy]' --set "
                             "nas.search_algorithm.directions.energy=min --set "
                             "'nas.search_algorithm.commands={energy: {command: [sh]}}'"),
                     2);
    assert_output_has("that program tells all objectives");
}

static void numbers_are_read_whole_and_finite(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        bool good;
        double value;
    } cases[] = {{"3", 1, true, 3},       {" -1.5e-3\r\n\n", 11, true, -1.5e-3},
                 {"0\n", 2, true, 0},     {"3\0", 2, false, 0},
                 {"3\0004", 3, false, 0}, {"", 0, false, 0},
                 {"0x10", 4, false, 0},   {"3,5", 3, false, 0},
                 {"inf", 3, false, 0},    {"1e308", 5, true, 1e308}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qea_answer answer = {.kind = QEA_ANSWER_FATAL};
        qea_objective_read_answer(cases[i].text, cases[i].size, &answer);
        assert_int_equal(answer.kind, cases[i].good ? QEA_ANSWER_DONE : QEA_ANSWER_WRONG);
        if (cases[i].good) assert_true(json_real_value(answer.body) == cases[i].value);
        json_decref(answer.body);
    }
    char digits[200];
    memset(digits, '1', sizeof digits);
    qea_answer answer = {.kind = QEA_ANSWER_FATAL};
    qea_objective_read_answer(digits, sizeof digits, &answer);
    assert_int_equal(answer.kind, QEA_ANSWER_WRONG);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--measure") == 0) return measure(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_whole_and_finite),
        cmocka_unit_test(trials_and_final_models_have_the_number_that_the_program_tells_of_their_files),
        cmocka_unit_test(a_trial_with_shared_weights_has_a_model_of_its_own),
        cmocka_unit_test(the_example_tells_the_price_of_the_weights),
        cmocka_unit_test(trials_outside_the_range_have_results_and_are_not_on_the_front),
        cmocka_unit_test(workers_and_kills_change_nothing),
        cmocka_unit_test(every_fault_is_a_failed_trial_with_its_reason),
        cmocka_unit_test(a_program_that_fails_is_tried_as_often_as_attempts_says),
        cmocka_unit_test(a_final_model_without_its_number_is_kept_and_the_reason_is_told),
        cmocka_unit_test(a_program_may_measure_the_latency_and_takes_no_name_that_a_result_has),
        cmocka_unit_test(what_cannot_be_is_refused_and_named),
    };
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    return size > 0 ? cmocka_run_group_tests(tests, set_up, tear_down) : 1;
}
