/* train/optimizer.h: steps of SGD, Adam and AdamW, as PyTorch defines them. */
#ifndef QEA_TRAIN_OPTIMIZER_H
#define QEA_TRAIN_OPTIMIZER_H

#include "nn/model.h"
#include "train/trainer.h"

typedef struct qea_optimizer_state {
    const qea_model *model; /* borrowed */
    float **first,
        **second;   /* owned, [num_params]: momentum or the first moment, and the second one; NULL where unused */
    uint64_t steps; /* taken so far */
} qea_optimizer_state;

QEA_MUST_USE qea_status qea_optimizer_create(qea_context *ctx, const qea_optimizer_options *options,
                                             const qea_model *model, qea_optimizer_state *out);
void qea_optimizer_free(qea_optimizer_state *state);
size_t qea_optimizer_bytes(const qea_optimizer_state *state);

/* Scales all gradients so that their L2 norm together is at most `largest` (by largest / (norm + 1e-6), as
 * torch.nn.utils.clip_grad_norm_); returns the norm before. */
double qea_clip_gradients(const qea_model *model, double largest);

/* One step on every trained parameter from its grad. With g the gradient, w the weight, L = weight_decay:
 *   SGD    g += L w;  v = momentum v + g;  w -= lr (nesterov ? g + momentum v : v)
 *   Adam   g += L w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
 *          w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *   AdamW  w *= 1 - lr L, then as Adam without L
 * Sources: Sutskever et al. 2013 (momentum as PyTorch writes it); Kingma & Ba, arXiv:1412.6980, algorithm 1;
 * Loshchilov & Hutter, arXiv:1711.05101, algorithm 2. */
void qea_optimizer_step(qea_optimizer_state *state, const qea_optimizer_options *options, double lr);

#endif
