/* base/number.c: numbers to and from text whatever the locale, and nearest names (declared in base/text.h). */
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

enum { NAME_MAX_LENGTH = 63 };

static size_t min2(size_t a, size_t b) { return a < b ? a : b; }

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t rows[3][NAME_MAX_LENGTH + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++) above[j] = before[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = min2(best, min2(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = min2(best, before[j - 2] + 1);
            row[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_size];
}

const char *qea_nearest_name(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t size = strlen(word), best = 1 + size / 4 + 1;
    if (size > NAME_MAX_LENGTH) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_size = strlen(names[i]);
        if (name_size > NAME_MAX_LENGTH) continue;
        size_t distance = edit_distance(word, size, names[i], name_size);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
