/* The cpu table's convolutions of integers whose range is known, against the reference (exact sums, rounded once):
 * equal to the bit, also where the sums are larger than float32 holds exactly. */
#include <limits.h>

#include "base/memory.h"
#include "kernels/conv_shapes.h"
#include "kernels/cpu/suites.h"

static float *integers(size_t count, int from, int to, bool extreme) {
    float *v = random_integers(QEA_F32, count, from, to).data;
    for (size_t i = 0; extreme && i < count; i++)
        if (draw_int(0, 7)) v[i] = (float)(draw_int(0, 15) ? to : from);
    return v;
}

static qea_conv *make_of(const qea_kernels *table, const qea_conv_shape *s, const qea_conv_grid *widest,
                         qea_type type) {
    qea_conv *conv;
    assert_int_equal(table->conv_create(NULL, s, QEA_CONV_INFERENCE, widest, type, type, &conv), QEA_OK);
    return conv;
}

static qea_conv *make(const qea_kernels *table, const qea_conv_shape *s, const qea_conv_grid *widest) {
    return make_of(table, s, widest, QEA_F32);
}

static void forward(const qea_kernels *table, qea_conv *conv, const qea_conv_grid *grid, const float *w, const float *x,
                    float *y) {
    assert_int_equal(table->conv_set_weights(NULL, conv, w, grid), QEA_OK);
    assert_int_equal(table->conv_forward(NULL, conv, floats(x), y), QEA_OK);
}

static void assert_equal(const qea_conv_shape *s, const qea_conv_grid *g, float *y, float *expected) {
    double x = fmax(-g->x_lo, g->x_hi), w = fmax(-g->w_lo, g->w_hi);
    double sum = (double)(s->c / s->groups * s->r * s->s) * x * w;
    size_t count = sizes_of(s).out;
    bool few_products = s->r == 1 && s->s == 1 && s->c < 32;
    if (sum <= 0x1p24 || (s->groups == 1 && !few_products && strcmp(check_isa, "sse2") != 0))
        assert_same_bits((qea_view){y, QEA_F32}, (qea_view){expected, QEA_F32}, count);
    else
        assert_near(y, expected, count, 1e-5, sum);
}

/* The same values as bytes; data NULL where the convolution does not read them or they are none. */
static qea_view as_bytes(const qea_kernels *table, const qea_conv *conv, const float *x, size_t count) {
    bool bytes = table->conv_reads_bytes(conv);
    for (size_t i = 0; i < count; i++) bytes &= x[i] >= 0 && x[i] <= UINT8_MAX;
    if (!bytes) return (qea_view){NULL, QEA_U8};
    qea_view view = make_view(QEA_U8, count);
    for (size_t i = 0; i < count; i++) put(view, i, x[i]);
    return view;
}

static int byte_inputs; /* convolved so far */

static void assert_bytes_convolve_alike(const qea_kernels *table, qea_conv *conv, const sizes *n, const float *x,
                                        const float *y) {
    qea_view bytes = as_bytes(table, conv, x, n->in), out = random_view(QEA_F32, n->out);
    if (bytes.data) {
        byte_inputs++;
        assert_int_equal(table->conv_forward(NULL, conv, bytes, out.data), QEA_OK);
        assert_same_bits(out, floats(y), n->out);
    }
    free(bytes.data), free(out.data);
}

/* extreme: most values are the largest ones, so that every sum that could overflow does. */
static void compare(const qea_conv_shape *s, const qea_conv_grid *widest, const qea_conv_grid *grid, bool extreme) {
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref()};
    const qea_conv_grid *range = grid ? grid : widest;
    sizes n = sizes_of(s);
    float *x = integers(n.in, range->x_lo, range->x_hi, extreme);
    float *w = integers(n.weights, range->w_lo, range->w_hi, extreme), *y[2];
    for (int t = 0; t < 2; t++) {
        y[t] = random_floats(n.out);
        qea_conv *conv = make(tables[t], s, widest);
        forward(tables[t], conv, grid, w, x, y[t]);
        assert_bytes_convolve_alike(tables[t], conv, &n, x, y[t]);
        tables[t]->conv_destroy(conv);
    }
    assert_equal(s, range, y[0], y[1]);
    free(x), free(w), free(y[0]), free(y[1]);
}

