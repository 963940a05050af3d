/* data/readers.h: the readers behind qea_dataset_load, one file each. All of them treat what they read as hostile:
 * sizes are checked before anything is allocated, and every failure is QEA_ERR_DATA with path and offset. The functions
 * that work on memory are what the fuzz targets call; their `name` stands in messages. */
#ifndef QEA_DATA_READERS_H
#define QEA_DATA_READERS_H

#include <stdbool.h>

#include "quantea/dataset.h"

/* One file, in bytes: more than any data set that is read whole into memory has, and no overflow on 32-bit machines. */
#define QEA_DATA_MAX_BYTES ((size_t)(SIZE_MAX / 4 < (UINT64_C(1) << 36) ? SIZE_MAX / 4 : (UINT64_C(1) << 36)))
enum {
    QEA_DATA_MAX_SIDE = 16384,     /* height, width */
    QEA_DATA_MAX_PIXELS = 1 << 26, /* of one image */
    QEA_DATA_MAX_CLASSES = 100000,
    QEA_DATA_MAX_DEFLATE_RATIO = 1032 /* a byte of DEFLATE gives at most this many (zlib's technical description) */
};

/* ---- dataset_build.c: what all readers need ---- */

/* Zeroed pixels and labels, no class names. QEA_ERR_DATA where a size is out of range; `name` stands in the message. */
QEA_MUST_USE qea_status qea_dataset_create(qea_context *ctx, const char *name, size_t count, int height, int width,
                                           int channels, int num_classes, qea_dataset **out);
/* Copies dataset->num_classes names. */
QEA_MUST_USE qea_status qea_dataset_set_names(qea_context *ctx, qea_dataset *dataset, const char *const *names);
/* CRC-32 of shape, labels and pixels, going on from `before` (0 to begin with). */
uint32_t qea_dataset_checksum(const qea_dataset *dataset, uint32_t before);
/* Reads a file of a known size. Another size is QEA_ERR_DATA; `what` says what the file should hold. */
QEA_MUST_USE qea_status qea_data_read_exact(qea_context *ctx, const char *path, size_t size, const char *what,
                                            uint8_t **bytes);

/* ---- layout.c: where the files lie ---- */

/* The first of path, path/subfolders[0], ... that holds one of `files` (both lists end with NULL); *folder (owned by
 * the caller) is NULL where none does. */
QEA_MUST_USE qea_status qea_data_find_folder(qea_context *ctx, const char *path, const char *const *subfolders,
                                             const char *const *files, char **folder);
/* QEA_ERR_DATA: "path: <expected>; found <what is there>; did you mean <a folder below with one of files>?" (`files`
 * ends with NULL). */
qea_status qea_data_fail_layout(qea_context *ctx, const char *path, const char *const *files, const char *expected);

/* ---- cifar.c, cifar_binary.c, cifar_pickle.c ---- */

enum { QEA_CIFAR_PIXELS = 3072 };

typedef struct qea_cifar_format {
    const char *title; /* "CIFAR-10" */
    int num_classes;
    const char *const *class_names; /* [num_classes] */
    size_t records;                 /* in each file of the part; the files have no other size */
    int label_bytes;                /* binary: before the pixels; the last one is the label */
    int coarse_classes;             /* binary with two label bytes: the first is below this */
    const char *label_key;          /* pickle */
} qea_cifar_format;

/* Decodes format->records records into `out`, from image `first` on. */
QEA_MUST_USE qea_status qea_cifar_binary_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                                const qea_cifar_format *format, size_t first, qea_dataset *out);
QEA_MUST_USE qea_status qea_cifar_pickle_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                                const qea_cifar_format *format, size_t first, qea_dataset *out);
/* in: planes R, G, B of 32x32; out [32][32][3]. */
void qea_cifar_interleave(const uint8_t *in, uint8_t *out);

/* ---- idx.c ---- */

enum { QEA_IDX_MAX_RANK = 3 };

typedef struct qea_idx { /* unsigned bytes, [dims[0]][dims[1]]... */
    size_t dims[QEA_IDX_MAX_RANK];
    size_t data_size, data_offset; /* offset in the (decompressed) file, for messages */
    uint8_t *data;                 /* owned: qea_free */
} qea_idx;

/* Plain or gzip (told by the first bytes). Exactly `rank` dimensions, exactly the bytes that they promise. */
QEA_MUST_USE qea_status qea_idx_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, int rank,
                                       qea_idx *out);

/* ---- image_decode.c, image_resize.c ---- */

typedef struct qea_image {
    int height, width, channels;
    uint8_t *pixels; /* owned: qea_free; [height][width][channels] */
} qea_image;

/* PNG (any depth, palette, interlaced) or baseline/progressive JPEG, told by the first bytes, to 1 or 3 channels of 8
 * bits: 16 bits are scaled, transparency is dropped, grey is repeated, colour becomes grey by the luma of ITU-R BT.601.
 * CMYK and arithmetic-coded JPEG are refused. */
QEA_MUST_USE qea_status qea_image_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                                         int channels, qea_image *out);
/* Bilinear; where it shrinks, the triangle is widened by the ratio, so that every input pixel counts (antialiased). */
QEA_MUST_USE qea_status qea_image_resize(qea_context *ctx, const qea_image *in, int height, int width, uint8_t *out);

/* ---- one loader per type: the arguments and result are those of qea_dataset_load ---- */

QEA_MUST_USE qea_status qea_load_cifar10(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                         qea_dataset **out);
QEA_MUST_USE qea_status qea_load_cifar100(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                          qea_dataset **out);
QEA_MUST_USE qea_status qea_load_mnist(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                       qea_dataset **out);
QEA_MUST_USE qea_status qea_load_fashion_mnist(qea_context *ctx, const qea_dataset_source *source,
                                               qea_dataset_part part, qea_dataset **out);
QEA_MUST_USE qea_status qea_load_image_folder(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                              qea_dataset **out);
QEA_MUST_USE qea_status qea_load_arrays(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                        qea_dataset **out);

/* ---- versions of the libraries behind the readers ("1.6.39") ---- */

const char *qea_png_library_version(void);
const char *qea_jpeg_library_version(void);
const char *qea_zlib_library_version(void);

/* ---- class_names.c ---- */

extern const char *const qea_cifar10_names[10];
extern const char *const qea_cifar100_names[100];
extern const char *const qea_mnist_names[10];
extern const char *const qea_fashion_mnist_names[10];

#endif
