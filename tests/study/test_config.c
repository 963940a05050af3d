/* Reading configurations: the original's file, refs, overrides, defaults, the saved tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "config_equal.h"

#define ORIGINAL "tests/study/quant_ea.yml"
#define COUNT(list) (sizeof(list) / sizeof *(list))

static qea_context *ctx;

static qea_study_config *read_with(const char *path, const qea_config_override *overrides, size_t count) {
    qea_study_config *config = NULL;
    if (qea_study_config_read(ctx, path, overrides, count, &config) != QEA_OK) fail_msg("%s", qea_context_message(ctx));
    return config;
}

static qea_study_config *parse(const char *text) {
    qea_study_config *config = NULL;
    if (qea_study_config_parse(ctx, "t.yml", text, strlen(text), NULL, 0, &config) != QEA_OK)
        fail_msg("%s", qea_context_message(ctx));
    return config;
}

static void the_original_file_means_what_it_meant(void **state) {
    (void)state;
    qea_study_config *c = read_with(ORIGINAL, NULL, 0);
    assert_true(c->has_nas && c->has_fully_train);
    assert_int_equal(c->seed, 10);
    assert_int_equal(c->length, 40);
    assert_int_equal(c->num_generations, 50);
    assert_int_equal(c->num_individual, 16);
    assert_int_equal(c->random_samples, 32);
    assert_true(c->uniform && c->screening == 0 && c->mutation == QEA_MUTATION_ANY && !c->sensitivity);
    assert_int_equal(c->num_objectives, 2);
    assert_int_equal(c->objectives[0].kind, QEA_OBJ_ACCURACY);
    assert_int_equal(c->objectives[1].kind, QEA_OBJ_FLOPS);
    assert_int_equal(c->num_candidates, 2);
    assert_int_equal(c->candidates[0], 4);
    assert_int_equal(c->candidates[1], 8);
    assert_int_equal(c->weight_quantizer, QEA_DOREFA);
    assert_int_equal(c->activation_quantizer, QEA_DOREFA);
    assert_int_equal(c->network.base_depth, 20);
    assert_int_equal(c->network.base_channel, 16);
    assert_int_equal(c->network.stage, 3);
    assert_true(c->network.small_input);
    assert_int_equal(c->network.num_classes, 10);
    assert_true(c->network_classes_given);
    assert_int_equal(c->num_limits, 1);
    assert_string_equal(c->limits[0].key, "flops");
    assert_true(c->limits[0].low == 0 && c->limits[0].high == 1e4);
    assert_int_equal(c->max_models, 16);
    assert_int_equal(c->init, QEA_INIT_SCRATCH);
    assert_int_equal(c->num_baselines, 3);
    assert_int_equal(c->baselines[2][0], 32);
    qea_study_config_destroy(c);
}

static void the_original_recipes_and_data_are_merged_through_ref(void **state) {
    (void)state;
    qea_study_config *c = read_with(ORIGINAL, NULL, 0);
    const qea_recipe *recipes[] = {&c->nas_recipe, &c->full_recipe};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(recipes[i]->optimizer.kind, QEA_SGD);
        assert_true(recipes[i]->optimizer.lr == 0.1 && recipes[i]->optimizer.momentum == 0.9);
        assert_true(recipes[i]->optimizer.weight_decay == 1e-4);
        assert_false(recipes[i]->optimizer.nesterov || recipes[i]->save_weights);
        assert_int_equal(recipes[i]->schedule.kind, QEA_SCHEDULE_MULTISTEP);
        assert_int_equal(recipes[i]->schedule.num_milestones, 3);
        assert_true(recipes[i]->schedule.gamma == 0.1);
    }
    assert_int_equal(c->nas_recipe.epochs, 1);
    assert_int_equal(c->full_recipe.epochs, 400);
    assert_int_equal(c->nas_recipe.schedule.milestones[2], 15);
    assert_int_equal(c->full_recipe.schedule.milestones[0], 200);
    assert_true(c->nas_data.train_portion == 0.9 && c->full_data.train_portion == 1.0);
    assert_string_equal(c->full_data.path, "/cache/datasets/cifar10/");
    assert_string_equal(c->full_data.type, "Cifar10");
    assert_int_equal(c->full_data.train_batch, 128);
    assert_int_equal(c->full_data.test_batch, 256);
    assert_true(c->full_data.shuffle && c->nas_data.shuffle);
    qea_study_config_destroy(c);
}

static void one_warning_names_all_keys_without_meaning(void **state) {
    (void)state;
    qea_study_config *c = read_with(ORIGINAL, NULL, 0);
    assert_string_equal(c->warnings, ORIGINAL ": these keys mean nothing here: general.backend, nas.trainer.callbacks, "
                                              "fully_train.pipe_step.models_folder, fully_train.trainer.callbacks");
    qea_study_config_destroy(c);
}

static void the_warning_names_keys_without_effect_but_not_those_that_a_ref_brought(void **state) {
    (void)state;
    qea_study_config *c = parse("general: {seed: 3}\n"
                                "nas:\n"
                                "  dataset: {type: Arrays, common: {data_path: x, image_size: 32, channels: 1}}\n"
                                "  trainer: {seed: 9, limits: {flop_range: [0, 1], bops_range: [0, 1]}}\n"
                                "fully_train:\n"
                                "  dataset: {ref: nas.dataset, common: {test_portion: 0.2}}\n"
                                "  trainer: {ref: nas.trainer, seed: 10, limits: {flop_range: [0, 2]}}\n");
    assert_non_null(strstr(c->warnings, "these keys mean nothing here: nas.dataset.common.image_size, "
                                        "nas.dataset.common.channels, fully_train.dataset.common.test_portion, "
                                        "fully_train.trainer.limits.flop_range, fully_train.trainer.seed"));
    assert_true(c->warnings[strlen(c->warnings) - 1] == 'd');
    qea_study_config_destroy(c);
    c = parse("nas: {dataset: {type: ImageFolder, common: {data_path: x, image_size: 32, test_portion: 0.2}},\n"
              "  trainer: {limits: {flop_range: [0, 1]}}}\n"
              "fully_train: {dataset: {ref: nas.dataset}, trainer: {ref: nas.trainer, seed: 4}}\n");
    assert_string_equal(c->warnings, ""); /* the only seed is the run's */
    qea_study_config_destroy(c);
}

