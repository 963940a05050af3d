#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/scratch.h"
#include "base/text.h"

static void pieces_are_appended_in_order(void **state) {
    (void)state;
    qea_text text = {0};
    qea_text_put(&text, "a");
    qea_text_printf(&text, "%d-%s", -5, "b");
    qea_text_put_bytes(&text, "\0c", 2);
    qea_text_put_double(&text, 0.5);
    assert_int_equal(qea_text_finish(NULL, &text), QEA_OK);
    assert_int_equal(text.size, 10);
    assert_memory_equal(text.bytes, "a-5-b\0c0.5", 11);
    qea_text_free(&text);
    assert_null(text.bytes);
}

static void an_empty_text_is_an_empty_string(void **state) {
    (void)state;
    qea_text text = {0};
    assert_int_equal(qea_text_finish(NULL, &text), QEA_OK);
    assert_string_equal(text.bytes, "");
    qea_text_free(&text);
}

static void long_texts_grow(void **state) {
    (void)state;
    qea_text text = {0};
    for (int i = 0; i < 10000; i++) qea_text_printf(&text, "%04d", i);
    assert_int_equal(qea_text_finish(NULL, &text), QEA_OK);
    assert_int_equal(text.size, 40000);
    assert_memory_equal(text.bytes + 4 * 1234, "12341235", 8);
    qea_text_free(&text);
}

static void a_lost_piece_is_told_at_the_end(void **state) {
    (void)state;
    qea_text text = {0};
    qea_text_put(&text, "first");
    qea_alloc_fail_after(1);
    for (int i = 0; i < 100; i++) qea_text_put(&text, "more");
    qea_alloc_fail_after(0);
    qea_text_put(&text, "also dropped");
    assert_int_equal(qea_text_finish(NULL, &text), QEA_ERR_MEMORY);
    assert_null(strstr(text.bytes, "also"));
    qea_text_free(&text);
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void assert_round_trip(double value) {
    char buffer[32];
    double back;
    assert_true(qea_double_parse(qea_double_format(value, buffer), &back));
    if (bits_of(value) != bits_of(back)) fail_msg("%a became '%s'", value, buffer);
}

static void a_taken_text_belongs_to_the_taker_and_a_lost_one_leaves_nothing(void **state) {
    (void)state;
    qea_text text = {0};
    char *taken = NULL;
    qea_text_put(&text, "abc");
    assert_int_equal(qea_text_take(NULL, &text, &taken), QEA_OK);
    assert_string_equal(taken, "abc");
    assert_null(text.bytes);

    qea_text_put(&text, "first");
    qea_alloc_fail_after(1);
    for (int i = 0; i < 100; i++) qea_text_put(&text, "more");
    qea_alloc_fail_after(0);
    char *lost = taken;
    assert_int_equal(qea_text_take(NULL, &text, &lost), QEA_ERR_MEMORY);
    assert_null(lost);
    assert_null(text.bytes);
    qea_free(taken);
}

static void doubles_read_back_bit_for_bit(void **state) {
    (void)state;
    qea_rng rng = qea_rng_make(11, QEA_RNG_TEST, 0, 0);
    static const double special[] = {0.0,
                                     -0.0,
                                     DBL_MIN,
                                     DBL_MAX,
                                     -DBL_MAX,
                                     0x1p-1074,
                                     0x1p-1022 - 0x1p-1074,
                                     0x1p-44,
                                     0.1,
                                     1.0 / 3,
                                     9007199254740993.0,
                                     1e22,
                                     1e23,
                                     5e-324,
                                     INFINITY,
                                     -INFINITY};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) assert_round_trip(special[i]);
    for (uint64_t i = 0; i < 50000; i++) {
        uint64_t bits = qea_rng_u64(&rng, i);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isnan(value)) assert_round_trip(value);
        assert_round_trip(qea_rng_uniform(&rng, i));
    }
}

static void doubles_have_no_digit_too_many(void **state) {
    (void)state;
    qea_rng rng = qea_rng_make(12, QEA_RNG_TEST, 0, 0);
    for (uint64_t i = 0; i < 5000; i++) {
        char expected[32], buffer[32];
        double value = i % 2 == 0 ? qea_rng_normal(&rng, i) : qea_rng_below(&rng, i, 100000) / 1000.0;
        if (i % 10 == 1) value *= 0x1p-1060;
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(expected, sizeof expected, "%.*g", digits, value);
            if (strtod(expected, NULL) == value) break;
        }
        assert_string_equal(qea_double_format(value, buffer), expected);
    }
}

