#include "kernels/common.h"

#include <limits.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"

static atomic_int num_threads = 1;

void qea_kernels_set_threads(int threads) { atomic_store(&num_threads, threads > 1 ? threads : 1); }

int qea_kernels_threads(void) { return atomic_load(&num_threads); }

uint16_t qea_f32_to_bf16(float v) {
    union {
        float f;
        uint32_t u;
    } x = {v};
    if ((x.u & 0x7fffffffU) > 0x7f800000U) return (uint16_t)((x.u >> 16) | 0x40U); /* a quiet NaN */
    return (uint16_t)((x.u + 0x7fffU + ((x.u >> 16) & 1U)) >> 16);
}

static bool fits(int a, int b, int c, int d) {
    size_t size = sizeof(double); /* the widest type that anything here is summed in */
    int side[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        if (!qea_size_mul(size, (size_t)side[i], &size)) return false;
    return size <= PTRDIFF_MAX;
}

/* Output pixels along one side, 0 where the window is larger than the padded image. */
static int64_t out_side(int64_t side, int64_t window, int64_t stride, int64_t pad) {
    int64_t room = side + 2 * pad - window;
    return room < 0 ? 0 : room / stride + 1;
}

qea_status qea_conv_shape_check(qea_context *ctx, const qea_conv_shape *s) {
    bool positive = s->n > 0 && s->h > 0 && s->w > 0 && s->c > 0 && s->k > 0 && s->oh > 0 && s->ow > 0 && s->r > 0 &&
                    s->s > 0 && s->stride > 0 && s->groups > 0 && s->pad >= 0;
    if (!positive || s->c % s->groups || s->k % s->groups)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "convolution of %d x %dx%dx%d to %d channels, kernel %dx%d, stride %d, padding %d, %d groups: "
                        "all must be positive (padding may be 0) and groups divide both numbers of channels",
                        s->n, s->h, s->w, s->c, s->k, s->r, s->s, s->stride, s->pad, s->groups);
    if (s->oh != out_side(s->h, s->r, s->stride, s->pad) || s->ow != out_side(s->w, s->s, s->stride, s->pad))
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "convolution of %dx%d with kernel %dx%d, stride %d, padding %d: its output is not %dx%d", s->h,
                        s->w, s->r, s->s, s->stride, s->pad, s->oh, s->ow);
    if (!fits(s->n, s->h, s->w, s->c) || !fits(s->n, s->oh, s->ow, s->k) || !fits(s->k, s->c / s->groups, s->r, s->s))
        return qea_fail(ctx, QEA_ERR_CONFIG, "convolution of %d x %dx%dx%d to %d channels: too large", s->n, s->h, s->w,
                        s->c, s->k);
    return QEA_OK;
}
