#include "check.h"

static qea_cost uniform_cost(qea_context *ctx, const qea_graph *g, int weight_bits, int activation_bits) {
    uint8_t w[64], a[64];
    memset(w, weight_bits, sizeof w);
    memset(a, activation_bits, sizeof a);
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, qea_graph_num_quantized(g), w, a};
    qea_cost cost;
    must(ctx, qea_graph_cost(ctx, g, &policy, &cost));
    return cost;
}

static void resnet20_costs_what_the_reference_says(void **state) {
    qea_resnet_options options = check_resnet20();
    qea_graph *g;
    must(*state, qea_resnet_create(*state, &options, &g));
    static const struct {
        int bits;
        double quantized_flops;
    } known[] = {{2, 5.046272}, {4, 10.092544}, {8, 20.185088}, {32, 80.740352}};
    const double macs = 40370176, weights = 269824, other_macs = 443008, other_params = 432 + 1568 + 650;
    for (size_t i = 0; i < 4; i++) {
        double bits = known[i].bits;
        qea_cost cost = uniform_cost(*state, g, known[i].bits, known[i].bits);
        assert_near(cost.flops, known[i].quantized_flops + 0.442368 + 0.00064, 1e-9);
        assert_near(cost.params, (weights * bits / 32 + other_params) / 1e3, 1e-9);
        assert_near(cost.bops, macs * bits * bits, 0);
        assert_near(cost.bops_total, macs * bits * bits + other_macs * 1024, 0);
        assert_near(cost.weight_bytes, weights * bits / 8, 0);
        assert_near(cost.weight_bytes_total, weights * bits / 8 + other_params * 4, 0);
    }
    qea_graph_destroy(g);
}

static void without_a_policy_everything_is_float(void **state) {
    qea_resnet_options options = check_resnet20();
    qea_graph *g;
    qea_cost none, full;
    must(*state, qea_resnet_create(*state, &options, &g));
    must(*state, qea_graph_cost(*state, g, NULL, &none));
    full = uniform_cost(*state, g, 32, 32);
    assert_memory_equal(&none, &full, sizeof none);
    assert_near(none.params, 272.474, 1e-9);
    qea_graph_destroy(g);
}

static void a_layer_with_0_bits_costs_nothing(void **state) {
    qea_context *ctx = *state;
    qea_resnet_options options = check_resnet20();
    qea_graph *g;
    must(ctx, qea_resnet_create(ctx, &options, &g));
    uint8_t w[20], a[20];
    memset(w, 8, sizeof w);
    memset(a, 8, sizeof a);
    w[8] = 0; /* either will do */
    a[15] = 0;
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 20, w, a};
    qea_cost all = uniform_cost(ctx, g, 8, 8), fewer;
    must(ctx, qea_graph_cost(ctx, g, &policy, &fewer));
    double macs = (double)qea_graph_quantized(g, 8)->macs + (double)qea_graph_quantized(g, 15)->macs;
    double weights = 16 * 32 + 32 * 64;
    assert_near(all.flops - fewer.flops, macs / 2 / 1e6, 1e-9);
    assert_near(all.bops - fewer.bops, macs * 64, 0);
    assert_near(all.weight_bytes_total - fewer.weight_bytes_total, weights, 0);
    assert_near(all.params - fewer.params, weights / 4 / 1e3, 1e-9);
    qea_graph_destroy(g);
}

static void mean_bits_weigh_weights_by_number_and_activations_by_macs(void **state) {
    qea_context *ctx = *state;
    qea_resnet_options options = check_resnet20();
    qea_graph *g;
    must(ctx, qea_resnet_create(ctx, &options, &g));
    uint8_t w[20], a[20];
    memset(w, 2, sizeof w);
    memset(a, 4, sizeof a);
    w[0] = 8;  /* 16*16*9 = 2,304 of 269,824 weights */
    a[19] = 8; /* 64*64*9*8*8 = 2,359,296 of 40,370,176 MACs */
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 20, w, a};
    qea_cost cost;
    must(ctx, qea_graph_cost(ctx, g, &policy, &cost));
    assert_near(cost.mean_weight_bits, 2 + 6 * 2304.0 / 269824.0, 1e-12);
    assert_near(cost.mean_activation_bits, 4 + 4 * 2359296.0 / 40370176.0, 1e-12);
    qea_graph_destroy(g);
}

