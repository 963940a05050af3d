/* Bits drawn at random, and what else a supernet takes from the search space. */
#include "base/rng.h"
#include "study/space.h"

enum { FLOAT_BITS = 32, WINDOW_DRAWS = 4, ATTEMPTS = 16 };

void qea_bit_space_highest(const qea_bit_space *space, uint8_t *weight_bits, uint8_t *activation_bits) {
    for (size_t i = 0; i < space->num_layers; i++) {
        const qea_gene *w = &space->genes[space->weight_gene[i]], *a = &space->genes[space->activation_gene[i]];
        weight_bits[i] = w->bits[w->num_bits - 1];
        activation_bits[i] = a->bits[a->num_bits - 1];
    }
}

qea_widths qea_bit_space_widths(const qea_bit_space *space) {
    qea_widths widths = {0};
    for (int bits = 1; bits < FLOAT_BITS; bits++) {
        bool known = false;
        for (size_t i = 0; i < space->num_genes && !known; i++)
            for (int k = 0; k < space->genes[i].num_bits && !known; k++) known = space->genes[i].bits[k] == bits;
        if (known && widths.count < QEA_MAX_WIDTHS) widths.bits[widths.count++] = (uint8_t)bits;
    }
    return widths;
}

typedef struct window { /* shares of a gene's candidates, 0..1 */
    double low, high;
} window;

static window draw_window(const qea_rng *rng, uint64_t index) {
    double x = qea_rng_uniform(rng, index), y = qea_rng_uniform(rng, index + 1);
    return x < y ? (window){x, y} : (window){y, x};
}

/* An index of the gene's candidates. */
static int draw_index(const qea_gene *gene, window range, double x) {
    int low = (int)(range.low * gene->num_bits), high = (int)(range.high * gene->num_bits);
    if (low > gene->num_bits - 1) low = gene->num_bits - 1;
    if (high > gene->num_bits - 1) high = gene->num_bits - 1;
    return low + (int)(x * (high - low + 1));
}

/* A random genome from these ranges; layers with one gene get one number. */
static void draw_genome(const qea_bit_space *space, const qea_rng *rng, uint64_t first, window weights,
                        window activations, uint16_t *genome) {
    for (size_t i = 0; i < space->num_layers; i++) {
        size_t w = space->weight_gene[i], a = space->activation_gene[i];
        genome[w] = (uint16_t)draw_index(&space->genes[w], weights, qea_rng_uniform(rng, first + w));
        genome[a] = (uint16_t)draw_index(&space->genes[a], activations, qea_rng_uniform(rng, first + a));
    }
}

/* Its ranges are drawn, too. */
static void draw_ranged(const qea_bit_space *space, const qea_rng *rng, uint64_t first, uint16_t *genome) {
    window weights = draw_window(rng, first), activations = draw_window(rng, first + 2);
    draw_genome(space, rng, first + WINDOW_DRAWS, weights, activations, genome);
}

/* Where limits leave few genomes, those that are not allowed are drawn again from ranges, some of which are low. */
void qea_bit_space_draw(qea_bit_space *space, uint64_t seed, uint64_t step, uint8_t *weight_bits,
                        uint8_t *activation_bits) {
    qea_rng rng = qea_rng_make(seed, QEA_RNG_SUPERNET, (uint32_t)(step >> 32), (uint32_t)step);
    static const window fixed[] = {{1, 1}, {0, 0}, {0, 1}};
    const uint64_t draws = WINDOW_DRAWS + space->num_genes; /* of an attempt */
    uint16_t *genome = space->scratch_genome;
    if (step % 4 < 3)
        draw_genome(space, &rng, WINDOW_DRAWS, fixed[step % 4], fixed[step % 4], genome);
    else
        draw_ranged(space, &rng, 0, genome);
    for (uint64_t attempt = 1; step % 4 >= 2 && attempt < ATTEMPTS && qea_bit_space_violation(space, genome) > 0;
         attempt++)
        draw_ranged(space, &rng, attempt * draws, genome);
    qea_bit_space_decode(space, genome, weight_bits, activation_bits);
}

void qea_bit_space_random(const qea_bit_space *space, uint64_t seed, uint32_t number, uint16_t *genome) {
    qea_rng rng = qea_rng_make(seed, QEA_RNG_AGREEMENT, number, 0);
    draw_ranged(space, &rng, 0, genome);
}
