/* A program as evaluator, over a search space given by hand. The program is this one, started with an argument. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"

enum { GENES = 5, VALUES = 4, GENOMES = 1024 };

/* Additive: every gene costs its value and errs the less the higher it is. */
static const int values[VALUES] = {1, 2, 4, 8};
static const double weights[GENES] = {5, 3, 2, 7, 1};

static double cost_of(const int *genes) {
    double sum = 0;
    for (int i = 0; i < GENES; i++) sum += genes[i];
    return sum;
}

static double error_of(const int *genes) {
    double sum = 0;
    for (int i = 0; i < GENES; i++) sum += weights[i] / genes[i];
    return sum;
}

/* --- the evaluator --- */

static void answer(long long trial, const char *rest) {
    (void)printf("{\"trial\": %lld, %s}\n", trial, rest);
    (void)fflush(stdout);
}

static void rest_a_while(double seconds) {
    const struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    nanosleep(&t, NULL);
}

static void answer_additive(const json_t *job) {
    const json_t *genes = json_object_get(job, "genes");
    int bits[GENES];
    char rest[128];
    for (int i = 0; i < GENES; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "w%d", i);
        bits[i] = (int)json_integer_value(json_object_get(genes, name));
    }
    /* thirds are no finite decimals, and every answer must come through exactly */
    (void)snprintf(rest, sizeof rest, "\"objectives\": {\"error\": %.17g, \"cost\": %g, \"seed\": %lld}",
                   error_of(bits), cost_of(bits), (long long)json_integer_value(json_object_get(job, "seed")));
    answer(json_integer_value(json_object_get(job, "trial")), rest);
}

static void answer_wrongly(long long trial, const char *fault) {
    static char line[3 << 20];
    if (strcmp(fault, "none") == 0) answer(trial, "\"objectives\": {\"error\": 1}");
    if (strcmp(fault, "says") == 0) answer(trial, "\"error\": \"no\\u0007 <b>luck</b>\"");
    if (strcmp(fault, "text") == 0) (void)printf("hello\n");
    if (strcmp(fault, "list") == 0) (void)printf("[1]\n");
    if (strcmp(fault, "trial") == 0) answer(trial + 1, "\"objectives\": {\"error\": 1}");
    if (strcmp(fault, "missing") == 0) answer(trial, "\"objectives\": {\"cost\": 1}");
    if (strcmp(fault, "neither") == 0) answer(trial, "\"result\": 1");
    if (strcmp(fault, "string") == 0) answer(trial, "\"objectives\": {\"error\": \"1\"}");
    if (strcmp(fault, "nan") == 0) answer(trial, "\"objectives\": {\"error\": NaN}");
    if (strcmp(fault, "huge") == 0) answer(trial, "\"objectives\": {\"error\": 1e999}");
    if (strcmp(fault, "twice") == 0) answer(trial, "\"objectives\": {\"error\": 1, \"error\": 2}");
    if (strcmp(fault, "exit") == 0) exit(3);
    if (strcmp(fault, "crash") == 0) (void)raise(SIGABRT);
    if (strcmp(fault, "killed") == 0) (void)raise(SIGKILL);
    if (strcmp(fault, "silent") == 0) rest_a_while(60);
    if (strcmp(fault, "closes") == 0) {
        (void)fclose(stdout);
        rest_a_while(60);
    }
    if (strcmp(fault, "leaves") == 0) { /* a child that keeps the output open */
        if (fork() == 0) rest_a_while(60);
        _exit(4);
    }
    if (strcmp(fault, "long") == 0) {
        memset(line, 'x', sizeof line - 1);
        (void)fputs(line, stdout);
    }
    (void)fflush(stdout);
}

static int evaluate(const char *mode) {
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        json_t *job = json_loads(line, 0, NULL);
        long long trial = json_integer_value(json_object_get(job, "trial"));
        const char *fault = json_string_value(json_object_get(json_object_get(job, "genes"), "fault"));
        if (strcmp(mode, "slowly") == 0) rest_a_while(0.2);
        if (strcmp(mode, "wrongly") == 0)
            answer_wrongly(trial, fault != NULL ? fault : "");
        else if (strcmp(mode, "equally") == 0)
            answer(trial, "\"objectives\": {\"error\": 1, \"cost\": 2}");
        else
            answer_additive(job);
        json_decref(job);
    }
    return 0;
}

/* --- tests --- */

static char folder[] = "/tmp/quantea-command-XXXXXX", self[1024];
static const char *command;

