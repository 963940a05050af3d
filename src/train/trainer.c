/* train/trainer.c: the training loop. */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/training.h"

typedef struct epoch_sums { /* over the steps of an epoch so far */
    double loss;
    int64_t right, count;
    double start, last_report; /* seconds */
    double lr;
} epoch_sums;

/* --- setting up --- */

static qea_status check_options(qea_context *ctx, const qea_train_options *o) {
    const qea_optimizer_options *p = &o->optimizer;
    if (o->epochs < 0) return qea_fail(ctx, QEA_ERR_CONFIG, "training: %d epochs, allowed: 0 or more", o->epochs);
    if (o->train.batch < 1)
        return qea_fail(ctx, QEA_ERR_CONFIG, "training: batch %d, allowed: 1 or more", o->train.batch);
    if (o->checkpoint && o->checkpoint_epochs < 1)
        return qea_fail(ctx, QEA_ERR_CONFIG, "training: a checkpoint every %d epochs, allowed: 1 or more",
                        o->checkpoint_epochs);
    bool rates = isfinite(p->lr) && p->lr > 0 && p->weight_decay >= 0 && p->grad_clip >= 0;
    bool momentum = p->kind != QEA_SGD || (p->momentum >= 0 && p->momentum <= 1);
    bool betas = p->kind == QEA_SGD || (p->beta1 >= 0 && p->beta1 < 1 && p->beta2 >= 0 && p->beta2 < 1 && p->eps >= 0);
    if (!rates || !momentum || !betas)
        return qea_fail(
            ctx, QEA_ERR_CONFIG,
            "training: lr %g (> 0), momentum %g (0..1), weight decay %g (>= 0), gradient clipping %g (>= 0), "
            "betas %g, %g (0..1), eps %g (>= 0): one is out of range",
            p->lr, p->momentum, p->weight_decay, p->grad_clip, p->beta1, p->beta2, p->eps);
    const qea_teacher *teacher = &o->teacher;
    bool shares = teacher->temperature > 0 && teacher->weight >= 0 && teacher->weight <= 1;
    if (teacher->model && !shares)
        return qea_fail(ctx, QEA_ERR_CONFIG, "training: teacher: temperature %g (> 0), weight %g (0..1)",
                        (double)teacher->temperature, (double)teacher->weight);
    if (!(o->label_smoothing >= 0 && o->label_smoothing < 1))
        return qea_fail(ctx, QEA_ERR_CONFIG, "training: label smoothing %g, allowed: 0 to below 1",
                        (double)o->label_smoothing);
    return QEA_OK;
}

static qea_status make_best(qea_context *ctx, qea_training *t) {
    QEA_TRY(QEA_NEW(ctx, "best weights", t->best, t->model->num_params));
    for (size_t i = 0; i < t->model->num_params; i++)
        QEA_TRY(QEA_NEW(ctx, "best weights", t->best[i], t->model->params[i].count));
    return QEA_OK;
}

/* The teacher gives logits as the plan of the network does: for whole batches. */
static qea_status make_teacher(qea_context *ctx, qea_training *t, int batch) {
    const qea_train_options *o = t->options;
    qea_model *teacher = o->teacher.model;
    if (!teacher) return QEA_OK;
    QEA_TRY(qea_check_data(ctx, teacher->graph, o->train.dataset));
    if (qea_graph_num_classes(teacher->graph) != qea_graph_num_classes(t->model->graph))
        return qea_fail(ctx, QEA_ERR_CONFIG, "training: the teacher has %d classes, the network %d",
                        qea_graph_num_classes(teacher->graph), qea_graph_num_classes(t->model->graph));
    qea_plan_options plan = {.kernels = o->kernels, .batch = batch, .precision = o->precision};
    QEA_TRY(qea_plan_create(ctx, teacher, &plan, &t->teacher));
    return qea_plan_refresh(ctx, t->teacher);
}

