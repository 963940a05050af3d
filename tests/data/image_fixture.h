/* Small PNG and JPEG files for the tests. */
#ifndef QEA_TESTS_DATA_IMAGE_FIXTURE_H
#define QEA_TESTS_DATA_IMAGE_FIXTURE_H

#include "fixture.h"

#include <jpeglib.h>
#include <png.h>

typedef struct image_file {
    uint8_t bytes[1 << 16];
    size_t size;
} image_file;

static inline void image_file_put(png_structp png, png_bytep bytes, size_t size) {
    image_file *file = png_get_io_ptr(png);
    assert_true(file->size + size <= sizeof file->bytes);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static inline void image_file_flush(png_structp png) { (void)png; }

/* rows [height][row_bytes] in the layout of PNG's color_type and depth. With a palette (4 grey-blue entries, the first
 * transparent) where color_type is PNG_COLOR_TYPE_PALETTE. */
static inline void make_png(image_file *file, unsigned width, unsigned height, int depth, int color_type, int interlace,
                            const uint8_t *rows, size_t row_bytes) {
    file->size = 0;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, file, image_file_put, image_file_flush);
    png_set_IHDR(png, info, width, height, depth, color_type, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    const png_color palette[4] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}, {255, 0, 128}};
    const png_byte alpha[1] = {0};
    if (color_type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 4);
        png_set_tRNS(png, info, alpha, 1, NULL);
    }
    png_bytep pointers[256];
    for (unsigned y = 0; y < height; y++) pointers[y] = (png_bytep)(uintptr_t)(rows + y * row_bytes);
    png_set_rows(png, info, pointers);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
}

/* pixels [height][width][channels]; channels 1, 3, or 4: CMYK. */
static inline void make_jpeg(image_file *file, unsigned width, unsigned height, int channels, bool progressive,
                             const uint8_t *pixels) {
    struct jpeg_compress_struct encoder;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long size = 0;
    encoder.err = jpeg_std_error(&errors);
    jpeg_create_compress(&encoder);
    jpeg_mem_dest(&encoder, &out, &size);
    encoder.image_width = width;
    encoder.image_height = height;
    encoder.input_components = channels;
    encoder.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, 95, TRUE);
    if (progressive) jpeg_simple_progression(&encoder);
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + encoder.next_scanline * width * (size_t)channels);
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
    assert_true(size <= sizeof file->bytes);
    memcpy(file->bytes, out, size);
    file->size = size;
    free(out);
}

/* A square PNG of one colour. */
static inline void write_colour(const fixture *f, const char *name, unsigned side, uint8_t red, uint8_t green,
                                uint8_t blue) {
    static image_file file;
    static uint8_t rows[64 * 64 * 3];
    for (unsigned p = 0; p < side * side; p++) {
        rows[3 * p] = red;
        rows[3 * p + 1] = green;
        rows[3 * p + 2] = blue;
    }
    make_png(&file, side, side, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, rows, side * 3);
    fixture_write(f, name, file.bytes, file.size);
}

#endif
