/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts and data in a folder, and gnuplot run there. */
#include "base/text.h"
#include "document/render.h"
#include "figures/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LARGEST_SVG = 64 << 20, LARGEST_MESSAGE = 4096 };

/* In the folder while gnuplot runs, then removed. */
static const char script_name[] = "all.gp", messages_name[] = "gnuplot.messages";

/** Holds the signals by which people end a program until its files are gone again. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigprocmask(SIG_BLOCK, &held, before);
}

static cnn_status write_file(const char *folder, const char *name, const char *ending,
                             const char *text)
{
    cnn_status st = CNN_OK;
    FILE *file = NULL;
    char *path = cnn_asprintf("%s/%s%s", folder, name, ending);
    CNN_CHECK(path, CNN_ENOMEM, "figures");
    CNN_CHECK((file = fopen(path, "w")) != NULL, CNN_EIO, "cannot write '%s': %s", path,
              strerror(errno));
    const bool wrote = fputs(text, file) >= 0;
    const bool closed = fclose(file) == 0;
    CNN_CHECK(wrote && closed, CNN_EIO, "cannot write '%s': %s", path, strerror(errno));
done:
    free(path);
    return st;
}

/** The scripts and tables of all figures. */
static cnn_status write_sources(const cnn_figures *figures, const char *folder)
{
    cnn_status st = CNN_OK;
    cnn_text csv = {0};
    for (int i = 0; i < figures->count; i++) {
        const cnn_figure *f = figures->items[i];
        CNN_TRY(write_file(folder, f->name, ".gp", f->script.s));
        for (int t = 0; t < f->tables.item_count; t++) {
            const char *name = f->tables.items[t].table->name;
            cnn_text_free(&csv);
            cnn_render_csv(&f->tables, name, &csv);
            CNN_TRY(cnn_text_status(&csv));
            CNN_TRY(write_file(folder, name, ".csv", csv.s));
        }
    }
done:
    cnn_text_free(&csv);
    return st;
}

/** A script that runs those of all figures one after the other. */
static cnn_status write_script(const cnn_figures *figures, const char *folder, bool with_pdf)
{
    cnn_status st = CNN_OK;
    cnn_text t = {0};
    for (int pdf = 0; pdf <= (with_pdf ? 1 : 0); pdf++)
        for (int i = 0; i < figures->count; i++)
            cnn_text_printf(
                &t, "reset session\npdf = %d\nload '%s.gp'\nunset multiplot\nunset output\n", pdf,
                figures->items[i]->name);
    CNN_TRY(cnn_text_status(&t));
    CNN_TRY(write_file(folder, script_name, "", t.s ? t.s : ""));
done:
    cnn_text_free(&t);
    return st;
}

/** Runs gnuplot in a folder, with the signals `mask` held; its messages go to a file there. */
static cnn_status run_gnuplot(const char *folder, const sigset_t *mask)
{
    cnn_status st = CNN_OK;
    char *const arguments[] = {"gnuplot", (char *)script_name, NULL};
    char *messages = cnn_asprintf("%s/%s", folder, messages_name), *said = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    bool has_actions = false, has_attributes = false;
    pid_t pid;
    int ended = 0;
    CNN_CHECK(messages, CNN_ENOMEM, "figures");
    has_actions = posix_spawn_file_actions_init(&actions) == 0;
    CNN_CHECK(has_actions &&
                  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
                                                   0) == 0 &&
                  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, messages,
                                                   O_WRONLY | O_CREAT | O_TRUNC, 0666) == 0 &&
                  posix_spawn_file_actions_addchdir_np(&actions, folder) == 0,
              CNN_ENOMEM, "figures");
    has_attributes = posix_spawnattr_init(&attributes) == 0;
    CNN_CHECK(has_attributes && posix_spawnattr_setsigmask(&attributes, mask) == 0 &&
                  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) == 0,
              CNN_ENOMEM, "figures");
    const int error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ);
    CNN_CHECK(error == 0, CNN_EENV,
              "cannot run gnuplot, which draws the figures: %s; Debian and Ubuntu have it in the "
              "package gnuplot-nox",
              strerror(error));
    while (waitpid(pid, &ended, 0) < 0)
        CNN_CHECK(errno == EINTR, CNN_EIO, "waiting for gnuplot: %s", strerror(errno));
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
        size_t length = 0;
        const bool is_read = cnn_read_file(messages, LARGEST_MESSAGE, &said, &length) == CNN_OK;
        CNN_CHECK(false, CNN_EENV, "gnuplot could not draw the figures: %s",
                  is_read ? said : "it says more than a message holds");
    }
done:
    if (has_attributes)
        posix_spawnattr_destroy(&attributes);
    if (has_actions)
        posix_spawn_file_actions_destroy(&actions);
    if (messages)
        unlink(messages);
    free(messages);
    free(said);
    return st;
}

