/* bench/bench_train.c: images per second of training and evaluating ResNet-20 on 32x32 images, beside PyTorch on the
 * same machine with the same number of threads (bench/torch_peer.py, where python3-torch is installed). bench_train
 * [--threads 1,2] [--batch 128] [--seconds 5] [--isa auto] [--no-peer] [--profile] [--out FILE.json] A rate is the
 * median over repeats, its spread the quartiles. With one thread the clock is the processor time of the process, here
 * and in the peer, so that what else runs on the machine matters little. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "nn/plan.h"
#include "train/optimizer.h"

enum { SIZE = 32, CHANNELS = 3, CLASSES = 10, MAX_THREAD_COUNTS = 8, MAX_REPEATS = 4096, MIN_REPEATS = 5 };

static struct settings {
    int threads[MAX_THREAD_COUNTS], num_threads, batch;
    double seconds;
    const char *isa, *out;
    bool peer, profile;
} settings = {.threads = {1, 2},
              .num_threads = 2,
              .batch = 128,
              .seconds = 5,
              .isa = "auto",
              .peer = true,
              .out = "build/bench/train.json"};

static qea_context *ctx;
static const qea_kernels *kernels;
static float *images;
static int32_t *labels;

typedef struct rate { /* images per second */
    double median, low, high;
} rate;

static void must(qea_status status) {
    if (status == QEA_OK) return;
    fprintf(stderr, "bench_train: %s\n", qea_context_message(ctx));
    exit(1);
}

