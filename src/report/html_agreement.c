/* How well the search ranks, beside separate trainings of the same genomes: in words, as a table, as a plot. */
#include <math.h>
#include <stdio.h>

#include "report/agreement.h"
#include "report/html_axes.h"

enum { HEIGHT = 360, NUM_MARKS = 3, NUM_COLOURS = 8 };

static const double few = 0.05; /* what comes about by chance less often counts as shown */

/* --- in words --- */

static void put_tau(qea_text *out, double tau) {
    if (isnan(tau))
        qea_text_put(out, "-");
    else
        qea_html_signed(out, tau, 2);
}

static void put_chance(qea_text *out, double chance) {
    if (chance < 0.001) {
        qea_text_put(out, "less than 0.1 %");
        return;
    }
    qea_html_fixed(out, 100 * chance, 1);
    qea_text_put(out, " %");
}

static void put_intro(qea_text *out, const qea_report_agreement *given, const qea_agreement *found) {
    qea_text_printf(
        out, "<p>%zu genomes in %zu bands of nearly equal bit operations were ranked by the search's evaluator (",
        given->count, given->bands);
    qea_html_put(out, given->evaluator);
    qea_text_printf(out, "), then trained each on its own for %d epoch%s and judged on the search's validation images",
                    given->epochs, given->epochs == 1 ? "" : "s");
    if (found->genomes < given->count) qea_text_printf(out, " (%zu of them are done)", found->genomes);
    qea_text_printf(out,
                    ". These trainings are no part of the search's cost: %zu images went forward and backward.</p>\n",
                    given->images);
}

static void put_verdict(qea_text *out, const qea_agreement *found) {
    bool shown = found->mean_chance < few;
    qea_text_put(out, "<p>Over all genomes the search's order agrees with that of the trainings by a tau of <strong>");
    put_tau(out, found->tau);
    qea_text_put(out, "</strong>; bit operations alone reach ");
    put_tau(out, found->tau_of_bops);
    qea_text_put(out, ". ");
    if (!isnan(found->mean_tau)) {
        qea_text_put(out, "Within the bands, where costs tell nothing, the mean tau is <strong>");
        put_tau(out, found->mean_tau);
        qea_text_put(out, "</strong>; chance alone makes it as large in ");
        put_chance(out, found->mean_chance);
        qea_text_put(out, shown ? " of cases: the search does tell better genomes from worse ones of the same cost."
                                : " of cases: with so few genomes this does not show that the search tells better "
                                  "genomes from worse ones of the same cost.");
    }
    qea_text_put(out, "</p>\n");
}

/* What cannot be ranked: accuracies closer together than chance puts them apart. */
static void put_interval(qea_text *out, const qea_report_agreement *given, const qea_agreement *found) {
    double least = NAN, low, high;
    for (size_t i = 0; i < found->num_bands; i++) least = fmin(least, found->bands[i].least);
    if (given->validation_images == 0 || isnan(least)) return;
    qea_wilson_interval(least, (double)given->validation_images, &low, &high);
    qea_text_printf(out, " On %zu validation images an accuracy has a 95 %% interval of up to \xC2\xB1",
                    given->validation_images);
    qea_html_fixed(out, 50 * (high - low), 1);
    qea_text_put(out, " points: the order of genomes that lie closer together is mostly chance.");
}

static void put_note(qea_text *out, const qea_report_agreement *given, const qea_agreement *found) {
    size_t each = given->count / given->bands, pairs = each * (each - 1) / 2;
    qea_text_printf(
        out,
        "<p class=\"note\">Kendall's tau-b: 1 where both orders agree in every pair of genomes, 0 where as "
        "many pairs agree as disagree, \xE2\x88\x92"
        "1 where one order is the other's reverse. A band of %zu genomes has %zu pair%s, so that its tau is "
        "one of %zu values unless accuracies are equal. By chance: how often a random order reaches the "
        "same.",
        each, pairs, pairs == 1 ? "" : "s", pairs + 1);
    put_interval(out, given, found);
    qea_text_put(out, "</p>\n");
}

/* --- as a table --- */

static void put_range(qea_text *out, const char *key, double least, double most) {
    qea_html_value(out, key, least);
    if (!(most > least)) return;
    qea_text_put(out, " to ");
    qea_html_value(out, key, most);
}

static void put_band(qea_text *out, size_t number, const qea_agreement_band *band) {
    qea_text_printf(out, "<tr><th scope=\"row\">band %zu</th><td>%zu</td><td>", number, band->genomes);
    put_range(out, "bops", band->least_bops, band->most_bops);
    qea_text_put(out, "</td><td>");
    put_range(out, "accuracy", band->least, band->most);
    qea_text_put(out, "</td><td>");
    put_tau(out, band->tau);
    qea_text_put(out, "</td><td></td></tr>\n");
}

