/* report.html: well-formed, complete, inert and equal for equal records. */
#include <locale.h>
#include <math.h>
#include "page_fixture.h"
#include "well_formed.h"

static void every_element_is_closed_and_every_id_unique(void **state) {
    char *text = written(*state);
    assert_well_formed(text);
    qea_free(text);
}

static void a_page_without_any_trial_is_well_formed(void **state) {
    fixture *f = *state;
    f->search.count = f->full.count = 0;
    char *text = written(f);
    assert_well_formed(text);
    assert_non_null(strstr(text, "0 of 10 trials"));
    qea_free(text);
}

static void a_page_of_a_search_alone_shows_its_front(void **state) {
    fixture *f = *state;
    f->full.count = 0;
    char *text = written(f);
    assert_well_formed(text);
    assert_non_null(strstr(text, "nothing is fully trained yet"));
    assert_non_null(strstr(text, "<details class=\"model\" id=\"m1\""));
    assert_non_null(strstr(text, "<details class=\"model\" id=\"m3\""));
    qea_free(text);
}

static void every_trial_stands_in_plot_and_table(void **state) {
    char *text = written(*state), part[64];
    for (int id = 1; id <= TRIALS; id++) {
        (void)snprintf(part, sizeof part, "<tr data-t=\"%d\" id=\"t%d\">", id, id);
        assert_int_equal(count_of(text, part), 1);
    }
    /* done trials have a point each, fully trained models one of their own */
    static const char *const points[] = {"front\" data-t=\"1\"",   "uniform\" data-t=\"2\"", "front\" data-t=\"3\"",
                                         "trial\" data-t=\"4\"",   "final\" data-t=\"3\"",   "baseline\" data-t=\"7\"",
                                         "baseline\" data-t=\"8\""};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        (void)snprintf(part, sizeof part, "<path class=\"point %s", points[i]);
        assert_true(count_of(text, part) >= 1);
    }
    const char *plot = strstr(text, "<svg class=\"plot"), *end = strstr(plot, "</svg>");
    const char *last = plot;
    for (int i = 0; i < 7; i++) last = strstr(last + 1, "class=\"point ");
    assert_true(last != NULL && last < end && strstr(last + 1, "class=\"point ") > end); /* seven, each with its name */
    assert_int_equal(count_of(plot, "\"><title>"), count_of(plot, "class=\"point ") + count_of(plot, "class=\"row\""));
    qea_free(text);
}

static void each_pair_of_objectives_has_a_plot(void **state) {
    fixture *f = *state;
    f->search.num_objectives = f->full.num_objectives = 3;
    char *text = written(f);
    assert_well_formed(text);
    assert_int_equal(count_of(text, "95 % interval; dotted"), 1);
    assert_int_equal(count_of(text, " of all trials, the front, "), 3);
    assert_int_equal(count_of(text, "class=\"stairs\""), 0);
    qea_free(text);
    f->search.num_objectives = f->full.num_objectives = 2;
    text = written(f);
    assert_int_equal(count_of(text, " of all trials, the front, "), 1);
    assert_int_equal(count_of(text, "class=\"stairs\""), 1);
    qea_free(text);
}

