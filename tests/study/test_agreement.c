/* How well a search ranks, from outside: genomes in bands, one worker or two, a kill in every step, what is refused. */
#include <jansson.h>
#include <math.h>

#include "study/small_run.h"

#define MEASURED "--set 'nas.agreement={genomes: 6, bands: 3, epochs: 2}' "
#define SHARED                                                                                                         \
    "--set 'nas.evaluator={type: shared_weights, float_epochs: 1, supernet_epochs: 1, bn_images: 96}' "                \
    "--set 'nas.search_space.quantizer={weight: lsq, activation: lsq}' --set fully_train.init=search "
#define RESULT "output/nas/agreement.json"

static json_t *result_of(const char *task) {
    char path[256];
    (void)snprintf(path, sizeof path, "tasks/%s/" RESULT, task);
    char *text = slurp(path);
    json_t *object = json_loads(text, 0, NULL);
    qea_free(text);
    assert_non_null(object);
    return object;
}

static void assert_same_agreement(const char *task_a, const char *task_b) {
    char line[512];
    (void)snprintf(line, sizeof line, "cmp %s/tasks/%s/" RESULT " %s/tasks/%s/" RESULT, folder, task_a, folder, task_b);
    assert_int_equal(system(line), 0);
    assert_same_results(task_a, task_b);
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

/* Six genomes in three bands; bands do not overlap, and grow dearer; each has both accuracies, whole numbers of the 64
 * validation images; two epochs of 256 images each. */
static void each_band_has_its_genomes_with_both_accuracies(void **state) {
    (void)state;
    if (run("", "config.yml -t single --workers 1 " SHARED MEASURED) != 0) fail_msg("%s", slurp("out"));
    json_t *object = result_of("single");
    const json_t *genomes = json_object_get(object, "genomes"), *bands = json_object_get(object, "bands");
    assert_int_equal(json_array_size(genomes), 6);
    assert_int_equal(json_array_size(bands), 3);
    double dearest = 0;
    for (size_t i = 0; i < 6; i++) {
        const json_t *genome = json_array_get(genomes, i);
        assert_int_equal(json_integer_value(json_object_get(genome, "band")), 1 + i / 2);
        double predicted = 64 * number_of(genome, "predicted"), trained = 64 * number_of(genome, "trained");
        assert_true(fabs(predicted - round(predicted)) < 1e-6 && predicted > 0);
        assert_true(fabs(trained - round(trained)) < 1e-6 && trained > 0);
        assert_int_equal(json_array_size(json_object_get(genome, "weight_bits")), 5);
    }
    for (size_t i = 0; i < 3; i++) {
        const json_t *range = json_object_get(json_array_get(bands, i), "bops");
        double least = json_number_value(json_array_get(range, 0)), most = json_number_value(json_array_get(range, 1));
        assert_true(least > dearest && most < 1.25 * least);
        dearest = most;
    }
    assert_int_equal(number_of(object, "train_images"), 6 * 2 * 256);
    assert_int_equal(number_of(object, "validation_images"), 64);
    assert_string_equal(json_string_value(json_object_get(object, "evaluator")), "shared_weights");
    json_decref(object);
    char *page = slurp("tasks/single/output/report.html");
    assert_non_null(strstr(page, "How well the search ranks"));
    static const char *const phases[] = {"float network",      "supernet",          "search",
                                         "ranking to compare", "separate training", "full training"};
    const char *at = strstr(page, ">Phases<");
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        char row[64];
        (void)snprintf(row, sizeof row, "<tr><th scope=\"row\">%s</th>", phases[i]);
        at = strstr(at, row);
        if (at == NULL) fail_msg("the phase '%s' is not where it should be", phases[i]);
    }
    qea_free(page);
}

static void one_worker_and_two_give_byte_equal_results(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t double --workers 2 " SHARED MEASURED), 0);
    assert_same_agreement("single", "double");
}

/* Finished trials: 2 networks, the search's, 24 rankings less those that the search knows, 6 trainings. */
static void a_run_killed_in_the_midst_resumes_to_the_same_results(void **state) {
    (void)state;
    static const int kills[] = {16, 25, 38, 42};
    int killed = 0;
    for (int i = 0; i < 4; i++) {
        const char *arguments =
            i == 0 ? "run config.yml -t killed --workers 2 " SHARED MEASURED : "run --resume tasks/killed";
        killed += run_and_signal(arguments, "killed", kills[i], "KILL") == 128 + 9;
        if (i == 2) assert_int_equal(run("", "progress tasks/killed"), 0);
    }
    assert_int_equal(run("", "run -r -t killed"), 0);
    assert_true(killed >= 2);
    assert_same_agreement("single", "killed");
    assert_int_equal(run("", "progress tasks/killed"), 0);
    assert_int_equal(run("", "compare single killed"), 0);
}

