/* What happens to the tree before it is read: `ref`, {local_base_path}, WarmupScheduler. */
#include "study/config_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum { MAX_REF_DEPTH = 16, MAX_TAKEN = 100000 };

typedef struct ref_reader {
    qea_context *ctx;
    const char *name;
    const qea_yaml *tree;
    int depth;
    size_t taken; /* nodes of all sections that were named; bounded, for a few refs can double a file many times */
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

static bool contains(const qea_yaml *node, const qea_yaml *wanted) {
    if (node == wanted) return true;
    for (size_t i = 0; i < node->count; i++)
        if (contains(node->items[i], wanted)) return true;
    return false;
}

static qea_status resolve(ref_reader *r, qea_yaml *node, const char *path);

/* Why the section cannot be taken over by `map`, or NULL. */
static const char *refuse(ref_reader *r, const qea_yaml *map, const qea_yaml *target) {
    if (target == NULL || target->kind != QEA_YAML_MAP)
        return "allowed: the path of a section of this file, as nas.trainer";
    if (contains(target, map) || contains(map, target)) return "which this ref is a part of";
    r->taken += count_nodes(target);
    if (r->taken > MAX_TAKEN) return "which takes over too much: more than 100000 values by all refs together";
    return r->depth == MAX_REF_DEPTH ? "which leads back to itself" : NULL;
}

/* "nas.trainer" for "nas.traner": the sections at most three levels deep are looked at. */
static void put_sections(const qea_yaml *node, const char *path, int depth, qea_text *names) {
    for (size_t i = 0; depth > 0 && i < node->count; i++) {
        char member[QEA_CONFIG_PATH];
        if (node->items[i]->kind != QEA_YAML_MAP) continue;
        qea_config_join(member, path, node->keys[i]);
        qea_text_printf(names, "%s%s", names->size > 0 ? "|" : "", member);
        put_sections(node->items[i], member, depth - 1, names);
    }
}

static qea_status fail_ref(ref_reader *r, const qea_yaml *ref, const char *path, const char *problem, bool found) {
    char place[QEA_CONFIG_PLACE], buffer[128], hint[QEA_HINT];
    qea_text names = {0};
    if (!found) put_sections(r->tree, "", 3, &names);
    const char *nearest =
        names.bytes != NULL ? qea_config_nearest(names.bytes, ref->text, buffer, sizeof buffer) : NULL;
    qea_text_free(&names);
    return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s: found '%.100s', %s%s",
                    qea_config_place(r->name, ref, path, place, sizeof place), ref->text, problem,
                    qea_hint(nearest, hint));
}

/* `map` has a ref: what it names is resolved first, then taken over. */
static qea_status take_over(ref_reader *r, qea_yaml *map, const qea_yaml *ref, const char *path) {
    qea_yaml *target = (qea_yaml *)(uintptr_t)qea_config_find(r->tree, ref->text);
    const char *problem = refuse(r, map, target);
    char own[QEA_CONFIG_PATH];
    qea_config_join(own, path, "ref");
    if (problem != NULL) return fail_ref(r, ref, own, problem, target != NULL);
    r->depth++;
    QEA_TRY(resolve(r, target, ref->text));
    r->depth--;
    QEA_TRY(merge(r, map, target, true));
    qea_yaml_remove(map, "ref");
    return QEA_OK;
}

static qea_status resolve(ref_reader *r, qea_yaml *node, const char *path) {
    char member[QEA_CONFIG_PATH];
    for (size_t i = 0; i < node->count; i++) {
        qea_config_join(member, path, node->kind == QEA_YAML_MAP ? node->keys[i] : "");
        QEA_TRY(resolve(r, node->items[i], member));
    }
    const qea_yaml *ref = qea_yaml_get(node, "ref");
    return ref != NULL && ref->kind == QEA_YAML_SCALAR ? take_over(r, node, ref, path) : QEA_OK;
}

qea_status qea_config_resolve_refs(qea_context *ctx, const char *name, qea_yaml *tree) {
    ref_reader reader = {.ctx = ctx, .name = name, .tree = tree};
    return resolve(&reader, tree, "");
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
        return QEA_OK; /* a folder cannot be a part of itself */
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

/* A warm-up counted in steps would need the number of images, which is not known yet. */
static const char *refuse_warmup(const qea_yaml *schedule, const qea_yaml *after, const qea_yaml *params) {
    const qea_yaml *by_epoch = qea_yaml_get(schedule, "by_epoch");
    bool flag;
    if (after == NULL || after->kind != QEA_YAML_MAP || !is_other_type(after, schedule) ||
        (params != NULL && params->kind != QEA_YAML_MAP))
        return "WarmupScheduler needs params: {warmup_iters: epochs, after_scheduler_config: {type: another schedule, "
               "params: {...}}}";
    if (by_epoch != NULL && qea_config_flag(by_epoch, &flag) && !flag)
        return "warmup_iters are epochs here, allowed: by_epoch: true";
    return NULL;
}

static qea_status unwrap_step(qea_context *ctx, const char *name, qea_yaml *schedule, const char *path) {
    const qea_yaml *type = qea_yaml_get(schedule, "type"), *params = qea_yaml_get(schedule, "params");
    if (type == NULL || type->kind != QEA_YAML_SCALAR || strcmp(type->text, "WarmupScheduler") != 0) return QEA_OK;
    const qea_yaml *after = qea_yaml_get(params, "after_scheduler_config");
    const qea_yaml *own = qea_yaml_get(after, "params");
    const char *problem = refuse_warmup(schedule, after, own);
    char place[QEA_CONFIG_PLACE];
    if (problem != NULL)
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: %s", qea_config_place(name, type, path, place, sizeof place),
                        problem);
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
        char path[QEA_CONFIG_PATH];
        qea_yaml *trainer = qea_yaml_get(qea_yaml_get(tree, steps[i]), "trainer");
        qea_yaml *schedule = qea_yaml_get(trainer, "lr_scheduler");
        (void)snprintf(path, sizeof path, "%s.trainer.lr_scheduler.type", steps[i]);
        if (schedule != NULL) QEA_TRY(unwrap_step(ctx, name, schedule, path));
    }
    return QEA_OK;
}
