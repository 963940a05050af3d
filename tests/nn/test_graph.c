#include "check.h"

static const qea_conv_options conv3x3 = {.out_channels = 8, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};

static qea_graph *new_graph(qea_context *ctx, int side, int channels) {
    qea_graph *g;
    qea_node in;
    must(ctx, qea_graph_create(ctx, "test", &g));
    must(ctx, qea_graph_input(ctx, g, side, side, channels, &in));
    return g;
}

static void shapes_follow_from_kernel_stride_and_padding(void **state) {
    qea_context *ctx = *state;
    static const struct {
        int size, kernel, stride, padding, out;
    } cases[] = {{32, 3, 1, 1, 32}, {32, 3, 2, 1, 16}, {33, 3, 2, 1, 17}, {224, 7, 2, 3, 112},
                 {5, 1, 2, 0, 3},   {5, 5, 1, 0, 1},   {6, 4, 3, 1, 2},   {7, 2, 2, 0, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qea_graph *g = new_graph(ctx, cases[i].size, 4);
        qea_conv_options options = conv3x3;
        qea_node conv, max, avg;
        options.kernel = cases[i].kernel;
        options.stride = cases[i].stride;
        options.padding = cases[i].padding;
        must(ctx, qea_graph_conv(ctx, g, "c", 0, &options, &conv));
        must(ctx, qea_graph_max_pool(ctx, g, 0, options.kernel, options.stride, options.padding, &max));
        must(ctx, qea_graph_avg_pool(ctx, g, 0, options.kernel, options.stride, options.padding, &avg));
        assert_int_equal(qea_graph_node_at(g, conv)->height, cases[i].out);
        assert_int_equal(qea_graph_node_at(g, conv)->width, cases[i].out);
        assert_int_equal(qea_graph_node_at(g, max)->height, cases[i].out);
        assert_int_equal(qea_graph_node_at(g, avg)->width, cases[i].out);
        assert_int_equal(qea_graph_node_at(g, avg)->channels, 4);
        assert_int_equal(qea_graph_node_at(g, 0)->consumers, 3);
        qea_graph_destroy(g);
    }
}

static void grouped_convolutions_count_only_their_own_weights(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = new_graph(ctx, 10, 12);
    qea_conv_options options = conv3x3;
    qea_node out;
    options.out_channels = 24;
    options.groups = 4;
    options.bias = true;
    must(ctx, qea_graph_conv(ctx, g, "c", 0, &options, &out));
    assert_int_equal(qea_graph_layer(g, 0)->weights, 24 * 3 * 9);
    assert_int_equal(qea_graph_layer(g, 0)->macs, 24 * 3 * 9 * 100);
    assert_int_equal(qea_graph_num_parameters(g), 24 * 3 * 9 + 24);
    qea_graph_destroy(g);
}

static void a_linear_layer_reads_all_values_of_its_input(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = new_graph(ctx, 4, 5);
    qea_node out;
    must(ctx, qea_graph_linear(ctx, g, "fc", 0, 7, true, true, &out));
    assert_int_equal(qea_graph_layer(g, 0)->weights, 4 * 4 * 5 * 7);
    assert_int_equal(qea_graph_num_parameters(g), 4 * 4 * 5 * 7 + 7);
    assert_int_equal(qea_graph_num_quantized(g), 1);
    must(ctx, qea_graph_finish(ctx, g));
    assert_int_equal(qea_graph_num_classes(g), 7);
    qea_graph_destroy(g);
}

static void wrong_convolutions_are_refused_with_the_reason(void **state) {
    qea_context *ctx = *state;
    static const struct {
        qea_conv_options options;
        const char *says;
    } cases[] = {
        {{.out_channels = 0, .kernel = 3, .stride = 1, .padding = 1, .groups = 1}, "0 output channels"},
        {{.out_channels = 8, .kernel = 0, .stride = 1, .padding = 0, .groups = 1}, "kernel 0"},
        {{.out_channels = 8, .kernel = 3, .stride = 0, .padding = 1, .groups = 1}, "stride 0"},
        {{.out_channels = 8, .kernel = 3, .stride = 1, .padding = -1, .groups = 1}, "padding -1"},
        {{.out_channels = 8, .kernel = 3, .stride = 1, .padding = 3, .groups = 1}, "padding 3"},
        {{.out_channels = 8, .kernel = 9, .stride = 1, .padding = 0, .groups = 1}, "does not fit"},
        {{.out_channels = 8, .kernel = 3, .stride = 1, .padding = 1, .groups = 0}, "0 groups"},
        {{.out_channels = 8, .kernel = 3, .stride = 1, .padding = 1, .groups = 4}, "4 groups"},
        {{.out_channels = 9, .kernel = 3, .stride = 1, .padding = 1, .groups = 2}, "2 groups"},
        {{.out_channels = 1 << 24, .kernel = 7, .stride = 1, .padding = 3, .groups = 1}, "weights"},
    };
    qea_graph *g = new_graph(ctx, 8, 6);
    qea_node out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(qea_graph_conv(ctx, g, "c", 0, &cases[i].options, &out), QEA_ERR_CONFIG);
        assert_says(ctx, cases[i].says);
    }
    assert_int_equal(qea_graph_num_nodes(g), 1);
    assert_int_equal(qea_graph_num_layers(g), 0);
    must(ctx, qea_graph_conv(ctx, g, "c", 0, &conv3x3, &out)); /* a refusal leaves the graph usable */
    qea_graph_destroy(g);
}

