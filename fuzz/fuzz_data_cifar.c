/* Any bytes as records of CIFAR-10 and CIFAR-100: no crash, and what is accepted has labels in range. */
#include <stdlib.h>

#include "data/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *data, size_t size, qea_cifar_format format) {
    qea_dataset *out;
    format.records = size / (QEA_CIFAR_PIXELS + 1);
    if (format.records == 0) format.records = 1;
    if (qea_dataset_create(NULL, "input", format.records, 32, 32, 3, format.num_classes, &out) != QEA_OK) abort();
    if (qea_cifar_binary_decode(NULL, "input", data, size, &format, 0, out) == QEA_OK)
        for (size_t i = 0; i < format.records; i++)
            if (out->labels[i] < 0 || out->labels[i] >= format.num_classes) abort();
    qea_dataset_destroy(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    decode(data, size, (qea_cifar_format){"CIFAR-10", 10, qea_cifar10_names, 0, 1, 0, "labels"});
    decode(data, size, (qea_cifar_format){"CIFAR-100", 100, qea_cifar100_names, 0, 2, 20, "fine_labels"});
    return 0;
}
