/* train/checkpoint.c: a training run on disk: one safetensors file, written whole or not at all.
 *   value/<param>, first/<param>, second/<param> (optimiser), best/<param>, curve [epochs done][4]
 *   metadata: format, settings (what the run was started with, one per line), and where it stands. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "train/training.h"

static const char format_name[] = "quantea-checkpoint-2";

/* --- settings: a checkpoint of another run is refused --- */

static void put_double(qea_text *text, const char *key, double value) {
    qea_text_put(text, key);
    qea_text_put(text, " ");
    qea_text_put_double(text, value);
    qea_text_put(text, "\n");
}

static void put_int(qea_text *text, const char *key, long long value) {
    qea_text_printf(text, "%s %lld\n", key, value);
}

static void put_bits(qea_text *text, const char *key, const uint8_t *bits, size_t count) {
    qea_text_put(text, key);
    for (size_t i = 0; i < count; i++) qea_text_printf(text, " %d", bits[i]);
    qea_text_put(text, "\n");
}

static void put_model(qea_text *text, const qea_model *model) {
    size_t layers = qea_graph_num_quantized(model->graph);
    qea_text_printf(text, "weight_quantizer %s\nactivation_quantizer %s\n",
                    qea_quantizer_name((int)model->weight_quantizer),
                    qea_quantizer_name((int)model->activation_quantizer));
    bool supernet = qea_model_is_supernet(model); /* whose bits are each step's own */
    put_bits(text, "weight_bits", supernet ? model->most_weight_bits : model->weight_bits, layers);
    put_bits(text, "activation_bits", supernet ? model->most_activation_bits : model->activation_bits, layers);
    if (supernet) put_bits(text, "widths", model->widths.bits, model->widths.count);
}

/* FNV-1a over the values: another teacher is another run. */
static void put_teacher(qea_text *text, const qea_teacher *teacher) {
    uint64_t hash = 14695981039346656037u;
    if (!teacher->model) return;
    for (size_t i = 0; i < teacher->model->num_params; i++) {
        const qea_param *p = &teacher->model->params[i];
        const uint8_t *bytes = (const uint8_t *)p->value;
        for (size_t k = 0; k < p->count * sizeof(float); k++) hash = (hash ^ bytes[k]) * 1099511628211u;
    }
    qea_text_printf(text, "teacher %016llx\n", (unsigned long long)hash);
    put_double(text, "temperature", (double)teacher->temperature);
    put_double(text, "teacher_weight", (double)teacher->weight);
}

static void put_optimizer(qea_text *text, const qea_optimizer_options *o) {
    put_int(text, "optimizer", o->kind);
    put_double(text, "lr", o->lr);
    put_double(text, "momentum", o->momentum);
    put_double(text, "weight_decay", o->weight_decay);
    put_int(text, "nesterov", o->nesterov);
    put_double(text, "beta1", o->beta1);
    put_double(text, "beta2", o->beta2);
    put_double(text, "eps", o->eps);
    put_double(text, "grad_clip", o->grad_clip);
}

static void put_schedule(qea_text *text, const qea_schedule_options *s) {
    put_int(text, "schedule", s->kind);
    for (int i = 0; i < s->num_milestones; i++) put_int(text, "milestone", s->milestones[i]);
    put_double(text, "gamma", s->gamma);
    put_double(text, "min_lr", s->min_lr);
    put_int(text, "cosine_epochs", s->cosine_epochs);
    put_double(text, "warmup_epochs", s->warmup_epochs);
    put_int(text, "per_step", s->per_step);
}

static void put_data(qea_text *text, const char *part, const qea_loader_config *data) {
    if (!data) return;
    const qea_dataset *d = data->dataset;
    const qea_transforms *t = &data->transforms;
    qea_text_printf(text, "%s images %zu from %zu of %zu, %d x %d x %d, %d classes\n", part, data->count, data->first,
                    d->count, d->height, d->width, d->channels, d->num_classes);
    qea_text_printf(text, "%s batch %d, shuffle %d, crop %d, flip %d, seed %llu\n", part, data->batch, data->shuffle,
                    t->crop_padding, t->flip, (unsigned long long)data->seed);
    for (int c = 0; c < d->channels && c < QEA_MAX_CHANNELS; c++) {
        put_double(text, "mean", (double)t->mean[c]);
        put_double(text, "std", (double)t->std[c]);
    }
}