/** Draws in a folder that holds the sources. */
static cnn_status draw_in(const cnn_figures *figures, const char *folder, bool with_pdf,
                          const sigset_t *mask)
{
    cnn_status st = CNN_OK;
    char *path = cnn_asprintf("%s/%s", folder, script_name);
    CNN_CHECK(path, CNN_ENOMEM, "figures");
    CNN_TRY(write_script(figures, folder, with_pdf));
    CNN_TRY(run_gnuplot(folder, mask));
done:
    if (path)
        unlink(path);
    free(path);
    return st;
}

static cnn_status read_drawings(cnn_figures *figures, const char *folder)
{
    cnn_status st = CNN_OK;
    char *path = NULL;
    size_t length;
    for (int i = 0; i < figures->count; i++) {
        cnn_figure *f = figures->items[i];
        free(path);
        CNN_CHECK((path = cnn_asprintf("%s/%s.svg", folder, f->name)) != NULL, CNN_ENOMEM,
                  "figures");
        free(f->svg);
        f->svg = NULL;
        CNN_TRY(cnn_read_file(path, LARGEST_SVG, &f->svg, &length));
        CNN_CHECK(strstr(f->svg, "</defs>") && strstr(f->svg, "</svg>"), CNN_EIO,
                  "gnuplot has not written all of '%s': is the disk full?", path);
    }
done:
    free(path);
    return st;
}

static void remove_file(const char *folder, const char *name, const char *ending)
{
    char *path = cnn_asprintf("%s/%s%s", folder, name, ending);
    if (path)
        unlink(path);
    free(path);
}

cnn_status cnn_figures_draw(cnn_figures *figures)
{
    cnn_status st = CNN_OK;
    const char *parent = getenv("TMPDIR");
    char *folder = cnn_asprintf("%s/cnnmpi-XXXXXX", parent && *parent ? parent : "/tmp");
    bool is_made = false;
    sigset_t before;
    hold_signals(&before);
    CNN_CHECK(folder, CNN_ENOMEM, "figures");
    is_made = mkdtemp(folder) != NULL;
    CNN_CHECK(is_made, CNN_EIO, "cannot make the folder '%s': %s", folder, strerror(errno));
    CNN_TRY(write_sources(figures, folder));
    CNN_TRY(draw_in(figures, folder, false, &before));
    CNN_TRY(read_drawings(figures, folder));
done:
    for (int i = 0; is_made && i < figures->count; i++) {
        const cnn_figure *f = figures->items[i];
        remove_file(folder, f->name, ".gp");
        remove_file(folder, f->name, ".svg");
        for (int t = 0; t < f->tables.item_count; t++)
            remove_file(folder, f->tables.items[t].table->name, ".csv");
    }
    if (is_made)
        rmdir(folder);
    free(folder);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return st;
}

static cnn_status check_absent(const char *folder, const char *name, const char *ending)
{
    cnn_status st = CNN_OK;
    char *path = cnn_asprintf("%s/%s%s", folder, name, ending);
    CNN_CHECK(path, CNN_ENOMEM, "figures");
    CNN_CHECK(access(path, F_OK) != 0, CNN_EUSAGE,
              "'%s' exists: --force replaces it, or choose another folder", path);
done:
    free(path);
    return st;
}

/** That no file would be replaced. */
static cnn_status check_all_absent(const cnn_figures *figures, const char *folder)
{
    static const char *const endings[] = {".gp", ".svg", ".pdf"};
    cnn_status st = CNN_OK;
    CNN_TRY(check_absent(folder, script_name, ""));
    CNN_TRY(check_absent(folder, messages_name, ""));
    for (int i = 0; i < figures->count; i++) {
        const cnn_figure *f = figures->items[i];
        for (int e = 0; e < 3; e++)
            CNN_TRY(check_absent(folder, f->name, endings[e]));
        for (int t = 0; t < f->tables.item_count; t++)
            CNN_TRY(check_absent(folder, f->tables.items[t].table->name, ".csv"));
    }
done:
    return st;
}

cnn_status cnn_figures_write(const cnn_figures *figures, const char *folder, bool force)
{
    cnn_status st = CNN_OK;
    sigset_t before;
    hold_signals(&before);
    if (!force)
        CNN_TRY(check_all_absent(figures, folder));
    CNN_CHECK(mkdir(folder, 0777) == 0 || errno == EEXIST, CNN_EIO,
              "cannot make the folder '%s': %s", folder, strerror(errno));
    CNN_TRY(write_sources(figures, folder));
    CNN_TRY(draw_in(figures, folder, true, &before));
done:
    sigprocmask(SIG_SETMASK, &before, NULL);
    return st;
}
