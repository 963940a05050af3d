/* train/ranker.c: what a network is worth without training it: statistics of batch normalisation from some training
 * images, accuracy from the validation images. One plan does both. */
#include "base/error.h"
#include "base/memory.h"
#include "train/training.h"

struct qea_ranker {
    qea_evaluator validation;
    qea_loader *estimation; /* owned */
    size_t batches;
};

static qea_status prepare(qea_context *ctx, qea_model *model, const qea_ranker_options *o, qea_ranker *ranker) {
    size_t images = o->images < o->train->count ? o->images : o->train->count;
    qea_loader_config validation = qea_plain_loader(o->validation), estimation = qea_plain_loader(o->train);
    if (images == 0 || validation.batch < 1)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%zu images for statistics in batches of %d, allowed: 1 or more of each",
                        images, validation.batch);
    QEA_TRY(qea_check_data(ctx, model->graph, o->train->dataset));
    size_t most = (size_t)validation.batch;
    ranker->batches = (images + most - 1) / most;
    validation.batch = estimation.batch = (int)(images / ranker->batches);
    estimation.shuffle = estimation.drop_last = true;
    QEA_TRY(qea_loader_create(ctx, &estimation, &ranker->estimation));
    return qea_evaluator_create(ctx, model, o->kernels, o->precision, &validation, &ranker->validation);
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
    for (size_t i = 0; i < ranker->batches && qea_loader_next(ranker->estimation, &batch); i++)
        QEA_TRY(qea_plan_estimate_batch(ctx, plan, batch.images));
    qea_plan_estimate_end(plan);
    return qea_evaluator_run(ctx, &ranker->validation, result);
}
