/* quantea/dataset.h: labelled images in memory. */
#ifndef QUANTEA_DATASET_H
#define QUANTEA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qea_dataset {
    uint8_t *pixels;  /* owned, [count][height][width][channels], 0..255 */
    int32_t *labels;  /* owned, [count], 0..num_classes-1 */
    size_t count;
    int height, width, channels;
    int num_classes;
    char **class_names; /* owned, [num_classes], NULL where the format has none */
} qea_dataset;

typedef enum qea_dataset_part { QEA_PART_TRAIN, QEA_PART_VAL, QEA_PART_TEST } qea_dataset_part;

typedef struct qea_dataset_source {
    const char *type; /* "Cifar10", "Cifar100", "Mnist", "FashionMnist", "ImageFolder", "Arrays"; borrowed */
    const char *path; /* folder (or its parent); borrowed */
    int image_size;   /* ImageFolder: resized to image_size x image_size; 0 = the first image's size must hold for all */
    int channels;     /* ImageFolder: 1 or 3; 0 = 3 */
    double test_portion; /* ImageFolder without test folder: this share of each class becomes the test part, 0..0.9 */
    uint64_t seed;       /* of that split */
} qea_dataset_source;

/* The names of the types, NULL-terminated. */
QEA_API const char *const *qea_dataset_types(void);

/* Reads one part whole. QEA_ERR_DATA with path and offset for anything missing, truncated, oversized or mislabelled.
 * QEA_PART_VAL exists only where the format has a val folder or file of its own: otherwise *out = NULL and QEA_OK. */
QEA_API QEA_MUST_USE qea_status qea_dataset_load(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                                 qea_dataset **out);
QEA_API void qea_dataset_destroy(qea_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
