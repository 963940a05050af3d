/* tests/study/small_run.h: the command from outside: a folder with small made images and a configuration that is done
 * in a second or two. */
#ifndef TESTS_STUDY_SMALL_RUN_H
#define TESTS_STUDY_SMALL_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/safetensors.h"

enum { SIDE = 8, CLASSES = 4, TRAIN = 320, TEST = 96 };

static char folder[] = "/tmp/quantea-run-XXXXXX";
static const char *command;

static const char config_text[] =
    "general: {seed: 5}\n"
    "pipeline: [nas, fully_train]\n"
    "nas:\n"
    "    dataset:\n"
    "        type: Arrays\n"
    "        common: {data_path: %s/data, train_portion: 0.8}\n"
    "        train: {batch_size: 32}\n"
    "    search_algorithm:\n"
    "        type: QuantEA\n"
    "        policy: {num_generation: 2, num_individual: 4, random_samples: 6}\n"
    "        screening: 3\n"
    "        objective_keys: [accuracy, flops]\n"
    "    search_space:\n"
    "        bit_candidates: [2, 4]\n"
    "        backbone: {type: ResNetGeneral, num_blocks: [1, 1], base_channel: 4, stage: 2}\n"
    "    trainer:\n"
    "        epochs: 1\n"
    "        optimizer: {type: SGD, params: {lr: 0.1, momentum: 0.9, weight_decay: !!float 1e-4}}\n"
    "fully_train:\n"
    "    dataset: {ref: nas.dataset, common: {train_portion: 1.0}}\n"
    "    trainer: {ref: nas.trainer, epochs: 6}\n"
    "    max_models: 3\n"
    "    baselines: [[4, 4], [32, 32]]\n";

/* Class k: a bright square in quarter k, with noise. */
static inline void make_part(const char *name, uint32_t stream, size_t count) {
    static uint8_t x[TRAIN * SIDE * SIDE];
    static int64_t y[TRAIN];
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, stream, 0);
    for (size_t i = 0; i < count; i++) {
        y[i] = (int64_t)(i % CLASSES);
        for (size_t p = 0; p < SIDE * SIDE; p++) {
            size_t quarter = (p / SIDE >= SIDE / 2 ? 2u : 0u) + (p % SIDE >= SIDE / 2 ? 1u : 0u);
            uint32_t noise = qea_rng_below(&rng, i * SIDE * SIDE + p, 120);
            x[i * SIDE * SIDE + p] = (uint8_t)(noise + ((int64_t)quarter == y[i] ? 90 : 0));
        }
    }
    const qea_st_tensor tensors[] = {{.name = (char *)(uintptr_t) "x",
                                      .type = QEA_ST_U8,
                                      .rank = 4,
                                      .dims = {count, SIDE, SIDE, 1},
                                      .bytes = count * SIDE * SIDE,
                                      .data = x},
                                     {.name = (char *)(uintptr_t) "y",
                                      .type = QEA_ST_I64,
                                      .rank = 1,
                                      .dims = {count},
                                      .bytes = count * 8,
                                      .data = (const uint8_t *)y}};
    char path[256];
    (void)snprintf(path, sizeof path, "%s/data/%s.safetensors", folder, name);
    assert_int_equal(qea_st_write(NULL, path, tensors, 2, NULL, NULL, 0), QEA_OK);
}

static inline int set_up(void **state) {
    (void)state;
    char path[256], text[4096];
    command = getenv("QEA_COMMAND");
    if (command == NULL || mkdtemp(folder) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/data", folder);
    if (qea_folder_make(NULL, path) != QEA_OK) return -1;
    make_part("train", 0, TRAIN);
    make_part("test", 1, TEST);
    (void)snprintf(path, sizeof path, "%s/config.yml", folder);
    int size = snprintf(text, sizeof text, config_text, folder);
    return qea_file_write(NULL, path, text, (size_t)size) == QEA_OK ? 0 : -1;
}

static inline int tear_down(void **state) {
    (void)state;
    char line[256];
    (void)snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

/* Runs the command; its output goes to FOLDER/out. Returns the exit code, 1000 + signal. */
static inline int run(const char *before, const char *arguments) {
    char line[4096];
    (void)snprintf(line, sizeof line, "cd %s && %s %s %s >out 2>&1", folder, before, command, arguments);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Standard output alone goes to FOLDER/name. */
static inline int run_to(const char *name, const char *arguments) {
    char line[4096];
    (void)snprintf(line, sizeof line, "cd %s && %s %s >%s", folder, command, arguments, name);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline char *slurp(const char *relative) {
    char path[512];
    uint8_t *bytes;
    size_t size;
    (void)snprintf(path, sizeof path, "%s/%s", folder, relative);
    if (qea_file_read(NULL, path, 1 << 24, &bytes, &size) != QEA_OK) fail_msg("%s is missing", relative);
    return (char *)bytes;
}

static inline void assert_output_has(const char *text) {
    char *out = slurp("out");
    if (strstr(out, text) == NULL) fail_msg("no '%s' in: %s", text, out);
    qea_free(out);
}

/* The number behind `words` in a file. */
static inline long long number_behind(const char *file, const char *words) {
    char *text = slurp(file);
    size_t at = 0, length = strlen(words);
    while (text[at] != '\0' && strncmp(text + at, words, length) != 0) at++;
    if (text[at] == '\0') fail_msg("no '%s' in: %s", words, text);
    long long number = strtoll(text + at + length, NULL, 10);
    qea_free(text);
    return number;
}

static inline void assert_same_results(const char *task_a, const char *task_b) {
    static const char *const files[] = {"nas/trials.csv", "nas/front.json", "fully_train/results.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char a[128], b[128];
        (void)snprintf(a, sizeof a, "tasks/%s/output/%s", task_a, files[i]);
        (void)snprintf(b, sizeof b, "tasks/%s/output/%s", task_b, files[i]);
        char *text_a = slurp(a), *text_b = slurp(b);
        assert_string_equal(text_a, text_b);
        qea_free(text_a);
        qea_free(text_b);
    }
}

/* And the task `plain`, which has ended. */
static inline int set_up_with_task(void **state) {
    return set_up(state) == 0 && run("", "run config.yml -t plain --set general.workers=2") == 0 ? 0 : -1;
}

/* Runs the command until the task's log tells of `trials` finished ones, then sends the signal. Returns the exit code
 * as a shell sees it: 128 + signal where the signal ended it. */
static inline int run_and_signal(const char *arguments, const char *task, int trials, const char *signal) {
    char line[4096];
    (void)snprintf(line, sizeof line,
                   "cd %s && { %s %s >out 2>&1 & p=$!; "
                   "until [ \"$(grep -c ' done: ' tasks/%s/logs/pipeline.log 2>/dev/null)\" -ge %d ] 2>/dev/null; do "
                   "kill -0 $p 2>/dev/null || break; sleep 0.01; done; kill -%s $p 2>/dev/null; wait $p; }",
                   folder, command, arguments, task, trials, signal);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
