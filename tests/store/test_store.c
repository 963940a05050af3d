/* The store keeps what it was given, refuses a second coordinator, and can be read while it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/store_internal.h"
#include "store_scratch.h"

static void check_equal(const qea_trial_record *a, const qea_trial_record *b) {
    const char *x[] = {a->step, a->label, a->result_json, a->reason, a->model_path};
    const char *y[] = {b->step, b->label, b->result_json, b->reason, b->model_path};
    for (int i = 0; i < 5; i++) {
        assert_true((x[i] == NULL) == (y[i] == NULL));
        if (x[i] != NULL) assert_string_equal(x[i], y[i]);
    }
    assert_true(a->id == b->id && a->source == b->source && a->state == b->state);
    assert_int_equal(a->genome_length, b->genome_length);
    assert_int_equal(a->num_layers, b->num_layers);
    assert_int_equal(a->num_objectives, b->num_objectives);
    if (a->genome_length > 0) assert_memory_equal(a->genome, b->genome, a->genome_length * sizeof *a->genome);
    if (a->num_layers > 0) assert_memory_equal(a->weight_bits, b->weight_bits, a->num_layers);
    if (a->num_layers > 0) assert_memory_equal(a->activation_bits, b->activation_bits, a->num_layers);
    for (size_t i = 0; i < a->num_objectives; i++) {
        if (isnan(a->objectives[i]))
            assert_true(isnan(b->objectives[i]));
        else
            assert_memory_equal(&a->objectives[i], &b->objectives[i], sizeof(double));
    }
    assert_true(a->attempts == b->attempts && a->epochs == b->epochs);
    assert_true(a->started_s == b->started_s && a->ended_s == b->ended_s && a->train_seconds == b->train_seconds);
}

static qea_trial_record read_one(scratch *s) {
    qea_trial_record *trials = NULL, trial;
    size_t count = 0;
    assert_ok(s, qea_store_trials(s->ctx, s->store, "nas", &trials, &count));
    assert_int_equal(count, 1);
    assert_int_equal(qea_trial_record_copy(s->ctx, &trials[0], &trial), QEA_OK);
    qea_trial_records_free(trials, count);
    return trial;
}

static void a_finished_trial_reads_back_bit_for_bit(void **state) {
    scratch *s = *state;
    uint16_t genome[] = {0, 65535, 3};
    uint8_t weights[] = {0, 32}, activations[] = {255, 1};
    double objectives[] = {0.1, NAN, INFINITY, -INFINITY, -0.0, 5e-324, 1.7976931348623157e308, 1.0 / 3, 40813184.0};
    qea_trial_record trial = {.step = "nas",
                              .id = INT64_MAX,
                              .label = "given",
                              .source = 7,
                              .genome = genome,
                              .genome_length = 3,
                              .weight_bits = weights,
                              .activation_bits = activations,
                              .num_layers = 2,
                              .state = QEA_TRIAL_DONE,
                              .objectives = objectives,
                              .num_objectives = 9,
                              .result_json = "{\"accuracy\": 0.1, \"\xc3\xa4\": \"'\"}",
                              .attempts = 2,
                              .epochs = 3,
                              .started_s = 1700000000.123456,
                              .ended_s = 1700000001.5,
                              .train_seconds = 0.1,
                              .model_path = "nas/model_7.safetensors"};
    assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial));
    reopen(s, false);
    qea_trial_record again = read_one(s);
    check_equal(&trial, &again);
    qea_trial_record_clear(&again);
}

static void what_is_absent_stays_absent(void **state) {
    scratch *s = *state;
    qea_trial_record trial = {.step = "nas", .id = 1, .label = "seed", .state = QEA_TRIAL_ASKED};
    assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial));
    qea_trial_record again = read_one(s);
    check_equal(&trial, &again);
    assert_null(again.objectives);
    qea_trial_record_clear(&again);
}

static void a_trial_replaces_its_earlier_state(void **state) {
    scratch *s = *state;
    double objective = 0.5;
    qea_trial_record trial = {.step = "nas",
                              .id = 1,
                              .label = "seed",
                              .state = QEA_TRIAL_DONE,
                              .objectives = &objective,
                              .num_objectives = 1};
    assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial));
    trial = (qea_trial_record){.step = "nas", .id = 1, .label = "seed", .state = QEA_TRIAL_FAILED, .reason = "killed"};
    assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial));
    qea_trial_record again = read_one(s);
    check_equal(&trial, &again);
    qea_trial_record_clear(&again);
}

static void steps_are_apart_and_trials_come_by_id(void **state) {
    scratch *s = *state;
    const uint64_t ids[] = {10, 2, 9, 1};
    qea_trial_record trials[5] = {{0}}, *nas = NULL;
    size_t count = 0;
    for (int i = 0; i < 4; i++) trials[i] = (qea_trial_record){.step = "nas", .id = ids[i], .label = "seed"};
    trials[4] = (qea_trial_record){.step = "fully_train", .id = 1, .label = "baseline"};
    assert_ok(s, qea_store_put_trials(s->ctx, s->store, trials, 5));
    assert_ok(s, qea_store_trials(s->ctx, s->store, "nas", &nas, &count));
    assert_int_equal(count, 4);
    assert_true(nas[0].id == 1 && nas[1].id == 2 && nas[2].id == 9 && nas[3].id == 10);
    qea_trial_records_free(nas, count);
    assert_ok(s, qea_store_trials(s->ctx, s->store, "other", &nas, &count));
    assert_int_equal(count, 0);
    assert_null(nas);
}

static void a_failing_batch_leaves_nothing(void **state) {
    scratch *s = *state;
    qea_trial_record trials[2] = {{.step = "nas", .id = 1, .label = "seed"}, {.step = NULL, .id = 2}},
                     *nas = NULL; /* step may not be NULL */
    size_t count = 0;
    assert_int_not_equal(qea_store_put_trials(s->ctx, s->store, trials, 2), QEA_OK);
    assert_ok(s, qea_store_trials(s->ctx, s->store, "nas", &nas, &count));
    assert_int_equal(count, 0);
    assert_ok(s, qea_store_put_trials(s->ctx, s->store, trials, 1)); /* and the store goes on */
}