static void known_doubles_look_as_people_write_them(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {{0.1, "0.1"},    {1, "1"},           {-2.5, "-2.5"},         {1e-4, "0.0001"},        {1e-5, "1e-05"},
                 {1e22, "1e+22"}, {5e-324, "5e-324"}, {INFINITY, "Infinity"}, {-INFINITY, "-Infinity"}};
    char buffer[32];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_string_equal(qea_double_format(known[i].value, buffer), known[i].text);
    assert_string_equal(qea_double_format(NAN, buffer), "NaN");
    assert_string_equal(qea_double_format(-NAN, buffer), "NaN");
}

static void numbers_in_usual_forms_are_parsed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } known[] = {{"1e-4", 1e-4},     {".5", 0.5},          {"-.5e1", -5},        {"+3", 3},
                 {"7.", 7},          {"1E10", 1e10},       {"inf", INFINITY},    {"-Inf", -INFINITY},
                 {".inf", INFINITY}, {"-.INF", -INFINITY}, {"+.Inf", INFINITY},  {"Infinity", INFINITY},
                 {"1e-400", 0},      {"007", 7},           {"4.9e-324", 5e-324}, {"-0", -0.0}};
    double value;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(qea_double_parse(known[i].text, &value));
        assert_true(value == known[i].value && signbit(value) == signbit(known[i].value));
    }
    assert_true(qea_double_parse("nan", &value) && isnan(value));
    assert_true(qea_double_parse(".NaN", &value) && isnan(value));
}

static void what_is_not_a_number_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",    " 1",    "1 ",  "1e",     "0x10",  "1,5", "1.2.3", "e5", ".",
                                      "-",   "--1",   "+-1", "abc",    "1e999", "1f",  "1_0",   "in", "nan(abc)",
                                      "1e+", "..inf", "- 1", "-1e999", "0x1p3", "1\n", "infx"};
    double value = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (qea_double_parse(bad[i], &value)) fail_msg("'%s' was accepted", bad[i]);
        assert_true(value == 42);
    }
}

static void integers_are_parsed_whole_and_within_range(void **state) {
    (void)state;
    static const char *const bad[] = {"",  " 1", "1 ",  "1.0", "0x10", "1e3", "9223372036854775808",
                                      "-", "+",  "--1", "1_0"};
    long long value;
    assert_true(qea_int_parse("9223372036854775807", &value) && value == INT64_MAX);
    assert_true(qea_int_parse("-9223372036854775808", &value) && value == INT64_MIN);
    assert_true(qea_int_parse("+12", &value) && value == 12);
    assert_true(qea_int_parse("-0", &value) && value == 0);
    assert_true(qea_int_parse("010", &value) && value == 10);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (qea_int_parse(bad[i], &value)) fail_msg("'%s' was accepted", bad[i]);
    }
}

/* A locale that writes 0.5 as "0,5": an installed one, or one made for the occasion. */
static bool set_comma_locale(const scratch *s) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "it_IT.UTF-8", "de_DE"};
    for (int made = 0; made < 2; made++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (setlocale(LC_ALL, names[i]) != NULL && localeconv()->decimal_point[0] == ',') return true;
        }
        char command[600];
        snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", s->folder);
        if (made == 0 && system(command) == 0) setenv("LOCPATH", s->folder, 1);
    }
    return false;
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    scratch s = scratch_make();
    bool found = set_comma_locale(&s);
    char buffer[32], comma[32] = "";
    double value = 0, dummy;
    bool parsed = false, comma_parsed = true;
    if (found) {
        snprintf(comma, sizeof comma, "%g", 0.5);
        qea_double_format(-1234.5, buffer);
        parsed = qea_double_parse("2.25", &value);
        comma_parsed = qea_double_parse("2,25", &dummy);
        snprintf(comma, sizeof comma, "%g", 0.5); /* the caller's locale is as before */
    }
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    scratch_remove(&s);
    if (!found) skip();
    assert_string_equal(comma, "0,5");
    assert_string_equal(buffer, "-1234.5");
    assert_true(parsed && value == 2.25);
    assert_false(comma_parsed);
}

static char *json_text(const json_t *value, int indent) {
    qea_text text = {0};
    qea_text_put_json(&text, value, indent);
    assert_int_equal(qea_text_finish(NULL, &text), QEA_OK);
    return text.bytes;
}

