/* quantea estimate: what a run would cost, before it runs. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/overrides.h"
#include "quantea/inspect.h"

#define MEASURE_S 2.5 /* of each step of the pipeline */
#define MIB (1 << 20)

/* 40813184 -> "40,813,184" */
static const char *with_commas(uint64_t value, char text[32]) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, value), used = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

static const char *duration(double seconds, char text[32]) {
    unsigned long long whole = (unsigned long long)(seconds + 0.5);
    if (seconds < 10)
        (void)snprintf(text, 32, "%.1f s", seconds);
    else if (whole < 60)
        (void)snprintf(text, 32, "%llu s", whole);
    else if (whole < 3600)
        (void)snprintf(text, 32, "%llu min %llu s", whole / 60, whole % 60);
    else
        (void)snprintf(text, 32, "%llu h %llu min", whole / 3600, whole % 3600 / 60);
    return text;
}

/* "2 4 8" */
static const char *bits_of(const qea_estimate_half *half, char text[80]) {
    int used = 0;
    text[0] = '\0';
    for (int i = 0; i < half->count; i++)
        used += snprintf(text + used, (size_t)(80 - used), "%s%d", i > 0 ? " " : "", half->bits[i]);
    return text;
}

static const char *plural(long long count) { return count == 1 ? "" : "s"; }

static void print_layers(const qea_estimate *estimate) {
    char macs[32], weights[32], w[80], a[80];
    (void)printf("network: %zu layers, %s MACs an image, %s parameters\n", estimate->num_layers,
                 with_commas(estimate->macs, macs), with_commas(estimate->parameters, weights));
    (void)printf("  %-24s %13s %11s  %6s %-10s %6s %s\n", "layer", "MACs", "weights", "w gene", "w bits", "a gene",
                 "a bits");
    for (size_t i = 0; i < estimate->num_layers; i++) {
        const qea_estimate_layer *layer = &estimate->layers[i];
        (void)printf("  %-24s %13s %11s  ", layer->name, with_commas(layer->macs, macs),
                     with_commas(layer->weights, weights));
        if (layer->quantized)
            (void)printf("%6zu %-10s %6zu %s\n", layer->weight_half.gene, bits_of(&layer->weight_half, w),
                         layer->activation_half.gene, bits_of(&layer->activation_half, a));
        else
            (void)printf("%6s %-10s %6s %s\n", "-", "32", "-", "32");
    }
}

static void print_cost(const char *name, const qea_cost *cost) {
    (void)printf("  %-24s %8.2f %8.2f %8.2f %11.3f %15.3f\n", name, cost->mean_weight_bits, cost->mean_activation_bits,
                 cost->flops, cost->weight_bytes_total / MIB, cost->activation_bytes / MIB);
}

static void print_space(const qea_estimate *estimate) {
    (void)printf("%ssearch space: %zu gene%s, about 10^%.1f genomes\n", estimate->num_layers > 0 ? "\n" : "",
                 estimate->num_genes, plural((long long)estimate->num_genes), estimate->genomes_log10);
    if (estimate->num_layers == 0) return;
    (void)printf("  %-24s %8s %8s %8s %11s %15s\n", "genome", "w bits", "a bits", "flops M", "weights MiB",
                 "activations MiB");
    print_cost("cheapest", &estimate->cheapest);
    print_cost("dearest", &estimate->dearest);
    print_cost("float (no genome)", &estimate->full);
}

static void print_training(const qea_estimate_step *step) {
    char time[32], setup[32];
    (void)printf("  measured: %zu training steps of %d images in %s, one worker of %d thread%s, %s\n",
                 step->measured_steps, step->batch, duration(step->measured_s, time), step->threads,
                 plural(step->threads),
                 strcmp(step->step, "float") == 0      ? "float network"
                 : strcmp(step->step, "supernet") == 0 ? "bits drawn for each step"
                                                       : "genome nearest to w8a8");
    (void)printf(
        "            %.0f images/s in training, %.0f images/s in evaluation; %s to read the data, %s to set up\n",
        step->train_images_per_s, step->eval_images_per_s, duration(step->start_s, time),
        duration(step->setup_s, setup));
}

