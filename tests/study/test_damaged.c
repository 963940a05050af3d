/* The command from outside, on tasks whose database was damaged: an error that says what and where, never a crash. */
#include <sqlite3.h>

#include "study/small_run.h"

#define SHARED                                                                                                         \
    "--set 'nas.evaluator={type: shared_weights, float_epochs: 1, supernet_epochs: 1, bn_images: 96}' "                \
    "--set 'nas.search_space.quantizer={weight: lsq, activation: lsq}' --set fully_train.init=search "                 \
    "--set 'nas.agreement={genomes: 6, bands: 3, epochs: 1}' "

/* A search over genes by hand, judged by a program. */
static const char custom_text[] =
    "general: {seed: 5, workers: 1}\n"
    "nas:\n"
    "    evaluator: {type: command, command: [sh, evaluate.sh]}\n"
    "    search_algorithm:\n"
    "        policy: {num_generation: 1, num_individual: 4, random_samples: 4}\n"
    "        objective_keys: [error]\n"
    "        directions: {error: min}\n"
    "    search_space:\n"
    "        type: Custom\n"
    "        genes: [{name: a, candidates: [1, 2, 3, 4]}, {name: b, candidates: [1, 2]}]\n";

/* Jobs come as {"trial": 1, ...}. */
static const char evaluator_text[] = "while read -r line; do\n"
                                     "    trial=${line#*\\\"trial\\\":}; trial=${trial%%,*}\n"
                                     "    echo \"{\\\"trial\\\": $trial, \\\"objectives\\\": {\\\"error\\\": 1}}\"\n"
                                     "done\n";

static void write_file(const char *name, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(qea_file_write(NULL, path, text, strlen(text)), QEA_OK);
}

static void assert_runs(const char *arguments) {
    if (run("", arguments) != 0) fail_msg("%s: %s", arguments, slurp("out"));
}

