/* Any bytes as a safetensors file: no crash, and every tensor that is offered lies within the file. */
#include <stdint.h>
#include <stdlib.h>

#include "base/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    qea_st_file *file;
    volatile uint8_t sink = 0;
    if (qea_st_parse(NULL, "input", data, size, &file) != QEA_OK) return 0;
    for (size_t i = 0; i < file->count; i++) {
        const qea_st_tensor *tensor = &file->tensors[i];
        if (qea_st_find(file, tensor->name) != tensor) abort();
        for (size_t j = 0; j < tensor->bytes; j++) sink = (uint8_t)(sink ^ tensor->data[j]);
    }
    qea_st_destroy(file);
    return 0;
}
