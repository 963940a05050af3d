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
    uint8_t *pixels; /* owned, [count][height][width][channels], 0..255 */
    int32_t *labels; /* owned, [count], 0..num_classes-1 */
    size_t count;
    int height, width, channels; /* channels 1..4 */
    int num_classes;
    char **class_names; /* owned, [num_classes], NULL where the format has none */
} qea_dataset;

typedef enum qea_dataset_part { QEA_PART_TRAIN, QEA_PART_VAL, QEA_PART_TEST } qea_dataset_part;

/* The types, and what `path` must be (in each case the folder that holds the files, or its parent):
 *   Cifar10       cifar-10-batches-bin (binary layout) or cifar-10-batches-py (pickles)
 *   Cifar100      cifar-100-binary or cifar-100-python; the labels are the fine ones
 *   Mnist         train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., each plain or .gz; MNIST/raw or mnist
 *   FashionMnist  the same names; FashionMNIST/raw or fashion-mnist
 *   ImageFolder   train/CLASS/IMAGE with test/ and perhaps val/ beside train/; or CLASS/IMAGE. PNG or JPEG; names that
 *                 begin with a dot are ignored. Labels are the sorted names of the training classes.
 *   Arrays        train.safetensors, test.safetensors and perhaps val.safetensors, each with x U8 [N,H,W,C] and y [N]
 * of an integer type; num_classes is 1 + the largest label in train.safetensors. Images stand in the order of the
 * files. Those of ImageFolder are mixed (by the seed) so that every stretch of the order has the classes in their
 * shares; of Arrays the order is the user's, and train_portion cuts it. */
typedef struct qea_dataset_source {
    const char *type; /* one of the names above; borrowed */
    const char *path; /* borrowed */
    int image_size;   /* ImageFolder: resized to image_size x image_size whatever the shape; 0 = the first image's size
                         must hold for all */
    int channels;     /* ImageFolder: 1 or 3; 0 = 3 */
    double test_portion; /* ImageFolder without test folder: this share of each class, at least one image and never all,
                            becomes the test part, 0..0.9; 0: there is no test part, which is an error if asked for */
    uint64_t seed;       /* of that split and of the order */
} qea_dataset_source;

/* The names of the types, NULL-terminated. */
QEA_API const char *const *qea_dataset_types(void);

/* Reads one part whole; *out is owned by the caller, NULL on failure. QEA_ERR_DATA with path and offset for anything
 * missing, truncated, oversized or mislabelled; QEA_ERR_CONFIG for an unknown type or a source out of range.
 * QEA_PART_VAL exists only where the format has a val folder or file of its own: otherwise *out = NULL and QEA_OK. */
QEA_API QEA_MUST_USE qea_status qea_dataset_load(qea_context *ctx, const qea_dataset_source *source,
                                                 qea_dataset_part part, qea_dataset **out);
QEA_API void qea_dataset_destroy(qea_dataset *dataset); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
