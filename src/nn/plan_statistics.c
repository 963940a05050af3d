/* nn/plan_statistics.c: running statistics of batch normalisation from several batches together. Means and sums of
 * squared deviations are combined pairwise: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979, equation 2.1. */
#include <string.h>

#include "nn/plan_internal.h"

static double *pooled_mean(const plan_segment *segment, int branch) {
    return segment->pooled + (size_t)branch * 2 * (size_t)segment->channels;
}

void qea_plan_estimate_begin(qea_plan *plan) {
    plan->pooled_batches = 0;
    for (size_t i = 0; i < plan->num_segments; i++) {
        const plan_segment *segment = &plan->segments[i];
        memset(segment->pooled, 0, sizeof(double) * 2 * QEA_MAX_BRANCHES * (size_t)segment->channels);
    }
}

void qea_plan_pool_statistics(const qea_plan *plan, const plan_segment *segment, int branch) {
    const plan_branch *source = &segment->branch[branch];
    double *mean = pooled_mean(segment, branch), *squares = mean + segment->channels;
    double rows = (double)segment->rows, before = rows * (double)plan->pooled_batches, after = before + rows;
    for (int c = 0; c < segment->channels; c++) {
        double s = qea_plan_source_step(plan, source, c);
        double batch_mean = s * (double)source->coefs.center[c] + qea_plan_source_bias(plan, source, c);
        double difference = batch_mean - mean[c];
        mean[c] += difference * rows / after;
        squares[c] +=
            s * s * (double)source->coefs.variance[c] * rows + difference * difference * before * rows / after;
    }
}

static void take_over(const qea_plan *plan, const plan_segment *segment, int branch) {
    const plan_norm *norm = &segment->branch[branch].norm;
    const double *mean = pooled_mean(segment, branch), *squares = mean + segment->channels;
    double rows = (double)segment->rows * (double)plan->pooled_batches;
    for (int c = 0; c < segment->channels; c++) {
        norm->mean->value[c] = (float)mean[c];
        norm->variance->value[c] = (float)(squares[c] / (rows > 1 ? rows - 1 : 1));
    }
}

void qea_plan_estimate_end(qea_plan *plan) {
    if (plan->pooled_batches == 0) return;
    for (size_t i = 0; i < plan->num_segments; i++)
        for (int k = 0; k < plan->segments[i].num_branches; k++)
            if (plan->segments[i].branch[k].normed) take_over(plan, &plan->segments[i], k);
}
