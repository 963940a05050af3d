/* base/text.h: a growing string, and numbers in round-trip form whatever the locale. */
#ifndef QEA_BASE_TEXT_H
#define QEA_BASE_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "quantea/status.h"

/* Appending after an allocation failed does nothing; qea_text_finish tells. Start with {0}. */
typedef struct qea_text {
    char *bytes; /* owned; NULL or 0-terminated */
    size_t size; /* without the 0 */
    size_t capacity;
    bool failed;
} qea_text;

void qea_text_put(qea_text *text, const char *string);
void qea_text_put_bytes(qea_text *text, const char *bytes, size_t size);
void qea_text_printf(qea_text *text, const char *format, ...) QEA_PRINTF(2, 3); /* no %f, %g, %e: locale */
/* The decimal of the fewest digits, correctly rounded, that reads back as the same double; "NaN", "Infinity",
 * "-Infinity" else. */
void qea_text_put_double(qea_text *text, double value);
/* JSON of `value`, objects in insertion order, numbers by qea_text_put_double (non-finite ones as null). indent 0: one
 * line; else lists of scalars only stand in one line. */
void qea_text_put_json(qea_text *text, const json_t *value, int indent);
QEA_MUST_USE qea_status qea_text_finish(qea_context *ctx, qea_text *text); /* QEA_ERR_MEMORY if anything was lost */
/* As qea_text_finish, and *out is the text, owned by the caller (qea_free); NULL where it fails. Frees `text` in every
 * case. */
QEA_MUST_USE qea_status qea_text_take(qea_context *ctx, qea_text *text, char **out);
void qea_text_free(qea_text *text);

/* The shortest round-trip decimal into buffer[32]; returns buffer. */
char *qea_double_format(double value, char buffer[32]);
/* Reads a whole string as a C-locale number (also "1e-4", ".5", "inf", "nan", YAML's ".inf" and ".nan"); hexadecimal
 * numbers, blanks and numbers beyond the range of double are refused. */
QEA_MUST_USE bool qea_double_parse(const char *string, double *out);
QEA_MUST_USE bool qea_int_parse(const char *string, long long *out); /* decimal, whole string, no overflow */

#endif
