/* How far a run is, as characters: the same for the same progress, whatever the terminal's size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/format.h"
#include "cli/screen.h"

/* accuracy, flops */
static const double values[6][2] = {{0.5, 1}, {0.75, 3}, {0.9, 9}, {0.6, 5}, {0.7, 9}, {0.55, 1.5}};
static const qea_study_objective objectives[2] = {{"accuracy", true, 0.9, ""}, {"flops", false, 1, "M"}};
static const qea_study_point points[6] = {{1, values[0], true, true},  {2, values[1], true, false},
                                          {3, values[2], true, false}, {4, values[3], false, false},
                                          {5, values[4], false, true}, {6, values[5], true, false}};

static qea_study_progress example(void) {
    return (qea_study_progress){.event = QEA_STUDY_PROGRESS,
                                .task_folder = "./tasks/first",
                                .step = "nas",
                                .generation = 2,
                                .done = 6,
                                .failed = 1,
                                .running = 2,
                                .total = 20,
                                .objectives = objectives,
                                .num_objectives = 2,
                                .points = points,
                                .num_points = 6,
                                .hypervolume = 0.8125,
                                .images_per_s = 1234.4,
                                .elapsed_s = 65,
                                .eta_s = 3725};
}

static void assert_screen(int width, int height, bool utf8, bool colour, const qea_study_progress *progress,
                          const char *wanted) {
    static char text[QEA_SCREEN_TEXT];
    int columns[QEA_SCREEN_ROWS];
    const qea_screen screen = {width, height, utf8, colour};
    (void)qea_screen_draw(&screen, progress, text, columns);
    if (strcmp(text, wanted) != 0) fail_msg("%d x %d:\n%s\n--- instead of\n%s", width, height, text, wanted);
}

static void a_wide_terminal_shows_everything(void **state) {
    (void)state;
    const qea_study_progress progress = example();
    assert_screen(80, 15, false, false, &progress,
                  "first  search  generation 2\n"
                  "[#################---------------------------------] 35 %\n"
                  "6/20 done  1 failed  2 running  1234 images/s  elapsed 1:05  left 1:02:05\n"
                  "best  accuracy 90.00 %  flops 1M  hypervolume 0.812\n"
                  "accuracy over flops  @ 1 uniform on the front  * 3 front  o 1 uniform\n"
                  ". 1 trial\n"
                  "90.00 % |                                                                   *\n"
                  "        |\n"
                  "        |                 *\n"
                  "        |                                                                   o\n"
                  "        |    *                             .\n"
                  "50.00 % |@\n"
                  "        +--------------------------------------------------------------------\n"
                  "         1M                                                                9M");
}

static void a_narrow_terminal_breaks_lines_between_items(void **state) {
    (void)state;
    const qea_study_progress progress = example();
    assert_screen(30, 24, false, false, &progress,
                  "first  search  generation 2\n"
                  "[#######-------------] 35 %\n"
                  "6/20 done  1 failed\n"
                  "2 running  1234 images/s\n"
                  "elapsed 1:05  left 1:02:05\n"
                  "best  accuracy 90.00 %\n"
                  "flops 1M  hypervolume 0.812\n"
                  "accuracy over flops\n"
                  "@ 1 uniform on the front\n"
                  "* 3 front  o 1 uniform\n"
                  ". 1 trial\n"
                  "90.00 % |                 *\n"
                  "        |\n"
                  "        |\n"
                  "        |    *\n"
                  "        |\n"
                  "        |                 o\n"
                  "        |\n"
                  "        |         .\n"
                  "        | *\n"
                  "50.00 % |@\n"
                  "        +------------------\n"
                  "         1M              9M");
    assert_screen(20, 40, false, false, &progress,
                  "first  search\n"
                  "generation 2\n"
                  "[###-------] 35 %\n"
                  "6/20 done\n"
                  "1 failed\n"
                  "2 running\n"
                  "1234 images/s\n"
                  "elapsed 1:05\n"
                  "left 1:02:05\n"
                  "best\n"
                  "accuracy 90.00 %\n"
                  "flops 1M\n"
                  "hypervolume 0.812");
}

