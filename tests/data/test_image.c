#include "image_fixture.h"

#include <math.h>

static image_file file;

static qea_image decode(const fixture *f, int channels) {
    qea_image image;
    if (qea_image_decode(f->ctx, "some/image", file.bytes, file.size, channels, &image) != QEA_OK)
        fail_msg("%s", qea_context_message(f->ctx));
    assert_int_equal(image.channels, channels);
    return image;
}

static int luma(int red, int green, int blue) { return (int)lround(.299 * red + .587 * green + .114 * blue); }

static void colour_png_is_read_exactly_and_becomes_grey_by_luma(void **state) {
    const fixture *f = *state;
    uint8_t rows[5 * 7 * 3];
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)(i * 41);
    for (int interlace = PNG_INTERLACE_NONE; interlace <= PNG_INTERLACE_ADAM7; interlace++) {
        make_png(&file, 7, 5, 8, PNG_COLOR_TYPE_RGB, interlace, rows, 7 * 3);
        qea_image image = decode(f, 3);
        assert_int_equal(image.height * 10 + image.width, 57);
        assert_memory_equal(image.pixels, rows, sizeof rows);
        qea_free(image.pixels);
        image = decode(f, 1);
        for (int p = 0; p < 35; p++)
            assert_int_equal(image.pixels[p], luma(rows[3 * p], rows[3 * p + 1], rows[3 * p + 2]));
        qea_free(image.pixels);
    }
}

static void grey_png_of_every_depth_is_scaled_to_8_bits(void **state) {
    const fixture *f = *state;
    const uint8_t row[8] = {0x1b, 0xe4, 0x80, 0x7f, 0xff, 0x00, 0x12, 0x34};
    for (int depth = 1; depth <= 16; depth *= 2) {
        make_png(&file, 4, 1, depth, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, row, 8);
        qea_image grey = decode(f, 1), colour = decode(f, 3);
        for (int x = 0; x < 4; x++) {
            int bit = x * depth, value = 0;
            for (int b = 0; b < depth; b++, bit++) value = value * 2 + (row[bit / 8] >> (7 - bit % 8) & 1);
            int expected = (int)lround(255.0 * value / ((1 << depth) - 1));
            assert_int_equal(grey.pixels[x], expected);
            for (int c = 0; c < 3; c++) assert_int_equal(colour.pixels[3 * x + c], expected);
        }
        qea_free(grey.pixels);
        qea_free(colour.pixels);
    }
}

static void palette_and_transparency_give_plain_colours(void **state) {
    const fixture *f = *state;
    const uint8_t indices[1] = {0x1b}; /* 0 1 2 3 */
    const uint8_t colours[12] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 0, 128};
    make_png(&file, 4, 1, 2, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 1);
    qea_image image = decode(f, 3);
    assert_memory_equal(image.pixels, colours, 12);
    qea_free(image.pixels);
    const uint8_t rgba[8] = {1, 2, 3, 0, 4, 5, 6, 128};
    make_png(&file, 2, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_NONE, rgba, 8);
    image = decode(f, 3);
    assert_memory_equal(image.pixels, ((uint8_t[]){1, 2, 3, 4, 5, 6}), 6);
    qea_free(image.pixels);
    const uint8_t grey_alpha[8] = {9, 9, 0, 0, 200, 200, 255, 255};
    make_png(&file, 2, 1, 16, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_INTERLACE_NONE, grey_alpha, 8);
    image = decode(f, 1);
    assert_memory_equal(image.pixels, ((uint8_t[]){9, 200}), 2);
    qea_free(image.pixels);
}

static void make_gradient(uint8_t *pixels, int side, int channels) {
    for (int i = 0; i < side * side; i++)
        for (int c = 0; c < channels; c++)
            pixels[i * channels + c] = (uint8_t)(c == 0 ? 4 * (i % side) + 20 : c == 1 ? 4 * (i / side) + 30 : 100);
}

static void jpeg_is_read_to_within_its_loss(void **state) {
    const fixture *f = *state;
    enum { SIDE = 40 };
    static uint8_t pixels[SIDE * SIDE * 3];
    for (int variant = 0; variant < 8; variant++) {
        int in = variant & 1 ? 3 : 1, out = variant & 2 ? 3 : 1;
        make_gradient(pixels, SIDE, in);
        make_jpeg(&file, SIDE, SIDE, in, (variant & 4) != 0, pixels);
        qea_image image = decode(f, out);
        assert_int_equal(image.height * 100 + image.width, SIDE * 101);
        for (int p = 0; p < SIDE * SIDE; p++) {
            const uint8_t *from = pixels + p * in;
            for (int c = 0; c < out; c++) {
                int expected = in == 1 ? from[0] : out == 3 ? from[c] : luma(from[0], from[1], from[2]);
                assert_in_range(image.pixels[p * out + c] + 8 - expected, 0, 16);
            }
        }
        qea_free(image.pixels);
    }
}

static void refuse(const fixture *f, size_t size, const char *message) {
    qea_image image;
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, file.bytes, size);
    assert_int_equal(qea_image_decode(f->ctx, "some/image", exact, size, 3, &image), QEA_ERR_DATA);
    assert_null(image.pixels);
    expect_message(f, "some/image: ");
    expect_message(f, message);
    free(exact);
}

static void every_truncated_image_is_refused(void **state) {
    const fixture *f = *state;
    static uint8_t pixels[24 * 24 * 3];
    make_gradient(pixels, 24, 3);
    make_png(&file, 24, 24, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, pixels, 24 * 3);
    for (size_t size = 0; size < file.size; size++) refuse(f, size, "byte ");
    for (int progressive = 0; progressive < 2; progressive++) {
        make_jpeg(&file, 24, 24, 3, progressive, pixels);
        for (size_t size = 0; size < file.size; size++) refuse(f, size, "byte ");
    }
}

