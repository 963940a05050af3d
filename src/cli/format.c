#include "cli/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *qea_format_duration(double seconds, char text[QEA_SHORT_TEXT]) {
    long s = isfinite(seconds) && seconds >= 0 && seconds < 1e8 ? (long)(seconds + 0.5) : -1;
    if (s < 0)
        (void)snprintf(text, QEA_SHORT_TEXT, "-");
    else if (s < 3600)
        (void)snprintf(text, QEA_SHORT_TEXT, "%ld:%02ld", s / 60, s % 60);
    else
        (void)snprintf(text, QEA_SHORT_TEXT, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return text;
}

const char *qea_format_objective(const qea_study_objective *objective, double value, char text[QEA_SHORT_TEXT]) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    bool bytes = strcmp(objective->unit, "B") == 0;
    int prefix = 0;
    if (!bytes)
        while (prefix < 4 && strcmp(prefixes[prefix], objective->unit) != 0) prefix++;
    if (isnan(value)) {
        (void)snprintf(text, QEA_SHORT_TEXT, "-");
    } else if (strcmp(objective->name, "accuracy") == 0) {
        (void)snprintf(text, QEA_SHORT_TEXT, "%.2f %%", 100 * value);
    } else {
        for (; prefix < 5 && fabs(value) >= 9999.5; prefix++) value /= 1000;
        for (; prefix > 0 && fabs(value) < 0.1 && value != 0; prefix--) value *= 1000;
        (void)snprintf(text, QEA_SHORT_TEXT, "%.4g%s%s", value, prefixes[prefix], bytes ? "B" : "");
    }
    return text;
}

const char *qea_format_step(const char *step) {
    static const char *const names[][2] = {{"nas", "search"},
                                           {"float", "float network"},
                                           {"supernet", "supernet"},
                                           {"prediction", "ranking"},
                                           {"agreement", "separate training"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], step) == 0) return names[i][1];
    return "full training";
}

const char *qea_format_condition(const qea_study_progress *progress) {
    if (progress->event != QEA_STUDY_STATE) return NULL;
    return progress->condition == QEA_STUDY_RUNNING    ? "running"
           : progress->condition == QEA_STUDY_FINISHED ? "finished"
                                                       : "stopped";
}

/* --- events --- */

typedef struct line_text {
    char *text;
    size_t size, used;
} line_text;

static void put(line_text *line, const char *format, ...) QEA_PRINTF(2, 3);
static void put(line_text *line, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line->text + line->used, line->size - line->used, format, list);
    va_end(list);
    if (length > 0) line->used += (size_t)length;
    if (line->used >= line->size) line->used = line->size - 1;
}

static void put_bits(line_text *line, const char *letter, const uint8_t *bits, size_t count) {
    put(line, " %s", letter);
    for (size_t i = 0; i < count; i++) put(line, "%s%d", i > 0 ? "-" : "", bits[i]);
}

static void put_values(line_text *line, const qea_study_progress *p) {
    char text[QEA_SHORT_TEXT];
    for (size_t i = 0; i < p->num_objectives; i++)
        put(line, "%s%s %s", i > 0 ? ", " : "", p->objectives[i].name,
            qea_format_objective(&p->objectives[i], p->trial->objectives[i], text));
    if (p->trial->front) put(line, ", on the front");
}

static void put_best(line_text *line, const qea_study_progress *p) {
    char text[QEA_SHORT_TEXT];
    for (size_t i = 0; i < p->num_objectives; i++)
        put(line, "%s%s %s", i > 0 ? ", " : "best ", p->objectives[i].name,
            qea_format_objective(&p->objectives[i], p->objectives[i].best, text));
    if (!isnan(p->hypervolume)) put(line, ", hypervolume %.4f", p->hypervolume);
}

static void put_pace(line_text *line, const qea_study_progress *p) {
    char text[QEA_SHORT_TEXT];
    if (p->images_per_s > 0) put(line, "; %.0f images/s", p->images_per_s);
    if (!isnan(p->eta_s)) put(line, "; time left %s", qea_format_duration(p->eta_s, text));
}

static void put_trial(line_text *line, const qea_study_progress *p, bool verbose) {
    if (p->trial == NULL) return;
    put(line, "trial %" PRIu64, p->trial->id);
    if (!verbose) return;
    put(line, " (%s,", p->trial->label);
    put_bits(line, "w", p->trial->weight_bits, p->trial->num_layers);
    put_bits(line, "a", p->trial->activation_bits, p->trial->num_layers);
    put(line, ")");
}

bool qea_format_event(const qea_study_progress *p, bool verbose, char *text, size_t size) {
    line_text line = {text, size, 0};
    text[0] = '\0';
    if (p->step == NULL) return false;
    put(&line, "%s %zu/%zu: ", p->step, p->done + p->failed, p->total);
    char time[QEA_SHORT_TEXT];
    switch (p->event) {
    case QEA_STUDY_STEP_BEGUN:
        put(&line, "%s of %zu trials", qea_format_step(p->step), p->total);
        return true;
    case QEA_STUDY_TRIAL_STARTED:
        put_trial(&line, p, verbose);
        put(&line, " started");
        if (p->trial->attempt > 1) put(&line, ", attempt %d", p->trial->attempt);
        return verbose;
    case QEA_STUDY_TRIAL_DONE:
        put_trial(&line, p, verbose);
        put(&line, " done: ");
        put_values(&line, p);
        put_pace(&line, p);
        return true;
    case QEA_STUDY_TRIAL_FAILED:
        put_trial(&line, p, verbose);
        put(&line, " failed: %s", p->text);
        return true;
    case QEA_STUDY_NOTE:
        put_trial(&line, p, false);
        put(&line, ": %s", p->text);
        return true;
    case QEA_STUDY_STEP_ENDED:
        put(&line, "%s ended after %s: ", qea_format_step(p->step), qea_format_duration(p->elapsed_s, time));
        put_best(&line, p);
        return true;
    case QEA_STUDY_STATE:
        put(&line, "%s; ", p->text != NULL ? p->text : qea_format_condition(p));
        put_best(&line, p);
        put_pace(&line, p);
        return true;
    default:
        return false;
    }
}
