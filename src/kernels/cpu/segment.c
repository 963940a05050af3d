#include <string.h>

#include "kernels/cpu/cpu.h"

bool qea_cpu_segment_forward(const qea_segment *s) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_split split = qea_cpu_split(s->rows, s->channels);
    int work = split.blocks * split.chunks;
    bool held = true;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(work)) reduction(&& : held)
    for (int i = 0; i < work; i++) {
        qea_part part = qea_cpu_part(&split, i % split.blocks, i / split.blocks);
        held = passes->forward(s, &part) && held;
    }
    return held;
}

void qea_cpu_segment_backward(const qea_segment *s, const qea_segment_grads *grads,
                              const qea_segment_dx dx[QEA_MAX_BRANCHES]) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_split split = qea_cpu_split(s->rows, s->channels);
    int work = split.blocks * split.chunks;
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(work))
    for (int i = 0; i < work; i++) {
        qea_part part = qea_cpu_part(&split, i % split.blocks, i / split.blocks);
        passes->backward(s, grads, dx, &part);
    }
}

typedef struct partial_sums {
    double dz[QEA_SUM_SLOTS], dz_x[QEA_MAX_BRANCHES][QEA_SUM_SLOTS];
    qea_part_sums part[QEA_MAX_CHUNKS]; /* points into the arrays above */
} partial_sums;

/* Room for the chunks' sums of one block: [chunk][channel], zero. */
static void make_room(const qea_split *split, int block, const qea_segment_sums *wanted, partial_sums *sums) {
    size_t channels = (size_t)qea_cpu_part(split, block, 0).channels, count = channels * (size_t)split->chunks;
    if (wanted->dz) memset(sums->dz, 0, count * sizeof *sums->dz);
    for (int b = 0; b < QEA_MAX_BRANCHES; b++)
        if (wanted->dz_x[b]) memset(sums->dz_x[b], 0, count * sizeof *sums->dz);
    for (int chunk = 0; chunk < split->chunks; chunk++) {
        size_t at = (size_t)chunk * channels;
        qea_part_sums *part = &sums->part[chunk];
        *part = (qea_part_sums){.dz = wanted->dz ? sums->dz + at : NULL};
        for (int b = 0; b < QEA_MAX_BRANCHES; b++) part->dz_x[b] = wanted->dz_x[b] ? sums->dz_x[b] + at : NULL;
    }
}

/* The sum over the chunks, in their order. */
static void add_chunks(const qea_split *split, const qea_part *block, const double *partial, float *to) {
    size_t channels = (size_t)block->channels;
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t chunk = 0; chunk < (size_t)split->chunks; chunk++) sum += partial[chunk * channels + c];
        to[(size_t)block->channel + c] = (float)sum;
    }
}

void qea_cpu_segment_reduce(const qea_segment *s, const qea_segment_grads *grads, qea_segment_sums *sums) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    const float *const center[QEA_MAX_BRANCHES] = {sums->center[0], sums->center[1]};
    qea_split split = qea_cpu_split(s->rows, s->channels);
    partial_sums partial;
    memset(sums->param, 0, sizeof sums->param);
    for (int block = 0; block < split.blocks; block++) {
        make_room(&split, block, sums, &partial);
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(split.chunks))
        for (int chunk = 0; chunk < split.chunks; chunk++) {
            qea_part part = qea_cpu_part(&split, block, chunk);
            passes->reduce(s, grads, center, &part, &partial.part[chunk]);
        }
        qea_part part = qea_cpu_part(&split, block, 0);
        if (sums->dz) add_chunks(&split, &part, partial.dz, sums->dz);
        for (int b = 0; b < s->num_branches; b++)
            if (sums->dz_x[b]) add_chunks(&split, &part, partial.dz_x[b], sums->dz_x[b]);
        for (int chunk = 0; chunk < split.chunks; chunk++)
            for (int q = 0; q < s->num_quants; q++) sums->param[q] += partial.part[chunk].param[q];
    }
}
