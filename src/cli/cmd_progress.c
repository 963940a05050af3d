/* quantea progress: how far a task is, from another terminal. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/format.h"
#include "cli/progress.h"

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number) {
    (void)signal_number;
    stop_requested = 1;
}

typedef struct watch { /* start with {0} */
    qea_progress_view view;
    bool json, again;
    size_t ended;      /* trials, in the last line */
    size_t lines;      /* so far */
    const char *state; /* in the last line */
} watch;

static void show_once(const watch *w, const qea_study_progress *progress) {
    static char text[QEA_SCREEN_TEXT];
    int columns[QEA_SCREEN_ROWS];
    qea_screen screen = w->view.screen;
    if (w->view.form != QEA_PROGRESS_SCREEN) screen = (qea_screen){.width = 80, .height = 24, .utf8 = screen.utf8};
    (void)qea_screen_draw(&screen, progress, text, columns);
    (void)printf("%s\n", text);
}

static void look(void *user, const qea_study_progress *progress) {
    watch *w = user;
    if (w->json || (w->again && w->view.form == QEA_PROGRESS_SCREEN)) {
        qea_progress_show(&w->view, progress);
    } else if (!w->again) {
        show_once(w, progress);
    } else if (w->lines == 0 || w->ended != progress->done + progress->failed ||
               w->state != qea_format_condition(progress)) {
        qea_progress_show(&w->view, progress);
        w->lines++;
    }
    w->ended = progress->done + progress->failed;
    w->state = qea_format_condition(progress);
    if (progress->condition != QEA_STUDY_RUNNING) w->again = false;
}

static qea_status watch_task(qea_context *ctx, watch *w, const char *task) {
    const struct timespec pause = {.tv_sec = 1};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = request_stop;
    if (w->again) sigaction(SIGINT, &action, NULL);
    qea_status status = qea_study_look(ctx, task, NULL, look, w);
    while (status == QEA_OK && w->again && !stop_requested) {
        (void)nanosleep(&pause, NULL); /* ended early by signals: a size or an interrupt */
        if (!stop_requested) status = qea_study_look(ctx, task, NULL, look, w);
    }
    qea_progress_end(&w->view);
    return status;
}

int qea_command_progress(qea_arguments *arguments) {
    const char *task = NULL, *value;
    watch w = {0};
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0) {
        if (id == QEA_ARGUMENT_PLAIN) task = value;
        w.json |= id == 'j';
        w.again |= id == 'w';
    }
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    qea_progress_begin(&w.view, STDOUT_FILENO, w.json, false, false);
    qea_status status = watch_task(ctx, &w, task);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code == 0 && stop_requested ? qea_exit_code_of(QEA_ERR_INTERRUPTED) : code;
}
