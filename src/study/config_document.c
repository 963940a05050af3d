/* docs/config.md from the table of keys. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/transforms.h"
#include "quantea/inspect.h"
#include "study/config_internal.h"

static const char introduction[] =
    "# The configuration file\n"
    "\n"
    "<!-- Made from the table in src/study/config_keys.c; the test study_test_config_document says how. -->\n"
    "\n"
    "A YAML file in the form of the original's `quant_ea.yml`, which is accepted unchanged. A key that nobody knows, "
    "a\n"
    "doubled key, a value of the wrong type or range is an error that names file, line, column, key, what was found "
    "and\n"
    "what is allowed. Keys of the original that mean nothing here, and keys without effect beside others, are accepted "
    "and\n"
    "named in one warning. An empty value "
    "(`null`) is as good as none.\n"
    "\n"
    "- `--set a.b.c=VALUE` puts a value (YAML) into the file before anything else happens; `*.b.c` sets it in every "
    "step\n"
    "  that the file has. A part of the path that has dots of its own stands in double quotes.\n"
    "- `ref: a.b` in a section takes over what stands in section a.b and is not given beside the `ref`, map by map. A "
    "map\n"
    "  whose `type` differs is not merged. `callbacks`, `lazy_built`, `max_train_steps`, `with_train` and `with_vaild` "
    "are\n"
    "  never taken over.\n"
    "- `{local_base_path}` in a text becomes the task's folder.\n"
    "- `!!float 1e-4` and `1e-4` are the same number.\n"
    "- The original's `WarmupScheduler` is accepted: `{type: WarmupScheduler, params: {warmup_iters: 5,\n"
    "  after_scheduler_config: {type: MultiStepLR, params: {...}}}}` is MultiStepLR with `warmup: 5`, in epochs.\n"
    "- The older form `backbone: {name: 'QuantResNet', num_blocks: [3, 3, 3], num_classes: 10}` is accepted.\n";

/* What may stand in the table's cells, without the one character that would end them. */
static void put_allowed(const qea_config_key *key, qea_text *out) {
    if (key->role == QEA_ROLE_REFUSED) {
        qea_text_put(out, "refused");
    } else {
        qea_config_allowed(key, out);
    }
}

static bool is_child(const qea_config_key *key, const char *parent, const char **name) {
    size_t length = strlen(parent);
    if (length == 0) {
        *name = key->path;
        return strchr(key->path, '.') == NULL;
    }
    if (strncmp(key->path, parent, length) != 0 || key->path[length] != '.') return false;
    *name = key->path + length + 1;
    const char *dot = strchr(*name, '.');
    return dot == NULL || dot[1] == '<'; /* layers.<pattern>.tie stands beside layers */
}

static void put_row(const qea_config_key *key, const char *name, qea_text *out) {
    qea_text_printf(out, "| `%s`", name);
    for (const char *p = key->types != NULL ? key->types : ""; *p != '\0'; p += strcspn(p, "|"), p += *p == '|')
        qea_text_printf(out, "%s%.*s", p == key->types ? " (" : ", ", (int)strcspn(p, "|"), p);
    qea_text_put(out, key->types != NULL ? ") | " : " | ");
    put_allowed(key, out);
    if (key->required) {
        qea_text_put(out, " | needed | ");
    } else {
        qea_text_printf(out, key->fallback != NULL ? " | `%s` | " : " | %s | ",
                        key->fallback != NULL ? key->fallback : "");
    }
    qea_text_put(out, key->role == QEA_ROLE_FIXED ? "The original's name of what there is." : key->doc);
    qea_text_put(out, " |\n");
}

/* "*.trainer" stands for two sections. */
static void put_heading(const qea_config_key *part, qea_text *out) {
    if (part->path[0] == '*') {
        qea_text_printf(out, "\n## nas%s, fully_train%s\n", part->path + 1, part->path + 1);
    } else {
        qea_text_printf(out, "\n## %s\n", part->path);
    }
    if (part->doc[0] != '\0') qea_text_printf(out, "\n%s\n", part->doc);
}