/* What the quantisers make of 1..8 bits: DoReFa's odd integers up to 2^b - 1, or -2^(b-1)..2^(b-1)-1; inputs from 0 or
 * around 0. */
static qea_conv_grid draw_grid(void) {
    int x = 1 << draw_int(1, 8), w = 1 << draw_int(1, 8);
    qea_conv_grid g = draw_int(0, 2) ? (qea_conv_grid){.x_hi = x - 1} : (qea_conv_grid){-(x / 2), x / 2 - 1, 0, 0};
    g.w_lo = draw_int(0, 1) ? 1 - w : -(w / 2);
    g.w_hi = g.w_lo == 1 - w ? w - 1 : w / 2 - 1;
    return g;
}

static void known_ranges_give_the_reference_bits(void **state) {
    (void)state;
    for (int i = 0, count = cases(200); i < count; i++) {
        qea_conv_shape s = draw_shape();
        qea_conv_grid g = draw_grid();
        compare(&s, &g, NULL, i % 2);
    }
    assert_true(byte_inputs > 0);
}

static void every_pair_of_bits_is_exact_at_its_extremes(void **state) {
    (void)state;
    qea_conv_shape s = {
        .n = 1, .h = 3, .w = 9, .c = 64, .k = 24, .oh = 3, .ow = 9, .r = 3, .s = 3, .stride = 1, .pad = 1, .groups = 1};
    for (int a = 1; a <= 8; a++)
        for (int w = 1; w <= 8; w++) {
            int high = (1 << w) - 1;
            compare(&s, &(qea_conv_grid){0, (1 << a) - 1, -high, high}, NULL, true);
            compare(&s, &(qea_conv_grid){-(1 << a) / 2, (1 << a) / 2 - 1, -(high + 1) / 2, high / 2}, NULL, true);
        }
}

static void sums_beyond_float32_are_rounded_once(void **state) {
    (void)state;
    qea_conv_shape s = {.n = 2,
                        .h = 4,
                        .w = 5,
                        .c = 300,
                        .k = 17,
                        .oh = 4,
                        .ow = 5,
                        .r = 3,
                        .s = 3,
                        .stride = 1,
                        .pad = 1,
                        .groups = 1};
    compare(&s, &(qea_conv_grid){0, 255, -255, 255}, NULL, true); /* up to 2700 * 255^2 > 2^27 */
}

static void the_grid_may_change_from_call_to_call(void **state) {
    (void)state;
    const qea_conv_grid widest = {-8, 255, -255, 255};
    const qea_conv_grid grids[] = {
        {0, 15, -15, 15}, {0, 255, -255, 255}, {0, 3, -3, 3}, {-8, 7, -8, 7}, {0, 255, -1, 1}};
    for (size_t i = 0; i < 5 * 8; i++) {
        qea_conv_shape s = draw_shape();
        compare(&s, &widest, &grids[i % 5], true);
    }
}

/* More values than a byte has, and ranges that have no 0, which padding is. */
static void odd_ranges_give_the_reference_bits(void **state) {
    (void)state;
    const qea_conv_grid grids[] = {{-40, 255, -1, 1}, {3, 9, -3, 3}, {-9, -3, -3, 3}, {0, 0, 0, 0}, {0, 7, 2, 5}};
    qea_conv_shape s = {2, 7, 7, 16, 16, 4, 4, 3, 3, 2, 1, 1};
    for (size_t i = 0; i < 5; i++) compare(&s, &grids[i], NULL, true);
}

static void one_convolution_serves_one_grid_after_another(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table(), *ref = qea_kernels_ref();
    const qea_conv_grid widest = {0, 255, -255, 255}, narrow = {0, 3, -3, 3};
    for (int i = 0, count = cases(20); i < count; i++) {
        qea_conv_shape s = draw_shape();
        sizes n = sizes_of(&s);
        qea_conv *a = make(cpu, &s, &widest), *b = make(ref, &s, &widest);
        float *y[2] = {random_floats(n.out), random_floats(n.out)};
        for (int turn = 0; turn < 3; turn++) {
            const qea_conv_grid *g = turn % 2 ? &narrow : NULL;
            float *x = integers(n.in, 0, g ? 3 : 255, true), *w = integers(n.weights, g ? -3 : -255, g ? 3 : 255, true);
            forward(cpu, a, g, w, x, y[0]);
            forward(ref, b, g, w, x, y[1]);
            assert_equal(&s, g ? g : &widest, y[0], y[1]);
            free(x), free(w);
        }
        cpu->conv_destroy(a), ref->conv_destroy(b);
        free(y[0]), free(y[1]);
    }
}