static void settings_are_kept_and_replaced(void **state) {
    scratch *s = *state;
    char *value = NULL;
    assert_ok(s, qea_store_get(s->ctx, s->store, "config", &value));
    assert_null(value);
    assert_ok(s, qea_store_set(s->ctx, s->store, "config", "a: 1\n"));
    assert_ok(s, qea_store_set(s->ctx, s->store, "config", ""));
    reopen(s, true);
    assert_ok(s, qea_store_get(s->ctx, s->store, "config", &value));
    assert_string_equal(value, "");
    qea_free(value);
}

static void events_are_kept(void **state) {
    scratch *s = *state;
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    assert_ok(s, qea_store_add_event(s->ctx, s->store, "nas", 4, "worker died"));
    assert_ok(s, qea_store_add_event(s->ctx, s->store, NULL, 0, "resumed"));
    assert_int_equal(sqlite3_open_v2(s->database, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT text, trial FROM events ORDER BY rowid", -1, &query, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(query, 0), "worker died");
    assert_int_equal(sqlite3_column_int(query, 1), 4);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    assert_int_equal(sqlite3_step(query), SQLITE_DONE);
    (void)sqlite3_finalize(query);
    (void)sqlite3_close(db);
}

static void a_second_coordinator_is_refused_by_pid(void **state) {
    scratch *s = *state;
    qea_store *second = NULL;
    char pid[32];
    assert_int_equal(qea_store_open(s->ctx, s->folder, false, &second), QEA_ERR_STATE);
    assert_null(second);
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    assert_non_null(strstr(qea_context_message(s->ctx), pid));
    assert_non_null(strstr(qea_context_message(s->ctx), s->folder));
}

/* A worker that outlives its coordinator must not keep the task locked. */
static void the_lock_is_not_inherited_by_programs(void **state) {
    scratch *s = *state;
    int out[2];
    char byte;
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", "echo; exec sleep 20 >/dev/null", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(read(out[0], &byte, 1), 1); /* exec has happened */
    qea_store_close(s->store);
    s->store = NULL;
    qea_status status = qea_store_open(s->ctx, s->folder, false, &s->store);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    (void)close(out[0]);
    (void)close(out[1]);
    assert_ok(s, status);
}

static void readers_read_while_the_writer_writes(void **state) {
    scratch *s = *state;
    qea_store *reader = NULL;
    assert_ok(s, qea_store_open(s->ctx, s->folder, true, &reader));
    for (uint64_t id = 1; id <= 50; id++) {
        qea_trial_record trial = {.step = "nas", .id = id, .label = "seed"}, *trials = NULL;
        size_t count = 0;
        assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial));
        assert_ok(s, qea_store_trials(s->ctx, reader, "nas", &trials, &count));
        assert_int_equal(count, id);
        qea_trial_records_free(trials, count);
    }
    qea_store_close(reader);
}

