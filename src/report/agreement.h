/* report/agreement.h: how well the search's order of genomes agrees with that of separate trainings, in numbers. */
#ifndef QEA_REPORT_AGREEMENT_H
#define QEA_REPORT_AGREEMENT_H

#include "report/parts.h"

typedef struct qea_agreement_band {
    size_t genomes;               /* with both values */
    double least_bops, most_bops; /* NaN: there are none */
    double least, most;           /* accuracy after the training */
    double tau;
} qea_agreement_band;

typedef struct qea_agreement { /* of the pairs with both values; taus by report/kendall.h */
    size_t genomes;
    double tau, chance, tau_of_bops;
    qea_agreement_band bands[QEA_REPORT_MAX_BANDS]; /* [num_bands] */
    size_t num_bands;
    double mean_tau, mean_chance; /* within the bands */
} qea_agreement;

qea_agreement qea_agreement_of(const qea_report_agreement *given);

#endif
