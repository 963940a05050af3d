/* cli/progress.h: shows how far a run is: a screen redrawn in place on a terminal, a line per event elsewhere, or JSON.
 */
#ifndef QEA_CLI_PROGRESS_H
#define QEA_CLI_PROGRESS_H

#include <stdbool.h>

#include "cli/screen.h"

typedef enum qea_progress_form {
    QEA_PROGRESS_NONE,
    QEA_PROGRESS_JSON,  /* on stdout, docs/events.md */
    QEA_PROGRESS_LINES, /* an event a line */
    QEA_PROGRESS_SCREEN /* the last lines of a terminal; nothing about the terminal is changed, so that nothing has to
                           be put back however the program ends */
} qea_progress_form;

typedef struct qea_progress_view {
    qea_progress_form form;
    int fd; /* of lines and screen */
    bool verbose, quiet;
    qea_screen screen;
    int rows, columns[QEA_SCREEN_ROWS]; /* what stands on the terminal, the cursor behind it */
    double shown_s;                     /* when the last plain update was shown */
} qea_progress_view;

/* A screen where fd is a terminal that can move its cursor (TERM), lines elsewhere; in UTF-8 and colour where locale
 * and NO_COLOR allow it. */
void qea_progress_begin(qea_progress_view *view, int fd, bool json, bool verbose, bool quiet);
/* Leaves what was drawn; the cursor stands in a new line. */
void qea_progress_end(qea_progress_view *view);

/* A qea_study_progress_fn; user is the view. */
void qea_progress_show(void *user, const qea_study_progress *progress);
/* A qea_log_fn: lines scroll past above the screen; user is the view. */
void qea_progress_log(void *user, qea_log_level level, const char *text);

#endif