static void the_older_backbone_is_accepted(void **state) {
    (void)state;
    const qea_config_override old[] = {
        {"nas.search_space",
         "{bit_candidates: [4, 8], modules: ['backbone'], type: SearchSpace, backbone: {name: "
         "'QuantResNet', num_blocks: [3, 3, 3], num_classes: 10}}",
         false}};
    qea_study_config *c = read_with(ORIGINAL, old, 1);
    assert_int_equal(c->network.num_blocks[0], 3);
    assert_int_equal(c->network.num_blocks[2], 3);
    assert_int_equal(c->network.num_blocks[3], 0);
    assert_int_equal(c->network.stage, 3);
    assert_int_equal(c->network.base_channel, 16);
    assert_true(c->network_classes_given && c->network.num_classes == 10);
    qea_study_config_destroy(c);
}

static void overrides_reach_the_full_training_through_ref(void **state) {
    (void)state;
    const qea_config_override overrides[] = {{"nas.trainer.epochs", "7", QEA_SET_YAML},
                                             {"nas.trainer.optimizer.params.lr", "0.05", QEA_SET_YAML},
                                             {"nas.dataset.common.data_path", "/a: b #c", QEA_SET_TEXT},
                                             {"general.task.task_id", "t1", QEA_SET_YAML}};
    qea_study_config *c = read_with(ORIGINAL, overrides, COUNT(overrides));
    assert_int_equal(c->nas_recipe.epochs, 7);
    assert_int_equal(c->full_recipe.epochs, 400); /* set there */
    assert_true(c->full_recipe.optimizer.lr == 0.05);
    assert_string_equal(c->full_data.path, "/a: b #c");
    assert_string_equal(
        qea_yaml_get(qea_yaml_get(qea_yaml_get(c->tree, "fully_train"), "pipe_step"), "models_folder")->text,
        "./tasks/t1/output/nas/");
    qea_study_config_destroy(c);
}

