/* Speed of the kernels on ResNet-20's shapes: GB/s of the fused passes beside a copy of the same tensors, GFLOP/s of
 * the convolutions, the forward ones of integers with their speed over float32. The best of some repeats, in processor
 * time with one thread, so that what else runs on the machine matters little. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "kernels/common.h"
#include "kernels/cpu/suites.h"
#ifdef QEA_HAVE_ONEDNN
#include "kernels/cpu/direct.h"
#include "kernels/cpu/gradient.h"
#include "kernels/cpu/winograd.h"
#include "kernels/onednn/onednn.h"
#endif

enum { REPEATS = 15, TENSORS = 6, MAX_CHANNELS = 64 };

static const qea_kernels *kernels;
static int batch = 128, threads = 1;
static qea_context *ctx;

static double now(void) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call, the best of REPEATS after one that warms up. */
static double seconds(void (*work)(void *), void *data) {
    double best = 0;
    work(data);
    for (int i = 0; i < REPEATS; i++) {
        double start = now(), t;
        work(data);
        t = now() - start;
        if (i == 0 || t < best) best = t;
    }
    return best;
}

static void must(qea_status status) {
    if (status == QEA_OK) return;
    fprintf(stderr, "kernels_test_cpu --bench: %s\n", qea_context_message(ctx));
    exit(1);
}

static void *take(size_t bytes) {
    void *block;
    must(qea_alloc(ctx, "bench", bytes, 1, &block));
    return block;
}

static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525U + 1013904223U; }

static void make_integers(qea_view v, size_t count, int from, int to) {
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        int value = from + (int)((next_random(&state) >> 8) % (uint32_t)(to - from + 1));
        qea_view_store(v, i, (float)value);
    }
}

static qea_view random_view(qea_type type, size_t count) {
    qea_view v = {take(count * qea_type_bytes(type)), type};
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) qea_view_store(v, i, (float)(next_random(&state) >> 8) * 0x1p-23F - 1.0F);
    return v;
}

/* --- fused passes --- */

typedef struct scene {
    size_t count;
    qea_view t[TENSORS];
    float coefs[4][MAX_CHANNELS], sums[3][MAX_CHANNELS];
    qea_segment segment;
    qea_segment_grads grads;
    qea_segment_dx dx[QEA_MAX_BRANCHES];
} scene;

static void copy(void *data) {
    scene *s = data;
    memcpy(s->t[1].data, s->t[0].data, s->count * qea_type_bytes(s->t[0].type));
}
static void stats(void *data) {
    scene *s = data;
    kernels->channel_stats(s->t[0], s->segment.rows, s->segment.channels, s->sums[0], s->sums[1]);
}
static void forward(void *data) { (void)kernels->segment_forward(&((scene *)data)->segment); }
static void reduce(void *data) {
    scene *s = data;
    qea_segment_sums sums = {.dz = s->sums[0]};
    for (int b = 0; b < s->segment.num_branches; b++) {
        if (!s->segment.branch[b].scale) continue;
        sums.dz_x[b] = s->sums[1 + b];
        sums.center[b] = s->coefs[2];
    }
    kernels->segment_reduce(&s->segment, &s->grads, &sums);
}
static void backward(void *data) {
    scene *s = data;
    kernels->segment_backward(&s->segment, &s->grads, s->dx);
}

/* BN + ReLU + 4 bits, as after a block's first convolution. */
static void use_inner(scene *s) {
    s->segment.num_branches = 1;
    s->segment.relu = true;
    s->segment.y.data = NULL;
    s->segment.num_quants = 1;
    s->segment.out[0].quant = (qea_act_quant){.kind = QEA_ACT_ROUND, .inv_step = 15, .hi = 15};
    s->segment.out[0].q = (qea_view){s->t[2].data, QEA_U8};
    s->segment.branch[0].x = s->t[0];
    s->segment.branch[0].scale = s->coefs[0];
    s->segment.branch[0].shift = s->coefs[1];
    s->grads = (qea_segment_grads){.quant = {s->t[3]}};
    s->dx[0] = (qea_segment_dx){s->t[4], s->coefs[0], s->coefs[1], s->coefs[2], s->coefs[3]};
    s->dx[1] = (qea_segment_dx){.dx = {NULL, QEA_F32}};
}

