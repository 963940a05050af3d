/* The cpu table's convolutions against the reference, over random shapes. Integers whose sums stay below 2^24 must come
 * out to the bit where they are known as such (a grid), since float32 sums of them are exact in any order (bf16: exact
 * before the result is rounded). The passes that may be filtered instead are held to winograd.c's bound. */
#include "base/memory.h"
#include "kernels/conv_shapes.h"
#include "kernels/cpu/suites.h"

typedef struct results {
    qea_view y, dx;
    float *dw;
} results;

/* What the convolution makes of x as bytes. */
static void assert_bytes_give(const results *r, const qea_kernels *table, qea_conv *conv, const qea_conv_shape *s,
                              qea_conv_use use, qea_view x, qea_view dy) {
    sizes n = sizes_of(s);
    qea_view bytes = make_view(QEA_U8, n.in), y = make_view(r->y.type, n.out), dw = make_view(QEA_F32, n.weights);
    for (size_t i = 0; i < n.in; i++) put(bytes, i, get(x, i));
    assert_int_equal(table->conv_forward(NULL, conv, bytes, y.data), QEA_OK);
    assert_same_bits(y, r->y, n.out);
    if (use == QEA_CONV_TRAINING) {
        assert_int_equal(table->conv_backward_weights(NULL, conv, bytes, dy.data, dw.data), QEA_OK);
        assert_same_bits(dw, floats(r->dw), n.weights);
    }
    free(bytes.data), free(y.data), free(dw.data);
}

/* widest: what the convolution is told of the integers when it is made; grid: with the weights. */
static results run(const qea_kernels *table, const qea_conv_shape *s, qea_conv_use use, qea_type type,
                   qea_type out_type, const qea_conv_grid *widest, const qea_conv_grid *grid, qea_view x, qea_view dy,
                   const float *w) {
    sizes n = sizes_of(s);
    results r = {make_view(out_type, n.out), make_view(type, n.in), make_view(QEA_F32, n.weights).data};
    qea_conv *conv;
    assert_int_equal(table->conv_create(NULL, s, use, widest, type, out_type, &conv), QEA_OK);
    float *zeros = make_view(QEA_F32, n.weights).data;
    assert_int_equal(table->conv_set_weights(NULL, conv, zeros, grid),
                     QEA_OK); /* the second call must replace the first */
    assert_int_equal(table->conv_set_weights(NULL, conv, w, grid), QEA_OK);
    assert_int_equal(table->conv_forward(NULL, conv, x, r.y.data), QEA_OK);
    if (use == QEA_CONV_TRAINING) {
        assert_int_equal(table->conv_backward_data(NULL, conv, dy.data, r.dx.data), QEA_OK);
        assert_int_equal(table->conv_backward_weights(NULL, conv, x, dy.data, r.dw), QEA_OK);
    }
    if (widest && table->conv_reads_bytes(conv)) assert_bytes_give(&r, table, conv, s, use, x, dy);
    table->conv_destroy(conv);
    free(zeros);
    return r;
}

static void free_results(results *r) {
    free(r->y.data);
    free(r->dx.data);
    free(r->dw);
}

/* amplitude 0: floats; else integers up to +- amplitude, which the convolution is told when it is made if `known`. */
static void compare_types(const qea_conv_shape *s, qea_conv_use use, qea_type type, qea_type out_type, int amplitude,
                          bool known) {
    const qea_kernels *cpu = cpu_table(), *ref = qea_kernels_ref();
    sizes n = sizes_of(s);
    qea_view x = amplitude ? random_integers(type, n.in, 0, amplitude) : random_view(type, n.in);
    qea_view dy = amplitude ? random_integers(out_type, n.out, -amplitude, amplitude) : random_view(out_type, n.out);
    qea_view w =
        amplitude ? random_integers(QEA_F32, n.weights, -amplitude, amplitude) : random_view(QEA_F32, n.weights);
    qea_conv_grid integers = {0, amplitude, -amplitude, amplitude}, *grid = amplitude ? &integers : NULL;
    const qea_conv_grid *widest = known ? grid : NULL;
    results a = run(cpu, s, use, type, out_type, widest, grid, x, dy, w.data),
            b = run(ref, s, use, type, out_type, widest, grid, x, dy, w.data);
    if (amplitude) {
        assert_same_bits(a.y, b.y, n.out);
        assert_gradients(s, a.dx, a.dw, b.dx, b.dw, amplitude * amplitude);
    } else { /* sums of `terms` products of magnitude 1 on average: all three passes may be filtered */
        double terms = (double)(s->r * s->s * (s->c > s->k ? s->c : s->k)), pixels = (double)(s->n * s->oh * s->ow);
        assert_near(a.y.data, b.y.data, n.out, 1e-6, 4 * terms);
        assert_near(a.dx.data, b.dx.data, n.in, 1e-6, 4 * terms);
        assert_near(a.dw, b.dw, n.weights, 1e-6, 4 * pixels);
    }
    free_results(&a);
    free_results(&b);
    free(x.data);
    free(dy.data);
    free(w.data);
}

