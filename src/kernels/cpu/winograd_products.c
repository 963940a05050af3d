/* kernels/cpu/winograd_products.c: the 36 products of matrices, in blocks of accumulators that fill the registers. */
#include "kernels/cpu/winograd_points.h"

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

void QEA_VARIANT(qea_wg_multiply)(const qea_wg_planes *a, const float *u, int k, int tiles, const qea_wg_planes *m) {
    int all = m->width / VEC_LANES;
    size_t a_width = (size_t)a->width, m_width = (size_t)m->width;
    for (size_t point = 0; point < QEA_WG_POINTS; point++) {
        const float *from = a->values + point * a->plane;
        float *to = m->values + point * m->plane;
        for (int v = 0; v < all; v += WIDE) {
            for (size_t t = 0; t < (size_t)tiles; t += ROWS) {
                if (all - v >= WIDE)
                    multiply_block(WIDE, from + t * a_width, a_width, u, k, to + t * m_width + v * VEC_LANES, m_width);
                else
                    multiply_block(1, from + t * a_width, a_width, u, k, to + t * m_width + v * VEC_LANES, m_width);
            }
            u += (all - v >= WIDE ? WIDE : 1) * k * VEC_LANES;
        }
    }
}

/* s (rows, columns of vectors) += a (tiles, rows) transposed times b (tiles, columns). */
static inline __attribute__((always_inline)) void accumulate_block(int rows, int columns, const float *a,
                                                                   size_t a_width, const float *b, size_t b_width,
                                                                   int tiles, float *s) {
    vec sum[ROWS][WIDE];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < columns; v++) sum[r][v] = vec_load(s + (size_t)r * b_width + (size_t)(v * VEC_LANES));
    for (int t = 0; t < tiles; t++, a += a_width, b += b_width) {
        vec y[WIDE];
        for (int v = 0; v < columns; v++) y[v] = vec_load(b + v * VEC_LANES);
        for (int r = 0; r < rows; r++) {
            vec x = vec_set(a[r]);
            for (int v = 0; v < columns; v++) sum[r][v] = vec_fma(x, y[v], sum[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < columns; v++) vec_store(s + (size_t)r * b_width + (size_t)(v * VEC_LANES), sum[r][v]);
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

void QEA_VARIANT(qea_wg_accumulate)(const qea_wg_planes *a, int c, const qea_wg_planes *b, int tiles, float *s) {
    int blocks = (c + ROWS - 1) / ROWS, all = b->width / VEC_LANES;
    size_t a_width = (size_t)a->width, b_width = (size_t)b->width;
    for (size_t point = 0; point < QEA_WG_POINTS; point++) {
        const float *from = a->values + point * a->plane, *other = b->values + point * b->plane;
        for (int v = 0; v < all; v += WIDE) {
            for (int block = 0; block < blocks; block++) {
                int row = c * block / blocks, rows = c * (block + 1) / blocks - row;
                accumulate_rows(rows, all - v >= WIDE, from + row, a_width, other + v * VEC_LANES, b_width, tiles,
                                s + (size_t)row * b_width + v * VEC_LANES);
            }
        }
        s += (size_t)c * b_width;
    }
}

/* --- weights --- */

size_t QEA_VARIANT(qea_wg_u_size)(int k, int c) {
    return (size_t)QEA_WG_POINTS * (size_t)k * (size_t)(vectors(c) * VEC_LANES);
}

/* The windows of neighbouring c of one k, turned by half a turn, as vectors over c; beyond the last c zeros. */
static void load_windows(const float *weights, int c, int count, vec g[3][3]) {
    float lanes[9][VEC_LANES] = {{0}};
    for (int i = 0; i < count; i++)
        for (int e = 0; e < 9; e++) lanes[8 - e][i] = weights[(size_t)(c + i) * 9 + (size_t)e];
    for (int e = 0; e < 9; e++) g[e / 3][e % 3] = vec_load(lanes[e]);
}

static void transform_windows(vec g[3][3], vec u[QEA_WG_SIDE][QEA_WG_SIDE]) {
    vec columns[3][QEA_WG_SIDE];
    for (int j = 0; j < 3; j++) {
        vec column[3] = {g[0][j], g[1][j], g[2][j]};
        wg_weights_1d(column, columns[j]);
    }
    for (int i = 0; i < QEA_WG_SIDE; i++) {
        vec row[3] = {columns[0][i], columns[1][i], columns[2][i]};
        wg_weights_1d(row, u[i]);
    }
}

void QEA_VARIANT(qea_wg_pack)(const float *weights, int k, int c, float *u) {
    int all = vectors(c);
    size_t plane = (size_t)k * (size_t)(all * VEC_LANES);
    for (int i = 0; i < k; i++) {
        for (int v = 0; v < all; v++) {
            int left = c - v * VEC_LANES, first = v / WIDE * WIDE, columns = all - first < WIDE ? 1 : WIDE;
            vec g[3][3], t[QEA_WG_SIDE][QEA_WG_SIDE];
            load_windows(weights + (size_t)i * (size_t)c * 9, v * VEC_LANES, left < VEC_LANES ? left : VEC_LANES, g);
            transform_windows(g, t);
            float *to = u + (size_t)(first * k * VEC_LANES + (i * columns + v - first) * VEC_LANES);
            for (size_t point = 0; point < QEA_WG_POINTS; point++)
                vec_store(to + point * plane, t[point / QEA_WG_SIDE][point % QEA_WG_SIDE]);
        }
    }
}

static const float factors[QEA_WG_SIDE] = {WG_N0, WG_NP, WG_NP, WG_NQ, WG_NQ, 1.0F};

/* 36 sums of one c and a vector of k, from all parts, in the order of the parts, to their window. */
static void window_of(const float *s, size_t plane, size_t part, int parts, vec w[3][3]) {
    vec columns[QEA_WG_SIDE][3];
    for (int j = 0; j < QEA_WG_SIDE; j++) {
        vec m[QEA_WG_SIDE];
        for (int i = 0; i < QEA_WG_SIDE; i++) {
            const float *from = s + (size_t)(i * QEA_WG_SIDE + j) * plane;
            m[i] = vec_load(from);
            for (int p = 1; p < parts; p++) m[i] = vec_add(m[i], vec_load(from + (size_t)p * part));
            m[i] = vec_mul(m[i], vec_set(factors[i] * factors[j]));
        }
        wg_window_1d(m, columns[j]);
    }
    for (int i = 0; i < 3; i++) {
        vec m[QEA_WG_SIDE];
        for (int j = 0; j < QEA_WG_SIDE; j++) m[j] = columns[j][i];
        wg_window_1d(m, w[i]);
    }
}

void QEA_VARIANT(qea_wg_finish)(const float *s, size_t part, int parts, int c, int channels, int k, float *dw) {
    size_t width = (size_t)(vectors(k) * VEC_LANES), plane = (size_t)channels * width;
    for (int first = 0; first < k; first += VEC_LANES) {
        vec w[3][3];
        window_of(s + (size_t)c * width + (size_t)first, plane, part, parts, w);
        for (int e = 0; e < 9; e++) {
            float lanes[VEC_LANES];
            vec_store(lanes, w[e / 3][e % 3]);
            for (int i = 0; i < VEC_LANES && first + i < k; i++)
                dw[((size_t)(first + i) * (size_t)channels + (size_t)c) * 9 + (size_t)e] = lanes[i];
        }
    }
}

const qea_winograd_kernels QEA_VARIANT(qea_winograd) = {
    VEC_LANES,
    ROWS,
    QEA_VARIANT(qea_wg_u_size),
    QEA_VARIANT(qea_wg_pack),
    QEA_VARIANT(qea_wg_input),
    QEA_VARIANT(qea_wg_gradient),
    QEA_VARIANT(qea_wg_output),
    QEA_VARIANT(qea_wg_multiply),
    QEA_VARIANT(qea_wg_accumulate),
    QEA_VARIANT(qea_wg_finish),
};
