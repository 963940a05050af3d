/* Trials in the database. */
#include "store/store_internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Columns in the order of the table; bound parameters are one higher. */
enum {
    COL_STEP,
    COL_ID,
    COL_LABEL,
    COL_SOURCE,
    COL_GENOME,
    COL_WEIGHT_BITS,
    COL_ACTIVATION_BITS,
    COL_STATE,
    COL_OBJECTIVES,
    COL_RESULT,
    COL_REASON,
    COL_ATTEMPTS,
    COL_EPOCHS,
    COL_STARTED,
    COL_ENDED,
    COL_SECONDS,
    COL_MODEL
};

static const char put_sql[] = "INSERT OR REPLACE INTO trials (step, id, label, source, genome, weight_bits, "
                              "activation_bits, state, objectives, result, reason, attempts, epochs, started_s, "
                              "ended_s, train_seconds, model_path) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

static const char get_sql[] = "SELECT step, id, label, source, genome, weight_bits, activation_bits, state, objectives,"
                              " result, reason, attempts, epochs, started_s, ended_s, train_seconds, model_path "
                              "FROM trials WHERE step = ?1 ORDER BY id";

/* The four lists of a record as text. */
typedef struct record_lists {
    qea_text genome, weight_bits, activation_bits, objectives;
} record_lists;

static void lists_free(record_lists *lists) {
    qea_text_free(&lists->genome);
    qea_text_free(&lists->weight_bits);
    qea_text_free(&lists->activation_bits);
    qea_text_free(&lists->objectives);
}

static qea_status lists_make(qea_context *ctx, const qea_trial_record *trial, record_lists *lists) {
    qea_store_put_u16(&lists->genome, trial->genome, trial->genome_length);
    qea_store_put_u8(&lists->weight_bits, trial->weight_bits, trial->num_layers);
    qea_store_put_u8(&lists->activation_bits, trial->activation_bits, trial->num_layers);
    if (trial->objectives != NULL) qea_store_put_doubles(&lists->objectives, trial->objectives, trial->num_objectives);
    QEA_TRY(qea_text_finish(ctx, &lists->genome));
    QEA_TRY(qea_text_finish(ctx, &lists->weight_bits));
    QEA_TRY(qea_text_finish(ctx, &lists->activation_bits));
    return qea_text_finish(ctx, &lists->objectives);
}

/* NULL text is stored as NULL; the texts outlive the step, so SQLite need not copy them. */
static int bind_text(sqlite3_stmt *statement, int column, const char *text) {
    return sqlite3_bind_text(statement, column + 1, text, -1, SQLITE_STATIC);
}

static int bind_list(sqlite3_stmt *statement, int column, const qea_text *list) {
    return bind_text(statement, column, list->bytes);
}

static bool bind_record(sqlite3_stmt *s, const qea_trial_record *trial, const record_lists *lists) {
    int bad = bind_text(s, COL_STEP, trial->step);
    bad |= sqlite3_bind_int64(s, COL_ID + 1, (sqlite3_int64)trial->id);
    bad |= bind_text(s, COL_LABEL, trial->label);
    bad |= sqlite3_bind_int64(s, COL_SOURCE + 1, (sqlite3_int64)trial->source);
    bad |= bind_list(s, COL_GENOME, &lists->genome);
    bad |= bind_list(s, COL_WEIGHT_BITS, &lists->weight_bits);
    bad |= bind_list(s, COL_ACTIVATION_BITS, &lists->activation_bits);
    bad |= sqlite3_bind_int(s, COL_STATE + 1, (int)trial->state);
    if (trial->objectives != NULL) bad |= bind_list(s, COL_OBJECTIVES, &lists->objectives);
    bad |= bind_text(s, COL_RESULT, trial->result_json);
    bad |= bind_text(s, COL_REASON, trial->reason);
    bad |= sqlite3_bind_int(s, COL_ATTEMPTS + 1, trial->attempts);
    bad |= sqlite3_bind_int(s, COL_EPOCHS + 1, trial->epochs);
    bad |= sqlite3_bind_double(s, COL_STARTED + 1, trial->started_s);
    bad |= sqlite3_bind_double(s, COL_ENDED + 1, trial->ended_s);
    bad |= sqlite3_bind_double(s, COL_SECONDS + 1, trial->train_seconds);
    bad |= bind_text(s, COL_MODEL, trial->model_path);
    return bad == SQLITE_OK;
}

qea_status qea_store_put_trial(qea_context *ctx, qea_store *store, const qea_trial_record *trial) {
    record_lists lists;
    memset(&lists, 0, sizeof lists);
    qea_status status = lists_make(ctx, trial, &lists);
    if (status == QEA_OK) status = qea_store_prepare(ctx, store, &store->put_trial, put_sql);
    if (status == QEA_OK && !bind_record(store->put_trial, trial, &lists))
        status = qea_store_fail(ctx, store, "writing a trial");
    if (status == QEA_OK) status = qea_store_step_done(ctx, store, store->put_trial, "writing a trial");
    lists_free(&lists);
    return status;
}

