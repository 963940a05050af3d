/* bfloat16 in float32 buffers (QEA_BF16_WIDE), which stands in for bfloat16 where the CPU has no arithmetic for it: the
 * rounding against its definition, the convolutions of the cpu table against the reference's of 16-bit tensors. */
#include "kernels/conv_shapes.h"
#include "kernels/cpu/suites.h"

static float from_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* The value of a bfloat16, beyond the largest the next power of two, so that distances to infinity mean something. */
static double magnitude(uint32_t upper) { return upper == 0x7f80U ? 0x1p128 : fabs((double)from_bits(upper << 16)); }

/* By the definition: the nearer of the two neighbours in float64, the even one where both are as near. */
static float nearest(uint32_t u) {
    float v = from_bits(u);
    uint32_t below = (u & 0x7fffffffU) >> 16;
    if (isnan(v) || isinf(v)) return v;
    double down = fabs((double)v) - magnitude(below), up = magnitude(below + 1) - fabs((double)v);
    uint32_t chosen = down < up || (down == up && below % 2 == 0) ? below : below + 1;
    return from_bits((chosen << 16) | (u & 0x80000000U));
}

static const uint32_t lower_halves[] = {0, 1, 0x1234, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff};
enum { LOWER = sizeof lower_halves / sizeof *lower_halves };

/* All upper halves: zeros, denormals, infinities and NaN among them; ties and their neighbours. */
static void every_bfloat16_and_what_lies_behind_it_rounds_to_the_nearest(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    size_t count = LOWER << 16;
    qea_view from = make_view(QEA_F32, count), to = make_view(QEA_BF16_WIDE, count),
             narrow = make_view(QEA_BF16, count);
    qea_view expected = make_view(QEA_BF16_WIDE, count), half = make_view(QEA_BF16, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t u = (i / LOWER) << 16 | lower_halves[i % LOWER];
        ((float *)from.data)[i] = from_bits(u);
        ((float *)expected.data)[i] = nearest(u);
        ((uint16_t *)half.data)[i] = qea_f32_to_bf16(from_bits(u));
        float one = qea_round_to_bf16(from_bits(u));
        assert_true(isnan(one) ? isnan(nearest(u)) : memcmp(&one, (float *)expected.data + i, sizeof one) == 0);
    }
    qea_segment copy = {.rows = count / 64, .channels = 64, .num_branches = 1, .branch = {{.x = from}}, .y = to};
    (void)cpu->segment_forward(&copy);
    assert_same_bits(to, expected, count);
    copy.y = narrow;
    (void)cpu->segment_forward(&copy);
    assert_same_bits(narrow, half, count);
    qea_view all[] = {from, to, narrow, expected, half};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i].data);
}

/* --- convolutions --- */

typedef struct tensors {
    qea_view x, dy, y, dx, w;
    float *dw;
} tensors;

static qea_view as_type(qea_view from, qea_type type, size_t count) {
    qea_view to = make_view(type, count);
    for (size_t i = 0; i < count; i++) put(to, i, get(from, i));
    return to;
}

static tensors results_as(const tensors *inputs, const qea_conv_shape *s, qea_type type, qea_type out_type) {
    sizes n = sizes_of(s);
    return (tensors){.x = as_type(inputs->x, type, n.in),
                     .dy = as_type(inputs->dy, out_type, n.out),
                     .w = as_type(inputs->w, QEA_F32, n.weights),
                     .y = make_view(out_type, n.out),
                     .dx = make_view(type, n.in),
                     .dw = make_view(QEA_F32, n.weights).data};
}

static void convolve(const qea_kernels *table, const qea_conv_shape *s, const qea_conv_grid *grid, tensors *t) {
    qea_conv *conv;
    assert_int_equal(table->conv_create(NULL, s, QEA_CONV_TRAINING, grid, t->x.type, t->y.type, &conv), QEA_OK);
    assert_int_equal(table->conv_set_weights(NULL, conv, t->w.data, grid), QEA_OK);
    assert_int_equal(table->conv_forward(NULL, conv, t->x, t->y.data), QEA_OK);
    assert_int_equal(table->conv_backward_weights(NULL, conv, t->x, t->dy.data, t->dw), QEA_OK);
    assert_int_equal(table->conv_backward_data(NULL, conv, t->dy.data, t->dx.data), QEA_OK);
    table->conv_destroy(conv);
}

