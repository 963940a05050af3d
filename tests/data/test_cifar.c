#include "fixture.h"

enum { RECORD = 3073, FILE_RECORDS = 10000 };

static const char *const files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                    "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

static void make_cifar10(const fixture *f, const char *folder) {
    for (int i = 0; i < 6; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", folder, files[i]);
        fixture_zeros(f, name, (size_t)FILE_RECORDS * RECORD);
        const uint8_t first[] = {(uint8_t)(i + 1), (uint8_t)(10 * i)}, last = 9;
        fixture_patch(f, name, 0, first, 2);
        fixture_patch(f, name, (size_t)(FILE_RECORDS - 1) * RECORD, &last, 1);
    }
}

static void planes_become_interleaved_pixels(void **state) {
    const fixture *f = *state;
    const qea_cifar_format format = {"CIFAR-10", 10, qea_cifar10_names, 2, 1, 0, "labels"};
    static uint8_t bytes[2 * RECORD];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + i / 256);
    bytes[0] = 3;
    bytes[RECORD] = 7;
    qea_dataset *out = NULL;
    assert_int_equal(qea_dataset_create(f->ctx, "t", 3, 32, 32, 3, 10, &out), QEA_OK);
    assert_int_equal(qea_cifar_binary_decode(f->ctx, "t", bytes, sizeof bytes, &format, 1, out), QEA_OK);
    assert_int_equal(out->labels[1], 3);
    assert_int_equal(out->labels[2], 7);
    for (int i = 0; i < 2; i++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(out->pixels[(((i + 1) * 32 + y) * 32 + x) * 3 + c],
                                     bytes[i * RECORD + 1 + c * 1024 + y * 32 + x]);
    qea_dataset_destroy(out);
}

static void the_training_files_follow_each_other_in_order(void **state) {
    const fixture *f = *state;
    make_cifar10(f, "cifar-10-batches-bin/"); /* found from the parent folder */
    qea_dataset *train = fixture_load(f, "Cifar10", f->folder, QEA_PART_TRAIN);
    assert_int_equal(train->count, 50000);
    assert_int_equal(train->height * 10000 + train->width * 100 + train->channels, 323203);
    assert_int_equal(train->num_classes, 10);
    assert_string_equal(train->class_names[9], "truck");
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(train->labels[i * FILE_RECORDS], i + 1);
        assert_int_equal(train->labels[i * FILE_RECORDS + FILE_RECORDS - 1], 9);
        assert_int_equal(train->pixels[i * FILE_RECORDS * 3072], 10 * i);
    }
    qea_dataset_destroy(train);
    qea_dataset *test = fixture_load(f, "Cifar10", fixture_path(f, "cifar-10-batches-bin"), QEA_PART_TEST);
    assert_int_equal(test->count, 10000);
    assert_int_equal(test->labels[0], 6);
    qea_dataset_destroy(test);
    assert_null(fixture_load(f, "Cifar10", f->folder, QEA_PART_VAL));
}

static void a_damaged_file_is_named_with_the_offset(void **state) {
    const fixture *f = *state;
    make_cifar10(f, "");
    const uint8_t ten = 10, zero = 0;
    fixture_patch(f, "test_batch.bin", 17 * RECORD, &ten, 1);
    expect_data_error(f, "Cifar10", QEA_PART_TEST, "test_batch.bin: byte 52241: the label of record 17 is 10", NULL);
    fixture_patch(f, "test_batch.bin", 17 * RECORD, &zero, 1);
    fixture_truncate(f, "test_batch.bin", 3073 * 9999); /* at the border of a record, too */
    expect_data_error(f, "Cifar10", QEA_PART_TEST, "test_batch.bin: truncated: ends at byte 30726927", "30730000");
    fixture_truncate(f, "test_batch.bin", 30730001);
    expect_data_error(f, "Cifar10", QEA_PART_TEST, "test_batch.bin: oversized", "byte 30730000");
    fixture_truncate(f, "test_batch.bin", 0);
    expect_data_error(f, "Cifar10", QEA_PART_TEST, "test_batch.bin: truncated: ends at byte 0", NULL);
    fixture_truncate(f, "test_batch.bin", 4ull * 30730000);
    expect_data_error(f, "Cifar10", QEA_PART_TEST, "test_batch.bin", "122920000");
}

