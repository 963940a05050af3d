/* What one key alone cannot tell: defaults that depend on other keys, and keys that must agree. */
#include "study/config_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "study/budget.h"

/* general.seed, else the seed of the search's trainer, else that of the full training. */
static void complete_seed(qea_config_reader *r) {
    static const char *const paths[] = {"general.seed", "nas.trainer.seed", "fully_train.trainer.seed"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const qea_yaml *node = qea_config_find(r->tree, paths[i]);
        long long seed;
        if (node == NULL || !qea_config_integer(node, &seed)) continue;
        r->config->seed = (uint64_t)seed;
        return;
    }
}

/* The search asks no more than its budget: said before it begins. */
static qea_status check_chosen(qea_config_reader *r) {
    const char *path = "fully_train.trials";
    const size_t budget = qea_budget_trials(r->config);
    for (int i = 0; i < r->config->num_chosen; i++)
        if ((size_t)r->config->chosen[i] > budget)
            return qea_config_fail(r, qea_config_find(r->tree, path), path,
                                   "found %d, allowed: 1 to %zu, the trials of this search", r->config->chosen[i],
                                   budget);
    return QEA_OK;
}

static qea_status complete_budget(qea_config_reader *r) {
    qea_study_config *config = r->config;
    const char *path = "nas.search_algorithm.policy.random_samples";
    if (config->random_samples == 0) config->random_samples = config->num_individual > 32 ? config->num_individual : 32;
    if (config->random_samples < config->num_individual)
        return qea_config_fail(r, qea_config_find(r->tree, path), path,
                               "found %zu, allowed: at least num_individual, which is %zu", config->random_samples,
                               config->num_individual);
    if (config->max_trials > 0 && qea_config_find(r->tree, "nas.search_algorithm.policy.num_generation") == NULL) {
        size_t rest = config->max_trials > config->random_samples ? config->max_trials - config->random_samples : 0;
        config->num_generations = (rest + config->num_individual - 1) / config->num_individual;
    }
    if (config->max_models == 0) config->max_models = config->num_individual;
    return check_chosen(r);
}

const char *qea_config_bits(qea_quantizer quantizer, bool weight, char *list, size_t size) {
    static const int all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32};
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((weight ? qea_quantizer_weight_bits_ok(quantizer, all[i])
                    : qea_quantizer_activation_bits_ok(quantizer, all[i])) &&
            used < size)
            used += (size_t)snprintf(list + used, size - used, "%s%d", used > 0 ? ", " : "", all[i]);
    return list;
}

static qea_status check_bits(qea_config_reader *r, const char *path, int bits, bool weight) {
    const qea_study_config *config = r->config;
    qea_quantizer quantizer = weight ? config->weight_quantizer : config->activation_quantizer;
    if (weight ? qea_quantizer_weight_bits_ok(quantizer, bits) : qea_quantizer_activation_bits_ok(quantizer, bits))
        return QEA_OK;
    char list[64];
    return qea_config_fail(r, qea_config_find(r->tree, path), path,
                           "found %d bits, which %s does not permit for %s, allowed: %s", bits,
                           qea_quantizer_name((int)quantizer), weight ? "weights" : "activations",
                           qea_config_bits(quantizer, weight, list, sizeof list));
}

/* Where layers have rules, the general candidates may be of use to none of them: the search space decides then. */
static qea_status check_candidates(qea_config_reader *r) {
    const qea_study_config *config = r->config;
    const char *path = "nas.search_space.bit_candidates";
    for (int i = 0; i < config->num_candidates && config->num_layer_rules == 0; i++) {
        QEA_TRY(check_bits(r, path, config->candidates[i], true));
        QEA_TRY(check_bits(r, path, config->candidates[i], false));
    }
    for (int i = 0; i < config->num_layer_rules; i++) {
        const qea_layer_rule *rule = &config->layer_rules[i];
        char section[QEA_CONFIG_PATH];
        qea_config_join(section, "nas.search_space.layers", rule->pattern);
        for (int j = 0; j < rule->num_weight_bits; j++) QEA_TRY(check_bits(r, section, rule->weight_bits[j], true));
        for (int j = 0; j < rule->num_activation_bits; j++)
            QEA_TRY(check_bits(r, section, rule->activation_bits[j], false));
    }
    return QEA_OK;
}