static void a_low_terminal_keeps_the_counts_longest(void **state) {
    (void)state;
    const qea_study_progress progress = example();
    assert_screen(60, 6, false, false, &progress,
                  "first  search  generation 2\n"
                  "[#################---------------------------------] 35 %\n"
                  "6/20 done  1 failed  2 running  1234 images/s\n"
                  "elapsed 1:05  left 1:02:05\n"
                  "best  accuracy 90.00 %  flops 1M  hypervolume 0.812");
    assert_screen(60, 4, false, false, &progress,
                  "[#################---------------------------------] 35 %\n"
                  "6/20 done  1 failed  2 running  1234 images/s\n"
                  "elapsed 1:05  left 1:02:05");
    assert_screen(60, 2, false, false, &progress, "6/20 done  1 failed  2 running  1234 images/s");
    assert_screen(60, 1, false, false, &progress, "6/20 done  1 failed  2 running  1234 images/s");
}

static void utf8_and_colours_change_marks_and_nothing_else(void **state) {
    (void)state;
    const qea_study_progress progress = example();
    assert_screen(44, 19, true, false, &progress,
                  "first  search  generation 2\n"
                  "[███████████░░░░░░░░░░░░░░░░░░░░░░░] 35 %\n"
                  "6/20 done  1 failed  2 running\n"
                  "1234 images/s  elapsed 1:05  left 1:02:05\n"
                  "best  accuracy 90.00 %  flops 1M\n"
                  "hypervolume 0.812\n"
                  "accuracy over flops\n"
                  "■ 1 uniform on the front  ● 3 front\n"
                  "□ 1 uniform  · 1 trial\n"
                  "90.00 % │                               ●\n"
                  "        │\n"
                  "        │        ●\n"
                  "        │                               □\n"
                  "        │\n"
                  "        │  ●             ·\n"
                  "50.00 % │■\n"
                  "        └────────────────────────────────\n"
                  "         1M                            9M");
    assert_screen(
        60, 6, false, true, &progress,
        "\033[1mfirst\033[0m  search  generation 2\n"
        "\033[2m[\033[0m\033[32m#################\033[0m\033[2m---------------------------------]\033[0m 35 %\n"
        "6/20 done  \033[31m1 failed\033[0m  2 running  1234 images/s\n"
        "elapsed 1:05  left 1:02:05\n"
        "best  accuracy 90.00 %  flops 1M  hypervolume 0.812");
}

/* Takes out the sequences that set colours; counts characters of UTF-8 as one. Returns the columns of the longest line.
 */
static int strip(char *text) {
    int longest = 0, columns = 0;
    char *to = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\033') {
            at += strcspn(at, "m");
            continue;
        }
        *to++ = *at;
        columns = *at == '\n' ? 0 : columns + (((unsigned char)*at & 0xc0) != 0x80);
        if (columns > longest) longest = columns;
    }
    *to = '\0';
    return longest;
}

static void at_every_size_nothing_reaches_over_the_edge(void **state) {
    (void)state;
    static char text[QEA_SCREEN_TEXT], coloured[QEA_SCREEN_TEXT];
    int columns[QEA_SCREEN_ROWS], again[QEA_SCREEN_ROWS];
    const qea_study_progress progress = example();
    for (int width = 1; width <= 200; width += width < 40 ? 1 : 7)
        for (int height = 1; height <= 60; height++) {
            const qea_screen plain = {width, height, height % 2 == 0, false},
                             colour = {width, height, height % 2 == 0, true};
            int rows = qea_screen_draw(&plain, &progress, text, columns);
            assert_true(rows >= 1 && rows <= (height > 1 ? height - 1 : 1));
            assert_int_equal(qea_screen_draw(&colour, &progress, coloured, again), rows);
            assert_memory_equal(columns, again, (size_t)rows * sizeof *columns);
            int longest = 0, lines = 1;
            for (int i = 0; i < rows; i++) longest = columns[i] > longest ? columns[i] : longest;
            for (const char *at = text; *at != '\0'; at++) {
                lines += *at == '\n';
                if (!plain.utf8) assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
            }
            assert_int_equal(lines, rows);
            assert_true(longest <= (width > 3 ? width - 3 : 1));
            assert_int_equal(strip(coloured), longest);
            assert_string_equal(text, coloured);
        }
}

