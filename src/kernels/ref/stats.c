#include "kernels/common.h"
#include "kernels/ref/ref.h"

/* Two passes in float64: the mean, then the mean squared deviation from it. */
void qea_ref_channel_stats(qea_view x, size_t rows, int channels, float *mean, float *variance) {
    size_t stride = (size_t)channels;
    for (size_t c = 0; c < stride; c++) {
        double sum = 0, squares = 0;
        for (size_t row = 0; row < rows; row++) sum += (double)qea_view_load(x, row * stride + c);
        double center = rows > 0 ? sum / (double)rows : 0;
        for (size_t row = 0; row < rows; row++) {
            double d = (double)qea_view_load(x, row * stride + c) - center;
            squares += d * d;
        }
        mean[c] = (float)center;
        variance[c] = rows > 0 ? (float)(squares / (double)rows) : 0.0F;
    }
}
