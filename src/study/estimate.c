/* What a run will cost: the network, the search space, and a measurement of each step. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "quantea/inspect.h"
#include "study/agreement.h"
#include "study/execute.h"
#include "study/run.h"

enum { FLOAT_BITS = 32 };

_Static_assert((int)QEA_ESTIMATE_CANDIDATES == (int)QEA_MAX_CANDIDATES, "every candidate has a place");

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- network and search space --- */

static qea_estimate_half half_of(const qea_bit_space *space, size_t gene) {
    qea_estimate_half half = {.gene = gene, .count = space->genes[gene].num_bits};
    for (int i = 0; i < half.count; i++) half.bits[i] = space->genes[gene].bits[i];
    return half;
}

static qea_status fill_layers(qea_context *ctx, const qea_run *run, qea_estimate *out) {
    size_t quantized = 0;
    QEA_TRY(QEA_NEW(ctx, "layers", out->layers, qea_graph_num_layers(run->graph)));
    for (const qea_layer_info *info; (info = qea_graph_layer(run->graph, out->num_layers)) != NULL;) {
        qea_estimate_layer *layer = &out->layers[out->num_layers++];
        *layer = (qea_estimate_layer){.macs = info->macs, .weights = info->weights, .quantized = info->quantized};
        QEA_TRY(qea_strdup(ctx, info->name, &layer->name));
        out->macs += info->macs;
        if (!info->quantized) continue;
        layer->weight_half = half_of(run->space, run->space->weight_gene[quantized]);
        layer->activation_half = half_of(run->space, run->space->activation_gene[quantized]);
        quantized++;
    }
    out->parameters = qea_graph_num_parameters(run->graph);
    return QEA_OK;
}

static void fill_space(const qea_run *run, qea_estimate *out) {
    const qea_bit_space *space = run->space;
    out->num_genes = space->num_genes;
    for (size_t i = 0; i < space->num_genes; i++) out->genomes_log10 += log10(space->gene_sizes[i]);
    out->budget_s = run->config->has_nas ? run->config->budget_s : 0;
    out->workers = qea_crew_workers(run->config);
    out->threads_per_worker = run->config->threads_per_worker;
}

static qea_status fill_costs(qea_context *ctx, const qea_run *run, qea_estimate *out) {
    QEA_TRY(qea_bit_space_extremes(ctx, run->space, &out->cheapest, &out->dearest));
    return qea_graph_cost(ctx, run->graph, NULL, &out->full);
}

/* --- steps --- */

static size_t rounds_of(size_t trials, int workers) { return (trials + (size_t)workers - 1) / (size_t)workers; }

/* A generation begins when the one before has ended. */
static size_t search_rounds(const qea_study_config *config, size_t trials, int workers) {
    size_t first = config->random_samples < trials ? config->random_samples : trials, left = trials - first;
    size_t size = config->num_individual > 0 ? config->num_individual : 1;
    return rounds_of(first, workers) + left / size * rounds_of(size, workers) + rounds_of(left % size, workers);
}

static void count_trials(const qea_study_config *config, int workers, bool search, qea_estimate_step *step) {
    if (strcmp(step->step, "agreement") == 0) {
        step->trials = config->agreement.genomes;
        step->rounds = rounds_of(step->trials, workers);
    } else if (search) {
        step->trials = qea_budget_trials(config);
        step->rounds = search_rounds(config, step->trials, workers);
    } else {
        size_t models = config->num_chosen > 0 ? (size_t)config->num_chosen : config->has_nas ? config->max_models : 0;
        step->trials = (models + (size_t)config->num_baselines) * (size_t)config->seeds;
        step->rounds = rounds_of(step->trials, workers);
    }
}

