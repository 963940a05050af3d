#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/readers.h"

/* Output i = sum over t < taps of weight[i][t] * input[first[i] + t]. */
typedef struct resize_filter {
    int taps;
    int *first;    /* owned, [out] */
    float *weight; /* owned, [out][taps]; each row sums to 1 */
} resize_filter;

static void free_filter(resize_filter *filter) {
    qea_free(filter->first);
    qea_free(filter->weight);
}

/* Pixel centres at +0.5; a triangle of half-width max(1, in/out) input pixels around each output's centre, cut at the
 * borders and normalised. */
static qea_status make_filter(qea_context *ctx, int in, int out, resize_filter *filter) {
    double ratio = (double)in / out, support = ratio > 1 ? ratio : 1;
    filter->taps = (int)ceil(2 * support) + 1;
    if (filter->taps > in) filter->taps = in;
    QEA_TRY(QEA_NEW(ctx, "resize filter", filter->first, (size_t)out));
    QEA_TRY(QEA_NEW(ctx, "resize filter", filter->weight, (size_t)out * (size_t)filter->taps));
    for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * ratio, sum = 0;
        int first = (int)floor(centre - support);
        if (first > in - filter->taps) first = in - filter->taps;
        if (first < 0) first = 0;
        float *weight = filter->weight + (size_t)i * (size_t)filter->taps;
        for (int t = 0; t < filter->taps; t++) sum += fmax(0, 1 - fabs(first + t + 0.5 - centre) / support);
        for (int t = 0; t < filter->taps; t++)
            weight[t] = (float)(fmax(0, 1 - fabs(first + t + 0.5 - centre) / support) / sum);
        filter->first[i] = first;
    }
    return QEA_OK;
}

/* in [height][width][channels] -> out [height][out_width][channels] */
static void resize_rows(const resize_filter *filter, const qea_image *in, int out_width, float *out) {
    size_t channels = (size_t)in->channels;
    for (int y = 0; y < in->height; y++) {
        const uint8_t *row = in->pixels + (size_t)y * (size_t)in->width * channels;
        for (int x = 0; x < out_width; x++, out += channels) {
            const uint8_t *from = row + (size_t)filter->first[x] * channels;
            const float *weight = filter->weight + (size_t)x * (size_t)filter->taps;
            for (size_t c = 0; c < channels; c++) {
                float sum = 0;
                for (int t = 0; t < filter->taps; t++) sum += weight[t] * (float)from[(size_t)t * channels + c];
                out[c] = sum;
            }
        }
    }
}

/* in [.][row] -> out [out_height][row], rounded to the nearest */
static void resize_columns(const resize_filter *filter, const float *in, size_t row, int out_height, float *sums,
                           uint8_t *out) {
    for (int y = 0; y < out_height; y++, out += row) {
        const float *weight = filter->weight + (size_t)y * (size_t)filter->taps;
        memset(sums, 0, row * sizeof *sums);
        for (int t = 0; t < filter->taps; t++) {
            const float *from = in + (size_t)(filter->first[y] + t) * row;
            for (size_t i = 0; i < row; i++) sums[i] += weight[t] * from[i];
        }
        for (size_t i = 0; i < row; i++) out[i] = (uint8_t)(fminf(fmaxf(sums[i], 0), 255) + 0.5f);
    }
}

qea_status qea_image_resize(qea_context *ctx, const qea_image *in, int height, int width, uint8_t *out) {
    size_t row = (size_t)width * (size_t)in->channels, rows = (size_t)in->height;
    if (in->height == height && in->width == width) {
        memcpy(out, in->pixels, rows * row);
        return QEA_OK;
    }
    resize_filter horizontal = {0}, vertical = {0};
    float *middle = NULL; /* [in->height][row], and one row of sums behind */
    qea_status status = make_filter(ctx, in->width, width, &horizontal);
    if (status == QEA_OK) status = make_filter(ctx, in->height, height, &vertical);
    if (status == QEA_OK) status = QEA_NEW(ctx, "resized image", middle, (rows + 1) * row);
    if (status == QEA_OK) {
        resize_rows(&horizontal, in, width, middle);
        resize_columns(&vertical, middle, row, height, middle + rows * row, out);
    }
    qea_free(middle);
    free_filter(&horizontal);
    free_filter(&vertical);
    return status;
}
