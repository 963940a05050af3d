#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void format_duration(double seconds, char *text, size_t size) {
    long s = isfinite(seconds) && seconds < 1e8 ? (long)(seconds + 0.5) : -1;
    if (s < 0)
        (void)snprintf(text, size, "unknown");
    else if (s < 3600)
        (void)snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
    else
        (void)snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static int format_state(const qea_study_progress *p, char *text, size_t size) {
    char eta[32], best[32];
    format_duration(p->eta_s, eta, sizeof eta);
    (void)snprintf(best, sizeof best, isnan(p->best_accuracy) ? "-" : "%.2f %%", 100 * p->best_accuracy);
    return snprintf(text, size,
                    "%s %zu/%zu done, %zu failed, %zu running | best accuracy %s | %.0f images/s | time left %s",
                    p->step, p->done, p->total, p->failed, p->running, best, p->images_per_s, eta);
}

static int terminal_width(void) {
    struct winsize window;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

void qea_progress_show(void *user, const qea_study_progress *progress) {
    qea_progress_view *view = user;
    char state[256];
    (void)format_state(progress, state, sizeof state);
    if (!view->terminal) {
        if (progress->event != NULL) (void)fprintf(stderr, "%s | %s\n", progress->event, state);
        return;
    }
    if (progress->event == NULL && now_s() - view->drawn_s < 0.2) return;
    if (progress->event != NULL) (void)fprintf(stderr, "\r\033[K%s\n", progress->event);
    (void)fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, state);
    (void)fflush(stderr);
    view->line_open = true;
    view->drawn_s = now_s();
}

void qea_progress_end(qea_progress_view *view) {
    if (view->line_open) (void)fprintf(stderr, "\n");
    view->line_open = false;
}