static void policies_that_do_not_fit_are_refused_by_name(void **state) {
    qea_context *ctx = *state;
    qea_resnet_options options = check_resnet20();
    qea_graph *g;
    qea_cost cost;
    uint8_t w[20], a[20];
    must(ctx, qea_resnet_create(ctx, &options, &g));
    memset(w, 4, sizeof w);
    memset(a, 4, sizeof a);
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 19, w, a};
    assert_int_equal(qea_graph_cost(ctx, g, &policy, &cost), QEA_ERR_CONFIG);
    assert_says(ctx, "19 layers");
    policy.num_layers = 20;
    w[3] = 9;
    assert_int_equal(qea_graph_cost(ctx, g, &policy, &cost), QEA_ERR_CONFIG);
    assert_says(ctx, "layer1.1.conv2");
    assert_says(ctx, "9 weight bits");
    w[3] = 4;
    a[8] = 0;
    policy.activation_quantizer = QEA_LSQ;
    assert_int_equal(qea_graph_cost(ctx, g, &policy, &cost), QEA_ERR_CONFIG);
    assert_says(ctx, "0 activation bits are not defined for lsq");
    policy.weight_quantizer = (qea_quantizer)77;
    assert_int_equal(qea_graph_cost(ctx, g, &policy, &cost), QEA_ERR_CONFIG);
    qea_graph_destroy(g);
}

static void a_layer_whose_output_is_larger_cannot_be_left_out(void **state) {
    qea_context *ctx = *state;
    uint8_t zero = 0;
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 1, &zero, &zero};
    for (int stride = 1; stride <= 3; stride++) {
        qea_graph *g;
        qea_node node;
        qea_conv_options options = {
            .out_channels = 4, .kernel = 3, .stride = stride, .padding = 2, .groups = 1, .quantized = true};
        must(ctx, qea_graph_create(ctx, "grows", &g));
        must(ctx, qea_graph_input(ctx, g, 8, 8, 4, &node));
        must(ctx, qea_graph_conv(ctx, g, "grow", node, &options, &node));
        /* the last output pixel would be input pixel 9, 8 and 9 of 0..7 */
        assert_int_equal(qea_graph_check_policy(ctx, g, &policy), QEA_ERR_CONFIG);
        assert_says(ctx, "grow");
        qea_graph_destroy(g);
    }
}

static void the_bias_of_a_layer_left_out_costs_nothing_either(void **state) {
    qea_context *ctx = *state;
    qea_graph *g;
    qea_node node;
    qea_conv_options options = {
        .out_channels = 4, .kernel = 1, .stride = 1, .padding = 0, .groups = 1, .bias = true, .quantized = true};
    must(ctx, qea_graph_create(ctx, "bias", &g));
    must(ctx, qea_graph_input(ctx, g, 1, 1, 3, &node));
    must(ctx, qea_graph_conv(ctx, g, "c", node, &options, &node));
    must(ctx, qea_graph_finish(ctx, g));
    qea_cost cost = uniform_cost(ctx, g, 8, 8);
    assert_near(cost.params, (12.0 / 4 + 4) / 1e3, 1e-12);
    assert_near(cost.weight_bytes_total, 12 + 16, 0);
    cost = uniform_cost(ctx, g, 0, 8);
    assert_near(cost.params, 0, 0);
    assert_near(cost.weight_bytes_total, 0, 0);
    qea_graph_destroy(g);
}

/* input 4x4x2 (float: 128 bytes) -> stem conv, bn, relu: r1 4x4x8 (128 values) -> conv a (quantised) -> relu r2 -> conv
 * b (quantised) -> add with r1 -> relu r3 -> pool -> linear. */
