/* SPDX-License-Identifier: Apache-2.0 */
/* The real trainer program, by hand and by protocol. CNN_TRAINER is its path. */
#include "trainer_process.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HAND(...) trainer_process_run((char *const[]){CNN_TRAINER, __VA_ARGS__, NULL}, NULL, NULL)
#define SYNTHETIC "--dataset", "synthetic", "--limit", "200", "--test-limit", "70", "--threads", "1"

static trainer_process by_protocol(const char *spec)
{
    return trainer_process_run((char *const[]){CNN_TRAINER, NULL}, "3", spec);
}

/** A specification of synthetic data; path, network's layers and train settings vary. */
static char *make_spec(const char *path, const char *layers, const char *train)
{
    return cnn_asprintf(
        "{\"protocol\":1,\"seed\":5,\"threads\":1,\"path\":\"%s\",\"network\":{\"name\":\"n\","
        "\"layers\":[%s]},\"dataset\":{\"name\":\"s\",\"source\":{\"type\":\"synthetic\","
        "\"height\":13,\"width\":14,\"channels\":3,\"classes\":4,\"count\":300,"
        "\"limit\":202,\"test_limit\":33}},\"train\":{%s}}",
        path, layers, train);
}

static const char small_layers[] = "{\"conv2d\":{\"filters\":8}},\"relu\",{\"maxpool\":2},"
                                   "{\"dense\":\"classes\"}";
static const char all_layers[] =
    "{\"conv2d\":{\"filters\":8,\"kernel\":3}},{\"batchnorm\":{\"axis\":\"channels\"}},\"relu\","
    "{\"maxpool\":{\"window\":3,\"stride\":2}},{\"batchnorm\":{\"axis\":\"height\"}},"
    "{\"conv2d\":{\"filters\":8,\"kernel\":5,\"activation\":\"relu\"}},{\"avgpool\":2},"
    "{\"dropout\":0.25},{\"dense\":16},\"relu\",{\"dense\":\"classes\"}";

