/* The search space: genes, ties, pins, uniform genomes, limits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/job.h"
#include "study/space.h"

typedef struct fixture {
    qea_context *ctx;
    qea_study_config config;
    qea_graph *graph;
    qea_bit_space *space;
} fixture;

static char name[] = "test.yml", all[] = "*", stage_1[] = "layer1.*", last[] = "layer3.2.conv2";

static int set_up(void **state) {
    static fixture f;
    memset(&f, 0, sizeof f);
    f.ctx = qea_context_create();
    f.config = (qea_study_config){.name = name, .num_candidates = 3, .candidates = {2, 4, 8}, .num_objectives = 2};
    qea_resnet_options resnet = {.height = 32,
                                 .width = 32,
                                 .channels = 3,
                                 .base_depth = 20,
                                 .base_channel = 16,
                                 .stage = 3,
                                 .small_input = true,
                                 .num_classes = 10};
    assert_int_equal(qea_resnet_create(f.ctx, &resnet, &f.graph), QEA_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    qea_bit_space_destroy(f->space);
    qea_graph_destroy(f->graph);
    qea_context_destroy(f->ctx);
    return 0;
}

static void create(fixture *f) {
    assert_int_equal(qea_bit_space_create(f->ctx, &f->config, f->graph, &f->space), QEA_OK);
}

static void resnet_20_has_forty_genes_weights_first(void **state) {
    fixture *f = *state;
    create(f);
    assert_int_equal(f->space->num_genes, 40);
    uint16_t genome[40] = {0};
    uint8_t w[20], a[20];
    genome[3] = 2;
    genome[20 + 8] = 1;
    qea_bit_space_decode(f->space, genome, w, a);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(w[i], i == 3 ? 8 : 2);
        assert_int_equal(a[i], i == 8 ? 4 : 2);
    }
}

static void a_length_that_differs_is_an_error_that_names_both_and_the_line(void **state) {
    fixture *f = *state;
    static const char text[] = "pipeline: [nas]\n"
                               "nas:\n"
                               "    dataset: {type: Cifar10, common: {data_path: x}}\n"
                               "    search_algorithm:\n"
                               "        policy: {length: 38}\n";
    qea_study_config *config;
    assert_int_equal(qea_study_config_parse(f->ctx, "test.yml", text, sizeof text - 1, NULL, 0, &config), QEA_OK);
    assert_int_equal(qea_bit_space_create(f->ctx, config, f->graph, &f->space), QEA_ERR_CONFIG);
    assert_non_null(strstr(qea_context_message(f->ctx), "test.yml:5:"));
    assert_non_null(strstr(qea_context_message(f->ctx), "38"));
    assert_non_null(strstr(qea_context_message(f->ctx), "40"));
    qea_study_config_destroy(config);
}

static void tied_layers_share_two_genes_and_pinned_ones_cannot_change(void **state) {
    fixture *f = *state;
    f->config.num_layer_rules = 2;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = stage_1, .tie = true};
    f->config.layer_rules[1] = (qea_layer_rule){.pattern = last, .num_weight_bits = 1, .weight_bits = {8}};
    create(f);
    assert_int_equal(f->space->num_genes, 40 - 2 * 5); /* six convolutions of stage 1 */
    for (int i = 1; i < 6; i++) assert_int_equal(f->space->weight_gene[i], f->space->weight_gene[0]);
    assert_int_equal(f->space->gene_sizes[f->space->weight_gene[19]], 1);
    assert_int_equal(f->space->gene_sizes[f->space->activation_gene[19]], 3);
}

static void a_pattern_without_a_layer_is_an_error_that_names_it(void **state) {
    fixture *f = *state;
    static char wrong[] = "block*";
    f->config.num_layer_rules = 1;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = wrong, .tie = true};
    assert_int_equal(qea_bit_space_create(f->ctx, &f->config, f->graph, &f->space), QEA_ERR_CONFIG);
    assert_non_null(strstr(qea_context_message(f->ctx), "block*"));
}

