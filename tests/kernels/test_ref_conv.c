/* The reference's convolutions against values worked out by hand and against finite differences: a convolution is
 * linear in x and in w, so that a difference quotient is its derivative up to rounding. */
#include "kernels/check.h"

static qea_conv *make(const qea_conv_shape *s, qea_type type, qea_type out_type, const float *w) {
    qea_conv *conv;
    const qea_kernels *ref = qea_kernels_ref();
    assert_int_equal(ref->conv_create(NULL, s, QEA_CONV_TRAINING, NULL, type, out_type, &conv), QEA_OK);
    assert_int_equal(ref->conv_set_weights(NULL, conv, w, NULL), QEA_OK);
    return conv;
}

static void forward(const qea_conv_shape *s, const float *x, const float *w, float *y) {
    qea_conv *conv = make(s, QEA_F32, QEA_F32, w);
    assert_int_equal(qea_kernels_ref()->conv_forward(NULL, conv, floats(x), y), QEA_OK);
    qea_kernels_ref()->conv_destroy(conv);
}

static void a_3x3_window_sees_its_neighbours_and_zeros_outside(void **state) {
    (void)state;
    const qea_conv_shape s = {1, 3, 3, 1, 1, 3, 3, 3, 3, 1, 1, 1};
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[] = {0, 10, 0, 1, 0, 100, 0, 1000, 0};
    /* 10 above + left + 100 right + 1000 below */
    const float expected[] = {4200, 5301, 6002, 7510, 8624, 9035, 840, 957, 68};
    float y[9];
    forward(&s, x, w, y);
    for (int i = 0; i < 9; i++) assert_true(y[i] == expected[i]);
}

static void strides_start_at_the_padded_corner(void **state) {
    (void)state;
    const qea_conv_shape s = {1, 4, 4, 1, 1, 2, 2, 3, 3, 2, 1, 1};
    float x[16], w[9] = {1}, y[4]; /* the window's upper left value alone */
    for (int i = 0; i < 16; i++) x[i] = (float)(i + 1);
    forward(&s, x, w, y);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0 && y[3] == 6); /* x[1][1] */
}

static void channels_are_the_innermost_and_weights_are_k_c_r_s(void **state) {
    (void)state;
    const qea_conv_shape s = {1, 1, 2, 2, 3, 1, 2, 1, 1, 1, 0, 1};
    const float x[] = {1, 2, 3, 4}, w[] = {1, 0, 0, 1, 10, 100}, expected[] = {1, 2, 210, 3, 4, 430};
    float y[6];
    forward(&s, x, w, y);
    for (int i = 0; i < 6; i++) assert_true(y[i] == expected[i]);
}

static void a_group_sees_its_own_channels_only(void **state) {
    (void)state;
    const qea_conv_shape s = {1, 1, 1, 4, 4, 1, 1, 1, 1, 1, 0, 2};
    const float x[] = {1, 2, 3, 4}, w[] = {1, 10, 100, 1000, 1, 10, 100, 1000};
    const float expected[] = {21, 2100, 43, 4300};
    float y[4];
    forward(&s, x, w, y);
    for (int i = 0; i < 4; i++) assert_true(y[i] == expected[i]);
}

static void bf16_rounds_weights_and_results_to_nearest_even(void **state) {
    (void)state;
    const qea_conv_shape s = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1};
    const float w[] = {257}; /* between 256 and 258: to even, 256 */
    uint16_t x = qea_f32_to_bf16(3), y;
    qea_conv *conv = make(&s, QEA_BF16, QEA_BF16, w);
    assert_int_equal(qea_kernels_ref()->conv_forward(NULL, conv, (qea_view){&x, QEA_BF16}, &y), QEA_OK);
    assert_true(qea_bf16_to_f32(y) == 768);
    qea_kernels_ref()->conv_destroy(conv);
}

