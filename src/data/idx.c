/* MNIST's IDX format: 00 00, a type byte (08: unsigned byte), the number of dimensions, each dimension as 32-bit
 * big-endian, the values row by row. http://yann.lecun.com/exdb/mnist/, "The IDX file format". */
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/readers.h"

/* Bytes one after the other, from memory as they are or through zlib. */
typedef struct idx_source {
    qea_context *ctx;
    const char *name;
    const uint8_t *bytes; /* borrowed */
    size_t size, used;    /* of the file */
    size_t given;         /* bytes handed out: the offset in the decompressed file */
    bool gzip, ended;
    z_stream stream;
} idx_source;

static qea_status fail_truncated(const idx_source *source, size_t missing) {
    return qea_fail(source->ctx, QEA_ERR_DATA, "%s: truncated: the %s ends at byte %zu, %zu bytes before its values do",
                    source->name, source->gzip ? "decompressed data" : "file", source->given, missing);
}

/* One call of inflate with as much as its 32-bit counters take; *left is lowered by what came out. */
static qea_status inflate_some(idx_source *source, uint8_t *out, size_t *left) {
    z_stream *stream = &source->stream;
    size_t in = source->size - source->used, most = 1u << 30;
    uInt in_now = (uInt)(in < most ? in : most), out_now = (uInt)(*left < most ? *left : most);
    stream->next_in = (z_const Bytef *)(source->bytes + source->used);
    stream->avail_in = in_now;
    stream->next_out = out;
    stream->avail_out = out_now;
    int result = inflate(stream, Z_NO_FLUSH);
    source->used += in_now - stream->avail_in;
    source->given += out_now - stream->avail_out;
    *left -= out_now - stream->avail_out;
    if (result == Z_STREAM_END) source->ended = true;
    if (result == Z_OK || result == Z_STREAM_END) return QEA_OK;
    if (result == Z_MEM_ERROR) return qea_fail(source->ctx, QEA_ERR_MEMORY, "%s: no memory to inflate", source->name);
    if (result == Z_BUF_ERROR && source->used == source->size)
        return qea_fail(source->ctx, QEA_ERR_DATA,
                        "%s: truncated: the gzip data ends at byte %zu before it is complete", source->name,
                        source->size);
    return qea_fail(source->ctx, QEA_ERR_DATA, "%s: byte %zu: the gzip data is damaged (%s)", source->name,
                    source->used, stream->msg ? stream->msg : "inflate failed");
}

static qea_status take(idx_source *source, uint8_t *out, size_t count) {
    if (!source->gzip) {
        size_t rest = source->size - source->used;
        if (rest < count) {
            source->given = source->size;
            return fail_truncated(source, count - rest);
        }
        memcpy(out, source->bytes + source->used, count);
        source->used += count;
        source->given += count;
        return QEA_OK;
    }
    for (size_t left = count; left > 0;) {
        if (source->ended) return fail_truncated(source, left);
        QEA_TRY(inflate_some(source, out + (count - left), &left));
    }
    return QEA_OK;
}

/* Nothing may follow the values: neither in the file nor, decompressed, in the gzip data (whose checksum is read here).
 */
static qea_status expect_end(idx_source *source) {
    while (source->gzip && !source->ended) {
        uint8_t surplus;
        size_t left = 1;
        QEA_TRY(inflate_some(source, &surplus, &left));
        if (left == 0)
            return qea_fail(source->ctx, QEA_ERR_DATA,
                            "%s: oversized: decompressed data follows byte %zu, where the values end", source->name,
                            source->given - 1);
    }
    if (source->used < source->size)
        return qea_fail(source->ctx, QEA_ERR_DATA, "%s: oversized: %zu bytes follow byte %zu, where the data ends",
                        source->name, source->size - source->used, source->used);
    return QEA_OK;
}

static qea_status read_header(idx_source *source, int rank, qea_idx *out) {
    uint8_t header[4 + 4 * QEA_IDX_MAX_RANK];
    out->data_offset = 4 + 4 * (size_t)rank;
    QEA_TRY(take(source, header, 4));
    if (header[0] != 0 || header[1] != 0 || header[2] != 8 || header[3] != rank)
        return qea_fail(source->ctx, QEA_ERR_DATA,
                        "%s: byte 0: the IDX header is %02x %02x %02x %02x; 00 00 08 %02x (unsigned bytes, %d "
                        "dimensions) is expected",
                        source->name, header[0], header[1], header[2], header[3], (unsigned)rank, rank);
    QEA_TRY(take(source, header + 4, 4 * (size_t)rank));
    out->data_size = 1;
    for (int d = 0; d < rank; d++) {
        const uint8_t *at = header + 4 + 4 * d;
        out->dims[d] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        size_t limit = d == 0 ? INT32_MAX : QEA_DATA_MAX_SIDE;
        if (out->dims[d] < 1 || out->dims[d] > limit)
            return qea_fail(source->ctx, QEA_ERR_DATA, "%s: byte %d: dimension %d is %zu; 1 to %zu are possible",
                            source->name, 4 + 4 * d, d, out->dims[d], limit);
        if (!qea_size_mul(out->data_size, out->dims[d], &out->data_size) || out->data_size > QEA_DATA_MAX_BYTES)
            return qea_fail(source->ctx, QEA_ERR_DATA, "%s: byte 4: the dimensions promise more than %zu bytes",
                            source->name, QEA_DATA_MAX_BYTES);
    }
    return QEA_OK;
}

/* The file must be able to hold what its header promises before that much is allocated. */
static qea_status check_promise(const idx_source *source, size_t promised) {
    size_t rest = source->size - source->used;
    if (!source->gzip && rest < promised)
        return qea_fail(source->ctx, QEA_ERR_DATA, "%s: truncated: the file ends at byte %zu; its header promises %zu",
                        source->name, source->size, source->used + promised);
    if (source->gzip && promised / QEA_DATA_MAX_DEFLATE_RATIO > source->size)
        return qea_fail(source->ctx, QEA_ERR_DATA,
                        "%s: byte 4 of the decompressed data: the header promises %zu bytes, which %zu bytes of gzip "
                        "cannot hold",
                        source->name, promised, source->size);
    return QEA_OK;
}

static qea_status decode(idx_source *source, int rank, qea_idx *out) {
    QEA_TRY(read_header(source, rank, out));
    QEA_TRY(check_promise(source, out->data_size));
    QEA_TRY(QEA_NEW(source->ctx, "IDX values", out->data, out->data_size));
    QEA_TRY(take(source, out->data, out->data_size));
    return expect_end(source);
}

qea_status qea_idx_decode(qea_context *ctx, const char *name, const uint8_t *bytes, size_t size, int rank,
                          qea_idx *out) {
    *out = (qea_idx){0};
    idx_source source = {.ctx = ctx, .name = name, .bytes = bytes, .size = size};
    source.gzip = size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    enum { GZIP_WINDOW = 15 + 16 }; /* zlib: largest window, gzip header and checksum required */
    if (source.gzip && inflateInit2(&source.stream, GZIP_WINDOW) != Z_OK)
        return qea_fail(ctx, QEA_ERR_MEMORY, "%s: zlib cannot start", name);
    qea_status status = decode(&source, rank, out);
    if (source.gzip) inflateEnd(&source.stream);
    if (status != QEA_OK) {
        qea_free(out->data);
        *out = (qea_idx){0};
    }
    return status;
}

const char *qea_zlib_library_version(void) { return zlibVersion(); }