static const char config_text[] = "general: {seed: 5, workers: 2}\n"
                                  "nas:\n"
                                  "    evaluator: {type: command, command: [%s, --evaluate, additive]}\n"
                                  "    trials: 600\n"
                                  "    search_algorithm:\n"
                                  "        policy: {num_individual: 16}\n"
                                  "        objective_keys: [error, cost]\n"
                                  "        directions: {error: min, cost: min}\n"
                                  "        bounds: {error: [0, 20], cost: [0, 40]}\n"
                                  "    search_space:\n"
                                  "        type: Custom\n"
                                  "        genes:\n"
                                  "            - {name: w0, candidates: [1, 2, 4, 8]}\n"
                                  "            - {name: w1, candidates: [1, 2, 4, 8]}\n"
                                  "            - {name: w2, candidates: [1, 2, 4, 8]}\n"
                                  "            - {name: w3, candidates: [1, 2, 4, 8]}\n"
                                  "            - {name: w4, candidates: [1, 2, 4, 8]}\n";

static const char faults_text[] = "general: {seed: 5, workers: 3}\n"
                                  "nas:\n"
                                  "    evaluator: {type: command, command: [%s, --evaluate, wrongly], timeout_s: 2}\n"
                                  "    search_algorithm:\n"
                                  "        policy: {num_individual: 18, random_samples: 18, num_generation: 1}\n"
                                  "        objective_keys: [error]\n"
                                  "        directions: {error: min}\n"
                                  "    search_space:\n"
                                  "        type: Custom\n"
                                  "        genes:\n"
                                  "            - name: fault\n"
                                  "              candidates: [none, says, text, list, trial, missing, neither, string, "
                                  "\"nan\", huge, twice, exit, crash,\n"
                                  "                           killed, silent, closes, leaves, long]\n";

