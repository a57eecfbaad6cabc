/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/run.h"

#include "base/clock.h"
#include "base/printable.h"
#include "data/dataset.h"
#include "nn/feed.h"
#include "nn/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Everything that a run holds. */
typedef struct {
    const cnn_spec *spec;
    cnn_network net; /* inferred */
    cnn_dataset *data;
    char data_checksum[17];
    cnn_ops *ops;
    cnn_feed *train, *test;
    cnn_model *model;
    float *weights;       /* f32 [parameter_total]: the drawn ones, at the end the trained ones */
    int64_t batches;      /* of an epoch */
    float *step_seconds;  /* f32 [batches], or NULL unless traced */
    double train_seconds; /* so far */
    bool diverged;
} training;

/* ---- set-up -------------------------------------------------------------------------------- */

static cnn_status open_backend(training *t, bool plan_only)
{
    const cnn_train *train = &t->spec->train;
    int batch = train->batch_size;
    cnn_ops_config config = {
        .threads = t->spec->threads,
        .precision = (cnn_precision)train->precision,
        .deterministic = train->deterministic,
        .plan_only = plan_only,
        .autotune = train->autotune,
        .algorithms = t->spec->algorithms,
        .batch_sizes = {batch, t->data->train.count % batch, t->data->test.count % batch},
    };
    return cnn_ops_open(&config, &t->ops);
}

static cnn_status make_feed(training *t, const cnn_images *part, cnn_feed **out)
{
    cnn_status st = CNN_OK;
    const cnn_dataset *d = t->data;
    cnn_pixel pixel = d->is_f32 ? CNN_PIXEL_F32 : CNN_PIXEL_U8;
    CNN_CHECK(part->count > 0, CNN_EDATA, "data set '%s' has no %s images", t->spec->source.name,
              part == &d->train ? "training" : "test");
    CNN_TRY(cnn_feed_create(t->ops, t->net.input, part->count, pixel, d->scale, part->images,
                            part->labels, out));
done:
    return st;
}

static cnn_status prepare_trace(training *t)
{
    cnn_status st = CNN_OK;
    if (t->spec->train.trace != CNN_TRACE_STEP)
        return CNN_OK;
    CNN_CHECK(t->batches <= CNN_EVENT_MAX_STEPS, CNN_EUSAGE,
              "trace: step holds at most %d steps an epoch, but this run has %" PRId64
              "; use a larger batch or trace: epoch",
              CNN_EVENT_MAX_STEPS, t->batches);
    t->step_seconds = calloc((size_t)t->batches, sizeof *t->step_seconds);
    CNN_CHECK(t->step_seconds, CNN_ENOMEM, "seconds of %" PRId64 " steps", t->batches);
done:
    return st;
}

/** plan_only: only to be described, on no device where there is none. */
static cnn_status set_up(const cnn_spec *spec, bool plan_only, training *t)
{
    cnn_status st = CNN_OK;
    *t = (training){.spec = spec, .net = spec->network};
    CNN_CHECK(!spec->factors, CNN_EUSAGE,
              "this trainer knows none of the factors %s of the specification", spec->factors);
    CNN_CHECK(!spec->network.opaque, CNN_EUSAGE,
              "the network '%s' is opaque: this trainer knows networks by their layers only",
              spec->network.name);
    CNN_TRY(cnn_dataset_load(&spec->source, &t->data));
    cnn_dataset_fingerprint(t->data, t->data_checksum);
    if (t->data->skipped)
        cnn_printf(stderr, "%s: %d of %d images skipped: not %d x %d x %d\n", spec->source.name,
                   t->data->skipped, t->data->files, t->data->height, t->data->width,
                   t->data->channels);
    cnn_shape shape = {t->data->height, t->data->width, t->data->channels};
    CNN_TRY(cnn_network_infer(&t->net, shape, t->data->classes));
    CNN_TRY(open_backend(t, plan_only));
    CNN_TRY(make_feed(t, &t->data->train, &t->train));
    CNN_TRY(make_feed(t, &t->data->test, &t->test));
    t->batches = cnn_feed_batches(t->train, spec->train.batch_size);
    CNN_TRY(prepare_trace(t));
    t->weights = malloc((size_t)t->net.parameter_total * sizeof *t->weights);
    CNN_CHECK(t->weights, CNN_ENOMEM, "%zu bytes for %" PRId64 " weights",
              (size_t)t->net.parameter_total * sizeof *t->weights, t->net.parameter_total);
    cnn_network_draw(&t->net, spec->seed, t->weights);
    CNN_TRY(cnn_model_create(t->ops, &t->net, &spec->train, (cnn_path)spec->path, spec->seed,
                             &t->model));
done:
    return st;
}

