/* Reading a configuration: text -> tree -> overrides -> refs -> checks and values. */
#include "study/config.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "study/config_internal.h"

enum { MAX_FILE_BYTES = 4 << 20 };

static void clear_data(qea_data_config *data) {
    qea_free(data->type);
    qea_free(data->path);
}

void qea_study_config_destroy(qea_study_config *config) {
    if (config == NULL) return;
    void *owned[] = {config->name,         config->task_id,  config->base_path,         config->isa,
                     config->pretrained,   config->warnings, config->search_pretrained, config->teacher,
                     config->supernet.path};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) qea_free(owned[i]);
    for (int i = 0; i < config->num_layer_rules; i++) qea_free(config->layer_rules[i].pattern);
    for (int i = 0; i < config->num_limits; i++) qea_free(config->limits[i].key);
    qea_config_clear_custom(config);
    qea_config_clear_programs(config);
    clear_data(&config->nas_data);
    clear_data(&config->full_data);
    qea_yaml_destroy(config->tree);
    qea_free(config);
}

/* `text` need not end with a 0. */
static bool is_blank(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (memchr(" \t\r\n", text[i], 4) == NULL) return false;
    return true;
}

/* The tree as it is kept: complete, without refs. */
static qea_status make_tree(qea_context *ctx, qea_study_config *config, const char *text, size_t size,
                            const qea_config_override *overrides, size_t count) {
    const char *name = config->name;
    qea_yaml **tree = &config->tree;
    if (is_blank(text, size))
        return qea_fail(ctx, QEA_ERR_CONFIG, "%s: the file is empty; `quantea init` writes one to start from", name);
    QEA_TRY(qea_yaml_parse(ctx, name, text, size, tree));
    if ((*tree)->kind != QEA_YAML_MAP)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "%s:%d:%d: found no sections, allowed: general, pipeline, nas, fully_train", name,
                        (*tree)->line, (*tree)->column);
    QEA_TRY(qea_config_override_tree(ctx, *tree, overrides, count));
    qea_config_reader reader = {.ctx = ctx, .config = config, .tree = *tree};
    QEA_TRY(qea_config_check_sections(&reader));
    QEA_TRY(qea_config_resolve_refs(ctx, name, *tree));
    QEA_TRY(qea_config_unwrap_warmup(ctx, name, *tree));
    return qea_config_replace_base_path(ctx, *tree);
}

static qea_status make_warning(qea_config_reader *r) {
    qea_text text = {0};
    if (r->ignored.size > 0)
        qea_text_printf(&text, "%s: these keys mean nothing here: %s", r->config->name, r->ignored.bytes);
    qea_status status = qea_text_finish(r->ctx, &text);
    if (status != QEA_OK) qea_text_free(&text);
    r->config->warnings = text.bytes;
    return status;
}

static qea_status fill(qea_context *ctx, qea_study_config *config) {
    qea_config_reader reader = {.ctx = ctx, .config = config, .tree = config->tree};
    config->has_nas = qea_yaml_get(config->tree, "nas") != NULL;
    config->has_fully_train = qea_yaml_get(config->tree, "fully_train") != NULL;
    qea_status status = qea_config_check_keys(&reader);
    if (status == QEA_OK && !config->has_nas && !config->has_fully_train)
        status =
            qea_fail(ctx, QEA_ERR_CONFIG, "%s: found neither a section nas nor a section fully_train", config->name);
    if (status == QEA_OK) status = qea_config_set_all(&reader);
    if (status == QEA_OK) status = qea_config_complete(&reader);
    if (status == QEA_OK) status = qea_text_finish(ctx, &reader.ignored);
    if (status == QEA_OK) status = make_warning(&reader);
    qea_text_free(&reader.ignored);
    return status;
}

qea_status qea_study_config_parse(qea_context *ctx, const char *name, const char *text, size_t size,
                                  const qea_config_override *overrides, size_t count, qea_study_config **out) {
    qea_study_config *config = NULL;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "a configuration", config, 1));
    qea_status status = qea_strdup(ctx, name, &config->name);
    if (status == QEA_OK) status = make_tree(ctx, config, text, size, overrides, count);
    if (status == QEA_OK) status = fill(ctx, config);
    if (status != QEA_OK) {
        qea_study_config_destroy(config);
        return status;
    }
    *out = config;
    return QEA_OK;
}

qea_status qea_study_config_read(qea_context *ctx, const char *path, const qea_config_override *overrides, size_t count,
                                 qea_study_config **out) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    qea_status status = qea_file_exists(path) ? qea_file_read(ctx, path, MAX_FILE_BYTES, &bytes, &size)
                                              : qea_file_fail_missing(ctx, path, "file");
    if (status == QEA_ERR_DATA) return qea_fail_prefix(ctx, QEA_ERR_CONFIG, "configuration");
    if (status != QEA_OK) return status;
    status = qea_study_config_parse(ctx, path, (const char *)bytes, size, overrides, count, out);
    qea_free(bytes);
    return status;
}

const char *qea_study_config_where(const qea_study_config *config, const char *key, char *buffer, size_t size) {
    char part[QEA_CONFIG_PATH];
    const qea_yaml *node = config->tree;
    const char *rest = key;
    while (rest != NULL && *rest != '\0') {
        rest = qea_config_next_part(rest, part);
        const qea_yaml *next = rest != NULL ? qea_yaml_get(node, part) : NULL;
        if (next == NULL) break;
        node = next;
    }
    return qea_config_place(config->name, node, key, buffer, size);
}
