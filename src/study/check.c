/* What can be wrong is found before anything is trained and before the task has a folder. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "study/agreement.h"
#include "study/command.h"
#include "study/model_metadata.h"
#include "study/objective.h"
#include "study/run.h"

enum { PLACE = 512 };

/* --- the machine --- */

static qea_status check_machine(qea_context *ctx, const qea_study_config *config) {
    const qea_kernels *kernels;
    char place[PLACE];
    qea_status status = qea_study_kernels(ctx, config->isa, &kernels);
    if (status != QEA_OK)
        return qea_fail_prefix(ctx, status, "%s", qea_study_config_where(config, "general.isa", place, sizeof place));
    qea_study_tell_emulation(ctx, kernels, config->precision,
                             qea_study_config_where(config, "general.precision", place, sizeof place));
    return QEA_OK;
}

/* --- images --- */

static qea_status check_folder(qea_context *ctx, const qea_study_config *config, const char *key, const char *path) {
    char place[PLACE];
    if (qea_file_exists(path)) return QEA_OK;
    qea_status status = qea_file_fail_missing(ctx, path, "folder");
    return qea_fail_prefix(ctx, status, "%s", qea_study_config_where(config, key, place, sizeof place));
}

/* A batch cannot be larger than the images are; the run goes on with what there is. */
static void warn_of_batch(qea_context *ctx, const qea_study_config *config, const char *step, const qea_step_data *data,
                          int wanted) {
    char place[PLACE], key[64];
    if (data->train.batch == wanted) return;
    (void)snprintf(key, sizeof key, "%s.dataset.train.batch_size", step);
    qea_log(ctx, QEA_LOG_WARNING, "%s: %d is more than the %zu training images: each batch has all of them",
            qea_study_config_where(config, key, place, sizeof place), wanted, data->train.count);
}

/* The usual mistake: other epochs are asked for, and T_max stays. */
static void warn_of_schedule(qea_context *ctx, const qea_study_config *config, const char *key,
                             const qea_recipe *recipe) {
    char place[PLACE];
    const int end = recipe->schedule.kind == QEA_SCHEDULE_COSINE ? recipe->schedule.cosine_epochs : 0;
    if (end == 0 || end == recipe->epochs) return;
    qea_study_config_where(config, key, place, sizeof place);
    if (end < recipe->epochs)
        qea_log(ctx, QEA_LOG_WARNING, "%s: %d, and %d epochs: in the last %d the rate stays at eta_min, %g", place, end,
                recipe->epochs, recipe->epochs - end, recipe->schedule.min_lr);
    else
        qea_log(ctx, QEA_LOG_WARNING, "%s: %d, and %d epochs: they end before the rate has fallen to eta_min", place,
                end, recipe->epochs);
}

/* Transforms that name a size or a number of channels must mean these images. */
static qea_status check_transforms(qea_context *ctx, const qea_study_config *config, const char *step,
                                   const qea_data_config *wanted, const qea_dataset *images) {
    char place[PLACE], key[64];
    const int crop = wanted->crop_size, values = wanted->normalize_channels;
    (void)snprintf(key, sizeof key, "%s.dataset.train.transforms", step);
    qea_study_config_where(config, key, place, sizeof place);
    if (crop != 0 && (crop != images->height || crop != images->width))
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "%s: found RandomCrop to %d x %d, but the images are %d x %d, allowed: their size, which a "
                        "crop keeps",
                        place, crop, crop, images->height, images->width);
    if (values != 0 && values != images->channels)
        return qea_fail(ctx, QEA_ERR_CONFIG,
                        "%s: found Normalize with %d values, allowed: %d, one for each channel of the images", place,
                        values, images->channels);
    return QEA_OK;
}

