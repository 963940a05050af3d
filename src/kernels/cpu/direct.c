/* kernels/cpu/direct.c: what direct.h says: which convolutions, cut into tasks, and the tasks run. */
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/cpu/direct_pack.h"

enum {
    SCRATCH = 32768,  /* of one thread, where that holds a row of windows */
    LEAST_BUDGET = 4, /* fewer steps in 16 bits, and sums in 32 bits are as fast */
    LEAST_REAL = 16,  /* channels of real numbers: fewer leave most of a tile empty */
    LEAST_CHUNKS = 8  /* pieces that statistics are taken of, where there are so many */
};

static int larger(int a, int b) { return a > b ? a : b; }
static int smaller(int a, int b) { return a < b ? a : b; }
static int divide_up(int a, int b) { return (a + b - 1) / b; }

/* Padding is 0, and so 0 is in the range. */
static qea_conv_grid with_zero(const qea_conv_grid *g) {
    return (qea_conv_grid){smaller(g->x_lo, 0), larger(g->x_hi, 0), g->w_lo, g->w_hi};
}

static int64_t weight_size(const qea_conv_grid *g) {
    int64_t below = -(int64_t)g->w_lo, above = g->w_hi;
    return below > above ? below : above;
}

/* Steps of u8 times s8 that cannot overflow 16 bits, each of which adds two products to a sum; 0: not u8 and s8. */
static int byte_budget(const qea_direct_kernel *kernel, const qea_conv_grid *g) {
    int64_t range = (int64_t)g->x_hi - g->x_lo, pair = 2 * range * weight_size(g);
    if (range > UINT8_MAX || g->w_lo < INT8_MIN || g->w_hi > INT8_MAX) return 0;
    return pair > 0 && !kernel->wide ? (int)(INT16_MAX / pair) : INT_MAX;
}

static bool fits_words(const qea_conv_grid *g) {
    return (int64_t)g->x_hi - g->x_lo <= INT16_MAX && weight_size(g) <= INT16_MAX;
}

/* The largest sum and the largest start together. */
static bool fits_sums(const qea_conv_shape *s, const qea_conv_grid *g) {
    double terms = (double)s->c * (double)s->r * (double)s->s;
    return terms * (double)weight_size(g) * ((double)g->x_hi - 2.0 * (double)g->x_lo) <= (double)INT32_MAX;
}

/* So few products are made of each value that packing costs more than they. */
static bool few_products(const qea_conv_shape *s) { return s->r == 1 && s->s == 1 && s->c < 32; }

/* Images of more than a pixel: what a kernel reads behind one, and multiplies by 0, must not be another image's NaN. */
static bool suits_real(const qea_direct_kernel *kernel, const qea_conv_shape *s, qea_type type) {
    return kernel->bf16 && type == QEA_BF16 && s->c >= LEAST_REAL && s->k >= LEAST_REAL && (s->h > 1 || s->w > 1);
}

bool qea_direct_suits(const qea_conv_shape *s, const qea_conv_grid *grid, qea_type type) {
    const qea_direct_kernel *kernel = qea_cpu_passes_used()->direct;
    if (kernel->lanes == 0 || few_products(s) || s->groups != 1) return false;
    if (!grid) return suits_real(kernel, s, type);
    if (grid->x_lo > grid->x_hi || grid->w_lo > grid->w_hi) return false;
    qea_conv_grid g = with_zero(grid);
    if (type == QEA_BF16 && !(kernel->wide && byte_budget(kernel, &g) > 0)) return false;
    return fits_words(&g) && fits_sums(s, &g);
}

/* The shape of backward-data as a forward pass: dy for x, dx for y. */
static qea_conv_shape backward_of(const qea_conv_shape *s) {
    return (qea_conv_shape){.n = s->n,
                            .h = s->oh,
                            .w = s->ow,
                            .c = s->k,
                            .k = s->c,
                            .oh = s->h,
                            .ow = s->w,
                            .r = s->r,
                            .s = s->s,
                            .stride = 1,
                            .pad = s->r - 1 - s->pad,
                            .groups = 1};
}

