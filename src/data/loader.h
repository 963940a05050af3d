/* data/loader.h: batches of float images, augmented, prepared in the background. */
#ifndef QEA_DATA_LOADER_H
#define QEA_DATA_LOADER_H

#include <stdbool.h>

#include "quantea/dataset.h"

enum { QEA_MAX_CHANNELS = 4 };

/* What happens to an image, in this order: crop, flip, x/255, (x - mean[c]) / std[c]. */
typedef struct qea_transforms {
    int crop_padding;    /* 0: no crop; else zero-pad by this on each side and crop height x width at a random place
                            (the padding is black before the normalisation, as torchvision's RandomCrop) */
    bool flip;           /* horizontal, probability 1/2 */
    float mean[QEA_MAX_CHANNELS], std[QEA_MAX_CHANNELS]; /* std > 0 */
} qea_transforms;

typedef struct qea_loader_config {
    const qea_dataset *dataset; /* borrowed */
    size_t first, count;        /* images first .. first+count-1 in file order */
    int batch;                  /* images per batch, > 0 */
    bool shuffle;               /* order of an epoch = permutation(seed, SHUFFLE, 0, epoch) */
    bool drop_last;             /* training: a last smaller batch is left out (unless it is the only one) */
    qea_transforms transforms;
    uint64_t seed;              /* crops and flips = f(seed, AUGMENT, 0, epoch, image index) */
    int depth;                  /* batches prepared ahead, >= 1; 0: prepared in the caller's thread */
} qea_loader_config;

typedef struct qea_batch {
    const float *images;   /* [batch][H][W][C], owned by the loader; the rows behind `count` are zero */
    const int32_t *labels; /* [batch]; -1 behind count */
    int count;
} qea_batch;

typedef struct qea_loader qea_loader;
QEA_MUST_USE qea_status qea_loader_create(qea_context *ctx, const qea_loader_config *config, qea_loader **out);
void qea_loader_destroy(qea_loader *loader);
size_t qea_loader_batches(const qea_loader *loader); /* per epoch */
/* Starts an epoch (a running one is ended). */
QEA_MUST_USE qea_status qea_loader_start(qea_context *ctx, qea_loader *loader, uint32_t epoch);
/* *batch is valid until the next call; false at the end of the epoch. Nothing is allocated. */
bool qea_loader_next(qea_loader *loader, qea_batch *batch);

#endif
