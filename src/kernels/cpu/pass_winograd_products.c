/* kernels/cpu/pass_winograd_products.c: the 36 products of matrices, in blocks of accumulators that fill the registers.
 */
#include "kernels/cpu/pass_winograd_1d.h"

#if defined __AVX512F__
enum { ROWS = 12 };
#else
enum { ROWS = 6 };
#endif
enum { WIDE = 2 }; /* vectors of a block's row */

static int vectors(int channels) { return (channels + VEC_LANES - 1) / VEC_LANES; }

/* rows x columns of m = a (rows, k) times u (k, columns of vectors). */
static inline __attribute__((always_inline)) void multiply_block(int columns, const float *a, size_t width,
                                                                 const float *u, int k, float *m, size_t m_width) {
    vec sum[ROWS][WIDE];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < columns; v++) sum[r][v] = vec_zero();
    for (int i = 0; i < k; i++, u += columns * VEC_LANES) {
        vec b[WIDE];
        for (int v = 0; v < columns; v++) b[v] = vec_load(u + v * VEC_LANES);
        for (int r = 0; r < ROWS; r++) {
            vec x = vec_set(a[(size_t)r * width + (size_t)i]);
            for (int v = 0; v < columns; v++) sum[r][v] = vec_fma(x, b[v], sum[r][v]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < columns; v++) vec_store(m + (size_t)r * m_width + (size_t)(v * VEC_LANES), sum[r][v]);
}

void QEA_VARIANT(qea_wg_multiply)(const qea_wg_planes *dy, const float *u, int k, int tiles, const qea_wg_planes *m) {
    int all = (int)m->width / VEC_LANES;
    size_t a_width = dy->width, m_width = m->width, u_plane = qea_wg_plane((size_t)k * m_width);
    for (size_t point = 0; point < WG_POINTS; point++) {
        const float *from = dy->value + point * dy->plane;
        float *to = m->value + point * m->plane;
        const float *block = u + point * u_plane;
        for (int v = 0; v < all; v += WIDE) {
            for (size_t t = 0; t < (size_t)tiles; t += ROWS) {
                if (all - v >= WIDE)
                    multiply_block(WIDE, from + t * a_width, a_width, block, k, to + t * m_width + v * VEC_LANES,
                                   m_width);
                else
                    multiply_block(1, from + t * a_width, a_width, block, k, to + t * m_width + v * VEC_LANES, m_width);
            }
            block += (all - v >= WIDE ? WIDE : 1) * k * VEC_LANES;
        }
    }
}

/* s (rows, columns of vectors) += a (tiles, rows) transposed times b (tiles, columns). The tiles are summed apart from
 * s, so that the error grows with the number of blocks, not of tiles. */
static inline __attribute__((always_inline)) void accumulate_block(int rows, int columns, const float *a,
                                                                   size_t a_width, const float *b, size_t b_width,
                                                                   int tiles, float *s) {
    vec sum[ROWS][WIDE];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < columns; v++) sum[r][v] = vec_zero();
    for (int t = 0; t < tiles; t++, a += a_width, b += b_width) {
        vec y[WIDE];
        for (int v = 0; v < columns; v++) y[v] = vec_load(b + v * VEC_LANES);
        for (int r = 0; r < rows; r++) {
            vec x = vec_set(a[r]);
            for (int v = 0; v < columns; v++) sum[r][v] = vec_fma(x, y[v], sum[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < columns; v++) {
            float *to = s + (size_t)r * b_width + (size_t)(v * VEC_LANES);
            vec_store(to, vec_add(vec_load(to), sum[r][v]));
        }
}

#define ROWS_CASE(n)                                                                                                   \
    case n:                                                                                                            \
        if (wide)                                                                                                      \
            accumulate_block(n, WIDE, a, a_width, b, b_width, tiles, s);                                               \
        else                                                                                                           \
            accumulate_block(n, 1, a, a_width, b, b_width, tiles, s);                                                  \
        break;

static void accumulate_rows(int rows, bool wide, const float *a, size_t a_width, const float *b, size_t b_width,
                            int tiles, float *s) {
    switch (rows) {
        ROWS_CASE(1)
        ROWS_CASE(2)
        ROWS_CASE(3)
        ROWS_CASE(4)
        ROWS_CASE(5)
        ROWS_CASE(6)
#if defined __AVX512F__
        ROWS_CASE(7)
        ROWS_CASE(8)
        ROWS_CASE(9)
        ROWS_CASE(10)
        ROWS_CASE(11)
        ROWS_CASE(12)
#endif
    default:;
    }
}

void QEA_VARIANT(qea_wg_accumulate)(const qea_wg_planes *x, const qea_wg_planes *dy, int c, int tiles, float *s) {
    int blocks = (c + ROWS - 1) / ROWS, all = (int)dy->width / VEC_LANES;
    size_t a_width = x->width, b_width = dy->width;
    for (size_t point = 0; point < WG_POINTS; point++) {
        const float *from = x->value + point * x->plane, *other = dy->value + point * dy->plane;
        for (int v = 0; v < all; v += WIDE) {
            for (int block = 0; block < blocks; block++) {
                int row = c * block / blocks, rows = c * (block + 1) / blocks - row;
                accumulate_rows(rows, all - v >= WIDE, from + row, a_width, other + v * VEC_LANES, b_width, tiles,
                                s + (size_t)row * b_width + v * VEC_LANES);
            }
        }
        s += qea_wg_plane((size_t)c * b_width);
    }
}

/* --- weights --- */

/* The windows of `count` neighbouring c of one k, turned by half a turn, as vectors over c; beyond the last c zeros. */
static inline void load_windows(const float *weights, int count, vec g[3][3]) {
    vec_mask some = vec_first(count);
    for (int e = 0; e < 9; e++) g[e / 3][e % 3] = vec_gather9(weights + 8 - e, some);
}

static inline void transform_windows(vec g[3][3], vec u[WG_SIDE][WG_SIDE]) {
    vec columns[3][WG_SIDE];
    for (int j = 0; j < 3; j++) {
        vec column[3] = {g[0][j], g[1][j], g[2][j]};
        wg_weights_1d(column, columns[j]);
    }
    for (int i = 0; i < WG_SIDE; i++) {
        vec row[3] = {columns[0][i], columns[1][i], columns[2][i]};
        wg_weights_1d(row, u[i]);
    }
}

void QEA_VARIANT(qea_wg_pack)(const float *weights, int k, int c, int first, float *u) {
    int columns = vectors(c - first) < WIDE ? 1 : WIDE;
    size_t plane = qea_wg_plane((size_t)k * (size_t)(vectors(c) * VEC_LANES));
    float *to = u + (size_t)first * (size_t)k;
    for (int i = 0; i < k; i++) {
        for (int v = 0; v < columns; v++, to += VEC_LANES) {
            int at = first + v * VEC_LANES, left = c - at;
            vec g[3][3], t[WG_SIDE][WG_SIDE];
            load_windows(weights + ((size_t)i * (size_t)c + (size_t)at) * 9, left < VEC_LANES ? left : VEC_LANES, g);
            transform_windows(g, t);
            for (size_t point = 0; point < WG_POINTS; point++) {
                __builtin_prefetch(to + point * plane + 8 * VEC_LANES, 1);
                vec_store(to + point * plane, t[point / WG_SIDE][point % WG_SIDE]);
            }
        }
    }
}

static const float factors[WG_SIDE] = {WG_N0, WG_NP, WG_NP, WG_NQ, WG_NQ, 1.0F};

/* 36 sums of one c and a vector of k, from all parts, in the order of the parts, to their window. */
static void window_of(const float *s, size_t plane, int parts, vec w[3][3]) {
    vec columns[WG_SIDE][3];
    for (int j = 0; j < WG_SIDE; j++) {
        vec m[WG_SIDE];
        for (int i = 0; i < WG_SIDE; i++) {
            const float *from = s + (size_t)(i * WG_SIDE + j) * plane;
            m[i] = vec_load(from);
            for (int p = 1; p < parts; p++) m[i] = vec_add(m[i], vec_load(from + (size_t)p * WG_POINTS * plane));
            m[i] = vec_mul(m[i], vec_set(factors[i] * factors[j]));
        }
        wg_window_1d(m, columns[j]);
    }
    for (int i = 0; i < 3; i++) {
        vec m[WG_SIDE];
        for (int j = 0; j < WG_SIDE; j++) m[j] = columns[j][i];
        wg_window_1d(m, w[i]);
    }
}

void QEA_VARIANT(qea_wg_finish)(const float *s, int parts, int c, int channels, int k, float *dw) {
    size_t width = (size_t)(vectors(k) * VEC_LANES), plane = qea_wg_plane((size_t)channels * width);
    for (int first = 0; first < k; first += VEC_LANES) {
        vec w[3][3];
        window_of(s + (size_t)c * width + (size_t)first, plane, parts, w);
        for (int e = 0; e < 9; e++) {
            float lanes[VEC_LANES];
            vec_store(lanes, w[e / 3][e % 3]);
            for (int i = 0; i < VEC_LANES && first + i < k; i++)
                dw[((size_t)(first + i) * (size_t)channels + (size_t)c) * 9 + (size_t)e] = lanes[i];
        }
    }
}

const qea_pass_winograd QEA_VARIANT(qea_pass_winograd) = {.lanes = VEC_LANES,
                                                          .columns = WIDE * VEC_LANES,
                                                          .pack = QEA_VARIANT(qea_wg_pack),
                                                          .input = QEA_VARIANT(qea_wg_input),
                                                          .gradient = QEA_VARIANT(qea_wg_gradient),
                                                          .output = QEA_VARIANT(qea_wg_output),
                                                          .multiply = QEA_VARIANT(qea_wg_multiply),
                                                          .accumulate = QEA_VARIANT(qea_wg_accumulate),
                                                          .finish = QEA_VARIANT(qea_wg_finish)};
