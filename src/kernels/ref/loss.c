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

/* log of the sum of exp(logit), the largest taken out so that nothing overflows. */
static double log_sum_exp(const float *logits, int classes) {
    double largest = (double)logits[0], sum = 0;
    for (int i = 1; i < classes; i++) largest = fmax(largest, (double)logits[i]);
    for (int i = 0; i < classes; i++) sum += exp((double)logits[i] - largest);
    return largest + log(sum);
}

static double row_loss(const float *logits, int classes, int label, float smoothing, float grad_scale, float *d) {
    double norm = log_sum_exp(logits, classes), loss = 0;
    double base = (double)smoothing / classes;
    for (int i = 0; i < classes; i++) {
        double target = base + (i == label ? 1 - (double)smoothing : 0);
        double log_p = (double)logits[i] - norm;
        if (target > 0) loss -= target * log_p;
        if (d) d[i] = (float)((exp(log_p) - target) * (double)grad_scale);
    }
    return loss;
}

void qea_ref_softmax_loss(const float *logits, const int32_t *labels, int n, int classes, float smoothing,
                          float grad_scale, float *dlogits, double *loss, int64_t *right, int64_t *right_top5) {
    *loss = 0;
    *right = *right_top5 = 0;
    for (int row = 0; row < n; row++) {
        const float *x = logits + (size_t)row * (size_t)classes;
        float *d = dlogits ? dlogits + (size_t)row * (size_t)classes : NULL;
        if (labels[row] < 0) {
            for (int i = 0; d && i < classes; i++) d[i] = 0;
            continue;
        }
        *loss += row_loss(x, classes, labels[row], smoothing, grad_scale, d);
        int before = place(x, classes, labels[row]);
        *right += before == 0;
        *right_top5 += before < 5 && before < classes;
    }
}
