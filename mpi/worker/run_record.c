/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/run_record.h"

#include "base/printable.h"
#include "base/text.h"
#include "host/log_reason.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cnn_status cnn_record_create(int epoch_room, cnn_record *out)
{
    cnn_status st = CNN_OK;
    *out = (cnn_record){.epoch_room = epoch_room};
    out->epochs = calloc((size_t)epoch_room + 1, sizeof *out->epochs);
    CNN_CHECK(out->epochs != NULL, CNN_ENOMEM, "record of %d epochs", epoch_room);
    cnn_record_begin(out, 0);
done:
    return st;
}

void cnn_record_free(cnn_record *record)
{
    free(record->epochs);
    record->epochs = NULL;
}

void cnn_record_begin(cnn_record *r, int planned_epochs)
{
    r->planned_epochs = planned_epochs;
    r->tuning = false;
    r->algorithms[0] = r->timings[0] = '\0';
    r->ready = r->done = r->error = r->broken = r->diverged = false;
    r->reason[0] = '\0';
    r->given_threads = 0;
    r->total_seconds = NAN;
    r->times = (cnn_record_times){.look = NAN, .after = NAN, .ready = NAN, .last_epoch = NAN};
    r->row = cnn_measured_unknown();
    r->row.epochs_done = 0;
    for (int e = 0; e < r->epoch_room; e++)
        r->epochs[e] = cnn_epoch_row_unknown();
}

void cnn_record_begin_tuning(cnn_record *r)
{
    cnn_record_begin(r, 0);
    r->tuning = true;
}

__attribute__((format(printf, 2, 3))) static void explain(cnn_record *r, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cnn_copy_printable(r->reason, sizeof r->reason, text, false);
}

__attribute__((format(printf, 2, 3))) static bool break_off(cnn_record *r, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    explain(r, "%s", text);
    r->broken = true;
    return false;
}

static bool is_measurement(const cnn_record *r)
{
    return r->rules && r->rules->is_measurement;
}

/** The last value that was reported counts. */
static void take_metrics(cnn_record *r, const cnn_event *e)
{
    for (int i = 0; r->rules && i < r->rules->metric_count; i++)
        if (!isnan(e->metrics[i]))
            cnn_measured_set_metric(&r->row, i, e->metrics[i]);
}

static bool take_ready(cnn_record *r, const cnn_event *e)
{
    if (r->ready)
        return break_off(r, "a second ready event");
    if (e->threads >= 0 && e->threads < r->given_threads)
        return break_off(r,
                         "it uses %d of the %d CPU threads that it was given (compare: {allow: "
                         "[threads]} permits that)",
                         e->threads, r->given_threads);
    r->ready = true;
    r->row.setup_seconds = e->setup_seconds;
    r->row.parameters = e->parameters;
    r->row.train_images = e->train_images;
    r->row.test_images = e->test_images;
    if (e->threads >= 0)
        r->row.threads = e->threads;
    cnn_copy_printable(r->row.backend, sizeof r->row.backend, e->backend, false);
    cnn_copy_printable(r->row.versions, sizeof r->row.versions, e->versions, false);
    cnn_copy_printable(r->row.data_checksum, sizeof r->row.data_checksum, e->data_checksum, false);
    return true;
}

/** Whether the numbers of an epoch can be. Cross-entropy is never negative, but for rounding. */
static bool check_epoch(cnn_record *r, const cnn_event *e)
{
    static const double least_loss = -1e-6;
    if (e->test_error < 0 || e->test_error > 1)
        return break_off(r, "test_error of epoch %d is %.6g, not between 0 and 1", e->epoch,
                         e->test_error);
    if (e->train_loss < least_loss || e->test_loss < least_loss)
        return break_off(r, "a loss of epoch %d is %.6g: cross-entropy is never negative", e->epoch,
                         fmin(e->train_loss, e->test_loss));
    if (e->seconds <= 0)
        return break_off(r, "epoch %d took 0 s: the clock did not run", e->epoch);
    return true;
}