bool qea_direct_suits_backward(const qea_conv_shape *s) {
    qea_conv_shape backward = backward_of(s);
    bool turns = s->stride == 1 && s->groups == 1 && s->r == s->s && s->pad < s->r;
    return turns && qea_direct_suits(&backward, NULL, QEA_BF16);
}

static int steps_of(const qea_direct_conv *conv, qea_packing packing) {
    int steps = divide_up(conv->shape.s * conv->shape.c * (int)qea_packed_bytes(packing), QEA_STEP_BYTES);
    return packing == QEA_PACKED_S16 ? steps : divide_up(steps, conv->kernel->depth) * conv->kernel->depth;
}

/* For any grid within the widest one. */
static int most_steps(const qea_direct_conv *conv) {
    return larger(steps_of(conv, QEA_PACKED_U8), steps_of(conv, conv->widest_packing));
}

static void use_grid(qea_direct_conv *conv, const qea_conv_grid *grid) {
    conv->grid = with_zero(grid);
    conv->budget = byte_budget(conv->kernel, &conv->grid);
    conv->packing = conv->real ? QEA_PACKED_BF16 : conv->budget >= LEAST_BUDGET ? QEA_PACKED_U8 : QEA_PACKED_S16;
    if (conv->packing != QEA_PACKED_U8) conv->budget = INT_MAX;
    conv->steps = steps_of(conv, conv->packing);
}

/* Windows of one pixel: those that the stride leaves out are left out while packing, and images of one pixel each are
 * the pixels of one image. */
static void simplify(qea_direct_conv *conv) {
    qea_conv_shape *s = &conv->shape;
    conv->skip = 1;
    if (s->r != 1 || s->s != 1 || s->pad != 0) return;
    conv->skip = s->stride;
    s->stride = 1;
    if (s->h != 1 || s->w != 1) return;
    conv->flat = true;
    s->w = s->ow = s->n;
    s->n = conv->skip = 1;
}

/* What the kernel may read behind the last row: a step that its window does not fill, pixels that fill a tile. */
static size_t slack(const qea_direct_conv *conv) {
    size_t pixel = (size_t)conv->shape.stride * (size_t)conv->shape.c * sizeof(int16_t);
    return (size_t)conv->kernel->depth * QEA_STEP_BYTES + (size_t)conv->kernel->more_pixels * pixel;
}

/* As many rows to a task as the scratch memory holds, but some tasks for each thread. */
static void cut(qea_direct_conv *conv) {
    const qea_conv_shape *s = &conv->shape;
    conv->row_pixels = (s->ow - 1) * s->stride + s->s;
    size_t row = qea_direct_row_bytes(conv);
    int even = larger(1, (int)((int64_t)s->n * s->oh / (4 * (int64_t)conv->threads)));
    conv->most_rows = 1;
    while (conv->most_rows < s->oh && (size_t)qea_direct_rows_under(s, conv->most_rows + 1) * row <= SCRATCH)
        conv->most_rows++;
    conv->image_tasks = divide_up(s->oh, smaller(conv->most_rows, even));
    conv->task_rows = divide_up(s->oh, conv->image_tasks);
    size_t window = (size_t)most_steps(conv) * QEA_STEP_BYTES; /* see pack_channel */
    conv->scratch_bytes = (size_t)qea_direct_rows_under(s, conv->most_rows) * row + slack(conv);
    if (conv->scratch_bytes < window) conv->scratch_bytes = window;
}

/* --- tasks with most_rows, which are the same for any number of threads: statistics are taken of these --- */

static int image_units(const qea_direct_conv *conv) { return divide_up(conv->shape.oh, conv->most_rows); }

/* Rows of output pixels of all images before unit u. */
static int64_t rows_before(const qea_direct_conv *conv, int64_t u) {
    int of_image = image_units(conv);
    return u / of_image * conv->shape.oh + u % of_image * conv->most_rows;
}

