/* SPDX-License-Identifier: Apache-2.0 */
/* Specifications: what cnnmpi writes is what a trainer reads, and errors come all at once. */
#include "protocol/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char network_text[] =
    "{\"name\":\"n\",\"layers\":[{\"conv2d\":{\"filters\":6,\"kernel\":3,\"stride\":2,"
    "\"padding\":\"valid\",\"activation\":\"relu\"}},{\"batchnorm\":{\"axis\":\"height\"}},"
    "{\"avgpool\":3},{\"dropout\":0.25},{\"dense\":20},\"relu\",{\"dense\":\"classes\"}]}";
static const char dataset_text[] =
    "{\"name\":\"d\",\"source\":{\"type\":\"npy\",\"images\":\"/nowhere/X.npy\","
    "\"labels\":\"/nowhere/Y.npy\",\"test_fraction\":0.25,\"limit\":100,\"split_seed\":9}}";
static const char train_text[] =
    "{\"epochs\":7,\"batch_size\":16,\"optimizer\":\"adam\",\"learning_rate\":0.001,"
    "\"precision\":\"tf32\",\"deterministic\":false,\"trace\":\"step\"}";

/** The specification with the given head: "protocol" to "threads". */
static char *with_head(const char *head)
{
    return cnn_asprintf("{%s,\"network\":%s,\"dataset\":%s,\"train\":%s}", head, network_text,
                        dataset_text, train_text);
}

static const char good_head[] = "\"protocol\":1,\"run\":42,\"framework\":\"keras \\\"old\\\"\","
                                "\"path\":\"layered\",\"seed\":2147483647,\"threads\":3";

static cnn_status parse_head(const char *head, cnn_spec *spec)
{
    char *text = with_head(head);
    cnn_status st = cnn_spec_parse(text, spec);
    free(text);
    return st;
}

static void assert_refused(const char *text, const char *why)
{
    cnn_spec spec;
    assert_int_equal(cnn_spec_parse(text, &spec), CNN_EUSAGE);
    if (!strstr(cnn_error_message(), why))
        fail_msg("should say '%s': %s", why, cnn_error_message());
}

static void assert_head_refused(const char *head, const char *why)
{
    char *text = with_head(head);
    assert_refused(text, why);
    free(text);
}

static void test_parse_reads_every_member(void **state)
{
    (void)state;
    cnn_spec s;
    assert_int_equal(parse_head(good_head, &s), CNN_OK);
    assert_int_equal(s.run, 42);
    assert_string_equal(s.framework, "keras \"old\"");
    assert_int_equal(s.path, CNN_PATH_LAYERED);
    assert_int_equal(s.seed, 2147483647);
    assert_int_equal(s.threads, 3);
    assert_string_equal(s.network.name, "n");
    assert_int_equal(s.network.layer_count, 8);
    assert_int_equal(s.network.layers[0].stride, 2);
    assert_false(s.network.layers[0].same);
    assert_int_equal(s.network.layers[1].kind, CNN_LAYER_RELU);
    assert_int_equal(s.network.layers[2].axis, CNN_AXIS_HEIGHT);
    assert_string_equal(s.source.name, "d");
    assert_int_equal(s.source.type, CNN_SOURCE_NPY);
    assert_string_equal(s.source.labels, "/nowhere/Y.npy");
    assert_int_equal(s.source.limit, 100);
    assert_int_equal(s.source.split_seed, 9);
    assert_int_equal(s.train.epochs, 7);
    assert_int_equal(s.train.optimizer, CNN_OPTIMIZER_ADAM);
    assert_true(s.train.learning_rate == 0.001);
    assert_int_equal(s.train.precision, CNN_PRECISION_TF32);
    assert_false(s.train.deterministic);
    assert_true(s.train.autotune); /* not given: the default */
    assert_int_equal(s.train.trace, CNN_TRACE_STEP);
    cnn_spec_free(&s);
}

