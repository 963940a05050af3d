/* tests/report/browser.h: a headless Chromium that is spoken to through a pipe, one JSON object a message, each ended
 * by a zero byte (Chrome DevTools Protocol, --remote-debugging-pipe: commands on descriptor 3, answers on 4). */
#ifndef QEA_TESTS_REPORT_BROWSER_H
#define QEA_TESTS_REPORT_BROWSER_H

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scratch.h"

enum { BROWSER_PATIENCE_MS = 60000 };

typedef struct browser {
    pid_t pid;
    int to, from;
    int last_id;
    char *read; /* owned; what was read and is no whole message yet */
    size_t size, capacity;
    char session[64];
    scratch profile;
    json_t *requests; /* addresses */
    json_t *troubles; /* messages of the console, exceptions, refusals by the page's policy */
} browser;

static inline const char *browser_program(void) {
    static char path[512];
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome"};
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/snap/bin"};
    for (size_t i = 0; i < 9; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folders[i % 3], names[i / 3]);
        if (access(path, X_OK) == 0) return path;
    }
    return NULL;
}

static inline void browser_become(int from, int to, const char *profile) {
    char folder[512];
    (void)snprintf(folder, sizeof folder, "--user-data-dir=%s", profile);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpgid(0, 0);
    int quiet = open("/dev/null", O_RDWR);
    from = fcntl(from, F_DUPFD, 10); /* out of the way of 3 and 4 */
    to = fcntl(to, F_DUPFD, 10);
    for (int fd = 0; fd < 3; fd++) (void)dup2(quiet, fd);
    (void)dup2(from, 3);
    (void)dup2(to, 4);
    (void)execl(browser_program(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-extensions", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--no-first-run", "--remote-debugging-pipe", folder, "about:blank", (char *)NULL);
    _exit(127);
}

/* --- messages --- */

static inline bool browser_send(browser *b, json_t *message) {
    char *text = json_dumps(message, JSON_COMPACT);
    size_t size = strlen(text) + 1, done = 0;
    while (done < size) {
        ssize_t n = write(b->to, text + done, size - done);
        if (n <= 0) break;
        done += (size_t)n;
    }
    free(text);
    json_decref(message);
    return done == size;
}

/* The next message, owned by the caller; NULL: none came in time. */
static inline json_t *browser_receive(browser *b) {
    for (;;) {
        char *end = b->size > 0 ? memchr(b->read, 0, b->size) : NULL;
        if (end != NULL) {
            json_t *message = json_loads(b->read, 0, NULL);
            size_t used = (size_t)(end - b->read) + 1;
            memmove(b->read, b->read + used, b->size - used);
            b->size -= used;
            return message;
        }
        if (b->size == b->capacity) {
            b->capacity = b->capacity * 2 + 65536;
            b->read = realloc(b->read, b->capacity);
            if (b->read == NULL) abort();
        }
        struct pollfd wait = {.fd = b->from, .events = POLLIN};
        if (poll(&wait, 1, BROWSER_PATIENCE_MS) <= 0) return NULL;
        ssize_t n = read(b->from, b->read + b->size, b->capacity - b->size);
        if (n <= 0) return NULL;
        b->size += (size_t)n;
    }
}

/* What happened without being asked for. */
static inline void browser_note(browser *b, json_t *message) {
    const char *method = json_string_value(json_object_get(message, "method"));
    json_t *params = json_object_get(message, "params");
    if (method == NULL) return;
    if (strcmp(method, "Network.requestWillBeSent") == 0)
        json_array_append(b->requests, json_object_get(json_object_get(params, "request"), "url"));
    if (strcmp(method, "Log.entryAdded") == 0 || strcmp(method, "Runtime.exceptionThrown") == 0 ||
        strcmp(method, "Runtime.consoleAPICalled") == 0)
        json_array_append(b->troubles, params);
}

/* Sends a command; params are taken over. Returns its result, owned by the caller; NULL: it failed. */
static inline json_t *browser_call(browser *b, const char *method, json_t *params) {
    json_t *command = json_pack("{s:i, s:s, s:o}", "id", ++b->last_id, "method", method, "params",
                                params != NULL ? params : json_object());
    if (b->session[0] != '\0') json_object_set_new(command, "sessionId", json_string(b->session));
    if (!browser_send(b, command)) return NULL;
    for (;;) {
        json_t *message = browser_receive(b);
        if (message == NULL) return NULL;
        if (json_integer_value(json_object_get(message, "id")) == b->last_id) {
            json_t *result = json_incref(json_object_get(message, "result"));
            json_decref(message);
            return result;
        }
        browser_note(b, message);
        json_decref(message);
    }
}

static inline bool browser_do(browser *b, const char *method, json_t *params) {
    json_t *result = browser_call(b, method, params);
    json_decref(result);
    return result != NULL;
}

/* --- pages --- */

/* The value of an expression in the page, owned by the caller; NULL: it threw. */
static inline json_t *browser_eval(browser *b, const char *expression) {
    json_t *result =
        browser_call(b, "Runtime.evaluate",
                     json_pack("{s:s, s:b, s:b}", "expression", expression, "returnByValue", 1, "awaitPromise", 1));
    json_t *value = json_object_get(json_object_get(result, "result"), "value");
    value = json_object_get(result, "exceptionDetails") == NULL ? json_incref(value) : NULL;
    json_decref(result);
    return value;
}

/* Opens an address and waits until it is loaded. */
static inline bool browser_visit(browser *b, const char *address) {
    if (!browser_do(b, "Page.navigate", json_pack("{s:s}", "url", "about:blank"))) return false;
    if (!browser_do(b, "Page.navigate", json_pack("{s:s}", "url", address))) return false;
    for (int i = 0; i < 1000; i++) {
        json_t *ready = browser_eval(b, "document.readyState === 'complete' && location.protocol === 'file:'");
        bool yes = json_is_true(ready);
        json_decref(ready);
        if (yes) return true;
        (void)usleep(10000);
    }
    return false;
}

static inline bool browser_open_page(browser *b) {
    json_t *target = browser_call(b, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
    json_t *attached =
        browser_call(b, "Target.attachToTarget",
                     json_pack("{s:O, s:b}", "targetId", json_object_get(target, "targetId"), "flatten", 1));
    const char *session = json_string_value(json_object_get(attached, "sessionId"));
    (void)snprintf(b->session, sizeof b->session, "%s", session != NULL ? session : "");
    json_decref(target);
    json_decref(attached);
    return b->session[0] != '\0' && browser_do(b, "Runtime.enable", NULL) && browser_do(b, "Network.enable", NULL) &&
           browser_do(b, "Log.enable", NULL);
}

static inline bool browser_start(browser *b) {
    int to[2], from[2];
    *b = (browser){.requests = json_array(), .troubles = json_array(), .profile = scratch_make()};
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return false;
    (void)signal(SIGPIPE, SIG_IGN);
    b->pid = fork();
    if (b->pid == 0) browser_become(to[0], from[1], b->profile.folder);
    (void)close(to[0]);
    (void)close(from[1]);
    b->to = to[1];
    b->from = from[0];
    return b->pid > 0 && browser_open_page(b);
}

static inline void browser_stop(browser *b) {
    (void)close(b->to); /* it ends with its pipe */
    (void)close(b->from);
    for (int i = 0; i < 300 && waitpid(b->pid, NULL, WNOHANG) == 0; i++) (void)usleep(10000);
    if (kill(-b->pid, SIGKILL) == 0) (void)waitpid(b->pid, NULL, 0);
    json_decref(b->requests);
    json_decref(b->troubles);
    free(b->read);
    scratch_remove(&b->profile);
}

#endif
