#include <math.h>

#include "kernels/ref/ref.h"

/* 0-based place of the label's logit among all, equal ones by index; `classes` where any logit is NaN. */
static int place(const float *logits, int classes, int label) {
    int before = 0;
    for (int i = 0; i < classes; i++) {
        if (isnan(logits[i])) return classes;
        before += logits[i] > logits[label] || (logits[i] == logits[label] && i < label);
    }
    return before;
}

/* log of the sum of exp(logit / temperature), the largest taken out so that nothing overflows. */
static double log_sum_exp(const float *logits, int classes, double temperature) {
    double largest = (double)logits[0], sum = 0;
    for (int i = 1; i < classes; i++) largest = fmax(largest, (double)logits[i]);
    for (int i = 0; i < classes; i++) sum += exp(((double)logits[i] - largest) / temperature);
    return largest / temperature + log(sum);
}

/* Cross-entropy of the label; its gradient times `scale` is written. */
static double hard_loss(const float *logits, int classes, int label, float smoothing, double scale, float *d) {
    double norm = log_sum_exp(logits, classes, 1), loss = 0;
    double base = (double)smoothing / classes;
    for (int i = 0; i < classes; i++) {
        double target = base + (i == label ? 1 - (double)smoothing : 0);
        double log_p = (double)logits[i] - norm;
        if (target > 0) loss -= target * log_p;
        if (d) d[i] = (float)((exp(log_p) - target) * scale);
    }
    return loss;
}

/* T^2 KL(teacher || logits); its gradient times `scale` is added. */
static double soft_loss(const float *logits, const float *teacher, int classes, double temperature, double scale,
                        float *d) {
    double norm = log_sum_exp(logits, classes, temperature), teacher_norm = log_sum_exp(teacher, classes, temperature);
    double loss = 0;
    for (int i = 0; i < classes; i++) {
        double log_p = (double)logits[i] / temperature - norm, log_t = (double)teacher[i] / temperature - teacher_norm;
        double t = exp(log_t);
        if (t > 0) loss += t * (log_t - log_p);
        if (d) d[i] += (float)((exp(log_p) - t) * temperature * scale);
    }
    return temperature * temperature * loss;
}

void qea_ref_softmax_loss(const float *logits, const int32_t *labels, const qea_soft_targets *soft, int n, int classes,
                          float smoothing, float grad_scale, float *dlogits, double *loss, int64_t *right,
                          int64_t *right_top5) {
    double share = soft ? (double)soft->weight : 0, scale = (double)grad_scale;
    *loss = 0;
    *right = *right_top5 = 0;
    for (int row = 0; row < n; row++) {
        const float *x = logits + (size_t)row * (size_t)classes;
        float *d = dlogits ? dlogits + (size_t)row * (size_t)classes : NULL;
        if (labels[row] < 0) {
            for (int i = 0; d && i < classes; i++) d[i] = 0;
            continue;
        }
        *loss += (1 - share) * hard_loss(x, classes, labels[row], smoothing, (1 - share) * scale, d);
        if (soft)
            *loss += share * soft_loss(x, soft->logits + (size_t)row * (size_t)classes, classes,
                                       (double)soft->temperature, share * scale, d);
        int before = place(x, classes, labels[row]);
        *right += before == 0;
        *right_top5 += before < 5 && before < classes;
    }
}
