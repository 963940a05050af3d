/* base/error.c: contexts: the explanation of the last failure and the log callback. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 2048 };

struct qea_context {
    char message[MESSAGE_BYTES];
    qea_log_fn log; /* NULL: silence */
    void *log_user; /* borrowed */
};

const char *qea_status_name(qea_status status) {
    switch (status) {
    case QEA_OK:
        return "ok";
    case QEA_ERR_CONFIG:
        return "config";
    case QEA_ERR_DATA:
        return "data";
    case QEA_ERR_IO:
        return "io";
    case QEA_ERR_MEMORY:
        return "memory";
    case QEA_ERR_STATE:
        return "state";
    case QEA_ERR_UNSUPPORTED:
        return "unsupported";
    case QEA_ERR_DIVERGED:
        return "diverged";
    case QEA_ERR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown";
}

qea_context *qea_context_create(void) { return calloc(1, sizeof(qea_context)); }

void qea_context_destroy(qea_context *ctx) { free(ctx); }

const char *qea_context_message(const qea_context *ctx) { return ctx == NULL ? "" : ctx->message; }

void qea_context_set_log(qea_context *ctx, qea_log_fn log, void *user) {
    if (ctx == NULL) return;
    ctx->log = log;
    ctx->log_user = user;
}

qea_status qea_fail(qea_context *ctx, qea_status status, const char *format, ...) {
    if (ctx == NULL) return status;
    char text[MESSAGE_BYTES]; /* the arguments may point into ctx->message */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(ctx->message, length < 0 ? "" : text, length < 0 ? 1 : strlen(text) + 1);
    return status;
}

/* As far as there is room. */
static void append(char text[MESSAGE_BYTES], const char *more) {
    size_t used = strlen(text), length = strnlen(more, MESSAGE_BYTES - 1 - used);
    memcpy(text + used, more, length);
    text[used + length] = 0;
}

qea_status qea_fail_prefix(qea_context *ctx, qea_status status, const char *format, ...) {
    if (ctx == NULL) return status;
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return status;
    if (ctx->message[0] != 0) append(text, ": ");
    append(text, ctx->message);
    memcpy(ctx->message, text, sizeof text);
    return status;
}

const char *qea_hint(const char *nearest, char buffer[QEA_HINT]) {
    buffer[0] = '\0';
    if (nearest != NULL) (void)snprintf(buffer, QEA_HINT, "; did you mean '%.200s'?", nearest);
    return buffer;
}

void qea_log(qea_context *ctx, qea_log_level level, const char *format, ...) {
    if (ctx == NULL || ctx->log == NULL) return;
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    for (char *at = text; *at != 0; at++) { /* the callback is promised one line */
        if (*at == '\n' || *at == '\r') *at = ' ';
    }
    ctx->log(ctx->log_user, level, text);
}
