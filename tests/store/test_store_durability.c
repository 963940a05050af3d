/* What the store has acknowledged survives kill -9, and a full disk loses nothing and breaks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/rng.h"
#include "store_scratch.h"

enum { GENES = 40 };

/* Everything in a trial follows from its id, so that a reader can check it. */
static void fill(uint64_t id, uint16_t genome[GENES], double objectives[2], qea_trial_record *trial) {
    for (size_t i = 0; i < GENES; i++) genome[i] = (uint16_t)((id * 31 + i * 7) % 97);
    objectives[0] = 1.0 / (double)id;
    objectives[1] = (double)id * 0.1;
    *trial = (qea_trial_record){.step = "nas",
                                .id = id,
                                .label = "child",
                                .genome = genome,
                                .genome_length = GENES,
                                .state = QEA_TRIAL_DONE,
                                .objectives = objectives,
                                .num_objectives = 2,
                                .result_json = "{\"accuracy\": 0.5}"};
}

/* Trials first..last are all there and whole; *count is how many there are in all. */
static void check_trials(scratch *s, uint64_t last, size_t *count) {
    qea_trial_record *trials = NULL, expected;
    uint16_t genome[GENES];
    double objectives[2];
    assert_ok(s, qea_store_trials(s->ctx, s->store, "nas", &trials, count));
    assert_in_range(*count, last, last + 3); /* written, but the acknowledgement was lost with the writer */
    for (size_t i = 0; i < *count; i++) {
        fill(i + 1, genome, objectives, &expected);
        assert_int_equal(trials[i].id, i + 1);
        assert_int_equal(trials[i].genome_length, GENES);
        assert_memory_equal(trials[i].genome, genome, sizeof genome);
        assert_memory_equal(trials[i].objectives, objectives, sizeof objectives);
    }
    qea_trial_records_free(trials, *count);
}

/* Writes trials, some in batches of three, and tells each last id that is safe. */
static void write_until_killed(const char *folder, uint64_t first, int out) {
    qea_context *ctx = qea_context_create();
    qea_store *store = NULL;
    uint16_t genome[3][GENES];
    double objectives[3][2];
    qea_trial_record trials[3];
    if (qea_store_open(ctx, folder, false, &store) != QEA_OK) _exit(1);
    for (uint64_t id = first;;) {
        size_t batch = id % 5 == 0 ? 3 : 1;
        for (size_t i = 0; i < batch; i++) fill(id + i, genome[i], objectives[i], &trials[i]);
        qea_status status =
            batch == 1 ? qea_store_put_trial(ctx, store, trials) : qea_store_put_trials(ctx, store, trials, batch);
        if (status != QEA_OK) _exit(2);
        id += batch;
        uint64_t safe = id - 1;
        if (write(out, &safe, sizeof safe) != (ssize_t)sizeof safe) _exit(3);
    }
}

static void acknowledged_trials_survive_kill_9_at_any_moment(void **state) {
    scratch *s = *state;
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    size_t count = 0;
    for (int round = 0; round < 25; round++) {
        int pipes[2];
        uint64_t safe = count, told;
        close_store(s);
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            (void)close(pipes[0]);
            write_until_killed(s->folder, count + 1, pipes[1]);
        }
        (void)close(pipes[1]);
        struct timespec wait = {0, (long)(qea_rng_uniform(&rng, (uint64_t)round) * 40e6)};
        (void)nanosleep(&wait, NULL);
        (void)kill(child, SIGKILL);
        int status = 0;
        (void)waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status)); /* the writer saw no failure */
        while (read(pipes[0], &told, sizeof told) == (ssize_t)sizeof told) safe = told;
        (void)close(pipes[0]);
        assert_ok(s, qea_store_open(s->ctx, s->folder, false, &s->store)); /* the lock died with its holder */
        check_trials(s, safe, &count);
    }
    assert_true(count > 0);
}

/* Files may not grow beyond `bytes`: the nearest to a full disk that needs no rights. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_stops_cleanly_and_goes_on_later(void **state) {
    scratch *s = *state;
    uint16_t genome[GENES];
    double objectives[2];
    qea_trial_record trial;
    qea_status status = QEA_OK;
    uint64_t id = 0;
    size_t count = 0;
    (void)signal(SIGXFSZ, SIG_IGN); /* as a command would: EFBIG instead of death */
    limit_files(150 * 1024);
    while (status == QEA_OK && id < 10000) {
        fill(++id, genome, objectives, &trial);
        status = qea_store_put_trial(s->ctx, s->store, &trial);
    }
    qea_status setting = qea_store_set(s->ctx, s->store, "key", "value");
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, QEA_ERR_IO);
    assert_non_null(strstr(qea_context_message(s->ctx), s->database));
    assert_int_equal(setting, QEA_ERR_IO);
    check_trials(s, id - 1, &count); /* readable at once */
    assert_int_equal(count, id - 1);
    assert_ok(s, qea_store_put_trial(s->ctx, s->store, &trial)); /* there is room again */
    reopen(s, false);
    check_trials(s, id, &count);
    assert_int_equal(count, id);
}

static void a_full_disk_leaves_nothing_of_a_batch(void **state) {
    scratch *s = *state;
    static uint16_t genomes[1000][GENES];
    static double objectives[1000][2];
    static qea_trial_record trials[1000];
    size_t count = 0;
    for (size_t i = 0; i < 1000; i++) fill(i + 1, genomes[i], objectives[i], &trials[i]);
    assert_ok(s, qea_store_put_trials(s->ctx, s->store, trials, 10));
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(100 * 1024);
    qea_status status = qea_store_put_trials(s->ctx, s->store, trials + 10, 990);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, QEA_ERR_IO);
    check_trials(s, 10, &count);
    assert_int_equal(count, 10);
    assert_ok(s, qea_store_put_trials(s->ctx, s->store, trials + 10, 990));
    check_trials(s, 1000, &count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(acknowledged_trials_survive_kill_9_at_any_moment),
        TEST(a_full_disk_stops_cleanly_and_goes_on_later),
        TEST(a_full_disk_leaves_nothing_of_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
