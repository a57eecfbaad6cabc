/* SPDX-License-Identifier: Apache-2.0 */
/* trainers/pytorch.py against cnntrain-onednn: two programs that share nothing but the protocol
 * start from the same bits and learn the same. An argument is a pattern of tests' names. Skipped
 * where no python3 has NumPy and PyTorch. */
#include "trainer_process.h"

#include "../golden/png_golden.h"
#include "../unit/data_fixture.h"
#include "base/checksum.h"
#include "base/philox.h"
#include "data/dataset.h"
#include "protocol/spec.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77 };

static const char *python;

static trainer_process run_torch(const char *spec)
{
    return trainer_process_run((char *const[]){(char *)python, "trainers/pytorch.py", NULL}, "3",
                               spec);
}

static trainer_process run_ours(const char *spec)
{
    return trainer_process_run((char *const[]){CNN_TRAINER, NULL}, "3", spec);
}

static const char arch1_layers[] =
    "{\"conv2d\":{\"filters\":16}},\"relu\",{\"maxpool\":2},{\"conv2d\":{\"filters\":32}},\"relu\","
    "{\"maxpool\":2},{\"dense\":\"classes\"}";
static const char norm_layers[] =
    "{\"conv2d\":{\"filters\":8,\"kernel\":4,\"stride\":2}},{\"batchnorm\":{\"axis\":\"channels\"}}"
    ","
    "\"relu\",{\"maxpool\":{\"window\":3,\"stride\":2}},{\"batchnorm\":{\"axis\":\"study\"}},"
    "{\"conv2d\":{\"filters\":8,\"kernel\":3,\"padding\":\"valid\"}},{\"avgpool\":2},"
    "{\"batchnorm\":{\"axis\":\"height\"}},{\"dense\":16},\"relu\",{\"dense\":\"classes\"}";
static const char pool_layers[] =
    "{\"maxpool\":{\"window\":4,\"stride\":1}},{\"conv2d\":{\"filters\":6,\"kernel\":2}},"
    "{\"avgpool\":{\"window\":4,\"stride\":3}},{\"maxpool\":{\"window\":2,\"padding\":\"valid\"}},"
    "{\"dense\":\"classes\"}";
static const char synthetic_source[] =
    "{\"type\":\"synthetic\",\"height\":19,\"width\":14,\"channels\":3,\"classes\":4,\"count\":301,"
    "\"test_fraction\":0.3,\"limit\":130,\"test_limit\":50,\"split_seed\":77}";
static const char fashion_source[] =
    "{\"type\":\"idx\",\"path\":\"/usr/share/datasets/fashion-mnist\",\"limit\":640,"
    "\"test_limit\":320,\"split_seed\":3}";

