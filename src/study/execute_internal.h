/* study/execute_internal.h: the executor's inside; private to execute*.c. */
#ifndef QEA_STUDY_EXECUTE_INTERNAL_H
#define QEA_STUDY_EXECUTE_INTERNAL_H

#include "study/execute.h"
#include "study/space.h"

typedef struct qea_loaded_model { /* a model file that is kept from job to job */
    char *path;                   /* owned */
    qea_graph *graph;             /* owned */
    qea_model *model;             /* owned */
} qea_loaded_model;

struct qea_executor {
    const qea_study_config *config; /* borrowed */
    const qea_data_config *data_config;
    const qea_recipe *recipe;
    bool final;    /* fully_train */
    bool full;     /* the same recipe: that, or the agreement */
    bool stage;    /* float or supernet */
    bool supernet; /* the latter */
    bool rank;     /* trials are judged with the weights of the supernet */
    qea_step_data data;
    qea_graph *graph; /* owned */
    const qea_kernels *kernels;
    qea_bit_space *space; /* owned; NULL but for the supernet and its trials */
    qea_loaded_model teacher, ranked;
    qea_ranker *ranker; /* owned; of `ranked` */
};

/* Loads a model unless it is there. */
QEA_MUST_USE qea_status qea_executor_load(qea_context *ctx, const char *path, qea_loaded_model *loaded);
QEA_MUST_USE qea_status qea_executor_warm_start(qea_context *ctx, const char *path, qea_model *model);
qea_train_options qea_executor_options(const qea_executor *executor, const qea_job *job);
qea_teacher qea_executor_teacher(const qea_executor *executor); /* the loaded one, with the step's distillation */
/* The job's network; where trials share weights, a supernet with these bits. */
QEA_MUST_USE qea_status qea_executor_model(qea_context *ctx, const qea_executor *executor, const qea_job *job,
                                           qea_model **out);
json_t *qea_executor_result(const qea_train_result *trained, const qea_epoch_point *curve,
                            const qea_eval_result *measured);

/* --- execute_supernet.c --- */
/* Judges networks by statistics from `images` training images and by so many validation images (0: all). */
QEA_MUST_USE qea_status qea_executor_ranker(qea_context *ctx, const qea_executor *executor, qea_model *model,
                                            size_t images, size_t validation_images, qea_ranker **out);
/* Each step draws its bits. */
void qea_executor_draw_bits(qea_executor *executor, qea_train_options *options);
/* Accuracy of a supernet with its highest bits; its statistics become theirs. */
QEA_MUST_USE qea_status qea_executor_judge_highest(qea_context *ctx, qea_executor *executor, qea_model *supernet,
                                                   qea_eval_result *measured);
/* A trial of a search with shared weights: job->init is the supernet, which stays loaded. */
QEA_MUST_USE qea_status qea_executor_rank(qea_context *ctx, qea_executor *executor, const qea_job *job,
                                          json_t **result);

#endif