static void put_size(size_t at, unsigned width, unsigned height) { /* in a PNG header, with its checksum */
    const unsigned values[2] = {width, height};
    for (int i = 0; i < 8; i++) file.bytes[at + (size_t)i] = (uint8_t)(values[i / 4] >> (24 - i % 4 * 8));
    uint32_t crc = ~0u;
    for (size_t i = 12; i < 29; i++) {
        crc ^= file.bytes[i];
        for (int b = 0; b < 8; b++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (int i = 0; i < 4; i++) file.bytes[29 + i] = (uint8_t)(~crc >> (24 - i * 8));
}

static void images_of_impossible_size_are_refused_before_memory_is_taken(void **state) {
    const fixture *f = *state;
    static uint8_t pixels[24 * 24 * 3];
    make_png(&file, 24, 24, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, pixels, 24 * 3);
    put_size(16, 8192, 8192);
    refuse(f, file.size, "an image of 8192 x 8192 pixels cannot be in a file of");
    put_size(16, 16384, 16384);
    refuse(f, file.size, "16384 x 16384");
    put_size(16, 16385, 1);
    refuse(f, file.size, "PNG: Invalid IHDR data (Image width exceeds user limit");
    put_size(16, 0, 1);
    refuse(f, file.size, "PNG");
    make_jpeg(&file, 24, 24, 3, false, pixels);
    uint8_t *size = memmem(file.bytes, file.size, "\0\x18\0\x18", 4);
    assert_non_null(size);
    memcpy(size, "\x20\0\x20\0", 4);
    refuse(f, file.size, "cannot be in a file of");
    memcpy(size, "\xff\xff\xff\xff", 4);
    refuse(f, file.size, "");
}

static void other_files_and_damage_are_refused(void **state) {
    const fixture *f = *state;
    static uint8_t pixels[24 * 24 * 4];
    memcpy(file.bytes, "GIF89a", 6);
    refuse(f, 6, "byte 0: this is neither a PNG nor a JPEG image");
    refuse(f, 0, "neither");
    make_jpeg(&file, 24, 24, 4, false, pixels);
    refuse(f, file.size, "not CMYK");
    make_png(&file, 24, 24, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, pixels, 24 * 3);
    file.bytes[file.size - 20] ^= 1;
    refuse(f, file.size, "PNG: ");
}

static void resize_reference(const qea_image *in, int height, int width, double *out) {
    double ry = (double)in->height / height, rx = (double)in->width / width, sy = fmax(1, ry), sx = fmax(1, rx);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < in->channels; c++) {
                double sum = 0, weights = 0;
                for (int j = 0; j < in->height; j++)
                    for (int i = 0; i < in->width; i++) {
                        double wy = fmax(0, 1 - fabs(j + .5 - (y + .5) * ry) / sy);
                        double wx = fmax(0, 1 - fabs(i + .5 - (x + .5) * rx) / sx);
                        sum += wy * wx * in->pixels[(j * in->width + i) * in->channels + c];
                        weights += wy * wx;
                    }
                out[(y * width + x) * in->channels + c] = sum / weights;
            }
}

static void resize_equals_the_two_dimensional_triangle_filter(void **state) {
    const fixture *f = *state;
    static uint8_t pixels[13 * 17 * 3], out[40 * 40 * 3];
    static double expected[40 * 40 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * i * 7 + i);
    const int sizes[][2] = {{1, 1}, {5, 4}, {13, 5}, {12, 16}, {13, 17}, {14, 18}, {26, 34}, {40, 3}, {2, 40}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int channels = 1; channels <= 3; channels += 2) {
            qea_image in = {13, 17, channels, pixels};
            int height = sizes[s][0], width = sizes[s][1];
            assert_int_equal(qea_image_resize(f->ctx, &in, height, width, out), QEA_OK);
            resize_reference(&in, height, width, expected);
            for (int i = 0; i < height * width * channels; i++) assert_true(fabs(out[i] - expected[i]) <= 0.501);
        }
    }
}

static void resize_keeps_a_constant_and_a_single_pixel(void **state) {
    const fixture *f = *state;
    uint8_t pixels[9 * 9], out[31 * 31];
    memset(pixels, 255, sizeof pixels);
    for (int side = 1; side <= 31; side++) {
        qea_image in = {9, 9, 1, pixels};
        assert_int_equal(qea_image_resize(f->ctx, &in, side, side, out), QEA_OK);
        for (int i = 0; i < side * side; i++) assert_int_equal(out[i], 255);
        in.height = in.width = 1;
        assert_int_equal(qea_image_resize(f->ctx, &in, side, side, out), QEA_OK);
        for (int i = 0; i < side * side; i++) assert_int_equal(out[i], 255);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(colour_png_is_read_exactly_and_becomes_grey_by_luma),
        FIXTURE_TEST(grey_png_of_every_depth_is_scaled_to_8_bits),
        FIXTURE_TEST(palette_and_transparency_give_plain_colours),
        FIXTURE_TEST(jpeg_is_read_to_within_its_loss),
        FIXTURE_TEST(every_truncated_image_is_refused),
        FIXTURE_TEST(images_of_impossible_size_are_refused_before_memory_is_taken),
        FIXTURE_TEST(other_files_and_damage_are_refused),
        FIXTURE_TEST(resize_equals_the_two_dimensional_triangle_filter),
        FIXTURE_TEST(resize_keeps_a_constant_and_a_single_pixel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
