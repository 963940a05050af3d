/* kernels/cpu/direct_pack.c: weights and rows of x as the kernels of direct.c read them. */
#include <string.h>

#include "kernels/cpu/direct_pack.h"

static int smaller(int a, int b) { return a < b ? a : b; }

/* --- weights --- */

int qea_direct_padded_channels(const qea_direct_conv *conv) {
    int lanes = conv->kernel->lanes;
    return (conv->shape.k + lanes - 1) / lanes * lanes;
}

uint8_t *qea_direct_channel(const qea_direct_conv *conv, int k, size_t *step_stride) {
    int lanes = conv->kernel->lanes, block = QEA_DIRECT_VECTORS * lanes;
    int first = k - k % block, width = smaller(block, qea_direct_padded_channels(conv) - first);
    *step_stride = (size_t)width * QEA_STEP_BYTES;
    size_t steps = (size_t)conv->shape.r * (size_t)conv->steps;
    return conv->weights + (size_t)first * steps * QEA_STEP_BYTES + (size_t)(k - first) * QEA_STEP_BYTES;
}

/* As it is packed; its value, where it is an integer. */
static int32_t narrow(qea_packing packing, float weight, uint8_t *to) {
    if (packing == QEA_PACKED_BF16) {
        uint16_t bits = qea_f32_to_bf16(weight);
        memcpy(to, &bits, sizeof bits);
        return 0;
    }
    int16_t w = (int16_t)weight;
    if (packing == QEA_PACKED_U8)
        *to = (uint8_t)(int8_t)w;
    else
        memcpy(to, &w, sizeof w);
    return w;
}

/* Row r of channel k's weights, as the kernel's steps take them: taps, and channels in each. */
static int32_t narrow_row(const qea_direct_conv *conv, const float *weights, int k, int r, uint8_t *to) {
    const qea_weight_order o = conv->order;
    const qea_packing packing = conv->packing;
    const int channels = conv->shape.c;
    int32_t sum = 0;
    weights += o.origin + k * o.k + r * o.r;
    for (int t = 0; t < conv->shape.s; t++)
        for (int c = 0; c < channels; c++, to += qea_packed_bytes(packing))
            sum += narrow(packing, weights[t * o.s + c * o.c], to);
    return sum;
}

/* One channel's weights to their places; the scratch memory holds a row of a window. */
static int32_t pack_channel(const qea_direct_conv *conv, int k, const float *weights) {
    size_t stride, steps = (size_t)conv->steps;
    uint8_t *to = qea_direct_channel(conv, k, &stride), *line = conv->scratch;
    int32_t sum = 0;
    memset(line, 0, steps * QEA_STEP_BYTES); /* what no weight has of the last steps */
    for (int r = 0; r < conv->shape.r; r++) {
        sum += narrow_row(conv, weights, k, r, line);
        for (size_t i = 0; i < steps; i++, to += stride) memcpy(to, line + i * QEA_STEP_BYTES, QEA_STEP_BYTES);
    }
    return sum;
}

void qea_direct_pack_weights(qea_direct_conv *conv, const float *weights) {
    for (int k = 0; k < conv->shape.k; k++) conv->start[k] = conv->grid.x_lo * pack_channel(conv, k, weights);
}

/* --- rows of x --- */

/* Zeros for `pixels` pixels. */
static uint8_t *pack_zeros(const qea_direct_conv *conv, int pixels, uint8_t *to) {
    size_t count = (size_t)pixels * (size_t)conv->shape.c;
    int16_t zero = (int16_t)-conv->grid.x_lo;
    if (conv->packing == QEA_PACKED_U8) {
        memset(to, zero, count);
        return to + count;
    }
    for (size_t i = 0; i < count; i++, to += sizeof zero) memcpy(to, &zero, sizeof zero);
    return to;
}

