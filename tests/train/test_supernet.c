/* The training of a supernet, a teacher, and networks judged without training. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "train/problem.h"

static const qea_widths widths = {3, {2, 4, 8}};
static qea_dataset *data;
static qea_graph *graph;

static int set_up(void **state) {
    (void)state;
    data = problem_data();
    graph = problem_graph();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    problem_data_free(data);
    qea_graph_destroy(graph);
    return 0;
}

static qea_model *make_supernet(qea_quantizer quantizer) {
    const uint8_t most[2] = {8, 8};
    qea_bit_policy bits = {quantizer, quantizer, 2, most, most};
    qea_model *model = NULL;
    MUST(qea_supernet_create(NULL, graph, &bits, &widths, 3, &model));
    return model;
}

/* Highest, lowest, then random ones. */
static void draw(void *user, uint64_t step, uint8_t *weight_bits, uint8_t *activation_bits) {
    uint64_t *seen = user;
    qea_rng rng = qea_rng_make(4, QEA_RNG_TEST, 3, 0);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t w = qea_rng_below(&rng, 4 * step + i, 3), a = qea_rng_below(&rng, 4 * step + 2 + i, 3);
        weight_bits[i] = widths.bits[step % 4 == 0 ? 2 : step % 4 == 1 ? 0 : w];
        activation_bits[i] = widths.bits[step % 4 == 0 ? 2 : step % 4 == 1 ? 0 : a];
    }
    if (seen) seen[step]++;
}

static void draw_with_float(void *user, uint64_t step, uint8_t *weight_bits, uint8_t *activation_bits) {
    draw(user, step, weight_bits, activation_bits);
    activation_bits[1] = 32;
}

static qea_train_options supernet_options(void) {
    qea_loader_config validation;
    qea_train_options o = problem_options(data, &validation);
    o.validation = NULL;
    o.draw_bits = draw;
    return o;
}

static qea_ranker *make_ranker(qea_model *model, const qea_loader_config *train, const qea_loader_config *validation,
                               size_t images) {
    qea_ranker_options o = {.kernels = qea_kernels_ref(),
                            .precision = QEA_PRECISION_F32,
                            .train = train,
                            .images = images,
                            .validation = validation};
    qea_ranker *ranker = NULL;
    MUST(qea_ranker_create(NULL, model, &o, &ranker));
    return ranker;
}

static void every_width_of_a_supernet_learns(void **state) {
    (void)state;
    static const qea_quantizer quantizers[] = {QEA_DOREFA, QEA_PACT, QEA_LSQ};
    qea_loader_config train = problem_loader(data, true), validation = problem_loader(data, false);
    for (int q = 0; q < 3; q++) {
        qea_model *model = make_supernet(quantizers[q]);
        uint64_t seen[8 * 8] = {0};
        qea_train_options o = supernet_options();
        o.epochs = 8;
        o.draw_user = seen;
        qea_train_result trained;
        MUST(qea_train(NULL, model, &o, NULL, NULL, &trained));
        for (size_t i = 0; i < 64; i++) assert_int_equal(seen[i], 1); /* 8 epochs of 8 steps, numbered through */
        qea_ranker *ranker = make_ranker(model, &train, &validation, 256);
        for (size_t i = 0; i < widths.count; i++) {
            uint8_t bits[2] = {widths.bits[i], widths.bits[i]};
            qea_eval_result r;
            MUST(qea_model_set_bits(NULL, model, bits, bits));
            MUST(qea_ranker_run(NULL, ranker, &r));
            assert_int_equal(r.count, PROBLEM_IMAGES - PROBLEM_TRAIN);
            if (r.accuracy < 0.9) fail_msg("quantiser %d, %d bits: accuracy %g", q, bits[0], r.accuracy);
        }
        qea_ranker_destroy(ranker);
        qea_model_destroy(model);
    }
}

/* As a layer that the search space pins to float: its steps never begin, and no step of a training needs them. */
static void a_layer_whose_activations_stay_float_is_trained(void **state) {
    (void)state;
    const uint8_t most[2] = {8, 8}, activations[2] = {8, 32};
    qea_bit_policy bits = {QEA_LSQ, QEA_LSQ, 2, most, activations};
    qea_loader_config train = problem_loader(data, true), validation = problem_loader(data, false);
    qea_model *model = NULL;
    MUST(qea_supernet_create(NULL, graph, &bits, &widths, 3, &model));
    qea_train_options o = supernet_options();
    o.epochs = 8;
    o.draw_bits = draw_with_float;
    qea_train_result trained;
    MUST(qea_train(NULL, model, &o, NULL, NULL, &trained));
    qea_ranker *ranker = make_ranker(model, &train, &validation, 256);
    qea_eval_result r;
    MUST(qea_model_set_bits(NULL, model, most, activations));
    MUST(qea_ranker_run(NULL, ranker, &r));
    assert_true(r.accuracy >= 0.9);
    qea_ranker_destroy(ranker);
    qea_model_destroy(model);
}