static void names_are_plain_and_unique(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = new_graph(ctx, 8, 6);
    qea_node out;
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    const char *const bad[] = {"", "a b", "a\"b", "a\n", "\xc3\xa4", longest};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(qea_graph_conv(ctx, g, bad[i], 0, &conv3x3, &out), QEA_ERR_CONFIG);
    must(ctx, qea_graph_conv(ctx, g, "layer1.0.conv1", 0, &conv3x3, &out));
    assert_int_equal(qea_graph_batch_norm(ctx, g, "layer1.0.conv1", out, 1e-5, 0.1, &out), QEA_ERR_CONFIG);
    assert_says(ctx, "used twice");
    qea_graph_destroy(g);
}

static void nodes_that_do_not_fit_are_refused(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = new_graph(ctx, 8, 6);
    qea_node conv, out;
    assert_int_equal(qea_graph_input(ctx, g, 8, 8, 3, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_relu(ctx, g, 1, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_relu(ctx, g, -1, &out), QEA_ERR_CONFIG);
    must(ctx, qea_graph_conv(ctx, g, "c", 0, &conv3x3, &conv));
    assert_int_equal(qea_graph_add(ctx, g, 0, conv, &out), QEA_ERR_CONFIG); /* 6 and 8 channels */
    assert_says(ctx, "8 x 8 x 6");
    assert_int_equal(qea_graph_add(ctx, g, conv, conv, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_max_pool(ctx, g, conv, 3, 1, 2, &out), QEA_ERR_CONFIG); /* windows of padding alone */
    assert_int_equal(qea_graph_max_pool(ctx, g, conv, 17, 1, 8, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_batch_norm(ctx, g, "n", conv, 0, 0.1, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_batch_norm(ctx, g, "n", conv, NAN, 0.1, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_batch_norm(ctx, g, "n", conv, 1e-5, 1.5, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_linear(ctx, g, "l", conv, 0, true, false, &out), QEA_ERR_CONFIG);
    qea_graph_destroy(g);
    must(ctx, qea_graph_create(ctx, "empty", &g));
    assert_int_equal(qea_graph_relu(ctx, g, 0, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_input(ctx, g, 1 << 16, 1 << 16, 1, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_input(ctx, g, 0, 8, 1, &out), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_finish(ctx, g), QEA_ERR_CONFIG);
    qea_graph_destroy(g);
}

static void a_graph_is_finished_once_with_logits_and_without_loose_ends(void **state) {
    qea_context *ctx = *state;
    qea_graph *g = new_graph(ctx, 8, 6);
    qea_node conv, pool, logits, out;
    must(ctx, qea_graph_conv(ctx, g, "c", 0, &conv3x3, &conv));
    assert_int_equal(qea_graph_finish(ctx, g), QEA_ERR_CONFIG);
    assert_says(ctx, "8 x 8 x 8");
    must(ctx, qea_graph_relu(ctx, g, conv, &out));
    must(ctx, qea_graph_global_avg_pool(ctx, g, conv, &pool));
    must(ctx, qea_graph_linear(ctx, g, "fc", pool, 3, false, false, &logits));
    assert_int_equal(qea_graph_finish(ctx, g), QEA_ERR_CONFIG);
    assert_says(ctx, "read by no other node");
    qea_graph_destroy(g);

    g = new_graph(ctx, 8, 6);
    must(ctx, qea_graph_linear(ctx, g, "fc", 0, 3, false, false, &logits));
    must(ctx, qea_graph_finish(ctx, g));
    assert_int_equal(qea_graph_finish(ctx, g), QEA_ERR_CONFIG);
    assert_int_equal(qea_graph_relu(ctx, g, logits, &out), QEA_ERR_CONFIG);
    qea_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_follow_from_kernel_stride_and_padding),
        cmocka_unit_test(grouped_convolutions_count_only_their_own_weights),
        cmocka_unit_test(a_linear_layer_reads_all_values_of_its_input),
        cmocka_unit_test(wrong_convolutions_are_refused_with_the_reason),
        cmocka_unit_test(names_are_plain_and_unique),
        cmocka_unit_test(nodes_that_do_not_fit_are_refused),
        cmocka_unit_test(a_graph_is_finished_once_with_logits_and_without_loose_ends),
    };
    return cmocka_run_group_tests(tests, check_context, check_context_end);
}
