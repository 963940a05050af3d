/* docs/config.md is what the table of keys says. With QEA_UPDATE_DOCS=1 in the environment the file is written anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "quantea/inspect.h"

#define DOCUMENT "docs/config.md" /* tests run in the root of the repository */

static void the_document_is_up_to_date(void **state) {
    (void)state;
    qea_context *ctx = qea_context_create();
    char *made = NULL;
    uint8_t *there = NULL;
    size_t size = 0;
    assert_int_equal(qea_study_config_document(ctx, &made), QEA_OK);
    if (getenv("QEA_UPDATE_DOCS") != NULL) assert_int_equal(qea_file_write(ctx, DOCUMENT, made, strlen(made)), QEA_OK);
    if (qea_file_read(ctx, DOCUMENT, 1 << 20, &there, &size) != QEA_OK) fail_msg("%s", qea_context_message(ctx));
    if (strcmp((char *)there, made) != 0)
        fail_msg(DOCUMENT " is not what src/study/config_keys.c says: run this test with QEA_UPDATE_DOCS=1");
    qea_free(there);
    qea_free(made);
    qea_context_destroy(ctx);
}

static void keys_that_hold_a_value_are_told_with_their_choices(void **state) {
    (void)state;
    const char *path, *choices;
    size_t found = 0, count = 0;
    for (; (path = qea_study_config_key(count, &choices)) != NULL; count++) {
        assert_null(strchr(path, '<'));
        if (strcmp(path, "general.precision") == 0) {
            assert_string_equal(choices, "auto|f32|bf16");
            found++;
        }
        if (strcmp(path, "*.trainer.epochs") == 0) {
            assert_null(choices);
            found++;
        }
        /* sections, keys without effect, refused ones */
        assert_string_not_equal(path, "general.task");
        assert_string_not_equal(path, "general.backend");
        assert_string_not_equal(path, "*.trainer.mixup");
    }
    assert_int_equal(found, 2);
    assert_true(count > 40);
    assert_null(qea_study_config_key(count, &choices));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_document_is_up_to_date),
                                       cmocka_unit_test(keys_that_hold_a_value_are_told_with_their_choices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