static int write_config(const char *name, const char *format) {
    char path[256], text[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int size = snprintf(text, sizeof text, format, self);
    return qea_file_write(NULL, path, text, (size_t)size) == QEA_OK ? 0 : -1;
}

static int set_up(void **state) {
    (void)state;
    command = getenv("QEA_COMMAND");
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (command == NULL || size <= 0 || mkdtemp(folder) == NULL) return -1;
    return write_config("config.yml", config_text) + write_config("faults.yml", faults_text);
}

static int tear_down(void **state) {
    (void)state;
    char line[256];
    (void)snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

static int run(const char *arguments) {
    char line[2048];
    (void)snprintf(line, sizeof line, "cd %s && timeout 100 %s %s >out 2>&1", folder, command, arguments);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static char *slurp(const char *relative) {
    char path[512];
    uint8_t *bytes;
    size_t size;
    (void)snprintf(path, sizeof path, "%s/%s", folder, relative);
    if (qea_file_read(NULL, path, 1 << 24, &bytes, &size) != QEA_OK) fail_msg("%s is missing", relative);
    return (char *)bytes;
}

static void assert_runs(const char *arguments) {
    int code = run(arguments);
    if (code != 0) fail_msg("quantea %s: exit code %d: %s", arguments, code, slurp("out"));
}

static void assert_output_has(const char *text) {
    char *out = slurp("out");
    if (strstr(out, text) == NULL) fail_msg("no '%s' in: %s", text, out);
    qea_free(out);
}

static json_t *read_json(const char *relative) {
    char *text = slurp(relative);
    json_t *object = json_loads(text, 0, NULL);
    qea_free(text);
    assert_non_null(object);
    return object;
}

static void assert_same(const char *a, const char *b) {
    static const char *const files[] = {"nas/trials.csv", "nas/front.json"};
    for (size_t i = 0; i < 2; i++) {
        char path_a[128], path_b[128];
        (void)snprintf(path_a, sizeof path_a, "tasks/%s/output/%s", a, files[i]);
        (void)snprintf(path_b, sizeof path_b, "tasks/%s/output/%s", b, files[i]);
        char *text_a = slurp(path_a), *text_b = slurp(path_b);
        assert_string_equal(text_a, text_b);
        qea_free(text_a);
        qea_free(text_b);
    }
}

static void genes_of(int genome, int *genes) {
    for (int i = 0; i < GENES; i++, genome /= VALUES) genes[i] = values[genome % VALUES];
}

/* The least error of every cost, of all genomes; HUGE_VAL where no genome has that cost. */
static void least_errors(double least[8 * GENES + 1]) {
    for (int c = 0; c <= 8 * GENES; c++) least[c] = HUGE_VAL;
    for (int g = 0; g < GENOMES; g++) {
        int genes[GENES];
        genes_of(g, genes);
        int cost = (int)cost_of(genes);
        least[cost] = fmin(least[cost], error_of(genes));
    }
}

static void the_front_of_a_known_problem_is_found_exactly(void **state) {
    (void)state;
    double least[8 * GENES + 1], reached = HUGE_VAL, area = 0;
    least_errors(least);
    assert_runs("run config.yml -t plain");
    json_t *front = read_json("tasks/plain/output/nas/front.json"), *entry;
    size_t expected = 0, index;
    for (int c = 0; c <= 8 * GENES; c++) {
        if (least[c] >= reached) continue;
        double depth = fmax(0, 1 - least[c] / 20), before = isfinite(reached) ? fmax(0, 1 - reached / 20) : 0;
        area += (depth - before) * (1 - c / 40.0);
        reached = least[c];
        expected++;
        size_t found = 0;
        json_array_foreach(json_object_get(front, "front"), index, entry) {
            const json_t *objectives = json_object_get(entry, "objectives");
            found += json_number_value(json_object_get(objectives, "cost")) == c &&
                     fabs(json_number_value(json_object_get(objectives, "error")) - least[c]) < 1e-12;
            int genes[GENES];
            for (int i = 0; i < GENES; i++) {
                char name[8];
                (void)snprintf(name, sizeof name, "w%d", i);
                genes[i] = (int)json_integer_value(json_object_get(json_object_get(entry, "genes"), name));
            }
            assert_true(json_number_value(json_object_get(objectives, "error")) == error_of(genes));
        }
        if (found == 0) fail_msg("the front lacks cost %d, error %g", c, least[c]);
    }
    assert_true(expected > 10);
    assert_float_equal(json_number_value(json_object_get(front, "hypervolume")), area, 1e-12);
    json_decref(front);
    char *rows = slurp("tasks/plain/output/nas/trials.csv");
    assert_memory_equal(rows, "id,label,state,encoding,w0,w1,w2,w3,w4,error,cost,hypervolume\n", 62);
    qea_free(rows);
    qea_free(slurp("tasks/plain/output/nas/output.csv"));
    qea_free(slurp("tasks/plain/output/reports.csv"));
    assert_output_has("genes");
    assert_runs("report tasks/plain");
    char *page = slurp("tasks/plain/output/report.html");
    assert_non_null(strstr(page, "</html>"));
    assert_non_null(strstr(page, "<th scope=\"col\">w4</th>"));
    assert_null(strstr(page, "top-1")); /* there is no network to tell of */
    qea_free(page);
}

/* Where the trials `first` to `last` come from. */
static void assert_labels(const char *task, const char *label, int first, int last) {
    char path[128], expected[64];
    (void)snprintf(path, sizeof path, "tasks/%s/output/nas/trials.csv", task);
    char *rows = slurp(path);
    for (int trial = first; trial <= last; trial++) {
        (void)snprintf(expected, sizeof expected, "\n%d,%s,", trial, label);
        if (strstr(rows, expected) == NULL) fail_msg("trial %d of %s is no %s", trial, task, label);
    }
    qea_free(rows);
}

static void workers_kills_and_other_folders_change_nothing(void **state) {
    (void)state;
    /* the first kill comes among the seeds of measured sensitivities */
    static const char overrides[] = "--set nas.trials=160 --set nas.search_algorithm.sensitivity=true "
                                    "--set nas.search_algorithm.policy.random_samples=16";
    char line[1536], begin[512];
    (void)snprintf(line, sizeof line, "run config.yml -t three --workers 3 %s", overrides);
    assert_runs(line);
    assert_labels("three", "probe", 1, 6);
    assert_labels("three", "random", 7, 16);
    assert_labels("three", "seed", 17, 24);
    assert_labels("three", "child", 40, 160);
    (void)snprintf(begin, sizeof begin, "config.yml -t killed %s", overrides);
    for (int kill_at = 30; kill_at <= 130; kill_at += 50) {
        (void)snprintf(
            line, sizeof line,
            "cd %s && { %s run %s >out 2>&1 & p=$!; until [ \"$(grep -c ' done: ' "
            "tasks/killed/logs/pipeline.log 2>/dev/null)\" -ge %d ] 2>/dev/null; do kill -0 $p 2>/dev/null || "
            "break; sleep 0.01; done; kill -KILL $p 2>/dev/null; wait $p; }",
            folder, command, kill_at == 30 ? begin : "--resume tasks/killed", kill_at);
        assert_int_not_equal(system(line), -1);
    }
    (void)snprintf(line, sizeof line, "cd / && %s run --resume %s/tasks/killed >/dev/null 2>&1", command, folder);
    assert_int_equal(system(line), 0);
    assert_same("three", "killed");
}

static const json_t *trial_with(const json_t *reports, const char *fault) {
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(reports, "nas"), index, entry) {
        const json_t *genes = json_object_get(json_object_get(entry, "desc"), "genes");
        if (strcmp(json_string_value(json_object_get(genes, "fault")), fault) == 0) return entry;
    }
    fail_msg("no trial has the fault '%s'", fault);
    return NULL;
}

static void every_fault_is_a_failed_trial_with_its_reason_and_the_others_go_on(void **state) {
    (void)state;
    static const char *const reasons[][2] = {{"says", "the evaluator says: no? <b>luck</b>"},
                                             {"text", "is not a JSON object: hello"},
                                             {"list", "is not a JSON object: [1]"},
                                             {"trial", "is not for trial"},
                                             {"missing", "has no objective 'error'"},
                                             {"neither", "neither objectives nor an error"},
                                             {"string", "'error' is not a number"},
                                             {"nan", "not finite"},
                                             {"huge", "is not a JSON object"},
                                             {"twice", "is not a JSON object"},
                                             {"exit", "the evaluator ended with exit code 3"},
                                             {"crash", "killed by signal 6"},
                                             {"killed", "lost 4 times to signals from outside"},
                                             {"silent", "time-out: no result after 2 s"},
                                             {"closes", "time-out"},
                                             {"leaves", "exit code 4"},
                                             {"long", "a line of more than 1048576 bytes"}};
    assert_runs("run faults.yml -t faults");
    json_t *reports = read_json("tasks/faults/output/reports.json");
    assert_int_equal(json_array_size(json_object_get(reports, "nas")), 18);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const json_t *trial = trial_with(reports, reasons[i][0]);
        const char *reason = json_string_value(json_object_get(trial, "reason"));
        assert_true(json_is_null(json_object_get(trial, "performance")));
        bool hung_up = reason != NULL && strcmp(reasons[i][0], "closes") == 0 && strstr(reason, "hung up") != NULL;
        if (!hung_up && (reason == NULL || strstr(reason, reasons[i][1]) == NULL))
            fail_msg("%s: the reason is '%s'", reasons[i][0], reason != NULL ? reason : "");
    }
    assert_true(json_is_object(json_object_get(trial_with(reports, "none"), "performance")));
    json_decref(reports);
}

static void a_failed_trial_is_tried_as_often_as_attempts_says(void **state) {
    (void)state;
    assert_runs("run faults.yml -t again --set nas.evaluator.attempts=3 --set "
                "'nas.search_space.genes=[{name: fault, candidates: [none, exit]}]'");
    char *log = slurp("tasks/again/logs/pipeline.log");
    assert_non_null(strstr(log, "attempt 2 of 3 follows"));
    assert_non_null(strstr(log, "attempt 3 of 3 follows"));
    qea_free(log);
}

static void the_time_ends_a_search_and_a_longer_one_goes_on_to_the_same_results(void **state) {
    (void)state;
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    char line[1536];
    (void)snprintf(
        line, sizeof line,
        "run config.yml -t timed --set nas.budget=1.5s --set 'nas.evaluator.command=[%s, --evaluate, slowly]'", self);
    assert_runs(line);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(ended.tv_sec - begun.tv_sec < 30);
    assert_output_has("the time of 1.5s is spent");
    char *rows = slurp("tasks/timed/output/nas/trials.csv");
    assert_non_null(strstr(rows, ",done,"));
    assert_non_null(strstr(rows, ",waiting,"));
    qea_free(rows);
    assert_runs("run --resume tasks/timed"); /* nothing is left */
    assert_output_has("the time of 1.5s is spent");
    assert_runs("run --resume tasks/timed --set nas.budget=1h --set nas.trials=40 --workers 8");
    assert_output_has("the budget of 40 trials is spent");
    assert_runs("run config.yml -t forty --set nas.trials=24");
    assert_runs("run --resume tasks/forty --set nas.trials=40");
    assert_same("forty", "timed");
}

static void a_hypervolume_that_does_not_grow_ends_the_search(void **state) {
    (void)state;
    char line[1536];
    (void)snprintf(
        line, sizeof line,
        "run config.yml -t still --set nas.stagnation=2 --set 'nas.evaluator.command=[%s, --evaluate, equally]'", self);
    assert_runs(line);
    assert_output_has("the hypervolume has not grown for 2 generations (64 trials)");
}

static void without_bounds_the_box_is_that_of_the_first_population(void **state) {
    (void)state;
    assert_runs("run config.yml -t free --set nas.search_algorithm.bounds= --set nas.trials=60");
    json_t *front = read_json("tasks/free/output/nas/front.json");
    const json_t *box = json_object_get(json_object_get(front, "box"), "cost");
    double low = HUGE_VAL, high = -HUGE_VAL;
    char *rows = slurp("tasks/free/output/nas/trials.csv"), *rest = NULL;
    (void)strtok_r(rows, "\n", &rest);
    for (int i = 0; i < 32; i++) { /* random_samples */
        char *row = strtok_r(NULL, "\n", &rest);
        *strrchr(row, ',') = '\0';
        double cost = strtod(strrchr(row, ',') + 1, NULL);
        low = fmin(low, cost);
        high = fmax(high, cost);
    }
    assert_true(json_number_value(json_array_get(box, 0)) == low);
    assert_true(json_number_value(json_array_get(box, 1)) == high);
    qea_free(rows);
    json_decref(front);
}

static void what_cannot_be_is_refused_and_named(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"nas.evaluator.command=[nothing-of-that-name]", "nothing-of-that-name"},
        {"nas.evaluator.command=[/etc/passwd]", "/etc/passwd"},
        {"nas.evaluator.command=[]", "nas.evaluator.command"},
        {"nas.evaluator.command=", "nas.evaluator.command"},
        {"nas.evaluator.folder=/nowhere", "/nowhere"},
        {"nas.evaluator.attempts=0", "attempts"},
        {"nas.evaluator.type=train", "nas.evaluator"},
        {"nas.evaluator.type=commando", "commando"},
        {"nas.search_space.genes=[]", "genes"},
        {"'nas.search_space.genes=[{name: a}]'", "candidates"},
        {"'nas.search_space.genes=[{name: \"a,b\", candidates: [1]}]'", "a,b"},
        {"'nas.search_space.genes=[{name: a, candidates: [1]}, {name: a, candidates: [1]}]'", "twice"},
        {"'nas.search_space.genes=[{name: a, candidates: [1, 1]}]'", "each once"},
        {"'nas.search_space.genes=[{name: a, candidates: [[1]]}]'", "numbers, texts"},
        {"'nas.search_space.bit_candidates=[2, 4]'", "bit_candidates"},
        {"'nas.search_algorithm.directions={error: min}'", "cost"},
        {"'nas.search_algorithm.directions={error: min, cost: down}'", "down"},
        {"'nas.search_algorithm.directions={error: min, cost: min, speed: max}'", "speed"},
        {"'nas.search_algorithm.bounds={cost: [4, 4]}'", "bounds"},
        {"'nas.search_algorithm.objective_keys=[\"a b\"]'", "a b"},
        {"'nas.search_algorithm.objective_keys=[cost, cost]'", "twice"},
        {"nas.dataset.common.data_path=/tmp", "nas.dataset"},
        {"nas.search_algorithm.policy.length=6", "length"},
        {"nas.budget=2x", "2x"},
        {"nas.trials=32 --set nas.search_algorithm.sensitivity=true", "needs more than 32 trials"},
        {"nas.budget=-1", "duration"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, "run config.yml -t wrong --set %s", cases[i][0]);
        int code = run(line);
        char *out = slurp("out");
        if (code != 2 || strstr(out, cases[i][1]) == NULL)
            fail_msg("%s: exit code %d instead of 2, output: %s", cases[i][0], code, out);
        qea_free(out);
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--evaluate") == 0) return evaluate(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_of_a_known_problem_is_found_exactly),
        cmocka_unit_test(workers_kills_and_other_folders_change_nothing),
        cmocka_unit_test(every_fault_is_a_failed_trial_with_its_reason_and_the_others_go_on),
        cmocka_unit_test(a_failed_trial_is_tried_as_often_as_attempts_says),
        cmocka_unit_test(the_time_ends_a_search_and_a_longer_one_goes_on_to_the_same_results),
        cmocka_unit_test(a_hypervolume_that_does_not_grow_ends_the_search),
        cmocka_unit_test(without_bounds_the_box_is_that_of_the_first_population),
        cmocka_unit_test(what_cannot_be_is_refused_and_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
