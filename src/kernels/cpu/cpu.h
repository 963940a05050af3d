/* kernels/cpu/cpu.h: the passes shared out over threads; contracts in kernels/kernels.h. Rows are cut into chunks that
 * depend on the tensor's shape alone, and partial sums are added in the order of the chunks, so that no result depends
 * on the number of threads. Partial sums lie on the caller's stack, about 100 KiB at most. */
#ifndef QEA_KERNELS_CPU_H
#define QEA_KERNELS_CPU_H

#include "kernels/common.h"
#include "kernels/cpu/passes.h"

/* Chosen once, before anything else is called. */
void qea_cpu_use_passes(const qea_cpu_passes *passes);
const qea_cpu_passes *qea_cpu_passes_used(void);

/* How a tensor is cut: blocks of channels, one after another, each in chunks of rows. */
typedef struct qea_split {
    size_t rows, chunk_rows;
    int channels, blocks, chunks;
} qea_split;

qea_split qea_cpu_split(size_t rows, int channels);
qea_part qea_cpu_part(const qea_split *split, int block, int chunk);
/* Threads that share out `work` pieces. */
int qea_cpu_team(int work);

/* --- passes --- */

/* In place, as qea_round_to_bf16. */
void qea_cpu_round_to_bf16(float *values, size_t count);

/* Moments of several parts, in their order, to mean[channels] and biased variance[channels]. */
void qea_cpu_merge_moments(const qea_moments *parts, int count, size_t channels, float *mean, float *variance);
void qea_cpu_channel_stats(qea_view x, size_t rows, int channels, float *mean, float *variance);
bool qea_cpu_segment_forward(const qea_segment *segment);
void qea_cpu_segment_reduce(const qea_segment *segment, const qea_segment_grads *grads, qea_segment_sums *sums);
void qea_cpu_segment_backward(const qea_segment *segment, const qea_segment_grads *grads,
                              const qea_segment_dx dx[QEA_MAX_BRANCHES]);
void qea_cpu_max_pool(qea_view x, qea_view y, uint8_t *argmax, int n, int h, int w, int c, int kernel, int stride,
                      int pad);
void qea_cpu_max_pool_backward(qea_view dy, const uint8_t *argmax, qea_view dx, int n, int h, int w, int c, int kernel,
                               int stride, int pad);
void qea_cpu_avg_pool(qea_view x, qea_view y, int n, int h, int w, int c, int kernel, int stride, int pad);
void qea_cpu_avg_pool_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int kernel, int stride, int pad);
void qea_cpu_skip(qea_view x, qea_view y, int n, int h, int w, int c, int oh, int ow, int k, int stride);
void qea_cpu_skip_backward(qea_view dy, qea_view dx, int n, int h, int w, int c, int oh, int ow, int k, int stride);

#endif
