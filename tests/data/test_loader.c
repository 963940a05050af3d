#include "fixture.h"

#include <math.h>
#include <time.h>

#include "data/loader.h"

enum { H = 5, W = 6, C = 3, N = 37, IMAGE = H * W * C };

typedef struct images {
    qea_dataset data;
    uint8_t pixels[N * IMAGE];
    int32_t labels[N];
} images;

/* The label is the image's number, so that batches show which images they hold. */
static void make_images(images *in) {
    in->data = (qea_dataset){in->pixels, in->labels, N, H, W, C, N, NULL};
    for (int i = 0; i < N * IMAGE; i++) in->pixels[i] = (uint8_t)((i * 7919 + i / 251) & 255);
    for (int i = 0; i < N; i++) in->labels[i] = i;
}

static qea_loader_config make_config(const images *in) {
    qea_loader_config config = {.dataset = &in->data, .first = 0, .count = N, .batch = 8, .seed = 11};
    config.transforms = (qea_transforms){0, false, {.4f, .5f, .6f, 0}, {.2f, .25f, .3f, 1}};
    return config;
}

static qea_loader *make_loader(const fixture *f, const qea_loader_config *config) {
    qea_loader *loader = NULL;
    if (qea_loader_create(f->ctx, config, &loader) != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
    return loader;
}

/* All images of an epoch, one after the other, padding included; returns how many rows. */
static size_t read_epoch(const fixture *f, qea_loader *loader, int batch, uint32_t epoch, float *pixels,
                         int32_t *labels) {
    size_t rows = 0;
    qea_batch b;
    assert_int_equal(qea_loader_start(f->ctx, loader, epoch), QEA_OK);
    while (qea_loader_next(loader, &b)) {
        memcpy(pixels + rows * IMAGE, b.images, (size_t)batch * IMAGE * sizeof(float));
        memcpy(labels + rows, b.labels, (size_t)batch * sizeof *labels);
        rows += (size_t)batch;
    }
    assert_false(qea_loader_next(loader, &b));
    return rows;
}

/* torchvision's RandomCrop and flip, written down plainly: pad, cut, mirror, scale, normalise. */
static float reference_pixel(const uint8_t *image, const qea_transforms *t, qea_placement p, int y, int x, int c) {
    int from_x = p.flip ? W - 1 - x : x;
    int iy = y + p.top - t->crop_padding, ix = from_x + p.left - t->crop_padding;
    int value = iy < 0 || iy >= H || ix < 0 || ix >= W ? 0 : image[(iy * W + ix) * C + c];
    return ((float)value / 255.0f - t->mean[c]) / t->std[c];
}

static void crop_and_flip_equal_a_plain_reference_at_every_place(void **state) {
    (void)state;
    static images in;
    make_images(&in);
    for (int padding = 0; padding <= 8; padding++) { /* 8: the crop may lie wholly in the padding */
        qea_transforms t = {padding, true, {.4f, .5f, .6f, 0}, {.2f, .25f, .3f, 1}};
        qea_pixel_table table;
        qea_pixel_table_fill(&table, &t, C);
        for (int place = 0; place < (2 * padding + 1) * (2 * padding + 1) * 2; place++) {
            int side = 2 * padding + 1;
            qea_placement p = {place / 2 / side, place / 2 % side, place % 2 == 1};
            float out[IMAGE];
            qea_transforms_apply(&table, padding, p, H, W, C, in.pixels + IMAGE, out);
            for (int i = 0; i < IMAGE; i++)
                assert_true(out[i] == reference_pixel(in.pixels + IMAGE, &t, p, i / C / W, i / C % W, i % C));
        }
    }
}

static void channels_one_to_four_are_handled_alike(void **state) {
    (void)state;
    for (int channels = 1; channels <= 4; channels++) {
        uint8_t in[2 * 3 * 4];
        float out[2 * 3 * 4];
        for (int i = 0; i < 2 * 3 * channels; i++) in[i] = (uint8_t)(10 * i + 1);
        qea_transforms t = {0, false, {0, 0, 0, 0}, {1, 1, 1, 1}};
        qea_pixel_table table;
        qea_pixel_table_fill(&table, &t, channels);
        qea_transforms_apply(&table, 0, (qea_placement){0, 0, true}, 2, 3, channels, in, out);
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 3; x++)
                for (int c = 0; c < channels; c++)
                    assert_true(out[(y * 3 + x) * channels + c] == (float)in[(y * 3 + 2 - x) * channels + c] / 255.0f);
    }
}

