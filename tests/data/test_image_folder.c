#include "image_fixture.h"

/* Image i of class c is red c, green i, so that pixels show which file they came from. */
static void make_classes(const fixture *f, const char *folder, const char *const *classes, const int *counts, int n) {
    char name[256];
    for (int c = 0; c < n; c++)
        for (int i = 0; i < counts[c]; i++) {
            snprintf(name, sizeof name, "%s%s/%03d.png", folder, classes[c], i);
            write_colour(f, name, 4, (uint8_t)c, (uint8_t)i, 77);
        }
}

static const char *const abc[] = {"ape", "bee", "cat"};

static qea_status load(const fixture *f, double portion, int size, uint64_t seed, qea_dataset_part part,
                       qea_dataset **out) {
    qea_dataset_source source = {"ImageFolder", f->folder, size, 0, portion, seed};
    *out = NULL;
    return qea_dataset_load(f->ctx, &source, part, out);
}

static qea_dataset *must_load(const fixture *f, double portion, uint64_t seed, qea_dataset_part part) {
    qea_dataset *out;
    if (load(f, portion, 0, seed, part, &out) != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
    return out;
}

static void expect_refused(const fixture *f, double portion, qea_dataset_part part, const char *message) {
    qea_dataset *out;
    assert_int_equal(load(f, portion, 0, 1, part, &out), QEA_ERR_DATA);
    assert_null(out);
    expect_message(f, message);
}

/* Marks the images of a part in seen[class][number], each of which must be new there. */
static void mark(const qea_dataset *data, bool seen[3][64]) {
    for (size_t i = 0; i < data->count; i++) {
        const uint8_t *pixel = data->pixels + i * 48;
        assert_int_equal(data->labels[i], pixel[0]);
        assert_int_equal(pixel[2], 77);
        assert_false(seen[pixel[0]][pixel[1]]);
        seen[pixel[0]][pixel[1]] = true;
    }
}

static void one_folder_is_divided_by_class_and_seed(void **state) {
    const fixture *f = *state;
    const int counts[] = {40, 10, 1};
    make_classes(f, "", abc, counts, 3);
    bool seen[3][64] = {{false}};
    qea_dataset *train = must_load(f, 0.2, 5, QEA_PART_TRAIN), *test = must_load(f, 0.2, 5, QEA_PART_TEST);
    assert_int_equal(train->count, 32 + 8 + 1); /* a class of one image keeps it for training */
    assert_int_equal(test->count, 8 + 2);
    assert_int_equal(train->num_classes, 3);
    assert_int_equal(test->num_classes, 3);
    assert_string_equal(train->class_names[1], "bee");
    mark(train, seen);
    mark(test, seen); /* no image is in both */
    qea_dataset *again = must_load(f, 0.2, 5, QEA_PART_TEST), *other = must_load(f, 0.2, 6, QEA_PART_TEST);
    assert_memory_equal(again->pixels, test->pixels, test->count * 48);
    assert_memory_not_equal(other->pixels, test->pixels, test->count * 48);
    assert_null(must_load(f, 0.2, 5, QEA_PART_VAL));
    qea_dataset_destroy(train);
    qea_dataset_destroy(test);
    qea_dataset_destroy(again);
    qea_dataset_destroy(other);
}

static void every_part_of_the_order_has_the_classes_in_their_shares(void **state) {
    const fixture *f = *state;
    const int counts[] = {40, 20, 10};
    make_classes(f, "", abc, counts, 3);
    qea_dataset *train = must_load(f, 0, 1, QEA_PART_TRAIN);
    assert_int_equal(train->count, 70);
    int so_far[3] = {0};
    for (size_t i = 0; i < 70; i++) {
        so_far[train->labels[i]]++;
        for (int c = 0; c < 3; c++) {
            double share = counts[c] * (double)(i + 1) / 70;
            assert_true(so_far[c] > share - 1.5 && so_far[c] < share + 1.5);
        }
    }
    qea_dataset_destroy(train);
}

static void train_val_and_test_folders_are_taken_as_they_are(void **state) {
    const fixture *f = *state;
    const int train_counts[] = {3, 2, 4}, counts[] = {2, 2, 2};
    make_classes(f, "train/", abc, train_counts, 3);
    make_classes(f, "test/", abc, counts, 2); /* a class without test images */
    assert_null(must_load(f, 0, 1, QEA_PART_VAL));
    make_classes(f, "val/", abc, counts, 3);
    fixture_write(f, "README.txt", "hello", 5);
    fixture_write(f, "train/ape/.hidden", "x", 1);
    const qea_dataset_part parts[] = {QEA_PART_TRAIN, QEA_PART_VAL, QEA_PART_TEST};
    const size_t expected[] = {9, 6, 4};
    for (int p = 0; p < 3; p++) {
        bool seen[3][64] = {{false}};
        qea_dataset *data = must_load(f, 0.5, 1, parts[p]); /* the portion is for folders without test images */
        assert_int_equal(data->count, expected[p]);
        assert_int_equal(data->num_classes, 3);
        mark(data, seen);
        qea_dataset_destroy(data);
    }
}

static void a_class_may_be_called_train(void **state) {
    const fixture *f = *state;
    const char *const classes[] = {"bus", "train"};
    const int counts[] = {2, 3};
    make_classes(f, "", classes, counts, 2);
    qea_dataset *data = must_load(f, 0, 1, QEA_PART_TRAIN);
    assert_int_equal(data->num_classes, 2);
    assert_int_equal(data->count, 5);
    qea_dataset_destroy(data);
}

static void a_test_class_without_training_images_is_an_error(void **state) {
    const fixture *f = *state;
    const char *const more[] = {"ape", "dog"};
    const int counts[] = {2, 2, 2};
    make_classes(f, "train/", abc, counts, 3);
    make_classes(f, "test/", more, counts, 2);
    expect_refused(f, 0, QEA_PART_TEST, "test/dog: this class has no folder among the training images");
}

static void bad_folders_and_files_are_named(void **state) {
    const fixture *f = *state;
    const int counts[] = {2, 2, 2};
    expect_refused(f, 0, QEA_PART_TRAIN, "found no folder in it");
    make_classes(f, "", abc, counts, 1);
    expect_refused(f, 0, QEA_PART_TRAIN, "found one class only, 'ape'");
    make_classes(f, "", abc, counts, 3);
    expect_refused(f, 0, QEA_PART_TEST, "test_portion");
    mkdir(fixture_path(f, "dog"), 0700);
    expect_refused(f, 0, QEA_PART_TRAIN, "dog: found no images of this class");
    fixture_write(f, "dog/notes.txt", "hello", 5);
    expect_refused(f, 0, QEA_PART_TRAIN, "dog/notes.txt: byte 0: this is neither a PNG nor a JPEG image");
    fixture_write(f, "dog/notes.txt", "", 0);
    expect_refused(f, 0, QEA_PART_TRAIN, "dog/notes.txt");
    remove(fixture_path(f, "dog/notes.txt"));
    write_colour(f, "dog/big.png", 5, 0, 0, 0);
    expect_refused(f, 0, QEA_PART_TRAIN, "configure image_size to resize");
    remove(fixture_path(f, "dog/big.png"));
    write_colour(f, "dog/deep/0.png", 4, 0, 0, 0);
    expect_refused(f, 0, QEA_PART_TRAIN, "dog/deep: found a folder here");
    remove(fixture_path(f, "dog/deep/0.png"));
    rmdir(fixture_path(f, "dog/deep"));
    rmdir(fixture_path(f, "dog"));
    write_colour(f, "stray.png", 4, 0, 0, 0);
    expect_refused(f, 0, QEA_PART_TRAIN, "stray.png: found an image here");
}

static void images_are_resized_and_turned_grey_as_configured(void **state) {
    const fixture *f = *state;
    write_colour(f, "a/0.png", 9, 200, 100, 50);
    write_colour(f, "b/0.png", 3, 10, 20, 30);
    qea_dataset_source source = {.type = "ImageFolder", .path = f->folder, .image_size = 6, .channels = 1};
    qea_dataset *data = NULL;
    assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TRAIN, &data), QEA_OK);
    assert_int_equal(data->height * 100 + data->width * 10 + data->channels, 661);
    for (int p = 0; p < 36; p++) {
        assert_int_equal(data->pixels[p], 124);     /* .299 200 + .587 100 + .114 50 = 124.2 */
        assert_int_equal(data->pixels[36 + p], 18); /* 18.15 */
    }
    qea_dataset_destroy(data);
}

