#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scratch.h"
#include "base/text.h"
#include "base/yaml.h"
#include "base/yaml_equal.h"

static qea_context *ctx;

static int set_up(void **state) {
    (void)state;
    ctx = qea_context_create();
    return ctx == NULL;
}

static int tear_down(void **state) {
    (void)state;
    qea_context_destroy(ctx);
    return 0;
}

static qea_yaml *parse(const char *text) {
    qea_yaml *root;
    if (qea_yaml_parse(ctx, "test", text, strlen(text), &root) != QEA_OK)
        fail_msg("'%s': %s", text, qea_context_message(ctx));
    return root;
}

static void assert_refused_bytes(const char *bytes, size_t size, const char *part) {
    qea_yaml *root;
    assert_int_equal(qea_yaml_parse(ctx, "test", bytes, size, &root), QEA_ERR_CONFIG);
    assert_null(root);
    if (strstr(qea_context_message(ctx), part) == NULL) fail_msg("'%s' is not in '%s'", part, qea_context_message(ctx));
}

static void assert_refused(const char *text, const char *part) { assert_refused_bytes(text, strlen(text), part); }

static const char *text_at(const qea_yaml *map, const char *key) {
    const qea_yaml *value = qea_yaml_get(map, key);
    assert_non_null(value);
    assert_int_equal(value->kind, QEA_YAML_SCALAR);
    return value->text;
}

static void maps_lists_and_texts_become_a_tree(void **state) {
    (void)state;
    qea_yaml *root = parse("# comment\nname: nas\nlist: [1, two, {a: b}]\nmap:\n  - x\n  -\n    y: 'z'\nempty:\n");
    assert_int_equal(root->kind, QEA_YAML_MAP);
    assert_int_equal(root->count, 4);
    assert_string_equal(text_at(root, "name"), "nas");
    const qea_yaml *list = qea_yaml_get(root, "list"), *map = qea_yaml_get(root, "map");
    assert_int_equal(list->count, 3);
    assert_string_equal(list->items[1]->text, "two");
    assert_string_equal(text_at(list->items[2], "a"), "b");
    assert_int_equal(map->kind, QEA_YAML_LIST);
    assert_string_equal(text_at(map->items[1], "y"), "z");
    assert_string_equal(text_at(root, "empty"), "");
    assert_null(qea_yaml_get(root, "nothing"));
    assert_null(qea_yaml_get(list, "nothing"));
    assert_null(qea_yaml_get(NULL, "nothing"));
    qea_yaml_destroy(root);
    qea_yaml_destroy(NULL);
}

static void everything_knows_its_line_and_column(void **state) {
    (void)state;
    qea_yaml *root = parse("a: 1\n\nb:\n    c:   x\n    d: [p,\n      q]\n");
    const qea_yaml *b = qea_yaml_get(root, "b"), *d = qea_yaml_get(b, "d");
    assert_int_equal(root->key_lines[0], 1);
    assert_int_equal(root->key_lines[1], 3);
    assert_int_equal(b->key_lines[1], 5);
    assert_int_equal(qea_yaml_get(b, "c")->line, 4);
    assert_int_equal(qea_yaml_get(b, "c")->column, 10);
    assert_int_equal(d->items[1]->line, 6);
    assert_int_equal(d->items[1]->column, 7);
    qea_yaml_destroy(root);
}

static void tags_are_kept_with_the_plain_text(void **state) {
    (void)state;
    qea_yaml *root = parse("a: !!float 1e-4\nb: !own x\nc: !!map {d: 1}\ne: 1\n");
    assert_string_equal(qea_yaml_get(root, "a")->tag, "tag:yaml.org,2002:float");
    assert_string_equal(text_at(root, "a"), "1e-4");
    assert_int_equal(qea_yaml_get(root, "a")->quoted, 0);
    assert_string_equal(qea_yaml_get(root, "b")->tag, "!own");
    assert_string_equal(qea_yaml_get(root, "c")->tag, "tag:yaml.org,2002:map");
    assert_null(qea_yaml_get(root, "e")->tag);
    qea_yaml_destroy(root);
}

