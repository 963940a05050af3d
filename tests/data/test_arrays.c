#include "fixture.h"

#include "base/safetensors.h"

enum { N = 4, H = 2, W = 3, C = 2, IMAGE = H * W * C };

static uint8_t pixels[N * IMAGE];

/* Writes x and y; the labels' type and the dimensions may be changed by the caller before. */
typedef struct arrays_file {
    qea_st_tensor x, y;
} arrays_file;

static arrays_file make_file(const void *labels, qea_st_type type, size_t label_bytes) {
    static char x_name[] = "x", y_name[] = "y";
    for (int i = 0; i < N * IMAGE; i++) pixels[i] = (uint8_t)(3 * i + 1);
    arrays_file file = {{x_name, QEA_ST_U8, 4, {N, H, W, C}, N * IMAGE, pixels},
                        {y_name, type, 1, {N}, N * label_bytes, labels}};
    return file;
}

static void write_file(const fixture *f, const char *name, const arrays_file *file) {
    qea_st_tensor tensors[2] = {file->x, file->y};
    assert_int_equal(qea_st_write(f->ctx, fixture_path(f, name), tensors, 2, NULL, NULL, 0), QEA_OK);
}

static void labels_of_every_integer_type_are_read(void **state) {
    const fixture *f = *state;
    const uint8_t u8[N] = {0, 200, 1, 2};
    const int8_t i8[N] = {0, 100, 1, 2};
    const int16_t i16[N] = {0, 300, 1, 2};
    const int32_t i32[N] = {0, 70000, 1, 2};
    const int64_t i64[N] = {0, 99999, 1, 2};
    const uint16_t u16[N] = {0, 40000, 1, 2};
    const uint32_t u32[N] = {0, 70000, 1, 2};
    const uint64_t u64[N] = {0, 99999, 1, 2};
    const struct {
        const void *labels;
        qea_st_type type;
        size_t bytes;
        int classes;
    } cases[] = {{u8, QEA_ST_U8, 1, 201},     {i8, QEA_ST_I8, 1, 101},      {i16, QEA_ST_I16, 2, 301},
                 {i32, QEA_ST_I32, 4, 70001}, {i64, QEA_ST_I64, 8, 100000}, {u16, QEA_ST_U16, 2, 40001},
                 {u32, QEA_ST_U32, 4, 70001}, {u64, QEA_ST_U64, 8, 100000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrays_file file = make_file(cases[i].labels, cases[i].type, cases[i].bytes);
        write_file(f, "train.safetensors", &file);
        qea_dataset *data = fixture_load(f, "Arrays", f->folder, QEA_PART_TRAIN);
        assert_int_equal(data->count, N);
        assert_int_equal(data->height * 100 + data->width * 10 + data->channels, 232);
        assert_int_equal(data->num_classes, cases[i].classes);
        assert_int_equal(data->labels[1], cases[i].classes - 1);
        assert_int_equal(data->labels[3], 2);
        assert_memory_equal(data->pixels, pixels, sizeof pixels);
        assert_null(data->class_names);
        qea_dataset_destroy(data);
    }
}

static void the_training_file_decides_how_many_classes_there_are(void **state) {
    const fixture *f = *state;
    const int32_t train[N] = {0, 4, 1, 2}, test[N] = {1, 1, 0, 3}, wrong[N] = {0, 0, 5, 0};
    arrays_file file = make_file(train, QEA_ST_I32, 4);
    write_file(f, "train.safetensors", &file);
    assert_null(fixture_load(f, "Arrays", f->folder, QEA_PART_VAL));
    expect_data_error(f, "Arrays", QEA_PART_TEST, "test.safetensors", NULL);
    file = make_file(test, QEA_ST_I32, 4);
    write_file(f, "val.safetensors", &file);
    qea_dataset *val = fixture_load(f, "Arrays", f->folder, QEA_PART_VAL);
    assert_int_equal(val->num_classes, 5);
    assert_int_equal(val->labels[3], 3);
    qea_dataset_destroy(val);
    file = make_file(wrong, QEA_ST_I32, 4);
    write_file(f, "test.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TEST, "label 2 in y is 5; 0 to 4 are possible", "test.safetensors: byte ");
}

static void wrong_tensors_are_refused(void **state) {
    const fixture *f = *state;
    const int64_t negative[N] = {0, 1, -1, 0}, huge[N] = {0, 0, 0, INT64_MAX};
    const int8_t negative8[N] = {0, 0, 0, -2};
    const uint64_t beyond[N] = {0, UINT64_MAX, 0, 0};
    const uint32_t large[N] = {0, 0, 3000000000, 0};
    const uint16_t halves[N] = {0};
    const float floats[N] = {0, 1, 2, 3};
    const uint8_t labels[N] = {0, 1, 0, 1};
    arrays_file file = make_file(negative, QEA_ST_I64, 8);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "train.safetensors", NULL);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "label 2 in y is -1", NULL);
    file = make_file(negative8, QEA_ST_I8, 1);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "label 3 in y is -2", NULL);
    file = make_file(huge, QEA_ST_I64, 8);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "label 3 in y is 9223372036854775807; 0 to 99999", NULL);
    file = make_file(beyond, QEA_ST_U64, 8);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "label 1 in y is 18446744073709551615; 0 to 99999", NULL);
    file = make_file(large, QEA_ST_U32, 4);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "label 2 in y is 3000000000; 0 to 99999", NULL);
    file = make_file(halves, QEA_ST_F16, 2);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "tensor y: found F16 [4]", "allowed: integers");
    file = make_file(floats, QEA_ST_F32, 4);
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "tensor y: found F32 [4]", "allowed: integers");
    file = make_file(labels, QEA_ST_U8, 1);
    file.x.dims[1] = C; /* channels first */
    file.x.dims[3] = 7;
    file.x.dims[2] = 1;
    file.x.dims[0] = 1;
    file.x.bytes = 14;
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "dimension 3 of [N,H,W,C] is 7; at most 4", NULL);
    file = make_file(labels, QEA_ST_U8, 1);
    file.x.dims[0] = N - 1;
    file.x.bytes -= IMAGE;
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "3 images", "4 labels");
    file.x.rank = 3;
    file.x.dims[0] = N * H;
    file.x.dims[1] = W;
    file.x.dims[2] = C;
    file.x.bytes = N * IMAGE;
    write_file(f, "train.safetensors", &file);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "four dimensions [N,H,W,C]", NULL);
    file = make_file(labels, QEA_ST_U8, 1);
    assert_int_equal(qea_st_write(f->ctx, fixture_path(f, "train.safetensors"), &file.x, 1, NULL, NULL, 0), QEA_OK);
    expect_data_error(f, "Arrays", QEA_PART_TRAIN, "has no tensor \"y\"", NULL);
}

static void a_truncated_file_is_refused(void **state) {
    const fixture *f = *state;
    const uint8_t labels[N] = {0, 1, 0, 1};
    arrays_file file = make_file(labels, QEA_ST_U8, 1);
    write_file(f, "train.safetensors", &file);
    struct stat info;
    assert_int_equal(stat(fixture_path(f, "train.safetensors"), &info), 0);
    for (off_t size = info.st_size - 1; size >= 0; size -= 7) {
        fixture_truncate(f, "train.safetensors", (size_t)size);
        expect_data_error(f, "Arrays", QEA_PART_TRAIN, "train.safetensors", NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(labels_of_every_integer_type_are_read),
        FIXTURE_TEST(the_training_file_decides_how_many_classes_there_are),
        FIXTURE_TEST(wrong_tensors_are_refused),
        FIXTURE_TEST(a_truncated_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