/* Nothing where the section has only sections in it. */
static void put_section(const qea_config_key *part, qea_text *out) {
    const char *parent = part != NULL ? part->path : "";
    size_t rows = 0;
    for (size_t i = 0; i < qea_config_num_keys; i++) {
        const qea_config_key *key = &qea_config_keys[i];
        const char *name;
        if (key->kind == QEA_KEY_MAP || key->role == QEA_ROLE_IGNORED || !is_child(key, parent, &name)) continue;
        if (rows == 0 && part != NULL) put_heading(part, out);
        if (rows++ == 0) qea_text_put(out, "\n| key | allowed | default | meaning |\n| --- | --- | --- | --- |\n");
        put_row(key, name, out);
    }
}

static void put_ignored(qea_text *out) {
    qea_text_put(out,
                 "\n## Keys of the original that mean nothing here\n\n`*` stands for `nas` and `fully_train`.\n\n");
    for (size_t i = 0; i < qea_config_num_keys; i++)
        if (qea_config_keys[i].role == QEA_ROLE_IGNORED) qea_text_printf(out, "- `%s`\n", qea_config_keys[i].path);
}

/* With as many decimals as it takes to tell it from every other float. */
static void put_float(qea_text *out, float value) {
    double rounded = (double)value;
    for (double unit = 10; unit <= 1e9; unit *= 10) {
        rounded = round((double)value * unit) / unit;
        if ((float)rounded == value) break;
    }
    qea_text_put_double(out, rounded);
}

static void put_channels(qea_text *out, const float *values) {
    for (int i = 0; i < 3; i++) {
        if (i > 0) qea_text_put(out, " ");
        put_float(out, values[i]);
    }
}

static qea_status put_transforms(qea_context *ctx, qea_text *out) {
    qea_text_put(out, "\n## Transforms of the data sets\n\nWhere `train.transforms` is not given. Means and deviations "
                      "are of values from 0 to "
                      "1, the first channels of three.\n\n| type | crop padding | flip | mean | std |\n| --- | --- | "
                      "--- | --- | --- |\n");
    for (const char *const *type = qea_dataset_types(); *type != NULL; type++) {
        qea_transforms transforms;
        QEA_TRY(qea_transforms_default(ctx, *type, &transforms));
        qea_text_printf(out, "| %s | %d | %s | ", *type, transforms.crop_padding, transforms.flip ? "yes" : "no");
        put_channels(out, transforms.mean);
        qea_text_put(out, " | ");
        put_channels(out, transforms.std);
        qea_text_put(out, " |\n");
    }
    return QEA_OK;
}

qea_status qea_study_config_document(qea_context *ctx, char **markdown) {
    qea_text out = {0};
    qea_text_put(&out, introduction);
    put_section(NULL, &out);
    for (size_t i = 0; i < qea_config_num_keys; i++)
        if (qea_config_keys[i].kind == QEA_KEY_MAP) put_section(&qea_config_keys[i], &out);
    qea_status status = put_transforms(ctx, &out);
    put_ignored(&out);
    if (status == QEA_OK) status = qea_text_finish(ctx, &out);
    if (status != QEA_OK) {
        qea_text_free(&out);
        return status;
    }
    *markdown = out.bytes;
    return QEA_OK;
}

const char *qea_study_config_key(size_t i, const char **choices) {
    *choices = NULL;
    for (size_t k = 0; k < qea_config_num_keys; k++) {
        const qea_config_key *key = &qea_config_keys[k];
        if (key->kind == QEA_KEY_MAP || key->role != QEA_ROLE_USED || strchr(key->path, '<') != NULL) continue;
        if (i-- > 0) continue;
        *choices = key->kind == QEA_KEY_FLAG ? "true|false" : key->choices;
        return key->path;
    }
    return NULL;
}
