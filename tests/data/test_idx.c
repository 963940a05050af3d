#include "fixture.h"

#include <zlib.h>

enum { COUNT = 4, SIDE = 3, IMAGES = 16 + COUNT * SIDE * SIDE, LABELS = 8 + COUNT };

static const uint8_t label_file[LABELS] = {0, 0, 8, 1, 0, 0, 0, COUNT, 7, 0, 9, 3};

static void make_images(uint8_t bytes[IMAGES]) {
    const uint8_t header[16] = {0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    memcpy(bytes, header, 16);
    for (int i = 16; i < IMAGES; i++) bytes[i] = (uint8_t)(i * 5);
}

/* As gzip does; out has room for size + 100. */
static size_t compress_gzip(const uint8_t *in, size_t size, uint8_t *out) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)in;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)size + 100;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t used = stream.total_out;
    deflateEnd(&stream);
    return used;
}

static void write_part(const fixture *f, const char *folder, const char *part, bool gzip) {
    uint8_t images[IMAGES], zipped[IMAGES + 100];
    char name[256];
    make_images(images);
    snprintf(name, sizeof name, "%s%s-images-idx3-ubyte%s", folder, part, gzip ? ".gz" : "");
    if (gzip)
        fixture_write(f, name, zipped, compress_gzip(images, IMAGES, zipped));
    else
        fixture_write(f, name, images, IMAGES);
    snprintf(name, sizeof name, "%s%s-labels-idx1-ubyte%s", folder, part, gzip ? ".gz" : "");
    if (gzip)
        fixture_write(f, name, zipped, compress_gzip(label_file, LABELS, zipped));
    else
        fixture_write(f, name, label_file, LABELS);
}

static void check_part(const fixture *f, const char *type, const char *path, qea_dataset_part part, const char *name) {
    uint8_t images[IMAGES];
    make_images(images);
    qea_dataset *data = fixture_load(f, type, path, part);
    assert_int_equal(data->count, COUNT);
    assert_int_equal(data->height * 100 + data->width * 10 + data->channels, 331);
    assert_int_equal(data->num_classes, 10);
    assert_memory_equal(data->pixels, images + 16, IMAGES - 16);
    for (int i = 0; i < COUNT; i++) assert_int_equal(data->labels[i], label_file[8 + i]);
    assert_string_equal(data->class_names[9], name);
    qea_dataset_destroy(data);
}

static void plain_and_gzip_files_are_read_from_all_usual_folders(void **state) {
    const fixture *f = *state;
    write_part(f, "", "train", false);
    check_part(f, "Mnist", f->folder, QEA_PART_TRAIN, "9");
    write_part(f, "a/FashionMNIST/raw/", "t10k", true);
    check_part(f, "FashionMnist", fixture_path(f, "a"), QEA_PART_TEST, "Ankle boot");
    write_part(f, "b/MNIST/raw/", "t10k", true);
    check_part(f, "Mnist", fixture_path(f, "b"), QEA_PART_TEST, "9");
    write_part(f, "c/fashion-mnist/", "train", true);
    check_part(f, "FashionMnist", fixture_path(f, "c"), QEA_PART_TRAIN, "Ankle boot");
    assert_null(fixture_load(f, "Mnist", f->folder, QEA_PART_VAL));
}

static void missing_files_are_named(void **state) {
    const fixture *f = *state;
    expect_data_error(f, "Mnist", QEA_PART_TRAIN, f->folder, "train-images-idx3-ubyte");
    write_part(f, "", "train", false);
    expect_data_error(f, "Mnist", QEA_PART_TEST, "t10k-images-idx3-ubyte", NULL);
    remove(fixture_path(f, "train-labels-idx1-ubyte"));
    expect_data_error(f, "Mnist", QEA_PART_TRAIN, "train-labels-idx1-ubyte", NULL);
}

static void wrong_labels_and_counts_are_named_with_the_offset(void **state) {
    const fixture *f = *state;
    write_part(f, "", "train", false);
    const uint8_t ten = 10;
    fixture_patch(f, "train-labels-idx1-ubyte", 10, &ten, 1);
    expect_data_error(f, "Mnist", QEA_PART_TRAIN, "train-labels-idx1-ubyte: byte 10: the label of image 2 is 10", NULL);
    const uint8_t three[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3};
    fixture_write(f, "train-labels-idx1-ubyte", three, sizeof three);
    expect_data_error(f, "Mnist", QEA_PART_TRAIN, "train-labels-idx1-ubyte: byte 4: 3 labels", "4 images");
    uint8_t images[IMAGES];
    make_images(images); /* the images under the labels' name */
    fixture_write(f, "train-labels-idx1-ubyte", images, IMAGES);
    expect_data_error(f, "Mnist", QEA_PART_TRAIN, "train-labels-idx1-ubyte: byte 0: the IDX header is 00 00 08 03",
                      "00 00 08 01");
}

