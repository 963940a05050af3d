/* search/domination.c: constrained domination and the sort into fronts. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

static bool weakly_better(const double *a, const double *b, size_t m) {
    for (size_t i = 0; i < m; i++) {
        if (a[i] > b[i]) return false;
    }
    return true;
}

int qea_dominates(const double *a, double violation_a, const double *b, double violation_b, size_t num_objectives) {
    if (violation_a > 0 || violation_b > 0) {
        if (violation_a < violation_b) return -1;
        return violation_b < violation_a ? 1 : 0;
    }
    bool a_wins = weakly_better(a, b, num_objectives);
    bool b_wins = weakly_better(b, a, num_objectives);
    if (a_wins == b_wins) return 0; /* equal, or each is better somewhere */
    return a_wins ? -1 : 1;
}

typedef struct ranked {
    const double *objectives;
    size_t m, index, front;
} ranked;

/* Lexicographic, so that a member is dominated only by earlier ones; then by index, so that the order is total. */
static int by_objectives(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    for (size_t i = 0; i < a->m; i++) {
        if (a->objectives[i] < b->objectives[i]) return -1;
        if (a->objectives[i] > b->objectives[i]) return 1;
    }
    return a->index < b->index ? -1 : 1;
}

static int by_front(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->front != b->front) return a->front < b->front ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Puts every member into the first front in which nobody dominates it. last[k] is the newest member of front k and
 * before[i] the one that entered i's front before i (both + 1, 0 = none). */
static void assign_fronts(ranked *sorted, size_t count, size_t *last, size_t *before) {
    size_t num_fronts = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        for (; k < num_fronts; k++) {
            size_t other = last[k];
            while (other != 0 &&
                   qea_dominates(sorted[other - 1].objectives, 0, sorted[i].objectives, 0, sorted[i].m) >= 0)
                other = before[other - 1];
            if (other == 0) break;
        }
        if (k == num_fronts) last[num_fronts++] = 0;
        sorted[i].front = k;
        before[i] = last[k];
        last[k] = i + 1;
    }
}

qea_status qea_fronts_sort(qea_context *ctx, const double *objectives, size_t m, size_t *members, size_t count,
                           size_t enough, size_t *starts, size_t *num_fronts) {
    ranked *sorted = NULL;
    size_t *links = NULL; /* last and before */
    size_t num_links;
    *num_fronts = 0;
    starts[0] = 0;
    if (count == 0) return QEA_OK;
    if (!qea_size_mul(count, 2, &num_links))
        return qea_fail(ctx, QEA_ERR_MEMORY, "sorting %zu trials: too many", count);
    qea_status status = QEA_NEW(ctx, "members by front", sorted, count);
    if (status == QEA_OK) status = QEA_NEW(ctx, "links of fronts", links, num_links);
    if (status == QEA_OK) {
        for (size_t i = 0; i < count; i++) sorted[i] = (ranked){objectives + members[i] * m, m, members[i], 0};
        qsort(sorted, count, sizeof *sorted, by_objectives);
        assign_fronts(sorted, count, links, links + count);
        qsort(sorted, count, sizeof *sorted, by_front);
        for (size_t i = 0; i < count; i++) {
            if (sorted[i].front == *num_fronts) {
                if (i >= enough) break;
                starts[(*num_fronts)++] = i;
            }
            members[i] = sorted[i].index;
            starts[*num_fronts] = i + 1;
        }
    }
    qea_free(sorted);
    qea_free(links);
    return status;
}
