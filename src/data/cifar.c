/* CIFAR-10 and CIFAR-100: which files make a part, in the binary layout or in the pickles that torchvision uses. */
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/readers.h"

enum { MAX_FILES = 6 };

/* A larger pickle is none: the pixels of 50,000 images in the most wasteful protocol (0, written by Python 2: four
 * bytes each), with file names and labels. */
#define PICKLE_MAX_BYTES(records) ((size_t)(records) * (4 * QEA_CIFAR_PIXELS + 1024) + 65536)

typedef struct cifar_layout {
    const char *folder;
    const char *train[MAX_FILES]; /* NULL-terminated, in file order */
    const char *test[2];
    bool pickled;
} cifar_layout;

typedef struct cifar_type {
    qea_cifar_format format; /* records: of a training file */
    size_t test_records;
    cifar_layout layouts[2];
} cifar_type;

static const cifar_type cifar10 = {
    {"CIFAR-10", 10, qea_cifar10_names, 10000, 1, 0, "labels"},
    10000,
    {{"cifar-10-batches-bin",
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      {"test_batch.bin"},
      false},
     {"cifar-10-batches-py",
      {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"},
      {"test_batch"},
      true}}};

static const cifar_type cifar100 = {
    {"CIFAR-100", 100, qea_cifar100_names, 50000, 2, 20, "fine_labels"},
    10000,
    {{"cifar-100-binary", {"train.bin"}, {"test.bin"}, false}, {"cifar-100-python", {"train"}, {"test"}, true}}};

static qea_status read_file(qea_context *ctx, const char *path, const cifar_layout *layout,
                            const qea_cifar_format *format, size_t first, qea_dataset *out) {
    uint8_t *bytes = NULL;
    qea_status status;
    if (layout->pickled) {
        size_t size = 0;
        QEA_TRY(qea_file_read(ctx, path, PICKLE_MAX_BYTES(format->records), &bytes, &size));
        status = qea_cifar_pickle_decode(ctx, path, bytes, size, format, first, out);
    } else {
        size_t size = format->records * ((size_t)format->label_bytes + QEA_CIFAR_PIXELS);
        QEA_TRY(qea_data_read_exact(ctx, path, size, "a file of this name", &bytes));
        status = qea_cifar_binary_decode(ctx, path, bytes, size, format, first, out);
    }
    qea_free(bytes);
    return status;
}

static qea_status read_files(qea_context *ctx, const char *folder, const cifar_layout *layout, const char *const *files,
                             const qea_cifar_format *format, qea_dataset *out) {
    for (size_t f = 0; files[f]; f++) {
        char *path = NULL;
        QEA_TRY(qea_path_join(ctx, folder, files[f], &path));
        qea_status status = read_file(ctx, path, layout, format, f * format->records, out);
        qea_free(path);
        QEA_TRY(status);
    }
    return QEA_OK;
}

static qea_status load_layout(qea_context *ctx, const cifar_type *type, const cifar_layout *layout, const char *folder,
                              qea_dataset_part part, qea_dataset **out) {
    qea_cifar_format format = type->format;
    if (part == QEA_PART_TEST) format.records = type->test_records;
    const char *const *files = part == QEA_PART_TEST ? layout->test : layout->train;
    size_t count = 0;
    while (files[count]) count++;
    qea_dataset *dataset = NULL;
    QEA_TRY(qea_dataset_create(ctx, folder, count * format.records, 32, 32, 3, format.num_classes, &dataset));
    qea_status status = read_files(ctx, folder, layout, files, &format, dataset);
    if (status == QEA_OK) status = qea_dataset_set_names(ctx, dataset, format.class_names);
    if (status != QEA_OK) {
        qea_dataset_destroy(dataset);
        return status;
    }
    *out = dataset;
    return QEA_OK;
}

/* Any file of a layout shows that it is the one that is meant: one that is missing is then named. */
static void list_files(const cifar_layout *layout, const char **files) {
    for (size_t f = 0; layout->train[f]; f++) *files++ = layout->train[f];
    *files++ = layout->test[0];
    *files = NULL;
}

static qea_status load_cifar(qea_context *ctx, const cifar_type *type, const char *path, qea_dataset_part part,
                             qea_dataset **out) {
    const char *files[MAX_FILES + 2];
    if (part == QEA_PART_VAL) return QEA_OK;
    for (size_t l = 0; l < 2; l++) {
        const cifar_layout *layout = &type->layouts[l];
        const char *const subfolders[] = {layout->folder, NULL};
        char *folder = NULL;
        list_files(layout, files);
        QEA_TRY(qea_data_find_folder(ctx, path, subfolders, files, &folder));
        if (!folder) continue;
        qea_status status = load_layout(ctx, type, layout, folder, part, out);
        qea_free(folder);
        return status;
    }
    char expected[256];
    const char *const any[] = {type->layouts[0].train[0], type->layouts[1].train[0], NULL};
    (void)snprintf(expected, sizeof expected, "no %s here: neither %s nor %s in it or in a folder %s or %s",
                   type->format.title, any[0], any[1], type->layouts[0].folder, type->layouts[1].folder);
    return qea_data_fail_layout(ctx, path, any, expected);
}

qea_status qea_load_cifar10(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                            qea_dataset **out) {
    return load_cifar(ctx, &cifar10, source->path, part, out);
}

qea_status qea_load_cifar100(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                             qea_dataset **out) {
    return load_cifar(ctx, &cifar100, source->path, part, out);
}