static void refuse(const fixture *f, const uint8_t *bytes, size_t size, const char *message) {
    qea_idx out;
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    if (qea_idx_decode(f->ctx, "some/file", exact, size, 3, &out) != QEA_ERR_DATA) fail_msg("not: %s", message);
    assert_null(out.data);
    expect_message(f, "some/file: ");
    expect_message(f, message);
    free(exact);
}

static void every_truncation_and_a_surplus_are_errors(void **state) {
    const fixture *f = *state;
    uint8_t images[IMAGES + 1], zipped[IMAGES + 200];
    make_images(images);
    images[IMAGES] = 0;
    for (size_t size = 0; size < IMAGES; size++) refuse(f, images, size, "truncated");
    refuse(f, images, IMAGES + 1, "oversized: 1 bytes follow byte 52");
    size_t size = compress_gzip(images, IMAGES, zipped);
    for (size_t part = 2; part < size; part++) refuse(f, zipped, part, "truncated");
    zipped[size] = 0;
    refuse(f, zipped, size + 1, "oversized: 1 bytes follow byte");
    size = compress_gzip(images, IMAGES + 1, zipped);
    refuse(f, zipped, size, "oversized: decompressed data follows byte 52");
    size = compress_gzip(images, IMAGES - 1, zipped);
    refuse(f, zipped, size, "truncated: the decompressed data ends at byte 51");
    size = compress_gzip(images, IMAGES, zipped);
    zipped[size - 6] ^= 1; /* the checksum */
    refuse(f, zipped, size, "the gzip data is damaged");
}

static void sizes_are_checked_before_memory_is_taken(void **state) {
    const fixture *f = *state;
    const uint8_t huge[] = {0, 0, 8, 3, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 1, 2, 3};
    const uint8_t large[] = {0, 0, 8, 3, 0, 0xff, 0xff, 0xff, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2, 3};
    const uint8_t empty[] = {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28};
    const uint8_t wide[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0x40, 1};
    const uint8_t floats[] = {0, 0, 0x0d, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0};
    uint8_t zipped[200];
    size_t before = qea_alloc_count();
    refuse(f, huge, sizeof huge, "the dimensions promise more than");
    refuse(f, large, sizeof large, "truncated: the file ends at byte 19; its header promises 13153336576");
    refuse(f, empty, sizeof empty, "byte 4: dimension 0 is 0");
    refuse(f, wide, sizeof wide, "byte 12: dimension 2 is 16385; 1 to 16384 are possible");
    refuse(f, floats, sizeof floats, "00 00 0d 03");
    size_t size = compress_gzip(large, sizeof large, zipped);
    refuse(f, zipped, size, "bytes of gzip cannot hold");
    assert_int_equal(qea_alloc_count(), before);
}

/* The Debian package's folder, or that of QEA_FASHION_MNIST. */
static void real_fashion_mnist_has_balanced_classes(void **state) {
    const fixture *f = *state;
    const char *path = getenv("QEA_FASHION_MNIST");
    if (!path) path = "/usr/share/datasets/fashion-mnist";
    if (access(path, R_OK) != 0) {
        print_message("%s: no Fashion-MNIST\n", path);
        skip();
    }
    qea_dataset *test = fixture_load(f, "FashionMnist", path, QEA_PART_TEST);
    int counts[10] = {0};
    assert_int_equal(test->count, 10000);
    assert_int_equal(test->height * 100 + test->width, 2828);
    for (size_t i = 0; i < test->count; i++) counts[test->labels[i]]++;
    for (int c = 0; c < 10; c++) assert_int_equal(counts[c], 1000);
    qea_dataset_destroy(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(plain_and_gzip_files_are_read_from_all_usual_folders),
        FIXTURE_TEST(missing_files_are_named),
        FIXTURE_TEST(wrong_labels_and_counts_are_named_with_the_offset),
        FIXTURE_TEST(every_truncation_and_a_surplus_are_errors),
        FIXTURE_TEST(sizes_are_checked_before_memory_is_taken),
        FIXTURE_TEST(real_fashion_mnist_has_balanced_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
