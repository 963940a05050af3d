#include "kernels/cpu/segment_line.h"

static void quantise_line(const qea_act_quant *quant, const float *y, size_t n, float *q) {
    const float inv = quant->inv_step, lo = quant->lo, hi = quant->hi;
    if (quant->kind == QEA_ACT_ROUND) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float t = y[i] * inv;
            t = t < lo ? lo : t;
            t = t > hi ? hi : t;
            q[i] = round_even(t);
        }
    } else if (quant->kind == QEA_ACT_SIGN) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float v = y[i] + 0.0F;
            v = y[i] > 0.0F ? 1.0F : v;
            q[i] = y[i] < 0.0F ? -1.0F : v;
        }
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++) q[i] = y[i] < 0.0F ? 0.0F : y[i];
    }
}

/* QEA_ACT_ROUND to integers from 0 to 255. A NaN becomes lo; false: there was one. */
static bool quantise_to_bytes(const qea_act_quant *quant, const float *y, size_t n, uint8_t *q) {
    const float inv = quant->inv_step, lo = quant->lo, hi = quant->hi;
    int nan = 0;
#pragma omp simd reduction(| : nan)
    for (size_t i = 0; i < n; i++) {
        float t = y[i] * inv;
        nan |= t != t;
        t = t > lo ? t : lo;
        t = t > hi ? hi : t;
        q[i] = (uint8_t)(int32_t)round_even(t);
    }
    return !nan;
}

bool QEA_VARIANT(qea_pass_forward)(const qea_segment *s, const qea_part *part) {
    bool held = true;
    line_walk walk = walk_part(part);
    segment_coefs coefs;
    repeat_coefs(s, part, &walk, &coefs);
    line_tile x_tile[QEA_MAX_BRANCHES], y_tile, q_tile;
    const float *x[QEA_MAX_BRANCHES] = {NULL};
    for (size_t at = walk.first; at < walk.end; at += walk.stride) {
        size_t n = line_length(&walk, at);
        for (int b = 0; b < s->num_branches; b++) x[b] = read_line(s->branch[b].x, at, n, &x_tile[b]);
        float *y = s->y.data ? start_line(s->y, at, &y_tile) : y_tile.f;
        output_line(s, &coefs, x, n, y);
        if (s->y.data) finish_line(s->y, at, n, &y_tile);
        for (int i = 0; i < s->num_quants; i++) {
            qea_view to = s->out[i].q;
            if (!to.data) continue;
            if (to.type == QEA_U8) {
                held &= quantise_to_bytes(&s->out[i].quant, y, n, (uint8_t *)to.data + at);
                continue;
            }
            quantise_line(&s->out[i].quant, y, n, start_line(to, at, &q_tile));
            finish_line(to, at, n, &q_tile);
        }
    }
    return held;
}

void QEA_VARIANT(qea_pass_copy)(qea_view from, size_t from_index, qea_view to, size_t to_index, size_t count) {
    line_tile tile;
    for (size_t i = 0; i < count; i += QEA_LINE) {
        size_t n = count - i < QEA_LINE ? count - i : QEA_LINE;
        const float *v = read_line(from, from_index + i, n, &tile);
        float *copy = start_line(to, to_index + i, &tile);
        if (copy != v) memcpy(copy, v, n * sizeof *v);
        finish_line(to, to_index + i, n, &tile);
    }
}
