/* bench/train/supernet.c: ResNet-20 with weights shared among bit widths: what a training step costs beside one of
 * fixed bits, and a trial of the search, which is statistics and validation alone. Images are random; their number is
 * what counts. By processor time of one thread. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "bench/train/bench.h"
#include "nn/graph.h"
#include "train/trainer.h"

enum { LAYERS = 20, GENOMES = 8, SIDE = 32, CHANNELS = 3, CLASSES = 10, MOST_STATISTICS = 2048, MOST_JUDGING = 5000 };

static const qea_widths widths = {6, {2, 3, 4, 5, 6, 8}};
static const qea_optimizer_options sgd = {.kind = QEA_SGD, .lr = 0.01, .momentum = 0.9};

static void draw_bits(qea_model *model, uint64_t genome) {
    uint8_t w[LAYERS], a[LAYERS];
    qea_rng rng = qea_rng_make(genome, QEA_RNG_TEST, 1, 0);
    for (uint32_t i = 0; i < LAYERS; i++) {
        w[i] = widths.bits[qea_rng_below(&rng, 2 * i, (uint32_t)widths.count)];
        a[i] = widths.bits[qea_rng_below(&rng, 2 * i + 1, (uint32_t)widths.count)];
    }
    bench_must(qea_model_set_bits(bench_ctx, model, w, a));
}

/* bits: of all layers; 0: a supernet, with the widths above. */
static qea_model *make_model(const qea_graph *graph, uint8_t bits) {
    uint8_t most[LAYERS];
    memset(most, bits ? bits : 8, sizeof most);
    qea_bit_policy policy = {QEA_LSQ, QEA_LSQ, LAYERS, most, most};
    qea_model *model;
    if (bits)
        bench_must(qea_model_create(bench_ctx, graph, &policy, 1, &model));
    else
        bench_must(qea_supernet_create(bench_ctx, graph, &policy, &widths, 1, &model));
    return model;
}

static qea_plan *make_plan(qea_model *model, int batch, bool training) {
    qea_plan_options options = {.kernels = bench_kernels, .batch = batch, .training = training};
    qea_plan *plan;
    bench_must(qea_plan_create(bench_ctx, model, &options, &plan));
    bench_must(qea_plan_refresh(bench_ctx, plan));
    return plan;
}

/* Random images, the training part before the validation part. */
static qea_dataset *make_images(void) {
    size_t count = MOST_STATISTICS + MOST_JUDGING, bytes = count * SIDE * SIDE * CHANNELS;
    qea_dataset *data;
    bench_must(QEA_NEW(bench_ctx, "images", data, 1));
    *data = (qea_dataset){.count = count, .height = SIDE, .width = SIDE, .channels = CHANNELS, .num_classes = CLASSES};
    bench_must(QEA_NEW(bench_ctx, "images", data->pixels, bytes));
    bench_must(QEA_NEW(bench_ctx, "labels", data->labels, count));
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    for (size_t i = 0; i < bytes; i++) data->pixels[i] = (uint8_t)qea_rng_below(&rng, i, 256);
    for (size_t i = 0; i < count; i++) data->labels[i] = (int32_t)(i % CLASSES);
    return data;
}

/* --- training --- */

/* Images per second of training steps; the first does not count: it gives LSQ's steps their values. */
static double train(const qea_graph *graph, bool supernet, bool taught, const float *images, const int32_t *labels,
                    int batch, double seconds) {
    qea_model *model = make_model(graph, supernet ? 0 : 4), *teacher = NULL;
    qea_plan *plan = make_plan(model, batch, true), *teacher_plan = NULL;
    qea_optimizer_state state;
    qea_batch_result result;
    bench_must(qea_optimizer_create(bench_ctx, &sgd, model, &state));
    if (taught) {
        bench_must(qea_model_create(bench_ctx, graph, NULL, 1, &teacher));
        teacher_plan = make_plan(teacher, batch, false);
    }
    double start = 0, spent = 0;
    int steps = -1;
    for (; steps < 2 || spent < seconds; steps++) {
        if (steps == 0) start = bench_now(true);
        if (supernet) draw_bits(model, (uint64_t)(steps + 1));
        qea_soft_targets soft = {.temperature = 4, .weight = 0.5F};
        if (taught) {
            bench_must(qea_plan_evaluate(bench_ctx, teacher_plan, images, labels, &result));
            soft.logits = qea_plan_logits(teacher_plan);
        }
        bench_must(qea_plan_train(bench_ctx, plan, images, labels, taught ? &soft : NULL, &result));
        qea_optimizer_step(&state, &sgd, sgd.lr);
        spent = bench_now(true) - start;
    }
    qea_optimizer_free(&state);
    qea_plan_destroy(plan);
    qea_plan_destroy(teacher_plan);
    qea_model_destroy(model);
    qea_model_destroy(teacher);
    return batch * steps / spent;
}

