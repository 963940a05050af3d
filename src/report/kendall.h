/* report/kendall.h: do two orders of the same things agree? */
#ifndef QEA_REPORT_KENDALL_H
#define QEA_REPORT_KENDALL_H

#include <stddef.h>

enum { QEA_KENDALL_ORDERS = 9999, QEA_KENDALL_MOST = 100 };

/* Kendall's tau-b of [count] pairs (Kendall 1945, "The treatment of ties in ranking problems", Biometrika 33, 239-251,
 * doi:10.1093/biomet/33.3.239): with P pairs of pairs in the same order, Q in opposite order, X equal in x, Y equal in
 * y and N = count (count - 1)/2 in all, tau = (P - Q) / sqrt((N - X) (N - Y)), 1 where both orders agree, 0 where they
 * have nothing to do with each other, -1 where one is the other's reverse. NaN where it is not defined: fewer than two
 * pairs, or one of the two is the same everywhere, or has a NaN. */
double qea_kendall_tau(const double *x, const double *y, size_t count);

/* The mean of tau within each of [groups] groups, in which it is defined; group g has the pairs [ends[g - 1], ends[g]),
 * the first from 0. NaN where it is defined in none. */
double qea_kendall_mean(const double *x, const double *y, const size_t *ends, size_t groups);

/* How often chance alone makes that mean as large: of QEA_KENDALL_ORDERS random orders of y within each group, always
 * the same ones, k reach it; (k + 1) / (QEA_KENDALL_ORDERS + 1) (Phipson and Smyth 2010, "Permutation p-values should
 * never be zero", doi:10.2202/1544-6115.1585). NaN where the mean is, or for more than QEA_KENDALL_MOST pairs. */
double qea_kendall_chance(const double *x, const double *y, const size_t *ends, size_t groups);

#endif