static void a_reader_cannot_write(void **state) {
    scratch *s = *state;
    qea_trial_record trial = {.step = "nas", .id = 1};
    reopen(s, true);
    assert_int_equal(qea_store_put_trial(s->ctx, s->store, &trial), QEA_ERR_IO);
    assert_int_equal(qea_store_set(s->ctx, s->store, "a", "b"), QEA_ERR_IO);
}

static void a_folder_without_a_task_is_named(void **state) {
    scratch *s = *state;
    qea_store *reader = NULL;
    assert_int_equal(qea_store_open(s->ctx, "/no/such/folder", true, &reader), QEA_ERR_DATA);
    assert_non_null(strstr(qea_context_message(s->ctx), "/no/such/folder"));
    assert_null(reader);
}

static void change(scratch *s, const char *sql) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(s->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void another_version_or_program_is_refused(void **state) {
    scratch *s = *state;
    close_store(s);
    change(s, "PRAGMA user_version = 99");
    assert_int_equal(qea_store_open(s->ctx, s->folder, false, &s->store), QEA_ERR_STATE);
    assert_non_null(strstr(qea_context_message(s->ctx), "found schema version 99, this program uses 1"));
    assert_int_equal(qea_store_open(s->ctx, s->folder, true, &s->store), QEA_ERR_STATE);
    change(s, "PRAGMA user_version = 0");
    assert_int_equal(qea_store_open(s->ctx, s->folder, false, &s->store), QEA_ERR_STATE);
    assert_non_null(strstr(qea_context_message(s->ctx), "another program"));
}

static void a_damaged_database_is_an_error_not_a_crash(void **state) {
    scratch *s = *state;
    static const char *const bad[] = {"UPDATE trials SET genome = '1 x'",
                                      "UPDATE trials SET genome = '65536'",
                                      "UPDATE trials SET weight_bits = '4  8'",
                                      "UPDATE trials SET activation_bits = '4'",
                                      "UPDATE trials SET objectives = '1 2 abc'",
                                      "UPDATE trials SET state = 9",
                                      "UPDATE trials SET source = -1",
                                      "UPDATE trials SET label = NULL",
                                      "UPDATE trials SET weight_bits = x'ff00ff'"};
    uint8_t bits[] = {4, 8};
    qea_trial_record trial = {
        .step = "nas", .id = 1, .label = "seed", .weight_bits = bits, .activation_bits = bits, .num_layers = 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qea_trial_record *trials = NULL;
        size_t count = 0;
        assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial));
        change(s, bad[i]);
        assert_int_equal(qea_store_trials(s->ctx, s->store, "nas", &trials, &count), QEA_ERR_DATA);
        assert_non_null(strstr(qea_context_message(s->ctx), s->database));
        assert_non_null(strstr(qea_context_message(s->ctx), ": step nas, trial 1: "));
        assert_null(trials);
    }
    close_store(s);
    assert_int_equal(qea_file_write(s->ctx, s->database, "this is not a database, but long enough to look at", 50),
                     QEA_OK);
    assert_int_equal(qea_store_open(s->ctx, s->folder, false, &s->store), QEA_ERR_DATA);
}

