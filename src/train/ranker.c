/* train/ranker.c: what a network is worth without training it: statistics of batch normalisation from some training
 * images, accuracy from the validation images. One plan does both. */
#include "base/error.h"
#include "base/memory.h"
#include "train/training.h"

/* Images of a batch at most: what passes from layer to layer should stay in the caches. */
enum { MOST_BATCH = 32 };

struct qea_ranker {
    qea_evaluator validation;
    qea_loader *estimation; /* owned */
};

/* The first `images` in the order that the seed gives, the same ones each time, read where they are needed. */
static qea_loader_config choose(const qea_loader_config *from, size_t images, uint64_t seed, int batch) {
    qea_loader_config config = qea_plain_loader(from);
    config.batch = batch;
    config.most = images;
    config.shuffle = images < config.count;
    config.seed = seed;
    config.depth = 0;
    return config;
}

static qea_status prepare(qea_context *ctx, qea_model *model, const qea_ranker_options *o, qea_ranker *ranker) {
    const qea_loader_config *train = o->train, *validation = o->validation;
    size_t images = o->images < train->count ? o->images : train->count;
    if (images == 0 || validation->batch < 1)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%zu images for statistics in batches of %d, allowed: 1 or more of each",
                        images, validation->batch);
    QEA_TRY(qea_check_data(ctx, model->graph, train->dataset));
    size_t most = validation->batch < MOST_BATCH ? (size_t)validation->batch : MOST_BATCH;
    int batch = (int)(images / ((images + most - 1) / most));
    size_t judged = o->validation_images > 0 ? o->validation_images : validation->count;
    qea_loader_config estimated = choose(train, images, train->seed, batch);
    estimated.drop_last = estimated.shuffle = true; /* a batch is normalised by itself: it must not be of one class */
    QEA_TRY(qea_loader_create(ctx, &estimated, &ranker->estimation));
    qea_loader_config judging = choose(validation, judged, train->seed, batch);
    return qea_evaluator_create(ctx, model, o->kernels, o->precision, &judging, &ranker->validation);
}

qea_status qea_ranker_create(qea_context *ctx, qea_model *model, const qea_ranker_options *options, qea_ranker **out) {
    qea_ranker *ranker;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "ranker", ranker, 1));
    qea_status status = prepare(ctx, model, options, ranker);
    if (status == QEA_OK)
        *out = ranker;
    else
        qea_ranker_destroy(ranker);
    return status;
}

void qea_ranker_destroy(qea_ranker *ranker) {
    if (!ranker) return;
    qea_evaluator_free(&ranker->validation);
    qea_loader_destroy(ranker->estimation);
    qea_free(ranker);
}

size_t qea_ranker_bytes(const qea_ranker *ranker) { return qea_plan_bytes(ranker->validation.plan); }

qea_status qea_ranker_run(qea_context *ctx, qea_ranker *ranker, qea_eval_result *result) {
    qea_plan *plan = ranker->validation.plan;
    qea_batch batch;
    QEA_TRY(qea_plan_refresh(ctx, plan));
    QEA_TRY(qea_loader_start(ctx, ranker->estimation, 0));
    qea_plan_estimate_begin(plan);
    while (qea_loader_next(ranker->estimation, &batch)) QEA_TRY(qea_plan_estimate_batch(ctx, plan, batch.images));
    qea_plan_estimate_end(plan);
    return qea_evaluator_run(ctx, &ranker->validation, result);
}
