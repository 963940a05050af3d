/* The command from outside: which models the full training takes, and how often. */
#include <jansson.h>
#include <math.h>

#include "study/small_run.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(further_seeds_train_each_model_again_and_leave_the_first_training_as_it_is),
        cmocka_unit_test(trials_chosen_behind_a_search_are_trained_instead_of_its_front),
        cmocka_unit_test(baselines_added_to_a_task_that_ended_are_trained_as_if_they_had_been_there),
        cmocka_unit_test(baselines_are_added_behind_the_further_trainings_of_models),
    };
    return cmocka_run_group_tests(tests, set_up_with_task, tear_down);
}
