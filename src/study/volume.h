/* study/volume.h: the hypervolume of a search, in a box that is fixed before it begins. */
#ifndef QEA_STUDY_VOLUME_H
#define QEA_STUDY_VOLUME_H

#include <jansson.h>

#include "quantea/search.h"
#include "store/store.h"
#include "study/space.h"

/* Of each objective the lowest and the highest value that counts. */
typedef struct qea_box {
    bool known; /* of every objective */
    double low[QEA_MAX_OBJECTIVES], high[QEA_MAX_OBJECTIVES];
} qea_box;

/* Costs: the least and the most of each over all genomes; accuracy: from chance (1 / classes) to 1; objectives
 * of the user's own: their bounds, and without these the least and the largest value of the trials that are done, in
 * all: unknown as long as there are none. */
QEA_MUST_USE qea_status qea_box_of_space(qea_context *ctx, const qea_bit_space *space, const qea_trial_record *records,
                                         size_t count, qea_box *out);

/* The box of a task is a setting of its store. Loading: unknown where there is none. QEA_ERR_DATA: another box than
 * these objectives'. */
QEA_MUST_USE qea_status qea_box_load(qea_context *ctx, qea_store *store, const qea_study_config *config, qea_box *out);
QEA_MUST_USE qea_status qea_box_save(qea_context *ctx, qea_store *store, const qea_study_config *config,
                                     const qea_box *box);

/* {"accuracy": [0.1, 1], ...}; owned by the caller. NULL: unknown. */
json_t *qea_box_to_json(const qea_study_config *config, const qea_box *box);

/* A hypervolume that is measured as a share of the box, 0..1; *out stays NULL where the box is unknown. */
QEA_MUST_USE qea_status qea_box_volume(qea_context *ctx, const qea_study_config *config, const qea_box *box,
                                       qea_volume **out);
/* Adds a trial; one without a result, or with an objective that is no number, adds nothing. Better than the box allows
 * counts as its best. */
QEA_MUST_USE qea_status qea_box_add(qea_context *ctx, const qea_study_config *config, const qea_box *box,
                                    qea_volume *volume, const qea_trial_record *record);
/* NaN where `volume` is NULL. */
double qea_box_share(const qea_volume *volume);

#endif
