/* The step `nas`: NSGA-III over bit policies. A resumed search is replayed: it asks for the same genomes again, and the
 * store answers for those that are done. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "quantea/search.h"
#include "study/run.h"

void qea_run_minimised(const qea_run *run, const double *objectives, double *minimised) {
    for (int i = 0; i < run->config->num_objectives; i++)
        minimised[i] = run->config->objectives[i].maximized ? -objectives[i] : objectives[i];
}

typedef struct nas {
    qea_run *run;       /* borrowed */
    qea_search *search; /* owned */
    uint16_t *uniform;  /* owned, [num_uniform][num_genes] */
    size_t num_uniform;
    qea_step_trials trials; /* owned */
    qea_crew *crew;         /* owned */
    uint16_t *genome;       /* owned, [num_genes] */
    uint8_t *bits;          /* owned, [2 L] */
    size_t asked, told;     /* records before it were asked for, were told */
    qea_volume *volume;     /* owned; of the results told */
    size_t idle;            /* generations since it grew */
    bool out_of_time;
} nas;

static qea_status create_search(qea_context *ctx, nas *n) {
    const qea_study_config *config = n->run->config;
    qea_bit_space *space = n->run->space;
    if (config->uniform)
        QEA_TRY(qea_bit_space_uniform(ctx, space, config->random_samples, &n->uniform, &n->num_uniform));
    qea_search_config search = {.num_genes = space->num_genes,
                                .gene_sizes = space->gene_sizes,
                                .num_objectives = (size_t)config->num_objectives,
                                .population_size = config->num_individual,
                                .num_random = config->random_samples,
                                .num_generations = config->num_generations,
                                .seed = config->seed,
                                .given = n->uniform,
                                .num_given = n->num_uniform,
                                .violation = config->num_limits > 0 ? qea_bit_space_violation : NULL,
                                .user = space,
                                .mutation = config->mutation,
                                .screening = config->screening,
                                .known = qea_bit_space_known,
                                .sensitivity = config->sensitivity,
                                .canonical = qea_bit_space_leaves_out(space) ? qea_bit_space_canonical : NULL};
    qea_status status = qea_search_create(ctx, &search, &n->search);
    if (status == QEA_ERR_CONFIG && config->num_limits > 0) return qea_bit_space_fail_limits(ctx, space);
    return status == QEA_OK ? QEA_OK : qea_fail_prefix(ctx, status, "%s: search", config->name);
}

qea_status qea_run_check_search(qea_context *ctx, qea_run *run) {
    nas n = {.run = run};
    qea_status status = create_search(ctx, &n);
    qea_search_destroy(n.search);
    qea_free(n.uniform);
    return status;
}

/* Of the genome that was asked last. */
static const char *label_of(const nas *n, const uint16_t *genome) {
    static const char *const names[] = {[QEA_ORIGIN_GIVEN] = "uniform",
                                        [QEA_ORIGIN_PROBE] = "probe",
                                        [QEA_ORIGIN_SEED] = "seed",
                                        [QEA_ORIGIN_CHILD] = "child",
                                        [QEA_ORIGIN_RANDOM] = "random"};
    size_t genes = n->run->space->num_genes;
    for (size_t i = 0; i < n->num_uniform; i++)
        if (memcmp(n->uniform + i * genes, genome, genes * sizeof *genome) == 0) return "uniform";
    return names[qea_search_origin(n->search)];
}

/* The search asked for `trial`: known from the store, or new. */
static qea_status take_ask(qea_context *ctx, nas *n, uint64_t trial) {
    const qea_bit_space *space = n->run->space;
    const qea_trial_record *known = qea_step_trials_find(&n->trials, trial);
    if (known == NULL) {
        uint8_t *w = n->bits, *a = n->bits + space->num_layers;
        qea_bit_space_decode(space, n->genome, w, a);
        return qea_step_trials_add(ctx, n->run, &n->trials, trial, label_of(n, n->genome), 0, n->genome,
                                   space->num_genes, w, a);
    }
    if (known->genome_length == space->num_genes &&
        memcmp(known->genome, n->genome, space->num_genes * sizeof *n->genome) == 0)
        return QEA_OK;
    return qea_fail(ctx, QEA_ERR_STATE,
                    "%s: trial %" PRIu64 " in the store has another genome than this search asks for: the task was "
                    "made by another version or another configuration",
                    n->run->task.folder, trial);
}