static double now(bool processor) {
    struct timespec t;
    clock_gettime(processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* --- a profile: the kernels' table with a clock around each entry --- */

enum { PACK, FORWARD, BACK_DATA, BACK_WEIGHTS, STATS, SEG_FORWARD, SEG_REDUCE, SEG_BACKWARD, NUM_TIMED };
static const char *const timed_names[NUM_TIMED] = {"conv_set_weights",      "conv_forward",    "conv_backward_data",
                                                   "conv_backward_weights", "channel_stats",   "segment_forward",
                                                   "segment_reduce",        "segment_backward"};
static double timed[NUM_TIMED];
static bool processor_clock;

static qea_status timed_pack(qea_context *c, qea_conv *conv, const float *w, const qea_conv_grid *grid) {
    double start = now(processor_clock);
    qea_status status = kernels->conv_set_weights(c, conv, w, grid);
    timed[PACK] += now(processor_clock) - start;
    return status;
}
static qea_status timed_forward(qea_context *c, qea_conv *conv, const void *x, void *y) {
    double start = now(processor_clock);
    qea_status status = kernels->conv_forward(c, conv, x, y);
    timed[FORWARD] += now(processor_clock) - start;
    return status;
}
static qea_status timed_back_data(qea_context *c, qea_conv *conv, const void *dy, void *dx) {
    double start = now(processor_clock);
    qea_status status = kernels->conv_backward_data(c, conv, dy, dx);
    timed[BACK_DATA] += now(processor_clock) - start;
    return status;
}
static qea_status timed_back_weights(qea_context *c, qea_conv *conv, const void *x, const void *dy, float *dw) {
    double start = now(processor_clock);
    qea_status status = kernels->conv_backward_weights(c, conv, x, dy, dw);
    timed[BACK_WEIGHTS] += now(processor_clock) - start;
    return status;
}
static void timed_stats(qea_view x, size_t rows, int channels, float *mean, float *variance) {
    double start = now(processor_clock);
    kernels->channel_stats(x, rows, channels, mean, variance);
    timed[STATS] += now(processor_clock) - start;
}
static void timed_segment_forward(const qea_segment *s) {
    double start = now(processor_clock);
    kernels->segment_forward(s);
    timed[SEG_FORWARD] += now(processor_clock) - start;
}
static void timed_segment_reduce(const qea_segment *s, const qea_segment_grads *g, qea_segment_sums *sums) {
    double start = now(processor_clock);
    kernels->segment_reduce(s, g, sums);
    timed[SEG_REDUCE] += now(processor_clock) - start;
}
static void timed_segment_backward(const qea_segment *s, const qea_segment_grads *g,
                                   const qea_segment_dx dx[QEA_MAX_BRANCHES]) {
    double start = now(processor_clock);
    kernels->segment_backward(s, g, dx);
    timed[SEG_BACKWARD] += now(processor_clock) - start;
}

static qea_kernels timed_kernels(void) {
    qea_kernels t = *kernels;
    t.conv_set_weights = timed_pack;
    t.conv_forward = timed_forward;
    t.conv_backward_data = timed_back_data;
    t.conv_backward_weights = timed_back_weights;
    t.channel_stats = timed_stats;
    t.segment_forward = timed_segment_forward;
    t.segment_reduce = timed_segment_reduce;
    t.segment_backward = timed_segment_backward;
    return t;
}

static void print_profile(double total) {
    double rest = total;
    for (int i = 0; i < NUM_TIMED; i++) rest -= timed[i];
    for (int i = 0; i < NUM_TIMED; i++) printf("      %-22s %5.1f %%\n", timed_names[i], 100 * timed[i] / total);
    printf("      %-22s %5.1f %%\n", "everything else", 100 * rest / total);
}

/* --- this engine --- */

static const uint8_t w4[] = {4, 4, 4}, mixed_w[] = {2, 4, 8}, mixed_a[] = {4, 8, 2}, float_bits[] = {32, 32, 32};

static const struct engine_case {
    const char *name, *text;
    bool train;
    const uint8_t *weight_bits, *activation_bits; /* three each, repeated over the layers */
} cases[] = {
    {"train_w4a4", "training, w4a4", true, w4, w4},
    {"train_mixed", "training, 2/4/8 mixed", true, mixed_w, mixed_a},
    {"train_float", "training, float", true, float_bits, float_bits},
    {"eval_w4a4", "evaluation, w4a4", false, w4, w4},
    {"eval_float", "evaluation, float", false, float_bits, float_bits},
};
enum { NUM_CASES = sizeof cases / sizeof *cases, MAX_LAYERS = 64 };

typedef struct engine {
    qea_graph *graph;
    qea_model *model;
    qea_plan *plan;
    qea_optimizer_state optimizer;
    bool train;
} engine;

static const qea_optimizer_options sgd = {.kind = QEA_SGD, .lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4};

static engine make_engine(const struct engine_case *c, const qea_kernels *table) {
    engine e = {.train = c->train};
    qea_resnet_options net = {.height = SIZE,
                              .width = SIZE,
                              .channels = CHANNELS,
                              .base_depth = 20,
                              .base_channel = 16,
                              .stage = 3,
                              .small_input = true,
                              .num_classes = CLASSES};
    uint8_t w[MAX_LAYERS], a[MAX_LAYERS];
    must(qea_resnet_create(ctx, &net, &e.graph));
    size_t layers = qea_graph_num_quantized(e.graph);
    for (size_t i = 0; i < layers && i < MAX_LAYERS; i++) {
        w[i] = c->weight_bits[i % 3];
        a[i] = c->activation_bits[i % 3];
    }
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, layers, w, a};
    must(qea_model_create(ctx, e.graph, &policy, 1, &e.model));
    qea_plan_options options = {.kernels = table, .batch = settings.batch, .training = c->train};
    must(qea_plan_create(ctx, e.model, &options, &e.plan));
    must(qea_optimizer_create(ctx, &sgd, e.model, &e.optimizer));
    must(qea_plan_refresh(ctx, e.plan));
    return e;
}

static void free_engine(engine *e) {
    qea_optimizer_free(&e->optimizer);
    qea_plan_destroy(e->plan);
    qea_model_destroy(e->model);
    qea_graph_destroy(e->graph);
}

static void step(engine *e) {
    qea_batch_result result;
    if (e->train) {
        must(qea_plan_train(ctx, e->plan, images, labels, NULL, &result));
        qea_optimizer_step(&e->optimizer, &sgd, sgd.lr);
    } else {
        must(qea_plan_evaluate(ctx, e->plan, images, labels, &result));
    }
}

static rate measure(const struct engine_case *c) {
    static double rates[MAX_REPEATS];
    qea_kernels table = timed_kernels();
    engine e = make_engine(c, settings.profile ? &table : kernels);
    for (int i = 0; i < 3; i++) step(&e);
    memset(timed, 0, sizeof timed);
    double total = 0, end = now(false) + settings.seconds;
    int count = 0;
    while (count < MAX_REPEATS && (count < MIN_REPEATS || now(false) < end)) {
        double start = now(processor_clock);
        step(&e);
        double seconds = now(processor_clock) - start;
        total += seconds;
        rates[count++] = settings.batch / seconds;
    }
    qsort(rates, (size_t)count, sizeof *rates, compare_doubles);
    rate r = {rates[count / 2], rates[count / 4], rates[count * 3 / 4]};
    printf("  %-28s %8.0f  (%.0f .. %.0f)  %.1f ms a step, plan %.0f MiB\n", c->text, r.median, r.low, r.high,
           1e3 * settings.batch / r.median, (double)qea_plan_bytes(e.plan) / (1 << 20));
    if (settings.profile) print_profile(total);
    fflush(stdout);
    free_engine(&e);
    return r;
}

/* --- PyTorch --- */

static void print_peer(const json_t *line) {
    const char *name = json_string_value(json_object_get(line, "name"));
    const char *error = json_string_value(json_object_get(line, "error"));
    const char *text = json_string_value(json_object_get(line, "text"));
    if (error || text)
        printf("  PyTorch %-20s %s\n", name ? name : "?", error ? error : text);
    else
        printf("  PyTorch %-20s %8.0f  (%.0f .. %.0f)\n", name ? name : "?",
               json_number_value(json_object_get(line, "images_per_s")),
               json_number_value(json_object_get(line, "low")), json_number_value(json_object_get(line, "high")));
    fflush(stdout);
}

/* Each line that the peer prints, under its name; empty where there is no peer. */
static json_t *run_peer(int threads) {
    json_t *results = json_object();
    char command[512], line[1024];
    snprintf(command, sizeof command, "OMP_NUM_THREADS=%d /usr/bin/python3 %s %d %d %g", threads,
             QEA_BENCH_FOLDER "/torch_peer.py", threads, settings.batch, settings.seconds);
    FILE *pipe = settings.peer ? popen(command, "r") : NULL;
    while (pipe && fgets(line, sizeof line, pipe)) {
        json_t *object = json_loads(line, 0, NULL);
        const char *name = json_string_value(json_object_get(object, "name"));
        if (name) {
            print_peer(object);
            json_object_set(results, name, object);
        }
        json_decref(object);
    }
    if (pipe) pclose(pipe);
    if (json_object_size(results) == 0) printf("  PyTorch: skipped (python3-torch is not there, or --no-peer)\n");
    return results;
}

/* --- results --- */

static const struct ratio {
    const char *name, *ours, *theirs;
} ratios[] = {
    {"train_vs_torch_f32", "train_w4a4", "train_quantised_f32"},
    {"train_vs_torch_bf16", "train_w4a4", "train_quantised_bf16"},
    {"eval_vs_torch_f32", "eval_w4a4", "eval_quantised_f32"},
    {"train_float_vs_torch_float", "train_float", "train_float_f32"},
};
enum { NUM_RATIOS = sizeof ratios / sizeof *ratios };

static double rate_of(const json_t *results, const char *name) {
    return json_number_value(json_object_get(json_object_get(results, name), "images_per_s"));
}

/* The least over the numbers of threads stands in `least`; what a peer did not measure is left out. */
static json_t *compare(const json_t *ours, const json_t *theirs, json_t *least) {
    json_t *object = json_object();
    for (int i = 0; i < NUM_RATIOS; i++) {
        double peer = rate_of(theirs, ratios[i].theirs);
        if (!(peer > 0)) {
            printf("  %-28s skipped: no %s\n", ratios[i].name, ratios[i].theirs);
            continue;
        }
        double ratio = rate_of(ours, ratios[i].ours) / peer;
        printf("  %-28s %8.2f\n", ratios[i].name, ratio);
        json_object_set_new(object, ratios[i].name, json_real(ratio));
        const json_t *before = json_object_get(least, ratios[i].name);
        if (!before || ratio < json_number_value(before)) json_object_set_new(least, ratios[i].name, json_real(ratio));
    }
    return object;
}

static json_t *rate_json(rate r) {
    return json_pack("{s:f,s:f,s:f}", "images_per_s", r.median, "low", r.low, "high", r.high);
}

static json_t *bench_threads(int threads, json_t *least) {
    qea_kernels_set_threads(threads);
    processor_clock = threads == 1;
    printf("%d thread%s, images per second, batch %d:\n", threads, threads == 1 ? "" : "s", settings.batch);
    json_t *ours = json_object();
    for (int i = 0; i < NUM_CASES; i++) json_object_set_new(ours, cases[i].name, rate_json(measure(&cases[i])));
    json_t *theirs = run_peer(threads);
    json_t *compared = compare(ours, theirs, least);
    return json_pack("{s:i,s:o,s:o,s:o}", "threads", threads, "quantea", ours, "torch", theirs, "ratios", compared);
}

/* First line of a command's output, or "unknown". */
static void first_line(const char *command, char *text, size_t size) {
    snprintf(text, size, "unknown");
    FILE *pipe = popen(command, "r");
    if (!pipe) return;
    if (!fgets(text, (int)size, pipe) || text[0] == '\n') snprintf(text, size, "unknown");
    text[strcspn(text, "\n")] = 0;
    pclose(pipe);
}

static json_t *describe(void) {
    char commit[128], cpu[256];
    first_line("git -C " QEA_BENCH_FOLDER " rev-parse HEAD 2>/dev/null", commit, sizeof commit);
    first_line("sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo", cpu, sizeof cpu);
    printf("%s, %s, %s, compiler %s, commit %.12s\n", cpu, qea_kernels_isa(), qea_kernels_library_version(),
           __VERSION__, commit);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:i}", "commit", commit, "compiler", __VERSION__, "cpu", cpu, "isa",
                     qea_kernels_isa(), "library", qea_kernels_library_version(), "amx", qea_kernels_have_amx(),
                     "batch", settings.batch);
}

