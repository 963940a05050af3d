#include <stdbool.h>
#include <zlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/readers.h"
#include "data/transforms.h"

static qea_status check_shape(qea_context *ctx, const char *name, size_t count, int height, int width, int channels,
                              int num_classes) {
    if (count < 1 || count > INT32_MAX)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: %zu images; 1 to %d are possible", name, count, INT32_MAX);
    if (height < 1 || width < 1 || height > QEA_DATA_MAX_SIDE || width > QEA_DATA_MAX_SIDE)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: images of %d x %d; 1 to %d are possible for each side", name, height,
                        width, QEA_DATA_MAX_SIDE);
    if (channels < 1 || channels > QEA_MAX_CHANNELS)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: images with %d channels; 1 to %d are possible", name, channels,
                        QEA_MAX_CHANNELS);
    if (num_classes < 1 || num_classes > QEA_DATA_MAX_CLASSES)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: %d classes; 1 to %d are possible", name, num_classes,
                        QEA_DATA_MAX_CLASSES);
    return QEA_OK;
}

qea_status qea_dataset_create(qea_context *ctx, const char *name, size_t count, int height, int width, int channels,
                              int num_classes, qea_dataset **out) {
    *out = NULL;
    QEA_TRY(check_shape(ctx, name, count, height, width, channels, num_classes));
    size_t image, bytes; /* the image cannot overflow: 2^14 * 2^14 * 4 */
    image = (size_t)height * (size_t)width * (size_t)channels;
    if (!qea_size_mul(count, image, &bytes) || bytes > QEA_DATA_MAX_BYTES)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: %zu images of %d x %d x %d are more than %zu bytes", name, count,
                        height, width, channels, QEA_DATA_MAX_BYTES);
    qea_dataset *dataset = NULL;
    QEA_TRY(QEA_NEW(ctx, "data set", dataset, 1));
    dataset->count = count;
    dataset->height = height;
    dataset->width = width;
    dataset->channels = channels;
    dataset->num_classes = num_classes;
    qea_status status = QEA_NEW(ctx, "pixels", dataset->pixels, bytes);
    if (status == QEA_OK) status = QEA_NEW(ctx, "labels", dataset->labels, count);
    if (status != QEA_OK) {
        qea_dataset_destroy(dataset);
        return status;
    }
    *out = dataset;
    return QEA_OK;
}

void qea_dataset_destroy(qea_dataset *dataset) {
    if (!dataset) return;
    for (int c = 0; dataset->class_names && c < dataset->num_classes; c++) qea_free(dataset->class_names[c]);
    qea_free(dataset->class_names);
    qea_free(dataset->pixels);
    qea_free(dataset->labels);
    qea_free(dataset);
}

qea_status qea_dataset_set_names(qea_context *ctx, qea_dataset *dataset, const char *const *names) {
    QEA_TRY(QEA_NEW(ctx, "class names", dataset->class_names, (size_t)dataset->num_classes));
    for (int c = 0; c < dataset->num_classes; c++) QEA_TRY(qea_strdup(ctx, names[c], &dataset->class_names[c]));
    return QEA_OK;
}

uint32_t qea_dataset_checksum(const qea_dataset *dataset, uint32_t before) {
    const uint64_t shape[] = {dataset->count, (uint64_t)dataset->height, (uint64_t)dataset->width,
                              (uint64_t)dataset->channels, (uint64_t)dataset->num_classes};
    const size_t values = dataset->count * (size_t)(dataset->height * dataset->width * dataset->channels);
    uLong crc = crc32_z(before, (const Bytef *)shape, sizeof shape);
    crc = crc32_z(crc, (const Bytef *)dataset->labels, dataset->count * sizeof *dataset->labels);
    return (uint32_t)crc32_z(crc, dataset->pixels, values);
}

qea_status qea_data_read_exact(qea_context *ctx, const char *path, size_t size, const char *what, uint8_t **bytes) {
    size_t found = 0;
    *bytes = NULL;
    /* Somewhat larger files are read, too, for a message that says where the surplus begins. */
    QEA_TRY(qea_file_read(ctx, path, 2 * size, bytes, &found));
    if (found == size) return QEA_OK;
    qea_free(*bytes);
    *bytes = NULL;
    if (found < size)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: truncated: ends at byte %zu, but %s has %zu bytes", path, found, what,
                        size);
    return qea_fail(ctx, QEA_ERR_DATA, "%s: oversized: %zu bytes follow byte %zu, where %s ends", path, found - size,
                    size, what);
}