static void hostile_text_is_inert(void **state) {
    char *text = written(*state);
    assert_int_equal(count_of(text, "<script"), 1);
    assert_int_equal(count_of(text, "</script"), 1);
    assert_null(strchr(text, 1));
    assert_true(count_of(text, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\xEF\xBF\xBD") >= 8);
    assert_non_null(strstr(text, "quantea run &#39;a&amp;b&#39;"));
    qea_free(text);
}

static void nothing_is_loaded_from_elsewhere(void **state) {
    static const char *const loads[] = {"http:", "https:", "src=", "url(", "@import", "<link", "<img"};
    char *text = written(*state);
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) assert_null(strstr(text, loads[i]));
    assert_non_null(strstr(text, "default-src 'none'"));
    qea_free(text);
}

static void equal_records_give_equal_bytes(void **state) {
    char *a = written(*state), *b = written(*state);
    assert_string_equal(a, b);
    qea_free(a);
    qea_free(b);
}

/* 0.75, 0.74, 0.76 beside 0.7125, 0.7025, 0.7225: standard deviations of 0.01, four degrees of freedom (t = 2.776445),
 * so the difference of 3.75 points is known to 2.776445 sqrt(2/3) = 2.267 points. */
static void gains_of_models_trained_from_several_seeds_are_told_with_their_interval(void **state) {
    fixture *f = *state;
    qea_report_model repeats[4];
    static const double accuracies[4] = {0.74, 0.76, 0.7025, 0.7225};
    for (int i = 0; i < 4; i++) repeats[i] = model(20 + (uint64_t)i, "repeat", bits_8, accuracies[i], 4);
    f->models[0].repeats = repeats;
    f->models[2].repeats = repeats + 2;
    f->models[0].num_repeats = f->models[2].num_repeats = 2;
    char *text = written(f);
    assert_non_null(strstr(text, "Against the most accurate, uniform w8a8: accuracy <strong>+3.75 points</strong> "
                                 "(95 % interval over seeds \302\261 2.27)"));
    assert_non_null(strstr(text, "95 % intervals do not overlap")); /* to what lies between uniform models */
    qea_free(text);
    for (int i = 0; i < 4; i++) json_decref((json_t *)(uintptr_t)repeats[i].performance);
}

static void gains_are_told_against_uniform_bits_of_equal_cost_and_accuracy(void **state) {
    fixture *f = *state;
    char *text = written(f);
    /* Uniform: 0.5 at 1.25 and 0.7125 at 4. Model 3: 0.75 at 1.5, which is ln(1.5/1.25)/ln(4/1.25) = 0.156747 of the
     * way, so uniform bits reach 0.5 + 0.156747 * 0.2125 = 0.533309. It is above every accuracy; of 1000 images 0.75 is
     * in [0.722, 0.776] and 0.7125 in [0.684, 0.740]. */
    assert_non_null(strstr(text,
                           "At equal FLOPs: accuracy <strong>+21.67 points</strong> over uniform bits, which reach "
                           "53.33 % (interpolated between uniform w4a4 and w8a8; 95 % intervals do not overlap)"));
    assert_non_null(strstr(text, "More accurate than every uniform model. Against the most accurate, uniform w8a8: "
                                 "accuracy <strong>+3.75 points</strong> (95 % intervals overlap), FLOPs "
                                 "<strong>\xE2\x88\x92"
                                 "62.5 %</strong>"));
    qea_free(text);
    /* 0.6 is 0.1/0.2125 of the way up: uniform bits need 1.25 * (4/1.25)^0.470588 = 2.160865. */
    json_object_set_new((json_t *)(uintptr_t)f->models[0].performance, "accuracy", json_real(0.6));
    text = written(f);
    assert_non_null(strstr(text, "At equal accuracy: FLOPs <strong>\xE2\x88\x92"
                                 "30.6 %</strong> against uniform bits, which need FLOPs 2.161 M (interpolated"));
    assert_non_null(strstr(text, "<td>+6.67</td><td>\xE2\x88\x92"
                                 "30.6 %</td></tr>"));
    assert_int_equal(count_of(text, "class=\"between\" d=\"M"), 2); /* in the plot and in its legend */
    qea_free(text);
    char name[] = "flops"; /* names are compared, not where they stand */
    const char *const keys[2] = {"accuracy", name};
    f->search.objectives = f->full.objectives = keys;
    text = written(f);
    assert_non_null(strstr(text, "At equal accuracy also: "));
    assert_null(strstr(text, "At equal accuracy also: FLOPs"));
    qea_free(text);
}

static void beyond_the_uniform_models_nothing_is_extrapolated(void **state) {
    fixture *f = *state;
    f->full.count = 2; /* leaves w4a4 alone: 0.5 at 1.25 */
    char *text = written(f);
    const char *details = strstr(text, "<details class=\"model\" id=\"m3\"");
    assert_non_null(details);
    const char *gain = strstr(details, "Dearer and more accurate than every uniform model. Against the most accurate, "
                                       "uniform w4a4: accuracy <strong>+25.00 points</strong>");
    assert_true(gain != NULL && gain < strstr(details, "<svg"));
    assert_non_null(strstr(text, "<td>-</td><td>-</td></tr>"));
    qea_free(text);
}

static void a_uniform_model_that_a_cheaper_one_surpasses_is_not_compared_with(void **state) {
    fixture *f = *state;
    /* w8a8 at 0.45 is worse than w4a4 at 0.5: nothing is left above model 3's cost */
    json_object_set_new((json_t *)(uintptr_t)f->models[2].performance, "accuracy", json_real(0.45));
    char *text = written(f);
    assert_non_null(strstr(text, "Dearer and more accurate than every uniform model. Against the most accurate, "
                                 "uniform w4a4"));
    assert_null(strstr(text, "interpolated between uniform"));
    qea_free(text);
}

static void the_bits_of_the_front_are_a_map(void **state) {
    char *text = written(*state);
    const char *map = strstr(text, "<svg class=\"map\""), *end = map != NULL ? strstr(map, "</svg>") : NULL;
    assert_true(end != NULL);
    /* by rising cost: trial 1 (1), trial 3 (1.5); 3 layers, weights and activations */
    const char *first = strstr(map, "<g class=\"row\" data-t=\"1\">"), *second = strstr(map, "data-t=\"3\">");
    assert_true(first != NULL && second != NULL && first < second && second < end);
    assert_int_equal(count_of(map, "<rect class=\"w\" fill-opacity"), 6);
    assert_int_equal(count_of(map, "<rect class=\"a\" fill-opacity"), 6);
    qea_free(text);
}

static void the_hypervolume_climbs_over_the_trials_that_ended(void **state) {
    char *text = written(*state);
    const char *line = strstr(text, "<path class=\"volume\" d=\"M");
    assert_non_null(line);
    /* trials 1 to 5 (6 waits): one place and four steps, of which two rise */
    char *copy = strndup(line, strcspn(line, ">"));
    assert_int_equal(count_of(copy, "H"), 4);
    free(copy);
    assert_non_null(strstr(text, "at the end 35.00 % of the box"));
    assert_non_null(strstr(text, "fixed before the search: top-1 accuracy 10.00 % to 100.00 %, FLOPs (M) 1.000 to "
                                 "5.000"));
    qea_free(text);
}

static void training_curves_of_each_model_end_where_they_ended(void **state) {
    fixture *f = *state;
    char *text = written(f);
    assert_int_equal(count_of(text, "<path class=\"curve of-final\" data-t=\"3\" d=\"M"), 3);
    assert_int_equal(count_of(text, "<path class=\"curve of-baseline\" data-t=\"7\" d=\"M"), 3);
    assert_non_null(strstr(text, "front, trial 3: training loss 0.1250 in epoch 3</title>"));
    /* an epoch that was not validated interrupts the line: two places, no line between them */
    const char *validation = strstr(text, "accuracy on validation images of each model");
    validation = strstr(validation, "data-t=\"3\" d=\"");
    assert_non_null(validation);
    char *copy = strndup(validation, strcspn(validation, "/"));
    assert_int_equal(count_of(copy, "M"), 2);
    assert_int_equal(count_of(copy, "L"), 0);
    free(copy);
    assert_non_null(strstr(text, "<td>3</td><td>0.1250</td><td>62.50 %</td><td>37.50 %</td></tr>"));
    qea_free(text);
    for (int i = 0; i < MODELS; i++) json_object_del((json_t *)(uintptr_t)f->models[i].performance, "curve");
    text = written(f); /* of a version that recorded none */
    assert_well_formed(text);
    assert_null(strstr(text, "training loss"));
    assert_non_null(strstr(text, "<path class=\"volume\""));
    qea_free(text);
}

static void layers_show_bits_and_shares(void **state) {
    char *text = written(*state);
    /* Bits 2, 8, 4 of 10, 20, 70 weights: 2.5, 20 and 35 bytes of 57.5; MACs 100, 300, 100 of 500. */
    const char *model = strstr(text, "<details class=\"model\" id=\"m3\"");
    assert_non_null(model);
    assert_non_null(strstr(model, "<td class=\"w\">8</td><td class=\"a\">8</td><td>300.0</td><td>60.0 %</td>"
                                  "<td class=\"b\" data-n=\"20\">20</td><td class=\"s\">34.8 %</td>"));
    assert_non_null(strstr(model, "<td class=\"b\" data-n=\"70\">35</td><td class=\"s\">60.9 %</td>"));
    qea_free(text);
}

static void failures_name_their_reasons_and_waiting_trials_are_none(void **state) {
    char *text = written(*state);
    const char *failures = strstr(text, "id=\"h-failures\"");
    const char *end = strstr(failures, "</section>");
    assert_non_null(strstr(failures, "<td>5</td><td class=\"text\">&lt;script&gt;"));
    const char *waiting = strstr(failures, "<td>6</td>");
    assert_true(waiting == NULL || waiting > end);
    assert_non_null(strstr(text, "<th scope=\"row\">search</th><td>4 of 10</td><td>1</td><td>1</td>"));
    assert_non_null(strstr(text, "2001-09-09 01:46:40</td><td>2001-09-09 01:48:10</td><td>1 min 30 s</td>"));
    qea_free(text);
}

static void numbers_are_rounded_and_signed(void **state) {
    (void)state;
    qea_text out = {0};
    qea_html_fixed(&out, 1.005, 1);
    qea_text_put(&out, " ");
    qea_html_fixed(&out, -0.04, 1);
    qea_text_put(&out, " ");
    qea_html_fixed(&out, -12.25, 1);
    qea_text_put(&out, " ");
    qea_html_fixed(&out, NAN, 1);
    qea_text_put(&out, " ");
    qea_html_value(&out, "bops", 36929536);
    qea_text_put(&out, " ");
    qea_html_value(&out, "accuracy", 0.8125);
    qea_text_put(&out, " ");
    qea_html_measure(&out, "flops", 0.34528);
    assert_string_equal(out.bytes, "1.0 0.0 -12.3 - 36.93 M 81.25 % FLOPs 0.345 M");
    qea_text_free(&out);
}

static void the_locale_does_not_matter(void **state) {
    char *before = written(*state);
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) {
        qea_free(before);
        skip();
    }
    char *after = written(*state);
    (void)setlocale(LC_ALL, "C");
    assert_string_equal(before, after);
    qea_free(before);
    qea_free(after);
}