/** Copies the word behind "checksum of the weights". */
static void read_checksum(const char *out, char checksum[20])
{
    const char *at = strstr(out, "checksum of the weights ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "checksum of the weights %19s", checksum), 1);
    assert_int_equal(strlen(checksum), 16);
}

static void train_by_hand(const char *path, const char *seed, char checksum[20])
{
    trainer_process p =
        HAND("--path", (char *)path, "--seed", (char *)seed, "--epochs", "2", SYNTHETIC);
    if (p.status != 0)
        fail_msg("exit status %d: %s", p.status, p.err);
    assert_string_equal(p.err, "");
    read_checksum(p.out, checksum);
    trainer_process_free(&p);
}

static void test_by_hand_same_seed_same_checksum(void **state)
{
    (void)state;
    static const char *const paths[] = {"native", "layered"};
    for (int i = 0; i < 2; i++) {
        char first[20], again[20], other[20];
        train_by_hand(paths[i], "3", first);
        train_by_hand(paths[i], "3", again);
        train_by_hand(paths[i], "4", other);
        assert_string_equal(first, again);
        assert_string_not_equal(first, other);
    }
}

static void test_by_hand_prints_a_table(void **state)
{
    (void)state;
    trainer_process p = HAND("--epochs=2", SYNTHETIC);
    assert_int_equal(p.status, 0);
    assert_non_null(strstr(p.out, "native path, arch1 on synthetic, seed 1\n"));
    assert_non_null(strstr(p.out, "28938 parameters\n"));
    assert_non_null(strstr(p.out, "200 for training, 70 for testing\n"));
    assert_non_null(strstr(p.out, "\n      1 "));
    assert_non_null(strstr(p.out, "\n      2 "));
    assert_null(strstr(p.out, "\n      3 "));
    assert_null(strstr(p.out, "diverged"));
    trainer_process_free(&p);
}

static void assert_refused(char *const *argv, int status, const char *text)
{
    trainer_process p = trainer_process_run(argv, NULL, NULL);
    if (p.status != status || !strstr(p.err, text))
        fail_msg("status %d, '%s' should say '%s'", p.status, p.err, text);
    trainer_process_free(&p);
}

static void test_by_hand_wrong_options_are_explained(void **state)
{
    (void)state;
    static const struct {
        char *option, *value, *text;
    } wrong[] = {
        {"--epoch", "1", "did you mean --epochs?"},
        {"--batch_sise", "1", "did you mean --batch-size?"},
        {"--zzz", "1", "unknown option '--zzz' (--help"},
        {"epochs", "1", "unexpected argument 'epochs'"},
        {"--epochs", NULL, "--epochs needs a value"},
        {"--epochs", "0", "epochs"},
        {"--epochs", "many", "whole number"},
        {"--learning-rate", "nan", "learning_rate"},
        {"--path", "keras", "layered or native"},
        {"--threads", "0", "threads"},
        {"--seed", "-1", "seed"},
        {"--architecture", "arch3", "no network is called 'arch3'"},
        {"--dataset", "minst", "'minst'"},
        {"--spec", "/dev/null", "/dev/null"},
        {"--batch-size", "", "batch-size"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused((char *const[]){CNN_TRAINER, wrong[i].option, wrong[i].value, NULL}, 2,
                       wrong[i].text);
}

static void test_by_hand_missing_data_is_named(void **state)
{
    (void)state;
    assert_refused((char *const[]){CNN_TRAINER, "--dataset", "idc", "--data", "/nonexistent", NULL},
                   3, "/nonexistent/idc/X.npy");
    assert_refused((char *const[]){CNN_TRAINER, "--dataset", "synthetic", "--limit", "801", NULL},
                   3, "801");
    assert_refused((char *const[]){CNN_TRAINER, "--spec", "/nonexistent/spec.json", NULL}, 3,
                   "/nonexistent/spec.json");
}

static void test_by_hand_help_and_version(void **state)
{
    (void)state;
    trainer_process p = HAND("--help");
    assert_int_equal(p.status, 0);
    assert_non_null(strstr(p.out, "--learning-rate X"));
    assert_non_null(strstr(p.out, "default 0.01\n"));
    assert_non_null(strstr(p.out, "--precision fp32|tf32"));
    assert_non_null(strstr(p.out, "default fp32\n"));
    trainer_process_free(&p);
    p = HAND("--version");
    assert_int_equal(p.status, 0);
    assert_non_null(strstr(p.out, "run protocols 1 to 2\n"));
    trainer_process_free(&p);
}

static void test_by_hand_plan_trains_nothing(void **state)
{
    (void)state;
    trainer_process p = HAND("--plan", "--architecture", "arch2", SYNTHETIC);
    assert_int_equal(p.status, 0);
    assert_true(strstr(p.out, "280174") || strstr(p.out, "280,174"));
    assert_null(strstr(p.out, "checksum"));
    trainer_process_free(&p);
}

static void test_printed_spec_trains_the_same_by_protocol(void **state)
{
    (void)state;
    char checksum[20];
    train_by_hand("layered", "3", checksum);
    trainer_process printed =
        HAND("--path", "layered", "--seed", "3", "--epochs", "2", "--print-spec", SYNTHETIC);
    assert_int_equal(printed.status, 0);
    trainer_process p = by_protocol(printed.out);
    trainer_story s = trainer_story_read(&p, 2);
    assert_string_equal(s.done.checksum, checksum);
    assert_int_equal(s.ready.parameters, 28938);
    assert_int_equal(s.ready.train_images, 200);
    assert_int_equal(strlen(s.ready.data_checksum), 16);
    assert_int_equal(s.ready.test_images, 70);
    assert_int_equal(s.ready.threads, 1);
    assert_true(s.ready.backend[0] && s.ready.versions[0] && s.ready.device[0]);
    assert_true(s.done.total_seconds >= s.ready.setup_seconds + s.done.train_seconds);
    trainer_process_free(&p);
    trainer_process_free(&printed);
}

/** The story of one specification. */
static trainer_story tell(const char *path, const char *layers, const char *train, int epochs)
{
    char *spec = make_spec(path, layers, train);
    trainer_process p = by_protocol(spec);
    trainer_story s = trainer_story_read(&p, epochs);
    trainer_process_free(&p);
    free(spec);
    return s;
}

static void test_paths_agree_on_every_layer_and_optimiser(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "\"epochs\":1,\"batch_size\":32",
        "\"epochs\":1,\"batch_size\":32,\"momentum\":0.9",
        "\"epochs\":1,\"batch_size\":7,\"optimizer\":\"adam\",\"learning_rate\":0.001",
    };
    for (int i = 0; i < 3; i++) {
        trainer_story native = tell("native", all_layers, settings[i], 1);
        trainer_story layered = tell("layered", all_layers, settings[i], 1);
        assert_losses_agree(native.epochs[0].train_loss, layered.epochs[0].train_loss, 1e-3);
        assert_losses_agree(native.epochs[0].test_loss, layered.epochs[0].test_loss, 1e-2);
    }
}

static void test_step_trace_times_every_step(void **state)
{
    (void)state;
    static const char *const paths[] = {"native", "layered"};
    for (int i = 0; i < 2; i++) {
        char *spec = make_spec(paths[i], small_layers, "\"epochs\":1,\"trace\":\"step\"");
        trainer_process p = by_protocol(spec);
        trainer_story s = trainer_story_read(&p, 1);
        const char *at = strstr(p.events, "\"step_seconds\":[");
        assert_non_null(at);
        int steps = 0;
        double sum = 0;
        for (at = strchr(at, '['); *at != ']'; steps++) {
            char *end;
            double seconds = strtod(at + 1, &end);
            assert_true(seconds > 0 && end > at + 1);
            sum += seconds;
            at = end;
        }
        assert_int_equal(steps, 7); /* 202 images in batches of 32 */
        assert_true(sum <= s.epochs[0].seconds * 1.001);
        trainer_process_free(&p);
        free(spec);
    }
}

static void test_too_long_a_trace_is_refused(void **state)
{
    (void)state;
    trainer_process p = HAND("--trace", "step", "--batch-size", "1", "--dataset", "fashion_mnist",
                             "--limit", "5001");
    if (trainer_fashion_mnist()) {
        assert_int_equal(p.status, 2);
        assert_non_null(strstr(p.err, "at most 5000 steps"));
    }
    trainer_process_free(&p);
}

static void test_divergence_is_a_result(void **state)
{
    (void)state;
    static const char *const paths[] = {"native", "layered"};
    static const char linear[] = "{\"dense\":16},{\"dense\":16},{\"dense\":\"classes\"}";
    for (int i = 0; i < 2; i++) {
        trainer_story s = tell(paths[i], linear, "\"epochs\":9,\"learning_rate\":1000000", -1);
        assert_in_range(s.epoch_count, 1, 8);
        const cnn_event *last = &s.epochs[s.epoch_count - 1];
        assert_true(isnan(last->train_loss) || isnan(last->test_loss));
    }
}

/** oneDNN has nothing to choose, and takes what it is given for nothing. */
static void test_protocol_tune_tells_algorithms_and_trains_nothing(void **state)
{
    (void)state;
    char *spec = make_spec("native", small_layers, "\"epochs\":1");
    char *asked = cnn_asprintf("%.*s,\"tune\":true}", (int)strlen(spec) - 1, spec);
    char *given = cnn_asprintf("%.*s,\"algorithms\":\"conv 0: 7\"}", (int)strlen(spec) - 1, spec);
    trainer_process p = by_protocol(asked);
    assert_int_equal(p.status, 0);
    assert_string_equal(p.events, "{\"event\":\"tuned\",\"algorithms\":\"\"}\n");
    trainer_process_free(&p);
    p = by_protocol(given);
    trainer_story_read(&p, 1);
    trainer_process_free(&p);
    free(given);
    free(asked);
    free(spec);
}

static void test_protocol_weights_are_written(void **state)
{
    (void)state;
    static const char *const paths[] = {"native", "layered"};
    for (int i = 0; i < 2; i++) {
        char *spec = make_spec(paths[i], all_layers, "\"epochs\":1");
        assert_weights_are_written((char *const[]){CNN_TRAINER, NULL}, spec);
        char *nowhere = cnn_asprintf("{\"protocol\":2,\"weights_out\":\"/dev/null/w\",%s",
                                     strchr(spec, ',') + 1);
        trainer_process p = by_protocol(nowhere);
        assert_trainer_failed(&p, 1, "cannot write weights to '/dev/null/w'");
        trainer_process_free(&p);
        free(nowhere);
        free(spec);
    }
}

static void test_protocol_errors_are_events(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "epochs: 3", "{\"protocol\":7}", "\x01\xff", "[[[["};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        trainer_process p = by_protocol(wrong[i]);
        assert_trainer_failed(&p, 2, "specification");
        trainer_process_free(&p);
    }
    char *spec = make_spec("native",
                           "{\"maxpool\":{\"window\":40,\"padding\":\"valid\"}},"
                           "{\"dense\":\"classes\"}",
                           "");
    trainer_process p = by_protocol(spec);
    assert_trainer_failed(&p, 2, "does not fit");
    trainer_process_free(&p);
    free(spec);
}

