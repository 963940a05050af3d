#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "nn/model.h"

typedef struct fixture {
    qea_context *ctx;
    qea_graph *graph;
    char folder[64], path[96];
} fixture;

static int begin(void **state) {
    fixture *f = calloc(1, sizeof *f);
    qea_resnet_options options = check_resnet20();
    options.base_channel = 4;
    strcpy(f->folder, "/tmp/qea-model-XXXXXX");
    if (!mkdtemp(f->folder)) return -1;
    snprintf(f->path, sizeof f->path, "%s/m.safetensors", f->folder);
    f->ctx = qea_context_create();
    must(f->ctx, qea_resnet_create(f->ctx, &options, &f->graph));
    *state = f;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    qea_graph_destroy(f->graph);
    qea_context_destroy(f->ctx);
    free(f);
    return 0;
}

static qea_model *make(fixture *f, qea_quantizer kind, int weight_bits, int activation_bits, uint64_t seed) {
    uint8_t w[20], a[20];
    memset(w, weight_bits, sizeof w);
    memset(a, activation_bits, sizeof a);
    qea_bit_policy policy = {kind, kind, 20, w, a};
    qea_model *model;
    must(f->ctx, qea_model_create(f->ctx, f->graph, &policy, seed, &model));
    return model;
}

static void parameters_have_pytorchs_names_and_shapes(void **state) {
    fixture *f = *state;
    qea_model *model;
    must(f->ctx, qea_model_create(f->ctx, f->graph, NULL, 1, &model));
    static const struct {
        const char *name;
        int rank;
        size_t dims[4];
        bool trained;
    } known[] = {{"conv1.weight", 4, {4, 3, 3, 3}, true},
                 {"bn1.running_var", 1, {4}, false},
                 {"layer2.0.conv1.weight", 4, {8, 4, 3, 3}, true},
                 {"layer2.0.downsample.0.weight", 4, {8, 4, 1, 1}, true},
                 {"layer2.0.downsample.1.bias", 1, {8}, true},
                 {"layer3.2.bn2.running_mean", 1, {16}, false},
                 {"fc.weight", 2, {10, 16}, true},
                 {"fc.bias", 1, {10}, true}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const qea_param *p = qea_model_find(model, known[i].name);
        assert_non_null(p);
        assert_int_equal(p->rank, known[i].rank);
        assert_memory_equal(p->dims, known[i].dims, (size_t)p->rank * sizeof *p->dims);
        assert_true(p->trained == known[i].trained && p->decay == known[i].trained);
        assert_int_equal(p->grad != NULL, known[i].trained);
    }
    uint64_t count = 0;
    for (size_t i = 0; i < model->num_params; i++)
        if (model->params[i].trained) count += model->params[i].count;
    assert_int_equal(count, qea_graph_num_parameters(f->graph));
    assert_null(qea_model_find(model, "conv1.bias"));
    qea_model_destroy(model);
}

static void the_start_depends_on_the_seed_alone(void **state) {
    fixture *f = *state;
    qea_model *a = make(f, QEA_DOREFA, 4, 4, 7), *b = make(f, QEA_LSQ, 2, 8, 7), *c = make(f, QEA_DOREFA, 4, 4, 8);
    size_t shared = 0, different = 0;
    for (size_t i = 0; i < a->num_params; i++) {
        const qea_param *p = &a->params[i], *q = qea_model_find(b, p->name), *r = qea_model_find(c, p->name);
        assert_memory_equal(p->value, q->value, p->count * sizeof(float));
        different += memcmp(p->value, r->value, p->count * sizeof(float)) != 0;
        shared++;
    }
    assert_int_equal(shared, a->num_params);
    assert_int_equal(b->num_params, a->num_params + 40); /* a step of weights and one of activations for each layer */
    const float *one = qea_model_find(a, "layer1.0.conv1.weight")->value;
    assert_memory_not_equal(one, qea_model_find(a, "layer1.0.conv2.weight")->value, 4 * 36 * sizeof(float));
    assert_int_equal(different, 22 + 1); /* the layers' weights and fc's bias */
    qea_model_destroy(a);
    qea_model_destroy(b);
    qea_model_destroy(c);
}

static void a_layer_left_out_changes_no_other_weight_and_has_none(void **state) {
    fixture *f = *state;
    uint8_t w[20], a[20];
    memset(w, 8, sizeof w);
    memset(a, 8, sizeof a);
    w[2] = a[5] = 0;
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 20, w, a};
    qea_model *some, *all = make(f, QEA_DOREFA, 8, 8, 3);
    must(f->ctx, qea_model_create(f->ctx, f->graph, &policy, 3, &some));
    assert_null(qea_model_find(some, "layer1.1.conv1.weight"));
    assert_null(qea_model_find(some, "layer1.2.conv2.weight"));
    assert_int_equal(some->num_params, all->num_params - 2);
    for (size_t i = 0; i < some->num_params; i++)
        assert_memory_equal(some->params[i].value, qea_model_find(all, some->params[i].name)->value,
                            some->params[i].count * sizeof(float));
    qea_model_destroy(some);
    qea_model_destroy(all);
}

