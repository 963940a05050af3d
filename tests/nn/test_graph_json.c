#include "check.h"

#include <stdio.h>

static qea_status parse(qea_context *ctx, const char *text, qea_graph **g) {
    return qea_graph_from_json(ctx, text, strlen(text), g);
}

static void assert_same_node(const qea_graph_node *a, const qea_graph_node *b) {
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->name != NULL, b->name != NULL);
    if (a->name) assert_string_equal(a->name, b->name);
    assert_memory_equal(a->in, b->in, sizeof a->in);
    assert_true(a->height == b->height && a->width == b->width && a->channels == b->channels);
    assert_true(a->consumers == b->consumers && a->layer == b->layer && a->quantized == b->quantized);
    assert_true(a->conv.out_channels == b->conv.out_channels && a->conv.kernel == b->conv.kernel &&
                a->conv.stride == b->conv.stride && a->conv.padding == b->conv.padding &&
                a->conv.groups == b->conv.groups && a->conv.bias == b->conv.bias &&
                a->conv.quantized == b->conv.quantized);
    assert_true(a->kernel == b->kernel && a->stride == b->stride && a->padding == b->padding);
    assert_true(a->eps == b->eps && a->momentum == b->momentum);
}

static void assert_round_trip(qea_context *ctx, const qea_graph *g) {
    char *text, *again;
    qea_graph *copy;
    must(ctx, qea_graph_to_json(ctx, g, &text));
    must(ctx, parse(ctx, text, &copy));
    must(ctx, qea_graph_to_json(ctx, copy, &again));
    assert_string_equal(text, again);
    assert_string_equal(qea_graph_name(g), qea_graph_name(copy));
    assert_int_equal(qea_graph_num_nodes(g), qea_graph_num_nodes(copy));
    for (size_t i = 0; i < qea_graph_num_nodes(g); i++)
        assert_same_node(qea_graph_node_at(g, (qea_node)i), qea_graph_node_at(copy, (qea_node)i));
    qea_string_free(text);
    qea_string_free(again);
    qea_graph_destroy(copy);
}

static void resnets_come_back_as_they_were(void **state) {
    static const int depths[] = {18, 20, 50};
    for (size_t i = 0; i < 3; i++) {
        qea_resnet_options options = depths[i] == 20 ? check_resnet20() : check_imagenet(depths[i]);
        qea_graph *g;
        must(*state, qea_resnet_create(*state, &options, &g));
        assert_round_trip(*state, g);
        qea_graph_destroy(g);
    }
}

static void every_kind_of_node_comes_back(void **state) {
    qea_context *ctx = *state;
    qea_graph *g;
    qea_node x, y;
    qea_conv_options options = {
        .out_channels = 6, .kernel = 5, .stride = 2, .padding = 1, .groups = 3, .bias = true, .quantized = true};
    must(ctx, qea_graph_create(ctx, "every \"kind\"", &g));
    must(ctx, qea_graph_input(ctx, g, 33, 40, 3, &x));
    must(ctx, qea_graph_conv(ctx, g, "a/b-c_d.0", x, &options, &x));
    must(ctx, qea_graph_batch_norm(ctx, g, "n", x, 1.0 / 3, 0.01, &x));
    must(ctx, qea_graph_relu(ctx, g, x, &y));
    must(ctx, qea_graph_add(ctx, g, x, y, &x));
    must(ctx, qea_graph_max_pool(ctx, g, x, 3, 2, 1, &x));
    must(ctx, qea_graph_avg_pool(ctx, g, x, 2, 1, 0, &x));
    must(ctx, qea_graph_linear(ctx, g, "l", x, 9, true, true, &x));
    must(ctx, qea_graph_global_avg_pool(ctx, g, x, &x));
    must(ctx, qea_graph_finish(ctx, g));
    assert_round_trip(ctx, g);
    qea_graph_destroy(g);
}

static void an_unfinished_graph_is_not_written(void **state) {
    qea_graph *g;
    char *text;
    must(*state, qea_graph_create(*state, "open", &g));
    assert_int_equal(qea_graph_to_json(*state, g, &text), QEA_ERR_CONFIG);
    assert_null(text);
    qea_graph_destroy(g);
}

#define HEAD "{\"format\":\"quantea-graph-1\",\"name\":\"x\",\"nodes\":["
#define INPUT "{\"op\":\"input\",\"height\":8,\"width\":8,\"channels\":3}"
#define LINEAR(in, out)                                                                                                \
    "{\"op\":\"linear\",\"name\":\"fc\",\"in\":[" in "],\"out_channels\":" out ",\"bias\":true,\"quantized\":false}"
#define CONV(out, kernel)                                                                                              \
    "{\"op\":\"conv\",\"name\":\"c\",\"in\":[0],\"out_channels\":" out ",\"kernel\":" kernel                           \
    ",\"stride\":1,\"padding\":0,\"groups\":1,\"bias\":false,\"quantized\":true}"

