/* The command from outside: whole runs on small made images, killed and resumed. */
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

static void a_run_killed_again_and_again_resumes_to_the_same_results(void **state) {
    (void)state;
    static const int kills[] = {3, 9, 13, 15, 16}; /* the search has 14 trials, the rest are full trainings */
    int killed = 0;
    for (int i = 0; i < 5; i++) {
        const char *arguments = i == 0 ? "run config.yml -t killed --workers 2" : "run --resume tasks/killed";
        killed += run_and_signal(arguments, "killed", kills[i], "KILL") == 128 + 9;
    }
    assert_int_equal(run("", "run -r -t killed"), 0);
    assert_true(killed >= 3); /* a fast machine may finish between two looks at the log */
    assert_same_results("plain", "killed");
}

/* The number behind `words` in a file. */
static long long number_behind(const char *file, const char *words) {
    char *text = slurp(file);
    size_t at = 0, length = strlen(words);
    while (text[at] != '\0' && strncmp(text + at, words, length) != 0) at++;
    if (text[at] == '\0') fail_msg("no '%s' in: %s", words, text);
    long long number = strtoll(text + at + length, NULL, 10);
    qea_free(text);
    return number;
}

/* Killed in a training, at its first checkpoint or a little behind it; its workers go with the coordinator. */
static void a_full_training_goes_on_from_its_checkpoint_and_no_worker_outlives_the_coordinator(void **state) {
    (void)state;
    static const char settings[] = "--set fully_train.trainer.epochs=40 --set fully_train.trainer.checkpoint_epochs=2 "
                                   "--set fully_train.max_models=1 --set 'fully_train.baselines=[]'";
    char line[2048], arguments[512];
    (void)snprintf(arguments, sizeof arguments, "run config.yml -t through %s", settings);
    assert_int_equal(run("", arguments), 0);
    (void)snprintf(
        line, sizeof line,
        "cd %s && { %s run config.yml -t broken --workers 2 %s >out 2>&1 & p=$!; "
        "until ls tasks/broken/work/*.checkpoint >/dev/null 2>&1; do kill -0 $p || exit 9; sleep 0.01; done; "
        "workers=$(cat /proc/$p/task/$p/children); [ -n \"$workers\" ] || exit 8; kill -KILL $p; wait $p; "
        "for i in $(seq 100); do left=0; for w in $workers; do "
        "grep -qs '^State:[[:space:]]*[^ZX]' /proc/$w/status && left=1; done; "
        "[ $left = 0 ] && exit 0; sleep 0.1; done; exit 7; }",
        folder, command, settings);
    int status = system(line);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(run("", "run --resume tasks/broken"), 0);
    const long long epoch =
        number_behind("tasks/broken/logs/pipeline.log", "goes on from its checkpoint, behind epoch ");
    assert_true(epoch >= 2 && epoch <= 40 && epoch % 2 == 0);
    assert_same_results("through", "broken");
}

static double accuracy_of(const json_t *training) {
    const json_t *accuracy = json_object_get(json_object_get(training, "performance"), "accuracy");
    assert_true(json_is_number(accuracy));
    return json_number_value(accuracy);
}

/* The spread is computed here in another way: sd^2 = (sum of squares - n mean^2) / (n - 1). */
static void check_seeds(const json_t *model) {
    const json_t *seeds = json_object_get(model, "seeds"), *repeats = json_object_get(model, "repeats");
    double a = accuracy_of(model), sum = a, squares = a * a;
    assert_int_equal(json_array_size(repeats), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *repeat = json_array_get(repeats, i);
        json_t *mine = json_object_get(json_object_get(model, "performance"), "train_loss");
        json_t *other = json_object_get(json_object_get(repeat, "performance"), "train_loss");
        assert_false(json_equal(mine, other)); /* another seed */
        a = accuracy_of(repeat);
        sum += a;
        squares += a * a;
    }
    double mean = sum / 3, variance = fmax(0, (squares - 3 * mean * mean) / 2);
    assert_int_equal(json_integer_value(json_object_get(seeds, "trainings")), 3);
    assert_float_equal(json_number_value(json_object_get(seeds, "accuracy_mean")), mean, 1e-12);
    assert_float_equal(json_number_value(json_object_get(seeds, "accuracy_sd")), sqrt(variance), 1e-6);
}

