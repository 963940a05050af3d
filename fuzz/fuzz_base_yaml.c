/* Any bytes as YAML: no crash, and what is accepted is emitted so that it reads back as the same tree. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/base/yaml_equal.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    qea_yaml *root, *back;
    char *text;
    if (qea_yaml_parse(NULL, "input", (const char *)data, size, &root) != QEA_OK) return 0;
    if (qea_yaml_emit(NULL, root, &text) != QEA_OK) abort();
    if (strlen(text) <= (4u << 20)) {
        if (qea_yaml_parse(NULL, "emitted", text, strlen(text), &back) != QEA_OK) abort();
        if (!yaml_equal(root, back)) abort();
        qea_yaml_destroy(back);
    }
    qea_free(text);
    qea_yaml_destroy(root);
    return 0;
}
