#include "report/agreement.h"

#include <math.h>

#include "report/kendall.h"

typedef struct columns { /* of the pairs with both values, band by band */
    double bops[QEA_KENDALL_MOST], predicted[QEA_KENDALL_MOST], trained[QEA_KENDALL_MOST];
    size_t ends[QEA_REPORT_MAX_BANDS], count;
} columns;

static void collect(const qea_report_agreement *given, columns *c) {
    c->count = 0;
    for (size_t band = 0; band < given->bands; band++) {
        for (size_t i = 0; i < given->count && c->count < QEA_KENDALL_MOST; i++) {
            const qea_report_pair *pair = &given->pairs[i];
            if (pair->band != band || isnan(pair->predicted) || isnan(pair->trained)) continue;
            c->bops[c->count] = pair->bops;
            c->predicted[c->count] = pair->predicted;
            c->trained[c->count++] = pair->trained;
        }
        c->ends[band] = c->count;
    }
}

static qea_agreement_band describe(const columns *c, size_t first, size_t end) {
    qea_agreement_band band = {end - first, NAN, NAN, NAN, NAN, NAN};
    for (size_t i = first; i < end; i++) { /* fmin and fmax leave out a NaN */
        band.least_bops = fmin(band.least_bops, c->bops[i]);
        band.most_bops = fmax(band.most_bops, c->bops[i]);
        band.least = fmin(band.least, c->trained[i]);
        band.most = fmax(band.most, c->trained[i]);
    }
    band.tau = qea_kendall_tau(c->predicted + first, c->trained + first, end - first);
    return band;
}

qea_agreement qea_agreement_of(const qea_report_agreement *given) {
    columns c;
    collect(given, &c);
    qea_agreement out = {.genomes = c.count, .num_bands = given->bands};
    out.tau = qea_kendall_tau(c.predicted, c.trained, c.count);
    out.chance = qea_kendall_chance(c.predicted, c.trained, &c.count, 1);
    out.tau_of_bops = qea_kendall_tau(c.bops, c.trained, c.count);
    for (size_t b = 0; b < given->bands; b++) out.bands[b] = describe(&c, b > 0 ? c.ends[b - 1] : 0, c.ends[b]);
    out.mean_tau = qea_kendall_mean(c.predicted, c.trained, c.ends, given->bands);
    out.mean_chance = qea_kendall_chance(c.predicted, c.trained, c.ends, given->bands);
    return out;
}

/* --- agreement.json --- */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *range(double least, double most) {
    json_t *list = json_array();
    json_array_append_new(list, number(least));
    json_array_append_new(list, number(most));
    return list;
}

static json_t *bands_to_json(const qea_agreement *found) {
    json_t *list = json_array();
    for (size_t i = 0; i < found->num_bands; i++) {
        const qea_agreement_band *band = &found->bands[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "genomes", json_integer((json_int_t)band->genomes));
        json_object_set_new(entry, "bops", range(band->least_bops, band->most_bops));
        json_object_set_new(entry, "trained", range(band->least, band->most));
        json_object_set_new(entry, "tau", number(band->tau));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *pairs_to_json(const qea_report_agreement *given) {
    json_t *list = json_array();
    for (size_t i = 0; i < given->count; i++) {
        const qea_report_pair *pair = &given->pairs[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "band", json_integer((json_int_t)pair->band + 1));
        json_object_set_new(entry, "weight_bits", qea_report_bits_json(pair->weight_bits, pair->num_layers));
        json_object_set_new(entry, "activation_bits", qea_report_bits_json(pair->activation_bits, pair->num_layers));
        json_object_set_new(entry, "bops", number(pair->bops));
        json_object_set_new(entry, "predicted", number(pair->predicted));
        json_object_set_new(entry, "trained", number(pair->trained));
        json_array_append_new(list, entry);
    }
    return list;
}

qea_status qea_report_write_agreement_json(qea_context *ctx, const qea_report_agreement *agreement, const char *path) {
    qea_agreement found = qea_agreement_of(agreement);
    json_t *object = json_object();
    json_object_set_new(object, "evaluator", json_string(agreement->evaluator));
    json_object_set_new(object, "epochs", json_integer(agreement->epochs));
    json_object_set_new(object, "train_images", json_integer((json_int_t)agreement->images));
    json_object_set_new(object, "validation_images", json_integer((json_int_t)agreement->validation_images));
    json_object_set_new(object, "tau", number(found.tau));
    json_object_set_new(object, "chance", number(found.chance));
    json_object_set_new(object, "tau_of_bops", number(found.tau_of_bops));
    json_object_set_new(object, "bands", bands_to_json(&found));
    json_object_set_new(object, "mean_tau_of_bands", number(found.mean_tau));
    json_object_set_new(object, "chance_of_mean", number(found.mean_chance));
    json_object_set_new(object, "genomes", pairs_to_json(agreement));
    return qea_report_write_json(ctx, object, path);
}