static void further_seeds_train_each_model_again_and_leave_the_first_training_as_it_is(void **state) {
    (void)state;
    assert_int_equal(run_and_signal("run config.yml -t seeds --set fully_train.seeds=3", "seeds", 22, "KILL"), 128 + 9);
    assert_int_equal(run("", "run --resume tasks/seeds"), 0);
    assert_output_has("mean +- sd of seeds");
    char *text = slurp("tasks/seeds/output/fully_train/results.json");
    char *once = slurp("tasks/plain/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL), *plain = json_loads(once, 0, NULL);
    const json_t *models = json_object_get(results, "models"), *firsts = json_object_get(plain, "models");
    assert_int_equal(json_array_size(models), json_array_size(firsts));
    for (size_t i = 0; i < json_array_size(models); i++) {
        json_t *model = json_array_get(models, i);
        check_seeds(model);
        json_object_del(model, "seeds");
        json_object_del(model, "repeats");
        assert_true(json_equal(model, json_array_get(firsts, i)));
    }
    json_decref(results);
    json_decref(plain);
    qea_free(text);
    qea_free(once);
}

static const char *label_of(const json_t *model) { return json_string_value(json_object_get(model, "label")); }

static int source_of(const json_t *model) { return (int)json_integer_value(json_object_get(model, "source")); }

/* The first trial of 1, 2, ... that is not on the front. */
static int trial_behind_front(const char *front_file) {
    char *text = slurp(front_file);
    json_t *object = json_loads(text, 0, NULL);
    const json_t *front = json_object_get(object, "front"), *entry;
    int trial = 1;
    size_t i;
    json_array_foreach(front, i, entry) trial += json_integer_value(json_object_get(entry, "trial")) == trial;
    json_decref(object);
    qea_free(text);
    return trial;
}

/* The search of `plain` again, whose first model is asked for beside one that the front does not have. */
static void trials_chosen_behind_a_search_are_trained_instead_of_its_front(void **state) {
    (void)state;
    char line[256];
    char *text = slurp("tasks/plain/output/fully_train/results.json");
    json_t *plain = json_loads(text, 0, NULL), *first = json_array_get(json_object_get(plain, "models"), 0);
    qea_free(text);
    assert_string_equal(label_of(first), "front");
    assert_int_equal(run("", "run config.yml -t chosen --set 'pipeline=[nas]'"), 0);
    assert_int_equal(run("", "run --resume tasks/chosen --set 'pipeline=[nas, fully_train]' "
                             "--set 'fully_train.trials=[15]'"),
                     2);
    assert_output_has("--set fully_train.trials: found 15, allowed: 1 to 14, the trials of this search");
    assert_int_equal(
        run("", "run config.yml -t unsearched --set 'pipeline=[fully_train]' --set 'fully_train.trials=[3]'"), 2);
    assert_output_has("fully_train.trials: found 3, allowed: trials that the search has done");
    const int other = trial_behind_front("tasks/chosen/output/nas/front.json");
    (void)snprintf(line, sizeof line,
                   "run --resume tasks/chosen --set 'pipeline=[nas, fully_train]' --set 'fully_train.trials=[%d, %d]'",
                   other, source_of(first));
    assert_int_equal(run("", line), 0);
    (void)snprintf(line, sizeof line, " front, trial %d", source_of(first));
    assert_output_has(line);
    (void)snprintf(line, sizeof line, " trial %d ", other);
    assert_output_has(line);
    text = slurp("tasks/chosen/output/fully_train/results.json");
    json_t *chosen = json_loads(text, 0, NULL);
    qea_free(text);
    const json_t *models = json_object_get(chosen, "models"), *model;
    size_t i;
    int found = 0;
    assert_int_equal(json_array_size(models), 4); /* with two baselines */
    json_array_foreach(models, i, model) {
        if (source_of(model) == source_of(first)) found += json_equal(model, first);
        if (source_of(model) == other) found += strcmp(label_of(model), "trial") == 0;
    }
    assert_int_equal(found, 2);
    json_decref(plain);
    json_decref(chosen);
}

static void baselines_added_to_a_task_that_ended_are_trained_as_if_they_had_been_there(void **state) {
    (void)state;
    static const char all[] = "--set 'fully_train.baselines=[[8, 8], [2, 2], [4, 2], [2, 4]]'";
    char line[256];
    (void)snprintf(line, sizeof line, "run config.yml -t baselines %s", all);
    assert_int_equal(run("", line), 0);
    assert_int_equal(run("", "run config.yml -t added --set 'fully_train.baselines=[[8, 8]]'"), 0);
    (void)snprintf(line, sizeof line, "run --resume tasks/added %s", all);
    assert_int_equal(run("", line), 0);
    assert_output_has("fully_train 4/6: full training"); /* w2a2 is a model of the front */
    assert_same_results("baselines", "added");
}

/* Where the models' further trainings have the numbers that the baselines would have had. */
static void baselines_are_added_behind_the_further_trainings_of_models(void **state) {
    (void)state;
    assert_int_equal(
        run("", "run config.yml -t behind --set fully_train.seeds=2 --set 'fully_train.baselines=[[8, 8]]'"), 0);
    assert_int_equal(run("", "run --resume tasks/behind --set 'fully_train.baselines=[[8, 8], [4, 2], [2, 4]]'"), 0);
    assert_output_has("uniform w4a2");
    assert_output_has("uniform w2a4");
    char *text = slurp("tasks/behind/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL);
    const json_t *models = json_object_get(results, "models"), *model;
    size_t i, baselines = 0;
    json_array_foreach(models, i, model) {
        baselines += strcmp(label_of(model), "baseline") == 0;
        assert_int_equal(json_array_size(json_object_get(model, "repeats")), 1);
    }
    assert_int_equal(baselines, 3);
    json_decref(results);
    qea_free(text);
}

static void a_report_of_a_killed_task_needs_no_images(void **state) {
    (void)state;
    (void)run_and_signal("run config.yml -t halted --workers 1", "halted", 3, "KILL");
    assert_int_equal(run("mv data away &&", "report halted"), 0);
    assert_output_has("tasks/halted/output/report.html");
    char *page = slurp("tasks/halted/output/report.html");
    assert_non_null(strstr(page, "</html>"));
    assert_non_null(strstr(page, " of 14 trials"));
    qea_free(page);
    assert_int_equal(run("mv away data &&", "report tasks/halted"), 0);
}

static void a_report_of_a_running_task_disturbs_nothing(void **state) {
    (void)state;
    char line[2048];
    (void)snprintf(line, sizeof line,
                   "cd %s && { %s run config.yml -t going --workers 1 >/dev/null 2>&1 & p=$!; "
                   "until grep -q ' done: ' tasks/going/logs/pipeline.log 2>/dev/null; do sleep 0.01; done; "
                   "%s report going >out 2>&1 || exit 1; wait $p; }",
                   folder, command, command);
    int status = system(line);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_output_has("tasks/going/output/report.html");
    assert_same_results("plain", "going");
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

static void interrupting_leaves_a_task_that_resumes(void **state) {
    (void)state;
    int code = run_and_signal("run config.yml -t interrupted --workers 1", "interrupted", 4, "INT");
    assert_int_equal(code, 130);
    assert_output_has("--resume");
    assert_int_equal(run("", "run --resume tasks/interrupted --workers 1"), 0);
    assert_same_results("plain", "interrupted");
}

static void killed_workers_cost_nothing_but_time(void **state) {
    (void)state;
    char line[2048];
    (void)snprintf(line, sizeof line,
                   "cd %s && { %s run config.yml -t workers --workers 2 >out 2>&1 & p=$!; "
                   "for i in 1 2 3 4 5 6; do sleep 0.05; kill -KILL $(cat /proc/$p/task/$p/children) 2>/dev/null; "
                   "done; wait $p; }",
                   folder, command);
    assert_int_equal(system(line), 0);
    assert_same_results("plain", "workers");
    char *log = slurp("tasks/workers/logs/pipeline.log");
    assert_non_null(strstr(log, "from outside"));
    qea_free(log);
}

static void a_task_in_use_is_refused_to_a_second_coordinator(void **state) {
    (void)state;
    char line[2048];
    (void)snprintf(line, sizeof line,
                   "cd %s && { %s run config.yml -t shared --workers 1 >/dev/null 2>&1 & p=$!; "
                   "until [ -s tasks/shared/output/config.yml ]; do sleep 0.01; done; "
                   "%s run --resume tasks/shared >out 2>&1; code=$?; kill -KILL $p; wait $p; exit $code; }",
                   folder, command, command);
    int status = system(line);
    assert_int_equal(WEXITSTATUS(status), 6);
}

/* As if the task had been begun where this was another. */
static void change_setting(const char *task, const char *setting) {
    char path[256];
    qea_store *store;
    qea_context *ctx = qea_context_create();
    (void)snprintf(path, sizeof path, "%s/tasks/%s", folder, task);
    assert_int_equal(qea_store_open(ctx, path, false, &store), QEA_OK);
    assert_int_equal(qea_store_set(ctx, store, setting, "another"), QEA_OK);
    qea_store_close(store);
    qea_context_destroy(ctx);
}

static void a_task_of_another_machine_resumes_only_by_force(void **state) {
    (void)state;
    static const char *const settings[] = {"instruction set", "convolution library", "convolution arithmetic",
                                           "threads per trial"};
    char text[128];
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        change_setting("single", settings[i]);
        assert_int_equal(run("", "run --resume tasks/single"), 6);
        (void)snprintf(text, sizeof text, "was begun with %s 'another', here it is '", settings[i]);
        assert_output_has(text);
        assert_int_equal(run("", "run --resume tasks/single --force"), 0);
    }
    assert_int_equal(run("", "run --resume tasks/single --set general.threads_per_worker=2"), 2);
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

static void a_trial_that_takes_too_long_fails_and_the_run_says_that_it_may_not_repeat(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t slow --workers 1 --set general.timeout=0.001"), 0);
    assert_output_has("time-out");
    assert_output_has("may not repeat");
}

static void a_finished_task_resumes_without_training_anything(void **state) {
    (void)state;
    assert_int_equal(run("timeout 5", "run --resume tasks/plain"), 0);
    assert_same_results("plain", "single");
}

static void assert_same_file(const char *a, const char *b) {
    char *text_a = slurp(a), *text_b = slurp(b);
    assert_string_equal(text_a, text_b);
    qea_free(text_a);
    qea_free(text_b);
}

static void a_finished_search_continues_with_a_larger_budget_to_the_same_trials(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t longer --set nas.trials=9"), 0);
    assert_output_has("the budget of 9 trials is spent");
    assert_int_equal(run("", "run --resume tasks/longer --set nas.trials=8"), 2);
    assert_output_has("has had 9 already");
    assert_int_equal(run("", "run --resume tasks/longer --set nas.trainer.epochs=2"), 2);
    assert_output_has("nas.budget");
    assert_int_equal(run("", "run --resume tasks/longer --set nas.trials=14"), 0);
    assert_output_has("the budget of 14 trials is spent");
    assert_same_file("tasks/plain/output/nas/trials.csv", "tasks/longer/output/nas/trials.csv");
    assert_same_file("tasks/plain/output/nas/front.json", "tasks/longer/output/nas/front.json");
    /* Every model that the uninterrupted run trained in full is there with the same result, and no id twice. */
    char *a = slurp("tasks/plain/output/fully_train/results.json");
    char *b = slurp("tasks/longer/output/fully_train/results.json");
    json_t *plain = json_loads(a, 0, NULL), *longer = json_loads(b, 0, NULL), *entry, *other;
    size_t i, k;
    json_array_foreach(json_object_get(plain, "models"), i, entry) {
        size_t found = 0;
        json_array_foreach(json_object_get(longer, "models"), k, other) {
            static const char *const keys[] = {"label", "source", "weight_bits", "activation_bits", "performance"};
            bool same = true;
            for (size_t m = 0; m < 5; m++)
                same = same && json_equal(json_object_get(entry, keys[m]), json_object_get(other, keys[m]));
            found += same;
        }
        assert_int_equal(found, 1);
    }
    for (k = 1; k < json_array_size(json_object_get(longer, "models")); k++)
        assert_true(
            json_integer_value(json_object_get(json_array_get(json_object_get(longer, "models"), k - 1), "id")) <
            json_integer_value(json_object_get(json_array_get(json_object_get(longer, "models"), k), "id")));
    json_decref(plain);
    json_decref(longer);
    qea_free(a);
    qea_free(b);
    /* The larger budget is the task's own from then on. */
    assert_int_equal(run("timeout 5", "run --resume tasks/longer"), 0);
    assert_output_has("the budget of 14 trials is spent");
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

/* What a kill leaves between the opening of the store and the writing of the configuration; and a lost configuration.
 */
static void a_task_killed_before_it_began_says_so_and_begins_anew(void **state) {
    (void)state;
    char line[512];
    (void)snprintf(line, sizeof line, "cd %s/tasks && mkdir -p early/output/nas early/logs && : > early/task.db",
                   folder);
    assert_int_equal(system(line), 0);
    assert_int_equal(run("", "run --resume tasks/early"), 2);
    assert_output_has("tasks/early: the task has not begun");
    assert_output_has("start it anew");
    assert_int_equal(run("", "progress tasks/early"), 2); /* has tables by now */
    assert_output_has("the task has not begun");
    assert_int_equal(run("", "run config.yml -t early --set 'pipeline=[nas]'"), 0);
    assert_int_equal(run("", "run --resume tasks/early"), 0);
    (void)snprintf(line, sizeof line, "rm %s/tasks/early/output/config.yml", folder);
    assert_int_equal(system(line), 0);
    assert_int_equal(run("", "run config.yml -t early --set 'pipeline=[nas]'"),
                     6); /* its trials are those of another */
    assert_output_has("a task of this name exists");
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
        cmocka_unit_test(a_run_killed_again_and_again_resumes_to_the_same_results),
        cmocka_unit_test(a_full_training_goes_on_from_its_checkpoint_and_no_worker_outlives_the_coordinator),
        cmocka_unit_test(further_seeds_train_each_model_again_and_leave_the_first_training_as_it_is),
        cmocka_unit_test(trials_chosen_behind_a_search_are_trained_instead_of_its_front),
        cmocka_unit_test(a_report_says_the_same_at_the_end_of_a_run_and_later),
        cmocka_unit_test(baselines_added_to_a_task_that_ended_are_trained_as_if_they_had_been_there),
        cmocka_unit_test(baselines_are_added_behind_the_further_trainings_of_models),
        cmocka_unit_test(a_report_of_a_killed_task_needs_no_images),
        cmocka_unit_test(a_report_of_a_running_task_disturbs_nothing),
        cmocka_unit_test(interrupting_leaves_a_task_that_resumes),
        cmocka_unit_test(killed_workers_cost_nothing_but_time),
        cmocka_unit_test(a_task_in_use_is_refused_to_a_second_coordinator),
        cmocka_unit_test(a_trial_that_takes_too_long_fails_and_the_run_says_that_it_may_not_repeat),
        cmocka_unit_test(a_finished_task_resumes_without_training_anything),
        cmocka_unit_test(a_finished_search_continues_with_a_larger_budget_to_the_same_trials),
        cmocka_unit_test(a_program_can_evaluate_the_bits_of_a_network),
        cmocka_unit_test(models_that_are_equal_in_objectives_and_costs_are_trained_once),
        cmocka_unit_test(a_search_that_finds_nothing_new_does_not_say_that_all_was_evaluated),
        cmocka_unit_test(a_network_that_several_genomes_make_is_tried_once),
        cmocka_unit_test(a_search_without_time_begins_no_trial_and_says_so),
        cmocka_unit_test(a_task_of_the_same_name_is_refused),
        cmocka_unit_test(a_task_killed_before_it_began_says_so_and_begins_anew),
        cmocka_unit_test(a_task_of_another_machine_resumes_only_by_force),
        cmocka_unit_test(bf16_without_arithmetic_for_it_is_emulated_and_the_task_says_so),
        cmocka_unit_test(a_saved_model_evaluates_to_the_accuracy_of_its_record),
        cmocka_unit_test(wrong_input_ends_with_its_exit_code_and_names_the_place),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
