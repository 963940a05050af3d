/* tests/report/event_file.h: reads an event file by the published formats (TFRecord, protocol buffers), without the
 * code that wrote it: the CRC is made bit by bit from the polynomial's unreflected form. */
#ifndef TESTS_REPORT_EVENT_FILE_H
#define TESTS_REPORT_EVENT_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"

typedef struct scalar {
    char tag[64];
    int64_t step;
    double time_s;
    float value;
} scalar;

typedef struct event_file {
    scalar *scalars; /* of malloc */
    size_t count, records;
    char version[32];
} event_file;

static inline uint32_t reversed(uint32_t value, int bits) {
    uint32_t out = 0;
    for (int i = 0; i < bits; i++) out |= (value >> i & 1U) << (bits - 1 - i);
    return out;
}

static inline uint32_t check_sum(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < size; i++) {
        crc ^= reversed(bytes[i], 8) << 24;
        for (int k = 0; k < 8; k++) crc = crc & 0x80000000U ? crc << 1 ^ 0x1edc6f41U : crc << 1;
    }
    return reversed(~crc, 32);
}

static inline uint64_t little(const uint8_t *bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static inline void assert_masked(const uint8_t *bytes, size_t size, const uint8_t *stored) {
    uint32_t crc = check_sum(bytes, size);
    assert_int_equal((uint32_t)(((crc >> 15) | (crc << 17)) + 0xa282ead8U), little(stored, 4));
}

/* A field of a message at *at: its number, its value (integers, bits of floats), or its bytes. */
typedef struct field {
    int number;
    uint64_t value;
    const uint8_t *bytes;
    size_t size;
} field;

static inline uint64_t read_varint(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        assert_true(*at < end);
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

static inline field read_field(const uint8_t **at, const uint8_t *end) {
    uint64_t key = read_varint(at, end);
    field f = {.number = (int)(key >> 3)};
    int fixed = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : 0;
    if ((key & 7) == 0) {
        f.value = read_varint(at, end);
    } else if (fixed > 0) {
        assert_true(end - *at >= fixed);
        f.value = little(*at, fixed);
        *at += fixed;
    } else {
        assert_int_equal(key & 7, 2);
        f.size = (size_t)read_varint(at, end);
        assert_true((size_t)(end - *at) >= f.size);
        f.bytes = *at;
        *at += f.size;
    }
    return f;
}

static inline void read_value(const uint8_t *at, size_t size, scalar *out) {
    for (const uint8_t *end = at + size; at < end;) {
        field f = read_field(&at, end);
        if (f.number == 1) {
            assert_true(f.size < sizeof out->tag);
            memcpy(out->tag, f.bytes, f.size);
        }
        uint32_t bits = (uint32_t)f.value;
        if (f.number == 2) memcpy(&out->value, &bits, sizeof bits);
    }
}

static inline void read_event(event_file *file, const uint8_t *at, size_t size) {
    scalar s = {.tag = ""};
    for (const uint8_t *end = at + size; at < end;) {
        field f = read_field(&at, end);
        if (f.number == 1) memcpy(&s.time_s, &f.value, sizeof f.value);
        if (f.number == 2) s.step = (int64_t)f.value;
        if (f.number == 3) {
            assert_true(f.size < sizeof file->version);
            memcpy(file->version, f.bytes, f.size);
        }
        if (f.number != 5) continue;
        const uint8_t *summary = f.bytes;
        field value = read_field(&summary, f.bytes + f.size);
        assert_int_equal(value.number, 1);
        assert_ptr_equal(summary, f.bytes + f.size);
        read_value(value.bytes, value.size, &s);
    }
    file->records++;
    if (s.tag[0] == '\0') return;
    file->scalars = realloc(file->scalars, (file->count + 1) * sizeof *file->scalars);
    assert_non_null(file->scalars);
    file->scalars[file->count++] = s;
}

static inline event_file read_event_file(const char *path) {
    event_file file = {.count = 0};
    uint8_t *bytes = NULL;
    size_t size = 0, at = 0;
    if (qea_file_read(NULL, path, 1 << 24, &bytes, &size) != QEA_OK) fail_msg("%s is missing", path);
    while (at < size) {
        assert_true(size - at >= 16);
        uint64_t length = little(bytes + at, 8);
        assert_masked(bytes + at, 8, bytes + at + 8);
        assert_true(length <= size - at - 16);
        assert_masked(bytes + at + 12, (size_t)length, bytes + at + 12 + length);
        read_event(&file, bytes + at + 12, (size_t)length);
        at += 16 + (size_t)length;
    }
    qea_free(bytes);
    return file;
}

static inline const scalar *find_scalar(const event_file *file, const char *tag, int64_t step) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->scalars[i].tag, tag) == 0 && file->scalars[i].step == step) return &file->scalars[i];
    return NULL;
}

#endif
