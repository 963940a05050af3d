/* study/events.h: the events of `quantea run --json` as one table, which writes them and their document. */
#ifndef QEA_STUDY_EVENTS_H
#define QEA_STUDY_EVENTS_H

#include "quantea/progress.h"

/* docs/events.md; owned by the caller (qea_free). */
QEA_MUST_USE qea_status qea_study_events_document(qea_context *ctx, char **markdown);

#endif
