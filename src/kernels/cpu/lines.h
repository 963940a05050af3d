/* kernels/cpu/lines.h: how the passes walk over a part. A line is a stretch of at most QEA_LINE neighbouring values.
 * With few channels it holds as many whole rows as fit, and what belongs to a channel is repeated as often, so that the
 * inner loops are long and know nothing of channels; with many it is the part's channels of one row. Values are float32
 * while they are worked on. */
#ifndef QEA_KERNELS_CPU_LINES_H
#define QEA_KERNELS_CPU_LINES_H

#include <string.h>

#include "kernels/cpu/passes.h"

typedef struct line_walk {
    size_t first, end, stride; /* indices of values */
    size_t length;             /* of a line; the last one may be shorter */
    size_t copies;             /* rows in a line */
} line_walk;

typedef union line_tile {
    float f[QEA_LINE];
    uint32_t u[QEA_LINE];
} line_tile;

static inline line_walk walk_part(const qea_part *part) {
    size_t channels = (size_t)part->channels, all = (size_t)part->all_channels;
    size_t copies = part->channels == part->all_channels ? QEA_LINE / channels : 1;
    size_t stride = part->channels == part->all_channels ? copies * channels : all;
    size_t first = part->row * all + (size_t)part->channel;
    return (line_walk){first, first + part->rows * all, stride, copies * channels, copies};
}

static inline size_t line_length(const line_walk *walk, size_t at) {
    size_t left = walk->end - at;
    return left < walk->length ? left : walk->length;
}

/* values[all_channels] -> the part's, once for each row of a line. */
static inline void repeat_channels(const qea_part *part, const line_walk *walk, const float *values, float *to) {
    size_t channels = (size_t)part->channels;
    for (size_t i = 0; i < walk->copies; i++) memcpy(to + i * channels, values + part->channel, channels * sizeof *to);
}

/* Adds up what belongs to a channel: to[c] += sum of lanes[c + i channels]. */
static inline void fold_channels(const qea_part *part, const line_walk *walk, const float *lanes, double *to) {
    size_t channels = (size_t)part->channels;
    for (size_t i = 0; i < walk->copies; i++)
        for (size_t c = 0; c < channels; c++) to[c] += (double)lanes[i * channels + c];
}

static inline void widen(const uint16_t *from, size_t n, line_tile *to) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to->u[i] = (uint32_t)from[i] << 16;
}

/* As qea_f32_to_bf16, of the bits of a float32. */
static inline uint32_t bf16_bits(uint32_t u) {
    uint32_t nearest = (u + 0x7fffU + ((u >> 16) & 1U)) >> 16, quiet_nan = (u >> 16) | 0x40U;
    return (u & 0x7fffffffU) > 0x7f800000U ? quiet_nan : nearest;
}

static inline void narrow(const line_tile *from, size_t n, uint16_t *to) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] = (uint16_t)bf16_bits(from->u[i]);
}

static inline void round_to_bf16(const line_tile *from, size_t n, float *to) {
    line_tile rounded;
#pragma omp simd
    for (size_t i = 0; i < n; i++) rounded.u[i] = bf16_bits(from->u[i]) << 16;
    memcpy(to, rounded.f, n * sizeof *to);
}

/* n values from index `at`: where they lie if they are held as float32, else in `tile`. */
static inline const float *read_line(qea_view v, size_t at, size_t n, line_tile *tile) {
    if (v.type != QEA_BF16) return (const float *)v.data + at;
    widen((const uint16_t *)v.data + at, n, tile);
    return tile->f;
}

enum { QUAD = 4 }; /* lines that are summed together */

/* A line of the part that ends at `end`, as long as the others: what lacks, or the line where it begins there, is
 * `fill`. */
static inline const float *read_whole_line(qea_view v, const line_walk *walk, size_t at, size_t end, const float *fill,
                                           line_tile *tile) {
    if (at >= end) return fill;
    size_t n = line_length(walk, at);
    const float *line = read_line(v, at, n, tile);
    if (n == walk->length) return line;
    if (line != tile->f) memcpy(tile->f, line, n * sizeof *line);
    memcpy(tile->f + n, fill + n, (walk->length - n) * sizeof *fill);
    return tile->f;
}

/* Where to write n values for index `at`; finish_line brings them there if that was the tile. */
static inline float *start_line(qea_view v, size_t at, line_tile *tile) {
    return v.type == QEA_F32 ? (float *)v.data + at : tile->f;
}

static inline void finish_line(qea_view v, size_t at, size_t n, const line_tile *tile) {
    if (v.type == QEA_BF16) narrow(tile, n, (uint16_t *)v.data + at);
    if (v.type == QEA_BF16_WIDE) round_to_bf16(tile, n, (float *)v.data + at);
}

#endif
