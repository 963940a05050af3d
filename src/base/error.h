/* base/error.h: how the library's own code reports failures and writes log lines. */
#ifndef QEA_BASE_ERROR_H
#define QEA_BASE_ERROR_H

#include "quantea/status.h"

/* Stores the formatted explanation in `ctx` (NULL allowed: the text is dropped) and returns `status`,
 * so that a failure is one line: return qea_fail(ctx, QEA_ERR_DATA, "%s: ...", path). At most 2047 bytes are kept. */
qea_status qea_fail(qea_context *ctx, qea_status status, const char *format, ...) QEA_PRINTF(3, 4);

/* As qea_fail, but puts the text in front of the explanation already there: "training: <earlier text>". */
qea_status qea_fail_prefix(qea_context *ctx, qea_status status, const char *format, ...) QEA_PRINTF(3, 4);

enum { QEA_HINT = 256 };
/* "; did you mean 'X'?" for the end of an explanation, in `buffer`; "" where `nearest` is NULL. Returns `buffer`. */
const char *qea_hint(const char *nearest, char buffer[QEA_HINT]);

void qea_log(qea_context *ctx, qea_log_level level, const char *format, ...) QEA_PRINTF(3, 4);

/* return the status of `call` from the enclosing function unless it is QEA_OK. */
#define QEA_TRY(call)                                                                                                  \
    do {                                                                                                               \
        qea_status qea_try_status_ = (call);                                                                           \
        if (qea_try_status_ != QEA_OK) return qea_try_status_;                                                         \
    } while (0)

#endif
