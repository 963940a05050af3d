#include "cli/progress.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/format.h"
#include "quantea/network.h"

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written <= 0) return; /* who does not look misses it */
        bytes += written;
        size -= (size_t)written;
    }
}

/* --- the terminal --- */

/* true: its size has changed. */
static bool ask_size(qea_progress_view *view) {
    struct winsize window = {0};
    qea_screen before = view->screen;
    bool known = ioctl(view->fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0;
    view->screen.width = known ? window.ws_col : 80;
    view->screen.height = known ? window.ws_row : 24;
    return view->screen.width != before.width || view->screen.height != before.height;
}

/* Control sequences (ECMA-48) that put the cursor where the screen begins and clear from there on. A line that the
 * terminal has become too narrow for takes several rows. */
static int format_erase(const qea_progress_view *view, char text[32]) {
    int up = 0;
    if (view->rows == 0) return 0;
    for (int i = 0; i < view->rows; i++) {
        int columns = view->columns[i] > 0 ? view->columns[i] : 1;
        up += (columns + view->screen.width - 1) / view->screen.width;
    }
    up--;
    if (up > view->screen.height - 1) up = view->screen.height - 1;
    return up > 0 ? snprintf(text, 32, "\r\033[%dA\033[J", up) : snprintf(text, 32, "\r\033[J");
}

static void erase(qea_progress_view *view) {
    char text[32];
    (void)ask_size(view);
    int size = format_erase(view, text);
    if (size > 0) write_all(view->fd, text, (size_t)size);
    view->rows = 0;
}

/* One write, so that nothing flickers. */
static void draw(qea_progress_view *view, const qea_study_progress *progress) {
    static char text[QEA_SCREEN_TEXT + 32], lines[QEA_SCREEN_TEXT];
    int size = format_erase(view, text);
    view->rows = qea_screen_draw(&view->screen, progress, lines, view->columns);
    size_t length = strlen(lines);
    memcpy(text + size, lines, length);
    write_all(view->fd, text, (size_t)size + length);
}

static void wake_up(int signal_number) { (void)signal_number; }

/* So that a wait ends and the screen is drawn anew. */
static void listen_for_sizes(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = wake_up;
    sigaction(SIGWINCH, &action, NULL);
}

void qea_progress_begin(qea_progress_view *view, int fd, bool json, bool verbose, bool quiet) {
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool terminal = isatty(fd) == 1 && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
    *view = (qea_progress_view){.fd = fd, .verbose = verbose, .quiet = quiet};
    view->form = json       ? QEA_PROGRESS_JSON
                 : quiet    ? QEA_PROGRESS_NONE
                 : terminal ? QEA_PROGRESS_SCREEN
                            : QEA_PROGRESS_LINES;
    (void)setlocale(LC_CTYPE, "");
    (void)ask_size(view);
    view->screen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    view->screen.colour = terminal && (no_colour == NULL || no_colour[0] == '\0');
    if (view->form == QEA_PROGRESS_SCREEN) listen_for_sizes();
}

void qea_progress_end(qea_progress_view *view) {
    if (view->rows > 0) write_all(view->fd, "\n", 1);
    view->rows = 0;
}

/* --- what is shown --- */

static void put_line(qea_progress_view *view, char *line, size_t length) {
    line[length] = '\n';
    if (view->form == QEA_PROGRESS_SCREEN) erase(view);
    write_all(view->fd, line, length + 1);
}

static void show_json(qea_progress_view *view, const qea_study_progress *progress) {
    char *line;
    double now = now_s();
    if (progress->event == QEA_STUDY_PROGRESS && now - view->shown_s < 1) return;
    if (progress->event == QEA_STUDY_PROGRESS) view->shown_s = now;
    if (qea_study_progress_json(NULL, progress, &line) != QEA_OK) return;
    (void)printf("%s\n", line);
    (void)fflush(stdout);
    qea_string_free(line);
}

/* What scrolls past above the screen; the rest can be seen on it. */
static bool scrolls(const qea_progress_view *view, qea_study_event event) {
    return view->verbose || event == QEA_STUDY_TRIAL_FAILED || event == QEA_STUDY_NOTE;
}

static void show_screen(qea_progress_view *view, const qea_study_progress *progress) {
    char line[4096];
    bool resized = ask_size(view);
    double now = now_s();
    if (progress->step == NULL) return;
    if (progress->event == QEA_STUDY_PROGRESS && !resized && now - view->shown_s < 0.2) return;
    view->shown_s = now;
    if (scrolls(view, progress->event) && qea_format_event(progress, view->verbose, line, sizeof line - 1))
        put_line(view, line, strlen(line));
    draw(view, progress);
    if (progress->event == QEA_STUDY_STEP_ENDED) qea_progress_end(view); /* the next step has a screen of its own */
}

void qea_progress_show(void *user, const qea_study_progress *progress) {
    qea_progress_view *view = user;
    char line[4096];
    if (view->form == QEA_PROGRESS_JSON) show_json(view, progress);
    if (view->form == QEA_PROGRESS_SCREEN) show_screen(view, progress);
    if (view->form == QEA_PROGRESS_LINES && qea_format_event(progress, view->verbose, line, sizeof line - 1))
        put_line(view, line, strlen(line));
}

void qea_progress_log(void *user, qea_log_level level, const char *text) {
    qea_progress_view *view = user;
    char line[4096];
    if (level == QEA_LOG_DEBUG && !view->verbose) return;
    if (level == QEA_LOG_INFO && view->quiet) return;
    int length = snprintf(line, sizeof line - 1, "%s%s", level == QEA_LOG_WARNING ? "warning: " : "", text);
    if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
    if (length >= 0) put_line(view, line, (size_t)length);
}