/* Beyond what 32 bits hold the floats are used, whose sums round. */
static void ranges_that_no_integer_sum_holds_still_convolve(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table(), *ref = qea_kernels_ref();
    const qea_conv_grid grids[] = {
        {0, 65535, -65535, 65535}, {INT_MIN, INT_MAX, INT_MIN, INT_MAX}, {0, 32767, -32767, 32767}};
    for (size_t i = 0; i < 3; i++) {
        qea_conv_shape s = {2, 5, 5, 64, 16, 5, 5, 3, 3, 1, 1, 1};
        sizes n = sizes_of(&s);
        float *x = integers(n.in, 0, 30000, true), *w = integers(n.weights, -30000, 30000, true);
        float *y[2] = {random_floats(n.out), random_floats(n.out)};
        qea_conv *a = make(cpu, &s, &grids[i]), *b = make(ref, &s, &grids[i]);
        forward(cpu, a, NULL, w, x, y[0]);
        forward(ref, b, NULL, w, x, y[1]);
        assert_near(y[0], y[1], n.out, 1e-5, 9e8 * (double)(s.r * s.s * s.c));
        cpu->conv_destroy(a), ref->conv_destroy(b);
        free(x), free(w), free(y[0]), free(y[1]);
    }
}

static void assert_bytes_have_the_same_gradient(const qea_kernels *table, qea_conv *conv, const sizes *n,
                                                const float *x, const float *dy, const float *dw) {
    qea_view bytes = as_bytes(table, conv, x, n->in), out = random_view(QEA_F32, n->weights);
    if (bytes.data) {
        assert_int_equal(table->conv_backward_weights(NULL, conv, bytes, dy, out.data), QEA_OK);
        assert_same_bits(out, floats(dw), n->weights);
    }
    free(bytes.data), free(out.data);
}

static void training_after_an_integer_forward_pass_gives_the_reference_gradients(void **state) {
    (void)state;
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref()};
    const qea_conv_grid g = {0, 15, -15, 15};
    for (int i = 0, count = cases(30); i < count; i++) {
        qea_conv_shape s = draw_shape();
        sizes n = sizes_of(&s);
        float *x = integers(n.in, 0, 15, false), *dy = integers(n.out, -15, 15, false),
              *w = integers(n.weights, -15, 15, false);
        float *y[2], *dx[2], *dw[2];
        for (int t = 0; t < 2; t++) {
            qea_conv *conv;
            y[t] = random_floats(n.out), dx[t] = random_floats(n.in), dw[t] = random_floats(n.weights);
            assert_int_equal(tables[t]->conv_create(NULL, &s, QEA_CONV_TRAINING, &g, QEA_F32, QEA_F32, &conv), QEA_OK);
            size_t before = qea_alloc_count();
            forward(tables[t], conv, NULL, w, x, y[t]);
            assert_int_equal(tables[t]->conv_backward_data(NULL, conv, dy, dx[t]), QEA_OK);
            assert_int_equal(tables[t]->conv_backward_weights(NULL, conv, floats(x), dy, dw[t]), QEA_OK);
            assert_int_equal(qea_alloc_count(), before);
            assert_bytes_convolve_alike(tables[t], conv, &n, x, y[t]);
            assert_bytes_have_the_same_gradient(tables[t], conv, &n, x, dy, dw[t]);
            tables[t]->conv_destroy(conv);
        }
        assert_same_bits((qea_view){y[0], QEA_F32}, (qea_view){y[1], QEA_F32}, n.out);
        assert_gradients(&s, (qea_view){dx[0], QEA_F32}, dw[0], (qea_view){dx[1], QEA_F32}, dw[1], 15 * 15);
        for (int t = 0; t < 2; t++) free(y[t]), free(dx[t]), free(dw[t]);
        free(x), free(dy), free(w);
    }
}