static void hostile_texts_are_refused_with_the_place(void **state) {
    qea_context *ctx = *state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line"},
        {"null", "line 1"},
        {"[]", "not an object"},
        {"{\"format\":\"quantea-graph-2\",\"name\":\"x\",\"nodes\":[]}", "not an object"},
        {"{\"format\":\"quantea-graph-1\",\"name\":3,\"nodes\":[]}", "not an object"},
        {"{\"format\":\"quantea-graph-1\",\"name\":\"x\",\"nodes\":{}}", "must be a list"},
        {"{\"format\":\"quantea-graph-1\",\"format\":\"quantea-graph-1\",\"name\":\"x\",\"nodes\":[]}", "duplicate"},
        {HEAD "]}", "no layer"},
        {HEAD INPUT "]}", "no layer"},
        {HEAD INPUT "," INPUT "]}", "must be the input"},
        {HEAD LINEAR("0", "3") "]}", "node 0: \"in\""},
        {HEAD INPUT "," LINEAR("1", "3") "]}", "earlier"},
        {HEAD INPUT "," LINEAR("-1", "3") "]}", "earlier"},
        {HEAD INPUT "," LINEAR("0,0", "3") "]}", "\"in\""},
        {HEAD INPUT "," LINEAR("0.0", "3") "]}", "earlier"},
        {HEAD INPUT "," LINEAR("0", "0") "]}", "0 output features"},
        {HEAD INPUT "," LINEAR("0", "-3") "]}", "-3"},
        {HEAD INPUT "," LINEAR("0", "\"3\"") "]}", "another type"},
        {HEAD INPUT "," LINEAR("0", "3.5") "]}", "another type"},
        {HEAD INPUT "," LINEAR("0", "16000000") "]}", "weights"},
        {HEAD INPUT "," LINEAR("0", "4294967297") "]}", "4294967297"},
        {HEAD INPUT "," LINEAR("0", "99999999999999999999") "]}", "too big"},
        {HEAD INPUT "," CONV("8", "9") "]}", "does not fit"},
        {HEAD INPUT "," CONV("8", "1") "]}", "must be the logits"},
        {HEAD INPUT ",{\"op\":\"relu\",\"in\":[0],\"more\":1}]}", "3 members"},
        {HEAD INPUT ",{\"op\":\"softmax\",\"in\":[0]}]}", "softmax"},
        {HEAD INPUT ",{\"in\":[0]}]}", "\"op\" is missing"},
        {HEAD INPUT ",7]}", "\"op\" is missing"},
        {HEAD INPUT ",{\"op\":\"batch_norm\",\"name\":\"n\",\"in\":[0],\"eps\":-1,\"momentum\":0.1}]}", "eps -1"},
        {HEAD "{\"op\":\"input\",\"height\":65536,\"width\":65536,\"channels\":1}]}", "65536 x 65536"},
        {HEAD "{\"op\":\"input\",\"height\":1000000000,\"width\":8,\"channels\":3}]}", "1000000000"},
        {HEAD INPUT "," LINEAR("0", "3") "]} x", "end of file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qea_graph *g;
        if (parse(ctx, cases[i].text, &g) != QEA_ERR_DATA) fail_msg("accepted: %s", cases[i].text);
        assert_null(g);
        assert_says(ctx, cases[i].says);
    }
    qea_graph *g;
    must(ctx, parse(ctx, HEAD INPUT "," LINEAR("0", "3") "]}", &g)); /* the pieces above are good ones */
    qea_graph_destroy(g);
}

static void every_truncation_is_refused(void **state) {
    qea_context *ctx = *state;
    qea_resnet_options options = check_resnet20();
    options.stage = 1;
    qea_graph *g, *copy;
    char *text;
    must(ctx, qea_resnet_create(ctx, &options, &g));
    must(ctx, qea_graph_to_json(ctx, g, &text));
    for (size_t size = 0; size < strlen(text); size++)
        assert_int_equal(qea_graph_from_json(ctx, text, size, &copy), QEA_ERR_DATA);
    qea_string_free(text);
    qea_graph_destroy(g);
}

static void too_many_nodes_and_too_long_texts_are_refused(void **state) {
    qea_context *ctx = *state;
    size_t size = 5 << 20, at;
    char *text = malloc(size);
    qea_graph *g;
    assert_non_null(text);
    memset(text, ' ', size);
    assert_int_equal(qea_graph_from_json(ctx, text, size, &g), QEA_ERR_DATA);
    assert_says(ctx, "bytes");
    at = (size_t)sprintf(text, HEAD INPUT);
    for (int i = 0; i < QEA_GRAPH_MAX_NODES; i++) at += (size_t)sprintf(text + at, ",{\"op\":\"relu\",\"in\":[%d]}", i);
    at += (size_t)sprintf(text + at, "]}");
    assert_int_equal(qea_graph_from_json(ctx, text, at, &g), QEA_ERR_DATA);
    assert_says(ctx, "at most 4096");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnets_come_back_as_they_were),
        cmocka_unit_test(every_kind_of_node_comes_back),
        cmocka_unit_test(an_unfinished_graph_is_not_written),
        cmocka_unit_test(hostile_texts_are_refused_with_the_place),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(too_many_nodes_and_too_long_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, check_context, check_context_end);
}
