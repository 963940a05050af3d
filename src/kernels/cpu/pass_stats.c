/* Mean and squared deviations in groups of lines that stay in the second cache: the mean of a group, then the
 * deviations from it; groups are merged by Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances" (1979), equation 2.1. No large sum of squares is ever subtracted from another. */
#include "kernels/cpu/lines.h"

enum { GROUP_LINES = 64 };

typedef struct group_sums {
    double sum[QEA_LINE], squares[QEA_LINE]; /* [channels of the part] */
} group_sums;

static void sum_lines(qea_view x, const line_walk *walk, size_t from, size_t to, float *sum) {
    line_tile tile;
    memset(sum, 0, walk->length * sizeof *sum);
    for (size_t at = from; at < to; at += walk->stride) {
        size_t n = line_length(walk, at);
        const float *v = read_line(x, at, n, &tile);
#pragma omp simd
        for (size_t i = 0; i < n; i++) sum[i] += v[i];
    }
}

static void sum_deviations(qea_view x, const line_walk *walk, size_t from, size_t to, const float *center, float *sum,
                           float *squares) {
    line_tile tile;
    memset(sum, 0, walk->length * sizeof *sum);
    memset(squares, 0, walk->length * sizeof *squares);
    for (size_t at = from; at < to; at += walk->stride) {
        size_t n = line_length(walk, at);
        const float *v = read_line(x, at, n, &tile);
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float d = v[i] - center[i];
            sum[i] += d;
            squares[i] += d * d;
        }
    }
}

/* The float32 center is the mean but for its rounding, which the sum of the deviations puts right. */
static void group_stats(qea_view x, const qea_part *part, const line_walk *walk, size_t from, size_t to, double rows,
                        double *mean, double *squares) {
    size_t channels = (size_t)part->channels;
    float lanes[QEA_LINE], square_lanes[QEA_LINE], center[QEA_LINE];
    group_sums sums = {0};
    sum_lines(x, walk, from, to, lanes);
    fold_channels(part, walk, lanes, sums.sum);
    for (size_t c = 0; c < channels; c++) {
        center[c] = (float)(sums.sum[c] / rows);
        sums.sum[c] = 0;
    }
    for (size_t i = channels; i < walk->length; i++) center[i] = center[i - channels];
    sum_deviations(x, walk, from, to, center, lanes, square_lanes);
    fold_channels(part, walk, lanes, sums.sum);
    fold_channels(part, walk, square_lanes, sums.squares);
    for (size_t c = 0; c < channels; c++) {
        mean[c] = (double)center[c] + sums.sum[c] / rows;
        squares[c] = sums.squares[c] - sums.sum[c] * sums.sum[c] / rows;
    }
}

void QEA_VARIANT(qea_pass_stats)(qea_view x, const qea_part *part, double *mean, double *squares) {
    line_walk walk = walk_part(part);
    size_t channels = (size_t)part->channels, step = walk.stride * GROUP_LINES;
    double group_mean[QEA_LINE], group_squares[QEA_LINE], rows = 0;
    memset(mean, 0, channels * sizeof *mean);
    memset(squares, 0, channels * sizeof *squares);
    for (size_t from = walk.first; from < walk.end; from += step) {
        size_t to = walk.end - from < step ? walk.end : from + step;
        double more = (double)((to - from) / (size_t)part->all_channels), all = rows + more;
        group_stats(x, part, &walk, from, to, more, group_mean, group_squares);
        for (size_t c = 0; c < channels; c++) {
            double delta = group_mean[c] - mean[c];
            mean[c] += delta * (more / all);
            squares[c] += group_squares[c] + delta * delta * (rows * more / all);
        }
        rows = all;
    }
}
