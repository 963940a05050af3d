/* Several tasks beside each other: what is common, what differs, and the table for the terminal. */
#include "report/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/parts.h"

static bool has_objective(const qea_report_step *step, const char *key) {
    for (size_t i = 0; i < step->num_objectives; i++)
        if (strcmp(step->objectives[i], key) == 0) return true;
    return false;
}

size_t qea_report_common_objectives(const qea_report_comparison *all, const char *keys[QEA_REPORT_MAX_OBJECTIVES]) {
    const qea_report_step *first = all->pages[0]->search;
    size_t count = 0;
    for (size_t i = 0; i < first->num_objectives && count < QEA_REPORT_MAX_OBJECTIVES; i++) {
        bool common = true;
        for (size_t t = 1; t < all->count; t++)
            common = common && has_objective(all->pages[t]->search, first->objectives[i]);
        if (common) keys[count++] = first->objectives[i];
    }
    return count;
}

bool qea_report_same_box(const qea_report_comparison *all) {
    const json_t *box = all->pages[0]->search->box;
    for (size_t t = 0; t < all->count; t++)
        if (all->pages[t]->search->box == NULL || json_equal(box, all->pages[t]->search->box) == 0) return false;
    return true;
}

static bool same_objectives(const qea_report_comparison *all) {
    const char *keys[QEA_REPORT_MAX_OBJECTIVES];
    size_t common = qea_report_common_objectives(all, keys);
    for (size_t t = 0; t < all->count; t++)
        if (all->pages[t]->search->num_objectives != common) return false;
    return true;
}

/* Does anything differ whose name begins so? */
static bool differs(const qea_report_comparison *all, const char *beginning) {
    for (size_t i = 0; i < all->num_differences; i++)
        if (strncmp(all->differences[i].name, beginning, strlen(beginning)) == 0) return true;
    return false;
}

static bool differs_in_data(const qea_report_comparison *all, const char *part) {
    char search[64], full[64];
    (void)snprintf(search, sizeof search, "nas.dataset.%s", part);
    (void)snprintf(full, sizeof full, "fully_train.dataset.%s", part);
    return differs(all, search) || differs(all, full);
}

const char *qea_report_warning(const qea_report_comparison *all, size_t index) {
    const struct {
        bool holds;
        const char *sentence;
    } warnings[] = {
        {differs(all, "data") || differs_in_data(all, "type") || differs_in_data(all, "common") ||
             differs_in_data(all, "val") || differs_in_data(all, "test"),
         "The settings of the data differ: accuracies may have been measured on different images."},
        {differs_in_data(all, "train"), "The settings of the training images differ."},
        {differs(all, "network") || differs(all, "nas.search_space"),
         "The networks or the candidate bits differ: equal bits may cost differently."},
        {!same_objectives(all), "The searches had different objectives: only those in common are drawn."},
        {differs(all, "nas.trainer"), "The trials of the searches were trained differently."},
        {differs(all, "fully_train.trainer"), "The full trainings differ."},
        {differs(all, "version") || differs(all, "instruction set") || differs(all, "convolution library"),
         "Versions or instruction sets differ: equal configurations and seeds need not give equal numbers."},
    };
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
        if (warnings[i].holds && index-- == 0) return warnings[i].sentence;
    return NULL;
}

qea_report_budget qea_report_budget_of(const qea_report_step *step) {
    qea_report_budget budget = {.expected = step->expected > step->count ? step->expected : step->count};
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        budget.done += model->done;
        budget.failed += !model->done && !model->waiting;
        budget.front += model->on_front;
        budget.seconds += model->runtime_s;
        budget.images += json_number_value(json_object_get(model->performance, "train_images"));
    }
    if (!(budget.images > 0)) budget.images = NAN;
    return budget;
}

/* NaN: there is nothing to add. */
static double plus(double a, double b) { return isnan(a) ? b : isnan(b) ? a : a + b; }

qea_report_budget qea_report_search_budget(const qea_report_page *page) {
    qea_report_budget budget = qea_report_budget_of(page->search);
    for (size_t i = 0; i < page->num_steps; i++) {
        const char *name = page->steps[i]->name;
        if (strcmp(name, "float") != 0 && strcmp(name, "supernet") != 0) continue;
        const qea_report_budget before = qea_report_budget_of(page->steps[i]);
        budget.images = plus(budget.images, before.images);
        budget.seconds += before.seconds;
    }
    return budget;
}

const qea_report_step *qea_report_shown_step(const qea_report_page *page) {
    for (size_t i = 0; i < page->full->count; i++)
        if (page->full->models[i].done) return page->full;
    return page->search;
}

