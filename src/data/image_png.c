#include <png.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/image_codecs.h"

/* Everything that a longjmp out of libpng must not lose lives here, behind a pointer. */
typedef struct png_job {
    qea_context *ctx;
    const char *name;
    const uint8_t *bytes;
    size_t size, at;
    png_structp png;
    png_infop info;
    png_bytepp rows; /* owned */
    qea_image *out;
    char reason[64]; /* the last warning: libpng says there what it then only calls an error */
    char message[192];
} png_job;

static void on_error(png_structp png, png_const_charp message) {
    png_job *job = png_get_error_ptr(png);
    const char *reason = job->reason;
    snprintf(job->message, sizeof job->message, "%s%s%s%s", message, *reason ? " (" : "", reason, *reason ? ")" : "");
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    png_job *job = png_get_error_ptr(png);
    snprintf(job->reason, sizeof job->reason, "%s", message);
}

static void on_read(png_structp png, png_bytep out, size_t count) {
    png_job *job = png_get_io_ptr(png);
    if (count > job->size - job->at) png_error(png, "truncated: the file ends here");
    memcpy(out, job->bytes + job->at, count);
    job->at += count;
}

/* 8 bits, grey or red-green-blue, whatever the file has. */
static void set_transformations(png_job *job) {
    png_set_expand(job->png); /* palette to colours, grey below 8 bits to 8, transparency to alpha */
    png_set_scale_16(job->png);
    png_set_strip_alpha(job->png);
    png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
}

static qea_status read_image(png_job *job) {
    png_read_info(job->png, job->info);
    size_t width = png_get_image_width(job->png, job->info), height = png_get_image_height(job->png, job->info);
    size_t packed_bits = (size_t)png_get_bit_depth(job->png, job->info) * png_get_channels(job->png, job->info);
    bool colour = (png_get_color_type(job->png, job->info) & PNG_COLOR_MASK_COLOR) != 0;
    int channels = colour ? 3 : 1;
    set_transformations(job);
    if (png_get_rowbytes(job->png, job->info) != width * (size_t)channels)
        return qea_fail(job->ctx, QEA_ERR_DATA, "%s: byte %zu: PNG: unknown layout of pixels", job->name, job->at);
    QEA_TRY(qea_image_allocate(job->ctx, job->name, width, height, channels, packed_bits, job->size, job->out));
    QEA_TRY(QEA_NEW(job->ctx, "image rows", job->rows, height));
    for (size_t y = 0; y < height; y++) job->rows[y] = job->out->pixels + y * width * (size_t)channels;
    png_read_image(job->png, job->rows);
    png_read_end(job->png, NULL);
    return QEA_OK;
}

static qea_status run_job(png_job *job) {
    job->info = png_create_info_struct(job->png);
    if (!job->info) return qea_fail(job->ctx, QEA_ERR_MEMORY, "%s: libpng has no memory", job->name);
    if (setjmp(png_jmpbuf(job->png)))
        return qea_fail(job->ctx, QEA_ERR_DATA, "%s: byte %zu: PNG: %s", job->name, job->at, job->message);
    png_set_read_fn(job->png, job, on_read);
    png_set_user_limits(job->png, QEA_DATA_MAX_SIDE, QEA_DATA_MAX_SIDE);
    png_set_chunk_malloc_max(job->png, 1 << 23);
    png_set_chunk_cache_max(job->png, 64);
    return read_image(job);
}

qea_status qea_png_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, qea_image *out) {
    png_job job = {.ctx = ctx, .name = name, .bytes = bytes, .size = size, .out = out};
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    if (!job.png) return qea_fail(ctx, QEA_ERR_MEMORY, "%s: libpng cannot start: %s", name, job.message);
    qea_status status = run_job(&job);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    qea_free(job.rows);
    return status;
}

const char *qea_png_library_version(void) { return png_get_libpng_ver(NULL); }
