/* Genomes on which it is measured how well a search ranks: bands of equal cost over the whole range, equal cost made in
 * many ways. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/agreement.h"

enum { GENES = 40, LAYERS = GENES / 2, BANDS = 3, MOST = 64 };

typedef struct fixture {
    qea_context *ctx;
    qea_study_config config;
    qea_graph *graph;
    qea_bit_space *space;
    double bops[MOST], mean_weight_bits[MOST]; /* of the genomes chosen */
    size_t count;
} fixture;

static char name[] = "test.yml", all[] = "*", bops_key[] = "bops";

static int set_up(void **state) {
    static fixture f;
    memset(&f, 0, sizeof f);
    f.ctx = qea_context_create();
    f.config = (qea_study_config){.name = name,
                                  .seed = 1,
                                  .num_candidates = 6,
                                  .candidates = {2, 3, 4, 5, 6, 8},
                                  .num_objectives = 2,
                                  .evaluator = QEA_EVALUATOR_SHARED_WEIGHTS,
                                  .agreement = {.genomes = 12, .bands = BANDS}};
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

static void choose(fixture *f, qea_agreement_choice *choice) {
    uint8_t bits[GENES];
    qea_cost cost;
    qea_bit_space_destroy(f->space);
    assert_int_equal(qea_bit_space_create(f->ctx, &f->config, f->graph, &f->space), QEA_OK);
    if (qea_agreement_choose(f->ctx, f->space, choice) != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
    f->count = BANDS * choice->per_band;
    assert_true(f->count <= MOST);
    for (size_t i = 0; i < f->count; i++) {
        qea_bit_space_decode(f->space, choice->genomes + i * f->space->num_genes, bits, bits + LAYERS);
        assert_int_equal(qea_bit_space_cost(f->ctx, f->space, bits, bits + LAYERS, &cost), QEA_OK);
        f->bops[i] = cost.bops;
        f->mean_weight_bits[i] = cost.mean_weight_bits;
    }
}

static void range(const double *values, size_t count, double *least, double *most) {
    *least = *most = values[0];
    for (size_t i = 1; i < count; i++) {
        *least = fmin(*least, values[i]);
        *most = fmax(*most, values[i]);
    }
}

static void assert_all_different(const fixture *f, const qea_agreement_choice *choice) {
    size_t genes = f->space->num_genes;
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(memcmp(choice->genomes + i * genes, choice->genomes + k * genes, 2 * genes) != 0);
}

/* All bits 2 to all bits 8 is a factor of 16 in bops; each of three bands has a factor of 16^(1/3) at the most, and its
 * middle lies that far from the next one's. */
static void bands_of_equal_cost_lie_at_equal_ratios_over_the_range(void **state) {
    fixture *f = *state;
    qea_agreement_choice choice;
    qea_cost cheapest, dearest;
    double middle[BANDS];
    choose(f, &choice);
    assert_int_equal(choice.per_band, 16); /* four of them will be trained */
    assert_all_different(f, &choice);
    assert_int_equal(qea_bit_space_extremes(f->ctx, f->space, &cheapest, &dearest), QEA_OK);
    assert_true(fabs(dearest.bops / cheapest.bops - 16) < 1e-9);
    for (size_t band = 0; band < BANDS; band++) {
        double least, most;
        range(f->bops + band * 16, 16, &least, &most);
        assert_true(most / least < exp(0.04 + 1e-9));
        middle[band] = log(sqrt(least * most) / cheapest.bops) / log(16);
    }
    for (size_t band = 0; band < BANDS; band++)
        if (!(fabs(middle[band] - ((double)band + 0.5) / BANDS) < 0.05)) fail_msg("band %zu at %g", band, middle[band]);
    qea_free(choice.genomes);
}

static void equal_cost_is_made_in_many_ways(void **state) {
    fixture *f = *state;
    qea_agreement_choice choice;
    double least, most;
    choose(f, &choice);
    range(f->mean_weight_bits + 16, 16, &least, &most); /* the middle band: 4 bits on average */
    if (!(most - least > 1.5)) fail_msg("weights have %g to %g bits", least, most);
    qea_free(choice.genomes);
}

static void the_choice_follows_from_the_seed(void **state) {
    fixture *f = *state;
    qea_agreement_choice first, again, other;
    choose(f, &first);
    choose(f, &again);
    size_t bytes = f->count * GENES * sizeof *first.genomes;
    assert_memory_equal(first.genomes, again.genomes, bytes);
    f->config.seed = 2;
    choose(f, &other);
    assert_memory_not_equal(first.genomes, other.genomes, bytes);
    qea_free(first.genomes);
    qea_free(again.genomes);
    qea_free(other.genomes);
}

static void limits_hold_and_the_bands_share_what_they_leave(void **state) {
    fixture *f = *state;
    qea_agreement_choice choice;
    const double macs = 40370176; /* docs/math.md */
    f->config.num_limits = 1;
    f->config.limits[0] = (qea_limit){.key = bops_key, .low = 9 * macs, .high = 25 * macs};
    choose(f, &choice);
    for (size_t i = 0; i < f->count; i++) assert_true(f->bops[i] >= 9 * macs && f->bops[i] <= 25 * macs);
    assert_true(f->bops[0] < 12 * macs && f->bops[f->count - 1] > 19 * macs);
    qea_free(choice.genomes);
}

/* All layers tied: two genes, 36 genomes. */
static void a_small_space_gives_what_it_has_and_too_small_a_one_is_refused(void **state) {
    fixture *f = *state;
    qea_agreement_choice choice;
    f->config.num_layer_rules = 1;
    f->config.layer_rules[0] = (qea_layer_rule){.pattern = all, .tie = true};
    choose(f, &choice);
    assert_int_equal(choice.per_band, 12);
    assert_all_different(f, &choice);
    qea_free(choice.genomes);
    f->config.agreement.genomes = 39;
    assert_int_equal(qea_agreement_choose(f->ctx, f->space, &choice), QEA_ERR_CONFIG);
    assert_non_null(strstr(qea_context_message(f->ctx), "only 36"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bands_of_equal_cost_lie_at_equal_ratios_over_the_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_cost_is_made_in_many_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_choice_follows_from_the_seed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_hold_and_the_bands_share_what_they_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_small_space_gives_what_it_has_and_too_small_a_one_is_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
