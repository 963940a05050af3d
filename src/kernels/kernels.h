/* kernels/kernels.h: dense loops on shaped buffers. A device is a table of functions; `ref` is the plain C
 * specification that every other table is checked against; `cpu` is the fast one (convolutions by oneDNN and our own,
 * own fused passes).
 *
 * Layouts: activations NHWC; weights KRSC-free: [K][C/groups][R][S] (as in PyTorch); a "row" is one pixel's C channels.
 * Types: float32 or bfloat16 (in 16 bits, or widened) per buffer, bytes for integers that a convolution reads.
 * Statistics, coefficients, weights at this interface and all sums are float32 (or float64 inside). Nothing here
 * allocates except *_create. All functions are deterministic for a given number of threads; everything but convolutions
 * is deterministic for any number of threads. Convolutions of integers whose sums stay below 2^24 are exact, but for
 * the float32 passes of 3x3 windows with stride and pad 1 and one group, backward, and forward where no grid says that
 * they are integers: on dense tensors their error is below 4e-6 of the sum of the products' magnitudes (docs/math.md).
 */
#ifndef QEA_KERNELS_H
#define QEA_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

typedef enum qea_type {
    QEA_F32,
    QEA_BF16,
    QEA_BF16_WIDE, /* bfloat16 values in float32 buffers: what is stored is rounded as QEA_BF16 is, and float32
                     arithmetic on it is bfloat16's (docs/math.md), on a CPU that has none for QEA_BF16 */
    QEA_U8         /* integers 0..255: what a segment may quantise to, and a convolution may read */
} qea_type;
static inline size_t qea_type_bytes(qea_type t) { return t == QEA_U8 ? 1 : t == QEA_BF16 ? 2 : 4; }

typedef struct qea_view { /* a tensor somebody else owns */
    void *data;
    qea_type type;
} qea_view;

/* --- convolution (a fully connected layer is one with 1x1 images) --- */
typedef struct qea_conv_shape {
    int n, h, w, c;        /* input images, [n][h][w][c] */
    int k, oh, ow;         /* output [n][oh][ow][k] */
    int r, s, stride, pad; /* zeros on every side; oh = (h + 2 pad - r)/stride + 1 */
    int groups;
} qea_conv_shape;

typedef enum qea_conv_use { QEA_CONV_INFERENCE, QEA_CONV_TRAINING } qea_conv_use;

/* The integers that x and the weights are from. Where they are known a device may convolve in integer arithmetic: y is
 * then the exact sum, rounded once. A NaN in the weights, or in x, makes NaN of the outputs that it reaches and may
 * make NaN of others of the same image. */
typedef struct qea_conv_grid {
    int x_lo, x_hi, w_lo, w_hi;
} qea_conv_grid;

typedef struct qea_conv qea_conv; /* opaque; each device has its own */

/* --- fused element-wise pass ("segment") ---
 * z[row][c] = sum over branches b of (scale_b[c] * x_b[row][c] + shift_b[c]);  y = relu ? max(z, 0) : z;
 * outputs: y itself, and quantised copies q_i = Q_i(y) as integers on the grid (the consumer multiplies by the step).
 * A copy may be QEA_U8 where its grid lies in 0..255. */
enum { QEA_MAX_BRANCHES = 2, QEA_MAX_QUANTS = 4, QEA_MAX_GRADS = 8 };

typedef enum qea_act_kind {
    QEA_ACT_ROUND, /* t = y * inv_step; q = rint(clamp(t, lo, hi)), half to even; dq/dy passes where lo <= t <= hi */
    QEA_ACT_SIGN,  /* q = sign(y), sign(0) = 0; gradient 2 - 2|y| where |y| < 1, else 0 (Bi-Real) */
    QEA_ACT_RELU   /* q = max(y, 0), float; gradient where y > 0 */
} qea_act_kind;

typedef enum qea_act_grad { /* gradient of the quantiser's parameter */
                            QEA_GRAD_NONE,
                            QEA_GRAD_PACT, /* d(out)/d(alpha) = 1 where t >= hi, else 0 */
                            QEA_GRAD_LSQ /* d(out)/d(step) = rint(t) - t where lo < t < hi, lo where t <= lo, hi where t
                                            >= hi */
} qea_act_grad;

typedef struct qea_act_quant {
    qea_act_kind kind;
    qea_act_grad grad;
    float inv_step, lo, hi;
} qea_act_quant;
/* For PACT the gradient to y passes where 0 < t < hi (the clipped part has none); for the others where lo <= t <= hi.
 */

