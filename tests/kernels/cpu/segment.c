/* The cpu table's fused passes against the reference, to the bit: both are the same float32 operations on each value.
 * Sums over rows are float32 within a chunk here and float64 there, hence a tolerance. */
#include "base/memory.h"
#include "kernels/check.h"
#include "kernels/cpu/suites.h"

typedef struct scene { /* a random segment with everything that goes back to it */
    qea_segment s;
    qea_segment_grads grads;
    qea_segment_dx dx[QEA_MAX_BRANCHES];
    float *center[QEA_MAX_BRANCHES];
    size_t count;
    void *blocks[64];
    int num_blocks;
} scene;

static void *keep(scene *c, void *block) {
    assert_true(c->num_blocks < 64);
    return c->blocks[c->num_blocks++] = block;
}
static void free_scene(scene *c) {
    for (int i = 0; i < c->num_blocks; i++) free(c->blocks[i]);
}
static qea_type draw_type(void) { return (qea_type)draw_int(QEA_F32, QEA_BF16_WIDE); }
static qea_view kept_view(scene *c, bool filled) {
    qea_type type = draw_type();
    qea_view v = filled ? random_view(type, c->count) : make_view(type, c->count);
    keep(c, v.data);
    return v;
}
static float *kept_floats(scene *c, int channels) { return keep(c, random_floats((size_t)channels)); }

static qea_act_quant draw_quant(void) {
    qea_act_quant q = {.kind = draw_int(0, 3) ? QEA_ACT_ROUND : draw_int(0, 1) ? QEA_ACT_SIGN : QEA_ACT_RELU};
    q.inv_step = 1.0F / (0.01F + fabsf(draw_float()));
    if (q.kind != QEA_ACT_ROUND) return q;
    q.grad = (qea_act_grad)draw_int(0, 2);
    q.hi = (float)((1 << draw_int(1, 16)) - 1);
    q.lo = q.grad != QEA_GRAD_PACT && draw_int(0, 1) ? -q.hi - 1 : 0;
    return q;
}

static scene draw_scene_of(int values) { /* about that many */
    static const int channels[] = {1, 3, 7, 8, 16, 33, 64, 129, 256, 257, 600};
    scene c = {.s = {.channels = channels[draw_int(0, 10)], .relu = draw_int(0, 1)}};
    c.s.rows = (size_t)(values / c.s.channels + 1);
    c.count = c.s.rows * (size_t)c.s.channels;
    c.s.num_branches = draw_int(1, 2);
    for (int b = 0; b < c.s.num_branches; b++) {
        c.s.branch[b].x = kept_view(&c, true);
        c.center[b] = kept_floats(&c, c.s.channels);
        if (draw_int(0, 3)) {
            c.s.branch[b].scale = kept_floats(&c, c.s.channels);
            c.s.branch[b].shift = kept_floats(&c, c.s.channels);
        }
        if (draw_int(0, 4) == 0) continue;
        c.dx[b].dx = kept_view(&c, false);
        if (draw_int(0, 3)) c.dx[b].a = kept_floats(&c, c.s.channels);
        if (!c.dx[b].a || !draw_int(0, 3)) continue;
        c.dx[b].b = kept_floats(&c, c.s.channels);
        c.dx[b].center = c.center[b];
        c.dx[b].c0 = kept_floats(&c, c.s.channels);
    }
    if (draw_int(0, 1)) c.s.y = kept_view(&c, false);
    c.s.num_quants = draw_int(0, 3);
    for (int i = 0; i < c.s.num_quants; i++) {
        c.s.out[i].quant = draw_quant();
        if (draw_int(0, 4)) c.s.out[i].q = kept_view(&c, false);
        const qea_act_quant *quant = &c.s.out[i].quant;
        bool bytes = quant->kind == QEA_ACT_ROUND && quant->lo == 0 && quant->hi <= UINT8_MAX;
        if (c.s.out[i].q.data && bytes && draw_int(0, 1)) c.s.out[i].q.type = QEA_U8; /* in memory for more */
        if (draw_int(0, 4)) c.grads.quant[i] = kept_view(&c, true);
    }
    c.grads.num_plain = draw_int(0, 2);
    for (int i = 0; i < c.grads.num_plain; i++) c.grads.plain[i] = kept_view(&c, true);
    return c;
}

