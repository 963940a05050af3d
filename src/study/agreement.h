/* study/agreement.h: how well the search ranks: genomes of nearly equal costs are ranked as the search does it (the
 * step "prediction"), and some of them trained separately (the step "agreement"). */
#ifndef QEA_STUDY_AGREEMENT_H
#define QEA_STUDY_AGREEMENT_H

#include "study/run.h"

typedef struct qea_agreement_choice {
    uint16_t *genomes; /* owned (qea_free), [bands * per_band][num_genes], band by band from cheap to dear */
    size_t per_band;   /* at least config->agreement.genomes / bands: where ranking is cheap, more are ranked */
} qea_agreement_choice;

/* f(configuration, space). The range of bops of thousands of random genomes within the limits is cut into bands of
 * equal ratios; each has its middle from which genomes are at most 2 % away, or as little as there are. QEA_ERR_CONFIG:
 * there are too few genomes. */
QEA_MUST_USE qea_status qea_agreement_choose(qea_context *ctx, qea_bit_space *space, qea_agreement_choice *out);

/* What the report tells of it, from the store as it is. */
typedef struct qea_agreement_view {     /* start with {0} */
    qea_step_trials predicted, trained; /* owned */
    qea_report_pair *pairs;             /* owned */
    qea_report_agreement report;        /* points into the view; count 0: not measured, or not begun */
} qea_agreement_view;
QEA_MUST_USE qea_status qea_agreement_view_load(qea_context *ctx, const qea_run *run, qea_agreement_view *view);
void qea_agreement_view_clear(qea_agreement_view *view);

#endif
