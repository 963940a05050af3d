#include "study/events.h"

#include <jansson.h>
#include <math.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

/* --- values --- */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }
static json_t *count(size_t value) { return json_integer((json_int_t)value); }
static json_t *text_or_null(const char *text) { return text != NULL ? json_string(text) : json_null(); }

static json_t *bits(const uint8_t *values, size_t size) {
    json_t *list = json_array();
    for (size_t i = 0; i < size; i++) json_array_append_new(list, json_integer(values[i]));
    return list;
}

static json_t *put_time(const qea_study_progress *p) {
    struct timespec t;
    (void)p;
    clock_gettime(CLOCK_REALTIME, &t);
    return json_real((double)t.tv_sec + (double)(t.tv_nsec / 1000000) / 1000);
}

static json_t *put_task(const qea_study_progress *p) { return text_or_null(p->task_folder); }
static json_t *put_step(const qea_study_progress *p) { return text_or_null(p->step); }
static json_t *put_generation(const qea_study_progress *p) { return count(p->generation); }
static json_t *put_done(const qea_study_progress *p) { return count(p->done); }
static json_t *put_failed(const qea_study_progress *p) { return count(p->failed); }
static json_t *put_running(const qea_study_progress *p) { return count(p->running); }
static json_t *put_begun(const qea_study_progress *p) { return number(p->begun); }
static json_t *put_total(const qea_study_progress *p) { return count(p->total); }
static json_t *put_hypervolume(const qea_study_progress *p) { return number(p->hypervolume); }
static json_t *put_images(const qea_study_progress *p) {
    return p->images_per_s > 0 ? number(p->images_per_s) : json_null();
}
static json_t *put_elapsed(const qea_study_progress *p) { return number(p->elapsed_s); }
static json_t *put_eta(const qea_study_progress *p) { return number(p->eta_s); }
static json_t *put_text(const qea_study_progress *p) { return text_or_null(p->text); }
static json_t *put_status(const qea_study_progress *p) { return json_string(qea_status_name(p->status)); }
static json_t *put_pid(const qea_study_progress *p) { return p->pid > 0 ? json_integer(p->pid) : json_null(); }

static json_t *put_condition(const qea_study_progress *p) {
    static const char *const names[] = {
        [QEA_STUDY_RUNNING] = "running", [QEA_STUDY_FINISHED] = "finished", [QEA_STUDY_STOPPED] = "stopped"};
    return json_string(names[p->condition]);
}

static json_t *put_directions(const qea_study_progress *p) {
    json_t *object = json_object();
    for (size_t i = 0; i < p->num_objectives; i++)
        json_object_set_new(object, p->objectives[i].name, json_string(p->objectives[i].maximized ? "max" : "min"));
    return object;
}

static json_t *put_units(const qea_study_progress *p) {
    json_t *object = json_object();
    for (size_t i = 0; i < p->num_objectives; i++)
        json_object_set_new(object, p->objectives[i].name, json_string(p->objectives[i].unit));
    return object;
}

static json_t *put_best(const qea_study_progress *p) {
    json_t *object = json_object();
    for (size_t i = 0; i < p->num_objectives; i++)
        json_object_set_new(object, p->objectives[i].name, number(p->objectives[i].best));
    return object;
}

static json_t *put_front(const qea_study_progress *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->num_points; i++)
        if (p->points[i].front) json_array_append_new(list, json_integer((json_int_t)p->points[i].trial));
    return list;
}

/* --- of the trial --- */

static json_t *put_trial(const qea_study_progress *p) {
    return p->trial != NULL ? json_integer((json_int_t)p->trial->id) : json_null();
}
static json_t *put_label(const qea_study_progress *p) { return text_or_null(p->trial->label); }
static json_t *put_attempt(const qea_study_progress *p) { return json_integer(p->trial->attempt); }
static json_t *put_weight_bits(const qea_study_progress *p) {
    return bits(p->trial->weight_bits, p->trial->num_layers);
}
static json_t *put_activation_bits(const qea_study_progress *p) {
    return bits(p->trial->activation_bits, p->trial->num_layers);
}
static json_t *put_genome(const qea_study_progress *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->trial->genome_length; i++) json_array_append_new(list, json_integer(p->trial->genome[i]));
    return list;
}
static json_t *put_objectives(const qea_study_progress *p) {
    json_t *object = json_object();
    for (size_t i = 0; i < p->num_objectives; i++)
        json_object_set_new(object, p->objectives[i].name, number(p->trial->objectives[i]));
    return object;
}
static json_t *put_on_front(const qea_study_progress *p) { return json_boolean(p->trial->front); }
static json_t *put_seconds(const qea_study_progress *p) { return number(p->trial->seconds); }

