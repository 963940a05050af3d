/* study/model_metadata.h: models on disk with what is needed to use them: how the images are prepared, the classes. */
#ifndef QEA_STUDY_MODEL_METADATA_H
#define QEA_STUDY_MODEL_METADATA_H

#include "study/step_data.h"

/* Saves with the metadata "data" (JSON: type, height, width, channels, mean, std) and "classes" (JSON list or absent).
 */
QEA_MUST_USE qea_status qea_study_save_model(qea_context *ctx, const qea_model *model, const qea_data_config *config,
                                             const qea_step_data *data, const char *path);

/* Reads the "data" metadata back; *type is owned by the caller (qea_free). */
struct qea_st_file;
QEA_MUST_USE qea_status qea_model_data(qea_context *ctx, const struct qea_st_file *file, char **type, int *image_size,
                                       int *channels, qea_transforms *transforms);

/* The fast kernels for `isa`, or the plain ones in a build without them. */
QEA_MUST_USE qea_status qea_study_kernels(qea_context *ctx, const char *isa, const qea_kernels **out);

#endif
