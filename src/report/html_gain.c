/* What a model gains over uniform bits of equal cost and of equal accuracy. */
#include "report/html_gain.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/welch.h"

/* The mean where it was trained several times. */
static double accuracy_of(const qea_report_model *model) { return qea_report_accuracies(model).mean; }

static bool is_compared_with(const qea_report_model *model) {
    return qea_html_reference(model) && qea_html_uniform(model);
}

static bool comes_before(const qea_report_model *a, const qea_report_model *b, const char *cost) {
    double p = qea_report_value(a, cost), q = qea_report_value(b, cost);
    return p != q ? p < q : accuracy_of(a) > accuracy_of(b);
}

qea_status qea_uniform_curve_make(const qea_report_step *step, const char *cost, qea_uniform_curve *out) {
    *out = (qea_uniform_curve){.cost = cost};
    QEA_TRY(QEA_NEW(NULL, "uniform models", out->models, step->count + 1));
    for (size_t i = 0; i < step->count; i++) { /* sorted as they come: there are few */
        const qea_report_model *model = &step->models[i];
        if (!model->done || !is_compared_with(model)) continue;
        if (!(qea_report_value(model, cost) > 0) || !isfinite(accuracy_of(model))) continue;
        size_t at = out->count++;
        for (; at > 0 && comes_before(model, out->models[at - 1], cost); at--) out->models[at] = out->models[at - 1];
        out->models[at] = model;
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (kept == 0 || accuracy_of(out->models[i]) > accuracy_of(out->models[kept - 1]))
            out->models[kept++] = out->models[i];
    out->count = kept;
    return QEA_OK;
}

void qea_uniform_curve_clear(qea_uniform_curve *curve) {
    qea_free(curve->models);
    *curve = (qea_uniform_curve){0};
}

/* The neighbours of `value` in `key`, by which the curve rises, and how far it is from one to the other, 0..1. */
static double between(const qea_uniform_curve *curve, const char *key, double value, qea_uniform_point *point) {
    for (size_t i = 0; i < curve->count; i++) {
        double here = qea_report_value(curve->models[i], key);
        if (here <= value) point->below = curve->models[i];
        if (here >= value && point->above == NULL) point->above = curve->models[i];
    }
    if (point->below == NULL || point->above == NULL) return NAN;
    if (point->below == point->above) return 0;
    double low = qea_report_value(point->below, key), high = qea_report_value(point->above, key);
    return qea_html_is_share(key) ? (value - low) / (high - low) : log(value / low) / log(high / low);
}

qea_uniform_point qea_uniform_at_cost(const qea_uniform_curve *curve, double cost) {
    qea_uniform_point point = {.accuracy = NAN, .cost = cost};
    double t = between(curve, curve->cost, cost, &point);
    if (isfinite(t)) point.accuracy = (1 - t) * accuracy_of(point.below) + t * accuracy_of(point.above);
    return point;
}

qea_uniform_point qea_uniform_at_accuracy(const qea_uniform_curve *curve, double accuracy) {
    qea_uniform_point point = {.accuracy = accuracy, .cost = NAN};
    double t = between(curve, "accuracy", accuracy, &point);
    if (isfinite(t))
        point.cost = exp((1 - t) * log(qea_report_value(point.below, curve->cost)) +
                         t * log(qea_report_value(point.above, curve->cost)));
    return point;
}

const char *qea_html_main_cost(const qea_report_step *step) {
    for (size_t i = 0; i < step->num_objectives; i++)
        if (!qea_html_is_share(step->objectives[i])) return step->objectives[i];
    return "flops";
}

void qea_html_put_uniform(qea_text *out, const qea_report_model *model) {
    qea_text_printf(out, "w%da%d", model->weight_bits[0], model->activation_bits[0]);
}

/* --- as text --- */

static void put_points(qea_text *out, double points) {
    qea_text_put(out, "<strong>");
    qea_html_signed(out, 100 * points, 2);
    qea_text_put(out, " points</strong>");
}

static void put_percent(qea_text *out, const char *cost, double now, double before) {
    qea_html_word(out, cost);
    qea_text_put(out, " <strong>");
    qea_html_signed(out, 100 * (now / before - 1), 1);
    qea_text_put(out, " %</strong>");
}

/* "uniform w4a4 itself" or "between uniform w2a2 and w4a4, interpolated" */
static void put_place(qea_text *out, const qea_uniform_point *point) {
    qea_text_put(out, point->below == point->above ? "uniform " : "interpolated between uniform ");
    qea_html_put_uniform(out, point->below);
    if (point->below == point->above) return;
    qea_text_put(out, " and ");
    qea_html_put_uniform(out, point->above);
}

/* Do the 95 % intervals meet? The interpolated accuracy is taken as if measured on as many images as its neighbours. */
static bool intervals_meet(const qea_report_model *model, double accuracy, const qea_report_model *other) {
    double low_a, high_a, low_b, high_b;
    qea_wilson_interval(accuracy_of(model), qea_report_value(model, "images"), &low_a, &high_a);
    qea_wilson_interval(accuracy, qea_report_value(other, "images"), &low_b, &high_b);
    return low_a <= high_b && low_b <= high_a;
}

/* Behind a difference to a uniform model: over the seeds where both were trained with several, else by the images. */
static void put_certainty(qea_text *out, const qea_report_model *model, double accuracy,
                          const qea_report_model *other) {
    double half = qea_welch_half_width(qea_report_accuracies(model), qea_report_accuracies(other));
    if (isfinite(half) && accuracy == accuracy_of(other)) { /* not between two of them */
        qea_text_put(out, "95 % interval over seeds \302\261 ");
        qea_html_fixed(out, 100 * half, 2);
        return;
    }
    qea_text_printf(out, "95 %% intervals %s", intervals_meet(model, accuracy, other) ? "overlap" : "do not overlap");
}

static void put_against(qea_text *out, const qea_uniform_curve *curve, const qea_report_model *model,
                        const qea_report_model *other, const char *why) {
    qea_text_printf(out, "<li>%s uniform ", why);
    qea_html_put_uniform(out, other);
    qea_text_put(out, ": accuracy ");
    put_points(out, accuracy_of(model) - accuracy_of(other));
    qea_text_put(out, " (");
    put_certainty(out, model, accuracy_of(other), other);
    qea_text_put(out, "), ");
    put_percent(out, curve->cost, qea_report_value(model, curve->cost), qea_report_value(other, curve->cost));
    qea_text_put(out, ".</li>\n");
}

static void put_equal_cost(qea_text *out, const qea_uniform_curve *curve, const qea_report_model *model,
                           const qea_uniform_point *point) {
    qea_text_put(out, "<li>At equal ");
    qea_html_word(out, curve->cost);
    qea_text_put(out, ": accuracy ");
    put_points(out, accuracy_of(model) - point->accuracy);
    qea_text_put(out, " over uniform bits, which reach ");
    qea_html_value(out, "accuracy", point->accuracy);
    qea_text_put(out, " (");
    put_place(out, point);
    qea_text_put(out, "; ");
    put_certainty(out, model, point->accuracy, point->below);
    qea_text_put(out, ").</li>\n");
}

static void put_equal_accuracy(qea_text *out, const qea_uniform_curve *curve, const qea_report_model *model,
                               const qea_uniform_point *point) {
    qea_text_put(out, "<li>At equal accuracy: ");
    put_percent(out, curve->cost, qea_report_value(model, curve->cost), point->cost);
    qea_text_put(out, " against uniform bits, which need ");
    qea_html_measure(out, curve->cost, point->cost);
    qea_text_put(out, " (");
    put_place(out, point);
    qea_text_put(out, ").</li>\n");
}

/* Where a model is beyond the uniform ones it is told against the outermost; nothing is extrapolated. */
static void put_main_gains(qea_text *out, const qea_uniform_curve *curve, const qea_report_model *model) {
    qea_uniform_point by_cost = qea_uniform_at_cost(curve, qea_report_value(model, curve->cost));
    qea_uniform_point by_accuracy = qea_uniform_at_accuracy(curve, accuracy_of(model));
    const qea_report_model *first = curve->models[0], *last = curve->models[curve->count - 1];
    bool cheaper = by_cost.below == NULL, dearer = by_cost.above == NULL;
    bool less = by_accuracy.below == NULL, more = by_accuracy.above == NULL;
    if (cheaper)
        put_against(out, curve, model, first,
                    less ? "Cheaper and less accurate than every uniform model. Against the cheapest,"
                         : "Cheaper than every uniform model. Against the cheapest,");
    else if (dearer)
        put_against(out, curve, model, last,
                    more ? "Dearer and more accurate than every uniform model. Against the most accurate,"
                         : "Dearer than the most accurate uniform model. Against it,");
    else
        put_equal_cost(out, curve, model, &by_cost);
    if (more && !dearer)
        put_against(out, curve, model, last, "More accurate than every uniform model. Against the most accurate,");
    else if (less && !cheaper)
        put_against(out, curve, model, first, "Less accurate than every uniform model. Against the least accurate,");
    else if (!more && !less)
        put_equal_accuracy(out, curve, model, &by_accuracy);
}

/* Every other cost at equal accuracy, where uniform models are on both sides. */
static void put_other_costs(qea_text *out, const qea_report_step *step, const qea_report_model *model) {
    const char *main_cost = qea_html_main_cost(step);
    int shown = 0;
    for (int i = 0; i < QEA_HTML_NUM_COSTS; i++) {
        qea_uniform_curve curve;
        const char *cost = qea_html_costs[i];
        if (strcmp(cost, main_cost) == 0 || qea_uniform_curve_make(step, cost, &curve) != QEA_OK) continue;
        qea_uniform_point point = qea_uniform_at_accuracy(&curve, accuracy_of(model));
        if (isfinite(point.cost) && isfinite(qea_report_value(model, cost))) {
            qea_text_put(out, shown++ == 0 ? "<li>At equal accuracy also: " : ", ");
            put_percent(out, cost, qea_report_value(model, cost), point.cost);
        }
        qea_uniform_curve_clear(&curve);
    }
    if (shown > 0) qea_text_put(out, ".</li>\n");
}

void qea_html_gains(qea_text *out, const qea_report_step *step, const qea_report_model *model) {
    qea_uniform_curve curve;
    if (!model->done || is_compared_with(model)) return;
    if (qea_uniform_curve_make(step, qea_html_main_cost(step), &curve) != QEA_OK) {
        out->failed = true;
        return;
    }
    if (curve.count > 0 && qea_report_value(model, curve.cost) > 0 && isfinite(accuracy_of(model))) {
        put_main_gains(out, &curve, model);
        put_other_costs(out, step, model);
    }
    qea_uniform_curve_clear(&curve);
}

void qea_html_gain_heads(qea_text *out, const char *cost) {
    qea_text_put(out, "<th scope=\"col\">points over uniform of equal ");
    qea_html_word(out, cost);
    qea_text_put(out, "</th><th scope=\"col\">");
    qea_html_word(out, cost);
    qea_text_put(out, " against uniform of equal accuracy</th>");
}

void qea_html_gain_note(qea_text *out) {
    qea_text_put(out, "Equal cost and equal accuracy: between two neighbouring uniform models that were trained alike, "
                      "accuracy is interpolated linearly in the logarithm of the cost; uniform models that a cheaper "
                      "one surpasses in accuracy are left out, and nothing is extrapolated beyond the others.");
}

void qea_html_gain_cells(qea_text *out, const qea_uniform_curve *curve, const qea_report_model *model) {
    double accuracy = is_compared_with(model) ? NAN : accuracy_of(model), cost = qea_report_value(model, curve->cost);
    double points = 100 * (accuracy - qea_uniform_at_cost(curve, cost).accuracy);
    double percent = 100 * (cost / qea_uniform_at_accuracy(curve, accuracy).cost - 1);
    qea_text_put(out, "<td>");
    qea_html_signed(out, points, 2);
    qea_text_put(out, "</td><td>");
    qea_html_signed(out, percent, 1);
    qea_text_put(out, isfinite(percent) ? " %</td>" : "</td>");
}
