/* How well a search ranks: the numbers of made-up pairs by hand, agreement.json, the section of report.html. */
#include "report/page_fixture.h"

#include "report/agreement.h"
#include "report/well_formed.h"

enum { PAIRS = 8, BANDS = 2 };

/* Band 1: predicted and trained alike, but for one pair of neighbours: (5 - 1)/6. Band 2: reversed. */
static const qea_report_pair pairs[PAIRS] = {
    {bits_mixed, bits_4, LAYERS, 0, 100, 0.30, 0.50}, {bits_mixed, bits_4, LAYERS, 0, 101, 0.31, 0.51},
    {bits_mixed, bits_4, LAYERS, 0, 102, 0.32, 0.53}, {bits_mixed, bits_4, LAYERS, 0, 103, 0.33, 0.52},
    {bits_8, bits_4, LAYERS, 1, 401, 0.40, 0.63},     {bits_8, bits_4, LAYERS, 1, 402, 0.41, 0.62},
    {bits_8, bits_4, LAYERS, 1, 403, 0.42, 0.61},     {bits_8, bits_4, LAYERS, 1, 404, 0.43, 0.60},
};

static qea_report_agreement made(const qea_report_pair *list) {
    return (qea_report_agreement){.pairs = list,
                                  .count = PAIRS,
                                  .bands = BANDS,
                                  .evaluator = "shared_weights",
                                  .epochs = 3,
                                  .images = 24000,
                                  .validation_images = 2500};
}

static void assert_near(double found, double expected) {
    if (!(fabs(found - expected) < 1e-12)) fail_msg("found %.17g, expected %.17g", found, expected);
}

/* Of all 28 pairs the 16 between the bands agree, 5 + 0 within them: (21 - 7)/28. By bops the same. */
static void taus_are_those_worked_out_by_hand(void **state) {
    (void)state;
    qea_report_agreement given = made(pairs);
    qea_agreement found = qea_agreement_of(&given);
    assert_int_equal(found.genomes, PAIRS);
    assert_near(found.bands[0].tau, 4.0 / 6);
    assert_near(found.bands[1].tau, -1);
    assert_near(found.mean_tau, (4.0 / 6 - 1) / 2);
    assert_near(found.tau, 14.0 / 28);
    assert_near(found.tau_of_bops, 14.0 / 28);
    assert_true(found.chance > 0.01 && found.chance < 0.1); /* 0.05: Kendall's S = 14 for n = 8 */
    assert_true(found.mean_chance > 0.5);
    assert_near(found.bands[1].least_bops, 401);
    assert_near(found.bands[1].most, 0.63);
}

static void pairs_without_a_value_are_left_out(void **state) {
    (void)state;
    qea_report_pair list[PAIRS];
    memcpy(list, pairs, sizeof list);
    list[3].trained = (double)NAN;
    for (int i = 5; i < PAIRS; i++) list[i].predicted = (double)NAN;
    qea_report_agreement given = made(list);
    qea_agreement found = qea_agreement_of(&given);
    assert_int_equal(found.genomes, 4);
    assert_int_equal(found.bands[0].genomes, 3);
    assert_near(found.bands[0].tau, 1);
    assert_true(isnan(found.bands[1].tau));
    assert_near(found.mean_tau, 1);
    assert_near(found.tau, 1);
}

static void the_file_has_every_genome_and_null_for_what_is_not_defined(void **state) {
    fixture *f = *state;
    qea_report_pair list[PAIRS];
    memcpy(list, pairs, sizeof list);
    for (int i = 4; i < PAIRS; i++) list[i].trained = (double)NAN;
    qea_report_agreement given = made(list);
    assert_int_equal(qea_report_write_agreement_json(f->ctx, &given, f->path), QEA_OK);
    char *text = read_page(f);
    json_t *object = json_loads(text, 0, NULL);
    const json_t *bands = json_object_get(object, "bands"), *genomes = json_object_get(object, "genomes");
    assert_int_equal(json_array_size(bands), BANDS);
    assert_near(json_number_value(json_object_get(json_array_get(bands, 0), "tau")), 4.0 / 6);
    assert_true(json_is_null(json_object_get(json_array_get(bands, 1), "tau")));
    assert_int_equal(json_array_size(genomes), PAIRS);
    const json_t *last = json_array_get(genomes, PAIRS - 1);
    assert_int_equal(json_integer_value(json_object_get(last, "band")), 2);
    assert_true(json_is_null(json_object_get(last, "trained")));
    assert_near(json_number_value(json_object_get(last, "predicted")), 0.43);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(last, "weight_bits"), 2)), 8);
    assert_int_equal(json_integer_value(json_object_get(object, "train_images")), 24000);
    json_decref(object);
    qea_free(text);
}

static void the_page_says_what_was_found(void **state) {
    fixture *f = *state;
    qea_report_agreement given = made(pairs);
    char *without = written(f);
    assert_null(strstr(without, "How well the search ranks"));
    qea_free(without);
    f->page.agreement = &given;
    char *page = written(f);
    assert_non_null(strstr(page, "How well the search ranks"));
    assert_non_null(strstr(page, "<strong>+0.50</strong>; bit operations alone reach +0.50."));
    assert_non_null(strstr(page, "does not show that the search tells better"));
    assert_non_null(strstr(page, "A band of 4 genomes has 6 pairs, so that its tau is one of 7 values"));
    assert_non_null(strstr(page, "<td>+0.67</td>"));
    /* 1.96 sqrt(0.5 * 0.5 / 2500) = 0.0196 */
    assert_non_null(strstr(page, "On 2500 validation images an accuracy has a 95 % interval of up to \xC2\xB1"
                                 "2.0 points"));
    assert_well_formed(page);
    qea_free(page);
}

/* In order within both bands: 1/576 by chance. By bops 16 pairs between the bands agree, 6 in band 2, 1 in band 1, and
 * 5 do not: (23 - 5)/28. */
static void a_search_that_ranks_well_is_said_to(void **state) {
    fixture *f = *state;
    qea_report_pair list[PAIRS];
    memcpy(list, pairs, sizeof list);
    for (int i = 0; i < PAIRS; i++) list[i].trained = list[i].predicted + 0.1;
    list[0].bops = 103, list[3].bops = 100;
    qea_report_agreement given = made(list);
    f->page.agreement = &given;
    char *page = written(f);
    assert_non_null(strstr(page, "<strong>+1.00</strong>; bit operations alone reach +0.64."));
    assert_non_null(strstr(page, "does tell better genomes from worse ones of the same cost"));
    qea_free(page);
}

static void a_measurement_that_has_just_begun_is_told_without_numbers(void **state) {
    fixture *f = *state;
    qea_report_pair list[PAIRS];
    memcpy(list, pairs, sizeof list);
    for (int i = 0; i < PAIRS; i++) list[i].trained = (double)NAN;
    qea_report_agreement given = made(list);
    f->page.agreement = &given;
    char *page = written(f);
    assert_non_null(strstr(page, "not enough results yet"));
    assert_well_formed(page);
    qea_free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taus_are_those_worked_out_by_hand),
        cmocka_unit_test(pairs_without_a_value_are_left_out),
        cmocka_unit_test_setup_teardown(the_file_has_every_genome_and_null_for_what_is_not_defined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_says_what_was_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_search_that_ranks_well_is_said_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_measurement_that_has_just_begun_is_told_without_numbers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