static void uniform_genomes_begin_with_equal_bits_and_hold_every_pair_once(void **state) {
    fixture *f = *state;
    create(f);
    uint16_t *genomes;
    size_t count;
    bool seen[3][3] = {{false}};
    assert_int_equal(qea_bit_space_uniform(f->ctx, f->space, 32, &genomes, &count), QEA_OK);
    assert_int_equal(count, 9);
    for (size_t i = 0; i < count; i++) {
        const uint16_t *g = genomes + 40 * i;
        for (int k = 1; k < 20; k++) assert_true(g[k] == g[0] && g[20 + k] == g[20]);
        assert_false(seen[g[0]][g[20]]);
        seen[g[0]][g[20]] = true;
        if (i < 3) assert_int_equal(g[0], g[20]);
    }
    qea_free(genomes);
    assert_int_equal(qea_bit_space_uniform(f->ctx, f->space, 5, &genomes, &count), QEA_OK);
    assert_int_equal(count, 5);
    assert_true(genomes[40 * 3] != genomes[40 * 3 + 20] && genomes[40 * 4] != genomes[40 * 4 + 20]);
    qea_free(genomes);
}

static void give_candidates(fixture *f, int count, const int *bits) {
    f->config.num_candidates = count;
    memcpy(f->config.candidates, bits, (size_t)count * sizeof *bits);
    create(f);
}

/* The pairs of uniform genomes behind the `equal` first ones, as 100 w + a. */
static size_t mixed_pairs(const fixture *f, size_t most, size_t equal, int *pairs) {
    uint16_t *genomes;
    size_t count;
    assert_int_equal(qea_bit_space_uniform(f->ctx, f->space, most, &genomes, &count), QEA_OK);
    for (size_t i = equal; i < count; i++) {
        uint8_t w[20], a[20];
        qea_bit_space_decode(f->space, genomes + 40 * i, w, a);
        pairs[i - equal] = 100 * w[7] + a[7];
    }
    qea_free(genomes);
    return count - equal;
}

static void uniform_genomes_leave_all_layers_out_once(void **state) {
    fixture *f = *state;
    int pairs[9];
    give_candidates(f, 3, (const int[]){0, 4, 8});
    assert_int_equal(mixed_pairs(f, 32, 3, pairs), 2);
    assert_int_equal(pairs[0], 408);
    assert_int_equal(pairs[1], 804);
}

/* Of the candidates 1, 2, 3, 4, 32 mixed costs are 2, 3, 4, 6, 8, 12, 32, 64, 96, 128, each twice. Three are wanted at
 * 2 * 64^(1/6) = 4, 2 * 64^(3/6) = 16 and 2 * 64^(5/6) = 64; by rank they would be at 3, 12 and 96. */
static void uniform_genomes_that_do_not_all_fit_are_spread_at_equal_ratios_of_cost(void **state) {
    fixture *f = *state;
    int pairs[32];
    give_candidates(f, 5, (const int[]){1, 2, 3, 4, 32});
    assert_int_equal(mixed_pairs(f, 8, 5, pairs), 3);
    assert_int_equal(pairs[0], 104);
    assert_int_equal(pairs[1], 304);
    assert_int_equal(pairs[2], 232);
    assert_int_equal(mixed_pairs(f, 24, 5, pairs), 19); /* all but one */
    for (int i = 0; i < 19; i++)
        for (int k = 0; k < i; k++) assert_int_not_equal(pairs[i], pairs[k]);
}

/* Layer 3 is left out by its weights, layer 5 by its activations; the pinned layer's weights have no 0. */
static void genomes_that_are_one_network_have_one_canonical_form(void **state) {
    fixture *f = *state;
    f->config.num_layer_rules = 1;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = last, .num_weight_bits = 2, .weight_bits = {2, 8}};
    give_candidates(f, 3, (const int[]){0, 4, 8});
    assert_true(qea_bit_space_leaves_out(f->space));
    uint16_t genome[40], same[40];
    for (int i = 0; i < 40; i++) genome[i] = 1;
    memcpy(same, genome, sizeof same);
    qea_bit_space_canonical(f->space, same);
    assert_memory_equal(same, genome, sizeof same);
    genome[3] = genome[20 + 5] = genome[20 + 19] = 0;
    memcpy(same, genome, sizeof same);
    same[20 + 3] = 2;
    same[5] = 2;
    same[19] = 0;
    uint8_t w[20], a[20], w2[20], a2[20];
    qea_cost cost, cost2;
    qea_bit_space_decode(f->space, same, w, a);
    assert_int_equal(qea_bit_space_cost(f->ctx, f->space, w, a, &cost), QEA_OK);
    qea_bit_space_canonical(f->space, genome);
    qea_bit_space_canonical(f->space, same);
    assert_memory_equal(same, genome, sizeof same);
    assert_true(genome[3] == 0 && genome[20 + 3] == 0 && genome[5] == 0 && genome[20 + 5] == 0 && genome[19] == 0);
    assert_true(genome[4] == 1 && genome[20 + 4] == 1);
    qea_bit_space_decode(f->space, genome, w2, a2);
    assert_int_equal(qea_bit_space_cost(f->ctx, f->space, w2, a2, &cost2), QEA_OK);
    assert_memory_equal(&cost, &cost2, sizeof cost);
}

