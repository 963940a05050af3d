/* bench/train/bench.h: what the parts of bench_train share. Errors end the program with a message. */
#ifndef BENCH_TRAIN_H
#define BENCH_TRAIN_H

#include <jansson.h>

#include "nn/plan.h"
#include "train/optimizer.h"

extern qea_context *bench_ctx;
extern const qea_kernels *bench_kernels;

void bench_must(qea_status status);
/* Seconds; processor: of this process on all its threads, so that what else runs on the machine matters little. */
double bench_now(bool processor);
/* Sorts; the middle one. */
double bench_median(double *values, int count);

/* --- engine.c --- */

typedef enum bench_net { BENCH_RESNET20, BENCH_RESNET18, BENCH_MOBILENET_V2 } bench_net;
const char *bench_net_name(bench_net net); /* as the peer knows it */

typedef struct bench_case {
    const char *name, *text;
    bench_net net;
    bool train;
    const uint8_t *weight_bits, *activation_bits; /* three each, repeated over the layers */
    qea_precision precision;
} bench_case;

/* The first of them is W4A4 training of ResNet-20. */
extern const bench_case bench_w4a4_training;
extern const uint8_t bench_bits_4[3], bench_bits_weights[3], bench_bits_activations[3], bench_bits_float[3];

typedef struct bench_engine {
    const bench_case *what;
    qea_graph *graph;
    qea_model *model;
    qea_plan *plan;
    qea_optimizer_state optimizer;
    float *images; /* random ones */
    int32_t *labels;
    int batch;
    double optimizer_seconds; /* processor time so far, where `profiled` */
    bool profiled;
} bench_engine;

bench_engine bench_engine_make(const bench_case *what, const qea_kernels *kernels, int batch);
/* Of a graph of the caller's, which it takes over. */
bench_engine bench_engine_make_of(const bench_case *what, qea_graph *graph, const qea_kernels *kernels, int batch);
void bench_engine_free(bench_engine *engine);
void bench_engine_step(bench_engine *engine);
/* Images per second over `seconds` and one step at least, after a step that does not count (unless it took long). */
double bench_engine_rate(bench_engine *engine, double seconds, bool processor);
/* Of a step or of a forward pass, per image, by direct convolutions. */
double bench_engine_flops(const bench_engine *engine);
/* Bytes that training must keep of a batch: inputs and outputs of all convolutions, shortcuts, images; and the
 * parameters with gradient and momentum. */
double bench_engine_kept(const bench_engine *engine);

/* --- the parts --- */

/* FLOP/s of `threads` threads that multiply and add in registers only. isa: as qea_kernels_isa says. amx: of bf16
 * tiles, 0 where there are none. */
double bench_peak_fma(int threads, const char *isa);
double bench_peak_amx(int threads);

/* PyTorch in a process of its own, which waits for requests. */
typedef struct bench_peer bench_peer;
bench_peer *bench_peer_start(int threads, const char *isa); /* NULL: there is none here */
void bench_peer_stop(bench_peer *peer);
const char *bench_peer_version(const bench_peer *peer);
/* Images per second of one slice; 0: it cannot, for the reason in error[256]. *images: 0, or those of the one step by
 * which something very slow was measured. */
double bench_peer_rate(bench_peer *peer, const char *net, bool quantised, bool bf16, bool train, int batch,
                       double seconds, int *images, char error[256]);

/* Each prints a table and gives what stands in it. */
json_t *bench_profile(int batch, double seconds);
json_t *bench_scaling(double seconds);
json_t *bench_workers(const char *program, int batch, double seconds, const char *isa);
json_t *bench_data(int batch, double seconds);
json_t *bench_supernet(int batch, double seconds);
/* What a worker process does that bench_workers started: prints images per second and peak memory. */
int bench_work(int processor, int batch, double seconds);

#endif
