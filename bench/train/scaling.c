/* bench/train/scaling.c: how a step's time and memory grow: with channels, pixels, batch and workers; and what waiting
 * for batches adds. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/train/bench.h"
#include "data/loader.h"

enum { MAX_RATES = 64 };

/* A block of two convolutions behind a stem, W4A4. */
static bench_engine small_engine(int height, int width, int channels, int batch) {
    const qea_resnet_options net = {.height = height,
                                    .width = width,
                                    .channels = 3,
                                    .base_channel = channels,
                                    .num_blocks = {1},
                                    .small_input = true,
                                    .num_classes = 10};
    qea_graph *graph;
    bench_must(qea_resnet_create(bench_ctx, &net, &graph));
    return bench_engine_make_of(&bench_w4a4_training, graph, bench_kernels, batch);
}

/* The least seconds of a step: what is not the machine's other work. Frees the engine. */
static double step_seconds(bench_engine engine, double seconds) {
    double best = 0, start = bench_now(true);
    bench_engine_step(&engine);
    for (int i = 0; i < 3 || bench_now(true) - start < seconds; i++) {
        double before = bench_now(true);
        bench_engine_step(&engine);
        double took = bench_now(true) - before;
        if (best == 0 || took < best) best = took;
    }
    bench_engine_free(&engine);
    return best;
}

enum { PASSES = 3, MAX_ROWS = 16 };

typedef struct table { /* one quantity is doubled from row to row */
    const char *what, *title;
    double most; /* that a ratio to the row before should be */
    int first, last;
    bench_engine (*make)(int value);
} table;

static bench_engine with_channels(int channels) { return small_engine(16, 16, channels, 16); }

static bench_engine with_pixels(int pixels) {
    int height = 8;
    while (4 * height * height <= pixels) height *= 2;
    return small_engine(height, pixels / height, 32, 16);
}

static bench_engine with_batch(int batch) { return bench_engine_make(&bench_w4a4_training, bench_kernels, batch); }

static const table tables[] = {
    {"channels", "two convolutions at 16x16, batch 16, channels doubled", 4.2, 8, 256, with_channels},
    {"pixels", "two convolutions of 32 channels, batch 16, pixels doubled", 2.1, 64, 8192, with_pixels},
    {"batch", "ResNet-20, batch doubled", 2.1, 1, 512, with_batch}};
enum { NUM_TABLES = sizeof tables / sizeof *tables };

/* A neighbour's load lasts longer than a row: each row is measured once in every pass, and its least time counts. */
static void measure_tables(double slice, double least[NUM_TABLES][MAX_ROWS]) {
    for (int pass = 0; pass < PASSES; pass++)
        for (size_t t = 0; t < NUM_TABLES; t++)
            for (int value = tables[t].first, row = 0; value <= tables[t].last; value *= 2, row++) {
                double took = step_seconds(tables[t].make(value), slice);
                if (pass == 0 || took < least[t][row]) least[t][row] = took;
            }
}

static void put_table(json_t *rows, const table *t, const double *took) {
    printf("%s (at most x%.1f)\n", t->title, t->most);
    for (int value = t->first, row = 0; value <= t->last; value *= 2, row++) {
        json_t *object = json_pack("{s:i,s:f}", t->what, value, "ms", 1e3 * took[row]);
        printf("  %-8s %4d %10.3f ms", t->what, value, 1e3 * took[row]);
        if (row > 0) {
            double ratio = took[row] / took[row - 1];
            printf("  x%.2f%s", ratio, ratio > t->most ? "  more than it should" : "");
            json_object_set_new(object, "ratio", json_real(ratio));
        }
        printf("\n");
        json_array_append_new(rows, object);
    }
}

json_t *bench_scaling(double seconds) {
    json_t *rows = json_array();
    double least[NUM_TABLES][MAX_ROWS];
    qea_kernels_set_threads(1);
    measure_tables(seconds / 5 / PASSES, least);
    printf("time of a training step, W4A4, 1 thread, the least of %d passes, and its ratio to the row before:\n",
           PASSES);
    for (size_t t = 0; t < NUM_TABLES; t++) put_table(rows, &tables[t], least[t]);
    const double single = least[NUM_TABLES - 1][0], image = least[NUM_TABLES - 1][9] / 512;
    printf("  overhead at batch 1: %.3f ms beside %.3f ms an image at batch 512\n", 1e3 * (single - image),
           1e3 * image);
    return rows;
}

/* --- workers --- */

static long memory_kib(const char *field) {
    char line[256];
    long value = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, field, strlen(field)) == 0) value = strtol(line + strlen(field), NULL, 10);
    if (status) fclose(status);
    return value;
}

static void pin(int processor) {
    cpu_set_t set, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return;
    for (size_t i = 0; i < CPU_SETSIZE; i++) /* the processor-th of those that are ours */
        if (CPU_ISSET(i, &set) && processor-- == 0) CPU_SET(i, &one);
    if (CPU_COUNT(&one) == 1) (void)sched_setaffinity(0, sizeof one, &one);
}

int bench_work(int processor, int batch, double seconds) {
    pin(processor);
    long before = memory_kib("VmHWM:");
    bench_engine e = bench_engine_make(&bench_w4a4_training, bench_kernels, batch);
    for (int i = 0; i < 2; i++) bench_engine_step(&e);
    double rate = bench_engine_rate(&e, seconds, false);
    printf("%g %ld %ld %g\n", rate, before, memory_kib("VmHWM:"), bench_engine_kept(&e));
    bench_engine_free(&e);
    return 0;
}