static void print_ranking(const qea_estimate_step *step) {
    char time[32];
    (void)printf("  measured: a trial without training, one worker of %d thread%s, genome nearest to w8a8\n",
                 step->threads, plural(step->threads));
    (void)printf("            %.0f images/s; %s to read the data\n", step->eval_images_per_s,
                 duration(step->start_s, time));
}

/* What is known where a program has the work. */
static void print_external(const qea_estimate_step *step) {
    char trial[32], all[32];
    (void)printf("\n%s: at most %zu trials, %d at a time; a program evaluates them: their time cannot be measured\n",
                 step->step, step->trials, step->workers);
    if (step->limit_s > 0)
        (void)printf("  a trial ends after %s at the latest, all of them after %s\n", duration(step->limit_s, trial),
                     duration(step->limit_s * (double)step->rounds, all));
}

static void print_step(const qea_estimate_step *step) {
    char time[32], trial[32];
    if (step->external) {
        print_external(step);
        return;
    }
    (void)printf("\n%s: about %s\n", step->step, duration(step->seconds, time));
    if (strcmp(step->step, "float") == 0 || strcmp(step->step, "supernet") == 0)
        (void)printf("  one training:");
    else
        (void)printf("  at most %zu trials, %d at a time; each about %s:", step->trials, step->workers,
                     duration(step->trial_s, trial));
    if (step->trains)
        (void)printf(" %d epoch%s of %zu images, %zu evaluated\n", step->epochs, plural(step->epochs),
                     step->epoch_images, step->eval_images);
    else
        (void)printf(" no training, %zu images for statistics and validation\n", step->eval_images);
    if (step->trains)
        print_training(step);
    else
        print_ranking(step);
    if (step->programs > 0)
        (void)printf("  and %zu program%s for each model, started once: that time is not measured\n", step->programs,
                     plural((long long)step->programs));
    (void)printf("  memory: %.0f MiB a worker (images %.0f, model and buffers %.0f), %.0f MiB for %d worker%s\n",
                 (double)(step->data_bytes + step->model_bytes) / MIB, (double)step->data_bytes / MIB,
                 (double)step->model_bytes / MIB, (double)(step->data_bytes + step->model_bytes) * step->workers / MIB,
                 step->workers, plural(step->workers));
}

static void print_estimate(const qea_estimate *estimate) {
    double seconds = 0;
    bool external = false;
    char text[32];
    if (estimate->num_layers > 0) print_layers(estimate);
    print_space(estimate);
    for (size_t i = 0; i < estimate->num_steps; i++) {
        print_step(&estimate->steps[i]);
        if (estimate->steps[i].external)
            external = true;
        else
            seconds += estimate->steps[i].seconds;
    }
    if (estimate->search_images > 0)
        (void)printf(
            "\nimages trained in search: at most %s, %.3g of the original's search (832 epochs of 45,000 images)\n",
            with_commas((uint64_t)estimate->search_images, text), estimate->search_share);
    if (estimate->agreement_images > 0)
        (void)printf("%simages trained to measure how well it ranks: at most %s, which are no part of the search\n",
                     estimate->search_images > 0 ? "" : "\n", with_commas((uint64_t)estimate->agreement_images, text));
    if (estimate->budget_s > 0)
        (void)printf("\nthe search ends after %s in any case (nas.budget)\n", duration(estimate->budget_s, text));
    if (estimate->num_layers == 0) return;
    (void)printf(
        "\nin all: about %s%s. Workers that share caches and memory are slower than the one that was measured;\n"
        "models with more than 8 bits may be, too.\n",
        duration(seconds, text), external ? " and the time of the program" : "");
}

int qea_command_estimate(qea_arguments *arguments) {
    static qea_overrides overrides;
    qea_study_options study = {.overrides = overrides.sets};
    const char *value;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0) {
        if (id == QEA_ARGUMENT_PLAIN)
            study.config_path = value;
        else if (!qea_overrides_take(&overrides, arguments, value))
            return QEA_EXIT_USAGE;
    }
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    study.num_overrides = overrides.count;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    qea_estimate estimate;
    qea_status status = qea_study_estimate(ctx, &study, MEASURE_S, &estimate);
    if (status == QEA_OK) print_estimate(&estimate);
    qea_estimate_clear(&estimate);
    int code = qea_command_failed(ctx, status);
    qea_context_destroy(ctx);
    return code;
}