/* Tells the results up to `end` in id order; one that has none, as the time is spent, ends the search. */
static qea_status tell_results(qea_context *ctx, nas *n, size_t end) {
    const qea_study_config *config = n->run->config;
    double minimised[QEA_MAX_OBJECTIVES];
    for (; n->told < end; n->told++) {
        const qea_trial_record *record = &n->trials.records[n->told];
        if (record->state == QEA_TRIAL_ASKED) {
            n->out_of_time = true;
            return QEA_OK;
        }
        bool done = record->state == QEA_TRIAL_DONE && record->num_objectives == (size_t)config->num_objectives;
        if (done) qea_run_minimised(n->run, record->objectives, minimised);
        double violation = done ? qea_objectives_violation(config, record->objectives) : 0;
        QEA_TRY(qea_search_tell(ctx, n->search, record->id, done ? minimised : NULL, violation));
        QEA_TRY(qea_box_add(ctx, config, &n->run->box, n->volume, record));
    }
    return QEA_OK;
}

/* The same box from the first trial to the last, also where the task is resumed: known before the search, or from the
 * first results that are there. */
static qea_status fix_box(qea_context *ctx, nas *n) {
    qea_run *run = n->run;
    if (n->volume != NULL) return QEA_OK;
    if (!run->box.known) QEA_TRY(qea_box_load(ctx, run->task.store, run->config, &run->box));
    if (!run->box.known) {
        QEA_TRY(qea_box_of_space(ctx, run->space, n->trials.records, n->told, &run->box));
        if (!run->box.known) return QEA_OK;
        QEA_TRY(qea_box_save(ctx, run->task.store, run->config, &run->box));
    }
    QEA_TRY(qea_box_volume(ctx, run->config, &run->box, &n->volume));
    for (size_t i = 0; i < n->told; i++)
        QEA_TRY(qea_box_add(ctx, run->config, &run->box, n->volume, &n->trials.records[i]));
    return n->crew != NULL ? qea_crew_measure(ctx, n->crew) : QEA_OK;
}

/* Trains what has no result yet, then tells the results. */
static qea_status finish_generation(qea_context *ctx, nas *n, size_t first_new) {
    QEA_TRY(qea_step_trials_save(ctx, n->run, &n->trials, first_new));
    QEA_TRY(qea_crew_run(ctx, n->crew));
    bool first = n->told == 0; /* which is a progress in any case */
    double before = qea_box_share(n->volume);
    QEA_TRY(tell_results(ctx, n, n->asked));
    QEA_TRY(fix_box(ctx, n));
    qea_run_tensorboard(ctx, n->run, n->trials.step);
    n->idle = first || qea_box_share(n->volume) > before ? 0 : n->idle + 1;
    return QEA_OK;
}

static bool is_stagnant(const nas *n) {
    return n->run->config->stagnation > 0 && n->idle >= n->run->config->stagnation;
}

static void describe_end(const nas *n, qea_ask what, char *text, size_t size) {
    const qea_study_config *config = n->run->config;
    char time[48];
    size_t finished = 0;
    for (size_t i = 0; i < n->trials.count; i++) finished += n->trials.records[i].state != QEA_TRIAL_ASKED;
    if (n->out_of_time)
        (void)snprintf(text, size, "the time of %s is spent (%zu trials)", qea_duration_format(config->budget_s, time),
                       finished);
    else if (what == QEA_ASK_EXHAUSTED && qea_search_complete(n->search))
        (void)snprintf(text, size, "every allowed genome has been evaluated (%zu trials)", finished);
    else if (what == QEA_ASK_EXHAUSTED)
        (void)snprintf(text, size, "no allowed genome was found that is new (%zu trials)", finished);
    else if (what == QEA_ASK_DONE)
        (void)snprintf(text, size, "the budget of %zu trials is spent", finished);
    else
        (void)snprintf(text, size, "the hypervolume has not grown for %zu generations (%zu trials)", config->stagnation,
                       finished);
}

/* What the search has cost: images that went forward and backward, once per pass, the supernet and its start included.
 */
