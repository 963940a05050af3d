/* What scripts and other terminals see of a run: events as JSON, lines, and quantea progress. */
#include <jansson.h>
#include <signal.h>

#include "study/small_run.h"

/* --- events --- */

static const char *text_of(const json_t *event, const char *key) {
    const char *text = json_string_value(json_object_get(event, key));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *event, const char *key) {
    return json_integer_value(json_object_get(event, key));
}

/* The lines of FOLDER/name, each a JSON object. Owned by the caller. */
static json_t *read_events(const char *name) {
    char *text = slurp(name);
    json_t *events = json_array();
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(event)) fail_msg("not an object: %s", line);
        json_array_append_new(events, event);
    }
    qea_free(text);
    return events;
}

static size_t count_events(const json_t *events, const char *name, const char *step) {
    size_t count = 0, i;
    const json_t *event;
    json_array_foreach(events, i, event) count +=
        strcmp(text_of(event, "event"), name) == 0 && strcmp(text_of(event, "step"), step) == 0;
    return count;
}

static void a_run_tells_every_event_as_a_line_of_json(void **state) {
    (void)state;
    assert_int_equal(run_to("events", "run config.yml -t json --workers 2 --json"), 0);
    json_t *events = read_events("events");
    assert_int_equal(count_events(events, "step_begun", "nas"), 1);
    assert_int_equal(count_events(events, "step_ended", "nas"), 1);
    assert_int_equal(count_events(events, "trial_done", "nas"), 14);
    assert_int_equal(count_events(events, "trial_started", "nas"), 14);
    assert_int_equal(count_events(events, "step_begun", "fully_train"), 1);
    assert_true(count_events(events, "trial_done", "fully_train") >= 3);
    const json_t *last = json_array_get(events, json_array_size(events) - 1);
    assert_string_equal(text_of(last, "event"), "ended");
    assert_string_equal(text_of(last, "status"), "ok");
    assert_string_equal(text_of(last, "task"), "./tasks/json");
    json_decref(events);
}

/* The front that is told at the end of the search is the one in front.json; a trial's values are those of its record.
 */
static void the_events_agree_with_the_files(void **state) {
    (void)state;
    char *text = slurp("tasks/json/output/nas/front.json");
    json_t *file = json_loads(text, 0, NULL), *events = read_events("events");
    const json_t *front = json_object_get(file, "front"), *event, *told = NULL, *entry;
    size_t i, k, found = 0;
    json_array_foreach(events, i, event) {
        if (strcmp(text_of(event, "event"), "step_ended") == 0 && strcmp(text_of(event, "step"), "nas") == 0)
            told = json_object_get(event, "front");
        if (strcmp(text_of(event, "event"), "trial_done") != 0 || strcmp(text_of(event, "step"), "nas") != 0) continue;
        json_array_foreach(front, k, entry) {
            if (number_of(entry, "trial") != number_of(event, "trial")) continue;
            assert_true(json_equal(json_object_get(entry, "objectives"), json_object_get(event, "objectives")));
            assert_true(json_equal(json_object_get(entry, "weight_bits"), json_object_get(event, "weight_bits")));
            found++;
        }
    }
    assert_int_equal(found, json_array_size(front));
    assert_int_equal(json_array_size(told), json_array_size(front));
    json_array_foreach(front, k, entry) {
        bool there = false;
        json_array_foreach(told, i, event) there |= json_integer_value(event) == number_of(entry, "trial");
        assert_true(there);
    }
    json_decref(events);
    json_decref(file);
    qea_free(text);
}

static void a_wrong_configuration_ends_the_events_with_its_reason(void **state) {
    (void)state;
    assert_int_equal(run_to("events", "run config.yml --json --set nas.trainer.epochs=many 2>errors"), 2);
    json_t *events = read_events("events");
    assert_int_equal(json_array_size(events), 1);
    const json_t *event = json_array_get(events, 0);
    assert_string_equal(text_of(event, "event"), "ended");
    assert_string_equal(text_of(event, "status"), "config");
    assert_non_null(strstr(text_of(event, "text"), "many"));
    json_decref(events);
}

/* --- lines --- */

static size_t count_text(const char *text, const char *what) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) count++;
    return count;
}

static void elsewhere_than_on_a_terminal_an_event_is_a_line(void **state) {
    (void)state;
    assert_int_equal(run("TERM=xterm", "run config.yml -t lines --workers 2"), 0);
    char *out = slurp("out");
    assert_null(strchr(out, '\033'));
    assert_null(strchr(out, '\r'));
    assert_int_equal(count_text(out, "nas 14/14: trial "), 1);
    for (int trial = 1; trial <= 14; trial++) {
        char text[64];
        (void)snprintf(text, sizeof text, ": trial %d done: accuracy ", trial);
        if (strstr(out, text) == NULL) fail_msg("no '%s' in %s", text, out);
    }
    assert_non_null(strstr(out, "search ended after "));
    assert_null(strstr(out, " started"));
    qea_free(out);
}

static void quiet_leaves_the_table_and_verbose_adds_the_bits(void **state) {
    (void)state;
    assert_int_equal(run_to("quiet", "run config.yml -t quiet --quiet 2>errors"), 0);
    char *errors = slurp("errors"), *out = slurp("quiet");
    assert_string_equal(errors, "");
    assert_non_null(strstr(out, "uniform w4a4"));
    qea_free(errors);
    qea_free(out);
    assert_int_equal(run("", "run config.yml -t verbose --verbose"), 0);
    assert_output_has(" started");
    assert_output_has("trial 1 (uniform, w2-2-");
}