static void a_missing_file_or_folder_is_named(void **state) {
    const fixture *f = *state;
    expect_data_error(f, "Cifar10", QEA_PART_TRAIN, f->folder, "cifar-10-batches-py");
    make_cifar10(f, "");
    remove(fixture_path(f, "data_batch_1.bin"));
    expect_data_error(f, "Cifar10", QEA_PART_TRAIN, "data_batch_1.bin", NULL);
    qea_dataset *out = NULL;
    qea_dataset_source source = {.type = "Cifar10", .path = fixture_path(f, "nowhere")};
    assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TRAIN, &out), QEA_ERR_DATA);
    expect_message(f, "nowhere', but there is no such folder");
    source.path = fixture_path(f, "test_batch.bin");
    assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TRAIN, &out), QEA_ERR_DATA);
    expect_message(f, "a file; allowed: the folder");
    source.type = "Cifar1O";
    assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TRAIN, &out), QEA_ERR_CONFIG);
    expect_message(f, "Cifar10");
    source.type = "Cifar10";
    source.path = "";
    assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TRAIN, &out), QEA_ERR_CONFIG);
}

static void cifar100_takes_the_fine_label_and_checks_the_coarse_one(void **state) {
    const fixture *f = *state;
    fixture_zeros(f, "cifar-100-binary/test.bin", 10000 * 3074);
    const uint8_t first[] = {19, 99, 200}, second[] = {0, 100}, third[] = {20, 0};
    fixture_patch(f, "cifar-100-binary/test.bin", 0, first, 3);
    qea_dataset *test = fixture_load(f, "Cifar100", f->folder, QEA_PART_TEST);
    assert_int_equal(test->count, 10000);
    assert_int_equal(test->num_classes, 100);
    assert_int_equal(test->labels[0], 99);
    assert_int_equal(test->pixels[0], 200);
    assert_string_equal(test->class_names[99], "worm");
    qea_dataset_destroy(test);
    fixture_patch(f, "cifar-100-binary/test.bin", 3074, second, 2);
    expect_data_error(f, "Cifar100", QEA_PART_TEST, "byte 3075: the label of record 1 is 100", NULL);
    fixture_patch(f, "cifar-100-binary/test.bin", 3074, third, 2);
    expect_data_error(f, "Cifar100", QEA_PART_TEST, "byte 3074: the coarse label of record 1 is 20", NULL);
    expect_data_error(f, "Cifar100", QEA_PART_TRAIN, "train.bin", NULL);
}

/* QEA_CIFAR10: a folder with the real files. Published means of the training images (per channel): the normalisation.
 */
static void real_cifar10_has_the_published_means(void **state) {
    const fixture *f = *state;
    const char *path = getenv("QEA_CIFAR10");
    if (!path) {
        print_message("QEA_CIFAR10 is not set\n");
        skip();
    }
    qea_dataset *train = fixture_load(f, "Cifar10", path, QEA_PART_TRAIN);
    double sums[3] = {0};
    size_t counts[10] = {0};
    for (size_t p = 0; p < train->count * 3072; p++) sums[p % 3] += train->pixels[p];
    for (size_t i = 0; i < train->count; i++) counts[train->labels[i]]++;
    const double means[] = {.49139968, .48215827, .44653124};
    for (int c = 0; c < 3; c++)
        assert_true(sums[c] / 255 / 51200000 > means[c] - 1e-5 && sums[c] / 255 / 51200000 < means[c] + 1e-5);
    for (int c = 0; c < 10; c++) assert_int_equal(counts[c], 5000);
    qea_dataset_destroy(train);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(planes_become_interleaved_pixels),
        FIXTURE_TEST(the_training_files_follow_each_other_in_order),
        FIXTURE_TEST(a_damaged_file_is_named_with_the_offset),
        FIXTURE_TEST(a_missing_file_or_folder_is_named),
        FIXTURE_TEST(cifar100_takes_the_fine_label_and_checks_the_coarse_one),
        FIXTURE_TEST(real_cifar10_has_the_published_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
