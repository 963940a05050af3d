/* quantea compare: two real tasks in one page and one table. */
#include "study/small_run.h"

static void two_tasks_stand_in_one_page_and_one_table(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t first"), 0);
    assert_int_equal(run("", "run config.yml -t second --set general.seed=6 --set fully_train.baselines=[[2,2]]"), 0);
    assert_int_equal(run("", "compare first tasks/second -o both.html"), 0);
    /* 14 trials of one epoch of 256 images, 3 + 2 models and 6 epochs of 320, of which 10 batches of 32 are whole */
    assert_output_has("general.seed: 5 | 6\n");
    assert_output_has("fully_train.baselines: [[4, 4], [32, 32]] | [[2, 2]]\n");
    assert_output_has("page: both.html");
    char *out = slurp("out"), *page = slurp("both.html");
    assert_null(strstr(out, "task_id"));
    assert_null(strstr(out, "settings of the data"));
    const char *row = strstr(out, "  first ");
    assert_non_null(row);
    int trials = 0, failed = -1;
    double images = 0;
    assert_int_equal(sscanf(row, " first %d %d %lf", &trials, &failed, &images), 3);
    assert_int_equal(trials, 14);
    assert_int_equal(failed, 0);
    assert_float_equal(images, 14 * 256 + 5 * 6 * 320, 0.5);
    assert_non_null(strstr(page, "<path class=\"point c1 task-baseline\""));
    assert_non_null(strstr(page, ">general.seed</th><td class=\"text\">5</td><td class=\"text\">6</td>"));
    assert_non_null(strstr(page, "--task_id first-again"));
    assert_non_null(strstr(page, "--task_id second-again"));
    qea_free(out);
    qea_free(page);
}

static void other_data_and_other_objectives_are_pointed_out(void **state) {
    (void)state;
    assert_int_equal(run("", "run config.yml -t third --set nas.dataset.common.train_portion=0.7 "
                             "--set nas.search_algorithm.objective_keys=[accuracy,weight_bytes] "
                             "--set fully_train.max_models=1"),
                     0);
    assert_int_equal(run("", "compare first third second"), 0);
    assert_output_has("The settings of the data differ");
    assert_output_has("The searches had different objectives");
    assert_output_has("hypervolumes are shares of different boxes");
    char *page = slurp("comparison.html");
    assert_non_null(strstr(page, "Not drawn: each task"));
    assert_non_null(strstr(page, "aria-label=\"top-1 accuracy over FLOPs of the fronts"));
    qea_free(page);
}

static void wrong_tasks_are_named(void **state) {
    (void)state;
    assert_int_equal(run("", "compare first"), 2);
    assert_int_equal(run("", "compare first nothing"), 2);
    assert_output_has("tasks/nothing");
    assert_int_equal(run("", "compare first second -o nowhere/page.html"), 4);
    assert_output_has("nowhere/page.html");
    assert_int_equal(run("", "compare first first first first first first first first first"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tasks_stand_in_one_page_and_one_table),
        cmocka_unit_test(other_data_and_other_objectives_are_pointed_out),
        cmocka_unit_test(wrong_tasks_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
