#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/parts.h"

void qea_wilson_interval(double share, double count, double *low, double *high) {
    const double z = 1.959963984540054; /* 97.5 % point of the normal distribution */
    if (!(count > 0)) {
        *low = 0;
        *high = 1;
        return;
    }
    double z2n = z * z / count, centre = (share + z2n / 2) / (1 + z2n);
    double half = z / (1 + z2n) * sqrt(share * (1 - share) / count + z2n / (4 * count));
    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}

const char *qea_report_unit(const char *key) {
    static const char *const units[][2] = {
        {"flops", "M"}, {"params", "k"}, {"weight_bytes", "B"}, {"activation_bytes", "B"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i][0], key) == 0) return units[i][1];
    return "";
}

double qea_report_value(const qea_report_model *model, const char *key) {
    const json_t *value = json_object_get(model->performance, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Welford 1962: mean and sum of squared differences in one pass. */
qea_report_spread qea_report_accuracies(const qea_report_model *model) {
    qea_report_spread spread = {.mean = NAN, .sd = NAN};
    double mean = 0, squares = 0;
    for (size_t i = 0; i <= model->num_repeats; i++) {
        const qea_report_model *training = i == 0 ? model : &model->repeats[i - 1];
        double accuracy = training->done ? qea_report_value(training, "accuracy") : NAN;
        if (!isfinite(accuracy)) continue;
        double change = accuracy - mean;
        mean += change / (double)++spread.trainings;
        squares += change * (accuracy - mean);
    }
    if (spread.trainings > 0) spread.mean = mean;
    if (spread.trainings > 1) spread.sd = sqrt(squares / (double)(spread.trainings - 1));
    return spread;
}

bool qea_report_repeated(const qea_report_step *step) {
    for (size_t i = 0; i < step->count; i++)
        if (step->models[i].num_repeats > 0) return true;
    return false;
}

static int by_falling_accuracy(const void *x, const void *y) {
    const qea_report_model *a = *(const qea_report_model *const *)x, *b = *(const qea_report_model *const *)y;
    double p = qea_report_accuracies(a).mean, q = qea_report_accuracies(b).mean;
    if (p > q) return -1;
    if (p < q) return 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

void qea_report_put_fixed(qea_text *text, double value, int decimals, int width) {
    char digits[64];
    if (!isfinite(value) || value >= 1e15) {
        qea_text_printf(text, "%*s", width, "-");
        return;
    }
    long long unit = decimals == 3 ? 1000 : decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
    long long scaled = llround(value * (double)unit);
    if (decimals > 0)
        (void)snprintf(digits, sizeof digits, "%lld.%0*lld", scaled / unit, decimals, scaled % unit);
    else
        (void)snprintf(digits, sizeof digits, "%lld", scaled);
    qea_text_printf(text, "%*s", width, digits);
}

void qea_report_model_name(const qea_report_model *model, char name[48]) {
    if (strcmp(model->label, "baseline") != 0)
        (void)snprintf(name, 48, strcmp(model->label, "trial") == 0 ? "trial %llu" : "front, trial %llu",
                       (unsigned long long)(model->source > 0 ? model->source : model->id));
    else if (model->num_layers > 0 && model->weight_bits[0] == 32 && model->activation_bits[0] == 32)
        (void)snprintf(name, 48, "float (w32a32)");
    else
        (void)snprintf(name, 48, "uniform w%da%d", model->num_layers > 0 ? model->weight_bits[0] : 0,
                       model->num_layers > 0 ? model->activation_bits[0] : 0);
}

/* The best first; equal ones stay by id. */
static void sort_by_first_objective(const qea_report_step *step, const qea_report_model **models, size_t count) {
    bool up = qea_report_is_maximized(step, 0);
    for (size_t i = 1; i < count; i++) {
        const qea_report_model *model = models[i];
        double value = qea_report_value(model, step->objectives[0]);
        size_t k = i;
        for (; k > 0; k--) {
            double other = qea_report_value(models[k - 1], step->objectives[0]);
            if (!(up ? value > other : value < other)) break;
            models[k] = models[k - 1];
        }
        models[k] = model;
    }
}

qea_status qea_report_order(qea_context *ctx, const qea_report_step *step, const qea_report_model ***out,
                            size_t *count) {
    *count = 0;
    QEA_TRY(qea_alloc(ctx, "the order of models", step->count + 1, sizeof **out, (void **)out));
    for (size_t i = 0; i < step->count; i++)
        if (step->models[i].on_front || strcmp(step->name, "nas") != 0) (*out)[(*count)++] = &step->models[i];
    qsort(*out, *count, sizeof **out, by_falling_accuracy);
    if (qea_report_genes(step) != NULL) sort_by_first_objective(step, *out, *count);
    return QEA_OK;
}

/* "  91.20 +- 0.11 of 3", where the model was trained several times. */
static void put_spread(qea_text *text, const qea_report_model *model) {
    if (model->num_repeats == 0) return;
    qea_report_spread spread = qea_report_accuracies(model);
    qea_report_put_fixed(text, 100 * spread.mean, 2, 8);
    qea_text_put(text, " +-");
    qea_report_put_fixed(text, 100 * spread.sd, 2, 5);
    qea_text_printf(text, " of %zu", spread.trainings);
}

static void put_objective_head(qea_text *text, const qea_report_step *step, size_t objective) {
    qea_text_printf(text, "  %12s", step->objectives[objective]);
}

static void put_objective(qea_text *text, const qea_report_step *step, const qea_report_model *model,
                          size_t objective) {
    char number[32];
    int width = (int)strlen(step->objectives[objective]);
    double value = qea_report_value(model, step->objectives[objective]);
    double rounded = fabs(value) < 1e9 ? round(value * 1e6) / 1e6 : value;
    qea_text_printf(text, "  %*s", width > 12 ? width : 12, isnan(value) ? "-" : qea_double_format(rounded, number));
}

static void put_row(qea_text *text, const qea_report_step *step, const qea_report_model *model) {
    double accuracy = qea_report_value(model, "accuracy"), low, high;
    char name[48];
    qea_report_model_name(model, name);
    qea_text_printf(text, "  %-20s %6llu ", name, (unsigned long long)model->id);
    if (!model->done) {
        qea_text_printf(text, " failed: %s\n", model->reason != NULL ? model->reason : "");
        return;
    }
    qea_wilson_interval(accuracy, qea_report_value(model, "images"), &low, &high);
    qea_report_put_fixed(text, 100 * accuracy, 2, 7);
    qea_text_put(text, "  [");
    qea_report_put_fixed(text, 100 * low, 2, 5);
    qea_text_put(text, ", ");
    qea_report_put_fixed(text, 100 * high, 2, 5);
    qea_text_put(text, "]");
    qea_report_put_fixed(text, qea_report_value(model, "flops"), 3, 10);
    qea_report_put_fixed(text, qea_report_value(model, "params"), 3, 10);
    qea_report_put_fixed(text, qea_report_value(model, "weight_bytes") / 1000, 2, 10);
    qea_report_put_fixed(text, model->mean_weight_bits, 2, 7);
    qea_report_put_fixed(text, model->mean_activation_bits, 2, 7);
    for (size_t i = 0; i < step->num_objectives; i++)
        if (qea_report_is_own(step, i)) put_objective(text, step, model, i);
    put_spread(text, model);
    qea_text_put(text, "\n");
}

enum { MAX_GENE_TEXT = 100 }; /* of a row; the files have them all */

static void put_gene_row(qea_text *text, const qea_report_step *step, const qea_report_model *model) {
    qea_text_printf(text, "  %6llu", (unsigned long long)model->id);
    for (size_t i = 0; i < step->num_objectives; i++) put_objective(text, step, model, i);
    qea_text genes = {0};
    qea_text_put_json(&genes, model->genes, 0);
    if (genes.bytes != NULL)
        qea_text_printf(text, "  %.*s%s", MAX_GENE_TEXT, genes.bytes, genes.size > MAX_GENE_TEXT ? "..." : "");
    text->failed = text->failed || genes.failed;
    qea_text_free(&genes);
    qea_text_put(text, "\n");
}

static void put_header(qea_text *out, const qea_report_step *step) {
    if (qea_report_genes(step) == NULL) {
        qea_text_put(out,
                     "  model                    id   top-1 %  95 % interval   flops M  params k   weight kB  w bits "
                     "a bits");
        for (size_t i = 0; i < step->num_objectives; i++)
            if (qea_report_is_own(step, i)) put_objective_head(out, step, i);
        qea_text_put(out, qea_report_repeated(step) ? "  mean +- sd of seeds\n" : "\n");
        return;
    }
    qea_text_put(out, "   trial");
    for (size_t i = 0; i < step->num_objectives; i++) put_objective_head(out, step, i);
    qea_text_put(out, "  genes\n");
}

void qea_report_table(const qea_report_step *step, qea_text *out) {
    put_header(out, step);
    const qea_report_model **order;
    size_t count;
    if (qea_report_order(NULL, step, &order, &count) != QEA_OK) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (order[i]->genes != NULL)
            put_gene_row(out, step, order[i]);
        else
            put_row(out, step, order[i]);
    }
    qea_free(order);
}
