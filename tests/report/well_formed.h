/* tests/report/well_formed.h: every element of a page is closed in order, attributes are quoted, ids are unique, text
 * is escaped. */
#ifndef QEA_TESTS_REPORT_WELL_FORMED_H
#define QEA_TESTS_REPORT_WELL_FORMED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static inline size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) count++;
    return count;
}

/* --- every element is closed in order, attributes are quoted, ids are unique --- */

typedef struct checker {
    char open[64][24];
    int depth;
    char ids[4096];
} checker;

static inline void check_id(checker *c, const char *value, size_t size) {
    char id[64];
    assert_in_range(size, 1, 40);
    (void)snprintf(id, sizeof id, " %.*s ", (int)size, value);
    if (strstr(c->ids, id) != NULL) fail_msg("the id%sstands twice", id);
    assert_true(strlen(c->ids) + strlen(id) < sizeof c->ids);
    (void)strcat(c->ids, id);
}

/* Attributes from `at` to the end of the tag; returns where that is. */
static inline const char *check_attributes(checker *c, const char *at, bool *empty) {
    *empty = false;
    for (;;) {
        at += strspn(at, " \n");
        if (*at == '>') return at + 1;
        if (at[0] == '/' && at[1] == '>') {
            *empty = true;
            return at + 2;
        }
        size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyzB-"); /* viewBox */
        if (name == 0 || at[name] != '=' || at[name + 1] != '"') fail_msg("not an attribute: %.40s", at);
        const char *value = at + name + 2, *end = strchr(value, '"');
        assert_non_null(end);
        assert_null(memchr(value, '<', (size_t)(end - value)));
        if (name == 2 && strncmp(at, "id", 2) == 0) check_id(c, value, (size_t)(end - value));
        at = end + 1;
    }
}

static inline const char *check_tag(checker *c, const char *at) {
    bool closing = at[1] == '/', empty;
    const char *name = at + (closing ? 2 : 1);
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz123456");
    if (size == 0 || size >= sizeof *c->open) fail_msg("not a tag: %.40s", at);
    if (closing) {
        assert_int_equal(name[size], '>');
        if (c->depth == 0 || strlen(c->open[c->depth - 1]) != size || memcmp(c->open[c->depth - 1], name, size) != 0)
            fail_msg("%.30s closes <%s>", at, c->depth > 0 ? c->open[c->depth - 1] : "nothing");
        c->depth--;
        return name + size + 1;
    }
    const char *end = check_attributes(c, name + size, &empty);
    if (empty) return end;
    assert_true(c->depth < 64);
    (void)snprintf(c->open[c->depth++], sizeof *c->open, "%.*s", (int)size, name);
    if (strncmp(name, "script>", 7) != 0 && strncmp(name, "style>", 6) != 0) return end;
    return strstr(end, name[1] == 'c' ? "</script>" : "</style>"); /* raw text */
}

static inline void assert_well_formed(const char *text) {
    static checker c;
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    c = (checker){.depth = 0};
    assert_int_equal(strncmp(text, "<!DOCTYPE html>", 15), 0);
    for (const char *at = text + 15; *at != '\0';) {
        if (*at == '<') {
            at = check_tag(&c, at);
            assert_non_null(at);
            continue;
        }
        bool known = *at != '&';
        for (size_t i = 0; !known && i < sizeof entities / sizeof *entities; i++)
            known = strncmp(at, entities[i], strlen(entities[i])) == 0;
        if (!known || *at == '>') fail_msg("not escaped: %.40s", at);
        at++;
    }
    assert_int_equal(c.depth, 0);
}

#endif
