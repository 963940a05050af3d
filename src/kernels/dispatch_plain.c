/* kernels/dispatch_plain.c: instead of dispatch.c where the build is plain C: there is the reference alone. */
#include "base/error.h"
#include "kernels/kernels.h"

const qea_kernels *qea_kernels_cpu(qea_context *ctx, const char *isa) {
    (void)qea_fail(ctx, QEA_ERR_UNSUPPORTED, "instruction set %s: this build is plain C", isa);
    return NULL;
}

const char *qea_kernels_isa(void) { return "plain"; }
bool qea_kernels_have_amx(void) { return false; }
const char *qea_kernels_library_version(void) { return "plain C"; }