static int64_t chunk_start(const qea_direct_conv *conv, int chunk) {
    return (int64_t)conv->shape.n * image_units(conv) * chunk / conv->chunks;
}

static qea_status make_moments(qea_context *ctx, qea_direct_conv *conv) {
    const qea_conv_shape *s = &conv->shape;
    int64_t units = (int64_t)s->n * image_units(conv);
    conv->chunks = smaller(larger(QEA_SUM_SLOTS / s->k, LEAST_CHUNKS), QEA_MAX_CHUNKS);
    if (conv->chunks > units) conv->chunks = (int)units;
    return QEA_NEW(ctx, "sums for statistics", conv->moments, 2 * (size_t)conv->chunks * (size_t)s->k);
}

/* Values of the largest task. */
static size_t task_values(const qea_direct_conv *conv) {
    return (size_t)conv->most_rows * (size_t)conv->shape.ow * (size_t)conv->shape.k;
}

static qea_status allocate(qea_context *ctx, qea_direct_conv *conv) {
    size_t channels = (size_t)qea_direct_padded_channels(conv);
    size_t steps = (size_t)most_steps(conv) * (size_t)conv->shape.r;
    QEA_TRY(qea_alloc(ctx, "packed weights", channels * steps, QEA_STEP_BYTES, (void **)&conv->weights));
    QEA_TRY(QEA_NEW(ctx, "convolution sums", conv->start, channels));
    QEA_TRY(qea_alloc(ctx, "convolution scratch memory", (size_t)conv->threads, conv->scratch_bytes,
                      (void **)&conv->scratch));
    if (conv->out_type == QEA_BF16)
        QEA_TRY(QEA_NEW(ctx, "convolution sums", conv->sums, (size_t)conv->threads * task_values(conv)));
    return make_moments(ctx, conv);
}

static qea_status create(qea_context *ctx, const qea_conv_shape *shape, qea_weight_order order,
                         const qea_conv_grid *widest, qea_type out_type, qea_direct_conv **out) {
    static const qea_conv_grid none = {0};
    *out = NULL;
    qea_direct_conv *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    conv->shape = *shape;
    conv->order = order;
    simplify(conv);
    conv->kernel = qea_cpu_passes_used()->direct;
    conv->out_type = out_type;
    conv->threads = qea_kernels_threads();
    conv->real = !widest;
    conv->widest = widest ? *widest : none;
    use_grid(conv, &conv->widest);
    conv->widest_packing = conv->packing;
    cut(conv);
    qea_status status = allocate(ctx, conv);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_direct_destroy(conv);
    return status;
}

qea_status qea_direct_create(qea_context *ctx, const qea_conv_shape *s, const qea_conv_grid *widest, qea_type out_type,
                             qea_direct_conv **out) {
    ptrdiff_t window = (ptrdiff_t)s->r * s->s;
    return create(ctx, s, (qea_weight_order){0, s->c * window, window, s->s, 1}, widest, out_type, out);
}

qea_status qea_direct_create_backward(qea_context *ctx, const qea_conv_shape *s, qea_direct_conv **out) {
    qea_conv_shape backward = backward_of(s);
    ptrdiff_t window = (ptrdiff_t)s->r * s->s;
    qea_weight_order turned = {window - 1, window, s->c * window, -(ptrdiff_t)s->s, -1};
    return create(ctx, &backward, turned, NULL, QEA_BF16, out);
}

void qea_direct_destroy(qea_direct_conv *conv) {
    if (!conv) return;
    qea_free(conv->weights);
    qea_free(conv->start);
    qea_free(conv->scratch);
    qea_free(conv->sums);
    qea_free(conv->moments);
    qea_free(conv);
}

