/* The passes of 3x3 convolutions of real numbers, which the cpu table may filter instead of summing products. The
 * reference sums them in float64; run on magnitudes it gives what the error is measured by. */
#include "base/memory.h"
#include "kernels/check.h"
#include "kernels/cpu/suites.h"

static const double BOUND = 4e-6, MEAN_BOUND = 4e-7; /* of the sum of magnitudes: the worst, the root mean square */

static qea_conv_shape shape_of(int n, int h, int w, int c, int k) {
    return (qea_conv_shape){
        .n = n, .h = h, .w = w, .c = c, .k = k, .oh = h, .ow = w, .r = 3, .s = 3, .stride = 1, .pad = 1, .groups = 1};
}

static qea_conv_shape draw_shape(void) {
    static const int channels[] = {8, 9, 13, 16, 17, 24, 31, 33, 64, 70};
    return shape_of(draw_int(1, 12), draw_int(2, 21), draw_int(2, 37), channels[draw_int(0, 9)],
                    channels[draw_int(0, 9)]);
}

typedef struct tensors {
    size_t num_x, num_y, num_w;
    float *x, *dy, *w, *y, *dx, *dw;
} tensors;

enum { GUARD = 64 }; /* values around each tensor: reading them gives NaN, writing them shows */

static float *guarded(size_t count, bool random) {
    float *block = malloc((count + 2 * GUARD) * sizeof *block);
    assert_non_null(block);
    for (size_t i = 0; i < count + 2 * GUARD; i++) block[i] = NAN;
    for (size_t i = 0; i < count; i++) block[GUARD + i] = random ? draw_float() : 0;
    return block + GUARD;
}

static void assert_guards(const float *values, size_t count) {
    for (size_t i = 1; i <= GUARD; i++) assert_true(isnan(values[-(ptrdiff_t)i]) && isnan(values[count + i - 1]));
}

static tensors make_tensors(const qea_conv_shape *s) {
    tensors t = {.num_x = (size_t)(s->n * s->h * s->w * s->c),
                 .num_y = (size_t)(s->n * s->h * s->w * s->k),
                 .num_w = (size_t)(s->k * s->c * 9)};
    t.x = guarded(t.num_x, true);
    t.dy = guarded(t.num_y, true);
    t.w = guarded(t.num_w, true);
    t.y = guarded(t.num_y, false);
    t.dx = guarded(t.num_x, false);
    t.dw = guarded(t.num_w, false);
    return t;
}

static void free_tensors(tensors *t) {
    float *all[] = {t->x, t->dy, t->w, t->y, t->dx, t->dw};
    const size_t counts[] = {t->num_x, t->num_y, t->num_w, t->num_y, t->num_x, t->num_w};
    for (int i = 0; i < 6; i++) {
        assert_guards(all[i], counts[i]);
        free(all[i] - GUARD);
    }
}

static qea_conv *make_conv(const qea_kernels *table, const qea_conv_shape *s) {
    qea_conv *conv;
    assert_int_equal(table->conv_create(NULL, s, QEA_CONV_TRAINING, NULL, QEA_F32, QEA_F32, &conv), QEA_OK);
    return conv;
}

static void run(const qea_kernels *table, qea_conv *conv, const tensors *t) {
    assert_int_equal(table->conv_set_weights(NULL, conv, t->w, NULL), QEA_OK);
    assert_int_equal(table->conv_forward(NULL, conv, floats(t->x), t->y), QEA_OK);
    assert_int_equal(table->conv_backward_data(NULL, conv, t->dy, t->dx), QEA_OK);
    assert_int_equal(table->conv_backward_weights(NULL, conv, floats(t->x), t->dy, t->dw), QEA_OK);
}

static void run_once(const qea_kernels *table, const qea_conv_shape *s, const tensors *t) {
    qea_conv *conv = make_conv(table, s);
    run(table, conv, t);
    table->conv_destroy(conv);
}

/* Copies with results of their own. */
static tensors copy_tensors(const qea_conv_shape *s, const tensors *from, bool magnitudes) {
    tensors to = make_tensors(s);
    const float *source[] = {from->x, from->dy, from->w};
    float *target[] = {to.x, to.dy, to.w};
    const size_t counts[] = {to.num_x, to.num_y, to.num_w};
    for (int i = 0; i < 3; i++)
        for (size_t j = 0; j < counts[i]; j++) target[i][j] = magnitudes ? fabsf(source[i][j]) : source[i][j];
    return to;
}

typedef struct errors {
    double worst, squares, count;
} errors;

static void add_errors(errors *e, const float *a, const float *right, const float *magnitude, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double error = ((double)a[i] - (double)right[i]) / (double)magnitude[i];
        if (!(fabs(error) <= e->worst)) e->worst = fabs(error); /* also a NaN */
        e->squares += error * error;
    }
    e->count += (double)count;
}

