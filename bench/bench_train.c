/* bench/bench_train.c: images per second of training and evaluating networks, beside PyTorch on the same machine with
 * the same number of threads, measured in turn (torch_peer.py, where python3-torch is installed), and where the time
 * and the memory go. Each rate is the median over rounds, the lowest and the highest beside it; each ratio the median
 * of the rounds' ratios. With one thread the clock is the processor time of the process, here and in the peer, so that
 * what else runs on the machine matters little. The parts are in train/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/common.h"
#include "bench/train/bench.h"

enum { MAX_THREAD_COUNTS = 8, MAX_ROUNDS = 64 };

typedef enum part {
    COMPARE = 1,
    NETWORKS = 2,
    PROFILE = 4,
    SCALING = 8,
    WORKERS = 16,
    DATA = 32,
    SUPERNET = 64,
    ALL = 127
} part;
static const struct part_name {
    const char *option;
    part bit;
} part_names[] = {{"--compare", COMPARE}, {"--networks", NETWORKS}, {"--profile", PROFILE},  {"--scaling", SCALING},
                  {"--workers", WORKERS}, {"--data", DATA},         {"--supernet", SUPERNET}};
enum { NUM_PARTS = sizeof part_names / sizeof *part_names };

static struct settings {
    int threads[MAX_THREAD_COUNTS], num_threads, batch, rounds, work;
    double seconds;
    const char *isa, *out;
    bool peer;
    unsigned parts;
} settings = {.threads = {1, 2},
              .num_threads = 2,
              .batch = 128,
              .rounds = 5,
              .work = -1,
              .seconds = 1,
              .isa = "auto",
              .peer = true,
              .out = "build/bench/train.json"};

qea_context *bench_ctx;
const qea_kernels *bench_kernels;

void bench_must(qea_status status) {
    if (status == QEA_OK) return;
    fprintf(stderr, "bench_train: %s\n", qea_context_message(bench_ctx));
    exit(1);
}

double bench_now(bool processor) {
    struct timespec t;
    clock_gettime(processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double bench_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

/* --- this engine and PyTorch in turn --- */

typedef struct peer_case {
    const char *name;
    bool quantised, bf16;
} peer_case;

static const peer_case quantised[] = {{"f32", true, false}, {"bf16", true, true}},
                       plain[] = {{"f32", false, false}, {"bf16", false, true}};

typedef struct comparison {
    bench_case ours;
    const peer_case *theirs; /* in the same use */
    int num_theirs;          /* the first of them; bf16, where it is emulated, takes minutes for a large network */
} comparison;

