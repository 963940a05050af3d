#include "kernels/cpu/gradient.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/cpu/cpu.h"

enum {
    BLOCK = 16,  /* channels of a tile */
    DEPTH = 32,  /* positions of a tile */
    BAND = 1024, /* positions that are worked on at a time, about: they stay in the second cache, as do the sums */
    LEAST = 16   /* channels: fewer leave most of a tile empty */
};

struct qea_gradient {
    qea_conv_shape shape;
    const qea_gradient_kernel *kernel;
    int threads, pitch;     /* P */
    int image_rows;         /* T */
    int band_rows, bands;   /* rows that are worked on at a time; how many times */
    size_t c16, k16;        /* channels in whole blocks */
    size_t positions, line; /* of dy in a band, in whole tiles; of x' from channel to channel */
    uint8_t *scratch;       /* owned, for each thread */
    size_t scratch_bytes;
    float *sums; /* owned, for each thread [taps][c16][k16] */
};

static size_t whole(size_t count, size_t of) { return (count + of - 1) / of * of; }

bool qea_gradient_suits(const qea_conv_shape *s) {
    const qea_gradient_kernel *kernel = qea_cpu_passes_used()->gradient;
    return kernel && s->stride == 1 && s->groups == 1 && s->c >= LEAST && s->k >= LEAST && s->pad < s->r &&
           s->pad < s->s;
}

static size_t num_sums(const qea_gradient *g) { return (size_t)g->shape.r * (size_t)g->shape.s * g->c16 * g->k16; }

/* Positions of x in a band, with the rows below its last one. */
static size_t input_positions(const qea_gradient *g) {
    return (size_t)(g->band_rows + g->shape.r - 1) * (size_t)g->pitch;
}

static void cut(qea_gradient *g) {
    const qea_conv_shape *s = &g->shape;
    g->pitch = s->ow + s->s - 1;
    g->image_rows = s->oh + s->r - 1;
    int64_t rows = (int64_t)s->n * g->image_rows, most = BAND / g->pitch > 1 ? BAND / g->pitch : 1;
    g->band_rows = (int)(rows < most ? rows : most);
    g->bands = (int)((rows + g->band_rows - 1) / g->band_rows);
    g->c16 = whole((size_t)s->c, BLOCK);
    g->k16 = whole((size_t)s->k, BLOCK);
    g->positions = whole((size_t)g->band_rows * (size_t)g->pitch, DEPTH);
    /* the last tile of a band may end behind what its tap sees, where dy' is zero */
    g->line = whole(input_positions(g) + (size_t)s->s + DEPTH, DEPTH);
}

/* Bytes of x', dy', x's rows and dy's rows, one behind another. */
typedef struct parts {
    size_t x_lines, dy_pairs, x_rows, dy_rows, all;
} parts;

static parts parts_of(const qea_gradient *g) {
    parts p = {.x_lines = g->c16 * g->line * 2, .dy_pairs = g->k16 * g->positions * 2};
    p.x_rows = whole(g->line * (size_t)g->shape.c * 2 + 64, 64);
    p.dy_rows = whole(g->positions * (size_t)g->shape.k * 2 + 64, 64);
    p.all = p.x_lines + p.dy_pairs + p.x_rows + p.dy_rows;
    return p;
}

qea_status qea_gradient_create(qea_context *ctx, const qea_conv_shape *shape, qea_gradient **out) {
    *out = NULL;
    qea_gradient *g = NULL;
    QEA_TRY(QEA_NEW(ctx, "gradient of weights", g, 1));
    g->shape = *shape;
    g->kernel = qea_cpu_passes_used()->gradient;
    cut(g);
    g->threads = qea_cpu_team(g->bands);
    g->scratch_bytes = parts_of(g).all;
    qea_status status =
        qea_alloc(ctx, "scratch memory of a gradient", (size_t)g->threads, g->scratch_bytes, (void **)&g->scratch);
    if (status == QEA_OK) status = QEA_NEW(ctx, "sums of a gradient", g->sums, (size_t)g->threads * num_sums(g));
    if (status == QEA_OK)
        *out = g;
    else
        qea_gradient_destroy(g);
    return status;
}

void qea_gradient_destroy(qea_gradient *g) {
    if (!g) return;
    qea_free(g->scratch);
    qea_free(g->sums);
    qea_free(g);
}

