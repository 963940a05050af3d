#include "data/image_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"

enum { MAX_FILES = 1 << 24 };

/* Which images of each class are taken: [begin, end) of its random order, as shares of the class. */
typedef enum share { SHARE_ALL, SHARE_TRAIN, SHARE_TEST } share;

static bool is_hidden(const char *name) { return name[0] == '.'; }

static bool looks_like_image(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

/* Keeps the folders among names[0..*count), in their order. An image beside class folders would be lost silently. */
static qea_status keep_folders(qea_context *ctx, const char *folder, char **names, size_t *count) {
    size_t kept = 0;
    qea_status status = QEA_OK;
    for (size_t i = 0; i < *count; i++) {
        char *path = NULL;
        if (status == QEA_OK) status = qea_path_join(ctx, folder, names[i], &path);
        bool is_class = status == QEA_OK && !is_hidden(names[i]) && qea_file_is_folder(path);
        if (status == QEA_OK && !is_class && looks_like_image(names[i]))
            status = qea_fail(
                ctx, QEA_ERR_DATA,
                "%s: found an image here; allowed are folders, one for each class, with the images in them", path);
        qea_free(path);
        if (is_class) {
            names[kept++] = names[i];
        } else {
            qea_free(names[i]);
        }
    }
    *count = kept;
    return status;
}

/* The class folders of `folder`; qea_names_free in every case. */
static qea_status list_classes(qea_context *ctx, const char *folder, char ***names, size_t *count) {
    QEA_TRY(qea_folder_list(ctx, folder, QEA_DATA_MAX_CLASSES, names, count));
    QEA_TRY(keep_folders(ctx, folder, *names, count));
    if (*count == 0)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: found no folder in it; one for each class is needed", folder);
    return QEA_OK;
}

static qea_status add_entry(qea_context *ctx, qea_image_list *list, const char *folder, const char *name, int label,
                            uint32_t rank, uint32_t of) {
    QEA_TRY(qea_grow(ctx, "list of images", (void **)&list->entries, &list->capacity, list->count + 1,
                     sizeof *list->entries));
    qea_image_entry *entry = &list->entries[list->count];
    QEA_TRY(qea_path_join(ctx, folder, name, &entry->path));
    list->count++;
    if (qea_file_is_folder(entry->path))
        return qea_fail(ctx, QEA_ERR_DATA,
                        "%s: found a folder here; allowed are the images of a class (FOLDER/CLASS/IMAGE)", entry->path);
    entry->label = label;
    entry->rank = rank;
    entry->of = of;
    return QEA_OK;
}

/* At least one image of a class is left on each side, if it has two. */
static uint32_t count_test(uint32_t count, double portion) {
    uint32_t test = (uint32_t)(portion * count + 0.5);
    if (test == 0) test = 1;
    return test < count ? test : count - 1;
}

/* names[0..count): the files of one class. The random order depends on the seed and the label only. */
static qea_status add_files(qea_context *ctx, const qea_dataset_source *source, share which, const char *folder,
                            char **names, uint32_t count, int label, qea_image_list *list) {
    uint32_t begin = 0, end = count, *order = NULL;
    if (which == SHARE_TRAIN) end = count - count_test(count, source->test_portion);
    if (which == SHARE_TEST) begin = count - count_test(count, source->test_portion);
    QEA_TRY(QEA_NEW(ctx, "order of images", order, count));
    qea_rng rng = qea_rng_make(source->seed, QEA_RNG_SPLIT, (uint32_t)label, 0);
    qea_rng_permutation(&rng, count, order);
    qea_status status = QEA_OK;
    for (uint32_t i = begin; i < end && status == QEA_OK; i++)
        status = add_entry(ctx, list, folder, names[order[i]], label, i - begin, end - begin);
    qea_free(order);
    return status;
}

static qea_status add_class(qea_context *ctx, const qea_dataset_source *source, share which, const char *part_folder,
                            const char *name, int label, qea_image_list *list) {
    char *folder = NULL, **names = NULL;
    size_t count = 0, kept = 0;
    QEA_TRY(qea_path_join(ctx, part_folder, name, &folder));
    qea_status status = qea_folder_list(ctx, folder, MAX_FILES, &names, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_hidden(names[i]))
            qea_free(names[i]);
        else
            names[kept++] = names[i];
    }
    if (status == QEA_OK && kept == 0)
        status = qea_fail(ctx, QEA_ERR_DATA, "%s: found no images of this class", folder);
    if (status == QEA_OK) status = add_files(ctx, source, which, folder, names, (uint32_t)kept, label, list);
    qea_names_free(names, kept);
    qea_free(folder);
    return status;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static qea_status add_classes(qea_context *ctx, const qea_dataset_source *source, share which, const char *part_folder,
                              char **names, size_t count, qea_image_list *list) {
    for (size_t i = 0; i < count; i++) {
        char **found = bsearch(&names[i], list->classes, list->num_classes, sizeof *names, compare_names);
        if (!found)
            return qea_fail(ctx, QEA_ERR_DATA, "%s/%s: this class has no folder among the training images", part_folder,
                            names[i]);
        QEA_TRY(add_class(ctx, source, which, part_folder, names[i], (int)(found - list->classes), list));
    }
    return QEA_OK;
}

/* Spreads every class evenly over the list, so that any part of it (the last images validate, the first ones are a
 * budget) has the classes in about the same shares. */
static int compare_entries(const void *a, const void *b) {
    const qea_image_entry *one = a, *other = b;
    uint64_t x = (2 * (uint64_t)one->rank + 1) * other->of, y = (2 * (uint64_t)other->rank + 1) * one->of;
    if (x != y) return x < y ? -1 : 1;
    return (one->label > other->label) - (one->label < other->label);
}

/* A folder "train" that holds folders (a class could have that name, too). */
static qea_status find_split(qea_context *ctx, const char *train, bool *split) {
    *split = false;
    if (!qea_file_is_folder(train)) return QEA_OK;
    char **names = NULL;
    size_t count = 0;
    qea_status status = qea_folder_list(ctx, train, MAX_FILES, &names, &count);
    for (size_t i = 0; i < count && status == QEA_OK && !*split; i++) {
        char *path = NULL;
        status = qea_path_join(ctx, train, names[i], &path);
        *split = status == QEA_OK && qea_file_is_folder(path);
        qea_free(path);
    }
    qea_names_free(names, count);
    return status;
}

/* Validation and test images with a folder of their own. */
static qea_status list_own_folder(qea_context *ctx, const qea_dataset_source *source, const char *folder,
                                  qea_image_list *list) {
    char **names = NULL;
    size_t count = 0;
    qea_status status = list_classes(ctx, folder, &names, &count);
    if (status == QEA_OK) status = add_classes(ctx, source, SHARE_ALL, folder, names, count, list);
    qea_names_free(names, count);
    return status;
}

/* train: the folder of the training classes; own: the part's own folder, or NULL. */
static qea_status list_part(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                            const char *train, const char *own, bool has_test, qea_image_list *list) {
    if (part == QEA_PART_VAL && !own) {
        list->absent = true;
        return QEA_OK;
    }
    QEA_TRY(list_classes(ctx, train, &list->classes, &list->num_classes));
    if (list->num_classes < 2)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: found one class only, '%s'; at least two are needed", train,
                        list->classes[0]);
    bool divide = !has_test && source->test_portion > 0;
    if (part == QEA_PART_TRAIN)
        QEA_TRY(
            add_classes(ctx, source, divide ? SHARE_TRAIN : SHARE_ALL, train, list->classes, list->num_classes, list));
    else if (own)
        QEA_TRY(list_own_folder(ctx, source, own, list));
    else if (divide)
        QEA_TRY(add_classes(ctx, source, SHARE_TEST, train, list->classes, list->num_classes, list));
    else
        return qea_fail(ctx, QEA_ERR_DATA,
                        "%s: no folder test with images here, and test_portion is 0: a value as 0.2 takes that share "
                        "of each class",
                        source->path);
    if (list->count == 0)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: no class has enough images for a test part", source->path);
    qsort(list->entries, list->count, sizeof *list->entries, compare_entries);
    return QEA_OK;
}

qea_status qea_image_list_make(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                               qea_image_list *list) {
    char *train = NULL, *val = NULL, *test = NULL;
    bool split = false;
    qea_status status = qea_path_join(ctx, source->path, "train", &train);
    if (status == QEA_OK) status = qea_path_join(ctx, source->path, "val", &val);
    if (status == QEA_OK) status = qea_path_join(ctx, source->path, "test", &test);
    if (status == QEA_OK) status = find_split(ctx, train, &split);
    if (status == QEA_OK) {
        bool has_val = split && qea_file_is_folder(val), has_test = split && qea_file_is_folder(test);
        const char *own = NULL;
        if (part == QEA_PART_VAL && has_val) own = val;
        if (part == QEA_PART_TEST && has_test) own = test;
        status = list_part(ctx, source, part, split ? train : source->path, own, has_test, list);
    }
    qea_free(train);
    qea_free(val);
    qea_free(test);
    return status;
}

void qea_image_list_free(qea_image_list *list) {
    qea_names_free(list->classes, list->num_classes);
    for (size_t i = 0; i < list->count; i++) qea_free(list->entries[i].path);
    qea_free(list->entries);
}
