/* data/image_codecs.h: the two image formats behind qea_image_decode. On failure out->pixels may be set; the caller
 * frees it. */
#ifndef QEA_DATA_IMAGE_CODECS_H
#define QEA_DATA_IMAGE_CODECS_H

#include "data/readers.h"

/* To 1 channel where the file has grey values, else to 3. */
QEA_MUST_USE qea_status qea_png_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                       qea_image *out);
QEA_MUST_USE qea_status qea_jpeg_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                        int channels, qea_image *out);

/* Checks the size that a file claims and sets and allocates *out. packed_bits per pixel is what is compressed; a file
 * that is too small for so many pixels is refused before memory is taken. */
QEA_MUST_USE qea_status qea_image_allocate(qea_context *ctx, const char *name, size_t width, size_t height,
                                           int channels, size_t packed_bits, size_t file_size, qea_image *out);

#endif