static void conversion_to_bf16_is_to_nearest_even_and_keeps_nan_and_infinity(void **state) {
    (void)state;
    const float from[] = {256, 257, 259, 258.99F, -257, 0, 1e-45F, 3.4e38F},
                to[] = {256, 256, 260, 258, -256, 0, 0, INFINITY};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
        assert_true(qea_bf16_to_f32(qea_f32_to_bf16(from[i])) == to[i]);
    assert_true(isnan(qea_bf16_to_f32(qea_f32_to_bf16(NAN))));
    union {
        uint32_t u;
        float f;
    } low_bits_only = {0x7f800001U}; /* a NaN whose upper half is that of infinity */
    assert_true(isnan(qea_bf16_to_f32(qea_f32_to_bf16(low_bits_only.f))));
    assert_true(qea_bf16_to_f32(qea_f32_to_bf16(-INFINITY)) == -INFINITY);
}

/* loss = sum of dy * y, in float64. */
static double loss(const qea_conv_shape *s, const float *x, const float *w, const float *dy, size_t outputs) {
    float *y = make_view(QEA_F32, outputs).data;
    double sum = 0;
    forward(s, x, w, y);
    for (size_t i = 0; i < outputs; i++) sum += (double)dy[i] * (double)y[i];
    free(y);
    return sum;
}

static void check_gradient(const qea_conv_shape *s, float *x, float *w, const float *dy, size_t outputs, float *moved,
                           const float *gradient, size_t count) {
    for (int draws = 0; draws < 10; draws++) {
        size_t i = (size_t)draw_int(0, (int)count - 1);
        float before = moved[i];
        moved[i] = before + 1;
        double up = loss(s, x, w, dy, outputs);
        moved[i] = before - 1;
        double down = loss(s, x, w, dy, outputs);
        moved[i] = before;
        assert_true(fabs((up - down) / 2 - (double)gradient[i]) < 1e-4);
    }
}

static void gradients_are_finite_differences(void **state) {
    (void)state;
    const qea_conv_shape shapes[] = {{2, 5, 4, 3, 4, 5, 4, 3, 3, 1, 1, 1}, {2, 6, 7, 2, 3, 3, 4, 3, 3, 2, 1, 1},
                                     {1, 5, 5, 6, 6, 3, 3, 3, 3, 2, 1, 6}, {2, 4, 4, 4, 6, 2, 2, 1, 1, 2, 0, 2},
                                     {3, 1, 1, 8, 5, 1, 1, 1, 1, 1, 0, 1}, {1, 9, 6, 2, 2, 9, 6, 7, 7, 1, 3, 1}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        const qea_conv_shape *s = &shapes[k];
        size_t in = (size_t)(s->n * s->h * s->w * s->c), out = (size_t)(s->n * s->oh * s->ow * s->k);
        size_t weights = (size_t)(s->k * (s->c / s->groups) * s->r * s->s);
        float *x = random_floats(in), *w = random_floats(weights), *dy = random_floats(out);
        float *dx = make_view(QEA_F32, in).data, *dw = make_view(QEA_F32, weights).data;
        qea_conv *conv = make(s, QEA_F32, QEA_F32, w);
        assert_int_equal(qea_kernels_ref()->conv_backward_data(NULL, conv, dy, dx), QEA_OK);
        assert_int_equal(qea_kernels_ref()->conv_backward_weights(NULL, conv, floats(x), dy, dw), QEA_OK);
        qea_kernels_ref()->conv_destroy(conv);
        check_gradient(s, x, w, dy, out, x, dx, in);
        check_gradient(s, x, w, dy, out, w, dw, weights);
        free(x), free(w), free(dy), free(dx), free(dw);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_3x3_window_sees_its_neighbours_and_zeros_outside),
        cmocka_unit_test(strides_start_at_the_padded_corner),
        cmocka_unit_test(channels_are_the_innermost_and_weights_are_k_c_r_s),
        cmocka_unit_test(a_group_sees_its_own_channels_only),
        cmocka_unit_test(bf16_rounds_weights_and_results_to_nearest_even),
        cmocka_unit_test(conversion_to_bf16_is_to_nearest_even_and_keeps_nan_and_infinity),
        cmocka_unit_test(gradients_are_finite_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
