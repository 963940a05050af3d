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
#include "study/config.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_document_is_up_to_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