static void test_parse_fills_what_may_be_left_out(void **state)
{
    (void)state;
    cnn_spec s;
    char *text = cnn_asprintf("{\"protocol\":1,\"seed\":0,\"threads\":1,\"network\":%s,"
                              "\"dataset\":%s}",
                              network_text, dataset_text);
    assert_int_equal(cnn_spec_parse(text, &s), CNN_OK);
    free(text);
    assert_int_equal(s.run, -1);
    assert_int_equal(s.path, CNN_PATH_NATIVE);
    assert_string_equal(s.framework, "native");
    assert_int_equal(s.train.epochs, 20);
    assert_int_equal(s.train.batch_size, 32);
    cnn_spec_free(&s);
}

/** Written, read and written again: the same text. */
static void assert_round_trip(const cnn_spec *spec)
{
    cnn_text first = {0}, second = {0};
    cnn_spec back;
    cnn_spec_write(spec, &first);
    assert_int_equal(cnn_text_status(&first), CNN_OK);
    assert_null(strchr(first.s, '\n'));
    if (cnn_spec_parse(first.s, &back) != CNN_OK)
        fail_msg("%s\n%s", cnn_error_message(), first.s);
    cnn_spec_write(&back, &second);
    assert_string_equal(first.s, second.s);
    cnn_spec_free(&back);
    cnn_text_free(&first);
    cnn_text_free(&second);
}

static void test_write_is_read_back_unchanged(void **state)
{
    (void)state;
    cnn_spec s;
    assert_int_equal(parse_head(good_head, &s), CNN_OK);
    assert_round_trip(&s);
    for (int i = 0; cnn_network_builtins[i]; i++) {
        assert_true(cnn_network_builtin(cnn_network_builtins[i], &s.network));
        assert_round_trip(&s);
        /* An inferred network is written as it was described. */
        assert_int_equal(cnn_network_infer(&s.network, (cnn_shape){28, 28, 1}, 10), CNN_OK);
        assert_round_trip(&s);
    }
    cnn_source_free(&s.source);
    assert_int_equal(cnn_source_wellknown("mnist", &s.source), CNN_OK);
    assert_round_trip(&s);
    s.train.learning_rate = 0.1; /* 17 digits */
    s.train.momentum = 1.0 / 3;
    assert_round_trip(&s);
    cnn_spec_free(&s);
}

static void test_simulate_is_read_back(void **state)
{
    (void)state;
    cnn_spec s;
    assert_int_equal(parse_head(good_head, &s), CNN_OK);
    assert_null(s.simulate);
    cnn_spec_free(&s);
    char *head = cnn_asprintf(
        "%s,\"simulate\":{\"truth\":{\"time\":{\"run\":2,\"node\":0.5}},\"job_seed\":9,"
        "\"cell\":\"c\",\"node\":\"n\",\"device\":\"d\",\"block\":1,\"order\":2,\"attempt\":3}",
        good_head);
    assert_int_equal(parse_head(head, &s), CNN_OK);
    free(head);
    assert_non_null(s.simulate);
    assert_true(s.simulate->truth.time.sd.node == 0.5);
    assert_int_equal(s.simulate->job_seed, 9);
    assert_string_equal(s.simulate->device, "d");
    assert_round_trip(&s);
    cnn_spec_free(&s);
    head = cnn_asprintf("%s,\"simulate\":{\"truth\":{}}", good_head);
    assert_head_refused(head, "'cell' is missing in simulate");
    assert_head_refused(head, "'time' is missing in simulate");
    free(head);
}