static qea_status make_settings(qea_context *ctx, const qea_training *t, qea_text *text) {
    const qea_train_options *o = t->options;
    char *graph = NULL;
    QEA_TRY(qea_graph_to_json(ctx, t->model->graph, &graph));
    qea_text_put(text, "network ");
    for (const char *c = graph; *c; c++) qea_text_put_bytes(text, *c == '\n' ? " " : c, 1);
    qea_text_put(text, "\n");
    qea_string_free(graph);
    put_model(text, t->model);
    put_optimizer(text, &o->optimizer);
    put_schedule(text, &o->schedule);
    put_int(text, "epochs", o->epochs);
    put_int(text, "max_steps", (long long)o->max_steps);
    put_double(text, "label_smoothing", (double)o->label_smoothing);
    put_int(text, "precision", o->precision);
    qea_text_printf(text, "kernels %s\nkeep_best %d\ncurve %d\n", o->kernels->name, o->keep_best, o->curve != NULL);
    put_teacher(text, &o->teacher);
    put_data(text, "train", &o->train);
    put_data(text, "validation", o->validation);
    return qea_text_finish(ctx, text);
}

static int line_length(const char *text) {
    enum { MOST = 200 }; /* the network's line is long */
    size_t length = strcspn(text, "\n");
    return length < MOST ? (int)length : MOST;
}

/* Names the first line in which the settings differ. */
static qea_status refuse(qea_context *ctx, const char *path, const char *found, const char *wanted) {
    size_t line = 0;
    for (size_t i = 0; found[i] && found[i] == wanted[i]; i++)
        if (found[i] == '\n') line = i + 1;
    found += line;
    wanted += line;
    return qea_fail(ctx, QEA_ERR_STATE,
                    "%s: the checkpoint belongs to another training: it has \"%.*s\", this one \"%.*s\"; remove it to "
                    "start anew",
                    path, line_length(found), found, line_length(wanted), wanted);
}

/* --- the tensors of a run, in one order for writing and reading --- */

typedef struct group { /* one array of values per parameter */
    const char *name;
    float *const *arrays; /* NULL: the parameters' values */
    bool trained_only;
} group;

enum { MAX_GROUPS = 4, POINT_VALUES = sizeof(qea_epoch_point) / sizeof(double) };
static const char curve_name[] = "curve";

static size_t list_groups(const qea_training *t, bool best, group groups[MAX_GROUPS]) {
    size_t count = 0;
    groups[count++] = (group){"value", NULL, false};
    if (t->optimizer.first) groups[count++] = (group){"first", t->optimizer.first, true};
    if (t->optimizer.second) groups[count++] = (group){"second", t->optimizer.second, true};
    if (best && t->best) groups[count++] = (group){"best", t->best, false};
    return count;
}

static float *group_values(const qea_training *t, const group *g, size_t i) {
    const qea_param *p = &t->model->params[i];
    if (g->trained_only && !p->trained) return NULL;
    return g->arrays ? g->arrays[i] : p->value;
}

static qea_status make_name(qea_context *ctx, const group *g, const qea_param *p, char **out) {
    qea_text text = {0};
    qea_text_printf(&text, "%s/%s", g->name, p->name);
    *out = text.bytes;
    return qea_text_finish(ctx, &text);
}

static qea_status list_tensors(qea_context *ctx, const qea_training *t, qea_st_tensor *tensors, size_t *count) {
    group groups[MAX_GROUPS];
    size_t num_groups = list_groups(t, t->best_epoch >= 0, groups);
    for (size_t g = 0; g < num_groups; g++)
        for (size_t i = 0; i < t->model->num_params; i++) {
            const qea_param *p = &t->model->params[i];
            const float *values = group_values(t, &groups[g], i);
            if (!values) continue;
            qea_st_tensor *tensor = &tensors[(*count)++];
            *tensor = (qea_st_tensor){.type = QEA_ST_F32, .rank = p->rank, .bytes = p->count * sizeof(float)};
            memcpy(tensor->dims, p->dims, sizeof p->dims);
            tensor->data = (const uint8_t *)values;
            QEA_TRY(make_name(ctx, &groups[g], p, &tensor->name));
        }
    if (!t->options->curve) return QEA_OK;
    size_t epochs = (size_t)t->epochs_done;
    tensors[*count] = (qea_st_tensor){.type = QEA_ST_F64,
                                      .rank = 2,
                                      .dims = {epochs, POINT_VALUES},
                                      .bytes = epochs * sizeof(qea_epoch_point),
                                      .data = (const uint8_t *)t->options->curve};
    return qea_strdup(ctx, curve_name, &tensors[(*count)++].name);
}

