#include "report/tensorboard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/parts.h"

/* --- the frame --- */

uint32_t qea_crc32c(const void *bytes, size_t size) {
    const uint8_t *b = bytes;
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < size; i++) {
        crc ^= b[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1U ? 0x82f63b78U : 0);
    }
    return ~crc;
}

static void put_little(qea_text *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        char byte = (char)(value >> 8 * i & 0xff);
        qea_text_put_bytes(out, &byte, 1);
    }
}

static void put_crc(qea_text *out, const void *bytes, size_t size) {
    uint32_t crc = qea_crc32c(bytes, size);
    put_little(out, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8U), 4); /* masked: data may hold CRCs themselves */
}

static void put_record(qea_text *file, const qea_text *data) {
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)data->size >> 8 * i & 0xff);
    file->failed = file->failed || data->failed;
    if (file->failed) return;
    qea_text_put_bytes(file, (const char *)length, sizeof length);
    put_crc(file, length, sizeof length);
    qea_text_put_bytes(file, data->bytes, data->size);
    put_crc(file, data->bytes, data->size);
}

/* --- the messages: field numbers and wire types of protocol buffers --- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void put_varint(qea_text *out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) put_little(out, (value & 0x7f) | 0x80, 1);
    put_little(out, value, 1);
}

static void put_key(qea_text *out, int field, int wire) { put_varint(out, (uint64_t)(field << 3 | wire)); }

static void put_double(qea_text *out, int field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, FIXED64);
    put_little(out, bits, 8);
}

static void put_float(qea_text *out, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, FIXED32);
    put_little(out, bits, 4);
}

static void put_bytes(qea_text *out, int field, const char *bytes, size_t size) {
    put_key(out, field, BYTES);
    put_varint(out, size);
    qea_text_put_bytes(out, bytes, size);
}

/* Takes the message that `inner` holds and frees it. */
static void put_message(qea_text *out, int field, qea_text *inner) {
    out->failed = out->failed || inner->failed;
    if (!out->failed) put_bytes(out, field, inner->bytes, inner->size);
    qea_text_free(inner);
}

enum { EVENT_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5, SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2 };

void qea_tensorboard_begin(qea_text *file, double time_s) {
    static const char version[] = "brain.Event:2";
    qea_text event = {0};
    put_double(&event, EVENT_TIME, time_s);
    put_bytes(&event, EVENT_VERSION, version, sizeof version - 1);
    put_record(file, &event);
    qea_text_free(&event);
}

void qea_tensorboard_scalar(qea_text *file, double time_s, int64_t step, const char *tag, double value) {
    qea_text event = {0}, summary = {0}, scalar = {0};
    if (!isfinite(value)) return;
    put_bytes(&scalar, VALUE_TAG, tag, strlen(tag));
    put_float(&scalar, VALUE_SIMPLE, (float)value);
    put_message(&summary, SUMMARY_VALUE, &scalar);
    put_double(&event, EVENT_TIME, time_s);
    put_key(&event, EVENT_STEP, VARINT);
    put_varint(&event, (uint64_t)step);
    put_message(&event, EVENT_SUMMARY, &summary);
    put_record(file, &event);
    qea_text_free(&event);
}

/* --- files --- */

/* TensorBoard reads on where it stood: what is there already stays, and the rest is put behind it. */
static qea_status write_events(qea_context *ctx, qea_text *file, const char *folder) {
    char *path = NULL;
    qea_status status = qea_text_finish(ctx, file);
    if (status == QEA_OK) status = qea_folder_make(ctx, folder);
    if (status == QEA_OK) status = qea_path_join(ctx, folder, "events.out.tfevents.quantea", &path);
    if (status == QEA_OK) status = qea_file_extend(ctx, path, file->bytes, file->size);
    qea_free(path);
    qea_text_free(file);
    return status;
}

static qea_status write_search(qea_context *ctx, const qea_report_step *step, const char *folder) {
    qea_text file = {0};
    char tag[64];
    bool begun = false;
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        if (!model->done) continue;
        if (!begun) qea_tensorboard_begin(&file, model->started_s);
        begun = true;
        for (size_t k = 0; k < step->num_objectives; k++) {
            (void)snprintf(tag, sizeof tag, "objectives/%s", step->objectives[k]);
            qea_tensorboard_scalar(&file, model->ended_s, (int64_t)model->id, tag,
                                   qea_report_value(model, step->objectives[k]));
        }
        qea_tensorboard_scalar(&file, model->ended_s, (int64_t)model->id, "hypervolume", model->hypervolume);
    }
    if (begun) return write_events(ctx, &file, folder);
    return QEA_OK;
}

/* A list of numbers of the curve, by the epochs; the times of the epochs lie evenly in that of the training. */
static void put_list(qea_text *file, const qea_report_model *model, const json_t *curve, const char *name,
                     const char *tag) {
    const json_t *list = json_object_get(curve, name), *epochs = json_object_get(curve, "epoch");
    double most = model->epochs > 0 ? model->epochs : 1, took = model->ended_s - model->started_s;
    for (size_t i = 0; i < json_array_size(list) && i < json_array_size(epochs); i++) {
        json_int_t epoch = json_integer_value(json_array_get(epochs, i));
        const json_t *value = json_array_get(list, i);
        if (epoch >= 0 && json_is_number(value))
            qea_tensorboard_scalar(file, model->started_s + took * (double)epoch / most, epoch, tag,
                                   json_number_value(value));
    }
}

static qea_status write_model(qea_context *ctx, const qea_report_model *model, const char *folder) {
    static const char *const lists[][2] = {{"train_loss", "loss/train"},
                                           {"train_accuracy", "accuracy/train"},
                                           {"val_accuracy", "accuracy/validation"},
                                           {"lr", "lr"}};
    const json_t *curve = json_object_get(model->performance, "curve");
    char name[64], *path = NULL;
    qea_text file = {0};
    qea_tensorboard_begin(&file, model->started_s);
    for (int i = 0; i < 4; i++) put_list(&file, model, curve, lists[i][0], lists[i][1]);
    qea_tensorboard_scalar(&file, model->ended_s, model->epochs, "accuracy/test", qea_report_value(model, "accuracy"));
    qea_tensorboard_scalar(&file, model->ended_s, model->epochs, "loss/test", qea_report_value(model, "loss"));
    (void)snprintf(name, sizeof name, "%.32s_%llu", model->label, (unsigned long long)model->id);
    qea_status status = qea_path_join(ctx, folder, name, &path);
    if (status == QEA_OK)
        status = write_events(ctx, &file, path);
    else
        qea_text_free(&file);
    qea_free(path);
    return status;
}

qea_status qea_report_write_tensorboard(qea_context *ctx, const qea_report_step *step, const char *folder) {
    char *path = NULL;
    QEA_TRY(qea_path_join(ctx, folder, step->name, &path));
    qea_status status = QEA_OK;
    if (strcmp(step->name, "nas") == 0)
        status = write_search(ctx, step, path);
    else
        for (size_t i = 0; status == QEA_OK && i < step->count; i++)
            if (step->models[i].done) status = write_model(ctx, &step->models[i], path);
    qea_free(path);
    return status;
}