/* --- from another terminal --- */

static json_t *look(const char *task) {
    char arguments[128];
    (void)snprintf(arguments, sizeof arguments, "progress %s --json", task);
    assert_int_equal(run_to("look", arguments), 0);
    json_t *events = read_events("look");
    assert_int_equal(json_array_size(events), 1);
    json_t *event = json_incref(json_array_get(events, 0));
    json_decref(events);
    assert_string_equal(text_of(event, "event"), "state");
    return event;
}

static void a_finished_task_is_finished(void **state) {
    (void)state;
    json_t *seen = look("json");
    assert_string_equal(text_of(seen, "state"), "finished");
    assert_string_equal(text_of(seen, "step"), "fully_train");
    assert_true(json_is_null(json_object_get(seen, "pid")) && json_is_null(json_object_get(seen, "text")));
    assert_true(number_of(seen, "done") >= 3 && number_of(seen, "done") == number_of(seen, "total"));
    assert_int_equal(number_of(seen, "running"), 0);
    json_decref(seen);
    assert_int_equal(run("", "progress tasks/json"), 0);
    assert_output_has("finished");
    assert_output_has("accuracy over flops");
}

/* Starts the command in FOLDER and waits until its log tells of a trial that is done. */
static pid_t start(const char *task) {
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(folder) != 0 || freopen("/dev/null", "w", stdout) == NULL ||
            freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        execl(command, command, "run", "config.yml", "--workers", "1", "-t", task, "--set",
              "nas.search_algorithm.policy.random_samples=1000", (char *)NULL);
        _exit(99);
    }
    char line[512];
    (void)snprintf(line, sizeof line,
                   "for i in $(seq 1000); do grep -q ' done: ' %s/tasks/%s/logs/pipeline.log 2>/dev/null && exit 0; "
                   "sleep 0.01; done; exit 1",
                   folder, task);
    assert_int_equal(system(line), 0);
    return pid;
}

static void a_running_task_names_its_process_and_a_killed_one_does_not(void **state) {
    (void)state;
    pid_t pid = start("going");
    json_t *seen = look("going");
    for (int i = 0; i < 100 && number_of(seen, "running") == 0; i++) { /* is told about once a second */
        json_decref(seen);
        (void)usleep(50000);
        seen = look("going");
    }
    assert_string_equal(text_of(seen, "state"), "running");
    assert_int_equal(number_of(seen, "pid"), pid);
    assert_string_equal(text_of(seen, "step"), "nas");
    assert_int_equal(number_of(seen, "running"), 1);
    assert_true(json_is_number(json_object_get(seen, "elapsed_s")));
    assert_true(number_of(seen, "done") >= 1 && number_of(seen, "total") > 1000);
    json_decref(seen);
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    seen = look("going");
    assert_string_equal(text_of(seen, "state"), "stopped");
    assert_true(json_is_null(json_object_get(seen, "pid")) && json_is_null(json_object_get(seen, "text")));
    assert_int_equal(number_of(seen, "running"), 0);
    json_decref(seen);
}

static void an_interrupted_task_says_why_it_stopped_and_watching_ends_with_it(void **state) {
    (void)state;
    pid_t pid = start("halted");
    char line[512];
    (void)snprintf(line, sizeof line,
                   "cd %s && { sleep 1.5; kill -INT %ld; } & cd %s && %s progress halted --watch --json >watched",
                   folder, (long)pid, folder, command);
    assert_int_equal(system(line), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 130);
    json_t *events = read_events("watched");
    size_t count = json_array_size(events);
    assert_true(count >= 2);
    assert_string_equal(text_of(json_array_get(events, 0), "state"), "running");
    const json_t *last = json_array_get(events, count - 1);
    assert_string_equal(text_of(last, "state"), "stopped");
    assert_string_equal(text_of(last, "text"), "interrupted");
    json_decref(events);
}

static void looking_leaves_nothing_and_a_task_that_is_none_is_refused(void **state) {
    (void)state;
    char line[512];
    (void)snprintf(line, sizeof line, "cd %s && ls -lR --ignore=task.db-* --time-style=full-iso tasks/json >%%s",
                   folder);
    char before[512], after[512];
    (void)snprintf(before, sizeof before, line, "before");
    (void)snprintf(after, sizeof after, line, "after");
    assert_int_equal(system(before), 0);
    json_decref(look("json"));
    assert_int_equal(system(after), 0);
    char *a = slurp("before"), *b = slurp("after");
    assert_string_equal(a, b);
    qea_free(a);
    qea_free(b);
    assert_int_equal(run("", "progress nothing"), 2);
    assert_output_has("nothing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_tells_every_event_as_a_line_of_json),
        cmocka_unit_test(the_events_agree_with_the_files),
        cmocka_unit_test(a_wrong_configuration_ends_the_events_with_its_reason),
        cmocka_unit_test(elsewhere_than_on_a_terminal_an_event_is_a_line),
        cmocka_unit_test(quiet_leaves_the_table_and_verbose_adds_the_bits),
        cmocka_unit_test(a_finished_task_is_finished),
        cmocka_unit_test(a_running_task_names_its_process_and_a_killed_one_does_not),
        cmocka_unit_test(an_interrupted_task_says_why_it_stopped_and_watching_ends_with_it),
        cmocka_unit_test(looking_leaves_nothing_and_a_task_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