static void tear_down(training *t)
{
    cnn_model_destroy(&t->model);
    cnn_feed_destroy(&t->test);
    cnn_feed_destroy(&t->train);
    cnn_ops_close(&t->ops);
    cnn_dataset_destroy(&t->data);
    free(t->step_seconds);
    free(t->weights);
}

/** One step that nobody times, so that no epoch pays for code generation and first touches. */
static cnn_status warm_up(training *t)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_model_train(t->model, t->train, 0, 1, NULL));
    CNN_TRY(cnn_ops_sync(t->ops));
    CNN_TRY(cnn_model_reset(t->model, t->weights));
done:
    return st;
}

/* ---- training ------------------------------------------------------------------------------ */

static double mean_loss(const cnn_metrics *m)
{
    return m->images > 0 ? m->loss_sum / (double)m->images : NAN;
}

static cnn_status train_epoch(training *t, int epoch, cnn_event *event)
{
    cnn_status st = CNN_OK;
    cnn_metrics metrics;
    CNN_TRY(cnn_feed_shuffle(t->train, t->spec->seed, (uint32_t)epoch));
    CNN_TRY(cnn_ops_sync(t->ops));
    double start = cnn_clock_monotonic();
    CNN_TRY(cnn_model_train(t->model, t->train, 0, t->batches, t->step_seconds));
    CNN_TRY(cnn_ops_sync(t->ops));
    event->seconds = cnn_clock_monotonic() - start;
    CNN_TRY(cnn_model_metrics(t->model, &metrics));
    event->train_loss = mean_loss(&metrics);
    event->step_seconds = t->step_seconds;
    event->step_count = t->step_seconds ? (int)t->batches : 0;
done:
    return st;
}

static cnn_status evaluate(training *t, cnn_event *event)
{
    cnn_status st = CNN_OK;
    cnn_metrics metrics;
    double start = cnn_clock_monotonic();
    CNN_TRY(cnn_model_evaluate(t->model, t->test, &metrics));
    event->evaluation_seconds = cnn_clock_monotonic() - start;
    event->test_loss = mean_loss(&metrics);
    event->test_error = metrics.images > 0 ? (double)metrics.errors / (double)metrics.images : NAN;
done:
    return st;
}

static cnn_status train_epochs(training *t, cnn_event_sink sink, void *user)
{
    cnn_status st = CNN_OK;
    for (int epoch = 0; epoch < t->spec->train.epochs && !t->diverged; epoch++) {
        cnn_event event = cnn_event_make(CNN_EVENT_EPOCH);
        event.epoch = epoch;
        CNN_TRY(train_epoch(t, epoch, &event));
        CNN_TRY(evaluate(t, &event));
        t->train_seconds += event.seconds;
        t->diverged = !isfinite(event.train_loss) || !isfinite(event.test_loss);
        CNN_TRY(sink(user, &event));
    }
done:
    return st;
}

static cnn_status send_ready(const training *t, cnn_event_sink sink, void *user)
{
    cnn_ops_info info;
    cnn_event event = cnn_event_make(CNN_EVENT_READY);
    cnn_ops_describe(t->ops, &info);
    event.parameters = t->net.parameter_total;
    event.train_images = t->train->count;
    event.test_images = t->test->count;
    event.threads = info.threads;
    cnn_copy_string(event.data_checksum, sizeof event.data_checksum, t->data_checksum);
    cnn_copy_string(event.backend, sizeof event.backend, info.backend);
    cnn_copy_string(event.versions, sizeof event.versions, info.version);
    cnn_copy_string(event.device, sizeof event.device, info.device);
    event.setup_seconds = cnn_clock_process_age();
    return sink(user, &event);
}

/** Where the specification asks for it: the final weights as a file. */
static cnn_status write_weights(const training *t)
{
    cnn_status st = CNN_OK;
    const char *path = t->spec->weights_out;
    const size_t n = (size_t)t->net.parameter_total;
    FILE *file = NULL;
    if (!path || !path[0])
        return CNN_OK;
    CNN_CHECK((file = fopen(path, "we")) != NULL, CNN_EIO, "cannot write weights to '%s': %s", path,
              strerror(errno));
    const bool whole = fwrite(t->weights, sizeof *t->weights, n, file) == n;
    const bool closed = fclose(file) == 0;
    CNN_CHECK(whole && closed, CNN_EIO, "cannot write weights to '%s': %s", path, strerror(errno));
done:
    return st;
}

