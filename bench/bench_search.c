/* bench/bench_search.c: hypervolume over trials of random search, of the original's rule and of NSGA-III with each
 * help, on the synthetic problem of search_problem.h: bits of ResNet-20, real costs, an invented accuracy; with a
 * Python that has it of pymoo's NSGA-III too. bench_search [--seeds 10] [--trials 832] [--noise 0.015] [--pymoo PYTHON]
 * [--out FILE.json]
 *
 * The front is what the search believes in: the trials that no other dominates by what was observed. "exact" is the
 * hypervolume of the noise-free values of that front, what a user really gets; "observed" of the observed ones. Both as
 * shares of the box between the cheapest and the dearest genome and accuracy 1/classes..1. Mean and standard deviation
 * over the seeds; each seed is a problem of its own, the same for all methods. */
#include <stdlib.h>

#include "base/memory.h"
#include "bench/common.h"
#include "quantea/search.h"
#include "bench/search_methods.h"

enum { MOST_SEEDS = 100, NUM_MARKS = 5, MOST_TRIALS = 100000 };

static struct settings {
    int seeds;
    size_t trials;
    double noise;
    const char *python; /* that has pymoo; NULL: that is left out */
    const char *out;
} settings = {.seeds = 10, .trials = 832, .noise = 0.015, .out = "build/bench/search.json"};

static const qea_config_objective accuracy_flops[] = {{.name = "accuracy", .kind = QEA_OBJ_ACCURACY, .maximized = true},
                                                      {.name = "flops", .kind = QEA_OBJ_FLOPS}};
static const qea_config_objective accuracy_bops_bytes[] = {
    {.name = "accuracy", .kind = QEA_OBJ_ACCURACY, .maximized = true},
    {.name = "bops", .kind = QEA_OBJ_BOPS},
    {.name = "weight_bytes", .kind = QEA_OBJ_WEIGHT_BYTES}};

static const struct setting {
    const char *name;
    const qea_config_objective *objectives;
    int num_objectives;
} problems[] = {{"accuracy, flops", accuracy_flops, 2}, {"accuracy, bops, weight_bytes", accuracy_bops_bytes, 3}};

typedef enum view { EXACT, OBSERVED, NUM_VIEWS } view;
static const char *const view_names[NUM_VIEWS] = {"exact", "observed"};

typedef struct outcome { /* shares of the box by seed */
    double volume[NUM_VIEWS][NUM_MARKS][MOST_SEEDS];
} outcome;

static qea_context *ctx;

static void must(qea_status status) {
    if (status == QEA_OK) return;
    fprintf(stderr, "bench_search: %s\n", qea_context_message(ctx));
    exit(1);
}

/* 64, 128, 256, 512 and all. */
static size_t mark(int index) {
    size_t at = index + 1 < NUM_MARKS ? (size_t)64 << index : settings.trials;
    return at < settings.trials ? at : settings.trials;
}

static void measure(const problem *p, const history *h, size_t trials, double volumes[NUM_VIEWS]) {
    for (int v = 0; v < NUM_VIEWS; v++) {
        qea_volume *volume;
        must(qea_box_volume(ctx, &p->config, &p->box, &volume));
        for (size_t t = 0; t < trials; t++) {
            if (!history_on_front(h, t, trials)) continue;
            qea_trial_record record = {.state = QEA_TRIAL_DONE, .num_objectives = h->m};
            record.objectives = (v == EXACT ? h->exact : h->observed) + t * h->m;
            must(qea_box_add(ctx, &p->config, &p->box, volume, &record));
        }
        volumes[v] = qea_box_share(volume);
        qea_volume_destroy(volume);
    }
}

static bool is_left_out(const search_method *method) { return method->run == run_pymoo && !settings.python; }

static void run_method(const struct setting *setting, double noise, const search_method *method, outcome *out) {
    for (int s = 0; s < settings.seeds; s++) {
        problem p;
        history h;
        must(problem_create(ctx, setting->objectives, setting->num_objectives, noise, (uint64_t)s + 1, &p));
        must(history_create(ctx, &p, settings.trials, settings.python, &h));
        must(method->run(ctx, method, &h));
        for (int k = 0; k < NUM_MARKS; k++) {
            double volumes[NUM_VIEWS];
            measure(&p, &h, mark(k), volumes);
            for (int v = 0; v < NUM_VIEWS; v++) out->volume[v][k][s] = volumes[v];
        }
        history_free(&h);
        problem_destroy(&p);
    }
}

