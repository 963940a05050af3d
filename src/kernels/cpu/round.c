#include "kernels/cpu/cpu.h"

void qea_cpu_round_to_bf16(float *values, size_t count) {
    const qea_cpu_passes *passes = qea_cpu_passes_used();
    qea_view from = {values, QEA_F32}, to = {values, QEA_BF16_WIDE};
    qea_split split = qea_cpu_split(count, 1);
#pragma omp parallel for schedule(static) num_threads(qea_cpu_team(split.chunks))
    for (int chunk = 0; chunk < split.chunks; chunk++) {
        qea_part part = qea_cpu_part(&split, 0, chunk);
        passes->copy(from, part.row, to, part.row, part.rows);
    }
}
