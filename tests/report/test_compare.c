/* The page and the table of several tasks, of made-up records. */
#include "page_fixture.h"

#include "report/compare.h"
#include "well_formed.h"

typedef struct pair {
    fixture *a, *b;
    const qea_report_page *pages[2];
    const char *values[2][2];
    qea_report_difference differences[2];
    qea_report_comparison all;
} pair;

static int set_up_pair(void **state) {
    pair *p = calloc(1, sizeof *p);
    void *a, *b;
    if (p == NULL || set_up(&a) != 0 || set_up(&b) != 0) return -1;
    p->a = a;
    p->b = b;
    p->b->page.task = "second";
    p->pages[0] = &p->a->page;
    p->pages[1] = &p->b->page;
    p->values[0][0] = "1";
    p->values[0][1] = hostile;
    p->values[1][0] = NULL;
    p->values[1][1] = "2";
    p->differences[0] = (qea_report_difference){"general.seed", p->values[0]};
    p->differences[1] = (qea_report_difference){"fully_train.trainer.epochs", p->values[1]};
    p->all = (qea_report_comparison){p->pages, 2, p->differences, 2};
    *state = p;
    return 0;
}

static int tear_down_pair(void **state) {
    pair *p = *state;
    void *a = p->a, *b = p->b;
    (void)tear_down(&a);
    (void)tear_down(&b);
    free(p);
    return 0;
}

static char *written_pair(pair *p) {
    assert_int_equal(qea_report_write_comparison(p->a->ctx, &p->all, p->a->path), QEA_OK);
    return read_page(p->a);
}

static void the_page_is_well_formed_and_inert(void **state) {
    char *text = written_pair(*state);
    assert_well_formed(text);
    assert_int_equal(count_of(text, "<script"), 1);
    assert_null(strstr(text, "http:"));
    qea_free(text);
}

static void each_task_has_its_mark_and_its_front(void **state) {
    char *text = written_pair(*state);
    for (int task = 0; task < 2; task++) {
        char part[64];
        (void)snprintf(part, sizeof part, "<path class=\"point c%d task-front\" data-t=\"%d-", task, task + 1);
        assert_int_equal(count_of(text, part), 2);
        (void)snprintf(part, sizeof part, "<path class=\"point c%d task-final\" data-t=\"%d-3\"", task, task + 1);
        assert_int_equal(count_of(text, part), 1);
        (void)snprintf(part, sizeof part, "<path class=\"point c%d task-baseline\"", task);
        assert_int_equal(count_of(text, part), 2);
        (void)snprintf(part, sizeof part, "<path class=\"c%d task-volume\" d=\"M", task);
        assert_true(count_of(text, part) >= 1);
        (void)snprintf(part, sizeof part, "<tr data-t=\"%d-7\" id=\"t%d-7\">", task + 1, task + 1);
        assert_int_equal(count_of(text, part), 1);
    }
    assert_int_equal(count_of(text, "<svg class=\"plot scatter\""), 1);
    qea_free(text);
}

static void models_of_all_tasks_stand_by_falling_accuracy(void **state) {
    pair *p = *state;
    json_object_set_new((json_t *)(uintptr_t)p->b->models[0].performance, "accuracy", json_real(0.9));
    char *text = written_pair(p);
    static const char *const rows[] = {"id=\"t2-3\"", "id=\"t1-3\"", "id=\"t1-8\"",
                                       "id=\"t2-8\"", "id=\"t1-7\"", "id=\"t2-7\""}; /* 0.9, 0.75, 0.7125, 0.5 */
    const char *at = text;
    for (size_t i = 0; i < 6; i++) {
        at = strstr(at, rows[i]);
        if (at == NULL) fail_msg("%s is not where it should be", rows[i]);
    }
    qea_free(text);
}

static void what_differs_stands_in_page_and_table(void **state) {
    pair *p = *state;
    qea_text table = {0};
    char *text = written_pair(p);
    assert_non_null(strstr(text, "The full trainings differ."));
    assert_null(strstr(text, "The trials of the searches were trained differently."));
    assert_non_null(strstr(text, "<th scope=\"row\">fully_train.trainer.epochs</th><td class=\"text\">-</td>"
                                 "<td class=\"text\">2</td>"));
    assert_int_equal(qea_report_comparison_table(p->a->ctx, &p->all, &table), QEA_OK);
    assert_non_null(strstr(table.bytes, "  fully_train.trainer.epochs: - | 2\n"));
    assert_non_null(strstr(table.bytes, "The full trainings differ."));
    assert_null(strstr(table.bytes, "different boxes"));
    qea_text_free(&table);
    qea_free(text);
}

