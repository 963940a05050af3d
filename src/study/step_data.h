/* study/step_data.h: the images of a step: what trains, what validates, what is tested on. */
#ifndef QEA_STUDY_STEP_DATA_H
#define QEA_STUDY_STEP_DATA_H

#include "study/config.h"

typedef struct qea_step_data {
    qea_dataset *train_part, *val_part, *test_part; /* owned; val_part only where the data set has one of its own */
    qea_loader_config train;                        /* seed 0: the trial's is put in */
    qea_loader_config validation;                   /* count 0: none */
    qea_loader_config test;                         /* dataset NULL: not loaded */
} qea_step_data;

/* Loads and splits: the first train_portion of the training part in file order trains, the rest validates; a data set
 * with a validation part of its own trains on everything and validates there; each may be left without an image, which
 * qea_run_check refuses. with_test: the test part too. */
QEA_MUST_USE qea_status qea_step_data_load(qea_context *ctx, const qea_data_config *config, uint64_t seed,
                                           bool with_test, qea_step_data *out);
void qea_step_data_clear(qea_step_data *data);
/* "60000, CRC-32 1a2b3c4d": how many images were loaded, and a checksum of them and their labels. */
enum { QEA_STEP_DATA_TEXT = 48 };
void qea_step_data_describe(const qea_step_data *data, char text[QEA_STEP_DATA_TEXT]);

/* The network with the input shape and the classes of the data. QEA_ERR_CONFIG: num_classes was given and differs. */
QEA_MUST_USE qea_status qea_study_network(qea_context *ctx, const qea_study_config *config, const qea_dataset *data,
                                          qea_graph **out);

#endif
