/* Where the files of a data set lie in the folder that was named, and what is said when they lie elsewhere. */
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/readers.h"

enum { MAX_NAMES = 10000, SHOWN_NAMES = 4, MAX_LEVELS = 2 };

static qea_status holds_any(qea_context *ctx, const char *folder, const char *const *files, bool *holds) {
    *holds = false;
    for (; *files && !*holds; files++) {
        char *path = NULL;
        QEA_TRY(qea_path_join(ctx, folder, *files, &path));
        *holds = qea_file_exists(path) && !qea_file_is_folder(path);
        qea_free(path);
    }
    return QEA_OK;
}

qea_status qea_data_find_folder(qea_context *ctx, const char *path, const char *const *subfolders,
                                const char *const *files, char **folder) {
    *folder = NULL;
    bool holds = false;
    QEA_TRY(holds_any(ctx, path, files, &holds));
    if (holds) return qea_strdup(ctx, path, folder);
    for (; *subfolders; subfolders++) {
        char *candidate = NULL;
        QEA_TRY(qea_path_join(ctx, path, *subfolders, &candidate));
        qea_status status = holds_any(ctx, candidate, files, &holds);
        if (status == QEA_OK && holds) {
            *folder = candidate;
            return QEA_OK;
        }
        qea_free(candidate);
        QEA_TRY(status);
    }
    return QEA_OK;
}

/* --- what is there instead --- */

static bool is_archive(const char *name) {
    static const char *const ends[] = {".tar.gz", ".tgz", ".tar", ".zip"};
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (size > end && strcmp(name + size - end, ends[i]) == 0) return true;
    }
    return false;
}

/* The first folder at most `levels` below `path` that holds one of `files`, in *out (owned by the caller), or NULL. */
static void find_below(const char *path, const char *const *files, int levels, char **out) {
    char **names;
    size_t count;
    *out = NULL;
    if (levels == 0 || qea_folder_list(NULL, path, MAX_NAMES, &names, &count) != QEA_OK) return;
    for (size_t i = 0; i < count && *out == NULL; i++) {
        char *folder;
        bool holds = false;
        if (names[i][0] == '.' || qea_path_join(NULL, path, names[i], &folder) != QEA_OK) continue;
        if (qea_file_is_folder(folder) && holds_any(NULL, folder, files, &holds) == QEA_OK && holds) {
            *out = folder;
            continue;
        }
        if (qea_file_is_folder(folder)) find_below(folder, files, levels - 1, out);
        qea_free(folder);
    }
    qea_names_free(names, count);
}

/* "found a, b and 7 more" and the first archive's name, for the end of an explanation. */
static qea_status put_found(qea_context *ctx, const char *path, qea_text *text) {
    char **names;
    const char *archive = NULL;
    size_t count, shown = 0, seen = 0;
    QEA_TRY(qea_folder_list(ctx, path, MAX_NAMES, &names, &count));
    qea_text_put(text, "; found ");
    for (size_t i = 0; i < count; i++) {
        if (names[i][0] == '.') continue;
        seen++;
        if (archive == NULL && is_archive(names[i])) archive = names[i];
        if (shown < SHOWN_NAMES) qea_text_printf(text, "%s%.60s", shown++ > 0 ? ", " : "", names[i]);
    }
    if (seen == 0) qea_text_put(text, "an empty folder");
    if (seen > shown) qea_text_printf(text, " and %zu more", seen - shown);
    if (archive != NULL) qea_text_printf(text, "; is %.100s to be unpacked?", archive);
    qea_names_free(names, count);
    return QEA_OK;
}

qea_status qea_data_fail_layout(qea_context *ctx, const char *path, const char *const *files, const char *expected) {
    qea_text text = {0};
    char *below, hint[QEA_HINT];
    QEA_TRY(put_found(ctx, path, &text));
    find_below(path, files, MAX_LEVELS, &below);
    qea_text_put(&text, qea_hint(below, hint));
    qea_free(below);
    qea_status status = qea_text_finish(ctx, &text);
    if (status == QEA_OK) status = qea_fail(ctx, QEA_ERR_DATA, "%s: %s%s", path, expected, text.bytes);
    qea_text_free(&text);
    return status;
}