typedef struct worker {
    FILE *out;
    double rate, kept;    /* images per second; bytes */
    long before_kib, kib; /* peak without and with the network */
} worker;

static void run_workers(const char *program, int batch, double seconds, const char *isa, worker *workers, int count) {
    char command[4096];
    for (int i = 0; i < count; i++) {
        snprintf(command, sizeof command, "'%s' --isa %s --batch %d --seconds %g --work %d", program, isa, batch,
                 seconds, i);
        workers[i] = (worker){.out = popen(command, "r")};
    }
    for (int i = 0; i < count; i++) {
        worker *w = &workers[i];
        if (!w->out || fscanf(w->out, "%lf %ld %ld %lf", &w->rate, &w->before_kib, &w->kib, &w->kept) != 4) w->rate = 0;
        if (w->out) pclose(w->out);
    }
}

json_t *bench_workers(const char *program, int batch, double seconds, const char *isa) {
    enum { ROUNDS = 3 };
    worker one, two[2];
    double gains[ROUNDS], alone = 0;
    for (int i = 0; i < ROUNDS; i++) {
        run_workers(program, batch, seconds, isa, &one, 1);
        run_workers(program, batch, seconds, isa, two, 2);
        gains[i] = one.rate > 0 ? (two[0].rate + two[1].rate) / one.rate : 0;
        if (one.rate > alone) alone = one.rate;
    }
    double gain = bench_median(gains, ROUNDS), mib = 1 << 20, network = (double)(one.kib - one.before_kib) * 1024;
    printf(
        "two workers of one thread, each on its processor: x%.2f of one (%.2f .. %.2f), which reaches %.0f images/s\n",
        gain, gains[0], gains[ROUNDS - 1], alone);
    printf("peak memory of a worker: %.1f MiB, of which %.1f before the network; the network %.1f MiB, x%.2f of the "
           "%.1f MiB that must be kept, quantised inputs in a byte each and all else in float32\n",
           (double)one.kib / 1024, (double)one.before_kib / 1024, network / mib, network / one.kept, one.kept / mib);
    return json_pack("{s:f,s:f,s:f,s:f,s:f}", "two_workers", gain, "peak_bytes", (double)one.kib * 1024,
                     "network_bytes", network, "must_keep_bytes", one.kept, "network_vs_kept", network / one.kept);
}

/* --- batches --- */

static qea_dataset *make_dataset(size_t count) {
    static qea_dataset set = {.height = 32, .width = 32, .channels = 3, .num_classes = 10};
    set.count = count;
    set.pixels = malloc(count * 32 * 32 * 3);
    set.labels = calloc(count, sizeof *set.labels);
    if (!set.pixels || !set.labels) exit(1);
    for (size_t i = 0; i < count * 32 * 32 * 3; i++) set.pixels[i] = (uint8_t)(i * 2654435761U >> 24);
    return &set;
}

/* Seconds in which `steps` batches were fetched; *whole: with a step on each. wall: else processor time. */
static double fetch(bench_engine *e, const qea_loader_config *config, int steps, bool wall, double *whole) {
    qea_loader *loader;
    qea_batch batch;
    double waited = 0, start = bench_now(!wall);
    bench_must(qea_loader_create(bench_ctx, config, &loader));
    bench_must(qea_loader_start(bench_ctx, loader, 0));
    for (int i = 0; i < steps; i++) {
        double before = bench_now(!wall);
        if (!qea_loader_next(loader, &batch)) exit(1);
        waited += bench_now(!wall) - before;
        if (!whole) continue;
        qea_batch_result result;
        bench_must(qea_plan_train(bench_ctx, e->plan, batch.images, batch.labels, NULL, &result));
    }
    if (whole) *whole = bench_now(!wall) - start;
    qea_loader_destroy(loader);
    return waited;
}

json_t *bench_data(int batch, double seconds) {
    bench_engine e = bench_engine_make(&bench_w4a4_training, bench_kernels, batch);
    int steps = (int)(seconds * bench_engine_rate(&e, seconds / 4, true) / batch) + 3;
    qea_dataset *set = make_dataset((size_t)steps * (size_t)batch);
    qea_loader_config config = {.dataset = set,
                                .count = set->count,
                                .batch = batch,
                                .shuffle = true,
                                .drop_last = true,
                                .transforms = {.crop_padding = 4, .flip = true, .mean = {0.5F, 0.5F, 0.5F}},
                                .seed = 1,
                                .depth = 2};
    for (int c = 0; c < 3; c++) config.transforms.std[c] = 0.25F;
    double whole, waited = fetch(&e, &config, steps, true, &whole);
    config.depth = 0;
    double prepared = fetch(&e, &config, steps, false, NULL), step = 0;
    step = batch / bench_engine_rate(&e, seconds / 4, true);
    printf(
        "batches of %d with crops and flips: a training step waits for them %.2f %% of its time; preparing one takes "
        "%.2f %% of a step's processor time\n",
        batch, 100 * waited / whole, 100 * prepared / steps / step);
    free(set->pixels);
    free(set->labels);
    bench_engine_free(&e);
    return json_pack("{s:f,s:f}", "waiting_share", waited / whole, "preparing_share", prepared / steps / step);
}