static void free_tensors(tensors *t) {
    free(t->x.data), free(t->dy.data), free(t->w.data), free(t->y.data), free(t->dx.data), free(t->dw);
}

/* Rounding is monotonic: what a sum within `error` of the exact one rounds to lies between the rounded ends. */
static void assert_rounded_near(qea_view found, const float *exact, size_t count, double error) {
    for (size_t i = 0; i < count; i++) {
        double low = (double)exact[i] - error, high = (double)exact[i] + error;
        float v = get(found, i);
        assert_true(v == qea_round_to_bf16(v));
        if (v < qea_round_to_bf16((float)low) || v > qea_round_to_bf16((float)high))
            fail_msg("value %zu of %zu: %.9g from a sum of %.9g", i, count, (double)v, (double)exact[i]);
    }
}

/* The worst error of a float32 sum of `terms` products up to 4 in any order, as conv.c and
 * winograd.c bound it. */
static double error_of(double terms) { return 4e-6 * 4 * terms; }

static void reals_convolve_as_bfloat16_but_for_the_order_of_sums(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    for (int i = 0, count = cases(80); i < count; i++) {
        qea_conv_shape s = draw_shape();
        sizes n = sizes_of(&s);
        tensors in = {.x = random_view(QEA_BF16, n.in),
                      .dy = random_view(QEA_BF16, n.out),
                      .w = random_view(QEA_F32, n.weights)}; /* more digits than bfloat16 has */
        tensors a = results_as(&in, &s, QEA_BF16_WIDE, QEA_BF16_WIDE), exact = results_as(&in, &s, QEA_F32, QEA_F32);
        for (size_t k = 0; k < n.weights; k++) put(exact.w, k, qea_round_to_bf16(get(in.w, k)));
        qea_kernels_set_threads(i % 3 + 1);
        convolve(cpu, &s, NULL, &a);
        convolve(qea_kernels_ref(), &s, NULL, &exact);
        double window = (double)(s.r * s.s) / s.groups;
        assert_rounded_near(a.y, exact.y.data, n.out, error_of(window * s.c));
        assert_rounded_near(a.dx, exact.dx.data, n.in, error_of(window * s.k));
        assert_near(a.dw, exact.dw, n.weights, 4e-6, 4 * (double)(s.n * s.oh * s.ow));
        tensors *all[] = {&in, &a, &exact};
        for (int k = 0; k < 3; k++) free_tensors(all[k]);
    }
    qea_kernels_set_threads(1);
}

static bool may_be_filtered(const qea_conv_shape *s) {
    return s->r == 3 && s->s == 3 && s->stride == 1 && s->pad == 1 && s->groups == 1;
}

/* Forward on a grid, and backward with gradients that are integers: all sums are exact, so that there is one result. */
static void integers_give_the_bits_of_the_16_bit_reference(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    const qea_conv_grid grid = {0, 15, -15, 15};
    for (int i = 0, count = cases(80); i < count; i++) {
        qea_conv_shape s = draw_shape();
        sizes n = sizes_of(&s);
        tensors in = {.x = random_integers(QEA_BF16, n.in, grid.x_lo, grid.x_hi),
                      .dy = random_integers(QEA_BF16, n.out, -7, 7),
                      .w = random_integers(QEA_F32, n.weights, grid.w_lo, grid.w_hi)};
        tensors a = results_as(&in, &s, QEA_BF16_WIDE, QEA_BF16_WIDE), b = results_as(&in, &s, QEA_BF16, QEA_BF16);
        const qea_conv_grid *known = i % 2 ? &grid : NULL;
        convolve(cpu, &s, known, &a);
        convolve(qea_kernels_ref(), &s, known, &b);
        for (size_t k = 0; k < n.out; k++) assert_true(get(a.y, k) == get(b.y, k));
        for (size_t k = 0; k < n.in && !may_be_filtered(&s); k++) assert_true(get(a.dx, k) == get(b.dx, k));
        for (size_t k = 0; k < n.weights && !may_be_filtered(&s); k++) assert_true(a.dw[k] == b.dw[k]);
        tensors *all[] = {&in, &a, &b};
        for (int k = 0; k < 3; k++) free_tensors(all[k]);
    }
}