static void threads_change_no_bit(void **state) {
    (void)state;
    qea_conv_shape s = {8, 16, 16, 16, 16, 16, 16, 3, 3, 1, 1, 1};
    const qea_conv_grid g = {0, 15, -15, 15};
    for (int threads = 20; threads >= 1; threads--) {
        qea_kernels_set_threads(threads);
        compare(&s, &g, NULL, true);
    }
}

typedef struct stats_result {
    qea_view y;
    float *mean, *variance;
    bool of_sums;
} stats_result;

static stats_result forward_stats(const qea_kernels *table, const qea_conv_shape *s, const qea_conv_grid *g,
                                  qea_type type, const float *w, const float *x, bool from_bytes) {
    sizes n = sizes_of(s);
    stats_result r = {random_view(type, n.out), random_floats((size_t)s->k), random_floats((size_t)s->k), true};
    qea_conv *conv = make_of(table, s, g, type);
    assert_int_equal(table->conv_set_weights(NULL, conv, w, NULL), QEA_OK);
    qea_view from = as_bytes(table, conv, x, n.in);
    if (!from.data || !from_bytes) {
        free(from.data);
        from = make_view(type, n.in);
        for (size_t i = 0; i < n.in; i++) put(from, i, x[i]);
    }
    assert_int_equal(table->conv_forward_stats(NULL, conv, from, r.y.data, r.mean, r.variance), QEA_OK);
    /* oneDNN's 16-bit convolutions show no sums */
    if (type == QEA_BF16 && table != qea_kernels_ref()) r.of_sums = table->conv_reads_bytes(conv);
    free(from.data);
    table->conv_destroy(conv);
    return r;
}

static void free_stats(stats_result *r) { free(r->y.data), free(r->mean), free(r->variance); }

/* Few images and many, images in one piece and in several, one block of channels and two; without a grid they are taken
 * apart from the convolution. Of the sums, also where bfloat16 is stored. */
static void statistics_of_the_outputs_are_the_references_with_any_threads(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    int rounded = 0;
    for (int i = 0; i < 60; i++) {
        qea_conv_shape s = draw_shape();
        qea_conv_grid g = draw_grid(), *known = i % 5 ? &g : NULL;
        s.n = draw_int(1, 30);
        if (i == 7) s = (qea_conv_shape){9, 4, 4, 8, 300, 2, 2, 3, 3, 2, 1, 1};
        if (i == 8) s = (qea_conv_shape){8, 70, 67, 9, 8, 70, 67, 3, 3, 1, 1, 1};
        qea_type type = i % 3 == 2 ? cpu->bf16 : QEA_F32;
        sizes n = sizes_of(&s);
        size_t k = (size_t)s.k;
        float *x = integers(n.in, g.x_lo, g.x_hi, false), *w = integers(n.weights, g.w_lo, g.w_hi, false);
        stats_result right = forward_stats(qea_kernels_ref(), &s, known, type, w, x, false), r[2];
        for (int t = 0; t < 2; t++) {
            qea_kernels_set_threads(t == 0 ? 1 : draw_int(2, 6));
            r[t] = forward_stats(cpu, &s, known, type, w, x, t == 1);
        }
        qea_kernels_set_threads(1);
        if (type == QEA_F32) assert_equal(&s, &g, r[0].y.data, right.y.data);
        assert_same_bits(r[0].y, r[1].y, n.out);
        assert_same_bits(floats(r[0].mean), floats(r[1].mean), k);
        assert_same_bits(floats(r[0].variance), floats(r[1].variance), k);
        rounded += type != QEA_F32 && r[0].of_sums;
        for (size_t c = 0; c < k && r[0].of_sums; c++) {
            assert_near(&r[0].mean[c], &right.mean[c], 1, 1e-6, sqrt((double)right.variance[c]));
            assert_near(&r[0].variance[c], &right.variance[c], 1, 1e-5, 1e-6);
        }
        for (int t = 0; t < 2; t++) free_stats(&r[t]);
        free_stats(&right);
        free(x), free(w);
    }
    assert_true(rounded > 0);
}