static void json_keeps_order_and_is_laid_out_as_promised(void **state) {
    (void)state;
    json_t *value = json_pack("{s:[i,i], s:{s:f, s:n}, s:[{s:b}], s:[], s:{}}", "z", 1, 2, "a", "x", 0.1, "y", "list",
                              "t", 1, "empty", "none");
    char *line = json_text(value, 0), *block = json_text(value, 2);
    assert_string_equal(line, "{\"z\": [1, 2], \"a\": {\"x\": 0.1, \"y\": null}, \"list\": [{\"t\": true}], "
                              "\"empty\": [], \"none\": {}}");
    assert_string_equal(block,
                        "{\n  \"z\": [1, 2],\n  \"a\": {\n    \"x\": 0.1,\n    \"y\": null\n  },\n"
                        "  \"list\": [\n    {\n      \"t\": true\n    }\n  ],\n  \"empty\": [],\n  \"none\": {}\n}");
    qea_free(line);
    qea_free(block);
    json_decref(value);
}

/* jansson reads what we wrote: every byte below 0x80, text beyond ASCII, extreme numbers. */
static void json_reads_back_as_the_same_value(void **state) {
    (void)state;
    json_t *value = json_array();
    for (char c = 1; c > 0 && c < 127; c++) json_array_append_new(value, json_stringn(&c, 1));
    json_array_append_new(value, json_string("\x7f \"quoted\\\" \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
    json_array_append_new(value, json_integer(INT64_MIN));
    json_array_append_new(value, json_real(1.0 / 3));
    json_array_append_new(value, json_pack("{s:s}", "a \"key\"\n", "v"));
    for (int indent = 0; indent < 5; indent += 4) {
        char *text = json_text(value, indent);
        json_t *back = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(back);
        assert_true(json_equal(value, back));
        json_decref(back);
        qea_free(text);
    }
    json_decref(value);
}

static void json_strings_with_zero_bytes_are_escaped(void **state) {
    (void)state;
    json_t *value = json_stringn("a\0b", 3);
    char *text = json_text(value, 0);
    assert_string_equal(text, "\"a\\u0000b\"");
    qea_free(text);
    json_decref(value);
}

static void the_nearest_name_is_found_if_it_is_near(void **state) {
    (void)state;
    static const char *const names[] = {"epochs", "batch_size", "optimizer", "lr_scheduler", "seed"};
    assert_string_equal(qea_nearest_name("epoch", names, 5), "epochs");
    assert_string_equal(qea_nearest_name("epcohs", names, 5), "epochs"); /* a swap costs 1 */
    assert_string_equal(qea_nearest_name("optimiser", names, 5), "optimizer");
    assert_string_equal(qea_nearest_name("lr_schduler", names, 5), "lr_scheduler");
    assert_string_equal(qea_nearest_name("seed", names, 5), "seed");
    assert_null(qea_nearest_name("momentum", names, 5));
    assert_string_equal(qea_nearest_name("sxyd", names, 5), "seed"); /* 2 of 4 letters are still near */
    assert_null(qea_nearest_name("sxyz", names, 5));
    assert_null(qea_nearest_name("seed", names, 0));
    assert_string_equal(qea_nearest_name("SEED", names, 5), "seed"); /* capitals cost nothing */
    assert_string_equal(qea_nearest_name("Optimiser", names, 5), "optimizer");
    static const char *const cases[] = {"sgd", "SGD"};
    assert_string_equal(qea_nearest_name("SGD", cases, 2), "SGD"); /* the same word before one in other letters */
    static const char *const options[] = {"--task_id", "--data", "--data_path"};
    assert_string_equal(qea_nearest_name("--task", options, 3), "--task_id");
    static const char *const keys[] = {"data_path", "train_portion", "batch_size"};
    assert_string_equal(qea_nearest_name("path", keys, 3), "data_path");
    assert_string_equal(qea_nearest_name("--data_", options, 3), "--data");
    assert_null(qea_nearest_name("--", options, 3)); /* begins three of them */
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_null(qea_nearest_name(longer, names, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_appended_in_order),
        cmocka_unit_test(an_empty_text_is_an_empty_string),
        cmocka_unit_test(long_texts_grow),
        cmocka_unit_test(a_lost_piece_is_told_at_the_end),
        cmocka_unit_test(a_taken_text_belongs_to_the_taker_and_a_lost_one_leaves_nothing),
        cmocka_unit_test(doubles_read_back_bit_for_bit),
        cmocka_unit_test(doubles_have_no_digit_too_many),
        cmocka_unit_test(known_doubles_look_as_people_write_them),
        cmocka_unit_test(numbers_in_usual_forms_are_parsed),
        cmocka_unit_test(what_is_not_a_number_is_refused),
        cmocka_unit_test(integers_are_parsed_whole_and_within_range),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(json_keeps_order_and_is_laid_out_as_promised),
        cmocka_unit_test(json_reads_back_as_the_same_value),
        cmocka_unit_test(json_strings_with_zero_bytes_are_escaped),
        cmocka_unit_test(the_nearest_name_is_found_if_it_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
