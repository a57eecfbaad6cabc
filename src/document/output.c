/* SPDX-License-Identifier: Apache-2.0 */
#include "document/output.h"

#include "base/paths.h"
#include "base/printable.h"
#include "document/render.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const cnn_report_format_names[] = {"text", "csv",      "latex", "html",
                                               "json", "markdown", NULL};

/** Whether a report is written to what is there: a terminal, another device, a pipe. */
static bool is_stream(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && (S_ISCHR(about.st_mode) || S_ISFIFO(about.st_mode));
}

/** That nothing of value is in a file that --force would replace. */
static cnn_status check_replaced(const char *path)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    cnn_status st = CNN_OK;
    char start[sizeof signature - 1];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CNN_CHECK(fd >= 0, CNN_EIO, "cannot open '%s': %s", path, strerror(errno));
    CNN_CHECK(fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK, CNN_EBUSY,
              "'%s' is in use by another process: choose another name", path);
    CNN_CHECK(read(fd, start, sizeof start) != (ssize_t)sizeof start ||
                  memcmp(start, signature, sizeof start) != 0,
              CNN_EUSAGE, "'%s' is a results file, which a report does not replace", path);
done:
    if (fd >= 0)
        close(fd);
    return st;
}

static cnn_status open_file(const cnn_report_output *to, const char *name, cnn_report_file *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_path_of_output(name, &out->path));
    const bool exists = access(out->path, F_OK) == 0;
    for (int i = 0; i < to->input_count; i++)
        CNN_CHECK(!cnn_path_is_same_file(out->path, to->inputs[i]), CNN_EUSAGE,
                  "'%s' is the results file '%s' itself: choose another name", name, to->inputs[i]);
    CNN_CHECK(!exists || to->force, CNN_EUSAGE,
              "'%s' exists: --force replaces it, or choose another name", name);
    if (exists)
        CNN_TRY(check_replaced(out->path));
    out->file = fopen(out->path, to->force ? "w" : "wx");
    CNN_CHECK(out->file, CNN_EIO, "cannot write '%s': %s", name, strerror(errno));
done:
    return st;
}

/** Opens a file by a name of its own, with the rules of `to`. */
static cnn_status open_named(const cnn_report_output *to, const char *name, cnn_report_file *out)
{
    cnn_status st = CNN_OK;
    *out = (cnn_report_file){0};
    if (!name) {
        out->file = stdout;
    } else if (is_stream(name)) {
        CNN_CHECK((out->path = cnn_strdup(name)) != NULL, CNN_ENOMEM, "report");
        CNN_CHECK((out->file = fopen(name, "w")) != NULL, CNN_EIO, "cannot write '%s': %s", name,
                  strerror(errno));
    } else {
        CNN_TRY(open_file(to, name, out));
    }
done:
    if (st != CNN_OK) {
        free(out->path);
        *out = (cnn_report_file){0};
    }
    return st;
}

cnn_status cnn_report_open(const cnn_report_output *to, cnn_report_file *out)
{
    return open_named(to, to->output, out);
}

cnn_status cnn_report_close(cnn_report_file *f, cnn_status st)
{
    if (!f->file)
        return st;
    bool failed = ferror(f->file) != 0;
    if (!failed) /* else errno is still that of what has failed */
        errno = 0;
    const int earlier = errno;
    const bool is_file = f->path && !is_stream(f->path);
    failed |= (f->path ? fclose(f->file) : fflush(f->file)) != 0;
    const int reason = earlier ? earlier : errno;
    if (failed && st == CNN_OK)
        st = cnn_error_set(CNN_EIO, "cannot write to %s%s%s", f->path ? f->path : "standard output",
                           reason ? ": " : "", reason ? strerror(reason) : "");
    if (st != CNN_OK && is_file)
        unlink(f->path);
    free(f->path);
    *f = (cnn_report_file){0};
    return st;
}

/** name: NULL for standard output. */
static cnn_status write_text(const cnn_text *text, const cnn_report_output *to, const char *name)
{
    cnn_status st = CNN_OK;
    cnn_report_file file = {0};
    CNN_TRY(cnn_text_status(text));
    CNN_TRY(open_named(to, name, &file));
    if (text->len)
        cnn_print(file.file, text->s); /* cnn_report_close sees a failure */
done:
    return cnn_report_close(&file, st);
}

/** The table of item i, if the format shows it; else NULL. */
static const cnn_table *table_of(const cnn_document *d, int i, cnn_report_format format)
{
    static const int left_out[] = {[CNN_REPORT_TEXT] = CNN_NOT_IN_TEXT,
                                   [CNN_REPORT_CSV] = CNN_NOT_IN_CSV,
                                   [CNN_REPORT_LATEX] = CNN_NOT_IN_LATEX,
                                   [CNN_REPORT_JSON] = CNN_NOT_IN_CSV,
                                   [CNN_REPORT_MARKDOWN] = CNN_NOT_IN_LATEX};
    const cnn_table *t = d->items[i].table;
    return t && !(t->left_out & left_out[format]) ? t : NULL;
}

