/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/main.h"

#include "base/clock.h"
#include "base/printable.h"
#include "trainer/options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SPEC_BYTES = 1 << 20 };

static int exit_status(cnn_status st)
{
    switch (st) {
    case CNN_OK:
        return 0;
    case CNN_EUSAGE:
        return 2;
    case CNN_EDATA:
    case CNN_EENV:
        return 3;
    default:
        return 1;
    }
}

/* ---- by protocol --------------------------------------------------------------------------- */

static cnn_status write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, s, n);
        if (done < 0 && errno != EINTR)
            return cnn_error_set(CNN_EIO, "cannot write an event: %s", strerror(errno));
        s += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return CNN_OK;
}

/** A cnn_event_sink: one line to the descriptor that user points to. */
static cnn_status send_event(void *user, const cnn_event *event)
{
    cnn_status st = CNN_OK;
    cnn_text line = {0};
    cnn_event_write(event, &line);
    CNN_TRY(cnn_text_status(&line));
    CNN_TRY(write_all(*(const int *)user, line.s, line.len));
done:
    cnn_text_free(&line);
    return st;
}

static cnn_status read_all(int fd, cnn_text *out)
{
    cnn_status st = CNN_OK;
    char bytes[4096];
    ssize_t n;
    do {
        n = read(fd, bytes, sizeof bytes);
        CNN_CHECK(n >= 0 || errno == EINTR, CNN_EIO, "cannot read the specification: %s",
                  strerror(errno));
        cnn_text_append_bytes(out, bytes, n > 0 ? (size_t)n : 0);
        CNN_CHECK(out->len <= MAX_SPEC_BYTES, CNN_EUSAGE,
                  "the specification on standard input is longer than %d bytes", MAX_SPEC_BYTES);
    } while (n != 0);
    CNN_TRY(cnn_text_status(out));
done:
    return st;
}

static cnn_status open_events(const char *name, int *out)
{
    cnn_status st = CNN_OK;
    int64_t fd;
    CNN_CHECK(cnn_parse_int(name, &fd) && fd >= 0 && fd <= INT32_MAX, CNN_EUSAGE,
              "CNN_EVENTS_FD is '%s', which is no descriptor's number", name);
    CNN_CHECK(fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0, CNN_EUSAGE,
              "CNN_EVENTS_FD is %s, but that descriptor is not open", name);
    *out = (int)fd;
done:
    return st;
}

static int train_by_protocol(const char *events, const cnn_trainer *trainer)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    cnn_spec spec = {0};
    int fd = -1;
    CNN_TRY(open_events(events, &fd));
    CNN_TRY(read_all(STDIN_FILENO, &text));
    CNN_TRY(cnn_spec_parse(text.s, &spec));
    CNN_TRY(trainer->run(&spec, send_event, &fd));
done:
    if (st != CNN_OK) {
        cnn_event event = cnn_event_make(CNN_EVENT_ERROR);
        cnn_copy_string(event.message, sizeof event.message, cnn_error_message());
        cnn_printf(stderr, "error: %s\n", cnn_error_message());
        if (fd >= 0)
            send_event(&fd, &event);
    }
    cnn_spec_free(&spec);
    cnn_text_free(&text);
    return exit_status(st);
}

/* ---- by hand ------------------------------------------------------------------------------- */

/** What the table remembers between events. */
typedef struct {
    int64_t train_images;
    int epochs;
    double evaluation_seconds;
} table;

static void print_ready(table *t, const cnn_event *e)
{
    t->train_images = e->train_images;
    printf("  set-up   %.2f s, warm-up step included\n", e->setup_seconds);
    printf("  network  %lld parameters\n", (long long)e->parameters);
    printf("  images   %lld for training, %lld for testing\n", (long long)e->train_images,
           (long long)e->test_images);
    cnn_printf(stdout, "  backend  %s on %s, %d thread%s\n\n", e->versions, e->device, e->threads,
               e->threads == 1 ? "" : "s");
    printf("  epoch  seconds  images/s  train loss  test loss  test error  evaluation s\n");
}

static void print_epoch(table *t, const cnn_event *e)
{
    t->epochs++;
    t->evaluation_seconds += e->evaluation_seconds;
    printf("  %5d %8.2f %9.0f  %10.4f %10.4f  %8.2f %%  %12.2f\n", e->epoch + 1, e->seconds,
           e->seconds > 0 ? (double)t->train_images / e->seconds : 0, e->train_loss, e->test_loss,
           100 * e->test_error, e->evaluation_seconds);
}

