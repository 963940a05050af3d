#include "kernels/cpu/segment_line.h"

enum { FLUSH_LINES = 128 }; /* float32 sums of a lane go over to float64 after that many lines */

typedef struct param_lanes {
    float lane[QEA_MAX_QUANTS][QEA_LINE];
} param_lanes;

/* --- dz of one line --- */

/* A gradient on its way to dz. */
typedef struct source {
    const float *y, *g;
    const qea_act_quant *quant; /* NULL: a gradient of y itself */
    bool first;                 /* starts dz; the others are added */
    bool relu;                  /* passes where y > 0 only */
} source;

/* The loops below are written once for all cases that differ by a constant: `first`, `strict` and `relu` are literals
 * where they are called, and the compiler leaves the rest out. Gradients are read before the condition that may drop
 * them: as loads under a mask, which wait for it, they come late from memory, and the pass takes 1.5 times as long. */
static inline void add_plain(const source *from, bool first, bool relu, size_t n, float *dz) {
    const float *y = from->y, *g = from->g;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float part = g[i];
        if (relu) part = y[i] > 0.0F ? part : 0.0F;
        dz[i] = (first ? 0.0F : dz[i]) + part;
    }
}

/* strict: lo < t < hi, else with both ends. Without a ReLU `lowest` lets through all that the range does. */
static inline void add_rounded(const source *from, bool first, bool strict, size_t n, float *dz) {
    const float inv = from->quant->inv_step, lo = from->quant->lo, hi = from->quant->hi;
    const float *y = from->y, *g = from->g, lowest = from->relu ? 0.0F : -INFINITY;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t = y[i] * inv, part = g[i];
        int above = strict ? t > lo : t >= lo, below = strict ? t < hi : t <= hi;
        dz[i] = (first ? 0.0F : dz[i]) + (above & below & (int)(y[i] > lowest) ? part : 0.0F);
    }
}

static inline void add_sign(const source *from, bool first, size_t n, float *dz) {
    const float *y = from->y, *g = from->g, lowest = from->relu ? 0.0F : -INFINITY;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float slope = 2.0F - 2.0F * fabsf(y[i]);
        float part = g[i] * slope;
        dz[i] = (first ? 0.0F : dz[i]) + ((int)(slope > 0.0F) & (int)(y[i] > lowest) ? part : 0.0F);
    }
}

static void add_source(const source *from, size_t n, float *dz) {
    const qea_act_quant *quant = from->quant;
    if (quant && quant->kind == QEA_ACT_ROUND) {
        bool strict = quant->grad == QEA_GRAD_PACT;
        if (strict && from->first) add_rounded(from, true, true, n, dz);
        if (strict && !from->first) add_rounded(from, false, true, n, dz);
        if (!strict && from->first) add_rounded(from, true, false, n, dz);
        if (!strict && !from->first) add_rounded(from, false, false, n, dz);
    } else if (quant && quant->kind == QEA_ACT_SIGN) {
        if (from->first) add_sign(from, true, n, dz);
        if (!from->first) add_sign(from, false, n, dz);
    } else {
        bool relu = from->relu || quant;
        if (relu && from->first) add_plain(from, true, true, n, dz);
        if (relu && !from->first) add_plain(from, false, true, n, dz);
        if (!relu && from->first) add_plain(from, true, false, n, dz);
        if (!relu && !from->first) add_plain(from, false, false, n, dz);
    }
}

static void add_parameter(const qea_act_quant *quant, const float *y, const float *g, size_t n, float *lane) {
    const float inv = quant->inv_step, lo = quant->lo, hi = quant->hi;
    if (quant->grad == QEA_GRAD_PACT) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float part = g[i];
            lane[i] += y[i] * inv >= hi ? part : 0.0F;
        }
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t = y[i] * inv;
        float slope = t < lo ? lo : t;
        slope = slope > hi ? hi : slope;
        float rounding = round_even(slope) - slope;
        slope = (int)(t > lo) & (int)(t < hi) ? rounding : slope;
        lane[i] += g[i] * slope;
    }
}

/* params NULL: the sums for the quantisers' parameters are not wanted. */
static void gradient_line(const qea_segment *s, const qea_segment_grads *grads, size_t at, size_t n, const float *y,
                          float *dz, param_lanes *params) {
    line_tile tile;
    source from = {.y = y, .first = true, .relu = s->relu};
    for (int p = 0; p < grads->num_plain; p++, from.first = false) {
        from.g = read_line(grads->plain[p], at, n, &tile);
        add_source(&from, n, dz);
    }
    for (int q = 0; q < s->num_quants; q++) {
        if (!grads->quant[q].data) continue;
        from.quant = &s->out[q].quant;
        from.g = read_line(grads->quant[q], at, n, &tile);
        add_source(&from, n, dz);
        from.first = false;
        if (params && from.quant->grad != QEA_GRAD_NONE) add_parameter(from.quant, y, from.g, n, params->lane[q]);
    }
    if (from.first) memset(dz, 0, n * sizeof *dz);
}

/* --- sums over rows --- */

typedef struct sum_lanes {
    float dz[QEA_LINE], dz_x[QEA_MAX_BRANCHES][QEA_LINE];
    param_lanes params;
} sum_lanes;

