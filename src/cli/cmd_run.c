/* quantea run: a search and its full trainings, from a configuration; or a task that goes on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/overrides.h"
#include "cli/progress.h"
#include "quantea/study.h"

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number) {
    (void)signal_number;
    stop_requested = 1;
}

static void listen_for_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = request_stop;
    action.sa_flags = (int)SA_RESETHAND; /* a second Ctrl-C ends the program at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

typedef struct run_arguments {
    qea_study_options study;
    qea_overrides overrides;
    const char *plain; /* CONFIG.yml, or with --resume the task */
    const char *task_id;
    bool resume, json, quiet, verbose;
} run_arguments;

static bool take_option(run_arguments *run, const qea_arguments *arguments, int id, const char *value) {
    switch (id) {
    case QEA_ARGUMENT_PLAIN:
        run->plain = value;
        return true;
    case 'r':
        run->resume = true;
        return true;
    case 't':
        run->task_id = value;
        return true;
    case 'f':
        run->study.force = true;
        return true;
    case 'j':
        run->json = true;
        return true;
    case 'b':
        run->study.tensorboard = value != NULL ? value : "";
        return true;
    case 'q':
        run->quiet = true;
        return true;
    case 'v':
        run->verbose = true;
        return true;
    default:
        return qea_overrides_take(&run->overrides, arguments, value);
    }
}

static bool take_arguments(run_arguments *run, qea_arguments *arguments) {
    const char *value;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0)
        if (!take_option(run, arguments, id, value)) return false;
    if (id == QEA_ARGUMENTS_WRONG) return false;
    const char *task = run->plain != NULL ? run->plain : run->task_id;
    if (run->resume && run->plain != NULL && run->task_id != NULL) task = run->task_id; /* vega CONFIG.yml -r -t TASK */
    if (run->resume) run->study.resume_task = task;
    if (!run->resume || run->task_id != NULL) run->study.config_path = run->plain;
    run->study.task_id = run->resume ? NULL : run->task_id;
    if (run->study.resume_task == NULL && run->study.config_path == NULL) {
        (void)fprintf(stderr, "quantea run: %s; see quantea run --help\n",
                      run->resume ? "--resume needs a task: a folder or a name" : "a configuration file is needed");
        return false;
    }
    run->study.overrides = run->overrides.sets;
    run->study.num_overrides = run->overrides.count;
    return true;
}

static int run_study(run_arguments *run) {
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    if (size > 0) {
        self[size] = '\0';
        run->study.command = self;
    }
    qea_progress_view view;
    qea_progress_begin(&view, STDERR_FILENO, run->json, run->verbose, run->quiet);
    qea_context_set_log(ctx, qea_progress_log, &view);
    run->study.progress = qea_progress_show;
    run->study.user = &view;
    run->study.stop = &stop_requested;
    listen_for_signals();
    qea_study_result result;
    qea_status status = qea_study_run(ctx, &run->study, &result);
    qea_progress_end(&view);
    int code = qea_command_failed(ctx, status);
    if (result.search_end != NULL && !run->quiet) (void)fprintf(stderr, "search: %s\n", result.search_end);
    if (result.table != NULL && status == QEA_OK && !run->json) (void)printf("%s", result.table);
    if (result.task_folder != NULL && status == QEA_OK && !run->json)
        (void)printf("files: %s/output\n", result.task_folder);
    else if (result.task_folder != NULL && status != QEA_OK && status != QEA_ERR_CONFIG) /* which stays as it is */
        (void)fprintf(stderr, "to go on: quantea run --resume %s\n", result.task_folder);
    qea_study_result_clear(&result);
    qea_context_destroy(ctx);
    return code;
}

int qea_command_run(qea_arguments *arguments) {
    static run_arguments run;
    if (!take_arguments(&run, arguments)) return QEA_EXIT_USAGE;
    return run_study(&run);
}
