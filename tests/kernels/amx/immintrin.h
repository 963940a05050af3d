/* tests/kernels/amx/immintrin.h: in place of the compiler's header, what cpu/pass_amx*.c use of AVX-512 and AMX in
 * plain C, so that any machine, and the sanitizers, can check these kernels. Source: Intel 64 and IA-32 Architectures
 * Software Developer's Manual, volume 2 (the operations), volume 1 chapter 18 (tiles). */
#ifndef AMX_MODEL_H
#define AMX_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t __mmask16;
typedef struct {
    uint8_t v[16];
} __m128i;
typedef struct {
    uint16_t v[16];
} __m256i;
typedef struct {
    uint32_t v[16];
} __m512i;
typedef struct {
    float v[16];
} __m512;

/* The products touch tiles only, and would take the sanitizers minutes. */
#define AMX_PLAIN __attribute__((unused, noinline, no_sanitize("address", "undefined")))
#define AMX_EACH(i) for (size_t i = 0; i < 16; i++)

/* --- AVX-512 --- */

static inline __m512i _mm512_loadu_si512(const void *from) {
    __m512i r;
    memcpy(&r, from, sizeof r);
    return r;
}
static inline void _mm512_storeu_si512(void *to, __m512i a) { memcpy(to, &a, sizeof a); }
static inline void _mm512_mask_storeu_ps(float *to, __mmask16 mask, __m512 a) {
    AMX_EACH(i) if (mask >> i & 1) to[i] = a.v[i];
}
static inline __m256i _mm256_maskz_loadu_epi16(__mmask16 mask, const uint16_t *from) {
    __m256i r = {{0}};
    AMX_EACH(i) if (mask >> i & 1) r.v[i] = from[i];
    return r;
}
static inline __m128i _mm_maskz_loadu_epi8(__mmask16 mask, const uint8_t *from) {
    __m128i r = {{0}};
    AMX_EACH(i) if (mask >> i & 1) r.v[i] = from[i];
    return r;
}
static inline __m512i _mm512_cvtepu16_epi32(__m256i a) {
    __m512i r;
    AMX_EACH(i) r.v[i] = a.v[i];
    return r;
}
static inline __m512i _mm512_cvtepu8_epi32(__m128i a) {
    __m512i r;
    AMX_EACH(i) r.v[i] = a.v[i];
    return r;
}
static inline __m512 _mm512_cvtepi32_ps(__m512i a) {
    __m512 r;
    AMX_EACH(i) r.v[i] = (float)(int32_t)a.v[i];
    return r;
}
static inline __m512i _mm512_castps_si512(__m512 a) {
    __m512i r;
    memcpy(&r, &a, sizeof r);
    return r;
}
static inline __m512 _mm512_castsi512_ps(__m512i a) {
    __m512 r;
    memcpy(&r, &a, sizeof r);
    return r;
}
static inline __m512i _mm512_set1_epi32(int a) {
    __m512i r;
    AMX_EACH(i) r.v[i] = (uint32_t)a;
    return r;
}
static inline __m512i _mm512_or_si512(__m512i a, __m512i b) {
    AMX_EACH(i) a.v[i] |= b.v[i];
    return a;
}
static inline __m512i _mm512_and_si512(__m512i a, __m512i b) {
    AMX_EACH(i) a.v[i] &= b.v[i];
    return a;
}
static inline __m512i _mm512_slli_epi32(__m512i a, unsigned count) {
    AMX_EACH(i) a.v[i] <<= count;
    return a;
}
static inline __m512i _mm512_srli_epi32(__m512i a, unsigned count) {
    AMX_EACH(i) a.v[i] >>= count;
    return a;
}
/* In each quarter the values `first`, `first` + 1 of a and of b, `size` values at a time in turn. */
static inline __m512i amx_unpack(__m512i a, __m512i b, size_t first, size_t size) {
    __m512i r;
    AMX_EACH(i) {
        size_t of = i % 4, from = i - of + first + of / (2 * size) * size + of % size;
        r.v[i] = of / size % 2 ? b.v[from] : a.v[from];
    }
    return r;
}
static inline __m512i _mm512_unpacklo_epi32(__m512i a, __m512i b) { return amx_unpack(a, b, 0, 1); }
static inline __m512i _mm512_unpackhi_epi32(__m512i a, __m512i b) { return amx_unpack(a, b, 2, 1); }
static inline __m512i _mm512_unpacklo_epi64(__m512i a, __m512i b) { return amx_unpack(a, b, 0, 2); }
static inline __m512i _mm512_unpackhi_epi64(__m512i a, __m512i b) { return amx_unpack(a, b, 2, 2); }
static inline __m512i _mm512_shuffle_i32x4(__m512i a, __m512i b, unsigned order) {
    __m512i r;
    AMX_EACH(i) {
        size_t quarter = order >> (i / 4 * 2) & 3;
        r.v[i] = (i < 8 ? a : b).v[quarter * 4 + i % 4];
    }
    return r;
}

