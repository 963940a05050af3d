/* base/folder.c: folders and names in them (declared in base/file.h). */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

bool qea_file_exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

bool qea_file_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static qea_status make_one(qea_context *ctx, const char *path) {
    if (mkdir(path, 0777) == 0) return QEA_OK;
    int error = errno;
    if (qea_file_is_folder(path)) return QEA_OK; /* a read-only parent answers EROFS or EACCES for existing ones */
    if (error == EEXIST) return qea_fail(ctx, QEA_ERR_IO, "%s: making this folder: found a file of the name", path);
    return qea_fail(ctx, QEA_ERR_IO, "%s: making this folder: %s", path, strerror(error));
}

qea_status qea_folder_make(qea_context *ctx, const char *path) {
    if (path[0] == 0) return qea_fail(ctx, QEA_ERR_IO, "make folder: the name is empty");
    char *part;
    QEA_TRY(qea_strdup(ctx, path, &part));
    qea_status status = QEA_OK;
    for (char *at = part + 1; *at != 0 && status == QEA_OK; at++) {
        if (*at != '/') continue;
        *at = 0;
        status = make_one(ctx, part);
        *at = '/';
    }
    if (status == QEA_OK) status = make_one(ctx, part);
    qea_free(part);
    return status;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static qea_status list_open(qea_context *ctx, DIR *folder, const char *path, size_t max_names, char ***names,
                            size_t *count) {
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL && errno != 0) return qea_fail(ctx, QEA_ERR_IO, "%s: list: %s", path, strerror(errno));
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (*count == max_names)
            return qea_fail(ctx, QEA_ERR_DATA, "%s: the folder has more than the %zu names allowed", path, max_names);
        QEA_TRY(qea_grow(ctx, "names in a folder", (void **)names, &capacity, *count + 1, sizeof **names));
        QEA_TRY(qea_strdup(ctx, entry->d_name, &(*names)[*count]));
        ++*count;
    }
    if (*count > 1) qsort(*names, *count, sizeof **names, compare_names);
    return QEA_OK;
}

qea_status qea_folder_list(qea_context *ctx, const char *path, size_t max_names, char ***names, size_t *count) {
    *names = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return qea_fail(ctx, missing ? QEA_ERR_DATA : QEA_ERR_IO, "%s: open folder: %s", path, strerror(errno));
    }
    qea_status status = list_open(ctx, folder, path, max_names, names, count);
    closedir(folder);
    if (status != QEA_OK) {
        qea_names_free(*names, *count);
        *names = NULL;
        *count = 0;
    }
    return status;
}

void qea_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) qea_free(names[i]);
    qea_free(names);
}

qea_status qea_path_join(qea_context *ctx, const char *folder, const char *name, char **out) {
    size_t folder_size = strlen(folder), name_size = strlen(name);
    bool slash = folder_size > 0 && folder[folder_size - 1] != '/';
    *out = NULL;
    char *path;
    QEA_TRY(QEA_NEW(ctx, "path", path, folder_size + name_size + 2));
    memcpy(path, folder, folder_size);
    if (slash) path[folder_size] = '/';
    memcpy(path + folder_size + slash, name, name_size + 1);
    *out = path;
    return QEA_OK;
}

/* The name in the folder of `path` that is nearest to its last part, as a path in *out (owned by the caller), or NULL.
 */
static void find_nearest(const char *path, char **out) {
    enum { MAX_NAMES = 4096 };
    const char *slash = strrchr(path, '/');
    char *folder, **names;
    size_t count;
    *out = NULL;
    if (qea_strdup(NULL, slash != NULL ? path : ".", &folder) != QEA_OK) return;
    if (slash != NULL) folder[slash == path ? 1 : slash - path] = '\0';
    if (qea_folder_list(NULL, folder, MAX_NAMES, &names, &count) == QEA_OK) {
        const char *name = qea_nearest_name(slash != NULL ? slash + 1 : path, (const char *const *)names, count);
        if (name != NULL && qea_path_join(NULL, slash != NULL ? folder : "", name, out) != QEA_OK) *out = NULL;
        qea_names_free(names, count);
    }
    qea_free(folder);
}

qea_status qea_file_fail_missing(qea_context *ctx, const char *path, const char *what) {
    char *nearest, hint[QEA_HINT];
    struct stat info;
    if (stat(path, &info) != 0 && errno != ENOENT && errno != ENOTDIR)
        return qea_fail(ctx, QEA_ERR_IO, "found '%s': %s", path, strerror(errno));
    find_nearest(path, &nearest);
    qea_status status =
        qea_fail(ctx, QEA_ERR_DATA, "found '%s', but there is no such %s%s", path, what, qea_hint(nearest, hint));
    qea_free(nearest);
    return status;
}