static bool take_epoch(cnn_record *r, const cnn_event *e)
{
    if (!r->ready)
        return break_off(r, "an epoch event before ready");
    if (r->row.epochs_done >= r->planned_epochs || r->row.epochs_done >= r->epoch_room)
        return break_off(r, "event of epoch %d, after all %d epochs", e->epoch, r->planned_epochs);
    if (e->epoch != r->row.epochs_done)
        return break_off(r, "event of epoch %d, when epoch %d was due (counted from 0)", e->epoch,
                         r->row.epochs_done);
    if (!check_epoch(r, e))
        return false;
    take_metrics(r, e);
    r->times.last_epoch = r->times.after;
    r->epochs[e->epoch] = (cnn_epoch_row){.epoch_seconds = e->seconds,
                                          .epoch_train_loss = e->train_loss,
                                          .epoch_test_loss = e->test_loss,
                                          .epoch_test_error = e->test_error,
                                          .epoch_evaluation_seconds = e->evaluation_seconds};
    r->row.epochs_done++;
    r->row.train_loss = e->train_loss;
    r->row.test_loss = e->test_loss;
    r->row.test_error = e->test_error;
    const double before = isnan(r->row.evaluation_seconds) ? 0 : r->row.evaluation_seconds;
    if (!isnan(e->evaluation_seconds)) /* of a measurement it may be missing */
        r->row.evaluation_seconds = before + e->evaluation_seconds;
    return true;
}

/** Whether any epoch had a loss that is not finite. */
static bool has_infinite_loss(const cnn_record *r)
{
    for (int e = 0; e < r->row.epochs_done; e++)
        if (!isfinite(r->epochs[e].epoch_train_loss) || !isfinite(r->epochs[e].epoch_test_loss))
            return true;
    return false;
}

static double sum_of_epochs(const cnn_record *r)
{
    double sum = 0;
    for (int e = 0; e < r->row.epochs_done; e++)
        sum += r->epochs[e].epoch_seconds;
    return sum;
}

/** Whether train_seconds is the sum of the epochs', but for rounding. */
static bool check_sum(cnn_record *r, const cnn_event *e)
{
    const double sum = sum_of_epochs(r);
    if (fabs(e->train_seconds - sum) > 1e-3 * sum + 1e-3 * r->row.epochs_done)
        return break_off(r, "train_seconds is %.6g, but the epochs' seconds sum to %.6g",
                         e->train_seconds, sum);
    return true;
}

/** What jobs of both kinds keep of the event. */
static bool keep_done(cnn_record *r, const cnn_event *e, double train_seconds)
{
    r->done = true;
    r->row.train_seconds = train_seconds;
    r->total_seconds = e->total_seconds;
    take_metrics(r, e);
    cnn_copy_printable(r->row.weight_checksum, sizeof r->row.weight_checksum, e->checksum, false);
    return true;
}

/** A measurement needs neither epochs nor losses nor weights. */
static bool take_measured(cnn_record *r, const cnn_event *e)
{
    const int epochs = r->row.epochs_done;
    if (epochs == 0 && !(e->train_seconds > 0))
        return break_off(r, "train_seconds is 0: the clock did not run");
    if (epochs > 0 && !e->diverged && epochs != r->planned_epochs)
        return break_off(r, "done after %d of %d epochs", epochs, r->planned_epochs);
    if (epochs > 0 && !check_sum(r, e))
        return false;
    r->diverged = e->diverged;
    return keep_done(r, e, epochs ? sum_of_epochs(r) : e->train_seconds);
}

static bool take_done(cnn_record *r, const cnn_event *e)
{
    if (!r->ready)
        return break_off(r, "a done event before ready");
    if (is_measurement(r))
        return take_measured(r, e);
    if (!e->diverged && r->row.epochs_done != r->planned_epochs)
        return break_off(r, "done after %d of %d epochs", r->row.epochs_done, r->planned_epochs);
    if (e->diverged && !has_infinite_loss(r))
        return break_off(r, "diverged, but every loss that was reported is finite");
    if (!e->checksum[0])
        return break_off(r, "the checksum of the weights is empty");
    if (!check_sum(r, e))
        return false;
    r->diverged = e->diverged || (r->row.epochs_done > 0 &&
                                  !(isfinite(r->row.train_loss) && isfinite(r->row.test_loss)));
    return keep_done(r, e, sum_of_epochs(r));
}

static bool take_tuned(cnn_record *r, const cnn_event *e)
{
    if (!r->tuning)
        return break_off(r, "a tuned event from a run that was not to tune");
    r->done = true;
    cnn_copy_printable(r->algorithms, sizeof r->algorithms, e->algorithms, true);
    cnn_copy_printable(r->timings, sizeof r->timings, e->timings, true);
    return true;
}

void cnn_record_refuse(cnn_record *r, const char *reason)
{
    break_off(r, "%s", reason);
}