/* --- where a run stands --- */

enum { NUM_NUMBERS = 10 };
static const char *const number_keys[NUM_NUMBERS] = {
    "epochs_done",   "optimizer_steps", "best_epoch",         "train_loss", "accuracy",
    "accuracy_top5", "best_accuracy",   "best_accuracy_top5", "images",     "seconds"};

static void get_numbers(const qea_training *t, double numbers[NUM_NUMBERS]) {
    const double values[NUM_NUMBERS] = {
        t->epochs_done,   (double)t->optimizer.steps, t->best_epoch,         t->train_loss, t->accuracy,
        t->accuracy_top5, t->best_accuracy,           t->best_accuracy_top5, t->images,     qea_training_seconds(t)};
    memcpy(numbers, values, sizeof values);
}

static void set_numbers(qea_training *t, const double numbers[NUM_NUMBERS]) {
    t->epochs_done = (int)numbers[0];
    t->optimizer.steps = (uint64_t)numbers[1];
    t->best_epoch = (int)numbers[2];
    t->train_loss = numbers[3];
    t->accuracy = numbers[4];
    t->accuracy_top5 = numbers[5];
    t->best_accuracy = numbers[6];
    t->best_accuracy_top5 = numbers[7];
    t->images = numbers[8];
    t->earlier_s = numbers[9];
}

static qea_status read_numbers(qea_context *ctx, const qea_training *t, const qea_st_file *file,
                               double numbers[NUM_NUMBERS]) {
    for (int i = 0; i < NUM_NUMBERS; i++) {
        const char *text = qea_st_meta(file, number_keys[i]);
        if (!text || !qea_double_parse(text, &numbers[i]))
            return qea_fail(ctx, QEA_ERR_DATA, "%s: metadata %s is not a number", file->path, number_keys[i]);
    }
    int epochs = t->options->epochs;
    bool fits = numbers[0] >= 0 && numbers[0] <= epochs && numbers[1] >= 0 && numbers[1] < 1e15 && numbers[2] >= -1 &&
                numbers[2] < epochs && numbers[8] >= 0 && numbers[8] < 1e15 && numbers[9] >= 0;
    if (fits) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_DATA, "%s: epoch, step, images or seconds out of range", file->path);
}

/* --- saving --- */

static qea_status write_file(qea_context *ctx, const qea_training *t, qea_st_tensor *tensors, const char *settings) {
    size_t count = 0;
    QEA_TRY(list_tensors(ctx, t, tensors, &count));
    enum { NUM_META = NUM_NUMBERS + 2 };
    const char *keys[NUM_META] = {"format", "settings"}, *values[NUM_META] = {format_name, settings};
    double numbers[NUM_NUMBERS];
    char texts[NUM_NUMBERS][32];
    get_numbers(t, numbers);
    for (int i = 0; i < NUM_NUMBERS; i++) {
        keys[i + 2] = number_keys[i];
        values[i + 2] = qea_double_format(numbers[i], texts[i]);
    }
    return qea_st_write(ctx, t->options->checkpoint, tensors, count, keys, values, NUM_META);
}

qea_status qea_checkpoint_save(qea_context *ctx, const qea_training *t) {
    qea_text settings = {0};
    qea_st_tensor *tensors = NULL;
    size_t most = MAX_GROUPS * t->model->num_params + 1;
    qea_status status = make_settings(ctx, t, &settings);
    if (status == QEA_OK) status = QEA_NEW(ctx, "checkpoint", tensors, most);
    if (status == QEA_OK) status = write_file(ctx, t, tensors, settings.bytes);
    for (size_t i = 0; tensors && i < most; i++) qea_free(tensors[i].name);
    qea_free(tensors);
    qea_text_free(&settings);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "writing a checkpoint");
}