/* Every output that the NaN reaches is one, and other images have none; also those of a linear layer. */
static void a_nan_comes_through(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table(), *ref = qea_kernels_ref();
    const qea_conv_grid g = {0, 15, -15, 15};
    for (int i = 0, count = cases(40); i < count; i++) {
        qea_conv_shape s = draw_shape();
        if (i % 4 == 1)
            s = (qea_conv_shape){draw_int(1, 9), 1, 1, draw_int(30, 70), draw_int(1, 40), 1, 1, 1, 1, 1, 0, 1};
        sizes n = sizes_of(&s);
        float *x = integers(n.in, 0, 15, false), *w = integers(n.weights, -15, 15, false);
        float *y[2] = {random_floats(n.out), random_floats(n.out)};
        size_t at = (size_t)draw_int(0, (int)(i % 2 ? n.in : n.weights) - 1), image = n.in / (size_t)s.n;
        (i % 2 ? x : w)[at] = NAN;
        qea_conv *a = make(cpu, &s, &g), *b = make(ref, &s, &g);
        forward(cpu, a, NULL, w, x, y[0]);
        forward(ref, b, NULL, w, x, y[1]);
        for (size_t k = 0; k < n.out; k++) {
            bool may = i % 2 == 0 || k / (n.out / (size_t)s.n) == at / image;
            if (isnan(y[1][k]) || !may) assert_int_equal(isnan(y[0][k]) != 0, isnan(y[1][k]) != 0);
        }
        cpu->conv_destroy(a), ref->conv_destroy(b);
        free(x), free(w), free(y[0]), free(y[1]);
    }
}

/* The reference, and devices that convolve floats, need not look. */
static void a_weight_beyond_the_grid_is_refused_or_convolved(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    const qea_conv_grid g = {0, 15, -15, 15};
    qea_conv_shape s = {1, 1, 1, 32, 1, 1, 1, 1, 1, 1, 0, 1};
    float w[32] = {16}, x[32] = {2}, y = 0;
    qea_conv *conv = make(cpu, &s, &g);
    qea_status status = cpu->conv_set_weights(NULL, conv, w, NULL);
    if (status == QEA_OK) {
        assert_int_equal(cpu->conv_forward(NULL, conv, floats(x), &y), QEA_OK);
        assert_true(y == 32);
    } else {
        assert_int_equal(status, QEA_ERR_CONFIG);
    }
    cpu->conv_destroy(conv);
}

/* Leaks show under the address sanitizer. */
static void a_failed_allocation_is_reported_and_leaves_nothing(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    const qea_conv_grid g = {0, 15, -15, 15};
    qea_conv_shape s = {1, 8, 8, 16, 16, 8, 8, 3, 3, 1, 1, 1};
    qea_status status = QEA_ERR_MEMORY;
    long n = 0;
    while (status != QEA_OK) {
        qea_conv *conv;
        qea_alloc_fail_after(++n);
        status = cpu->conv_create(NULL, &s, QEA_CONV_TRAINING, &g, QEA_F32, QEA_F32, &conv);
        assert_true(status == QEA_OK || (status == QEA_ERR_MEMORY && !conv));
        cpu->conv_destroy(conv);
    }
    assert_true(n > 3);
    qea_alloc_fail_after(0);
}

static int tests_with(const char *isa) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_ranges_give_the_reference_bits),
        cmocka_unit_test(every_pair_of_bits_is_exact_at_its_extremes),
        cmocka_unit_test(sums_beyond_float32_are_rounded_once),
        cmocka_unit_test(the_grid_may_change_from_call_to_call),
        cmocka_unit_test(odd_ranges_give_the_reference_bits),
        cmocka_unit_test(one_convolution_serves_one_grid_after_another),
        cmocka_unit_test(ranges_that_no_integer_sum_holds_still_convolve),
        cmocka_unit_test(training_after_an_integer_forward_pass_gives_the_reference_gradients),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(statistics_of_the_outputs_are_the_references_with_any_threads),
        cmocka_unit_test(a_nan_comes_through),
        cmocka_unit_test(a_weight_beyond_the_grid_is_refused_or_convolved),
        cmocka_unit_test(a_failed_allocation_is_reported_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int check_conv_integer(void) { return for_each_isa(tests_with); }
