/* kernels/cpu/pass_direct.c: the inner parts of direct.c in vectors of integers; the base instruction set has none. */
#include "kernels/cpu/passes.h"

#ifndef __AVX2__

const qea_direct_kernel QEA_VARIANT(qea_pass_direct) = {.lanes = 0};

#else

#include <immintrin.h>
#include <string.h>

#ifdef __AVX512BW__

typedef __m512i vec;
#define V(operation) _mm512_##operation
#define OR _mm512_or_si512
static inline vec load(const void *from) { return _mm512_loadu_si512(from); }
static inline void store(void *to, vec v) { _mm512_storeu_si512(to, v); }
static inline void store_floats(float *to, vec v) { _mm512_storeu_ps(to, _mm512_cvtepi32_ps(v)); }
static inline vec to_integers(__m512 x, float low) { return _mm512_cvtps_epi32(_mm512_sub_ps(x, _mm512_set1_ps(low))); }
static inline __m512 load_floats(const float *from) { return _mm512_loadu_ps(from); }
/* The first `count`, and zeros. */
static inline __m512 load_some_floats(const float *from, int count) {
    int lanes = count > 16 ? 16 : count > 0 ? count : 0;
    return _mm512_maskz_loadu_ps((__mmask16)((1U << lanes) - 1), from);
}
static inline bool any_negative(vec v) { return _mm512_movepi32_mask(v) != 0; }

/* 4 vectors' integers as neighbouring bytes or words. */
static inline void store_narrow(const vec v[4], bool bytes, uint8_t *to) {
    for (int i = 0; i < 4; i++) {
        if (bytes)
            _mm_storeu_si128((__m128i *)(void *)(to + i * 16), _mm512_cvtepi32_epi8(v[i]));
        else
            _mm256_storeu_si256((__m256i *)(void *)(to + i * 32), _mm512_cvtepi32_epi16(v[i]));
    }
}

#else

