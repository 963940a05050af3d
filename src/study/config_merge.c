/* What happens to the tree before it is read: `ref`, {local_base_path}, WarmupScheduler. */
#include "study/config_internal.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum { MAX_REF_DEPTH = 16, MAX_COPIED = 100000 };

typedef struct ref_reader {
    qea_context *ctx;
    const char *name;
    const qea_yaml *tree;
    int depth;
    size_t copied; /* nodes; bounded, for a few refs can double a file many times */
} ref_reader;

/* The original leaves these out of what a ref takes over. */
static bool is_never_copied(const char *key) {
    return qea_config_choice("callbacks|lazy_built|max_train_steps|with_train|with_vaild", key) >= 0;
}

static size_t count_nodes(const qea_yaml *node) {
    size_t count = 1;
    for (size_t i = 0; i < node->count; i++) count += count_nodes(node->items[i]);
    return count;
}

static qea_status copy_member(ref_reader *r, qea_yaml *to, const qea_yaml *from, size_t index) {
    qea_yaml *copy = NULL;
    r->copied += count_nodes(from->items[index]);
    if (r->copied > MAX_COPIED)
        return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s: the refs take over more than %d values", r->name, MAX_COPIED);
    QEA_TRY(qea_yaml_copy(r->ctx, from->items[index], &copy));
    return qea_yaml_put(r->ctx, to, from->keys[index], copy);
}

/* Maps with different `type`s describe different things: params of one mean nothing to the other. */
static bool is_other_type(const qea_yaml *a, const qea_yaml *b) {
    const qea_yaml *x = qea_yaml_get(a, "type"), *y = qea_yaml_get(b, "type");
    return x != NULL && y != NULL && x->kind == QEA_YAML_SCALAR && y->kind == QEA_YAML_SCALAR &&
           strcmp(x->text, y->text) != 0;
}

/* Takes over from `from` what `to` does not have. */
static qea_status merge(ref_reader *r, qea_yaml *to, const qea_yaml *from, bool top) {
    for (size_t i = 0; i < from->count; i++) {
        if (top && is_never_copied(from->keys[i])) continue;
        qea_yaml *own = qea_yaml_get(to, from->keys[i]);
        if (own == NULL) {
            QEA_TRY(copy_member(r, to, from, i));
        } else if (own->kind == QEA_YAML_MAP && from->items[i]->kind == QEA_YAML_MAP &&
                   !is_other_type(own, from->items[i])) {
            QEA_TRY(merge(r, own, from->items[i], false));
        }
    }
    return QEA_OK;
}

static qea_status fail_ref(ref_reader *r, const qea_yaml *ref, const char *problem) {
    return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s:%d:%d: ref: found '%.100s', %s", r->name, ref->line, ref->column,
                    ref->text, problem);
}

static bool contains(const qea_yaml *node, const qea_yaml *wanted) {
    if (node == wanted) return true;
    for (size_t i = 0; i < node->count; i++)
        if (contains(node->items[i], wanted)) return true;
    return false;
}

static qea_status resolve(ref_reader *r, qea_yaml *node);

/* `map` has a ref: what it names is resolved first, then taken over. */
static qea_status take_over(ref_reader *r, qea_yaml *map, const qea_yaml *ref) {
    qea_yaml *target = (qea_yaml *)(uintptr_t)qea_config_find(r->tree, ref->text);
    if (target == NULL || target->kind != QEA_YAML_MAP)
        return fail_ref(r, ref, "allowed: the path of a section of this file, as nas.trainer");
    if (contains(target, map) || contains(map, target)) return fail_ref(r, ref, "which contains this ref");
    if (++r->depth > MAX_REF_DEPTH) return fail_ref(r, ref, "which leads back to itself");
    QEA_TRY(resolve(r, target));
    r->depth--;
    QEA_TRY(merge(r, map, target, true));
    qea_yaml_remove(map, "ref");
    return QEA_OK;
}

static qea_status resolve(ref_reader *r, qea_yaml *node) {
    for (size_t i = 0; i < node->count; i++) QEA_TRY(resolve(r, node->items[i]));
    const qea_yaml *ref = qea_yaml_get(node, "ref");
    return ref != NULL && ref->kind == QEA_YAML_SCALAR ? take_over(r, node, ref) : QEA_OK;
}

qea_status qea_config_resolve_refs(qea_context *ctx, const char *name, qea_yaml *tree) {
    ref_reader reader = {.ctx = ctx, .name = name, .tree = tree};
    return resolve(&reader, tree);
}

/* --- {local_base_path} --- */

