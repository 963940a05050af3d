/* tests/report/page_fixture.h: a page of made-up records: trials of every kind, models with training curves, hostile
 * text. */
#ifndef QEA_TESTS_REPORT_PAGE_FIXTURE_H
#define QEA_TESTS_REPORT_PAGE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/html.h"

enum { LAYERS = 3, TRIALS = 6, MODELS = 3 };

static const uint8_t bits_mixed[] = {2, 8, 4}, bits_4[] = {4, 4, 4}, bits_8[] = {8, 8, 8};
static const char *const objectives[] = {"accuracy", "flops", "weight_bytes"};
static const char hostile[] = "<script>alert(1)</script>\"'&\x01";

typedef struct fixture {
    char path[64];
    qea_context *ctx;
    qea_report_model trials[TRIALS], models[MODELS];
    qea_report_step search, full;
    const qea_report_step *steps[2];
    qea_report_layer layers[LAYERS];
    qea_report_fact facts[2];
    qea_report_page page;
    json_t *box;
} fixture;

static inline json_t *performance(double accuracy, double flops) {
    return json_pack("{s:f, s:f, s:f, s:f, s:i}", "accuracy", accuracy, "flops", flops, "params", 10.0, "weight_bytes",
                     1000 * flops, "images", 1000);
}

/* Three epochs; nothing was validated behind the second. */
static inline json_t *training_curve(double loss) {
    return json_pack("{s:[i,i,i], s:[f,f,f], s:[f,f,f], s:[f,n,f]}", "epoch", 1, 2, 3, "train_loss", 4 * loss, 2 * loss,
                     loss, "train_accuracy", 0.25, 0.5, 0.625, "val_accuracy", 0.25, 0.375);
}

static inline qea_report_model model(uint64_t id, const char *label, const uint8_t *bits, double accuracy,
                                     double flops) {
    qea_report_model m = {.id = id, .label = label, .num_layers = LAYERS, .weight_bits = bits, .activation_bits = bits};
    m.epochs = 1;
    m.mean_weight_bits = m.mean_activation_bits = 4;
    m.done = accuracy > 0;
    if (m.done) m.performance = performance(accuracy, flops);
    return m;
}

static inline void fill(fixture *f) {
    f->trials[0] = model(1, "uniform", bits_4, 0.5, 1);
    f->trials[1] = model(2, "uniform", bits_8, 0.6, 4);
    f->trials[2] = model(3, "child", bits_mixed, 0.625, 1.5);
    f->trials[3] = model(4, hostile, bits_mixed, 0.4, 2);
    f->trials[4] = model(5, "random", bits_mixed, 0, 0);
    f->trials[5] = model(6, "random", bits_mixed, 0, 0);
    f->trials[0].on_front = f->trials[2].on_front = true;
    f->trials[4].reason = hostile;
    f->trials[5].waiting = true;
    f->models[0] = model(3, "front", bits_mixed, 0.75, 1.5);
    f->models[0].source = 3;
    f->models[0].model_path = hostile;
    f->models[1] = model(7, "baseline", bits_4, 0.5, 1.25);
    f->models[2] = model(8, "baseline", bits_8, 0.7125, 4);
    for (int i = 0; i < MODELS; i++)
        json_object_set_new((json_t *)(uintptr_t)f->models[i].performance, "curve", training_curve(0.125 * (i + 1)));
    f->models[0].started_s = 1.0e9;
    f->models[0].ended_s = 1.0e9 + 90;
    f->layers[0] = (qea_report_layer){"first", 100, 10};
    f->layers[1] = (qea_report_layer){hostile, 300, 20};
    f->layers[2] = (qea_report_layer){"last", 100, 70};
    static const double volumes[TRIALS] = {0.1, 0.25, 0.35, 0.35, 0.35, 0.35};
    for (int i = 0; i < TRIALS; i++) f->trials[i].hypervolume = volumes[i];
    f->box = json_pack("{s:[f,f], s:[f,f]}", "accuracy", 0.1, 1.0, "flops", 1.0, 5.0);
    f->search = (qea_report_step){.name = "nas",
                                  .objectives = objectives,
                                  .num_objectives = 2,
                                  .models = f->trials,
                                  .count = TRIALS,
                                  .expected = 10,
                                  .hypervolume = 0.35,
                                  .box = f->box};
    f->full = (qea_report_step){.name = "fully_train",
                                .objectives = objectives,
                                .num_objectives = 2,
                                .models = f->models,
                                .count = MODELS,
                                .expected = MODELS};
    f->facts[0] = (qea_report_fact){"seed", "5"};
    f->facts[1] = (qea_report_fact){hostile, hostile};
    f->page = (qea_report_page){.task = hostile, .search = &f->search, .full = &f->full, .layers = f->layers};
    f->steps[0] = &f->search;
    f->steps[1] = &f->full;
    f->page.steps = f->steps;
    f->page.num_steps = 2;
    f->page.num_layers = LAYERS;
    f->page.facts = f->facts;
    f->page.num_facts = 2;
    f->page.config = hostile;
    f->page.command = "quantea run 'a&b'";
}

static inline int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) return -1;
    (void)snprintf(f->path, sizeof f->path, "/tmp/quantea-html-%ld.html", (long)getpid());
    f->ctx = qea_context_create();
    fill(f);
    *state = f;
    return 0;
}

static inline int tear_down(void **state) {
    fixture *f = *state;
    for (int i = 0; i < TRIALS; i++) json_decref((json_t *)(uintptr_t)f->trials[i].performance);
    for (int i = 0; i < MODELS; i++) json_decref((json_t *)(uintptr_t)f->models[i].performance);
    json_decref(f->box);
    (void)unlink(f->path);
    qea_context_destroy(f->ctx);
    free(f);
    return 0;
}

/* The file of the page; owned by the caller. Not inlined: gcc 12 then takes `bytes` for dangling. */
__attribute__((noinline, unused)) static char *read_page(const fixture *f) {
    uint8_t *bytes = NULL;
    size_t size;
    assert_int_equal(qea_file_read(f->ctx, f->path, 1 << 20, &bytes, &size), QEA_OK);
    char *text = (char *)bytes;
    assert_int_equal(strlen(text), size);
    return text;
}

static inline char *written(fixture *f) {
    assert_int_equal(qea_report_write_html(f->ctx, &f->page, f->path), QEA_OK);
    return read_page(f);
}

#endif