/* --- the table --- */

enum {
    PROGRESS = 1 << QEA_STUDY_PROGRESS,
    BEGUN = 1 << QEA_STUDY_STEP_BEGUN,
    STARTED = 1 << QEA_STUDY_TRIAL_STARTED,
    DONE = 1 << QEA_STUDY_TRIAL_DONE,
    FAILED = 1 << QEA_STUDY_TRIAL_FAILED,
    NOTE = 1 << QEA_STUDY_NOTE,
    STEP_ENDED = 1 << QEA_STUDY_STEP_ENDED,
    ENDED = 1 << QEA_STUDY_ENDED,
    STATE = 1 << QEA_STUDY_STATE,
    OF_TRIAL = STARTED | DONE | FAILED,
    EVERY = (1 << (QEA_STUDY_STATE + 1)) - 1
};

static const struct {
    const char *name, *doc;
} events[] = {
    [QEA_STUDY_PROGRESS] = {"progress", "time passes: at most one a second"},
    [QEA_STUDY_STEP_BEGUN] = {"step_begun", "a step begins, or goes on in a resumed task"},
    [QEA_STUDY_TRIAL_STARTED] = {"trial_started", "a worker got a trial; again with each attempt"},
    [QEA_STUDY_TRIAL_DONE] = {"trial_done", "a trial has its result, and the result is on disk"},
    [QEA_STUDY_TRIAL_FAILED] = {"trial_failed", "a trial failed for good"},
    [QEA_STUDY_NOTE] = {"note", "something else worth a line: a worker died, a trial is tried again"},
    [QEA_STUDY_STEP_ENDED] = {"step_ended", "every trial of the step has ended"},
    [QEA_STUDY_ENDED] = {"ended", "the last line of every `quantea run`, whatever happened"},
    [QEA_STUDY_STATE] = {"state", "of `quantea progress`: how the task stands now"},
};
enum { NUM_EVENTS = sizeof events / sizeof *events };