static scene draw_scene(void) { return draw_scene_of(draw_int(1, draw_int(0, 3) ? 8000 : 120000)); }

static qea_view kept_copy(scene *c, qea_view v) {
    if (!v.data) return v;
    qea_view copy = copy_view(v, c->count);
    keep(c, copy.data);
    return copy;
}

static void forward_gives_the_reference_bits(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    for (int i = 0, count = cases(60); i < count; i++) {
        scene c = draw_scene();
        qea_segment ref = c.s;
        ref.y = kept_copy(&c, c.s.y);
        for (int q = 0; q < c.s.num_quants; q++) ref.out[q].q = kept_copy(&c, c.s.out[q].q);
        assert_true(cpu->segment_forward(&c.s) && qea_kernels_ref()->segment_forward(&ref));
        if (c.s.y.data) assert_same_bits(c.s.y, ref.y, c.count);
        for (int q = 0; q < c.s.num_quants; q++)
            if (c.s.out[q].q.data) assert_same_bits(c.s.out[q].q, ref.out[q].q, c.count);
        free_scene(&c);
    }
}

static void backward_gives_the_reference_bits(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    for (int i = 0, count = cases(60); i < count; i++) {
        scene c = draw_scene();
        qea_segment_dx ref[QEA_MAX_BRANCHES] = {c.dx[0], c.dx[1]};
        for (int b = 0; b < QEA_MAX_BRANCHES; b++) ref[b].dx = kept_copy(&c, c.dx[b].dx);
        cpu->segment_backward(&c.s, &c.grads, c.dx);
        qea_kernels_ref()->segment_backward(&c.s, &c.grads, ref);
        for (int b = 0; b < QEA_MAX_BRANCHES; b++)
            if (ref[b].dx.data) assert_same_bits(c.dx[b].dx, ref[b].dx, c.count);
        free_scene(&c);
    }
}

static void dx_may_lie_on_a_gradient_or_on_its_own_x(void **state) {
    (void)state;
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref()};
    for (int i = 0, count = cases(50); i < count; i++) {
        scene c = draw_scene();
        qea_view over[QEA_MAX_BRANCHES];
        for (int b = 0; b < c.s.num_branches; b++)
            over[b] = b < c.grads.num_plain && draw_int(0, 1) ? c.grads.plain[b] : c.s.branch[b].x;
        for (int b = 0; b < c.s.num_branches; b++) /* apart: the result to compare with */
            if (c.dx[b].dx.data) c.dx[b].dx = kept_copy(&c, over[b]);
        tables[i % 2]->segment_backward(&c.s, &c.grads, c.dx);
        qea_segment_dx in_place[QEA_MAX_BRANCHES] = {c.dx[0], c.dx[1]};
        for (int b = 0; b < c.s.num_branches; b++)
            if (c.dx[b].dx.data) in_place[b].dx = over[b];
        tables[i % 2]->segment_backward(&c.s, &c.grads, in_place);
        for (int b = 0; b < c.s.num_branches; b++)
            if (c.dx[b].dx.data) assert_same_bits(in_place[b].dx, c.dx[b].dx, c.count);
        free_scene(&c);
    }
}

/* Room for the sums of `c`, as many as are drawn. */
static qea_segment_sums draw_sums(scene *c, bool dz, bool dz_x) {
    qea_segment_sums sums = {0};
    if (dz) sums.dz = kept_floats(c, c->s.channels);
    for (int b = 0; dz_x && b < c->s.num_branches; b++) {
        sums.dz_x[b] = kept_floats(c, c->s.channels);
        sums.center[b] = c->center[b];
    }
    return sums;
}

