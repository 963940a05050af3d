/* bench/train/profile.c: where a step's time goes: the kernels' table with a clock around each entry. */
#include <stdio.h>
#include <string.h>

#include "bench/train/bench.h"

enum { FORWARD, BACK_DATA, BACK_WEIGHTS, STATS, SEG_FORWARD, SEG_REDUCE, SEG_BACKWARD, PACK, NUM_TIMED };
static const char *const timed_names[NUM_TIMED] = {"convolutions, forward, statistics",
                                                   "convolutions, backward-data",
                                                   "convolutions, backward-weights",
                                                   "statistics after oneDNN's",
                                                   "fused pass, forward",
                                                   "fused pass, sums for backward",
                                                   "fused pass, backward",
                                                   "weights packed"};
static double timed[NUM_TIMED];

static qea_status add_status(int what, double start, qea_status status) {
    timed[what] += bench_now(true) - start;
    return status;
}
static qea_status timed_pack(qea_context *c, qea_conv *conv, const float *w, const qea_conv_grid *grid) {
    double start = bench_now(true);
    return add_status(PACK, start, bench_kernels->conv_set_weights(c, conv, w, grid));
}
static qea_status timed_forward(qea_context *c, qea_conv *conv, qea_view x, void *y) {
    double start = bench_now(true);
    return add_status(FORWARD, start, bench_kernels->conv_forward(c, conv, x, y));
}
static qea_status timed_forward_stats(qea_context *c, qea_conv *conv, qea_view x, void *y, float *mean,
                                      float *variance) {
    double start = bench_now(true);
    return add_status(FORWARD, start, bench_kernels->conv_forward_stats(c, conv, x, y, mean, variance));
}
static qea_status timed_back_data(qea_context *c, qea_conv *conv, const void *dy, void *dx) {
    double start = bench_now(true);
    return add_status(BACK_DATA, start, bench_kernels->conv_backward_data(c, conv, dy, dx));
}
static qea_status timed_back_weights(qea_context *c, qea_conv *conv, qea_view x, const void *dy, float *dw) {
    double start = bench_now(true);
    return add_status(BACK_WEIGHTS, start, bench_kernels->conv_backward_weights(c, conv, x, dy, dw));
}
static void timed_stats(qea_view x, size_t rows, int channels, float *mean, float *variance) {
    double start = bench_now(true);
    bench_kernels->channel_stats(x, rows, channels, mean, variance);
    timed[STATS] += bench_now(true) - start;
}
static bool timed_segment_forward(const qea_segment *s) {
    double start = bench_now(true);
    bool held = bench_kernels->segment_forward(s);
    timed[SEG_FORWARD] += bench_now(true) - start;
    return held;
}
static void timed_segment_reduce(const qea_segment *s, const qea_segment_grads *g, qea_segment_sums *sums) {
    double start = bench_now(true);
    bench_kernels->segment_reduce(s, g, sums);
    timed[SEG_REDUCE] += bench_now(true) - start;
}
static void timed_segment_backward(const qea_segment *s, const qea_segment_grads *g,
                                   const qea_segment_dx dx[QEA_MAX_BRANCHES]) {
    double start = bench_now(true);
    bench_kernels->segment_backward(s, g, dx);
    timed[SEG_BACKWARD] += bench_now(true) - start;
}

static qea_kernels timed_kernels(void) {
    qea_kernels t = *bench_kernels;
    t.conv_set_weights = timed_pack;
    t.conv_forward = timed_forward;
    t.conv_forward_stats = timed_forward_stats;
    t.conv_backward_data = timed_back_data;
    t.conv_backward_weights = timed_back_weights;
    t.channel_stats = timed_stats;
    t.segment_forward = timed_segment_forward;
    t.segment_reduce = timed_segment_reduce;
    t.segment_backward = timed_segment_backward;
    return t;
}

static void put(json_t *object, const char *name, double share) {
    printf("  %-34s %5.1f %%\n", name, 100 * share);
    json_object_set_new(object, name, json_real(share));
}

/* What quantising the weights takes beside packing them, per step. */
static double quantise_seconds(bench_engine *e, double seconds) {
    double before = timed[PACK], start = bench_now(true);
    int count = 0;
    while (count < 3 || bench_now(true) - start < seconds / 10) {
        bench_must(qea_plan_refresh(bench_ctx, e->plan));
        count++;
    }
    return (bench_now(true) - start - (timed[PACK] - before)) / count;
}

json_t *bench_profile(int batch, double seconds) {
    qea_kernels_set_threads(1);
    qea_kernels table = timed_kernels();
    bench_engine e = bench_engine_make(&bench_w4a4_training, &table, batch);
    e.profiled = true;
    for (int i = 0; i < 3; i++) bench_engine_step(&e);
    double quantise = quantise_seconds(&e, seconds);
    memset(timed, 0, sizeof timed);
    e.optimizer_seconds = 0;
    int steps = 0;
    double start = bench_now(true), total = 0;
    for (; steps < 3 || total < seconds; total = bench_now(true) - start, steps++) bench_engine_step(&e);
    printf("where the time of a step goes, %s, 1 thread, batch %d, %.1f ms:\n", e.what->text, batch,
           1e3 * total / steps);
    json_t *shares = json_object();
    double rest = total;
    for (int i = 0; i < NUM_TIMED; i++) {
        put(shares, timed_names[i], timed[i] / total);
        rest -= timed[i];
    }
    put(shares, "weights quantised", quantise * steps / total);
    put(shares, "optimiser", e.optimizer_seconds / total);
    put(shares, "everything else", (rest - e.optimizer_seconds - quantise * steps) / total);
    bench_engine_free(&e);
    return shares;
}