/* The genome nearest to 8 bits; `bits` are those of its layers. */
static qea_job middle_job(const qea_run *run, uint16_t *genome, uint8_t *bits) {
    const qea_bit_space *space = run->space;
    qea_job job = {.num_layers = space->num_layers, .weight_bits = bits, .activation_bits = bits + space->num_layers};
    qea_bit_space_nearest(space, 8, 8, genome);
    qea_bit_space_decode(space, genome, job.weight_bits, job.activation_bits);
    job.seed = qea_job_seed(run->config->seed, 0, job.num_layers, job.weight_bits, job.activation_bits);
    return job;
}

static void describe_step(const qea_study_config *config, const qea_estimate *estimate, const char *name,
                          qea_estimate_step *step) {
    bool search = strcmp(name, "nas") == 0;
    *step = (qea_estimate_step){.step = name, .trials = 1, .rounds = 1, .workers = 1};
    step->external = search && config->evaluator == QEA_EVALUATOR_COMMAND;
    step->trains = !search || config->evaluator == QEA_EVALUATOR_TRAIN || config->evaluator == QEA_EVALUATOR_FINETUNE;
    if (search || strcmp(name, "agreement") == 0 || strcmp(name, "fully_train") == 0) {
        step->workers = estimate->workers;
        step->threads = config->threads_per_worker;
        count_trials(config, estimate->workers, search, step);
    } else {
        step->threads = config->supernet.threads;
    }
    if (search || strcmp(name, "fully_train") == 0)
        for (int i = 0; i < config->num_objectives; i++)
            step->programs += config->objectives[i].program.command != NULL;
    if (!step->external) return;
    double limit = config->program.timeout_s > 0 ? config->program.timeout_s : config->trial_timeout_s;
    step->trial_s = (double)NAN;
    step->limit_s = limit * config->program.attempts;
}

static qea_status estimate_step(qea_context *ctx, const qea_run *run, const qea_job *job, const char *name,
                                double seconds, qea_estimate *out) {
    qea_estimate_step *step = &out->steps[out->num_steps];
    qea_executor *executor;
    double begun = now_s();
    describe_step(run->config, out, name, step);
    if (!step->external) {
        QEA_TRY(qea_executor_create(ctx, run->config, name, &executor));
        step->start_s = now_s() - begun;
        qea_status status = qea_executor_measure(ctx, executor, job, seconds, step);
        qea_executor_destroy(executor);
        if (status != QEA_OK) return status;
    }
    step->seconds = step->start_s + (double)step->rounds * step->trial_s;
    double images = step->trains ? (double)step->trials * step->epochs * (double)step->epoch_images : 0;
    if (strcmp(name, "agreement") == 0)
        out->agreement_images += images;
    else if (strcmp(name, "fully_train") != 0)
        out->search_images += images;
    out->num_steps++;
    return QEA_OK;
}

/* Genomes are ranked as trials of the search are, then some of them trained. */
static qea_status estimate_agreement(qea_context *ctx, const qea_run *run, const qea_job *job, double seconds,
                                     qea_estimate *out) {
    qea_agreement_choice choice;
    const qea_estimate_step search = out->steps[out->num_steps - 1];
    if (run->config->agreement.genomes == 0) return QEA_OK;
    QEA_TRY(qea_agreement_choose(ctx, run->space, &choice));
    qea_free(choice.genomes);
    QEA_TRY(estimate_step(ctx, run, job, "agreement", seconds, out));
    size_t ranked = run->config->agreement.bands * choice.per_band;
    out->steps[out->num_steps - 1].seconds += (double)rounds_of(ranked, out->workers) * search.trial_s;
    if (search.trains) out->agreement_images += (double)ranked * search.epochs * (double)search.epoch_images;
    return QEA_OK;
}