/* One weight gene for all of stage 1: where one of its layers is left out by activations it still sets the others. */
static void a_tied_gene_counts_as_long_as_one_of_its_layers_does(void **state) {
    fixture *f = *state;
    f->config.num_layer_rules = 1;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = stage_1, .tie = true};
    give_candidates(f, 2, (const int[]){0, 4});
    assert_int_equal(f->space->num_genes, 30);
    f->space->activation_gene[0] = f->space->activation_gene[6]; /* untie one */
    uint16_t genome[30];
    for (int i = 0; i < 30; i++) genome[i] = 1;
    genome[f->space->activation_gene[6]] = 0;
    qea_bit_space_canonical(f->space, genome);
    assert_int_equal(genome[f->space->weight_gene[0]], 1);
    assert_int_equal(genome[f->space->weight_gene[6]], 0);
}

static void uniform_genomes_take_the_nearest_allowed_bits(void **state) {
    fixture *f = *state;
    f->config.num_layer_rules = 1;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = all, .num_weight_bits = 2, .weight_bits = {3, 6}};
    create(f);
    uint16_t genome[40];
    uint8_t w[20], a[20];
    qea_bit_space_nearest(f->space, 2, 8, genome);
    qea_bit_space_decode(f->space, genome, w, a);
    assert_int_equal(w[0], 3);
    assert_int_equal(a[0], 8);
    qea_bit_space_nearest(f->space, 8, 2, genome);
    qea_bit_space_decode(f->space, genome, w, a);
    assert_int_equal(w[19], 6);
}

/* Mean position of a step's bits among the candidates 2, 4, 8: 0..2. */
static double mean_index(const uint8_t *bits) {
    int sum = 0;
    for (int i = 0; i < 20; i++) {
        assert_true(bits[i] == 2 || bits[i] == 4 || bits[i] == 8);
        sum += bits[i] == 8 ? 2 : bits[i] / 4;
    }
    return sum / 20.0;
}

static void steps_of_a_supernet_have_most_fewest_and_random_bits_by_their_number(void **state) {
    fixture *f = *state;
    f->config.num_layer_rules = 1;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = stage_1, .tie = true};
    create(f);
    double random_sum = 0, ranged_low = 2, ranged_high = 0;
    uint8_t before[40] = {0}, bits[40], again[40], other[40];
    for (uint64_t step = 0; step < 400; step++) {
        qea_bit_space_draw(f->space, 7, step, bits, bits + 20);
        qea_bit_space_draw(f->space, 7, step, again, again + 20);
        qea_bit_space_draw(f->space, 8, step, other, other + 20);
        assert_memory_equal(bits, again, 40);
        for (int i = 1; i < 6; i++) assert_true(bits[i] == bits[0] && bits[20 + i] == bits[20]);
        double mean = mean_index(bits);
        (void)mean_index(bits + 20);
        if (step % 4 == 0) assert_true(mean == 2 && mean_index(bits + 20) == 2);
        if (step % 4 == 1) assert_true(mean == 0 && mean_index(bits + 20) == 0);
        if (step % 4 == 2) {
            assert_memory_not_equal(bits, before, 40); /* 3^30 such */
            assert_memory_not_equal(bits, other, 40);
            memcpy(before, bits, 40);
            random_sum += mean;
        }
        if (step % 4 == 3) {
            ranged_low = mean < ranged_low ? mean : ranged_low;
            ranged_high = mean > ranged_high ? mean : ranged_high;
        }
    }
    assert_true(random_sum / 100 > 0.9 && random_sum / 100 < 1.1); /* 1 expected; a deviation of 0.03 at most */
    assert_true(ranged_low < 0.1 && ranged_high > 1.9);            /* both ends are seen */
}

