/* quantea/quantizer.h: the quantisers of weights and activations by name, and the bit policy of a network. */
#ifndef QUANTEA_QUANTIZER_H
#define QUANTEA_QUANTIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* docs/math.md has the formulas and their sources. */
typedef enum qea_quantizer {
    QEA_DOREFA, /* Zhou et al. 2016, arXiv:1606.06160 */
    QEA_PACT,   /* Choi et al. 2018, arXiv:1805.06085: activations; weights as DoReFa */
    QEA_WRPN,   /* Mishra et al. 2017, arXiv:1709.01134: weights; activations as DoReFa */
    QEA_XNOR,   /* Rastegari et al. 2016, arXiv:1603.05279: 1-bit weights per output channel; activations as DoReFa */
    QEA_BIREAL, /* Liu et al. 2018, arXiv:1808.00278: 1-bit weights and activations */
    QEA_LSQ     /* Esser et al. 2019, arXiv:1902.08153: learned step, per output channel for weights */
} qea_quantizer;

/* "dorefa", "pact", "wrpn", "xnor", "bireal", "lsq" for 0, 1, ...; NULL for any other number. */
QEA_API const char *qea_quantizer_name(int quantizer);
/* False where there is no quantiser of that name (*out is left alone). */
QEA_API bool qea_quantizer_parse(const char *name, qea_quantizer *out);
/* Is `bits` (0 = the convolution is left out, 1..8, 16, 32 = float) defined for weights / activations? */
QEA_API bool qea_quantizer_weight_bits_ok(qea_quantizer quantizer, int bits);
QEA_API bool qea_quantizer_activation_bits_ok(qea_quantizer quantizer, int bits);

/* Bits of each quantised layer, in the network's order. */
typedef struct qea_bit_policy {
    qea_quantizer weight_quantizer, activation_quantizer;
    size_t num_layers;
    const uint8_t *weight_bits;     /* [num_layers]; borrowed */
    const uint8_t *activation_bits; /* [num_layers], of the layer's input; borrowed */
} qea_bit_policy;

#ifdef __cplusplus
}
#endif
#endif
