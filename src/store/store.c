/* Opening a task's database, its settings and its events. */
#include "store/store_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define SCHEMA_VERSION 1
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

enum { BUSY_MS = 10000, MAX_CELL_BYTES = 64 * 1024 * 1024 };

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE settings (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE trials ("
    "  step TEXT NOT NULL, id INTEGER NOT NULL, label TEXT, source INTEGER NOT NULL,"
    "  genome TEXT NOT NULL, weight_bits TEXT NOT NULL, activation_bits TEXT NOT NULL, state INTEGER NOT NULL,"
    "  objectives TEXT, result TEXT, reason TEXT, attempts INTEGER NOT NULL, epochs INTEGER NOT NULL,"
    "  started_s REAL, ended_s REAL, train_seconds REAL, model_path TEXT, PRIMARY KEY (step, id)) WITHOUT ROWID;"
    "CREATE TABLE events (time_s REAL NOT NULL, step TEXT, trial INTEGER NOT NULL, text TEXT NOT NULL);"
    "PRAGMA user_version = " TEXT(SCHEMA_VERSION) ";"
                                                  "COMMIT;";

qea_status qea_store_fail(qea_context *ctx, const qea_store *store, const char *doing) {
    int code = sqlite3_errcode(store->db);
    qea_status status = QEA_ERR_IO;
    if (code == SQLITE_NOMEM) status = QEA_ERR_MEMORY;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR || code == SQLITE_TOOBIG)
        status = QEA_ERR_DATA;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) status = QEA_ERR_STATE;
    int error = sqlite3_system_errno(store->db);
    bool system = status == QEA_ERR_IO && error != 0;
    return qea_fail(ctx, status, "%s: %s: %s%s%s", store->path, doing, sqlite3_errmsg(store->db), system ? ": " : "",
                    system ? strerror(error) : "");
}

qea_status qea_store_prepare(qea_context *ctx, qea_store *store, sqlite3_stmt **statement, const char *sql) {
    if (*statement == NULL) {
        if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
            return qea_store_fail(ctx, store, "preparing a statement");
        return QEA_OK;
    }
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
    return QEA_OK;
}

qea_status qea_store_step_done(qea_context *ctx, qea_store *store, sqlite3_stmt *statement, const char *doing) {
    qea_status status = QEA_OK;
    if (sqlite3_step(statement) != SQLITE_DONE) status = qea_store_fail(ctx, store, doing);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return status;
}

qea_status qea_store_exec(qea_context *ctx, qea_store *store, const char *sql, const char *doing) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) return qea_store_fail(ctx, store, doing);
    return QEA_OK;
}

/* The single value of a query: an integer, or text compared with `expected` (then *value is 1 for equal). */
static qea_status query_one(qea_context *ctx, qea_store *store, const char *sql, const char *expected, int *value) {
    sqlite3_stmt *statement = NULL;
    QEA_TRY(qea_store_prepare(ctx, store, &statement, sql));
    qea_status status = QEA_OK;
    if (sqlite3_step(statement) != SQLITE_ROW) {
        status = qea_store_fail(ctx, store, "opening");
    } else if (expected != NULL) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        *value = text != NULL && strcmp(text, expected) == 0;
    } else {
        *value = sqlite3_column_int(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Makes the tables in a new database; refuses one that is of another version or not ours. */
static qea_status check_schema(qea_context *ctx, qea_store *store) {
    int version = 0, tables = 0;
    QEA_TRY(query_one(ctx, store, "PRAGMA user_version", NULL, &version));
    if (version == SCHEMA_VERSION) return QEA_OK;
    if (version != 0)
        return qea_fail(ctx, QEA_ERR_STATE,
                        "%s: found schema version %d, this program uses %d: another version of quantea made it",
                        store->path, version, SCHEMA_VERSION);
    QEA_TRY(query_one(ctx, store, "SELECT count(*) FROM sqlite_schema", NULL, &tables));
    if (tables != 0) return qea_fail(ctx, QEA_ERR_STATE, "%s: a database of another program", store->path);
    if (store->lock < 0) return qea_fail(ctx, QEA_ERR_STATE, "%s: the task has not begun yet", store->path);
    return qea_store_exec(ctx, store, schema, "making the tables");
}

static qea_status open_database(qea_context *ctx, qea_store *store, bool read_only) {
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int durable = 0, wal = 0;
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
        if (store->db == NULL) return qea_fail(ctx, QEA_ERR_MEMORY, "%s: opening: out of memory", store->path);
        return qea_store_fail(ctx, store, "opening");
    }
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, MAX_CELL_BYTES);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (read_only) return check_schema(ctx, store);
    QEA_TRY(query_one(ctx, store, "PRAGMA journal_mode = WAL", "wal", &wal));
    if (!wal) return qea_fail(ctx, QEA_ERR_STATE, "%s: this file system does not allow SQLite's WAL", store->path);
    QEA_TRY(qea_store_exec(ctx, store, "PRAGMA synchronous = FULL", "opening"));
    QEA_TRY(query_one(ctx, store, "PRAGMA synchronous", NULL, &durable));
    if (durable != 2) return qea_fail(ctx, QEA_ERR_UNSUPPORTED, "%s: SQLite refuses synchronous=FULL", store->path);
    return check_schema(ctx, store);
}

