#include "study/board.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "quantea/search.h"

/* --- points --- */

static bool dominates(const qea_board *board, const double *a, const double *b) {
    double p[QEA_MAX_OBJECTIVES], q[QEA_MAX_OBJECTIVES];
    qea_run_minimised(board->run, a, p);
    qea_run_minimised(board->run, b, q);
    return qea_dominates(p, 0, q, 0, (size_t)board->run->config->num_objectives) < 0;
}

static bool is_uniform(const qea_trial_record *record) {
    for (size_t i = 1; i < record->num_layers; i++)
        if (record->weight_bits[i] != record->weight_bits[0] ||
            record->activation_bits[i] != record->activation_bits[0])
            return false;
    return true;
}

/* A point that joins the front takes those from it that it dominates; others cannot change. */
static void join_front(qea_board *board, qea_study_point *point) {
    if (qea_objectives_violation(board->run->config, point->objectives) > 0) return;
    for (size_t i = 0; i + 1 < board->num_points; i++)
        if (board->points[i].front && dominates(board, board->points[i].objectives, point->objectives)) return;
    point->front = true;
    for (size_t i = 0; i + 1 < board->num_points; i++)
        if (board->points[i].front && dominates(board, point->objectives, board->points[i].objectives))
            board->points[i].front = false;
}

static void see_best(qea_board *board, const double *values) {
    for (int i = 0; i < board->run->config->num_objectives; i++) {
        qea_study_objective *objective = &board->objectives[i];
        bool better = objective->maximized ? values[i] > objective->best : values[i] < objective->best;
        if (better || (isnan(objective->best) && !isnan(values[i]))) objective->best = values[i];
    }
}

static qea_status add_point(qea_context *ctx, qea_board *board, const qea_trial_record *record) {
    const qea_study_config *config = board->run->config;
    if (record->state != QEA_TRIAL_DONE || record->num_objectives != (size_t)config->num_objectives) return QEA_OK;
    QEA_TRY(qea_grow(ctx, "points", (void **)&board->points, &board->capacity, board->num_points + 1,
                     sizeof *board->points));
    qea_study_point *point = &board->points[board->num_points++];
    *point = (qea_study_point){record->id, record->objectives, false, is_uniform(record)};
    see_best(board, record->objectives);
    join_front(board, point);
    return qea_box_add(ctx, config, &board->run->box, board->volume, record);
}

/* --- beginning and end --- */

static qea_status begin(qea_context *ctx, qea_board *board, int workers) {
    const qea_study_config *config = board->run->config;
    for (int i = 0; i < config->num_objectives; i++)
        board->objectives[i] = (qea_study_objective){config->objectives[i].name, config->objectives[i].maximized, NAN,
                                                     qea_report_unit(config->objectives[i].name)};
    board->begun = qea_pool_now();
    QEA_TRY(QEA_NEW(ctx, "running trials", board->slots, (size_t)workers));
    board->num_slots = workers;
    if (strcmp(board->trials->step, "nas") == 0) QEA_TRY(qea_box_volume(ctx, config, &board->run->box, &board->volume));
    for (size_t i = 0; i < board->trials->count; i++) QEA_TRY(add_point(ctx, board, &board->trials->records[i]));
    return QEA_OK;
}

qea_status qea_board_measure(qea_context *ctx, qea_board *board) {
    const qea_run *run = board->run;
    QEA_TRY(qea_box_volume(ctx, run->config, &run->box, &board->volume));
    for (size_t i = 0; i < board->trials->count; i++)
        QEA_TRY(qea_box_add(ctx, run->config, &run->box, board->volume, &board->trials->records[i]));
    return QEA_OK;
}

qea_status qea_board_create(qea_context *ctx, const qea_run *run, const qea_step_trials *trials, int workers,
                            qea_board *board) {
    *board = (qea_board){.run = run, .trials = trials};
    qea_status status = begin(ctx, board, workers);
    if (status != QEA_OK) qea_board_clear(board);
    return status;
}

void qea_board_clear(qea_board *board) {
    qea_volume_destroy(board->volume);
    qea_free(board->points);
    qea_free(board->slots);
    *board = (qea_board){0};
}

/* --- what happens --- */

static qea_board_slot *slot_of(const qea_board *board, uint64_t trial) {
    for (int i = 0; i < board->num_slots; i++)
        if (board->slots[i].id == trial) return &board->slots[i];
    return NULL;
}