#define RESNET20(name, text, train, weights, activations, precision)                                                   \
    { name, text, BENCH_RESNET20, train, weights, activations, QEA_PRECISION_##precision }

static const comparison resnet20[] = {
    {RESNET20("train_w4a4", "training, w4a4", true, bench_bits_4, bench_bits_4, AUTO), quantised, 2},
    {RESNET20("train_w4a4_bf16", "training, w4a4, bf16", true, bench_bits_4, bench_bits_4, BF16), NULL, 0},
    {RESNET20("train_mixed", "training, 2/4/8 mixed", true, bench_bits_weights, bench_bits_activations, AUTO),
     quantised, 2},
    {RESNET20("train_float", "training, float", true, bench_bits_float, bench_bits_float, AUTO), plain, 2},
    {RESNET20("eval_w4a4", "evaluation, w4a4", false, bench_bits_4, bench_bits_4, AUTO), quantised, 2},
    {RESNET20("eval_float", "evaluation, float", false, bench_bits_float, bench_bits_float, AUTO), plain, 2}};

#define LARGE(name, text, net)                                                                                         \
    { name, text, net, true, bench_bits_4, bench_bits_4, QEA_PRECISION_AUTO }

static const comparison networks[] = {
    {LARGE("resnet18_224", "ResNet-18, 224x224, w4a4", BENCH_RESNET18), quantised, 1},
    {LARGE("mobilenet_v2_224", "MobileNetV2, 224x224, w4a4", BENCH_MOBILENET_V2), quantised, 1}};

typedef struct rates {
    double value[MAX_ROUNDS];
    int count;
    int images; /* of the one step that was measured; 0: whole slices were */
    char error[256];
} rates;

static json_t *summary(const double *values, int count, const char *what) {
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    double median = bench_median(sorted, count);
    return json_pack("{s:f,s:f,s:f}", what, median, "low", sorted[0], "high", sorted[count - 1]);
}

static double number(const json_t *object, const char *name) {
    return json_number_value(json_object_get(object, name));
}

static void print_rate(const char *text, const json_t *rate) {
    printf("  %-34s %9.1f  (%.1f .. %.1f)", text, number(rate, "images_per_s"), number(rate, "low"),
           number(rate, "high"));
}

/* On a slow or busy machine fewer rounds: no more are begun after twice the time that they should take. */
static void measure(const comparison *c, bench_engine *engine, bench_peer *peer, int rounds, bool processor,
                    rates *ours, rates *theirs) {
    double start = bench_now(false), most = 2 * rounds * settings.seconds * (1 + (peer ? c->num_theirs : 0));
    for (int round = 0; round < rounds && (round == 0 || bench_now(false) - start < most); round++) {
        ours->value[ours->count++] = bench_engine_rate(engine, settings.seconds, processor);
        for (int i = 0; peer && i < c->num_theirs; i++) {
            rates *r = &theirs[i];
            const peer_case *p = &c->theirs[i];
            if (r->error[0] || r->images) continue;
            double rate = bench_peer_rate(peer, bench_net_name(c->ours.net), p->quantised, p->bf16, c->ours.train,
                                          engine->batch, settings.seconds, &r->images, r->error);
            if (rate > 0) r->value[r->count++] = rate;
        }
    }
}

/* Puts the ratio into `ratios` and the least over the numbers of threads into `least`, each under NAME_vs_torch_PEER.
 */
static void put_ratio(const char *name, const char *peer, const rates *ours, const rates *theirs, json_t *ratios,
                      json_t *least) {
    double each[MAX_ROUNDS];
    char key[96];
    for (int i = 0; i < theirs->count; i++) each[i] = ours->value[i] / theirs->value[i];
    json_t *ratio = summary(each, theirs->count, "median");
    snprintf(key, sizeof key, "%s_vs_torch_%s", name, peer);
    double median = number(ratio, "median"), before = number(least, key);
    printf("  x%.2f (%.2f .. %.2f)\n", median, number(ratio, "low"), number(ratio, "high"));
    json_object_set_new(ratios, key, ratio);
    if (before == 0 || median < before) json_object_set_new(least, key, json_real(median));
}

/* null where a ratio would stand; not in place of one with another number of threads. */
static void put_no_ratio(const char *name, const char *peer, json_t *ratios, json_t *least) {
    char key[96];
    snprintf(key, sizeof key, "%s_vs_torch_%s", name, peer);
    json_object_set_new(ratios, key, json_null());
    if (!json_object_get(least, key)) json_object_set_new(least, key, json_null());
}

typedef struct thread_run { /* with some number of threads */
    int threads;
    double fma, amx; /* FLOP/s */
    json_t *quantea, *torch, *ratios;
} thread_run;

static void compare_peer(const comparison *c, int i, const rates *ours, const rates *theirs, thread_run *run,
                         json_t *least) {
    const peer_case *p = &c->theirs[i];
    char text[96], name[96];
    if (theirs->count == 0) {
        printf("    PyTorch %-26s skipped: %s\n", p->name, theirs->error);
        return;
    }
    json_t *rate = summary(theirs->value, theirs->count, "images_per_s");
    snprintf(text, sizeof text, "  PyTorch, %s%s", p->quantised ? "fake-quantised, " : "", p->name);
    print_rate(text, rate);
    snprintf(name, sizeof name, "%s_%s", c->ours.name, p->name);
    json_object_set_new(run->torch, name, rate);
    if (theirs->images) {
        printf("  no ratio: one step of %d images, as slow as it is (emulated?)\n", theirs->images);
        json_object_set_new(rate, "images_of_one_step", json_integer(theirs->images));
        put_no_ratio(c->ours.name, p->name, run->ratios, least);
    } else {
        put_ratio(c->ours.name, p->name, ours, theirs, run->ratios, least);
    }
}

static void print_ours(const comparison *c, const json_t *rate, const rates *ours, int rounds) {
    char text[96];
    bool emulated = c->ours.precision == QEA_PRECISION_BF16 && bench_kernels->bf16 == QEA_BF16_WIDE;
    snprintf(text, sizeof text, "%s%s", c->ours.text, emulated ? ", emulated" : "");
    print_rate(text, rate);
    if (ours->count < rounds) printf("  %d of %d rounds;", ours->count, rounds);
}

static void compare(const comparison *c, bench_peer *peer, int batch, int rounds, thread_run *run, json_t *least) {
    rates ours = {.count = 0};
    static rates theirs[2];
    memset(theirs, 0, sizeof theirs);
    bench_engine engine = bench_engine_make(&c->ours, bench_kernels, batch);
    measure(c, &engine, peer, rounds, run->threads == 1, &ours, theirs);
    json_t *rate = summary(ours.value, ours.count, "images_per_s");
    double flops = number(rate, "images_per_s") * bench_engine_flops(&engine), fma = flops / run->fma;
    print_ours(c, rate, &ours, rounds);
    printf("  %.0f %% of the FMA peak", 100 * fma); /* as if convolved directly in floats */
    if (run->amx > 0) printf(", %.0f %% of AMX's", 100 * flops / run->amx);
    printf("\n");
    json_object_set_new(rate, "fma_share", json_real(fma));
    if (run->amx > 0) json_object_set_new(rate, "amx_share", json_real(flops / run->amx));
    json_object_set_new(run->quantea, c->ours.name, rate);
    for (int i = 0; peer && i < c->num_theirs; i++) compare_peer(c, i, &ours, &theirs[i], run, least);
    fflush(stdout);
    bench_engine_free(&engine);
}

static json_t *compare_all(int threads, unsigned parts, json_t *least, json_t *results) {
    enum { LARGE_BATCH = 16 };
    qea_kernels_set_threads(threads);
    thread_run run = {
        threads,      bench_peak_fma(threads, qea_kernels_isa()), bench_peak_amx(threads), json_object(), json_object(),
        json_object()};
    bench_peer *peer = settings.peer ? bench_peer_start(threads, settings.isa) : NULL;
    printf("%d thread%s, images per second, median (lowest .. highest) of %d rounds of %g s; FMA peak %.1f GFLOP/s",
           threads, threads == 1 ? "" : "s", settings.rounds, settings.seconds, run.fma * 1e-9);
    if (run.amx > 0) printf(", AMX peak %.1f", run.amx * 1e-9);
    printf("; PyTorch %s\n", peer ? bench_peer_version(peer) : "skipped (no python3-torch, or --no-peer)");
    if (peer) json_object_set_new(results, "torch", json_string(bench_peer_version(peer)));
    if (parts & COMPARE) {
        printf("ResNet-20, 32x32, batch %d\n", settings.batch);
        for (size_t i = 0; i < sizeof resnet20 / sizeof *resnet20; i++)
            compare(&resnet20[i], peer, settings.batch, settings.rounds, &run, least);
    }
    if (parts & NETWORKS) {
        printf("a training step, batch %d\n", LARGE_BATCH);
        for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
            compare(&networks[i], peer, LARGE_BATCH, settings.rounds < 3 ? settings.rounds : 3, &run, least);
    }
    bench_peer_stop(peer);
    return json_pack("{s:i,s:f,s:f,s:o,s:o,s:o}", "threads", threads, "fma_peak", run.fma, "amx_peak", run.amx,
                     "quantea", run.quantea, "torch", run.torch, "ratios", run.ratios);
}

/* --- results --- */

static json_t *describe(void) {
    json_t *object = bench_describe();
    printf("%s, %s\n", qea_kernels_isa(), qea_kernels_library_version());
    json_t *ours = json_pack("{s:s,s:s,s:b,s:i}", "isa", qea_kernels_isa(), "library", qea_kernels_library_version(),
                             "amx", qea_kernels_have_amx(), "batch", settings.batch);
    json_object_update(object, ours);
    json_decref(ours);
    return object;
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

static bool parse_value(const char *option, const char *value) {
    if (strcmp(option, "--threads") == 0)
        parse_threads(value);
    else if (strcmp(option, "--batch") == 0)
        settings.batch = atoi(value);
    else if (strcmp(option, "--rounds") == 0)
        settings.rounds = atoi(value);
    else if (strcmp(option, "--seconds") == 0)
        settings.seconds = atof(value);
    else if (strcmp(option, "--isa") == 0)
        settings.isa = value;
    else if (strcmp(option, "--out") == 0)
        settings.out = value;
    else if (strcmp(option, "--work") == 0)
        settings.work = atoi(value);
    else
        return false;
    return true;
}

static bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        unsigned bit = 0;
        for (int p = 0; p < NUM_PARTS; p++)
            if (strcmp(argv[i], part_names[p].option) == 0) bit = part_names[p].bit;
        settings.parts |= bit;
        if (bit) continue;
        if (strcmp(argv[i], "--no-peer") == 0)
            settings.peer = false;
        else if (i + 1 == argc || !parse_value(argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    if (settings.parts == 0) settings.parts = ALL;
    return settings.num_threads > 0 && settings.batch > 0 && settings.seconds > 0 && settings.rounds > 0 &&
           settings.rounds <= MAX_ROUNDS;
}

static void bench(const char *program) {
    json_t *results = describe(), *runs = json_array(), *least = json_object();
    for (int i = 0; i < settings.num_threads && settings.parts & (COMPARE | NETWORKS); i++)
        json_array_append_new(runs, compare_all(settings.threads[i], settings.parts, least, results));
    json_object_set_new(results, "runs", runs);
    /* Under short names the ratios that count most. */
    json_t *short_names =
        json_pack("{s:O*,s:O*,s:O*}", "train_vs_torch_f32", json_object_get(least, "train_w4a4_vs_torch_f32"),
                  "train_vs_torch_bf16", json_object_get(least, "train_w4a4_vs_torch_bf16"), "eval_vs_torch_f32",
                  json_object_get(least, "eval_w4a4_vs_torch_f32"));
    json_object_update(least, short_names);
    json_decref(short_names);
    json_object_set_new(results, "ratios", least);
    if (settings.parts & PROFILE)
        json_object_set_new(results, "profile", bench_profile(settings.batch, settings.seconds));
    if (settings.parts & DATA) json_object_set_new(results, "data", bench_data(settings.batch, settings.seconds));
    if (settings.parts & SUPERNET)
        json_object_set_new(results, "supernet", bench_supernet(settings.batch, settings.seconds));
    if (settings.parts & WORKERS)
        json_object_set_new(results, "workers", bench_workers(program, settings.batch, settings.seconds, settings.isa));
    if (settings.parts & SCALING) json_object_set_new(results, "scaling", bench_scaling(settings.seconds));
    bench_must(bench_write(bench_ctx, settings.out, results));
    json_decref(results);
}

int main(int argc, char **argv) {
    bench_ctx = qea_context_create();
    if (!bench_ctx || !parse(argc, argv)) {
        fprintf(stderr, "usage: bench_train [--threads 1,2] [--batch 128] [--rounds 5] [--seconds 1] [--isa auto] "
                        "[--no-peer] [--out FILE.json]\n"
                        "       [--compare] [--networks] [--profile] [--data] [--supernet] [--workers] [--scaling]: "
                        "these parts only\n");
        return 2;
    }
    bench_kernels = qea_kernels_cpu(bench_ctx, settings.isa);
    if (!bench_kernels) {
        printf("%s\n", qea_context_message(bench_ctx));
        bench_kernels = qea_kernels_ref();
    }
    if (settings.work >= 0) return bench_work(settings.work, settings.batch, settings.seconds);
    bench(argv[0]);
    qea_context_destroy(bench_ctx);
    return 0;
}
