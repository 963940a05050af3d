/* The kernels for AMX against the reference, with its instructions in plain C (amx/immintrin.h), so that every machine
 * checks them. Sums of integers are exact: there is one result. */
#include "kernels/conv_shapes.h"
#include "kernels/cpu/direct.h"
#include "kernels/cpu/gradient.h"
#include <immintrin.h>

_Thread_local amx_tiles amx_state;

/* Values to u8 or s16 as the kernels for AVX-512 do, which this machine may not have. */
static bool pack(const float *x, size_t count, float low, bool bytes, uint8_t *to) {
    bool good = true;
    assert_true(bytes);
    for (size_t i = 0; i < count; i++) {
        good &= !isnan(x[i]);
        to[i] = isnan(x[i]) ? 0 : (uint8_t)(int)(x[i] - low);
    }
    return good;
}

static void pack_bytes(const uint8_t *x, size_t count, int low, bool bytes, uint8_t *to) {
    assert_true(bytes);
    for (size_t i = 0; i < count; i++) to[i] = (uint8_t)(x[i] - low);
}

static const qea_kernels *cpu;

static int use_amx(void **state) {
    static qea_cpu_passes passes;
    static qea_direct_kernel direct;
    (void)state;
    cpu = qea_kernels_cpu(NULL, "auto");
    if (!cpu) return -1;
    direct = qea_pass_direct_amx();
    direct.pack = pack;
    direct.pack_bytes = pack_bytes;
    passes = *qea_cpu_passes_used();
    passes.direct = &direct;
    passes.gradient = &qea_pass_gradient_amx;
    qea_cpu_use_passes(&passes);
    return 0;
}

/* One group, any stride; layers wide and narrow. */
static qea_conv_shape draw_dense_shape(void) {
    static const int channels[] = {1, 3, 16, 17, 32, 33, 48, 64};
    qea_conv_shape s = {.n = draw_int(1, 9), .h = draw_int(1, 9), .w = draw_int(1, 35), .groups = 1};
    s.c = channels[draw_int(0, 7)];
    s.k = channels[draw_int(0, 7)];
    s.r = draw_int(1, 5);
    s.s = draw_int(0, 1) ? s.r : draw_int(1, 5);
    s.stride = draw_int(0, 2) ? 1 : draw_int(2, 3);
    s.pad = draw_int(0, (s.r < s.s ? s.r : s.s) - 1);
    if (draw_int(0, 9) == 0) s.h = s.w = s.r = s.s = s.stride = 1, s.pad = 0;
    fit_window(&s);
    return s;
}

/* --- forward --- */

typedef struct outputs {
    qea_view y;
    float mean[64], variance[64];
} outputs;

static outputs forward(const qea_kernels *table, const qea_conv_shape *s, const qea_conv_grid *g, qea_view x,
                       qea_type type, const float *w, bool stats) {
    outputs r = {.y = make_view(type, sizes_of(s).out)};
    qea_conv *conv;
    qea_type in = x.type == QEA_U8 ? QEA_BF16 : x.type;
    assert_int_equal(table->conv_create(NULL, s, QEA_CONV_INFERENCE, g, in, type, &conv), QEA_OK);
    assert_true(table == qea_kernels_ref() || table->conv_reads_bytes(conv));
    assert_int_equal(table->conv_set_weights(NULL, conv, w, NULL), QEA_OK);
    if (stats)
        assert_int_equal(table->conv_forward_stats(NULL, conv, x, r.y.data, r.mean, r.variance), QEA_OK);
    else
        assert_int_equal(table->conv_forward(NULL, conv, x, r.y.data), QEA_OK);
    table->conv_destroy(conv);
    return r;
}

static qea_conv_grid draw_grid(bool bytes) {
    int a = draw_int(1, 8), w = draw_int(1, 8);
    qea_conv_grid g = {0, (1 << a) - 1, -(1 << w) / 2, (1 << w) / 2 - 1};
    if (!bytes && draw_int(0, 2) == 0) g.x_lo = -(1 << a) / 2, g.x_hi = (1 << a) / 2 - 1;
    return g;
}

/* Most values are the largest ones. */
static qea_view draw_integers(qea_type type, size_t count, int from, int to) {
    qea_view v = random_integers(type, count, from, to);
    for (size_t i = 0; i < count; i++)
        if (draw_int(0, 1)) put(v, i, (float)(draw_int(0, 7) ? to : from));
    return v;
}