typedef struct qea_segment {
    size_t rows; /* n * h * w */
    int channels;
    int num_branches;
    struct {
        qea_view x;
        const float *scale, *shift; /* [channels]; both NULL: plain x */
    } branch[QEA_MAX_BRANCHES];
    bool relu;
    qea_view y; /* data NULL: not wanted */
    int num_quants;
    struct {
        qea_act_quant quant;
        qea_view q;
    } out[QEA_MAX_QUANTS];
} qea_segment;

/* Gradients that come back to a segment: to y directly and to the quantised copies (with respect to the real value
 * step * q, so that straight-through passes it to y unscaled). dz = relu mask * (sum of plain + sum of masked). */
typedef struct qea_segment_grads {
    int num_plain;
    qea_view plain[QEA_MAX_GRADS];  /* [rows][channels] */
    qea_view quant[QEA_MAX_QUANTS]; /* one per out[i]; data NULL: none */
} qea_segment_grads;

typedef struct qea_segment_sums {  /* all float32, owned by the caller */
    float *dz;                     /* [channels]: sum over rows of dz; NULL: not wanted */
    float *dz_x[QEA_MAX_BRANCHES]; /* [channels]: sum over rows of dz * (x_b - center_b[c]); NULL: not wanted */
    const float *center[QEA_MAX_BRANCHES];
    double param[QEA_MAX_QUANTS]; /* sum of gradient * d(out)/d(parameter) */
} qea_segment_sums;

typedef struct qea_segment_dx { /* what goes back to branch b: dx = a[c]*dz + b[c]*(x - center[c]) + c0[c]; */
    qea_view dx; /* data NULL: not wanted; may be the same memory as one of the gradients or as its own branch's x, if
                    the type is the same */
    const float *a, *b, *center, *c0; /* [channels]; all NULL: dx = dz; b NULL: without the last two terms */
} qea_segment_dx;

typedef struct qea_soft_targets { /* what a teacher says of a batch */
    const float *logits;          /* [n][classes] */
    float temperature;            /* T > 0 */
    float weight;                 /* 0..1: its share of the loss */
} qea_soft_targets;