static qea_status open_writer(qea_context *ctx, const char *folder, qea_store *store) {
    QEA_TRY(qea_folder_make(ctx, folder));
    QEA_TRY(qea_store_refuse_network(ctx, folder));
    QEA_TRY(qea_store_lock(ctx, folder, &store->lock));
    return open_database(ctx, store, false);
}

static qea_status open_reader(qea_context *ctx, const char *folder, qea_store *store) {
    if (!qea_file_exists(store->path))
        return qea_fail(ctx, QEA_ERR_DATA, "%s: not the folder of a task: no task.db in it", folder);
    return open_database(ctx, store, true);
}

qea_status qea_store_open(qea_context *ctx, const char *folder, bool read_only, qea_store **out) {
    qea_store *store = NULL;
    *out = NULL;
    QEA_TRY(QEA_NEW(ctx, "a store", store, 1));
    store->lock = -1;
    qea_status status = qea_path_join(ctx, folder, "task.db", &store->path);
    if (status == QEA_OK) status = read_only ? open_reader(ctx, folder, store) : open_writer(ctx, folder, store);
    if (status != QEA_OK) {
        qea_store_close(store);
        return status;
    }
    *out = store;
    return QEA_OK;
}

void qea_store_close(qea_store *store) {
    if (store == NULL) return;
    sqlite3_stmt *statements[] = {store->put_trial, store->get_trials, store->set_value, store->get_value,
                                  store->add_event};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) (void)sqlite3_finalize(statements[i]);
    (void)sqlite3_close(store->db);
    qea_store_unlock(store->lock); /* last: the database is closed before another coordinator may open it */
    qea_free(store->path);
    qea_free(store);
}

qea_status qea_store_set(qea_context *ctx, qea_store *store, const char *key, const char *value) {
    QEA_TRY(qea_store_prepare(ctx, store, &store->set_value, "INSERT OR REPLACE INTO settings VALUES (?1, ?2)"));
    if (sqlite3_bind_text(store->set_value, 1, key, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(store->set_value, 2, value, -1, SQLITE_STATIC) != SQLITE_OK)
        return qea_store_fail(ctx, store, "writing a setting");
    return qea_store_step_done(ctx, store, store->set_value, "writing a setting");
}

qea_status qea_store_get(qea_context *ctx, qea_store *store, const char *key, char **value) {
    *value = NULL;
    QEA_TRY(qea_store_prepare(ctx, store, &store->get_value, "SELECT value FROM settings WHERE key = ?1"));
    if (sqlite3_bind_text(store->get_value, 1, key, -1, SQLITE_STATIC) != SQLITE_OK)
        return qea_store_fail(ctx, store, "reading a setting");
    qea_status status = QEA_OK;
    int code = sqlite3_step(store->get_value);
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(store->get_value, 0);
        status = text != NULL ? qea_strdup(ctx, text, value) : qea_store_fail(ctx, store, "reading a setting");
    } else if (code != SQLITE_DONE) {
        status = qea_store_fail(ctx, store, "reading a setting");
    }
    (void)sqlite3_reset(store->get_value); /* ends the read transaction, which would hold up checkpoints */
    return status;
}

qea_status qea_store_add_event(qea_context *ctx, qea_store *store, const char *step, uint64_t trial, const char *text) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double time_s = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    QEA_TRY(qea_store_prepare(ctx, store, &store->add_event, "INSERT INTO events VALUES (?1, ?2, ?3, ?4)"));
    if (sqlite3_bind_double(store->add_event, 1, time_s) != SQLITE_OK ||
        sqlite3_bind_text(store->add_event, 2, step, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_int64(store->add_event, 3, (sqlite3_int64)trial) != SQLITE_OK ||
        sqlite3_bind_text(store->add_event, 4, text, -1, SQLITE_STATIC) != SQLITE_OK)
        return qea_store_fail(ctx, store, "writing an event");
    return qea_store_step_done(ctx, store, store->add_event, "writing an event");
}

const char *qea_store_library_version(void) { return sqlite3_libversion(); }
