#include "study/budget.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/pool.h"

static const char setting[] = "search seconds";
static const double save_every_s = 5, longest_grace_s = 45;

static const struct {
    char name;
    double seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
enum { NUM_UNITS = sizeof units / sizeof *units };

size_t qea_budget_trials(const qea_study_config *config) {
    size_t planned = config->random_samples + config->num_generations * config->num_individual;
    return config->max_trials > 0 && config->max_trials < planned ? config->max_trials : planned;
}

bool qea_duration_parse(const char *text, double *seconds) {
    size_t unit = 0;
    *seconds = 0;
    if (*text == '\0') return false;
    if (qea_double_parse(text, seconds)) return isfinite(*seconds) && *seconds >= 0;
    for (*seconds = 0; *text != '\0';) {
        char number[32];
        double value;
        size_t length = strspn(text, "0123456789.");
        if (length == 0 || length >= sizeof number) return false;
        memcpy(number, text, length);
        number[length] = '\0';
        while (unit < NUM_UNITS && units[unit].name != text[length]) unit++;
        if (unit == NUM_UNITS || !qea_double_parse(number, &value)) return false;
        *seconds += value * units[unit++].seconds;
        text += length + 1;
    }
    return isfinite(*seconds);
}

char *qea_duration_format(double seconds, char buffer[48]) {
    double left = round(fmin(fmax(seconds, 0), 1e9) * 10) / 10;
    char number[32];
    size_t used = 0;
    for (size_t i = 0; i < NUM_UNITS; i++) {
        bool last = i + 1 == NUM_UNITS;
        double count = last ? round(left * 10) / 10 : floor(left / units[i].seconds);
        left -= count * units[i].seconds;
        if (count > 0 || (last && used == 0))
            used += (size_t)snprintf(buffer + used, 48 - used, "%s%c", qea_double_format(count, number), units[i].name);
    }
    return buffer;
}

qea_status qea_search_clock_start(qea_context *ctx, qea_store *store, double budget, qea_search_clock *out) {
    char *text;
    *out = (qea_search_clock){.store = store, .budget = budget, .begun = qea_pool_now()};
    out->saved = out->begun;
    QEA_TRY(qea_store_get(ctx, store, setting, &text));
    if (text != NULL && (!qea_double_parse(text, &out->before) || !(out->before >= 0))) out->before = 0;
    qea_free(text);
    return QEA_OK;
}

double qea_search_clock_spent(const qea_search_clock *clock) { return clock->before + (qea_pool_now() - clock->begun); }

double qea_search_clock_left(const qea_search_clock *clock) {
    return clock->budget > 0 ? clock->budget - qea_search_clock_spent(clock) : HUGE_VAL;
}

double qea_search_clock_grace(const qea_search_clock *clock) { return fmin(longest_grace_s, clock->budget / 10); }

qea_status qea_search_clock_save(qea_context *ctx, qea_search_clock *clock, bool at_once) {
    char number[32];
    double now = qea_pool_now();
    if (!at_once && now - clock->saved < save_every_s) return QEA_OK;
    clock->saved = now;
    return qea_store_set(ctx, clock->store, setting, qea_double_format(qea_search_clock_spent(clock), number));
}
