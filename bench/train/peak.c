/* bench/train/peak.c: what the arithmetic units can do: loops on registers alone, measured, not looked up. */
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/train/bench.h"

enum { MAX_THREADS = 256, LOOPS = 2000000, TILE_LOOPS = 400000 };

typedef struct job {
    double (*work)(void); /* floating-point operations done */
    double flops_per_s;
    volatile float sink;
} job;

static double thread_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *run(void *data) {
    job *j = data;
    for (int i = 0; i < 5; i++) {
        double start = thread_seconds(), flops = j->work(), rate = flops / (thread_seconds() - start);
        if (rate > j->flops_per_s) j->flops_per_s = rate;
    }
    return NULL;
}

/* The sum over threads that run at the same time, each by its own clock. */
static double peak(int threads, double (*work)(void)) {
    static job jobs[MAX_THREADS];
    static pthread_t ids[MAX_THREADS];
    double sum = 0;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    int started = 0;
    for (; started < threads; started++) {
        jobs[started] = (job){.work = work};
        if (pthread_create(&ids[started], NULL, run, &jobs[started]) != 0) break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
        sum += jobs[i].flops_per_s;
    }
    return sum;
}

#ifdef __x86_64__
#include <immintrin.h>

enum { CHAINS = 12 }; /* independent sums: more than the units' latency times their number */
static volatile float sink;

/* The empty assembly hides from the compiler that all chains are equal. */
#define FMA_LOOP(vector, lanes, set, fma, store, zero)                                                                 \
    vector sum[CHAINS], a = set(0.999F), b = set(0.001F);                                                              \
    float out[lanes];                                                                                                  \
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) {                                                        \
        sum[i] = zero();                                                                                               \
        __asm__ volatile("" : "+x"(sum[i]));                                                                           \
    }                                                                                                                  \
    for (int n = 0; n < LOOPS; n++) {                                                                                  \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sum[i] = fma(sum[i], a, b);                          \
    }                                                                                                                  \
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) {                                                        \
        store(out, sum[i]);                                                                                            \
        sink = out[0];                                                                                                 \
    }                                                                                                                  \
    return 2.0 * (lanes)*CHAINS * LOOPS

__attribute__((target("avx2,fma"))) static double fma_avx2(void) {
    FMA_LOOP(__m256, 8, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps, _mm256_setzero_ps);
}

__attribute__((target("avx512f"))) static double fma_avx512(void) {
    FMA_LOOP(__m512, 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps, _mm512_setzero_ps);
}

static double multiply_add_sse2(void) {
#define MULTIPLY_ADD(s, x, y) _mm_add_ps(_mm_mul_ps(s, x), y)
    FMA_LOOP(__m128, 4, _mm_set1_ps, MULTIPLY_ADD, _mm_storeu_ps, _mm_setzero_ps);
}

/* Four tiles of sums, 16 x 16 float32 from 16 x 32 bf16 twice. */
__attribute__((target("amx-tile,amx-bf16"))) static double tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 6; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (int n = 0; n < TILE_LOOPS; n++) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_release();
    return 4.0 * TILE_LOOPS * 2 * 16 * 16 * 32;
}

double bench_peak_fma(int threads, const char *isa) {
    if (strncmp(isa, "avx512", 6) == 0) return peak(threads, fma_avx512);
    return peak(threads, strcmp(isa, "avx2") == 0 ? fma_avx2 : multiply_add_sse2);
}

double bench_peak_amx(int threads) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    if (!qea_kernels_have_amx() || syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) != 0) return 0;
    return peak(threads, tiles);
}
#else
static double multiply_add(void) {
    float sum[16] = {0};
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < 16; i++) sum[i] = sum[i] * 0.999F + 0.001F;
    return sum[0] > 0 ? 2.0 * 16 * LOOPS : 0;
}
double bench_peak_fma(int threads, const char *isa) { return (void)isa, peak(threads, multiply_add); }
double bench_peak_amx(int threads) { return (void)threads, 0; }
#endif