/* NaN is no weight beyond the grid. */
static qea_status check_weights(qea_context *ctx, qea_direct_conv *conv, const float *weights, size_t count) {
    float low = (float)conv->grid.w_lo, high = (float)conv->grid.w_hi;
    int beyond = 0, nan = 0;
    for (size_t i = 0; i < count; i++) {
        beyond |= (weights[i] < low) | (weights[i] > high);
        nan |= weights[i] != weights[i];
    }
    conv->nan_weights = nan;
    for (size_t i = 0; beyond && i < count; i++)
        if (weights[i] < low || weights[i] > high)
            return qea_fail(ctx, QEA_ERR_CONFIG, "convolution of integers: weight %zu is %g, allowed: %d..%d", i,
                            (double)weights[i], conv->grid.w_lo, conv->grid.w_hi);
    return QEA_OK;
}

qea_status qea_direct_set_weights(qea_context *ctx, qea_direct_conv *conv, const float *weights,
                                  const qea_conv_grid *grid) {
    const qea_conv_shape *s = &conv->shape;
    if (!conv->real) {
        use_grid(conv, grid ? grid : &conv->widest);
        QEA_TRY(check_weights(ctx, conv, weights, (size_t)s->k * (size_t)s->c * (size_t)s->r * (size_t)s->s));
    }
    if (!conv->nan_weights) qea_direct_pack_weights(conv, weights);
    return QEA_OK;
}

static void convolve_rows(const qea_direct_conv *conv, int rows, const uint8_t *x, float *y) {
    const qea_conv_shape *s = &conv->shape;
    int block = QEA_DIRECT_VECTORS * conv->kernel->lanes;
    size_t bytes = qea_direct_row_bytes(conv), stride;
    size_t pixel = (size_t)s->stride * (size_t)s->c * qea_packed_bytes(conv->packing);
    qea_direct_row q = {.packing = conv->packing,
                        .rows = s->r,
                        .steps = conv->steps,
                        .budget = conv->budget,
                        .row_bytes = bytes,
                        .pixel_bytes = pixel,
                        .pixels = s->ow,
                        .y_stride = (size_t)s->k};
    for (int k = 0; k < s->k; k += block) {
        q.weights = qea_direct_channel(conv, k, &stride);
        q.start = conv->start + k;
        q.channels = smaller(block, s->k - k);
        for (int i = 0; i < rows; i++) {
            q.x = x + (size_t)(i * s->stride) * bytes;
            q.y = y + (size_t)i * (size_t)s->ow * (size_t)s->k + (size_t)k;
            conv->kernel->row(&q);
        }
    }
}

static void fill_nan(float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = NAN;
}

/* The outputs of those images of one pixel each that hold a NaN. */
static void fill_nan_images(const qea_direct_conv *conv, qea_view x, float *y) {
    size_t c = (size_t)conv->shape.c, k = (size_t)conv->shape.k;
    for (size_t n = 0; n < (size_t)conv->shape.ow; n++, y += k) {
        bool nan = false;
        for (size_t i = 0; i < c; i++) nan |= isnan(qea_view_load(x, n * c + i));
        if (nan) fill_nan(y, k);
    }
}

/* Some rows of output pixels of one image, and where they lie in y. */
typedef struct stretch {
    int n, first, rows;
    size_t at, pixels;
} stretch;

static stretch stretch_of(const qea_direct_conv *conv, int n, int first, int most_rows) {
    const qea_conv_shape *s = &conv->shape;
    int rows = smaller(most_rows, s->oh - first);
    size_t row = ((size_t)n * (size_t)s->oh + (size_t)first) * (size_t)s->ow;
    return (stretch){n, first, rows, row * (size_t)s->k, (size_t)rows * (size_t)s->ow};
}

/* The rows' sums: in y where these are float32 buffers, else in memory of this thread. A NaN in the weights, or in what
 * they read of an image, makes them NaN. */
