/* quantea doctor: facts about this machine, compared with what the system says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "quantea/inspect.h"

static const char *find(const qea_machine *machine, const char *topic, const char *name) {
    for (size_t i = 0; i < machine->count; i++)
        if (strcmp(machine->facts[i].topic, topic) == 0 && strcmp(machine->facts[i].name, name) == 0)
            return machine->facts[i].value;
    fail_msg("no fact '%s' under '%s'", name, topic);
    return "";
}

static void it_tells_of_processor_memory_disk_and_libraries(void **state) {
    (void)state;
    qea_machine machine;
    assert_int_equal(qea_machine_inspect(NULL, &machine), QEA_OK);
    assert_int_equal(atol(find(&machine, "processor", "online")), sysconf(_SC_NPROCESSORS_ONLN));
    assert_in_range(machine.workers, 1, sysconf(_SC_NPROCESSORS_ONLN));
    double total = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30);
    double told = strtod(find(&machine, "memory", "total"), NULL);
    assert_true(told > total - 0.2 && told < total + 0.2);
    assert_non_null(strstr(find(&machine, "disk", "free here"), "GiB"));
    assert_string_equal(find(&machine, "libraries", "quantea"), qea_version());
    static const char *const libraries[] = {"SQLite", "jansson", "libyaml", "libpng", "libjpeg", "zlib"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        assert_non_null(strchr(find(&machine, "libraries", libraries[i]), '.'));
    qea_machine_clear(&machine);
    assert_int_equal(machine.count, 0);
}

static void a_data_set_that_cannot_be_read_is_said_to_be_unusable(void **state) {
    (void)state;
    qea_machine machine;
    assert_int_equal(setenv("QEA_IMAGES", "/nowhere/flowers", 1), 0);
    assert_int_equal(qea_machine_inspect(NULL, &machine), QEA_OK);
    assert_non_null(strstr(find(&machine, "data sets", "ImageFolder"), "not usable: /nowhere/flowers"));
    qea_machine_clear(&machine);
    assert_int_equal(unsetenv("QEA_IMAGES"), 0);
    assert_int_equal(qea_machine_inspect(NULL, &machine), QEA_OK);
    assert_non_null(strstr(find(&machine, "data sets", "ImageFolder"), "QEA_IMAGES"));
    qea_machine_clear(&machine);
}

static int run(const char *arguments) {
    char line[1024];
    (void)snprintf(line, sizeof line, "%s %s >/dev/null 2>&1", getenv("QEA_COMMAND"), arguments);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void the_command_succeeds_and_takes_nothing(void **state) {
    (void)state;
    assert_int_equal(run("doctor"), 0);
    assert_int_equal(run("doctor --help"), 0);
    assert_int_equal(run("doctor now"), 2);
    assert_int_equal(run("doctor --loud"), 2);
}

static void one_processor_by_affinity_means_one_worker(void **state) {
    (void)state;
    char line[1024];
    (void)snprintf(line, sizeof line,
                   "taskset 1 true 2>/dev/null || exit 77; taskset 1 %s doctor | grep -q 'workers: auto *1 worker '",
                   getenv("QEA_COMMAND"));
    int code = WEXITSTATUS(system(line));
    if (code == 77) skip(); /* processor 0 is not ours */
    assert_int_equal(code, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_of_processor_memory_disk_and_libraries),
        cmocka_unit_test(a_data_set_that_cannot_be_read_is_said_to_be_unusable),
        cmocka_unit_test(the_command_succeeds_and_takes_nothing),
        cmocka_unit_test(one_processor_by_affinity_means_one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
