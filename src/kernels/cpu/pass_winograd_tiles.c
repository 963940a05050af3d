/* kernels/cpu/pass_winograd_tiles.c: tiles to their 36 values and back, a vector of channels at a time. */
#include <string.h>

#include "kernels/cpu/pass_winograd_1d.h"

enum { PIECE = 16 }; /* tiles of a row that are worked on together: their columns stay in the first cache */

/* Neighbouring tiles in a row of tiles. */
typedef struct piece {
    int image, down, across, count;
    int slot; /* of the first one in the planes */
} piece;

static piece piece_at(const qea_wg_tiles *tiles, int done) {
    int tile = tiles->first + done, row = tile / tiles->across;
    piece p = {row / tiles->down, row % tiles->down, tile % tiles->across, tiles->count - done, done};
    if (p.count > tiles->across - p.across) p.count = tiles->across - p.across;
    if (p.count > PIECE) p.count = PIECE;
    return p;
}

/* The pixels (y, 0) .. (y, w - 1) of some rows; outside the image all pixels of a row are the same zeros. All distances
 * in bytes. */
typedef struct pixel_rows {
    const uint8_t *at[WG_SIDE];
    size_t step[WG_SIDE];
    size_t next; /* from a tile to the one below it */
} pixel_rows;

static const float zeros[VEC_LANES];

static pixel_rows rows_from(const qea_wg_tiles *tiles, qea_view image, int n, int y, int count, int channel) {
    size_t value = qea_type_bytes(image.type), pixel = (size_t)tiles->channels * value, row = (size_t)tiles->w * pixel;
    const uint8_t *first = (const uint8_t *)image.data + (size_t)channel * value;
    pixel_rows rows = {.next = WG_TILE * row};
    for (int i = 0; i < count; i++) {
        bool inside = y + i >= 0 && y + i < tiles->h;
        size_t above = (size_t)n * (size_t)tiles->h + (size_t)(y + i);
        rows.at[i] = inside ? first + above * row : (const uint8_t *)zeros;
        rows.step[i] = inside ? pixel : 0;
    }
    return rows;
}

/* How much of a vector is channels. */
typedef struct lane_set {
    bool all;
    size_t count;
    vec_mask some;
} lane_set;

static lane_set lanes_at(int channels, int channel) {
    int left = channels - channel;
    bool all = left >= VEC_LANES;
    int count = all ? VEC_LANES : left;
    return (lane_set){all, (size_t)count, vec_first(count)};
}

static inline vec load_floats(const uint8_t *from, const lane_set *lanes) {
    const float *values = (const float *)(const void *)from;
    return lanes->all ? vec_load(values) : vec_load_some(values, lanes->some);
}

static inline vec load_bytes(const uint8_t *from, const lane_set *lanes) {
    if (lanes->all) return vec_load_bytes(from);
    uint8_t some[VEC_LANES] = {0};
    memcpy(some, from, lanes->count);
    return vec_load_bytes(some);
}

/* `count` pixels one below the other. The tile below is fetched meanwhile: that halves the time where images come from
 * memory. Beyond the last image it is a hint that does nothing. */
static inline void load_column(const pixel_rows *rows, int count, int x, const lane_set *lanes, bool bytes, vec *d) {
    for (int i = count - WG_TILE; i < count; i++)
        __builtin_prefetch(rows->at[i] + (size_t)x * rows->step[i] + rows->next);
    for (int i = 0; i < count; i++) {
        const uint8_t *from = rows->at[i] + (size_t)x * rows->step[i];
        d[i] = bytes ? load_bytes(from, lanes) : load_floats(from, lanes);
    }
}

/* Columns first, each once although neighbouring tiles share two of their six. bytes: a literal where this is called.
 */
static inline void any_input_piece(const qea_wg_tiles *tiles, const piece *p, qea_view image, int channel, float *to,
                                   size_t plane, size_t width, bool bytes) {
    vec columns[WG_TILE * PIECE + 2][WG_SIDE];
    lane_set lanes = lanes_at(tiles->channels, channel);
    pixel_rows rows = rows_from(tiles, image, p->image, WG_TILE * p->down - 1, WG_SIDE, channel);
    int left = WG_TILE * p->across - 1, end = WG_TILE * p->count + 2;
    for (int j = 0; j < end; j++) {
        vec d[WG_SIDE];
        if (left + j >= 0 && left + j < tiles->w) {
            load_column(&rows, WG_SIDE, left + j, &lanes, bytes, d);
            wg_input_1d(d, columns[j]);
        } else {
            for (int i = 0; i < WG_SIDE; i++) columns[j][i] = vec_zero();
        }
    }
    for (int t = 0; t < p->count; t++, to += width) {
        for (int i = 0; i < WG_SIDE; i++) {
            vec d[WG_SIDE], r[WG_SIDE];
            for (int j = 0; j < WG_SIDE; j++) d[j] = columns[WG_TILE * t + j][i];
            wg_input_1d(d, r);
            for (int j = 0; j < WG_SIDE; j++) vec_store(to + (size_t)(i * WG_SIDE + j) * plane, r[j]);
        }
    }
}