/* Mean bits of all weights are mostly above 4 where a gene is 2, 4 or 8 at random: most first draws are not allowed. */
static void random_bits_of_a_supernet_are_within_the_limits(void **state) {
    fixture *f = *state;
    static char key[] = "weight_bytes";
    f->config.num_limits = 1;
    f->config.limits[0] = (qea_limit){.key = key, .high = 101184}; /* as w3 in every layer */
    create(f);
    uint8_t bits[40];
    int outside = 0;
    for (uint64_t step = 0; step < 400; step++) {
        qea_cost cost;
        qea_bit_space_draw(f->space, 7, step, bits, bits + 20);
        assert_int_equal(qea_bit_space_cost(NULL, f->space, bits, bits + 20, &cost), QEA_OK);
        if (step % 4 >= 2) outside += cost.weight_bytes > 101184;
        if (step % 4 == 0) assert_true(bits[0] == 8 && bits[39] == 8); /* the most, all the same */
    }
    assert_true(outside <= 10); /* of 200; two thirds without new draws */
}

static void limits_are_in_the_units_of_the_costs(void **state) {
    fixture *f = *state;
    static char key[] = "flops";
    uint16_t w4a4[40], w8a8[40];
    f->config.num_limits = 1;
    f->config.limits[0] =
        (qea_limit){.key = key, .high = 15}; /* w4a4: 10.093 + 0.442 + 0.0006; w8a8: 20.185 + the same */
    create(f);
    qea_bit_space_nearest(f->space, 4, 4, w4a4);
    qea_bit_space_nearest(f->space, 8, 8, w8a8);
    assert_true(qea_bit_space_violation(f->space, w4a4) == 0);
    assert_float_equal(qea_bit_space_violation(f->space, w8a8), (20.185088 + 0.442368 + 0.00064 - 15) / 15, 1e-6);
}

/* Every genome's costs lie between the extremes, and some genome's costs are each of them. */
static void check_extremes(fixture *f) {
    enum { LAYERS = 5, GENES = 2 * LAYERS };
    static const qea_objective kinds[] = {QEA_OBJ_FLOPS, QEA_OBJ_PARAMS, QEA_OBJ_BOPS, QEA_OBJ_WEIGHT_BYTES,
                                          QEA_OBJ_ACTIVATION_BYTES};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    double low[KINDS], high[KINDS];
    uint16_t genome[GENES] = {0};
    uint8_t w[LAYERS], a[LAYERS];
    qea_cost cost, least, most;
    size_t i = 0;
    create(f);
    assert_int_equal(f->space->num_layers, LAYERS);
    for (int k = 0; k < KINDS; k++) high[k] = -(low[k] = HUGE_VAL);
    do {
        qea_bit_space_decode(f->space, genome, w, a);
        assert_int_equal(qea_bit_space_cost(f->ctx, f->space, w, a, &cost), QEA_OK);
        for (int k = 0; k < KINDS; k++) {
            low[k] = fmin(low[k], qea_cost_value(&cost, kinds[k]));
            high[k] = fmax(high[k], qea_cost_value(&cost, kinds[k]));
        }
        for (i = 0; i < f->space->num_genes && ++genome[i] == f->space->gene_sizes[i]; i++) genome[i] = 0;
    } while (i < f->space->num_genes);
    assert_int_equal(qea_bit_space_extremes(f->ctx, f->space, &least, &most), QEA_OK);
    for (int k = 0; k < KINDS; k++) {
        assert_true(qea_cost_value(&least, kinds[k]) == low[k]);
        assert_true(qea_cost_value(&most, kinds[k]) == high[k]);
    }
}

static void the_extremes_are_those_of_all_genomes_also_where_layers_are_left_out(void **state) {
    fixture *f = *state;
    static char first[] = "layer1.0.conv1", second[] = "layer2.0.*";
    const qea_layer_rule rules[][2] = {
        {{.pattern = all}, {.pattern = all}},
        {{.pattern = second, .tie = true}, {.pattern = first, .num_weight_bits = 1, .weight_bits = {0}}},
        {{.pattern = all,
          .num_activation_bits = 2,
          .activation_bits = {0, 8},
          .num_weight_bits = 1,
          .weight_bits = {4}},
         {.pattern = first, .num_activation_bits = 1, .activation_bits = {0}}},
        {{.pattern = all,
          .num_activation_bits = 2,
          .activation_bits = {2, 8},
          .num_weight_bits = 1,
          .weight_bits = {4}},
         {.pattern = first, .num_weight_bits = 2, .weight_bits = {0, 4}}}};
    const qea_resnet_options resnet = {.height = 8,
                                       .width = 8,
                                       .channels = 1,
                                       .num_blocks = {1, 1},
                                       .base_channel = 4,
                                       .stage = 2,
                                       .small_input = true,
                                       .num_classes = 3};
    qea_graph_destroy(f->graph);
    assert_int_equal(qea_resnet_create(f->ctx, &resnet, &f->graph), QEA_OK);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        f->config.candidates[0] = i == 0 ? 2 : 0;
        f->config.num_candidates = 2;
        f->config.num_layer_rules = 2;
        memcpy(f->config.layer_rules, rules[i], sizeof rules[i]);
        check_extremes(f);
        qea_bit_space_destroy(f->space);
        f->space = NULL;
    }
}

