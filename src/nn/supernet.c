/* nn/supernet.c: one set of weights for many bit policies. A learned step belongs to its bits, so that LSQ has one for
 * each width (per channel for weights), as in AdaBits (Jin et al. 2020, arXiv:1912.09666, section 4: switchable
 * clipping levels); all else is shared. */
#include "base/error.h"
#include "nn/model_internal.h"

static size_t find_width(const qea_widths *widths, int bits) {
    for (size_t i = 0; i < widths->count; i++)
        if (widths->bits[i] == bits) return i;
    return SIZE_MAX;
}

size_t qea_model_step_offset(const qea_model *model, int bits, size_t per_step) {
    if (!qea_model_is_supernet(model)) return 0;
    size_t width = find_width(&model->widths, bits);
    return width == SIZE_MAX ? SIZE_MAX : width * per_step;
}

qea_status qea_supernet_check(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *most,
                              const qea_widths *widths) {
    bool ascending = widths->count > 0 && widths->count <= QEA_MAX_WIDTHS;
    for (size_t i = 0; ascending && i < widths->count; i++)
        ascending = widths->bits[i] >= 1 && widths->bits[i] <= 16 && (i == 0 || widths->bits[i] > widths->bits[i - 1]);
    if (!ascending)
        return qea_fail(ctx, QEA_ERR_CONFIG, "supernet: %zu bit widths, allowed: 1 to %d of 1..16, ascending",
                        widths->count, QEA_MAX_WIDTHS);
    for (size_t i = 0; i < most->num_layers; i++)
        if (most->weight_bits[i] == 0 || most->activation_bits[i] == 0)
            return qea_fail(ctx, QEA_ERR_CONFIG, "supernet: layer %s has 0 bits; in a supernet no layer is left out",
                            qea_graph_quantized(graph, i)->name);
    return QEA_OK;
}

qea_status qea_supernet_create(qea_context *ctx, const qea_graph *graph, const qea_bit_policy *most,
                               const qea_widths *widths, uint64_t seed, qea_model **out) {
    qea_model *model = NULL;
    *out = NULL;
    QEA_TRY(qea_model_describe(ctx, graph, most, widths, &model));
    qea_status status = qea_model_begin(ctx, model, seed);
    if (status == QEA_OK)
        *out = model;
    else
        qea_model_destroy(model);
    return status;
}

static qea_status check_bits(qea_context *ctx, const qea_model *model, size_t layer, const char *what, int bits,
                             int most) {
    bool known = bits == 32 || find_width(&model->widths, bits) != SIZE_MAX;
    if (known && bits <= most) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_CONFIG, "supernet: layer %s: %d %s bits, allowed: its widths up to %d",
                    qea_graph_quantized(model->graph, layer)->name, bits, what, most);
}

qea_status qea_model_set_bits(qea_context *ctx, qea_model *model, const uint8_t *weight_bits,
                              const uint8_t *activation_bits) {
    size_t count = qea_graph_num_quantized(model->graph);
    if (!qea_model_is_supernet(model))
        return qea_fail(ctx, QEA_ERR_CONFIG, "model %s: its bits are fixed; only a supernet's change",
                        qea_graph_name(model->graph));
    for (size_t i = 0; i < count; i++) {
        QEA_TRY(check_bits(ctx, model, i, "weight", weight_bits[i], model->most_weight_bits[i]));
        QEA_TRY(check_bits(ctx, model, i, "activation", activation_bits[i], model->most_activation_bits[i]));
    }
    for (size_t i = 0; i < count; i++) {
        model->weight_bits[i] = weight_bits[i];
        model->activation_bits[i] = activation_bits[i];
    }
    return QEA_OK;
}
