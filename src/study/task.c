#include "study/task.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "study/model_metadata.h"

qea_status qea_task_path(qea_context *ctx, const qea_task *task, const char *relative, char **out) {
    return qea_path_join(ctx, task->folder, relative, out);
}

static qea_status make_folders(qea_context *ctx, const qea_task *task) {
    static const char *const folders[] = {"output/nas", "output/fully_train", "logs", "work"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path;
        QEA_TRY(qea_task_path(ctx, task, folders[i], &path));
        qea_status status = qea_folder_make(ctx, path);
        qea_free(path);
        if (status != QEA_OK) return status;
    }
    return QEA_OK;
}

/* What writers that were killed have left. */
static void sweep(const qea_task *task) {
    static const char *const folders[] = {"output",       "output/nas",      "output/fully_train",
                                          "output/float", "output/supernet", "work"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path;
        if (qea_task_path(NULL, task, folders[i], &path) != QEA_OK) return;
        qea_file_sweep(path);
        qea_free(path);
    }
}

static qea_status open_parts(qea_context *ctx, qea_task *task) {
    char *log = NULL;
    QEA_TRY(make_folders(ctx, task));
    QEA_TRY(qea_task_path(ctx, task, "output/config.yml", &task->config_path));
    QEA_TRY(qea_store_open(ctx, task->folder, false, &task->store));
    sweep(task); /* the store is locked: nobody else writes */
    QEA_TRY(qea_task_path(ctx, task, "logs/pipeline.log", &log));
    task->log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    qea_free(log);
    return QEA_OK; /* without a log the run can go on */
}

qea_status qea_task_save_config(qea_context *ctx, const qea_task *task, const qea_study_config *config) {
    char *text;
    QEA_TRY(qea_yaml_emit(ctx, config->tree, &text));
    qea_status status = qea_file_write(ctx, task->config_path, text, strlen(text));
    qea_free(text);
    return status;
}

/* A task has begun when its configuration is there, which is written when its store is open and locked. */
static qea_status is_begun(qea_context *ctx, const qea_task *task, bool *begun) {
    char *config;
    QEA_TRY(qea_task_path(ctx, task, "output/config.yml", &config));
    *begun = qea_file_exists(config);
    qea_free(config);
    return QEA_OK;
}

static qea_status fail_if_begun(qea_context *ctx, const qea_task *task) {
    bool begun;
    char *version = NULL;
    QEA_TRY(is_begun(ctx, task, &begun));
    if (!begun && task->store != NULL) QEA_TRY(qea_store_get(ctx, task->store, "version", &version));
    begun = begun || version != NULL; /* its configuration has been lost */
    qea_free(version);
    if (!begun) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_STATE, "%s: a task of this name exists; resume it, or choose another name",
                    task->folder);
}

qea_status qea_task_create(qea_context *ctx, const char *base, const char *id, const qea_study_config *config,
                           qea_task *out) {
    *out = (qea_task){.log_fd = -1};
    QEA_TRY(qea_path_join(ctx, base, id, &out->folder));
    qea_status status = fail_if_begun(ctx, out);
    if (status == QEA_OK) status = open_parts(ctx, out);
    if (status == QEA_OK) status = fail_if_begun(ctx, out); /* by another process, before the store was locked */
    if (status == QEA_OK) status = qea_task_save_config(ctx, out, config);
    if (status != QEA_OK) qea_task_close(out);
    return status;
}

static qea_status fail_unless_begun(qea_context *ctx, const qea_task *task) {
    bool begun;
    QEA_TRY(is_begun(ctx, task, &begun));
    if (begun) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_CONFIG,
                    "%s: the task has not begun (there is no output/config.yml in it): start it anew under "
                    "the same name, or remove the folder",
                    task->folder);
}

static qea_status find(qea_context *ctx, const char *base, const char *task, qea_task *out) {
    *out = (qea_task){.log_fd = -1};
    char *database = NULL;
    qea_status status = qea_file_is_folder(task) || strchr(task, '/') != NULL
                            ? qea_strdup(ctx, task, &out->folder)
                            : qea_path_join(ctx, base, task, &out->folder);
    if (status == QEA_OK) status = qea_task_path(ctx, out, "task.db", &database);
    if (status == QEA_OK && !qea_file_exists(out->folder)) {
        status = qea_file_fail_missing(ctx, out->folder, "task");
        if (status == QEA_ERR_DATA) status = QEA_ERR_CONFIG;
    } else if (status == QEA_OK && !qea_file_exists(database))
        status = qea_fail(ctx, QEA_ERR_CONFIG, "%s: not the folder of a task: there is no task.db in it", out->folder);
    qea_free(database);
    return status;
}