static void a_star_sets_every_step_that_the_file_has(void **state) {
    (void)state;
    const qea_config_override overrides[] = {{"*.trainer.epochs", "5", QEA_SET_YAML},
                                             {"*.dataset.test.batch_size", "9", QEA_SET_YAML}};
    qea_study_config *c = read_with(ORIGINAL, overrides, COUNT(overrides));
    assert_int_equal(c->nas_recipe.epochs, 5);
    assert_int_equal(c->full_recipe.epochs, 5);
    assert_int_equal(c->nas_data.test_batch, 9);
    assert_int_equal(c->full_data.test_batch, 9);
    qea_study_config_destroy(c);
    const char *text = "nas: {dataset: {common: {data_path: x}}}";
    assert_int_equal(qea_study_config_parse(ctx, "t.yml", text, strlen(text), overrides, 1, &c), QEA_OK);
    assert_true(c->has_nas && !c->has_fully_train);
    assert_null(qea_yaml_get(c->tree, "fully_train"));
    qea_study_config_destroy(c);
}

static void a_ref_never_takes_over_what_the_original_leaves_out(void **state) {
    (void)state;
    qea_study_config *c = parse("fully_train: {dataset: {ref: nas.dataset}, trainer: {ref: nas.trainer}}\n"
                                "nas:\n"
                                "  dataset: {common: {data_path: x}}\n"
                                "  trainer: {max_train_steps: 5, callbacks: c, lazy_built: True, with_train: True,\n"
                                "            with_vaild: False, grad_clip: 2}\n");
    const qea_yaml *full = qea_yaml_get(qea_yaml_get(c->tree, "fully_train"), "trainer");
    assert_int_equal(full->count, 1); /* grad_clip: neither ref nor the five others */
    assert_int_equal(c->nas_recipe.max_steps, 5);
    assert_int_equal(c->full_recipe.max_steps, 0);
    assert_true(c->full_recipe.optimizer.grad_clip == 2);
    qea_study_config_destroy(c);
}

static void another_type_is_not_merged_with_the_first(void **state) {
    (void)state;
    qea_study_config *c = parse(
        "nas:\n"
        "  dataset: {common: {data_path: x}}\n"
        "  trainer: {lr_scheduler: {type: MultiStepLR, params: {milestones: [2]}}, optimizer: {params: {momentum: "
        "0.9}}}\n"
        "fully_train:\n"
        "  dataset: {ref: nas.dataset, type: Cifar100}\n"
        "  trainer: {ref: nas.trainer, lr_scheduler: {type: CosineAnnealingLR, params: {eta_min: 0.001}}}\n");
    assert_int_equal(c->full_recipe.schedule.kind, QEA_SCHEDULE_COSINE);
    assert_true(c->full_recipe.schedule.min_lr == 0.001 && c->full_recipe.optimizer.momentum == 0.9);
    assert_string_equal(c->full_data.type, "Cifar100"); /* but the section that has the ref is merged */
    assert_string_equal(c->full_data.path, "x");
    qea_study_config_destroy(c);
}