static bool stop_after_first(void *user, const qea_epoch_report *report) {
    (void)user;
    return report->step < report->steps || report->epoch != 0;
}

static void assert_same_values(const qea_model *a, const qea_model *b) {
    for (size_t i = 0; i < a->num_params; i++)
        assert_memory_equal(a->params[i].value, b->params[i].value, a->params[i].count * sizeof(float));
}

static void a_stopped_supernet_ends_with_the_same_bits_beside_a_teacher_too(void **state) {
    (void)state;
    char folder[] = "/tmp/qea_supernet_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder);
    for (int taught = 0; taught < 2; taught++) {
        qea_model *teacher = problem_model(graph, QEA_LSQ, QEA_LSQ, 32, 32), *whole = make_supernet(QEA_LSQ),
                  *resumed = make_supernet(QEA_LSQ), *stopped = make_supernet(QEA_LSQ);
        qea_train_options o = supernet_options();
        qea_train_result r;
        if (taught) o.teacher = (qea_teacher){teacher, 2, 0.5F};
        MUST(qea_train(NULL, whole, &o, NULL, NULL, &r));
        o.checkpoint = path;
        assert_int_equal(qea_train(NULL, stopped, &o, stop_after_first, NULL, &r), QEA_ERR_INTERRUPTED);
        if (taught) { /* another teacher is another run */
            qea_context *ctx = qea_context_create();
            qea_param *bias = qea_model_find(teacher, "fc.bias");
            float kept = bias->value[0];
            bias->value[0] += 1;
            assert_int_equal(qea_train(ctx, resumed, &o, NULL, NULL, &r), QEA_ERR_STATE);
            assert_non_null(strstr(qea_context_message(ctx), "teacher"));
            bias->value[0] = kept;
            qea_context_destroy(ctx);
        }
        MUST(qea_train(NULL, resumed, &o, NULL, NULL, &r));
        assert_int_equal(r.epochs_done, o.epochs);
        assert_same_values(whole, resumed);
        assert_int_equal(unlink(path), 0);
        qea_model *const models[] = {teacher, whole, resumed, stopped};
        for (int i = 0; i < 4; i++) qea_model_destroy(models[i]);
    }
    rmdir(folder);
}

/* The labels say nothing, the teacher says the truth. */
static void a_teacher_teaches_what_the_labels_do_not(void **state) {
    (void)state;
    qea_loader_config validation;
    qea_train_options o = problem_options(data, &validation);
    qea_model *teacher = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 32, 32);
    qea_train_result r;
    MUST(qea_train(NULL, teacher, &o, NULL, NULL, &r));
    assert_true(r.val_accuracy > 0.95);
    qea_dataset *wrong = problem_data();
    for (size_t i = 0; i < PROBLEM_TRAIN; i++) wrong->labels[i] = (int32_t)(i % PROBLEM_CLASSES);
    o.train.dataset = wrong;
    for (int taught = 0; taught < 2; taught++) {
        qea_model *student = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
        o.teacher = (qea_teacher){taught ? teacher : NULL, 2, 1};
        MUST(qea_train(NULL, student, &o, NULL, NULL, &r));
        assert_true(taught ? r.val_accuracy > 0.9 : r.val_accuracy < 0.6);
        qea_model_destroy(student);
    }
    o.teacher = (qea_teacher){teacher, 0, 1};
    assert_int_equal(qea_train(NULL, teacher, &o, NULL, NULL, &r), QEA_ERR_CONFIG);
    problem_data_free(wrong);
    qea_model_destroy(teacher);
}

/* Mean and unbiased variance of the first convolution's outputs over all training images, in float64. */
static void direct_statistics(const qea_model *model, size_t channel, double *mean, double *variance) {
    const float *w = qea_model_find(model, "conv0.weight")->value + channel * 9;
    double sum = 0, squares = 0, n = (double)PROBLEM_TRAIN * PROBLEM_SIZE * PROBLEM_SIZE;
    for (int i = 0; i < PROBLEM_TRAIN; i++)
        for (int y = 0; y < PROBLEM_SIZE; y++)
            for (int x = 0; x < PROBLEM_SIZE; x++) {
                double out = 0;
                for (int r = 0; r < 3; r++)
                    for (int s = 0; s < 3; s++) {
                        int v = y + r - 1, u = x + s - 1;
                        if (v < 0 || v >= PROBLEM_SIZE || u < 0 || u >= PROBLEM_SIZE) continue;
                        double pixel = data->pixels[(i * PROBLEM_SIZE + v) * PROBLEM_SIZE + u] / 255.0;
                        out += (double)w[3 * r + s] * (pixel - 0.3) / 0.25;
                    }
                sum += out;
                squares += out * out;
            }
    *mean = sum / n;
    *variance = (squares - sum * sum / n) / (n - 1);
}

