/* Every key's value into the configuration, as the table says. */
#include "study/config_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static qea_status wrong_value(qea_config_reader *r, const qea_config_key *key, const qea_yaml *node, const char *path) {
    qea_text text = {0};
    qea_config_allowed(key, &text);
    qea_status status = qea_text_finish(r->ctx, &text);
    if (status == QEA_OK && key->choices != NULL)
        status = qea_config_wrong_choice(r, node, path, text.bytes, key->choices);
    else if (status == QEA_OK)
        status = qea_config_wrong(r, node, path, text.bytes);
    qea_text_free(&text);
    return status;
}

/* target NULL: the value is only checked. */
static qea_status set_integer(qea_config_reader *r, const qea_config_key *key, const qea_yaml *node, const char *path,
                              void *target) {
    long long value;
    bool listed = key->choices != NULL;
    if (!qea_config_integer(node, &value)) return wrong_value(r, key, node, path);
    if (listed ? qea_config_choice(key->choices, node->text) < 0
               : (double)value < key->low || (double)value > key->high)
        return wrong_value(r, key, node, path);
    if (target == NULL) return QEA_OK;
    if (key->kind == QEA_KEY_INT) *(int *)target = (int)value;
    if (key->kind == QEA_KEY_SIZE) *(size_t *)target = (size_t)value;
    if (key->kind == QEA_KEY_SEED) *(uint64_t *)target = (uint64_t)value;
    return QEA_OK;
}

static qea_status set_number(qea_config_reader *r, const qea_config_key *key, const qea_yaml *node, const char *path,
                             void *target) {
    double value;
    if (!qea_config_number(node, &value) || !(value >= key->low && value <= key->high))
        return wrong_value(r, key, node, path);
    if (target != NULL) *(double *)target = value;
    return QEA_OK;
}

/* One of `choices`, by index or as text. */
static qea_status set_choice(qea_config_reader *r, const qea_config_key *key, const qea_yaml *node, const char *path,
                             void *target) {
    int index = node->kind == QEA_YAML_SCALAR ? qea_config_choice(key->choices, node->text) : -1;
    if (index < 0) return wrong_value(r, key, node, path);
    if (target == NULL) return QEA_OK;
    if (key->kind == QEA_KEY_NAME) return qea_config_set_string(r->ctx, node->text, target);
    memcpy(target, &index, sizeof index); /* enumerations are ints here */
    return QEA_OK;
}

static qea_status set_value(qea_config_reader *r, const qea_config_key *key, const char *path, const qea_yaml *node,
                            void *base) {
    void *target = base != NULL ? (char *)base + key->offset : NULL;
    bool flag;
    switch (key->kind) {
    case QEA_KEY_INT:
    case QEA_KEY_SIZE:
    case QEA_KEY_SEED:
        return set_integer(r, key, node, path, target);
    case QEA_KEY_NUMBER:
        return set_number(r, key, node, path, target);
    case QEA_KEY_FLAG:
        if (!qea_config_flag(node, &flag)) return wrong_value(r, key, node, path);
        if (target != NULL) *(bool *)target = flag;
        return QEA_OK;
    case QEA_KEY_TEXT:
        if (node->kind != QEA_YAML_SCALAR) return wrong_value(r, key, node, path);
        return target != NULL ? qea_config_set_string(r->ctx, node->text, target) : QEA_OK;
    case QEA_KEY_NAME:
    case QEA_KEY_CHOICE:
        return set_choice(r, key, node, path, target);
    case QEA_KEY_SPECIAL:
        return key->set != NULL ? key->set(r, key, path, node, base) : QEA_OK;
    default:
        return QEA_OK;
    }
}

static void *base_of(qea_study_config *config, const qea_config_key *key, bool full) {
    switch (key->scope) {
    case QEA_IN_STUDY:
        return config;
    case QEA_IN_DATA:
        return full ? &config->full_data : &config->nas_data;
    case QEA_IN_RECIPE:
        return full ? &config->full_recipe : &config->nas_recipe;
    default:
        return NULL;
    }
}

static qea_status set_default(qea_config_reader *r, const qea_config_key *key, const char *path, void *base) {
    qea_yaml *node = NULL;
    if (key->fallback == NULL) return QEA_OK;
    QEA_TRY(qea_yaml_parse(r->ctx, path, key->fallback, strlen(key->fallback), &node));
    qea_status status = set_value(r, key, path, node, base);
    qea_yaml_destroy(node);
    return status;
}

/* One key of one step (or of none): given, inherited, missing or by default. */
static qea_status set_key(qea_config_reader *r, const qea_config_key *key, const char *step, bool full) {
    char path[QEA_CONFIG_PATH], other[QEA_CONFIG_PATH];
    bool in_step = key->path[0] == '*';
    (void)snprintf(path, sizeof path, "%s%s", in_step ? step : "", in_step ? key->path + 1 : key->path);
    if (!qea_config_fits_type(r, key, path)) return QEA_OK;
    void *base = base_of(r->config, key, full);
    const qea_yaml *node = qea_config_find(r->tree, path);
    if (node == NULL && key->inherit != NULL) {
        (void)snprintf(other, sizeof other, "%s%s", step, key->inherit + 1);
        node = qea_config_find(r->tree, other);
    }
    if (node != NULL) return set_value(r, key, path, node, base);
    bool no_network = !full && qea_config_is_custom(r);
    if (key->required && !no_network && (full ? r->config->has_fully_train : r->config->has_nas)) {
        char place[QEA_CONFIG_PLACE];
        return qea_fail(r->ctx, QEA_ERR_CONFIG, "%s: missing, and there is no default%s",
                        qea_study_config_where(r->config, path, place, sizeof place),
                        full ? " (`ref: nas.dataset` would take over the search's)" : "");
    }
    return set_default(r, key, path, base);
}

qea_status qea_config_set_all(qea_config_reader *r) {
    for (size_t i = 0; i < qea_config_num_keys; i++) {
        const qea_config_key *key = &qea_config_keys[i];
        bool value = key->kind != QEA_KEY_MAP && key->kind != QEA_KEY_ANY;
        if (!value) continue;
        QEA_TRY(set_key(r, key, "nas", false));
        if (key->path[0] == '*') QEA_TRY(set_key(r, key, "fully_train", true));
    }
    return QEA_OK;
}