static void bench_training(const qea_graph *graph, const qea_dataset *data, int batch, double seconds, json_t *out) {
    static const struct {
        const char *name, *text;
        bool supernet, taught;
    } rows[] = {{"train_fixed", "training, w4a4", false, false},
                {"train_supernet", "training, a supernet", true, false},
                {"train_taught", "the same with a float teacher", true, true}};
    size_t count = (size_t)batch * SIDE * SIDE * CHANNELS;
    float *images;
    int32_t *labels;
    bench_must(QEA_NEW(bench_ctx, "images", images, count));
    bench_must(QEA_NEW(bench_ctx, "labels", labels, (size_t)batch));
    for (size_t i = 0; i < count; i++) images[i] = (float)data->pixels[i % 3000000] / 64.0F - 2.0F;
    for (int i = 0; i < batch; i++) labels[i] = i % CLASSES;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double rate = train(graph, rows[i].supernet, rows[i].taught, images, labels, batch, seconds);
        printf("  %-34s %9.1f images per second\n", rows[i].text, rate);
        json_object_set_new(out, rows[i].name, json_real(rate));
    }
    qea_free(images);
    qea_free(labels);
}

/* --- trials --- */

/* Gives LSQ's steps their values. */
static void begin_steps(qea_model *model, const qea_dataset *data) {
    enum { BATCH = 32 };
    qea_loader_config config = {.dataset = data, .count = BATCH, .batch = BATCH, .transforms = {.std = {1, 1, 1, 1}}};
    qea_loader *loader;
    qea_plan *plan = make_plan(model, BATCH, true);
    qea_batch batch;
    qea_batch_result result;
    bench_must(qea_loader_create(bench_ctx, &config, &loader));
    bench_must(qea_loader_start(bench_ctx, loader, 0));
    (void)qea_loader_next(loader, &batch);
    bench_must(qea_plan_train(bench_ctx, plan, batch.images, batch.labels, NULL, &result));
    qea_loader_destroy(loader);
    qea_plan_destroy(plan);
}

static void bench_trials(qea_model *model, const qea_dataset *data, size_t statistics, size_t judging, json_t *out) {
    qea_loader_config train = {.dataset = data,
                               .count = MOST_STATISTICS,
                               .batch = 128,
                               .seed = 1,
                               .transforms = {.std = {1, 1, 1, 1}}},
                      validation = train;
    validation.first = MOST_STATISTICS;
    validation.count = MOST_JUDGING;
    qea_ranker_options options = {.kernels = bench_kernels,
                                  .train = &train,
                                  .images = statistics,
                                  .validation = &validation,
                                  .validation_images = judging};
    qea_ranker *ranker;
    double seconds[GENOMES];
    bench_must(qea_ranker_create(bench_ctx, model, &options, &ranker));
    for (uint64_t i = 0; i < GENOMES; i++) {
        qea_eval_result result;
        draw_bits(model, i);
        double start = bench_now(true);
        bench_must(qea_ranker_run(bench_ctx, ranker, &result));
        seconds[i] = bench_now(true) - start;
    }
    qea_ranker_destroy(ranker);
    double median = bench_median(seconds, GENOMES);
    printf("  a trial of %4zu + %4zu images %15.2f s  (%.2f .. %.2f), %.0f a minute and thread\n", statistics, judging,
           median, seconds[0], seconds[GENOMES - 1], 60 / median);
    char name[64];
    snprintf(name, sizeof name, "trial_%zu_%zu_s", statistics, judging);
    json_object_set_new(out, name, json_real(median));
}

json_t *bench_supernet(int batch, double seconds) {
    qea_resnet_options resnet20 = {SIDE, SIDE, CHANNELS, 20, 16, 3, {0}, true, CLASSES};
    qea_graph *graph;
    json_t *out = json_object();
    qea_kernels_set_threads(1);
    bench_must(qea_resnet_create(bench_ctx, &resnet20, &graph));
    qea_dataset *data = make_images();
    printf("weights shared among 2, 3, 4, 5, 6, 8 bits, ResNet-20, 32x32, LSQ, batch %d, 1 thread\n", batch);
    bench_training(graph, data, batch, seconds, out);
    qea_model *model = make_model(graph, 0);
    begin_steps(model, data);
    bench_trials(model, data, 512, 2048, out);
    bench_trials(model, data, MOST_STATISTICS, MOST_JUDGING, out);
    qea_model_destroy(model);
    qea_dataset_destroy(data);
    qea_graph_destroy(graph);
    return out;
}
