/* What is wrong in a configuration is named: file, line, column, key, what was found, what is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/config.h"

#define ORIGINAL "tests/study/quant_ea.yml"
#define DATA "dataset: {common: {data_path: x}}"

static qea_context *ctx;

/* Each wrong text, and what the message must say of it. */
typedef struct wrong_text {
    const char *text, *message;
} wrong_text;

static void check_texts(const wrong_text *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        qea_study_config *config = NULL;
        const char *text = cases[i].text;
        qea_status status = qea_study_config_parse(ctx, "t.yml", text, strlen(text), NULL, 0, &config);
        if (status != QEA_ERR_CONFIG) fail_msg("accepted, or another status (%d): %s", (int)status, text);
        assert_null(config);
        if (strstr(qea_context_message(ctx), cases[i].message) == NULL)
            fail_msg("'%s' is not in '%s'", cases[i].message, qea_context_message(ctx));
    }
}

#define CHECK_TEXTS(...)                                                                                               \
    do {                                                                                                               \
        const wrong_text cases_[] = {__VA_ARGS__};                                                                     \
        check_texts(cases_, sizeof cases_ / sizeof *cases_);                                                           \
    } while (0)

/* The same for the original's file with one override. */
static void check_override(const char *key, const char *value, qea_status expected, const char *message) {
    qea_study_config *config = NULL;
    qea_config_override override = {key, value, QEA_SET_YAML};
    qea_status status = qea_study_config_read(ctx, ORIGINAL, &override, 1, &config);
    if (status != expected) fail_msg("--set %s=%s: status %d", key, value, (int)status);
    if (strstr(qea_context_message(ctx), message) == NULL)
        fail_msg("'%s' is not in '%s'", message, qea_context_message(ctx));
    qea_study_config_destroy(config);
}

static void unknown_keys_name_the_nearest_known_one(void **state) {
    (void)state;
    CHECK_TEXTS(
        {"nas:\n  trainer:\n    epoch: 3\n", "t.yml:3: nas.trainer.epoch: not a known key; did you mean 'epochs'?"},
        {"nas:\n  epochs: 3\n", "t.yml:2: nas.epochs: not a known key; did you mean 'nas.trainer.epochs'?"},
        {"nass: {}\n", "t.yml:1: nass: not a known key; did you mean 'nas'?"},
        {"general: {Seed: 3}\n", "did you mean 'seed'?"},
        {"fully_train: {trainer: {zzzzzz: 3}}\n", "allowed here: type, epochs, seed"},
        {"nas: {search_space: {layers: {a: {weight: [8]}}}, " DATA "}", "not a known key, allowed here: weight_bits"});
}

static void a_doubled_key_is_refused(void **state) {
    (void)state;
    CHECK_TEXTS({"nas: {}\nnas: {}\n", "t.yml:2"}, {"nas: {trainer: {epochs: 1,\n epochs: 2}}", "'epochs'"});
}

static void values_of_a_wrong_type_are_refused(void **state) {
    (void)state;
    CHECK_TEXTS({"nas: {" DATA ", trainer: {epochs: many}}",
                 "t.yml:1:60: nas.trainer.epochs: found 'many', allowed: an integer"},
                {"nas: {" DATA ", trainer: {epochs: 1.5}}", "found '1.5', allowed: an integer from 1 to 1000000"},
                {"nas: {" DATA ", trainer: {epochs: '3'}}", "allowed: an integer"},
                {"nas: {" DATA ", trainer: {epochs: [3]}}", "found a list of 1"},
                {"nas: {" DATA ", trainer: {save_weight: 3}}", "found '3', allowed: true or false"},
                {"nas: {" DATA ", trainer: {optimizer: SGD}}", "found 'SGD', allowed: a section"},
                {"nas: {" DATA ", trainer: {optimizer: {params: {lr: nan}}}}", "allowed: a number from 1e-12 to 1000"},
                {"nas: {dataset: {common: {data_path: [a]}}}", "found a list of 1, allowed: a text"},
                {"nas: [1]", "found a list of 1, allowed: a section"},
                {"nas: {" DATA ", search_space: {bit_candidates: {a: 1}}}", "found a map"},
                {"nas: {dataset: {common: {data_path: x}, train: {transforms: 5}}}", "a list of {type: RandomCrop"},
                {"5", "found no sections"}, {"[nas]", "found no sections"},
                {"general: {seed: 1}", "found neither a section nas nor"});
}

