/* quantea/inspect.h: before a run: what this machine has, what a configuration will cost, a configuration to start
 * from. Nothing here leaves a task behind. */
#ifndef QUANTEA_INSPECT_H
#define QUANTEA_INSPECT_H

#include "quantea/network.h"
#include "quantea/study.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the machine --- */

typedef struct qea_fact {
    const char *topic; /* "processor", "kernels", "memory", "disk", "libraries", "data sets"; static */
    char *name;        /* owned */
    char *value;       /* owned; UTF-8, one line */
} qea_fact;

typedef struct qea_machine {
    qea_fact *facts; /* owned; facts of one topic stand together */
    size_t count;
    int workers; /* what `workers: auto` means here for workers of one thread */
} qea_machine;

/* Looks at this machine: processor, kernels that "auto" chooses (for the whole process, as a run would), the limits of
 * the container, memory, the disk of the current folder, libraries, data sets at the usual places. What cannot be found
 * out is said to be "unknown". On failure (QEA_ERR_MEMORY) *out is empty. */
QEA_API QEA_MUST_USE qea_status qea_machine_inspect(qea_context *ctx, qea_machine *out);
QEA_API void qea_machine_clear(qea_machine *machine);

/* --- what a configuration will cost --- */

enum { QEA_ESTIMATE_CANDIDATES = 16 };

typedef struct qea_estimate_half {     /* weights or activations of a layer */
    size_t gene;                       /* its number in the genome, from 0; layers that are tied share one */
    int count;                         /* candidates */
    int bits[QEA_ESTIMATE_CANDIDATES]; /* [count], ascending; what the gene's value is an index of */
} qea_estimate_half;

typedef struct qea_estimate_layer {
    char *name;             /* owned */
    uint64_t macs, weights; /* of one image; without the bias */
    bool quantized;         /* else 32 bits, and no genes */
    qea_estimate_half weight_half, activation_half;
} qea_estimate_layer;

typedef struct qea_estimate_step {
    const char *
        step; /* "float", "supernet" (before a search with shared weights), "nas", "agreement", "fully_train"; static */
    bool external; /* a program evaluates the trials: nothing is measured, seconds and trial_s are NaN */
    bool trains;   /* false: external, or a supernet's weights are judged, by BN statistics and validation */
    int workers;   /* trials at a time */
    int threads;   /* of a worker */
    size_t trials; /* at most: a front may be smaller, a baseline may be a model of the front, too */
    size_t rounds; /* trials that one worker trains one after the other, at most: the search waits for a generation */
    int epochs, batch;
    size_t epoch_images; /* trained on in an epoch */
    size_t eval_images;  /* evaluated in a trial, all its evaluations and statistics together */
    /* measured with the genome nearest to 8 bits everywhere, in this process, alone */
    size_t measured_steps;     /* of training; 0 where nothing is trained */
    double measured_s;         /* of training steps, or of one trial's evaluation */
    double train_images_per_s; /* of one worker */
    double eval_images_per_s;
    double start_s;     /* until a worker can train: it reads the images */
    double setup_s;     /* of a trial: buffers, convolutions */
    size_t data_bytes;  /* images of one worker */
    size_t model_bytes; /* parameters, gradients, optimiser, buffers of one worker */
    double trial_s;     /* expected, of one trial */
    double seconds;  /* expected, of the step: start_s + rounds * trial_s; of "agreement" also that of ranking first */
    double limit_s;  /* external: a trial takes at most so long, with all its attempts; 0: no limit */
    size_t programs; /* that are started once per model for objectives of the user's own; their time is in no sum */
} qea_estimate_step;

typedef struct qea_estimate {
    qea_estimate_layer *layers; /* owned, [num_layers] */
    size_t num_layers;          /* 0: the search space is given by hand, nothing is known of costs */
    uint64_t macs, parameters;  /* of the network */
    size_t num_genes;
    double genomes_log10;       /* how many genomes there are */
    double budget_s;            /* wall-clock time that ends the search if its trials do not; 0: none */
    qea_cost cheapest, dearest; /* the least and the most of each cost over all genomes, whatever limits say */
    qea_cost full;              /* at 32 bits */
    int workers, threads_per_worker;
    qea_estimate_step steps[5]; /* [num_steps], in the order of the run */
    size_t num_steps;
    /* that go forward and backward in the search, at most, once per pass: all steps before fully_train; 0 where there
     * is no search or a program evaluates its trials */
    double search_images;
    double agreement_images; /* the same of measuring how well the search ranks, which is no part of it */
    double search_share;     /* search_images in parts of the original's search: 832 trials of one epoch of 45,000 */
} qea_estimate;

/* What a run of options->config_path with options->overrides would cost; other options mean nothing. Everything that a
 * run checks before training is checked, with the same failures. Each step of the pipeline is measured by training for
 * about `seconds` (> 0; at least one training step) on its images. Leaves no files. On failure *out is empty. */
QEA_API QEA_MUST_USE qea_status qea_study_estimate(qea_context *ctx, const qea_study_options *options, double seconds,
                                                   qea_estimate *out);
QEA_API void qea_estimate_clear(qea_estimate *estimate);

/* --- a configuration to start from --- */

typedef struct qea_template_options {
    const char *dataset;   /* a type of qea_dataset_types, or a folder of images (ImageFolder) */
    const char *data_path; /* where the images of a type are; NULL: the usual place, if there is one */
    const char *network;   /* a name of qea_template_networks */
    const char *file;      /* to be written, whole or not at all */
    bool force;            /* replace a file that exists */
} qea_template_options;

/* "resnet20", ...; NULL-terminated. */
QEA_API const char *const *qea_template_networks(void);

/* Writes a commented configuration that qea_study_run accepts. A folder is looked into: its layout, the size of its
 * first image. QEA_ERR_CONFIG: a data set or network that is not known, no path; QEA_ERR_DATA: a folder without images
 * in folders of classes; QEA_ERR_STATE: the file exists. */
QEA_API QEA_MUST_USE qea_status qea_template_write(qea_context *ctx, const qea_template_options *options);

/* --- the keys of a configuration --- */

/* docs/config.md: what may be given, by default holds and what it means, as Markdown, made from the table of keys.
 * Owned by the caller (qea_string_free). */
QEA_API QEA_MUST_USE qea_status qea_study_config_document(qea_context *ctx, char **markdown);

/* The i-th key of those that hold a value and have an effect: its path ("nas.search_algorithm.policy.random_samples"; a
 * leading "*." stands for every step) and in *choices what may be given ("a|b|c"), or NULL where that is no list. NULL
 * behind the last one. */
QEA_API const char *qea_study_config_key(size_t i, const char **choices);

#ifdef __cplusplus
}
#endif
#endif
