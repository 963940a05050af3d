/* The kernels of the table `cpu` in one program: checked against the reference over random shapes, once for each
 * instruction set, and measured on ResNet-20's.
 *   kernels_test_cpu [SUITE ...]                      these suites; all of them
 *   kernels_test_cpu --bench [BATCH [THREADS [ISA]]]  128 images, one thread and the best instruction set */
#include <stdio.h>
#include <string.h>

#include "kernels/cpu/suites.h"

static const struct suite {
    const char *name;
    int (*run)(void);
} suites[] = {{"bf16", check_bf16}, {"conv", check_conv},       {"conv_integer", check_conv_integer},
              {"pool", check_pool}, {"segment", check_segment}, {"winograd", check_winograd}};
enum { NUM_SUITES = sizeof suites / sizeof suites[0] };

static int run_suite(const char *name) {
    for (int i = 0; i < NUM_SUITES; i++)
        if (strcmp(name, suites[i].name) == 0) return suites[i].run();
    fprintf(stderr, "kernels_test_cpu: no suite \"%s\"\n", name);
    return 1;
}

int main(int argc, char **argv) {
    int failures = 0;
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) return bench(argc - 1, argv + 1);
    for (int i = 0; argc == 1 && i < NUM_SUITES; i++) failures += suites[i].run();
    for (int i = 1; i < argc; i++) failures += run_suite(argv[i]);
    return failures != 0;
}
