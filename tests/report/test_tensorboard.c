/* Event files: the check sum against published values, the records against a reader of our own. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "report/event_file.h"
#include "report/report.h"
#include "report/tensorboard.h"

/* RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms. */
static void the_check_sum_has_the_published_values(void **state) {
    (void)state;
    uint8_t bytes[32];
    memset(bytes, 0, 32);
    assert_int_equal(qea_crc32c(bytes, 32), 0x8a9136aaU);
    memset(bytes, 0xff, 32);
    assert_int_equal(qea_crc32c(bytes, 32), 0x62a8ab43U);
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    assert_int_equal(qea_crc32c(bytes, 32), 0x46dd794eU);
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(qea_crc32c(bytes, 32), 0x113fdb5cU);
    assert_int_equal(qea_crc32c("123456789", 9), 0xe3069283U);
    assert_int_equal(qea_crc32c("", 0), 0);
}

/* The first bytes of every event file: a record of 24 bytes. */
static void a_file_begins_as_every_event_file_does(void **state) {
    (void)state;
    static const uint8_t begins[12] = {0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22};
    qea_text file = {0};
    qea_tensorboard_begin(&file, 1.5e9);
    assert_int_equal(file.size, 40);
    assert_memory_equal(file.bytes, begins, sizeof begins);
    assert_memory_equal(file.bytes + 12 + 9,
                        "\x1a\x0d"
                        "brain.Event:2",
                        15);
    qea_text_free(&file);
}

typedef struct fixture {
    char folder[64];
    qea_report_model models[3];
    qea_report_step step;
} fixture;

static const char *const objectives[2] = {"accuracy", "flops"};

static int set_up(void **state) {
    static fixture f;
    (void)snprintf(f.folder, sizeof f.folder, "/tmp/quantea-events-XXXXXX");
    if (mkdtemp(f.folder) == NULL) return -1;
    for (int i = 0; i < 3; i++) {
        f.models[i] = (qea_report_model){.id = (uint64_t)(200 * i + 1),
                                         .label = "front",
                                         .done = i != 1,
                                         .epochs = 2,
                                         .started_s = 1000,
                                         .ended_s = 1000 + 10 * (i + 1),
                                         .hypervolume = i == 0 ? (double)NAN : 0.25 * i};
        if (i == 1) continue;
        f.models[i].performance =
            json_pack("{s:f, s:f, s:f, s:{s:[i,i], s:[f,f], s:[f,f], s:[n,n], s:[f,f]}}", "accuracy", 0.5 + 0.1 * i,
                      "flops", 1e6 * (i + 1), "loss", 1.5, "curve", "epoch", 1, 2, "train_loss", 2.0, 1.0,
                      "train_accuracy", 0.25, 0.375, "val_accuracy", "lr", 0.1, 0.05);
        if (f.models[i].performance == NULL) return -1;
    }
    f.step =
        (qea_report_step){.name = "nas", .objectives = objectives, .num_objectives = 2, .models = f.models, .count = 3};
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    char line[128];
    for (int i = 0; i < 3; i++) json_decref((json_t *)(uintptr_t)f->models[i].performance);
    (void)snprintf(line, sizeof line, "rm -rf %s", f->folder);
    return system(line);
}

static void assert_scalar(const event_file *file, const char *tag, int64_t step, double time_s, double value) {
    const scalar *found = find_scalar(file, tag, step);
    if (found == NULL) fail_msg("no %s at %lld", tag, (long long)step);
    assert_true(found->value == (float)value && found->time_s == time_s);
}

static void the_search_has_a_step_for_each_trial_that_is_done(void **state) {
    fixture *f = *state;
    char path[160];
    assert_int_equal(qea_report_write_tensorboard(NULL, &f->step, f->folder), QEA_OK);
    (void)snprintf(path, sizeof path, "%s/nas/events.out.tfevents.quantea", f->folder);
    event_file file = read_event_file(path);
    assert_string_equal(file.version, "brain.Event:2");
    assert_int_equal(file.count, 5);
    assert_scalar(&file, "objectives/accuracy", 1, 1010, 0.5);
    assert_scalar(&file, "objectives/flops", 1, 1010, 1e6);
    assert_scalar(&file, "objectives/accuracy", 401, 1030, 0.7);
    assert_scalar(&file, "objectives/flops", 401, 1030, 3e6);
    assert_scalar(&file, "hypervolume", 401, 1030, 0.5);
    free(file.scalars);
}

static void a_full_training_has_a_step_for_each_epoch(void **state) {
    fixture *f = *state;
    char path[160];
    f->step.name = "fully_train";
    assert_int_equal(qea_report_write_tensorboard(NULL, &f->step, f->folder), QEA_OK);
    (void)snprintf(path, sizeof path, "%s/fully_train/front_401/events.out.tfevents.quantea", f->folder);
    event_file file = read_event_file(path);
    assert_int_equal(file.count, 8);
    assert_scalar(&file, "loss/train", 1, 1015, 2);
    assert_scalar(&file, "loss/train", 2, 1030, 1);
    assert_scalar(&file, "accuracy/train", 1, 1015, 0.25);
    assert_scalar(&file, "lr", 2, 1030, 0.05);
    assert_scalar(&file, "accuracy/test", 2, 1030, 0.7);
    assert_scalar(&file, "loss/test", 2, 1030, 1.5);
    free(file.scalars);
    (void)snprintf(path, sizeof path, "%s/fully_train/front_201", f->folder);
    assert_false(qea_file_exists(path)); /* it failed */
}

/* Who follows the file keeps its place: what was written stays where it is, also behind a write that was cut short. */
static void a_file_grows_behind_what_it_held(void **state) {
    fixture *f = *state;
    char path[160];
    uint8_t *before, *after;
    size_t size_before, size_after;
    f->step.count = 1;
    assert_int_equal(qea_report_write_tensorboard(NULL, &f->step, f->folder), QEA_OK);
    (void)snprintf(path, sizeof path, "%s/nas/events.out.tfevents.quantea", f->folder);
    FILE *follower = fopen(path, "rb");
    assert_non_null(follower);
    assert_int_equal(qea_file_read(NULL, path, 1 << 20, &before, &size_before), QEA_OK);
    assert_int_equal(truncate(path, (off_t)size_before - 5), 0);
    f->step.count = 3;
    assert_int_equal(qea_report_write_tensorboard(NULL, &f->step, f->folder), QEA_OK);
    assert_int_equal(qea_file_read(NULL, path, 1 << 20, &after, &size_after), QEA_OK);
    assert_true(size_after > size_before);
    assert_memory_equal(before, after, size_before);
    assert_int_equal(fseek(follower, 0, SEEK_END), 0);
    assert_int_equal(ftell(follower), size_after); /* the same file, not another of its name */
    (void)fclose(follower);
    /* what does not begin the same is replaced */
    assert_int_equal(qea_file_write(NULL, path, "something else", 14), QEA_OK);
    assert_int_equal(qea_report_write_tensorboard(NULL, &f->step, f->folder), QEA_OK);
    event_file file = read_event_file(path);
    assert_int_equal(file.count, 5);
    free(file.scalars);
    qea_free(before);
    qea_free(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_sum_has_the_published_values),
        cmocka_unit_test(a_file_begins_as_every_event_file_does),
        cmocka_unit_test_setup_teardown(the_search_has_a_step_for_each_trial_that_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_training_has_a_step_for_each_epoch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_grows_behind_what_it_held, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