static qea_status set_up(qea_context *ctx, qea_training *t) {
    const qea_train_options *o = t->options;
    QEA_TRY(check_options(ctx, o));
    QEA_TRY(qea_check_data(ctx, t->model->graph, o->train.dataset));
    qea_loader_config data = o->train;
    data.drop_last = true;
    if (data.count > 0 && (size_t)data.batch > data.count) data.batch = (int)data.count;
    QEA_TRY(qea_loader_create(ctx, &data, &t->loader));
    qea_plan_options plan = {.kernels = o->kernels,
                             .batch = data.batch,
                             .training = true,
                             .precision = o->precision,
                             .label_smoothing = o->label_smoothing};
    QEA_TRY(qea_plan_create(ctx, t->model, &plan, &t->plan));
    t->batch = data.batch;
    QEA_TRY(make_teacher(ctx, t, data.batch));
    if (o->draw_bits) QEA_TRY(QEA_NEW(ctx, "bits", t->bits, 2 * qea_graph_num_quantized(t->model->graph)));
    if (o->validation) {
        qea_loader_config images = qea_plain_loader(o->validation);
        QEA_TRY(qea_evaluator_create(ctx, t->model, o->kernels, o->precision, &images, &t->validation));
    }
    QEA_TRY(qea_optimizer_create(ctx, &o->optimizer, t->model, &t->optimizer));
    if (o->keep_best && o->validation) QEA_TRY(make_best(ctx, t));
    return o->checkpoint ? qea_checkpoint_load(ctx, t) : QEA_OK;
}

static void tear_down(qea_training *t) {
    qea_plan_destroy(t->plan);
    qea_plan_destroy(t->teacher);
    qea_free(t->bits);
    qea_loader_destroy(t->loader);
    qea_evaluator_free(&t->validation);
    qea_optimizer_free(&t->optimizer);
    for (size_t i = 0; t->best && i < t->model->num_params; i++) qea_free(t->best[i]);
    qea_free(t->best);
}

static size_t bytes_used(const qea_training *t) {
    size_t bytes = qea_plan_bytes(t->plan) + qea_optimizer_bytes(&t->optimizer);
    if (t->teacher) bytes += qea_plan_bytes(t->teacher);
    if (t->validation.plan) bytes += qea_plan_bytes(t->validation.plan);
    for (size_t i = 0; i < t->model->num_params; i++) {
        const qea_param *p = &t->model->params[i];
        bytes += p->count * sizeof(float) * (size_t)(1 + (p->grad != NULL) + (t->best != NULL));
    }
    return bytes;
}

/* --- one epoch --- */

static size_t steps_of_epoch(const qea_training *t) {
    size_t steps = qea_loader_batches(t->loader), most = t->options->max_steps;
    return most > 0 && most < steps ? most : steps;
}

static qea_status report(qea_context *ctx, const qea_training *t, epoch_sums *sums, size_t step, size_t steps,
                         qea_progress_fn progress, void *user) {
    double now = qea_seconds(), count = sums->count > 0 ? (double)sums->count : 1;
    bool ended = step == steps;
    if (!progress || (!ended && now - sums->last_report < 1)) return QEA_OK;
    sums->last_report = now;
    qea_epoch_report r = {.epoch = ended ? t->epochs_done - 1 : t->epochs_done,
                          .epochs = t->options->epochs,
                          .lr = sums->lr,
                          .train_loss = sums->loss / count,
                          .train_accuracy = (double)sums->right / count,
                          .val_accuracy = ended ? t->accuracy : (double)NAN,
                          .images_per_s = now > sums->start ? (double)sums->count / (now - sums->start) : 0,
                          .step = step,
                          .steps = steps};
    if (progress(user, &r)) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_INTERRUPTED, "training: stopped in epoch %d of %d", r.epoch + 1, r.epochs);
}

