/* SPDX-License-Identifier: Apache-2.0 */
/** A trainer that trains nothing: it follows the run protocol, quickly, and misbehaves as told.
 *
 *  usage: null_trainer [NAME=VALUE ...]
 *    seconds=S    time that an epoch takes (0.01)
 *    log=TEXT     printed on standard output at the start
 *    note=FILE    a line "RUN SEED PID" is appended at the start, and "RUN SEED end" at the end
 *    data=FILE    its first word is reported as the data's checksum
 *    images=FILE  its first word as the number of training images
 *    parameters=N, threads=N  reported as its own
 *    env=FILE     lines "RUN NAME=VALUE" are appended: the whole environment, and "its threads",
 *                 "its factors" (of the specification), "its cpus" (how many it may use)
 *    tell=FILE    a line "RUN FRAMEWORK CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER ALGORITHMS" is
 *                 appended: those given, "-" without; when asked to tune "tune" and those told
 *    tune=WHAT    when asked to tune: error, exit, silent, train, hang, nothing (to choose), linger
 *                 (hangs after its tuned event)
 *    do=WHAT      for runs that `when` fits, after the first epoch. WHAT,WHAT,...: run r
 *                 does number r modulo their number. They are:
 *                 exit (code 9), crash (SIGSEGV), abort (SIGABRT), hang, stop (SIGSTOP to
 *                 itself), stubborn (ignores signals, hangs), orphan (starts a process, then
 *                 hangs), unsupervised (kills its supervisor, then hangs), error, silent (exit 0 without done), late (exit code 9 after done),
 *                 linger (hangs after done), mute (closes its events, hangs), tardy (SIGSEGV
 *                 after 62 s),
 *                 closed (closes its events, exit 0), garbage, skip (an epoch), again (ready),
 *                 after (done again), long (a line of 100 kB), bytes (that are no text), half
 *                 (an event without its end), flood (50 MB of output, then exit 9), diverge,
 *                 nan, none; env: what the variable named by `where` says
 *    when=N       only for runs whose number is a multiple of N (1: all)
 *    where=NAME   only where the environment has this variable
 *    after=N      only from the start number N of those on, counted in the file NOTE.count
 *    once=FOLDER  only at the first attempt of each run: a file in the folder remembers it
 */
#include "base/text.h"
#include "protocol/event.h"
#include "protocol/spec.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    double seconds;
    const char *log, *note, *data, *images, *env, *tell, *tune, *what, *once, *where;
    int when, after, parameters, threads;
} manners;

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "null_trainer: %s\n", why);
    exit(3);
}

static manners read_arguments(int argc, char **argv)
{
    manners m = {.seconds = 0.01, .when = 1, .parameters = 10};
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        const size_t n = value ? (size_t)(value - argv[i]) : 0;
        if (value && n == 7 && !strncmp(argv[i], "seconds", n))
            m.seconds = atof(value + 1);
        else if (value && n == 4 && !strncmp(argv[i], "data", n))
            m.data = value + 1;
        else if (value && n == 6 && !strncmp(argv[i], "images", n))
            m.images = value + 1;
        else if (value && n == 3 && !strncmp(argv[i], "log", n))
            m.log = value + 1;
        else if (value && n == 4 && !strncmp(argv[i], "note", n))
            m.note = value + 1;
        else if (value && n == 3 && !strncmp(argv[i], "env", n))
            m.env = value + 1;
        else if (value && n == 4 && !strncmp(argv[i], "tell", n))
            m.tell = value + 1;
        else if (value && n == 4 && !strncmp(argv[i], "tune", n))
            m.tune = value + 1;
        else if (value && n == 2 && !strncmp(argv[i], "do", n))
            m.what = value + 1;
        else if (value && n == 4 && !strncmp(argv[i], "when", n))
            m.when = atoi(value + 1);
        else if (value && n == 10 && !strncmp(argv[i], "parameters", n))
            m.parameters = atoi(value + 1);
        else if (value && n == 7 && !strncmp(argv[i], "threads", n))
            m.threads = atoi(value + 1);
        else if (value && n == 5 && !strncmp(argv[i], "where", n))
            m.where = value + 1;
        else if (value && n == 5 && !strncmp(argv[i], "after", n))
            m.after = atoi(value + 1);
        else if (value && n == 4 && !strncmp(argv[i], "once", n))
            m.once = value + 1;
        else
            die(argv[i]);
    }
    return m;
}

