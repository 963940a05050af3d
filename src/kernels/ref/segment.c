/* kernels/ref/segment.c: the fused pass, one value at a time. The order of the float32 operations written here is the
 * specification: every device gives the same bits for z, y, q and dx. The sums over rows are float64 here. */
#include <math.h>

#include "kernels/common.h"
#include "kernels/ref/ref.h"

/* A NaN stays one, so that it reaches the loss. */
static float relu(float z) { return z < 0.0F ? 0.0F : z; }

static float clamp(float t, float lo, float hi) { return t < lo ? lo : t > hi ? hi : t; }

static float output(const qea_segment *s, size_t i, int c) {
    float z = 0;
    for (int b = 0; b < s->num_branches; b++) {
        float x = qea_view_load(s->branch[b].x, i);
        if (s->branch[b].scale) x = s->branch[b].scale[c] * x + s->branch[b].shift[c];
        z = b == 0 ? x : z + x;
    }
    return s->relu ? relu(z) : z;
}

static float quantise(const qea_act_quant *quant, float y) {
    switch (quant->kind) {
    case QEA_ACT_ROUND:
        return rintf(clamp(y * quant->inv_step, quant->lo, quant->hi)) + 0.0F; /* + 0: the grid has one zero */
    case QEA_ACT_SIGN:
        return y > 0.0F ? 1.0F : y < 0.0F ? -1.0F : y + 0.0F;
    case QEA_ACT_RELU:
        break;
    }
    return relu(y);
}

/* The gradient g of the quantised copy as it arrives at y. */
static float pass_back(const qea_act_quant *quant, float y, float g) {
    float t = y * quant->inv_step;
    switch (quant->kind) {
    case QEA_ACT_ROUND:
        if (quant->grad == QEA_GRAD_PACT) return t > quant->lo && t < quant->hi ? g : 0.0F;
        return t >= quant->lo && t <= quant->hi ? g : 0.0F;
    case QEA_ACT_SIGN: {
        float slope = 2.0F - 2.0F * fabsf(y);
        return slope > 0.0F ? g * slope : 0.0F;
    }
    case QEA_ACT_RELU:
        break;
    }
    return y > 0.0F ? g : 0.0F;
}

/* g * d(out)/d(parameter). */
static float parameter_part(const qea_act_quant *quant, float y, float g) {
    float t = y * quant->inv_step;
    if (quant->grad == QEA_GRAD_PACT) return t >= quant->hi ? g : 0.0F;
    if (quant->grad == QEA_GRAD_LSQ) {
        float inside = clamp(t, quant->lo, quant->hi);
        return g * (inside == t && t > quant->lo && t < quant->hi ? rintf(t) - t : inside);
    }
    return 0.0F;
}

static float gradient(const qea_segment *s, const qea_segment_grads *grads, size_t i, float y) {
    float dz = 0;
    for (int p = 0; p < grads->num_plain; p++) dz += qea_view_load(grads->plain[p], i);
    for (int q = 0; q < s->num_quants; q++)
        if (grads->quant[q].data) dz += pass_back(&s->out[q].quant, y, qea_view_load(grads->quant[q], i));
    return s->relu && !(y > 0.0F) ? 0.0F : dz;
}

/* false: a NaN that a byte cannot hold. */
static bool store_copy(const qea_act_quant *quant, float y, qea_view q, size_t i) {
    float value = quantise(quant, y);
    bool lost = q.type == QEA_U8 && isnan(value);
    qea_view_store(q, i, lost ? quant->lo : value);
    return !lost;
}

bool qea_ref_segment_forward(const qea_segment *s) {
    bool held = true;
    for (size_t row = 0; row < s->rows; row++)
        for (int c = 0; c < s->channels; c++) {
            size_t i = row * (size_t)s->channels + (size_t)c;
            float y = output(s, i, c);
            if (s->y.data) qea_view_store(s->y, i, y);
            for (int q = 0; q < s->num_quants; q++)
                if (s->out[q].q.data) held &= store_copy(&s->out[q].quant, y, s->out[q].q, i);
        }
    return held;
}

void qea_ref_segment_reduce(const qea_segment *s, const qea_segment_grads *grads, qea_segment_sums *sums) {
    for (int q = 0; q < QEA_MAX_QUANTS; q++) sums->param[q] = 0;
    for (int c = 0; c < s->channels; c++) {
        double dz_sum = 0, dz_x[QEA_MAX_BRANCHES] = {0};
        for (size_t row = 0; row < s->rows; row++) {
            size_t i = row * (size_t)s->channels + (size_t)c;
            float y = output(s, i, c), dz = gradient(s, grads, i, y);
            dz_sum += (double)dz;
            for (int b = 0; b < s->num_branches; b++)
                if (sums->dz_x[b])
                    dz_x[b] += (double)dz * (double)(qea_view_load(s->branch[b].x, i) - sums->center[b][c]);
            for (int q = 0; q < s->num_quants; q++)
                if (grads->quant[q].data && s->out[q].quant.grad != QEA_GRAD_NONE)
                    sums->param[q] += (double)parameter_part(&s->out[q].quant, y, qea_view_load(grads->quant[q], i));
        }
        if (sums->dz) sums->dz[c] = (float)dz_sum;
        for (int b = 0; b < s->num_branches; b++)
            if (sums->dz_x[b]) sums->dz_x[b][c] = (float)dz_x[b];
    }
}

void qea_ref_segment_backward(const qea_segment *s, const qea_segment_grads *grads,
                              const qea_segment_dx dx[QEA_MAX_BRANCHES]) {
    for (size_t row = 0; row < s->rows; row++)
        for (int c = 0; c < s->channels; c++) {
            size_t i = row * (size_t)s->channels + (size_t)c;
            float dz = gradient(s, grads, i, output(s, i, c));
            float value[QEA_MAX_BRANCHES] = {0};
            for (int b = 0; b < s->num_branches; b++) {
                value[b] = dx[b].a ? dx[b].a[c] * dz : dz;
                if (!dx[b].b) continue;
                float x = qea_view_load(s->branch[b].x, i);
                value[b] = value[b] + dx[b].b[c] * (x - dx[b].center[c]) + dx[b].c0[c];
            }
            for (int b = 0; b < s->num_branches; b++) /* after all reads: dx may lie on what was read */
                if (dx[b].dx.data) qea_view_store(dx[b].dx, i, value[b]);
        }
}
