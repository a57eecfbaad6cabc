/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan.h"

#include "cli/terminal.h"
#include "design/conditions.h"
#include "design/networks.h"
#include "document/render.h"
#include "forecast/forecast.h"
#include "hdf5io/reader.h"
#include "mpi/worker/python_environment.h"
#include "report/forecast.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** A job and all that follows from it and the number of ranks. */
typedef struct {
    cnn_job *job;
    cnn_design *design;
    cnn_network **networks;
    cnn_image_counts *images;
} plan;

static cnn_status describe_forecast(const plan *p, const char *path, cnn_text *out)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    cnn_forecast *forecast = NULL;
    cnn_document document = {0};
    CNN_TRY(cnn_results_read(path, &results));
    CNN_TRY(cnn_forecast_create(p->design, p->job, (const cnn_network *const *)p->networks,
                                p->images, results, path, &forecast));
    cnn_report_forecast(forecast, p->design, p->job, results, path, &document);
    CNN_TRY(cnn_document_status(&document));
    cnn_text_append(out, "\n");
    cnn_render_text(&document, NULL, cnn_render_terminal_width(), out);
done:
    cnn_document_free(&document);
    cnn_forecast_destroy(&forecast);
    cnn_results_free(&results);
    return st;
}

/** Whether a results file has the cells of the plan. */
static bool has_cells_of(const cnn_results *r, const plan *p)
{
    bool same = r->cell_count == p->design->cell_count && r->factor_count == p->job->factor_count;
    for (int f = 0; same && f < r->factor_count; f++) {
        const cnn_factor *factor = &p->job->factors[f];
        same = r->factors[f].level_count == factor->level_count;
        for (int l = 0; same && l < factor->level_count; l++)
            same = !strcmp(r->factors[f].labels[l], factor->labels[l]);
    }
    return same;
}

/** The first finished run of a cell; -1: there is none. */
static int first_done(const cnn_results *r, int cell)
{
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].cell == cell && r->status[i] == CNN_RUN_DONE)
            return i;
    return -1;
}

/** "28,938"; "unknown" of what was not reported. */
static void put_count(int64_t count, cnn_text *out)
{
    char number[CNN_GROUPED_SIZE] = "unknown";
    if (count >= 0)
        cnn_format_grouped(count, number);
    cnn_text_printf(out, " %14s", number);
}

/** What trainers have reported of cells whose networks or data only they know, where the job's output
 *  exists. */
static void describe_reported(const plan *p, cnn_text *out)
{
    cnn_results *r = NULL;
    bool any = false;
    if (access(p->job->output, R_OK) != 0 || cnn_results_read(p->job->output, &r) != CNN_OK)
        return;
    for (int c = 0; has_cells_of(r, p) && c < r->cell_count; c++) {
        const int run = p->networks[c] ? -1 : first_done(r, c);
        if (run < 0)
            continue;
        if (!any)
            cnn_text_printf(out, "\nReported by trainers, in %s\n  %-40s %14s %14s %14s\n",
                            p->job->output, "cell", "parameters", "train images", "test images");
        any = true;
        cnn_text_append(out, "  ");
        cnn_text_append_padded(out, p->design->cells[c].label, 40);
        put_count(r->measured[run].parameters, out);
        put_count(r->measured[run].train_images, out);
        put_count(r->measured[run].test_images, out);
        cnn_text_append(out, "\n");
    }
    cnn_results_free(&r);
}

cnn_status cnn_command_plan(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    plan p = {0};
    cnn_text text = {0}, problem = {0};
    CNN_TRY(cnn_job_read(line->file, line->overrides, &p.job));
    CNN_TRY(cnn_design_create(p.job, line->ranks, &p.design));
    p.images = calloc((size_t)p.design->cell_count, sizeof *p.images);
    CNN_CHECK(p.images, CNN_ENOMEM, "%d cells", p.design->cell_count);
    CNN_TRY(cnn_networks_infer(p.design, p.job, &p.networks, p.images, &problem));
    cnn_design_describe(p.design, p.job, (const cnn_network *const *)p.networks, &text);
    CNN_TRY(cnn_design_describe_components(p.design, &text));
    cnn_conditions_describe(p.design, p.job, (const cnn_network *const *)p.networks, p.images,
                            &text);
    cnn_networks_describe_resolution(p.design, p.job, p.images, &text);
    describe_reported(&p, &text);
    if (line->from)
        CNN_TRY(describe_forecast(&p, line->from, &text));
    else
        cnn_design_describe_unmeasured(p.design, p.job, &text);
    CNN_TRY(cnn_environment_describe_missing(p.job, NULL, &text));
    if (problem.len)
        cnn_text_printf(&text, "\n%s", problem.s);
    CNN_TRY(cnn_text_status(&problem));
    CNN_TRY(cnn_print_text(&text));
done:
    cnn_text_free(&problem);
    cnn_text_free(&text);
    if (p.design)
        cnn_networks_destroy(&p.networks, p.design->cell_count);
    free(p.images);
    cnn_design_destroy(&p.design);
    cnn_job_destroy(&p.job);
    return st;
}