static cnn_spec read_spec(void)
{
    cnn_text text = {0};
    cnn_spec spec;
    char bytes[4096];
    for (ssize_t n; (n = read(0, bytes, sizeof bytes)) > 0;)
        cnn_text_append_bytes(&text, bytes, (size_t)n);
    if (!text.s || cnn_spec_parse(text.s, &spec) != CNN_OK)
        die(cnn_error_message());
    cnn_text_free(&text);
    return spec;
}

static void send_event(const cnn_event *event)
{
    cnn_text line = {0};
    const char *fd = getenv("CNN_EVENTS_FD");
    cnn_event_write(event, &line);
    if (!fd || !line.s || write(atoi(fd), line.s, line.len) != (ssize_t)line.len)
        die("cannot write an event");
    cnn_text_free(&line);
}

/** Appends to a file, whole or not at all. */
static void add_line(const char *path, const char *line)
{
    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        die("cannot take a note");
    close(fd);
}

static void take_note(const manners *m, const cnn_spec *spec, const char *what)
{
    char line[128];
    if (!m->note)
        return;
    snprintf(line, sizeof line, "%d %u %s\n", spec->run, (unsigned)spec->seed, what);
    add_line(m->note, line);
}

static void tell_device(const manners *m, const cnn_spec *spec, const char *algorithms)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES"), *order = getenv("CUDA_DEVICE_ORDER");
    char line[512];
    if (!m->tell)
        return;
    snprintf(line, sizeof line, "%d %s %s %s %s\n", spec->run, spec->framework,
             visible ? visible : "unset", order ? order : "unset", algorithms);
    add_line(m->tell, line);
}

static int count_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

static void list_environment(const manners *m, const cnn_spec *spec)
{
    cnn_text lines = {0};
    if (!m->env)
        return;
    for (char **v = environ; *v; v++)
        cnn_text_printf(&lines, "%d %s\n", spec->run, *v);
    cnn_text_printf(&lines, "%d its threads=%d\n%d its factors=%s\n%d its cpus=%d\n", spec->run,
                    spec->threads, spec->run, spec->factors ? spec->factors : "", spec->run,
                    count_cpus());
    add_line(m->env, lines.s ? lines.s : "");
    cnn_text_free(&lines);
}

/** Number of this start, from 0. */
static int count_start(const manners *m)
{
    char path[512];
    struct stat info;
    snprintf(path, sizeof path, "%s.count", m->note);
    if (stat(path, &info) != 0)
        info.st_size = 0;
    add_line(path, "x");
    return (int)info.st_size;
}

