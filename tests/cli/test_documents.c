/* Man pages and completions, made anew by `quantea document`: every option is in them, man and mandoc find nothing
 * wrong, and the shells complete what is there. */
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

#include "cli/command.h"
#include "quantea/inspect.h"

static char folder[64]; /* of the documents, and of a task and files to complete */

/* Runs a line of sh in the folder. Returns the exit code; what it printed on both streams is in out. */
static int sh(char *out, size_t size, const char *line) {
    char whole[4096];
    (void)snprintf(whole, sizeof whole, "cd %s && { %s ; } 2>&1", folder, line);
    FILE *pipe = popen(whole, "r");
    assert_non_null(pipe);
    size_t used = fread(out, 1, size - 1, pipe);
    out[used] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static bool there_is(const char *program) {
    char line[128], out[256];
    (void)snprintf(line, sizeof line, "command -v %s", program);
    return sh(out, sizeof out, line) == 0;
}

static int make_documents(void **state) {
    (void)state;
    static char line[512], out[4096];
    (void)snprintf(folder, sizeof folder, "/tmp/qea-documents-XXXXXX");
    if (mkdtemp(folder) == NULL) return 1;
    (void)snprintf(
        line, sizeof line,
        "%s document . && mkdir -p tasks/first photos && touch tasks/first/task.db a.yml b.txt c.safetensors",
        getenv("QEA_COMMAND"));
    return sh(out, sizeof out, line);
}

static int remove_documents(void **state) {
    (void)state;
    char out[256];
    return sh(out, sizeof out, "rm -rf \"$PWD\"");
}

static char *read_document(const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail_msg("no %s", name);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void assert_in(const char *document, const char *text, const char *what) {
    if (strstr(text, what) == NULL) fail_msg("%s does not have '%s'", document, what);
}

/* As roff writes a name: \-\-batch_size. */
static const char *in_roff(const char *name, char out[128]) {
    size_t used = 0;
    for (; *name != '\0' && used < 120; name++) {
        if (*name == '-') out[used++] = '\\';
        out[used++] = *name;
    }
    out[used] = '\0';
    return out;
}

static void every_option_has_its_place_in_the_man_page_of_its_command(void **state) {
    (void)state;
    char name[64], roff[128];
    for (size_t c = 0; c < qea_num_commands; c++) {
        if (qea_commands[c].help == NULL) continue;
        (void)snprintf(name, sizeof name, "man1/quantea-%s.1", qea_commands[c].name);
        char *page = read_document(name);
        for (size_t i = 0; i < qea_num_options; i++) {
            if ((qea_options[i].commands & qea_commands[c].bit) == 0) continue;
            assert_in(name, page, in_roff(qea_options[i].name, roff));
            if (qea_options[i].shorter != NULL) assert_in(name, page, in_roff(qea_options[i].shorter, roff));
        }
        for (size_t i = 0; i < qea_num_exit_codes; i++) assert_in(name, page, qea_exit_codes[i].meaning);
        free(page);
    }
}

static void every_key_has_its_place_in_the_man_page_of_the_configuration(void **state) {
    (void)state;
    char *page = read_document("man5/quantea-config.5");
    const char *path, *choices;
    for (size_t i = 0; (path = qea_study_config_key(i, &choices)) != NULL; i++) {
        char cell[128];
        (void)snprintf(cell, sizeof cell, "\\fB%s\\fR", strrchr(path, '.') != NULL ? strrchr(path, '.') + 1 : path);
        assert_in("quantea-config(5)", page, cell);
    }
    assert_null(strchr(page, '`')); /* no Markdown is left */
    assert_null(strchr(page, '|'));
    free(page);
}

static void every_option_is_completed_by_every_shell(void **state) {
    (void)state;
    static const char *const files[] = {"completions/quantea", "completions/_quantea", "completions/quantea.fish"};
    for (size_t f = 0; f < 3; f++) {
        char *text = read_document(files[f]);
        for (size_t i = 0; i < qea_num_options; i++) {
            if ((qea_options[i].commands & ~(unsigned)(QEA_WORKER | QEA_DOCUMENT)) == 0) continue;
            assert_in(files[f], text, qea_options[i].name + (f == 2 ? 2 : 0)); /* fish: -l name */
        }
        assert_null(strstr(text, "worker)")); /* not for people */
        free(text);
    }
}

static void man_finds_nothing_wrong(void **state) {
    (void)state;
    char out[8192];
    if (!there_is("man")) skip();
    (void)sh(out, sizeof out,
             "for p in man?/*; do LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l -E UTF-8 $p 2>&1 >/dev/null; done");
    assert_string_equal(out, "");
}

static void mandoc_finds_nothing_wrong(void **state) {
    (void)state;
    char out[8192];
    if (!there_is("mandoc")) skip();
    (void)sh(out, sizeof out, "mandoc -T lint -W warning man?/*");
    assert_string_equal(out, "");
}

/* The words that bash offers for the last of these. */
static void bash_completes(const char *words, char *out, size_t size) {
    char line[1024];
    (void)snprintf(
        line, sizeof line,
        "bash -c 'source completions/quantea; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _quantea; "
        "printf \"%%s \" \"${COMPREPLY[@]}\"'",
        words);
    assert_int_equal(sh(out, size, line), 0);
}

static void bash_completes_commands_options_choices_files_and_tasks(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"quantea re", "report "},
        {"quantea --ver", "--version "},
        {"quantea a", "a.yml "},
        {"quantea run --ta", "--task_id "},
        {"quantea run --dataset Cifar1", "Cifar10 Cifar100 "},
        {"quantea eval --part = va", "val "}, /* bash parts words at "=" */
        {"quantea eval --part =", "train val test "},
        {"quantea eval c.", "c.safetensors "},
        {"quantea eval -dp ph", "photos "},
        {"quantea run --resume fi", "first "},
        {"quantea run a", "a.yml "},
        {"quantea a.yml --qu", "--quiet "},
        {"quantea report fi", "first "},
        {"quantea run a.yml --set general.prec", "general.precision= "},
        {"quantea run a.yml --set general.precision = b", "bf16 "},
        {"quantea run a.yml --set \\*.trainer.ep", "*.trainer.epochs= "},
        {"quantea help ev", "eval "},
        {"quantea wor", " "}, /* not for people */
    };
    char out[4096];
    if (!there_is("bash")) skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bash_completes(cases[i][0], out, sizeof out);
        if (strcmp(out, cases[i][1]) != 0) fail_msg("%s: found '%s', expected '%s'", cases[i][0], out, cases[i][1]);
    }
}