static void write_results(const json_t *results) {
    qea_text text = {0};
    qea_text_put_json(&text, results, 2);
    qea_text_put(&text, "\n");
    must(qea_text_finish(ctx, &text));
    const char *slash = strrchr(settings.out, '/');
    if (slash) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - settings.out), settings.out);
        must(qea_folder_make(ctx, folder));
    }
    must(qea_file_write(ctx, settings.out, text.bytes, text.size));
    printf("written: %s\n", settings.out);
    qea_text_free(&text);
}

static void parse_threads(const char *list) {
    settings.num_threads = 0;
    for (const char *at = list; *at && settings.num_threads < MAX_THREAD_COUNTS;) {
        char *end;
        long n = strtol(at, &end, 10);
        if (n < 1 || n > 1024) break;
        settings.threads[settings.num_threads++] = (int)n;
        at = *end == ',' ? end + 1 : end;
    }
}

static bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--no-peer") == 0)
            settings.peer = false;
        else if (strcmp(argv[i], "--profile") == 0)
            settings.profile = true;
        else if (!more)
            return false;
        else if (strcmp(argv[i], "--threads") == 0)
            parse_threads(argv[++i]);
        else if (strcmp(argv[i], "--batch") == 0)
            settings.batch = atoi(argv[++i]);
        else if (strcmp(argv[i], "--seconds") == 0)
            settings.seconds = atof(argv[++i]);
        else if (strcmp(argv[i], "--isa") == 0)
            settings.isa = argv[++i];
        else if (strcmp(argv[i], "--out") == 0)
            settings.out = argv[++i];
        else
            return false;
    }
    return settings.num_threads > 0 && settings.batch > 0;
}