static void put_sum(qea_text *out, const char *name, size_t genomes, double tau, double chance) {
    qea_text_printf(out, "<tr><th scope=\"row\">%s</th><td>%zu</td><td></td><td></td><td>", name, genomes);
    put_tau(out, tau);
    qea_text_put(out, "</td><td>");
    if (!isnan(chance)) put_chance(out, chance);
    qea_text_put(out, "</td></tr>\n");
}

static void put_table(qea_text *out, const qea_agreement *found) {
    qea_text_put(out, "<div class=\"scroll\"><table>\n<caption>Agreement of the search's order with that of separate "
                      "trainings</caption>\n<thead><tr><th scope=\"col\">order of</th><th scope=\"col\">genomes</th>"
                      "<th scope=\"col\">bit operations</th><th scope=\"col\">accuracy after training</th>"
                      "<th scope=\"col\">tau</th><th scope=\"col\">by chance</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < found->num_bands; i++) put_band(out, i + 1, &found->bands[i]);
    put_sum(out, "mean of the bands", found->genomes, found->mean_tau, found->mean_chance);
    put_sum(out, "all genomes", found->genomes, found->tau, found->chance);
    put_sum(out, "all genomes, by bit operations alone", found->genomes, found->tau_of_bops, NAN);
    qea_text_put(out, "</tbody></table></div>\n");
}

/* --- as a plot --- */

static const char *mark_of(size_t band) {
    const char *const marks[NUM_MARKS] = {qea_mark_disc, qea_mark_square, qea_mark_diamond};
    return marks[band % NUM_MARKS];
}

static void put_kind(char kind[32], size_t band) { (void)snprintf(kind, 32, "c%zu task-final", band % NUM_COLOURS); }

static void put_points(const qea_plot *plot, const qea_report_agreement *given) {
    char kind[32];
    for (size_t i = 0; i < given->count; i++) {
        const qea_report_pair *pair = &given->pairs[i];
        if (isnan(pair->predicted) || isnan(pair->trained)) continue;
        put_kind(kind, pair->band);
        qea_plot_mark(plot, kind, mark_of(pair->band), NULL, pair->predicted, pair->trained);
        qea_text_printf(plot->out, "band %zu: predicted ", pair->band + 1);
        qea_html_value(plot->out, "accuracy", pair->predicted);
        qea_text_put(plot->out, ", trained ");
        qea_html_value(plot->out, "accuracy", pair->trained);
        qea_text_put(plot->out, ", ");
        qea_html_measure(plot->out, "bops", pair->bops);
        qea_text_put(plot->out, "</title></path>\n");
    }
}

static void put_plot(qea_text *out, const qea_report_agreement *given) {
    qea_plot plot = qea_plot_make(out, HEIGHT);
    qea_text label = {0};
    plot.x.title = "accuracy by the search's evaluator";
    plot.y.title = "accuracy after separate training";
    plot.x.share = plot.y.share = true;
    for (size_t i = 0; i < given->count; i++) {
        if (isnan(given->pairs[i].predicted) || isnan(given->pairs[i].trained)) continue;
        qea_axis_widen(&plot.x, given->pairs[i].predicted);
        qea_axis_widen(&plot.y, given->pairs[i].trained);
    }
    qea_axis_finish(&plot.x, false);
    qea_axis_finish(&plot.y, false);
    qea_text_put(&label, "Accuracy after separate training over accuracy by the search's evaluator, a mark per genome");
    qea_text_put(out, "<figure>");
    qea_plot_begin(&plot, "ranks", &label);
    put_points(&plot, given);
    qea_text_put(out, "</svg>\n<figcaption>");
    for (size_t band = 0; band < given->bands; band++) {
        char kind[32], name[32];
        put_kind(kind, band);
        (void)snprintf(name, sizeof name, "band %zu", band + 1);
        qea_plot_legend(out, kind, mark_of(band), name);
    }
    qea_text_put(out, "</figcaption></figure>\n");
}

void qea_html_agreement(qea_text *out, const qea_report_page *page) {
    const qea_report_agreement *given = page->agreement;
    if (given == NULL || given->bands == 0 || given->count < given->bands) return;
    qea_agreement found = qea_agreement_of(given);
    qea_text_put(out,
                 "<section aria-labelledby=\"h-agreement\"><h2 id=\"h-agreement\">How well the search ranks</h2>\n");
    put_intro(out, given, &found);
    if (isnan(found.tau))
        qea_text_put(out, "<p>There are not enough results yet to compare their orders.</p>\n");
    else
        put_verdict(out, &found);
    put_table(out, &found);
    if (found.genomes > 0) put_plot(out, given);
    put_note(out, given, &found);
    qea_text_put(out, "</section>\n");
}