static void integers_convolve_to_the_reference_bits(void **state) {
    (void)state;
    static const qea_type in[] = {QEA_U8, QEA_BF16, QEA_F32}, out[] = {QEA_BF16, QEA_F32, QEA_BF16_WIDE};
    for (int i = 0; i < 150; i++) {
        qea_conv_shape s = draw_dense_shape();
        if (s.r == 1 && s.s == 1 && s.c < 32) continue; /* oneDNN has these */
        sizes n = sizes_of(&s);
        qea_conv_grid g = draw_grid(in[i % 3] == QEA_U8);
        qea_view x = draw_integers(in[i % 3], n.in, g.x_lo, g.x_hi);
        qea_view w = draw_integers(QEA_F32, n.weights, g.w_lo, g.w_hi);
        qea_kernels_set_threads(i % 3 + 1);
        outputs a = forward(cpu, &s, &g, x, out[i / 3 % 3], w.data, i % 2);
        outputs b = forward(qea_kernels_ref(), &s, &g, x, out[i / 3 % 3], w.data, i % 2);
        assert_same_bits(a.y, b.y, n.out);
        for (int k = 0; k < s.k && i % 2; k++) {
            assert_near(&a.mean[k], &b.mean[k], 1, 1e-6, sqrt((double)b.variance[k]));
            assert_near(&a.variance[k], &b.variance[k], 1, 1e-5, 1e-6);
        }
        free(x.data), free(w.data), free(a.y.data), free(b.y.data);
    }
    qea_kernels_set_threads(1);
}

/* Weights of 8 bits (DoReFa) are too large for bytes, or nothing is known of the numbers. */
static void bfloat16_numbers_convolve_to_the_reference_bits(void **state) {
    (void)state;
    static const qea_type out[] = {QEA_BF16, QEA_F32, QEA_BF16_WIDE};
    const qea_conv_grid wide = {0, 15, -255, 255};
    for (int i = 0, suited = 0; suited < 60; i++) {
        qea_conv_shape s = draw_dense_shape();
        if (!qea_direct_suits(&s, NULL, QEA_BF16)) continue;
        sizes n = sizes_of(&s);
        qea_view x = draw_integers(suited % 2 ? QEA_U8 : QEA_BF16, n.in, 0, 15);
        qea_view w = draw_integers(QEA_F32, n.weights, -255, 255);
        const qea_conv_grid *known = suited % 5 ? &wide : NULL;
        qea_kernels_set_threads(suited % 3 + 1);
        outputs a = forward(cpu, &s, known, x, out[suited % 3], w.data, suited % 4 < 2);
        outputs b = forward(qea_kernels_ref(), &s, &wide, x, out[suited % 3], w.data, suited % 4 < 2);
        assert_same_bits(a.y, b.y, n.out);
        for (int k = 0; k < s.k && suited % 4 < 2; k++) {
            assert_near(&a.mean[k], &b.mean[k], 1, 1e-6, sqrt((double)b.variance[k]));
            assert_near(&a.variance[k], &b.variance[k], 1, 1e-5, 1e-6);
        }
        free(x.data), free(w.data), free(a.y.data), free(b.y.data);
        suited++;
    }
    qea_kernels_set_threads(1);
}

