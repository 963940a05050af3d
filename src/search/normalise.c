/* search/normalise.c: ideal point, extreme points and intercepts (Deb & Jain, part I, section IV-C).
 *
 * Lengths are measured from the ideal point and first divided by the range of the first front, so that every threshold
 * is relative: scaling an objective by a power of two, or shifting one whose differences are exact, changes nothing. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

static const double other_axes_weight = 1e-6; /* achievement function, part I, equation (4) */
static const double negligible = 1e-3;        /* of the first front's range: counts as 0 in the achievement function */
static const double tiny = 1e-6;              /* intercepts and ranges below this share are not believed */

qea_status qea_frame_create(qea_context *ctx, size_t m, qea_frame *frame) {
    size_t cells;
    *frame = (qea_frame){.m = m};
    if (!qea_size_mul(m, m, &cells)) return qea_fail(ctx, QEA_ERR_MEMORY, "survival: %zu objectives are too many", m);
    QEA_TRY(QEA_NEW(ctx, "ideal point", frame->ideal, m));
    return QEA_NEW(ctx, "extreme points", frame->extremes, cells);
}

void qea_frame_clear(qea_frame *frame) {
    qea_free(frame->ideal);
    qea_free(frame->extremes);
    *frame = (qea_frame){0};
}

/* Half the length from the ideal to value: halved so that no difference of finite numbers overflows. The half cancels
 * in every ratio. */
static double half_length(double value, double ideal) { return 0.5 * value - 0.5 * ideal; }

/* range[m]: half the length from the ideal to the worst of the first front, or, where that is about 0, to the worst of
 * the members; 0 if all members are ideal. */
static void measure_ranges(const qea_frame *frame, const double *objectives, const size_t *members, size_t count,
                           size_t front, double *range) {
    for (size_t i = 0; i < frame->m; i++) {
        double worst_front = 0, worst = 0;
        for (size_t k = 0; k < count; k++) {
            double length = half_length(objectives[members[k] * frame->m + i], frame->ideal[i]);
            if (k < front && length > worst_front) worst_front = length;
            if (length > worst) worst = length;
        }
        range[i] = worst_front > tiny * worst ? worst_front : worst;
    }
}

/* A length in units of the range. Where the range is 0 every member is ideal, and a remembered point that is not loses
 * against all of them. */
static double in_ranges(double value, double ideal, double range) {
    double length = half_length(value, ideal);
    if (length <= 0) return 0;
    return range > 0 ? length / range : HUGE_VAL;
}

/* The achievement function of `axis`: max over the objectives of length / weight, with negligible lengths as 0. */
static double achievement(const qea_frame *frame, const double *point, const double *range, size_t axis) {
    double most = 0;
    for (size_t i = 0; i < frame->m; i++) {
        double length = in_ranges(point[i], frame->ideal[i], range[i]);
        if (length < negligible) continue;
        if (i != axis) length /= other_axes_weight;
        if (length > most) most = length;
    }
    return most;
}

/* The remembered extreme points compete with the first front, measured by today's ideal point. An old point stays where
 * a new one is only equal. Rows are independent: next [m][m] is scratch. */
static void update_extremes(qea_frame *frame, const double *objectives, const size_t *members, size_t front,
                            const double *range, double *next) {
    const size_t m = frame->m;
    for (size_t axis = 0; axis < m; axis++) {
        const double *best = NULL;
        double least = 0;
        size_t remembered = frame->started ? m : 0;
        for (size_t k = 0; k < remembered + front; k++) {
            const double *point = k < remembered ? frame->extremes + k * m : objectives + members[k - remembered] * m;
            double value = achievement(frame, point, range, axis);
            if (best == NULL || value < least) {
                best = point;
                least = value;
            }
        }
        memcpy(next + axis * m, best, m * sizeof *next);
    }
    memcpy(frame->extremes, next, m * m * sizeof *next);
}

bool qea_solve_ones(double *matrix, size_t n, double *x) {
    for (size_t i = 0; i < n; i++) x[i] = 1;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t r = c + 1; r < n; r++) {
            if (fabs(matrix[r * n + c]) > fabs(matrix[pivot * n + c])) pivot = r;
        }
        if (!(fabs(matrix[pivot * n + c]) > 1e-10)) return false;
        for (size_t k = 0; k < n; k++) {
            double swap = matrix[c * n + k];
            matrix[c * n + k] = matrix[pivot * n + k];
            matrix[pivot * n + k] = swap;
        }
        double swap = x[c];
        x[c] = x[pivot];
        x[pivot] = swap;
        for (size_t r = c + 1; r < n; r++) {
            double factor = matrix[r * n + c] / matrix[c * n + c];
            for (size_t k = c; k < n; k++) matrix[r * n + k] -= factor * matrix[c * n + k];
            x[r] -= factor * x[c];
        }
    }
    for (size_t c = n; c-- > 0;) {
        for (size_t k = c + 1; k < n; k++) x[c] -= matrix[c * n + k] * x[k];
        x[c] /= matrix[c * n + c];
    }
    return true;
}

/* intercept[m] of the hyperplane through the extreme points, in units of range. Where the plane cannot be believed, all
 * are 1: the worst of the first front (or of the members, by measure_ranges). matrix [m][m] is scratch. */
static void find_intercepts(const qea_frame *frame, const double *range, double *matrix, double *intercept) {
    const size_t m = frame->m;
    for (size_t k = 0; k < m * m; k++) matrix[k] = in_ranges(frame->extremes[k], frame->ideal[k % m], range[k % m]);
    bool good = qea_solve_ones(matrix, m, intercept);
    for (size_t i = 0; i < m && good; i++) {
        intercept[i] = 1 / intercept[i];
        good = intercept[i] > tiny && intercept[i] < 1 / tiny; /* false for NaN */
    }
    for (size_t i = 0; i < m && !good; i++) intercept[i] = 1;
}

qea_status qea_frame_normalise(qea_context *ctx, qea_frame *frame, const double *objectives, const size_t *members,
                               size_t count, size_t front, double *normalised) {
    const size_t m = frame->m;
    double *scratch = NULL; /* range, intercept [m] and a matrix [m][m], whose size qea_frame_create has checked */
    QEA_TRY(QEA_NEW(ctx, "normalisation", scratch, m * (m + 2)));
    double *range = scratch, *intercept = scratch + m, *matrix = scratch + 2 * m;
    for (size_t k = 0; k < count; k++) {
        const double *point = objectives + members[k] * m;
        for (size_t i = 0; i < m; i++) {
            if ((k == 0 && !frame->started) || point[i] < frame->ideal[i]) frame->ideal[i] = point[i];
        }
    }
    measure_ranges(frame, objectives, members, count, front, range);
    update_extremes(frame, objectives, members, front, range, matrix);
    frame->started = true;
    find_intercepts(frame, range, matrix, intercept);
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < m; i++)
            normalised[k * m + i] = in_ranges(objectives[members[k] * m + i], frame->ideal[i], range[i]) / intercept[i];
    }
    qea_free(scratch);
    return QEA_OK;
}