static void fish_completes_commands_options_choices_files_and_tasks(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"re", "report\t"},
        {"a", "a.yml"},
        {"run --ta", "--task_id\t"},
        {"run --dataset Cifar1", "Cifar100"},
        {"run -dp ph", "photos/"},
        {"eval --part va", "val"},
        {"eval c", "c.safetensors"},
        {"eval --data ph", "photos/"},
        {"run --resume fi", "first"},
        {"report fi", "first"},
        {"run a.yml --set general.precision=b", "general.precision=bf16"},
        {"a.yml --qu", "--quiet"},
        {"a.yml --dataset Cifar1", "Cifar100"},
    };
    char out[4096], line[512];
    if (!there_is("fish")) skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(
            line, sizeof line,
            "HOME=\"$PWD\" fish --no-config -c \"source completions/quantea.fish; complete -C 'quantea %s'\"",
            cases[i][0]);
        assert_int_equal(sh(out, sizeof out, line), 0);
        if (strstr(out, cases[i][1]) == NULL) fail_msg("%s: found '%s', expected '%s'", cases[i][0], out, cases[i][1]);
        assert_null(strstr(out, "worker\n"));
    }
}

static void zsh_completes_commands_options_choices_files_and_tasks(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"re", "report"},
        {"run --ta", "run --task_id"},
        {"run --dataset Fash", "run --dataset FashionMnist"},
        {"eval --part va", "eval --part val"},
        {"eval --part=va", "eval --part=val"},
        {"eval c.", "eval c.safetensors"},
        {"eval -dp ph", "eval -dp photos"},
        {"init --dataset ph", "init --dataset photos"},
        {"run --resume fi", "run --resume first"},
        {"report fi", "report first"},
        {"run a", "run a.yml"},
        {"a.yml --qu", "a.yml --quiet"},
        {"run a.yml --set general.prec", "run a.yml --set general.precision="},
        {"run a.yml --set general.precision=b", "run a.yml --set general.precision=bf16"},
        {"help ev", "help eval"},
        {"wor", "wor"}, /* not for people */
    };
    char out[4096], expected[4096], root[256], line[2048];
    if (!there_is("zsh")) skip();
    assert_non_null(getcwd(root, sizeof root));
    int used = snprintf(line, sizeof line, "timeout 60 zsh -f %s/tests/cli/complete.zsh", root), length = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        used += snprintf(line + used, sizeof line - (size_t)used, " '%s'", cases[i][0]);
        length += snprintf(expected + length, sizeof expected - (size_t)length, "%s\n", cases[i][1]);
    }
    assert_int_equal(sh(out, sizeof out, line), 0);
    assert_string_equal(out, expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_its_place_in_the_man_page_of_its_command),
        cmocka_unit_test(every_key_has_its_place_in_the_man_page_of_the_configuration),
        cmocka_unit_test(every_option_is_completed_by_every_shell),
        cmocka_unit_test(man_finds_nothing_wrong),
        cmocka_unit_test(mandoc_finds_nothing_wrong),
        cmocka_unit_test(bash_completes_commands_options_choices_files_and_tasks),
        cmocka_unit_test(fish_completes_commands_options_choices_files_and_tasks),
        cmocka_unit_test(zsh_completes_commands_options_choices_files_and_tasks),
    };
    return cmocka_run_group_tests(tests, make_documents, remove_documents);
}
