/* Each mistake of mistakes.h is made with the command itself: it ends with the exit code and one message of one line
 * that says what it must, trains nothing and leaves nothing behind; and docs/mistakes.md has it as it is printed. With
 * QEA_UPDATE_DOCS=1 in the environment the document is written anew. */
#include "data/image_fixture.h"

#include <sys/wait.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "cli/mistakes.h"
#include "kernels/kernels.h"

#define DOCUMENT "docs/mistakes.md" /* tests run in the root of the repository */

enum { SIDE = 8, CLASSES = 4, TRAIN = 96, TEST = 48, MAX_MESSAGE = 420, NOT_MADE = 99 };

static const char config_text[] = "general:\n"
                                  "    seed: 5\n"
                                  "pipeline: [nas, fully_train]\n"
                                  "nas:\n"
                                  "    dataset:\n"
                                  "        type: Arrays\n"
                                  "        common: {\n"
                                  "            data_path: data,\n"
                                  "            train_portion: 0.8}\n"
                                  "        train:\n"
                                  "            batch_size: 8\n"
                                  "    search_algorithm:\n"
                                  "        policy:\n"
                                  "            num_generation: 1\n"
                                  "            num_individual: 2\n"
                                  "            random_samples: 2\n"
                                  "        objective_keys: [accuracy, flops]\n"
                                  "    search_space:\n"
                                  "        bit_candidates: [4, 8]\n"
                                  "        backbone: {num_blocks: [1, 1], base_channel: 4}\n"
                                  "    trainer:\n"
                                  "        epochs: 1\n"
                                  "        optimizer:\n"
                                  "            type: SGD\n"
                                  "            params: {lr: 0.1, momentum: 0.9}\n"
                                  "fully_train:\n"
                                  "    dataset: {ref: nas.dataset}\n"
                                  "    trainer: {ref: nas.trainer}\n"
                                  "    max_models: 1\n"
                                  "    baselines: [[8, 8]]\n";

/* --- the folder --- */

static void make_part(const fixture *f, const char *name, size_t count) {
    static uint8_t x[TRAIN * SIDE * SIDE];
    static int64_t y[TRAIN];
    qea_rng rng = qea_rng_make(1, QEA_RNG_TEST, 0, 0);
    for (size_t i = 0; i < count * SIDE * SIDE; i++) x[i] = (uint8_t)qea_rng_below(&rng, i, 256);
    for (size_t i = 0; i < count; i++) y[i] = (int64_t)(i % CLASSES);
    char x_name[] = "x", y_name[] = "y";
    const qea_st_tensor tensors[] = {{.name = x_name,
                                      .type = QEA_ST_U8,
                                      .rank = 4,
                                      .dims = {count, SIDE, SIDE, 1},
                                      .bytes = count * SIDE * SIDE,
                                      .data = x},
                                     {.name = y_name,
                                      .type = QEA_ST_I64,
                                      .rank = 1,
                                      .dims = {count},
                                      .bytes = count * 8,
                                      .data = (const uint8_t *)y}};
    assert_int_equal(qea_st_write(NULL, fixture_path(f, name), tensors, 2, NULL, NULL, 0), QEA_OK);
}

/* Runs a shell line in FOLDER/sub, with `quantea` being the command; what it prints goes to FOLDER/out and FOLDER/err.
 * Returns the exit code, 1000 + signal. */