static const struct {
    const char *name;
    unsigned events; /* that have it */
    json_t *(*put)(const qea_study_progress *progress);
    const char *type, *doc;
} fields[] = {
    {"time", EVERY, put_time, "number", "when, in seconds since 1970"},
    {"task", EVERY, put_task, "string or null", "the task's folder; null: it failed before there was one"},
    {"step", EVERY & ~(unsigned)ENDED, put_step, "string",
     "`nas` or `fully_train`; around them `float`, `supernet`, `prediction`, `agreement` (docs/evaluators.md)"},
    {"state", STATE, put_condition, "string",
     "`running` (a process has the task), `finished`, or `stopped` (it can be resumed)"},
    {"pid", STATE, put_pid, "integer or null", "the process that runs the task"},
    {"trial", OF_TRIAL | NOTE, put_trial, "integer", "its number within the step, from 1"},
    {"label", OF_TRIAL, put_label, "string",
     "where it comes from: `uniform`, `random`, `child`, `probe`, `seed` (nas; docs/search.md); `front`, "
     "`trial` (a chosen one that is not on the front), `baseline`, `repeat` (fully_train)"},
    {"attempt", OF_TRIAL, put_attempt, "integer", "from 1"},
    {"genome", OF_TRIAL, put_genome, "list of integers", "indices of candidates, one per gene; empty in fully_train"},
    {"weight_bits", OF_TRIAL, put_weight_bits, "list of integers", "per quantised layer"},
    {"activation_bits", OF_TRIAL, put_activation_bits, "list of integers", "per quantised layer"},
    {"objectives", DONE, put_objectives, "object of numbers", "its value of each objective"},
    {"on_front", DONE, put_on_front, "boolean", "no trial of the step so far dominates it"},
    {"seconds", DONE, put_seconds, "number", "that its training took"},
    {"text", FAILED | NOTE | ENDED | STATE, put_text, "string or null",
     "what happened, why it failed, why the task stopped; null: all is well, or the reason is not known (it was "
     "killed)"},
    {"status", ENDED, put_status, "string",
     "`ok`, or the kind of the failure, to which the exit code belongs that `quantea --help` lists"},
    {"directions", BEGUN, put_directions, "object of strings", "`max` or `min` for each objective"},
    {"units", BEGUN | STATE, put_units, "object of strings",
     "what the values of each objective count: `M` (10^6), `k` (10^3), `B` (bytes), or empty; accuracy is a share, 0 "
     "to "
     "1"},
    {"generation", PROGRESS | STEP_ENDED | STATE, put_generation, "integer", "of the search; 0 in fully_train"},
    {"done", EVERY & ~(unsigned)ENDED, put_done, "integer", "trials of the step that have a result"},
    {"failed", EVERY & ~(unsigned)ENDED, put_failed, "integer", "trials of the step that failed for good"},
    {"running", PROGRESS | STATE, put_running, "integer", "trials that are being trained"},
    {"begun", PROGRESS | STATE, put_begun, "number", "what is done of those, in trials: from 0 to `running`"},
    {"total", EVERY & ~(unsigned)ENDED, put_total, "integer", "trials of the step in all"},
    {"best", PROGRESS | STEP_ENDED | STATE, put_best, "object of numbers or null",
     "the best value of each objective so far, of whichever trial; null: none yet"},
    {"hypervolume", PROGRESS | DONE | STEP_ENDED | STATE, put_hypervolume, "number or null",
     "of the search's trials so far, as a share (0 to 1) of a box fixed before it; null in fully_train"},
    {"front", STEP_ENDED | STATE, put_front, "list of integers", "the trials that no other of the step dominates"},
    {"images_per_s", PROGRESS | STATE, put_images, "number or null",
     "that are trained on, all workers together, lately; null: not known yet"},
    {"elapsed_s", PROGRESS | STEP_ENDED | STATE, put_elapsed, "number or null", "since the step began or went on"},
    {"eta_s", PROGRESS | STATE, put_eta, "number or null", "until the step ends; null: not known yet"},
};
enum { NUM_FIELDS = sizeof fields / sizeof *fields };

qea_status qea_study_progress_json(qea_context *ctx, const qea_study_progress *progress, char **line) {
    json_t *object = json_object();
    qea_text text = {0};
    *line = NULL;
    json_object_set_new(object, "event", json_string(events[progress->event].name));
    for (int i = 0; i < NUM_FIELDS; i++)
        if (fields[i].events & 1U << progress->event)
            json_object_set_new(object, fields[i].name, fields[i].put(progress));
    qea_text_put_json(&text, object, 0);
    json_decref(object);
    return qea_text_take(ctx, &text, line);
}

static void put_events_of(qea_text *out, unsigned mask) {
    const char *before = "";
    if (mask == (unsigned)EVERY) qea_text_put(out, "every");
    for (int e = 0; e < NUM_EVENTS && mask != (unsigned)EVERY; e++) {
        if (!(mask & 1U << e)) continue;
        qea_text_printf(out, "%s%s", before, events[e].name);
        before = ", ";
    }
}

static const char introduction[] =
    "# Events\n\n"
    "<!-- Made from the tables in src/study/events.c; `make event-docs` writes it anew. -->\n\n"
    "`quantea run --json` writes one JSON object a line to stdout and nothing else; warnings and errors go to stderr.\n"
    "`quantea progress TASK --json` writes one `state`, with `--watch` one a second until the task has ended.\n"
    "Events and fields may be added; a reader leaves alone what it does not know.\n\n"
    "| event | when |\n"
    "| --- | --- |\n";

qea_status qea_study_events_document(qea_context *ctx, char **markdown) {
    qea_text out = {0};
    qea_text_put(&out, introduction);
    for (int e = 0; e < NUM_EVENTS; e++) qea_text_printf(&out, "| `%s` | %s |\n", events[e].name, events[e].doc);
    qea_text_put(&out, "\n| field | value | meaning | events |\n| --- | --- | --- | --- |\n"
                       "| `event` | string | the event's name | every |\n");
    for (int i = 0; i < NUM_FIELDS; i++) {
        qea_text_printf(&out, "| `%s` | %s | %s | ", fields[i].name, fields[i].type, fields[i].doc);
        put_events_of(&out, fields[i].events);
        qea_text_put(&out, " |\n");
    }
    return qea_text_take(ctx, &out, markdown);
}
