/* nn/tanh.h: tanh in float32 within 2.5 units in the last place, the same bits on every CPU (libm's differ from version
 * to version), and as vector code where it stands in a loop. */
#ifndef QEA_NN_TANH_H
#define QEA_NN_TANH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* With y = 2|x|: tanh|x| = e/(e + 2), e = exp(y) - 1, which loses nothing near 0. y = n ln 2 + r, |r| <= ln 2 / 2, and
 * e = 2^n p + (2^n - 1) with p = exp(r) - 1 from its Taylor series. */
static inline float qea_tanhf(float x) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: rounds to an integer, which then stands in the low bits */
    float y = 2.0f * fabsf(x);
    y = y > 20.0f ? 20.0f : y; /* tanh is 1 in float32 from 9.02 on */
    float rounded = y * 1.44269504f + shift;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits + 127u) << 23; /* exponent of 2^n */
    float power;
    memcpy(&power, &bits, sizeof power);
    float n = rounded - shift;
    float r = (y - n * 0.693359375f) - n * -2.12194440e-4f; /* ln 2 in two parts; the first product is exact */
    float p = 1.0f / 40320;
    p = p * r + 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r;
    float e = power * p + (power - 1.0f);
    return copysignf(e / (e + 2.0f), x);
}

#endif
