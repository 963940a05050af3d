/* The table of data set types. Another type is one file with its loader, and one row here. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "data/readers.h"
#include "data/transforms.h"

typedef qea_status (*load_fn)(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                              qea_dataset **out);

typedef struct dataset_type {
    load_fn load;
    qea_transforms transforms; /* for training, unless others are configured */
} dataset_type;

/* Means and standard deviations are those of the training images' pixels / 255. */
static const dataset_type types[] = {
    {qea_load_cifar10, {4, true, {.49139968f, .48215827f, .44653124f}, {.24703233f, .24348505f, .26158768f}}},
    {qea_load_cifar100, {4, true, {.50707516f, .48654887f, .44091784f}, {.26733429f, .25643846f, .27615047f}}},
    {qea_load_mnist, {0, false, {.1307f}, {.3081f}}}, /* a mirrored digit is another digit, or none */
    {qea_load_fashion_mnist, {2, true, {.2860f}, {.3530f}}},
    {qea_load_image_folder, {0, true, {.5f, .5f, .5f, .5f}, {.25f, .25f, .25f, .25f}}},
    {qea_load_arrays, {0, true, {.5f, .5f, .5f, .5f}, {.25f, .25f, .25f, .25f}}},
};
enum { NUM_TYPES = sizeof types / sizeof types[0] };

/* In the order of `types`. */
static const char *const type_names[] = {"Cifar10", "Cifar100", "Mnist", "FashionMnist", "ImageFolder", "Arrays", NULL};
_Static_assert(sizeof type_names / sizeof type_names[0] == NUM_TYPES + 1, "a name for each type");

const char *const *qea_dataset_types(void) { return type_names; }

static qea_status fail_unknown(qea_context *ctx, const char *name) {
    qea_text allowed = {0};
    for (size_t t = 0; t < NUM_TYPES; t++) qea_text_printf(&allowed, "%s%s", t ? ", " : "", type_names[t]);
    char hint[QEA_HINT];
    qea_text_put(&allowed, qea_hint(qea_nearest_name(name, type_names, NUM_TYPES), hint));
    qea_status status = qea_text_finish(ctx, &allowed);
    if (status == QEA_OK)
        status = qea_fail(ctx, QEA_ERR_CONFIG, "data set type: found \"%s\", allowed are %s", name, allowed.bytes);
    qea_text_free(&allowed);
    return status;
}

static qea_status find_type(qea_context *ctx, const char *name, const dataset_type **out) {
    for (size_t t = 0; t < NUM_TYPES; t++) {
        if (name && strcmp(name, type_names[t]) == 0) {
            *out = &types[t];
            return QEA_OK;
        }
    }
    return fail_unknown(ctx, name ? name : "");
}

qea_status qea_transforms_default(qea_context *ctx, const char *type, qea_transforms *out) {
    const dataset_type *found = NULL;
    QEA_TRY(find_type(ctx, type, &found));
    *out = found->transforms;
    return QEA_OK;
}

qea_status qea_dataset_load(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                            qea_dataset **out) {
    *out = NULL;
    const dataset_type *type = NULL;
    QEA_TRY(find_type(ctx, source->type, &type));
    if (!source->path || !*source->path)
        return qea_fail(ctx, QEA_ERR_CONFIG, "data set %s: no path is given", source->type);
    if (!qea_file_exists(source->path))
        return qea_fail_prefix(ctx, qea_file_fail_missing(ctx, source->path, "folder"), "data set %s", source->type);
    if (!qea_file_is_folder(source->path))
        return qea_fail(ctx, QEA_ERR_DATA, "data set %s: found '%s', a file; allowed: the folder with its files",
                        source->type, source->path);
    return type->load(ctx, source, part, out);
}
