/* The table of commands and options, and the parser that reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "cli/command.h"
#include "quantea/dataset.h"
#include "quantea/inspect.h"

static void an_option_is_unlike_the_others_of_its_command(void **state) {
    (void)state;
    for (size_t i = 0; i < qea_num_options; i++)
        for (size_t j = 0; j < i; j++) {
            const qea_option *a = &qea_options[i], *b = &qea_options[j];
            if ((a->commands & b->commands) == 0) continue;
            assert_string_not_equal(a->name, b->name);
            if (a->shorter != NULL && b->shorter != NULL) assert_string_not_equal(a->shorter, b->shorter);
            if (a->id == b->id && (a->key == NULL || b->key == NULL))
                fail_msg("%s and %s have the same letter", a->name, b->name);
        }
}

static void every_row_is_whole(void **state) {
    (void)state;
    unsigned all = 0;
    for (size_t i = 0; i < qea_num_commands; i++) {
        assert_int_equal(all & qea_commands[i].bit, 0);
        all |= qea_commands[i].bit;
        assert_non_null(qea_commands[i].run);
        assert_true(qea_commands[i].most >= qea_commands[i].least);
        assert_true(qea_commands[i].most == 0 || qea_commands[i].noun != NULL);
    }
    assert_int_equal(all, QEA_EVERY_COMMAND);
    for (size_t i = 0; i < qea_num_options; i++) {
        const qea_option *option = &qea_options[i];
        assert_true(option->commands != 0 && (option->commands & ~(all | QEA_ITSELF)) == 0 && option->id > 0);
        assert_true(strncmp(option->name, "--", 2) == 0 && option->help[0] != '\0');
        assert_int_equal(option->kind == QEA_VALUE_NONE, option->value == NULL);
        assert_int_equal((option->kind & QEA_VALUE_CHOICE) != 0, option->choices != NULL);
        if (option->kind == QEA_VALUE_NUMBER && option->key == NULL) assert_true(option->low < option->high);
    }
}

/* The choices of an option are what the library has. */
static void assert_choices(const char *command, const char *name, const char *const *there) {
    char joined[512] = "";
    for (; *there != NULL; there++) {
        if (joined[0] != '\0') strcat(joined, "|");
        strcat(joined, *there);
    }
    const qea_command *row = qea_command_find(command);
    for (size_t i = 0; i < qea_num_options; i++)
        if ((qea_options[i].commands & row->bit) != 0 && strcmp(qea_options[i].name, name) == 0)
            assert_string_equal(qea_options[i].choices, joined);
}

static void choices_are_what_the_library_has(void **state) {
    (void)state;
    assert_choices("run", "--dataset", qea_dataset_types());
    assert_choices("init", "--dataset", qea_dataset_types());
    assert_choices("eval", "--dataset", qea_dataset_types());
    assert_choices("init", "--network", qea_template_networks());
}

static void every_status_has_its_exit_code(void **state) {
    (void)state;
    for (int status = QEA_OK; status <= QEA_ERR_INTERRUPTED; status++) {
        size_t rows = 0;
        for (size_t i = 0; i < qea_num_exit_codes; i++) rows += qea_exit_codes[i].status == (qea_status)status;
        assert_int_equal(rows, 1);
    }
    assert_int_equal(qea_exit_code_of(QEA_ERR_CONFIG), 2); /* as include/quantea/status.h promises */
    assert_int_equal(qea_exit_code_of(QEA_ERR_DATA), 3);
    assert_int_equal(qea_exit_code_of(QEA_ERR_IO), 4);
    assert_int_equal(qea_exit_code_of(QEA_ERR_MEMORY), 5);
    assert_int_equal(qea_exit_code_of(QEA_ERR_STATE), 6);
    assert_int_equal(qea_exit_code_of(QEA_ERR_UNSUPPORTED), 7);
    assert_int_equal(qea_exit_code_of(QEA_ERR_INTERRUPTED), 130);
}

static void a_value_that_may_be_left_out_stands_behind_an_equals_sign(void **state) {
    (void)state;
    char *argv[] = {"--tensorboard", "c.yml", "--tensorboard=boards"};
    qea_arguments arguments = {.command = qea_command_find("run"), .argc = 3, .argv = argv};
    const char *value;
    assert_int_equal(qea_arguments_next(&arguments, &value), 'b');
    assert_null(value);
    assert_int_equal(qea_arguments_next(&arguments, &value), QEA_ARGUMENT_PLAIN);
    assert_int_equal(qea_arguments_next(&arguments, &value), 'b');
    assert_string_equal(value, "boards");
}

