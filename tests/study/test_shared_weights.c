/* A search with shared weights from outside: the float network, the supernet, trials without training, a warm start. */
#include <jansson.h>
#include <math.h>

#include "nn/model.h"
#include "study/small_run.h"

#define SHARED                                                                                                         \
    "--set 'nas.evaluator={type: shared_weights, threads: 2, float_epochs: 2, supernet_epochs: 3, bn_images: 96, "     \
    "val_images: 40}' "                                                                                                \
    "--set 'nas.search_space.quantizer={weight: lsq, activation: lsq}' "                                               \
    "--set fully_train.init=search --set fully_train.teacher=search --set nas.trainer.seed=3 "

static void assert_same_search(const char *task_a, const char *task_b) {
    static const char *const files[] = {"float/model_1.safetensors", "supernet/model_1.safetensors", "nas/trials.csv",
                                        "nas/front.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, "cmp %s/tasks/%s/output/%s %s/tasks/%s/output/%s", folder, task_a, files[i],
                       folder, task_b, files[i]);
        assert_int_equal(system(line), 0);
    }
}

static void assert_same_models(const char *task_a, const char *task_b) {
    assert_same_search(task_a, task_b);
    assert_same_results(task_a, task_b);
}

static void one_worker_and_two_give_byte_equal_results(void **state) {
    (void)state;
    if (run("", "config.yml -t single --workers 1 " SHARED) != 0) fail_msg("%s", slurp("out"));
    assert_int_equal(run("", "config.yml -t double --workers 2 " SHARED), 0);
    assert_same_models("single", "double");
}

static void a_run_killed_in_each_of_its_steps_resumes_to_the_same_results(void **state) {
    (void)state;
    static const int kills[] = {1, 2, 7, 13, 17}; /* finished: float, supernet, trials, full trainings */
    int killed = 0;
    for (int i = 0; i < 5; i++) {
        const char *arguments = i == 0 ? "run config.yml -t killed --workers 2 " SHARED : "run --resume tasks/killed";
        killed += run_and_signal(arguments, "killed", kills[i], "KILL") == 128 + 9;
    }
    assert_int_equal(run("", "run -r -t killed"), 0);
    assert_true(killed >= 3);
    assert_same_models("single", "killed");
}

static qea_model *load(const char *relative, qea_graph **graph) {
    char path[256];
    qea_model *model;
    (void)snprintf(path, sizeof path, "%s/tasks/single/output/%s", folder, relative);
    assert_int_equal(qea_model_load(NULL, path, graph, &model, NULL), QEA_OK);
    return model;
}

/* A learned step of weights begins at 2 mean|w| / sqrt(2^(k-1) - 1), here 2 mean|w| for 2 bits, w of the float network.
 * Without a gradient weight decay alone would change it, by less than 1e-4 of it: so fewest bits were drawn, too. */
static void every_width_of_the_supernet_has_been_trained(void **state) {
    (void)state;
    qea_graph *graph, *float_graph;
    qea_model *model = load("supernet/model_1.safetensors", &graph),
              *begun = load("float/model_1.safetensors", &float_graph);
    for (size_t i = 0; i < qea_graph_num_quantized(graph); i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s.weight", qea_graph_quantized(graph, i)->name);
        const qea_param *weight = qea_model_find(begun, name);
        (void)snprintf(name, sizeof name, "%s.weight_step", qea_graph_quantized(graph, i)->name);
        const qea_param *steps = qea_model_find(model, name);
        size_t channels = weight->dims[0], per = weight->count / channels;
        double most = 0;
        assert_int_equal(steps->count, 2 * channels); /* of 2 and of 4 bits */
        for (size_t k = 0; k < channels; k++) {
            double sum = 0;
            for (size_t j = 0; j < per; j++) sum += fabs((double)weight->value[k * per + j]);
            most = fmax(most, fabs((double)steps->value[k] * (double)per / (2 * sum) - 1));
        }
        if (most < 5e-4) fail_msg("%s: the largest change is %g", name, most);
    }
    qea_model_destroy(model);
    qea_graph_destroy(graph);
    qea_model_destroy(begun);
    qea_graph_destroy(float_graph);
}

