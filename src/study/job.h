/* study/job.h: one model to train, as it travels from the coordinator to a worker. */
#ifndef QEA_STUDY_JOB_H
#define QEA_STUDY_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "study/pool.h"

typedef struct qea_job {
    uint64_t trial;
    size_t num_layers;
    uint8_t *weight_bits, *activation_bits; /* owned, [num_layers] */
    uint64_t seed;                          /* of initial weights, order and augmentation */
    char *init;                             /* owned: model file to start from, NULL: from scratch */
    char *teacher;                          /* owned: model file whose answers are learned too, NULL: none */
    char *model;                            /* owned: where the trained model goes, NULL: nowhere */
    char *checkpoint;                       /* owned: where to keep state while training, NULL: nowhere */
} qea_job;

/* One line of JSON, owned by the caller (qea_free). */
QEA_MUST_USE qea_status qea_job_format(qea_context *ctx, const qea_job *job, char **line);
/* QEA_ERR_DATA for anything that is not such a line. */
QEA_MUST_USE qea_status qea_job_parse(qea_context *ctx, const char *line, qea_job *out);
void qea_job_clear(qea_job *job);

/* What a worker's line means (worker.c); for qea_pool_config.read. */
void qea_job_read_answer(void *user, uint64_t job, const char *line, qea_answer *out);

/* f(run's seed, repeat, bits of all layers): equal networks train equally wherever and whenever; `repeat` is 0 but
 * where a network is trained several times. */
uint64_t qea_job_seed(uint64_t run_seed, uint32_t repeat, size_t num_layers, const uint8_t *weight_bits,
                      const uint8_t *activation_bits);
/* The same for a genome without layers. */
uint64_t qea_job_seed_of_genome(uint64_t run_seed, size_t num_genes, const uint16_t *genome);

#endif