/** As cnnmpi writes it: short forms such as {"maxpool":2} become long ones. */
static char *make_spec(const char *path, const char *layers, const char *source, const char *train)
{
    cnn_spec spec;
    cnn_text out = {0};
    char *text =
        cnn_asprintf("{\"protocol\":1,\"path\":\"%s\",\"seed\":7,\"threads\":1,\"network\":{"
                     "\"name\":\"n\",\"layers\":[%s]},\"dataset\":{\"name\":\"d\","
                     "\"source\":%s},\"train\":{%s}}",
                     path, layers, source, train);
    if (cnn_spec_parse(text, &spec) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_spec_write(&spec, &out);
    cnn_spec_free(&spec);
    free(text);
    return cnn_text_take(&out);
}

#define TRAIN(optimizer, rate, momentum)                                                           \
    "\"epochs\":1,\"optimizer\":\"" optimizer "\",\"learning_rate\":" rate ",\"momentum\""         \
    ":" momentum

/* ---- what a run starts from ---------------------------------------------------------------- */

static void print_part(cnn_text *out, const char *name, const cnn_dataset *d,
                       const cnn_images *part)
{
    size_t n = (size_t)part->count;
    size_t bytes = n * (size_t)(d->height * d->width * d->channels) * (d->is_f32 ? 4 : 1);
    cnn_text_printf(out, "%s %d %016" PRIx64 " %016" PRIx64 "\n", name, part->count,
                    cnn_checksum(CNN_CHECKSUM_START, part->images, bytes),
                    cnn_checksum(CNN_CHECKSUM_START, part->labels, n * sizeof *part->labels));
}

/** What `pytorch.py --fingerprint` should print. */
static char *our_fingerprint(const char *text)
{
    cnn_spec spec;
    cnn_dataset *d = NULL;
    cnn_text out = {0};
    if (cnn_spec_parse(text, &spec) != CNN_OK || cnn_dataset_load(&spec.source, &d) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_shape shape = {d->height, d->width, d->channels};
    assert_int_equal(cnn_network_infer(&spec.network, shape, d->classes), CNN_OK);
    print_part(&out, "train", d, &d->train);
    print_part(&out, "test", d, &d->test);
    char checksum[17];
    cnn_dataset_fingerprint(d, checksum);
    cnn_text_printf(&out, "data %s\n", checksum);
    float *weights = malloc((size_t)spec.network.parameter_total * sizeof *weights);
    cnn_network_draw(&spec.network, spec.seed, weights);
    cnn_text_printf(&out, "weights %016" PRIx64 "\n", cnn_network_checksum(&spec.network, weights));
    size_t n = (size_t)d->train.count;
    int32_t *order = malloc(n * sizeof *order);
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        assert_int_equal(
            cnn_random_order(spec.seed, CNN_RANDOM_SHUFFLE, epoch, d->train.count, order), CNN_OK);
        cnn_text_printf(&out, "order %" PRIu32 " %016" PRIx64 "\n", epoch,
                        cnn_checksum(CNN_CHECKSUM_START, order, n * sizeof *order));
    }
    free(order);
    free(weights);
    cnn_dataset_destroy(&d);
    cnn_spec_free(&spec);
    return cnn_text_take(&out);
}

static void assert_same_start(const char *layers, const char *source)
{
    char *spec = make_spec("native", layers, source, TRAIN("sgd", "0.01", "0"));
    char *ours = our_fingerprint(spec);
    trainer_process p = trainer_process_run(
        (char *const[]){(char *)python, "trainers/pytorch.py", "--fingerprint", NULL}, NULL, spec);
    assert_int_equal(p.status, 0);
    assert_string_equal(p.out, ours);
    trainer_process_free(&p);
    free(ours);
    free(spec);
}

static void test_start_is_the_same_on_synthetic_images(void **state)
{
    (void)state;
    assert_same_start(norm_layers, synthetic_source);
    assert_same_start(pool_layers, "{\"type\":\"synthetic\",\"height\":28,\"width\":28,"
                                   "\"channels\":1,\"classes\":10,\"count\":500,"
                                   "\"test_fraction\":0.2,\"limit\":0,\"test_limit\":0,"
                                   "\"split_seed\":0}");
}

static void test_start_is_the_same_on_fashion_mnist(void **state)
{
    (void)state;
    if (!trainer_fashion_mnist())
        skip();
    assert_same_start(arch1_layers, fashion_source);
}

/** Both ways to divide a tree of PNG files. */
static void assert_same_tree(const char *root)
{
    static const char *const splits[] = {"patient", "image"};
    for (int i = 0; i < 2; i++) {
        char *source = cnn_asprintf("{\"type\":\"png_tree\",\"path\":\"%s\",\"test_fraction\":0.3,"
                                    "\"split\":\"%s\",\"limit\":7,\"test_limit\":0,"
                                    "\"split_seed\":5,\"skip\":\"allow\"}",
                                    root, splits[i]);
        assert_same_start(arch1_layers, source);
        free(source);
    }
}

static void test_start_is_the_same_on_png_files(void **state)
{
    for (size_t i = 0; i < sizeof tree_files / sizeof tree_files[0]; i++) {
        char *folder = cnn_asprintf("%s/%s", (char *)*state, tree_files[i].patient);
        char *inner = cnn_asprintf("%s/%s", folder, tree_files[i].label);
        mkdir(folder, 0700);
        mkdir(inner, 0700);
        write_file(inner, tree_files[i].name, tree_files[i].bytes, tree_files[i].size);
        free(inner);
        free(folder);
    }
    assert_same_tree(*state);
    char *strict = cnn_asprintf("{\"type\":\"png_tree\",\"path\":\"%s\"}", (char *)*state);
    char *strict_spec = make_spec("native", arch1_layers, strict, TRAIN("sgd", "0.01", "0"));
    trainer_process refused = trainer_process_run(
        (char *const[]){(char *)python, "trainers/pytorch.py", "--fingerprint", NULL}, NULL,
        strict_spec);
    assert_int_equal(refused.status, 3);
    assert_contains(refused.err, "2 of 16 images have another size");
    trainer_process_free(&refused);
    free(strict_spec);
    free(strict);
    char *source =
        cnn_asprintf("{\"type\":\"png_tree\",\"path\":\"%s\",\"skip\":\"allow\"}", (char *)*state);
    char *spec = make_spec("native", arch1_layers, source, TRAIN("sgd", "0.01", "0"));
    trainer_process p = run_ours(spec);
    assert_int_equal(p.status, 0);
    assert_contains(p.err, "2 of 16 images skipped: not 4 x 5 x 3");
    trainer_process_free(&p);
    free(spec);
    free(source);
}

static void test_start_is_the_same_on_real_patches(void **state)
{
    (void)state;
#ifdef CNN_SHARED_DATA
    if (access(CNN_SHARED_DATA "/idc_png", X_OK) == 0) {
        assert_same_tree(CNN_SHARED_DATA "/idc_png/IDC_regular_ps50_idx5");
        return;
    }
#endif
    skip();
}

static void test_start_is_the_same_on_npy_files(void **state)
{
    (void)state;
#ifdef CNN_SHARED_DATA
    assert_same_start(arch1_layers,
                      "{\"type\":\"npy\",\"images\":\"" CNN_SHARED_DATA "/idc/X.npy\","
                      "\"labels\":\"" CNN_SHARED_DATA "/idc/Y.npy\",\"test_fraction\":0.2,"
                      "\"limit\":1000,\"test_limit\":0,\"split_seed\":20180601}");
#else
    print_message("skipped: no CNN_SHARED_DATA with idc/\n");
    skip();
#endif
}

/* ---- what it learns ------------------------------------------------------------------------ */

typedef trainer_process (*runner)(const char *spec);

static cnn_event first_epoch(runner run, const char *path, const char *layers, const char *source,
                             const char *train, int64_t *parameters)
{
    char *spec = make_spec(path, layers, source, train);
    trainer_process p = run(spec);
    trainer_story s = trainer_story_read(&p, 1);
    *parameters = s.ready.parameters;
    trainer_process_free(&p);
    free(spec);
    return s.epochs[0];
}

/** native, layered and torch: losses of the first epoch and after it. */
static void assert_agreement(const char *layers, const char *source, const char *train,
                             double tolerance)
{
    int64_t ours, theirs;
    cnn_event torch = first_epoch(run_torch, "native", layers, source, train, &theirs);
    for (int path = 0; cnn_path_names[path]; path++) {
        cnn_event e = first_epoch(run_ours, cnn_path_names[path], layers, source, train, &ours);
        assert_int_equal(ours, theirs);
        assert_losses_agree(e.train_loss, torch.train_loss, tolerance);
        assert_losses_agree(e.test_loss, torch.test_loss, tolerance);
    }
}

static void test_losses_agree_on_fashion_mnist(void **state)
{
    (void)state;
    if (!trainer_fashion_mnist())
        skip();
    assert_agreement(arch1_layers, fashion_source, TRAIN("sgd", "0.01", "0"), 1e-4);
}

static void test_losses_agree_on_every_layer_and_optimiser(void **state)
{
    (void)state;
    assert_agreement(pool_layers, synthetic_source, TRAIN("sgd", "0.01", "0"), 1e-4);
    assert_agreement(pool_layers, synthetic_source, TRAIN("sgd", "0.01", "0.9"), 1e-4);
    assert_agreement(pool_layers, synthetic_source, TRAIN("adam", "0.001", "0"), 1e-4);
    /* Batch norm over small batches amplifies rounding; a wrong running variance would show here.
     */
    assert_agreement(norm_layers, synthetic_source, TRAIN("sgd", "0.001", "0"), 1e-3);
    assert_agreement(norm_layers, synthetic_source, TRAIN("adam", "0.0001", "0"), 1e-3);
}

static void test_torch_same_seed_same_checksum(void **state)
{
    (void)state;
    char *spec = make_spec("native",
                           "{\"conv2d\":{\"filters\":4}},{\"dropout\":0.5},"
                           "{\"maxpool\":2},{\"dense\":\"classes\"}",
                           synthetic_source, TRAIN("sgd", "0.01", "0"));
    trainer_process a = run_torch(spec), b = run_torch(spec);
    trainer_story first = trainer_story_read(&a, 1), again = trainer_story_read(&b, 1);
    assert_int_equal(strlen(first.done.checksum), 16);
    assert_string_equal(first.done.checksum, again.done.checksum);
    trainer_process_free(&a);
    trainer_process_free(&b);
    free(spec);
}

static void test_torch_weights_are_written(void **state)
{
    (void)state;
    char *spec = make_spec("native", norm_layers, synthetic_source, TRAIN("sgd", "0.01", "0"));
    assert_weights_are_written((char *const[]){(char *)python, "trainers/pytorch.py", NULL}, spec);
    free(spec);
}

static void test_torch_divergence_is_a_result(void **state)
{
    (void)state;
    char *spec =
        make_spec("native", "{\"dense\":16},{\"dense\":16},{\"dense\":\"classes\"}",
                  synthetic_source, "\"epochs\":5,\"learning_rate\":1000000,\"trace\":\"step\"");
    trainer_process p = run_torch(spec);
    trainer_story s = trainer_story_read(&p, -1);
    assert_in_range(s.epoch_count, 1, 4);
    assert_non_null(strstr(p.events, "\"step_seconds\""));
    trainer_process_free(&p);
    free(spec);
}

static void test_torch_errors_are_events(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *text;
        int status;
    } wrong[] = {
        {"", "specification", 2},
        {"{\"protocol\":9}", "protocol 9", 2},
        {"[1]", "specification", 2},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        trainer_process p = run_torch(wrong[i].spec);
        assert_trainer_failed(&p, wrong[i].status, wrong[i].text);
        trainer_process_free(&p);
    }
    char *spec = make_spec("native", arch1_layers,
                           "{\"type\":\"idx\",\"path\":\"/nonexistent\",\"limit\":0,"
                           "\"test_limit\":0,\"split_seed\":0}",
                           TRAIN("sgd", "0.01", "0"));
    trainer_process p = run_torch(spec);
    assert_trainer_failed(&p, 3, "/nonexistent");
    trainer_process_free(&p);
    /* A GPU that it does not see is not replaced by the CPU. */
    char *device = cnn_strdup(getenv("CNN_TORCH_DEVICE"));
    unsetenv("CNN_TORCH_DEVICE");
    setenv("CUDA_VISIBLE_DEVICES", "GPU-nowhere", 1);
    p = run_torch(spec);
    assert_trainer_failed(&p, 3, "is given GPU-nowhere, but this PyTorch sees no GPU");
    trainer_process_free(&p);
    unsetenv("CUDA_VISIBLE_DEVICES");
    setenv("CNN_TORCH_DEVICE", device, 1);
    free(device);
    free(spec);
}

