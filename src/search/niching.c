/* search/niching.c: association with reference lines and niche preservation (Deb & Jain, part I, sections IV-D and
 * IV-E, algorithms 3 and 4). */
#include "base/memory.h"
#include "search/parts.h"

/* A member's reference line: the one at the least perpendicular distance; of equal ones the first. */
typedef struct niche_place {
    size_t line;
    double distance; /* squared */
} niche_place;

/* Of lines of length 1 through the ideal point, the nearest is the one on which the point's projection is longest. */
static niche_place nearest_line(const double *point, size_t m, const double *directions, size_t h) {
    niche_place place = {0, 0};
    double longest = -1;
    for (size_t line = 0; line < h; line++) {
        double along = 0;
        for (size_t i = 0; i < m; i++) along += point[i] * directions[line * m + i];
        if (along > longest) {
            longest = along;
            place.line = line;
        }
    }
    for (size_t i = 0; i < m; i++) {
        double away = point[i] - longest * directions[place.line * m + i];
        place.distance += away * away;
    }
    return place;
}

/* One of the least crowded lines that still have candidates, at random. */
static size_t draw_line(const size_t *crowd, const size_t *candidates, size_t h, qea_draws *draws) {
    size_t least = SIZE_MAX, ties = 0;
    for (size_t line = 0; line < h; line++) {
        if (candidates[line] == 0 || crowd[line] > least) continue;
        ties = crowd[line] == least ? ties + 1 : 1;
        least = crowd[line];
    }
    size_t skip = qea_draw_below(draws, ties), line = 0;
    for (;; line++) {
        if (candidates[line] > 0 && crowd[line] == least && skip-- == 0) return line;
    }
}

/* The line's closest candidate if `closest` (of equal ones the first), else a random one. */
static size_t draw_member(const niche_place *places, const bool *picked, size_t accepted, size_t count, size_t line,
                          size_t candidates, bool closest, qea_draws *draws) {
    size_t skip = closest ? 0 : qea_draw_below(draws, candidates), best = SIZE_MAX;
    for (size_t k = accepted; k < count; k++) {
        if (picked[k] || places[k].line != line) continue;
        if (!closest && skip-- == 0) return k;
        if (closest && (best == SIZE_MAX || places[k].distance < places[best].distance)) best = k;
    }
    return best;
}

qea_status qea_niche_fill(qea_context *ctx, const double *normalised, size_t count, size_t m, const double *directions,
                          size_t h, size_t accepted, size_t keep, qea_draws *draws, bool *picked) {
    niche_place *places = NULL;
    size_t *crowd = NULL, *candidates = NULL;
    qea_status status = QEA_NEW(ctx, "niches of members", places, count);
    if (status == QEA_OK) status = QEA_NEW(ctx, "niche counts", crowd, h);
    if (status == QEA_OK) status = QEA_NEW(ctx, "niche candidates", candidates, h);
    if (status == QEA_OK) {
        for (size_t k = 0; k < count; k++) {
            places[k] = nearest_line(normalised + k * m, m, directions, h);
            picked[k] = k < accepted;
            (k < accepted ? crowd : candidates)[places[k].line]++;
        }
        for (size_t taken = accepted; taken < keep; taken++) {
            size_t line = draw_line(crowd, candidates, h, draws);
            size_t k = draw_member(places, picked, accepted, count, line, candidates[line], crowd[line] == 0, draws);
            picked[k] = true;
            crowd[line]++;
            candidates[line]--;
        }
    }
    qea_free(places);
    qea_free(crowd);
    qea_free(candidates);
    return status;
}
