/* SPDX-License-Identifier: Apache-2.0 */
/** cnntrain-simulate: plays the runs of a simulated framework. The times and errors that it reports
 *  are drawn from the truth that the job states (simulate/draw.h). */
#include "base/clock.h"
#include "simulate/draw.h"
#include "trainer/main.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void sleep_for(double seconds)
{
    struct timespec left = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    while (seconds > 0 && nanosleep(&left, &left) != 0)
        continue;
}

static cnn_status send_ready(const cnn_spec *spec, cnn_event_sink sink, void *user)
{
    const cnn_truth *truth = &spec->simulate->truth;
    cnn_event event = cnn_event_make(CNN_EVENT_READY);
    event.parameters = truth->reports.parameters;
    event.train_images = truth->reports.train_images;
    event.test_images = truth->reports.test_images;
    event.threads = truth->reports.threads ? truth->reports.threads : spec->threads;
    snprintf(event.backend, sizeof event.backend, "simulate");
    snprintf(event.versions, sizeof event.versions, "cnntrain-simulate %s", CNN_VERSION);
    snprintf(event.device, sizeof event.device, "simulated");
    event.setup_seconds = cnn_clock_process_age();
    return sink(user, &event);
}

/** diverged: it is the last epoch of a run whose loss is not finite. */
static cnn_status send_epoch(const cnn_simulated_result *r, int epoch, int epochs, bool diverged,
                             cnn_event_sink sink, void *user)
{
    cnn_event event = cnn_event_make(CNN_EVENT_EPOCH);
    event.epoch = epoch;
    event.seconds = r->epoch_seconds;
    event.test_error = cnn_simulated_error(r, epoch, epochs);
    event.test_loss = diverged ? NAN : cnn_simulated_loss(event.test_error);
    event.train_loss = event.test_loss;
    event.evaluation_seconds = 0;
    return sink(user, &event);
}

static cnn_status send_done(const cnn_simulated_result *r, cnn_event_sink sink, void *user)
{
    cnn_event event = cnn_event_make(CNN_EVENT_DONE);
    for (int epoch = 0; epoch < r->epochs; epoch++)
        event.train_seconds = (epoch > 0 ? event.train_seconds : 0) + r->epoch_seconds;
    cnn_copy_string(event.checksum, sizeof event.checksum, r->checksum);
    event.diverged = r->end == CNN_SIMULATED_DIVERGED;
    event.total_seconds = cnn_clock_process_age();
    return sink(user, &event);
}

/** Ends as an attempt that fails does; returns only for an error that is to be reported. */
static cnn_status fail(cnn_simulated_end end)
{
    switch (end) {
    case CNN_SIMULATED_EXIT:
        fprintf(stderr, "simulated failure: exit without an error event\n");
        exit(9);
    case CNN_SIMULATED_SIGNAL:
        fprintf(stderr, "simulated failure: a signal\n");
        raise(SIGKILL);
        break;
    case CNN_SIMULATED_HANG:
        fprintf(stderr, "simulated failure: no further event\n");
        for (;;)
            pause();
    default:
        break;
    }
    return cnn_error_set(CNN_EBACKEND, "simulated failure: an error event");
}

static cnn_status check(const cnn_spec *spec)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(spec->simulate, CNN_EUSAGE,
              "the specification has no member 'simulate', and this trainer only plays what a job "
              "states there: framework: {name: ..., simulate: {...}}");
    CNN_CHECK(!spec->tune, CNN_EUSAGE, "a simulated framework has nothing to tune");
done:
    return st;
}

static cnn_status run(const cnn_spec *spec, cnn_event_sink sink, void *user)
{
    cnn_status st = CNN_OK;
    const int epochs = spec->train.epochs;
    CNN_TRY(check(spec));
    const cnn_simulated_result r =
        cnn_simulate_run(spec->simulate, spec->framework, spec->run, spec->seed, epochs);
    CNN_TRY(send_ready(spec, sink, user));
    for (int epoch = 0; epoch < r.epochs; epoch++) {
        const bool diverged = r.end == CNN_SIMULATED_DIVERGED && epoch == r.epochs - 1;
        sleep_for(r.epoch_seconds * spec->simulate->truth.sleep);
        CNN_TRY(send_epoch(&r, epoch, epochs, diverged, sink, user));
    }
    if (r.end == CNN_SIMULATED_DONE || r.end == CNN_SIMULATED_DIVERGED)
        CNN_TRY(send_done(&r, sink, user));
    else
        CNN_TRY(fail(r.end));
done:
    return st;
}

static cnn_status describe(const cnn_spec *spec, cnn_text *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(check(spec));
    cnn_simulation_write_json(spec->simulate, out);
    CNN_TRY(cnn_text_status(out));
done:
    return st;
}

int main(int argc, char **argv)
{
    static const cnn_trainer trainer = {run, describe};
    return cnn_trainer_main(argc, argv, &trainer);
}
