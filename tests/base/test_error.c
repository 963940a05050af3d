#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"

static void a_new_context_has_an_empty_message(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    assert_non_null(ctx);
    assert_string_equal(qea_context_message(ctx), "");
    qea_context_destroy(ctx);
    qea_context_destroy(NULL);
}

static void a_failure_keeps_its_text_and_returns_its_status(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    assert_int_equal(qea_fail(ctx, QEA_ERR_DATA, "%s: byte %d", "a.bin", 7), QEA_ERR_DATA);
    assert_string_equal(qea_context_message(ctx), "a.bin: byte 7");
    assert_int_equal(qea_fail_prefix(ctx, QEA_ERR_IO, "reading %d files", 2), QEA_ERR_IO);
    assert_string_equal(qea_context_message(ctx), "reading 2 files: a.bin: byte 7");
    qea_context_destroy(ctx);
}

static void a_prefix_without_earlier_text_stands_alone(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    assert_int_equal(qea_fail_prefix(ctx, QEA_ERR_IO, "reading"), QEA_ERR_IO);
    assert_string_equal(qea_context_message(ctx), "reading");
    qea_context_destroy(ctx);
}

static void the_old_message_may_be_an_argument_of_the_new_one(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    assert_int_equal(qea_fail(ctx, QEA_ERR_DATA, "inner"), QEA_ERR_DATA);
    assert_int_equal(qea_fail(ctx, QEA_ERR_DATA, "outer (%s)", qea_context_message(ctx)), QEA_ERR_DATA);
    assert_string_equal(qea_context_message(ctx), "outer (inner)");
    qea_context_destroy(ctx);
}

static void long_messages_are_cut_at_2047_bytes(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(qea_fail(ctx, QEA_ERR_DATA, "%s", text), QEA_ERR_DATA);
    assert_int_equal(strlen(qea_context_message(ctx)), 2047);
    assert_int_equal(qea_fail_prefix(ctx, QEA_ERR_DATA, "front"), QEA_ERR_DATA);
    assert_int_equal(strlen(qea_context_message(ctx)), 2047);
    assert_memory_equal(qea_context_message(ctx), "front: xx", 9);
    qea_context_destroy(ctx);
}

static void no_context_is_allowed_everywhere(void **state) {
    (void)state;
    assert_int_equal(qea_fail(NULL, QEA_ERR_DATA, "dropped"), QEA_ERR_DATA);
    assert_int_equal(qea_fail_prefix(NULL, QEA_ERR_DATA, "dropped"), QEA_ERR_DATA);
    qea_log(NULL, QEA_LOG_INFO, "dropped");
    assert_string_equal(qea_context_message(NULL), "");
}

typedef struct log_record {
    int calls;
    qea_log_level level;
    char text[64];
} log_record;

static void keep_log(void *user, qea_log_level level, const char *text) {
    log_record *record = user;
    record->calls++;
    record->level = level;
    strncpy(record->text, text, sizeof record->text - 1);
}

static void log_lines_reach_the_callback_as_one_line(void **state) {
    (void)state;
    log_record record = {0};
    qea_context *ctx = qea_context_create();
    qea_log(ctx, QEA_LOG_INFO, "nobody listens yet");
    qea_context_set_log(ctx, keep_log, &record);
    qea_log(ctx, QEA_LOG_WARNING, "two\nlines %d", 5);
    assert_int_equal(record.calls, 1);
    assert_int_equal(record.level, QEA_LOG_WARNING);
    assert_string_equal(record.text, "two lines 5");
    assert_string_equal(qea_context_message(ctx), "");
    qea_context_set_log(ctx, NULL, NULL);
    qea_log(ctx, QEA_LOG_INFO, "silence again");
    assert_int_equal(record.calls, 1);
    qea_context_destroy(ctx);
}

static void every_status_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int i = QEA_OK; i <= QEA_ERR_INTERRUPTED; i++) {
        assert_string_not_equal(qea_status_name((qea_status)i), "unknown");
        for (int j = QEA_OK; j < i; j++)
            assert_string_not_equal(qea_status_name((qea_status)i), qea_status_name((qea_status)j));
    }
    assert_string_equal(qea_status_name((qea_status)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_context_has_an_empty_message),
        cmocka_unit_test(a_failure_keeps_its_text_and_returns_its_status),
        cmocka_unit_test(a_prefix_without_earlier_text_stands_alone),
        cmocka_unit_test(the_old_message_may_be_an_argument_of_the_new_one),
        cmocka_unit_test(long_messages_are_cut_at_2047_bytes),
        cmocka_unit_test(no_context_is_allowed_everywhere),
        cmocka_unit_test(log_lines_reach_the_callback_as_one_line),
        cmocka_unit_test(every_status_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
