/* tests/kernels/cpu/suites.h: the parts of kernels_test_cpu, a file each. */
#ifndef SUITES_H
#define SUITES_H

/* Failures of the instruction sets. */
int check_bf16(void);
int check_conv(void);
int check_conv_integer(void);
int check_pool(void);
int check_segment(void);
int check_winograd(void);

/* arguments[1..]: batch, threads, instruction set. An exit code. */
int bench(int count, char **arguments);

#endif