static void placements_are_uniform_and_reach_every_crop(void **state) {
    (void)state;
    qea_transforms t = {4, true, {0}, {1, 1, 1, 1}};
    qea_rng rng = qea_rng_make(3, QEA_RNG_AUGMENT, 0, 0);
    int counts[9][9] = {{0}}, flips = 0, n = 81000;
    for (int i = 0; i < n; i++) {
        qea_placement p = qea_transforms_draw(&t, &rng, (uint64_t)i);
        assert_in_range(p.top, 0, 8);
        assert_in_range(p.left, 0, 8);
        counts[p.top][p.left]++;
        flips += p.flip;
    }
    double chi2 = 0;
    for (int i = 0; i < 81; i++) chi2 += pow(counts[i / 9][i % 9] - 1000.0, 2) / 1000.0;
    assert_true(chi2 < 80 + 5 * sqrt(160)); /* 80 degrees of freedom */
    assert_true(fabs(flips - n / 2.0) < 5 * sqrt(n) / 2);
}

static void batches_in_background_equal_those_in_the_callers_thread(void **state) {
    const fixture *f = *state;
    static images in;
    static float pixels[2][(N + 8) * IMAGE];
    static int32_t labels[2][N + 8];
    make_images(&in);
    qea_loader_config config = make_config(&in);
    config.shuffle = config.transforms.flip = true;
    config.transforms.crop_padding = 2;
    const int depths[] = {1, 3, 7};
    for (int d = 0; d < 3; d++) {
        config.depth = 0;
        qea_loader *plain = make_loader(f, &config);
        config.depth = depths[d];
        qea_loader *threaded = make_loader(f, &config);
        for (uint32_t epoch = 0; epoch < 20; epoch++) {
            assert_int_equal(read_epoch(f, plain, 8, epoch, pixels[0], labels[0]), 40);
            assert_int_equal(read_epoch(f, threaded, 8, epoch, pixels[1], labels[1]), 40);
            assert_memory_equal(pixels[0], pixels[1], 40 * IMAGE * sizeof(float));
            assert_memory_equal(labels[0], labels[1], 40 * sizeof(int32_t));
        }
        qea_loader_destroy(plain);
        qea_loader_destroy(threaded);
    }
}

static void an_epoch_holds_every_image_once_and_epochs_differ(void **state) {
    const fixture *f = *state;
    static images in;
    static float pixels[2][(N + 8) * IMAGE];
    static int32_t labels[2][N + 8];
    make_images(&in);
    qea_loader_config config = make_config(&in);
    config.shuffle = true;
    config.depth = 2;
    config.first = 5;
    config.count = 30;
    qea_loader *loader = make_loader(f, &config);
    assert_int_equal(qea_loader_batches(loader), 4);
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        bool seen[N] = {false};
        assert_int_equal(read_epoch(f, loader, 8, epoch, pixels[epoch], labels[epoch]), 32);
        for (int i = 0; i < 30; i++) {
            int32_t image = labels[epoch][i];
            assert_in_range(image, 5, 34);
            assert_false(seen[image]);
            seen[image] = true;
            qea_placement still = {0, 0, false};
            for (int p = 0; p < IMAGE; p++)
                assert_true(pixels[epoch][i * IMAGE + p] == reference_pixel(in.pixels + image * IMAGE,
                                                                            &config.transforms, still, p / C / W,
                                                                            p / C % W, p % C));
        }
    }
    assert_memory_not_equal(labels[0], labels[1], 30 * sizeof(int32_t));
    float again[32 * IMAGE];
    int32_t again_labels[32];
    read_epoch(f, loader, 8, 0, again, again_labels);
    assert_memory_equal(again_labels, labels[0], sizeof again_labels);
    qea_loader_destroy(loader);
}

static void the_last_batch_is_padded_with_zeros_and_labels_minus_one(void **state) {
    const fixture *f = *state;
    static images in;
    make_images(&in);
    qea_loader_config config = make_config(&in);
    config.depth = 1;
    qea_loader *loader = make_loader(f, &config);
    qea_batch b;
    assert_int_equal(qea_loader_start(f->ctx, loader, 0), QEA_OK);
    for (int i = 0; i < 5; i++) {
        assert_true(qea_loader_next(loader, &b));
        assert_int_equal(b.count, i < 4 ? 8 : 5);
        for (int k = 0; k < b.count; k++) assert_int_equal(b.labels[k], 8 * i + k);
    }
    for (int k = 5; k < 8; k++) assert_int_equal(b.labels[k], -1);
    for (int p = 5 * IMAGE; p < 8 * IMAGE; p++) assert_true(b.images[p] == 0);
    assert_false(qea_loader_next(loader, &b));
    qea_loader_destroy(loader);
}