static qea_status replace_in(qea_context *ctx, qea_yaml *node, const char *folder) {
    static const char mark[] = "{local_base_path}";
    for (size_t i = 0; i < node->count; i++) QEA_TRY(replace_in(ctx, node->items[i], folder));
    if (node->kind != QEA_YAML_SCALAR || strstr(node->text, mark) == NULL) return QEA_OK;
    qea_text text = {0};
    const char *rest = node->text;
    for (const char *hit; (hit = strstr(rest, mark)) != NULL; rest = hit + strlen(mark)) {
        qea_text_put_bytes(&text, rest, (size_t)(hit - rest));
        qea_text_put(&text, folder);
    }
    qea_text_put(&text, rest);
    qea_status status = qea_text_finish(ctx, &text);
    if (status != QEA_OK) {
        qea_text_free(&text);
        return status;
    }
    qea_free(node->text);
    node->text = text.bytes;
    node->quoted = 1;
    return QEA_OK;
}

qea_status qea_config_replace_base_path(qea_context *ctx, qea_yaml *tree) {
    const qea_yaml *base = qea_config_find(tree, "general.task.local_base_path");
    const qea_yaml *task = qea_config_find(tree, "general.task.task_id");
    if (task == NULL || task->kind != QEA_YAML_SCALAR || task->text[0] == '\0') return QEA_OK;
    if (base != NULL && (base->kind != QEA_YAML_SCALAR || strstr(base->text, "{local_base_path}") != NULL))
        return QEA_OK; /* refused later, with its place */
    char *folder = NULL;
    QEA_TRY(qea_path_join(ctx, base != NULL ? base->text : "./tasks", task->text, &folder));
    qea_status status = replace_in(ctx, tree, folder);
    qea_free(folder);
    return status;
}

/* --- WarmupScheduler --- */

/* Moves what `from` has under `key` to `to` under `name`, unless it stands there already. */
static qea_status move_copy(qea_context *ctx, const qea_yaml *from, const char *key, qea_yaml *to, const char *name) {
    const qea_yaml *value = qea_yaml_get(from, key);
    qea_yaml *copy = NULL;
    if (value == NULL || qea_yaml_get(to, name) != NULL) return QEA_OK;
    QEA_TRY(qea_yaml_copy(ctx, value, &copy));
    return qea_yaml_put(ctx, to, name, copy);
}

/* {type: WarmupScheduler, params: {warmup_iters: 5, after_scheduler_config: {type: T, params: {...}}}} becomes
 * {type: T, params: {..., warmup: 5}}. */
static qea_status unwrap(qea_context *ctx, qea_yaml *schedule, const qea_yaml *params, const qea_yaml *after,
                         qea_yaml *inner) {
    for (size_t i = 0; i < params->count; i++) {
        const char *key = params->keys[i];
        if (strcmp(key, "after_scheduler_config") == 0) continue;
        QEA_TRY(move_copy(ctx, params, key, inner, strcmp(key, "warmup_iters") == 0 ? "warmup" : key));
    }
    qea_yaml_remove(schedule, "type");
    QEA_TRY(move_copy(ctx, after, "type", schedule, "type"));
    return move_copy(ctx, after, "by_epoch", schedule, "by_epoch");
}

static qea_status unwrap_step(qea_context *ctx, const char *name, qea_yaml *schedule) {
    const qea_yaml *type = qea_yaml_get(schedule, "type"), *params = qea_yaml_get(schedule, "params");
    if (type == NULL || type->kind != QEA_YAML_SCALAR || strcmp(type->text, "WarmupScheduler") != 0) return QEA_OK;
    const qea_yaml *after = qea_yaml_get(params, "after_scheduler_config");
    const qea_yaml *own = qea_yaml_get(after, "params");
    if (after == NULL || after->kind != QEA_YAML_MAP || is_other_type(after, schedule) == false ||
        (own != NULL && own->kind != QEA_YAML_MAP))
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "%s:%d:%d: WarmupScheduler needs params: {warmup_iters: epochs, after_scheduler_config: {type: "
                        "another schedule, params: {...}}}",
                        name, type->line, type->column);
    qea_yaml *inner = NULL;
    QEA_TRY(own != NULL ? qea_yaml_copy(ctx, own, &inner) : qea_yaml_new_map(ctx, &inner));
    qea_status status = unwrap(ctx, schedule, params, after, inner);
    if (status != QEA_OK) {
        qea_yaml_destroy(inner);
        return status;
    }
    return qea_yaml_put(ctx, schedule, "params", inner); /* destroys what `params`, `after` and `own` were */
}

qea_status qea_config_unwrap_warmup(qea_context *ctx, const char *name, qea_yaml *tree) {
    static const char *const steps[] = {"nas", "fully_train"};
    for (size_t i = 0; i < 2; i++) {
        qea_yaml *trainer = qea_yaml_get(qea_yaml_get(tree, steps[i]), "trainer");
        qea_yaml *schedule = qea_yaml_get(trainer, "lr_scheduler");
        if (schedule != NULL) QEA_TRY(unwrap_step(ctx, name, schedule));
    }
    return QEA_OK;
}