static int shell(const fixture *f, const char *sub, const char *line) {
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "cd %s/%s && quantea() { timeout 60 \"$QEA_COMMAND\" \"$@\"; } && "
                   "change() { cp config.yml ../before && sed -i \"s|$1|$2|\" config.yml && "
                   "if cmp -s ../before config.yml; then exit %d; fi; } && (%s) >%s/out 2>%s/err </dev/null",
                   f->folder, sub, NOT_MADE, line, f->folder, f->folder);
    int status = system(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static char *slurp(const fixture *f, const char *name) {
    uint8_t *bytes;
    size_t size;
    if (qea_file_read(f->ctx, fixture_path(f, name), 1 << 20, &bytes, &size) != QEA_OK)
        fail_msg("%s", qea_context_message(f->ctx));
    return (char *)bytes;
}

static int make_folder(void **state) {
    if (fixture_setup(state) != 0 || getenv("QEA_COMMAND") == NULL) return -1;
    const fixture *f = *state;
    char name[64];
    fixture_write(f, "good/config.yml", config_text, sizeof config_text - 1);
    assert_int_equal(qea_folder_make(f->ctx, fixture_path(f, "good/data")), QEA_OK);
    make_part(f, "good/data/train.safetensors", TRAIN);
    make_part(f, "good/data/test.safetensors", TEST);
    for (int i = 0; i < 12; i++) {
        (void)snprintf(name, sizeof name, "good/images/%s/%d.png", i < 6 ? "cat" : "dog", i % 6);
        write_colour(f, name, 16, (uint8_t)(40 * i), 5, 9);
    }
    write_colour(f, "good/large.png", 20, 1, 2, 3);
    return shell(f, "good",
                 "chmod 755 . .. && quantea run config.yml --quiet -t done && "
                 "cp $(ls tasks/done/output/fully_train/model_*.safetensors | head -n 1) model.safetensors && "
                 "cp \"$QEA_COMMAND\" ../quantea && chmod 755 ../quantea");
}

/* --- can the mistake be made here? --- */

static bool processor_has(const fixture *f, const char *feature) {
    char line[128];
    (void)snprintf(line, sizeof line, "grep -qw %s /proc/cpuinfo", feature);
    return shell(f, ".", line) == 0;
}

/* Nobody may not look into the home of root, where the tests may have been built: hence the copy. */
#define NOBODY "setpriv --reuid=65534 --regid=65534 --clear-groups "
#define SMALL_DISK "unshare -rm sh -c 'mkdir tasks/new && mount -t tmpfs -o size=16k none tasks/new && "

static bool can_be_made(const fixture *f, const mistake *m) {
    if ((m->flags & AS_NOBODY) != 0 && geteuid() == 0)
        return shell(f, ".", "chmod 755 . && " NOBODY "timeout 60 ./quantea --version") == 0;
    if ((m->flags & ON_SMALL_DISK) != 0)
        return shell(f, ".", "mkdir -p tasks && unshare -rm sh -c 'mount -t tmpfs -o size=16k none tasks'") == 0;
    bool plain = strcmp(qea_kernels_library_version(), "plain C") == 0; /* it has no instruction sets to choose from */
    if ((m->flags & WITHOUT_AVX512) != 0) return !plain && !processor_has(f, "avx512f") && processor_has(f, "avx2");
    return true;
}

/* --- the message --- */

/* What is wrong with a row is told, and the other rows are looked at, too. */
#define complain(...) (print_error(__VA_ARGS__), print_error("\n"), num_wrong++)
static int num_wrong;

/* The message without the folder's name: "/tmp/x/case/data" becomes "data". */
static char *normalised(const fixture *f, const char *message) {
    char mark[300];
    qea_text text = {0};
    (void)snprintf(mark, sizeof mark, "%s/case", f->folder);
    for (const char *hit; (hit = strstr(message, mark)) != NULL;) {
        qea_text_put_bytes(&text, message, (size_t)(hit - message));
        message = hit + strlen(mark);
        if (*message == '/') message++;
    }
    qea_text_put(&text, message);
    assert_int_equal(qea_text_finish(f->ctx, &text), QEA_OK);
    return text.bytes;
}

static void check_words(const mistake *m, const char *message) {
    char words[512], *rest = NULL;
    (void)snprintf(words, sizeof words, "%s", m->words);
    for (char *word = strtok_r(words, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest))
        if (strstr(message, word) == NULL) complain("%s: \"%s\" is not in: %s", m->name, word, message);
}

/* One line, which a person can read. A task that was begun is followed by how it goes on. */
static void check_shape(const mistake *m, const char *message) {
    const char *end = strchr(message, '\n');
    if (strncmp(message, "quantea", 7) != 0 || end == NULL) {
        complain("%s: no message: %s", m->name, message);
        return;
    }
    bool followed = strncmp(end + 1, "to go on: ", 10) == 0 && strchr(end + 1, '\n')[1] == '\0';
    if (end[1] != '\0' && !((m->flags & LEAVES_TASK) != 0 && followed))
        complain("%s: more than one line: %s", m->name, message);
    if (end - message > MAX_MESSAGE) complain("%s: a wall of text: %s", m->name, message);
    for (const char *p = message; p < end; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) complain("%s: control characters in the message", m->name);
}

/* The line that runs the command, as somebody or somewhere where the row says so. */
static void write_line(const mistake *m, char *line, size_t size) {
    const char *before = "";
    bool nobody = (m->flags & AS_NOBODY) != 0 && geteuid() == 0;
    if (nobody) before = NOBODY;
    if ((m->flags & WHILE_IT_RUNS) != 0) before = "flock tasks/done/task.lock ";
    if ((m->flags & IN_SMALL_FILES) != 0) before = "ulimit -f 8; ";
    bool small = (m->flags & ON_SMALL_DISK) != 0;
    (void)snprintf(line, size, "%stimeout 60 %s %s%s", small ? SMALL_DISK : before,
                   nobody ? "../quantea" : "\"$QEA_COMMAND\"", m->arguments, small ? "'" : "");
}

/* Makes the mistake and checks all but the document; the message is the caller's. */
static char *make_mistake(const fixture *f, const mistake *m) {
    char line[1024];
    assert_int_equal(shell(f, ".", "chmod -R u+rwX case 2>&-; rm -rf case && cp -r good case"), 0);
    if (shell(f, "case", m->make[0] != '\0' ? m->make : ":") != 0) complain("%s: the mistake was not made", m->name);
    assert_int_equal(shell(f, ".", "find case | sort >files"), 0);
    write_line(m, line, sizeof line);
    int code = shell(f, "case", line);
    char *err = slurp(f, "err"), *out = slurp(f, "out");
    char *message = normalised(f, err);
    if (code != m->code) complain("%s: exit code %d instead of %d: %s", m->name, code, m->code, message);
    if (out[0] != '\0') complain("%s: on the standard output: %s", m->name, out);
    check_shape(m, message);
    check_words(m, message);
    if ((m->flags & LEAVES_TASK) == 0 && shell(f, ".", "find case | sort | cmp -s - files") != 0)
        complain("%s: files were left behind", m->name);
    qea_free(out);
    qea_free(err);
    return message;
}

/* --- the document --- */

static const char head[] =
    "# Mistakes, and what quantea says\n\n"
    "<!-- Made from tests/cli/mistakes.h and from what the command prints; the test cli_test_mistakes says how. -->\n\n"
    "Each message says where the mistake is (file, line and column, key or option), what was found, what is allowed, "
    "and\n"
    "what is near. Nothing is trained before everything that can be checked is checked. `quantea --help` has the table "
    "of\n"
    "exit codes.\n";

/* A mistake that cannot be made here keeps what the document has. */
static void put_from_document(const fixture *f, const mistake *m, const char *document, qea_text *text) {
    char title[128];
    (void)f;
    (void)snprintf(title, sizeof title, "\n**%s**", m->name);
    const char *begin = strstr(document, title);
    if (begin == NULL) fail_msg("%s: cannot be made here, and " DOCUMENT " does not have it", m->name);
    const char *end = strstr(begin + 1, "\n**"), *section = strstr(begin + 1, "\n## ");
    if (section != NULL && (end == NULL || section < end)) end = section;
    qea_text_put_bytes(text, begin, end != NULL ? (size_t)(end - begin) : strlen(begin));
}

static void put_mistake(const mistake *m, const char *message, qea_text *text) {
    qea_text_printf(text, "\n**%s**: `quantea %s` (exit code %d)\n\n> ", m->name, m->arguments, m->code);
    for (; *message != '\0'; message++) {
        qea_text_put_bytes(text, message, 1);
        if (*message == '\n' && message[1] != '\0') qea_text_put(text, "> ");
    }
}

static void each_mistake_gets_one_message_its_exit_code_and_its_place_in_the_document(void **state) {
    const fixture *f = *state;
    bool update = getenv("QEA_UPDATE_DOCS") != NULL;
    uint8_t *document = NULL;
    size_t size, count = 0;
    qea_text text = {0};
    if (!update || qea_file_exists(DOCUMENT))
        assert_int_equal(qea_file_read(f->ctx, DOCUMENT, 1 << 20, &document, &size), QEA_OK);
    qea_text_put(&text, head);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        qea_text_printf(&text, "\n## %s\n", groups[g].title);
        for (const mistake *m = groups[g].mistakes; m->name != NULL; m++, count++) {
            if (!can_be_made(f, m)) {
                print_message("cannot be made here: %s\n", m->name);
                put_from_document(f, m, (const char *)document, &text);
                continue;
            }
            char *message = make_mistake(f, m);
            put_mistake(m, message, &text);
            qea_free(message);
        }
    }
    assert_true(count >= 40);
    if (num_wrong > 0) fail_msg("%d of %zu mistakes are not answered as they should", num_wrong, count);
    assert_int_equal(qea_text_finish(f->ctx, &text), QEA_OK);
    if (update) assert_int_equal(qea_file_write(f->ctx, DOCUMENT, text.bytes, text.size), QEA_OK);
    if (!update && strcmp((const char *)document, text.bytes) != 0)
        fail_msg(DOCUMENT " is not what the command prints: `make mistake-docs` writes it anew");
    qea_text_free(&text);
    qea_free(document);
}