void qea_board_start(qea_board *board, uint64_t trial, int attempt) {
    qea_board_slot *slot = slot_of(board, trial);
    if (slot == NULL) slot = slot_of(board, 0);
    if (slot != NULL) *slot = (qea_board_slot){.id = trial, .attempt = attempt};
}

void qea_board_update(qea_board *board, uint64_t trial, const json_t *message) {
    qea_board_slot *slot = trial != 0 ? slot_of(board, trial) : NULL;
    if (slot == NULL) return;
    double epochs = json_number_value(json_object_get(message, "epochs"));
    double steps = json_number_value(json_object_get(message, "steps"));
    double step = json_number_value(json_object_get(message, "step"));
    double epoch = json_number_value(json_object_get(message, "epoch"));
    if (epochs > 0 && steps > 0) slot->fraction = fmin(1, (epoch + step / steps) / epochs);
    if (step == 0) slot->before = slot->fraction; /* it goes on from a checkpoint */
    slot->images_per_s = json_number_value(json_object_get(message, "images_per_s"));
}

qea_status qea_board_finish(qea_context *ctx, qea_board *board, const qea_trial_record *record) {
    qea_board_slot *slot = slot_of(board, record->id);
    board->finished_here += slot != NULL ? 1 - slot->before : 1;
    if (slot != NULL) *slot = (qea_board_slot){0};
    return add_point(ctx, board, record);
}

void qea_board_rest(qea_board *board) {
    for (int i = 0; i < board->num_slots; i++) board->slots[i] = (qea_board_slot){0};
}

/* --- reading --- */

static void count_states(const qea_board *board, qea_study_progress *out) {
    for (size_t i = 0; i < board->trials->count; i++) {
        out->done += board->trials->records[i].state == QEA_TRIAL_DONE;
        out->failed += board->trials->records[i].state == QEA_TRIAL_FAILED;
    }
}

static void read_slots(const qea_board *board, qea_study_progress *out) {
    double before = 0; /* of what is begun, what the checkpoints had */
    for (int i = 0; i < board->num_slots; i++) {
        if (board->slots[i].id == 0) continue;
        out->running++;
        out->images_per_s += board->slots[i].images_per_s;
        out->begun += board->slots[i].fraction;
        before += board->slots[i].before;
    }
    double left = (double)out->total - (double)(out->done + out->failed) - out->begun;
    double work = board->finished_here + out->begun - before;
    if (work > 0.02) out->eta_s = fmax(0, out->elapsed_s * left / work);
    const qea_search_clock *clock = board->trials->clock;
    if (clock != NULL && clock->budget > 0) /* fmin leaves out a NaN */
        out->eta_s = fmin(out->eta_s, fmax(0, qea_search_clock_left(clock)));
}

void qea_board_read(const qea_board *board, qea_study_event event, qea_study_progress *out) {
    *out = (qea_study_progress){.event = event,
                                .task_folder = board->run->task.folder,
                                .step = board->trials->step,
                                .generation = board->trials->generation,
                                .total = board->trials->total,
                                .objectives = board->objectives,
                                .num_objectives = (size_t)board->run->config->num_objectives,
                                .points = board->points,
                                .num_points = board->num_points,
                                .hypervolume = qea_box_share(board->volume),
                                .elapsed_s = qea_pool_now() - board->begun,
                                .eta_s = NAN};
    count_states(board, out);
    read_slots(board, out);
}

void qea_board_trial(const qea_board *board, const qea_trial_record *record, qea_study_trial *out) {
    const qea_board_slot *slot = slot_of(board, record->id);
    *out = (qea_study_trial){.id = record->id,
                             .label = record->label,
                             .attempt = slot != NULL ? slot->attempt : record->attempts,
                             .genome = record->genome,
                             .genome_length = record->genome_length,
                             .weight_bits = record->weight_bits,
                             .activation_bits = record->activation_bits,
                             .num_layers = record->num_layers};
    if (record->state != QEA_TRIAL_DONE) return;
    out->objectives = record->objectives;
    out->seconds = record->train_seconds;
    for (size_t i = 0; i < board->num_points; i++)
        if (board->points[i].trial == record->id) out->front = board->points[i].front;
}
