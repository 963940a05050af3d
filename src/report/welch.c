#include "report/welch.h"

#include <math.h>

/* The integral of cos^(freedom - 1) from 0 to `angle`, by Simpson's rule: with T = sqrt(freedom) tan(angle) it is
 * P(0 <= T <= t) but for a factor. */
static double area(double freedom, double angle) {
    enum { PARTS = 512 };
    double sum = 0, width = angle / PARTS;
    for (int i = 0; i <= PARTS; i++)
        sum += pow(cos(i * width), freedom - 1) * (i == 0 || i == PARTS ? 1 : i % 2 == 1 ? 4 : 2);
    return sum * width / 3;
}

double qea_student_t95(double freedom) {
    const double pi = 3.14159265358979323846;
    double whole = sqrt(pi) / 2 * exp(lgamma(freedom / 2) - lgamma((freedom + 1) / 2)), low = 0, high = pi / 2;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(area(freedom, middle) < 0.95 * whole ? &low : &high) = middle;
    }
    return sqrt(freedom) * tan(low);
}

double qea_welch_half_width(qea_report_spread a, qea_report_spread b) {
    if (a.trainings < 2 || b.trainings < 2) return NAN;
    double u = a.sd * a.sd / (double)a.trainings, v = b.sd * b.sd / (double)b.trainings;
    if (!(u + v > 0)) return u + v; /* 0 or NaN */
    double freedom = (u + v) * (u + v) / (u * u / (double)(a.trainings - 1) + v * v / (double)(b.trainings - 1));
    return qea_student_t95(freedom) * sqrt(u + v);
}
