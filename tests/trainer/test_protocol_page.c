/* SPDX-License-Identifier: Apache-2.0 */
/* docs/trainer-protocol.md holds what it promises: its numbers, and a trainer that works. */
#include "trainer_process.h"

#include "base/philox.h"
#include "nn/network.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 20180601 };
static char *page;

static void assert_page_says(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!strstr(page, text))
        fail_msg("docs/trainer-protocol.md does not say: %s", text);
}

static void test_page_random_words(void **state)
{
    (void)state;
    cnn_philox p = cnn_philox_at(SEED, CNN_RANDOM_WEIGHTS, 0, 0);
    assert_page_says("purpose 1, epoch 0, index 0: %08x %08x %08x %08x\n", p.w[0], p.w[1], p.w[2],
                     p.w[3]);
}

static void test_page_weights(void **state)
{
    (void)state;
    cnn_network net;
    assert_true(cnn_network_builtin("arch1", &net));
    assert_int_equal(cnn_network_infer(&net, (cnn_shape){28, 28, 1}, 10), CNN_OK);
    float *v = malloc((size_t)net.parameter_total * sizeof *v);
    cnn_network_draw(&net, SEED, v);
    const float *second = v + net.parameters[2].offset, *third = v + net.parameters[4].offset;
    assert_page_says("tensor 0, [16, 1, 5, 5], limit %.9g: %.9g %.9g %.9g %.9g ...",
                     sqrt(6 / (25.0 + 16 * 25)), (double)v[0], (double)v[1], (double)v[2],
                     (double)v[3]);
    assert_page_says("tensor 2, [32, 16, 5, 5]: %.9g ...", (double)second[0]);
    assert_page_says("tensor 4, [10, 32, 7, 7]: %.9g ...", (double)third[0]);
    assert_page_says("checksum of all %" PRId64 " initial values: %016" PRIx64, net.parameter_total,
                     cnn_network_checksum(&net, v));
    free(v);
}

static void test_page_batch_order(void **state)
{
    (void)state;
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        int32_t order[10];
        cnn_text text = {0};
        assert_int_equal(cnn_random_order(SEED, CNN_RANDOM_SHUFFLE, epoch, 10, order), CNN_OK);
        for (int i = 0; i < 10; i++)
            cnn_text_printf(&text, " %d", order[i]);
        assert_page_says("order of 10 images, epoch %u:%s\n", epoch, text.s);
        cnn_text_free(&text);
    }
}

/** The page's Python program, owned by the caller. */
static char *page_program(void)
{
    static const char open[] = "```python\n";
    const char *start = strstr(page, open);
    assert_non_null(start);
    start += sizeof open - 1;
    const char *end = strstr(start, "```");
    assert_non_null(end);
    return cnn_strndup(start, (size_t)(end - start));
}

static void test_page_trainer_follows_the_protocol(void **state)
{
    (void)state;
    const char *python = trainer_find_python("gzip");
    const char *folder = trainer_fashion_mnist();
    if (!python || !folder) {
        print_message(python ? "" : "skipped: no python3\n");
        skip();
    }
    char *program = page_program();
    char *argv[] = {(char *)python, "-c", program, NULL};
    char *spec = cnn_asprintf("{\"protocol\":1,\"dataset\":{\"source\":{\"path\":\"%s\"}},"
                              "\"train\":{\"epochs\":2,\"learning_rate\":0.01}}",
                              folder);
    trainer_process p = trainer_process_run(argv, "3", spec);
    trainer_story s = trainer_story_read(&p, 2);
    assert_int_equal(s.ready.parameters, 10);
    assert_losses_agree(s.epochs[1].train_loss, log(10), 0.01); /* the classes are equally many */
    trainer_process_free(&p);
    p = trainer_process_run(argv, "3", "{\"protocol\":2}");
    assert_trainer_failed(&p, 2, "protocol 2 is not known here");
    trainer_process_free(&p);
    free(program);
    free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_random_words),
        cmocka_unit_test(test_page_weights),
        cmocka_unit_test(test_page_batch_order),
        cmocka_unit_test(test_page_trainer_follows_the_protocol),
    };
    if (cnn_read_file("docs/trainer-protocol.md", 1 << 20, &page, NULL) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_error_message());
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(page);
    return failed;
}
