/* kernels/cpu/pass_amx_gradient.c: the inner parts of gradient.c, for a CPU with AMX-BF16. */
#include <immintrin.h>
#include <string.h>

#include "kernels/cpu/passes.h"

enum { SIDE = 16, DEPTH = 32, TILE_BYTES = 64 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* bfloat16 values of two pixels, 16 channels of which `lanes`, as pairs. */
ALWAYS_INLINE __m512i pair_words(const uint16_t *even, const uint16_t *odd, __mmask16 lanes) {
    __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, even));
    __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, odd));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/* The same of bytes: an integer's float32 has bfloat16's bits in its upper half. */
ALWAYS_INLINE __m512i pair_bytes(const uint8_t *even, const uint8_t *odd, __mmask16 lanes) {
    __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, even)));
    __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, odd)));
    return _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(low), 16),
                           _mm512_and_si512(_mm512_castps_si512(high), _mm512_set1_epi32((int)0xffff0000U)));
}

static __mmask16 lanes_of(int channels, int first) {
    int left = channels - first;
    return (__mmask16)(left >= SIDE ? 0xffffU : (1U << left) - 1U);
}

/* r[i] lane j -> row j lane i, rows `stride` values apart. */
ALWAYS_INLINE void store_transposed(__m512i r[SIDE], uint16_t *to, size_t stride) {
    __m512i t[SIDE];
    for (int i = 0; i < SIDE; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < SIDE; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        _mm512_storeu_si512(to + (size_t)i * stride, _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88));
        _mm512_storeu_si512(to + (size_t)(i + 8) * stride, _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd));
        _mm512_storeu_si512(to + (size_t)(i + 4) * stride, _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88));
        _mm512_storeu_si512(to + (size_t)(i + 12) * stride, _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd));
    }
}

static void lines(qea_view x, size_t positions, int channels, uint16_t *to) {
    size_t pixel = (size_t)channels;
    for (int c = 0; c < channels; c += SIDE, to += SIDE * positions) {
        __mmask16 lanes = lanes_of(channels, c);
        for (size_t q = 0; q < positions; q += DEPTH) {
            __m512i r[SIDE];
            for (size_t i = 0; i < SIDE; i++) {
                size_t even = (q + 2 * i) * pixel + (size_t)c;
                if (x.type == QEA_U8)
                    r[i] = pair_bytes((const uint8_t *)x.data + even, (const uint8_t *)x.data + even + pixel, lanes);
                else
                    r[i] = pair_words((const uint16_t *)x.data + even, (const uint16_t *)x.data + even + pixel, lanes);
            }
            store_transposed(r, to + q, positions);
        }
    }
}

static void pairs(const uint16_t *dy, size_t positions, int channels, uint16_t *to) {
    size_t pixel = (size_t)channels;
    for (int k = 0; k < channels; k += SIDE) {
        __mmask16 lanes = lanes_of(channels, k);
        for (size_t q = 0; q < positions; q += 2, to += 2 * SIDE)
            _mm512_storeu_si512(to, pair_words(dy + q * pixel + (size_t)k, dy + (q + 1) * pixel + (size_t)k, lanes));
    }
}

/* One tap, one or two blocks of c and of k; the numbers are literals where this is called. */
ALWAYS_INLINE void add_tile(const qea_gradient_product *q, const uint16_t *x, const uint16_t *dy, int c_blocks,
                            int k_blocks, float *sums) {
    const size_t line = q->line * sizeof *x, width = (size_t)q->k_blocks * SIDE, stride = width * sizeof *sums;
    const size_t next_k = q->positions * SIDE;
    _tile_loadd(0, sums, stride);
    if (k_blocks > 1) _tile_loadd(1, sums + SIDE, stride);
    if (c_blocks > 1) _tile_loadd(2, sums + SIDE * width, stride);
    if (c_blocks > 1 && k_blocks > 1) _tile_loadd(3, sums + SIDE * width + SIDE, stride);
    for (size_t at = 0; at < q->positions; at += DEPTH, dy += DEPTH * SIDE) {
        _tile_loadd(6, dy, TILE_BYTES);
        _tile_loadd(4, x + at, line);
        _tile_dpbf16ps(0, 4, 6);
        if (k_blocks > 1) {
            _tile_loadd(7, dy + next_k, TILE_BYTES);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (c_blocks > 1) {
            _tile_loadd(5, x + at + SIDE * q->line, line);
            _tile_dpbf16ps(2, 5, 6);
            if (k_blocks > 1) _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, stride);
    if (k_blocks > 1) _tile_stored(1, sums + SIDE, stride);
    if (c_blocks > 1) _tile_stored(2, sums + SIDE * width, stride);
    if (c_blocks > 1 && k_blocks > 1) _tile_stored(3, sums + SIDE * width + SIDE, stride);
}

static void add_tap(const qea_gradient_product *q, const uint16_t *x, float *sums) {
    const size_t width = (size_t)q->k_blocks * SIDE;
    for (int c = 0; c < q->c_blocks; c += 2)
        for (int k = 0; k < q->k_blocks; k += 2) {
            const uint16_t *from = x + (size_t)c * SIDE * q->line, *dy = q->dy + (size_t)k * q->positions * SIDE;
            float *to = sums + (size_t)c * SIDE * width + (size_t)k * SIDE;
            bool two_c = c + 1 < q->c_blocks, two_k = k + 1 < q->k_blocks;
            if (two_c && two_k) add_tile(q, from, dy, 2, 2, to);
            if (two_c && !two_k) add_tile(q, from, dy, 2, 1, to);
            if (!two_c && two_k) add_tile(q, from, dy, 1, 2, to);
            if (!two_c && !two_k) add_tile(q, from, dy, 1, 1, to);
        }
}

static void add(const qea_gradient_product *q) {
    const size_t sums = (size_t)q->c_blocks * (size_t)q->k_blocks * SIDE * SIDE;
    for (int r = 0; r < q->window_rows; r++)
        for (int s = 0; s < q->window_columns; s++)
            add_tap(q, q->x + (size_t)r * q->pitch + (size_t)s, q->sums + (size_t)(r * q->window_columns + s) * sums);
}

const qea_gradient_kernel qea_pass_gradient_amx = {
    .begin = qea_amx_begin, .end = qea_amx_end, .lines = lines, .pairs = pairs, .add = add};