static void input_piece(const qea_wg_tiles *tiles, const piece *p, qea_view image, int channel, float *to, size_t plane,
                        size_t width) {
    any_input_piece(tiles, p, image, channel, to, plane, width, false);
}

static void byte_piece(const qea_wg_tiles *tiles, const piece *p, qea_view image, int channel, float *to, size_t plane,
                       size_t width) {
    any_input_piece(tiles, p, image, channel, to, plane, width, true);
}

static void gradient_piece(const qea_wg_tiles *tiles, const piece *p, qea_view image, int channel, float *to,
                           size_t plane, size_t width) {
    lane_set lanes = lanes_at(tiles->channels, channel);
    pixel_rows rows = rows_from(tiles, image, p->image, WG_TILE * p->down, WG_TILE, channel);
    for (int t = 0; t < p->count; t++, to += width) {
        vec columns[WG_TILE][WG_SIDE];
        for (int j = 0; j < WG_TILE; j++) {
            vec g[WG_TILE];
            int x = WG_TILE * (p->across + t) + j;
            if (x < tiles->w) {
                load_column(&rows, WG_TILE, x, &lanes, false, g);
                wg_gradient_1d(g, columns[j]);
            } else {
                for (int i = 0; i < WG_SIDE; i++) columns[j][i] = vec_zero();
            }
        }
        for (int i = 0; i < WG_SIDE; i++) {
            vec g[WG_TILE], r[WG_SIDE];
            for (int j = 0; j < WG_TILE; j++) g[j] = columns[j][i];
            wg_gradient_1d(g, r);
            for (int j = 0; j < WG_SIDE; j++) vec_store(to + (size_t)(i * WG_SIDE + j) * plane, r[j]);
        }
    }
}

static void output_piece(const qea_wg_tiles *tiles, const piece *p, const float *from, size_t plane, size_t width,
                         float *image, int channel) {
    size_t pixel = (size_t)tiles->channels, row = (size_t)tiles->w * pixel;
    lane_set lanes = lanes_at(tiles->channels, channel);
    int y = WG_TILE * p->down, high = tiles->h - y < WG_TILE ? tiles->h - y : WG_TILE;
    for (int t = 0; t < p->count; t++, from += width) {
        vec columns[WG_SIDE][WG_TILE];
        for (int j = 0; j < WG_SIDE; j++) {
            vec m[WG_SIDE];
            for (int i = 0; i < WG_SIDE; i++) m[i] = vec_load(from + (size_t)(i * WG_SIDE + j) * plane);
            wg_output_1d(m, columns[j]);
        }
        int x = WG_TILE * (p->across + t), wide = tiles->w - x < WG_TILE ? tiles->w - x : WG_TILE;
        float *to =
            image + ((size_t)p->image * (size_t)tiles->h + (size_t)y) * row + (size_t)x * pixel + (size_t)channel;
        for (int i = 0; i < high; i++, to += row) {
            vec m[WG_SIDE], r[WG_TILE];
            for (int j = 0; j < WG_SIDE; j++) m[j] = columns[j][i];
            wg_output_1d(m, r);
            for (int j = 0; j < wide; j++) {
                __builtin_prefetch(to + (size_t)j * pixel + WG_TILE * row, 1);
                if (lanes.all)
                    vec_store(to + (size_t)j * pixel, r[j]);
                else
                    vec_store_some(to + (size_t)j * pixel, lanes.some, r[j]);
            }
        }
    }
}

typedef void (*to_planes)(const qea_wg_tiles *tiles, const piece *p, qea_view image, int channel, float *to,
                          size_t plane, size_t width);

static inline void transform(const qea_wg_tiles *tiles, qea_view image, const qea_wg_planes *to, to_planes one) {
    size_t width = to->width;
    for (int done = 0; done < tiles->count;) {
        piece p = piece_at(tiles, done);
        for (int channel = 0; channel < tiles->channels; channel += VEC_LANES)
            one(tiles, &p, image, channel, to->value + (size_t)p.slot * width + (size_t)channel, to->plane, width);
        done += p.count;
    }
}

void QEA_VARIANT(qea_wg_input)(const qea_wg_tiles *tiles, qea_view image, const qea_wg_planes *to) {
    if (image.type == QEA_U8)
        transform(tiles, image, to, byte_piece);
    else
        transform(tiles, image, to, input_piece);
}

void QEA_VARIANT(qea_wg_gradient)(const qea_wg_tiles *tiles, const float *image, const qea_wg_planes *to) {
    transform(tiles, (qea_view){(void *)(uintptr_t)image, QEA_F32}, to, gradient_piece);
}

void QEA_VARIANT(qea_wg_output)(const qea_wg_tiles *tiles, const qea_wg_planes *from, float *image) {
    size_t width = from->width;
    for (int done = 0; done < tiles->count;) {
        piece p = piece_at(tiles, done);
        for (int channel = 0; channel < tiles->channels; channel += VEC_LANES)
            output_piece(tiles, &p, from->value + (size_t)p.slot * width + (size_t)channel, from->plane, width, image,
                         channel);
        done += p.count;
    }
}
