/* The files and the table that a run leaves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/report.h"

static const uint8_t bits_a[] = {2, 8}, bits_b[] = {4, 4};
static const uint16_t genome[] = {0, 2, 1, 1};

typedef struct fixture {
    char folder[64];
    qea_context *ctx;
    qea_report_model models[3];
    const char *objectives[2];
    json_t *box;
    qea_report_step step;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    (void)strcpy(f->folder, "/tmp/quantea-report-XXXXXX");
    if (f == NULL || mkdtemp(f->folder) == NULL) return -1;
    f->ctx = qea_context_create();
    f->objectives[0] = "accuracy";
    f->objectives[1] = "flops";
    for (int i = 0; i < 3; i++) {
        f->models[i] = (qea_report_model){.id = (uint64_t)i + 1,
                                          .label = i == 0 ? "uniform" : "random",
                                          .done = i < 2,
                                          .on_front = i == 1,
                                          .num_layers = 2,
                                          .weight_bits = bits_a,
                                          .activation_bits = bits_b,
                                          .genome = genome,
                                          .genome_length = 4,
                                          .epochs = 1,
                                          .mean_weight_bits = 2.5,
                                          .mean_activation_bits = 4,
                                          .runtime_s = 1.5,
                                          .hypervolume = i == 0 ? NAN : 0.25 * i};
        if (i == 2) f->models[i].reason = "it said \"no\", twice";
        if (i < 2)
            f->models[i].performance = json_pack("{s:f, s:f, s:i, s:{s:f}}", "accuracy", 0.1 * (i + 7), "flops", 1.25,
                                                 "images", 100, "measured", "seconds", 3.25);
    }
    f->box = json_pack("{s:[f, f], s:[f, f]}", "accuracy", 0.25, 1.5, "flops", 0.5, 4.5);
    f->step = (qea_report_step){.name = "nas",
                                .objectives = f->objectives,
                                .num_objectives = 2,
                                .models = f->models,
                                .count = 3,
                                .expected = 3,
                                .hypervolume = 0.375,
                                .box = f->box};
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    char command[128];
    for (int i = 0; i < 2; i++) json_decref((json_t *)(uintptr_t)f->models[i].performance);
    json_decref(f->box);
    (void)snprintf(command, sizeof command, "rm -rf %s", f->folder);
    int gone = system(command);
    qea_context_destroy(f->ctx);
    free(f);
    return gone;
}

static char *read_back(fixture *f, const char *name) {
    char path[128];
    uint8_t *bytes;
    size_t size;
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(qea_file_read(f->ctx, path, 1 << 20, &bytes, &size), QEA_OK);
    return (char *)bytes;
}

static char *written(fixture *f, qea_status (*write)(qea_context *, const qea_report_step *, const char *)) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/file", f->folder);
    assert_int_equal(write(f->ctx, &f->step, path), QEA_OK);
    return read_back(f, "file");
}

static void wilson_interval_agrees_with_published_values(void **state) {
    (void)state;
    double low, high;
    /* Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3. */
    qea_wilson_interval(81.0 / 263.0, 263, &low, &high);
    assert_float_equal(low, 0.2553, 5e-5);
    assert_float_equal(high, 0.3662, 5e-5);
    qea_wilson_interval(15.0 / 148.0, 148, &low, &high);
    assert_float_equal(low, 0.0624, 5e-5);
    assert_float_equal(high, 0.1605, 5e-5);
    qea_wilson_interval(0, 20, &low, &high);
    assert_float_equal(low, 0, 1e-12);
    assert_float_equal(high, 0.1611, 5e-5);
}

static void trials_csv_has_plain_rows_by_id_without_times(void **state) {
    char *text = written(*state, qea_report_write_trials_csv);
    assert_string_equal(
        text, "id,label,state,encoding,weight_bits,activation_bits,accuracy,accuracy_top5,loss,train_loss,flops,params,"
              "bops,weight_bytes,activation_bytes,hypervolume\n"
              "1,uniform,done,0-2-1-1,2-8,4-4,0.7000000000000001,,,,1.25,,,,,\n"
              "2,random,done,0-2-1-1,2-8,4-4,0.8,,,,1.25,,,,,0.25\n"
              "3,random,failed,0-2-1-1,2-8,4-4,,,,,,,,,,0.5\n");
    qea_free(text);
}

static void front_json_holds_the_front_alone(void **state) {
    char *text = written(*state, qea_report_write_front_json);
    json_t *object = json_loads(text, 0, NULL), *front = json_object_get(object, "front");
    assert_int_equal(json_array_size(front), 1);
    const json_t *entry = json_array_get(front, 0);
    assert_int_equal(json_integer_value(json_object_get(entry, "trial")), 2);
    assert_true(json_number_value(json_object_get(json_object_get(entry, "objectives"), "accuracy")) == 0.1 * 8);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(entry, "weight_bits"), 1)), 8);
    assert_true(json_number_value(json_object_get(object, "hypervolume")) == 0.375);
    assert_true(json_equal(json_object_get(object, "box"), ((fixture *)*state)->box));
    json_decref(object);
    qea_free(text);
}

static void results_json_leaves_out_what_differs_from_run_to_run(void **state) {
    char *text = written(*state, qea_report_write_results_json);
    assert_null(strstr(text, "measured"));
    assert_null(strstr(text, "twice"));
    assert_non_null(strstr(text, "\"failed\""));
    qea_free(text);
}

static void output_csv_has_the_originals_header_and_json_cells_for_the_front(void **state) {
    fixture *f = *state;
    assert_int_equal(qea_report_write_output(f->ctx, &f->step, f->folder), QEA_OK);
    char *text = read_back(f, "output.csv"), *desc = read_back(f, "desc_2.json"),
         *performance = read_back(f, "performance_2.json");
    assert_int_equal(strncmp(text, "worker_id,performance,desc\n2,\"{\"\"accuracy\"\"", 43), 0);
    assert_non_null(strstr(desc, "nbit_w_list"));
    assert_non_null(strstr(performance, "accuracy"));
    qea_free(text);
    qea_free(desc);
    qea_free(performance);
}

static void reports_csv_quotes_cells_so_that_commas_and_quotes_survive(void **state) {
    fixture *f = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/reports.csv", f->folder);
    assert_int_equal(qea_report_write_reports_csv(f->ctx, &f->step, 1, path), QEA_OK);
    char *text = read_back(f, "reports.csv");
    assert_non_null(strstr(text, "\"it said \"\"no\"\", twice\""));
    assert_int_equal(strncmp(text, "step_name,worker_id,desc,epoch,performance,", 43), 0);
    assert_non_null(strstr(text, ",0-2-1-1,0.8,1.25,\n"));
    qea_free(text);
}

static void table_shows_accuracy_with_its_interval_and_bits(void **state) {
    fixture *f = *state;
    qea_text text = {0};
    qea_report_table(&f->step, &text);
    assert_int_equal(qea_text_finish(f->ctx, &text), QEA_OK);
    assert_non_null(strstr(text.bytes, "80.00"));
    assert_non_null(strstr(text.bytes, "[71.12, 86.66]")); /* Wilson for 80 of 100 */
    assert_null(strstr(text.bytes, "70.00"));
    qea_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_interval_agrees_with_published_values),
        cmocka_unit_test_setup_teardown(trials_csv_has_plain_rows_by_id_without_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(front_json_holds_the_front_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_json_leaves_out_what_differs_from_run_to_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(output_csv_has_the_originals_header_and_json_cells_for_the_front, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reports_csv_quotes_cells_so_that_commas_and_quotes_survive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(table_shows_accuracy_with_its_interval_and_bits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
