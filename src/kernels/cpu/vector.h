/* kernels/cpu/vector.h: one float32 vector of the instruction set that a file is compiled for, AVX2 with FMA or
 * AVX-512; without them there is nothing here. vec_fma(a, b, c) is
 * a * b + c and vec_fnma(a, b, c) is c - a * b, each rounded once. */
#ifndef QEA_KERNELS_CPU_VECTOR_H
#define QEA_KERNELS_CPU_VECTOR_H

#ifdef __AVX2__
#include <immintrin.h>
#include <stdint.h>

#ifdef __AVX512F__
enum { VEC_LANES = 16 };
typedef __m512 vec;
typedef __mmask16 vec_mask;
static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_set(float v) { return _mm512_set1_ps(v); }
static inline vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vec_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec vec_load_bytes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
static inline vec_mask vec_first(int lanes) { return (vec_mask)((1U << lanes) - 1U); }
static inline vec vec_load_some(const float *p, vec_mask m) { return _mm512_maskz_loadu_ps(m, p); }
static inline void vec_store_some(float *p, vec_mask m, vec v) { _mm512_mask_storeu_ps(p, m, v); }
/* p[0], p[9], p[18], ... */
static inline vec vec_gather9(const float *p, vec_mask m) {
    const __m512i at = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                          _mm512_set1_epi32(9));
    return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), m, at, p, 4);
}
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }
#else
enum { VEC_LANES = 8 };
typedef __m256 vec;
typedef __m256i vec_mask;
static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_set(float v) { return _mm256_set1_ps(v); }
static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec vec_load_bytes(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
static inline vec_mask vec_first(int lanes) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec vec_load_some(const float *p, vec_mask m) { return _mm256_maskload_ps(p, m); }
static inline void vec_store_some(float *p, vec_mask m, vec v) { _mm256_maskstore_ps(p, m, v); }
static inline vec vec_gather9(const float *p, vec_mask m) {
    const __m256i at = _mm256_setr_epi32(0, 9, 18, 27, 36, 45, 54, 63);
    return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), p, at, _mm256_castsi256_ps(m), 4);
}
static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vec_fnma(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }
#endif
#endif

#endif
