/* CIFAR's "python version": a pickled dict with `data`, uint8 [records][3072] (planes R, G, B), and a list of labels.
 */
#include "base/error.h"
#include "data/pickle.h"
#include "data/readers.h"

static qea_status check_data(qea_context *ctx, const char *name, const qea_pickle_value *data, size_t records) {
    if (!data) return qea_fail(ctx, QEA_ERR_DATA, "%s: the pickle has no key \"data\"", name);
    if (data->kind != QEA_PICKLE_ARRAY || data->rank != 2 || data->shape[0] != records ||
        data->shape[1] != QEA_CIFAR_PIXELS)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: \"data\" must be an array of %zu x %d unsigned bytes", name,
                        data->offset, records, QEA_CIFAR_PIXELS);
    return QEA_OK;
}

static qea_status check_labels(qea_context *ctx, const char *name, const qea_pickle_value *labels, const char *key,
                               size_t records) {
    if (!labels) return qea_fail(ctx, QEA_ERR_DATA, "%s: the pickle has no key \"%s\"", name, key);
    if (labels->kind != QEA_PICKLE_LIST || labels->count != records)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: \"%s\" must be a list of %zu integers", name, labels->offset,
                        key, records);
    return QEA_OK;
}

static qea_status copy_records(qea_context *ctx, const char *name, const qea_pickle *pickle,
                               const qea_cifar_format *format, size_t first, qea_dataset *out) {
    const qea_pickle_value *root = qea_pickle_root(pickle);
    const qea_pickle_value *data = qea_pickle_get(pickle, root, "data");
    const qea_pickle_value *labels = qea_pickle_get(pickle, root, format->label_key);
    QEA_TRY(check_data(ctx, name, data, format->records));
    QEA_TRY(check_labels(ctx, name, labels, format->label_key, format->records));
    for (size_t i = 0; i < format->records; i++) {
        const qea_pickle_value *label = qea_pickle_item(pickle, labels, i);
        if (label->kind != QEA_PICKLE_INT)
            return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: the label of record %zu is a %s, not an integer", name,
                            label->offset, i, qea_pickle_kind_name(label->kind));
        if (label->integer < 0 || label->integer >= format->num_classes)
            return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: the label of record %zu is %lld; %s has labels 0 to %d",
                            name, label->offset, i, (long long)label->integer, format->title, format->num_classes - 1);
        out->labels[first + i] = (int32_t)label->integer;
        qea_cifar_interleave(data->bytes + i * QEA_CIFAR_PIXELS, out->pixels + (first + i) * QEA_CIFAR_PIXELS);
    }
    return QEA_OK;
}

qea_status qea_cifar_pickle_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                   const qea_cifar_format *format, size_t first, qea_dataset *out) {
    qea_pickle *pickle = NULL;
    QEA_TRY(qea_pickle_parse(ctx, name, bytes, size, &pickle));
    qea_status status = copy_records(ctx, name, pickle, format, first, out);
    qea_pickle_destroy(pickle);
    return status;
}