/* In this run and in those after it, whatever it left in scratch memory. */
static void a_nan_reaches_its_own_image_alone(void **state) {
    (void)state;
    for (int i = 0, suited = 0; suited < 20; i++) {
        qea_conv_shape s = draw_dense_shape();
        if (i == 0) s = (qea_conv_shape){3, 43, 39, 48, 16, 41, 37, 3, 3, 1, 0, 1}; /* a thread begins with few rows */
        if (s.n < 3 || !qea_direct_suits(&s, NULL, QEA_BF16)) continue;
        sizes n = sizes_of(&s);
        size_t image = n.in / (size_t)s.n, out = n.out / (size_t)s.n;
        qea_view x = random_view(QEA_BF16, n.in), ill = copy_view(x, n.in);
        qea_view y = make_view(QEA_BF16, n.out), clean = make_view(QEA_BF16, n.out);
        float *w = random_floats(n.weights);
        qea_direct_conv *conv;
        for (size_t k = 0; k < image; k++) put(ill, image + k, NAN);
        qea_kernels_set_threads(4);
        assert_int_equal(qea_direct_create(NULL, &s, NULL, QEA_BF16, &conv), QEA_OK);
        assert_int_equal(qea_direct_set_weights(NULL, conv, w, NULL), QEA_OK);
        qea_direct_run(conv, x, clean.data);
        qea_direct_run(conv, ill, y.data);
        for (size_t k = 0; k < n.out; k++)
            assert_true(k / out == 1 ? isnan(get(y, k)) || s.pad > 0 : get(y, k) == get(clean, k));
        qea_direct_run(conv, x, y.data);
        assert_same_bits(y, clean, n.out);
        qea_direct_destroy(conv);
        free(x.data), free(ill.data), free(y.data), free(clean.data), free(w);
        suited++;
    }
    qea_kernels_set_threads(1);
}

/* --- backward-data --- */

static void gradients_of_inputs_are_the_reference_bits(void **state) {
    (void)state;
    for (int i = 0, suited = 0; suited < 40; i++) {
        qea_conv_shape s = draw_dense_shape();
        if (!qea_direct_suits_backward(&s)) continue;
        sizes n = sizes_of(&s);
        qea_view dy = draw_integers(QEA_BF16, n.out, -7, 7), w = draw_integers(QEA_F32, n.weights, -15, 15);
        qea_view right = make_view(QEA_BF16, n.in), found = make_view(QEA_BF16, n.in);
        qea_conv *conv;
        qea_direct_conv *direct;
        qea_kernels_set_threads(suited++ % 3 + 1);
        assert_int_equal(qea_kernels_ref()->conv_create(NULL, &s, QEA_CONV_TRAINING, NULL, QEA_BF16, QEA_BF16, &conv),
                         QEA_OK);
        assert_int_equal(qea_kernels_ref()->conv_set_weights(NULL, conv, w.data, NULL), QEA_OK);
        assert_int_equal(qea_kernels_ref()->conv_backward_data(NULL, conv, dy.data, right.data), QEA_OK);
        assert_int_equal(qea_direct_create_backward(NULL, &s, &direct), QEA_OK);
        assert_int_equal(qea_direct_set_weights(NULL, direct, w.data, NULL), QEA_OK);
        qea_direct_run(direct, dy, found.data);
        assert_same_bits(found, right, n.in);
        qea_direct_destroy(direct);
        qea_kernels_ref()->conv_destroy(conv);
        free(dy.data), free(w.data), free(right.data), free(found.data);
    }
    qea_kernels_set_threads(1);
}

/* --- the gradient of the weights --- */

static void compare_gradients(const qea_conv_shape *s, qea_type type) {
    sizes n = sizes_of(s);
    qea_view x = random_integers(type, n.in, 0, 7), dy = random_integers(QEA_BF16, n.out, -7, 7);
    qea_view right = make_view(QEA_F32, n.weights), found = make_view(QEA_F32, n.weights);
    qea_conv *conv;
    qea_gradient *gradient;
    const qea_conv_grid grid = {0, 7, -1, 1};
    assert_int_equal(qea_kernels_ref()->conv_create(NULL, s, QEA_CONV_TRAINING, &grid, QEA_BF16, QEA_BF16, &conv),
                     QEA_OK);
    assert_int_equal(qea_kernels_ref()->conv_backward_weights(NULL, conv, x, dy.data, right.data), QEA_OK);
    assert_int_equal(qea_gradient_create(NULL, s, &gradient), QEA_OK);
    for (int i = 0; i < 2; i++) { /* what the first run left must not be seen */
        qea_gradient_run(gradient, x, dy.data, found.data);
        assert_same_bits(found, right, n.weights);
    }
    qea_gradient_destroy(gradient);
    qea_kernels_ref()->conv_destroy(conv);
    free(x.data), free(dy.data), free(right.data), free(found.data);
}