void cnn_record_look(cnn_record *r, double now)
{
    cnn_record_times *t = &r->times;
    if (!isnan(t->ready) && now - t->look >= 1)
        t->unwatched += now - t->look;
    if (r->ready && isnan(t->ready))
        t->ready = now;
    if (t->bytes < CNN_EVENT_MAX_BYTES) /* else the look before may have left something behind */
        t->after = t->look;
    t->look = now;
    t->bytes = 0;
}

bool cnn_record_line(cnn_record *r, const char *line, bool too_long)
{
    cnn_event e;
    r->times.bytes += strlen(line) + 1;
    if (r->broken)
        return false;
    if (too_long)
        return break_off(r, "an event line that is too long");
    if (cnn_event_parse_by(line, strlen(line), r->rules, &e) != CNN_OK)
        return break_off(r, "%s", cnn_error_message());
    if (r->done || r->error)
        return break_off(r, "an event after %s", r->done ? "done" : "error");
    if (r->tuning && e.kind != CNN_EVENT_TUNED && e.kind != CNN_EVENT_ERROR)
        return break_off(r, "it trains, when it was asked to tune");
    switch (e.kind) {
    case CNN_EVENT_READY:
        return take_ready(r, &e);
    case CNN_EVENT_EPOCH:
        return take_epoch(r, &e);
    case CNN_EVENT_DONE:
        return take_done(r, &e);
    case CNN_EVENT_TUNED:
        return take_tuned(r, &e);
    case CNN_EVENT_ERROR:
        r->error = true;
        explain(r, "%s", e.message);
        return true;
    }
    return break_off(r, "an event of an unknown kind");
}

static void explain_exit(cnn_record *r, const cnn_trainer_end *end)
{
    const int code = end->exit_code;
    size_t bytes;
    const char *line = cnn_log_reason(end->log, &bytes);
    const char *colon = bytes ? ": " : "";
    const int n = (int)bytes;
    if (!end->started)
        explain(r, "could not be started%s%.*s", colon, n, line);
    else if (code < 0)
        explain(r, "killed by signal %d (%s)%s%.*s", -code, strsignal(-code), colon, n, line);
    else
        explain(r, "exit code %d%s%.*s", code, colon, n, line);
}

/** Whether the trainer reported more seconds than its process lived. */
static bool reports_too_much(cnn_record *r, double life)
{
    const cnn_measured *row = &r->row;
    const double evaluation = isnan(row->evaluation_seconds) ? 0 : row->evaluation_seconds;
    const double parts = row->setup_seconds + row->train_seconds + evaluation;
    const double reported = fmax(parts, r->total_seconds); /* fmax leaves out NaN */
    if (r->tuning || !(reported > life + 1e-3 * life + 0.01))
        return false;
    explain(r, "reports %.6g s of set-up, training and evaluation, but its process lived %.6g s",
            reported, life);
    return true;
}

/** Whether far more time passed between its events than it reports. Between two epochs a trainer only
 *  orders its images and writes an event: it may spend there as much as it reports, 5 s and 1 s an
 *  epoch. The time that passed is a lower bound, whatever delays the rank (cnn_record_times). */
static bool reports_too_little(cnn_record *r)
{
    const cnn_measured *row = &r->row;
    const double reported =
        row->train_seconds + (isnan(row->evaluation_seconds) ? 0 : row->evaluation_seconds);
    const double passed = r->times.last_epoch - r->times.ready - r->times.unwatched; /* or NaN */
    if (r->tuning || !(passed > 2 * reported + 5 + row->epochs_done))
        return false;
    explain(r, "reports %.6g s of training and evaluation, but %.6g s passed between its events",
            reported, passed);
    return true;
}

cnn_outcome cnn_record_judge(cnn_record *r, const cnn_trainer_end *end)
{
    if (r->broken)
        return CNN_OUTCOME_PROTOCOL;
    if (r->error)
        return CNN_OUTCOME_ERROR;
    if (end->exit_code != 0) {
        explain_exit(r, end);
        return end->exit_code < 0 ? CNN_OUTCOME_SIGNAL : CNN_OUTCOME_EXIT;
    }
    if (!r->done) {
        explain(r, "ended without a %s event", r->tuning ? "tuned" : "done");
        return CNN_OUTCOME_PROTOCOL;
    }
    if (!isnan(end->life_seconds) && /* NaN: simulated seconds */
        (reports_too_much(r, end->life_seconds) || reports_too_little(r)))
        return CNN_OUTCOME_PROTOCOL;
    return r->diverged ? CNN_OUTCOME_DIVERGED : CNN_OUTCOME_DONE;
}