qea_status qea_task_open(qea_context *ctx, const char *base, const char *task, qea_task *out) {
    qea_status status = find(ctx, base, task, out);
    if (status == QEA_OK) status = open_parts(ctx, out);
    if (status == QEA_OK) status = fail_unless_begun(ctx, out);
    if (status != QEA_OK) qea_task_close(out);
    return status;
}

qea_status qea_task_view(qea_context *ctx, const char *base, const char *task, qea_task *out) {
    qea_status status = find(ctx, base, task, out);
    if (status == QEA_OK) status = qea_task_path(ctx, out, "output/config.yml", &out->config_path);
    if (status == QEA_OK) status = qea_store_open(ctx, out->folder, true, &out->store);
    if (status == QEA_OK) status = fail_unless_begun(ctx, out);
    if (status != QEA_OK) qea_task_close(out);
    return status;
}

void qea_task_close(qea_task *task) {
    qea_store_close(task->store);
    if (task->log_fd >= 0) close(task->log_fd);
    qea_free(task->config_path);
    qea_free(task->folder);
    *task = (qea_task){.log_fd = -1};
}

void qea_task_log(const qea_task *task, const char *text) {
    if (task->log_fd < 0) return;
    char line[1200];
    struct tm parts;
    time_t now = time(NULL);
    gmtime_r(&now, &parts);
    int size = snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02dZ %.1100s\n", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, text);
    if (size > 0 && write(task->log_fd, line, (size_t)size) < 0)
        return; /* a log that cannot be written stops nothing */
}

qea_status qea_task_record(qea_context *ctx, qea_task *task, const char *key, const char *value, bool force) {
    char *before;
    QEA_TRY(qea_store_get(ctx, task->store, key, &before));
    qea_status status = QEA_OK;
    if (before == NULL || (force && strcmp(before, value) != 0))
        status = qea_store_set(ctx, task->store, key, value);
    else if (strcmp(before, value) != 0)
        status = qea_fail(ctx, QEA_ERR_STATE,
                          "%s: the task was begun with %s '%s', here it is '%s': its results would not repeat; --force "
                          "goes on all the same",
                          task->folder, key, before, value);
    qea_free(before);
    return status;
}

/* The processor's name as Linux tells it, and how many of them are online. */
static void describe_machine(char *text, size_t size) {
    uint8_t *bytes = NULL;
    size_t length;
    const char *name = "unknown processor";
    int name_size = (int)strlen(name);
    if (qea_file_read(NULL, "/proc/cpuinfo", 16 << 20, &bytes, &length) == QEA_OK) {
        const char *line = strstr((const char *)bytes, "model name");
        const char *colon = line != NULL ? strchr(line, ':') : NULL;
        if (colon != NULL) {
            name = colon + 1 + strspn(colon + 1, " ");
            name_size = (int)strcspn(name, "\n");
        }
    }
    (void)snprintf(text, size, "%.*s, %ld cores", name_size < 150 ? name_size : 150, name,
                   sysconf(_SC_NPROCESSORS_ONLN));
    qea_free(bytes);
}

qea_status qea_task_environment(qea_context *ctx, qea_task *task, const qea_study_config *config, bool force) {
    char threads[16];
    const qea_kernels *kernels;
    bool emulated;
    (void)snprintf(threads, sizeof threads, "%d", config->threads_per_worker);
    QEA_TRY(qea_study_kernels(ctx, config->isa, &kernels));
    const char *arithmetic = qea_study_arithmetic(kernels, config->precision, &emulated);
    QEA_TRY(qea_task_record(ctx, task, "version", QEA_VERSION, force));
    if (config->num_genes == 0) { /* else nothing is trained here */
        QEA_TRY(qea_task_record(ctx, task, "instruction set", qea_kernels_isa(), force));
        QEA_TRY(qea_task_record(ctx, task, "convolution library", qea_kernels_library_version(), force));
        QEA_TRY(qea_task_record(ctx, task, "convolution arithmetic", arithmetic, force));
        QEA_TRY(qea_task_record(ctx, task, "threads per trial", threads, force));
    }
    char machine[200];
    describe_machine(machine, sizeof machine);
    return qea_store_set(ctx, task->store, "machine", machine);
}