/* The measurement changes nothing else; what the search costs is what it was. */
static void a_search_that_is_measured_is_the_same_search(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t plain " SHARED), 0);
    assert_same_results("single", "plain");
    char path[256];
    (void)snprintf(path, sizeof path, "%s/tasks/plain/" RESULT, folder);
    assert_false(qea_file_exists(path));
    char *measured = slurp("tasks/single/output/report.html"), *plain = slurp("tasks/plain/output/report.html");
    assert_null(strstr(plain, "How well the search ranks"));
    static const char cost[] = "images trained in search</th><td class=\"text\">512<",
                      share[] = "1.37e-05 of its 832 epochs"; /* 512 / 37,440,000 */
    assert_non_null(strstr(plain, share));
    assert_non_null(strstr(measured, cost));
    assert_non_null(strstr(plain, cost));
    qea_free(measured);
    qea_free(plain);
}

/* Two files that would give other weights and another teacher: neither is used. */
static void files_that_may_have_seen_the_images_neither_begin_nor_teach(void **state) {
    (void)state;
    static const char begun[] =
        "--set 'pipeline=[nas]' --set fully_train.init=pretrained --set fully_train.pretrained=";
    char line[1024];
    (void)snprintf(line, sizeof line,
                   "config.yml -t filed " SHARED MEASURED " %s%s/tasks/single/output/supernet/model_1.safetensors "
                   "--set fully_train.teacher=%s/tasks/single/output/supernet/model_1.safetensors",
                   begun, folder, folder);
    if (run("", line) != 0) fail_msg("%s", slurp("out"));
    (void)snprintf(line, sizeof line,
                   "config.yml -t begun " SHARED MEASURED " %s%s/tasks/single/output/float/model_1.safetensors "
                   "--set fully_train.teacher=search",
                   begun, folder);
    if (run("", line) != 0) fail_msg("%s", slurp("out"));
    (void)snprintf(line, sizeof line, "cmp %s/tasks/filed/" RESULT " %s/tasks/begun/" RESULT, folder, folder);
    assert_int_equal(system(line), 0);
}

static void a_search_that_has_ended_can_be_measured_once(void **state) {
    (void)state;
    static const char more[] = "run --resume tasks/plain --set nas.agreement.genomes=6 --set nas.agreement.epochs=2";
    if (run("", more) != 0) fail_msg("%s", slurp("out"));
    assert_same_agreement("single", "plain");
    assert_int_not_equal(run("", more), 0);
    assert_output_has("measured already");
}

/* Without shared weights each genome is ranked by the search's short training, of one epoch of 256 images, and trained
 * as fully_train says, for six of 128. Those that the search has tried are not trained again for their rank. */
static void a_search_that_trains_is_measured_too(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t trained --set 'pipeline=[nas]' --set nas.agreement.genomes=6 --set "
                             "fully_train.dataset.train.images=128"),
                     0);
    json_t *object = result_of("trained");
    double images = number_of(object, "train_images");
    assert_int_equal(number_of(object, "epochs"), 6);
    assert_true(images >= 6 * 6 * 128 && images <= 6 * (6 * 128 + 256));
    json_decref(object);
}

/* 6 genomes of 2 epochs; 24 ranked without training. Of a search that trains, one epoch of 256 for each of six too. */
static void the_estimate_names_the_images_apart(void **state) {
    (void)state;
    assert_int_equal(run("", "estimate config.yml " SHARED MEASURED), 0);
    assert_output_has("images trained in search: at most 512,");
    assert_output_has("how well it ranks: at most 3,072,");
    assert_output_has("agreement: about");
    assert_int_equal(run("", "estimate config.yml " MEASURED), 0);
    assert_output_has("how well it ranks: at most 4,608,");
    assert_int_equal(run("", "estimate config.yml"), 0);
    char *out = slurp("out");
    assert_null(strstr(out, "how well it ranks"));
    qea_free(out);
}

static void what_does_not_fit_together_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"--set nas.agreement.genomes=7", "a multiple of the 3 bands"},
        {"--set nas.agreement.genomes=3", "two or more in each"},
        {"--set 'nas.agreement={genomes: 2000}'", "from 0 to 100"},
        {"--set 'nas.agreement={genomes: 8, bands: 4}' --set 'nas.search_space.layers={\"*\": {tie: true}}'",
         "different and allowed"},
        {"--set nas.agreement.genomes=6 --set fully_train.dataset.common.data_path=.", "the search's images"},
        {"--set nas.agreement.genomes=6 --set 'nas.evaluator={type: command, command: [cat]}'", "a command evaluates"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, "config.yml -t wrong %s", wrong[i][0]);
        assert_int_not_equal(run("", line), 0);
        assert_output_has(wrong[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_band_has_its_genomes_with_both_accuracies),
        cmocka_unit_test(one_worker_and_two_give_byte_equal_results),
        cmocka_unit_test(a_run_killed_in_the_midst_resumes_to_the_same_results),
        cmocka_unit_test(a_search_that_is_measured_is_the_same_search),
        cmocka_unit_test(files_that_may_have_seen_the_images_neither_begin_nor_teach),
        cmocka_unit_test(a_search_that_has_ended_can_be_measured_once),
        cmocka_unit_test(a_search_that_trains_is_measured_too),
        cmocka_unit_test(the_estimate_names_the_images_apart),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
