/* store/store_internal.h: what the files of the store share. */
#ifndef QEA_STORE_INTERNAL_H
#define QEA_STORE_INTERNAL_H

#include <sqlite3.h>

#include "base/text.h"
#include "store/store.h"

struct qea_store {
    sqlite3 *db;                          /* owned */
    sqlite3_stmt *put_trial, *get_trials; /* owned; NULL until first used */
    sqlite3_stmt *set_value, *get_value, *add_event;
    char *path; /* owned: FOLDER/task.db, for messages */
    int lock;   /* file descriptor of the held lock, -1: a reader */
};

/* The failure that `store->db` reports, as "PATH: doing: SQLite's text": a full disk is QEA_ERR_IO, a damaged file
 * QEA_ERR_DATA, a database that stays locked QEA_ERR_STATE. */
qea_status qea_store_fail(qea_context *ctx, const qea_store *store, const char *doing);

/* Prepares *statement once and makes it ready for a new set of bound values. */
QEA_MUST_USE qea_status qea_store_prepare(qea_context *ctx, qea_store *store, sqlite3_stmt **statement,
                                          const char *sql);
/* Runs a statement that gives no rows and leaves it reset. */
QEA_MUST_USE qea_status qea_store_step_done(qea_context *ctx, qea_store *store, sqlite3_stmt *statement,
                                            const char *doing);
QEA_MUST_USE qea_status qea_store_exec(qea_context *ctx, qea_store *store, const char *sql, const char *doing);

/* Takes FOLDER/task.lock (flock, so it goes with the process, however that ends) and writes the pid into it.
 * QEA_ERR_STATE names the pid that has it. */
QEA_MUST_USE qea_status qea_store_lock(qea_context *ctx, const char *folder, int *lock);
void qea_store_unlock(int lock);

/* The name of a network file system by its statfs magic number, or NULL: SQLite's WAL needs shared memory between all
 * users of a database, which these do not give (https://www.sqlite.org/wal.html, "must be on the same host"). */
const char *qea_store_network_name(unsigned long magic);
/* The same of the FUSE file system on a device: the name of a program that is known to serve from the network, by the
 * text of /proc/self/mountinfo (any bytes), or NULL: most that is FUSE is local. */
const char *qea_store_fuse_network(const char *mounts, size_t size, unsigned major_number, unsigned minor_number);
/* QEA_ERR_STATE where the folder lies on either. */
QEA_MUST_USE qea_status qea_store_refuse_network(qea_context *ctx, const char *folder);

/* Lists of numbers are stored as text, "4 8 4", because SQLite would turn a NaN into NULL, and so that other programs
 * can read them. Doubles are in round-trip form. Reading takes only what the writers below write: *items is
 * owned by the caller, NULL where the list is empty. QEA_ERR_DATA: not such a list. */
void qea_store_put_u16(qea_text *text, const uint16_t *items, size_t count);
void qea_store_put_u8(qea_text *text, const uint8_t *items, size_t count);
void qea_store_put_doubles(qea_text *text, const double *items, size_t count);
QEA_MUST_USE qea_status qea_store_get_u16(qea_context *ctx, const char *text, uint16_t **items, size_t *count);
QEA_MUST_USE qea_status qea_store_get_u8(qea_context *ctx, const char *text, uint8_t **items, size_t *count);
QEA_MUST_USE qea_status qea_store_get_doubles(qea_context *ctx, const char *text, double **items, size_t *count);

#endif
