/* study/execute.h: trains one model of a step, in this process. */
#ifndef QEA_STUDY_EXECUTE_H
#define QEA_STUDY_EXECUTE_H

#include <jansson.h>

#include "quantea/inspect.h"
#include "study/job.h"
#include "study/step_data.h"

/* What stays the same from job to job: the configuration, the images, the kernels, the network. */
typedef struct qea_executor qea_executor;

/* step: "float", "supernet", "nas", "prediction" (as nas), "agreement" (accuracy is that on the validation images; a
 * supernet's is that of its highest bits) or "fully_train" (on the test images). */
QEA_MUST_USE qea_status qea_executor_create(qea_context *ctx, const qea_study_config *config, const char *step,
                                            qea_executor **out);
void qea_executor_destroy(qea_executor *executor);
const qea_graph *qea_executor_graph(const qea_executor *executor); /* the network; borrowed */

/* *result (owned by the caller): accuracy, accuracy_top1, accuracy_top5 (0..1), loss (mean on those images),
 * train_loss, val_accuracy (null where there are no validation images), images (evaluated), epochs, best_epoch (from 1;
 * null: the last), train_images (that went forward and backward), curve, and under "measured" what differs from run to
 * run: seconds, images_per_s, peak_bytes. QEA_ERR_DIVERGED: a result too, the network did not learn.
 *
 * curve is the training curve, whether or not the training was stopped and continued: an object of lists of equal
 * length, one entry per epoch: epoch (1-based), train_loss, train_accuracy (means over the epoch's steps), val_accuracy
 * (behind the epoch; null where nothing was validated), lr (of its last step). Of more than 4000 epochs every k-th and
 * the last are there. */
QEA_MUST_USE qea_status qea_executor_run(qea_context *ctx, qea_executor *executor, const qea_job *job,
                                         qea_progress_fn progress, void *user, json_t **result);

/* Trains the job's model for about so many seconds, evaluates it for about as long, and forgets it. Fills what `out`
 * says of a trial: everything but step, trials, rounds, start_s and seconds. A loss that is not finite ends the
 * measurement, no more. */
QEA_MUST_USE qea_status qea_executor_measure(qea_context *ctx, qea_executor *executor, const qea_job *job,
                                             double seconds, qea_estimate_step *out);

#endif
