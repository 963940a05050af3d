#include "kernels/cpu/passes.h"

const qea_cpu_passes QEA_VARIANT(qea_cpu_passes) = {
    .forward = QEA_VARIANT(qea_pass_forward),
    .reduce = QEA_VARIANT(qea_pass_reduce),
    .backward = QEA_VARIANT(qea_pass_backward),
    .stats = QEA_VARIANT(qea_pass_stats),
    .max_pool_row = QEA_VARIANT(qea_pass_max_pool_row),
    .avg_pool_row = QEA_VARIANT(qea_pass_avg_pool_row),
    .pool_backward_row = QEA_VARIANT(qea_pass_pool_backward_row),
    .copy = QEA_VARIANT(qea_pass_copy),
    .direct = &QEA_VARIANT(qea_pass_direct),
#ifdef __AVX2__
    .winograd = &QEA_VARIANT(qea_pass_winograd),
#endif
};