static void schedules_and_optimisers_have_their_own_defaults(void **state) {
    (void)state;
    qea_study_config *c =
        parse("nas:\n"
              "  dataset: {common: {data_path: x, batch_size: 32}, test: {batch_size: 64}}\n"
              "  trainer: {epochs: 10, optimizer: {type: AdamW}, loss: {params: {label_smoothing: 0.1}},\n"
              "            lr_scheduler: {type: WarmupScheduler, params: {warmup_iters: 3, warmup_ratio: 0.1,\n"
              "              after_scheduler_config: {type: StepLR, params: {step_size: 4}}}}}\n");
    assert_int_equal(c->nas_recipe.optimizer.kind, QEA_ADAMW);
    assert_true(c->nas_recipe.optimizer.lr == 0.001 && c->nas_recipe.optimizer.weight_decay == 0.01);
    assert_true(c->nas_recipe.optimizer.beta1 == 0.9 && c->nas_recipe.optimizer.beta2 == 0.999);
    assert_true(c->nas_recipe.label_smoothing == 0.1);
    assert_int_equal(c->nas_recipe.schedule.kind, QEA_SCHEDULE_MULTISTEP);
    assert_int_equal(c->nas_recipe.schedule.num_milestones, 2);
    assert_int_equal(c->nas_recipe.schedule.milestones[1], 8);
    assert_true(c->nas_recipe.schedule.warmup_epochs == 3 && c->nas_recipe.schedule.gamma == 0.1);
    assert_int_equal(c->nas_data.train_batch, 32); /* common's */
    assert_int_equal(c->nas_data.test_batch, 64);
    assert_int_equal(c->full_recipe.optimizer.kind, QEA_SGD);
    assert_int_equal(c->full_recipe.schedule.kind, QEA_SCHEDULE_CONSTANT);
    qea_study_config_destroy(c);
}

static void own_additions_are_read(void **state) {
    (void)state;
    qea_study_config *c = parse(
        "general: {seed: 3, workers: 4, threads_per_worker: 2, isa: avx2, precision: f32, timeout: 60}\n"
        "nas:\n"
        "  dataset: {common: {data_path: x}, train: {images: 100, transforms: [{type: RandomCrop, size: 28, padding: "
        "2}, {type: ToTensor}, {type: Normalize, mean: [0.5], std: [0.25]}]}}\n"
        "  search_algorithm: {objective_keys: [accuracy, weight_bytes], policy: {num_individual: 40},\n"
        "    uniform: false, mutation: step, screening: 12, sensitivity: true}\n"
        "  search_space: {quantizer: {weight: lsq, activation: lsq}, bit_candidates: [8, 2, 4],\n"
        "    layers: {'layer1.*': {weight_bits: [8], tie: true}, layer2*: {activation_bits: [3, 2]}}}\n"
        "  trainer: {seed: 9, limits: {param_range: [0, .inf], weight_bytes_range: [10, 20.5]}}\n"
        "fully_train: {dataset: {ref: nas.dataset}, init: search, max_models: 3, baselines: [[2, 4]]}\n");
    assert_int_equal(c->seed, 3);
    assert_int_equal(c->workers, 4);
    assert_int_equal(c->threads_per_worker, 2);
    assert_string_equal(c->isa, "avx2");
    assert_int_equal(c->nas_recipe.precision, QEA_PRECISION_F32);
    assert_true(c->trial_timeout_s == 60);
    assert_int_equal(c->nas_data.train_images, 100);
    assert_true(c->nas_data.transforms_given && !c->nas_data.transforms.flip);
    assert_int_equal(c->nas_data.transforms.crop_padding, 2);
    assert_int_equal(c->nas_data.crop_size, 28);
    assert_int_equal(c->nas_data.normalize_channels, 1);
    assert_true(c->nas_data.transforms.mean[0] == 0.5f && c->nas_data.transforms.std[0] == 0.25f);
    assert_int_equal(c->objectives[1].kind, QEA_OBJ_WEIGHT_BYTES);
    assert_int_equal(c->random_samples, 40);
    assert_true(!c->uniform && c->screening == 12 && c->mutation == QEA_MUTATION_STEP && c->sensitivity);
    assert_int_equal(c->weight_quantizer, QEA_LSQ);
    assert_int_equal(c->candidates[0], 2); /* ascending */
    assert_int_equal(c->candidates[2], 8);
    assert_int_equal(c->num_layer_rules, 2);
    assert_string_equal(c->layer_rules[0].pattern, "layer1.*");
    assert_true(c->layer_rules[0].tie && c->layer_rules[0].num_weight_bits == 1);
    assert_int_equal(c->layer_rules[1].activation_bits[0], 2);
    assert_int_equal(c->num_limits, 2);
    assert_true(isinf(c->limits[0].high) && c->limits[1].high == 20.5);
    assert_int_equal(c->init, QEA_INIT_SEARCH);
    assert_true(c->nas_recipe.save_weights); /* the full training needs them */
    assert_int_equal(c->max_models, 3);
    assert_int_equal(c->num_baselines, 1);
    assert_int_equal(c->baselines[0][1], 4);
    qea_study_config_destroy(c);
}

