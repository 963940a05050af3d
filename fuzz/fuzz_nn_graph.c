/* A graph from any text: refused, or one that can be written, read again to the same text, and costed. */
#include <stdlib.h>
#include <string.h>

#include "nn/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_graph(const qea_graph *g) {
    char *text, *again;
    qea_graph *copy;
    qea_cost cost;
    if (qea_graph_to_json(NULL, g, &text) != QEA_OK) abort();
    if (qea_graph_from_json(NULL, text, strlen(text), &copy) != QEA_OK) abort();
    if (qea_graph_to_json(NULL, copy, &again) != QEA_OK || strcmp(text, again) != 0) abort();
    if (qea_graph_cost(NULL, g, NULL, &cost) != QEA_OK || !(cost.activation_bytes > 0)) abort();
    qea_string_free(text);
    qea_string_free(again);
    qea_graph_destroy(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    qea_graph *g;
    if (qea_graph_from_json(NULL, (const char *)bytes, size, &g) == QEA_OK) {
        check_graph(g);
        qea_graph_destroy(g);
    }
    return 0;
}