/* --- loading --- */

static qea_status find_tensor(qea_context *ctx, const qea_st_file *file, const group *g, const qea_param *p,
                              const qea_st_tensor **out) {
    char *name = NULL;
    qea_status status = make_name(ctx, g, p, &name);
    if (status == QEA_OK) {
        *out = qea_st_find(file, name);
        if (!*out || (*out)->type != QEA_ST_F32 || (*out)->bytes != p->count * sizeof(float))
            status = qea_fail(ctx, QEA_ERR_DATA, "%s: tensor %s is missing or not %zu float32 values", file->path, name,
                              p->count);
    }
    qea_free(name);
    return status;
}

/* Goes over all tensors; with `copy` their values are taken over. So a file that does not fit changes nothing. */
static qea_status read_tensors(qea_context *ctx, const qea_training *t, const qea_st_file *file, bool best, bool copy) {
    group groups[MAX_GROUPS];
    size_t num_groups = list_groups(t, best, groups);
    for (size_t g = 0; g < num_groups; g++)
        for (size_t i = 0; i < t->model->num_params; i++) {
            float *values = group_values(t, &groups[g], i);
            const qea_st_tensor *tensor = NULL;
            if (!values) continue;
            QEA_TRY(find_tensor(ctx, file, &groups[g], &t->model->params[i], &tensor));
            if (copy) memcpy(values, tensor->data, tensor->bytes);
        }
    return QEA_OK;
}

static qea_status find_curve(qea_context *ctx, const qea_training *t, const qea_st_file *file, size_t epochs,
                             const qea_st_tensor **out) {
    *out = t->options->curve ? qea_st_find(file, curve_name) : NULL;
    if (!t->options->curve) return QEA_OK;
    if (*out && (*out)->type == QEA_ST_F64 && (*out)->bytes == epochs * sizeof(qea_epoch_point)) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_DATA, "%s: tensor %s is missing or not %zu x %d float64 values", file->path,
                    curve_name, epochs, (int)POINT_VALUES);
}

static qea_status take_over(qea_context *ctx, qea_training *t, const qea_st_file *file, const char *settings) {
    const char *format = qea_st_meta(file, "format"), *found = qea_st_meta(file, "settings");
    if (!format || strcmp(format, format_name) != 0 || !found)
        return qea_fail(ctx, QEA_ERR_DATA, "%s: not a checkpoint (format %s, expected %s)", file->path,
                        format ? format : "missing", format_name);
    if (strcmp(found, settings) != 0) return refuse(ctx, file->path, found, settings);
    double numbers[NUM_NUMBERS];
    QEA_TRY(read_numbers(ctx, t, file, numbers));
    bool best = numbers[2] >= 0;
    const qea_st_tensor *curve;
    QEA_TRY(find_curve(ctx, t, file, (size_t)numbers[0], &curve));
    QEA_TRY(read_tensors(ctx, t, file, best, false));
    QEA_TRY(read_tensors(ctx, t, file, best, true));
    if (curve) memcpy(t->options->curve, curve->data, curve->bytes);
    set_numbers(t, numbers);
    return QEA_OK;
}

static size_t largest_file(const qea_training *t) {
    size_t bytes = (size_t)64 << 20; /* the header */
    for (size_t i = 0; i < t->model->num_params; i++) bytes += MAX_GROUPS * t->model->params[i].count * sizeof(float);
    if (t->options->curve) bytes += (size_t)t->options->epochs * sizeof(qea_epoch_point);
    return bytes;
}

qea_status qea_checkpoint_load(qea_context *ctx, qea_training *t) {
    if (!qea_file_exists(t->options->checkpoint)) return QEA_OK;
    qea_text settings = {0};
    qea_st_file *file = NULL;
    qea_status status = make_settings(ctx, t, &settings);
    if (status == QEA_OK) status = qea_st_read(ctx, t->options->checkpoint, largest_file(t), &file);
    if (status == QEA_OK) status = take_over(ctx, t, file, settings.bytes);
    qea_st_destroy(file);
    qea_text_free(&settings);
    return status == QEA_OK ? status : qea_fail_prefix(ctx, status, "continuing from a checkpoint");
}
