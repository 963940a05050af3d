/* cli/screen.h: how far a run is, as a screen of characters. */
#ifndef QEA_CLI_SCREEN_H
#define QEA_CLI_SCREEN_H

#include "quantea/progress.h"

enum { QEA_SCREEN_ROWS = 40, QEA_SCREEN_COLUMNS = 120, QEA_SCREEN_TEXT = 32768 };

typedef struct qea_screen {
    int width, height; /* of the terminal */
    bool utf8;         /* else ASCII alone */
    bool colour;
} qea_screen;

/* Writes the lines, parted by newlines, and returns how many there are; columns[i] is how many columns line i takes. At
 * most height - 1 lines, 1 at least; no line is longer than width - 3, so that an echoed ^C wraps nothing. What does
 * not fit is left out: first the plot, then the values, the counts last. The same progress gives the same text. */
int qea_screen_draw(const qea_screen *screen, const qea_study_progress *progress, char text[QEA_SCREEN_TEXT],
                    int columns[QEA_SCREEN_ROWS]);

#endif
