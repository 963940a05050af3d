/* Tables of report.html: trials, failures, phases, how it was made. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "report/html_gain.h"

static void put_trial_row(qea_text *out, const qea_report_page *page, const qea_report_model *model,
                          const qea_uniform_curve *curve) {
    unsigned long long id = (unsigned long long)model->id;
    const qea_report_model *final = qea_html_final(page, model->id);
    qea_text_printf(out, "<tr data-t=\"%llu\" id=\"t%llu\"><th scope=\"row\"><a href=\"#%c%llu\">%llu</a></th><td>", id,
                    id, final != NULL ? 'm' : 't', id, id);
    qea_html_put(out, model->label);
    qea_text_printf(out, "</td><td>%s%s</td>", qea_report_state(model), model->on_front ? ", front" : "");
    for (size_t i = 0; i < page->search->num_objectives; i++) {
        qea_text_put(out, "<td>");
        qea_html_value(out, page->search->objectives[i], qea_report_value(model, page->search->objectives[i]));
        qea_text_put(out, "</td>");
    }
    qea_text_put(out, "<td>");
    qea_html_value(out, "accuracy", final != NULL ? qea_report_value(final, "accuracy") : NAN);
    qea_text_put(out, "</td>");
    qea_html_gain_cells(out, curve, model);
    qea_text_put(out, "<td>");
    qea_html_value(out, "accuracy", model->hypervolume);
    qea_text_put(out, "</td>");
    qea_text_put(out, "<td class=\"bits w\">");
    qea_report_put_bits(out, model->weight_bits, model->num_layers);
    qea_text_put(out, "</td><td class=\"bits a\">");
    qea_report_put_bits(out, model->activation_bits, model->num_layers);
    qea_text_put(out, "</td></tr>\n");
}

void qea_html_trial_table(qea_text *out, const qea_report_page *page) {
    const qea_report_step *search = page->search;
    qea_uniform_curve curve;
    if (search->count == 0) return;
    if (qea_uniform_curve_make(search, qea_html_main_cost(search), &curve) != QEA_OK) {
        out->failed = true;
        return;
    }
    qea_text_printf(
        out,
        "<section aria-labelledby=\"h-trials\"><h2 id=\"h-trials\">Trials</h2>\n<details id=\"trials\"><summary>"
        "all %zu trials of the search</summary><div class=\"scroll\"><table>\n<caption>Trials of the search, "
        "by id; bits from the first layer to the last</caption>\n<thead><tr><th scope=\"col\">trial</th>"
        "<th scope=\"col\">origin</th><th scope=\"col\">state</th>",
        search->count);
    for (size_t i = 0; i < search->num_objectives; i++) {
        qea_text_put(out, "<th scope=\"col\">");
        qea_html_title(out, search->objectives[i]);
        qea_text_put(out, "</th>");
    }
    qea_text_put(out, "<th scope=\"col\">accuracy fully trained</th>");
    qea_html_gain_heads(out, curve.cost);
    qea_text_put(out, "<th scope=\"col\">hypervolume so far</th>");
    qea_text_put(out, "<th scope=\"col\" class=\"bits\">weight bits</th>"
                      "<th scope=\"col\" class=\"bits\">activation bits</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < search->count; i++) put_trial_row(out, page, &search->models[i], &curve);
    qea_uniform_curve_clear(&curve);
    qea_text_put(out, "</tbody></table></div></details></section>\n");
}

static const char *step_title(const qea_report_step *step) {
    static const char *const titles[][2] = {{"float", "float network"},
                                            {"supernet", "supernet"},
                                            {"nas", "search"},
                                            {"prediction", "ranking to compare"},
                                            {"agreement", "separate training"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i][0], step->name) == 0) return titles[i][1];
    return "full training";
}

static size_t put_step_failures(qea_text *out, const qea_report_step *step, bool write) {
    size_t failures = 0;
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        if (model->done || model->waiting) continue;
        failures++;
        if (!write) continue;
        qea_text_printf(out, "<tr data-t=\"%llu\"><td class=\"text\">%s</td><td>%llu</td><td class=\"text\">",
                        (unsigned long long)model->id, step_title(step), (unsigned long long)model->id);
        qea_html_put(out, model->reason != NULL ? model->reason : "no reason was recorded");
        qea_text_put(out, "</td></tr>\n");
    }
    return failures;
}

void qea_html_failures(qea_text *out, const qea_report_page *page) {
    qea_text_put(out, "<section id=\"failures\" aria-labelledby=\"h-failures\"><h2 id=\"h-failures\">Failures</h2>\n");
    size_t failures = 0;
    for (size_t i = 0; i < page->num_steps; i++) failures += put_step_failures(out, page->steps[i], false);
    if (failures == 0) {
        qea_text_put(out, "<p>No trial failed.</p></section>\n");
        return;
    }
    qea_text_put(out, "<div class=\"scroll\"><table>\n<caption>Trials that failed, and why</caption>\n<thead><tr>"
                      "<th scope=\"col\" class=\"text\">phase</th><th scope=\"col\">trial</th>"
                      "<th scope=\"col\" class=\"text\">reason</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < page->num_steps; i++) (void)put_step_failures(out, page->steps[i], true);
    qea_text_put(out, "</tbody></table></div></section>\n");
}

/* --- phases --- */