static void values_out_of_range_are_refused(void **state) {
    (void)state;
    CHECK_TEXTS(
        {"nas: {" DATA ", trainer: {epochs: 0}}", "allowed: an integer from 1"},
        {"nas: {" DATA ", trainer: {epochs: 99999999999999999999}}", "allowed: an integer from 1"},
        {"nas: {" DATA ", trainer: {seed: -1}}", "allowed: an integer from 0"},
        {"nas: {" DATA ", trainer: {optimizer: {params: {momentum: 1}}}}", "allowed: a number from 0 to 0.999999"},
        {"nas: {dataset: {common: {data_path: x, train_portion: 0}}}", "allowed: a number from 1e-06 to 1"},
        {"nas: {" DATA ", search_algorithm: {policy: {num_individual: 0}}}", "allowed: an integer from 1"},
        {"nas: {" DATA ", search_algorithm: {policy: {random_samples: 8}}}",
         "found 8, allowed: at least num_individual, which is 16"},
        {"nas: {" DATA ", search_space: {backbone: {base_depth: 19}}}", "found '19', allowed: one of 18, 20"},
        {"general: {workers: 0}\nnas: {" DATA "}", "allowed: auto or an integer"},
        {"general: {task: {task_id: a/b}}\nnas: {" DATA "}", "found 'a/b', allowed: letters"});
}

static void lists_that_are_not_right_are_refused(void **state) {
    (void)state;
    CHECK_TEXTS(
        {"nas: {" DATA ", search_space: {bit_candidates: []}}", "found an empty list"},
        {"nas: {" DATA ", search_space: {bit_candidates: [4, 4]}}", "each once"},
        {"nas: {" DATA ", search_space: {bit_candidates: [9]}}",
         "found '9', allowed: a list of bits, each once: 0 to 8, 16, 32"},
        {"nas: {" DATA ", search_space: {quantizer: {weight: xnor}}}", "found 4 bits, which xnor does not permit"},
        {"nas: {" DATA ", search_algorithm: {objective_keys: []}}", "found an empty list"},
        {"nas: {" DATA ", search_algorithm: {objective_keys: [flops, flops]}}", "each once"},
        {"nas: {" DATA ", trainer: {limits: {flop_range: [2, 1]}}}", "found a lowest value above the highest"},
        {"nas: {" DATA ", trainer: {limits: {flop_range: [1]}}}", "allowed: [lowest, highest]"},
        {"nas: {" DATA ", trainer: {lr_scheduler: {type: MultiStepLR, params: {milestones: [5, 3]}}}}", "ascending"},
        {"nas: {" DATA ", trainer: {lr_scheduler: {type: MultiStepLR}}}", "MultiStepLR needs params.milestones"},
        {"nas: {" DATA "}\npipeline: [nas, nas]", "t.yml:2:17: pipeline: found 'nas'"},
        {"nas: {" DATA "}\npipeline: [fully_train]", "the file has no section of that name"},
        {"nas: {" DATA "}\npipeline: []", "found an empty list"},
        {"nas: {" DATA "}\nfully_train: {" DATA ", baselines: [[8]]}", "pairs"},
        {"nas: {" DATA "}\nfully_train: {" DATA ", baselines: [[9, 8]]}", "do not permit"});
}