static void hypervolumes_of_different_boxes_are_not_drawn_together(void **state) {
    pair *p = *state;
    json_object_set_new(p->b->box, "flops", json_pack("[f,f]", 1.0, 6.0));
    char *text = written_pair(p);
    assert_non_null(strstr(text, "Not drawn: each task"));
    assert_null(strstr(text, "task-volume\" d"));
    qea_free(text);
}

static void only_common_objectives_are_drawn(void **state) {
    pair *p = *state;
    p->a->search.num_objectives = p->a->full.num_objectives = 3; /* and weight_bytes */
    char *text = written_pair(p);
    assert_int_equal(count_of(text, "<svg class=\"plot scatter\""), 1);
    assert_non_null(strstr(text, "The searches had different objectives"));
    qea_free(text);
    p->b->search.num_objectives = p->b->full.num_objectives = 3;
    text = written_pair(p);
    assert_int_equal(count_of(text, "<svg class=\"plot scatter\""), 3);
    assert_null(strstr(text, "The searches had different objectives"));
    qea_free(text);
}

static void gains_are_told_in_the_cost_that_all_searches_weigh(void **state) {
    static const char *const keys[2] = {"accuracy", "weight_bytes"};
    pair *p = *state;
    char *text = written_pair(p);
    assert_non_null(strstr(text, "points over uniform of equal FLOPs<"));
    qea_free(text);
    p->a->search.objectives = p->b->search.objectives = keys;
    text = written_pair(p);
    assert_non_null(strstr(text, "points over uniform of equal weight bytes<"));
    assert_null(strstr(text, "points over uniform of equal FLOPs<"));
    qea_free(text);
}

static void a_task_without_full_training_shows_its_front(void **state) {
    pair *p = *state;
    p->b->full.count = 0;
    qea_text table = {0};
    char *text = written_pair(p);
    assert_non_null(strstr(text, "id=\"t2-1\""));
    assert_non_null(strstr(text, "id=\"t2-3\""));
    assert_null(strstr(text, "id=\"t2-2\"")); /* done, but not on the front */
    assert_int_equal(qea_report_comparison_table(p->a->ctx, &p->all, &table), QEA_OK);
    assert_int_equal(count_of(table.bytes, "  search\n"), 2);
    qea_text_free(&table);
    qea_free(text);
}

/* 300 images for a float network, 100 for a supernet; the search's own trials have trained nothing. */
static void a_search_has_cost_what_was_trained_for_it_too(void **state) {
    pair *p = *state;
    const int images[] = {300, 100, 10};
    const double seconds[] = {3, 2, 1};
    static const char *const names[] = {"float", "supernet", "agreement"};
    qea_report_model models[3];
    qea_report_step steps[3];
    const qea_report_step *list[] = {&steps[0], &steps[1], &p->a->search, &steps[2], &p->a->full};
    for (int i = 0; i < 3; i++) {
        models[i] = model(1, "", bits_8, 0.5, 1);
        models[i].runtime_s = seconds[i];
        json_object_set_new((json_t *)(uintptr_t)models[i].performance, "train_images", json_integer(images[i]));
        steps[i] = (qea_report_step){.name = names[i], .models = &models[i], .count = 1};
    }
    assert_true(isnan(qea_report_search_budget(&p->a->page).images));
    p->a->page.steps = list;
    p->a->page.num_steps = 5;
    const qea_report_budget budget = qea_report_search_budget(&p->a->page);
    assert_true(budget.images == 400 && budget.seconds == 5); /* what measures its ranking is not the search's */
    assert_int_equal(budget.done, qea_report_budget_of(&p->a->search).done);
    for (int i = 0; i < 3; i++) json_decref((json_t *)(uintptr_t)models[i].performance);
}

static void a_lack_of_memory_is_told(void **state) {
    pair *p = *state;
    for (long n = 1;; n++) {
        qea_alloc_fail_after(n);
        qea_status status = qea_report_write_comparison(p->a->ctx, &p->all, p->a->path);
        qea_alloc_fail_after(0);
        if (status == QEA_OK) break;
        assert_int_equal(status, QEA_ERR_MEMORY);
        assert_false(qea_file_exists(p->a->path));
        assert_true(n < 1000);
    }
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up_pair, tear_down_pair)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_PAIR(the_page_is_well_formed_and_inert),
        WITH_PAIR(each_task_has_its_mark_and_its_front),
        WITH_PAIR(models_of_all_tasks_stand_by_falling_accuracy),
        WITH_PAIR(what_differs_stands_in_page_and_table),
        WITH_PAIR(hypervolumes_of_different_boxes_are_not_drawn_together),
        WITH_PAIR(only_common_objectives_are_drawn),
        WITH_PAIR(gains_are_told_in_the_cost_that_all_searches_weigh),
        WITH_PAIR(a_task_without_full_training_shows_its_front),
        WITH_PAIR(a_search_has_cost_what_was_trained_for_it_too),
        WITH_PAIR(a_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
