/* SPDX-License-Identifier: Apache-2.0 */
#include "document/output.h"

#include "base/printable.h"
#include "document/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const cnn_report_format_names[] = {"text", "csv", "latex", NULL};

static const char *name_of(const char *output)
{
    return output ? output : "standard output";
}

cnn_status cnn_report_open(const char *output, bool force, FILE **out)
{
    cnn_status st = CNN_OK;
    struct stat about;
    if (!output) {
        *out = stdout;
        return CNN_OK;
    }
    const bool exists = stat(output, &about) == 0;
    const bool is_file = !exists || S_ISREG(about.st_mode);
    CNN_CHECK(!exists || !S_ISDIR(about.st_mode), CNN_EUSAGE,
              "'%s' is a folder: give the name of a file", output);
    CNN_CHECK(!exists || !is_file || force, CNN_EUSAGE,
              "'%s' exists: --force replaces it, or choose another name", output);
    *out = fopen(output, is_file && !force ? "wx" : "w");
    CNN_CHECK(*out, CNN_EIO, "cannot write '%s': %s", output, strerror(errno));
done:
    return st;
}

cnn_status cnn_report_close(const char *output, FILE **file, cnn_status st)
{
    struct stat about;
    FILE *f = *file;
    if (!f)
        return st;
    *file = NULL;
    const bool is_file = output && fstat(fileno(f), &about) == 0 && S_ISREG(about.st_mode);
    bool failed = ferror(f) != 0;
    errno = 0;
    failed |= (output ? fclose(f) : fflush(f)) != 0;
    if (failed && st == CNN_OK)
        st = cnn_error_set(CNN_EIO, "cannot write to %s%s%s", name_of(output), errno ? ": " : "",
                           errno ? strerror(errno) : "");
    if (st != CNN_OK && is_file)
        unlink(output);
    return st;
}

static cnn_status write_text(const cnn_text *text, const char *output, bool force)
{
    cnn_status st = CNN_OK;
    FILE *file = NULL;
    CNN_TRY(cnn_text_status(text));
    CNN_TRY(cnn_report_open(output, force, &file));
    if (text->len)
        cnn_print(file, text->s); /* cnn_report_close sees a failure */
done:
    return cnn_report_close(output, &file, st);
}

/** The table of item i, if the format shows it; else NULL. */
static const cnn_table *table_of(const cnn_document *d, int i, cnn_report_format format)
{
    static const int left_out[] = {[CNN_REPORT_TEXT] = CNN_NOT_IN_TEXT,
                                   [CNN_REPORT_CSV] = CNN_NOT_IN_CSV,
                                   [CNN_REPORT_LATEX] = CNN_NOT_IN_LATEX};
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
        CNN_TRY(write_text(&text, path, to->force));
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
        cnn_render_text(d, to->table, &text);
        break;
    case CNN_REPORT_CSV:
        cnn_render_csv(d, to->table, &text);
        break;
    case CNN_REPORT_LATEX:
        cnn_render_latex(d, to->table, &text);
        break;
    }
    CNN_TRY(write_text(&text, to->output, to->force));
done:
    cnn_text_free(&text);
    return st;
}