/* The search's network is trained fully: it was made, and its costs were told, for the search's images. */
static qea_status check_same_images(qea_context *ctx, const qea_run *run, const qea_data_config *wanted,
                                    const qea_dataset *images) {
    const qea_data_config *search = &run->config->nas_data;
    const int classes = qea_graph_num_classes(run->graph);
    int height, width, channels;
    char place[PLACE];
    qea_graph_input_shape(run->graph, &height, &width, &channels);
    if (images->height == height && images->width == width && images->channels == channels &&
        images->num_classes == classes)
        return QEA_OK;
    bool same_path = search->path != NULL && strcmp(search->path, wanted->path) == 0;
    const char *key = !same_path                                 ? "fully_train.dataset.common.data_path"
                      : search->image_size != wanted->image_size ? "fully_train.dataset.common.image_size"
                      : search->channels != wanted->channels     ? "fully_train.dataset.common.channels"
                                                                 : "fully_train.dataset.type";
    return qea_fail(ctx, QEA_ERR_CONFIG,
                    "%s: found images of %d x %d x %d in %d classes, allowed: what the search has, %d x %d x %d in %d "
                    "classes",
                    qea_study_config_where(run->config, key, place, sizeof place), images->height, images->width,
                    images->channels, images->num_classes, height, width, channels, classes);
}

/* The search may have been there before, and no part of this run. */
static qea_status load_searched_network(qea_context *ctx, qea_run *run) {
    if (run->task.store == NULL || run->config->has_nas) return QEA_OK;
    return qea_run_load_network(ctx, run);
}

/* keep_best chooses by images that do not train. */
static qea_status check_keep_best(qea_context *ctx, const qea_run *run, bool final, const qea_step_data *data) {
    char place[PLACE];
    if (!final || !run->config->full_recipe.keep_best || data->validation.count > 0) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_CONFIG,
                    "%s: found true, but fully_train has no validation images, allowed: true with a "
                    "fully_train.dataset.common.train_portion below 1 (found %g), or false",
                    qea_study_config_where(run->config, "fully_train.trainer.keep_best", place, sizeof place),
                    run->config->full_data.train_portion);
}

/* Loads the images of a step once to see that they are whole and what shape the network gets. */
static qea_status check_step(qea_context *ctx, qea_run *run, bool final) {
    const qea_study_config *config = run->config;
    const qea_data_config *wanted = final ? &config->full_data : &config->nas_data;
    const char *portion = final ? "fully_train.dataset.common.train_portion" : "nas.dataset.common.train_portion";
    const char *folder = final ? "fully_train.dataset.common.data_path" : "nas.dataset.common.data_path";
    const char *step = final ? "fully_train" : "nas";
    char place[PLACE];
    qea_step_data data;
    QEA_TRY(check_folder(ctx, config, folder, wanted->path));
    QEA_TRY(qea_step_data_load(ctx, wanted, config->seed, final, &data));
    qea_step_data_describe(&data, final ? run->full_images : run->search_images);
    qea_status status = check_transforms(ctx, config, step, wanted, data.train_part);
    if (status == QEA_OK)
        status = run->graph == NULL ? qea_study_network(ctx, config, data.train_part, &run->graph)
                                    : check_same_images(ctx, run, wanted, data.train_part);
    const char *missing = data.train.count == 0 ? "train" : !final && data.validation.count == 0 ? "validate" : NULL;
    if (status == QEA_OK && missing != NULL)
        status =
            qea_fail(ctx, QEA_ERR_CONFIG,
                     "%s: found %g, which leaves none of %zu images to %s on; allowed is what leaves at least one, "
                     "for instance 0.9",
                     qea_study_config_where(config, portion, place, sizeof place), wanted->train_portion,
                     data.train_part->count, missing);
    if (status == QEA_OK) status = check_keep_best(ctx, run, final, &data);
    if (status == QEA_OK) warn_of_batch(ctx, config, step, &data, wanted->train_batch);
    if (status == QEA_OK && final)
        warn_of_schedule(ctx, config, "fully_train.trainer.lr_scheduler.params.T_max", &config->full_recipe);
    else if (status == QEA_OK && config->evaluator != QEA_EVALUATOR_SHARED_WEIGHTS)
        warn_of_schedule(ctx, config, "nas.trainer.lr_scheduler.params.T_max", &config->nas_recipe);
    qea_step_data_clear(&data);
    return status;
}

/* --- models to begin from and to learn from --- */

static qea_status compare_pretrained(qea_context *ctx, const qea_run *run, const char *key, const char *path,
                                     const qea_model *from) {
    qea_model *to;
    char place[PLACE];
    QEA_TRY(qea_model_create(ctx, run->graph, NULL, 0, &to));
    size_t copied = qea_model_copy_values(to, from), all = to->num_params;
    qea_model_destroy(to);
    qea_study_config_where(run->config, key, place, sizeof place);
    if (2 * copied < all)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: found '%s', a model of another network: %zu of the %zu tensors fit",
                        place, path, copied, all);
    if (copied < all)
        qea_log(ctx, QEA_LOG_WARNING, "%s: %zu of the network's %zu tensors are not in '%s' and begin at random", place,
                all - copied, all, path);
    return QEA_OK;
}

