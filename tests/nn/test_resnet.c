#include "check.h"

static qea_graph *make(qea_context *ctx, qea_resnet_options options) {
    qea_graph *g;
    must(ctx, qea_resnet_create(ctx, &options, &g));
    return g;
}

static void resnet20_has_the_documented_macs_and_parameters(void **state) {
    qea_graph *g = make(*state, check_resnet20());
    assert_int_equal(check_macs(g, false), 40813184);
    assert_int_equal(check_macs(g, true), 40370176);
    assert_int_equal(qea_graph_layer(g, 0)->macs, 442368);
    assert_int_equal(qea_graph_layer(g, qea_graph_num_layers(g) - 1)->macs, 640);
    assert_int_equal(qea_graph_num_parameters(g), 272474);
    uint64_t quantized = 0, norms = 0;
    for (size_t i = 0; i < qea_graph_num_quantized(g); i++) quantized += qea_graph_quantized(g, i)->weights;
    for (size_t i = 0; i < qea_graph_num_nodes(g); i++)
        if (qea_graph_node_at(g, (qea_node)i)->op == QEA_OP_BATCH_NORM)
            norms += 2 * (uint64_t)qea_graph_node_at(g, (qea_node)i)->channels;
    assert_int_equal(quantized, 269824);
    assert_int_equal(norms, 1568);
    assert_int_equal(qea_graph_num_classes(g), 10);
    qea_graph_destroy(g);
}

static void resnet20_orders_its_genes_by_block_with_the_shortcut_last(void **state) {
    qea_graph *g = make(*state, check_resnet20());
    static const char *const names[20] = {
        "layer1.0.conv1",        "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2",        "layer1.2.conv1",
        "layer1.2.conv2",        "layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0", "layer2.1.conv1",
        "layer2.1.conv2",        "layer2.2.conv1", "layer2.2.conv2", "layer3.0.conv1",        "layer3.0.conv2",
        "layer3.0.downsample.0", "layer3.1.conv1", "layer3.1.conv2", "layer3.2.conv1",        "layer3.2.conv2"};
    assert_int_equal(qea_graph_num_quantized(g), 20);
    for (size_t i = 0; i < 20; i++) {
        const qea_layer_info *layer = qea_graph_quantized(g, i);
        assert_string_equal(layer->name, names[i]);
        assert_int_equal(layer->kernel, i == 8 || i == 15 ? 1 : 3);
        assert_int_equal(layer->stride, i == 6 || i == 8 || i == 13 || i == 15 ? 2 : 1);
    }
    assert_null(qea_graph_quantized(g, 20));
    assert_string_equal(qea_graph_layer(g, 0)->name, "conv1");
    assert_false(qea_graph_layer(g, 0)->quantized);
    assert_string_equal(qea_graph_layer(g, 21)->name, "fc");
    assert_null(qea_graph_layer(g, 22));
    qea_graph_destroy(g);
}

/* torchvision.models.resnet*: parameters from its model table; multiply-adds of its convolutions and linear layers. */
static void imagenet_networks_have_torchvisions_parameters_and_macs(void **state) {
    static const struct {
        int depth;
        uint64_t parameters, macs;
        size_t quantized;
    } known[] = {{18, 11689512, 1814073344, 19},
                 {34, 21797672, 3663761408, 35},
                 {50, 25557032, 4089184256, 52},
                 {101, 44549160, 7801405440, 103},
                 {152, 60192808, 11513626624, 154}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        qea_graph *g = make(*state, check_imagenet(known[i].depth));
        assert_int_equal(qea_graph_num_parameters(g), known[i].parameters);
        assert_int_equal(check_macs(g, false), known[i].macs);
        assert_int_equal(qea_graph_num_quantized(g), known[i].quantized);
        qea_graph_destroy(g);
    }
}

static void blocks_given_by_number_make_the_same_network(void **state) {
    qea_resnet_options options = check_resnet20();
    options.base_depth = 0;
    options.stage = 0;
    memcpy(options.num_blocks, (int[]){3, 3, 3, 0}, sizeof options.num_blocks);
    qea_graph *g = make(*state, options);
    assert_int_equal(check_macs(g, false), 40813184);
    assert_int_equal(qea_graph_num_parameters(g), 272474);
    qea_graph_destroy(g);
    options.stage = 2;
    g = make(*state, options);
    assert_string_equal(qea_graph_quantized(g, qea_graph_num_quantized(g) - 1)->name, "layer2.2.conv2");
    qea_graph_destroy(g);
}

static void the_stage_cuts_the_network(void **state) {
    static const size_t quantized[4] = {6, 13, 20, 25};
    for (int stage = 1; stage <= 4; stage++) {
        qea_resnet_options options = check_resnet20();
        options.stage = stage;
        qea_graph *g = make(*state, options);
        assert_int_equal(qea_graph_num_quantized(g), quantized[stage - 1]);
        assert_int_equal(qea_graph_layer(g, qea_graph_num_layers(g) - 1)->in_channels, 16 << (stage - 1));
        qea_graph_destroy(g);
    }
}

static void options_out_of_range_are_refused(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = NULL;
    struct {
        qea_resnet_options options;
        const char *says;
    } cases[9];
    for (size_t i = 0; i < 9; i++) cases[i].options = check_resnet20();
    cases[0].options.base_depth = 21, cases[0].says = "base_depth 21";
    cases[1].options.stage = 0, cases[1].says = "stage 0";
    cases[2].options.stage = 5, cases[2].says = "stage 5";
    cases[3].options.base_channel = 0, cases[3].says = "base_channel 0";
    cases[4].options.base_channel = INT32_MAX, cases[4].says = "base_channel";
    cases[5].options.num_classes = 0, cases[5].says = "0 output features";
    cases[6].options.num_blocks[0] = 2, cases[6].options.num_blocks[2] = 2, cases[6].says = "num_blocks 2 of stage 3";
    cases[7].options.num_blocks[0] = 1001, cases[7].says = "num_blocks 1001";
    cases[8].options.height = 0, cases[8].says = "0 x 32 x 3";
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(qea_resnet_create(ctx, &cases[i].options, &g), QEA_ERR_CONFIG);
        assert_null(g);
        assert_says(ctx, cases[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet20_has_the_documented_macs_and_parameters),
        cmocka_unit_test(resnet20_orders_its_genes_by_block_with_the_shortcut_last),
        cmocka_unit_test(imagenet_networks_have_torchvisions_parameters_and_macs),
        cmocka_unit_test(blocks_given_by_number_make_the_same_network),
        cmocka_unit_test(the_stage_cuts_the_network),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, check_context, check_context_end);
}
