/* data/loader.h: batches of transformed images, shuffled, prepared in the background. */
#ifndef QEA_DATA_LOADER_H
#define QEA_DATA_LOADER_H

#include <stdbool.h>

#include "data/transforms.h"
#include "quantea/dataset.h"

enum { QEA_MAX_LOADER_DEPTH = 64 };

typedef struct qea_loader_config {
    const qea_dataset *dataset; /* borrowed */
    size_t first, count;        /* images first .. first+count-1 in file order; count > 0 */
    int batch;                  /* images per batch, > 0 */
    bool shuffle;               /* order of an epoch = permutation(seed, SHUFFLE, 0, epoch) */
    size_t most;                /* an epoch is the first so many of its order; 0 or more than count: all */
    bool drop_last;             /* training: a last smaller batch is left out (unless it is the only one) */
    qea_transforms transforms;
    uint64_t seed; /* crops and flips = f(seed, AUGMENT, 0, epoch, image index in the data set) */
    int depth;     /* batches prepared ahead, 1 .. QEA_MAX_LOADER_DEPTH; 0: prepared in the caller's thread */
} qea_loader_config;

typedef struct qea_batch {
    const float *images;   /* [batch][H][W][C], owned by the loader; the rows behind `count` are zero */
    const int32_t *labels; /* [batch]; -1 behind count */
    int count;
} qea_batch;

typedef struct qea_loader qea_loader;

/* Checks the configuration (QEA_ERR_CONFIG) and allocates everything that is ever needed: depth + 1 batches. */
QEA_MUST_USE qea_status qea_loader_create(qea_context *ctx, const qea_loader_config *config, qea_loader **out);
void qea_loader_destroy(qea_loader *loader);         /* NULL is allowed */
size_t qea_loader_batches(const qea_loader *loader); /* per epoch */
/* Starts an epoch (a running one is ended). */
QEA_MUST_USE qea_status qea_loader_start(qea_context *ctx, qea_loader *loader, uint32_t epoch);
/* *batch is valid until the next call; false at the end of the epoch. Nothing is allocated. The batches do not depend
 * on `depth` or on timing. */
bool qea_loader_next(qea_loader *loader, qea_batch *batch);

#endif
