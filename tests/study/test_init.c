/* quantea init: what it writes is accepted, and it overwrites nothing. */
#include "data/image_fixture.h"

#include <sys/wait.h>

#include "base/file.h"
#include "quantea/inspect.h"
#include "study/config.h"

/* The configuration that is written for these options, read back. */
static qea_study_config *written(const fixture *f, const char *dataset, const char *path, const char *network) {
    qea_template_options options = {dataset, path, network, fixture_path(f, "made.yml"), true};
    qea_study_config *config;
    if (qea_template_write(f->ctx, &options) != QEA_OK) fail_msg("%s", qea_context_message(f->ctx));
    if (qea_study_config_read(f->ctx, options.file, NULL, 0, &config) != QEA_OK)
        fail_msg("%s", qea_context_message(f->ctx));
    assert_string_equal(config->warnings, "");
    assert_true(config->has_nas && config->has_fully_train);
    return config;
}

static void every_type_and_network_gives_a_configuration(void **state) {
    const fixture *f = *state;
    for (const char *const *type = qea_dataset_types(); *type != NULL; type++) {
        if (strcmp(*type, "ImageFolder") == 0) continue;
        for (const char *const *network = qea_template_networks(); *network != NULL; network++) {
            qea_study_config *config = written(f, *type, "/it's/no: place #1", *network);
            assert_string_equal(config->nas_data.type, *type);
            assert_string_equal(config->full_data.path, "/it's/no: place #1");
            qea_graph *graph;
            qea_resnet_options options = config->network;
            options.height = options.width = 32;
            options.channels = 3;
            options.num_classes = 10;
            assert_int_equal(qea_resnet_create(f->ctx, &options, &graph), QEA_OK);
            int depth = atoi(*network + strlen("resnet")); /* counts stem, classifier and the blocks' convolutions */
            size_t shortcuts = 0;
            for (size_t i = 0; i < qea_graph_num_layers(graph); i++)
                shortcuts += strstr(qea_graph_layer(graph, i)->name, "downsample") != NULL;
            assert_int_equal(qea_graph_num_layers(graph) - shortcuts, depth);
            qea_graph_destroy(graph);
            qea_study_config_destroy(config);
        }
    }
}

static void make_images(const fixture *f, const char *part, unsigned side, int count) {
    char name[128];
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < count; i++) {
            (void)snprintf(name, sizeof name, "pictures%s/%s/%d.png", part, c == 0 ? "ape" : "bee", i);
            write_colour(f, name, side, (uint8_t)(200 * c), (uint8_t)i, 7);
        }
}

static void a_folder_of_classes_gets_its_size_and_a_test_portion(void **state) {
    const fixture *f = *state;
    make_images(f, "", 40, 3);
    qea_study_config *config = written(f, fixture_path(f, "pictures"), NULL, "resnet8");
    assert_string_equal(config->nas_data.type, "ImageFolder");
    assert_true(config->nas_data.image_size == 32 && config->nas_data.test_portion == 0.2);
    qea_study_config_destroy(config);
}

static void a_folder_with_test_images_keeps_them(void **state) {
    const fixture *f = *state;
    make_images(f, "/train", 20, 3);
    make_images(f, "/test", 20, 1);
    qea_study_config *config = written(f, fixture_path(f, "pictures"), NULL, "resnet8");
    assert_true(config->nas_data.image_size == 20 && config->nas_data.test_portion == 0);
    qea_study_config_destroy(config);
}

static int run(const fixture *f, const char *arguments) {
    char line[2048];
    (void)snprintf(line, sizeof line, "cd %s && %s %s >out 2>&1", f->folder, getenv("QEA_COMMAND"), arguments);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void what_it_writes_is_estimated_and_never_overwritten_unasked(void **state) {
    const fixture *f = *state;
    uint8_t *bytes;
    size_t size;
    make_images(f, "", 16, 100);
    assert_int_equal(run(f, "init --dataset pictures --network resnet8"), 0);
    assert_int_equal(run(f, "estimate quantea.yml"), 0);
    fixture_write(f, "quantea.yml", "mine", 4);
    assert_int_equal(run(f, "init --dataset pictures"), 6);
    assert_int_equal(qea_file_read(f->ctx, fixture_path(f, "quantea.yml"), 1 << 16, &bytes, &size), QEA_OK);
    assert_string_equal((const char *)bytes, "mine");
    qea_free(bytes);
    assert_int_equal(run(f, "init --dataset pictures --force"), 0);
    assert_int_equal(qea_file_read(f->ctx, fixture_path(f, "quantea.yml"), 1 << 16, &bytes, &size), QEA_OK);
    assert_non_null(strstr((const char *)bytes, "ImageFolder"));
    qea_free(bytes);
}

static void wrong_wishes_end_with_their_exit_code_and_write_nothing(void **state) {
    const fixture *f = *state;
    static const struct {
        const char *arguments;
        int code;
    } cases[] = {{"init --dataset Fashionmnist", 2},
                 {"init --network resnet21", 2},
                 {"init made.yml", 2},
                 {"init --dataset Arrays", 2},
                 {"init --dataset empty", 3},
                 {"init -dt ImageFolder -dp no", 3},
                 {"init -dt Mnist -dp . -o no/such/folder.yml", 4}};
    fixture_write(f, "empty/none/.hidden", "", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (run(f, cases[i].arguments) != cases[i].code) fail_msg("quantea %s", cases[i].arguments);
        assert_false(qea_file_exists(fixture_path(f, "quantea.yml")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_type_and_network_gives_a_configuration),
        FIXTURE_TEST(a_folder_of_classes_gets_its_size_and_a_test_portion),
        FIXTURE_TEST(a_folder_with_test_images_keeps_them),
        FIXTURE_TEST(what_it_writes_is_estimated_and_never_overwritten_unasked),
        FIXTURE_TEST(wrong_wishes_end_with_their_exit_code_and_write_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