static void a_lack_of_memory_is_told_and_leaves_no_file(void **state) {
    fixture *f = *state;
    for (long n = 1;; n++) {
        qea_alloc_fail_after(n);
        qea_status status = qea_report_write_html(f->ctx, &f->page, f->path);
        qea_alloc_fail_after(0);
        if (status == QEA_OK) break;
        assert_int_equal(status, QEA_ERR_MEMORY);
        assert_false(qea_file_exists(f->path));
        assert_true(n < 1000);
    }
    char *text = written(f);
    assert_well_formed(text);
    qea_free(text);
}

#define WITH_PAGE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_PAGE(every_element_is_closed_and_every_id_unique),
        WITH_PAGE(a_page_without_any_trial_is_well_formed),
        WITH_PAGE(a_page_of_a_search_alone_shows_its_front),
        WITH_PAGE(every_trial_stands_in_plot_and_table),
        WITH_PAGE(each_pair_of_objectives_has_a_plot),
        WITH_PAGE(hostile_text_is_inert),
        WITH_PAGE(nothing_is_loaded_from_elsewhere),
        WITH_PAGE(equal_records_give_equal_bytes),
        WITH_PAGE(gains_are_told_against_uniform_bits_of_equal_cost_and_accuracy),
        WITH_PAGE(gains_of_models_trained_from_several_seeds_are_told_with_their_interval),
        WITH_PAGE(beyond_the_uniform_models_nothing_is_extrapolated),
        WITH_PAGE(a_uniform_model_that_a_cheaper_one_surpasses_is_not_compared_with),
        WITH_PAGE(the_bits_of_the_front_are_a_map),
        WITH_PAGE(the_hypervolume_climbs_over_the_trials_that_ended),
        WITH_PAGE(training_curves_of_each_model_end_where_they_ended),
        WITH_PAGE(layers_show_bits_and_shares),
        WITH_PAGE(failures_name_their_reasons_and_waiting_trials_are_none),
        cmocka_unit_test(numbers_are_rounded_and_signed),
        WITH_PAGE(the_locale_does_not_matter),
        WITH_PAGE(a_lack_of_memory_is_told_and_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