/** Whether this run is one that misbehaves. */
static bool is_meant(const manners *m, const cnn_spec *spec)
{
    char path[512];
    if (!m->what || spec->run % m->when != 0 || (m->where && !getenv(m->where)))
        return false;
    if (m->after && count_start(m) < m->after)
        return false;
    if (!m->once)
        return true;
    snprintf(path, sizeof path, "%s/%d", m->once, spec->run);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void pause_for(double seconds)
{
    const struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    nanosleep(&t, NULL);
}

static _Noreturn void hang(void)
{
    for (;;)
        pause();
}

/** What is not one of the program's events. */
static void send_bytes(const char *bytes, size_t n)
{
    const int fd = atoi(getenv("CNN_EVENTS_FD"));
    for (size_t at = 0; at < n;) {
        const ssize_t written = write(fd, bytes + at, n - at);
        if (written <= 0)
            exit(4);
        at += (size_t)written;
    }
}

/** Breaks the protocol, then waits for its end. */
static void babble(const char *what)
{
    static char filler[100000];
    memset(filler, 'x', sizeof filler);
    cnn_event e = cnn_event_make(!strcmp(what, "again") ? CNN_EVENT_READY : CNN_EVENT_EPOCH);
    e.setup_seconds = e.seconds = e.train_loss = e.test_loss = e.test_error = 0.5;
    e.parameters = e.train_images = e.test_images = e.threads = 1;
    e.evaluation_seconds = 0.5;
    e.epoch = 7;
    if (!strcmp(what, "long"))
        send_bytes(filler, sizeof filler);
    else if (!strcmp(what, "bytes"))
        send_bytes("\0\377\376{\0}\n\033[2J\n", 12);
    else if (!strcmp(what, "half"))
        send_bytes("{\"event\": \"epo", 14);
    else
        send_event(&e);
    if (!strcmp(what, "half"))
        exit(0);
    hang();
}

/** Tries to be hard to end, or hard to listen to. */
static void resist(const char *what)
{
    static char filler[65536];
    memset(filler, '.', sizeof filler);
    if (!strcmp(what, "stop"))
        raise(SIGSTOP);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_IGN);
    if (!strcmp(what, "flood")) {
        for (int i = 0; i < 800; i++)
            fwrite(filler, 1, sizeof filler, i % 2 ? stdout : stderr);
        exit(9);
    }
    hang();
}

static bool is_one_of(const char *what, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(what, *list))
            return true;
    return false;
}

static void misbehave(const char *what)
{
    static const char *const babblers[] = {"again", "skip", "long", "bytes", "half", NULL};
    static const char *const resisters[] = {"stop", "stubborn", "flood", NULL};
    if (is_one_of(what, babblers))
        babble(what);
    if (is_one_of(what, resisters))
        resist(what);
    if (!strcmp(what, "abort"))
        abort();
    if (!strcmp(what, "closed") || !strcmp(what, "mute")) {
        close(atoi(getenv("CNN_EVENTS_FD")));
        if (!strcmp(what, "mute"))
            hang();
        exit(0);
    }
    cnn_event e = cnn_event_make(CNN_EVENT_ERROR);
    if (!strcmp(what, "exit")) {
        fprintf(stderr, "first line\n\033[31mlast \377 line\033[0m\n");
        exit(9);
    } else if (!strcmp(what, "crash") || !strcmp(what, "tardy")) {
        if (!strcmp(what, "tardy"))
            sleep(62);
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    } else if (!strcmp(what, "hang")) {
        hang();
    } else if (!strcmp(what, "garbage")) {
        dprintf(atoi(getenv("CNN_EVENTS_FD")), "this is no event\n");
        hang();
    } else if (!strcmp(what, "error")) {
        snprintf(e.message, sizeof e.message, "no luck today");
        send_event(&e);
        exit(1);
    } else if (!strcmp(what, "silent")) {
        exit(0);
    } else if (!strcmp(what, "unsupervised")) {
        kill(getppid(), SIGKILL);
        hang();
    } else if (!strcmp(what, "orphan")) {
        if (fork() >= 0)
            hang();
    }
}

static cnn_event epoch_event(const cnn_spec *spec, const manners *m, int epoch)
{
    cnn_event e = cnn_event_make(CNN_EVENT_EPOCH);
    e.epoch = epoch;
    e.seconds = m->seconds;
    e.train_loss = 2.0 / (epoch + 1);
    e.test_loss = 2.5 / (epoch + 1);
    e.test_error = (double)(spec->seed % 1000) / 1000;
    e.evaluation_seconds = 0.0001;
    return e;
}

