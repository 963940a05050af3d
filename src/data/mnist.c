/* MNIST and Fashion-MNIST: two IDX files for each part, plain or gzip. */
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/readers.h"

typedef struct mnist_type {
    const char *title;
    const char *const *class_names; /* 10 */
    const char *folders[3];         /* NULL-terminated */
} mnist_type;

static const mnist_type mnist = {"MNIST", qea_mnist_names, {"MNIST/raw", "mnist", NULL}};
static const mnist_type fashion = {
    "Fashion-MNIST", qea_fashion_mnist_names, {"FashionMNIST/raw", "fashion-mnist", NULL}};

enum { NUM_CLASSES = 10 };

/* folder/stem, or folder/stem.gz where the plain file is missing (and in messages when both are). */
static qea_status read_idx(qea_context *ctx, const char *folder, const char *stem, const char *zipped, int rank,
                           char **path, qea_idx *out) {
    QEA_TRY(qea_path_join(ctx, folder, stem, path));
    if (!qea_file_exists(*path)) {
        qea_free(*path);
        *path = NULL;
        QEA_TRY(qea_path_join(ctx, folder, zipped, path));
    }
    uint8_t *bytes = NULL;
    size_t size = 0;
    QEA_TRY(qea_file_read(ctx, *path, QEA_DATA_MAX_BYTES, &bytes, &size));
    qea_status status = qea_idx_decode(ctx, *path, bytes, size, rank, out);
    qea_free(bytes);
    return status;
}

static qea_status copy_labels(qea_context *ctx, const char *path, const char *title, const qea_idx *labels,
                              qea_dataset *out) {
    for (size_t i = 0; i < out->count; i++) {
        if (labels->data[i] >= NUM_CLASSES)
            return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: the label of image %zu is %d; %s has labels 0 to %d",
                            path, labels->data_offset + i, i, labels->data[i], title, NUM_CLASSES - 1);
        out->labels[i] = labels->data[i];
    }
    return QEA_OK;
}

/* Takes over images->data. */
static qea_status assemble(qea_context *ctx, const mnist_type *type, const char *const paths[2], qea_idx *images,
                           const qea_idx *labels, qea_dataset **out) {
    if (images->dims[0] != labels->dims[0])
        return qea_fail(ctx, QEA_ERR_DATA, "%s: byte 4: %zu labels, but %s has %zu images at its byte 4", paths[1],
                        labels->dims[0], paths[0], images->dims[0]);
    qea_dataset *dataset = NULL;
    QEA_TRY(qea_dataset_create(ctx, paths[0], images->dims[0], (int)images->dims[1], (int)images->dims[2], 1,
                               NUM_CLASSES, &dataset));
    qea_free(dataset->pixels);
    dataset->pixels = images->data;
    images->data = NULL;
    qea_status status = copy_labels(ctx, paths[1], type->title, labels, dataset);
    if (status == QEA_OK) status = qea_dataset_set_names(ctx, dataset, type->class_names);
    if (status != QEA_OK) {
        qea_dataset_destroy(dataset);
        return status;
    }
    *out = dataset;
    return QEA_OK;
}

static const char *const file_names[2][4] = {
    {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"},
    {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz"}};

static qea_status load_folder(qea_context *ctx, const mnist_type *type, const char *folder, qea_dataset_part part,
                              qea_dataset **out) {
    const char *const *names = file_names[part == QEA_PART_TEST];
    char *paths[2] = {NULL, NULL};
    qea_idx images = {0}, labels = {0};
    qea_status status = read_idx(ctx, folder, names[0], names[1], 3, &paths[0], &images);
    if (status == QEA_OK) status = read_idx(ctx, folder, names[2], names[3], 1, &paths[1], &labels);
    if (status == QEA_OK)
        status = assemble(ctx, type, (const char *const[2]){paths[0], paths[1]}, &images, &labels, out);
    qea_free(paths[0]);
    qea_free(paths[1]);
    qea_free(images.data);
    qea_free(labels.data);
    return status;
}

static qea_status load_mnist(qea_context *ctx, const mnist_type *type, const char *path, qea_dataset_part part,
                             qea_dataset **out) {
    if (part == QEA_PART_VAL) return QEA_OK;
    const char *files[9] = {NULL};
    for (int f = 0; f < 8; f++) files[f] = file_names[f / 4][f % 4];
    char *folder = NULL;
    QEA_TRY(qea_data_find_folder(ctx, path, type->folders, files, &folder));
    char expected[256];
    (void)snprintf(expected, sizeof expected, "no %s here: no %s[.gz] in it or in a folder %s or %s", type->title,
                   files[0], type->folders[0], type->folders[1]);
    if (!folder) return qea_data_fail_layout(ctx, path, files, expected);
    qea_status status = load_folder(ctx, type, folder, part, out);
    qea_free(folder);
    return status;
}

qea_status qea_load_mnist(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                          qea_dataset **out) {
    return load_mnist(ctx, &mnist, source->path, part, out);
}

qea_status qea_load_fashion_mnist(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                  qea_dataset **out) {
    return load_mnist(ctx, &fashion, source->path, part, out);
}
