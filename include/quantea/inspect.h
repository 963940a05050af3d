/* quantea/inspect.h: before a run: what this machine has, what a configuration will cost, a configuration to start
 * from. Nothing here leaves a task behind. */
#ifndef QUANTEA_INSPECT_H
#define QUANTEA_INSPECT_H

#include "quantea/network.h"
#include "quantea/study.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the machine --- */

typedef struct qea_fact {
    const char *topic; /* "processor", "kernels", "memory", "disk", "libraries", "data sets"; static */
    char *name;        /* owned */
    char *value;       /* owned; UTF-8, one line */
} qea_fact;

typedef struct qea_machine {
    qea_fact *facts; /* owned; facts of one topic stand together */
    size_t count;
    int workers; /* what `workers: auto` means here for workers of one thread */
} qea_machine;

/* Looks at this machine: processor, kernels that "auto" chooses (for the whole process, as a run would), the limits of
 * the container, memory, the disk of the current folder, libraries, data sets at the usual places. What cannot be found
 * out is said to be "unknown". On failure (QEA_ERR_MEMORY) *out is empty. */
QEA_API QEA_MUST_USE qea_status qea_machine_inspect(qea_context *ctx, qea_machine *out);
QEA_API void qea_machine_clear(qea_machine *machine);

#ifdef __cplusplus
}
#endif
#endif