static void network_file_systems_are_known(void **state) {
    (void)state;
    assert_string_equal(qea_store_network_name(0x6969), "NFS");
    assert_string_equal(qea_store_network_name(0xff534d42), "CIFS");
    assert_string_equal(qea_store_network_name((unsigned long)(long)(int32_t)0xff534d42), "CIFS"); /* a signed f_type */
    assert_string_equal(qea_store_network_name(0x01021997), "9P");
    assert_null(qea_store_network_name(0xef53));     /* ext4 */
    assert_null(qea_store_network_name(0x01021994)); /* tmpfs */
    assert_null(qea_store_network_name(0x794c7630)); /* overlayfs */
}

/* Lines as the kernel writes them (proc_pid_mountinfo(5)). */
static const char mounts[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "90 22 0:48 / /srv/a\\040-\\040b rw,nosuid,nodev shared:310 master:2 - fuse.sshfs host:/data rw,user_id=1000\n"
    "91 22 0:49 / /srv/vol rw - fuse.glusterfs server:/vol rw\n"
    "92 22 0:50 / /srv/bucket rw - fuse.s3fs s3fs rw\n"
    "93 22 0:51 / /srv/dav rw shared:5 - fuse dav://store/dav rw\n"
    "94 22 0:52 / /srv/old rw - fuse sshfs#host:/data rw\n"
    "95 22 0:53 / /srv/secret rw - fuse.gocryptfs /srv/cipher rw\n"
    "96 22 8:17 / /srv/stick rw - fuseblk /dev/sdb1 rw\n"
    "97 22 0:54 / /srv/plain rw - fuse portal rw\n"
    "98 22 0:55 / /srv/name rw - ext4 fuse.sshfs rw\n";

static void network_file_systems_through_fuse_are_known(void **state) {
    (void)state;
    const size_t size = sizeof mounts - 1;
    assert_string_equal(qea_store_fuse_network(mounts, size, 0, 48), "sshfs");
    assert_string_equal(qea_store_fuse_network(mounts, size, 0, 49), "glusterfs");
    assert_string_equal(qea_store_fuse_network(mounts, size, 0, 50), "s3fs");
    assert_string_equal(qea_store_fuse_network(mounts, size, 0, 51), "an address");
    assert_string_equal(qea_store_fuse_network(mounts, size, 0, 52), "sshfs");
    assert_null(qea_store_fuse_network(mounts, size, 0, 53));
    assert_null(qea_store_fuse_network(mounts, size, 8, 17));
    for (unsigned minor_number = 54; minor_number < 60; minor_number++)
        assert_null(qea_store_fuse_network(mounts, size, 0, minor_number));
    assert_null(qea_store_fuse_network(mounts, size, 0, 4));
    assert_null(qea_store_fuse_network(mounts, size, 8, 1));
}

/* Cut anywhere, and with any byte changed: no answer but a name or none, and no byte read that is not there. */
static void a_damaged_list_of_mounts_does_no_harm(void **state) {
    (void)state;
    const size_t size = sizeof mounts - 1;
    for (size_t cut = 0; cut <= size; cut++) {
        char *part = malloc(cut > 0 ? cut : 1); /* of its own, so that a sanitizer sees its end */
        assert_non_null(part);
        memcpy(part, mounts, cut);
        (void)qea_store_fuse_network(part, cut, 0, 48);
        for (size_t i = 0; i < 3 && cut > 0; i++) {
            part[(cut - 1) * (i + 1) / 3] = " -\0"[i];
            (void)qea_store_fuse_network(part, cut, 0, 52);
        }
        free(part);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_finished_trial_reads_back_bit_for_bit),
        TEST(what_is_absent_stays_absent),
        TEST(a_trial_replaces_its_earlier_state),
        TEST(steps_are_apart_and_trials_come_by_id),
        TEST(a_failing_batch_leaves_nothing),
        TEST(settings_are_kept_and_replaced),
        TEST(events_are_kept),
        TEST(a_second_coordinator_is_refused_by_pid),
        TEST(the_lock_is_not_inherited_by_programs),
        TEST(readers_read_while_the_writer_writes),
        TEST(a_reader_cannot_write),
        TEST(a_folder_without_a_task_is_named),
        TEST(another_version_or_program_is_refused),
        TEST(a_damaged_database_is_an_error_not_a_crash),
        cmocka_unit_test(network_file_systems_are_known),
        cmocka_unit_test(network_file_systems_through_fuse_are_known),
        cmocka_unit_test(a_damaged_list_of_mounts_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
