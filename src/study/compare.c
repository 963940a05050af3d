/* Several tasks beside each other: opens them, and finds what differs in configurations and circumstances. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "report/compare.h"
#include "study/page.h"

typedef struct leaf {   /* a setting of one task */
    char *name, *value; /* owned */
} leaf;

typedef struct leaves {
    leaf *items; /* owned */
    size_t count, capacity;
} leaves;

typedef struct comparison {
    qea_opened_task *tasks;                /* owned, [count] */
    size_t count;                          /* opened or tried */
    leaves settings[QEA_REPORT_MAX_TASKS]; /* owned */
    qea_report_difference *differences;    /* owned, and the list of values of each */
    size_t num_differences;
} comparison;

static void leaves_clear(leaves *list) {
    for (size_t i = 0; i < list->count; i++) {
        qea_free(list->items[i].name);
        qea_free(list->items[i].value);
    }
    qea_free(list->items);
}

/* Takes both texts over, also on failure. */
static qea_status add_leaf(qea_context *ctx, leaves *list, qea_text *name, qea_text *value) {
    qea_status status = qea_text_finish(ctx, name);
    if (status == QEA_OK) status = qea_text_finish(ctx, value);
    if (status == QEA_OK)
        status =
            qea_grow(ctx, "settings", (void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    if (status == QEA_OK) {
        list->items[list->count++] = (leaf){name->bytes, value->bytes};
        return QEA_OK;
    }
    qea_text_free(name);
    qea_text_free(value);
    return status;
}

static bool plain(const qea_yaml *node) {
    for (size_t i = 0; i < node->count; i++)
        if (node->items[i]->kind != QEA_YAML_SCALAR && (node->kind == QEA_YAML_MAP || !plain(node->items[i])))
            return false;
    return node->kind != QEA_YAML_MAP;
}

/* A scalar, or a list of scalars and of such lists: "[2, 4, 8]". */
static void put_plain(qea_text *out, const qea_yaml *node) {
    if (node->kind == QEA_YAML_SCALAR) {
        qea_text_put(out, node->text);
        return;
    }
    qea_text_put(out, "[");
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0) qea_text_put(out, ", ");
        put_plain(out, node->items[i]);
    }
    qea_text_put(out, "]");
}

/* The tree as "nas.trainer.epochs" = "1"; lists of maps by number. */
static qea_status flatten(qea_context *ctx, leaves *list, const char *path, const qea_yaml *node) {
    if (plain(node)) {
        qea_text name = {0}, value = {0};
        qea_text_put(&name, path);
        put_plain(&value, node);
        if (value.bytes == NULL) qea_text_put(&value, " "); /* an empty text */
        return add_leaf(ctx, list, &name, &value);
    }
    for (size_t i = 0; i < node->count; i++) {
        qea_text below = {0};
        qea_text_printf(&below, "%s%s", path, path[0] != '\0' ? "." : "");
        if (node->kind == QEA_YAML_MAP)
            qea_text_put(&below, node->keys[i]);
        else
            qea_text_printf(&below, "%zu", i + 1);
        qea_status status = qea_text_finish(ctx, &below);
        /* a task's name, place and workers do not change its results */
        if (status == QEA_OK && strcmp(below.bytes, "general.task") != 0 && strcmp(below.bytes, "general.workers") != 0)
            status = flatten(ctx, list, below.bytes, node->items[i]);
        qea_text_free(&below);
        QEA_TRY(status);
    }
    return QEA_OK;
}

static qea_status take_settings(qea_context *ctx, const qea_opened_task *task, leaves *list) {
    for (size_t i = 0; i < task->page.num_facts; i++) {
        const qea_report_fact *fact = &task->page.facts[i];
        if (strcmp(fact->name, "configuration file") == 0 || strcmp(fact->name, "seed") == 0) continue;
        qea_text name = {0}, value = {0};
        qea_text_put(&name, fact->name);
        qea_text_put(&value, fact->value);
        QEA_TRY(add_leaf(ctx, list, &name, &value));
    }
    return flatten(ctx, list, "", task->run.config->tree);
}

static const char *value_of(const leaves *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return list->items[i].value;
    return NULL;
}

static bool seen_before(const comparison *c, size_t task, const char *name) {
    for (size_t t = 0; t < task; t++)
        if (value_of(&c->settings[t], name) != NULL) return true;
    return false;
}

/* A row where not all tasks have the same value. */
static qea_status compare_setting(qea_context *ctx, comparison *c, const char *name) {
    const char **values;
    bool same = true;
    QEA_TRY(QEA_NEW(ctx, "differences", values, c->count));
    for (size_t t = 0; t < c->count; t++) {
        values[t] = value_of(&c->settings[t], name);
        same = same && values[t] != NULL && strcmp(values[t], values[0]) == 0;
    }
    if (same)
        qea_free(values);
    else
        c->differences[c->num_differences++] = (qea_report_difference){name, values};
    return QEA_OK;
}

static qea_status find_differences(qea_context *ctx, comparison *c) {
    size_t most = 0;
    for (size_t t = 0; t < c->count; t++) {
        QEA_TRY(take_settings(ctx, &c->tasks[t], &c->settings[t]));
        most += c->settings[t].count;
    }
    QEA_TRY(QEA_NEW(ctx, "differences", c->differences, most + 1));
    for (size_t t = 0; t < c->count; t++)
        for (size_t i = 0; i < c->settings[t].count; i++) {
            const char *name = c->settings[t].items[i].name;
            if (!seen_before(c, t, name)) QEA_TRY(compare_setting(ctx, c, name));
        }
    return QEA_OK;
}

static qea_status compare(qea_context *ctx, comparison *c, const char *const *tasks, size_t count, const char *base,
                          const char *file, qea_text *table) {
    const qea_report_page *pages[QEA_REPORT_MAX_TASKS];
    for (; c->count < count; c->count++) {
        c->tasks[c->count] = (qea_opened_task){.run = {.task = {.log_fd = -1}}};
        qea_status status = qea_opened_task_open(ctx, tasks[c->count], base, &c->tasks[c->count]);
        if (status != QEA_OK) {
            c->count++;
            return status;
        }
        pages[c->count] = &c->tasks[c->count].page.report;
    }
    QEA_TRY(find_differences(ctx, c));
    const qea_report_comparison all = {pages, count, c->differences, c->num_differences};
    QEA_TRY(qea_report_write_comparison(ctx, &all, file));
    QEA_TRY(qea_report_comparison_table(ctx, &all, table));
    return qea_text_finish(ctx, table);
}

qea_status qea_study_compare(qea_context *ctx, const char *const *tasks, size_t count, const char *base,
                             const char *file, char **table) {
    comparison c = {0};
    qea_text text = {0};
    *table = NULL;
    if (count < 2 || count > QEA_REPORT_MAX_TASKS)
        return qea_fail(ctx, QEA_ERR_CONFIG, "comparing tasks: found %zu, allowed are 2 to %d", count,
                        QEA_REPORT_MAX_TASKS);
    QEA_TRY(QEA_NEW(ctx, "tasks", c.tasks, count));
    qea_status status = compare(ctx, &c, tasks, count, base, file, &text);
    if (status == QEA_OK)
        *table = text.bytes;
    else
        qea_text_free(&text);
    for (size_t i = 0; i < c.num_differences; i++) qea_free((void *)(uintptr_t)c.differences[i].values);
    qea_free(c.differences);
    for (size_t t = 0; t < c.count; t++) {
        leaves_clear(&c.settings[t]);
        qea_opened_task_close(&c.tasks[t]);
    }
    qea_free(c.tasks);
    return status;
}
