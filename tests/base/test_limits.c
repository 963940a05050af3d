/* Limits of processors and memory, read from control groups that the test makes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <sched.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/scratch.h"

static void put(const scratch *s, const char *folder, const char *name, const char *text) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", s->folder, folder);
    assert_int_equal(qea_folder_make(NULL, path), QEA_OK);
    (void)snprintf(path, sizeof path, "%s%s/%s", s->folder, folder, name);
    assert_int_equal(qea_file_write(NULL, path, text, strlen(text)), QEA_OK);
}

static int set_up(void **state) {
    static scratch s;
    s = scratch_make();
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    scratch_remove(*state);
    return 0;
}

static void assert_near(double value, double expected) {
    assert_true(value >= expected - 1e-9 && value <= expected + 1e-9);
}

static void a_quota_of_version_2_is_its_quotient(void **state) {
    const scratch *s = *state;
    put(s, "/a/b", "cpu.max", "150000 100000\n");
    assert_near(qea_group_cpus("0::/a/b\n", s->folder), 1.5);
}

static void the_tightest_group_on_the_way_up_counts(void **state) {
    const scratch *s = *state;
    put(s, "/a/b", "cpu.max", "800000 100000\n");
    put(s, "/a", "cpu.max", "300000 100000\n");
    put(s, "", "cpu.max", "max 100000\n");
    assert_near(qea_group_cpus("0::/a/b\n", s->folder), 3);
}

static void a_group_that_is_not_mounted_falls_back_to_the_root(void **state) {
    const scratch *s = *state;
    put(s, "", "cpu.max", "200000 100000\n");
    assert_near(qea_group_cpus("0::/docker/0123abc\n", s->folder), 2);
}

static void max_and_missing_and_garbled_files_limit_nothing(void **state) {
    const scratch *s = *state;
    assert_near(qea_group_cpus("0::/a\n", s->folder), 0);
    put(s, "/a", "cpu.max", "max 100000\n");
    assert_near(qea_group_cpus("0::/a\n", s->folder), 0);
    put(s, "/a", "cpu.max", "100000 0\n");
    assert_near(qea_group_cpus("0::/a\n", s->folder), 0);
    put(s, "/a", "cpu.max", "\xff\n\n");
    assert_near(qea_group_cpus("0::/a\n", s->folder), 0);
    assert_near(qea_group_cpus("", s->folder), 0);
    assert_near(qea_group_cpus("no colons\n1:\n", s->folder), 0);
}

static void a_quota_of_version_1_is_found_under_its_controllers(void **state) {
    const scratch *s = *state;
    put(s, "/cpu,cpuacct/job", "cpu.cfs_quota_us", "250000\n");
    put(s, "/cpu,cpuacct/job", "cpu.cfs_period_us", "100000\n");
    assert_near(qea_group_cpus("5:memory:/job\n4:cpu,cpuacct:/job\n0::/\n", s->folder), 2.5);
    put(s, "/cpu,cpuacct/job", "cpu.cfs_quota_us", "-1\n");
    assert_near(qea_group_cpus("4:cpu,cpuacct:/job\n", s->folder), 0);
    put(s, "/cpu", "cpu.cfs_quota_us", "100000\n");
    put(s, "/cpu", "cpu.cfs_period_us", "50000\n");
    assert_near(qea_group_cpus("4:cpu,cpuacct:/job\n", s->folder), 2);
    assert_near(qea_group_cpus("4:cpuset:/job\n", s->folder), 0);
}

static void memory_has_the_limit_of_either_version(void **state) {
    const scratch *s = *state;
    put(s, "/memory/job", "memory.limit_in_bytes", "9223372036854771712\n");
    assert_near(qea_group_memory("5:memory:/job\n", s->folder), 0);
    put(s, "/memory/job", "memory.limit_in_bytes", "1073741824\n");
    assert_near(qea_group_memory("5:memory:/job\n", s->folder), 1073741824);
    put(s, "/job", "memory.max", "536870912\n");
    assert_near(qea_group_memory("0::/job\n", s->folder), 536870912);
}

static void the_smallest_of_the_three_is_usable_and_at_least_one(void **state) {
    (void)state;
    assert_int_equal(qea_cpus_usable(8, 8, 0), 8);
    assert_int_equal(qea_cpus_usable(8, 3, 0), 3);
    assert_int_equal(qea_cpus_usable(8, 3, 2.9), 2);
    assert_int_equal(qea_cpus_usable(8, 8, 0.5), 1);
    assert_int_equal(qea_cpus_usable(8, 8, 16), 8);
}

static void the_affinity_mask_of_this_process_is_seen(void **state) {
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    size_t first = 0;
    while (!CPU_ISSET(first, &before)) first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    qea_cpus cpus = qea_cpus_read();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(cpus.affinity, 1);
    assert_int_equal(cpus.usable, 1);
    assert_int_equal(qea_cpus_read().affinity, CPU_COUNT(&before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_quota_of_version_2_is_its_quotient, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_tightest_group_on_the_way_up_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_group_that_is_not_mounted_falls_back_to_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(max_and_missing_and_garbled_files_limit_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_quota_of_version_1_is_found_under_its_controllers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_has_the_limit_of_either_version, set_up, tear_down),
        cmocka_unit_test(the_smallest_of_the_three_is_usable_and_at_least_one),
        cmocka_unit_test(the_affinity_mask_of_this_process_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
