/* tests/base/scratch.h: a temporary folder that is removed with everything in it. */
#ifndef QEA_TESTS_BASE_SCRATCH_H
#define QEA_TESTS_BASE_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct scratch {
    char folder[256];
} scratch;

static inline scratch scratch_make(void) {
    scratch s;
    const char *base = getenv("TMPDIR");
    snprintf(s.folder, sizeof s.folder, "%s/qea-test-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(s.folder) == NULL) abort();
    return s;
}

/* The path of a name in it; four paths live at a time. */
static inline const char *scratch_path(const scratch *s, const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", s->folder, name);
    return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

static inline void scratch_remove(const scratch *s) { nftw(s->folder, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS); }

#endif