/* Images that went forward and backward: epochs x whole batches of 32 of the 256 training images; none in a trial. */
static void only_the_two_networks_before_the_search_are_trained(void **state) {
    (void)state;
    char *text = slurp("tasks/single/output/nas/trials.csv"), *line, *rest = NULL;
    size_t trials = 0;
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) trials++;
    assert_int_equal(trials, 1 + 14);
    qea_free(text);
    text = slurp("tasks/single/output/fully_train/results.json");
    json_t *results = json_loads(text, 0, NULL);
    assert_non_null(results);
    assert_non_null(strstr(text, "\"train_images\": 1920")); /* 6 epochs of 320 */
    json_decref(results);
    qea_free(text);
    text = slurp("tasks/single/output/report.html");
    const char *fact = strstr(text, "images trained in search");
    assert_non_null(fact);
    assert_non_null(strstr(fact, "1280")); /* 2 and 3 epochs of 256 */
    assert_true(strstr(fact, "1280") - fact < 200);
    qea_free(text);
}

/* The time that a search may take begins with the float network. Neither training ends within it on any machine. */
static void a_training_before_the_search_ends_with_the_time_and_the_run_says_so(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t float --set nas.budget=0.2s --set 'pipeline=[nas]' "
                             "--set 'nas.evaluator={type: shared_weights, float_epochs: 1000000}'"),
                     0);
    assert_output_has("the time of 0.2s is spent in the training of the float network (no trials)");
    assert_int_equal(run("", "--resume tasks/float"), 0); /* nothing is left */
    assert_output_has("spent in the training of the float network");
    char *page = slurp("tasks/float/output/report.html");
    assert_non_null(strstr(page, "spent in the training of the float network"));
    qea_free(page);
    assert_int_equal(run("", "config.yml -t supernet --set nas.budget=0.2s --set 'nas.evaluator={type: shared_weights, "
                             "supernet_epochs: 1000000, pretrained: tasks/single/output/float/model_1.safetensors}'"),
                     0);
    assert_output_has("spent in the training of the supernet (no trials)");
    assert_int_equal(run("", "progress tasks/float --json"), 0);
    assert_output_has("\"step\": \"float\"");
    assert_int_equal(run("", "progress tasks/supernet --json"), 0);
    assert_output_has("\"step\": \"supernet\"");
}

static void a_search_stopped_by_the_time_wherever_it_was_goes_on_with_more_to_the_same_results(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t timed --workers 2 --set nas.budget=0.05s --set 'pipeline=[nas]' " SHARED),
                     0);
    for (int i = 1; i <= 6; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "--resume tasks/timed --set nas.budget=%.1fs", 0.3 * i);
        assert_int_equal(run("", line), 0);
    }
    assert_int_equal(run("", "--resume tasks/timed --set nas.budget=1h"), 0);
    assert_output_has("the budget of 14 trials is spent");
    assert_same_search("single", "timed");
}

/* val_images: 40 of the 64. */
static void trials_are_judged_by_as_many_images_as_were_asked_for(void **state) {
    (void)state;
    char *text = slurp("tasks/single/output/nas/trials.csv"), *rest = NULL;
    assert_non_null(strtok_r(text, "\n", &rest));
    for (const char *line; (line = strtok_r(NULL, "\n", &rest)) != NULL;) {
        for (int column = 0; column < 6; column++) line = strchr(line, ',') + 1;
        double right = 40 * strtod(line, NULL);
        assert_true(right > 0 && fabs(right - round(right)) < 1e-9);
    }
    qea_free(text);
}

/* The largest difference of a convolution's or the classifier's weight between two model files of a folder. */
static double weights_apart(const char *a, const char *b) {
    qea_graph *graphs[2];
    qea_model *models[2];
    const char *const files[2] = {a, b};
    double most = 0;
    for (int k = 0; k < 2; k++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/tasks/%s", folder, files[k]);
        assert_int_equal(qea_model_load(NULL, path, &graphs[k], &models[k], NULL), QEA_OK);
    }
    for (size_t i = 0; i < qea_graph_num_quantized(graphs[0]); i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s.weight", qea_graph_quantized(graphs[0], i)->name);
        const qea_param *p = qea_model_find(models[0], name), *q = qea_model_find(models[1], name);
        assert_int_equal(p->count, q->count);
        for (size_t n = 0; n < p->count; n++) most = fmax(most, fabs((double)p->value[n] - (double)q->value[n]));
    }
    for (int k = 0; k < 2; k++) {
        qea_model_destroy(models[k]);
        qea_graph_destroy(graphs[k]);
    }
    return most;
}