/* bfloat16 values from x[at], a line at a time. */
static bool pack_halves(const qea_direct_conv *conv, qea_view x, size_t at, size_t count, uint8_t *to) {
    float line[QEA_LINE];
    bool good = true, bytes = conv->packing == QEA_PACKED_U8;
    for (size_t done = 0, n; done < count; done += n, to += n * qea_packed_bytes(conv->packing)) {
        n = count - done < QEA_LINE ? count - done : QEA_LINE;
        qea_cpu_passes_used()->copy(x, at + done, (qea_view){line, QEA_F32}, 0, n);
        good &= conv->kernel->pack(line, n, (float)conv->grid.x_lo, bytes, to);
    }
    return good;
}

/* `count` values from x[at]; false: a NaN is in them. */
static bool pack_integers(const qea_direct_conv *conv, qea_view x, size_t at, size_t count, uint8_t *to) {
    bool bytes = conv->packing == QEA_PACKED_U8;
    if (x.type == QEA_BF16) return pack_halves(conv, x, at, count, to);
    if (x.type != QEA_U8)
        return conv->kernel->pack((const float *)x.data + at, count, (float)conv->grid.x_lo, bytes, to);
    conv->kernel->pack_bytes((const uint8_t *)x.data + at, count, conv->grid.x_lo, bytes, to);
    return true;
}

/* A byte is exact in bfloat16. */
static void widen_bytes(const uint8_t *x, size_t count, uint8_t *to) {
    for (size_t i = 0; i < count; i++, to += sizeof(uint16_t)) {
        float value = x[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        uint16_t upper = (uint16_t)(bits >> 16);
        memcpy(to, &upper, sizeof upper);
    }
}

static bool pack_values(const qea_direct_conv *conv, qea_view x, size_t at, size_t count, uint8_t *to) {
    if (!conv->real) return pack_integers(conv, x, at, count, to);
    if (x.type == QEA_BF16)
        memcpy(to, (const uint16_t *)x.data + at, count * sizeof(uint16_t));
    else
        widen_bytes((const uint8_t *)x.data + at, count, to);
    return true;
}

static bool pack_pixels(const qea_direct_conv *conv, qea_view x, size_t at, int pixels, uint8_t *to) {
    size_t c = (size_t)conv->shape.c, skip = (size_t)conv->skip, width = qea_packed_bytes(conv->packing);
    if (skip == 1) return pack_values(conv, x, at, (size_t)pixels * c, to);
    bool good = true;
    for (int j = 0; j < pixels; j++, at += skip * c, to += c * width) good &= pack_values(conv, x, at, c, to);
    return good;
}

/* Row `row` of image n, which may lie outside of it, with its padding. */
static bool pack_row(const qea_direct_conv *conv, qea_view x, int n, int row, uint8_t *to) {
    const qea_conv_shape *s = &conv->shape;
    if (row < 0 || row >= s->h) {
        (void)pack_zeros(conv, conv->row_pixels, to);
        return true;
    }
    int before = smaller(s->pad, conv->row_pixels), inside = smaller(s->w, conv->row_pixels - before);
    to = pack_zeros(conv, before, to);
    size_t from = ((size_t)n * (size_t)s->h + (size_t)row) * (size_t)s->w * (size_t)s->c;
    bool good = pack_pixels(conv, x, from, inside, to);
    size_t bytes = (size_t)inside * (size_t)s->c * qea_packed_bytes(conv->packing);
    (void)pack_zeros(conv, conv->row_pixels - before - inside, to + bytes);
    return good;
}

/* What a kernel reads behind a window is multiplied by 0, and so must be a number where x is real: there are zeros
 * behind the last row. A row that the stride leaves out holds zeros, or weights. */
bool qea_direct_pack_rows(const qea_direct_conv *conv, qea_view x, int n, int first, int rows, uint8_t *to) {
    const qea_conv_shape *s = &conv->shape;
    size_t bytes = qea_direct_row_bytes(conv);
    bool good = true;
    for (int i = 0; i < qea_direct_rows_under(s, rows); i++, to += bytes)
        if (i % s->stride < s->r) good &= pack_row(conv, x, n, (first * s->stride - s->pad + i) * conv->skip, to);
    if (conv->real) memset(to, 0, (size_t)conv->kernel->depth * QEA_STEP_BYTES);
    return good;
}