static void test_protocol_missing_data_is_an_event(void **state)
{
    (void)state;
    trainer_process p = by_protocol(
        "{\"protocol\":1,\"seed\":5,\"threads\":1,\"network\":{\"name\":\"n\",\"layers\":"
        "[{\"dense\":\"classes\"}]},\"dataset\":{\"name\":\"s\",\"source\":{\"type\":\"idx\","
        "\"path\":\"/nonexistent/mnist\"}}}");
    assert_trainer_failed(&p, 3, "/nonexistent/mnist");
    trainer_process_free(&p);
}

static void test_protocol_needs_its_descriptor(void **state)
{
    (void)state;
    static const char *const wrong[] = {"x", "", "-1", "77"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        trainer_process p = trainer_process_run((char *const[]){CNN_TRAINER, NULL}, wrong[i], "{}");
        assert_int_equal(p.status, 2);
        assert_non_null(strstr(p.err, "CNN_EVENTS_FD"));
        trainer_process_free(&p);
    }
    trainer_process p =
        trainer_process_run((char *const[]){CNN_TRAINER, "--epochs", "1", NULL}, "3", "{}");
    assert_int_equal(p.status, 2);
    assert_non_null(strstr(p.err, "no arguments are taken"));
    trainer_process_free(&p);
}