static void flush(const qea_segment *s, const qea_part *part, const line_walk *walk, sum_lanes *lanes,
                  qea_part_sums *sums) {
    if (sums->dz) fold_channels(part, walk, lanes->dz, sums->dz);
    for (int b = 0; b < s->num_branches; b++)
        if (sums->dz_x[b]) fold_channels(part, walk, lanes->dz_x[b], sums->dz_x[b]);
    for (int q = 0; q < s->num_quants; q++)
        for (size_t i = 0; i < walk->length; i++) sums->param[q] += (double)lanes->params.lane[q][i];
    memset(lanes, 0, sizeof *lanes);
}

static void add_dz(const float *dz, size_t n, float *lane) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) lane[i] += dz[i];
}

static void add_centered(const float *dz, const float *x, const float *center, size_t n, float *lane) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) lane[i] += dz[i] * (x[i] - center[i]);
}

/* add_dz and add_centered in one. */
static void add_both(const float *dz, const float *x, const float *center, size_t n, float *dz_lane, float *x_lane) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        dz_lane[i] += dz[i];
        x_lane[i] += dz[i] * (x[i] - center[i]);
    }
}

static void add_sums(const qea_segment *s, const qea_part_sums *wanted, const float *dz,
                     const float *const x[QEA_MAX_BRANCHES], float centers[QEA_MAX_BRANCHES][QEA_LINE], size_t n,
                     sum_lanes *lanes) {
    if (wanted->dz_x[0])
        add_both(dz, x[0], centers[0], n, lanes->dz, lanes->dz_x[0]);
    else if (wanted->dz)
        add_dz(dz, n, lanes->dz);
    for (int b = 1; b < s->num_branches; b++)
        if (wanted->dz_x[b]) add_centered(dz, x[b], centers[b], n, lanes->dz_x[b]);
}

void QEA_VARIANT(qea_pass_reduce)(const qea_segment *s, const qea_segment_grads *grads,
                                  const float *const center[QEA_MAX_BRANCHES], const qea_part *part,
                                  qea_part_sums *sums) {
    line_walk walk = walk_part(part);
    segment_coefs coefs;
    repeat_coefs(s, part, &walk, &coefs);
    float centers[QEA_MAX_BRANCHES][QEA_LINE];
    for (int b = 0; b < s->num_branches; b++)
        if (sums->dz_x[b]) repeat_channels(part, &walk, center[b], centers[b]);

    sum_lanes lanes = {0};
    line_tile x_tile[QEA_MAX_BRANCHES];
    float y[QEA_LINE], dz[QEA_LINE];
    const float *x[QEA_MAX_BRANCHES] = {NULL};
    int lines = 0;
    for (size_t at = walk.first; at < walk.end; at += walk.stride) {
        size_t n = line_length(&walk, at);
        for (int b = 0; b < s->num_branches; b++) x[b] = read_line(s->branch[b].x, at, n, &x_tile[b]);
        output_line(s, &coefs, x, n, y);
        gradient_line(s, grads, at, n, y, dz, &lanes.params);
        add_sums(s, sums, dz, x, centers, n, &lanes);
        if (++lines % FLUSH_LINES == 0) flush(s, part, &walk, &lanes, sums);
    }
    flush(s, part, &walk, &lanes, sums);
}

/* --- what goes back to the branches --- */

typedef struct dx_coefs {
    float a[QEA_LINE], b[QEA_LINE], center[QEA_LINE], c0[QEA_LINE];
} dx_coefs;

static void repeat_dx(const qea_part *part, const line_walk *walk, const qea_segment_dx *dx, dx_coefs *k) {
    if (dx->a) repeat_channels(part, walk, dx->a, k->a);
    if (!dx->b) return;
    repeat_channels(part, walk, dx->b, k->b);
    repeat_channels(part, walk, dx->center, k->center);
    repeat_channels(part, walk, dx->c0, k->c0);
}

static void dx_line(const qea_segment_dx *dx, const dx_coefs *k, const float *dz, const float *x, size_t n, float *to) {
    if (!dx->a) {
        memcpy(to, dz, n * sizeof *to);
    } else if (!dx->b) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) to[i] = k->a[i] * dz[i];
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++) to[i] = k->a[i] * dz[i] + k->b[i] * (x[i] - k->center[i]) + k->c0[i];
    }
}

void QEA_VARIANT(qea_pass_backward)(const qea_segment *s, const qea_segment_grads *grads,
                                    const qea_segment_dx dx[QEA_MAX_BRANCHES], const qea_part *part) {
    line_walk walk = walk_part(part);
    segment_coefs coefs;
    dx_coefs back[QEA_MAX_BRANCHES];
    repeat_coefs(s, part, &walk, &coefs);
    for (int b = 0; b < s->num_branches; b++) repeat_dx(part, &walk, &dx[b], &back[b]);

    line_tile x_tile[QEA_MAX_BRANCHES], to_tile;
    float y[QEA_LINE], dz[QEA_LINE];
    const float *x[QEA_MAX_BRANCHES] = {NULL};
    for (size_t at = walk.first; at < walk.end; at += walk.stride) {
        size_t n = line_length(&walk, at);
        for (int b = 0; b < s->num_branches; b++) x[b] = read_line(s->branch[b].x, at, n, &x_tile[b]);
        output_line(s, &coefs, x, n, y);
        gradient_line(s, grads, at, n, y, dz, NULL);
        for (int b = 0; b < s->num_branches; b++) {
            if (!dx[b].dx.data) continue;
            dx_line(&dx[b], &back[b], dz, x[b], n, start_line(dx[b].dx, at, &to_tile));
            finish_line(dx[b].dx, at, n, &to_tile);
        }
    }
}