static void default_baselines_leave_out_what_the_quantiser_lacks(void **state) {
    (void)state;
    qea_study_config *c = parse("nas: {dataset: {common: {data_path: x}}, search_space: {quantizer: {weight: xnor},\n"
                                "      bit_candidates: [1]}}\n");
    for (int i = 0; i < c->num_baselines; i++) assert_true(qea_quantizer_weight_bits_ok(QEA_XNOR, c->baselines[i][0]));
    assert_in_range(c->num_baselines, 0, 2);
    qea_study_config_destroy(c);
}

static void check_round_trip(qea_study_config *config) {
    qea_study_config *again = NULL;
    char *text = NULL;
    assert_int_equal(qea_yaml_emit(ctx, config->tree, &text), QEA_OK);
    if (qea_study_config_parse(ctx, "saved", text, strlen(text), NULL, 0, &again) != QEA_OK)
        fail_msg("%s", qea_context_message(ctx));
    assert_true(configs_equal(config, again));
    qea_free(text);
    qea_study_config_destroy(again);
    qea_study_config_destroy(config);
}

static void the_saved_tree_reads_back_to_the_same_configuration(void **state) {
    (void)state;
    const qea_config_override overrides[] = {
        {"general.task.task_id", "2024", QEA_SET_YAML},
        {"*.dataset.common.data_path", "~", QEA_SET_TEXT},
        {"nas.search_space.layers", "{\"layer1.*\": {weight_bits: [8]}, 'a: b': {tie: yes}}", QEA_SET_YAML},
        {"nas.trainer.lr_scheduler",
         "{type: WarmupScheduler, params: {warmup_iters: 2, after_scheduler_config: {type: "
         "CosineAnnealingLR, by_epoch: False}}}",
         false},
        {"nas.trainer.limits.bops_range", "[!!float 1, .inf]", QEA_SET_YAML}};
    check_round_trip(read_with(ORIGINAL, NULL, 0));
    check_round_trip(read_with(ORIGINAL, overrides, COUNT(overrides)));
}

/* The configuration of the second file must not depend on the order of keys: the saved one has another. */
static void the_order_of_keys_does_not_matter(void **state) {
    (void)state;
    qea_study_config *a =
        parse("nas: {trainer: {optimizer: {params: {lr: 0.5, betas: [0.5, 0.6]}, type: Adam}}, dataset: "
              "{common: {data_path: x}}, search_space: {backbone: {stage: 2}, bit_candidates: [1], "
              "quantizer: {weight: xnor}}}");
    qea_study_config *b =
        parse("nas: {search_space: {quantizer: {weight: xnor}, bit_candidates: [1], backbone: {stage: 2}}, "
              "dataset: {common: {data_path: x}}, trainer: {optimizer: {type: Adam, params: {betas: [0.5, "
              "0.6], lr: 0.5}}}}");
    assert_true(configs_equal(a, b));
    qea_study_config_destroy(a);
    qea_study_config_destroy(b);
}