static void train(const cnn_spec *spec, const manners *m, bool bad)
{
    int epochs = 0;
    cnn_event done = cnn_event_make(CNN_EVENT_DONE);
    for (int epoch = 0; epoch < spec->train.epochs; epoch++) {
        pause_for(m->seconds);
        cnn_event e = epoch_event(spec, m, epoch);
        epochs++;
        const bool last = epoch == spec->train.epochs - 1;
        done.diverged = bad && !strcmp(m->what, "diverge");
        if (done.diverged || (bad && last && !strcmp(m->what, "nan")))
            e.train_loss = NAN;
        send_event(&e);
        if (bad && epoch == 0)
            misbehave(m->what);
        if (done.diverged)
            break;
    }
    done.train_seconds = m->seconds * epochs;
    snprintf(done.checksum, sizeof done.checksum, "%016x", (unsigned)spec->seed);
    send_event(&done);
    if (bad && !strcmp(m->what, "after"))
        send_event(&done);
    if (bad && !strcmp(m->what, "late"))
        exit(9);
    if (bad && !strcmp(m->what, "linger"))
        hang();
}

/** Chooses what no other process would: a word with its own number. */
static void tune(const cnn_spec *spec, const manners *m)
{
    cnn_event e = cnn_event_make(CNN_EVENT_TUNED);
    char line[256];
    if (m->tune && !strcmp(m->tune, "train"))
        return;
    const bool lingers = m->tune && !strcmp(m->tune, "linger");
    if (m->tune && !lingers && strcmp(m->tune, "nothing") != 0)
        misbehave(m->tune);
    else if (!m->tune) {
        snprintf(e.algorithms, sizeof e.algorithms, "%s-by-%ld", spec->framework, (long)getpid());
        snprintf(e.timings, sizeof e.timings, "fwd a 1.50 b -;step %ld", (long)getpid());
    }
    snprintf(line, sizeof line, "tune %.200s", e.algorithms);
    tell_device(m, spec, line);
    send_event(&e);
    if (lingers)
        hang();
    exit(0);
}

/** The run's own of several ways to misbehave. */
static const char *choose(const char *what, int run)
{
    static char one[32];
    int count = 1;
    for (const char *c = what; *c; c++)
        count += *c == ',';
    for (int i = 0; i < run % count; i++)
        what = strchr(what, ',') + 1;
    snprintf(one, sizeof one, "%.*s", (int)strcspn(what, ","), what);
    return one;
}

/** The first word of a file; unchanged without a file. */
static void read_word(const char *path, char *word, size_t n)
{
    char format[16];
    FILE *f = path ? fopen(path, "r") : NULL;
    snprintf(format, sizeof format, "%%%zus", n - 1);
    if (path && (!f || fscanf(f, format, word) != 1))
        die("no word to report");
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    manners m = read_arguments(argc, argv);
    cnn_spec spec = read_spec();
    if (m.what && m.where && !strcmp(m.what, "env"))
        m.what = getenv(m.where);
    if (m.what)
        m.what = choose(m.what, spec.run);
    cnn_event ready = cnn_event_make(CNN_EVENT_READY);
    char pid[32], images[32] = "";
    if (m.log)
        puts(m.log);
    fflush(stdout);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    take_note(&m, &spec, pid);
    list_environment(&m, &spec);
    if (spec.tune)
        tune(&spec, &m);
    tell_device(&m, &spec, spec.algorithms ? spec.algorithms : "-");
    ready.setup_seconds = 0.001;
    ready.parameters = m.parameters;
    ready.train_images = 80;
    read_word(m.data, ready.data_checksum, sizeof ready.data_checksum);
    read_word(m.images, images, sizeof images);
    if (images[0])
        ready.train_images = atoi(images);
    ready.test_images = 20;
    ready.threads = m.threads ? m.threads : spec.threads;
    snprintf(ready.backend, sizeof ready.backend, "null");
    send_event(&ready);
    train(&spec, &m, is_meant(&m, &spec));
    take_note(&m, &spec, "end");
    cnn_spec_free(&spec);
    return 0;
}
