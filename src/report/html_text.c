/* Text and numbers in report.html. */
#include <math.h>
#include <string.h>

#include "report/html.h"

static const char *escape_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return NULL;
    default:
        return (unsigned char)c < 0x20 || c == 0x7F ? "\xEF\xBF\xBD" : NULL;
    }
}

void qea_html_put(qea_text *out, const char *text) {
    const char *plain = text, *c = text;
    for (; *c != '\0'; c++) {
        const char *escape = escape_of(*c);
        if (escape == NULL) continue;
        qea_text_put_bytes(out, plain, (size_t)(c - plain));
        qea_text_put(out, escape);
        plain = c + 1;
    }
    qea_text_put_bytes(out, plain, (size_t)(c - plain));
}

/* Whole and fractional part are printed as integers, so that no locale's point gets in. */
void qea_html_fixed(qea_text *out, double value, int decimals) {
    if (!isfinite(value)) {
        qea_text_put(out, "-");
        return;
    }
    long long unit = 1;
    for (int i = 0; i < decimals; i++) unit *= 10;
    if (fabs(value) >= 1e17 / (double)unit) {
        qea_text_put_double(out, value);
        return;
    }
    long long scaled = llround(fabs(value) * (double)unit);
    if (value < 0 && scaled > 0) qea_text_put(out, "-");
    qea_text_printf(out, "%lld", scaled / unit);
    if (decimals > 0) qea_text_printf(out, ".%0*lld", decimals, scaled % unit);
}

void qea_html_signed(qea_text *out, double value, int decimals) {
    double least = 0.5; /* what is less shows as nought, which is not negative */
    for (int i = 0; i < decimals; i++) least /= 10;
    if (isfinite(value)) qea_text_put(out, value <= -least ? "\xE2\x88\x92" : "+"); /* minus sign */
    qea_html_fixed(out, fabs(value), decimals);
}

bool qea_html_is_share(const char *key) { return strncmp(key, "accuracy", 8) == 0; }

void qea_html_word(qea_text *out, const char *key) {
    static const char *const names[][2] = {{"accuracy", "top-1 accuracy"},
                                           {"accuracy_top5", "top-5 accuracy"},
                                           {"flops", "FLOPs"},
                                           {"params", "parameters"},
                                           {"bops", "bit operations"},
                                           {"weight_bytes", "weight bytes"},
                                           {"activation_bytes", "activation bytes"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], key) == 0) {
            qea_html_put(out, names[i][1]);
            return;
        }
    qea_html_put(out, key);
}

/* Of bytes the name tells already. */
static const char *unit_of(const char *key) {
    const char *unit = qea_report_unit(key);
    return strcmp(unit, "B") == 0 ? "" : unit;
}

void qea_html_title(qea_text *out, const char *key) {
    const char *unit = unit_of(key);
    qea_html_word(out, key);
    if (unit[0] != '\0') qea_text_printf(out, " (%s)", unit);
}

void qea_html_measure(qea_text *out, const char *key, double value) {
    const char *unit = unit_of(key);
    qea_html_word(out, key);
    qea_text_put(out, " ");
    qea_html_value(out, key, value);
    if (unit[0] != '\0' && isfinite(value)) qea_text_printf(out, " %s", unit);
}

void qea_html_value(qea_text *out, const char *key, double value) {
    static const char *const suffixes[] = {"", " k", " M", " G", " T"};
    if (!isfinite(value)) {
        qea_text_put(out, "-");
        return;
    }
    if (qea_html_is_share(key)) {
        qea_html_fixed(out, 100 * value, 2);
        qea_text_put(out, " %");
        return;
    }
    int suffix = 0;
    for (; fabs(value) >= 1e4 && suffix < 4; suffix++) value /= 1000;
    double size = fabs(value);
    qea_html_fixed(out, value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
    qea_text_put(out, suffixes[suffix]);
}

void qea_html_name(qea_text *out, const qea_report_model *model) {
    char name[48];
    if (model->source > 0 || strcmp(model->label, "baseline") == 0) {
        qea_report_model_name(model, name);
        qea_html_put(out, name);
        return;
    }
    qea_text_printf(out, "trial %llu (", (unsigned long long)model->id);
    qea_html_put(out, model->label);
    qea_text_put(out, model->on_front ? ", on the front)" : ")");
}

void qea_html_point_name(qea_text *out, const qea_report_step *search, const qea_report_model *model) {
    qea_html_name(out, model);
    if (model->source > 0 || strcmp(model->label, "baseline") == 0) qea_text_put(out, ", fully trained");
    for (size_t i = 0; i < search->num_objectives; i++) {
        qea_text_put(out, i == 0 ? ": " : ", ");
        qea_html_measure(out, search->objectives[i], qea_report_value(model, search->objectives[i]));
    }
}

bool qea_html_uniform(const qea_report_model *model) {
    for (size_t i = 1; i < model->num_layers; i++)
        if (model->weight_bits[i] != model->weight_bits[0] || model->activation_bits[i] != model->activation_bits[0])
            return false;
    return model->num_layers > 0;
}

bool qea_html_reference(const qea_report_model *model) {
    return strcmp(model->label, "baseline") == 0 || strcmp(model->label, "uniform") == 0;
}

const qea_report_model *qea_html_final(const qea_report_page *page, uint64_t id) {
    for (size_t i = 0; i < page->full->count; i++)
        if (page->full->models[i].id == id && page->full->models[i].done) return &page->full->models[i];
    return NULL;
}

bool qea_html_any_done(const qea_report_step *step) {
    for (size_t i = 0; i < step->count; i++)
        if (step->models[i].done) return true;
    return false;
}

const char *const qea_html_costs[QEA_HTML_NUM_COSTS] = {"flops", "params", "weight_bytes", "bops", "activation_bytes"};
