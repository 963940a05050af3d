/* base/nearest.c: "did you mean": the nearest of some names to a misspelt word (declared in quantea/status.h). */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "quantea/status.h"

enum { NAME_MAX_LENGTH = 63 };

static size_t min2(size_t a, size_t b) { return a < b ? a : b; }

static bool same_letter(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1, other capitals nothing.
 */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t rows[3][NAME_MAX_LENGTH + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++) above[j] = before[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            best = min2(best, min2(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                best = min2(best, before[j - 2] + 1);
            row[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_size];
}

static bool begins_with(const char *name, const char *word, size_t size) { return strncasecmp(name, word, size) == 0; }

/* The only name that begins with the word ("--task": "--task_id") or has it behind a '_' ("path": "data_path"). */
static const char *only_completion(const char *word, size_t size, const char *const *names, size_t count) {
    const char *found = NULL;
    for (size_t i = 0; size >= 3 && i < count; i++) {
        const char *mark = strchr(names[i], '_');
        if (!begins_with(names[i], word, size) && (mark == NULL || !begins_with(mark + 1, word, size))) continue;
        if (found != NULL) return NULL;
        found = names[i];
    }
    return found;
}

const char *qea_nearest_name(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t size = strlen(word), best = 1 + size / 4 + 1;
    if (size > NAME_MAX_LENGTH) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_size = strlen(names[i]);
        if (name_size > NAME_MAX_LENGTH) continue;
        if (strcmp(word, names[i]) == 0) return names[i];
        size_t distance = edit_distance(word, size, names[i], name_size);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest != NULL ? nearest : only_completion(word, size, names, count);
}
