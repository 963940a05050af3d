/* The command from outside: runs killed, interrupted, watched and continued. */
#include <jansson.h>
#include <sys/stat.h>

#include "quantea/study.h"
#include "store/store.h"
#include "study/small_run.h"

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

/* Workers of the full training lack memory whenever they should be done, until a file says that there is some. */
static void a_training_that_lacks_memory_goes_on_from_its_checkpoint_when_the_task_is_resumed(void **state) {
    (void)state;
    static const char worker[] =
        "#!/bin/sh\n"
        "if [ $3 = fully_train ] && ! [ -e %s/memory ]; then\n"
        "    %s worker \"$2\" $3 $$ | while read -r line; do case $line in\n"
        "        *'\"done\"'*) echo '{\"type\": \"failed\", \"reason\": \"no memory\", \"memory\": true}' ;;\n"
        "        *) echo \"$line\" ;;\n"
        "    esac; done\n"
        "else\n"
        "    exec %s \"$@\"\n"
        "fi\n";
    char text[1024], program[256], config[256], tasks[256];
    (void)snprintf(program, sizeof program, "%s/worker", folder);
    (void)snprintf(config, sizeof config, "%s/config.yml", folder);
    (void)snprintf(tasks, sizeof tasks, "%s/tasks", folder);
    int size = snprintf(text, sizeof text, worker, folder, command, command);
    assert_int_equal(qea_file_write(NULL, program, text, (size_t)size), QEA_OK);
    assert_int_equal(chmod(program, 0755), 0);
    const qea_override every_second_epoch = {.key = "fully_train.trainer.checkpoint_epochs", .value = "2"};
    const qea_study_options options = {.config_path = config,
                                       .task_id = "poor",
                                       .base_path = tasks,
                                       .overrides = &every_second_epoch,
                                       .num_overrides = 1,
                                       .command = program};
    qea_study_result result;
    assert_int_equal(qea_study_run(NULL, &options, &result), QEA_OK);
    qea_study_result_clear(&result);
    assert_int_equal(number_behind("tasks/poor/logs/pipeline.log", "fully_train trial 1 failed: no memory; resuming "),
                     0);
    assert_int_equal(run("touch memory;", "run --resume tasks/poor"), 0);
    assert_output_has("goes on from its checkpoint, behind epoch ");
    assert_same_results("plain", "poor");
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

static void a_task_of_another_machine_or_network_resumes_only_by_force(void **state) {
    (void)state;
    static const char *const settings[] = {"instruction set", "convolution library", "convolution arithmetic",
                                           "threads per trial"};
    char text[128];
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        change_setting("plain", settings[i]);
        assert_int_equal(run("", "run --resume tasks/plain"), 6);
        (void)snprintf(text, sizeof text, "was begun with %s 'another', here it is '", settings[i]);
        assert_output_has(text);
        assert_int_equal(run("", "run --resume tasks/plain --force"), 0);
    }
    assert_int_equal(run("", "run --resume tasks/plain --set general.threads_per_worker=2"), 2);
    change_setting("plain", "network");
    assert_int_equal(run("", "run --resume tasks/plain"), 6);
    assert_output_has("another network");
    assert_int_equal(run("", "run --resume tasks/plain --force"), 0);
}

static void a_task_whose_images_changed_resumes_only_by_force(void **state) {
    (void)state;
    static const char *const files[] = {"train", "test"}, *const steps[] = {"search", "full training"};
    char text[256];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(
            text, sizeof text,
            "cp -r data kept && printf '\\377' | dd of=data/%s.safetensors bs=1 seek=4000 conv=notrunc 2>dd &&",
            files[i]);
        assert_int_equal(run(text, "run --resume tasks/plain"), 6);
        (void)snprintf(text, sizeof text, "was begun with images of the %s '%d, CRC-32 ", steps[i],
                       i == 0 ? TRAIN : TRAIN + TEST);
        assert_output_has(text);
        assert_int_equal(run("", "run --resume tasks/plain --force"), 0);
        assert_int_equal(run("rm -r data && mv kept data &&", "run --resume tasks/plain --force"), 0);
    }
    assert_int_equal(run("", "run --resume tasks/plain"), 0);
}

static void a_finished_task_resumes_without_training_anything(void **state) {
    (void)state;
    assert_int_equal(run("timeout 5", "run --resume tasks/plain"), 0);
    assert_same_results("plain", "interrupted");
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

/* What is refused leaves the task as it was. */
static void a_change_that_is_refused_is_not_kept(void **state) {
    (void)state;
    static const char *const refused[] = {"fully_train.trials=[99]", "nas.agreement.genomes=3000", "nas.trials=2"};
    char *before = slurp("tasks/plain/output/config.yml"), line[128];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        (void)snprintf(line, sizeof line, "run --resume tasks/plain --set %s", refused[i]);
        assert_int_equal(run("", line), 2);
        char *after = slurp("tasks/plain/output/config.yml");
        assert_string_equal(before, after);
        qea_free(after);
    }
    qea_free(before);
    assert_int_equal(run("timeout 5", "run --resume tasks/plain"), 0);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_killed_again_and_again_resumes_to_the_same_results),
        cmocka_unit_test(a_full_training_goes_on_from_its_checkpoint_and_no_worker_outlives_the_coordinator),
        cmocka_unit_test(a_training_that_lacks_memory_goes_on_from_its_checkpoint_when_the_task_is_resumed),
        cmocka_unit_test(a_report_of_a_killed_task_needs_no_images),
        cmocka_unit_test(a_report_of_a_running_task_disturbs_nothing),
        cmocka_unit_test(interrupting_leaves_a_task_that_resumes),
        cmocka_unit_test(killed_workers_cost_nothing_but_time),
        cmocka_unit_test(a_task_in_use_is_refused_to_a_second_coordinator),
        cmocka_unit_test(a_task_whose_images_changed_resumes_only_by_force),
        cmocka_unit_test(a_finished_task_resumes_without_training_anything),
        cmocka_unit_test(a_finished_search_continues_with_a_larger_budget_to_the_same_trials),
        cmocka_unit_test(a_change_that_is_refused_is_not_kept),
        cmocka_unit_test(a_task_killed_before_it_began_says_so_and_begins_anew),
        cmocka_unit_test(a_task_of_another_machine_or_network_resumes_only_by_force),
    };
    return cmocka_run_group_tests(tests, set_up_with_task, tear_down);
}
