/* Which instruction set a process uses when it is asked for several, one after another. Each order runs in a process of
 * its own, because a process decides once. */
#include "kernels/check.h"

static const char *const sets[] = {"auto", "avx512", "avx2", "sse2"};
enum { NUM_SETS = 4 };

typedef struct answer {
    bool first, second, same; /* a table came back; the same one */
    bool amx, bf16;           /* what it does */
    char isa[16];
} answer;

static answer ask(const char *first, const char *second) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const qea_kernels *a = qea_kernels_cpu(NULL, first), *b = qea_kernels_cpu(NULL, second);
        answer said = {.first = a != NULL, .second = b != NULL, .same = a == b, .amx = qea_kernels_have_amx()};
        said.bf16 = a && a->bf16 == QEA_BF16;
        snprintf(said.isa, sizeof said.isa, "%s", qea_kernels_isa());
        _exit(write(ends[1], &said, sizeof said) != (ssize_t)sizeof said);
    }
    answer said;
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
    close(ends[0]), close(ends[1]);
    return said;
}

static void auto_and_the_same_name_get_the_table_that_is_in_use(void **state) {
    (void)state;
    if (!ask("auto", "auto").first) skip();
    for (int i = 0; i < NUM_SETS; i++) {
        answer again = ask(sets[i], sets[i]), any = ask(sets[i], "auto");
        if (again.first) assert_true(again.same && any.same);
    }
}

/* What differs in a process of its own differs in one that has decided. */
static void another_set_by_name_is_refused(void **state) {
    (void)state;
    if (!ask("auto", "auto").first) skip();
    for (int i = 0; i < NUM_SETS; i++)
        for (int j = 1; j < NUM_SETS; j++) {
            answer a = ask(sets[i], sets[i]), b = ask(sets[j], sets[j]), both = ask(sets[i], sets[j]);
            if (!a.first || !b.first) continue;
            bool differs = strcmp(a.isa, b.isa) != 0 || a.amx != b.amx || a.bf16 != b.bf16;
            if (both.second && differs) fail_msg("%s after %s gives the table of %s", sets[j], sets[i], a.isa);
            if (both.second) assert_true(both.same);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_and_the_same_name_get_the_table_that_is_in_use),
        cmocka_unit_test(another_set_by_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
