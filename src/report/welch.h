/* report/welch.h: how certain is the difference of two means of few measurements each? */
#ifndef QEA_REPORT_WELCH_H
#define QEA_REPORT_WELCH_H

#include "report/report.h"

/* t with P(|T| <= t) = 0.95 for Student's distribution (Student 1908, doi:10.1093/biomet/6.1.1) of `freedom`
 * degrees of freedom, 1 to 1000, whole or not, to a millionth of it. */
double qea_student_t95(double freedom);

/* Half the width of the 95 % interval of a.mean - b.mean where the two spread differently (Welch 1947,
 * doi:10.1093/biomet/34.1-2.28): t95(f) sqrt(u + v) with u = a.sd^2/a.trainings, v = b.sd^2/b.trainings and
 * f = (u + v)^2 / (u^2/(a.trainings - 1) + v^2/(b.trainings - 1)). NaN where one has fewer than two trainings, 0 where
 * neither spreads. */
double qea_welch_half_width(qea_report_spread a, qea_report_spread b);

#endif