static void options_may_stand_anywhere(void **state) {
    (void)state;
    char *argv[] = {"--threads=3", "a.safetensors", "-bs", "17", "--part", "val"};
    qea_arguments arguments = {.command = qea_command_find("eval"), .argc = 6, .argv = argv};
    const char *value;
    assert_int_equal(qea_arguments_next(&arguments, &value), 't');
    assert_string_equal(value, "3");
    assert_int_equal(arguments.number, 3);
    assert_int_equal(qea_arguments_next(&arguments, &value), QEA_ARGUMENT_PLAIN);
    assert_string_equal(value, "a.safetensors");
    assert_int_equal(qea_arguments_next(&arguments, &value), 'b');
    assert_int_equal(arguments.number, 17);
    assert_int_equal(qea_arguments_next(&arguments, &value), 'P');
    assert_string_equal(value, "val");
    assert_int_equal(qea_arguments_next(&arguments, &value), QEA_ARGUMENTS_END);
}

static void behind_two_hyphens_everything_is_plain(void **state) {
    (void)state;
    char *argv[] = {"--", "--threads"};
    qea_arguments arguments = {.command = qea_command_find("eval"), .argc = 2, .argv = argv};
    const char *value;
    assert_int_equal(qea_arguments_next(&arguments, &value), QEA_ARGUMENT_PLAIN);
    assert_string_equal(value, "--threads");
}

/* What `quantea ARGUMENTS` prints on both streams, and its exit code. */
static int run(const char *arguments, char *out, size_t size) {
    char line[512];
    (void)snprintf(line, sizeof line, "%s %s 2>&1", getenv("QEA_COMMAND"), arguments);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t used = fread(out, 1, size - 1, pipe);
    out[used] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void a_slip_is_answered_with_what_was_meant(void **state) {
    (void)state;
    static const char *const slips[][2] = {
        {"rnu", "did you mean run?"},
        {"help evla", "did you mean eval?"},
        {"run c.yml --worker 2", "unknown option '--worker'; did you mean --workers?"},
        {"eval m --part tset", "--part: found 'tset'; allowed are train, val, test; did you mean test?"},
        {"init --network resnet22", "did you mean resnet20?"},
        {"eval m --images many", "--images: found 'many'; allowed are whole numbers from 1"},
        {"eval m --threads 1025", "found '1025'; allowed are whole numbers from 1 to 1024"},
        {"eval m n", "found 'n' behind 'm'; only one model file is allowed"},
        {"eval", "a model file is needed; see quantea eval --help"},
        {"doctor now", "found 'now'; only options are allowed"},
        {"run --quiet=1 c.yml", "option '--quiet' takes no value"},
        {"run c.yml --epochs", "option '--epochs' takes a value: N"},
        {"run c.yml --set epochs", "--set: found 'epochs'; allowed is KEY=VALUE"},
    };
    char out[4096];
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        assert_int_equal(run(slips[i][0], out, sizeof out), QEA_EXIT_USAGE);
        if (strstr(out, slips[i][1]) == NULL) fail_msg("quantea %s: %s", slips[i][0], out);
    }
}

static void help_names_every_option_and_exit_code(void **state) {
    (void)state;
    char out[16384], arguments[64];
    for (size_t c = 0; c < qea_num_commands; c++) {
        (void)snprintf(arguments, sizeof arguments, "%s --help", qea_commands[c].name);
        assert_int_equal(run(arguments, out, sizeof out), 0);
        for (size_t i = 0; i < qea_num_options; i++)
            if ((qea_options[i].commands & qea_commands[c].bit) != 0 && strstr(out, qea_options[i].name) == NULL)
                fail_msg("quantea %s --help does not name %s", qea_commands[c].name, qea_options[i].name);
    }
    assert_int_equal(run("--help", out, sizeof out), 0);
    for (size_t i = 0; i < qea_num_exit_codes; i++) assert_non_null(strstr(out, qea_exit_codes[i].meaning));
    for (size_t c = 0; c < qea_num_commands; c++)
        if (qea_commands[c].help != NULL) assert_non_null(strstr(out, qea_commands[c].help));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_unlike_the_others_of_its_command),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(choices_are_what_the_library_has),
        cmocka_unit_test(every_status_has_its_exit_code),
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(a_value_that_may_be_left_out_stands_behind_an_equals_sign),
        cmocka_unit_test(behind_two_hyphens_everything_is_plain),
        cmocka_unit_test(a_slip_is_answered_with_what_was_meant),
        cmocka_unit_test(help_names_every_option_and_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