static void mean_and_spread(const double *values, double *mean, double *spread) {
    double sum = 0, squares = 0;
    for (int s = 0; s < settings.seeds; s++) sum += values[s];
    *mean = sum / settings.seeds;
    for (int s = 0; s < settings.seeds; s++) squares += (values[s] - *mean) * (values[s] - *mean);
    *spread = settings.seeds > 1 ? sqrt(squares / (settings.seeds - 1)) : 0;
}

/* Seeds at whose end this method is ahead of `other`, by the exact values. */
static int count_ahead(const outcome *one, const outcome *other) {
    int ahead = 0;
    for (int s = 0; s < settings.seeds; s++)
        ahead += one->volume[EXACT][NUM_MARKS - 1][s] > other->volume[EXACT][NUM_MARKS - 1][s];
    return ahead;
}

static json_t *report_method(const search_method *method, const outcome *out, int ahead) {
    json_t *object = json_pack("{s:s,s:i}", "method", method->name, "ahead_of_plain", ahead);
    for (int v = 0; v < NUM_VIEWS; v++) {
        json_t *list = json_array();
        printf("%-36s %-8s", v == 0 ? method->name : "", view_names[v]);
        for (int k = 0; k < NUM_MARKS; k++) {
            double mean, spread;
            mean_and_spread(out->volume[v][k], &mean, &spread);
            printf("  %.4f +- %.4f", mean, spread);
            json_array_append_new(
                list, json_pack("{s:I,s:f,s:f}", "trials", (json_int_t)mark(k), "mean", mean, "sd", spread));
        }
        if (v == EXACT) printf("  %d", ahead);
        printf("\n");
        json_object_set_new(object, view_names[v], list);
    }
    fflush(stdout);
    return object;
}

static json_t *run_problem(const struct setting *setting, double noise) {
    json_t *methods = json_array();
    outcome *outcomes;
    must(qea_alloc(ctx, "outcomes", num_search_methods, sizeof *outcomes, (void **)&outcomes));
    printf("\n%s, observation noise %g, %d seeds\n%-36s %-8s", setting->name, noise, settings.seeds, "share of the box",
           "");
    for (int k = 0; k < NUM_MARKS; k++) printf("  %6zu trials   ", mark(k));
    printf("  ahead of plain\n");
    for (size_t i = 0; i < num_search_methods; i++)
        if (!is_left_out(&search_methods[i])) run_method(setting, noise, &search_methods[i], &outcomes[i]);
    for (size_t i = 0; i < num_search_methods; i++)
        if (!is_left_out(&search_methods[i]))
            json_array_append_new(methods, report_method(&search_methods[i], &outcomes[i],
                                                         count_ahead(&outcomes[i], &outcomes[plain_search_method])));
    qea_free(outcomes);
    return json_pack("{s:s,s:f,s:o}", "objectives", setting->name, "noise", noise, "methods", methods);
}

static bool parse(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0)
            settings.seeds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--trials") == 0)
            settings.trials = (size_t)atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--noise") == 0)
            settings.noise = atof(argv[i + 1]);
        else if (strcmp(argv[i], "--pymoo") == 0)
            settings.python = argv[i + 1];
        else if (strcmp(argv[i], "--out") == 0)
            settings.out = argv[i + 1];
        else
            return false;
    }
    return argc % 2 == 1 && settings.seeds >= 1 && settings.seeds <= MOST_SEEDS &&
           settings.trials >= FIRST_POPULATION && settings.trials <= MOST_TRIALS && settings.noise >= 0;
}

int main(int argc, char **argv) {
    ctx = qea_context_create();
    if (!ctx || !parse(argc, argv)) {
        fprintf(stderr,
                "usage: bench_search [--seeds 10] [--trials 832] [--noise 0.015] [--pymoo PYTHON] [--out FILE.json]\n"
                "seeds: 1 to %d, trials: %d to %d\n",
                MOST_SEEDS, FIRST_POPULATION, MOST_TRIALS);
        return 2;
    }
    json_t *results = bench_describe(), *tables = json_array();
    printf("accuracies are synthetic (bench/search_problem.h), costs are ResNet-20's\n");
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        json_array_append_new(tables, run_problem(&problems[i], settings.noise));
        if (settings.noise > 0) json_array_append_new(tables, run_problem(&problems[i], 0));
    }
    json_object_set_new(results, "seeds", json_integer(settings.seeds));
    json_object_set_new(results, "problems", tables);
    must(bench_write(ctx, settings.out, results));
    json_decref(results);
    qea_context_destroy(ctx);
    return 0;
}