/* As an inference plan asks for it. */
static void sums_stored_in_float32_are_not_rounded(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    qea_conv_shape s = {
        .n = 1, .h = 1, .w = 1, .c = 1, .k = 1, .oh = 1, .ow = 1, .r = 1, .s = 1, .stride = 1, .groups = 1};
    float x = 255, w = 127, y[2];
    for (int i = 0; i < 2; i++) {
        qea_conv *conv;
        assert_int_equal(
            cpu->conv_create(NULL, &s, QEA_CONV_INFERENCE, NULL, QEA_BF16_WIDE, i ? QEA_BF16_WIDE : QEA_F32, &conv),
            QEA_OK);
        assert_int_equal(cpu->conv_set_weights(NULL, conv, &w, NULL), QEA_OK);
        assert_int_equal(cpu->conv_forward(NULL, conv, floats(&x), &y[i]), QEA_OK);
        cpu->conv_destroy(conv);
    }
    assert_true(y[0] == 32385);
    assert_true(y[1] == 32384); /* between 32256 and 32512 in steps of 128 */
}

/* 255 + 2 = 257 is stored as 256. */
static void statistics_are_of_the_sums_and_not_of_what_is_stored(void **state) {
    (void)state;
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref(), qea_kernels_ref(), cpu_table()};
    const qea_type types[] = {QEA_BF16_WIDE, QEA_BF16_WIDE, QEA_BF16, QEA_BF16};
    const qea_conv_grid grid = {0, 255, -1, 1};
    qea_conv_shape s = {
        .n = 2, .h = 4, .w = 4, .c = 32, .k = 16, .oh = 4, .ow = 4, .r = 1, .s = 1, .stride = 1, .groups = 1};
    sizes n = sizes_of(&s);
    for (int t = 0; t < 8; t++) {
        qea_type type = types[t / 2];
        if (t >= 6 && tables[3]->bf16 != QEA_BF16) continue;
        qea_view x = make_view(type, n.in), w = make_view(QEA_F32, n.weights), y = make_view(type, n.out);
        float mean[16], variance[16];
        qea_conv *conv;
        for (size_t i = 0; i < n.in; i += 32) put(x, i, 255), put(x, i + 1, 2);
        for (size_t i = 0; i < n.weights; i++) put(w, i, 1);
        const qea_conv_grid *known = t % 2 ? &grid : NULL;
        assert_int_equal(tables[t / 2]->conv_create(NULL, &s, QEA_CONV_TRAINING, known, type, type, &conv), QEA_OK);
        assert_int_equal(tables[t / 2]->conv_set_weights(NULL, conv, w.data, known), QEA_OK);
        assert_int_equal(tables[t / 2]->conv_forward_stats(NULL, conv, x, y.data, mean, variance), QEA_OK);
        bool sums = t < 6 || tables[3]->conv_reads_bytes(conv); /* oneDNN's 16-bit convolutions show none */
        for (int k = 0; k < 16; k++) assert_true(mean[k] == (sums ? 257 : 256) && variance[k] == 0);
        for (size_t i = 0; i < n.out; i++) assert_true(get(y, i) == 256);
        tables[t / 2]->conv_destroy(conv);
        free(x.data), free(w.data), free(y.data);
    }
}

static int tests_with(const char *isa) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bfloat16_and_what_lies_behind_it_rounds_to_the_nearest),
        cmocka_unit_test(reals_convolve_as_bfloat16_but_for_the_order_of_sums),
        cmocka_unit_test(integers_give_the_bits_of_the_16_bit_reference),
        cmocka_unit_test(sums_stored_in_float32_are_not_rounded),
        cmocka_unit_test(statistics_are_of_the_sums_and_not_of_what_is_stored),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int check_bf16(void) { return for_each_isa(tests_with); }