static void a_key_has_a_place_for_later_messages(void **state) {
    (void)state;
    const qea_config_override overrides[] = {{"nas.search_algorithm.policy.num_generation", "3", QEA_SET_YAML}};
    char place[256];
    qea_study_config *c = read_with(ORIGINAL, overrides, 1);
    assert_string_equal(qea_study_config_where(c, "nas.search_algorithm.policy.length", place, sizeof place),
                        ORIGINAL ":17:21: nas.search_algorithm.policy.length");
    assert_string_equal(qea_study_config_where(c, "nas.search_algorithm.policy.num_generation", place, sizeof place),
                        "--set nas.search_algorithm.policy.num_generation");
    assert_string_equal(qea_study_config_where(c, "fully_train.dataset.common.data_path", place, sizeof place),
                        ORIGINAL ":10:29: fully_train.dataset.common.data_path"); /* taken over from there */
    assert_string_equal(qea_study_config_where(c, "nas.dataset.common.image_size", place, sizeof place),
                        ORIGINAL ":10:17: nas.dataset.common.image_size"); /* not given: its section */
    qea_study_config_destroy(c);
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) skip();
    qea_study_config *c = read_with(ORIGINAL, NULL, 0);
    assert_true(c->nas_recipe.optimizer.lr == 0.1);
    qea_study_config_destroy(c);
    setlocale(LC_ALL, "C");
}

static void names_in_the_table_are_those_of_the_library(void **state) {
    (void)state;
    char text[256], types[256] = "";
    for (const char *const *type = qea_dataset_types(); *type != NULL; type++) {
        (void)snprintf(text, sizeof text, "nas: {dataset: {type: %s, common: {data_path: x}}}", *type);
        qea_study_config_destroy(parse(text));
        (void)snprintf(types + strlen(types), sizeof types - strlen(types), "%s ", *type);
    }
    assert_string_equal(types, "Cifar10 Cifar100 Mnist FashionMnist ImageFolder Arrays ");
    for (int i = 0; qea_quantizer_name(i) != NULL; i++) {
        (void)snprintf(
            text, sizeof text,
            "nas: {dataset: {common: {data_path: x}}, search_space: {bit_candidates: [1], quantizer: {weight: "
            "%s, activation: %s}}}",
            qea_quantizer_name(i), qea_quantizer_name(i));
        qea_study_config *c = parse(text);
        assert_int_equal(c->weight_quantizer, i);
        assert_int_equal(c->activation_quantizer, i);
        qea_study_config_destroy(c);
    }
}

static int make(void **state) {
    (void)state;
    ctx = qea_context_create();
    return ctx == NULL;
}

static int end(void **state) {
    (void)state;
    qea_context_destroy(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_file_means_what_it_meant),
        cmocka_unit_test(the_original_recipes_and_data_are_merged_through_ref),
        cmocka_unit_test(one_warning_names_all_keys_without_meaning),
        cmocka_unit_test(the_warning_names_keys_without_effect_but_not_those_that_a_ref_brought),
        cmocka_unit_test(the_older_backbone_is_accepted),
        cmocka_unit_test(overrides_reach_the_full_training_through_ref),
        cmocka_unit_test(a_star_sets_every_step_that_the_file_has),
        cmocka_unit_test(a_ref_never_takes_over_what_the_original_leaves_out),
        cmocka_unit_test(another_type_is_not_merged_with_the_first),
        cmocka_unit_test(schedules_and_optimisers_have_their_own_defaults),
        cmocka_unit_test(own_additions_are_read),
        cmocka_unit_test(default_baselines_leave_out_what_the_quantiser_lacks),
        cmocka_unit_test(the_saved_tree_reads_back_to_the_same_configuration),
        cmocka_unit_test(the_order_of_keys_does_not_matter),
        cmocka_unit_test(a_key_has_a_place_for_later_messages),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(names_in_the_table_are_those_of_the_library),
    };
    return cmocka_run_group_tests(tests, make, end);
}