static qea_graph *small_residual(qea_context *ctx) {
    qea_graph *g;
    qea_node x, r1, r3;
    qea_conv_options options = {.out_channels = 8, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
    must(ctx, qea_graph_create(ctx, "small", &g));
    must(ctx, qea_graph_input(ctx, g, 4, 4, 2, &x));
    must(ctx, qea_graph_conv(ctx, g, "stem", x, &options, &x));
    must(ctx, qea_graph_batch_norm(ctx, g, "bn", x, 1e-5, 0.1, &x));
    must(ctx, qea_graph_relu(ctx, g, x, &r1));
    options.quantized = true;
    must(ctx, qea_graph_conv(ctx, g, "a", r1, &options, &x));
    must(ctx, qea_graph_relu(ctx, g, x, &x));
    must(ctx, qea_graph_conv(ctx, g, "b", x, &options, &x));
    must(ctx, qea_graph_add(ctx, g, x, r1, &x));
    must(ctx, qea_graph_relu(ctx, g, x, &r3));
    must(ctx, qea_graph_global_avg_pool(ctx, g, r3, &x));
    must(ctx, qea_graph_linear(ctx, g, "fc", x, 3, true, false, &x));
    must(ctx, qea_graph_finish(ctx, g));
    return g;
}

static void activation_bytes_are_the_peak_of_live_tensors_at_their_bits(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = small_residual(ctx);
    static const struct {
        uint8_t a, b;
        double bytes;
    } cases[] = {
        /* step "a": r1 (float, the addition reads it) 512 and r2 128 * b/8; step "b": r1 512, r2 and r3 (float) 512 */
        {4, 4, 512 + 64 + 512},
        {2, 8, 512 + 128 + 512},
        {8, 1, 512 + 16 + 512},
        {4, 32, 512 + 512 + 512},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bits[2] = {cases[i].a, cases[i].b};
        qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 2, bits, bits};
        qea_cost cost;
        must(ctx, qea_graph_cost(ctx, g, &policy, &cost));
        assert_near(cost.activation_bytes, cases[i].bytes, 0);
    }
    qea_graph_destroy(g);
}

/* A plain chain: the peak is where a layer's packed input and output meet; odd sizes round up to whole bytes. */
static void activations_read_by_quantised_layers_alone_are_packed(void **state) {
    qea_context *ctx = *state;
    qea_graph *g;
    qea_node x;
    qea_conv_options options = {
        .out_channels = 3, .kernel = 1, .stride = 1, .padding = 0, .groups = 1, .quantized = true};
    must(ctx, qea_graph_create(ctx, "chain", &g));
    must(ctx, qea_graph_input(ctx, g, 5, 5, 1, &x)); /* 25 values at the bits of "a" */
    must(ctx, qea_graph_conv(ctx, g, "a", x, &options, &x));
    must(ctx, qea_graph_relu(ctx, g, x, &x)); /* 75 values at the bits of "b" and "c" */
    qea_node shared = x, b, c;
    must(ctx, qea_graph_conv(ctx, g, "b", shared, &options, &b));
    must(ctx, qea_graph_conv(ctx, g, "c", shared, &options, &c));
    must(ctx, qea_graph_add(ctx, g, c, b, &x));
    must(ctx, qea_graph_global_avg_pool(ctx, g, x, &x));
    must(ctx, qea_graph_finish(ctx, g));
    uint8_t bits[3] = {8, 1, 3};
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 3, bits, bits};
    qea_cost cost;
    must(ctx, qea_graph_cost(ctx, g, &policy, &cost));
    /* step "c": the shared value at 3 bits (29 bytes), b's output and the sum in float (300 each) */
    assert_near(cost.activation_bytes, 29 + 300 + 300, 0);
    qea_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet20_costs_what_the_reference_says),
        cmocka_unit_test(without_a_policy_everything_is_float),
        cmocka_unit_test(mean_bits_weigh_weights_by_number_and_activations_by_macs),
        cmocka_unit_test(a_layer_with_0_bits_costs_nothing),
        cmocka_unit_test(policies_that_do_not_fit_are_refused_by_name),
        cmocka_unit_test(a_layer_whose_output_is_larger_cannot_be_left_out),
        cmocka_unit_test(the_bias_of_a_layer_left_out_costs_nothing_either),
        cmocka_unit_test(activation_bytes_are_the_peak_of_live_tensors_at_their_bits),
        cmocka_unit_test(activations_read_by_quantised_layers_alone_are_packed),
    };
    return cmocka_run_group_tests(tests, check_context, check_context_end);
}
