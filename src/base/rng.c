/* base/rng.c: Philox4x32-10 and what is drawn from it. */
#include "base/rng.h"

#include <math.h>

/* Constants of Salmon et al. 2011, section 3.3 and its reference implementation. */
static const uint32_t MULTIPLIER_0 = 0xD2511F53u, MULTIPLIER_1 = 0xCD9E8D57u;
static const uint32_t WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u;
static const uint64_t GOLDEN = 0x9E3779B97F4A7C15u;
static const double TWO_PI = 6.283185307179586476925;

void qea_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014):
 * a bijection after which neighbouring seeds have nothing in common. */
static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

qea_rng qea_rng_make(uint64_t seed, qea_rng_purpose purpose, uint32_t trial, uint32_t epoch) {
    uint64_t key = mix(mix(seed + GOLDEN) + (uint64_t)purpose * GOLDEN);
    return (qea_rng){{(uint32_t)key, (uint32_t)(key >> 32)}, {trial, epoch}};
}

/* 128 random bits for an index. */
static void draw(const qea_rng *rng, uint64_t index, uint64_t out[2]) {
    uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), rng->stream[0], rng->stream[1]};
    uint32_t block[4];
    qea_philox4x32(counter, rng->key, block);
    out[0] = block[0] | (uint64_t)block[1] << 32;
    out[1] = block[2] | (uint64_t)block[3] << 32;
}

uint64_t qea_rng_u64(const qea_rng *rng, uint64_t index) {
    uint64_t bits[2];
    draw(rng, index, bits);
    return bits[0];
}

double qea_rng_uniform(const qea_rng *rng, uint64_t index) { return (double)(qea_rng_u64(rng, index) >> 11) * 0x1p-53; }

/* The upper 32 bits of the 96-bit product u64 * bound. */
uint32_t qea_rng_below(const qea_rng *rng, uint64_t index, uint32_t bound) {
    uint64_t bits = qea_rng_u64(rng, index);
    uint64_t high = (bits >> 32) * bound, low = (bits & 0xFFFFFFFFu) * bound;
    return (uint32_t)((high + (low >> 32)) >> 32);
}

double qea_rng_normal(const qea_rng *rng, uint64_t index) {
    uint64_t bits[2];
    draw(rng, index, bits);
    double radius = (double)((bits[0] >> 11) + 1) * 0x1p-53; /* (0, 1]: the logarithm is finite */
    double angle = (double)(bits[1] >> 11) * 0x1p-53;
    return sqrt(-2.0 * log(radius)) * cos(TWO_PI * angle);
}

void qea_rng_permutation(const qea_rng *rng, uint32_t n, uint32_t *order) {
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = qea_rng_below(rng, i, i + 1);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
