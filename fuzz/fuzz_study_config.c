/* Any bytes as a configuration, those behind the first 0 byte as an override "key=value": an error or a configuration
 * whose saved tree reads back to the same one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/study/config_equal.h"
#include "base/memory.h"

static void read_back(qea_context *ctx, const qea_study_config *config) {
    qea_study_config *again = NULL;
    char *text = NULL;
    if (qea_yaml_emit(ctx, config->tree, &text) != QEA_OK) abort();
    if (qea_study_config_parse(ctx, "saved", text, strlen(text), NULL, 0, &again) != QEA_OK) abort();
    if (!configs_equal(config, again)) abort();
    qea_study_config_destroy(again);
    qea_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    size_t file_size = end != NULL ? (size_t)(end - data) : size;
    qea_context *ctx = qea_context_create();
    qea_study_config *config = NULL;
    qea_config_override override = {NULL, NULL, QEA_SET_YAML};
    char *words = calloc(1, size + 1);
    if (ctx == NULL || words == NULL) abort();
    if (end != NULL) {
        memcpy(words, end + 1, size - file_size - 1);
        char *equals = strchr(words, '=');
        if (equals != NULL) {
            *equals = '\0';
            override.key = words;
            override.value = equals + 1;
        }
    }
    if (qea_study_config_parse(ctx, "fuzz", (const char *)data, file_size, &override, override.key != NULL, &config) ==
        QEA_OK)
        read_back(ctx, config);
    else if (qea_context_message(ctx)[0] == '\0')
        abort(); /* every failure is explained */
    qea_study_config_destroy(config);
    free(words);
    qea_context_destroy(ctx);
    return 0;
}