static void text_that_can_be_nothing_else_counts_as_quoted(void **state) {
    (void)state;
    qea_yaml *root = parse("[12, -1.5e-3, .inf, -.inf, true, ~, null, word, '12', \"12\", two words, '', 'a:b', -]");
    static const int quoted[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
    assert_int_equal(root->count, 14);
    for (size_t i = 0; i < 14; i++) assert_int_equal(root->items[i]->quoted, quoted[i]);
    qea_yaml_destroy(root);
    root = parse("a: |\n  12\nb: >-\n  13\n");
    assert_int_equal(qea_yaml_get(root, "a")->quoted, 1);
    assert_string_equal(text_at(root, "a"), "12\n");
    assert_int_equal(qea_yaml_get(root, "b")->quoted, 1);
    qea_yaml_destroy(root);
}

static void what_is_not_allowed_is_refused_with_its_place(void **state) {
    (void)state;
    assert_refused("a: 1\nb: &x 2\n", "test:2:4: anchors");
    assert_refused("a: &x [1]\n", "test:1:4: anchors");
    assert_refused("&x a: 1\n", "test:1:1: anchors");
    assert_refused("a: *x\n", "test:1:4");
    assert_refused("a: 1\n<<: {b: 2}\n", "test:2:1: merge keys");
    assert_refused("a: 1\nb: 2\na: 3\n", "test:3: the key 'a' stands already in line 1");
    assert_refused("x: {a: 1, \"a\": 2}\n", "the key 'a'");
    assert_refused("? [a, b]\n: 1\n", "test:1:3: a key");
    assert_refused("? {a: b}\n: 1\n", "test:1:3: a key");
    assert_refused("a: 1\n---\nb: 2\n", "second document");
    assert_refused("", "empty");
    assert_refused("# only a comment\n", "empty");
    assert_refused("a: [1, 2\n", "test:2:1");
    assert_refused("a:\n\t- b\n", "test:2:");
    assert_refused("a: b: c\n", "test:1:5");
    assert_refused("a: \"x\\0y\"\n", "test:1:4: a 0 byte");
    assert_refused("\"x\\0y\": 1\n", "test:1:1: a 0 byte");
    assert_refused("a: \xff\n", "byte 3");
    assert_refused("a: \x01\n", "byte");
    assert_refused_bytes("a: \0\n", 5, "byte");
}

static void repeat(qea_text *text, const char *piece, int count) {
    for (int i = 0; i < count; i++) qea_text_put(text, piece);
}

static void depth_is_limited_to_64(void **state) {
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        qea_text text = {0};
        repeat(&text, "[", depth);
        repeat(&text, "]", depth);
        assert_int_equal(qea_text_finish(ctx, &text), QEA_OK);
        if (depth == 64) {
            qea_yaml_destroy(parse(text.bytes));
        } else {
            assert_refused(text.bytes, "test:1:65: nested deeper than 64");
        }
        qea_text_free(&text);
    }
    qea_text text = {0};
    repeat(&text, "- [{a: []}]\n", 100); /* side by side is not deep */
    assert_int_equal(qea_text_finish(ctx, &text), QEA_OK);
    qea_yaml_destroy(parse(text.bytes));
    qea_text_free(&text);
    repeat(&text, "[", 1 << 20); /* no crash, no minutes */
    assert_int_equal(qea_text_finish(ctx, &text), QEA_OK);
    assert_refused(text.bytes, "nested deeper");
    qea_text_free(&text);
}

static void nodes_bytes_and_keys_are_limited(void **state) {
    (void)state;
    qea_text text = {0};
    repeat(&text, "- 1\n", 99999);
    assert_int_equal(qea_text_finish(ctx, &text), QEA_OK);
    qea_yaml_destroy(parse(text.bytes));
    qea_text_put(&text, "- 1\n");
    assert_refused(text.bytes, "more than 100000");
    repeat(&text, "#### ", (4 << 20) / 5);
    assert_refused(text.bytes, "at most 4194304");
    qea_text_free(&text);
    repeat(&text, "k", 128);
    qea_text_put(&text, ": 1");
    assert_int_equal(qea_text_finish(ctx, &text), QEA_OK);
    qea_yaml_destroy(parse(text.bytes));
    text.bytes[127] = 'k';
    memmove(text.bytes + 1, text.bytes, text.size);
    text.bytes[0] = 'k';
    assert_refused_bytes(text.bytes, text.size + 1, "more than 128 bytes");
    qea_text_free(&text);
}

/* 90,000 keys, the last one doubled: found by sorting, not by comparing each with each. */
static void many_keys_are_checked_quickly(void **state) {
    (void)state;
    qea_text text = {0};
    for (int i = 0; i < 90000; i++) qea_text_printf(&text, "key%d: 1\n", i);
    assert_int_equal(qea_text_finish(ctx, &text), QEA_OK);
    qea_yaml_destroy(parse(text.bytes));
    qea_text_put(&text, "key17: 2\n");
    assert_refused(text.bytes, "test:90001: the key 'key17' stands already in line 18");
    qea_text_free(&text);
}

