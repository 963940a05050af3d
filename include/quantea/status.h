/* quantea/status.h: the status every function that can fail returns, and the context that explains it. */
#ifndef QUANTEA_STATUS_H
#define QUANTEA_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QEA_API __attribute__((visibility("default")))
#define QEA_MUST_USE __attribute__((warn_unused_result))
#define QEA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define QEA_API
#define QEA_MUST_USE
#define QEA_PRINTF(f, a)
#endif

/* What came of a call. The explanation is in the context (qea_context_message). */
typedef enum qea_status {
    QEA_OK = 0,
    QEA_ERR_CONFIG,      /* the configuration, an option or a genome is wrong; command exit code 2 */
    QEA_ERR_DATA,        /* a data or model file is missing or malformed; exit code 3 */
    QEA_ERR_IO,          /* the operating system refused a read or a write (disk full, permission); exit code 4 */
    QEA_ERR_MEMORY,      /* an allocation failed; exit code 5 */
    QEA_ERR_STATE,       /* the task is in use, of another version, or was made under other conditions; exit code 6 */
    QEA_ERR_UNSUPPORTED, /* correct, but this build or CPU cannot do it; exit code 7 */
    QEA_ERR_DIVERGED,    /* the loss or a weight became NaN or infinite; a recorded result, not a failure of the run */
    QEA_ERR_INTERRUPTED  /* a signal or the caller asked to stop; what was done is kept; exit code 130 */
} qea_status;

/* One word per status ("ok", "config", ...). Never NULL. */
QEA_API const char *qea_status_name(qea_status status);

/* Carries the explanation of the last failure and the log callback. Not shared between threads: one context
 * per thread. The library never prints: what is to be shown goes through the callback. */
typedef struct qea_context qea_context;

typedef enum qea_log_level { QEA_LOG_DEBUG, QEA_LOG_INFO, QEA_LOG_WARNING } qea_log_level;

/* `text` is one line without newline, valid during the call. */
typedef void (*qea_log_fn)(void *user, qea_log_level level, const char *text);

/* Returns NULL when out of memory. */
QEA_API qea_context *qea_context_create(void);
QEA_API void qea_context_destroy(qea_context *ctx); /* NULL is allowed */

/* The explanation of the last failure: what was being done, what was found, what is allowed, where.
 * "" if nothing failed yet. Owned by the context, valid until the next failure or destroy. */
QEA_API const char *qea_context_message(const qea_context *ctx);

/* `log` may be NULL (silence, the default). `user` is borrowed. */
QEA_API void qea_context_set_log(qea_context *ctx, qea_log_fn log, void *user);

/* "Did you mean ...?": the nearest of names[count] to a misspelt word by edit distance, in which a swap of two
 * neighbours costs as much as a letter more, a letter less or another letter, and other capitals cost nothing; if none
 * is near (distance > 1 + length/4), the only name that begins with the word or has it behind
 * its first '_'; else NULL. The result is one of `names`.
 */
QEA_API const char *qea_nearest_name(const char *word, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif
#endif