static void test_tune_and_algorithms(void **state)
{
    (void)state;
    cnn_spec s;
    assert_int_equal(parse_head(good_head, &s), CNN_OK);
    assert_false(s.tune);
    assert_null(s.algorithms);
    s.tune = true;
    assert_round_trip(&s);
    s.algorithms = cnn_strdup(""); /* nothing was to be chosen: as if not given */
    assert_round_trip(&s);
    cnn_spec_free(&s);
    char *text = cnn_asprintf("%s,\"tune\":true,\"algorithms\":\"a \\\"b\\\"; c\"", good_head);
    assert_int_equal(parse_head(text, &s), CNN_OK);
    assert_true(s.tune);
    assert_string_equal(s.algorithms, "a \"b\"; c");
    assert_round_trip(&s);
    cnn_spec_free(&s);
    free(text);
    assert_head_refused("\"protocol\":1,\"seed\":1,\"threads\":1,\"tune\":1", "tune");
}

static void assert_written_version(const cnn_spec *spec, const char *version)
{
    cnn_text text = {0};
    cnn_spec_write(spec, &text);
    assert_int_equal(cnn_text_status(&text), CNN_OK);
    if (strncmp(text.s, version, strlen(version)) != 0)
        fail_msg("should begin with %s: %s", version, text.s);
    cnn_text_free(&text);
}

static void test_a_specification_carries_the_lowest_version(void **state)
{
    (void)state;
    cnn_spec s;
    static const char head[] = "\"protocol\":2,\"seed\":1,\"threads\":1";
    assert_int_equal(parse_head(head, &s), CNN_OK);
    assert_null(s.weights_out);
    assert_written_version(&s, "{\"protocol\":1,");
    cnn_spec_free(&s);
    char *text = cnn_asprintf("%s,\"weights_out\":\"/tmp/a \\\"b\\\"\"", head);
    assert_int_equal(parse_head(text, &s), CNN_OK);
    assert_string_equal(s.weights_out, "/tmp/a \"b\"");
    assert_written_version(&s, "{\"protocol\":2,");
    assert_round_trip(&s);
    cnn_spec_free(&s);
    free(text);
    assert_int_equal(
        parse_head("\"protocol\":2,\"seed\":1,\"threads\":1,\"mode\":\"fit\",\"backend\":\"jax\"",
                   &s),
        CNN_OK);
    assert_string_equal(s.mode, "fit");
    assert_string_equal(s.backend, "jax");
    assert_written_version(&s, "{\"protocol\":2,");
    assert_round_trip(&s);
    cnn_spec_free(&s);
    text = cnn_asprintf("%s,\"factors\":{\"num_workers\":4,\"compiler\":\"g\\\"cc\",\"huge\":true}",
                        head);
    assert_int_equal(parse_head(text, &s), CNN_OK);
    assert_string_equal(s.factors, "{\"num_workers\":4,\"compiler\":\"g\\\"cc\",\"huge\":true}");
    assert_written_version(&s, "{\"protocol\":2,");
    assert_round_trip(&s);
    cnn_spec_free(&s);
    free(text);
    assert_head_refused("\"protocol\":1,\"seed\":1,\"threads\":1,\"factors\":{\"a\":1}",
                        "'factors' is a member of protocol 2");
    assert_head_refused("\"protocol\":2,\"seed\":1,\"threads\":1,\"factors\":{\"a\":[1]}",
                        "'factors' must be an object of numbers");
    assert_head_refused("\"protocol\":2,\"seed\":1,\"threads\":1,\"factors\":7",
                        "'factors' must be an object of numbers");
    static const char *const newer[] = {"weights_out", "mode", "backend"};
    for (int i = 0; i < 3; i++) {
        text = cnn_asprintf("\"protocol\":1,\"seed\":1,\"threads\":1,\"%s\":\"w\"", newer[i]);
        char *message = cnn_asprintf("'%s' is a member of protocol 2", newer[i]);
        assert_head_refused(text, message);
        free(message);
        free(text);
    }
}

