#include "check.h"

#include "nn/tanh.h"

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* One float in 211 from the smallest subnormal to infinity, against float64 tanh of the C library. */
static void tanh_is_within_2_5_units_in_the_last_place(void **state) {
    (void)state;
    double worst = 0;
    for (uint32_t bits = 1; bits < 0x7f800000; bits += 211) {
        float x = from_bits(bits), y = qea_tanhf(x);
        double exact = tanh((double)x);
        int exponent;
        frexp(exact, &exponent);
        double unit = ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
        double error = fabs((double)y - exact) / unit;
        if (!(error <= worst)) worst = error;
        assert_true(qea_tanhf(-x) == -y);
        assert_true(y <= 1);
    }
    assert_true(worst <= 2.5);
}

static void tanh_of_zeros_infinities_and_nan_is_exact(void **state) {
    (void)state;
    assert_true(qea_tanhf(0.0f) == 0.0f && !signbit(qea_tanhf(0.0f)));
    assert_true(qea_tanhf(-0.0f) == 0.0f && signbit(qea_tanhf(-0.0f)));
    assert_true(qea_tanhf(INFINITY) == 1.0f && qea_tanhf(-INFINITY) == -1.0f);
    assert_true(isnan(qea_tanhf(NAN)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tanh_is_within_2_5_units_in_the_last_place),
        cmocka_unit_test(tanh_of_zeros_infinities_and_nan_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
