/* Readers of the keys that say how a model is trained. */
#include "study/config_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

QEA_CONFIG_SETTER(qea_config_set_betas) {
    qea_optimizer_options *options = (qea_optimizer_options *)(void *)((char *)base + key->offset);
    double betas[2];
    if (node->kind != QEA_YAML_LIST || node->count != 2) return qea_config_wrong(r, node, path, key->allowed);
    for (size_t i = 0; i < 2; i++)
        if (!qea_config_number(node->items[i], &betas[i]) || !(betas[i] >= 0 && betas[i] < 1))
            return qea_config_wrong(r, node->items[i], path, key->allowed);
    options->beta1 = betas[0];
    options->beta2 = betas[1];
    return QEA_OK;
}

QEA_CONFIG_SETTER(qea_config_set_milestones) {
    qea_schedule_options *options = (qea_schedule_options *)(void *)((char *)base + key->offset);
    int *epochs = options->milestones;
    QEA_TRY(qea_config_int_list(r, path, node, key->allowed, 1, 1000000, QEA_MAX_MILESTONES, epochs,
                                &options->num_milestones));
    for (int i = 1; i < options->num_milestones; i++)
        if (epochs[i] <= epochs[i - 1]) return qea_config_wrong(r, node->items[i], path, key->allowed);
    return QEA_OK;
}

/* --- transforms --- */

typedef struct transform_reader {
    qea_config_reader *r;
    const char *path;
    const char *allowed;
    qea_data_config *data; /* NULL: only checked */
    bool random_allowed;   /* in the training part */
} transform_reader;

static qea_status check_members(transform_reader *t, const qea_yaml *node, const char *members) {
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->keys[i], "type") == 0 || qea_config_choice(members, node->keys[i]) >= 0) continue;
        return qea_config_fail(t->r, node->items[i], t->path, "found the key '%.60s', allowed: type%s%s", node->keys[i],
                               members[0] != '\0' ? "|" : "", members);
    }
    return QEA_OK;
}

/* {type: RandomCrop, size: 32, padding: 4}; size may also be [32, 32]. */
static qea_status read_crop(transform_reader *t, const qea_yaml *node) {
    const qea_yaml *size = qea_yaml_get(node, "size"), *padding = qea_yaml_get(node, "padding");
    long long values[2] = {0, 0};
    QEA_TRY(check_members(t, node, "size|padding"));
    if (size != NULL && size->kind == QEA_YAML_LIST && size->count == 2 && size->items[0]->kind == QEA_YAML_SCALAR &&
        size->items[1]->kind == QEA_YAML_SCALAR && strcmp(size->items[0]->text, size->items[1]->text) == 0)
        size = size->items[0];
    if (size != NULL && (!qea_config_integer(size, &values[0]) || values[0] < 1 || values[0] > 4096))
        return qea_config_wrong(t->r, size, t->path, "a size from 1 to 4096, the images' height and width");
    if (padding == NULL || !qea_config_integer(padding, &values[1]) || values[1] < 0 || values[1] > 1024)
        return qea_config_wrong(t->r, padding != NULL ? padding : node, t->path,
                                "RandomCrop with a padding from 0 to 1024");
    t->data->crop_size = (int)values[0];
    t->data->transforms.crop_padding = (int)values[1];
    return QEA_OK;
}

/* mean or std: one number per channel. */
static qea_status read_channels(transform_reader *t, const qea_yaml *node, const char *key, float *out, int *count) {
    static const char allowed[] = "Normalize with mean and std, lists of one number per channel (std > 0)";
    const qea_yaml *list = qea_yaml_get(node, key);
    if (list == NULL || list->kind != QEA_YAML_LIST || list->count == 0 || list->count > QEA_MAX_CHANNELS)
        return qea_config_wrong(t->r, list != NULL ? list : node, t->path, allowed);
    for (size_t i = 0; i < list->count; i++) {
        double value;
        if (!qea_config_number(list->items[i], &value) || !(fabs(value) < 1e6) ||
            (strcmp(key, "std") == 0 && !(value >= 1e-6)))
            return qea_config_wrong(t->r, list->items[i], t->path, allowed);
        out[i] = (float)value;
    }
    *count = (int)list->count;
    return QEA_OK;
}

static qea_status read_normalize(transform_reader *t, const qea_yaml *node) {
    float mean[QEA_MAX_CHANNELS], std[QEA_MAX_CHANNELS];
    int means = 0, stds = 0;
    QEA_TRY(check_members(t, node, "mean|std"));
    QEA_TRY(read_channels(t, node, "mean", mean, &means));
    QEA_TRY(read_channels(t, node, "std", std, &stds));
    if (means != stds)
        return qea_config_fail(t->r, node, t->path, "found %d means and %d deviations, allowed: as many", means, stds);
    qea_data_config *data = t->data;
    if (t->random_allowed) {
        memcpy(data->transforms.mean, mean, (size_t)means * sizeof *mean);
        memcpy(data->transforms.std, std, (size_t)stds * sizeof *std);
        data->normalize_channels = means;
        return QEA_OK;
    }
    for (int i = 0; i < means; i++)
        if (!data->transforms_given || data->normalize_channels != means || data->transforms.mean[i] != mean[i] ||
            data->transforms.std[i] != std[i])
            return qea_config_fail(t->r, node, t->path,
                                   "found a Normalize that train.transforms does not have; "
                                   "these images are scaled as in training");
    return QEA_OK;
}