static void test_parse_reports_all_errors_at_once(void **state)
{
    (void)state;
    static const char bad[] =
        "{\"protocol\":1,\"seed\":-1,\"thread\":2,\"network\":{\"name\":\"n\",\"layers\":"
        "[{\"conv3d\":5}]},\"dataset\":{\"name\":\"d\",\"source\":{\"type\":\"csv\"}},"
        "\"train\":{\"epochs\":\"many\"}}";
    assert_refused(bad, "seed");
    assert_refused(bad, "threads");
    assert_refused(bad, "conv3d");
    assert_refused(bad, "csv");
    assert_refused(bad, "many");
}

static void test_parse_another_protocol_is_told_alone(void **state)
{
    (void)state;
    assert_refused("{\"protocol\":3,\"everything\":\"else\"}",
                   "protocol 3 is not known here; this trainer speaks protocols 1 to 2");
    assert_null(strstr(cnn_error_message(), "unknown key"));
}

static void test_parse_out_of_range(void **state)
{
    (void)state;
    assert_head_refused("\"protocol\":1,\"seed\":2147483648,\"threads\":1", "seed");
    assert_head_refused("\"protocol\":1,\"seed\":1,\"threads\":0", "threads");
    assert_head_refused("\"protocol\":1,\"seed\":1,\"threads\":1,\"path\":\"keras\"", "path");
    assert_head_refused("\"protocol\":1,\"seed\":1,\"threads\":1,\"run\":-2", "run");
    assert_head_refused("\"seed\":1,\"threads\":1", "protocol");
}

static void test_parse_what_is_no_specification(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " ", "null", "[]", "17", "{", "{}", "\x01", "{\"a\":"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(texts[i], "specification");
}

static void test_parse_every_prefix_is_refused(void **state)
{
    (void)state;
    char *text = with_head(good_head);
    for (size_t n = strlen(text); n-- > 0;) {
        cnn_spec spec;
        text[n] = '\0';
        assert_int_equal(cnn_spec_parse(text, &spec), CNN_EUSAGE);
    }
    free(text);
}

static void test_opaque_networks_and_external_data(void **state)
{
    (void)state;
    cnn_spec s;
    static const char text[] =
        "{\"protocol\":2,\"run\":1,\"framework\":\"f\",\"path\":\"native\",\"seed\":1,\"threads\":1,"
        "\"network\":{\"name\":\"r\",\"opaque\":{\"depth\":50,\"blocks\":[3,{\"a\":null}],\"x\":\"1e3\"}},"
        "\"dataset\":{\"name\":\"d\",\"source\":{\"type\":\"external\",\"path\":\"s3://x\",\"shards\":[1,2]}}}";
    assert_int_equal(cnn_spec_parse(text, &s), CNN_OK);
    assert_string_equal(s.network.opaque,
                        "{\"depth\":50,\"blocks\":[3,{\"a\":null}],\"x\":\"1e3\"}");
    assert_int_equal(s.source.type, CNN_SOURCE_EXTERNAL);
    assert_written_version(&s, "{\"protocol\":2,");
    assert_round_trip(&s);
    cnn_spec_free(&s);
    assert_refused("{\"protocol\":2,\"seed\":1,\"threads\":1,\"network\":{\"name\":\"r\"},"
                   "\"dataset\":{\"name\":\"d\",\"source\":{\"type\":\"external\"}}}",
                   "'layers' is missing in network");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_reads_every_member),
        cmocka_unit_test(test_parse_fills_what_may_be_left_out),
        cmocka_unit_test(test_write_is_read_back_unchanged),
        cmocka_unit_test(test_tune_and_algorithms),
        cmocka_unit_test(test_simulate_is_read_back),
        cmocka_unit_test(test_a_specification_carries_the_lowest_version),
        cmocka_unit_test(test_parse_reports_all_errors_at_once),
        cmocka_unit_test(test_parse_another_protocol_is_told_alone),
        cmocka_unit_test(test_parse_out_of_range),
        cmocka_unit_test(test_parse_what_is_no_specification),
        cmocka_unit_test(test_opaque_networks_and_external_data),
        cmocka_unit_test(test_parse_every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
