/* data/transforms.h: what happens to an image between the data set and the network. */
#ifndef QEA_DATA_TRANSFORMS_H
#define QEA_DATA_TRANSFORMS_H

#include <stdbool.h>

#include "base/rng.h"
#include "quantea/dataset.h"

enum { QEA_MAX_CHANNELS = 4, QEA_MAX_CROP_PADDING = 1024 };

/* What happens to an image, in this order: crop, flip, x/255, (x - mean[c]) / std[c]. */
typedef struct qea_transforms {
    int crop_padding; /* 0: no crop; else zero-pad by this on each side and crop height x width at a random place
                         (the padding is black before the normalisation, as torchvision's RandomCrop); at most
                         QEA_MAX_CROP_PADDING */
    bool flip;        /* horizontal, probability 1/2 */
    float mean[QEA_MAX_CHANNELS], std[QEA_MAX_CHANNELS]; /* std > 0 */
} qea_transforms;

/* The transforms that a data set's type is trained with unless others are configured. QEA_ERR_CONFIG: unknown type. */
QEA_MUST_USE qea_status qea_transforms_default(qea_context *ctx, const char *type, qea_transforms *out);

/* The same scaling and normalisation without crop and flip: for validation and test. */
qea_transforms qea_transforms_evaluation(const qea_transforms *training);

/* QEA_ERR_CONFIG where a value is out of its range for images of `channels` channels. */
QEA_MUST_USE qea_status qea_transforms_check(qea_context *ctx, const qea_transforms *transforms, int channels);

/* value[c][p] = (p/255 - mean[c]) / std[c], computed in float32 in this order. */
typedef struct qea_pixel_table {
    float value[QEA_MAX_CHANNELS][256];
} qea_pixel_table;
void qea_pixel_table_fill(qea_pixel_table *table, const qea_transforms *transforms, int channels);

/* Where the crop begins, in the padded image, and whether the image is mirrored. */
typedef struct qea_placement {
    int top, left; /* 0 .. 2*crop_padding; crop_padding is the middle */
    bool flip;
} qea_placement;

/* f(stream, index of the image): values 3*index, 3*index + 1, 3*index + 2 of the stream give top, left and flip. */
qea_placement qea_transforms_draw(const qea_transforms *transforms, const qea_rng *rng, uint64_t index);

/* in [height][width][channels] uint8 -> out, the same shape, float32; they do not overlap. */
void qea_transforms_apply(const qea_pixel_table *table, int crop_padding, qea_placement placement, int height,
                          int width, int channels, const uint8_t *in, float *out);

#endif