/** The same where it is the first of its name. */
static const cnn_table *first_of_name(const cnn_document *d, int i, cnn_report_format format)
{
    const cnn_table *t = table_of(d, i, format);
    for (int j = 0; t && j < i; j++) {
        const cnn_table *earlier = table_of(d, j, format);
        if (earlier && !strcmp(earlier->name, t->name))
            return NULL;
    }
    return t;
}

static bool has_table(const cnn_document *d, const char *name, cnn_report_format format)
{
    for (int i = 0; i < d->item_count; i++) {
        const cnn_table *t = table_of(d, i, format);
        if (t && !strcmp(t->name, name))
            return true;
    }
    return false;
}

static cnn_status check_table(const cnn_document *d, const char *name, cnn_report_format format)
{
    cnn_status st = CNN_OK;
    cnn_text names = {0};
    for (int i = 0; i < d->item_count; i++) {
        const cnn_table *t = first_of_name(d, i, format);
        if (t)
            cnn_text_printf(&names, "%s%s", names.len ? ", " : "", t->name);
    }
    CNN_TRY(cnn_text_status(&names));
    CNN_CHECK(has_table(d, name, format), CNN_EUSAGE, "--table %s: as %s there are the tables %s",
              name, cnn_report_format_names[format], names.s ? names.s : "");
done:
    cnn_text_free(&names);
    return st;
}

static char *path_of_table(const char *folder, const cnn_table *t)
{
    return cnn_asprintf("%s/%s.csv", folder, t->name);
}

static bool ends_in(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/** Finds every file that would be replaced, before anything is written. */
static cnn_status check_folder(const cnn_document *d, const char *folder, bool force)
{
    cnn_status st = CNN_OK;
    struct stat about;
    char *path = NULL;
    if (stat(folder, &about) != 0)
        return CNN_OK;
    CNN_CHECK(S_ISDIR(about.st_mode), CNN_EUSAGE,
              "'%s' is no folder: all tables as CSV need one, with a file for each; --table NAME "
              "writes one table to a file",
              folder);
    for (int i = 0; !force && i < d->item_count; i++) {
        const cnn_table *t = first_of_name(d, i, CNN_REPORT_CSV);
        if (!t)
            continue;
        free(path);
        CNN_CHECK((path = path_of_table(folder, t)) != NULL, CNN_ENOMEM, "report");
        CNN_CHECK(stat(path, &about) != 0, CNN_EUSAGE,
                  "'%s' exists: --force replaces it, or choose another folder", path);
    }
done:
    free(path);
    return st;
}

static cnn_status write_folder(const cnn_document *d, const cnn_report_output *to)
{
    cnn_status st = CNN_OK;
    char *path = NULL;
    cnn_text text = {0};
    CNN_TRY(check_folder(d, to->output, to->force));
    CNN_CHECK(mkdir(to->output, 0777) == 0 || errno == EEXIST, CNN_EIO,
              "cannot make the folder '%s': %s", to->output, strerror(errno));
    for (int i = 0; i < d->item_count; i++) {
        const cnn_table *t = first_of_name(d, i, CNN_REPORT_CSV);
        if (!t)
            continue;
        free(path);
        cnn_text_free(&text);
        CNN_CHECK((path = path_of_table(to->output, t)) != NULL, CNN_ENOMEM, "report");
        cnn_render_csv(d, t->name, &text);
        CNN_TRY(write_text(&text, to, path));
    }
done:
    cnn_text_free(&text);
    free(path);
    return st;
}

cnn_status cnn_report_write(const cnn_document *d, const cnn_report_output *to)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    CNN_TRY(cnn_document_status(d));
    if (to->table)
        CNN_TRY(check_table(d, to->table, to->format));
    if (to->format == CNN_REPORT_CSV && !to->table) {
        CNN_CHECK(to->output, CNN_EUSAGE,
                  "tables of different columns do not fit one CSV file: -o FOLDER writes a file "
                  "for each, --table NAME one of them, --runs the runs");
        CNN_CHECK(!ends_in(to->output, ".csv"), CNN_EUSAGE,
                  "'%s' is the name of a file: all tables as CSV need a folder, with a file for "
                  "each; --table NAME writes one table to a file",
                  to->output);
        CNN_TRY(write_folder(d, to));
        goto done;
    }
    switch (to->format) {
    case CNN_REPORT_TEXT:
        cnn_render_text(d, to->table, to->width ? to->width : CNN_TEXT_WIDTH, &text);
        break;
    case CNN_REPORT_CSV:
        cnn_render_csv(d, to->table, &text);
        break;
    case CNN_REPORT_LATEX:
        cnn_render_latex(d, to->table, &text);
        break;
    case CNN_REPORT_HTML:
        CNN_CHECK(false, CNN_EINVAL, "a document is no page");
    case CNN_REPORT_JSON:
        cnn_render_json(d, to->table, &text);
        break;
    case CNN_REPORT_MARKDOWN:
        cnn_render_markdown(d, to->table, &text);
        break;
    }
    CNN_TRY(write_text(&text, to, to->output));
done:
    cnn_text_free(&text);
    return st;
}
