/* study/look.h: what a coordinator leaves in the store for those who look at its task from other processes. */
#ifndef QEA_STUDY_LOOK_H
#define QEA_STUDY_LOOK_H

#include "quantea/progress.h"
#include "store/store.h"

/* Replaces what was left before. A store that does not take it is not told of. */
void qea_look_leave(qea_store *store, const qea_study_progress *progress);

/* How a run ended: QEA_OK, or why not (`text`). begun: it has not ended yet. */
QEA_MUST_USE qea_status qea_look_begun(qea_context *ctx, qea_store *store);
void qea_look_ended(qea_store *store, qea_status status, const char *text);

#endif
