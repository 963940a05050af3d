/* search/survival.c: who lives on. Sees objective vectors and violations, never genomes (Deb & Jain, part I, algorithm
 * 1; part II, section II for violations). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

struct qea_survival {
    size_t num_lines;
    double *directions; /* [num_lines][m] of length 1, owned */
    qea_frame frame;
    uint64_t seed;
};

/* directions[m] = point / |point|; false if there is no such direction. Divided by the largest part first, so that no
 * square overflows or vanishes. */
static bool to_direction(const double *point, size_t m, double *direction) {
    double largest = 0, sum = 0;
    for (size_t i = 0; i < m; i++) {
        if (!isfinite(point[i]) || point[i] < 0) return false;
        if (point[i] > largest) largest = point[i];
    }
    if (largest <= 0) return false;
    for (size_t i = 0; i < m; i++) {
        direction[i] = point[i] / largest;
        sum += direction[i] * direction[i];
    }
    for (size_t i = 0; i < m; i++) direction[i] /= sqrt(sum);
    return true;
}

static qea_status fill_survival(qea_context *ctx, qea_survival *survival, size_t m, const double *points) {
    size_t size;
    if (!qea_size_mul(survival->num_lines, m, &size))
        return qea_fail(ctx, QEA_ERR_MEMORY, "survival: %zu reference points are too many", survival->num_lines);
    QEA_TRY(QEA_NEW(ctx, "reference directions", survival->directions, size));
    QEA_TRY(qea_frame_create(ctx, m, &survival->frame));
    for (size_t k = 0; k < survival->num_lines; k++) {
        if (!to_direction(points + k * m, m, survival->directions + k * m))
            return qea_fail(ctx, QEA_ERR_CONFIG,
                            "survival: reference point %zu is not allowed: finite parts >= 0, not all of them 0", k);
    }
    return QEA_OK;
}

qea_status qea_survival_create(qea_context *ctx, size_t num_objectives, const double *points, size_t num_points,
                               uint64_t seed, qea_survival **out) {
    *out = NULL;
    if (num_objectives == 0 || num_points == 0 || num_points > UINT32_MAX)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "survival: %zu objectives and %zu reference points; at least one of each is needed, "
                        "at most %u points",
                        num_objectives, num_points, UINT32_MAX);
    qea_survival *survival = NULL;
    QEA_TRY(QEA_NEW(ctx, "survival", survival, 1));
    survival->num_lines = num_points;
    survival->seed = seed;
    qea_status status = fill_survival(ctx, survival, num_objectives, points);
    if (status == QEA_OK)
        *out = survival;
    else
        qea_survival_destroy(survival);
    return status;
}

void qea_survival_destroy(qea_survival *survival) {
    if (survival == NULL) return;
    qea_free(survival->directions);
    qea_frame_clear(&survival->frame);
    qea_free(survival);
}

static qea_status check_members(qea_context *ctx, const qea_survival *survival, const double *objectives,
                                const double *violations, size_t count, size_t keep) {
    const size_t m = survival->frame.m;
    if (keep > count || count > UINT32_MAX)
        return qea_fail(ctx, QEA_ERR_CONFIG, "survival: %zu members to keep of %zu; at most all of at most %u", keep,
                        count, UINT32_MAX);
    for (size_t k = 0; k < count; k++) {
        if (violations != NULL && !(violations[k] >= 0))
            return qea_fail(ctx, QEA_ERR_CONFIG, "survival: violation %g of member %zu; allowed are numbers >= 0",
                            violations[k], k);
        for (size_t i = 0; i < m; i++) {
            if (!isfinite(objectives[k * m + i]))
                return qea_fail(ctx, QEA_ERR_CONFIG, "survival: objective %zu of member %zu is %g; it must be finite",
                                i, k, objectives[k * m + i]);
        }
    }
    return QEA_OK;
}

