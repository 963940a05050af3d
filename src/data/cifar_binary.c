/* CIFAR's binary layout: records of one label byte (CIFAR-100: coarse, then fine) and 3,072 bytes, the red, green and
 * blue planes of 32x32. https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version". */
#include "base/error.h"
#include "data/readers.h"

enum { PLANE = 1024 };

void qea_cifar_interleave(const uint8_t *in, uint8_t *out) {
    for (int p = 0; p < PLANE; p++) {
        out[3 * p] = in[p];
        out[3 * p + 1] = in[PLANE + p];
        out[3 * p + 2] = in[2 * PLANE + p];
    }
}

qea_status qea_cifar_binary_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                   const qea_cifar_format *format, size_t first, qea_dataset *out) {
    size_t label_bytes = (size_t)format->label_bytes, record = label_bytes + QEA_CIFAR_PIXELS;
    if (size != format->records * record)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: ends at byte %zu, but %zu records of %zu bytes are %zu", name, size,
                        format->records, record, format->records * record);
    for (size_t i = 0; i < format->records; i++) {
        const uint8_t *at = bytes + i * record;
        int label = at[label_bytes - 1];
        if (label >= format->num_classes)
            return qea_fail(ctx, QEA_ERR_DATA, "%s: byte %zu: the label of record %zu is %d; %s has labels 0 to %d",
                            name, i * record + label_bytes - 1, i, label, format->title, format->num_classes - 1);
        if (label_bytes == 2 && at[0] >= format->coarse_classes)
            return qea_fail(ctx, QEA_ERR_DATA,
                            "%s: byte %zu: the coarse label of record %zu is %d; 0 to %d are possible", name,
                            i * record, i, at[0], format->coarse_classes - 1);
        out->labels[first + i] = label;
        qea_cifar_interleave(at + label_bytes, out->pixels + (first + i) * QEA_CIFAR_PIXELS);
    }
    return QEA_OK;
}
