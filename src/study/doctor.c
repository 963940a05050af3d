/* What this machine has of what a run needs. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/yaml.h"
#include "data/image_list.h"
#include "quantea/inspect.h"
#include "store/store.h"
#include "study/model_metadata.h"
#include "study/places.h"

enum { MAX_PROC_BYTES = 1 << 24, MAX_VALUE = 512 };

typedef struct report {
    qea_context *ctx;
    qea_machine *machine;
    const char *topic; /* of the facts that are added now */
    size_t capacity;
    qea_status status; /* the first failure; nothing is added behind it */
} report;

static void add(report *r, const char *name, const char *value) {
    qea_machine *machine = r->machine;
    if (r->status == QEA_OK)
        r->status = qea_grow(r->ctx, "facts", (void **)&machine->facts, &r->capacity, machine->count + 1,
                             sizeof *machine->facts);
    if (r->status != QEA_OK) return;
    qea_fact *fact = &machine->facts[machine->count++];
    fact->topic = r->topic;
    r->status = qea_strdup(r->ctx, name, &fact->name);
    if (r->status == QEA_OK) r->status = qea_strdup(r->ctx, value, &fact->value);
}

static void add_format(report *r, const char *name, const char *format, ...) QEA_PRINTF(3, 4);
static void add_format(report *r, const char *name, const char *format, ...) {
    char value[MAX_VALUE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    add(r, name, value);
}

/* In tenths of GiB; no number goes through the locale. */
static void add_bytes(report *r, const char *name, double bytes, const char *remark) {
    unsigned long long tenths = (unsigned long long)(bytes * 10 / (1 << 30) + 0.5);
    add_format(r, name, "%llu.%llu GiB%s", tenths / 10, tenths % 10, remark);
}

/* --- files of /proc: lines "name : value" --- */

static char *read_proc(const char *path) {
    uint8_t *bytes;
    size_t size;
    return qea_file_read(NULL, path, MAX_PROC_BYTES, &bytes, &size) == QEA_OK ? (char *)bytes : NULL;
}

/* The value of the first line of that name, up to the end of the line (*size bytes); NULL where there is none. */
static const char *proc_value(const char *text, const char *name, size_t *size) {
    size_t length = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) != 0) continue;
        const char *at = line + length + strspn(line + length, " \t");
        if (*at != ':') continue;
        at += 1 + strspn(at + 1, " \t");
        *size = strcspn(at, "\n");
        return at;
    }
    return NULL;
}

static bool has_word(const char *list, size_t size, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if (strncmp(list + i, word, length) == 0 && (i == 0 || list[i - 1] == ' ') &&
            (i + length == size || list[i + length] == ' '))
            return true;
    return false;
}

/* --- topics --- */

static void add_features(report *r, const char *cpuinfo) {
    static const char *const words[] = {"sse2",     "avx2",        "fma",         "avx512f",  "avx512bw", "avx512dq",
                                        "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"};
    qea_text present = {0}, absent = {0};
    size_t size = 0;
    const char *flags = cpuinfo != NULL ? proc_value(cpuinfo, "flags", &size) : NULL;
    for (size_t i = 0; flags != NULL && i < sizeof words / sizeof *words; i++) {
        qea_text *list = has_word(flags, size, words[i]) ? &present : &absent;
        qea_text_printf(list, "%s%s", list->size > 0 ? " " : "", words[i]);
    }
    if (r->status == QEA_OK && (present.failed || absent.failed)) r->status = qea_text_finish(r->ctx, &present);
    add(r, "features", flags == NULL ? "unknown" : present.bytes != NULL ? present.bytes : "none of those used here");
    if (absent.bytes != NULL) add(r, "not there", absent.bytes);
    qea_text_free(&present);
    qea_text_free(&absent);
}

static void add_processor(report *r) {
    char *cpuinfo = read_proc("/proc/cpuinfo");
    size_t size = 0;
    const char *model = cpuinfo != NULL ? proc_value(cpuinfo, "model name", &size) : NULL;
    qea_cpus cpus = qea_cpus_read();
    r->topic = "processor";
    add_format(r, "model", "%.*s", model != NULL ? (int)size : 7, model != NULL ? model : "unknown");
    add_features(r, cpuinfo);
    add_format(r, "online", "%d", cpus.online);
    add_format(r, "affinity", "%d of them may be used by this process", cpus.affinity);
    unsigned hundredths = (unsigned)(cpus.quota * 100 + 0.5);
    if (cpus.quota > 0)
        add_format(r, "quota", "the container has the time of %u.%02u", hundredths / 100, hundredths % 100);
    else
        add(r, "quota", "none");
    add_format(r, "workers: auto", "%d worker%s at a time", cpus.usable, cpus.usable == 1 ? "" : "s");
    r->machine->workers = cpus.usable;
    qea_free(cpuinfo);
}