/* Marks `keep` of the feasible `members` in taken[]. */
static qea_status take_feasible(qea_context *ctx, qea_survival *survival, const double *objectives, size_t *members,
                                size_t count, size_t keep, size_t *starts, qea_draws *draws, bool *taken) {
    const size_t m = survival->frame.m;
    double *normalised = NULL;
    bool *picked = NULL;
    size_t num_fronts, size;
    QEA_TRY(qea_fronts_sort(ctx, objectives, m, members, count, keep, starts, &num_fronts));
    size_t merged = starts[num_fronts]; /* S_t: the accepted fronts and the last one */
    size_t accepted = starts[num_fronts] == keep ? keep : starts[num_fronts - 1];
    if (!qea_size_mul(count, m, &size))
        return qea_fail(ctx, QEA_ERR_MEMORY, "survival: %zu members are too many", count);
    qea_status status = QEA_NEW(ctx, "normalised objectives", normalised, size);
    if (status == QEA_OK) status = QEA_NEW(ctx, "picked members", picked, count);
    if (status == QEA_OK)
        status = qea_frame_normalise(ctx, &survival->frame, objectives, members, merged, starts[1], normalised);
    if (status == QEA_OK)
        status = qea_niche_fill(ctx, normalised, merged, m, survival->directions, survival->num_lines, accepted, keep,
                                draws, picked);
    for (size_t k = 0; k < merged && status == QEA_OK; k++) taken[members[k]] = picked[k];
    qea_free(normalised);
    qea_free(picked);
    return status;
}

typedef struct offender {
    double violation;
    uint64_t tie;
    size_t index;
} offender;

static int by_violation(const void *left, const void *right) {
    const offender *a = left, *b = right;
    if (a->violation != b->violation) return a->violation < b->violation ? -1 : 1;
    if (a->tie != b->tie) return a->tie < b->tie ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Marks the `keep` members of the least violation; of equal ones random ones. */
static qea_status take_infeasible(qea_context *ctx, const double *violations, size_t count, size_t keep,
                                  qea_draws *draws, bool *taken) {
    offender *offenders = NULL;
    size_t found = 0;
    QEA_TRY(QEA_NEW(ctx, "infeasible members", offenders, count));
    for (size_t k = 0; k < count; k++) {
        if (violations[k] > 0)
            offenders[found++] = (offender){violations[k], qea_rng_u64(&draws->rng, draws->next++), k};
    }
    qsort(offenders, found, sizeof *offenders, by_violation);
    for (size_t k = 0; k < keep; k++) taken[offenders[k].index] = true;
    qea_free(offenders);
    return QEA_OK;
}

static qea_status take_members(qea_context *ctx, qea_survival *survival, size_t generation, const double *objectives,
                               const double *violations, size_t count, size_t keep, size_t *members, size_t *starts,
                               bool *taken) {
    qea_draws draws = qea_draws_make(survival->seed, QEA_RNG_SEARCH_NICHE, generation, 0);
    size_t feasible = 0;
    for (size_t k = 0; k < count; k++) {
        if (violations == NULL || violations[k] <= 0) members[feasible++] = k;
    }
    size_t good = feasible < keep ? feasible : keep;
    if (feasible > 0) QEA_TRY(take_feasible(ctx, survival, objectives, members, feasible, good, starts, &draws, taken));
    if (good < keep) QEA_TRY(take_infeasible(ctx, violations, count, keep - good, &draws, taken));
    return QEA_OK;
}

qea_status qea_survival_select(qea_context *ctx, qea_survival *survival, size_t generation, const double *objectives,
                               const double *violations, size_t count, size_t keep, size_t *chosen) {
    QEA_TRY(check_members(ctx, survival, objectives, violations, count, keep));
    if (keep == 0) return QEA_OK;
    size_t *members = NULL, *starts = NULL;
    bool *taken = NULL;
    qea_status status = QEA_NEW(ctx, "members", members, count);
    if (status == QEA_OK) status = QEA_NEW(ctx, "front starts", starts, count + 1);
    if (status == QEA_OK) status = QEA_NEW(ctx, "chosen members", taken, count);
    if (status == QEA_OK)
        status = take_members(ctx, survival, generation, objectives, violations, count, keep, members, starts, taken);
    for (size_t k = 0, next = 0; k < count && status == QEA_OK; k++) {
        if (taken[k]) chosen[next++] = k;
    }
    qea_free(members);
    qea_free(starts);
    qea_free(taken);
    return status;
}