static void assert_emits_back(const qea_yaml *root) {
    char *text;
    qea_yaml *back;
    assert_int_equal(qea_yaml_emit(ctx, root, &text), QEA_OK);
    if (qea_yaml_parse(ctx, "emitted", text, strlen(text), &back) != QEA_OK)
        fail_msg("%s\n%s", qea_context_message(ctx), text);
    if (!yaml_equal(root, back)) fail_msg("another tree:\n%s", text);
    qea_yaml_destroy(back);
    qea_free(text);
}

static void what_is_emitted_reads_back_as_the_same_tree(void **state) {
    (void)state;
    static const char *const texts[] = {
        "plain",
        "''",
        "~",
        "'~'",
        "[]",
        "{}",
        "--- ",
        "!!float 1e-4",
        "--- !!map\na: 1",
        "!!seq []",
        "!local {}",
        "a: !!float\nb: !!float .inf\nc: [!!float 0, !!float 1e10]",
        "- - - 1\n  - 2\n-\n  - a: b\n    c:\n      - d",
        "a:\n- b\n- c",
        "a: [b, '', ~]",
        "- \n- a\n-",
        "a: 'it''s \"quoted\" \\ back'",
        "'': empty key",
        "'<<': 1",
        "'a b': 1\n\"t\\ta\\nb\": 2\n'#x': 3",
        "\"\\x07\\x7f\\x85\\u2028\\ufeff\\ufffd\\U0001F600\": \"\\x07\\x7f\\x85\\u2028\\ufeff\"",
        "k: \xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
        "a: |\n  two\n  lines\nb: >\n  folded\n  text\n",
        "a: plain text\n\n  with a break",
        "a: ---\nb: ...\nc: '---'\nd: [-]\ne: '-'",
        "[a: b, {c: d}]",
        "[-, ?x]",
        "a: 'trailing '\nb: ' leading'",
        "a: {b: {c: [[], {}, [1, [2]]]}}",
        "a: !<tag:example.org,2000:x%20y> b",
        "%TAG !e! tag:e.org,2000:\n---\n!e!t a: !e!u b",
        "a: ! b",
        "- !!str 1\n- !!seq\n  - !!map\n    x: !!int 2",
        "a:\n  - b: 1\n    c: 2\n  - !t\n    d: 3",
        "1: 2\n1.5: 3\ntrue: 4\n~: 5\nnull: 6",
        "\"\\\\\": '\\'"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        qea_yaml *root = parse(texts[i]);
        assert_emits_back(root);
        qea_yaml_destroy(root);
    }
}

static void emitted_text_is_readable(void **state) {
    (void)state;
    qea_yaml *root = parse("{nas: {bits: [4, 8], path: 'a b', decay: !!float 1e-4, none: }, list: [{x: 1, y: 2}, []]}");
    char *text;
    assert_int_equal(qea_yaml_emit(ctx, root, &text), QEA_OK);
    assert_string_equal(text, "nas:\n  bits: [4, 8]\n  path: \"a b\"\n  decay: !!float 1e-4\n  none:\n"
                              "list:\n  - x: 1\n    y: 2\n  - []\n");
    qea_free(text);
    qea_yaml_destroy(root);
}

static void text_that_is_not_utf8_is_not_emitted(void **state) {
    (void)state;
    static const char *const bad[] = {"\xff",     "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qea_yaml *root = parse("a: b");
        char *text;
        qea_free(root->items[0]->text);
        assert_int_equal(qea_strdup(ctx, bad[i], &root->items[0]->text), QEA_OK);
        assert_int_equal(qea_yaml_emit(ctx, root, &text), QEA_ERR_CONFIG);
        assert_null(text);
        qea_yaml_destroy(root);
    }
}

static void a_copy_is_equal_and_independent(void **state) {
    (void)state;
    qea_yaml *root = parse("a: !!float 1\nb: [x, 'y', {c: d}]\n"), *copy;
    assert_int_equal(qea_yaml_copy(ctx, root, &copy), QEA_OK);
    assert_true(yaml_equal(root, copy));
    assert_int_equal(copy->key_lines[1], 2);
    assert_int_equal(qea_yaml_get(copy, "b")->items[2]->column, 13);
    qea_yaml_remove(root, "b");
    assert_int_equal(qea_yaml_get(copy, "b")->count, 3);
    qea_yaml_destroy(root);
    qea_yaml_destroy(copy);
}