static void what_is_not_known_is_not_shown(void **state) {
    (void)state;
    qea_study_progress progress = example();
    const qea_study_objective none[2] = {{"accuracy", true, NAN, ""}, {"flops", false, NAN, "M"}};
    progress.step = "fully_train";
    progress.generation = progress.num_points = progress.done = progress.failed = 0;
    progress.objectives = none;
    progress.hypervolume = progress.eta_s = progress.elapsed_s = NAN;
    progress.images_per_s = 0;
    assert_screen(40, 24, false, false, &progress,
                  "first  full training\n[-------------------------------] 0 %\n0/20 done  0 failed  2 running");
    progress.total = 0;
    assert_screen(40, 3, false, false, &progress, "0/0 done  0 failed  2 running");
}

static void a_name_of_any_bytes_stays_in_its_columns(void **state) {
    (void)state;
    qea_study_progress progress = example();
    progress.num_points = 0;
    progress.event = QEA_STUDY_STATE;
    progress.condition = QEA_STUDY_STOPPED;
    progress.task_folder = "a/\033[31m\xc3\xa9\xff\xe6\x97\xa5\t";
    progress.text = "no space";
    assert_screen(70, 2, true, false, &progress, "6/20 done  1 failed  2 running  1234 images/s  elapsed 1:05");
    static char drawn[QEA_SCREEN_TEXT];
    int columns[QEA_SCREEN_ROWS];
    const qea_screen screen = {70, 9, true, false};
    (void)qea_screen_draw(&screen, &progress, drawn, columns);
    assert_int_equal(strncmp(drawn, "?[31m\xc3\xa9???  search  generation 2  stopped  no space\n", 52), 0);
    assert_int_equal(columns[0], 50);
}

static void numbers_are_short(void **state) {
    (void)state;
    char text[QEA_SHORT_TEXT];
    static const struct {
        double value;
        const char *wanted;
    } cases[] = {{0, "0"},       {1.23456, "1.235"}, {9999, "9999"},      {9999.6, "10k"},   {1234567, "1235k"},
                 {1.5e7, "15M"}, {2.5e12, "2500G"},  {-12345, "-12.35k"}, {0.0001, "0.0001"}};
    const qea_study_objective bops = {"bops", false, 0, ""}, flops = {"flops", false, 0, "M"},
                              params = {"params", false, 0, "k"}, bytes = {"weight_bytes", false, 0, "B"},
                              accuracy = {"accuracy", true, 0, ""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(qea_format_objective(&bops, cases[i].value, text), cases[i].wanted);
    assert_string_equal(qea_format_objective(&flops, 0.6341, text), "0.6341M");
    assert_string_equal(qea_format_objective(&flops, 0.0064321, text), "6.432k");
    assert_string_equal(qea_format_objective(&flops, 12345, text), "12.35G");
    assert_string_equal(qea_format_objective(&params, 3.122, text), "3.122k");
    assert_string_equal(qea_format_objective(&bytes, 9540, text), "9540B");
    assert_string_equal(qea_format_objective(&bytes, 76290, text), "76.29kB");
    assert_string_equal(qea_format_objective(&accuracy, 0.98765, text), "98.77 %");
    assert_string_equal(qea_format_objective(&accuracy, NAN, text), "-");
    assert_string_equal(qea_format_duration(59.6, text), "1:00");
    assert_string_equal(qea_format_duration(3600, text), "1:00:00");
    assert_string_equal(qea_format_duration(INFINITY, text), "-");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_terminal_shows_everything),
        cmocka_unit_test(a_narrow_terminal_breaks_lines_between_items),
        cmocka_unit_test(a_low_terminal_keeps_the_counts_longest),
        cmocka_unit_test(utf8_and_colours_change_marks_and_nothing_else),
        cmocka_unit_test(at_every_size_nothing_reaches_over_the_edge),
        cmocka_unit_test(what_is_not_known_is_not_shown),
        cmocka_unit_test(a_name_of_any_bytes_stays_in_its_columns),
        cmocka_unit_test(numbers_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