static void gradients_of_weights_are_the_reference_bits(void **state) {
    (void)state;
    int suited = 0;
    for (int i = 0; suited < 40; i++) {
        qea_conv_shape s = draw_dense_shape();
        if (i == 0) s = (qea_conv_shape){2, 41, 37, 16, 16, 41, 37, 3, 3, 1, 1, 1}; /* worked on in pieces */
        if (i == 1) s = (qea_conv_shape){1, 2, 41, 16, 16, 2, 2, 1, 40, 1, 0, 1};   /* a window beyond a tile */
        if (!qea_gradient_suits(&s)) continue;
        qea_kernels_set_threads(suited % 3 + 1);
        compare_gradients(&s, suited++ % 2 ? QEA_U8 : QEA_BF16);
    }
    qea_kernels_set_threads(1);
}

static void layers_that_leave_tiles_empty_are_left_to_others(void **state) {
    (void)state;
    const qea_conv_shape good = {2, 8, 8, 16, 16, 8, 8, 3, 3, 1, 1, 1};
    assert_true(qea_gradient_suits(&good) && qea_direct_suits_backward(&good));
    assert_true(qea_direct_suits(&good, NULL, QEA_BF16) && !qea_direct_suits(&good, NULL, QEA_F32));
    qea_conv_shape bad[] = {good, good, good, good, good};
    bad[0].c = 15;
    bad[1].k = 10;
    bad[2].groups = 16;
    bad[3].stride = 2, bad[3].oh = bad[3].ow = 4;
    bad[4].pad = 3, bad[4].oh = bad[4].ow = 12;
    for (size_t i = 0; i < 5; i++) assert_false(qea_gradient_suits(&bad[i]) || qea_direct_suits_backward(&bad[i]));
    for (size_t i = 0; i < 3; i++) assert_false(qea_direct_suits(&bad[i], NULL, QEA_BF16));
}

/* In one convolution, as a network trains it; oneDNN, which may have no bfloat16 here, is not asked. */
static void a_layer_trains_without_onednn(void **state) {
    (void)state;
    const qea_conv_shape s = {3, 9, 9, 32, 16, 9, 9, 3, 3, 1, 1, 1};
    const qea_conv_grid grid = {0, 7, -7, 7};
    sizes n = sizes_of(&s);
    qea_view x = draw_integers(QEA_U8, n.in, 0, 7), dy = draw_integers(QEA_BF16, n.out, -7, 7);
    qea_view w = draw_integers(QEA_F32, n.weights, -7, 7);
    const qea_kernels *tables[] = {cpu, qea_kernels_ref()};
    qea_view y[2], dx[2], dw[2];
    for (int t = 0; t < 2; t++) {
        qea_conv *conv;
        y[t] = make_view(QEA_BF16, n.out), dx[t] = make_view(QEA_BF16, n.in), dw[t] = make_view(QEA_F32, n.weights);
        assert_int_equal(tables[t]->conv_create(NULL, &s, QEA_CONV_TRAINING, &grid, QEA_BF16, QEA_BF16, &conv), QEA_OK);
        assert_int_equal(tables[t]->conv_set_weights(NULL, conv, w.data, &grid), QEA_OK);
        assert_int_equal(tables[t]->conv_forward(NULL, conv, x, y[t].data), QEA_OK);
        assert_int_equal(tables[t]->conv_backward_data(NULL, conv, dy.data, dx[t].data), QEA_OK);
        assert_int_equal(tables[t]->conv_backward_weights(NULL, conv, x, dy.data, dw[t].data), QEA_OK);
        tables[t]->conv_destroy(conv);
    }
    assert_same_bits(y[0], y[1], n.out);
    assert_same_bits(dx[0], dx[1], n.in);
    assert_same_bits(dw[0], dw[1], n.weights);
    for (int t = 0; t < 2; t++) free(y[t].data), free(dx[t].data), free(dw[t].data);
    free(x.data), free(dy.data), free(w.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_convolve_to_the_reference_bits),
        cmocka_unit_test(bfloat16_numbers_convolve_to_the_reference_bits),
        cmocka_unit_test(a_nan_reaches_its_own_image_alone),
        cmocka_unit_test(gradients_of_inputs_are_the_reference_bits),
        cmocka_unit_test(gradients_of_weights_are_the_reference_bits),
        cmocka_unit_test(layers_that_leave_tiles_empty_are_left_to_others),
        cmocka_unit_test(a_layer_trains_without_onednn),
    };
    return cmocka_run_group_tests(tests, use_amx, NULL);
}
