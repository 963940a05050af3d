#include "report/kendall.h"

#include <math.h>

#include "base/rng.h"

static int order(double a, double b) { return (a > b) - (a < b); }

double qea_kendall_tau(const double *x, const double *y, size_t count) {
    long long same = 0, different_x = 0, different_y = 0; /* same: P - Q; the others: N - X, N - Y */
    for (size_t i = 0; i < count; i++) {
        if (isnan(x[i]) || isnan(y[i])) return NAN;
        for (size_t j = 0; j < i; j++) {
            int in_x = order(x[i], x[j]), in_y = order(y[i], y[j]);
            same += in_x * in_y;
            different_x += in_x != 0;
            different_y += in_y != 0;
        }
    }
    if (different_x == 0 || different_y == 0) return NAN;
    return (double)same / sqrt((double)different_x * (double)different_y);
}

double qea_kendall_mean(const double *x, const double *y, const size_t *ends, size_t groups) {
    double sum = 0;
    int defined = 0;
    for (size_t g = 0, first = 0; g < groups; first = ends[g++]) {
        double tau = qea_kendall_tau(x + first, y + first, ends[g] - first);
        if (isnan(tau)) continue;
        sum += tau;
        defined++;
    }
    return defined > 0 ? sum / defined : NAN;
}

double qea_kendall_chance(const double *x, const double *y, const size_t *ends, size_t groups) {
    enum { SEED = 0 };
    const double rounding = 1e-9; /* taus that differ at all differ by more */
    double found = qea_kendall_mean(x, y, ends, groups), shuffled[QEA_KENDALL_MOST];
    uint32_t places[QEA_KENDALL_MOST];
    int reached = 0;
    if (isnan(found) || ends[groups - 1] > QEA_KENDALL_MOST) return NAN;
    for (uint32_t k = 0; k < QEA_KENDALL_ORDERS; k++) {
        for (size_t g = 0, first = 0; g < groups; first = ends[g++]) {
            qea_rng rng = qea_rng_make(SEED, QEA_RNG_KENDALL, (uint32_t)g, k);
            qea_rng_permutation(&rng, (uint32_t)(ends[g] - first), places);
            for (size_t i = first; i < ends[g]; i++) shuffled[i] = y[first + places[i - first]];
        }
        reached += qea_kendall_mean(x, shuffled, ends, groups) >= found - rounding;
    }
    return (reached + 1.0) / (QEA_KENDALL_ORDERS + 1.0);
}