typedef struct qea_kernels {
    const char *name; /* "ref", "cpu" */
    qea_type bf16;    /* how bfloat16 is computed with here: QEA_BF16, or QEA_BF16_WIDE where that cannot be done */

    /* widest: holds every grid that conv_set_weights will be given; NULL: real numbers.
     * types: of input, output and their gradients. QEA_ERR_UNSUPPORTED where bf16 cannot be done here. TRAINING makes
     * the two backward functions usable. QEA_ERR_CONFIG where the shape does not fit itself. A convolution runs with
     * the threads that were set when it was created, and in one thread of the caller at a time. */
    QEA_MUST_USE qea_status (*conv_create)(qea_context *ctx, const qea_conv_shape *shape, qea_conv_use use,
                                           const qea_conv_grid *widest, qea_type type, qea_type out_type,
                                           qea_conv **out);
    void (*conv_destroy)(qea_conv *conv);
    /* Packs weights [K][C/groups][R][S] (converted to the conv's type) for the three functions below; call after each
     * change of the weights or of x's grid. grid: of these weights and of x from now on, within the widest; NULL: the
     * widest. QEA_ERR_CONFIG where the device uses it and a weight is beyond it. */
    QEA_MUST_USE qea_status (*conv_set_weights)(qea_context *ctx, qea_conv *conv, const float *weights,
                                                const qea_conv_grid *grid);
    /* Whether x may be QEA_U8, in the forward pass and, in training, for the gradient of the weights. */
    bool (*conv_reads_bytes)(const qea_conv *conv);
    /* x: of the convolution's type, or QEA_U8. */
    QEA_MUST_USE qea_status (*conv_forward)(qea_context *ctx, qea_conv *conv, qea_view x, void *y);
    /* conv_forward with channel_stats of the float32 sums, in one where that reads less memory. oneDNN's bfloat16
     * convolutions (QEA_BF16 of the table cpu) show no sums: there y as it is stored. */
    QEA_MUST_USE qea_status (*conv_forward_stats)(qea_context *ctx, qea_conv *conv, qea_view x, void *y, float *mean,
                                                  float *variance);
    QEA_MUST_USE qea_status (*conv_backward_data)(qea_context *ctx, qea_conv *conv, const void *dy, void *dx);
    QEA_MUST_USE qea_status (*conv_backward_weights)(qea_context *ctx, qea_conv *conv, qea_view x, const void *dy,
                                                     float *dweights);

    /* mean[c] and biased variance[c] over rows. Robust where |mean| is much larger than the deviation. */
    void (*channel_stats)(qea_view x, size_t rows, int channels, float *mean, float *variance);

    /* false: a NaN was to become a byte, which cannot tell; it is the lowest value of the grid. */
    bool (*segment_forward)(const qea_segment *segment);
    void (*segment_reduce)(const qea_segment *segment, const qea_segment_grads *grads, qea_segment_sums *sums);
    void (*segment_backward)(const qea_segment *segment, const qea_segment_grads *grads,
                             const qea_segment_dx dx[QEA_MAX_BRANCHES]);

    /* Pooling on [n][h][w][c]; average counts the padding (PyTorch's default), max does not see it. argmax [out] holds
     * the winner's index in the window (row-major, first of equals), NULL at inference. kernel 0 = global average. */
    void (*max_pool)(qea_view x, qea_view y, uint8_t *argmax, int n, int h, int w, int c, int kernel, int stride,
                     int pad);
    void (*max_pool_backward)(qea_view dy, const uint8_t *argmax, qea_view dx, int n, int h, int w, int c, int kernel,
                              int stride, int pad);
    void (*avg_pool)(qea_view x, qea_view y, int n, int h, int w, int c, int kernel, int stride, int pad);
    void (*avg_pool_backward)(qea_view dy, qea_view dx, int n, int h, int w, int c, int kernel, int stride, int pad);

    /* The convolution left out (0 bits): y[n][i][j][k] = x[n][i*stride][j*stride][k] for k < c, 0 for the others. */
    void (*skip)(qea_view x, qea_view y, int n, int h, int w, int c, int oh, int ow, int k, int stride);
    void (*skip_backward)(qea_view dy, qea_view dx, int n, int h, int w, int c, int oh, int ow, int k, int stride);

    /* Softmax cross-entropy with label smoothing e: target = (1-e) one-hot + e/classes. Rows with label -1 are ignored.
     * Sums the loss over rows (float64), counts right answers (arg max, first of equals; a NaN is never right), and
     * writes dlogits = (p - target) * grad_scale where dlogits is not NULL.
     * With soft targets t (NULL: none), p_T = softmax(logits / T), t_T = softmax(t / T), of weight a:
     *   loss = (1 - a) cross-entropy + a T^2 KL(t_T || p_T),  dlogits = ((1 - a) (p - target) + a T (p_T - t_T)) scale
     * Source: Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2. */
    void (*softmax_loss)(const float *logits, const int32_t *labels, const qea_soft_targets *soft, int n, int classes,
                         float smoothing, float grad_scale, float *dlogits, double *loss, int64_t *right,
                         int64_t *right_top5);
} qea_kernels;

const qea_kernels *qea_kernels_ref(void);
/* NULL, explained in *ctx, where this build has none (plain C) or this CPU lacks the instruction set. isa: "auto",
 * "avx512", "avx2", "sse2": the highest for the whole process, also oneDNN's (AMX and bf16 come with "auto" alone). The
 * first call decides; later ones get the same table, or NULL if they ask for another set by name. */
const qea_kernels *qea_kernels_cpu(qea_context *ctx, const char *isa);

/* What qea_kernels_cpu chose: "sse2", "avx2", "avx512", "avx512-amx"; "plain" before it and without it. */
const char *qea_kernels_isa(void);
bool qea_kernels_have_amx(void);               /* bf16 convolutions are fast here */
const char *qea_kernels_library_version(void); /* "oneDNN 2.6.3", "plain C" */
/* Threads of one training step (OpenMP and oneDNN), >= 1; 1 at the start. For convolutions that are created from now
 * on, and for all else at once. */
void qea_kernels_set_threads(int threads);

static inline float qea_bf16_to_f32(uint16_t v) {
    union {
        uint32_t u;
        float f;
    } x = {(uint32_t)v << 16};
    return x.f;
}
uint16_t qea_f32_to_bf16(float v); /* nearest even, NaN stays NaN */
static inline float qea_round_to_bf16(float v) { return qea_bf16_to_f32(qea_f32_to_bf16(v)); }

#endif
