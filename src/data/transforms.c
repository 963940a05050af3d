#include "data/transforms.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"

qea_transforms qea_transforms_evaluation(const qea_transforms *training) {
    qea_transforms transforms = *training;
    transforms.crop_padding = 0;
    transforms.flip = false;
    return transforms;
}

qea_status qea_transforms_check(qea_context *ctx, const qea_transforms *transforms, int channels) {
    if (channels < 1 || channels > QEA_MAX_CHANNELS)
        return qea_fail(ctx, QEA_ERR_CONFIG, "transforms: images with %d channels; 1 to %d are possible", channels,
                        QEA_MAX_CHANNELS);
    if (transforms->crop_padding < 0 || transforms->crop_padding > QEA_MAX_CROP_PADDING)
        return qea_fail(ctx, QEA_ERR_CONFIG, "transforms: crop padding is %d; 0 to %d are possible",
                        transforms->crop_padding, QEA_MAX_CROP_PADDING);
    for (int c = 0; c < channels; c++) {
        if (!isfinite(transforms->mean[c]))
            return qea_fail(ctx, QEA_ERR_CONFIG, "transforms: mean of channel %d is not a finite number", c);
        if (!isfinite(transforms->std[c]) || !(transforms->std[c] > 0))
            return qea_fail(ctx, QEA_ERR_CONFIG, "transforms: std of channel %d is not a positive number", c);
    }
    return QEA_OK;
}

void qea_pixel_table_fill(qea_pixel_table *table, const qea_transforms *transforms, int channels) {
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < 256; p++)
            table->value[c][p] = ((float)p / 255.0f - transforms->mean[c]) / transforms->std[c];
}

qea_placement qea_transforms_draw(const qea_transforms *transforms, const qea_rng *rng, uint64_t index) {
    int padding = transforms->crop_padding;
    qea_placement placement = {padding, padding, false};
    if (padding > 0) {
        uint32_t places = 2 * (uint32_t)padding + 1;
        placement.top = (int)qea_rng_below(rng, 3 * index, places);
        placement.left = (int)qea_rng_below(rng, 3 * index + 1, places);
    }
    if (transforms->flip) placement.flip = qea_rng_below(rng, 3 * index + 2, 2) == 1;
    return placement;
}

static void fill_black(const qea_pixel_table *table, int channels, int count, float *out) {
    for (int x = 0; x < count; x++)
        for (int c = 0; c < channels; c++) out[x * channels + c] = table->value[c][0];
}

/* `count` pixels from `in`, walking by +1 or (mirrored) -1 pixels. The cases are the same loop with a constant channel
 * count, which the compiler then unrolls: this is where a data loader's time goes. */
static inline void copy_pixels(const qea_pixel_table *table, int channels, int count, bool mirrored, const uint8_t *in,
                               float *out) {
    if (mirrored) {
        for (int x = 0; x < count; x++)
            for (int c = 0; c < channels; c++)
                out[x * channels + c] = table->value[c][in[(count - 1 - x) * channels + c]];
    } else {
        for (int x = 0; x < count; x++)
            for (int c = 0; c < channels; c++) out[x * channels + c] = table->value[c][in[x * channels + c]];
    }
}

static void copy_row(const qea_pixel_table *table, int channels, int count, bool mirrored, const uint8_t *in,
                     float *out) {
    switch (channels) {
    case 1:
        copy_pixels(table, 1, count, mirrored, in, out);
        break;
    case 3:
        copy_pixels(table, 3, count, mirrored, in, out);
        break;
    default:
        copy_pixels(table, channels, count, mirrored, in, out);
        break;
    }
}

void qea_transforms_apply(const qea_pixel_table *table, int crop_padding, qea_placement placement, int height,
                          int width, int channels, const uint8_t *in, float *out) {
    /* Output pixel (y, x) before the flip is input pixel (y + dy, x + dx), black where that lies outside. */
    int dy = placement.top - crop_padding, dx = placement.left - crop_padding;
    int begin = dx < 0 ? -dx : 0, end = dx > 0 ? width - dx : width;
    if (begin > width) begin = width;
    if (end < begin) end = begin;
    int left = placement.flip ? width - end : begin; /* black pixels on the left of the output */
    int inside = end - begin;
    for (int y = 0; y < height; y++) {
        float *row = out + (size_t)y * (size_t)width * (size_t)channels;
        int from = y + dy;
        if (from < 0 || from >= height || inside == 0) {
            fill_black(table, channels, width, row);
            continue;
        }
        const uint8_t *source = in + ((size_t)from * (size_t)width + (size_t)(begin + dx)) * (size_t)channels;
        fill_black(table, channels, left, row);
        copy_row(table, channels, inside, placement.flip, source, row + (ptrdiff_t)left * channels);
        fill_black(table, channels, width - left - inside, row + (ptrdiff_t)(left + inside) * channels);
    }
}