static void drop_last_leaves_out_a_smaller_batch_unless_it_is_the_only_one(void **state) {
    const fixture *f = *state;
    static images in;
    make_images(&in);
    qea_loader_config config = make_config(&in);
    const struct {
        size_t count;
        bool drop;
        size_t batches;
    } cases[] = {{37, true, 4}, {37, false, 5}, {32, true, 4}, {32, false, 4}, {5, true, 1}, {5, false, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config.count = cases[i].count;
        config.drop_last = cases[i].drop;
        qea_loader *loader = make_loader(f, &config);
        assert_int_equal(qea_loader_batches(loader), cases[i].batches);
        qea_loader_destroy(loader);
    }
}

static void an_epoch_may_be_the_first_images_of_its_order(void **state) {
    const fixture *f = *state;
    static images in;
    static float pixels[64 * IMAGE];
    int32_t all[64], some[64];
    make_images(&in);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        qea_loader_config config = make_config(&in);
        config.shuffle = shuffle;
        qea_loader *loader = make_loader(f, &config);
        assert_int_equal(read_epoch(f, loader, 8, 3, pixels, all), 40);
        qea_loader_destroy(loader);
        for (int drop = 0; drop < 2; drop++) {
            config.most = 21;
            config.drop_last = drop;
            loader = make_loader(f, &config);
            assert_int_equal(qea_loader_batches(loader), drop ? 2 : 3);
            size_t rows = read_epoch(f, loader, 8, 3, pixels, some);
            assert_int_equal(rows, drop ? 16 : 24);
            for (size_t i = 0; i < rows; i++) assert_int_equal(some[i], i < 21 ? all[i] : -1);
            qea_loader_destroy(loader);
        }
        config.most = N + 5; /* more than there are */
        loader = make_loader(f, &config);
        assert_int_equal(qea_loader_batches(loader), N / 8); /* the rest is dropped */
        qea_loader_destroy(loader);
    }
}

static void augmentation_depends_on_seed_epoch_and_image_only(void **state) {
    const fixture *f = *state;
    static images in;
    static float one[(N + 8) * IMAGE], other[(N + 8) * IMAGE];
    int32_t labels[N + 8], other_labels[N + 8];
    make_images(&in);
    qea_loader_config config = make_config(&in);
    config.transforms.crop_padding = 2;
    config.transforms.flip = true;
    qea_loader *loader = make_loader(f, &config);
    read_epoch(f, loader, 8, 4, one, labels);
    qea_loader_destroy(loader);
    config.batch = 3; /* other batches, another part of the images, another order: the same crops */
    config.first = 10;
    config.count = 20;
    config.shuffle = true;
    config.depth = 2;
    loader = make_loader(f, &config);
    read_epoch(f, loader, 3, 4, other, other_labels);
    for (int i = 0; i < 20; i++)
        assert_memory_equal(other + i * IMAGE, one + other_labels[i] * IMAGE, IMAGE * sizeof(float));
    qea_loader_destroy(loader);
    config.seed++;
    loader = make_loader(f, &config);
    read_epoch(f, loader, 3, 4, other, other_labels);
    int same = 0;
    for (int i = 0; i < 20; i++)
        same += memcmp(other + i * IMAGE, one + other_labels[i] * IMAGE, IMAGE * sizeof(float)) == 0;
    assert_true(same < 10);
    qea_loader_destroy(loader);
}

static void an_epoch_can_be_left_at_any_batch(void **state) {
    const fixture *f = *state;
    static images in;
    static float expected[(N + 8) * IMAGE], pixels[(N + 8) * IMAGE];
    int32_t expected_labels[N + 8], labels[N + 8];
    make_images(&in);
    qea_loader_config config = make_config(&in);
    config.shuffle = true;
    config.depth = 3;
    qea_loader *loader = make_loader(f, &config);
    read_epoch(f, loader, 8, 1, expected, expected_labels);
    qea_batch b;
    for (int leave = 0; leave < 60; leave++) {
        assert_int_equal(qea_loader_start(f->ctx, loader, 2), QEA_OK);
        for (int i = 0; i < leave % 6; i++) qea_loader_next(loader, &b);
        assert_int_equal(read_epoch(f, loader, 8, 1, pixels, labels), 40);
        assert_memory_equal(labels, expected_labels, sizeof labels - 5 * sizeof *labels);
        assert_memory_equal(pixels, expected, 40 * IMAGE * sizeof(float));
    }
    assert_int_equal(qea_loader_start(f->ctx, loader, 3), QEA_OK);
    qea_loader_destroy(loader); /* in the middle of an epoch, too */
    qea_loader_destroy(NULL);
}