/* --- tiles: eight of at most 16 rows of 64 bytes; using one that is not configured is a fault --- */

typedef struct {
    uint16_t row_bytes[8];
    uint8_t rows[8], bytes[8][16][64];
} amx_tiles;
extern _Thread_local amx_tiles amx_state;

static inline void _tile_release(void) { memset(&amx_state, 0, sizeof amx_state); }
static inline void _tile_loadconfig(const void *config) {
    const uint8_t *c = config;
    _tile_release();
    if (c[0] != 1) abort();
    memcpy(amx_state.row_bytes, c + 16, sizeof amx_state.row_bytes);
    memcpy(amx_state.rows, c + 48, sizeof amx_state.rows);
}
static inline void amx_fault_unless(bool good) {
    if (!good) abort();
}
static inline void _tile_loadd(int tile, const void *from, size_t stride) {
    amx_fault_unless(amx_state.rows[tile] > 0);
    memset(amx_state.bytes[tile], 0, sizeof amx_state.bytes[tile]);
    for (size_t i = 0; i < amx_state.rows[tile]; i++)
        memcpy(amx_state.bytes[tile][i], (const uint8_t *)from + i * stride, amx_state.row_bytes[tile]);
}
static inline void _tile_stored(int tile, void *to, size_t stride) {
    amx_fault_unless(amx_state.rows[tile] > 0);
    for (size_t i = 0; i < amx_state.rows[tile]; i++)
        memcpy((uint8_t *)to + i * stride, amx_state.bytes[tile][i], amx_state.row_bytes[tile]);
}
/* c[m][n] += sum over k of a[m][k] b[k][n], where a value of a and of b is four bytes; the shapes must agree. */
static inline void amx_check_product(int c, int a, int b) {
    amx_fault_unless(amx_state.rows[c] > 0 && amx_state.rows[c] == amx_state.rows[a] &&
                     amx_state.row_bytes[c] == amx_state.row_bytes[b] &&
                     amx_state.row_bytes[a] == 4 * amx_state.rows[b]);
}
AMX_PLAIN static void _tile_dpbusd(int c, int a, int b) {
    amx_check_product(c, a, b);
    AMX_EACH(m) AMX_EACH(n) {
        int32_t sum;
        memcpy(&sum, &amx_state.bytes[c][m][4 * n], sizeof sum);
        for (size_t k = 0; k < 64; k++)
            sum += (int32_t)amx_state.bytes[a][m][k] * (int8_t)amx_state.bytes[b][k / 4][4 * n + k % 4];
        memcpy(&amx_state.bytes[c][m][4 * n], &sum, sizeof sum);
    }
}
AMX_PLAIN static void _tile_dpbf16ps(int c, int a, int b) {
    amx_check_product(c, a, b);
    AMX_EACH(m) AMX_EACH(n) {
        float sum;
        memcpy(&sum, &amx_state.bytes[c][m][4 * n], sizeof sum);
        for (size_t k = 0; k < 32; k++) {
            uint32_t x, y; /* a bfloat16 is the upper half of a float32 */
            float p, q;
            memcpy(&x, &amx_state.bytes[a][m][k / 2 * 4], sizeof x);
            memcpy(&y, &amx_state.bytes[b][k / 2][4 * n], sizeof y);
            x = k % 2 ? x & 0xffff0000U : x << 16;
            y = k % 2 ? y & 0xffff0000U : y << 16;
            memcpy(&p, &x, sizeof p);
            memcpy(&q, &y, sizeof q);
            sum += p * q;
        }
        memcpy(&amx_state.bytes[c][m][4 * n], &sum, sizeof sum);
    }
}

#endif
