/* How far a step is, as those who watch it are told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/board.h"

enum { TRIALS = 4, EPOCHS = 10, STEPS = 100 };

static void update(qea_board *board, uint64_t trial, int epoch, int step) {
    json_t *message = json_pack("{s:i,s:i,s:i,s:i,s:f}", "epochs", EPOCHS, "steps", STEPS, "epoch", epoch, "step", step,
                                "images_per_s", 50.0);
    qea_board_update(board, trial, message);
    json_decref(message);
}

/* The time that is left, in times of what has passed. */
static double left(const qea_board *board) {
    qea_study_progress progress;
    qea_board_read(board, QEA_STUDY_PROGRESS, &progress);
    return progress.eta_s / progress.elapsed_s;
}

static void assert_left(const qea_board *board, double right) { assert_true(fabs(left(board) - right) < 1e-9); }

static qea_study_config config;
static const qea_run run = {.config = &config};

static int open_board(void **state) {
    static qea_trial_record records[TRIALS];
    static qea_step_trials trials;
    static qea_board board;
    trials = (qea_step_trials){.step = "fully_train", .records = records, .count = TRIALS, .total = TRIALS};
    for (uint64_t i = 0; i < TRIALS; i++) records[i] = (qea_trial_record){.id = i + 1, .state = QEA_TRIAL_ASKED};
    assert_int_equal(qea_board_create(NULL, &run, &trials, 2, &board), QEA_OK);
    board.begun -= 100;
    *state = &board;
    return 0;
}

static int close_board(void **state) {
    qea_board_clear(*state);
    return 0;
}

static void finish(qea_board *board, uint64_t trial) {
    qea_trial_record *record = &board->trials->records[trial - 1];
    record->state = QEA_TRIAL_FAILED;
    assert_int_equal(qea_board_finish(NULL, board, record), QEA_OK);
}

static void the_time_left_is_what_is_left_at_the_rate_of_what_was_done(void **state) {
    qea_board *board = *state;
    qea_board_start(board, 1, 1);
    update(board, 1, 0, 1);
    assert_true(isnan(left(board))); /* too early to tell */
    update(board, 1, 5, 50);
    assert_left(board, 3.45 / 0.55);
    finish(board, 1);
    qea_board_start(board, 2, 1);
    update(board, 2, 2, 50);
    assert_left(board, 2.75 / 1.25);
}

/* What was done before the step went on took none of the time that has passed since. */
static void a_trial_that_goes_on_from_a_checkpoint_counts_from_there(void **state) {
    qea_board *board = *state;
    qea_board_start(board, 1, 1);
    update(board, 1, 6, 0);
    assert_true(isnan(left(board)));
    update(board, 1, 8, 50);
    assert_left(board, 3.15 / 0.25);
    finish(board, 1);
    qea_board_start(board, 2, 1);
    update(board, 2, 1, 0);
    update(board, 2, 2, 50);
    assert_left(board, 2.75 / 0.55); /* 0.4 of the first, 0.15 of the second */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_time_left_is_what_is_left_at_the_rate_of_what_was_done, open_board,
                                        close_board),
        cmocka_unit_test_setup_teardown(a_trial_that_goes_on_from_a_checkpoint_counts_from_there, open_board,
                                        close_board),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
