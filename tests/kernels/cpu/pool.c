/* The cpu table's poolings and the left-out convolution against the reference, to the bit. ((f)(...) calls f where
 * cmocka has a macro of that name.) */
#include "kernels/check.h"
#include "kernels/cpu/suites.h"

typedef struct shape {
    int n, h, w, c, kernel, stride, pad, oh, ow;
    size_t in, out;
} shape;

static shape draw_shape(bool may_be_global) {
    static const int channels[] = {1, 3, 7, 8, 16, 33, 64, 300};
    shape s = {.n = draw_int(1, 3), .h = draw_int(1, 12), .w = draw_int(1, 12), .c = channels[draw_int(0, 7)]};
    s.kernel = may_be_global && !draw_int(0, 3) ? 0 : draw_int(1, 4);
    s.stride = draw_int(1, 3);
    s.oh = s.ow = 1;
    if (s.kernel > 0) {
        s.pad = draw_int(0, s.kernel / 2);
        if (s.h + 2 * s.pad < s.kernel) s.h = s.kernel;
        if (s.w + 2 * s.pad < s.kernel) s.w = s.kernel;
        s.oh = (s.h + 2 * s.pad - s.kernel) / s.stride + 1;
        s.ow = (s.w + 2 * s.pad - s.kernel) / s.stride + 1;
    }
    s.in = (size_t)(s.n * s.h * s.w * s.c);
    s.out = (size_t)(s.n * s.oh * s.ow * s.c);
    return s;
}

static qea_type draw_type(void) { return (qea_type)draw_int(QEA_F32, QEA_BF16_WIDE); }

/* Few different values, so that there are ties; sometimes a NaN. */
static qea_view draw_input(size_t count) {
    qea_view x = random_integers(draw_type(), count, -3, 3);
    if (!draw_int(0, 3)) put(x, (size_t)draw_int(0, (int)count - 1), NAN);
    return x;
}

static void max_pooling_and_its_winners_are_the_reference(void **state) {
    (void)state;
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref()};
    for (int i = 0, count = cases(150); i < count; i++) {
        shape s = draw_shape(false);
        qea_type y_type = draw_type(), dx_type = draw_type();
        qea_view x = draw_input(s.in), dy = random_view(draw_type(), s.out), y[2], dx[2];
        uint8_t *argmax[2];
        for (int t = 0; t < 2; t++) {
            y[t] = make_view(y_type, s.out), dx[t] = make_view(dx_type, s.in);
            argmax[t] = malloc(s.out);
            tables[t]->max_pool(x, y[t], NULL, s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
            tables[t]->max_pool(x, y[t], argmax[t], s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
            tables[t]->max_pool_backward(dy, argmax[t], dx[t], s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
        }
        assert_same_bits(y[0], y[1], s.out);
        assert_memory_equal(argmax[0], argmax[1], s.out);
        assert_same_bits(dx[0], dx[1], s.in);
        void *blocks[] = {x.data, dy.data, y[0].data, y[1].data, dx[0].data, dx[1].data, argmax[0], argmax[1]};
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) free(blocks[b]);
    }
}

static void average_pooling_is_the_reference(void **state) {
    (void)state;
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref()};
    for (int i = 0, count = cases(150); i < count; i++) {
        shape s = draw_shape(true);
        qea_type y_type = draw_type(), dx_type = draw_type();
        qea_view x = random_view(draw_type(), s.in), dy = random_view(draw_type(), s.out), y[2], dx[2];
        for (int t = 0; t < 2; t++) {
            y[t] = make_view(y_type, s.out), dx[t] = make_view(dx_type, s.in);
            tables[t]->avg_pool(x, y[t], s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
            tables[t]->avg_pool_backward(dy, dx[t], s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
        }
        assert_same_bits(y[0], y[1], s.out);
        assert_same_bits(dx[0], dx[1], s.in);
        void *blocks[] = {x.data, dy.data, y[0].data, y[1].data, dx[0].data, dx[1].data};
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) free(blocks[b]);
    }
}

static void the_left_out_convolution_is_the_reference(void **state) {
    (void)state;
    const qea_kernels *tables[] = {cpu_table(), qea_kernels_ref()};
    for (int i = 0, count = cases(150); i < count; i++) {
        shape s = draw_shape(false);
        int k = draw_int(1, 2 * s.c), oh = (s.h - 1) / s.stride + 1, ow = (s.w - 1) / s.stride + 1;
        size_t out = (size_t)(s.n * oh * ow * k);
        qea_type y_type = draw_type(), dx_type = draw_type();
        qea_view x = random_view(draw_type(), s.in), dy = random_view(draw_type(), out), y[2], dx[2];
        for (int t = 0; t < 2; t++) {
            y[t] = random_view(y_type, out), dx[t] = random_view(dx_type, s.in); /* all of it is written */
            (tables[t]->skip)(x, y[t], s.n, s.h, s.w, s.c, oh, ow, k, s.stride);
            tables[t]->skip_backward(dy, dx[t], s.n, s.h, s.w, s.c, oh, ow, k, s.stride);
        }
        assert_same_bits(y[0], y[1], out);
        assert_same_bits(dx[0], dx[1], s.in);
        void *blocks[] = {x.data, dy.data, y[0].data, y[1].data, dx[0].data, dx[1].data};
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) free(blocks[b]);
    }
}

static void threads_change_nothing(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    shape s = draw_shape(true);
    qea_view x = random_view(QEA_F32, s.in), a = make_view(QEA_F32, s.out), b = make_view(QEA_F32, s.out);
    cpu->avg_pool(x, a, s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
    qea_kernels_set_threads(2);
    cpu->avg_pool(x, b, s.n, s.h, s.w, s.c, s.kernel, s.stride, s.pad);
    qea_kernels_set_threads(1);
    assert_same_bits(a, b, s.out);
    free(x.data), free(a.data), free(b.data);
}

static int tests_with(const char *isa) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_pooling_and_its_winners_are_the_reference),
        cmocka_unit_test(average_pooling_is_the_reference),
        cmocka_unit_test(the_left_out_convolution_is_the_reference),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int check_pool(void) { return for_each_isa(tests_with); }