static void compare(const qea_conv_shape *s, qea_conv_use use, int amplitude) {
    compare_types(s, use, QEA_F32, QEA_F32, amplitude, false);
}

static void integers_convolve_to_the_same_bits_in_float32(void **state) {
    (void)state;
    for (int i = 0, count = cases(120); i < count; i++) {
        qea_conv_shape s = draw_shape();
        compare(&s, i % 4 ? QEA_CONV_TRAINING : QEA_CONV_INFERENCE, 15);
    }
}

static void floats_convolve_within_rounding_in_float32(void **state) {
    (void)state;
    for (int i = 0, count = cases(60); i < count; i++) {
        qea_conv_shape s = draw_shape();
        compare(&s, QEA_CONV_TRAINING, 0);
    }
}

static void resnet20_shapes_convolve_to_the_same_bits(void **state) {
    (void)state;
    static const int rows[][5] = {{3, 16, 32, 3, 1},  {16, 16, 32, 3, 1}, {16, 32, 32, 3, 2}, {32, 32, 16, 3, 1},
                                  {32, 64, 16, 3, 2}, {64, 64, 8, 3, 1},  {16, 32, 32, 1, 2}, {32, 64, 16, 1, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int *p = rows[i];
        qea_conv_shape s = {.n = 2,
                            .h = p[2],
                            .w = p[2],
                            .c = p[0],
                            .k = p[1],
                            .r = p[3],
                            .s = p[3],
                            .stride = p[4],
                            .pad = p[3] / 2,
                            .groups = 1};
        s.oh = s.ow = (p[2] + 2 * s.pad - p[3]) / p[4] + 1;
        compare(&s, QEA_CONV_TRAINING, 7);
    }
}

/* Channels that fill vectors, windows over every border, strides, more threads than rows. */
static void depthwise_layers_convolve_to_the_same_bits(void **state) {
    (void)state;
    static const int channels[] = {8, 16, 24, 32, 48, 96}, windows[] = {1, 3, 3, 5, 7};
    for (int i = 0, count = cases(100); i < count; i++) {
        qea_conv_shape s = {.n = draw_int(1, 3), .h = draw_int(1, 15), .w = draw_int(1, 21), .stride = draw_int(1, 3)};
        s.groups = s.c = s.k = channels[draw_int(0, 5)];
        s.r = windows[draw_int(0, 4)];
        s.s = draw_int(0, 3) ? s.r : windows[draw_int(0, 4)];
        s.pad = draw_int(0, (s.r > s.s ? s.r : s.s) / 2);
        fit_window(&s);
        qea_kernels_set_threads(i % 3 + 1);
        compare(&s, i % 4 ? QEA_CONV_TRAINING : QEA_CONV_INFERENCE, 15);
    }
    qea_kernels_set_threads(1);
}

static void linear_layers_are_1x1_convolutions_of_1x1_images(void **state) {
    (void)state;
    for (int i = 0, count = cases(10); i < count; i++) {
        qea_conv_shape s = {.n = draw_int(1, 20),
                            .h = 1,
                            .w = 1,
                            .c = draw_int(1, 300),
                            .k = draw_int(1, 100),
                            .oh = 1,
                            .ow = 1,
                            .r = 1,
                            .s = 1,
                            .stride = 1,
                            .groups = 1};
        compare(&s, QEA_CONV_TRAINING, 15);
    }
}

/* bf16 holds the integers up to 256 exactly; results are rounded once, from sums that are exact in float32. */
static void integers_convolve_to_the_same_bits_in_bf16(void **state) {
    (void)state;
    if (cpu_table()->bf16 != QEA_BF16) skip();
    for (int i = 0, count = cases(60); i < count; i++) {
        qea_conv_shape s = draw_shape();
        bool train = i % 2;
        compare_types(&s, train ? QEA_CONV_TRAINING : QEA_CONV_INFERENCE, QEA_BF16, train ? QEA_BF16 : QEA_F32, 7,
                      i % 4 < 2);
    }
}

/* Which AMX has kernels for; the first has more pixels than are worked on at a time. */
static qea_conv_shape draw_wide_shape(int i) {
    static const int channels[] = {16, 17, 32, 33, 48, 64};
    if (i == 0) return (qea_conv_shape){2, 41, 37, 16, 16, 41, 37, 3, 3, 1, 1, 1};
    qea_conv_shape s = {.n = draw_int(1, 3), .h = draw_int(1, 9), .w = draw_int(1, 35), .stride = 1, .groups = 1};
    s.c = channels[draw_int(0, 5)];
    s.k = channels[draw_int(0, 5)];
    s.r = draw_int(1, 4);
    s.s = draw_int(0, 1) ? s.r : draw_int(1, 4);
    s.pad = draw_int(0, s.r < s.s ? s.r - 1 : s.s - 1);
    fit_window(&s);
    return s;
}

static void wide_layers_train_to_the_same_bits_in_bf16(void **state) {
    (void)state;
    if (cpu_table()->bf16 != QEA_BF16) skip();
    for (int i = 0, count = cases(40); i < count; i++) {
        qea_conv_shape s = draw_wide_shape(i);
        qea_kernels_set_threads(i % 3 + 1);
        compare_types(&s, QEA_CONV_TRAINING, QEA_BF16, QEA_BF16, 7, i % 3 != 2);
    }
    qea_kernels_set_threads(1);
}

static void weights_may_be_changed_between_runs_and_threads_change_nothing_for_integers(void **state) {
    (void)state;
    qea_conv_shape s = draw_shape();
    qea_kernels_set_threads(2);
    compare(&s, QEA_CONV_TRAINING, 15);
    qea_kernels_set_threads(1);
    compare(&s, QEA_CONV_TRAINING, 15);
}

static void running_allocates_nothing(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    qea_conv_shape s = draw_shape();
    sizes n = sizes_of(&s);
    float *x = random_floats(n.in), *y = random_floats(n.out), *w = random_floats(n.weights);
    qea_conv *conv;
    assert_int_equal(cpu->conv_create(NULL, &s, QEA_CONV_TRAINING, NULL, QEA_F32, QEA_F32, &conv), QEA_OK);
    size_t before = qea_alloc_count();
    assert_int_equal(cpu->conv_set_weights(NULL, conv, w, NULL), QEA_OK);
    assert_int_equal(cpu->conv_forward(NULL, conv, floats(x), y), QEA_OK);
    assert_int_equal(cpu->conv_backward_weights(NULL, conv, floats(x), y, w), QEA_OK);
    assert_int_equal(cpu->conv_backward_data(NULL, conv, y, x), QEA_OK);
    assert_int_equal(qea_alloc_count(), before);
    cpu->conv_destroy(conv);
    free(x), free(y), free(w);
}

/* Leaks show under the address sanitizer. */
static void a_failed_allocation_is_reported_and_leaves_nothing(void **state) {
    (void)state;
    const qea_kernels *tables[] = {qea_kernels_ref(), cpu_table()};
    qea_conv_shape s = draw_shape();
    for (size_t t = 0; t < 2; t++) {
        qea_status status = QEA_ERR_MEMORY;
        long n = 0;
        while (status != QEA_OK) {
            qea_conv *conv;
            qea_alloc_fail_after(++n);
            status = tables[t]->conv_create(NULL, &s, QEA_CONV_TRAINING, NULL, QEA_F32, QEA_F32, &conv);
            assert_true(status == QEA_OK || (status == QEA_ERR_MEMORY && !conv));
            tables[t]->conv_destroy(conv);
        }
        assert_true(n > 3);
        qea_alloc_fail_after(0);
    }
}

static void shapes_that_do_not_fit_are_refused(void **state) {
    (void)state;
    const qea_kernels *tables[] = {qea_kernels_ref(), qea_kernels_cpu(NULL, "auto")};
    qea_conv_shape good = {
        .n = 1, .h = 8, .w = 8, .c = 4, .k = 4, .oh = 8, .ow = 8, .r = 3, .s = 3, .stride = 1, .pad = 1, .groups = 1};
    for (size_t t = 0; t < 2; t++) {
        if (!tables[t]) continue;
        qea_conv_shape bad[] = {good, good, good, good, good, good};
        bad[0].oh = 7;
        bad[1].groups = 3;
        bad[2].stride = 0;
        bad[3].n = -1;
        bad[4].r = 11;
        bad[5].n = bad[5].h = bad[5].w = bad[5].oh = bad[5].ow = bad[5].c = INT32_MAX;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            qea_conv *conv = (qea_conv *)&good;
            qea_status status =
                tables[t]->conv_create(NULL, &bad[i], QEA_CONV_INFERENCE, NULL, QEA_F32, QEA_F32, &conv);
            assert_int_equal(status, QEA_ERR_CONFIG);
            assert_null(conv);
        }
    }
}

static int tests_with(const char *isa) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_convolve_to_the_same_bits_in_float32),
        cmocka_unit_test(floats_convolve_within_rounding_in_float32),
        cmocka_unit_test(resnet20_shapes_convolve_to_the_same_bits),
        cmocka_unit_test(depthwise_layers_convolve_to_the_same_bits),
        cmocka_unit_test(linear_layers_are_1x1_convolutions_of_1x1_images),
        cmocka_unit_test(integers_convolve_to_the_same_bits_in_bf16),
        cmocka_unit_test(wide_layers_train_to_the_same_bits_in_bf16),
        cmocka_unit_test(weights_may_be_changed_between_runs_and_threads_change_nothing_for_integers),
        cmocka_unit_test(running_allocates_nothing),
        cmocka_unit_test(a_failed_allocation_is_reported_and_leaves_nothing),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int check_conv(void) { return for_each_isa(tests_with); }
