/* Any bytes as IDX files, plain or gzip, of images and of labels: no crash, and the values are as many as promised. */
#include <stdlib.h>

#include "base/memory.h"
#include "data/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int rank = 1; rank <= 3; rank += 2) {
        qea_idx idx;
        if (qea_idx_decode(NULL, "input", data, size, rank, &idx) != QEA_OK) continue;
        volatile uint8_t sink = 0;
        size_t promised = 1;
        for (int d = 0; d < rank; d++) promised *= idx.dims[d];
        if (promised != idx.data_size) abort();
        for (size_t i = 0; i < idx.data_size; i++) sink = (uint8_t)(sink ^ idx.data[i]);
        qea_free(idx.data);
    }
    return 0;
}
