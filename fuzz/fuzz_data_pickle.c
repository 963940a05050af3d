/* Any bytes as a CIFAR pickle of one record: no crash, and what is accepted has a label in range. */
#include <stdlib.h>

#include "data/pickle.h"
#include "data/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const qea_cifar_format format = {"CIFAR-10", 10, qea_cifar10_names, 1, 1, 0, "labels"};
    qea_pickle *pickle;
    if (qea_pickle_parse(NULL, "input", data, size, &pickle) != QEA_OK) return 0;
    qea_pickle_destroy(pickle);
    qea_dataset *out;
    if (qea_dataset_create(NULL, "input", 1, 32, 32, 3, 10, &out) != QEA_OK) abort();
    if (qea_cifar_pickle_decode(NULL, "input", data, size, &format, 0, out) == QEA_OK)
        if (out->labels[0] < 0 || out->labels[0] > 9) abort();
    qea_dataset_destroy(out);
    return 0;
}
