/* Mean and squared deviations in one pass, in groups of lines: deviations are taken from the mean of the group before
 * (the first group's of a part: from the mean of what was there before, or its own), and groups are merged by Chan,
 * Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979), equation 2.1.
 * Where a group lies far from the one before, what cancels in its sums is no larger than what the distance itself adds
 * to the variance, so that nothing is lost that counts. */
#include "kernels/cpu/lines.h"

enum { GROUP_LINES = 64 };

typedef struct group_stat {
    double mean[QEA_LINE], squares[QEA_LINE]; /* [channels of the part] */
} group_stat;

static void repeat_center(const double *mean, size_t channels, size_t length, float *center) {
    for (size_t c = 0; c < channels; c++) center[c] = (float)mean[c];
    for (size_t i = channels; i < length; i++) center[i] = center[i - channels];
}

/* The mean of the first group. */
static void first_center(qea_view x, const qea_part *part, const line_walk *walk, float *center) {
    size_t channels = (size_t)part->channels, step = walk->stride * GROUP_LINES, length = walk->end - walk->first;
    size_t end = walk->first + (length < step ? length : step);
    double rows = (double)((end - walk->first) / (size_t)part->all_channels), mean[QEA_LINE] = {0};
    float sum[QEA_LINE] = {0};
    line_tile tile;
    for (size_t at = walk->first; at < end; at += walk->stride) {
        size_t n = line_length(walk, at);
        const float *v = read_line(x, at, n, &tile);
#pragma omp simd
        for (size_t i = 0; i < n; i++) sum[i] += v[i];
    }
    fold_channels(part, walk, sum, mean);
    for (size_t c = 0; c < channels; c++) mean[c] /= rows;
    repeat_center(mean, channels, walk->length, center);
}

/* QUAD lines at a time, so that the sums are read and written once for all of them. */
static void sum_deviations(qea_view x, const line_walk *walk, size_t from, size_t to, const float *center, float *sum,
                           float *squares) {
    line_tile tile[QUAD];
    memset(sum, 0, walk->length * sizeof *sum);
    memset(squares, 0, walk->length * sizeof *squares);
    for (size_t at = from; at < to; at += QUAD * walk->stride) {
        const float *v[QUAD];
        for (size_t k = 0; k < QUAD; k++) v[k] = read_whole_line(x, walk, at + k * walk->stride, to, center, &tile[k]);
#pragma omp simd
        for (size_t i = 0; i < walk->length; i++) {
            float a = v[0][i] - center[i], b = v[1][i] - center[i], c = v[2][i] - center[i], d = v[3][i] - center[i];
            sum[i] += (a + b) + (c + d);
            squares[i] += (a * a + b * b) + (c * c + d * d);
        }
    }
}

/* center: for all of a line; rows: of the group. */
static void group_stats(qea_view x, const qea_part *part, const line_walk *walk, size_t from, size_t to, double rows,
                        const float *center, group_stat *group) {
    size_t channels = (size_t)part->channels;
    float lanes[QEA_LINE], square_lanes[QEA_LINE];
    memset(group, 0, sizeof *group);
    sum_deviations(x, walk, from, to, center, lanes, square_lanes);
    fold_channels(part, walk, lanes, group->mean);
    fold_channels(part, walk, square_lanes, group->squares);
    for (size_t c = 0; c < channels; c++) {
        double shift = group->mean[c] / rows;
        group->squares[c] -= group->mean[c] * shift;
        group->mean[c] = (double)center[c] + shift;
    }
}

static void merge(qea_moments *moments, const group_stat *group, double more, size_t channels) {
    double all = moments->rows + more, part = more / all, both = moments->rows * more / all;
    for (size_t c = 0; c < channels; c++) {
        double delta = group->mean[c] - moments->mean[c];
        moments->mean[c] += delta * part;
        moments->squares[c] += group->squares[c] + delta * delta * both;
    }
    moments->rows = all;
}

void QEA_VARIANT(qea_pass_stats)(qea_view x, const qea_part *part, qea_moments *moments) {
    line_walk walk = walk_part(part);
    size_t channels = (size_t)part->channels, step = walk.stride * GROUP_LINES;
    group_stat group;
    float center[QEA_LINE];
    if (moments->rows == 0) {
        memset(moments->mean, 0, channels * sizeof *moments->mean);
        memset(moments->squares, 0, channels * sizeof *moments->squares);
        first_center(x, part, &walk, center);
    } else {
        repeat_center(moments->mean, channels, walk.length, center);
    }
    for (size_t from = walk.first; from < walk.end; from += step) {
        size_t to = walk.end - from < step ? walk.end : from + step;
        double more = (double)((to - from) / (size_t)part->all_channels);
        group_stats(x, part, &walk, from, to, more, center, &group);
        merge(moments, &group, more, channels);
        repeat_center(group.mean, channels, walk.length, center);
    }
}