static cnn_status send_done(training *t, cnn_event_sink sink, void *user)
{
    cnn_status st = CNN_OK;
    cnn_event event = cnn_event_make(CNN_EVENT_DONE);
    CNN_TRY(cnn_model_parameters(t->model, t->weights));
    CNN_TRY(write_weights(t));
    snprintf(event.checksum, sizeof event.checksum, "%016" PRIx64,
             cnn_network_checksum(&t->net, t->weights));
    event.train_seconds = t->train_seconds;
    event.diverged = t->diverged;
    event.total_seconds = cnn_clock_process_age();
    CNN_TRY(sink(user, &event));
done:
    return st;
}

/* "problem candidate 1.23 us" or "problem candidate left out", a line each -> "problem candidate 1.23
 * candidate -;problem ...". What does not fit is left out from a whole problem on. */
static void pack_timings(const char *lines, size_t room, char *out)
{
    cnn_text text = {0};
    size_t fits = 0, length = 0; /* of the text; of the problem at hand */
    const char *problem = "";
    for (const char *line = lines, *next; *line; line = next) {
        const size_t name = strcspn(line, " "), candidate = strcspn(line + name + 1, " ");
        const char *time = line + name + 1 + candidate + 1;
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (name != length || strncmp(problem, line, name) != 0) {
            fits = text.len < room ? text.len : fits;
            problem = line;
            length = name;
            cnn_text_printf(&text, "%s%.*s", text.len ? ";" : "", (int)name, line);
        }
        cnn_text_printf(&text, " %.*s %.*s", (int)candidate, line + name + 1,
                        *time == 'l' ? 1 : (int)strcspn(time, " "), *time == 'l' ? "-" : time);
    }
    fits = text.len < room ? text.len : fits;
    snprintf(out, room, "%.*s", (int)fits, text.s ? text.s : "");
    cnn_text_free(&text);
}

/** Reports what set-up has chosen, and the times that it rests on. */
static cnn_status send_tuned(const training *t, cnn_event_sink sink, void *user)
{
    cnn_status st = CNN_OK;
    cnn_event event = cnn_event_make(CNN_EVENT_TUNED);
    cnn_text text = {0}, timings = {0};
    CNN_TRY(cnn_ops_algorithms(t->ops, &text));
    CNN_TRY(cnn_text_status(&text));
    CNN_CHECK(text.len < sizeof event.algorithms, CNN_EBACKEND,
              "the algorithms take %zu bytes of text; at most %zu can be reported", text.len,
              sizeof event.algorithms - 1);
    cnn_copy_string(event.algorithms, sizeof event.algorithms, text.s ? text.s : "");
    CNN_TRY(cnn_ops_timings(t->ops, &timings));
    CNN_TRY(cnn_text_status(&timings));
    pack_timings(timings.s ? timings.s : "", sizeof event.timings, event.timings);
    CNN_TRY(sink(user, &event));
done:
    cnn_text_free(&text);
    cnn_text_free(&timings);
    return st;
}

/* On standard error, as the table of a run is on standard output. */
static cnn_status print_timings(const training *t)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    CNN_TRY(cnn_ops_timings(t->ops, &text));
    fprintf(stderr, "%s", text.s ? text.s : "");
done:
    cnn_text_free(&text);
    return st;
}

cnn_status cnn_train_run(const cnn_spec *spec, cnn_event_sink sink, void *user)
{
    cnn_status st = CNN_OK;
    training t;
    CNN_TRY(set_up(spec, false, &t));
    cnn_dataset_destroy(&t.data); /* the feeds have their own copies */
    CNN_TRY(warm_up(&t));
    if (spec->verbose)
        CNN_TRY(print_timings(&t));
    if (spec->tune) {
        CNN_TRY(send_tuned(&t, sink, user));
        goto done;
    }
    CNN_TRY(send_ready(&t, sink, user));
    CNN_TRY(train_epochs(&t, sink, user));
    CNN_TRY(send_done(&t, sink, user));
done:
    tear_down(&t);
    return st;
}

cnn_status cnn_train_describe(const cnn_spec *spec, cnn_text *out)
{
    cnn_status st = CNN_OK;
    training t;
    CNN_TRY(set_up(spec, true, &t));
    cnn_text_printf(out, "%s on %s: %d training and %d test images, found in %s\n\n",
                    spec->network.name, spec->source.name, t.train->count, t.test->count,
                    t.data->found);
    cnn_network_describe(&t.net, out);
    cnn_text_append(out, "\n");
    cnn_model_describe(t.model, out);
    CNN_TRY(cnn_text_status(out));
done:
    tear_down(&t);
    return st;
}