typedef struct phase {
    size_t done, failed, waiting;
    double begun_s, ended_s, training_s; /* begun_s: 0 = not yet */
} phase;

static phase phase_of(const qea_report_step *step) {
    phase p = {0};
    for (size_t i = 0; i < step->count; i++) {
        const qea_report_model *model = &step->models[i];
        *(model->done ? &p.done : model->waiting ? &p.waiting : &p.failed) += 1;
        if (model->started_s > 0 && (p.begun_s <= 0 || model->started_s < p.begun_s)) p.begun_s = model->started_s;
        p.ended_s = fmax(p.ended_s, model->ended_s);
        p.training_s += model->runtime_s;
    }
    return p;
}

static void put_time(qea_text *out, double unix_s) {
    struct tm parts;
    time_t seconds = (time_t)unix_s;
    if (!(unix_s > 0) || !(unix_s < 1e11) || gmtime_r(&seconds, &parts) == NULL) {
        qea_text_put(out, "-");
        return;
    }
    qea_text_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                    parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void qea_html_duration(qea_text *out, double seconds) {
    if (!(seconds >= 0 && seconds < 1e9)) {
        qea_text_put(out, "-");
    } else if (seconds < 60) {
        qea_html_fixed(out, seconds, 1);
        qea_text_put(out, " s");
    } else {
        long whole = lround(seconds);
        if (whole >= 3600) qea_text_printf(out, "%ld h ", whole / 3600);
        qea_text_printf(out, "%ld min %ld s", whole / 60 % 60, whole % 60);
    }
}

static void put_phase(qea_text *out, const qea_report_step *step) {
    phase p = phase_of(step);
    size_t expected = step->expected > step->count ? step->expected : step->count;
    qea_text_printf(out, "<tr><th scope=\"row\">%s</th><td>%zu of %zu</td><td>%zu</td><td>%zu</td><td>",
                    step_title(step), p.done, expected, p.failed, p.waiting);
    put_time(out, p.begun_s);
    qea_text_put(out, "</td><td>");
    put_time(out, p.ended_s);
    qea_text_put(out, "</td><td>");
    qea_html_duration(out, p.begun_s > 0 ? p.ended_s - p.begun_s : NAN);
    qea_text_put(out, "</td><td>");
    qea_html_duration(out, p.begun_s > 0 ? p.training_s : NAN);
    qea_text_put(out, "</td></tr>\n");
}

void qea_html_phases(qea_text *out, const qea_report_page *page) {
    qea_text_put(
        out, "<section aria-labelledby=\"h-phases\"><h2 id=\"h-phases\">Phases</h2>\n<div class=\"scroll\"><table>\n"
             "<caption>Trials and time of each phase (UTC); pauses of a run that was resumed are part of the "
             "duration</caption>\n<thead><tr><th scope=\"col\">phase</th><th scope=\"col\">done</th>"
             "<th scope=\"col\">failed</th><th scope=\"col\">waiting</th><th scope=\"col\">first start</th>"
             "<th scope=\"col\">last end</th><th scope=\"col\">duration</th>"
             "<th scope=\"col\">training, all trials</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < page->num_steps; i++) put_phase(out, page->steps[i]);
    qea_text_put(out, "</tbody></table></div></section>\n");
}

/* --- how it was made --- */

void qea_html_origin(qea_text *out, const qea_report_page *page) {
    qea_text_put(out, "<section aria-labelledby=\"h-origin\"><h2 id=\"h-origin\">How it was made</h2>\n"
                      "<p>The command that repeats it:</p><pre><code>");
    qea_html_put(out, page->command);
    qea_text_put(out,
                 "</code></pre>\n<div class=\"scroll\"><table>\n<caption>Task, seed, versions and machine</caption>\n"
                 "<tbody>\n");
    for (size_t i = 0; i < page->num_facts; i++) {
        qea_text_put(out, "<tr><th scope=\"row\">");
        qea_html_put(out, page->facts[i].name);
        qea_text_put(out, "</th><td class=\"text\">");
        qea_html_put(out, page->facts[i].value);
        qea_text_put(out, "</td></tr>\n");
    }
    qea_text_put(out, "</tbody></table></div>\n<details><summary>configuration</summary><pre><code>");
    qea_html_put(out, page->config);
    qea_text_put(out, "</code></pre></details></section>\n");
}