static void sums_over_rows_are_the_reference_within_float32_rounding(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    for (int i = 0, count = cases(60); i < count; i++) {
        scene c = draw_scene();
        bool dz = draw_int(0, 4), dz_x = draw_int(0, 4);
        qea_segment_sums a = draw_sums(&c, dz, dz_x), b = draw_sums(&c, dz, dz_x);
        cpu->segment_reduce(&c.s, &c.grads, &a);
        qea_kernels_ref()->segment_reduce(&c.s, &c.grads, &b);
        double scale = sqrt((double)c.s.rows) * 8, channels = (double)c.s.channels;
        if (dz) assert_near(a.dz, b.dz, (size_t)c.s.channels, 1e-5, scale);
        for (int k = 0; dz_x && k < c.s.num_branches; k++)
            assert_near(a.dz_x[k], b.dz_x[k], (size_t)c.s.channels, 1e-5, scale * 4);
        for (int q = 0; q < c.s.num_quants; q++) {
            double slope = c.s.out[q].quant.grad == QEA_GRAD_LSQ ? (double)c.s.out[q].quant.hi : 1;
            assert_true(fabs(a.param[q] - b.param[q]) <= 1e-5 * (fabs(b.param[q]) + scale * sqrt(channels) * slope));
        }
        free_scene(&c);
    }
}

static void sums_do_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    for (int i = 0, count = cases(25); i < count; i++) { /* the large ones have as many chunks as there may be */
        scene c = i % 12 ? draw_scene() : draw_scene_of(2500000);
        size_t channels = (size_t)c.s.channels;
        qea_segment_sums sums[2] = {draw_sums(&c, true, true), draw_sums(&c, true, true)};
        float *stats = kept_floats(&c, 4 * c.s.channels);
        for (int t = 0; t < 2; t++) {
            qea_kernels_set_threads(t == 0 ? 1 : 2);
            cpu->segment_reduce(&c.s, &c.grads, &sums[t]);
            float *mean = stats + (size_t)t * 2 * channels;
            cpu->channel_stats(c.s.branch[0].x, c.s.rows, c.s.channels, mean, mean + channels);
        }
        qea_kernels_set_threads(1);
        assert_memory_equal(sums[0].dz, sums[1].dz, channels * sizeof(float));
        assert_memory_equal(sums[0].param, sums[1].param, sizeof sums[0].param);
        for (int b = 0; b < c.s.num_branches; b++)
            assert_memory_equal(sums[0].dz_x[b], sums[1].dz_x[b], channels * sizeof(float));
        assert_memory_equal(stats, stats + 2 * channels, 2 * channels * sizeof(float));
        free_scene(&c);
    }
}

static void passes_allocate_nothing(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    scene c = draw_scene();
    qea_segment_sums sums = draw_sums(&c, true, true);
    float *stats = kept_floats(&c, 2 * c.s.channels);
    size_t before = qea_alloc_count();
    cpu->channel_stats(c.s.branch[0].x, c.s.rows, c.s.channels, stats, stats + c.s.channels);
    (void)cpu->segment_forward(&c.s);
    cpu->segment_reduce(&c.s, &c.grads, &sums);
    cpu->segment_backward(&c.s, &c.grads, c.dx);
    assert_int_equal(qea_alloc_count(), before);
    free_scene(&c);
}

/* The deviation is a thousandth of the mean: a difference of sums of squares would leave nothing of the variance. */
static void statistics_hold_where_the_mean_is_large(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    static const int channels[] = {1, 3, 16, 33, 64, 300};
    for (int i = 0, count = cases(12); i < count; i++) {
        int c = channels[i % 6];
        size_t rows = (size_t)draw_int(1, 200000 / c), width = (size_t)c;
        qea_view x = make_view(QEA_F32, rows * width);
        for (size_t at = 0; at < rows * width; at++) put(x, at, (i < 6 ? 1000.0F : 0.0F) + draw_float());
        float *a = random_floats(2 * width), *b = random_floats(2 * width);
        cpu->channel_stats(x, rows, c, a, a + c);
        qea_kernels_ref()->channel_stats(x, rows, c, b, b + c);
        assert_near(a, b, width, 1e-7, 1);
        assert_near(a + c, b + c, width, 1e-5, 1e-6);
        free(x.data);
        free(a);
        free(b);
    }
}

