/* kernels/cpu/pass_winograd_1d.h: one-dimensional transforms for the points 0, +-P, +-Q and infinity; docs/math.md. */
#ifndef QEA_KERNELS_CPU_PASS_WINOGRAD_1D_H
#define QEA_KERNELS_CPU_PASS_WINOGRAD_1D_H

#include "kernels/cpu/vector.h"
#include "kernels/cpu/pass_winograd.h"

#ifdef __AVX2__ /* as vector.h */
#define WG_P 1.0F
#define WG_Q 2.0F
#define WG_PP (WG_P * WG_P)
#define WG_QQ (WG_Q * WG_Q)

/* 1 / product of the differences to the other points: of 0, of +-P, of +-Q, of infinity. */
#define WG_N0 (1.0F / (WG_PP * WG_QQ))
#define WG_NP (1.0F / (2.0F * WG_PP * (WG_PP - WG_QQ)))
#define WG_NQ (1.0F / (2.0F * WG_QQ * (WG_QQ - WG_PP)))

/* times P, which costs nothing where that is 1 */
static inline vec wg_times_p(vec v) { return WG_P == 1.0F ? v : vec_mul(v, vec_set(WG_P)); }

/* B^T d: 6 values to 6. */
static inline void wg_input_1d(const vec d[6], vec t[6]) {
    const vec pp = vec_set(WG_PP), qq = vec_set(WG_QQ), both = vec_set(WG_PP * WG_QQ), sum = vec_set(WG_PP + WG_QQ);
    vec p_even = vec_fnma(qq, d[2], d[4]), p_odd = wg_times_p(vec_fnma(qq, d[1], d[3]));
    vec q_even = WG_PP == 1.0F ? vec_sub(d[4], d[2]) : vec_fnma(pp, d[2], d[4]);
    vec q_odd = WG_PP == 1.0F ? vec_sub(d[3], d[1]) : vec_fnma(pp, d[1], d[3]);
    const vec q = vec_set(WG_Q);
    t[0] = vec_fma(both, d[0], vec_fnma(sum, d[2], d[4]));
    t[1] = vec_add(p_even, p_odd);
    t[2] = vec_sub(p_even, p_odd);
    t[3] = vec_fma(q, q_odd, q_even);
    t[4] = vec_fnma(q, q_odd, q_even);
    t[5] = vec_fma(both, d[1], vec_fnma(sum, d[3], d[5]));
}

/* The powers of the points times 4 values: 4 to 6. */
static inline void wg_gradient_1d(const vec g[4], vec t[6]) {
    const vec pp = vec_set(WG_PP), qq = vec_set(WG_QQ), q = vec_set(WG_Q);
    vec p_even = WG_PP == 1.0F ? vec_add(g[0], g[2]) : vec_fma(pp, g[2], g[0]);
    vec p_odd = wg_times_p(WG_PP == 1.0F ? vec_add(g[1], g[3]) : vec_fma(pp, g[3], g[1]));
    vec q_even = vec_fma(qq, g[2], g[0]), q_odd = vec_fma(qq, g[3], g[1]);
    t[0] = g[0];
    t[1] = vec_add(p_even, p_odd);
    t[2] = vec_sub(p_even, p_odd);
    t[3] = vec_fma(q, q_odd, q_even);
    t[4] = vec_fnma(q, q_odd, q_even);
    t[5] = g[3];
}

/* A^T m: 6 values to 4. */
static inline void wg_output_1d(const vec m[6], vec y[4]) {
    const vec pp = vec_set(WG_PP), q = vec_set(WG_Q), qq = vec_set(WG_QQ), qqq = vec_set(WG_Q * WG_QQ);
    vec p_sum = vec_add(m[1], m[2]), p_difference = wg_times_p(vec_sub(m[1], m[2]));
    vec q_sum = vec_add(m[3], m[4]), q_difference = vec_sub(m[3], m[4]);
    y[0] = vec_add(vec_add(m[0], p_sum), q_sum);
    y[1] = vec_fma(q, q_difference, p_difference);
    if (WG_PP != 1.0F) p_sum = vec_mul(pp, p_sum), p_difference = vec_mul(pp, p_difference);
    y[2] = vec_fma(qq, q_sum, p_sum);
    y[3] = vec_fma(qqq, q_difference, vec_add(p_difference, m[5]));
}

/* A^T m for a result of 3: the gradient of a 3x3 window. */
static inline void wg_window_1d(const vec m[6], vec y[3]) {
    const vec pp = vec_set(WG_PP), q = vec_set(WG_Q), qq = vec_set(WG_QQ);
    vec p_sum = vec_add(m[1], m[2]), q_sum = vec_add(m[3], m[4]);
    y[0] = vec_add(vec_add(m[0], p_sum), q_sum);
    y[1] = vec_fma(q, vec_sub(m[3], m[4]), wg_times_p(vec_sub(m[1], m[2])));
    y[2] = vec_fma(qq, q_sum, vec_fma(pp, p_sum, m[5]));
}

/* G g: 3 values to 6. */
static inline void wg_weights_1d(const vec g[3], vec t[6]) {
    const vec q = vec_set(WG_Q), np = vec_set(WG_NP), nq = vec_set(WG_NQ);
    vec p_even = vec_fma(vec_set(WG_PP), g[2], g[0]), p_odd = wg_times_p(g[1]);
    vec q_even = vec_fma(vec_set(WG_QQ), g[2], g[0]), q_odd = vec_mul(q, g[1]);
    t[0] = vec_mul(vec_set(WG_N0), g[0]);
    t[1] = vec_mul(np, vec_add(p_even, p_odd));
    t[2] = vec_mul(np, vec_sub(p_even, p_odd));
    t[3] = vec_mul(nq, vec_add(q_even, q_odd));
    t[4] = vec_mul(nq, vec_sub(q_even, q_odd));
    t[5] = g[2];
}
#endif

#endif