/* The same + the residual, and y for the next one, as at a block's end. */
static void use_residual(scene *s) {
    use_inner(s);
    s->segment.num_branches = 2;
    s->segment.branch[1].x = s->t[1];
    s->segment.y = s->t[5];
    s->grads.num_plain = 1;
    s->grads.plain[0] = s->t[1];
    s->dx[1].dx = s->t[2];
}

static void report(const char *what, scene *s, void (*work)(void *), double tensors) {
    double t = seconds(work, s), copies = work == forward ? (double)s->count : 0;
    double bytes = copies + tensors * (double)s->count * (double)qea_type_bytes(s->t[0].type);
    printf("  %-28s %8.3f ms %8.1f GB/s\n", what, t * 1e3, bytes / t * 1e-9);
}

static void bench_passes(int channels, int side, qea_type type) {
    static scene s;
    s.segment.rows = (size_t)batch * (size_t)(side * side);
    s.segment.channels = channels;
    s.count = s.segment.rows * (size_t)channels;
    for (int i = 0; i < TENSORS; i++) s.t[i] = random_view(type, s.count);
    for (int c = 0; c < MAX_CHANNELS; c++)
        for (int k = 0; k < 4; k++) s.coefs[k][c] = 0.1F * (float)(k + c % 5);
    printf("passes, %d x %dx%dx%d, %s\n", batch, side, side, channels, type == QEA_F32 ? "float32" : "bf16");
    report("copy", &s, copy, 2);
    report("channel_stats", &s, stats, 1);
    use_inner(&s);
    report("forward, inner", &s, forward, 1);
    report("reduce, inner", &s, reduce, 2);
    report("backward, inner", &s, backward, 3);
    use_residual(&s);
    report("forward, residual", &s, forward, 3);
    report("reduce, residual", &s, reduce, 4);
    report("backward, residual", &s, backward, 6);
    for (int i = 0; i < TENSORS; i++) qea_free(s.t[i].data);
}

/* --- convolutions --- */

typedef struct conv_scene {
    qea_conv *conv;
    const qea_conv_grid *grid;
    qea_view x, y;
    float *w;
    size_t num_x, num_weights;
} conv_scene;

static void conv_forward(void *data) {
    conv_scene *s = data;
    must(kernels->conv_forward(ctx, s->conv, s->x, s->y.data));
}
static void conv_data(void *data) {
    conv_scene *s = data;
    must(kernels->conv_backward_data(ctx, s->conv, s->y.data, s->x.data));
}
static void conv_weights(void *data) {
    conv_scene *s = data;
    must(kernels->conv_backward_weights(ctx, s->conv, s->x, s->y.data, s->w));
}
static void conv_pack(void *data) {
    conv_scene *s = data;
    must(kernels->conv_set_weights(ctx, s->conv, s->w, s->grid));
}

/* Forward passes of integers of some bits, activations x weights, beside that of reals, which takes `floats` seconds.
 */
static void bench_integers(const qea_conv_shape *shape, conv_scene *s, double floats, double *w4a4) {
    static const int bits[][2] = {{2, 2}, {4, 4}, {8, 4}, {8, 8}};
    double macs = (double)shape->n * (double)(shape->oh * shape->ow) * (double)s->num_weights;
    printf("      integers:");
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        int a = (1 << bits[i][0]) - 1, w = (1 << bits[i][1]) - 1;
        const qea_conv_grid grid = {0, a, -w, w};
        conv_scene integers = *s;
        integers.grid = &grid;
        must(kernels->conv_create(ctx, shape, QEA_CONV_INFERENCE, &grid, s->x.type, s->y.type, &integers.conv));
        if (kernels->conv_reads_bytes(integers.conv)) integers.x.type = QEA_U8;
        make_integers(integers.x, s->num_x, 0, a);
        make_integers((qea_view){s->w, QEA_F32}, s->num_weights, -w, w);
        conv_pack(&integers);
        double t = seconds(conv_forward, &integers);
        printf("  a%dw%d %7.3f ms %6.1f x%4.2f", bits[i][0], bits[i][1], t * 1e3, 2 * macs / t * 1e-9, floats / t);
        if (i == 1) *w4a4 = t;
        kernels->conv_destroy(integers.conv);
    }
    printf("\n");
}