static float *sum_rows(const qea_direct_conv *conv, qea_view x, void *y, const stretch *rows) {
    size_t thread = (size_t)omp_get_thread_num(), count = rows->pixels * (size_t)conv->shape.k;
    uint8_t *scratch = conv->scratch + thread * conv->scratch_bytes;
    float *sums = conv->sums ? conv->sums + thread * task_values(conv) : (float *)y + rows->at;
    bool nan = !conv->nan_weights && !qea_direct_pack_rows(conv, x, rows->n, rows->first, rows->rows, scratch);
    if (conv->nan_weights || (nan && !conv->flat)) {
        fill_nan(sums, count);
        return sums;
    }
    if (conv->kernel->begin) conv->kernel->begin();
    convolve_rows(conv, rows->rows, scratch, sums); /* what stands for a NaN reaches its own image only */
    if (conv->kernel->end) conv->kernel->end();
    if (nan) fill_nan_images(conv, x, sums);
    return sums;
}

static void store_rows(const qea_direct_conv *conv, float *sums, void *y, const stretch *rows) {
    size_t count = rows->pixels * (size_t)conv->shape.k;
    if (conv->out_type != QEA_F32)
        qea_cpu_passes_used()->copy((qea_view){sums, QEA_F32}, 0, (qea_view){y, conv->out_type}, rows->at, count);
}

void qea_direct_run(const qea_direct_conv *conv, qea_view x, void *y) {
    int tasks = conv->shape.n * conv->image_tasks;
#pragma omp parallel for schedule(static) num_threads(smaller(conv->threads, tasks))
    for (int task = 0; task < tasks; task++) {
        int n = task / conv->image_tasks, first = task % conv->image_tasks * conv->task_rows;
        stretch rows = stretch_of(conv, n, first, conv->task_rows);
        store_rows(conv, sum_rows(conv, x, y, &rows), y, &rows);
    }
}

/* --- statistics --- */

/* The moments of channels `part->channel` .. of a chunk. */
static qea_moments moments_of(const qea_direct_conv *conv, int chunk, const qea_part *part, double rows) {
    double *mean = conv->moments + 2 * (size_t)chunk * (size_t)conv->shape.k + (size_t)part->channel;
    return (qea_moments){rows, mean, mean + conv->shape.k};
}

static void run_chunk(const qea_direct_conv *conv, const qea_split *split, qea_view x, void *y, int chunk) {
    size_t before = 0;
    for (int64_t u = chunk_start(conv, chunk); u < chunk_start(conv, chunk + 1); u++) {
        int n = (int)(u / image_units(conv)), first = (int)(u % image_units(conv)) * conv->most_rows;
        stretch rows = stretch_of(conv, n, first, conv->most_rows);
        float *sums = sum_rows(conv, x, y, &rows);
        for (int block = 0; block < split->blocks; block++) {
            qea_part part = qea_cpu_part(split, block, 0);
            part.row = 0;
            part.rows = rows.pixels;
            qea_moments moments = moments_of(conv, chunk, &part, (double)before);
            qea_cpu_passes_used()->stats((qea_view){sums, QEA_F32}, &part, &moments);
        }
        store_rows(conv, sums, y, &rows);
        before += rows.pixels;
    }
}

void qea_direct_run_stats(const qea_direct_conv *conv, qea_view x, void *y, float *mean, float *variance) {
    qea_split split =
        qea_cpu_split((size_t)conv->shape.n * (size_t)conv->shape.oh * (size_t)conv->shape.ow, conv->shape.k);
#pragma omp parallel for schedule(static) num_threads(smaller(conv->threads, conv->chunks))
    for (int chunk = 0; chunk < conv->chunks; chunk++) run_chunk(conv, &split, x, y, chunk);
    for (int block = 0; block < split.blocks; block++) {
        qea_part part = qea_cpu_part(&split, block, 0);
        qea_moments moments[QEA_MAX_CHUNKS];
        for (int chunk = 0; chunk < conv->chunks; chunk++) {
            int64_t rows =
                rows_before(conv, chunk_start(conv, chunk + 1)) - rows_before(conv, chunk_start(conv, chunk));
            moments[chunk] = moments_of(conv, chunk, &part, (double)rows * (double)conv->shape.ow);
        }
        qea_cpu_merge_moments(moments, conv->chunks, (size_t)part.channels, mean + part.channel,
                              variance + part.channel);
    }
}