/* Kaiming normal, fan_out: deviation sqrt(2/(K R S)); linear uniform in +-1/sqrt(in). */
static void weights_start_with_the_right_spread(void **state) {
    fixture *f = *state;
    qea_resnet_options options = check_resnet20();
    qea_graph *graph;
    qea_model *model;
    must(f->ctx, qea_resnet_create(f->ctx, &options, &graph));
    must(f->ctx, qea_model_create(f->ctx, graph, NULL, 11, &model));
    const qea_param *p = qea_model_find(model, "layer3.2.conv2.weight");
    double sum = 0, squares = 0, fourth = 0, n = (double)p->count, variance = 2.0 / (64 * 9);
    for (size_t i = 0; i < p->count; i++) {
        double x = (double)p->value[i];
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    assert_near(sum / n, 0, 5 * sqrt(variance / n));
    assert_near(squares / n, variance, 5 * variance * sqrt(2 / n));
    assert_near(fourth / n, 3 * variance * variance, 5 * variance * variance * sqrt(96 / n));
    p = qea_model_find(model, "fc.weight");
    double largest = 0;
    for (size_t i = 0; i < p->count; i++) largest = fmax(largest, fabs((double)p->value[i]));
    assert_true(largest <= 0.125 && largest > 0.12);
    assert_true(qea_model_find(model, "bn1.weight")->value[3] == 1 && qea_model_find(model, "bn1.bias")->value[3] == 0);
    assert_true(qea_model_find(model, "bn1.running_mean")->value[0] == 0);
    assert_true(qea_model_find(model, "bn1.running_var")->value[0] == 1);
    qea_model_destroy(model);
    qea_graph_destroy(graph);
}

static void learned_quantisers_start_as_defined(void **state) {
    fixture *f = *state;
    qea_model *lsq = make(f, QEA_LSQ, 3, 3, 1), *pact = make(f, QEA_PACT, 3, 3, 1);
    const qea_param *w = qea_model_find(lsq, "layer2.0.conv1.weight");
    const qea_param *step = qea_model_find(lsq, "layer2.0.conv1.weight_step");
    assert_int_equal(step->count, 8);
    double sum = 0;
    for (size_t i = 0; i < 36; i++) sum += fabs((double)w->value[3 * 36 + i]);
    assert_near((double)step->value[3], 2 * sum / 36 / sqrt(3), 1e-6);
    assert_true(isnan(qea_model_find(lsq, "layer2.0.conv1.act_step")->value[0]));
    assert_true(qea_model_find(pact, "layer2.0.conv1.act_alpha")->value[0] == 10);
    assert_null(qea_model_find(pact, "layer2.0.conv1.weight_step"));
    qea_model_destroy(lsq);
    qea_model_destroy(pact);
}

static void a_policy_of_another_length_is_refused(void **state) {
    fixture *f = *state;
    uint8_t bits[3] = {4, 4, 4};
    qea_bit_policy policy = {QEA_DOREFA, QEA_DOREFA, 3, bits, bits};
    qea_model *model;
    assert_int_equal(qea_model_create(f->ctx, f->graph, &policy, 1, &model), QEA_ERR_CONFIG);
    assert_null(model);
    assert_says(f->ctx, "20 quantised layers");
}

static void values_are_copied_by_name_and_steps_start_again_where_bits_differ(void **state) {
    fixture *f = *state;
    qea_model *from = make(f, QEA_LSQ, 4, 4, 1), *same = make(f, QEA_LSQ, 4, 4, 2), *other = make(f, QEA_LSQ, 2, 4, 3);
    for (size_t i = 0; i < from->num_params; i++)
        for (size_t k = 0; k < from->params[i].count; k++) from->params[i].value[k] = (float)(i + 1) / 64;
    assert_int_equal(qea_model_copy_values(same, from), from->num_params);
    for (size_t i = 0; i < from->num_params; i++)
        assert_memory_equal(from->params[i].value, same->params[i].value, from->params[i].count * sizeof(float));
    assert_int_equal(qea_model_copy_values(other, from), from->num_params);
    float w = qea_model_find(from, "layer1.0.conv1.weight")->value[0];
    assert_near((double)qea_model_find(other, "layer1.0.conv1.weight_step")->value[0], 2 * (double)w,
                1e-6); /* Qp = 1 */
    assert_true(qea_model_find(other, "layer1.0.conv1.act_step")->value[0] ==
                qea_model_find(from, "layer1.0.conv1.act_step")->value[0]);
    qea_model *plain = make(f, QEA_DOREFA, 4, 4, 4);
    assert_int_equal(qea_model_copy_values(plain, from), plain->num_params);
    assert_int_equal(qea_model_copy_values(same, plain), plain->num_params);
    assert_true(isnan(qea_model_find(same, "layer1.0.conv1.act_step")->value[0]));
    qea_model_destroy(from);
    qea_model_destroy(same);
    qea_model_destroy(other);
    qea_model_destroy(plain);
}

/* --- files --- */

static void a_saved_model_comes_back_with_everything(void **state) {
    fixture *f = *state;
    const char *keys[] = {"classes", "note"}, *values[] = {"[\"cat\",\"dog\"]", "\xc3\xa4 \"quoted\""};
    for (int kind = 0; qea_quantizer_name(kind); kind++) {
        int bits = qea_quantizer_weight_bits_ok((qea_quantizer)kind, 4) ? 4 : 1;
        qea_model *model = make(f, (qea_quantizer)kind, bits, bits, 5), *back;
        qea_graph *graph;
        qea_st_file *extra;
        must(f->ctx, qea_model_save(f->ctx, model, f->path, keys, values, 2));
        must(f->ctx, qea_model_load(f->ctx, f->path, &graph, &back, &extra));
        assert_string_equal(qea_st_meta(extra, "classes"), values[0]);
        assert_string_equal(qea_st_meta(extra, "note"), values[1]);
        assert_string_equal(qea_st_meta(extra, "format"), "quantea-model-1");
        assert_int_equal(back->weight_quantizer, kind);
        assert_int_equal(back->activation_quantizer, kind);
        assert_memory_equal(back->weight_bits, model->weight_bits, 20);
        assert_memory_equal(back->activation_bits, model->activation_bits, 20);
        assert_int_equal(back->num_params, model->num_params);
        for (size_t i = 0; i < model->num_params; i++) {
            assert_string_equal(back->params[i].name, model->params[i].name);
            assert_memory_equal(back->params[i].value, model->params[i].value, model->params[i].count * sizeof(float));
        }
        assert_ptr_equal(back->graph, graph);
        qea_st_destroy(extra);
        qea_model_destroy(back);
        qea_graph_destroy(graph);
        qea_model_destroy(model);
    }
}

static void assert_refused(fixture *f, const char *says) {
    qea_graph *graph;
    qea_model *model;
    qea_st_file *extra;
    qea_status status = qea_model_load(f->ctx, f->path, &graph, &model, &extra);
    if (status != QEA_ERR_DATA) fail_msg("status %s", qea_status_name(status));
    assert_true(!graph && !model && !extra);
    assert_says(f->ctx, f->path);
    assert_says(f->ctx, says);
}

static void a_truncated_or_missing_model_is_refused(void **state) {
    fixture *f = *state;
    qea_model *model = make(f, QEA_LSQ, 4, 4, 5);
    uint8_t *bytes;
    size_t size;
    must(f->ctx, qea_model_save(f->ctx, model, f->path, NULL, NULL, 0));
    must(f->ctx, qea_file_read(f->ctx, f->path, 1 << 24, &bytes, &size));
    for (size_t kept = 0; kept < size; kept += kept < 64 ? 1 : size / 97) {
        must(f->ctx, qea_file_write(f->ctx, f->path, bytes, kept));
        assert_refused(f, "");
    }
    unlink(f->path);
    assert_refused(f, "");
    qea_free(bytes);
    qea_model_destroy(model);
}

/* Writes the model with one thing replaced. */
static void write_altered(fixture *f, const qea_st_file *file, const char *meta, const char *value, size_t tensors) {
    const char *values[16];
    for (size_t i = 0; i < file->meta_count; i++)
        values[i] = meta && strcmp(file->meta_keys[i], meta) == 0 ? value : file->meta_values[i];
    must(f->ctx, qea_st_write(f->ctx, f->path, file->tensors, tensors, (const char *const *)file->meta_keys, values,
                              file->meta_count));
}

static void altered_models_are_refused_with_the_reason(void **state) {
    fixture *f = *state;
    qea_model *model = make(f, QEA_LSQ, 4, 4, 5);
    must(f->ctx, qea_model_save(f->ctx, model, f->path, NULL, NULL, 0));
    qea_st_file *file;
    must(f->ctx, qea_st_read(f->ctx, f->path, 1 << 24, &file));
    static const char *const cases[][3] = {
        {"format", "quantea-model-9", "quantea-model-9"},
        {"graph", "{}", "graph from JSON"},
        {"weight_quantizer", "magic", "magic"},
        {"weight_quantizer", "dorefa", "tensors; the graph has"},
        {"activation_quantizer", "pact", "act_alpha is missing"},
        {"weight_bits", "[4]", "weight_bits"},
        {"weight_bits", "4", "weight_bits"},
        {"weight_bits", "[4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,400]", "weight_bits"},
        {"weight_bits", "[4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,12]", "12 weight bits"},
        {"activation_bits", "[4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,\"4\"]", "activation_bits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_altered(f, file, cases[i][0], cases[i][1], file->count);
        assert_refused(f, cases[i][2]);
    }
    write_altered(f, file, NULL, NULL, file->count - 1);
    assert_refused(f, "is missing");
    size_t weight = (size_t)(qea_st_find(file, "layer2.0.conv1.weight") - file->tensors);
    file->tensors[weight].dims[0] = 4, file->tensors[weight].dims[1] = 8; /* as many values, other shape */
    write_altered(f, file, NULL, NULL, file->count);
    assert_refused(f, "layer2.0.conv1.weight");
    qea_st_destroy(file);
    qea_model_destroy(model);
}

static void values_that_no_training_leaves_are_refused(void **state) {
    fixture *f = *state;
    static const struct {
        const char *name;
        float value;
    } cases[] = {{"conv1.weight", NAN},
                 {"conv1.weight", INFINITY},
                 {"bn1.running_var", -1},
                 {"layer1.0.conv1.weight_step", NAN},
                 {"layer1.0.conv1.act_step", -INFINITY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qea_model *model = make(f, QEA_LSQ, 4, 4, 5);
        qea_model_find(model, cases[i].name)->value[0] = cases[i].value;
        must(f->ctx, qea_model_save(f->ctx, model, f->path, NULL, NULL, 0));
        assert_refused(f, cases[i].name);
        qea_model_destroy(model);
    }
}

static void a_graph_that_claims_much_takes_no_memory(void **state) {
    fixture *f = *state;
    qea_model *model = make(f, QEA_DOREFA, 4, 4, 5);
    must(f->ctx, qea_model_save(f->ctx, model, f->path, NULL, NULL, 0));
    qea_st_file *file;
    must(f->ctx, qea_st_read(f->ctx, f->path, 1 << 24, &file));
    write_altered(
        f, file, "graph",
        "{\"format\":\"quantea-graph-1\",\"name\":\"x\",\"nodes\":[{\"op\":\"input\",\"height\":1024,\"width\":"
        "1024,\"channels\":1},{\"op\":\"linear\",\"name\":\"fc\",\"in\":[0],\"out_channels\":1000,\"bias\":"
        "true,\"quantized\":false}]}",
        file->count);
    qea_st_destroy(file);
    must(f->ctx, qea_st_read(f->ctx, f->path, 1 << 24, &file));
    char *bits[2] = {file->meta_values[4], file->meta_values[5]};
    file->meta_values[4] = file->meta_values[5] = (char[]){"[]"};
    write_altered(f, file, NULL, NULL, file->count);
    file->meta_values[4] = bits[0];
    file->meta_values[5] = bits[1];
    assert_refused(f, "tensor fc.weight"); /* and not: out of memory for 4 GB */
    qea_st_destroy(file);
    qea_model_destroy(model);
}

static void running_out_of_memory_anywhere_is_a_status(void **state) {
    fixture *f = *state;
    qea_model *model = make(f, QEA_LSQ, 4, 4, 5);
    must(f->ctx, qea_model_save(f->ctx, model, f->path, NULL, NULL, 0));
    qea_status status = QEA_ERR_MEMORY;
    for (long n = 1; status != QEA_OK; n += 1 + n / 32) {
        qea_graph *graph;
        qea_model *back;
        qea_alloc_fail_after(n);
        status = qea_model_load(f->ctx, f->path, &graph, &back, NULL);
        qea_alloc_fail_after(0);
        if (status == QEA_OK) {
            qea_model_destroy(back);
            qea_graph_destroy(graph);
            assert_true(n > 100);
        } else {
            assert_int_equal(status, QEA_ERR_MEMORY);
        }
    }
    qea_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_have_pytorchs_names_and_shapes),
        cmocka_unit_test(the_start_depends_on_the_seed_alone),
        cmocka_unit_test(a_layer_left_out_changes_no_other_weight_and_has_none),
        cmocka_unit_test(weights_start_with_the_right_spread),
        cmocka_unit_test(learned_quantisers_start_as_defined),
        cmocka_unit_test(a_policy_of_another_length_is_refused),
        cmocka_unit_test(values_are_copied_by_name_and_steps_start_again_where_bits_differ),
        cmocka_unit_test(a_saved_model_comes_back_with_everything),
        cmocka_unit_test(a_truncated_or_missing_model_is_refused),
        cmocka_unit_test(altered_models_are_refused_with_the_reason),
        cmocka_unit_test(values_that_no_training_leaves_are_refused),
        cmocka_unit_test(a_graph_that_claims_much_takes_no_memory),
        cmocka_unit_test(running_out_of_memory_anywhere_is_a_status),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
