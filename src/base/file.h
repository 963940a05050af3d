/* base/file.h: whole-file reads with a size limit, writes that are whole or absent, folders. */
#ifndef QEA_BASE_FILE_H
#define QEA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantea/status.h"

/* Reads at most max_bytes; a larger file is QEA_ERR_DATA naming both sizes; a missing one is QEA_ERR_DATA. *bytes is
 * owned by the caller (qea_free) and has a 0 byte behind its end that is not counted in *size. */
QEA_MUST_USE qea_status qea_file_read(qea_context *ctx, const char *path, size_t max_bytes, uint8_t **bytes,
                                      size_t *size);

/* A file that appears under `path` whole (written beside it, fsync, rename, fsync of the folder) or not at all. */
typedef struct qea_file_writer qea_file_writer;
QEA_MUST_USE qea_status qea_file_writer_open(qea_context *ctx, const char *path, qea_file_writer **out);
QEA_MUST_USE qea_status qea_file_writer_put(qea_context *ctx, qea_file_writer *w, const void *bytes, size_t size);
/* Ends the writer in every case. Unless QEA_OK is returned, `path` is what it was before; only if the last step failed,
 * the fsync of the folder, the new file is there already, whole. */
QEA_MUST_USE qea_status qea_file_writer_commit(qea_context *ctx, qea_file_writer *w);
void qea_file_writer_abandon(qea_file_writer *w); /* NULL is allowed */

QEA_MUST_USE qea_status qea_file_write(qea_context *ctx, const char *path, const void *bytes, size_t size);

/* Removes from a folder what writers left that were killed: FILE.PID-I.tmp. For a folder that nobody writes to now;
 * what cannot be removed stays. */
void qea_file_sweep(const char *folder);

/* For files that others follow while they grow: where `path` holds a beginning of the bytes, the rest is put behind it
 * in place; else the file is replaced whole. Stopped in between it holds a beginning of the bytes, or what it was. */
QEA_MUST_USE qea_status qea_file_extend(qea_context *ctx, const char *path, const void *bytes, size_t size);

bool qea_file_exists(const char *path); /* anything of that name */
bool qea_file_is_folder(const char *path);
QEA_MUST_USE qea_status qea_folder_make(qea_context *ctx, const char *path); /* with its parents; existing is fine */

/* Sorted (byte order) names in a folder without "." and "..". (*names)[i] and *names are owned by the caller:
 * qea_names_free. At most max_names, more is QEA_ERR_DATA. */
QEA_MUST_USE qea_status qea_folder_list(qea_context *ctx, const char *path, size_t max_names, char ***names,
                                        size_t *count);
void qea_names_free(char **names, size_t count);

/* QEA_ERR_DATA: "found '<path>', but there is no such <what>; did you mean ...?" with the nearest name in its folder;
 * QEA_ERR_IO where it cannot be known, for want of permission. */
qea_status qea_file_fail_missing(qea_context *ctx, const char *path, const char *what);

/* "folder/name" (no doubled slash), owned by the caller. */
QEA_MUST_USE qea_status qea_path_join(qea_context *ctx, const char *folder, const char *name, char **out);

#endif
