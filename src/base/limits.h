/* base/limits.h: what of the machine this process may use: processors and memory, as the scheduler and the container
 * (control groups, versions 1 and 2) allow them. */
#ifndef QEA_BASE_LIMITS_H
#define QEA_BASE_LIMITS_H

/* membership: text of /proc/self/cgroup; root: where control groups are mounted. Of every group from the process's own
 * up to the root the tightest limit counts; one that cannot be read limits nothing. */

/* Processors' worth of time; 0: no limit. (cpu.max; cpu.cfs_quota_us / cpu.cfs_period_us). */
double qea_group_cpus(const char *membership, const char *root);
/* Bytes; 0: no limit. (memory.max; memory.limit_in_bytes) */
double qea_group_memory(const char *membership, const char *root);

typedef struct qea_cpus {
    int online;   /* of the machine */
    int affinity; /* that this process may run on */
    double quota; /* of its control group; 0: no limit */
    int usable;   /* >= 1: the smallest of the three, a quota rounded down */
} qea_cpus;

/* `usable` from the other three. */
int qea_cpus_usable(int online, int affinity, double quota);
/* Of this process, now. */
qea_cpus qea_cpus_read(void);
double qea_memory_limit(void);

#endif
