/* kernels/dispatch.c: which instruction set is used, decided once in a process. */
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "kernels/common.h"
#include "kernels/conv.h"
#include "kernels/cpu/cpu.h"
#include "kernels/onednn/onednn.h"

typedef struct isa_row {
    const char *name;
    const qea_cpu_passes *passes;
    qea_onednn_isa onednn;
    bool (*present)(void);
} isa_row;

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_base(void) { return true; }

static const isa_row rows[] = {{"avx512", &qea_cpu_passes_avx512, QEA_ONEDNN_AVX512, has_avx512},
                               {"avx2", &qea_cpu_passes_avx2, QEA_ONEDNN_AVX2, has_avx2},
                               {"sse2", &qea_cpu_passes_base, QEA_ONEDNN_SSE, has_base}};
enum { NUM_ROWS = sizeof rows / sizeof rows[0] };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const isa_row *chosen;
static qea_kernels cpu;

/* The row of `isa`, for "auto" the best that is present; NULL and an explanation where there is none. */
static const isa_row *find(qea_context *ctx, const char *isa) {
    bool any = strcmp(isa, "auto") == 0;
    for (size_t i = 0; i < NUM_ROWS; i++) {
        if (!any && strcmp(isa, rows[i].name) != 0) continue;
        if (rows[i].present()) return &rows[i];
        if (any) continue;
        (void)qea_fail(ctx, QEA_ERR_UNSUPPORTED,
                       "instruction set %s: this CPU does not have it; auto takes the best one", isa);
        return NULL;
    }
    (void)qea_fail(ctx, QEA_ERR_CONFIG, "instruction set \"%s\" is not known; auto, avx512, avx2 and sse2 are", isa);
    return NULL;
}

static void fill_table(void) {
    cpu = *qea_kernels_ref(); /* the loss is a matter of a few rows: the plain one is used */
    cpu.name = "cpu";
    cpu.bf16 = qea_onednn_has_bf16() ? QEA_BF16 : QEA_BF16_WIDE;
    cpu.conv_create = qea_conv_create;
    cpu.conv_destroy = qea_conv_destroy;
    cpu.conv_set_weights = qea_conv_set_weights;
    cpu.conv_reads_bytes = qea_conv_reads_bytes;
    cpu.conv_forward = qea_conv_forward;
    cpu.conv_backward_data = qea_conv_backward_data;
    cpu.conv_backward_weights = qea_conv_backward_weights;
    cpu.conv_forward_stats = qea_conv_forward_stats;
    cpu.channel_stats = qea_cpu_channel_stats;
    cpu.segment_forward = qea_cpu_segment_forward;
    cpu.segment_reduce = qea_cpu_segment_reduce;
    cpu.segment_backward = qea_cpu_segment_backward;
    cpu.max_pool = qea_cpu_max_pool;
    cpu.max_pool_backward = qea_cpu_max_pool_backward;
    cpu.avg_pool = qea_cpu_avg_pool;
    cpu.avg_pool_backward = qea_cpu_avg_pool_backward;
    cpu.skip = qea_cpu_skip;
    cpu.skip_backward = qea_cpu_skip_backward;
}

/* Whether asking for `row` by its name first would have chosen what is used: "auto" may have let oneDNN use more. */
static bool is_in_use(const isa_row *row) { return chosen == row && qea_onednn_stays_within(row->onednn); }

/* Linux lends AMX's tiles to a process that asks. */
static bool may_use_tiles(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static const qea_cpu_passes *passes_of(const isa_row *row, bool any) {
    static qea_cpu_passes with_amx;
    static qea_direct_kernel direct;
    if (!any || row->passes != &qea_cpu_passes_avx512 || !qea_onednn_has_amx() || !may_use_tiles()) return row->passes;
    with_amx = *row->passes;
    direct = qea_pass_direct_amx();
    with_amx.direct = &direct;
    with_amx.gradient = &qea_pass_gradient_amx;
    return &with_amx;
}

static const qea_kernels *choose(qea_context *ctx, const char *isa) {
    const isa_row *row = find(ctx, isa);
    bool any = strcmp(isa, "auto") == 0;
    if (!row) return NULL;
    if (chosen && !any && !is_in_use(row)) {
        (void)qea_fail(ctx, QEA_ERR_STATE, "instruction set %s: this process uses %s already", isa,
                       chosen == row ? "all that this CPU has" : chosen->name);
        return NULL;
    }
    if (chosen) return &cpu;
    if (!qea_onednn_limit(any ? QEA_ONEDNN_ALL : row->onednn)) {
        (void)qea_fail(ctx, QEA_ERR_STATE, "instruction set %s: oneDNN was in use before and cannot be limited", isa);
        return NULL;
    }
    chosen = row;
    qea_cpu_use_passes(passes_of(row, any));
    fill_table();
    return &cpu;
}

const qea_kernels *qea_kernels_cpu(qea_context *ctx, const char *isa) {
    pthread_mutex_lock(&lock);
    const qea_kernels *kernels = choose(ctx, isa);
    pthread_mutex_unlock(&lock);
    return kernels;
}

const char *qea_kernels_isa(void) {
    if (!chosen) return "plain";
    return qea_onednn_has_amx() ? "avx512-amx" : chosen->name;
}

bool qea_kernels_have_amx(void) { return chosen && qea_onednn_has_amx(); }
const char *qea_kernels_library_version(void) { return qea_onednn_version(); }
