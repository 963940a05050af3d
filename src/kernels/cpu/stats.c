#include "kernels/cpu/cpu.h"

void qea_cpu_merge_moments(const qea_moments *parts, int count, size_t channels, float *mean, float *variance) {
    for (size_t c = 0; c < channels; c++) {
        double rows = 0, merged = 0, squares = 0;
        for (int i = 0; i < count; i++) { /* as pass_stats.c merges groups */
            double more = parts[i].rows, all = rows + more, delta = parts[i].mean[c] - merged;
            merged += delta * (more / all);
            squares += parts[i].squares[c] + delta * delta * (rows * more / all);
            rows = all;
        }
        mean[c] = (float)merged;
        variance[c] = rows > 0 ? (float)(squares / rows) : 0.0F;
    }
}

void qea_cpu_channel_stats(qea_view x, size_t rows, int channels, float *mean, float *variance) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_split split = qea_cpu_split(rows, channels);
    double means[QEA_SUM_SLOTS], squares[QEA_SUM_SLOTS]; /* [chunk][channel of the block] */
    qea_moments moments[QEA_MAX_CHUNKS];
    for (int block = 0; block < split.blocks; block++) {
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(split.chunks))
        for (int chunk = 0; chunk < split.chunks; chunk++) {
            qea_part part = qea_cpu_part(&split, block, chunk);
            size_t at = (size_t)chunk * (size_t)part.channels;
            moments[chunk] = (qea_moments){0, means + at, squares + at};
            passes->stats(x, &part, &moments[chunk]);
        }
        qea_part part = qea_cpu_part(&split, block, 0);
        qea_cpu_merge_moments(moments, split.chunks, (size_t)part.channels, mean + part.channel,
                              variance + part.channel);
    }
}