static qea_status record_images(qea_context *ctx, const qea_run *run) {
    static const char *const steps[] = {"float", "supernet", "nas"};
    json_int_t images = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        qea_step_trials trials = {.step = steps[i]};
        QEA_TRY(qea_step_trials_load(ctx, run, &trials));
        for (size_t k = 0; k < trials.count; k++) {
            const char *text = trials.records[k].result_json;
            json_t *result = text != NULL ? json_loads(text, 0, NULL) : NULL;
            images += json_integer_value(json_object_get(result, "train_images"));
            json_decref(result);
        }
        qea_step_trials_clear(&trials);
    }
    char number[32];
    (void)snprintf(number, sizeof number, "%lld", (long long)images);
    return qea_store_set(ctx, run->task.store, "images trained in search", number);
}

static qea_status search_to_end(qea_context *ctx, nas *n, char **end) {
    size_t stored = n->trials.count, most = qea_budget_trials(n->run->config);
    for (;;) {
        qea_ask what = QEA_ASK_DONE;
        uint64_t trial;
        if (n->asked < most) QEA_TRY(qea_search_ask(ctx, n->search, &what, &trial, n->genome));
        if (what == QEA_ASK_TRIAL) {
            QEA_TRY(take_ask(ctx, n, trial));
            n->asked++;
            continue;
        }
        n->trials.generation = qea_search_generation(n->search);
        if (n->asked > n->told) QEA_TRY(finish_generation(ctx, n, stored < n->told ? n->told : stored));
        if (what == QEA_ASK_WAIT && !n->out_of_time && !is_stagnant(n)) continue;
        char text[128];
        describe_end(n, what, text, sizeof text);
        QEA_TRY(qea_store_set(ctx, n->run->task.store, "search end", text));
        QEA_TRY(record_images(ctx, n->run));
        qea_crew_end(n->crew);
        return qea_strdup(ctx, text, end);
    }
}

static qea_status run_nas(qea_context *ctx, nas *n, char **end) {
    const qea_study_config *config = n->run->config;
    n->trials.step = "nas";
    n->trials.total = qea_budget_trials(config);
    n->trials.keep_models = config->nas_recipe.save_weights;
    QEA_TRY(QEA_NEW(ctx, "genome", n->genome, n->run->space->num_genes));
    QEA_TRY(QEA_NEW(ctx, "bits", n->bits, 2 * n->run->space->num_layers + 1)); /* also where there are no layers */
    QEA_TRY(create_search(ctx, n));
    QEA_TRY(fix_box(ctx, n));
    QEA_TRY(qea_step_trials_load(ctx, n->run, &n->trials));
    n->trials.clock = &n->run->clock;
    QEA_TRY(qea_crew_create(ctx, n->run, &n->trials, &n->crew));
    return search_to_end(ctx, n, end);
}

qea_status qea_run_nas(qea_context *ctx, qea_run *run, char **end) {
    nas n = {.run = run};
    qea_status status = run_nas(ctx, &n, end);
    qea_crew_destroy(n.crew);
    qea_search_destroy(n.search);
    qea_volume_destroy(n.volume);
    qea_step_trials_clear(&n.trials);
    qea_free(n.uniform);
    qea_free(n.genome);
    qea_free(n.bits);
    return status;
}

static bool is_dominated(const qea_run *run, const qea_step_trials *trials, const double *candidate) {
    double p[QEA_MAX_OBJECTIVES], q[QEA_MAX_OBJECTIVES];
    qea_run_minimised(run, candidate, p);
    for (size_t i = 0; i < trials->count; i++) {
        const double *other = trials->records[i].objectives;
        if (trials->records[i].state != QEA_TRIAL_DONE) continue;
        qea_run_minimised(run, other, q);
        if (qea_dominates(q, qea_objectives_violation(run->config, other), p, 0, (size_t)run->config->num_objectives) <
            0)
            return true;
    }
    return false;
}

qea_status qea_run_front(qea_context *ctx, const qea_run *run, const qea_step_trials *trials, uint64_t **ids,
                         size_t *count) {
    *count = 0;
    QEA_TRY(qea_alloc(ctx, "front", trials->count + 1, sizeof **ids, (void **)ids));
    for (size_t i = 0; i < trials->count; i++) {
        const qea_trial_record *record = &trials->records[i];
        bool good = record->state == QEA_TRIAL_DONE && qea_objectives_violation(run->config, record->objectives) == 0;
        if (good && !is_dominated(run, trials, record->objectives)) (*ids)[(*count)++] = record->id;
    }
    return QEA_OK;
}