static void special_values_pass_through_as_in_the_reference(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    const float values[] = {0.0F,  -0.0F, 0.5F,   1.5F,     2.5F,      -0.5F, -1.5F,  14.5F,  15.0F, 15.5F,
                            16.0F, 1e30F, -1e30F, INFINITY, -INFINITY, NAN,   1e-40F, 0.499F, 3.0F};
    enum { N = sizeof values / sizeof values[0] };
    for (int form = 0; form < 48; form++) {
        qea_type type = form % 2 ? QEA_BF16 : QEA_F32;
        bool bytes = !(form & 4) && !(form & 2) && form & 1; /* the grid is 0..15 */
        qea_view x = make_view(QEA_F32, N), g = make_view(QEA_F32, N);
        for (size_t i = 0; i < N; i++) put(x, i, values[i]), put(g, i, 1.0F + (float)i);
        qea_segment s = {.rows = N, .channels = 1, .num_branches = 1, .num_quants = 1, .relu = form & 8};
        s.branch[0].x = x;
        s.out[0].quant = (qea_act_quant){.kind = form & 4 ? QEA_ACT_SIGN : QEA_ACT_ROUND,
                                         .grad = (qea_act_grad)(form / 16),
                                         .inv_step = 1,
                                         .hi = 15,
                                         .lo = form & 2 ? -16 : 0};
        qea_segment r = s;
        qea_segment_grads grads = {.quant = {g}};
        qea_segment_dx a[QEA_MAX_BRANCHES] = {{.dx = make_view(type, N)}};
        qea_segment_dx b[QEA_MAX_BRANCHES] = {{.dx = make_view(type, N)}};
        s.y = make_view(type, N), r.y = make_view(type, N);
        s.out[0].q = make_view(bytes ? QEA_U8 : type, N), r.out[0].q = make_view(bytes ? QEA_U8 : type, N);
        assert_true(cpu->segment_forward(&s) == !bytes); /* a NaN among the values */
        cpu->segment_backward(&s, &grads, a);
        assert_true(qea_kernels_ref()->segment_forward(&r) == !bytes);
        qea_kernels_ref()->segment_backward(&r, &grads, b);
        assert_same_bits(s.y, r.y, N);
        assert_same_bits(s.out[0].q, r.out[0].q, N);
        assert_same_bits(a[0].dx, b[0].dx, N);
        void *blocks[] = {x.data,          g.data,          s.y.data,     r.y.data,
                          s.out[0].q.data, r.out[0].q.data, a[0].dx.data, b[0].dx.data};
        for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) free(blocks[i]);
    }
}

/* Integers, so that all sums are exact: whatever lies on an end of the range counts once, and on the right side. */
static void parameter_sums_at_the_ends_of_the_range_are_the_reference_bits(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    for (int form = 0; form < 4; form++) {
        scene c = {.s = {.rows = 100, .channels = 7, .num_branches = 1, .num_quants = 1}, .count = 700};
        c.s.branch[0].x = random_integers(QEA_F32, c.count, -6, 6);
        c.grads.quant[0] = random_integers(QEA_F32, c.count, -6, 6);
        keep(&c, c.s.branch[0].x.data), keep(&c, c.grads.quant[0].data);
        c.s.out[0].quant =
            (qea_act_quant){QEA_ACT_ROUND, form & 1 ? QEA_GRAD_PACT : QEA_GRAD_LSQ, 1, form & 2 ? -4 : 0, 3};
        qea_segment_sums a = draw_sums(&c, true, false), b = draw_sums(&c, true, false);
        cpu->segment_reduce(&c.s, &c.grads, &a);
        qea_kernels_ref()->segment_reduce(&c.s, &c.grads, &b);
        assert_memory_equal(a.dz, b.dz, 7 * sizeof(float));
        assert_true(a.param[0] == b.param[0]);
        free_scene(&c);
    }
}

static int tests_with(const char *isa) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_gives_the_reference_bits),
        cmocka_unit_test(backward_gives_the_reference_bits),
        cmocka_unit_test(dx_may_lie_on_a_gradient_or_on_its_own_x),
        cmocka_unit_test(sums_over_rows_are_the_reference_within_float32_rounding),
        cmocka_unit_test(sums_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(passes_allocate_nothing),
        cmocka_unit_test(statistics_hold_where_the_mean_is_large),
        cmocka_unit_test(parameter_sums_at_the_ends_of_the_range_are_the_reference_bits),
        cmocka_unit_test(special_values_pass_through_as_in_the_reference),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int check_segment(void) { return for_each_isa(tests_with); }