static void settings_of_another_type_are_refused(void **state) {
    (void)state;
    CHECK_TEXTS({"nas: {" DATA ", trainer: {optimizer: {type: Adam, params: {momentum: 0.9}}}}",
                 "Adam has no such setting, allowed: lr, weight_decay"},
                {"nas: {" DATA ", trainer: {optimizer: {params: {betas: [0, 0]}}}}", "SGD has no such setting"},
                {"nas: {" DATA ", trainer: {optimizer: {type: sgd, params: {momentum: 0}}}}", "did you mean 'SGD'?"},
                {"nas: {" DATA ", trainer: {optimizer: {params: {nesterov: true}}}}", "found true without a momentum"},
                {"nas: {" DATA ", trainer: {lr_scheduler: {params: {gamma: 0.1}}}}", "Constant has no such setting"},
                {"nas: {" DATA ", trainer: {lr_scheduler: {type: StepLR, by_epoch: no, params: {step_size: 1}}}}",
                 "with CosineAnnealingLR only"},
                {"nas: {" DATA ", trainer: {label_smoothing: 0.1, loss: {params: {label_smoothing: 0.1}}}}",
                 "leave one of the two out"});
}

static void what_cannot_be_had_is_refused_with_its_reason(void **state) {
    (void)state;
    CHECK_TEXTS({"nas: {" DATA ", search_algorithm: {objective_keys: [accuracy, latency]}}", "not measured here"},
                {"nas: {" DATA ", trainer: {limits: {latency_range: [0, 1]}}}", "not measured here"},
                {"nas: {" DATA ", trainer: {limits: {accuracy_range: [0, 1]}}}", "known only after training"},
                {"nas: {" DATA ", trainer: {mixup: True}}", "mixup is not implemented"},
                {"nas: {" DATA ", trainer: {optimizer: {params: {dampening: 0.1}}}}", "only 0 is accepted"});
    check_override("nas.trainer.mixup", "False", QEA_OK, "");
    check_override("nas.trainer.optimizer.params.dampening", "0", QEA_OK, "");
}

static void transforms_out_of_order_or_unequal_are_refused(void **state) {
    (void)state;
    CHECK_TEXTS(
        {"nas: {dataset: {common: {data_path: x}, train: {transforms: [{type: ToTensor}, {type: RandomCrop, padding: "
         "4}]}}}",
         "in this order"},
        {"nas: {dataset: {common: {data_path: x}, train: {transforms: [{type: RandomCrop, padding: 4, fill: 1}]}}}",
         "found the key 'fill'"},
        {"nas: {dataset: {common: {data_path: x}, train: {transforms: [{type: Normalize, mean: [0, 0], std: [1]}]}}}",
         "2 means and 1 deviations"},
        {"nas: {dataset: {common: {data_path: x}, train: {transforms: [{type: Normalize, mean: [0], std: [0]}]}}}",
         "std > 0"},
        {"nas: {dataset: {common: {data_path: x}, test: {transforms: [{type: RandomHorizontalFlip}]}}}",
         "ToTensor and the training images' Normalize"},
        {"nas: {dataset: {common: {data_path: x}, train: {transforms: [{type: Normalize, mean: [0], std: [1]}]}, test: "
         "{transforms: [{type: Normalize, mean: [0.5], std: [1]}]}}}",
         "scaled as in training"});
}

static void refs_that_lead_nowhere_or_in_circles_are_refused(void **state) {
    (void)state;
    CHECK_TEXTS({"nas:\n  dataset: {ref: nas.datasets}\n",
                 "t.yml:2:18: nas.dataset.ref: found 'nas.datasets', allowed: the path of a section"},
                {"nas: {dataset: {ref: nas.dataset}}", "a part of"},
                {"nas: {dataset: {ref: fully_train.dataset}}\nfully_train: {dataset: {ref: nas.dataset}}",
                 "leads back to itself"},
                {"nas: {dataset: {ref: nas}}", "a part of"});
}

