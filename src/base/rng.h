/* base/rng.h: counter-based random numbers, value = f(seed, purpose, trial, epoch, index). No hidden state, so a
 * resumed or parallel run draws the same numbers. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1,
 * 2, 3", SC 2011, section 3.3). */
#ifndef QEA_BASE_RNG_H
#define QEA_BASE_RNG_H

#include <stdint.h>

/* Every stream of random numbers has a purpose of its own; append only, the numbers are part of the results. */
typedef enum qea_rng_purpose {
    QEA_RNG_SEARCH_SAMPLE = 1, /* random genomes */
    QEA_RNG_SEARCH_MATE = 2,   /* parents, crossover, mutation */
    QEA_RNG_SEARCH_NICHE = 3,  /* ties in survival selection */
    QEA_RNG_INIT = 4,          /* weights at the start */
    QEA_RNG_SHUFFLE = 5,       /* order of training images */
    QEA_RNG_AUGMENT = 6,       /* crops and flips */
    QEA_RNG_TEST = 7,
    QEA_RNG_TRIAL_SEED = 8,
    QEA_RNG_SPLIT = 9,      /* folders without validation images */
    QEA_RNG_SUPERNET = 10,  /* bits of the steps that train a supernet */
    QEA_RNG_AGREEMENT = 11, /* genomes that are trained separately, to see how well the search ranks */
    QEA_RNG_KENDALL = 12    /* orders that chance makes */
} qea_rng_purpose;

typedef struct qea_rng {
    uint32_t key[2];    /* from seed and purpose */
    uint32_t stream[2]; /* trial, epoch: the upper half of the counter */
} qea_rng;

/* One block of the generator, exposed for its published known answers. */
void qea_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

qea_rng qea_rng_make(uint64_t seed, qea_rng_purpose purpose, uint32_t trial, uint32_t epoch);

/* The index-th value of the stream; the same arguments give the same value always. */
uint64_t qea_rng_u64(const qea_rng *rng, uint64_t index);
double qea_rng_uniform(const qea_rng *rng, uint64_t index);                 /* [0, 1), 53 bits */
uint32_t qea_rng_below(const qea_rng *rng, uint64_t index, uint32_t bound); /* 0..bound-1, bound > 0; bias < 2^-32 */
double qea_rng_normal(const qea_rng *rng, uint64_t index);                  /* mean 0, variance 1 (Box-Muller) */

/* order[0..n) becomes a random permutation of 0..n-1 (Fisher-Yates, indices 0..n-1 of the stream are used). */
void qea_rng_permutation(const qea_rng *rng, uint32_t n, uint32_t *order);

#endif