#define GIVEN "single/output/float/model_1.safetensors"

/* With a learning rate of next to nothing the weights stay where they began. */
static void trainings_begin_from_a_given_model(void **state) {
    (void)state;
    assert_int_equal(run("",
                         "config.yml -t finetune --set 'nas.evaluator={type: finetune, pretrained: tasks/" GIVEN "}' "
                         "--set 'pipeline=[nas]' --set '*.trainer.optimizer.params.lr=1e-9' "
                         "--set nas.trainer.save_weight=true"),
                     0);
    assert_true(weights_apart("finetune/output/nas/model_3.safetensors", GIVEN) < 1e-6);
    assert_int_equal(run("", "config.yml -t scratch --set 'pipeline=[nas]' --set '*.trainer.optimizer.params.lr=1e-9' "
                             "--set nas.trainer.save_weight=true"),
                     0);
    assert_true(weights_apart("scratch/output/nas/model_3.safetensors", GIVEN) > 0.01);
    assert_int_equal(run("", "config.yml -t given --set 'nas.evaluator={type: shared_weights, supernet_epochs: 1, "
                             "supernet_lr: 1e-9, pretrained: tasks/" GIVEN "}' --set 'pipeline=[nas]'"),
                     0);
    assert_true(weights_apart("given/output/supernet/model_1.safetensors", GIVEN) < 1e-6);
}

#define GIVEN_NETWORKS "pretrained: tasks/" GIVEN ", supernet: tasks/single/output/supernet/model_1.safetensors"

/* What the search sees of a supernet is its file: the same trials, and models that begin and learn alike. */
static void a_supernet_of_another_task_gives_the_same_search_without_training(void **state) {
    (void)state;
    assert_int_equal(run("",
                         "config.yml -t second " SHARED " --set 'nas.evaluator={type: shared_weights, bn_images: 96, "
                         "val_images: 40, " GIVEN_NETWORKS "}'"),
                     0);
    static const char *const files[] = {"nas/trials.csv", "nas/front.json", "fully_train/results.json"};
    char trained[512];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, "cmp %s/tasks/single/output/%s %s/tasks/second/output/%s", folder, files[i],
                       folder, files[i]);
        assert_int_equal(system(line), 0);
    }
    (void)snprintf(trained, sizeof trained, "ls %s/tasks/second/output/float/* %s/tasks/second/output/supernet/*",
                   folder, folder);
    assert_int_not_equal(system(trained), 0);
    assert_int_equal(run("", "config.yml -t fewer --set 'pipeline=[nas]' --set nas.search_space.bit_candidates=[4] "
                             "--set 'nas.search_space.quantizer={weight: lsq, activation: lsq}' "
                             "--set 'nas.evaluator={type: shared_weights, " GIVEN_NETWORKS "}'"),
                     0);
}

static bool same_file(const char *a, const char *b) {
    char line[512];
    (void)snprintf(line, sizeof line, "cmp -s %s/tasks/%s %s/tasks/%s", folder, a, folder, b);
    return system(line) == 0;
}

static void a_teacher_changes_what_the_supernet_and_the_models_learn(void **state) {
    (void)state;
    assert_int_equal(run("", "config.yml -t alone " SHARED " --set fully_train.teacher_weight=0"), 0);
    assert_same_search("single", "alone");
    assert_false(same_file("single/output/fully_train/results.json", "alone/output/fully_train/results.json"));
    assert_int_equal(run("", "config.yml -t pupil " SHARED " --set nas.evaluator.teacher_weight=0.5 "
                             "--set 'pipeline=[nas]'"),
                     0);
    assert_true(same_file("single/output/float/model_1.safetensors", "pupil/output/float/model_1.safetensors"));
    assert_true(weights_apart("single/output/supernet/model_1.safetensors",
                              "pupil/output/supernet/model_1.safetensors") > 1e-4);
}