static qea_status check_network(qea_config_reader *r) {
    const qea_resnet_options *network = &r->config->network;
    const char *path = "nas.search_space.head.base_channel";
    const qea_yaml *head = qea_config_find(r->tree, path);
    bool bottleneck = network->num_blocks[0] == 0 && network->base_depth >= 50;
    long long found, channels = (long long)network->base_channel << (network->stage - 1 + (bottleneck ? 2 : 0));
    if (head == NULL || !qea_config_integer(head, &found) || found == channels) return QEA_OK;
    return qea_config_fail(r, head, path, "found %lld, allowed: %lld, the channels that the backbone puts out", found,
                           channels);
}

/* What the file is shows when it is read. */
static qea_status check_file(qea_config_reader *r, const char *path, const char *file) {
    char place[QEA_CONFIG_PLACE];
    if (qea_file_exists(file)) return QEA_OK;
    qea_status status = qea_file_fail_missing(r->ctx, file, "file");
    return qea_fail_prefix(r->ctx, status, "%s", qea_study_config_where(r->config, path, place, sizeof place));
}

static qea_status check_init(qea_config_reader *r) {
    qea_study_config *config = r->config;
    const char *path = "fully_train.pretrained";
    const qea_yaml *pretrained = qea_config_find(r->tree, path);
    bool shared = config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS;
    if (config->init == QEA_INIT_SEARCH && !shared) config->nas_recipe.save_weights = true;
    if (config->init != QEA_INIT_PRETRAINED && pretrained != NULL)
        return qea_config_fail(r, pretrained, path, "has no effect without init: pretrained");
    if (config->init != QEA_INIT_PRETRAINED) return QEA_OK;
    if (pretrained == NULL)
        return qea_config_fail(r, qea_config_find(r->tree, "fully_train.init"), "fully_train.init",
                               "found pretrained, but fully_train.pretrained does not name a model");
    return check_file(r, path, config->pretrained);
}

static qea_status check_teacher(qea_config_reader *r) {
    const qea_study_config *config = r->config;
    const char *path = "fully_train.teacher";
    if (config->teacher == NULL) return QEA_OK;
    if (strcmp(config->teacher, "search") != 0) return check_file(r, path, config->teacher);
    if (config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS) return QEA_OK;
    return qea_config_fail(r, qea_config_find(r->tree, path), path,
                           "found search, but only a search with nas.evaluator.type: shared_weights has a float "
                           "network");
}

/* --- the search's evaluator --- */

static qea_status refuse_left_out_layers(qea_config_reader *r) {
    const qea_study_config *config = r->config;
    bool zero = false;
    for (int i = 0; i < config->num_candidates; i++) zero = zero || config->candidates[i] == 0;
    for (int i = 0; i < config->num_layer_rules; i++) {
        const qea_layer_rule *rule = &config->layer_rules[i];
        for (int k = 0; k < rule->num_weight_bits; k++) zero = zero || rule->weight_bits[k] == 0;
        for (int k = 0; k < rule->num_activation_bits; k++) zero = zero || rule->activation_bits[k] == 0;
    }
    const char *path = "nas.evaluator.type";
    if (!zero) return QEA_OK;
    return qea_config_fail(r, qea_config_find(r->tree, path), path,
                           "found shared_weights, but 0 is among the bits: a layer cannot be left out of a supernet");
}

static qea_recipe stage_recipe(const qea_recipe *search, int epochs, double lr) {
    qea_recipe recipe = *search;
    recipe.epochs = epochs;
    recipe.optimizer.lr = lr;
    recipe.schedule = (qea_schedule_options){.kind = QEA_SCHEDULE_COSINE, .per_step = true};
    recipe.save_weights = true;
    recipe.keep_best = false;
    return recipe;
}