static void a_missing_value_is_named_with_its_section(void **state) {
    (void)state;
    CHECK_TEXTS(
        {"nas:\n  dataset:\n    common: {train_portion: 0.9}\n", "t.yml:3:13: nas.dataset.common.data_path: missing"},
        {"nas: {" DATA "}\nfully_train: {trainer: {ref: nas.trainer}}", "found 'nas.trainer', allowed"},
        {"nas: {" DATA "}\nfully_train: {trainer: {epochs: 2}}",
         "fully_train.dataset.common.data_path: missing, and there is no default (`ref:"});
}

static void overrides_are_named_as_such(void **state) {
    (void)state;
    check_override("nas.trainer.epochs", "x", QEA_ERR_CONFIG, "--set nas.trainer.epochs: found 'x'");
    check_override("nas.trainer.epoch", "1", QEA_ERR_CONFIG, "--set nas.trainer.epoch: not a known key; did you mean");
    check_override("nas..epochs", "1", QEA_ERR_CONFIG, "--set nas..epochs: not a path of keys");
    check_override("pipeline.x", "1", QEA_ERR_CONFIG, "'pipeline' is not a section");
    check_override("nas.trainer.epochs", "[1", QEA_ERR_CONFIG, "--set: nas.trainer.epochs:");
    check_override("nas.search_space.head.base_channel", "32", QEA_ERR_CONFIG, "found 32, allowed: 64");
}

static void a_pretrained_model_must_exist(void **state) {
    (void)state;
    check_override("fully_train.init", "pretrained", QEA_ERR_CONFIG, "does not name a model");
    check_override("fully_train.pretrained", "/x", QEA_ERR_CONFIG, "has no effect without init: pretrained");
    const char *text = "nas: {" DATA "}\nfully_train: {" DATA ", init: pretrained,\n  pretrained: /no/such/file}";
    qea_study_config *config = NULL;
    assert_int_equal(qea_study_config_parse(ctx, "t.yml", text, strlen(text), NULL, 0, &config), QEA_ERR_DATA);
    assert_string_equal(qea_context_message(ctx),
                        "t.yml:3:15: fully_train.pretrained: found '/no/such/file', but there is no such file");
}

/* 20,000 refs to one large section would be 400 million values. */
static void refs_cannot_blow_up_a_file(void **state) {
    (void)state;
    enum { MEMBERS = 20000, BYTES = 2 << 20 };
    char *text = malloc(BYTES), *end = text;
    assert_non_null(text);
    end += sprintf(end, "nas: {trainer: {callbacks: [");
    for (int i = 0; i < MEMBERS; i++) end += sprintf(end, "1,");
    end += sprintf(end, "]}}\nfully_train: {trainer: {");
    for (int i = 0; i < MEMBERS; i++) end += sprintf(end, "k%d: {ref: nas.trainer},", i);
    end += sprintf(end, "}}\n");
    qea_study_config *config = NULL;
    assert_int_equal(qea_study_config_parse(ctx, "t.yml", text, (size_t)(end - text), NULL, 0, &config),
                     QEA_ERR_CONFIG);
    assert_non_null(strstr(qea_context_message(ctx), "takes over too much"));
    free(text);
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
        cmocka_unit_test(unknown_keys_name_the_nearest_known_one),
        cmocka_unit_test(a_doubled_key_is_refused),
        cmocka_unit_test(values_of_a_wrong_type_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(lists_that_are_not_right_are_refused),
        cmocka_unit_test(settings_of_another_type_are_refused),
        cmocka_unit_test(what_cannot_be_had_is_refused_with_its_reason),
        cmocka_unit_test(transforms_out_of_order_or_unequal_are_refused),
        cmocka_unit_test(refs_that_lead_nowhere_or_in_circles_are_refused),
        cmocka_unit_test(a_missing_value_is_named_with_its_section),
        cmocka_unit_test(overrides_are_named_as_such),
        cmocka_unit_test(a_pretrained_model_must_exist),
        cmocka_unit_test(refs_cannot_blow_up_a_file),
    };
    return cmocka_run_group_tests(tests, make, end);
}
