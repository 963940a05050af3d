/* search/hypervolume.c: exact hypervolume by exclusive volumes. Sorted by one objective, worst first, the volume that a
 * point adds to the later ones is a slab of that objective times a difference of volumes of one dimension less: While,
 * Bradstreet, Barone, "A fast way of calculating exact hypervolumes", IEEE TEVC 16(1), 2012,
 * doi:10.1109/TEVC.2010.2077298, sections III and IV. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

/* Points are rows of depths below the reference (reference - objective), so larger is better and the volume of one
 * point is the product of its row. */

static bool covers(const double *a, const double *b, size_t m) {
    for (size_t i = 0; i < m; i++) {
        if (a[i] < b[i]) return false;
    }
    return true;
}

/* Adds a row to `count` rows of which none covers another, and keeps them so. Returns the new count. */
static size_t add_row(double *rows, size_t count, const double *row, size_t m) {
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        if (covers(rows + k * m, row, m)) return count; /* then no earlier row was dropped */
    }
    for (size_t k = 0; k < count; k++) {
        if (covers(row, rows + k * m, m)) continue;
        if (kept != k) memcpy(rows + kept * m, rows + k * m, m * sizeof *rows);
        kept++;
    }
    memcpy(rows + kept * m, row, m * sizeof *row);
    return kept + 1;
}

static int by_first_cell(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* levels[d] has room for the rows of the problem of d objectives; levels[m] holds the `count` rows of this one. */
static double volume(double **levels, size_t count, size_t m) {
    double *rows = levels[m], *less = levels[m - 1], *clipped = levels[0];
    double total = 0;
    if (count == 0) return 0;
    if (m == 1) return rows[0]; /* add_row has left the largest */
    qsort(rows, count, m * sizeof *rows, by_first_cell);
    for (size_t k = 0; k < count; k++) {
        const double *row = rows + k * m;
        double own = 1;
        size_t limited = 0;
        for (size_t i = 1; i < m; i++) own *= row[i];
        for (size_t later = k + 1; later < count; later++) {
            for (size_t i = 1; i < m; i++) clipped[i - 1] = fmin(row[i], rows[later * m + i]);
            limited = add_row(less, limited, clipped, m - 1);
        }
        total += row[0] * (own - volume(levels, limited, m - 1));
    }
    return total;
}

static qea_status check_points(qea_context *ctx, const double *points, size_t count, size_t m,
                               const double *reference) {
    if (m == 0) return qea_fail(ctx, QEA_ERR_CONFIG, "hypervolume: 0 objectives; at least 1 is needed");
    for (size_t k = 0; k < count * m; k++) {
        if (!isfinite(points[k]) || !isfinite(reference[k % m]))
            return qea_fail(ctx, QEA_ERR_CONFIG,
                            "hypervolume: point %zu or the reference is not finite in objective %zu", k / m, k % m);
    }
    return QEA_OK;
}

/* Rows of the points inside the box, non-dominated, into levels[m]. */
static size_t load_rows(double **levels, const double *points, size_t count, size_t m, const double *reference) {
    double *row = levels[0];
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        bool inside = true;
        for (size_t i = 0; i < m; i++) {
            row[i] = reference[i] - points[k * m + i];
            inside = inside && row[i] > 0;
        }
        if (inside) kept = add_row(levels[m], kept, row, m);
    }
    return kept;
}

qea_status qea_hypervolume(qea_context *ctx, const double *points, size_t count, size_t num_objectives,
                           const double *reference, double *out) {
    const size_t m = num_objectives;
    double **levels = NULL; /* [m + 1]; level 0 is one row of scratch */
    *out = 0;
    QEA_TRY(check_points(ctx, points, count, m, reference));
    QEA_TRY(QEA_NEW(ctx, "hypervolume levels", levels, m + 1));
    qea_status status = QEA_NEW(ctx, "hypervolume row", levels[0], m);
    for (size_t d = 1; d <= m && status == QEA_OK; d++)
        status = qea_alloc(ctx, "hypervolume rows", count, d * sizeof(double), (void **)&levels[d]);
    if (status == QEA_OK) *out = volume(levels, load_rows(levels, points, count, m, reference), m);
    for (size_t d = 0; d <= m; d++) qea_free(levels[d]);
    qea_free(levels);
    return status;
}
