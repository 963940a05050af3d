#include "kernels/cpu/cpu.h"

typedef struct chunk_stats {
    double mean[QEA_SUM_SLOTS], squares[QEA_SUM_SLOTS]; /* [chunk][channel of the block] */
} chunk_stats;

/* The chunks merged in their order, as pass_stats.c merges groups. */
static void merge_chunks(const qea_split *split, int block, const chunk_stats *stats, float *mean, float *variance) {
    qea_part first = qea_cpu_part(split, block, 0);
    size_t channels = (size_t)first.channels;
    for (size_t c = 0; c < channels; c++) {
        double rows = 0, merged = 0, squares = 0;
        for (int chunk = 0; chunk < split->chunks; chunk++) {
            size_t at = (size_t)chunk * channels + c;
            double more = (double)qea_cpu_part(split, block, chunk).rows, all = rows + more;
            double delta = stats->mean[at] - merged;
            merged += delta * (more / all);
            squares += stats->squares[at] + delta * delta * (rows * more / all);
            rows = all;
        }
        mean[(size_t)first.channel + c] = (float)merged;
        variance[(size_t)first.channel + c] = rows > 0 ? (float)(squares / rows) : 0.0F;
    }
}

void qea_cpu_channel_stats(qea_view x, size_t rows, int channels, float *mean, float *variance) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_split split = qea_cpu_split(rows, channels);
    chunk_stats stats;
    for (int block = 0; block < split.blocks; block++) {
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(split.chunks))
        for (int chunk = 0; chunk < split.chunks; chunk++) {
            qea_part part = qea_cpu_part(&split, block, chunk);
            size_t at = (size_t)chunk * (size_t)part.channels;
            passes->stats(x, &part, stats.mean + at, stats.squares + at);
        }
        merge_chunks(&split, block, &stats, mean, variance);
    }
}