static void compare(const qea_conv_shape *s, errors *forward, errors *data, errors *weights) {
    tensors a = make_tensors(s), b = copy_tensors(s, &a, false), magnitude = copy_tensors(s, &a, true);
    run_once(cpu_table(), s, &a);
    run_once(qea_kernels_ref(), s, &b);
    run_once(qea_kernels_ref(), s, &magnitude);
    add_errors(forward, a.y, b.y, magnitude.y, a.num_y);
    add_errors(data, a.dx, b.dx, magnitude.dx, a.num_x);
    add_errors(weights, a.dw, b.dw, magnitude.dw, a.num_w);
    free_tensors(&a);
    free_tensors(&b);
    free_tensors(&magnitude);
}

static void check_errors(const char *what, const errors *e) {
    double mean = sqrt(e->squares / e->count);
    if (!(e->worst <= BOUND && mean <= MEAN_BOUND)) fail_msg("%s: worst %.2g, mean %.2g", what, e->worst, mean);
}

static void random_shapes_stay_within_the_bound_whatever_the_threads(void **state) {
    (void)state;
    (void)cpu_table(); /* skips before anything is allocated */
    errors forward = {0}, data = {0}, weights = {0};
    for (int i = 0, count = cases(30); i < count; i++) {
        qea_conv_shape s = draw_shape();
        qea_kernels_set_threads(draw_int(1, 4));
        compare(&s, &forward, &data, &weights);
    }
    qea_kernels_set_threads(1);
    check_errors("forward", &forward);
    check_errors("backward-data", &data);
    check_errors("backward-weights", &weights);
}

static void resnet20_shapes_stay_within_the_bound(void **state) {
    (void)state;
    (void)cpu_table(); /* skips before anything is allocated */
    errors forward = {0}, data = {0}, weights = {0};
    const qea_conv_shape shapes[] = {shape_of(4, 32, 32, 16, 16), shape_of(8, 16, 16, 32, 32),
                                     shape_of(16, 8, 8, 64, 64)};
    for (int i = 0; i < 3; i++) compare(&shapes[i], &forward, &data, &weights);
    check_errors("forward", &forward);
    check_errors("backward-data", &data);
    check_errors("backward-weights", &weights);
}

/* The gradient of weight [k][c][r][q], and the sum of its products' magnitudes, in float64. */
static void exact_gradient(const qea_conv_shape *s, const tensors *t, size_t weight, double *sum, double *magnitude) {
    int q = (int)(weight % 3), r = (int)(weight / 3 % 3);
    size_t c = weight / 9 % (size_t)s->c, k = weight / 9 / (size_t)s->c;
    *sum = *magnitude = 0;
    for (int row = 0; row < s->n * s->h; row++)
        for (int j = 0; j < s->w; j++) {
            int i = row % s->h + r - 1, column = j + q - 1;
            if (i < 0 || i >= s->h || column < 0 || column >= s->w) continue;
            size_t pixel = (size_t)(row + r - 1) * (size_t)s->w + (size_t)column;
            double x = (double)t->x[pixel * (size_t)s->c + c];
            double dy = (double)t->dy[((size_t)row * (size_t)s->w + (size_t)j) * (size_t)s->k + k];
            *sum += x * dy;
            *magnitude += fabs(x * dy);
        }
}

/* Batches of hundreds of images, whose sums grow: x is what a ReLU leaves, dy has a mean. */
static void gradients_of_weights_stay_within_the_bound_over_many_tiles(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    qea_conv_shape s = shape_of(512, 32, 32, 16, 16);
    tensors t = make_tensors(&s);
    for (size_t i = 0; i < t.num_x; i++) t.x[i] = t.x[i] > 0 ? t.x[i] : 0;
    for (size_t i = 0; i < t.num_y; i++) t.dy[i] += 1;
    qea_conv *conv = make_conv(cpu, &s);
    assert_int_equal(cpu->conv_backward_weights(NULL, conv, floats(t.x), t.dy, t.dw), QEA_OK);
    cpu->conv_destroy(conv);
    for (size_t weight = 0; weight < t.num_w; weight += 61) {
        double exact, magnitude;
        exact_gradient(&s, &t, weight, &exact, &magnitude);
        assert_true(fabs((double)t.dw[weight] - exact) <= BOUND * magnitude);
    }
    free_tensors(&t);
}

/* A single value of x or dy meets each of the nine weights once, wherever it lies. What should be zero around it is not
 * quite where the tile around it is. */
