/* search/reference_points.c: the structured reference points of Das and Dennis, SIAM J. Optim. 8(3), 1998,
 * doi:10.1137/S1052623496307510, in one layer or two (Deb & Jain, part I, section IV-B). */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

static const size_t max_points = (size_t)1 << 24;

/* C(m + p - 1, p), or max_points + 1 if it is larger than max_points. */
static size_t lattice_count(size_t m, size_t p) {
    /* C(n, k) with k the smaller side; every step of the product is a binomial itself, so it divides evenly. */
    size_t n = m + p - 1, k = p < m - 1 ? p : m - 1, result = 1;
    for (size_t i = 1; i <= k; i++) {
        size_t factor = n - k + i;
        if (factor > SIZE_MAX / result) return max_points + 1;
        result = result * factor / i;
        if (result > max_points) return max_points + 1;
    }
    return result;
}

/* Writes the lattice {parts/p : sum of parts = p}, each coordinate z as z * scale + shift. parts [m] is scratch. */
static void write_lattice(size_t m, size_t p, double scale, double shift, size_t *parts, double *points) {
    memset(parts, 0, m * sizeof *parts);
    parts[m - 1] = p;
    for (;;) {
        for (size_t i = 0; i < m; i++) *points++ = (double)parts[i] / (double)p * scale + shift;
        /* next composition: the last non-zero part before the end moves one unit to its left neighbour */
        size_t last = m - 1;
        while (last > 0 && parts[last] == 0) last--;
        if (last == 0) return;
        size_t rest = parts[last] - 1;
        parts[last] = 0;
        parts[last - 1]++;
        parts[m - 1] = rest;
    }
}

qea_status qea_reference_points(qea_context *ctx, size_t num_objectives, size_t partitions, size_t inner_partitions,
                                double **points, size_t *count) {
    const size_t m = num_objectives, most = 1u << 16;
    *points = NULL;
    *count = 0;
    if (m == 0 || m > most || partitions == 0 || partitions > most || inner_partitions > most)
        return qea_fail(
            ctx, QEA_ERR_CONFIG,
            "reference points: %zu objectives, %zu and %zu partitions; allowed are 1 to %zu (inner: 0 to %zu)", m,
            partitions, inner_partitions, most, most);
    size_t outer = lattice_count(m, partitions);
    size_t inner = inner_partitions == 0 ? 0 : lattice_count(m, inner_partitions);
    if (outer > max_points || inner > max_points)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "reference points: %zu objectives with %zu and %zu partitions make more than %zu points", m,
                        partitions, inner_partitions, max_points);
    size_t *parts = NULL, size;
    if (!qea_size_mul(outer + inner, m, &size)) return qea_fail(ctx, QEA_ERR_MEMORY, "reference points: too many");
    QEA_TRY(QEA_NEW(ctx, "lattice parts", parts, m));
    qea_status status = QEA_NEW(ctx, "reference points", *points, size);
    if (status == QEA_OK) {
        write_lattice(m, partitions, 1.0, 0.0, parts, *points);
        if (inner > 0) write_lattice(m, inner_partitions, 0.5, 0.5 / (double)m, parts, *points + outer * m);
        *count = outer + inner;
    }
    qea_free(parts);
    return status;
}

void qea_points_free(double *points) { qea_free(points); }

/* The most partitions whose lattice has at most `room` points; 0 if even one is too many. */
static size_t largest_partitions(size_t m, size_t room) {
    size_t p = 0;
    if (m == 1) return room > 0; /* always one point */
    while (lattice_count(m, p + 1) <= room && lattice_count(m, p + 1) <= max_points) p++;
    return p;
}

void qea_reference_choose(size_t m, size_t population, size_t *partitions, size_t *inner_partitions) {
    size_t p = largest_partitions(m, population);
    *partitions = p > 0 ? p : 1;
    *inner_partitions = 0;
    if (p > 0 && p < m) *inner_partitions = largest_partitions(m, population - lattice_count(m, p));
}
