#include "base/limits.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { MAX_GROUP_PATH = 4096, MAX_LIMIT_TEXT = 4096, MAX_MEMBERSHIP_TEXT = 1 << 20 };
#define NO_MEMORY_LIMIT 0x1p60 /* version 1 writes a huge number where there is none */

/* Reads the limit of one group, in a folder; 0: none. */
typedef double (*group_limit)(const char *folder);

/* The words of a small file, at most `max` numbers; "max" and what else is no number ends them. Returns how many. */
static int read_numbers(const char *folder, const char *name, double *numbers, int max) {
    char path[MAX_GROUP_PATH + 64], *rest = NULL;
    uint8_t *bytes;
    size_t size;
    int count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (qea_file_read(NULL, path, MAX_LIMIT_TEXT, &bytes, &size) != QEA_OK) return 0;
    for (char *word = strtok_r((char *)bytes, " \n", &rest); word != NULL && count < max;
         word = strtok_r(NULL, " \n", &rest))
        if (!qea_double_parse(word, &numbers[count++])) {
            count--;
            break;
        }
    qea_free(bytes);
    return count;
}

static double cpus_v2(const char *folder) {
    double values[2]; /* quota, period */
    return read_numbers(folder, "cpu.max", values, 2) == 2 && values[0] > 0 && values[1] > 0 ? values[0] / values[1]
                                                                                             : 0;
}

static double cpus_v1(const char *folder) {
    double quota, period;
    bool read = read_numbers(folder, "cpu.cfs_quota_us", &quota, 1) == 1 &&
                read_numbers(folder, "cpu.cfs_period_us", &period, 1) == 1;
    return read && quota > 0 && period > 0 ? quota / period : 0; /* -1: none */
}

static double memory_of(const char *folder, const char *name) {
    double bytes;
    return read_numbers(folder, name, &bytes, 1) == 1 && bytes > 0 && bytes < NO_MEMORY_LIMIT ? bytes : 0;
}

static double memory_v2(const char *folder) { return memory_of(folder, "memory.max"); }
static double memory_v1(const char *folder) { return memory_of(folder, "memory.limit_in_bytes"); }

static double tighter(double a, double b) {
    if (a <= 0) return b;
    return b <= 0 || a < b ? a : b;
}

/* The tightest limit from the group `path` under `root` up to `root` itself. Inside a container the path is often that
 * of the host, and not there: its parents are asked all the same, at last the root, which is the container's group. */
static double limit_upwards(const char *root, const char *path, group_limit limit_of) {
    char folder[MAX_GROUP_PATH];
    size_t root_size = strlen(root);
    int size = snprintf(folder, sizeof folder, "%s%s", root, path);
    if (size < 0 || (size_t)size >= sizeof folder) return limit_of(root);
    double limit = 0;
    for (;;) {
        limit = tighter(limit, limit_of(folder));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < root_size) return limit;
        *slash = '\0';
    }
}

/* Is `name` one of "cpu,cpuacct"? */
static bool has_controller(const char *list, const char *name) {
    size_t size = strlen(name);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0')) return true;
    }
    return false;
}

/* A line is ID:CONTROLLERS:PATH; version 2 has the one line 0::PATH, version 1 lies under root/CONTROLLERS. */
static double limit_of_line(char *line, const char *root, const char *controller, group_limit v1, group_limit v2) {
    char mount[MAX_GROUP_PATH];
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL) return 0;
    *path++ = '\0';
    controllers++;
    if (*controllers == '\0') return limit_upwards(root, path, v2);
    if (!has_controller(controllers, controller)) return 0;
    (void)snprintf(mount, sizeof mount, "%s/%s", root, controllers);
    double limit = limit_upwards(mount, path, v1);
    (void)snprintf(mount, sizeof mount, "%s/%s", root, controller); /* often a link of its own */
    return tighter(limit, limit_upwards(mount, path, v1));
}

static double group_limit_of(const char *membership, const char *root, const char *controller, group_limit v1,
                             group_limit v2) {
    char *text, *rest = NULL;
    double limit = 0;
    if (qea_strdup(NULL, membership, &text) != QEA_OK) return 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        limit = tighter(limit, limit_of_line(line, root, controller, v1, v2));
    qea_free(text);
    return limit;
}

double qea_group_cpus(const char *membership, const char *root) {
    return group_limit_of(membership, root, "cpu", cpus_v1, cpus_v2);
}

double qea_group_memory(const char *membership, const char *root) {
    return group_limit_of(membership, root, "memory", memory_v1, memory_v2);
}

static double own_limit(double (*limit)(const char *membership, const char *root)) {
    uint8_t *membership;
    size_t size;
    if (qea_file_read(NULL, "/proc/self/cgroup", MAX_MEMBERSHIP_TEXT, &membership, &size) != QEA_OK) return 0;
    double value = limit((const char *)membership, "/sys/fs/cgroup");
    qea_free(membership);
    return value;
}

double qea_memory_limit(void) { return own_limit(qea_group_memory); }

int qea_cpus_usable(int online, int affinity, double quota) {
    int usable = affinity > 0 && affinity < online ? affinity : online;
    if (quota > 0 && quota < usable) usable = (int)quota;
    return usable > 1 ? usable : 1;
}

/* The set grows until the kernel's fits: machines of more than 1,024 processors exist. */
static int affinity_count(int online) {
    int count = 0;
    for (int cpus = 1024; count == 0 && cpus <= 1 << 20; cpus *= 4) {
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        void *set;
        if (qea_alloc(NULL, "processor set", size, 1, &set) != QEA_OK) break;
        if (sched_getaffinity(0, size, set) == 0) count = CPU_COUNT_S(size, (cpu_set_t *)set);
        qea_free(set);
    }
    return count > 0 ? count : online;
}

qea_cpus qea_cpus_read(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    qea_cpus cpus = {.online = online > 0 ? (int)online : 1};
    cpus.affinity = affinity_count(cpus.online);
    cpus.quota = own_limit(qea_group_cpus);
    cpus.usable = qea_cpus_usable(cpus.online, cpus.affinity, cpus.quota);
    return cpus;
}