static void seeds_depend_on_the_runs_seed_and_each_bit_width(void **state) {
    (void)state;
    uint8_t w[3] = {2, 4, 8}, a[3] = {4, 4, 4};
    uint64_t seed = qea_job_seed(1, 0, 3, w, a);
    assert_true(seed == qea_job_seed(1, 0, 3, w, a));
    assert_true(seed != qea_job_seed(2, 0, 3, w, a));
    assert_true(seed != qea_job_seed(1, 1, 3, w, a));
    assert_true(seed != qea_job_seed(1, 0, 3, a, w));
    for (int i = 0; i < 3; i++) {
        a[i] = 2;
        assert_true(seed != qea_job_seed(1, 0, 3, w, a));
        a[i] = 4;
    }
}

static void a_job_survives_its_line_and_broken_lines_are_refused(void **state) {
    fixture *f = *state;
    static char model[] = "a \"model\"";
    uint8_t w[2] = {2, 32}, a[2] = {0, 8};
    qea_job job = {.trial = 7,
                   .num_layers = 2,
                   .weight_bits = w,
                   .activation_bits = a,
                   .seed = UINT64_MAX,
                   .model = model},
            back;
    char *line;
    assert_int_equal(qea_job_format(f->ctx, &job, &line), QEA_OK);
    assert_null(strchr(line, '\n'));
    assert_int_equal(qea_job_parse(f->ctx, line, &back), QEA_OK);
    assert_true(back.trial == 7 && back.seed == UINT64_MAX && back.weight_bits[1] == 32 &&
                back.activation_bits[0] == 0);
    assert_string_equal(back.model, model);
    assert_null(back.init);
    qea_job_clear(&back);
    qea_free(line);
    static const char *const broken[] = {
        "",
        "{}",
        "[1]",
        "{\"trial\": 0, \"weight_bits\": [1], \"activation_bits\": [1], \"seed\": \"1\"}",
        "{\"trial\": 1, \"weight_bits\": [33], \"activation_bits\": [1], \"seed\": \"1\"}",
        "{\"trial\": 1, \"weight_bits\": [1, 2], \"activation_bits\": [1], \"seed\": \"1\"}",
        "{\"trial\": 1, \"weight_bits\": [1], \"activation_bits\": [1], \"seed\": 1}",
        "{\"trial\": 1, \"weight_bits\": [1], \"activation_bits\": [1], \"seed\": \"1\", \"model\": 3}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(qea_job_parse(f->ctx, broken[i], &back), QEA_ERR_DATA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(resnet_20_has_forty_genes_weights_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_length_that_differs_is_an_error_that_names_both_and_the_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tied_layers_share_two_genes_and_pinned_ones_cannot_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pattern_without_a_layer_is_an_error_that_names_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uniform_genomes_begin_with_equal_bits_and_hold_every_pair_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(uniform_genomes_leave_all_layers_out_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uniform_genomes_that_do_not_all_fit_are_spread_at_equal_ratios_of_cost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(genomes_that_are_one_network_have_one_canonical_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tied_gene_counts_as_long_as_one_of_its_layers_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uniform_genomes_take_the_nearest_allowed_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps_of_a_supernet_have_most_fewest_and_random_bits_by_their_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(random_bits_of_a_supernet_are_within_the_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_are_in_the_units_of_the_costs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_extremes_are_those_of_all_genomes_also_where_layers_are_left_out, set_up,
                                        tear_down),
        cmocka_unit_test(seeds_depend_on_the_runs_seed_and_each_bit_width),
        cmocka_unit_test_setup_teardown(a_job_survives_its_line_and_broken_lines_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