/* A copy of the task `from`, called "damaged", changed by SQL. */
static void damage(const char *from, const char *sql) {
    char line[512], path[256], *message = NULL;
    sqlite3 *db = NULL;
    (void)snprintf(line, sizeof line, "cd %s/tasks && rm -rf damaged && cp -r %s damaged", folder, from);
    assert_int_equal(system(line), 0);
    (void)snprintf(path, sizeof path, "%s/tasks/damaged/task.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
    assert_true(sqlite3_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* It ends by the exit code of bad data, and says all of `words`. */
static void assert_refuses(const char *arguments, const char *sql, const char *words) {
    const int code = run("", arguments);
    if (code != 3) fail_msg("%s, %s: exit code %d: %s", sql, arguments, code, slurp("out"));
    assert_output_has("damaged/task.db: step ");
    assert_output_has(words);
}

typedef struct damaged {
    const char *sql, *words;
    bool looks; /* progress sees it, which needs no network */
} damaged;

static void assert_all_refuse(const char *from, const damaged *list, size_t count) {
    char compare[64];
    (void)snprintf(compare, sizeof compare, "compare %s damaged", from);
    for (size_t i = 0; i < count; i++) {
        damage(from, list[i].sql);
        assert_refuses("report damaged", list[i].sql, list[i].words);
        assert_refuses(compare, list[i].sql, list[i].words);
        if (list[i].looks)
            assert_refuses("progress damaged", list[i].sql, list[i].words);
        else
            assert_int_equal(run("", "progress damaged"), 0);
        assert_refuses("run --resume tasks/damaged", list[i].sql, list[i].words);
    }
}

static void a_done_trial_has_a_value_of_each_objective(void **state) {
    (void)state;
    static const damaged list[] = {
        {"UPDATE trials SET objectives = NULL WHERE state = 1", "trial 1: it is done and has 0 objectives, allowed: 2",
         true},
        {"UPDATE trials SET objectives = '' WHERE state = 1", "it is done and has 0 objectives, allowed: 2", true},
        {"UPDATE trials SET objectives = '0.5' WHERE state = 1", "it is done and has 1 objectives, allowed: 2", true},
        {"UPDATE trials SET objectives = '0.5 1 2' WHERE state = 1", "it is done and has 3 objectives, allowed: 2",
         true},
        {"UPDATE trials SET objectives = NULL WHERE step = 'nas' AND id = 7",
         "step nas, trial 7: it is done and has 0 objectives, allowed: 2", false}};
    assert_all_refuse("plain", list, sizeof list / sizeof *list);
}

static void bits_are_those_of_the_network(void **state) {
    (void)state;
    static const damaged list[] = {
        {"UPDATE trials SET weight_bits = '4', activation_bits = '4' WHERE step = 'nas' AND id = 2",
         "step nas, trial 2: graph ", false},
        {"UPDATE trials SET weight_bits = '', activation_bits = ''", "bits for 0 layers were given", false},
        {"UPDATE trials SET weight_bits = weight_bits || ' 4', activation_bits = activation_bits || ' 4' "
         "WHERE step = 'fully_train'",
         "step fully_train, trial ", false},
        {"UPDATE trials SET weight_bits = replace(weight_bits, '4', '77')", "77 weight bits are not defined for",
         false},
        {"UPDATE trials SET activation_bits = replace(activation_bits, '2', '255') WHERE step = 'nas'",
         "255 activation bits are not defined for", false},
        {"UPDATE trials SET weight_bits = '4'", "activation bits", true}};
    assert_all_refuse("plain", list, sizeof list / sizeof *list);
}

static void genomes_are_of_the_search_space(void **state) {
    (void)state;
    static const damaged list[] = {
        {"UPDATE trials SET genome = '0 1' WHERE step = 'nas' AND id = 3",
         "step nas, trial 3: found a genome of 2 genes, allowed: 10", false},
        {"UPDATE trials SET genome = '' WHERE step = 'nas'", "found a genome of 0 genes, allowed: 10", false},
        {"UPDATE trials SET genome = genome || ' 0' WHERE step = 'nas'", "found a genome of 11 genes, allowed: 10",
         false},
        {"UPDATE trials SET genome = '0 0 0 0 0 0 0 0 0 2' WHERE step = 'nas' AND id = 3",
         "step nas, trial 3: found 2 for gene 10, allowed: 0 to 1", false},
        {"UPDATE trials SET genome = '65535' WHERE step = 'fully_train'", "found a genome of 1 genes, allowed: 10",
         false}};
    assert_all_refuse("plain", list, sizeof list / sizeof *list);
}

static void records_are_whole(void **state) {
    (void)state;
    static const damaged list[] = {{"UPDATE trials SET label = NULL", "trial 1: it has no label", true},
                                   {"UPDATE trials SET state = 4294967297", "found state 4294967297", true},
                                   {"UPDATE trials SET source = -1", "found source -1", true},
                                   {"UPDATE trials SET id = 0 WHERE id IN (SELECT min(id) FROM trials WHERE "
                                    "step = 'fully_train') AND step = 'fully_train'",
                                    "step fully_train, trial 0: trials are numbered from 1", true}};
    assert_all_refuse("plain", list, sizeof list / sizeof *list);
}

static void genes_by_hand_are_checked_without_a_network(void **state) {
    (void)state;
    static const damaged list[] = {
        {"UPDATE trials SET genome = '0 2' WHERE id = 2", "trial 2: found 2 for gene 2, allowed: 0 to 1", false},
        {"UPDATE trials SET genome = '0' WHERE id = 2", "trial 2: found a genome of 1 genes, allowed: 2", false},
        {"UPDATE trials SET weight_bits = '4', activation_bits = '4'", "found bits for 1 layers, allowed: none", false},
        {"UPDATE trials SET objectives = NULL", "trial 1: it is done and has 0 objectives, allowed: 1", true}};
    write_file("custom.yml", custom_text);
    write_file("evaluate.sh", evaluator_text);
    assert_runs("run custom.yml -t custom");
    assert_runs("report custom");
    assert_all_refuse("custom", list, sizeof list / sizeof *list);
}

/* Beside the trials of the search: two networks without genomes, and genomes that are ranked and trained. */
static void genomes_that_were_ranked_are_all_there(void **state) {
    (void)state;
    static const damaged list[] = {
        {"DELETE FROM trials WHERE step = 'prediction'", "step prediction: found 0 trials", false},
        {"DELETE FROM trials WHERE step = 'prediction' AND id > 2", "step prediction: found 2 trials, the last of",
         false},
        {"UPDATE trials SET id = 999 WHERE step = 'prediction' AND id = 1", "the last of them 999, allowed", false},
        {"UPDATE trials SET weight_bits = '8', activation_bits = '8' WHERE step = 'supernet'",
         "step supernet, trial 1: graph ", false}};
    assert_runs("run config.yml -t measured --workers 2 " SHARED);
    assert_runs("report measured");
    assert_runs("progress measured");
    assert_all_refuse("measured", list, sizeof list / sizeof *list);
}

/* Not damage: trials that failed have no objectives, and a value may be missing. */
static void what_a_run_may_leave_is_accepted(void **state) {
    (void)state;
    damage("plain", "UPDATE trials SET state = 2, objectives = NULL, result = NULL, reason = 'diverged' "
                    "WHERE step = 'nas' AND id > 3 OR step = 'fully_train' AND id = (SELECT max(id) FROM trials)");
    assert_runs("report damaged");
    assert_runs("progress damaged");
    assert_runs("compare plain damaged");
    damage("plain", "UPDATE trials SET objectives = 'nan 1' WHERE step = 'fully_train'");
    assert_runs("report damaged");
    assert_runs("progress damaged");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_done_trial_has_a_value_of_each_objective),
                                       cmocka_unit_test(bits_are_those_of_the_network),
                                       cmocka_unit_test(genomes_are_of_the_search_space),
                                       cmocka_unit_test(records_are_whole),
                                       cmocka_unit_test(genes_by_hand_are_checked_without_a_network),
                                       cmocka_unit_test(genomes_that_were_ranked_are_all_there),
                                       cmocka_unit_test(what_a_run_may_leave_is_accepted)};
    return cmocka_run_group_tests(tests, set_up_with_task, tear_down);
}
