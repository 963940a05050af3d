/* study/model_metadata.h: models on disk with what is needed to use them: how the images are prepared, the classes. */
#ifndef QEA_STUDY_MODEL_METADATA_H
#define QEA_STUDY_MODEL_METADATA_H

#include "study/step_data.h"

/* Saves with the metadata "data" (JSON: type, height, width, channels, mean, std; test_portion and seed where the test
 * part was divided from the training images) and "classes" (JSON list or absent). */
QEA_MUST_USE qea_status qea_study_save_model(qea_context *ctx, const qea_model *model, const qea_data_config *config,
                                             uint64_t seed, const qea_step_data *data, const char *path);

/* Reads the "data" metadata back: *source without a path; *type, which source->type is, is owned by the caller. */
struct qea_st_file;
QEA_MUST_USE qea_status qea_model_data(qea_context *ctx, const struct qea_st_file *file, char **type,
                                       qea_dataset_source *source, qea_transforms *transforms);

/* "auto", "f32", "bf16"; another name is QEA_ERR_CONFIG. */
QEA_MUST_USE qea_status qea_study_parse_precision(qea_context *ctx, const char *name, qea_precision *out);
/* What these kernels make of it here: "float32", "bfloat16" or "bfloat16 emulated in float32"; *emulated: the last. */
const char *qea_study_arithmetic(const qea_kernels *kernels, qea_precision precision, bool *emulated);
/* Says so to the log where it is emulated. */
void qea_study_tell_emulation(qea_context *ctx, const qea_kernels *kernels, qea_precision precision, const char *key);

/* The fast kernels for `isa`, or the plain ones in a build without them. QEA_ERR_CONFIG: not a name that exists. */
QEA_MUST_USE qea_status qea_study_kernels(qea_context *ctx, const char *isa, const qea_kernels **out);

#endif
