/* base/number.c: numbers to and from text whatever the locale (declared in base/text.h). */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale; /* made once, never freed */

static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static locale_t get_c_locale(void) {
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale;
}

static bool reads_back(const char *text, double value) { return strtod_l(text, NULL, c_locale) == value; }

char *qea_double_format(double value, char buffer[32]) {
    if (isnan(value)) return strcpy(buffer, "NaN");
    if (isinf(value)) return strcpy(buffer, value > 0 ? "Infinity" : "-Infinity");
    char text[32];
    locale_t before = uselocale(get_c_locale());
    /* %.15g is the shortest form of any normal number that 15 digits can name; subnormal ones have fewer. */
    for (int digits = fpclassify(value) == FP_SUBNORMAL ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (reads_back(text, value)) break;
    }
    uselocale(before);
    return strcpy(buffer, text);
}

/* inf, infinity, nan, and YAML's .inf and .nan, in any case. */
static bool parse_word(const char *word, double *out) {
    locale_t locale = get_c_locale();
    if (word[0] == '.') word++;
    if (strcasecmp_l(word, "inf", locale) == 0 || strcasecmp_l(word, "infinity", locale) == 0) {
        *out = INFINITY;
        return true;
    }
    *out = NAN;
    return strcasecmp_l(word, "nan", locale) == 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool qea_double_parse(const char *string, double *out) {
    bool negative = string[0] == '-';
    const char *body = negative || string[0] == '+' ? string + 1 : string;
    double value;
    if (is_digit(body[0]) || (body[0] == '.' && is_digit(body[1]))) {
        if (body[strspn(body, "0123456789.eE+-")] != 0) return false; /* no hex, no blanks */
        char *end;
        value = strtod_l(body, &end, get_c_locale());
        if (*end != 0 || isinf(value)) return false;
    } else if (!parse_word(body, &value)) {
        return false;
    }
    *out = negative ? -value : value;
    return true;
}

bool qea_int_parse(const char *string, long long *out) {
    const char *body = string[0] == '-' || string[0] == '+' ? string + 1 : string;
    if (!is_digit(body[0])) return false;
    char *end;
    errno = 0;
    long long value = strtoll(string, &end, 10);
    if (*end != 0 || errno != 0) return false;
    *out = value;
    return true;
}