static int by_falling_accuracy(const void *x, const void *y) {
    const qea_compared *a = x, *b = y;
    double p = qea_report_accuracies(a->model).mean, q = qea_report_accuracies(b->model).mean;
    if (p != q) return p > q ? -1 : 1;
    if (a->task != b->task) return a->task < b->task ? -1 : 1;
    return a->model->id < b->model->id ? -1 : a->model->id > b->model->id;
}

qea_status qea_report_compared(qea_context *ctx, const qea_report_comparison *all, qea_compared **out, size_t *count) {
    size_t most = 1;
    *count = 0;
    for (size_t t = 0; t < all->count; t++) most += qea_report_shown_step(all->pages[t])->count;
    QEA_TRY(QEA_NEW(ctx, "models", *out, most));
    for (size_t t = 0; t < all->count; t++) {
        const qea_report_step *step = qea_report_shown_step(all->pages[t]);
        for (size_t i = 0; i < step->count; i++)
            if (step->models[i].done && (step == all->pages[t]->full || step->models[i].on_front) &&
                isfinite(qea_report_value(&step->models[i], "accuracy")))
                (*out)[(*count)++] = (qea_compared){t, &step->models[i]};
    }
    qsort(*out, *count, sizeof **out, by_falling_accuracy);
    return QEA_OK;
}

/* --- on the terminal --- */

static void put_budget_rows(qea_text *out, const qea_report_comparison *all) {
    qea_text_put(out,
                 "  task                  trials failed train images   time s  front  hypervolume %  models trained\n");
    for (size_t t = 0; t < all->count; t++) {
        const qea_report_page *page = all->pages[t];
        qea_report_budget search = qea_report_search_budget(page), full = qea_report_budget_of(page->full);
        qea_text_printf(out, "  %-20s %7zu %6zu", page->task, search.done, search.failed);
        qea_report_put_fixed(out, plus(search.images, full.images), 0, 13);
        qea_report_put_fixed(out, search.seconds + full.seconds, 1, 9);
        qea_text_printf(out, " %6zu", search.front);
        qea_report_put_fixed(out, 100 * page->search->hypervolume, 2, 15);
        qea_text_printf(out, " %15zu\n", full.done);
    }
}

static void put_model_row(qea_text *out, const qea_report_comparison *all, const qea_compared *row) {
    char name[48];
    double low, high, accuracy = qea_report_value(row->model, "accuracy");
    qea_report_model_name(row->model, name);
    qea_wilson_interval(accuracy, qea_report_value(row->model, "images"), &low, &high);
    qea_text_printf(out, "  %-20s %-20s", all->pages[row->task]->task, name);
    qea_report_put_fixed(out, 100 * accuracy, 2, 8);
    qea_text_put(out, "  [");
    qea_report_put_fixed(out, 100 * low, 2, 5);
    qea_text_put(out, ", ");
    qea_report_put_fixed(out, 100 * high, 2, 5);
    qea_text_put(out, "]");
    qea_report_put_fixed(out, qea_report_value(row->model, "flops"), 3, 10);
    qea_report_put_fixed(out, qea_report_value(row->model, "weight_bytes") / 1000, 2, 11);
    qea_text_put(out,
                 qea_report_shown_step(all->pages[row->task]) == all->pages[row->task]->full ? "\n" : "  search\n");
}

static void put_difference(qea_text *out, const qea_report_comparison *all, const qea_report_difference *row) {
    qea_text_printf(out, "  %s:", row->name);
    for (size_t t = 0; t < all->count; t++)
        qea_text_printf(out, "%s %s", t > 0 ? " |" : "", row->values[t] != NULL ? row->values[t] : "-");
    qea_text_put(out, "\n");
}

qea_status qea_report_comparison_table(qea_context *ctx, const qea_report_comparison *all, qea_text *out) {
    qea_compared *rows;
    size_t count;
    QEA_TRY(qea_report_compared(ctx, all, &rows, &count));
    put_budget_rows(out, all);
    qea_text_put(out, "\n  task                 model                 top-1 %  95 % interval   flops M  weight kB\n");
    for (size_t i = 0; i < count; i++) put_model_row(out, all, &rows[i]);
    qea_free(rows);
    qea_text_put(out, all->num_differences > 0 ? "\n  what differs\n" : "\n  nothing differs but the tasks' names\n");
    for (size_t i = 0; i < all->num_differences; i++) put_difference(out, all, &all->differences[i]);
    if (!qea_report_same_box(all))
        qea_text_put(out, "  hypervolumes are shares of different boxes, and not to be compared\n");
    for (size_t i = 0;; i++) {
        const char *warning = qea_report_warning(all, i);
        if (warning == NULL) break;
        qea_text_printf(out, "  %s\n", warning);
    }
    return QEA_OK;
}