static void a_wrong_source_is_a_configuration_error(void **state) {
    const fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        qea_dataset_source source = {.type = "ImageFolder", .path = f->folder};
        qea_dataset *data = NULL;
        if (i == 0) source.image_size = -1;
        if (i == 1) source.channels = 2;
        if (i == 2) source.test_portion = 0.95;
        if (i == 3) source.test_portion = -0.1;
        assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TRAIN, &data), QEA_ERR_CONFIG);
    }
}

static void memory_that_runs_out_at_any_allocation_is_reported(void **state) {
    const fixture *f = *state;
    const int counts[] = {2, 2, 2};
    make_classes(f, "", abc, counts, 3);
    qea_status status = QEA_ERR_MEMORY;
    int n = 0;
    while (status == QEA_ERR_MEMORY) {
        qea_dataset *data;
        qea_alloc_fail_after(++n);
        status = load(f, 0.4, 7, 1, QEA_PART_TRAIN, &data);
        qea_alloc_fail_after(0);
        qea_dataset_destroy(data);
    }
    assert_int_equal(status, QEA_OK);
    assert_true(n > 30);
}

/* QEA_IMAGES: five folders of 600 PNG images of 32x32. */
static void real_flowers_are_read(void **state) {
    const fixture *f = *state;
    qea_dataset_source source = {"ImageFolder", getenv("QEA_IMAGES"), 0, 3, 0.2, 1};
    if (!source.path) {
        print_message("QEA_IMAGES is not set\n");
        skip();
    }
    qea_dataset *data = NULL;
    assert_int_equal(qea_dataset_load(f->ctx, &source, QEA_PART_TEST, &data), QEA_OK);
    assert_int_equal(data->count, 600);
    assert_int_equal(data->num_classes, 5);
    assert_int_equal(data->height * 100 + data->width, 3232);
    qea_dataset_destroy(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(one_folder_is_divided_by_class_and_seed),
        FIXTURE_TEST(every_part_of_the_order_has_the_classes_in_their_shares),
        FIXTURE_TEST(train_val_and_test_folders_are_taken_as_they_are),
        FIXTURE_TEST(a_class_may_be_called_train),
        FIXTURE_TEST(a_test_class_without_training_images_is_an_error),
        FIXTURE_TEST(bad_folders_and_files_are_named),
        FIXTURE_TEST(images_are_resized_and_turned_grey_as_configured),
        FIXTURE_TEST(a_wrong_source_is_a_configuration_error),
        FIXTURE_TEST(memory_that_runs_out_at_any_allocation_is_reported),
        FIXTURE_TEST(real_flowers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