qea_status qea_store_put_trials(qea_context *ctx, qea_store *store, const qea_trial_record *trials, size_t count) {
    QEA_TRY(qea_store_exec(ctx, store, "BEGIN IMMEDIATE", "writing trials"));
    qea_status status = QEA_OK;
    for (size_t i = 0; i < count && status == QEA_OK; i++) status = qea_store_put_trial(ctx, store, &trials[i]);
    if (status == QEA_OK) status = qea_store_exec(ctx, store, "COMMIT", "writing trials");
    if (status != QEA_OK && !sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static qea_status read_text(qea_context *ctx, sqlite3_stmt *statement, int column, char **out) {
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) return QEA_OK;
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text == NULL) return qea_fail(ctx, QEA_ERR_MEMORY, "reading a trial: out of memory");
    return qea_strdup(ctx, text, out);
}

static const char *list_text(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? text : "";
}

/* SQLite keeps a NaN as NULL. */
static double read_double(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}

static qea_status read_lists(qea_context *ctx, sqlite3_stmt *s, qea_trial_record *trial) {
    size_t activations = 0;
    QEA_TRY(qea_store_get_u16(ctx, list_text(s, COL_GENOME), &trial->genome, &trial->genome_length));
    QEA_TRY(qea_store_get_u8(ctx, list_text(s, COL_WEIGHT_BITS), &trial->weight_bits, &trial->num_layers));
    QEA_TRY(qea_store_get_u8(ctx, list_text(s, COL_ACTIVATION_BITS), &trial->activation_bits, &activations));
    if (activations != trial->num_layers)
        return qea_fail(ctx, QEA_ERR_DATA, "found %zu weight and %zu activation bits", trial->num_layers, activations);
    if (sqlite3_column_type(s, COL_OBJECTIVES) == SQLITE_NULL) return QEA_OK;
    return qea_store_get_doubles(ctx, list_text(s, COL_OBJECTIVES), &trial->objectives, &trial->num_objectives);
}

static qea_status read_record(qea_context *ctx, sqlite3_stmt *s, qea_trial_record *trial) {
    sqlite3_int64 id = sqlite3_column_int64(s, COL_ID), source = sqlite3_column_int64(s, COL_SOURCE);
    sqlite3_int64 state = sqlite3_column_int64(s, COL_STATE);
    if (id < 1) return qea_fail(ctx, QEA_ERR_DATA, "trials are numbered from 1");
    if (source < 0) return qea_fail(ctx, QEA_ERR_DATA, "found source %lld, allowed: 0 or a trial", (long long)source);
    if (state < (int)QEA_TRIAL_ASKED || state > (int)QEA_TRIAL_FAILED)
        return qea_fail(ctx, QEA_ERR_DATA, "found state %lld, allowed: %d to %d", (long long)state,
                        (int)QEA_TRIAL_ASKED, (int)QEA_TRIAL_FAILED);
    trial->id = (uint64_t)id;
    trial->source = (uint64_t)source;
    trial->state = (qea_trial_state)state;
    trial->attempts = sqlite3_column_int(s, COL_ATTEMPTS);
    trial->epochs = sqlite3_column_int(s, COL_EPOCHS);
    trial->started_s = read_double(s, COL_STARTED);
    trial->ended_s = read_double(s, COL_ENDED);
    trial->train_seconds = read_double(s, COL_SECONDS);
    QEA_TRY(read_text(ctx, s, COL_STEP, &trial->step));
    QEA_TRY(read_text(ctx, s, COL_LABEL, &trial->label));
    if (trial->label == NULL) return qea_fail(ctx, QEA_ERR_DATA, "it has no label");
    QEA_TRY(read_text(ctx, s, COL_RESULT, &trial->result_json));
    QEA_TRY(read_text(ctx, s, COL_REASON, &trial->reason));
    QEA_TRY(read_text(ctx, s, COL_MODEL, &trial->model_path));
    return read_lists(ctx, s, trial);
}

static qea_status read_rows(qea_context *ctx, qea_store *store, const char *step, qea_trial_record **trials,
                            size_t *count) {
    size_t capacity = 0;
    int code;
    while ((code = sqlite3_step(store->get_trials)) == SQLITE_ROW) {
        QEA_TRY(qea_grow(ctx, "the trials", (void **)trials, &capacity, *count + 1, sizeof **trials));
        qea_trial_record *trial = &(*trials)[(*count)++];
        memset(trial, 0, sizeof *trial);
        qea_status status = read_record(ctx, store->get_trials, trial);
        if (status != QEA_OK)
            return qea_fail_prefix(ctx, status, "%s: step %s, trial %lld", store->path, step,
                                   (long long)sqlite3_column_int64(store->get_trials, COL_ID));
    }
    return code == SQLITE_DONE ? QEA_OK : qea_store_fail(ctx, store, "reading the trials");
}

qea_status qea_store_trials(qea_context *ctx, qea_store *store, const char *step, qea_trial_record **trials,
                            size_t *count) {
    *trials = NULL;
    *count = 0;
    QEA_TRY(qea_store_prepare(ctx, store, &store->get_trials, get_sql));
    if (sqlite3_bind_text(store->get_trials, 1, step, -1, SQLITE_STATIC) != SQLITE_OK)
        return qea_store_fail(ctx, store, "reading the trials");
    qea_status status = read_rows(ctx, store, step, trials, count);
    (void)sqlite3_reset(store->get_trials);
    (void)sqlite3_clear_bindings(store->get_trials);
    if (status != QEA_OK) {
        qea_trial_records_free(*trials, *count);
        *trials = NULL;
        *count = 0;
    }
    return status;
}