typedef __m256i vec;
#define V(operation) _mm256_##operation
#define OR _mm256_or_si256
static inline vec load(const void *from) { return _mm256_loadu_si256(from); }
static inline void store(void *to, vec v) { _mm256_storeu_si256(to, v); }
static inline void store_floats(float *to, vec v) { _mm256_storeu_ps(to, _mm256_cvtepi32_ps(v)); }
static inline vec to_integers(__m256 x, float low) { return _mm256_cvtps_epi32(_mm256_sub_ps(x, _mm256_set1_ps(low))); }
static inline __m256 load_floats(const float *from) { return _mm256_loadu_ps(from); }
/* The first `count`, and zeros. */
static inline __m256 load_some_floats(const float *from, int count) {
    return _mm256_maskload_ps(from,
                              _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
static inline bool any_negative(vec v) { return _mm256_movemask_ps(_mm256_castsi256_ps(v)) != 0; }

/* 4 vectors' integers as neighbouring bytes or words. */
static inline void store_narrow(const vec v[4], bool bytes, uint8_t *to) {
    vec low = _mm256_packs_epi32(v[0], v[1]), high = _mm256_packs_epi32(v[2], v[3]);
    if (bytes) {
        vec order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        vec all = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
        _mm256_storeu_si256((vec *)(void *)to, all);
    } else {
        _mm256_storeu_si256((vec *)(void *)to, _mm256_permute4x64_epi64(low, 0xd8));
        _mm256_storeu_si256((vec *)(void *)(to + sizeof(vec)), _mm256_permute4x64_epi64(high, 0xd8));
    }
}

#endif

enum { LANES = sizeof(vec) / sizeof(int32_t), PIXELS = 4, VECTORS = QEA_DIRECT_VECTORS, PACKED = 4 * LANES };

/* low <= 0, and so the zeros behind the end are no negative ones either. */
static bool pack(const float *x, size_t count, float low, bool bytes, uint8_t *to) {
    vec all = V(set1_epi32)(0), v[4]; /* a NaN becomes the lowest integer */
    size_t width = bytes ? 1 : 2, i = 0;
    for (; i + PACKED <= count; i += PACKED, to += PACKED * width) {
        for (size_t k = 0; k < 4; k++) {
            v[k] = to_integers(load_floats(x + i + k * LANES), low);
            all = OR(all, v[k]);
        }
        store_narrow(v, bytes, to);
    }
    if (i < count) {
        uint8_t narrow[PACKED * 2];
        int left = (int)(count - i);
        for (int k = 0; k < 4; k++) {
            v[k] = to_integers(load_some_floats(x + i + (left > k * LANES ? k * LANES : 0), left - k * LANES), low);
            all = OR(all, v[k]);
        }
        store_narrow(v, bytes, narrow);
        memcpy(to, narrow, (count - i) * width);
    }
    return !any_negative(all);
}

static void pack_bytes(const uint8_t *x, size_t count, int low, bool bytes, uint8_t *to) {
    if (bytes && low == 0) {
        memcpy(to, x, count);
    } else if (bytes) {
        for (size_t i = 0; i < count; i++) to[i] = (uint8_t)(x[i] - low);
    } else {
        for (size_t i = 0; i < count; i++) {
            int16_t v = (int16_t)(x[i] - low);
            memcpy(to + i * sizeof v, &v, sizeof v);
        }
    }
}

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__ /* without which the sums would not stay in registers */
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* Four bytes of a pixel's run in every lane. */
ALWAYS_INLINE vec four(const uint8_t *from) {
    int32_t value;
    memcpy(&value, from, sizeof value);
    return V(set1_epi32)(value);
}

typedef struct block { /* the sums of neighbouring output pixels and of vectors of channels */
    vec sum[PIXELS][VECTORS];
} block;

#define FOR_EACH_SUM(m, n) UNROLL for (int m = 0; m < pixels; m++) UNROLL for (int n = 0; n < vectors; n++)

/* Some steps of one row of the window. */
ALWAYS_INLINE void add_steps(block *b, const uint8_t *x, size_t pixel_bytes, const uint8_t *w, int steps, int pixels,
                             int vectors, bool bytes) {
    for (; steps > 0; steps--, x += 4) {
        vec weight[VECTORS];
        UNROLL for (int n = 0; n < vectors; n++, w += sizeof(vec)) weight[n] = load(w);
        UNROLL for (int m = 0; m < pixels; m++) {
            vec value = four(x + (size_t)m * pixel_bytes);
            UNROLL for (int n = 0; n < vectors; n++) {
                if (bytes)
                    b->sum[m][n] = V(add_epi16)(b->sum[m][n], V(maddubs_epi16)(value, weight[n]));
                else
                    b->sum[m][n] = V(add_epi32)(b->sum[m][n], V(madd_epi16)(value, weight[n]));
            }
        }
    }
}

/* Bytes: each lane of 32 bits has two sums of 16, which go into `wide` before `budget` steps could make one overflow;
 * `base` is what they are added to, at first the start. */
ALWAYS_INLINE void tile(const qea_direct_row *q, const uint8_t *x, float *y, size_t y_stride, int pixels, int vectors,
                        bool bytes) {
    const vec ones = V(set1_epi16)(1);
    int32_t wide[PIXELS][VECTORS * LANES];
    const int32_t *base = q->start;
    size_t base_stride = 0;
    block b;
    FOR_EACH_SUM(m, n) b.sum[m][n] = bytes ? V(set1_epi32)(0) : load(base + n * LANES);
    const uint8_t *w = q->weights;
    int budget = q->budget;
    for (int r = 0; r < q->rows; r++, x += q->row_bytes) {
        for (int done = 0; done < q->steps;) {
            int left = q->steps - done, steps = left < budget ? left : budget;
            add_steps(&b, x + (size_t)done * 4, q->pixel_bytes, w, steps, pixels, vectors, bytes);
            w += (size_t)steps * (size_t)vectors * sizeof(vec);
            done += steps;
            budget -= steps;
            if (!bytes || budget > 0) continue;
            FOR_EACH_SUM(m, n) {
                vec more = load(base + (size_t)m * base_stride + n * LANES);
                store(&wide[m][n * LANES], V(add_epi32)(more, V(madd_epi16)(b.sum[m][n], ones)));
                b.sum[m][n] = V(set1_epi32)(0);
            }
            base = wide[0];
            base_stride = VECTORS * LANES;
            budget = q->budget;
        }
    }
    FOR_EACH_SUM(m, n) {
        vec more = load(base + (size_t)m * base_stride + n * LANES);
        if (bytes) b.sum[m][n] = V(add_epi32)(more, V(madd_epi16)(b.sum[m][n], ones));
        store_floats(y + (size_t)m * y_stride + n * LANES, b.sum[m][n]);
    }
}

ALWAYS_INLINE void tile_of(const qea_direct_row *q, const uint8_t *x, float *y, size_t y_stride, int pixels) {
    bool one = q->channels <= LANES, bytes = q->packing == QEA_PACKED_U8;
    if (bytes && one)
        tile(q, x, y, y_stride, pixels, 1, true);
    else if (bytes)
        tile(q, x, y, y_stride, pixels, 2, true);
    else if (one)
        tile(q, x, y, y_stride, pixels, 1, false);
    else
        tile(q, x, y, y_stride, pixels, 2, false);
}

static void some_pixels(const qea_direct_row *q, const uint8_t *x, float *y, size_t y_stride, int pixels) {
    if (pixels == 1) tile_of(q, x, y, y_stride, 1);
    if (pixels == 2) tile_of(q, x, y, y_stride, 2);
    if (pixels == 3) tile_of(q, x, y, y_stride, 3);
    if (pixels == 4) tile_of(q, x, y, y_stride, 4);
}

static void row(const qea_direct_row *q) {
    size_t channels = (size_t)q->channels, width = channels <= LANES ? LANES : VECTORS * LANES;
    for (int j = 0; j < q->pixels; j += PIXELS) {
        const uint8_t *x = q->x + (size_t)j * q->pixel_bytes;
        float *y = q->y + (size_t)j * q->y_stride;
        int pixels = q->pixels - j < PIXELS ? q->pixels - j : PIXELS;
        if (channels == width) {
            some_pixels(q, x, y, q->y_stride, pixels);
            continue;
        }
        float whole[PIXELS * VECTORS * LANES];
        some_pixels(q, x, whole, width, pixels);
        for (int m = 0; m < pixels; m++)
            memcpy(y + (size_t)m * q->y_stride, whole + (size_t)m * width, channels * sizeof *y);
    }
}

const qea_direct_kernel QEA_VARIANT(qea_pass_direct) = {
    .lanes = LANES, .depth = 1, .pack = pack, .pack_bytes = pack_bytes, .row = row};

#endif
