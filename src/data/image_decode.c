#include "base/error.h"
#include "base/memory.h"
#include "data/image_codecs.h"

qea_status qea_image_allocate(qea_context *ctx, const char *name, size_t width, size_t height, int channels,
                              size_t packed_bits, size_t file_size, qea_image *out) {
    if (width < 1 || height < 1 || width > QEA_DATA_MAX_SIDE || height > QEA_DATA_MAX_SIDE ||
        width * height > QEA_DATA_MAX_PIXELS)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: an image of %zu x %zu pixels; at most %d on a side and %d in all", name,
                        height, width, QEA_DATA_MAX_SIDE, QEA_DATA_MAX_PIXELS);
    if (width * height / 8 * packed_bits / QEA_DATA_MAX_DEFLATE_RATIO > file_size)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: an image of %zu x %zu pixels cannot be in a file of %zu bytes", name,
                        height, width, file_size);
    out->width = (int)width;
    out->height = (int)height;
    out->channels = channels;
    return QEA_NEW(ctx, "image", out->pixels, width * height * (size_t)channels);
}

static void grey_to_colour(const uint8_t *in, size_t count, uint8_t *out) {
    for (size_t i = 0; i < count; i++) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = in[i];
}

static void colour_to_grey(const uint8_t *in, size_t count, uint8_t *out) {
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((299 * in[3 * i] + 587 * in[3 * i + 1] + 114 * in[3 * i + 2] + 500) / 1000);
}

static qea_status convert(qea_context *ctx, int channels, qea_image *image) {
    if (image->channels == channels) return QEA_OK;
    uint8_t *pixels = NULL;
    size_t count = (size_t)image->width * (size_t)image->height;
    QEA_TRY(QEA_NEW(ctx, "image", pixels, count * (size_t)channels));
    if (channels == 3)
        grey_to_colour(image->pixels, count, pixels);
    else
        colour_to_grey(image->pixels, count, pixels);
    qea_free(image->pixels);
    image->pixels = pixels;
    image->channels = channels;
    return QEA_OK;
}

qea_status qea_image_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, int channels,
                            qea_image *out) {
    *out = (qea_image){0};
    qea_status status;
    if (size >= 4 && bytes[0] == 0x89 && bytes[1] == 'P' && bytes[2] == 'N' && bytes[3] == 'G')
        status = qea_png_decode(ctx, name, bytes, size, out);
    else if (size >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8)
        status = qea_jpeg_decode(ctx, name, bytes, size, channels, out);
    else
        status = qea_fail(ctx, QEA_ERR_DATA, "%s: byte 0: this is neither a PNG nor a JPEG image", name);
    if (status == QEA_OK) status = convert(ctx, channels, out);
    if (status != QEA_OK) {
        qea_free(out->pixels);
        *out = (qea_image){0};
    }
    return status;
}