#ifdef QEA_HAVE_ONEDNN
typedef struct library_scene {
    qea_onednn_conv *conv;
    const conv_scene *scene;
} library_scene;

static void library_data(void *data) {
    library_scene *s = data;
    must(qea_onednn_conv_backward_data(ctx, s->conv, s->scene->y.data, s->scene->x.data));
}
static void library_weights(void *data) {
    library_scene *s = data;
    must(qea_onednn_conv_backward_weights(ctx, s->conv, s->scene->x.data, s->scene->y.data, s->scene->w));
}

static void print_library(bool wanted, const char *name, void (*work)(void *), library_scene *s, double own) {
    if (!wanted) return;
    double t = seconds(work, s);
    printf("%s %7.3f ms x%4.2f ", name, t * 1e3, t / own);
}

/* oneDNN's backward passes beside those that are our own, which take `own` seconds. */
static void bench_library(const qea_conv_shape *shape, const conv_scene *s, const double own[2]) {
    bool filtered = s->x.type == QEA_F32 && qea_winograd_suits(shape), halves = s->x.type == QEA_BF16;
    bool data = filtered || (halves && qea_direct_suits_backward(shape));
    bool weights = filtered || (halves && qea_gradient_suits(shape));
    if (!data && !weights) return;
    library_scene library = {.scene = s};
    unsigned passes = (data ? (unsigned)QEA_PASS_DATA : 0) | (weights ? (unsigned)QEA_PASS_WEIGHTS : 0);
    must(qea_onednn_conv_create(ctx, shape, passes, s->x.type, s->y.type, &library.conv));
    must(qea_onednn_conv_set_weights(ctx, library.conv, s->w));
    printf("      oneDNN's backward passes:");
    print_library(data, " data", library_data, &library, own[0]);
    print_library(weights, " weights", library_weights, &library, own[1]);
    printf("\n");
    qea_onednn_conv_destroy(library.conv);
}
#else
static void bench_library(const qea_conv_shape *shape, const conv_scene *s, const double own[2]) {
    (void)shape, (void)s, (void)own;
}
#endif

/* Times of forward, backward-data, backward-weights, packing and the forward pass in 4-bit integers are added to total,
 * `times` over. false: not possible
 * here. */
static bool bench_conv(const qea_conv_shape *shape, qea_type type, int times, double total[5]) {
    conv_scene s = {.grid = NULL};
    size_t n = (size_t)shape->n, weights = (size_t)(shape->k * (shape->c / shape->groups) * shape->r * shape->s);
    qea_status status = kernels->conv_create(ctx, shape, QEA_CONV_TRAINING, NULL, type, type, &s.conv);
    if (status == QEA_ERR_UNSUPPORTED) {
        printf("  %s\n", qea_context_message(ctx));
        return false;
    }
    must(status);
    s.num_x = n * (size_t)(shape->h * shape->w * shape->c);
    s.num_weights = weights;
    s.x = random_view(type, s.num_x);
    s.y = random_view(type, n * (size_t)(shape->oh * shape->ow * shape->k));
    s.w = random_view(QEA_F32, weights).data;
    conv_pack(&s);
    double flops = 2.0 * (double)n * (double)(shape->oh * shape->ow) * (double)weights;
    void (*work[4])(void *) = {conv_forward, conv_data, conv_weights, conv_pack};
    printf("  %3d > %3d @ %3d, %dx%d, stride %d, groups %-3d x%d:", shape->c, shape->k, shape->h, shape->r, shape->s,
           shape->stride, shape->groups, times);
    double took[4], w4a4 = 0;
    for (int i = 0; i < 4; i++) {
        double t = seconds(work[i], &s);
        took[i] = t;
        if (!(i == 1 && shape->c == 3)) total[i] += t * times; /* nothing goes back to the images */
        if (i < 3)
            printf(" %7.3f ms %6.1f", t * 1e3, flops / t * 1e-9);
        else
            printf(" %7.3f ms\n", t * 1e3);
    }
    kernels->conv_destroy(s.conv);
    bench_library(shape, &s, took + 1);
    bench_integers(shape, &s, took[0], &w4a4);
    total[4] += times * (shape->c == 3 ? took[0] : w4a4); /* the images are no integers */
    qea_free(s.x.data);
    qea_free(s.y.data);
    qea_free(s.w);
    return true;
}

