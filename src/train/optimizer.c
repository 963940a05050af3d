/* train/optimizer.c: optimisers on the model's parameters. */
#include "train/optimizer.h"

#include <math.h>

#include "base/memory.h"

static bool needs_first(const qea_optimizer_options *o) { return o->kind != QEA_SGD || o->momentum != 0; }
static bool needs_second(const qea_optimizer_options *o) { return o->kind != QEA_SGD; }

static qea_status make_moments(qea_context *ctx, const qea_model *model, float ***out) {
    float **moments = NULL;
    qea_status status = QEA_NEW(ctx, "optimiser state", moments, model->num_params);
    *out = moments; /* freed by the caller in every case */
    for (size_t i = 0; i < model->num_params && status == QEA_OK; i++)
        if (model->params[i].trained) status = QEA_NEW(ctx, "optimiser state", moments[i], model->params[i].count);
    return status;
}

qea_status qea_optimizer_create(qea_context *ctx, const qea_optimizer_options *options, const qea_model *model,
                                qea_optimizer_state *out) {
    *out = (qea_optimizer_state){.model = model};
    qea_status status = QEA_OK;
    if (needs_first(options)) status = make_moments(ctx, model, &out->first);
    if (status == QEA_OK && needs_second(options)) status = make_moments(ctx, model, &out->second);
    if (status != QEA_OK) qea_optimizer_free(out);
    return status;
}

static void free_moments(const qea_model *model, float **moments) {
    if (!moments) return;
    for (size_t i = 0; i < model->num_params; i++) qea_free(moments[i]);
    qea_free(moments);
}

void qea_optimizer_free(qea_optimizer_state *state) {
    if (!state->model) return;
    free_moments(state->model, state->first);
    free_moments(state->model, state->second);
    *state = (qea_optimizer_state){0};
}

size_t qea_optimizer_bytes(const qea_optimizer_state *state) {
    size_t floats = 0;
    for (size_t i = 0; i < state->model->num_params; i++)
        if (state->model->params[i].trained) floats += state->model->params[i].count;
    return floats * sizeof(float) * ((state->first != NULL) + (size_t)(state->second != NULL));
}

double qea_clip_gradients(const qea_model *model, double largest) {
    double sum = 0;
    for (size_t i = 0; i < model->num_params; i++) {
        const qea_param *p = &model->params[i];
        for (size_t j = 0; p->trained && j < p->count; j++) sum += (double)p->grad[j] * (double)p->grad[j];
    }
    double norm = sqrt(sum);
    float factor = (float)(largest / (norm + 1e-6));
    if (!(factor < 1)) return norm;
    for (size_t i = 0; i < model->num_params; i++) {
        const qea_param *p = &model->params[i];
        for (size_t j = 0; p->trained && j < p->count; j++) p->grad[j] *= factor;
    }
    return norm;
}

static void sgd(const qea_optimizer_options *o, const qea_param *p, float *velocity, float lr) {
    float decay = p->decay ? (float)o->weight_decay : 0.0f, momentum = (float)o->momentum;
    float *w = p->value;
    const float *grad = p->grad;
    if (!velocity) {
        for (size_t i = 0; i < p->count; i++) w[i] -= lr * (grad[i] + decay * w[i]);
        return;
    }
    /* w -= lr (x g + y v): plain momentum has x = 0, y = 1, Nesterov's x = 1, y = momentum. */
    float x = o->nesterov ? 1.0f : 0.0f, y = o->nesterov ? momentum : 1.0f;
    for (size_t i = 0; i < p->count; i++) {
        float g = grad[i] + decay * w[i];
        velocity[i] = momentum * velocity[i] + g;
        w[i] -= lr * (x * g + y * velocity[i]);
    }
}

static void adam(const qea_optimizer_options *o, const qea_param *p, float *m, float *v, double lr, uint64_t step) {
    bool decoupled = o->kind == QEA_ADAMW;
    double weight_decay = p->decay ? o->weight_decay : 0;
    float decay = decoupled ? 0.0f : (float)weight_decay;
    float shrink = decoupled ? (float)(1 - lr * weight_decay) : 1.0f;
    float b1 = (float)o->beta1, b2 = (float)o->beta2, c1 = (float)(1 - o->beta1), c2 = (float)(1 - o->beta2);
    float rate = (float)(lr / (1 - pow(o->beta1, (double)step)));
    float inv_root = (float)(1 / sqrt(1 - pow(o->beta2, (double)step))), eps = (float)o->eps;
    float *w = p->value;
    const float *grad = p->grad;
    for (size_t i = 0; i < p->count; i++) {
        float old = w[i] * shrink, g = grad[i] + decay * old;
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * g * g;
        w[i] = old - rate * m[i] / (sqrtf(v[i]) * inv_root + eps);
    }
}

void qea_optimizer_step(qea_optimizer_state *state, const qea_optimizer_options *options, double lr) {
    state->steps++;
    for (size_t i = 0; i < state->model->num_params; i++) {
        const qea_param *p = &state->model->params[i];
        if (!p->trained) continue;
        if (options->kind == QEA_SGD)
            sgd(options, p, state->first ? state->first[i] : NULL, (float)lr);
        else
            adam(options, p, state->first[i], state->second[i], lr, state->steps);
    }
}