/* `rank` orders the transforms: crop and flip on the image, then its scaling. */
static qea_status read_transform(transform_reader *t, const qea_yaml *node, int *rank) {
    static const int ranks[] = {0, 0, 1, 2};
    const qea_yaml *type = qea_yaml_get(node, "type");
    int index = type == NULL || type->kind != QEA_YAML_SCALAR
                    ? -1
                    : qea_config_choice("RandomCrop|RandomHorizontalFlip|ToTensor|Normalize", type->text);
    if (index < 0) return qea_config_wrong(t->r, type != NULL ? type : node, t->path, t->allowed);
    if (ranks[index] < *rank || (index < 2 && !t->random_allowed))
        return qea_config_wrong(t->r, type, t->path, t->allowed);
    *rank = ranks[index] + (index >= 2); /* each of the scaling ones once */
    if (index == 0) return read_crop(t, node);
    if (index == 3) return read_normalize(t, node);
    if (index == 1) t->data->transforms.flip = true;
    return check_members(t, node, "");
}

QEA_CONFIG_SETTER(qea_config_set_transforms) {
    bool full = strncmp(path, "fully_train.", strlen("fully_train.")) == 0;
    transform_reader t = {
        .r = r, .path = path, .allowed = key->allowed, .data = full ? &r->config->full_data : &r->config->nas_data};
    int rank = 0;
    (void)base;
    t.random_allowed = strstr(path, ".train.transforms") != NULL;
    if (node->kind != QEA_YAML_LIST) return qea_config_wrong(r, node, path, key->allowed);
    if (t.random_allowed) {
        t.data->transforms_given = true;
        for (int i = 0; i < QEA_MAX_CHANNELS; i++) t.data->transforms.std[i] = 1;
    }
    for (size_t i = 0; i < node->count; i++) QEA_TRY(read_transform(&t, node->items[i], &rank));
    return QEA_OK;
}

/* --- what the keys of a recipe mean together --- */

static const qea_yaml *find_in(const qea_config_reader *r, const char *step, const char *rest,
                               char path[QEA_CONFIG_PATH]) {
    (void)snprintf(path, QEA_CONFIG_PATH, "%s.trainer.%s", step, rest);
    return qea_config_find(r->tree, path);
}

/* StepLR is MultiStepLR with milestones at equal distances. */
static qea_status make_steps(qea_config_reader *r, const char *step, qea_recipe *recipe) {
    char path[QEA_CONFIG_PATH];
    const qea_yaml *node = find_in(r, step, "lr_scheduler.params.step_size", path);
    qea_schedule_options *schedule = &recipe->schedule;
    long long size = 0;
    if (node == NULL || !qea_config_integer(node, &size) || size < 1)
        return qea_config_fail(r, find_in(r, step, "lr_scheduler.type", path), path, "StepLR needs params.step_size");
    long long count = (recipe->epochs - 1) / size;
    if (count > QEA_MAX_MILESTONES)
        return qea_config_fail(r, node, path, "found %lld, which makes %lld steps in %d epochs, allowed: at most %d",
                               size, count, recipe->epochs, QEA_MAX_MILESTONES);
    schedule->num_milestones = (int)count;
    for (int i = 0; i < schedule->num_milestones; i++) schedule->milestones[i] = (int)size * (i + 1);
    return QEA_OK;
}

static qea_status complete_schedule(qea_config_reader *r, const char *step, qea_recipe *recipe) {
    char path[QEA_CONFIG_PATH], type_path[QEA_CONFIG_PATH];
    const qea_yaml *type = find_in(r, step, "lr_scheduler.type", type_path);
    const char *name = type != NULL ? type->text : "Constant";
    qea_schedule_options *schedule = &recipe->schedule;
    const qea_yaml *by_epoch = find_in(r, step, "lr_scheduler.by_epoch", path);
    bool whole_epochs = true;
    if (by_epoch != NULL && qea_config_flag(by_epoch, &whole_epochs) && !whole_epochs &&
        strcmp(name, "CosineAnnealingLR") != 0)
        return qea_config_fail(r, by_epoch, path, "found false, allowed: true (false with CosineAnnealingLR only)");
    if (strcmp(name, "CosineAnnealingLR") == 0) {
        schedule->kind = QEA_SCHEDULE_COSINE;
        schedule->per_step = !whole_epochs;
        if (schedule->min_lr > recipe->optimizer.lr)
            return qea_config_fail(r, find_in(r, step, "lr_scheduler.params.eta_min", path), path,
                                   "found a lowest rate above the optimiser's lr");
    } else if (strcmp(name, "MultiStepLR") == 0) {
        schedule->kind = QEA_SCHEDULE_MULTISTEP;
        if (schedule->num_milestones == 0)
            return qea_config_fail(r, type, type_path, "MultiStepLR needs params.milestones");
    } else if (strcmp(name, "StepLR") == 0) {
        schedule->kind = QEA_SCHEDULE_MULTISTEP;
        return make_steps(r, step, recipe);
    }
    return QEA_OK;
}

qea_status qea_config_complete_recipe(qea_config_reader *r, const char *step, qea_recipe *recipe) {
    char path[QEA_CONFIG_PATH], other[QEA_CONFIG_PATH];
    const qea_yaml *nesterov = find_in(r, step, "optimizer.params.nesterov", path);
    if (recipe->optimizer.nesterov && recipe->optimizer.momentum == 0)
        return qea_config_fail(r, nesterov, path, "found true without a momentum");
    const qea_yaml *smoothing = find_in(r, step, "label_smoothing", path);
    if (smoothing != NULL && find_in(r, step, "loss.params.label_smoothing", other) != NULL)
        return qea_config_fail(r, smoothing, path, "given also as %s; leave one of the two out", other);
    recipe->precision = r->config->precision;
    return complete_schedule(r, step, recipe);
}
