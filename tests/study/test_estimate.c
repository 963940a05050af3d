/* quantea estimate: what it says against published and hand-computed figures, and that it leaves nothing behind. */
#include "data/fixture.h"

#include <math.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/safetensors.h"
#include "quantea/inspect.h"

enum { SIDE = 32, CHANNELS = 3, CLASSES = 10, TRAIN = 80, TEST = 30, PIXELS = SIDE * SIDE * CHANNELS };

static const char config_text[] =
    "general: {workers: 3}\n"
    "nas:\n"
    "    dataset:\n"
    "        type: Arrays\n"
    "        common: {data_path: %s/data, train_portion: 0.5}\n"
    "        train: {batch_size: 16}\n"
    "    search_algorithm:\n"
    "        policy: {num_generation: 2, num_individual: 4, random_samples: 7}\n"
    "    search_space:\n"
    "        bit_candidates: [2, 4, 8]\n"
    "        backbone: {type: ResNetGeneral, base_depth: 20, base_channel: 16, stage: 3}\n"
    "    trainer: {epochs: 3, optimizer: {type: SGD, params: {lr: 0.01}}}\n"
    "fully_train:\n"
    "    dataset: {ref: nas.dataset}\n"
    "    trainer: {ref: nas.trainer, epochs: 5}\n"
    "    max_models: 2\n"
    "    baselines: [[8, 8], [32, 32]]\n";

static void make_part(const fixture *f, const char *name, size_t count) {
    static uint8_t x[TRAIN * PIXELS];
    static int64_t y[TRAIN];
    char path[512];
    for (size_t i = 0; i < count; i++) y[i] = (int64_t)(i % CLASSES);
    for (size_t i = 0; i < count * PIXELS; i++) x[i] = (uint8_t)(i * 2654435761u >> 13);
    const qea_st_tensor tensors[] = {{.name = (char *)(uintptr_t) "x",
                                      .type = QEA_ST_U8,
                                      .rank = 4,
                                      .dims = {count, SIDE, SIDE, CHANNELS},
                                      .bytes = count * PIXELS,
                                      .data = x},
                                     {.name = (char *)(uintptr_t) "y",
                                      .type = QEA_ST_I64,
                                      .rank = 1,
                                      .dims = {count},
                                      .bytes = count * sizeof *y,
                                      .data = (const uint8_t *)y}};
    (void)snprintf(path, sizeof path, "%s/data/%s.safetensors", f->folder, name);
    assert_int_equal(qea_st_write(f->ctx, path, tensors, 2, NULL, NULL, 0), QEA_OK);
}

static int set_up(void **state) {
    char text[4096];
    if (fixture_setup(state) != 0) return -1;
    const fixture *f = *state;
    int size = snprintf(text, sizeof text, config_text, f->folder);
    fixture_write(f, "config.yml", text, (size_t)size);
    fixture_write(f, "data/readme", "", 0);
    make_part(f, "train", TRAIN);
    make_part(f, "test", TEST);
    return 0;
}