static void bench_convs(qea_type type) {
    static const int rows[][7] = {/* c, k, side, kernel, stride, groups, times in ResNet-20 */
                                  {3, 16, 32, 3, 1, 1, 1},   {16, 16, 32, 3, 1, 1, 6},  {16, 32, 32, 3, 2, 1, 1},
                                  {32, 32, 16, 3, 1, 1, 5},  {32, 64, 16, 3, 2, 1, 1},  {64, 64, 8, 3, 1, 1, 5},
                                  {16, 32, 32, 1, 2, 1, 1},  {32, 64, 16, 1, 2, 1, 1},  {64, 10, 1, 1, 1, 1, 1},
                                  {64, 64, 16, 3, 1, 64, 0}, {96, 96, 28, 3, 1, 96, 0}, {96, 96, 28, 3, 2, 96, 0}};
    double total[5] = {0};
    printf("convolutions, batch %d, %s: forward, backward-data, backward-weights (ms, GFLOP/s), packing\n", batch,
           type == QEA_F32 ? "float32" : "bf16");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int *p = rows[i];
        int pad = p[3] / 2, out = (p[2] + 2 * pad - p[3]) / p[4] + 1;
        qea_conv_shape shape = {batch, p[2], p[2], p[0], p[1], out, out, p[3], p[3], p[4], pad, p[5]};
        if (!bench_conv(&shape, type, p[6], total)) return;
    }
    double sum = total[0] + total[1] + total[2] + total[3];
    printf("  ResNet-20: forward of a4w4 %.1f ms\n", total[4] * 1e3);
    printf("  ResNet-20: forward %.1f, data %.1f, weights %.1f, packing %.2f ms: %.0f images/s by convolutions "
           "alone\n",
           total[0] * 1e3, total[1] * 1e3, total[2] * 1e3, total[3] * 1e3, (double)batch / sum);
}

int bench(int argc, char **argv) {
    ctx = qea_context_create();
    if (argc > 1) batch = (int)strtol(argv[1], NULL, 10);
    if (argc > 2) threads = (int)strtol(argv[2], NULL, 10);
    if (batch < 1 || threads < 1) return 2;
    kernels = qea_kernels_cpu(ctx, argc > 3 ? argv[3] : "auto");
    if (!kernels) {
        printf("%s; the reference instead\n", qea_context_message(ctx));
        kernels = qea_kernels_ref();
    }
    qea_kernels_set_threads(threads);
    printf("%s, instruction set %s, threads %d\n", qea_kernels_library_version(), qea_kernels_isa(), threads);
    static const int shapes[][2] = {{16, 32}, {32, 16}, {64, 8}};
    for (int i = 0; i < 3; i++)
        for (int type = QEA_F32; type <= (int)QEA_BF16; type++)
            if (i == 0 || type == QEA_F32) bench_passes(shapes[i][0], shapes[i][1], (qea_type)type);
    bench_convs(QEA_F32);
    bench_convs(QEA_BF16);
    qea_context_destroy(ctx);
    return 0;
}