static void make_batch(void) {
    size_t count = (size_t)settings.batch * SIZE * SIZE * CHANNELS;
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    must(QEA_NEW(ctx, "images", images, count));
    must(QEA_NEW(ctx, "labels", labels, (size_t)settings.batch));
    for (size_t i = 0; i < count; i++) images[i] = (float)qea_rng_normal(&rng, i);
    for (size_t i = 0; i < (size_t)settings.batch; i++) labels[i] = (int32_t)qea_rng_below(&rng, i, CLASSES);
}

int main(int argc, char **argv) {
    ctx = qea_context_create();
    if (!ctx || !parse(argc, argv)) {
        fprintf(stderr, "usage: bench_train [--threads 1,2] [--batch 128] [--seconds 5] [--isa auto] [--no-peer] "
                        "[--profile] [--out FILE.json]\n");
        return 2;
    }
    kernels = qea_kernels_cpu(ctx, settings.isa);
    if (!kernels) {
        printf("%s\n", qea_context_message(ctx));
        kernels = qea_kernels_ref();
    }
    make_batch();
    json_t *results = describe(), *runs = json_array(), *least = json_object();
    for (int i = 0; i < settings.num_threads; i++)
        json_array_append_new(runs, bench_threads(settings.threads[i], least));
    json_object_set_new(results, "runs", runs);
    json_object_set_new(results, "ratios", least);
    write_results(results);
    json_decref(results);
    qea_free(images);
    qea_free(labels);
    qea_context_destroy(ctx);
    return 0;
}
