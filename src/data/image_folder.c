/* A folder of PNG and JPEG images, one folder for each class, in train/val/test folders or divided by test_portion. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/image_list.h"
#include "data/readers.h"

enum { MAX_FILE_BYTES = 1 << 28 };

static qea_status read_image(qea_context *ctx, const char *path, int channels, qea_image *out) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    QEA_TRY(qea_file_read(ctx, path, MAX_FILE_BYTES, &bytes, &size));
    qea_status status = qea_image_decode(ctx, path, bytes, size, channels, out);
    qea_free(bytes);
    return status;
}

/* Image i of the data set; where no size is configured, that of the first one must hold for all. */
static qea_status place_image(qea_context *ctx, const qea_dataset_source *source, const qea_image_list *list, size_t i,
                              const qea_image *image, qea_dataset *out) {
    if (source->image_size == 0 && (image->height != out->height || image->width != out->width))
        return qea_fail(ctx, QEA_ERR_DATA,
                        "%s: %d x %d pixels (height x width), but %s has %d x %d; configure image_size to resize",
                        list->entries[i].path, image->height, image->width, list->entries[0].path, out->height,
                        out->width);
    size_t image_size = (size_t)out->height * (size_t)out->width * (size_t)out->channels;
    out->labels[i] = list->entries[i].label;
    return qea_image_resize(ctx, image, out->height, out->width, out->pixels + i * image_size);
}

static qea_status read_list(qea_context *ctx, const qea_dataset_source *source, const qea_image_list *list,
                            int channels, qea_dataset **out) {
    qea_image image = {0};
    for (size_t i = 0; i < list->count; i++) {
        QEA_TRY(read_image(ctx, list->entries[i].path, channels, &image));
        int height = source->image_size ? source->image_size : image.height;
        int width = source->image_size ? source->image_size : image.width;
        qea_status status = QEA_OK;
        if (!*out)
            status = qea_dataset_create(ctx, source->path, list->count, height, width, channels, (int)list->num_classes,
                                        out);
        if (status == QEA_OK) status = place_image(ctx, source, list, i, &image, *out);
        qea_free(image.pixels);
        QEA_TRY(status);
    }
    return qea_dataset_set_names(ctx, *out, (const char *const *)list->classes);
}

static qea_status check_source(qea_context *ctx, const qea_dataset_source *source) {
    if (source->image_size < 0 || source->image_size > QEA_DATA_MAX_SIDE)
        return qea_fail(ctx, QEA_ERR_CONFIG, "data set ImageFolder: image_size is %d; 0 to %d are possible",
                        source->image_size, QEA_DATA_MAX_SIDE);
    if (source->channels != 0 && source->channels != 1 && source->channels != 3)
        return qea_fail(ctx, QEA_ERR_CONFIG, "data set ImageFolder: channels is %d; 1 and 3 are possible",
                        source->channels);
    if (!(source->test_portion >= 0 && source->test_portion <= 0.9))
        return qea_fail(ctx, QEA_ERR_CONFIG, "data set ImageFolder: test_portion is not within 0 and 0.9");
    return QEA_OK;
}

qea_status qea_load_image_folder(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                 qea_dataset **out) {
    QEA_TRY(check_source(ctx, source));
    qea_image_list list = {0};
    qea_dataset *dataset = NULL;
    qea_status status = qea_image_list_make(ctx, source, part, &list);
    if (status == QEA_OK && !list.absent)
        status = read_list(ctx, source, &list, source->channels ? source->channels : 3, &dataset);
    qea_image_list_free(&list);
    if (status != QEA_OK) {
        qea_dataset_destroy(dataset);
        return status;
    }
    *out = dataset;
    return QEA_OK;
}
