/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include "analysis/pool.h"
#include "base/paths.h"
#include "base/printable.h"
#include "document/output.h"
#include "document/render.h"
#include "figures/figures.h"
#include "hdf5io/reader.h"
#include "mpi/terminal.h"
#include "page/page.h"
#include "published/published.h"
#include "report/report.h"
#include "report/rows.h"

#include <stdlib.h>
#include <string.h>

/** Whether every run that counts has ended, so that --resume has nothing to finish: CNN_OK or
 *  CNN_ESTOPPED. */
static cnn_status check_complete(const char *path)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    int open = 0;
    CNN_TRY(cnn_results_read(path, &results));
    for (int run = 0; run < results->run_count; run++)
        open += results->status[run] == CNN_RUN_PLANNED && !results->planned[run].warmup;
    CNN_CHECK(open == 0, CNN_ESTOPPED, "%d of %d runs are not finished", open, results->run_count);
done:
    cnn_results_free(&results);
    return st;
}

/** Columns of the terminal that text goes to; 0: it goes elsewhere. */
static int terminal_columns(const char *output, cnn_report_format format)
{
    if (output || format != CNN_REPORT_TEXT || !cnn_terminal_is_watched())
        return 0;
    return cnn_render_width(cnn_terminal_width());
}

static cnn_report_output report_output(const cnn_command_line *line)
{
    return (cnn_report_output){
        .format = line->report.format,
        .table = line->report.table,
        .output = line->output,
        .width = terminal_columns(line->output, line->report.format),
        .inputs = line->files,
        .input_count = line->file_count,
        .force = line->force,
    };
}

static cnn_status report_published(const cnn_report_output *output)
{
    cnn_status st = CNN_OK;
    cnn_published published;
    cnn_document document = {0};
    CNN_TRY(cnn_published_judge(&published));
    cnn_published_report(&published, &document);
    CNN_TRY(cnn_report_write(&document, output));
done:
    cnn_document_free(&document);
    return st;
}

/** Results files [n], read and pooled. End with free_files. */
typedef struct {
    int n;
    cnn_results **files; /* [n] */
    cnn_pool *pool;
} results_files;

static void free_files(results_files *f)
{
    cnn_pool_destroy(&f->pool);
    for (int i = 0; f->files && i < f->n; i++)
        cnn_results_free(&f->files[i]);
    free(f->files);
    *f = (results_files){0};
}

static cnn_status read_files(const char *const *paths, int n, results_files *f)
{
    cnn_status st = CNN_OK;
    f->n = n;
    f->files = calloc((size_t)n, sizeof *f->files);
    CNN_CHECK(f->files, CNN_ENOMEM, "%d results files", n);
    for (int i = 0; i < n; i++)
        CNN_TRY(cnn_results_read(paths[i], &f->files[i]));
    if (n > 1)
        CNN_TRY(cnn_pool_create((const cnn_results *const *)f->files, paths, n, &f->pool));
done:
    return st;
}

/** All runs of the files. */
static const cnn_results *results_of(const results_files *f)
{
    return f->pool ? f->pool->results : f->files[0];
}

/** Writes a page. */
static cnn_status write_page(const cnn_report_source *source, cnn_figures *figures,
                             const cnn_report_output *to)
{
    cnn_status st = CNN_OK;
    cnn_text page = {0};
    cnn_report_file out = {0};
    CNN_TRY(cnn_figures_draw(figures));
    CNN_TRY(cnn_page_render(source, figures, &page));
    CNN_TRY(cnn_report_open(to, &out));
    cnn_print(out.file, page.s); /* cnn_report_close sees a failure */
done:
    cnn_text_free(&page);
    return cnn_report_close(&out, st);
}

static cnn_status write_tables(const cnn_report_source *source, bool full,
                               const cnn_report_output *to)
{
    cnn_status st = CNN_OK;
    cnn_document document = {0};
    CNN_TRY(cnn_report_document(source, full, &document));
    if (to->width)
        cnn_document_put_lead_last(&document);
    CNN_TRY(cnn_report_write(&document, to));
done:
    cnn_document_free(&document);
    return st;
}