/* A training that a checkpoint knows: it goes on behind the epochs that are done. */
static qea_status report_return(qea_context *ctx, const qea_training *t, qea_progress_fn progress, void *user) {
    if (!progress || t->epochs_done == 0) return QEA_OK;
    const double none = (double)NAN;
    qea_epoch_report r = {.epoch = t->epochs_done,
                          .epochs = t->options->epochs,
                          .lr = none,
                          .train_loss = none,
                          .train_accuracy = none,
                          .val_accuracy = none,
                          .steps = steps_of_epoch(t)};
    if (progress(user, &r)) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_INTERRUPTED, "training: stopped behind epoch %d of %d", r.epoch, r.epochs);
}

static qea_status draw_bits(qea_context *ctx, const qea_training *t, uint64_t step) {
    if (!t->bits) return QEA_OK;
    uint8_t *weight_bits = t->bits, *activation_bits = t->bits + qea_graph_num_quantized(t->model->graph);
    t->options->draw_bits(t->options->draw_user, step, weight_bits, activation_bits);
    return qea_model_set_bits(ctx, t->model, weight_bits, activation_bits);
}

/* Forward and backward, beside a teacher where there is one. */
static qea_status run_plan(qea_context *ctx, const qea_training *t, const qea_batch *batch, qea_batch_result *result) {
    if (!t->teacher) return qea_plan_train(ctx, t->plan, batch->images, batch->labels, NULL, result);
    qea_batch_result judged;
    QEA_TRY(qea_plan_evaluate(ctx, t->teacher, batch->images, batch->labels, &judged));
    const qea_teacher *teacher = &t->options->teacher;
    qea_soft_targets soft = {qea_plan_logits(t->teacher), teacher->temperature, teacher->weight};
    return qea_plan_train(ctx, t->plan, batch->images, batch->labels, &soft, result);
}

static qea_status train_step(qea_context *ctx, qea_training *t, const qea_batch *batch, size_t step, size_t steps,
                             epoch_sums *sums) {
    const qea_train_options *o = t->options;
    qea_batch_result r;
    QEA_TRY(draw_bits(ctx, t, (uint64_t)t->epochs_done * steps + step));
    QEA_TRY(run_plan(ctx, t, batch, &r));
    if (!isfinite(r.loss))
        return qea_fail(ctx, QEA_ERR_DIVERGED, "training: the loss is %g in epoch %d, step %zu of %zu", r.loss,
                        t->epochs_done + 1, step + 1, steps);
    sums->loss += r.loss;
    sums->right += r.right;
    sums->count += r.count;
    sums->lr = qea_schedule_lr(&o->schedule, o->optimizer.lr, t->epochs_done, o->epochs, step, steps);
    if (o->optimizer.grad_clip > 0) qea_clip_gradients(t->model, o->optimizer.grad_clip);
    qea_optimizer_step(&t->optimizer, &o->optimizer, sums->lr);
    return QEA_OK;
}

static qea_status check_parameters(qea_context *ctx, const qea_training *t) {
    for (size_t i = 0; i < t->model->num_params; i++) {
        const qea_param *p = &t->model->params[i];
        for (size_t j = 0; j < p->count; j++)
            if (!qea_param_allows(p, p->value[j]))
                return qea_fail(ctx, QEA_ERR_DIVERGED, "training: %s is not finite after epoch %d", p->name,
                                t->epochs_done + 1);
    }
    return QEA_OK;
}

static qea_status validate(qea_context *ctx, qea_training *t) {
    if (!t->validation.plan) return QEA_OK;
    qea_eval_result r;
    QEA_TRY(qea_evaluator_run(ctx, &t->validation, &r));
    t->accuracy = r.accuracy;
    t->accuracy_top5 = r.accuracy_top5;
    if (!t->best || (t->best_epoch >= 0 && r.accuracy <= t->best_accuracy)) return QEA_OK;
    t->best_epoch = t->epochs_done;
    t->best_accuracy = r.accuracy;
    t->best_accuracy_top5 = r.accuracy_top5;
    for (size_t i = 0; i < t->model->num_params; i++)
        memcpy(t->best[i], t->model->params[i].value, t->model->params[i].count * sizeof(float));
    return QEA_OK;
}