static void members_can_be_put_replaced_and_removed(void **state) {
    (void)state;
    qea_yaml *map;
    assert_int_equal(qea_yaml_new_map(ctx, &map), QEA_OK);
    for (int round = 0; round < 2; round++) { /* the second round replaces */
        for (int i = 0; i < 30; i++) {
            char key[8];
            snprintf(key, sizeof key, "k%d", i);
            assert_int_equal(qea_yaml_put(ctx, map, key, parse(round == 0 ? "old" : "new")), QEA_OK);
        }
    }
    assert_int_equal(map->count, 30);
    assert_string_equal(text_at(map, "k7"), "new");
    qea_yaml_remove(map, "k0");
    qea_yaml_remove(map, "k29");
    qea_yaml_remove(map, "k7");
    qea_yaml_remove(map, "nothing");
    assert_int_equal(map->count, 27);
    assert_null(qea_yaml_get(map, "k7"));
    assert_string_equal(map->keys[0], "k1");
    assert_string_equal(map->keys[6], "k8");
    assert_emits_back(map);
    qea_yaml_destroy(map);
}

static void files_are_read_and_missing_ones_are_configuration_errors(void **state) {
    (void)state;
    scratch s = scratch_make();
    const char *path = scratch_path(&s, "c.yml");
    qea_yaml *root = NULL, *none;
    qea_status written = qea_file_write(ctx, path, "a: 1\n", 5), read = qea_yaml_read(ctx, path, &root);
    qea_status missing = qea_yaml_read(ctx, scratch_path(&s, "no.yml"), &none);
    bool named = strstr(qea_context_message(ctx), "no.yml") != NULL;
    scratch_remove(&s);
    assert_int_equal(written, QEA_OK);
    assert_int_equal(read, QEA_OK);
    assert_string_equal(text_at(root, "a"), "1");
    assert_int_equal(missing, QEA_ERR_CONFIG);
    assert_null(none);
    assert_true(named);
    qea_yaml_destroy(root);
}

static qea_status parse_copy_put_emit(void) {
    static const char text[] = "a: !!float 1\nb: [x, 'y', {c: d}]\ne: {f: g}\n";
    qea_yaml *root = NULL, *copy = NULL, *map = NULL;
    char *emitted = NULL;
    qea_status status = qea_yaml_parse(ctx, "test", text, sizeof text - 1, &root);
    if (status == QEA_OK) status = qea_yaml_copy(ctx, root, &copy);
    if (status == QEA_OK) status = qea_yaml_new_map(ctx, &map);
    if (status == QEA_OK) {
        status = qea_yaml_put(ctx, map, "copy", copy);
        copy = NULL;
    }
    if (status == QEA_OK) status = qea_yaml_emit(ctx, map, &emitted);
    qea_yaml_destroy(root);
    qea_yaml_destroy(copy);
    qea_yaml_destroy(map);
    qea_free(emitted);
    return status;
}

/* Under AddressSanitizer this also shows that nothing leaks on any of the paths. */
static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    long n = 0;
    qea_status status;
    do {
        qea_alloc_fail_after(++n);
        status = parse_copy_put_emit();
        qea_alloc_fail_after(0);
        assert_true(status == QEA_OK || status == QEA_ERR_MEMORY);
    } while (status != QEA_OK);
    assert_true(n > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_lists_and_texts_become_a_tree),
        cmocka_unit_test(everything_knows_its_line_and_column),
        cmocka_unit_test(tags_are_kept_with_the_plain_text),
        cmocka_unit_test(text_that_can_be_nothing_else_counts_as_quoted),
        cmocka_unit_test(what_is_not_allowed_is_refused_with_its_place),
        cmocka_unit_test(depth_is_limited_to_64),
        cmocka_unit_test(nodes_bytes_and_keys_are_limited),
        cmocka_unit_test(many_keys_are_checked_quickly),
        cmocka_unit_test(what_is_emitted_reads_back_as_the_same_tree),
        cmocka_unit_test(emitted_text_is_readable),
        cmocka_unit_test(text_that_is_not_utf8_is_not_emitted),
        cmocka_unit_test(a_copy_is_equal_and_independent),
        cmocka_unit_test(members_can_be_put_replaced_and_removed),
        cmocka_unit_test(files_are_read_and_missing_ones_are_configuration_errors),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
