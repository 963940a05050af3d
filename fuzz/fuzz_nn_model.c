/* A model from any bytes: refused, or whole. */
#include <stdlib.h>

#include "base/safetensors.h"
#include "nn/model_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    qea_st_file *file;
    qea_graph *graph;
    qea_model *model;
    if (qea_st_parse(NULL, "fuzz", bytes, size, &file) != QEA_OK) return 0;
    if (qea_model_from_file(NULL, file, &graph, &model) == QEA_OK) {
        if (model->num_params != file->count || qea_graph_num_quantized(graph) > size) abort();
        qea_model_destroy(model);
        qea_graph_destroy(graph);
    }
    qea_st_destroy(file);
    return 0;
}