/* The checkpoint of the epoch that ended is written when it is due, and when the caller asks to stop there. */
static qea_status end_epoch(qea_context *ctx, qea_training *t, epoch_sums *sums, size_t steps, qea_progress_fn progress,
                            void *user) {
    const qea_train_options *o = t->options;
    QEA_TRY(check_parameters(ctx, t));
    QEA_TRY(validate(ctx, t));
    double count = sums->count > 0 ? (double)sums->count : (double)NAN;
    t->train_loss = sums->loss / count;
    if (o->curve)
        o->curve[t->epochs_done] = (qea_epoch_point){t->train_loss, (double)sums->right / count, t->accuracy, sums->lr};
    t->epochs_done++;
    bool due = o->checkpoint && (t->epochs_done % o->checkpoint_epochs == 0 || t->epochs_done == o->epochs);
    if (due) QEA_TRY(qea_checkpoint_save(ctx, t));
    qea_status status = report(ctx, t, sums, steps, steps, progress, user);
    if (status == QEA_ERR_INTERRUPTED && o->checkpoint && !due) QEA_TRY(qea_checkpoint_save(ctx, t));
    return status;
}

static qea_status train_epoch(qea_context *ctx, qea_training *t, qea_progress_fn progress, void *user) {
    size_t steps = steps_of_epoch(t);
    double now = qea_seconds();
    epoch_sums sums = {.start = now, .last_report = now};
    QEA_TRY(qea_loader_start(ctx, t->loader, (uint32_t)t->epochs_done));
    qea_batch batch;
    for (size_t step = 0; step < steps && qea_loader_next(t->loader, &batch); step++) {
        QEA_TRY(train_step(ctx, t, &batch, step, steps, &sums));
        t->images += batch.count;
        if (step + 1 < steps) QEA_TRY(report(ctx, t, &sums, step + 1, steps, progress, user));
    }
    return end_epoch(ctx, t, &sums, steps, progress, user);
}

/* --- the run --- */

static void take_best(qea_training *t) {
    if (!t->best || t->best_epoch < 0) return;
    for (size_t i = 0; i < t->model->num_params; i++)
        memcpy(t->model->params[i].value, t->best[i], t->model->params[i].count * sizeof(float));
    t->accuracy = t->best_accuracy;
    t->accuracy_top5 = t->best_accuracy_top5;
}

qea_status qea_train(qea_context *ctx, qea_model *model, const qea_train_options *options, qea_progress_fn progress,
                     void *user, qea_train_result *result) {
    const double none = (double)NAN;
    qea_training t = {.model = model,
                      .options = options,
                      .best_epoch = -1,
                      .train_loss = none,
                      .accuracy = none,
                      .accuracy_top5 = none,
                      .best_accuracy = none,
                      .best_accuracy_top5 = none,
                      .start = qea_seconds()};
    *result = (qea_train_result){.best_epoch = -1};
    qea_status status = set_up(ctx, &t);
    if (status == QEA_OK) {
        result->first_epoch = t.epochs_done;
        result->peak_bytes = bytes_used(&t);
        result->epoch_images = steps_of_epoch(&t) * (size_t)t.batch;
    }
    if (status == QEA_OK) status = report_return(ctx, &t, progress, user);
    while (status == QEA_OK && t.epochs_done < options->epochs) status = train_epoch(ctx, &t, progress, user);
    if (status == QEA_OK) take_best(&t);
    result->epochs_done = t.epochs_done;
    result->best_epoch = t.best_epoch;
    result->train_loss = t.train_loss;
    result->val_accuracy = t.accuracy;
    result->val_accuracy_top5 = t.accuracy_top5;
    result->seconds = qea_training_seconds(&t);
    result->images = (size_t)t.images;
    tear_down(&t);
    return status;
}
