/* Bits drawn at random, and what else a supernet takes from the search space. */
#include "base/rng.h"
#include "study/space.h"

enum { FLOAT_BITS = 32, WINDOW_DRAWS = 4 };

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

static uint8_t draw_gene(const qea_gene *gene, window range, double x) {
    return gene->bits[draw_index(gene, range, x)];
}

void qea_bit_space_draw(const qea_bit_space *space, uint64_t seed, uint64_t step, uint8_t *weight_bits,
                        uint8_t *activation_bits) {
    qea_rng rng = qea_rng_make(seed, QEA_RNG_SUPERNET, (uint32_t)(step >> 32), (uint32_t)step);
    static const window fixed[] = {{1, 1}, {0, 0}, {0, 1}};
    bool ranged = step % 4 == 3;
    window weights = ranged ? draw_window(&rng, 0) : fixed[step % 4];
    window activations = ranged ? draw_window(&rng, 2) : fixed[step % 4];
    for (size_t i = 0; i < space->num_layers; i++) { /* layers with one gene get one number */
        size_t w = space->weight_gene[i], a = space->activation_gene[i];
        weight_bits[i] = draw_gene(&space->genes[w], weights, qea_rng_uniform(&rng, WINDOW_DRAWS + w));
        activation_bits[i] = draw_gene(&space->genes[a], activations, qea_rng_uniform(&rng, WINDOW_DRAWS + a));
    }
}

void qea_bit_space_random(const qea_bit_space *space, uint64_t seed, uint32_t number, uint16_t *genome) {
    qea_rng rng = qea_rng_make(seed, QEA_RNG_AGREEMENT, number, 0);
    window weights = draw_window(&rng, 0), activations = draw_window(&rng, 2);
    for (size_t i = 0; i < space->num_layers; i++) {
        size_t w = space->weight_gene[i], a = space->activation_gene[i];
        genome[w] = (uint16_t)draw_index(&space->genes[w], weights, qea_rng_uniform(&rng, WINDOW_DRAWS + w));
        genome[a] = (uint16_t)draw_index(&space->genes[a], activations, qea_rng_uniform(&rng, WINDOW_DRAWS + a));
    }
}
