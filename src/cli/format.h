/* cli/format.h: numbers and events as people read them. Needs LC_NUMERIC "C", as a program has it by itself. */
#ifndef QEA_CLI_FORMAT_H
#define QEA_CLI_FORMAT_H

#include "quantea/progress.h"

enum { QEA_SHORT_TEXT = 32 };

/* "3:05", "1:00:00", "-" for what is not known. */
const char *qea_format_duration(double seconds, char text[QEA_SHORT_TEXT]);
/* "81.25 %" of an accuracy; else four digits and k, M, G, of bytes with B: "1.234M", "76.29kB"; "-" for NaN. */
const char *qea_format_objective(const qea_study_objective *objective, double value, char text[QEA_SHORT_TEXT]);
/* "search", "full training". */
const char *qea_format_step(const char *step);
/* "done", "running", ... of a look, or NULL for a progress that is none. */
const char *qea_format_condition(const qea_study_progress *progress);

/* An event in one line without its newline: "nas 3/14: trial 3 (random) done: accuracy 81.25 %, flops 1.2M; ...".
 * false: there is nothing to tell of it. verbose: also that a trial was started, and of each trial its bits. */
bool qea_format_event(const qea_study_progress *progress, bool verbose, char *line, size_t size);

#endif