static void every_pixel_reaches_its_neighbours_and_no_other(void **state) {
    (void)state;
    (void)cpu_table(); /* skips before anything is allocated */
    qea_conv_shape s = shape_of(3, 9, 11, 8, 16);
    tensors a = make_tensors(&s), b = copy_tensors(&s, &a, false);
    qea_conv *cpu = make_conv(cpu_table(), &s), *ref = make_conv(qea_kernels_ref(), &s);
    for (size_t at = 0; at < a.num_y; at += 37) {
        memset(a.dy, 0, a.num_y * sizeof *a.dy);
        memset(b.dy, 0, b.num_y * sizeof *b.dy);
        a.dy[at] = b.dy[at] = 1;
        memset(a.x, 0, a.num_x * sizeof *a.x);
        memset(b.x, 0, b.num_x * sizeof *b.x);
        a.x[at % a.num_x] = b.x[at % a.num_x] = 1;
        run(cpu_table(), cpu, &a);
        run(qea_kernels_ref(), ref, &b);
        assert_near(a.y, b.y, a.num_y, 2e-5, 2);
        assert_near(a.dx, b.dx, a.num_x, 2e-5, 2);
        assert_near(a.dw, b.dw, a.num_w, 2e-5, 2);
    }
    cpu_table()->conv_destroy(cpu);
    qea_kernels_ref()->conv_destroy(ref);
    free_tensors(&a);
    free_tensors(&b);
}

static void the_same_threads_give_the_same_bits_and_data_any_threads(void **state) {
    (void)state;
    (void)cpu_table(); /* skips before anything is allocated */
    qea_conv_shape s = shape_of(7, 19, 22, 20, 24);
    tensors a = make_tensors(&s);
    for (int threads = 1; threads <= 4; threads++) {
        qea_kernels_set_threads(threads);
        tensors b = copy_tensors(&s, &a, false), c = copy_tensors(&s, &a, false);
        run_once(cpu_table(), &s, &b);
        run_once(cpu_table(), &s, &c);
        if (threads == 1) memcpy(a.dx, b.dx, a.num_x * sizeof *a.dx);
        if (threads == 1) memcpy(a.y, b.y, a.num_y * sizeof *a.y);
        assert_memory_equal(b.dw, c.dw, a.num_w * sizeof *a.dw);
        if (strcmp(check_isa, "sse2") != 0) {
            assert_memory_equal(b.y, a.y, a.num_y * sizeof *a.y);
            assert_memory_equal(b.dx, a.dx, a.num_x * sizeof *a.dx);
        }
        free_tensors(&b);
        free_tensors(&c);
    }
    qea_kernels_set_threads(1);
    free_tensors(&a);
}

static void a_run_with_nan_leaves_nothing_behind(void **state) {
    (void)state;
    (void)cpu_table(); /* skips before anything is allocated */
    qea_conv_shape s = shape_of(5, 13, 7, 16, 8);
    tensors a = make_tensors(&s), b = copy_tensors(&s, &a, false), bad = copy_tensors(&s, &a, false);
    for (size_t i = 0; i < bad.num_x; i++) bad.x[i] = NAN;
    for (size_t i = 0; i < bad.num_y; i++) bad.dy[i] = NAN;
    qea_conv *conv = make_conv(cpu_table(), &s);
    run(cpu_table(), conv, &bad);
    assert_true(isnan(bad.y[0]) && isnan(bad.dx[0]) && isnan(bad.dw[0]));
    run(cpu_table(), conv, &a);
    cpu_table()->conv_destroy(conv);
    run_once(cpu_table(), &s, &b);
    assert_memory_equal(a.y, b.y, a.num_y * sizeof *a.y);
    assert_memory_equal(a.dx, b.dx, a.num_x * sizeof *a.dx);
    assert_memory_equal(a.dw, b.dw, a.num_w * sizeof *a.dw);
    free_tensors(&a);
    free_tensors(&b);
    free_tensors(&bad);
}

static void running_allocates_nothing_and_a_failed_allocation_is_reported(void **state) {
    (void)state;
    const qea_kernels *cpu = cpu_table();
    qea_conv_shape s = shape_of(4, 16, 16, 16, 16);
    tensors t = make_tensors(&s);
    qea_conv *conv = make_conv(cpu, &s);
    size_t before = qea_alloc_count();
    run(cpu, conv, &t);
    assert_int_equal(qea_alloc_count(), before);
    cpu->conv_destroy(conv);
    free_tensors(&t);
    long n = 0;
    for (qea_status status = QEA_ERR_MEMORY; status != QEA_OK;) {
        qea_alloc_fail_after(++n);
        status = cpu->conv_create(NULL, &s, QEA_CONV_TRAINING, NULL, QEA_F32, QEA_F32, &conv);
        assert_true(status == QEA_OK || (status == QEA_ERR_MEMORY && !conv));
        cpu->conv_destroy(conv);
    }
    qea_alloc_fail_after(0);
}

static int tests_with(const char *isa) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_shapes_stay_within_the_bound_whatever_the_threads),
        cmocka_unit_test(resnet20_shapes_stay_within_the_bound),
        cmocka_unit_test(gradients_of_weights_stay_within_the_bound_over_many_tiles),
        cmocka_unit_test(every_pixel_reaches_its_neighbours_and_no_other),
        cmocka_unit_test(the_same_threads_give_the_same_bits_and_data_any_threads),
        cmocka_unit_test(a_run_with_nan_leaves_nothing_behind),
        cmocka_unit_test(running_allocates_nothing_and_a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int check_winograd(void) { return for_each_isa(tests_with); }