/* The steps before a search with shared weights. */
static qea_status estimate_stages(qea_context *ctx, const qea_run *run, const qea_job *job, double seconds,
                                  qea_estimate *out) {
    qea_job float_job = *job, supernet_job = *job;
    size_t layers = job->num_layers;
    uint8_t *bits;
    if (run->config->supernet.path != NULL) return QEA_OK;
    QEA_TRY(QEA_NEW(ctx, "bits", bits, 2 * layers));
    float_job.weight_bits = supernet_job.weight_bits = bits;
    float_job.activation_bits = supernet_job.activation_bits = bits + layers;
    memset(bits, FLOAT_BITS, 2 * layers);
    qea_status status = QEA_OK;
    if (run->config->search_pretrained == NULL) status = estimate_step(ctx, run, &float_job, "float", seconds, out);
    qea_bit_space_highest(run->space, bits, bits + layers);
    if (status == QEA_OK) status = estimate_step(ctx, run, &supernet_job, "supernet", seconds, out);
    qea_free(bits);
    return status;
}

static qea_status estimate_search(qea_context *ctx, const qea_run *run, const qea_job *job, double seconds,
                                  qea_estimate *out) {
    if (!run->config->has_nas) return QEA_OK;
    if (run->config->evaluator == QEA_EVALUATOR_SHARED_WEIGHTS) QEA_TRY(estimate_stages(ctx, run, job, seconds, out));
    QEA_TRY(estimate_step(ctx, run, job, "nas", seconds, out));
    out->search_share = out->search_images / QEA_ORIGINAL_IMAGES;
    return estimate_agreement(ctx, run, job, seconds, out);
}

static qea_status estimate(qea_context *ctx, const qea_run *run, double seconds, uint16_t *genome, uint8_t *bits,
                           qea_estimate *out) {
    QEA_TRY(fill_layers(ctx, run, out));
    QEA_TRY(fill_costs(ctx, run, out));
    qea_job job = middle_job(run, genome, bits);
    QEA_TRY(estimate_search(ctx, run, &job, seconds, out));
    if (run->config->has_fully_train) QEA_TRY(estimate_step(ctx, run, &job, "fully_train", seconds, out));
    return QEA_OK;
}

static qea_status estimate_network(qea_context *ctx, const qea_run *run, double seconds, qea_estimate *out) {
    uint16_t *genome = NULL;
    uint8_t *bits = NULL;
    qea_status status = QEA_NEW(ctx, "genome", genome, run->space->num_genes);
    if (status == QEA_OK) status = QEA_NEW(ctx, "bits", bits, 2 * run->space->num_layers);
    if (status == QEA_OK) status = estimate(ctx, run, seconds, genome, bits, out);
    qea_free(genome);
    qea_free(bits);
    return status;
}

static qea_status check_and_estimate(qea_context *ctx, qea_run *run, double seconds, qea_estimate *out) {
    QEA_TRY(qea_run_config(ctx, run->options, "estimate", &run->config));
    QEA_TRY(qea_run_check(ctx, run));
    fill_space(run, out);
    /* Without a network a program does all there is to do. */
    return run->graph != NULL ? estimate_network(ctx, run, seconds, out)
                              : estimate_step(ctx, run, NULL, "nas", seconds, out);
}

qea_status qea_study_estimate(qea_context *ctx, const qea_study_options *options, double seconds, qea_estimate *out) {
    *out = (qea_estimate){0};
    qea_run run = {.options = options, .task = {.log_fd = -1}};
    if (!(seconds > 0)) return qea_fail(ctx, QEA_ERR_CONFIG, "estimate: seconds: found %g, allowed: above 0", seconds);
    qea_status status = check_and_estimate(ctx, &run, seconds, out);
    if (status != QEA_OK) qea_estimate_clear(out);
    qea_bit_space_destroy(run.space);
    qea_graph_destroy(run.graph);
    qea_study_config_destroy(run.config);
    return status;
}

void qea_estimate_clear(qea_estimate *estimate) {
    for (size_t i = 0; i < estimate->num_layers; i++) qea_free(estimate->layers[i].name);
    qea_free(estimate->layers);
    *estimate = (qea_estimate){0};
}
