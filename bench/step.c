/* SPDX-License-Identifier: Apache-2.0 */
/* Times training steps of one network on one path, on demand.
 *
 *   cnnbench-step NETWORK HxWxC CLASSES PATH THREADS [BATCH [BATCHES [PRECISION]]]
 *
 * Each line on standard input is a number of steps; the answer is a line with the seconds per step.
 * So a driver can keep several contenders ready and let them run in turns. Instead of a number,
 * `describe` prints the plan and `timings` what tuning has timed, each with an empty line behind. Images are random bytes: time does not depend on them,
 * except that a network that has learnt its images by heart might have fewer gradients that are not
 * zero, so the learning rate is tiny. */
#include "base/clock.h"
#include "base/philox.h"
#include "nn/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    cnn_ops *ops;
    cnn_network net;
    cnn_train train;
    cnn_path path;
    int threads;
    int64_t batches; /* in an epoch */
    cnn_feed *feed;
    cnn_model *model;
} contender;

static cnn_status read_precision(const char *name, int *out)
{
    for (int i = 0; cnn_precision_names[i]; i++)
        if (!strcmp(cnn_precision_names[i], name)) {
            *out = i;
            return CNN_OK;
        }
    return cnn_error_set(CNN_EUSAGE, "no precision '%s'", name);
}

static cnn_status read_arguments(int argc, char **argv, contender *c)
{
    cnn_status st = CNN_OK;
    cnn_shape input;
    int64_t classes = 0, threads = 0, batch = 32;
    c->batches = 16;
    CNN_CHECK(argc >= 6 && argc <= 9, CNN_EUSAGE,
              "usage: cnnbench-step NETWORK HxWxC CLASSES PATH THREADS [BATCH [BATCHES "
              "[PRECISION]]]");
    CNN_CHECK(cnn_network_builtin(argv[1], &c->net), CNN_EUSAGE, "no network '%s'", argv[1]);
    CNN_CHECK(sscanf(argv[2], "%dx%dx%d", &input.h, &input.w, &input.c) == 3, CNN_EUSAGE,
              "'%s' is no HxWxC", argv[2]);
    CNN_CHECK(cnn_parse_int(argv[3], &classes) && cnn_parse_int(argv[5], &threads) &&
                  (argc < 7 || cnn_parse_int(argv[6], &batch)) &&
                  (argc < 8 || cnn_parse_int(argv[7], &c->batches)),
              CNN_EUSAGE, "classes, threads, batch and batches are whole numbers");
    CNN_CHECK(classes > 1 && classes < 10000 && threads > 0 && threads < 1000 && batch > 0 &&
                  batch < 100000 && c->batches > 0 && c->batches < 100000,
              CNN_EUSAGE, "classes, threads, batch or batches out of range");
    for (int i = 0; cnn_path_names[i]; i++)
        if (!strcmp(cnn_path_names[i], argv[4]))
            c->path = (cnn_path)i;
    CNN_CHECK(!strcmp(cnn_path_names[c->path], argv[4]), CNN_EUSAGE, "no path '%s'", argv[4]);
    c->train = cnn_train_defaults();
    c->train.batch_size = (int)batch;
    c->train.learning_rate = 1e-6;
    c->threads = (int)threads;
    CNN_TRY(read_precision(argc > 8 ? argv[8] : "fp32", &c->train.precision));
    CNN_TRY(cnn_network_infer(&c->net, input, (int)classes));
done:
    return st;
}

static cnn_status make_feed(contender *c)
{
    cnn_status st = CNN_OK;
    const int count = (int)c->batches * c->train.batch_size;
    const size_t bytes = (size_t)count * (size_t)cnn_shape_size(c->net.input);
    uint8_t *images = malloc(bytes);
    int32_t *labels = malloc((size_t)count * sizeof *labels);
    CNN_CHECK(images && labels, CNN_ENOMEM, "%zu bytes for images", bytes);
    for (size_t i = 0; i < bytes; i++)
        images[i] = (uint8_t)cnn_philox_at(1, CNN_RANDOM_SYNTHETIC, 0, i).w[0];
    for (int i = 0; i < count; i++)
        labels[i] = i % c->net.classes;
    CNN_TRY(cnn_feed_create(c->ops, c->net.input, count, CNN_PIXEL_U8, 1 / 255., images, labels,
                            &c->feed));
done:
    free(images);
    free(labels);
    return st;
}

static cnn_status prepare(contender *c)
{
    cnn_status st = CNN_OK;
    float *parameters = NULL;
    const cnn_ops_config config = {.threads = c->threads,
                                   .precision = (cnn_precision)c->train.precision,
                                   .deterministic = true,
                                   .autotune = true,
                                   .batch_sizes = {c->train.batch_size}};
    CNN_TRY(cnn_ops_open(&config, &c->ops));
    CNN_TRY(make_feed(c));
    CNN_TRY(cnn_model_create(c->ops, &c->net, &c->train, c->path, 1, &c->model));
    CNN_CHECK((parameters = malloc((size_t)c->net.parameter_total * sizeof *parameters)),
              CNN_ENOMEM, "parameters");
    cnn_network_draw(&c->net, 1, parameters);
    CNN_TRY(cnn_model_reset(c->model, parameters));
done:
    free(parameters);
    return st;
}

static cnn_status time_steps(contender *c, int64_t steps)
{
    cnn_status st = CNN_OK;
    const double start = cnn_clock_monotonic();
    for (int64_t done_steps = 0; done_steps < steps;) {
        const int64_t left = steps - done_steps, some = left < c->batches ? left : c->batches;
        CNN_TRY(cnn_model_train(c->model, c->feed, 0, some, NULL));
        done_steps += some;
    }
    CNN_TRY(cnn_ops_sync(c->ops));
    printf("%.9f\n", (cnn_clock_monotonic() - start) / (double)steps);
done:
    return st;
}

static cnn_status print_text(const contender *c, bool timings)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    if (timings)
        CNN_TRY(cnn_ops_timings(c->ops, &text));
    else
        cnn_model_describe(c->model, &text);
    CNN_TRY(cnn_text_status(&text));
    printf("%s\n", text.s ? text.s : "");
done:
    cnn_text_free(&text);
    return st;
}

static cnn_status answer(contender *c)
{
    cnn_status st = CNN_OK;
    char line[64];
    int64_t steps;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        const bool timings = !strcmp(line, "timings");
        if (timings || !strcmp(line, "describe")) {
            CNN_TRY(print_text(c, timings));
        } else {
            CNN_CHECK(cnn_parse_int(line, &steps) && steps > 0, CNN_EUSAGE,
                      "'%s' is no number of steps", line);
            CNN_TRY(time_steps(c, steps));
        }
        fflush(stdout);
    }
done:
    return st;
}

int main(int argc, char **argv)
{
    contender c = {0};
    cnn_ops_info info;
    cnn_status st = read_arguments(argc, argv, &c);
    if (st == CNN_OK)
        st = prepare(&c);
    if (st == CNN_OK) {
        cnn_ops_describe(c.ops, &info);
        printf("%s on %s\n", info.version, info.device);
        fflush(stdout);
        st = answer(&c);
    }
    if (st != CNN_OK)
        fprintf(stderr, "cnnbench-step: %s\n", cnn_error_message());
    cnn_model_destroy(&c.model);
    cnn_feed_destroy(&c.feed);
    if (c.ops)
        cnn_ops_close(&c.ops);
    return st == CNN_OK ? 0 : st == CNN_EUSAGE ? 2 : 1;
}