static void a_ranking_rests_on_the_statistics_of_its_images_alone(void **state) {
    (void)state;
    qea_loader_config train = problem_loader(data, true), validation = problem_loader(data, false);
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    train.transforms.flip = true; /* not for statistics */
    train.transforms.crop_padding = 2;
    validation.batch = 100;
    qea_ranker *ranker = make_ranker(model, &train, &validation, 256), *other = NULL;
    qea_eval_result first, again;
    MUST(qea_ranker_run(NULL, ranker, &first));
    for (size_t i = 0; i < model->num_params; i++)
        for (size_t k = 0; !model->params[i].trained && k < model->params[i].count; k++) model->params[i].value[k] = 3;
    MUST(qea_ranker_run(NULL, ranker, &again));
    assert_true(first.loss == again.loss && first.accuracy == again.accuracy);
    qea_ranker_destroy(ranker);
    validation.batch = 64;
    other = make_ranker(model, &train, &validation, 100000); /* all there are */
    MUST(qea_ranker_run(NULL, other, &again));
    for (size_t c = 0; c < 8; c++) {
        double mean, variance;
        direct_statistics(model, c, &mean, &variance);
        assert_true(fabs((double)qea_model_find(model, "bn0.running_mean")->value[c] - mean) < 1e-5);
        assert_true(fabs((double)qea_model_find(model, "bn0.running_var")->value[c] - variance) <
                    1e-5 * (1 + variance));
    }
    qea_eval_result evaluated;
    MUST(qea_evaluate(NULL, model, qea_kernels_ref(), QEA_PRECISION_F32, &validation, &evaluated));
    assert_true(evaluated.accuracy == again.accuracy && fabs(evaluated.loss - again.loss) < 1e-12);
    qea_ranker_destroy(other);
    qea_model_destroy(model);
}

/* The images chosen by hand, one by one. */
static void some_validation_images_are_chosen_by_the_seed_alone(void **state) {
    (void)state;
    enum { ALL = PROBLEM_IMAGES - PROBLEM_TRAIN, SOME = 37 };
    qea_loader_config train = problem_loader(data, true), validation = problem_loader(data, false);
    qea_model *model = problem_model(graph, QEA_DOREFA, QEA_DOREFA, 4, 4);
    qea_ranker_options o = {.kernels = qea_kernels_ref(),
                            .precision = QEA_PRECISION_F32,
                            .train = &train,
                            .images = 64,
                            .validation = &validation,
                            .validation_images = SOME};
    qea_eval_result found[2];
    static const int batches[2] = {7, 100}; /* 64 images for statistics make 9 of 7, or 2 of 32 */
    uint32_t order[ALL];
    qea_rng rng = qea_rng_make(train.seed, QEA_RNG_SHUFFLE, 0, 0);
    qea_rng_permutation(&rng, ALL, order);
    for (int i = 0; i < 2; i++) {
        qea_ranker *ranker = NULL;
        validation.batch = batches[i];
        MUST(qea_ranker_create(NULL, model, &o, &ranker));
        MUST(qea_ranker_run(NULL, ranker, &found[i]));
        qea_ranker_destroy(ranker);
        double right = 0, loss = 0;
        for (size_t k = 0; k < SOME; k++) {
            qea_loader_config one = validation;
            qea_eval_result r;
            one.first += order[k];
            one.count = 1;
            MUST(qea_evaluate(NULL, model, qea_kernels_ref(), QEA_PRECISION_F32, &one, &r));
            right += r.accuracy;
            loss += r.loss;
        }
        assert_int_equal(found[i].count, SOME);
        assert_true(fabs(found[i].accuracy * SOME - right) < 1e-9);
        assert_true(fabs(found[i].loss * SOME - loss) < 1e-4 * SOME);
    }
    qea_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_of_a_supernet_learns),
        cmocka_unit_test(a_layer_whose_activations_stay_float_is_trained),
        cmocka_unit_test(a_stopped_supernet_ends_with_the_same_bits_beside_a_teacher_too),
        cmocka_unit_test(a_teacher_teaches_what_the_labels_do_not),
        cmocka_unit_test(a_ranking_rests_on_the_statistics_of_its_images_alone),
        cmocka_unit_test(some_validation_images_are_chosen_by_the_seed_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
