/* study/config.h: what a run is to do, checked and complete, from a YAML file in the original's form (docs/config.md).
 */
#ifndef QEA_STUDY_CONFIG_H
#define QEA_STUDY_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/yaml.h"
#include "quantea/network.h"
#include "quantea/search.h"
#include "train/trainer.h"

enum {
    QEA_MAX_OBJECTIVES = 8,
    QEA_MAX_CANDIDATES = 16,
    QEA_MAX_LAYER_RULES = 64,
    QEA_MAX_BASELINES = 32,
    QEA_MAX_CHOSEN = 256,
    QEA_MAX_LIMITS = 16,
    QEA_NAME_BYTES = 64 /* of the name of a gene or an objective, with the 0 */
};

typedef struct qea_data_config {
    char *type, *path;    /* owned */
    double train_portion; /* 0 < p <= 1 of the training part trains, the rest validates (file order) */
    int train_batch, test_batch;
    bool shuffle;                                 /* default true for training, as PyTorch's loader in the original */
    size_t train_images, val_images, test_images; /* budget: at most this many (the first), 0 = all */
    int image_size, channels;
    double test_portion;
    bool transforms_given; /* else the data set's own defaults (docs/config.md) */
    qea_transforms transforms;
    int crop_size;          /* RandomCrop's size, 0 = not given; must be the images' height and width */
    int normalize_channels; /* length of Normalize's mean and std, 0 = not given; must be the images' channels */
} qea_data_config;

typedef struct qea_recipe { /* how a model is trained in a step */
    int epochs;
    qea_optimizer_options optimizer;
    qea_schedule_options schedule;
    double label_smoothing;
    size_t max_steps;
    qea_precision precision;
    bool save_weights;
    int checkpoint_epochs;
    bool keep_best; /* choose the epoch on validation data */
} qea_recipe;

/* Layers whose name matches `pattern` (fnmatch) have their own candidates; one candidate pins a layer. tie: all
 * matching layers share one weight and one activation gene. Later rules win. */
typedef struct qea_layer_rule {
    char *pattern;                                        /* owned */
    int num_weight_bits, weight_bits[QEA_MAX_CANDIDATES]; /* 0: the general candidates */
    int num_activation_bits, activation_bits[QEA_MAX_CANDIDATES];
    bool tie;
} qea_layer_rule;

/* `key` is an objective's name; low and high are in its unit (the original's flop_range and param_range are raw counts
 * and were divided by 1e6, 1e3). high may be infinite. */
typedef struct qea_limit {
    char *key; /* owned */
    double low, high;
    const char *range_key; /* "flop_range": the key in the file; static */
    double unit;           /* what the file's numbers were divided by */
} qea_limit;

typedef enum qea_objective {
    QEA_OBJ_ACCURACY,
    QEA_OBJ_FLOPS,
    QEA_OBJ_PARAMS,
    QEA_OBJ_BOPS,
    QEA_OBJ_WEIGHT_BYTES,
    QEA_OBJ_ACTIVATION_BYTES,
    QEA_OBJ_COUNT
} qea_objective;
extern const char *const qea_objective_names[QEA_OBJ_COUNT];

/* A program of the user's (study/command.h). */
typedef struct qea_program {
    char **command;   /* owned, ends with NULL; NULL: there is none */
    char *folder;     /* owned; "" = the current one */
    double timeout_s; /* 0 = none */
    int attempts;     /* that a trial has */
} qea_program;

/* What the search optimises. */
typedef struct qea_config_objective {
    char name[QEA_NAME_BYTES];
    qea_objective kind;       /* QEA_OBJ_COUNT: one of the user's own, which a program tells */
    bool maximized, directed; /* directed: the direction is known */
    bool bounded;             /* low and high, of the hypervolume's box, are given */
    double low, high;
    qea_program program; /* that tells it, where the evaluator does not (study/objective.h) */
    bool limited;        /* values below lowest or above highest are not wanted */
    double lowest, highest;
} qea_config_objective;

/* A gene that is given by hand. */
typedef struct qea_custom_gene {
    char name[QEA_NAME_BYTES];
    json_t *candidates; /* owned: a list of numbers, texts and booleans */
} qea_custom_gene;

/* Where the results of a trial of the search come from. */
typedef enum qea_evaluator {
    QEA_EVALUATOR_TRAIN,          /* every network from random weights, as the original */
    QEA_EVALUATOR_FINETUNE,       /* every network from the weights of a model */
    QEA_EVALUATOR_SHARED_WEIGHTS, /* no training: every network with the weights of one supernet */
    QEA_EVALUATOR_COMMAND         /* a program tells them (study/command.h) */
} qea_evaluator;

typedef struct qea_distillation {
    double weight; /* of the teacher's part of the loss, 0..1; 0: none */
    double temperature;
} qea_distillation;

/* The supernet of QEA_EVALUATOR_SHARED_WEIGHTS: a float network is trained (or given), the supernet begins from it. */
typedef struct qea_supernet_config {
    int float_epochs, epochs;
    double float_lr, lr;
    qea_distillation distillation; /* from the float network */
    size_t bn_images, val_images;  /* for the statistics of each trial; that judge it, 0: all */
    int threads;
    char *path;                      /* of one that was trained before, or NULL */
    qea_recipe float_recipe, recipe; /* the search's with these epochs and rates */
} qea_supernet_config;

