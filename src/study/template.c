/* A configuration to start from, made for a data set and a network. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/image_list.h"
#include "quantea/inspect.h"
#include "study/config.h"
#include "study/places.h"

enum { MAX_IMAGE_BYTES = 1 << 28, LARGE_SIDE = 128 };

static const char *const network_names[] = {"resnet8",  "resnet14", "resnet20", "resnet32",
                                            "resnet18", "resnet34", "resnet50", NULL};
/* In the same order. The first four are those for small images, of three stages. */
static const struct {
    const char *backbone;
    bool large; /* made for large images: four stages */
} networks[] = {
    {"num_blocks: [1, 1, 1], base_channel: 16", false},    {"num_blocks: [2, 2, 2], base_channel: 16", false},
    {"base_depth: 20, base_channel: 16, stage: 3", false}, {"num_blocks: [5, 5, 5], base_channel: 16", false},
    {"base_depth: 18, base_channel: 64, stage: 4", true},  {"base_depth: 34, base_channel: 64, stage: 4", true},
    {"base_depth: 50, base_channel: 64, stage: 4", true}};
_Static_assert(sizeof network_names / sizeof *network_names == sizeof networks / sizeof *networks + 1, "a row each");

const char *const *qea_template_networks(void) { return network_names; }

typedef struct draft {
    const char *type;
    char *path; /* owned */
    size_t network;
    bool folder;                /* of images; then also: */
    bool has_test;              /* a folder of test images */
    size_t images, num_classes; /* of the training part */
    int height, width;          /* of the first image */
    int side;                   /* to which they are resized */
} draft;

/* Index of `name`, or QEA_ERR_CONFIG that lists what is allowed. */
static qea_status find_name(qea_context *ctx, const char *what, const char *name, const char *const *names,
                            const char *also, size_t *out) {
    size_t count = 0;
    char hint[QEA_HINT];
    qea_text list = {0};
    for (; names[count] != NULL; count++) {
        qea_text_printf(&list, "%s%s", count > 0 ? ", " : "", names[count]);
        if (strcmp(names[count], name) == 0) *out = count;
    }
    bool found = *out < count && strcmp(names[*out], name) == 0;
    qea_status status = qea_text_finish(ctx, &list);
    if (status == QEA_OK && !found)
        status = qea_fail(ctx, QEA_ERR_CONFIG, "%s: found '%s', allowed are %s%s%s", what, name, list.bytes, also,
                          qea_hint(qea_nearest_name(name, names, count), hint));
    qea_text_free(&list);
    return status;
}

/* --- a folder of images --- */

static qea_status look_at_image(qea_context *ctx, const char *path, draft *d) {
    uint8_t *bytes;
    size_t size;
    qea_image image = {0};
    QEA_TRY(qea_file_read(ctx, path, MAX_IMAGE_BYTES, &bytes, &size));
    qea_status status = qea_image_decode(ctx, path, bytes, size, 3, &image);
    qea_free(bytes);
    if (status != QEA_OK) return status;
    d->height = image.height;
    d->width = image.width;
    qea_free(image.pixels);
    return QEA_OK;
}

/* The largest usual size that the image has; a smaller image keeps its own. */
static int choose_side(const draft *d) {
    static const int sides[] = {224, 128, 64, 32};
    int shorter = d->height < d->width ? d->height : d->width;
    for (size_t i = networks[d->network].large ? 0 : 2; i < sizeof sides / sizeof *sides; i++)
        if (sides[i] <= shorter) return sides[i];
    return shorter;
}

static qea_status look_at_folder(qea_context *ctx, draft *d) {
    qea_dataset_source source = {.type = "ImageFolder", .path = d->path};
    qea_image_list train = {0}, test = {0};
    qea_status status = qea_image_list_make(ctx, &source, QEA_PART_TRAIN, &train);
    if (status == QEA_OK) status = look_at_image(ctx, train.entries[0].path, d);
    d->images = train.count;
    d->num_classes = train.num_classes;
    if (status == QEA_OK) d->has_test = qea_image_list_make(NULL, &source, QEA_PART_TEST, &test) == QEA_OK;
    qea_image_list_free(&train);
    qea_image_list_free(&test);
    d->side = choose_side(d);
    return status;
}

/* --- the choice --- */

static bool is_plain_text(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) return false;
    return true;
}

static qea_status choose_path(qea_context *ctx, const char *path, draft *d) {
    if (path == NULL)
        return qea_fail(ctx, QEA_ERR_CONFIG, "data set %s: it lies at no usual place here; say with --data_path where",
                        d->type);
    if (!is_plain_text(path))
        return qea_fail(ctx, QEA_ERR_CONFIG, "data set %s: the path has control characters", d->type);
    char *absolute = realpath(path, NULL); /* the configuration may be used from elsewhere */
    qea_status status = qea_strdup(ctx, absolute != NULL ? absolute : path, &d->path);
    free(absolute);
    return status;
}