/* Row u of x' and of dy' is of image u / T. */
static void pad_x(const qea_gradient *g, qea_view x, int64_t first, uint8_t *to) {
    const qea_conv_shape *s = &g->shape;
    size_t pixel = (size_t)s->c * qea_type_bytes(x.type), row = (size_t)g->pitch * pixel;
    int rows = g->band_rows + s->r - 1, inside = s->w < g->pitch - s->pad ? s->w : g->pitch - s->pad;
    memset(to, 0, g->line * pixel);
    to += (size_t)s->pad * pixel;
    for (int64_t u = first; u < first + rows && u < (int64_t)s->n * g->image_rows; u++, to += row) {
        int64_t from = u % g->image_rows - s->pad;
        if (from < 0 || from >= s->h) continue;
        size_t at = ((size_t)(u / g->image_rows) * (size_t)s->h + (size_t)from) * (size_t)s->w;
        memcpy(to, (const uint8_t *)x.data + at * pixel, (size_t)inside * pixel);
    }
}

static void pad_dy(const qea_gradient *g, const uint16_t *dy, int64_t first, uint16_t *to) {
    const qea_conv_shape *s = &g->shape;
    size_t pixel = (size_t)s->k, row = (size_t)g->pitch * pixel;
    memset(to, 0, g->positions * pixel * sizeof *to);
    for (int64_t u = first; u < first + g->band_rows && u < (int64_t)s->n * g->image_rows; u++, to += row) {
        int64_t from = u % g->image_rows;
        if (from >= s->oh) continue;
        size_t at = ((size_t)(u / g->image_rows) * (size_t)s->oh + (size_t)from) * (size_t)s->ow;
        memcpy(to, dy + at * pixel, (size_t)s->ow * pixel * sizeof *to);
    }
}

static void add_band(const qea_gradient *g, qea_view x, const uint16_t *dy, int64_t first, uint8_t *scratch,
                     float *sums) {
    parts p = parts_of(g);
    uint16_t *lines = (uint16_t *)(void *)scratch, *pairs = (uint16_t *)(void *)(scratch + p.x_lines);
    uint8_t *x_rows = scratch + p.x_lines + p.dy_pairs;
    uint16_t *dy_rows = (uint16_t *)(void *)(x_rows + p.x_rows);
    pad_x(g, x, first, x_rows);
    pad_dy(g, dy, first, dy_rows);
    g->kernel->lines((qea_view){x_rows, x.type}, g->line, g->shape.c, lines);
    g->kernel->pairs(dy_rows, g->positions, g->shape.k, pairs);
    qea_gradient_product q = {.x = lines,
                              .line = g->line,
                              .dy = pairs,
                              .positions = g->positions,
                              .c_blocks = (int)(g->c16 / BLOCK),
                              .k_blocks = (int)(g->k16 / BLOCK),
                              .window_rows = g->shape.r,
                              .window_columns = g->shape.s,
                              .pitch = (size_t)g->pitch,
                              .sums = sums};
    g->kernel->add(&q);
}

static void finish(const qea_gradient *g, float *dweights) {
    const qea_conv_shape *s = &g->shape;
    size_t taps = (size_t)s->r * (size_t)s->s, all = num_sums(g);
#pragma omp parallel for schedule(static) num_threads(g->threads)
    for (int k = 0; k < s->k; k++)
        for (size_t c = 0; c < (size_t)s->c; c++)
            for (size_t tap = 0; tap < taps; tap++) {
                const float *from = g->sums + (tap * g->c16 + c) * g->k16 + (size_t)k;
                float sum = 0;
                for (int t = 0; t < g->threads; t++) sum += from[(size_t)t * all];
                dweights[((size_t)k * (size_t)s->c + c) * taps + tap] = sum;
            }
}

void qea_gradient_run(qea_gradient *g, qea_view x, const uint16_t *dy, float *dweights) {
    const int64_t work = g->bands;
#pragma omp parallel for schedule(static) num_threads(g->threads)
    for (int t = 0; t < g->threads; t++) { /* parts of the bands, whoever takes them */
        uint8_t *scratch = g->scratch + (size_t)t * g->scratch_bytes;
        float *sums = g->sums + (size_t)t * num_sums(g);
        memset(sums, 0, num_sums(g) * sizeof *sums);
        g->kernel->begin();
        for (int64_t i = work * t / g->threads; i < work * (t + 1) / g->threads; i++)
            add_band(g, x, dy, i * g->band_rows, scratch, sums);
        g->kernel->end();
    }
    finish(g, dweights);
}
