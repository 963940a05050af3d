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

/* The depths of a point. false: it lies outside the box. */
static bool load_row(double *row, const double *point, size_t m, const double *reference) {
    bool inside = true;
    for (size_t i = 0; i < m; i++) {
        row[i] = reference[i] - point[i];
        inside = inside && row[i] > 0;
    }
    return inside;
}

/* Rows of the points inside the box, non-dominated, into levels[m]. */
static size_t load_rows(double **levels, const double *points, size_t count, size_t m, const double *reference) {
    size_t kept = 0;
    for (size_t k = 0; k < count; k++)
        if (load_row(levels[0], points + k * m, m, reference)) kept = add_row(levels[m], kept, levels[0], m);
    return kept;
}

static void free_levels(double **levels, size_t m) {
    for (size_t d = 0; levels != NULL && d <= m; d++) qea_free(levels[d]);
    qea_free(levels);
}

/* Room for `count` rows at each level. On failure *levels is what there is so far: free_levels. */
static qea_status make_levels(qea_context *ctx, size_t count, size_t m, double ***levels) {
    QEA_TRY(QEA_NEW(ctx, "hypervolume levels", *levels, m + 1));
    QEA_TRY(QEA_NEW(ctx, "hypervolume row", (*levels)[0], m));
    for (size_t d = 1; d <= m; d++)
        QEA_TRY(qea_alloc(ctx, "hypervolume rows", count, d * sizeof(double), (void **)&(*levels)[d]));
    return QEA_OK;
}

qea_status qea_hypervolume(qea_context *ctx, const double *points, size_t count, size_t num_objectives,
                           const double *reference, double *out) {
    const size_t m = num_objectives;
    double **levels = NULL; /* [m + 1]; level 0 is one row of scratch */
    *out = 0;
    QEA_TRY(check_points(ctx, points, count, m, reference));
    qea_status status = make_levels(ctx, count, m, &levels);
    if (status == QEA_OK) *out = volume(levels, load_rows(levels, points, count, m, reference), m);
    free_levels(levels, m);
    return status;
}

/* --- point by point --- */

struct qea_volume {
    size_t m;
    double *reference, *rows; /* owned, [m] and [capacity][m]: no row covers another */
    double **levels;          /* owned, room for `room` rows at each level */
    size_t count, capacity, room;
    double total;
};

qea_status qea_volume_create(qea_context *ctx, size_t num_objectives, const double *reference, qea_volume **out) {
    qea_volume *made;
    *out = NULL;
    QEA_TRY(check_points(ctx, reference, 1, num_objectives, reference));
    QEA_TRY(QEA_NEW(ctx, "hypervolume", made, 1));
    made->m = num_objectives;
    qea_status status = QEA_NEW(ctx, "hypervolume reference", made->reference, num_objectives);
    if (status != QEA_OK) {
        qea_volume_destroy(made);
        return status;
    }
    memcpy(made->reference, reference, num_objectives * sizeof *reference);
    *out = made;
    return QEA_OK;
}

void qea_volume_destroy(qea_volume *volume) {
    if (volume == NULL) return;
    free_levels(volume->levels, volume->m);
    qea_free(volume->reference);
    qea_free(volume->rows);
    qea_free(volume);
}

/* For one row more, and for the part of the others that it covers. */
static qea_status make_room(qea_context *ctx, qea_volume *v) {
    QEA_TRY(qea_grow(ctx, "hypervolume rows", (void **)&v->rows, &v->capacity, v->count + 1, v->m * sizeof *v->rows));
    if (v->levels != NULL && v->room >= v->capacity) return QEA_OK;
    free_levels(v->levels, v->m);
    v->levels = NULL;
    v->room = v->capacity;
    qea_status status = make_levels(ctx, v->room, v->m, &v->levels);
    if (status == QEA_OK) return QEA_OK;
    free_levels(v->levels, v->m);
    v->levels = NULL;
    return status;
}

qea_status qea_volume_add(qea_context *ctx, qea_volume *v, const double *point) {
    const size_t m = v->m;
    QEA_TRY(check_points(ctx, point, 1, m, v->reference));
    QEA_TRY(make_room(ctx, v));
    double *row = v->rows + v->count * m, *clipped = v->levels[0], own = 1;
    size_t limited = 0;
    if (!load_row(row, point, m, v->reference)) return QEA_OK;
    for (size_t k = 0; k < v->count; k++) {
        const double *other = v->rows + k * m;
        if (covers(other, row, m)) return QEA_OK;
        for (size_t i = 0; i < m; i++) clipped[i] = fmin(row[i], other[i]);
        limited = add_row(v->levels[m], limited, clipped, m);
    }
    for (size_t i = 0; i < m; i++) own *= row[i];
    v->total += own - volume(v->levels, limited, m);
    memcpy(clipped, row, m * sizeof *row);
    v->count = add_row(v->rows, v->count, clipped, m);
    return QEA_OK;
}

double qea_volume_value(const qea_volume *volume) { return volume->total; }