/* What says how a network is trained that is there already. */
static qea_status refuse_beside(qea_config_reader *r, const char *key, const char *const *refused, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char path[QEA_CONFIG_PATH];
        qea_config_join(path, "nas.evaluator", refused[i]);
        const qea_yaml *given = qea_config_find(r->tree, path);
        if (given != NULL)
            return qea_config_fail(r, given, path, "has no effect beside %s, which is used instead", key);
    }
    return QEA_OK;
}

static qea_status check_given_networks(qea_config_reader *r) {
    const qea_study_config *config = r->config;
    static const char *const of_float[] = {"float_epochs", "float_lr"};
    static const char *const of_supernet[] = {"supernet_epochs", "supernet_lr", "teacher_weight", "temperature",
                                              "threads"};
    const char *path = "nas.evaluator.supernet";
    if (config->search_pretrained != NULL) QEA_TRY(refuse_beside(r, "pretrained", of_float, 2));
    if (config->supernet.path == NULL) return QEA_OK;
    QEA_TRY(refuse_beside(r, "supernet", of_supernet, sizeof of_supernet / sizeof *of_supernet));
    if (config->search_pretrained == NULL)
        return qea_config_fail(r, qea_config_find(r->tree, path), path,
                               "needs pretrained beside it: the float network that the supernet began from");
    return check_file(r, path, config->supernet.path);
}

static qea_status complete_supernet(qea_config_reader *r) {
    qea_study_config *config = r->config;
    qea_supernet_config *supernet = &config->supernet;
    QEA_TRY(check_given_networks(r));
    QEA_TRY(refuse_left_out_layers(r));
    double lr = config->nas_recipe.optimizer.lr;
    if (supernet->float_lr == 0) supernet->float_lr = lr;
    if (supernet->lr == 0) supernet->lr = lr / 5;
    if (supernet->threads == 0) supernet->threads = config->threads_per_worker;
    supernet->float_recipe = stage_recipe(&config->nas_recipe, supernet->float_epochs, supernet->float_lr);
    supernet->recipe = stage_recipe(&config->nas_recipe, supernet->epochs, supernet->lr);
    return QEA_OK;
}

static qea_status check_evaluator(qea_config_reader *r) {
    qea_study_config *config = r->config;
    const char *path = "nas.evaluator.pretrained", *type = "nas.evaluator.type";
    if (config->search_pretrained != NULL) QEA_TRY(check_file(r, path, config->search_pretrained));
    if (config->evaluator == QEA_EVALUATOR_FINETUNE && config->search_pretrained == NULL)
        return qea_config_fail(r, qea_config_find(r->tree, type), type,
                               "found finetune, but nas.evaluator.pretrained does not name a model");
    return config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS ? complete_supernet(r) : QEA_OK;
}

/* --- how well the search ranks --- */

/* What trains in fully_train and does not validate in the search. */
static qea_status complete_agreement_data(qea_config_reader *r) {
    const qea_data_config *search = &r->config->nas_data, *full = &r->config->full_data;
    qea_data_config *data = &r->config->agreement.data;
    const char *path = "fully_train.dataset.common.data_path";
    *data = full->path != NULL ? *full : *search;
    if (strcmp(data->type, search->type) != 0 || (search->path != NULL && strcmp(data->path, search->path) != 0))
        return qea_config_fail(r, qea_config_find(r->tree, path), path,
                               "found %s in '%s', allowed with nas.agreement: the search's images, %s in '%s'",
                               data->type, data->path, search->type, search->path);
    data->train_portion = search->train_portion;
    data->val_images = search->val_images;
    return QEA_OK;
}

