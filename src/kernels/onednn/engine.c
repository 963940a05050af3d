#include "kernels/onednn/engine.h"

#include <pthread.h>
#include <stdio.h>

#include "base/error.h"
#include "kernels/onednn/onednn.h"

static dnnl_engine_t engine;
static char version[48];
static pthread_once_t engine_once = PTHREAD_ONCE_INIT, version_once = PTHREAD_ONCE_INIT;

static void make_engine(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

dnnl_engine_t qea_onednn_engine(void) {
    pthread_once(&engine_once, make_engine);
    return engine;
}

static void make_version(void) {
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, sizeof version, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}

const char *qea_onednn_version(void) {
    pthread_once(&version_once, make_version);
    return version;
}

static const dnnl_cpu_isa_t limits[] = {[QEA_ONEDNN_SSE] = dnnl_cpu_isa_sse41,
                                        [QEA_ONEDNN_AVX2] = dnnl_cpu_isa_avx2,
                                        [QEA_ONEDNN_AVX512] = dnnl_cpu_isa_avx512_core};

bool qea_onednn_limit(qea_onednn_isa isa) {
    return isa == QEA_ONEDNN_ALL || dnnl_set_max_cpu_isa(limits[isa]) == dnnl_success;
}

/* Each set is a bit, beside those of the sets that it includes. */
bool qea_onednn_stays_within(qea_onednn_isa isa) {
    return isa == QEA_ONEDNN_ALL || ((unsigned)dnnl_get_effective_cpu_isa() & ~(unsigned)limits[isa]) == 0;
}

static bool may_use(dnnl_cpu_isa_t isa) { return (dnnl_get_effective_cpu_isa() & isa) == isa; }
bool qea_onednn_has_bf16(void) { return may_use(dnnl_cpu_isa_avx512_core_bf16); }
bool qea_onednn_has_amx(void) { return may_use(dnnl_cpu_isa_avx512_core_amx); }

qea_status qea_onednn_failed(qea_context *ctx, dnnl_status_t status, const char *doing) {
    if (status == dnnl_out_of_memory)
        return qea_fail(ctx, QEA_ERR_MEMORY, "%s: %s: out of memory", qea_onednn_version(), doing);
    if (status == dnnl_unimplemented)
        return qea_fail(ctx, QEA_ERR_UNSUPPORTED, "%s: %s: has nothing for this shape and type on this CPU",
                        qea_onednn_version(), doing);
    return qea_fail(ctx, QEA_ERR_UNSUPPORTED, "%s: %s: failed with its status %d", qea_onednn_version(), doing,
                    (int)status);
}