/* set: "KEY=VALUE" in two parts, or NULL. */
static void estimate_with(const fixture *f, const char *key, const char *value, qea_estimate *out) {
    const qea_override set = {.key = key, .value = value};
    qea_study_options options = {.config_path = fixture_path(f, "config.yml"), .overrides = &set};
    options.num_overrides = key != NULL;
    if (qea_study_estimate(f->ctx, &options, 0.05, out) != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
}

static void estimate(const fixture *f, qea_estimate *out) { estimate_with(f, NULL, NULL, out); }

static void layers_and_genes_are_those_of_resnet20(void **state) {
    qea_estimate e;
    estimate(*state, &e);
    /* He et al. 2016, section 4.2: three stages of 3 blocks at 16, 32, 64 channels; with the two 1x1 shortcuts. */
    uint64_t expected = 3 * 9 * 16 * 1024 + 6 * 9 * 16 * 16 * 1024 + /* stem, stage 1 */
                        (9 * 16 * 32 + 16 * 32 + 5 * 9 * 32 * 32) * 256 +
                        (9 * 32 * 64 + 32 * 64 + 5 * 9 * 64 * 64) * 64 + 64 * CLASSES;
    assert_int_equal(expected, 40813184);
    assert_int_equal(e.macs, expected);
    assert_int_equal(e.num_layers, 22);
    assert_int_equal(e.num_genes, 40);
    assert_true(fabs(e.genomes_log10 - 40 * log10(3)) < 1e-9);
    assert_false(e.layers[0].quantized);
    assert_false(e.layers[21].quantized);
    for (size_t i = 1; i < 21; i++) {
        assert_true(e.layers[i].quantized);
        assert_int_equal(e.layers[i].weight_half.gene, i - 1);
        assert_int_equal(e.layers[i].activation_half.gene, 20 + i - 1);
        assert_int_equal(e.layers[i].weight_half.count, 3);
        assert_int_equal(e.layers[i].activation_half.bits[2], 8);
    }
    assert_true(e.cheapest.mean_weight_bits == 2 && e.cheapest.mean_activation_bits == 2);
    assert_true(e.dearest.mean_weight_bits == 8 && e.dearest.mean_activation_bits == 8);
    assert_true(e.cheapest.flops < e.dearest.flops && e.dearest.flops < e.full.flops);
    qea_estimate_clear(&e);
}

static void trials_rounds_images_and_bytes_are_as_configured(void **state) {
    qea_estimate e;
    estimate(*state, &e);
    const qea_estimate_step *nas = &e.steps[0], *full = &e.steps[1];
    assert_int_equal(e.num_steps, 2);
    assert_int_equal(e.workers, 3);
    assert_int_equal(nas->trials, 7 + 2 * 4);
    assert_int_equal(nas->rounds, 3 + 2 * 2); /* 7 by 3 workers, then twice 4 by 3 */
    assert_int_equal(nas->epochs, 3);
    assert_int_equal(nas->epoch_images, 32); /* half of 80, in whole batches of 16 */
    assert_int_equal(nas->eval_images, 40);
    assert_int_equal(full->trials, 2 + 2);
    assert_int_equal(full->rounds, 2);
    assert_int_equal(full->eval_images, 5 * 40 + TEST); /* validated after each epoch, tested at the end */
    assert_int_equal(nas->data_bytes, TRAIN * (PIXELS + 4));
    assert_int_equal(full->data_bytes, (TRAIN + TEST) * (PIXELS + 4));
    for (int i = 0; i < 2; i++) {
        const qea_estimate_step *step = &e.steps[i];
        assert_true(step->measured_steps > 0 && step->measured_s > 0 && step->eval_images_per_s > 0);
        assert_true(step->model_bytes > 4 * 2 * e.parameters); /* weights and gradients at least */
        double rate = (double)(step->measured_steps * 16) / step->measured_s;
        assert_true(fabs(step->train_images_per_s / rate - 1) < 1e-9);
        assert_true(step->trial_s > (double)step->epochs * (double)step->epoch_images / rate);
        assert_true(fabs(step->seconds - step->start_s - (double)step->rounds * step->trial_s) < 1e-9);
    }
    qea_estimate_clear(&e);
}

/* In parts of the 832 epochs of 45,000 images of the original's example. */
static void assert_search_images(const qea_estimate *e, double images) {
    assert_true(e->search_images == images);
    assert_true(fabs(e->search_share * 37440000 - images) < 1e-6);
}

static void without_a_search_the_baselines_are_all_that_is_trained_with_each_seed(void **state) {
    qea_estimate e;
    estimate_with(*state, "pipeline", "[fully_train]", &e);
    assert_int_equal(e.num_steps, 1);
    assert_int_equal(e.steps[0].trials, 2);
    qea_estimate_clear(&e);
    estimate_with(*state, "fully_train.seeds", "3", &e);
    assert_int_equal(e.steps[1].trials, 3 * (2 + 2));
    qea_estimate_clear(&e);
}

static void shared_weights_are_two_trainings_and_trials_without_one(void **state) {
    qea_estimate e;
    estimate_with(*state, "nas.evaluator",
                  "{type: shared_weights, float_epochs: 4, supernet_epochs: 6, bn_images: 24, teacher_weight: 0.5}",
                  &e);
    static const char *const names[] = {"float", "supernet", "nas", "fully_train"};
    assert_int_equal(e.num_steps, 4);
    for (int i = 0; i < 4; i++) {
        const qea_estimate_step *step = &e.steps[i];
        assert_string_equal(step->step, names[i]);
        assert_int_equal(step->trains, i != 2);
        assert_false(step->external);
        assert_int_equal(step->workers, i < 2 ? 1 : 3);
        assert_int_equal(step->measured_steps > 0, i != 2);
        assert_true(step->measured_s > 0 && step->eval_images_per_s > 0 && step->model_bytes > 4 * e.parameters);
        assert_true(fabs(step->seconds - step->start_s - (double)step->rounds * step->trial_s) < 1e-9);
    }
    assert_int_equal(e.steps[0].trials, 1);
    assert_int_equal(e.steps[0].epochs, 4);
    assert_int_equal(e.steps[0].eval_images, 40);
    assert_int_equal(e.steps[1].epochs, 6);
    assert_int_equal(e.steps[1].eval_images, 40 + 24);
    assert_int_equal(e.steps[2].trials, 7 + 2 * 4);
    assert_int_equal(e.steps[2].eval_images, 40 + 24);
    assert_true(fabs(e.steps[2].trial_s - 64 / e.steps[2].eval_images_per_s) < 1e-9);
    assert_search_images(&e, (4 + 6) * 32);
    qea_estimate_clear(&e);
}

static void images_of_a_search_that_trains_are_those_of_all_its_trials(void **state) {
    qea_estimate e;
    estimate(*state, &e);
    assert_search_images(&e, 15 * 3 * 32);
    qea_estimate_clear(&e);
}

static void a_program_is_not_measured(void **state) {
    qea_estimate e;
    estimate_with(*state, "nas.evaluator", "{type: command, command: [cat]}", &e);
    assert_int_equal(e.num_steps, 2);
    assert_true(e.steps[0].external && !e.steps[0].trains && isnan(e.steps[0].seconds));
    assert_int_equal(e.steps[0].trials, 15);
    assert_true(e.steps[1].seconds > 0);
    assert_search_images(&e, 0);
    qea_estimate_clear(&e);
}

/* Runs the command in the folder; its output goes to the file out. */
static int run(const fixture *f, const char *arguments) {
    char line[2048];
    (void)snprintf(line, sizeof line, "cd %s && %s %s >out 2>&1", f->folder, getenv("QEA_COMMAND"), arguments);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool output_has(const fixture *f, const char *text) {
    uint8_t *bytes;
    size_t size;
    assert_int_equal(qea_file_read(f->ctx, fixture_path(f, "out"), 1 << 20, &bytes, &size), QEA_OK);
    bool found = strstr((const char *)bytes, text) != NULL;
    if (!found) print_message("%s", (const char *)bytes);
    qea_free(bytes);
    return found;
}

static void without_a_network_the_space_the_trials_and_the_limits_are_told(void **state) {
    const fixture *f = *state;
    static const char text[] = "general: {workers: 3, timeout: 7}\n"
                               "nas:\n"
                               "    evaluator: {type: command, command: [cat], timeout_s: 20, attempts: 2}\n"
                               "    budget: 90m\n"
                               "    search_algorithm:\n"
                               "        policy: {num_generation: 2, num_individual: 4, random_samples: 7}\n"
                               "        objective_keys: [cost]\n"
                               "        directions: {cost: min}\n"
                               "    search_space: {type: Custom, genes: [{name: a, candidates: [1, 2, 4, 8]}, {name: "
                               "b, candidates: [x, y]}]}\n";
    fixture_write(f, "custom.yml", text, sizeof text - 1);
    qea_study_options options = {.config_path = fixture_path(f, "custom.yml")};
    qea_estimate e;
    if (qea_study_estimate(f->ctx, &options, 0.05, &e) != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
    assert_int_equal(e.num_layers, 0);
    assert_int_equal(e.num_genes, 2);
    assert_true(fabs(e.genomes_log10 - log10(8)) < 1e-12);
    assert_int_equal(e.num_steps, 1);
    assert_string_equal(e.steps[0].step, "nas");
    assert_true(e.steps[0].external && isnan(e.steps[0].seconds));
    assert_int_equal(e.steps[0].trials, 15);
    assert_int_equal(e.steps[0].workers, 3);
    assert_true(e.steps[0].limit_s == 40 && e.budget_s == 5400);
    qea_estimate_clear(&e);
    assert_int_equal(run(f, "estimate custom.yml"), 0);
    assert_true(output_has(f, "search space: 2 genes, about 10^0.9 genomes"));
    assert_true(output_has(f, "at most 15 trials, 3 at a time"));
    assert_true(output_has(f, "a trial ends after 40 s at the latest, all of them after 4 min 40 s")); /* 7 rounds */
    assert_true(output_has(f, "the search ends after 1 h 30 min in any case"));
    assert_false(output_has(f, "network"));
}

static void a_budget_of_trials_cuts_the_rounds(void **state) {
    static const struct {
        const char *trials;
        uint64_t rounds;
    } cases[] = {{"15", 7}, {"12", 6}, {"11", 5}, {"8", 4}, {"7", 3}, {"2", 1}}; /* 7, 4 and 4 by 3 workers */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qea_estimate e;
        estimate_with(*state, "nas.trials", cases[i].trials, &e);
        assert_int_equal(e.steps[0].rounds, cases[i].rounds);
        qea_estimate_clear(&e);
    }
}

static void programs_of_objectives_are_counted(void **state) {
    const fixture *f = *state;
    qea_estimate e;
    estimate_with(f, "nas.search_algorithm",
                  "{objective_keys: [accuracy, energy, heat], directions: {energy: min, heat: min}, commands: {energy: "
                  "{command: [cat]}, heat: {command: [cat]}}}",
                  &e);
    assert_int_equal(e.steps[0].programs, 2);
    assert_int_equal(e.steps[1].programs, 2);
    assert_true(e.steps[0].seconds > 0);
    qea_estimate_clear(&e);
}

static void the_command_prints_it_and_leaves_no_files(void **state) {
    const fixture *f = *state;
    char **names;
    size_t count;
    assert_int_equal(run(f, "estimate config.yml -es 2 --set nas.search_algorithm.policy.random_samples=9"), 0);
    assert_true(output_has(f, "40,813,184 MACs"));
    assert_true(output_has(f, "at most 17 trials"));
    assert_true(output_has(f, "2 epochs of 32 images"));
    assert_true(output_has(f, "images trained in search: at most 1,088")); /* 17 x 2 x 32 */
    assert_int_equal(run(f, "estimate config.yml --set 'nas.evaluator={type: command, command: [cat]}'"), 0);
    assert_true(output_has(f, "a program evaluates them"));
    assert_false(output_has(f, "nan"));
    assert_int_equal(run(f, "estimate config.yml --set 'nas.evaluator={type: shared_weights, supernet_epochs: 2, "
                            "float_epochs: 1}' --set 'pipeline=[nas]'"),
                     0);
    assert_true(output_has(f, "images trained in search: at most 96"));
    assert_true(output_has(f, "no training, 80 images")); /* 40 to validate, 40 for statistics */
    assert_int_equal(qea_folder_list(f->ctx, f->folder, 100, &names, &count), QEA_OK);
    assert_int_equal(count, 3); /* config.yml, data, out */
    qea_names_free(names, count);
}

static void what_a_run_refuses_is_refused_with_its_exit_code(void **state) {
    const fixture *f = *state;
    static const struct {
        const char *arguments;
        int code;
        const char *text;
    } cases[] = {
        {"estimate", 2, "configuration"},
        {"estimate nothing.yml", 2, "nothing.yml"},
        {"estimate config.yml more", 2, "more"},
        {"estimate config.yml --resume", 2, "--resume"},
        {"estimate config.yml --set nas.trainer.epoch=3", 2, "epochs"},
        {"estimate config.yml --set epochs", 2, "KEY=VALUE"},
        {"estimate config.yml -dp nowhere", 3, "nowhere"},
        {"estimate config.yml --set nas.dataset.common.train_portion=1", 2, "train_portion"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(f, cases[i].arguments), cases[i].code);
        assert_true(output_has(f, cases[i].text));
    }
}

static void it_fails_cleanly_where_memory_ends(void **state) {
    const fixture *f = *state;
    qea_study_options options = {.config_path = fixture_path(f, "config.yml")};
    for (long n = 1; n < 4000; n = n * 2 + 1) {
        qea_estimate e;
        qea_alloc_fail_after(n);
        qea_status status = qea_study_estimate(f->ctx, &options, 0.01, &e);
        qea_alloc_fail_after(0);
        if (status != QEA_OK) assert_null(e.layers);
        qea_estimate_clear(&e);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layers_and_genes_are_those_of_resnet20, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(trials_rounds_images_and_bytes_are_as_configured, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_budget_of_trials_cuts_the_rounds, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(without_a_search_the_baselines_are_all_that_is_trained_with_each_seed, set_up,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(shared_weights_are_two_trainings_and_trials_without_one, set_up,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(images_of_a_search_that_trains_are_those_of_all_its_trials, set_up,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_program_is_not_measured, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(without_a_network_the_space_the_trials_and_the_limits_are_told, set_up,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(programs_of_objectives_are_counted, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_command_prints_it_and_leaves_no_files, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_a_run_refuses_is_refused_with_its_exit_code, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(it_fails_cleanly_where_memory_ends, set_up, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