/* Before the recipe of fully_train is complete: what follows from its epochs follows from these here. */
static qea_status complete_agreement(qea_config_reader *r) {
    qea_study_config *config = r->config;
    qea_agreement_config *agreement = &config->agreement;
    const char *path = "nas.agreement.genomes";
    const qea_yaml *node = qea_config_find(r->tree, path);
    if (agreement->genomes == 0) return QEA_OK;
    if (agreement->genomes % agreement->bands != 0 || agreement->genomes < 2 * agreement->bands)
        return qea_config_fail(r, node, path, "found %zu, allowed: a multiple of the %zu bands, two or more in each",
                               agreement->genomes, agreement->bands);
    if (qea_config_has_command(r))
        return qea_config_fail(r, node, path, "has no meaning where a command evaluates: there is nothing to train");
    if (qea_yaml_get(r->tree, "fully_train") == NULL)
        return qea_config_fail(r, node, path, "needs a section fully_train, whose recipe the genomes are trained by");
    agreement->recipe = config->full_recipe;
    agreement->recipe.keep_best = false; /* the images that would choose the epoch are those that judge */
    if (agreement->epochs > 0 && agreement->epochs != agreement->recipe.epochs) {
        agreement->recipe.epochs = agreement->epochs;
        agreement->recipe.schedule.cosine_epochs = 0; /* T_max, too, is of these epochs */
    }
    agreement->epochs = agreement->recipe.epochs;
    QEA_TRY(complete_agreement_data(r));
    return qea_config_complete_recipe(r, "fully_train", &agreement->recipe);
}

/* --- keys that mean nothing beside others --- */

static bool is_same_value(const qea_yaml *a, const qea_yaml *b) {
    if (a->kind != b->kind || a->count != b->count) return false;
    if (a->kind == QEA_YAML_SCALAR) return strcmp(a->text, b->text) == 0;
    for (size_t i = 0; i < a->count; i++)
        if (!is_same_value(a->items[i], b->items[i])) return false;
    return true;
}

/* In fully_train nothing is said of what is as in the search: a ref brought it, or nobody is misled. */
static void ignore_in(qea_config_reader *r, const char *step, const char *rest) {
    char path[QEA_CONFIG_PATH], other[QEA_CONFIG_PATH];
    (void)snprintf(path, sizeof path, "%s.%s", step, rest);
    (void)snprintf(other, sizeof other, "nas.%s", rest);
    const qea_yaml *node = qea_config_find(r->tree, path), *searched = qea_config_find(r->tree, other);
    if (node == NULL || (node != searched && searched != NULL && is_same_value(node, searched))) return;
    qea_config_ignore(r, path);
}

static void ignore_image_keys(qea_config_reader *r, const char *step, const qea_data_config *data) {
    static const char *const keys[] = {"image_size", "channels", "test_portion"};
    if (data->type == NULL || strcmp(data->type, "ImageFolder") == 0) return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char rest[QEA_CONFIG_PATH];
        qea_config_join(rest, "dataset.common", keys[i]);
        ignore_in(r, step, rest);
    }
}

static void ignore_without_effect(qea_config_reader *r) {
    const qea_yaml *limits = qea_config_find(r->tree, "fully_train.trainer.limits");
    const qea_yaml *seed = qea_config_find(r->tree, "fully_train.trainer.seed");
    long long number;
    ignore_image_keys(r, "nas", &r->config->nas_data);
    ignore_image_keys(r, "fully_train", &r->config->full_data);
    for (size_t i = 0; limits != NULL && i < limits->count; i++) {
        char rest[QEA_CONFIG_PATH];
        qea_config_join(rest, "trainer.limits", limits->keys[i]);
        ignore_in(r, "fully_train", rest);
    }
    if (seed != NULL && qea_config_integer(seed, &number) && (uint64_t)number != r->config->seed)
        ignore_in(r, "fully_train", "trainer.seed");
}

qea_status qea_config_complete(qea_config_reader *r) {
    complete_seed(r);
    ignore_without_effect(r);
    QEA_TRY(complete_budget(r));
    QEA_TRY(check_candidates(r));
    QEA_TRY(check_network(r));
    QEA_TRY(qea_config_complete_recipe(r, "nas", &r->config->nas_recipe));
    QEA_TRY(complete_agreement(r));
    QEA_TRY(qea_config_complete_recipe(r, "fully_train", &r->config->full_recipe));
    QEA_TRY(check_evaluator(r));
    QEA_TRY(check_teacher(r));
    QEA_TRY(check_init(r));
    return qea_config_complete_custom(r);
}