static void test_torch_measures_its_team(void **state)
{
    (void)state;
    char *spec =
        make_spec("native", "{\"dense\":\"classes\"}", synthetic_source, TRAIN("sgd", "0.01", "0"));
    char *threads = strstr(spec, "\"threads\":1");
    assert_non_null(threads);
    threads[strlen("\"threads\":")] = '2';
    trainer_process p = run_torch(spec);
    const trainer_story s = trainer_story_read(&p, 1);
    assert_int_equal(s.ready.threads, 2);
    trainer_process_free(&p);
    static const char *const limits[][2] = {{"OMP_THREAD_LIMIT", "1"},
                                            {"OMP_MAX_ACTIVE_LEVELS", "0"}};
    for (int i = 0; i < 2; i++) {
        setenv(limits[i][0], limits[i][1], 1);
        p = run_torch(spec);
        unsetenv(limits[i][0]);
        assert_trainer_failed(&p, 3, "a team of 1 of the 2 threads asked for");
        assert_trainer_failed(&p, 3, limits[i][0]);
        trainer_process_free(&p);
    }
    free(spec);
}

int main(int argc, char **argv)
{
    setenv("CNN_TORCH_DEVICE", "cpu", 0);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    python = trainer_find_python("numpy, torch");
    if (!python) {
        printf("skipped: neither python3 nor /usr/bin/python3 can import numpy and torch\n");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_is_the_same_on_synthetic_images),
        cmocka_unit_test(test_start_is_the_same_on_fashion_mnist),
        cmocka_unit_test(test_start_is_the_same_on_npy_files),
        cmocka_unit_test_setup_teardown(test_start_is_the_same_on_png_files, fixture_folder,
                                        fixture_remove),
        cmocka_unit_test(test_start_is_the_same_on_real_patches),
        cmocka_unit_test(test_losses_agree_on_fashion_mnist),
        cmocka_unit_test(test_losses_agree_on_every_layer_and_optimiser),
        cmocka_unit_test(test_torch_same_seed_same_checksum),
        cmocka_unit_test(test_torch_weights_are_written),
        cmocka_unit_test(test_torch_divergence_is_a_result),
        cmocka_unit_test(test_torch_errors_are_events),
        cmocka_unit_test(test_torch_measures_its_team),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
