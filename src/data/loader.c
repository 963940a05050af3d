#include "data/loader.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct slot {
    float *images;   /* owned, [batch][H][W][C] */
    int32_t *labels; /* owned, [batch] */
    int count;
} slot;

/* Batch n of an epoch lies in slot n % slot_count. The consumer holds one slot while it reads, so there is one more
 * than `depth`. With a thread, what stands behind `mutex` is read and written under it; `order`, `augment` and the
 * slots are not: order and augment change only while the thread is idle, and a slot belongs to the thread until its
 * batch is counted in `produced`, from then on to the consumer until it is counted in `released`. */
struct qea_loader {
    qea_loader_config config;
    qea_pixel_table table;
    uint32_t *order;   /* owned, [count]; NULL unless shuffled */
    qea_rng augment;   /* of the current epoch */
    size_t image_size; /* H*W*C */
    size_t images;     /* per epoch */
    size_t batches;    /* per epoch */
    slot *slots;       /* owned, [slot_count] */
    size_t slot_count;
    bool has_thread, has_locks;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;  /* the thread may have something to do */
    pthread_cond_t ready; /* a batch is ready, or the thread is idle */
    bool running, busy, stop;
    size_t produced; /* batches of this epoch that are ready */
    size_t taken;    /* of which were handed out */
    size_t released; /* of which were given back */
};

static void fill_slot(const qea_loader *loader, size_t batch_index, slot *out) {
    const qea_loader_config *config = &loader->config;
    const qea_dataset *data = config->dataset;
    size_t batch = (size_t)config->batch, begin = batch_index * batch, count = loader->images - begin;
    if (count > batch) count = batch;
    for (size_t i = 0; i < count; i++) {
        size_t place = loader->order ? loader->order[begin + i] : begin + i;
        size_t index = config->first + place;
        qea_placement placement = qea_transforms_draw(&config->transforms, &loader->augment, index);
        qea_transforms_apply(&loader->table, config->transforms.crop_padding, placement, data->height, data->width,
                             data->channels, data->pixels + index * loader->image_size,
                             out->images + i * loader->image_size);
        out->labels[i] = data->labels[index];
    }
    memset(out->images + count * loader->image_size, 0, (batch - count) * loader->image_size * sizeof(float));
    for (size_t i = count; i < batch; i++) out->labels[i] = -1;
    out->count = (int)count;
}