static qea_status choose(qea_context *ctx, const qea_template_options *options, draft *d) {
    size_t type = 0;
    QEA_TRY(find_name(ctx, "network", options->network, network_names, "", &d->network));
    const char *const *types = qea_dataset_types();
    bool known = find_name(NULL, "", options->dataset, types, "", &type) == QEA_OK;
    if (!known && qea_file_is_folder(options->dataset)) {
        d->type = "ImageFolder";
        d->folder = true;
        QEA_TRY(choose_path(ctx, options->dataset, d));
        qea_status status = look_at_folder(ctx, d);
        if (status == QEA_OK) return QEA_OK;
        return qea_fail_prefix(ctx, status,
                               "a folder is taken for one of images (others: --dataset TYPE --data_path FOLDER)");
    }
    QEA_TRY(find_name(ctx, "data set", options->dataset, types, " or a folder of images", &type));
    d->type = types[type];
    d->folder = strcmp(d->type, "ImageFolder") == 0;
    QEA_TRY(choose_path(ctx, options->data_path != NULL ? options->data_path : qea_usual_path(d->type), d));
    return d->folder ? look_at_folder(ctx, d) : QEA_OK;
}

/* --- the text --- */

static void put_quoted(qea_text *text, const char *value) {
    qea_text_put(text, "'");
    for (; *value != '\0'; value++) {
        if (*value == '\'') qea_text_put(text, "'");
        qea_text_put_bytes(text, value, 1);
    }
    qea_text_put(text, "'");
}

static void put_data(qea_text *text, const draft *d) {
    qea_text_put(text, "nas:\n    dataset:\n");
    qea_text_printf(text, "        type: %s\n        common:\n            data_path: ", d->type);
    put_quoted(text, d->path);
    qea_text_put(text,
                 "\n            train_portion: 0.9     # of the training images; the others validate the search\n");
    if (d->folder) {
        qea_text_printf(text, "            # %zu training images in %zu classes; the first one has %d x %d pixels\n",
                        d->images, d->num_classes, d->height, d->width);
        qea_text_printf(text, "            image_size: %d         # all are resized to this; larger costs time\n",
                        d->side);
        if (!d->has_test)
            qea_text_put(text,
                         "            test_portion: 0.2      # of each class: there is no folder of test images\n");
    }
    qea_text_put(text, "        train:\n"
                       "            batch_size: 64\n"
                       "            # images: 10000        # a search on a part of the images is faster\n");
}

static void put_search(qea_text *text, const draft *d) {
    bool shrink = networks[d->network].large && d->side >= LARGE_SIDE;
    qea_text_put(text, "    search_algorithm:\n"
                       "        type: QuantEA\n"
                       "        policy:\n"
                       "            random_samples: 16     # models before the first generation, uniform ones first\n"
                       "            num_generation: 4\n"
                       "            num_individual: 8      # new models in each generation\n"
                       "        # what is traded: accuracy, flops, params, bops, weight_bytes, activation_bytes\n"
                       "        objective_keys: [accuracy, flops]\n"
                       "    search_space:\n"
                       "        bit_candidates: [2, 4, 8]  # of the weights and the activations of each layer\n");
    qea_text_printf(text, "        backbone: {type: ResNetGeneral, %s, small_input: %s} # %s\n",
                    networks[d->network].backbone, shrink ? "false" : "true", network_names[d->network]);
}

static void put_training(qea_text *text) {
    qea_text_put(
        text, "    trainer:                       # of each model in the search\n"
              "        epochs: 1\n"
              "        optimizer: {type: SGD, params: {lr: 0.1, momentum: 0.9, weight_decay: 0.0001}}\n"
              "        lr_scheduler: {type: CosineAnnealingLR, by_epoch: false}\n"
              "\n"
              "fully_train:                       # of the models on the front, and of uniform ones to compare with\n"
              "    dataset: {ref: nas.dataset, common: {train_portion: 1.0}}\n"
              "    trainer:\n"
              "        ref: nas.trainer\n"
              "        epochs: 20\n"
              "    max_models: 4\n"
              "    baselines: [[8, 8], [4, 4], [32, 32]] # [weight bits, activation bits]; 32: float\n");
}

static qea_status write_draft(qea_context *ctx, const char *file, const draft *d) {
    qea_text text = {0};
    qea_text_put(&text, "# What quantea is to search and train. docs/config.md lists every key;\n"
                        "# `quantea estimate` tells what a run costs, `quantea run` does it.\n"
                        "general:\n"
                        "    seed: 1                        # equal configurations and seeds give equal results\n"
                        "    workers: auto                  # models at a time; auto: one per usable processor\n"
                        "\n"
                        "pipeline: [nas, fully_train]       # the search, then the full trainings\n"
                        "\n");
    put_data(&text, d);
    put_search(&text, d);
    put_training(&text);
    qea_study_config *config = NULL;
    qea_status status = qea_text_finish(ctx, &text);
    /* Whatever the path is: what is written can be read. */
    if (status == QEA_OK) status = qea_study_config_parse(ctx, file, text.bytes, text.size, NULL, 0, &config);
    if (status == QEA_OK) status = qea_file_write(ctx, file, text.bytes, text.size);
    qea_study_config_destroy(config);
    qea_text_free(&text);
    return status;
}

qea_status qea_template_write(qea_context *ctx, const qea_template_options *options) {
    draft d = {0};
    if (!options->force && qea_file_exists(options->file))
        return qea_fail(ctx, QEA_ERR_STATE, "%s: exists; --force replaces it", options->file);
    qea_status status = choose(ctx, options, &d);
    if (status == QEA_OK) status = write_draft(ctx, options->file, &d);
    qea_free(d.path);
    return status;
}
