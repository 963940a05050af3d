/* bench/train/peer.c: PyTorch beside this engine: bench/torch_peer.py in a process that answers one line of JSON to
 * each line of JSON, so that the two can be measured in turn. */
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"
#include "bench/train/bench.h"

struct bench_peer {
    bench_process process;
    char version[64];
};

typedef struct peer_limits {
    const char *threads, *isa;
} peer_limits;

/* The instruction sets of PyTorch and its oneDNN are limited as ours. */
static void limit_peer(const void *user) {
    const peer_limits *limits = user;
    setenv("OMP_NUM_THREADS", limits->threads, 1);
    if (strcmp(limits->isa, "auto") == 0) return;
    setenv("ATEN_CPU_CAPABILITY", strcmp(limits->isa, "sse2") == 0 ? "default" : limits->isa, 1);
    setenv("DNNL_MAX_CPU_ISA",
           strcmp(limits->isa, "avx512") == 0 ? "AVX512_CORE"
           : strcmp(limits->isa, "avx2") == 0 ? "AVX2"
                                              : "SSE41",
           1);
}

bench_peer *bench_peer_start(int threads, const char *isa) {
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    const peer_limits limits = {count, isa};
    bench_peer *peer = calloc(1, sizeof *peer);
    if (!peer || !bench_process_start("/usr/bin/python3", QEA_BENCH_FOLDER "/torch_peer.py", count, limit_peer, &limits,
                                      &peer->process))
        exit(1);
    json_t *hello = bench_process_hear(&peer->process);
    if (!hello) {
        bench_peer_stop(peer);
        return NULL;
    }
    snprintf(peer->version, sizeof peer->version, "%s", json_string_value(json_object_get(hello, "version")));
    json_decref(hello);
    return peer;
}

void bench_peer_stop(bench_peer *peer) {
    if (!peer) return;
    bench_process_stop(&peer->process);
    free(peer);
}

const char *bench_peer_version(const bench_peer *peer) { return peer->version; }

double bench_peer_rate(bench_peer *peer, const char *net, bool quantised, bool bf16, bool train, int batch,
                       double seconds, int *images, char error[256]) {
    json_t *request = json_pack("{s:s,s:b,s:b,s:b,s:i,s:f}", "net", net, "quantised", quantised, "bf16", bf16, "train",
                                train, "batch", batch, "seconds", seconds);
    bench_process_say(&peer->process, request);
    json_t *result = bench_process_hear(&peer->process);
    double rate = json_number_value(json_object_get(result, "images_per_s"));
    *images = (int)json_integer_value(json_object_get(result, "images"));
    const char *reason = json_string_value(json_object_get(result, "error"));
    if (rate <= 0) snprintf(error, 256, "%s", reason ? reason : "PyTorch's process ended");
    json_decref(result);
    json_decref(request);
    return rate;
}
