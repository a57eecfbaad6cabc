/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer_process.h"

#include "base/checksum.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { EVENTS = 3 };

/** In the child: 0, 1, 2 and perhaps 3 become the files. */
static _Noreturn void become(char *const *argv, const char *events, FILE *const files[4])
{
    int safe[4];
    for (int i = 0; i < 4; i++)
        safe[i] = fcntl(fileno(files[i]), F_DUPFD, 10);
    for (int i = 0; i < 3; i++)
        dup2(safe[i], i);
    unsetenv("CNN_EVENTS_FD");
    unsetenv("PYTHONUNBUFFERED"); /* hides what is lost between buffers */
    if (events)
        setenv("CNN_EVENTS_FD", events, 1);
    if (events && strcmp(events, "3") == 0)
        dup2(safe[3], EVENTS);
    execvp(argv[0], argv);
    fprintf(stderr, "cannot run %s\n", argv[0]);
    _exit(127);
}

static char *read_back(FILE *f)
{
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    char *s = calloc((size_t)n + 1, 1);
    rewind(f);
    assert_non_null(s);
    assert_int_equal(fread(s, 1, (size_t)n, f), n);
    fclose(f);
    return s;
}

trainer_process trainer_process_run(char *const *argv, const char *events, const char *input)
{
    FILE *files[4]; /* input, output, error, events */
    int code;
    for (int i = 0; i < 4; i++)
        assert_non_null(files[i] = tmpfile());
    fputs(input ? input : "", files[0]);
    rewind(files[0]);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(argv, events, files);
    assert_int_equal(waitpid(pid, &code, 0), pid);
    trainer_process p = {.status = WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code)};
    fclose(files[0]);
    p.out = read_back(files[1]);
    p.err = read_back(files[2]);
    p.events = read_back(files[3]);
    return p;
}

void trainer_process_free(trainer_process *p)
{
    free(p->out);
    free(p->err);
    free(p->events);
    *p = (trainer_process){0};
}

/** The next line of *text as an event; false at the end. */
static bool next_event(const char **text, cnn_event *event)
{
    size_t n = strcspn(*text, "\n");
    if (!**text)
        return false;
    assert_int_equal((*text)[n], '\n');
    if (cnn_event_parse(*text, n, event) != CNN_OK)
        fail_msg("%s: %.*s", cnn_error_message(), (int)n, *text);
    *text += n + 1;
    return true;
}

static void check_epoch(const cnn_event *e, int expected)
{
    assert_int_equal(e->kind, CNN_EVENT_EPOCH);
    assert_int_equal(e->epoch, expected);
    assert_true(e->seconds > 0 && e->evaluation_seconds > 0);
    assert_true(e->test_error >= 0 && e->test_error <= 1);
}

trainer_story trainer_story_read(const trainer_process *p, int epochs)
{
    trainer_story s = {0};
    const char *text = p->events;
    double seconds = 0;
    cnn_event e;
    if (p->status != 0)
        fail_msg("exit status %d: %s%s", p->status, p->err, p->events);
    assert_true(next_event(&text, &s.ready));
    assert_int_equal(s.ready.kind, CNN_EVENT_READY);
    assert_true(s.ready.setup_seconds > 0);
    while (next_event(&text, &e) && e.kind == CNN_EVENT_EPOCH) {
        assert_in_range(s.epoch_count, 0, 15);
        check_epoch(&e, s.epoch_count);
        s.epochs[s.epoch_count++] = e;
        seconds += e.seconds;
    }
    s.done = e;
    assert_int_equal(e.kind, CNN_EVENT_DONE);
    assert_false(next_event(&text, &e));
    assert_int_equal(s.done.diverged, epochs < 0);
    assert_true(epochs < 0 || s.epoch_count == epochs);
    assert_true(fabs(s.done.train_seconds - seconds) < 1e-9 * (1 + seconds));
    assert_true(strlen(s.done.checksum) > 0);
    return s;
}

void assert_trainer_failed(const trainer_process *p, int status, const char *text)
{
    cnn_event e = {.kind = CNN_EVENT_DONE};
    const char *events = p->events;
    if (p->status != status)
        fail_msg("exit status %d, not %d: %s%s", p->status, status, p->err, p->events);
    while (next_event(&events, &e))
        assert_true(e.kind != CNN_EVENT_DONE);
    assert_int_equal(e.kind, CNN_EVENT_ERROR);
    if (!strstr(e.message, text))
        fail_msg("the error should say '%s': %s", text, e.message);
    assert_non_null(strstr(p->err, text));
}

void assert_weights_are_written(char *const *argv, const char *spec)
{
    static const char first[] = "{\"protocol\":1,";
    char path[] = "/tmp/weights-XXXXXX", checksum[20], *bytes;
    size_t n;
    close(mkstemp(path));
    assert_memory_equal(spec, first, sizeof first - 1);
    char *asked =
        cnn_asprintf("{\"protocol\":2,\"weights_out\":\"%s\",%s", path, spec + sizeof first - 1);
    trainer_process p = trainer_process_run(argv, "3", asked);
    trainer_story s = trainer_story_read(&p, 1);
    assert_int_equal(cnn_read_file(path, 1 << 24, &bytes, &n), CNN_OK);
    assert_int_equal(n, 4 * s.ready.parameters);
    snprintf(checksum, sizeof checksum, "%016" PRIx64, cnn_checksum(CNN_CHECKSUM_START, bytes, n));
    assert_string_equal(s.done.checksum, checksum);
    trainer_process_free(&p);
    free(bytes);
    free(asked);
    unlink(path);
}

void assert_losses_agree(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b))))
        fail_msg("%.9g and %.9g differ by more than %g", a, b, tolerance);
}

const char *trainer_find_python(const char *modules)
{
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    char script[128];
    snprintf(script, sizeof script, "import %s", modules);
    for (size_t i = 0; i < sizeof pythons / sizeof pythons[0]; i++) {
        char *argv[] = {(char *)pythons[i], "-c", script, NULL};
        trainer_process p = trainer_process_run(argv, NULL, NULL);
        bool found = p.status == 0;
        trainer_process_free(&p);
        if (found)
            return pythons[i];
    }
    return NULL;
}

const char *trainer_fashion_mnist(void)
{
    static const char folder[] = "/usr/share/datasets/fashion-mnist";
    if (access("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", R_OK) == 0)
        return folder;
    print_message("skipped: %s is missing (package dataset-fashion-mnist)\n", folder);
    return NULL;
}
