/* bench/train/peer.c: PyTorch beside this engine: bench/torch_peer.py in a process that answers one line of JSON to
 * each line of JSON, so that the two can be measured in turn. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/train/bench.h"

struct bench_peer {
    pid_t process;
    FILE *to, *from;
    char version[64];
};

/* The instruction sets of PyTorch and its oneDNN are limited as ours. */
static void be_peer(int threads, const char *isa) {
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    setenv("OMP_NUM_THREADS", count, 1);
    if (strcmp(isa, "auto") != 0) {
        setenv("ATEN_CPU_CAPABILITY", strcmp(isa, "sse2") == 0 ? "default" : isa, 1);
        setenv("DNNL_MAX_CPU_ISA",
               strcmp(isa, "avx512") == 0 ? "AVX512_CORE"
               : strcmp(isa, "avx2") == 0 ? "AVX2"
                                          : "SSE41",
               1);
    }
    execl("/usr/bin/python3", "python3", QEA_BENCH_FOLDER "/torch_peer.py", count, (char *)NULL);
    _exit(127);
}

/* The answer to the last request; NULL: the process is gone. */
static json_t *answer(bench_peer *peer) {
    char line[4096];
    return fgets(line, sizeof line, peer->from) ? json_loads(line, 0, NULL) : NULL;
}

bench_peer *bench_peer_start(int threads, const char *isa) {
    int to[2], from[2];
    bench_peer *peer = calloc(1, sizeof *peer);
    signal(SIGPIPE, SIG_IGN);
    fflush(NULL);
    if (!peer || pipe(to) != 0 || pipe(from) != 0 || (peer->process = fork()) < 0) exit(1);
    if (peer->process == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        be_peer(threads, isa);
    }
    close(to[0]), close(from[1]);
    peer->to = fdopen(to[1], "w");
    peer->from = fdopen(from[0], "r");
    json_t *hello = answer(peer);
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
    fclose(peer->to); /* it ends with its input */
    fclose(peer->from);
    waitpid(peer->process, NULL, 0);
    free(peer);
}

const char *bench_peer_version(const bench_peer *peer) { return peer->version; }

double bench_peer_rate(bench_peer *peer, const char *net, bool quantised, bool bf16, bool train, int batch,
                       double seconds, int *images, char error[256]) {
    json_t *request = json_pack("{s:s,s:b,s:b,s:b,s:i,s:f}", "net", net, "quantised", quantised, "bf16", bf16, "train",
                                train, "batch", batch, "seconds", seconds);
    char *line = json_dumps(request, JSON_COMPACT);
    fprintf(peer->to, "%s\n", line);
    fflush(peer->to);
    json_t *result = answer(peer);
    double rate = json_number_value(json_object_get(result, "images_per_s"));
    *images = (int)json_integer_value(json_object_get(result, "images"));
    const char *reason = json_string_value(json_object_get(result, "error"));
    if (rate <= 0) snprintf(error, 256, "%s", reason ? reason : "PyTorch's process ended");
    json_decref(result);
    json_decref(request);
    free(line);
    return rate;
}
