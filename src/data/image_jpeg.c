#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs FILE and size_t */

#include <jpeglib.h>
#include <jerror.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/image_codecs.h"

/* A progressive file has some ten scans; each one is a pass over the whole image. */
enum { MAX_SCANS = 64 };

/* Everything that a longjmp out of libjpeg must not lose lives here, behind a pointer. */
typedef struct jpeg_job {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    qea_context *ctx;
    const char *name;
    const uint8_t *bytes;
    size_t size;
    int channels;
    qea_image *out;
    char message[JMSG_LENGTH_MAX];
} jpeg_job;

static void on_error(j_common_ptr common) {
    jpeg_job *job = common->client_data;
    common->err->format_message(common, job->message);
    longjmp(job->failed, 1);
}

/* libjpeg goes on after damage with grey pixels and a warning; here damage is a failure. */
static void on_message(j_common_ptr common, int level) {
    int code = common->err->msg_code;
    bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
    if (level < 0 && !harmless) on_error(common);
}

static void on_output(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
    jpeg_job *job = common->client_data;
    if (job->decoder.input_scan_number <= MAX_SCANS) return;
    snprintf(job->message, sizeof job->message, "more than %d scans", MAX_SCANS);
    longjmp(job->failed, 1);
}

static size_t position(const jpeg_job *job) {
    const struct jpeg_source_mgr *source = job->decoder.src;
    if (!source || source->bytes_in_buffer > job->size) return 0;
    /* Behind the end libjpeg reads an end marker of its own. */
    const JOCTET *end = job->bytes + job->size;
    return source->next_input_byte + source->bytes_in_buffer == end ? job->size - source->bytes_in_buffer : job->size;
}

static qea_status check_header(const jpeg_job *job) {
    const struct jpeg_decompress_struct *decoder = &job->decoder;
    if (decoder->arith_code)
        return qea_fail(job->ctx, QEA_ERR_DATA, "%s: byte %zu: arithmetic-coded JPEG is not read", job->name,
                        position(job));
    J_COLOR_SPACE space = decoder->jpeg_color_space;
    if (space != JCS_GRAYSCALE && space != JCS_YCbCr && space != JCS_RGB)
        return qea_fail(job->ctx, QEA_ERR_DATA, "%s: byte %zu: only grey and red-green-blue JPEG is read (not CMYK)",
                        job->name, position(job));
    return QEA_OK;
}

static qea_status read_image(jpeg_job *job) {
    struct jpeg_decompress_struct *decoder = &job->decoder;
    jpeg_read_header(decoder, TRUE);
    QEA_TRY(check_header(job));
    decoder->out_color_space = job->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    QEA_TRY(qea_image_allocate(job->ctx, job->name, decoder->image_width, decoder->image_height, job->channels, 8,
                               job->size, job->out));
    jpeg_start_decompress(decoder);
    size_t row_bytes = (size_t)job->out->width * (size_t)job->channels;
    if (decoder->output_width != decoder->image_width || decoder->output_components != job->channels)
        return qea_fail(job->ctx, QEA_ERR_DATA, "%s: byte %zu: JPEG: unknown layout of pixels", job->name,
                        position(job));
    while (decoder->output_scanline < decoder->output_height) {
        JSAMPROW row = job->out->pixels + decoder->output_scanline * row_bytes;
        jpeg_read_scanlines(decoder, &row, 1);
    }
    jpeg_finish_decompress(decoder);
    return QEA_OK;
}

static qea_status run_job(jpeg_job *job) {
    if (setjmp(job->failed))
        return qea_fail(job->ctx, QEA_ERR_DATA, "%s: byte %zu: JPEG: %s", job->name, position(job), job->message);
    jpeg_create_decompress(&job->decoder);
    job->decoder.client_data = job;
    job->decoder.progress = &job->progress;
    jpeg_mem_src(&job->decoder, (unsigned char *)(uintptr_t)job->bytes, (unsigned long)job->size);
    return read_image(job);
}

qea_status qea_jpeg_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, int channels,
                           qea_image *out) {
    jpeg_job *job = NULL;
    QEA_TRY(QEA_NEW(ctx, "JPEG decoder", job, 1));
    job->ctx = ctx;
    job->name = name;
    job->bytes = bytes;
    job->size = size;
    job->channels = channels;
    job->out = out;
    job->decoder.err = jpeg_std_error(&job->errors);
    job->decoder.client_data = job;
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    job->errors.output_message = on_output;
    job->progress.progress_monitor = on_progress;
    qea_status status = run_job(job);
    jpeg_destroy_decompress(&job->decoder);
    qea_free(job);
    return status;
}

#define TEXT_OF(token) #token
#define TEXT_OF_VALUE(token) TEXT_OF(token)
#ifdef LIBJPEG_TURBO_VERSION
const char *qea_jpeg_library_version(void) { return "turbo " TEXT_OF_VALUE(LIBJPEG_TURBO_VERSION); }
#else
const char *qea_jpeg_library_version(void) { return TEXT_OF_VALUE(JPEG_LIB_VERSION); }
#endif