/* A teacher runs as the network that it is, on the images of the run. */
static qea_status compare_teacher(qea_context *ctx, const qea_run *run, const char *key, const char *path,
                                  const qea_graph *graph) {
    char place[PLACE];
    int h, w, c, height, width, channels;
    int classes = qea_graph_num_classes(graph), wanted = qea_graph_num_classes(run->graph);
    qea_graph_input_shape(graph, &h, &w, &c);
    qea_graph_input_shape(run->graph, &height, &width, &channels);
    qea_study_config_where(run->config, key, place, sizeof place);
    if (classes != wanted)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: found '%s', a model of %d classes; the data have %d", place, path,
                        classes, wanted);
    if (h != height || w != width || c != channels)
        return qea_fail(ctx, QEA_ERR_DATA,
                        "%s: found '%s', a model for images of %d x %d x %d, which cannot teach: the data have %d x %d "
                        "x %d",
                        place, path, h, w, c, height, width, channels);
    return QEA_OK;
}

/* begins: with its weights, so that they must be this network's. teaches: on the images of the run. */
static qea_status check_model(qea_context *ctx, const qea_run *run, const char *key, const char *path, bool begins,
                              bool teaches) {
    qea_graph *graph = NULL;
    qea_model *model = NULL;
    if (path == NULL) return QEA_OK;
    QEA_TRY(qea_model_load(ctx, path, &graph, &model, NULL));
    qea_status status = begins ? compare_pretrained(ctx, run, key, path, model) : QEA_OK;
    if (status == QEA_OK && teaches) status = compare_teacher(ctx, run, key, path, graph);
    qea_model_destroy(model);
    qea_graph_destroy(graph);
    return status;
}

/* The bits of all candidates, in as many calls as a gene has candidates. */
static qea_status try_candidates(qea_context *ctx, const qea_bit_space *space, qea_model *supernet, uint8_t *bits) {
    int most = 1;
    for (size_t i = 0; i < space->num_genes; i++)
        if (space->genes[i].num_bits > most) most = space->genes[i].num_bits;
    for (int k = 0; k < most; k++) {
        for (size_t i = 0; i < space->num_layers; i++) {
            const qea_gene *w = &space->genes[space->weight_gene[i]], *a = &space->genes[space->activation_gene[i]];
            bits[i] = w->bits[k < w->num_bits ? k : w->num_bits - 1];
            bits[space->num_layers + i] = a->bits[k < a->num_bits ? k : a->num_bits - 1];
        }
        QEA_TRY(qea_model_set_bits(ctx, supernet, bits, bits + space->num_layers));
    }
    return QEA_OK;
}

static qea_status compare_supernet(qea_context *ctx, const qea_run *run, const char *key, const char *path,
                                   qea_model *model) {
    const qea_study_config *config = run->config;
    char place[PLACE];
    uint8_t *bits;
    qea_study_config_where(config, key, place, sizeof place);
    if (!qea_model_is_supernet(model))
        return qea_fail(ctx, QEA_ERR_DATA, "%s: found '%s', a model of fixed bits; allowed: a supernet", place, path);
    if (model->weight_quantizer != config->weight_quantizer ||
        model->activation_quantizer != config->activation_quantizer)
        return qea_fail(
            ctx, QEA_ERR_DATA, "%s: found '%s', a supernet of the quantisers %s and %s, not %s and %s", place, path,
            qea_quantizer_name((int)model->weight_quantizer), qea_quantizer_name((int)model->activation_quantizer),
            qea_quantizer_name((int)config->weight_quantizer), qea_quantizer_name((int)config->activation_quantizer));
    QEA_TRY(compare_pretrained(ctx, run, key, path, model));
    QEA_TRY(QEA_NEW(ctx, "bits", bits, 2 * run->space->num_layers));
    qea_status status = try_candidates(ctx, run->space, model, bits);
    qea_free(bits);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "%s: found '%s'", place, path);
}