/* How well the search ranks: genomes in bands of nearly equal bops are trained separately. */
typedef struct qea_agreement_config {
    size_t genomes, bands; /* in all; 0: not measured */
    int epochs;
    qea_recipe recipe;    /* that of fully_train with these epochs */
    qea_data_config data; /* that of fully_train, but what validates in the search; its texts are borrowed */
} qea_agreement_config;

typedef enum qea_init { QEA_INIT_SCRATCH, QEA_INIT_SEARCH, QEA_INIT_PRETRAINED } qea_init;

typedef struct qea_study_config {
    char *name;                /* the file's path, for messages */
    char *task_id, *base_path; /* general.task; "" = made from the time */
    uint64_t seed;             /* general.seed, else trainer.seed */
    bool has_nas, has_fully_train;
    int workers; /* 0 = auto (qea_crew_workers) */
    int threads_per_worker;
    double trial_timeout_s;  /* of one trial of the search; 0 = none */
    qea_precision precision; /* also in both recipes */
    char *isa;               /* "auto", ... */

    /* search */
    size_t length; /* 0 = not given */
    qea_evaluator evaluator;
    qea_program program;    /* of the evaluator command */
    size_t num_genes;       /* of a search space given by hand; 0: that of a network */
    qea_custom_gene *genes; /* owned */
    char *
        search_pretrained; /* model that FINETUNE begins from, and the supernet instead of its float network, or NULL */
    qea_supernet_config supernet;
    qea_agreement_config agreement;
    size_t num_generations, num_individual, random_samples;
    bool uniform;          /* the uniform genomes stand in the first population */
    qea_mutation mutation; /* quantea/search.h, as `screening` */
    size_t screening;
    bool sensitivity;
    size_t max_trials; /* 0 = as many as the generations have */
    double budget_s;   /* wall-clock time of the search; 0 = no limit */
    size_t stagnation; /* generations without growth of the hypervolume that end the search; 0 = never */
    int num_objectives;
    qea_config_objective objectives[QEA_MAX_OBJECTIVES];
    int num_candidates, candidates[QEA_MAX_CANDIDATES]; /* ascending */
    qea_quantizer weight_quantizer, activation_quantizer;
    int num_layer_rules;
    qea_layer_rule layer_rules[QEA_MAX_LAYER_RULES];
    int num_limits;
    qea_limit limits[QEA_MAX_LIMITS];
    qea_resnet_options network; /* height, width, channels 0: from the data; num_classes must agree with the data */
    bool network_classes_given;

    qea_data_config nas_data, full_data;
    qea_recipe nas_recipe, full_recipe;

    /* fully_train */
    size_t max_models;                      /* default num_individual */
    int num_chosen, chosen[QEA_MAX_CHOSEN]; /* trials of the search that are trained instead of its front */
    int seeds;                              /* trainings of each model */
    qea_init init;
    char *pretrained; /* model path, or NULL */
    char *teacher;    /* model path, "search" (the float network of the supernet), or NULL */
    qea_distillation distillation;
    int num_baselines, baselines[QEA_MAX_BASELINES][2]; /* weight bits, activation bits */

    qea_yaml *tree; /* owned: the merged tree, as saved in the task folder */
    char *warnings; /* owned: "" or the one line that names keys which mean nothing here */
} qea_study_config;

typedef enum qea_config_set {
    QEA_SET_YAML,     /* the value is YAML */
    QEA_SET_TEXT,     /* a text as it stands (a path) */
    QEA_SET_REWRITTEN /* such a text instead of the user's, whose place in the file it keeps */
} qea_config_set;

typedef struct qea_config_override {
    const char *key; /* "nas.trainer.epochs"; "*.trainer.epochs" sets it in every step that the file has */
    const char *value;
    qea_config_set kind;
} qea_config_override;

/* Reads, overrides, merges, checks. "{local_base_path}" in a text becomes <general.task.local_base_path>/<task_id>
 * where task_id is given, and stays otherwise. A wrong file or override is QEA_ERR_CONFIG with "file:line:column:
 * key.path: found ..., allowed ...; did you mean ...?" ("--set key.path: ..." where an override said so), a missing
 * `pretrained` model QEA_ERR_DATA. Every section in the file is checked, also of a step not in the pipeline. */
QEA_MUST_USE qea_status qea_study_config_read(qea_context *ctx, const char *path, const qea_config_override *overrides,
                                              size_t count, qea_study_config **out);
QEA_MUST_USE qea_status qea_study_config_parse(qea_context *ctx, const char *name, const char *text, size_t size,
                                               const qea_config_override *overrides, size_t count,
                                               qea_study_config **out);
void qea_study_config_destroy(qea_study_config *config);

/* "file:line:column: nas.dataset.common.data_path" for messages about a value that was read; of a key that was not
 * given, the place of the section that would hold it. Returns `buffer`. */
const char *qea_study_config_where(const qea_study_config *config, const char *key, char *buffer, size_t size);

#endif