static void what_does_not_fit_together_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"--set nas.evaluator.type=finetune", "does not name a model"},
        {"--set nas.evaluator.type=shared_weights --set 'nas.search_space.bit_candidates=[0, 4]'", "left out"},
        {"--set fully_train.teacher=search", "float network"},
        {"--set 'nas.evaluator={type: finetune, pretrained: nowhere.safetensors}'", "nowhere.safetensors"},
        {"--set 'nas.evaluator={type: train, supernet_epochs: 3}'", "no such setting"},
        {"--set 'nas.evaluator={type: shared_weights, float_epochs: 2, pretrained: "
         "tasks/single/output/float/model_1.safetensors}'",
         "no effect beside pretrained"},
        {"--set 'nas.evaluator={type: shared_weights, supernet_epochs: 2, " GIVEN_NETWORKS "}'",
         "no effect beside supernet"},
        {"--set 'nas.evaluator={type: shared_weights, supernet: tasks/" GIVEN "}'", "needs pretrained"},
        {"--set 'nas.evaluator={type: shared_weights, pretrained: tasks/" GIVEN ", supernet: tasks/" GIVEN "}'",
         "a model of fixed bits"},
        {"--set 'nas.evaluator={type: shared_weights, " GIVEN_NETWORKS "}'",
         "a supernet of the quantisers lsq and lsq"},
        {"--set 'nas.evaluator={type: shared_weights, " GIVEN_NETWORKS "}' --set nas.search_space.bit_candidates=[4,8] "
         "--set 'nas.search_space.quantizer={weight: lsq, activation: lsq}'",
         "8 weight bits, allowed: its widths up to 4"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, "config.yml -t wrong %s", wrong[i][0]);
        assert_int_not_equal(run("", line), 0);
        assert_output_has(wrong[i][1]);
    }
}

/* Of the same layers, so that only its images tell. */
static void a_teacher_of_other_images_is_refused_before_the_search(void **state) {
    (void)state;
    const qea_resnet_options options = {.height = 2 * SIDE,
                                        .width = 2 * SIDE,
                                        .channels = 1,
                                        .num_classes = CLASSES,
                                        .base_channel = 4,
                                        .stage = 2,
                                        .num_blocks = {1, 1},
                                        .small_input = true};
    qea_graph *graph;
    qea_model *model;
    char path[256];
    assert_int_equal(qea_resnet_create(NULL, &options, &graph), QEA_OK);
    assert_int_equal(qea_model_create(NULL, graph, NULL, 1, &model), QEA_OK);
    (void)snprintf(path, sizeof path, "%s/large.safetensors", folder);
    assert_int_equal(qea_model_save(NULL, model, path, NULL, NULL, 0), QEA_OK);
    qea_model_destroy(model);
    qea_graph_destroy(graph);
    assert_int_equal(run("", "config.yml -t taught --set fully_train.teacher=large.safetensors"), 3);
    assert_output_has("fully_train.teacher: found");
    assert_output_has("a model for images of 16 x 16 x 1, which cannot teach: the data have 8 x 8 x 1");
    assert_int_equal(
        run("", "config.yml -t taught --set 'nas.evaluator={type: shared_weights, teacher_weight: 0.5, pretrained: "
                "large.safetensors}' --set 'nas.search_space.quantizer={weight: lsq, activation: lsq}'"),
        3);
    assert_output_has("nas.evaluator.pretrained: found");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_and_two_give_byte_equal_results),
        cmocka_unit_test(every_width_of_the_supernet_has_been_trained),
        cmocka_unit_test(only_the_two_networks_before_the_search_are_trained),
        cmocka_unit_test(trials_are_judged_by_as_many_images_as_were_asked_for),
        cmocka_unit_test(a_run_killed_in_each_of_its_steps_resumes_to_the_same_results),
        cmocka_unit_test(a_training_before_the_search_ends_with_the_time_and_the_run_says_so),
        cmocka_unit_test(a_search_stopped_by_the_time_wherever_it_was_goes_on_with_more_to_the_same_results),
        cmocka_unit_test(trainings_begin_from_a_given_model),
        cmocka_unit_test(a_teacher_of_other_images_is_refused_before_the_search),
        cmocka_unit_test(a_supernet_of_another_task_gives_the_same_search_without_training),
        cmocka_unit_test(a_teacher_changes_what_the_supernet_and_the_models_learn),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