static void test_paths_agree_on_fashion_mnist(void **state)
{
    (void)state;
    static const char *const paths[] = {"native", "layered"};
    trainer_story s[2];
    if (!trainer_fashion_mnist())
        skip();
    for (int i = 0; i < 2; i++) {
        trainer_process printed =
            HAND("--path", (char *)paths[i], "--dataset", "fashion_mnist", "--limit", "640",
                 "--test-limit", "320", "--epochs", "1", "--threads", "1", "--print-spec");
        assert_int_equal(printed.status, 0);
        trainer_process p = by_protocol(printed.out);
        s[i] = trainer_story_read(&p, 1);
        trainer_process_free(&p);
        trainer_process_free(&printed);
    }
    assert_losses_agree(s[0].epochs[0].train_loss, s[1].epochs[0].train_loss, 1e-4);
    assert_losses_agree(s[0].epochs[0].test_loss, s[1].epochs[0].test_loss, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand_same_seed_same_checksum),
        cmocka_unit_test(test_by_hand_prints_a_table),
        cmocka_unit_test(test_by_hand_wrong_options_are_explained),
        cmocka_unit_test(test_by_hand_missing_data_is_named),
        cmocka_unit_test(test_by_hand_help_and_version),
        cmocka_unit_test(test_by_hand_plan_trains_nothing),
        cmocka_unit_test(test_printed_spec_trains_the_same_by_protocol),
        cmocka_unit_test(test_paths_agree_on_every_layer_and_optimiser),
        cmocka_unit_test(test_step_trace_times_every_step),
        cmocka_unit_test(test_too_long_a_trace_is_refused),
        cmocka_unit_test(test_divergence_is_a_result),
        cmocka_unit_test(test_protocol_tune_tells_algorithms_and_trains_nothing),
        cmocka_unit_test(test_protocol_weights_are_written),
        cmocka_unit_test(test_protocol_errors_are_events),
        cmocka_unit_test(test_protocol_missing_data_is_an_event),
        cmocka_unit_test(test_protocol_needs_its_descriptor),
        cmocka_unit_test(test_paths_agree_on_fashion_mnist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