/** What is wanted of results files. */
typedef struct {
    bool full, tables;   /* tables, or a page: else figures alone */
    const char *figures; /* folder; NULL: none */
} wanted;

/** Reads, pools and analyses results files, and writes what is wanted. */
static cnn_status report_files(const char *const *paths, int n, wanted want,
                               const cnn_report_output *output)
{
    cnn_status st = CNN_OK;
    results_files files = {0};
    cnn_analysis *analysis = NULL;
    cnn_figures figures = {0};
    CNN_TRY(read_files(paths, n, &files));
    CNN_TRY(cnn_analysis_create(results_of(&files), files.pool && files.pool->is_named ? 1 : n,
                                &analysis));
    const cnn_report_source source = {.results = results_of(&files),
                                      .analysis = analysis,
                                      .path = files.pool ? files.pool->sources[0].path : paths[0],
                                      .pool = files.pool};
    if (want.figures || output->format == CNN_REPORT_HTML)
        CNN_TRY(cnn_figures_make(source.results, analysis, &figures));
    if (want.figures)
        CNN_TRY(cnn_figures_write(&figures, want.figures, output->force));
    if (output->format == CNN_REPORT_HTML)
        CNN_TRY(write_page(&source, &figures, output));
    else if (want.tables)
        CNN_TRY(write_tables(&source, want.full, output));
done:
    cnn_figures_free(&figures);
    cnn_analysis_destroy(&analysis);
    free_files(&files);
    return st;
}

/** --runs, --attempts: the rows of results files as CSV. */
static cnn_status report_rows(const cnn_command_line *line, const cnn_report_output *to)
{
    cnn_status st = CNN_OK;
    results_files files = {0};
    cnn_rows_source *sources = NULL;
    cnn_report_file out = {0};
    CNN_TRY(read_files(line->files, line->file_count, &files));
    sources = calloc((size_t)files.n, sizeof *sources);
    CNN_CHECK(sources, CNN_ENOMEM, "%d results files", files.n);
    for (int i = 0; files.pool && i < files.n; i++)
        sources[i] = (cnn_rows_source){.path = files.pool->sources[i].path,
                                       .first_run = files.pool->sources[i].first_run,
                                       .runs = files.pool->sources[i].runs};
    CNN_TRY(cnn_report_open(to, &out));
    CNN_TRY(line->report.runs
                ? cnn_report_runs(results_of(&files), sources, files.n, out.file)
                : cnn_report_attempts(results_of(&files), sources, files.n, out.file));
done:
    free(sources);
    free_files(&files);
    return cnn_report_close(&out, st);
}

static cnn_status write_report(const cnn_command_line *line, const cnn_report_output *to)
{
    if (line->report.published)
        return report_published(to);
    if (line->report.runs || line->report.attempts)
        return report_rows(line, to);
    const cnn_report_options *r = &line->report;
    /* one table alone may be any of them; programs get every figure */
    const wanted want = {
        .full = r->full || r->table || r->format == CNN_REPORT_CSV || r->format == CNN_REPORT_JSON,
        .tables = !r->figures || r->full || r->table || r->has_format || to->output,
        .figures = r->figures};
    return report_files(line->files, line->file_count, want, to);
}

cnn_status cnn_command_report(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    cnn_report_output to = report_output(line);
    char *path = NULL;
    if (line->report.status_only)
        return check_complete(line->file);
    if (line->output)
        CNN_TRY(cnn_path_expand(line->output, &path));
    to.output = path;
    CNN_TRY(write_report(line, &to));
done:
    free(path);
    return st;
}

cnn_status cnn_command_report_print(const char *path)
{
    const cnn_report_output output = {.format = CNN_REPORT_TEXT,
                                      .width = terminal_columns(NULL, CNN_REPORT_TEXT)};
    return report_files(&path, 1, (wanted){.tables = true}, &output);
}