static void add_kernels(report *r) {
    const qea_kernels *kernels;
    r->topic = "kernels";
    if (qea_study_kernels(NULL, "auto", &kernels) != QEA_OK) {
        add(r, "chosen", "none work here");
        return;
    }
    add_format(r, "chosen", "%s (%s)", kernels->name, qea_kernels_isa());
    add(r, "convolutions", qea_kernels_library_version());
    add(r, "precision: auto", qea_kernels_have_amx() ? "bf16 (the processor has AMX)" : "float32");
    bool emulated;
    (void)qea_study_arithmetic(kernels, QEA_PRECISION_BF16, &emulated);
    add(r, "precision: bf16", emulated ? "emulated: float32 kernels that round to bf16" : "bf16 arithmetic");
}

static void add_memory(report *r) {
    static const char *const rows[][2] = {{"MemTotal", "total"}, {"MemAvailable", "available"}};
    char *meminfo = read_proc("/proc/meminfo");
    r->topic = "memory";
    for (int i = 0; i < 2; i++) {
        size_t size;
        const char *value = meminfo != NULL ? proc_value(meminfo, rows[i][0], &size) : NULL;
        char number[32];
        double kib = 0;
        (void)snprintf(number, sizeof number, "%.*s", value != NULL ? (int)strspn(value, "0123456789") : 0,
                       value != NULL ? value : "");
        if (qea_double_parse(number, &kib))
            add_bytes(r, rows[i][1], kib * 1024, "");
        else
            add(r, rows[i][1], "unknown");
    }
    double limit = qea_memory_limit();
    if (limit > 0) add_bytes(r, "container's limit", limit, "");
    qea_free(meminfo);
}

static void add_disk(report *r) {
    struct statvfs disk;
    r->topic = "disk";
    if (statvfs(".", &disk) == 0)
        add_bytes(r, "free here", (double)disk.f_bavail * (double)disk.f_frsize, " in the current folder");
    else
        add(r, "free here", "unknown");
}

static void add_libraries(report *r) {
    r->topic = "libraries";
    add(r, "quantea", qea_version());
    add(r, "SQLite", qea_store_library_version());
    add(r, "jansson", jansson_version_str());
    add(r, "libyaml", qea_yaml_library_version());
    add(r, "libpng", qea_png_library_version());
    add(r, "libjpeg", qea_jpeg_library_version());
    add(r, "zlib", qea_zlib_library_version());
}

/* Reads the smallest part, so that what is said to be there can be read. Of images in folders only the names. */
static void add_data_set(report *r, const qea_place *place, const char *path) {
    qea_dataset_source source = {.type = place->type, .path = path, .test_portion = 0.2};
    qea_context *ctx = qea_context_create(); /* its message goes into the fact */
    if (strcmp(place->type, "ImageFolder") == 0) {
        qea_image_list list = {0};
        if (qea_image_list_make(ctx, &source, QEA_PART_TRAIN, &list) == QEA_OK)
            add_format(r, place->type, "%s: %zu training images in %zu classes", path, list.count, list.num_classes);
        else
            add_format(r, place->type, "not usable: %s", ctx != NULL ? qea_context_message(ctx) : path);
        qea_image_list_free(&list);
    } else {
        qea_dataset *test;
        if (qea_dataset_load(ctx, &source, QEA_PART_TEST, &test) == QEA_OK)
            add_format(r, place->type, "%s: %zu test images of %d x %d x %d in %d classes", path, test->count,
                       test->height, test->width, test->channels, test->num_classes);
        else
            add_format(r, place->type, "not usable: %s", ctx != NULL ? qea_context_message(ctx) : path);
        qea_dataset_destroy(test);
    }
    qea_context_destroy(ctx);
}

static void add_data_sets(report *r) {
    r->topic = "data sets";
    for (const qea_place *place = qea_places; place->type != NULL; place++) {
        const char *path = qea_place_path(place);
        if (path == NULL)
            add_format(r, place->type, "not looked for; %s may name its folder", place->variable);
        else
            add_data_set(r, place, path);
    }
}

qea_status qea_machine_inspect(qea_context *ctx, qea_machine *out) {
    *out = (qea_machine){0};
    report r = {.ctx = ctx, .machine = out};
    add_processor(&r);
    add_kernels(&r);
    add_memory(&r);
    add_disk(&r);
    add_libraries(&r);
    add_data_sets(&r);
    if (r.status != QEA_OK) qea_machine_clear(out);
    return r.status;
}

void qea_machine_clear(qea_machine *machine) {
    for (size_t i = 0; i < machine->count; i++) {
        qea_free(machine->facts[i].name);
        qea_free(machine->facts[i].value);
    }
    qea_free(machine->facts);
    *machine = (qea_machine){0};
}