/* Whether the supernet that is given is one for this search. */
static qea_status check_supernet(qea_context *ctx, const qea_run *run) {
    const char *path = run->config->supernet.path;
    qea_graph *graph;
    qea_model *model;
    if (path == NULL) return QEA_OK;
    QEA_TRY(qea_model_load(ctx, path, &graph, &model, NULL));
    qea_status status = compare_supernet(ctx, run, "nas.evaluator.supernet", path, model);
    qea_model_destroy(model);
    qea_graph_destroy(graph);
    return status;
}

static qea_status check_models(qea_context *ctx, const qea_run *run) {
    const qea_study_config *config = run->config;
    const char *teacher = config->teacher != NULL && strcmp(config->teacher, "search") != 0 ? config->teacher : NULL;
    if (config->init == QEA_INIT_PRETRAINED)
        QEA_TRY(check_model(ctx, run, "fully_train.pretrained", config->pretrained, true, false));
    bool teaches = config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS && config->supernet.distillation.weight > 0;
    QEA_TRY(check_model(ctx, run, "nas.evaluator.pretrained", config->search_pretrained, true, teaches));
    return check_model(ctx, run, "fully_train.teacher", teacher, false, true);
}

/* Are there genomes enough to measure how well the search ranks, and images to train them on? */
static qea_status check_agreement(qea_context *ctx, const qea_run *run) {
    qea_agreement_choice choice;
    qea_step_data data;
    if (run->config->agreement.genomes == 0) return QEA_OK;
    const qea_data_config *wanted = &run->config->agreement.data;
    QEA_TRY(qea_step_data_load(ctx, wanted, run->config->seed, false, &data));
    qea_status status = check_transforms(ctx, run->config, "fully_train", wanted, data.train_part);
    if (status == QEA_OK) status = check_same_images(ctx, run, wanted, data.train_part);
    qea_step_data_clear(&data);
    if (status != QEA_OK) return status;
    QEA_TRY(qea_agreement_choose(ctx, run->space, &choice));
    qea_free(choice.genomes);
    return QEA_OK;
}

/* --- the search --- */

/* The seeds are what sensitivity is measured for: a search that ends before them has wasted its trials. */
static qea_status check_sensitivity(qea_context *ctx, const qea_run *run) {
    const qea_study_config *config = run->config;
    const size_t trials = qea_budget_trials(config), some = config->num_individual;
    size_t probes = 1, opening = config->random_samples;
    char place[PLACE];
    if (!config->has_nas || !config->sensitivity) return QEA_OK;
    for (size_t i = 0; i < run->space->num_genes; i++) probes += run->space->gene_sizes[i] > 1;
    if (probes > opening) opening += (probes - opening + some - 1) / some * some;
    if (opening < trials) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_CONFIG,
                    "%s: found true, which needs more than %zu trials, as %zu genes are measured first; the search "
                    "has %zu",
                    qea_study_config_where(config, "nas.search_algorithm.sensitivity", place, sizeof place), opening,
                    probes - 1, trials);
}

qea_status qea_run_check(qea_context *ctx, qea_run *run) {
    const qea_study_config *config = run->config;
    if (config->warnings[0] != '\0') qea_log(ctx, QEA_LOG_WARNING, "%s", config->warnings);
    if (config->evaluator == QEA_EVALUATOR_COMMAND)
        QEA_TRY(qea_command_check(ctx, config, &config->program, "nas.evaluator"));
    QEA_TRY(qea_objectives_check(ctx, config));
    if (config->num_genes > 0) {
        QEA_TRY(qea_bit_space_create(ctx, config, NULL, &run->space));
        return check_sensitivity(ctx, run);
    }
    QEA_TRY(check_machine(ctx, config));
    QEA_TRY(load_searched_network(ctx, run));
    if (config->has_nas) QEA_TRY(check_step(ctx, run, false));
    if (config->has_fully_train) QEA_TRY(check_step(ctx, run, true));
    QEA_TRY(check_models(ctx, run));
    QEA_TRY(qea_bit_space_create(ctx, config, run->graph, &run->space));
    QEA_TRY(check_supernet(ctx, run));
    if (config->has_nas && config->num_limits > 0) QEA_TRY(qea_run_check_search(ctx, run));
    QEA_TRY(check_agreement(ctx, run));
    return check_sensitivity(ctx, run);
}
