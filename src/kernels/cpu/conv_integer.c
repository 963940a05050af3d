/* kernels/cpu/conv_integer.c: the forward convolution of integers, whatever holds them. A task is some rows of
 * output pixels of one image: the rows of x under them are packed as narrow integers x - low with the padding around
 * them, so that the taps and channels of a window's row lie one behind another, and all sums run over x - low >= 0 from
 * low sum(weights). u8 times s8 adds up in 16 bits as long as that cannot overflow, s16 times s16 in 32 bits.
 * Every sum is exact, and so does not depend on the order or the number of threads. */
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/cpu/cpu.h"

enum {
    STEP_BYTES = 4,
    SCRATCH = 32768,  /* of one thread, where that holds a row of windows */
    LEAST_BUDGET = 4, /* fewer steps in 16 bits, and sums in 32 bits are as fast */
    LEAST_CHUNKS = 8  /* pieces that statistics are taken of, where there are so many */
};

struct qea_integer_conv {
    qea_conv_shape shape; /* as it is run: see simplify */
    const qea_integer_kernel *kernel;
    int threads;
    qea_type out_type;
    int task_rows, image_tasks; /* rows of output pixels of a task; tasks of an image */
    int most_rows;              /* of a task, whatever the number of threads */
    int chunks;                 /* of tasks with most_rows, that statistics are taken of */
    double *moments;            /* owned, [chunks][mean, squares][k] */
    int row_pixels;             /* of the padded rows that the windows see */
    int skip;                   /* each skip-th row and pixel of x is packed */
    bool flat;                  /* the pixels of the one image are images */
    qea_conv_grid widest, grid; /* both with 0 in x's range */
    bool widest_bytes, bytes;
    int budget, steps; /* as in qea_integer_row */
    bool nan_weights;
    uint8_t *weights, *scratch; /* owned; scratch for each thread */
    size_t scratch_bytes;       /* of a thread */
    float *sums;                /* owned, of a task for each thread, where y is no float32 buffer; else NULL */
    int32_t *start;             /* owned, [channels of all blocks] */
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
static int byte_budget(const qea_integer_kernel *kernel, const qea_conv_grid *g) {
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

bool qea_cpu_integer_suits(const qea_conv_shape *s, const qea_conv_grid *grid, qea_type type) {
    const qea_integer_kernel *kernel = qea_cpu_passes_used()->integer;
    if (kernel->lanes == 0 || few_products(s) || s->groups != 1 || grid->x_lo > grid->x_hi || grid->w_lo > grid->w_hi)
        return false;
    qea_conv_grid g = with_zero(grid);
    if (type == QEA_BF16 && !(kernel->wide && byte_budget(kernel, &g) > 0)) return false;
    return fits_words(&g) && fits_sums(s, &g);
}

static int steps_of(const qea_integer_conv *conv, bool bytes) {
    int steps = divide_up(conv->shape.s * conv->shape.c * (bytes ? 1 : 2), STEP_BYTES);
    return bytes ? divide_up(steps, conv->kernel->depth) * conv->kernel->depth : steps;
}

/* For any grid within the widest one. */
static int most_steps(const qea_integer_conv *conv) {
    return larger(steps_of(conv, true), conv->widest_bytes ? 0 : steps_of(conv, false));
}

static void use_grid(qea_integer_conv *conv, const qea_conv_grid *grid) {
    conv->grid = with_zero(grid);
    conv->budget = byte_budget(conv->kernel, &conv->grid);
    conv->bytes = conv->budget >= LEAST_BUDGET;
    if (!conv->bytes) conv->budget = INT_MAX;
    conv->steps = steps_of(conv, conv->bytes);
}

/* Windows of one pixel: those that the stride leaves out are left out while packing, and images of one pixel each are
 * the pixels of one image. */
static void simplify(qea_integer_conv *conv) {
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

/* Rows of the input under `rows` rows of output pixels. */
static int rows_under(const qea_conv_shape *s, int rows) { return (rows - 1) * s->stride + s->r; }

static size_t row_bytes(const qea_integer_conv *conv) {
    return (size_t)conv->row_pixels * (size_t)conv->shape.c * (conv->bytes ? 1 : 2);
}

/* Channels of the blocks, the last one filled up to whole vectors; what these add is computed and dropped. */
static int padded_channels(const qea_integer_conv *conv) {
    return divide_up(conv->shape.k, conv->kernel->lanes) * conv->kernel->lanes;
}

/* What the kernel may read behind the last row: a step that its window does not fill, pixels that fill a tile. */
static size_t slack(const qea_integer_conv *conv) {
    size_t pixel = (size_t)conv->shape.stride * (size_t)conv->shape.c * sizeof(int16_t);
    return (size_t)conv->kernel->depth * STEP_BYTES + (size_t)conv->kernel->more_pixels * pixel;
}

/* As many rows to a task as the scratch memory holds, but some tasks for each thread. */
static void cut(qea_integer_conv *conv) {
    const qea_conv_shape *s = &conv->shape;
    conv->row_pixels = (s->ow - 1) * s->stride + s->s;
    size_t row = row_bytes(conv);
    int even = larger(1, (int)((int64_t)s->n * s->oh / (4 * (int64_t)conv->threads)));
    conv->most_rows = 1;
    while (conv->most_rows < s->oh && (size_t)rows_under(s, conv->most_rows + 1) * row <= SCRATCH) conv->most_rows++;
    conv->image_tasks = divide_up(s->oh, smaller(conv->most_rows, even));
    conv->task_rows = divide_up(s->oh, conv->image_tasks);
    size_t window = (size_t)most_steps(conv) * STEP_BYTES; /* see pack_channel */
    conv->scratch_bytes = (size_t)rows_under(s, conv->most_rows) * row + slack(conv);
    if (conv->scratch_bytes < window) conv->scratch_bytes = window;
}

/* --- tasks with most_rows, which are the same for any number of threads: statistics are taken of these --- */

static int image_units(const qea_integer_conv *conv) { return divide_up(conv->shape.oh, conv->most_rows); }

/* Rows of output pixels of all images before unit u. */
static int64_t rows_before(const qea_integer_conv *conv, int64_t u) {
    int of_image = image_units(conv);
    return u / of_image * conv->shape.oh + u % of_image * conv->most_rows;
}

static int64_t chunk_start(const qea_integer_conv *conv, int chunk) {
    return (int64_t)conv->shape.n * image_units(conv) * chunk / conv->chunks;
}

static qea_status make_moments(qea_context *ctx, qea_integer_conv *conv) {
    const qea_conv_shape *s = &conv->shape;
    int64_t units = (int64_t)s->n * image_units(conv);
    conv->chunks = smaller(larger(QEA_SUM_SLOTS / s->k, LEAST_CHUNKS), QEA_MAX_CHUNKS);
    if (conv->chunks > units) conv->chunks = (int)units;
    return QEA_NEW(ctx, "sums for statistics", conv->moments, 2 * (size_t)conv->chunks * (size_t)s->k);
}

/* Values of the largest task. */
static size_t task_values(const qea_integer_conv *conv) {
    return (size_t)conv->most_rows * (size_t)conv->shape.ow * (size_t)conv->shape.k;
}

qea_status qea_cpu_integer_create(qea_context *ctx, const qea_conv_shape *shape, const qea_conv_grid *widest,
                                  qea_type out_type, qea_integer_conv **out) {
    *out = NULL;
    qea_integer_conv *conv = NULL;
    QEA_TRY(QEA_NEW(ctx, "convolution", conv, 1));
    conv->shape = *shape;
    simplify(conv);
    conv->kernel = qea_cpu_passes_used()->integer;
    conv->out_type = out_type;
    conv->threads = qea_kernels_threads();
    conv->widest = *widest;
    use_grid(conv, widest);
    conv->widest_bytes = conv->bytes;
    cut(conv);
    size_t channels = (size_t)padded_channels(conv), steps = (size_t)most_steps(conv) * (size_t)shape->r;
    qea_status status = qea_alloc(ctx, "packed weights", channels * steps, STEP_BYTES, (void **)&conv->weights);
    if (status == QEA_OK) status = QEA_NEW(ctx, "convolution sums", conv->start, channels);
    if (status == QEA_OK)
        status = qea_alloc(ctx, "convolution scratch memory", (size_t)conv->threads, conv->scratch_bytes,
                           (void **)&conv->scratch);
    if (status == QEA_OK && out_type == QEA_BF16)
        status = QEA_NEW(ctx, "convolution sums", conv->sums, (size_t)conv->threads * task_values(conv));
    if (status == QEA_OK) status = make_moments(ctx, conv);
    if (status == QEA_OK)
        *out = conv;
    else
        qea_cpu_integer_destroy(conv);
    return status;
}

void qea_cpu_integer_destroy(qea_integer_conv *conv) {
    if (!conv) return;
    qea_free(conv->weights);
    qea_free(conv->start);
    qea_free(conv->scratch);
    qea_free(conv->sums);
    qea_free(conv->moments);
    qea_free(conv);
}

/* Where channel k's weights stand: its block and its place there; a block is [r][step][lanes of it] of four bytes. */
static uint8_t *packed_channel(const qea_integer_conv *conv, int k, size_t *step_stride) {
    int lanes = conv->kernel->lanes, block = QEA_INTEGER_VECTORS * lanes;
    int first = k - k % block, width = smaller(block, padded_channels(conv) - first);
    *step_stride = (size_t)width * STEP_BYTES;
    size_t steps = (size_t)conv->shape.r * (size_t)conv->steps;
    return conv->weights + (size_t)first * steps * STEP_BYTES + (size_t)(k - first) * STEP_BYTES;
}

/* Row r of one channel's weights [c][r][s], as the kernel's steps take them: taps, and channels in each. */
static int32_t narrow_row(const qea_integer_conv *conv, const float *weights, int r, uint8_t *to) {
    const qea_conv_shape *s = &conv->shape;
    size_t window = (size_t)s->r * (size_t)s->s, count = (size_t)s->c, width = conv->bytes ? 1 : 2;
    int32_t sum = 0;
    for (int t = 0; t < s->s; t++, to += count * width) {
        const float *from = weights + (size_t)r * (size_t)s->s + (size_t)t;
        for (size_t c = 0; c < count; c++) {
            int16_t w = (int16_t)from[c * window];
            sum += w;
            if (conv->bytes)
                to[c] = (uint8_t)(int8_t)w;
            else
                memcpy(to + c * sizeof w, &w, sizeof w);
        }
    }
    return sum;
}

/* One channel's weights to their places; the scratch memory holds a row of a window. */
static int32_t pack_channel(const qea_integer_conv *conv, int k, const float *weights) {
    size_t stride, steps = (size_t)conv->steps;
    uint8_t *to = packed_channel(conv, k, &stride), *line = conv->scratch;
    int32_t sum = 0;
    memset(line, 0, steps * STEP_BYTES); /* what no weight has of the last steps */
    for (int r = 0; r < conv->shape.r; r++) {
        sum += narrow_row(conv, weights, r, line);
        for (size_t i = 0; i < steps; i++, to += stride) memcpy(to, line + i * STEP_BYTES, STEP_BYTES);
    }
    return sum;
}

/* NaN is no weight beyond the grid. */
static qea_status check_weights(qea_context *ctx, qea_integer_conv *conv, const float *weights, size_t count) {
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

qea_status qea_cpu_integer_set_weights(qea_context *ctx, qea_integer_conv *conv, const float *weights,
                                       const qea_conv_grid *grid) {
    const qea_conv_shape *s = &conv->shape;
    use_grid(conv, grid ? grid : &conv->widest);
    size_t per_channel = (size_t)s->c * (size_t)s->r * (size_t)s->s;
    QEA_TRY(check_weights(ctx, conv, weights, per_channel * (size_t)s->k));
    if (conv->nan_weights) return QEA_OK;
    for (int k = 0; k < s->k; k++)
        conv->start[k] = conv->grid.x_lo * pack_channel(conv, k, weights + (size_t)k * per_channel);
    return QEA_OK;
}

/* Zeros for `pixels` pixels. */
static uint8_t *pack_zeros(const qea_integer_conv *conv, int pixels, uint8_t *to) {
    size_t count = (size_t)pixels * (size_t)conv->shape.c;
    int16_t zero = (int16_t)-conv->grid.x_lo;
    if (conv->bytes) {
        memset(to, zero, count);
        return to + count;
    }
    for (size_t i = 0; i < count; i++, to += sizeof zero) memcpy(to, &zero, sizeof zero);
    return to;
}

/* bfloat16 values from x[at], a line at a time. */
static bool pack_halves(const qea_integer_conv *conv, qea_view x, size_t at, size_t count, uint8_t *to) {
    float line[QEA_LINE];
    bool good = true;
    for (size_t done = 0, n; done < count; done += n, to += n * (conv->bytes ? 1 : 2)) {
        n = count - done < QEA_LINE ? count - done : QEA_LINE;
        qea_cpu_passes_used()->copy(x, at + done, (qea_view){line, QEA_F32}, 0, n);
        good &= conv->kernel->pack(line, n, (float)conv->grid.x_lo, conv->bytes, to);
    }
    return good;
}

/* `count` values from x[at]; false: a NaN is in them. */
static bool pack_values(const qea_integer_conv *conv, qea_view x, size_t at, size_t count, uint8_t *to) {
    if (x.type == QEA_BF16) return pack_halves(conv, x, at, count, to);
    if (x.type != QEA_U8)
        return conv->kernel->pack((const float *)x.data + at, count, (float)conv->grid.x_lo, conv->bytes, to);
    conv->kernel->pack_bytes((const uint8_t *)x.data + at, count, conv->grid.x_lo, conv->bytes, to);
    return true;
}

static bool pack_pixels(const qea_integer_conv *conv, qea_view x, size_t at, int pixels, uint8_t *to) {
    size_t c = (size_t)conv->shape.c, skip = (size_t)conv->skip, width = conv->bytes ? 1 : 2;
    if (skip == 1) return pack_values(conv, x, at, (size_t)pixels * c, to);
    bool good = true;
    for (int j = 0; j < pixels; j++, at += skip * c, to += c * width) good &= pack_values(conv, x, at, c, to);
    return good;
}

/* Row `row` of image n, which may lie outside of it, with its padding. */
static bool pack_row(const qea_integer_conv *conv, qea_view x, int n, int row, uint8_t *to) {
    const qea_conv_shape *s = &conv->shape;
    if (row < 0 || row >= s->h) {
        (void)pack_zeros(conv, conv->row_pixels, to);
        return true;
    }
    int before = smaller(s->pad, conv->row_pixels), inside = smaller(s->w, conv->row_pixels - before);
    to = pack_zeros(conv, before, to);
    size_t from = ((size_t)n * (size_t)s->h + (size_t)row) * (size_t)s->w * (size_t)s->c;
    bool good = pack_pixels(conv, x, from, inside, to);
    size_t bytes = (size_t)inside * (size_t)s->c * (conv->bytes ? 1 : 2);
    (void)pack_zeros(conv, conv->row_pixels - before - inside, to + bytes);
    return good;
}

/* The rows under `rows` rows of output pixels from `first`; those that the stride leaves out stay as they are. */
static bool pack_rows(const qea_integer_conv *conv, qea_view x, int n, int first, int rows, uint8_t *to) {
    const qea_conv_shape *s = &conv->shape;
    size_t bytes = row_bytes(conv);
    bool good = true;
    for (int i = 0; i < rows_under(s, rows); i++, to += bytes)
        if (i % s->stride < s->r) good &= pack_row(conv, x, n, (first * s->stride - s->pad + i) * conv->skip, to);
    return good;
}

static void convolve_rows(const qea_integer_conv *conv, int rows, const uint8_t *x, float *y) {
    const qea_conv_shape *s = &conv->shape;
    int block = QEA_INTEGER_VECTORS * conv->kernel->lanes;
    size_t bytes = row_bytes(conv), pixel = (size_t)s->stride * (size_t)s->c * (conv->bytes ? 1 : 2), stride;
    qea_integer_row q = {.bytes = conv->bytes,
                         .rows = s->r,
                         .steps = conv->steps,
                         .budget = conv->budget,
                         .row_bytes = bytes,
                         .pixel_bytes = pixel,
                         .pixels = s->ow,
                         .y_stride = (size_t)s->k};
    for (int k = 0; k < s->k; k += block) {
        q.weights = packed_channel(conv, k, &stride);
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
static void fill_nan_images(const qea_integer_conv *conv, qea_view x, float *y) {
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

static stretch stretch_of(const qea_integer_conv *conv, int n, int first, int most_rows) {
    const qea_conv_shape *s = &conv->shape;
    int rows = smaller(most_rows, s->oh - first);
    size_t row = ((size_t)n * (size_t)s->oh + (size_t)first) * (size_t)s->ow;
    return (stretch){n, first, rows, row * (size_t)s->k, (size_t)rows * (size_t)s->ow};
}

/* The rows' sums: in y where these are float32 buffers, else in memory of this thread. A NaN in the weights, or in what
 * they read of an image, makes them NaN. */
static float *sum_rows(const qea_integer_conv *conv, qea_view x, void *y, const stretch *rows) {
    size_t thread = (size_t)omp_get_thread_num(), count = rows->pixels * (size_t)conv->shape.k;
    uint8_t *scratch = conv->scratch + thread * conv->scratch_bytes;
    float *sums = conv->sums ? conv->sums + thread * task_values(conv) : (float *)y + rows->at;
    bool nan = !conv->nan_weights && !pack_rows(conv, x, rows->n, rows->first, rows->rows, scratch);
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

static void store_rows(const qea_integer_conv *conv, float *sums, void *y, const stretch *rows) {
    size_t count = rows->pixels * (size_t)conv->shape.k;
    if (conv->out_type != QEA_F32)
        qea_cpu_passes_used()->copy((qea_view){sums, QEA_F32}, 0, (qea_view){y, conv->out_type}, rows->at, count);
}

void qea_cpu_integer_forward(const qea_integer_conv *conv, qea_view x, void *y) {
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
static qea_moments moments_of(const qea_integer_conv *conv, int chunk, const qea_part *part, double rows) {
    double *mean = conv->moments + 2 * (size_t)chunk * (size_t)conv->shape.k + (size_t)part->channel;
    return (qea_moments){rows, mean, mean + conv->shape.k};
}

static void run_chunk(const qea_integer_conv *conv, const qea_split *split, qea_view x, void *y, int chunk) {
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

void qea_cpu_integer_forward_stats(const qea_integer_conv *conv, qea_view x, void *y, float *mean, float *variance) {
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
