/* cli/progress.h: shows how far a run is: one line redrawn in place on a terminal, a line per event elsewhere. */
#ifndef QEA_CLI_PROGRESS_H
#define QEA_CLI_PROGRESS_H

#include <stdbool.h>

#include "quantea/study.h"

typedef struct qea_progress_view {
    bool terminal;
    bool line_open; /* a progress line stands on the terminal */
    double drawn_s; /* when it was drawn */
} qea_progress_view;

/* A qea_study_progress_fn; user is the view. */
void qea_progress_show(void *user, const qea_study_progress *progress);
void qea_progress_end(qea_progress_view *view);

#endif
