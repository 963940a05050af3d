/* bench/common.h: what the programs here share: the machine in words, results as a file. */
#ifndef QEA_BENCH_COMMON_H
#define QEA_BENCH_COMMON_H

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"

/* First line of a command's output, or "unknown". */
static inline void bench_first_line(const char *command, char *text, size_t size) {
    snprintf(text, size, "unknown");
    FILE *pipe = popen(command, "r");
    if (!pipe) return;
    if (!fgets(text, (int)size, pipe) || text[0] == '\n') snprintf(text, size, "unknown");
    text[strcspn(text, "\n")] = 0;
    pclose(pipe);
}

/* {"commit": ..., "date": ..., "compiler": ..., "cpu": ...}, owned by the caller. */
static inline json_t *bench_describe(void) {
    char commit[128], cpu[256], date[32];
    time_t now = time(NULL);
    struct tm utc;
    bench_first_line("git -C " QEA_BENCH_FOLDER " describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null",
                     commit, sizeof commit);
    bench_first_line("sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo", cpu, sizeof cpu);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &utc));
    printf("%s, compiler %s, commit %s, %s\n", cpu, __VERSION__, commit, date);
    return json_pack("{s:s,s:s,s:s,s:s}", "commit", commit, "date", date, "compiler", __VERSION__, "cpu", cpu);
}

/* Writes FOLDER/NAME, the folder made where it is not there. */
static inline qea_status bench_write(qea_context *ctx, const char *path, const json_t *results) {
    qea_text text = {0};
    qea_text_put_json(&text, results, 2);
    qea_text_put(&text, "\n");
    const char *slash = strrchr(path, '/');
    qea_status status = qea_text_finish(ctx, &text);
    if (status == QEA_OK && slash) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        status = qea_folder_make(ctx, folder);
    }
    if (status == QEA_OK) status = qea_file_write(ctx, path, text.bytes, text.size);
    if (status == QEA_OK) printf("written: %s\n", path);
    qea_text_free(&text);
    return status;
}

#endif
