/* kernels/cpu/pass_amx_direct.c: the inner part of direct.c with AMX: u8 times s8 summed in 32 bits, or bfloat16 summed
 * in float32, in tiles of 16 output pixels and 16 channels. Tiles: 0..3 sums of 2x2 such blocks, 4 and 5 pixels, 6 and
 * 7 weights. s16 is left to AVX-512. */
#include <immintrin.h>
#include <string.h>

#include "kernels/cpu/passes.h"

enum { SIDE = 16, DEPTH = 16 /* steps in a tile */, TILE_BYTES = 64 /* of a row */ };

typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

/* Once for each stretch of rows: oneDNN configures the tiles for itself. */
void qea_amx_begin(void) {
    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = TILE_BYTES;
        config.rows[i] = SIDE;
    }
    __asm__ volatile("" ::"m"(config)); /* gcc 12 does not see that the next line reads it */
    _tile_loadconfig(&config);
}

void qea_amx_end(void) { _tile_release(); }

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* 16 or 32 pixels from x, 16 or 32 channels; the numbers are literals where this is called. Pixels and steps beyond the
 * last are read, from memory of the convolution, and dropped or multiplied by 0. The sums are int32 or float32. */
ALWAYS_INLINE void add_up(const qea_direct_row *q, const uint8_t *x, int pixel_tiles, int vectors, bool bf16,
                          int32_t sums[4][SIDE * SIDE]) {
#define MULTIPLY(sum, pixels, weights)                                                                                 \
    do {                                                                                                               \
        if (bf16)                                                                                                      \
            _tile_dpbf16ps(sum, pixels, weights);                                                                      \
        else                                                                                                           \
            _tile_dpbusd(sum, pixels, weights);                                                                        \
    } while (0)
    const size_t pixel = q->pixel_bytes, step = (size_t)vectors * TILE_BYTES;
    const uint8_t *w = q->weights;
    _tile_loadd(0, q->start, 0);
    if (vectors > 1) _tile_loadd(1, q->start + SIDE, 0);
    if (pixel_tiles > 1) _tile_loadd(2, q->start, 0);
    if (pixel_tiles > 1 && vectors > 1) _tile_loadd(3, q->start + SIDE, 0);
    for (int r = 0; r < q->rows; r++, x += q->row_bytes) {
        const uint8_t *from = x;
        for (int done = 0; done < q->steps; done += DEPTH, from += TILE_BYTES, w += DEPTH * step) {
            _tile_loadd(6, w, step);
            _tile_loadd(4, from, pixel);
            MULTIPLY(0, 4, 6);
            if (vectors > 1) {
                _tile_loadd(7, w + TILE_BYTES, step);
                MULTIPLY(1, 4, 7);
            }
            if (pixel_tiles > 1) {
                _tile_loadd(5, from + SIDE * pixel, pixel);
                MULTIPLY(2, 5, 6);
                if (vectors > 1) MULTIPLY(3, 5, 7);
            }
        }
    }
#undef MULTIPLY
    _tile_stored(0, sums[0], TILE_BYTES);
    if (vectors > 1) _tile_stored(1, sums[1], TILE_BYTES);
    if (pixel_tiles > 1) _tile_stored(2, sums[2], TILE_BYTES);
    if (pixel_tiles > 1 && vectors > 1) _tile_stored(3, sums[3], TILE_BYTES);
}

ALWAYS_INLINE void store(const qea_direct_row *q, int32_t sums[4][SIDE * SIDE], int pixels, bool bf16, float *y) {
    for (int n = 0; n * SIDE < q->channels; n++) {
        int left = q->channels - n * SIDE;
        __mmask16 lanes = (__mmask16)(left >= SIDE ? 0xffffU : (1U << left) - 1U);
        for (int m = 0; m < pixels; m++) {
            __m512i sum = _mm512_loadu_si512(&sums[m / SIDE * 2 + n][m % SIDE * SIDE]);
            __m512 value = bf16 ? _mm512_castsi512_ps(sum) : _mm512_cvtepi32_ps(sum);
            _mm512_mask_storeu_ps(y + (size_t)m * q->y_stride + n * SIDE, lanes, value);
        }
    }
}

ALWAYS_INLINE void tiles(const qea_direct_row *q, bool bf16) {
    int32_t sums[4][SIDE * SIDE];
    for (int j = 0; j < q->pixels; j += 2 * SIDE) {
        const uint8_t *x = q->x + (size_t)j * q->pixel_bytes;
        int pixels = q->pixels - j < 2 * SIDE ? q->pixels - j : 2 * SIDE;
        bool wide = q->channels > SIDE, more = pixels > SIDE;
        if (wide && more) add_up(q, x, 2, 2, bf16, sums);
        if (wide && !more) add_up(q, x, 1, 2, bf16, sums);
        if (!wide && more) add_up(q, x, 2, 1, bf16, sums);
        if (!wide && !more) add_up(q, x, 1, 1, bf16, sums);
        store(q, sums, pixels, bf16, q->y + (size_t)j * q->y_stride);
    }
}

static void row(const qea_direct_row *q) {
    if (q->packing == QEA_PACKED_S16)
        qea_pass_direct_avx512.row(q);
    else if (q->packing == QEA_PACKED_U8)
        tiles(q, false);
    else
        tiles(q, true);
}

qea_direct_kernel qea_pass_direct_amx(void) {
    qea_direct_kernel kernel = qea_pass_direct_avx512;
    kernel.wide = kernel.bf16 = true;
    kernel.depth = DEPTH;
    kernel.more_pixels = SIDE - 1;
    kernel.begin = qea_amx_begin;
    kernel.end = qea_amx_end;
    kernel.row = row;
    return kernel;
}