static void *prepare_batches(void *argument) {
    qea_loader *loader = argument;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->stop) {
        bool room = loader->produced - loader->released < loader->slot_count;
        if (!loader->running || loader->produced == loader->batches || !room) {
            pthread_cond_wait(&loader->work, &loader->mutex);
            continue;
        }
        size_t next = loader->produced;
        loader->busy = true;
        pthread_mutex_unlock(&loader->mutex);
        fill_slot(loader, next, &loader->slots[next % loader->slot_count]);
        pthread_mutex_lock(&loader->mutex);
        loader->busy = false;
        loader->produced++; /* if a new epoch waits for this batch to end, it starts counting anew */
        pthread_cond_signal(&loader->ready);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

static qea_status check_config(qea_context *ctx, const qea_loader_config *config) {
    const qea_dataset *data = config->dataset;
    if (config->batch < 1) return qea_fail(ctx, QEA_ERR_CONFIG, "loader: batch size is %d; at least 1", config->batch);
    if (config->depth < 0 || config->depth > QEA_MAX_LOADER_DEPTH)
        return qea_fail(ctx, QEA_ERR_CONFIG, "loader: depth is %d; 0 to %d are possible", config->depth,
                        QEA_MAX_LOADER_DEPTH);
    if (config->count < 1 || config->first > data->count || config->count > data->count - config->first)
        return qea_fail(ctx, QEA_ERR_CONFIG, "loader: %zu images from image %zu on, of a data set of %zu",
                        config->count, config->first, data->count);
    if (config->count > UINT32_MAX)
        return qea_fail(ctx, QEA_ERR_CONFIG, "loader: %zu images; at most %u", config->count, UINT32_MAX);
    return qea_transforms_check(ctx, &config->transforms, data->channels);
}

static void count_batches(qea_loader *loader) {
    const qea_loader_config *config = &loader->config;
    loader->images = config->most > 0 && config->most < config->count ? config->most : config->count;
    size_t batch = (size_t)config->batch, whole = loader->images / batch;
    bool rest = loader->images % batch != 0;
    loader->batches = whole + (rest && (!config->drop_last || whole == 0) ? 1 : 0);
}

static qea_status allocate(qea_context *ctx, qea_loader *loader) {
    size_t batch = (size_t)loader->config.batch, floats;
    if (!qea_size_mul(batch, loader->image_size, &floats))
        return qea_fail(ctx, QEA_ERR_MEMORY, "loader: a batch of %zu images is too large", batch);
    loader->slot_count = (size_t)loader->config.depth + 1;
    QEA_TRY(QEA_NEW(ctx, "loader slots", loader->slots, loader->slot_count));
    for (size_t s = 0; s < loader->slot_count; s++) {
        QEA_TRY(QEA_NEW(ctx, "batch images", loader->slots[s].images, floats));
        QEA_TRY(QEA_NEW(ctx, "batch labels", loader->slots[s].labels, batch));
    }
    if (loader->config.shuffle) QEA_TRY(QEA_NEW(ctx, "order of images", loader->order, loader->config.count));
    return QEA_OK;
}

static qea_status start_thread(qea_context *ctx, qea_loader *loader) {
    if (pthread_mutex_init(&loader->mutex, NULL) != 0) return qea_fail(ctx, QEA_ERR_MEMORY, "loader: no mutex");
    if (pthread_cond_init(&loader->work, NULL) != 0 || pthread_cond_init(&loader->ready, NULL) != 0) {
        pthread_mutex_destroy(&loader->mutex);
        return qea_fail(ctx, QEA_ERR_MEMORY, "loader: no condition variable");
    }
    loader->has_locks = true;
    /* Signals are for the caller's threads: Ctrl-C must not be delivered here. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    loader->has_thread = pthread_create(&loader->thread, NULL, prepare_batches, loader) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!loader->has_thread) return qea_fail(ctx, QEA_ERR_MEMORY, "loader: the system gives no thread");
    return QEA_OK;
}

qea_status qea_loader_create(qea_context *ctx, const qea_loader_config *config, qea_loader **out) {
    *out = NULL;
    QEA_TRY(check_config(ctx, config));
    qea_loader *loader = NULL;
    QEA_TRY(QEA_NEW(ctx, "loader", loader, 1));
    const qea_dataset *data = config->dataset;
    loader->config = *config;
    loader->image_size = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    count_batches(loader);
    qea_pixel_table_fill(&loader->table, &config->transforms, data->channels);
    qea_status status = allocate(ctx, loader);
    if (status == QEA_OK && config->depth > 0) status = start_thread(ctx, loader);
    if (status != QEA_OK) {
        qea_loader_destroy(loader);
        return status;
    }
    *out = loader;
    return QEA_OK;
}

void qea_loader_destroy(qea_loader *loader) {
    if (!loader) return;
    if (loader->has_thread) {
        pthread_mutex_lock(&loader->mutex);
        loader->stop = true;
        pthread_cond_signal(&loader->work);
        pthread_mutex_unlock(&loader->mutex);
        pthread_join(loader->thread, NULL);
    }
    if (loader->has_locks) {
        pthread_cond_destroy(&loader->work);
        pthread_cond_destroy(&loader->ready);
        pthread_mutex_destroy(&loader->mutex);
    }
    for (size_t s = 0; loader->slots && s < loader->slot_count; s++) {
        qea_free(loader->slots[s].images);
        qea_free(loader->slots[s].labels);
    }
    qea_free(loader->slots);
    qea_free(loader->order);
    qea_free(loader);
}

size_t qea_loader_batches(const qea_loader *loader) { return loader->batches; }

static void set_epoch(qea_loader *loader, uint32_t epoch) {
    const qea_loader_config *config = &loader->config;
    loader->augment = qea_rng_make(config->seed, QEA_RNG_AUGMENT, 0, epoch);
    if (loader->order) {
        qea_rng shuffle = qea_rng_make(config->seed, QEA_RNG_SHUFFLE, 0, epoch);
        qea_rng_permutation(&shuffle, (uint32_t)config->count, loader->order);
    }
    loader->produced = loader->taken = loader->released = 0;
}

qea_status qea_loader_start(qea_context *ctx, qea_loader *loader, uint32_t epoch) {
    (void)ctx; /* nothing fails today; a loader that reads from disk would */
    if (!loader->has_thread) {
        set_epoch(loader, epoch);
        loader->running = true;
        return QEA_OK;
    }
    pthread_mutex_lock(&loader->mutex);
    loader->running = false;
    while (loader->busy) pthread_cond_wait(&loader->ready, &loader->mutex);
    set_epoch(loader, epoch);
    loader->running = true;
    pthread_cond_signal(&loader->work);
    pthread_mutex_unlock(&loader->mutex);
    return QEA_OK;
}

/* The slot of the next batch, or NULL at the end of the epoch. */
static const slot *take_slot(qea_loader *loader) {
    loader->released = loader->taken;
    if (!loader->running || loader->taken == loader->batches) return NULL;
    if (loader->has_thread) {
        pthread_cond_signal(&loader->work);
        while (loader->produced == loader->taken) pthread_cond_wait(&loader->ready, &loader->mutex);
    } else {
        fill_slot(loader, loader->taken, &loader->slots[0]);
    }
    return &loader->slots[loader->taken++ % loader->slot_count];
}

bool qea_loader_next(qea_loader *loader, qea_batch *batch) {
    if (loader->has_thread) pthread_mutex_lock(&loader->mutex);
    const slot *taken = take_slot(loader);
    if (loader->has_thread) pthread_mutex_unlock(&loader->mutex);
    if (!taken) return false;
    *batch = (qea_batch){taken->images, taken->labels, taken->count};
    return true;
}
