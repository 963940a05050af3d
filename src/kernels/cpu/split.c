#include "kernels/common.h"
#include "kernels/cpu/cpu.h"

static const qea_cpu_passes *passes_used;

void qea_cpu_use_passes(const qea_cpu_passes *passes) { passes_used = passes; }
const qea_cpu_passes *qea_cpu_passes_used(void) { return passes_used; }

/* Channels of block `block`, as equal as can be. */
static int block_start(const qea_split *split, int block) {
    return (int)((int64_t)split->channels * block / split->blocks);
}

static size_t divide_up(size_t a, size_t b) { return a / b + (a % b != 0); }

qea_split qea_cpu_split(size_t rows, int channels) {
    qea_split split = {.rows = rows, .channels = channels, .blocks = (channels + QEA_LINE - 1) / QEA_LINE};
    size_t block = divide_up((size_t)channels, (size_t)split.blocks), line_rows = QEA_LINE / block;
    size_t most = QEA_SUM_SLOTS / block < QEA_MAX_CHUNKS ? QEA_SUM_SLOTS / block : QEA_MAX_CHUNKS;
    size_t least = divide_up(QEA_CHUNK_VALUES, block), even = divide_up(rows, most);
    split.chunk_rows = divide_up(even > least ? even : least, line_rows) * line_rows; /* lines are full but the last */
    split.chunks = (int)divide_up(rows, split.chunk_rows);
    return split;
}

qea_part qea_cpu_part(const qea_split *split, int block, int chunk) {
    size_t row = (size_t)chunk * split->chunk_rows, left = split->rows - row;
    int channel = block_start(split, block);
    return (qea_part){row, left < split->chunk_rows ? left : split->chunk_rows, channel,
                      block_start(split, block + 1) - channel, split->channels};
}

int qea_cpu_team(int work) {
    int threads = qea_kernels_threads();
    return work < threads ? (work > 1 ? work : 1) : threads;
}