static void nothing_is_allocated_after_create(void **state) {
    const fixture *f = *state;
    static images in;
    static float pixels[(N + 8) * IMAGE];
    int32_t labels[N + 8];
    make_images(&in);
    qea_loader_config config = make_config(&in);
    config.shuffle = config.transforms.flip = true;
    config.depth = 2;
    qea_loader *loader = make_loader(f, &config);
    size_t before = qea_alloc_count();
    for (uint32_t epoch = 0; epoch < 3; epoch++) read_epoch(f, loader, 8, epoch, pixels, labels);
    assert_int_equal(qea_alloc_count(), before);
    qea_loader_destroy(loader);
}

static void a_wrong_configuration_is_refused(void **state) {
    const fixture *f = *state;
    static images in;
    make_images(&in);
    for (int i = 0; i < 10; i++) {
        qea_loader_config config = make_config(&in);
        if (i == 0) config.batch = 0;
        if (i == 1) config.depth = -1;
        if (i == 2) config.depth = QEA_MAX_LOADER_DEPTH + 1;
        if (i == 3) config.count = 0;
        if (i == 4) config.count = N + 1;
        if (i == 5) config.first = SIZE_MAX;
        if (i == 6) config.first = 1;
        if (i == 7) config.transforms.std[1] = 0;
        if (i == 8) config.transforms.mean[2] = NAN;
        if (i == 9) config.transforms.crop_padding = -1;
        qea_loader *loader = NULL;
        assert_int_equal(qea_loader_create(f->ctx, &config, &loader), QEA_ERR_CONFIG);
        assert_null(loader);
    }
}

static void every_type_has_default_transforms_and_evaluation_only_normalises(void **state) {
    const fixture *f = *state;
    qea_transforms t;
    for (const char *const *type = qea_dataset_types(); *type; type++) {
        assert_int_equal(qea_transforms_default(f->ctx, *type, &t), QEA_OK);
        bool grey = strstr(*type, "Mnist") != NULL;
        assert_int_equal(qea_transforms_check(f->ctx, &t, grey ? 1 : 3), QEA_OK);
        qea_transforms e = qea_transforms_evaluation(&t);
        assert_int_equal(e.crop_padding, 0);
        assert_false(e.flip);
        assert_memory_equal(e.mean, t.mean, sizeof t.mean);
        assert_memory_equal(e.std, t.std, sizeof t.std);
    }
    assert_int_equal(qea_transforms_default(f->ctx, "Cifar10", &t), QEA_OK);
    assert_int_equal(t.crop_padding, 4);
    assert_true(t.flip && t.mean[0] == .49139968f && t.std[2] == .26158768f);
    assert_int_equal(qea_transforms_default(f->ctx, "cifar10", &t), QEA_ERR_CONFIG);
    expect_message(f, "did you mean 'Cifar10'?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(crop_and_flip_equal_a_plain_reference_at_every_place),
        FIXTURE_TEST(channels_one_to_four_are_handled_alike),
        FIXTURE_TEST(placements_are_uniform_and_reach_every_crop),
        FIXTURE_TEST(batches_in_background_equal_those_in_the_callers_thread),
        FIXTURE_TEST(an_epoch_holds_every_image_once_and_epochs_differ),
        FIXTURE_TEST(the_last_batch_is_padded_with_zeros_and_labels_minus_one),
        FIXTURE_TEST(drop_last_leaves_out_a_smaller_batch_unless_it_is_the_only_one),
        FIXTURE_TEST(an_epoch_may_be_the_first_images_of_its_order),
        FIXTURE_TEST(augmentation_depends_on_seed_epoch_and_image_only),
        FIXTURE_TEST(an_epoch_can_be_left_at_any_batch),
        FIXTURE_TEST(nothing_is_allocated_after_create),
        FIXTURE_TEST(a_wrong_configuration_is_refused),
        FIXTURE_TEST(every_type_has_default_transforms_and_evaluation_only_normalises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