/* --- what is no mistake --- */

static void blanks_and_letters_of_all_languages_in_paths_are_no_mistake(void **state) {
    const fixture *f = *state;
    int code = shell(
        f, ".",
        "d='Möwen & Co 鳥'; cp -r good \"$d\" && cd \"$d\" && mv data 'die Daten' && "
        "change 'data_path: data' \"data_path: 'die Daten'\" && mv config.yml 'für alle.yml' && "
        "rm -r tasks && quantea run 'für alle.yml' --quiet -t a --set 'general.task.local_base_path=nach hier' && "
        "quantea run --resume 'nach hier/a' --quiet && quantea report 'nach hier/a' && "
        "quantea eval model.safetensors --data 'die Daten'");
    if (code != 0) fail_msg("exit code %d: %s", code, slurp(f, "err"));
}

static void a_configuration_beside_resume_says_where_its_tasks_are(void **state) {
    const fixture *f = *state;
    int code =
        shell(f, ".",
              "rm -rf case && cp -r good case && cd case && rm -r tasks && "
              "change 'seed: 5' 'seed: 5\\n    task: {local_base_path: elsewhere}' && "
              "quantea run config.yml --quiet -t new && quantea config.yml --resume -t new --quiet && test ! -e tasks");
    if (code != 0) fail_msg("exit code %d: %s", code, slurp(f, "err"));
}

static void batches_larger_than_the_images_are_cut_with_a_warning(void **state) {
    const fixture *f = *state;
    int code = shell(f, ".",
                     "rm -rf case && cp -r good case && cd case && change 'batch_size: 8' 'batch_size: 1000' && "
                     "quantea run config.yml --quiet -t new");
    char *err = slurp(f, "err");
    if (code != 0 || strstr(err, "config.yml:11:25: nas.dataset.train.batch_size: 1000 is more than the 77") == NULL)
        fail_msg("exit code %d: %s", code, err);
    qea_free(err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_gets_one_message_its_exit_code_and_its_place_in_the_document),
        cmocka_unit_test(a_configuration_beside_resume_says_where_its_tasks_are),
        cmocka_unit_test(batches_larger_than_the_images_are_cut_with_a_warning),
        cmocka_unit_test(blanks_and_letters_of_all_languages_in_paths_are_no_mistake),
    };
    return cmocka_run_group_tests(tests, make_folder, fixture_teardown);
}
