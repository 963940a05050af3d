/* tests/store/store_scratch.h: a task in a folder of its own for each test. */
#ifndef QEA_TEST_STORE_SCRATCH_H
#define QEA_TEST_STORE_SCRATCH_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store.h"

typedef struct scratch {
    qea_context *ctx;
    qea_store *store;
    char folder[64], database[80];
} scratch;

#define assert_ok(s, call)                                                                                             \
    do {                                                                                                               \
        if ((call) != QEA_OK) fail_msg("%s", qea_context_message((s)->ctx));                                           \
    } while (0)

static inline void close_store(scratch *s) {
    qea_store_close(s->store);
    s->store = NULL;
}

static inline void reopen(scratch *s, bool read_only) {
    close_store(s);
    assert_ok(s, qea_store_open(s->ctx, s->folder, read_only, &s->store));
}

static inline int make_scratch(void **state) {
    scratch *s = calloc(1, sizeof *s);
    if (s == NULL) return -1;
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/quantea-store-XXXXXX");
    if (mkdtemp(s->folder) == NULL) return -1;
    (void)snprintf(s->database, sizeof s->database, "%s/task.db", s->folder);
    s->ctx = qea_context_create();
    *state = s;
    return qea_store_open(s->ctx, s->folder, false, &s->store) == QEA_OK ? 0 : -1;
}

static inline int remove_scratch(void **state) {
    static const char *const names[] = {"task.db", "task.db-wal", "task.db-shm", "task.lock"};
    scratch *s = *state;
    char path[128];
    close_store(s);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", s->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(s->folder);
    qea_context_destroy(s->ctx);
    free(s);
    return 0;
}

#endif