static void print_done(const table *t, const cnn_event *e)
{
    double images = (double)t->train_images * t->epochs;
    printf("\n  training %.2f s (%.0f images/s), evaluation %.2f s, the whole process %.2f s\n",
           e->train_seconds, e->train_seconds > 0 ? images / e->train_seconds : 0,
           t->evaluation_seconds, e->total_seconds);
    if (e->diverged)
        printf("  diverged: the loss is not finite, so training ended early\n");
    cnn_printf(stdout, "  checksum of the weights %s\n", e->checksum);
}

/** A cnn_event_sink: prints a readable table as it goes. */
static cnn_status print_event(void *user, const cnn_event *event)
{
    if (event->kind == CNN_EVENT_READY)
        print_ready(user, event);
    else if (event->kind == CNN_EVENT_EPOCH)
        print_epoch(user, event);
    else if (event->kind == CNN_EVENT_DONE)
        print_done(user, event);
    else if (event->kind == CNN_EVENT_TUNED)
        cnn_printf(stdout, "  algorithms: %s\n",
                   event->algorithms[0] ? event->algorithms : "nothing to choose");
    if (fflush(stdout) != 0)
        return cnn_error_set(CNN_EIO, "cannot write to standard output: %s", strerror(errno));
    return CNN_OK;
}

/** Prints text that has been gathered, on a standard output that may be a full disk. */
static cnn_status print_text(cnn_status st, cnn_text *text)
{
    if (st == CNN_OK)
        st = cnn_text_status(text);
    if (st == CNN_OK)
        cnn_print(stdout, text->s ? text->s : "");
    cnn_text_free(text);
    if (st == CNN_OK && (ferror(stdout) || fflush(stdout) != 0))
        st = cnn_error_set(CNN_EIO, "cannot write to standard output: %s", strerror(errno));
    return st;
}

static cnn_status print_help(const char *program)
{
    cnn_text text = {0};
    return print_text(cnn_trainer_options_help(program, &text), &text);
}

static cnn_status print_version(const char *program)
{
    cnn_text text = {0};
    cnn_text_printf(&text, "%s %s, run protocols 1 to %d\n", program, CNN_VERSION,
                    CNN_PROTOCOL_VERSION);
    return print_text(CNN_OK, &text);
}

static cnn_status print_plan(const cnn_spec *spec, const cnn_trainer *trainer)
{
    cnn_text text = {0};
    return print_text(trainer->describe(spec, &text), &text);
}

static cnn_status print_spec(const cnn_spec *spec)
{
    cnn_text text = {0};
    cnn_spec_write(spec, &text);
    cnn_text_append(&text, "\n");
    return print_text(CNN_OK, &text);
}

static cnn_status train_by_hand(const cnn_spec *spec, const cnn_trainer *trainer)
{
    table t = {0};
    cnn_printf(stdout, "%s path, %s on %s, seed %u\n", cnn_path_names[spec->path],
               spec->network.name, spec->source.name, (unsigned)spec->seed);
    return trainer->run(spec, print_event, &t);
}

static const char *program_name(const char *argv0)
{
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    return slash ? slash + 1 : argv0 ? argv0 : "cnntrain";
}

static int run_by_hand(int argc, char **argv, const cnn_trainer *trainer)
{
    cnn_trainer_options options;
    const char *program = program_name(argc > 0 ? argv[0] : NULL);
    cnn_status st = cnn_trainer_options_read(argc, argv, &options);
    if (st == CNN_OK && options.help)
        st = print_help(program);
    else if (st == CNN_OK && options.version)
        st = print_version(program);
    else if (st == CNN_OK)
        st = options.print_spec ? print_spec(&options.spec)
             : options.plan     ? print_plan(&options.spec, trainer)
                                : train_by_hand(&options.spec, trainer);
    if (st != CNN_OK)
        cnn_printf(stderr, "%s: error: %s\n", program, cnn_error_message());
    cnn_trainer_options_free(&options);
    return exit_status(st);
}

/** Arguments that only ask something are answered in either mode. */
static int asks_only(int argc, char **argv)
{
    return argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0);
}

int cnn_trainer_main(int argc, char **argv, const cnn_trainer *trainer)
{
    const char *events = getenv("CNN_EVENTS_FD");
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error like others: EFBIG */
    if (!events || asks_only(argc, argv))
        return run_by_hand(argc, argv, trainer);
    if (argc > 1) {
        fprintf(stderr, "error: with CNN_EVENTS_FD set, the specification comes on standard input "
                        "and no arguments are taken\n");
        return 2;
    }
    return train_by_protocol(events, trainer);
}
