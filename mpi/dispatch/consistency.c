/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/consistency.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A value as it was first reported. */
typedef struct {
    int run;        /* by which; -1: none has */
    bool confirmed; /* by another run, or the file may hold it: not to be forgotten */
} origin;

enum { PARAMETERS, TRAIN_IMAGES, TEST_IMAGES, COUNTS };
static const char *const count_names[COUNTS] = {"parameters", "training images", "test images"};

typedef struct {
    int64_t counts[COUNTS];
    origin from[COUNTS];
} cell_facts;

typedef struct {
    char checksum[32];
    origin from;
} data_facts;

struct cnn_consistency {
    int *cell_of_run;     /* [run_count] */
    int *dataset_of_cell; /* [cell_count]; -1: none, the job simulates */
    cell_facts *cells;    /* [cell_count] */
    data_facts *datasets; /* [dataset_count] */
};

static int dataset_of(const cnn_job *job, const int *levels)
{
    const cnn_source *source = cnn_job_treatment(job, levels).source;
    for (int i = 0; i < job->dataset_count; i++)
        if (source == &job->datasets[i])
            return i;
    return -1;
}

cnn_status cnn_consistency_create(const cnn_job *job, const cnn_design *design,
                                  cnn_consistency **out)
{
    cnn_status st = CNN_OK;
    cnn_consistency *c = calloc(1, sizeof *c);
    CNN_CHECK(c != NULL, CNN_ENOMEM, "reports of trainers");
    c->cell_of_run = calloc((size_t)design->run_count, sizeof *c->cell_of_run);
    c->dataset_of_cell = calloc((size_t)design->cell_count, sizeof *c->dataset_of_cell);
    c->cells = calloc((size_t)design->cell_count, sizeof *c->cells);
    c->datasets = calloc((size_t)job->dataset_count + 1, sizeof *c->datasets);
    CNN_CHECK(c->cell_of_run && c->dataset_of_cell && c->cells && c->datasets, CNN_ENOMEM,
              "reports of %d runs", design->run_count);
    for (int i = 0; i < design->run_count; i++)
        c->cell_of_run[i] = design->runs[i].cell;
    for (int i = 0; i < design->cell_count; i++) {
        c->dataset_of_cell[i] = dataset_of(job, design->cells[i].levels);
        for (int k = 0; k < COUNTS; k++)
            c->cells[i].from[k].run = -1;
    }
    for (int i = 0; i < job->dataset_count; i++)
        c->datasets[i].from.run = -1;
    *out = c;
    c = NULL;
done:
    cnn_consistency_destroy(&c);
    return st;
}

void cnn_consistency_destroy(cnn_consistency **consistency)
{
    cnn_consistency *c = *consistency;
    if (!c)
        return;
    free(c->cell_of_run);
    free(c->dataset_of_cell);
    free(c->cells);
    free(c->datasets);
    free(c);
    *consistency = NULL;
}

static cell_facts *cell_of(const cnn_consistency *c, int run)
{
    return &c->cells[c->cell_of_run[run]];
}

/** Of the run's data set; NULL: the job has none, it simulates. */
static data_facts *data_of(const cnn_consistency *c, int run)
{
    const int dataset = c->dataset_of_cell[c->cell_of_run[run]];
    return dataset < 0 ? NULL : &c->datasets[dataset];
}

/** Takes in that a value was reported. True: it is the first, or the same one. */
static bool agree(origin *from, int run, bool same)
{
    if (from->run < 0) {
        *from = (origin){.run = run};
        return true;
    }
    from->confirmed |= same && from->run != run;
    return same;
}

static bool check_data(data_facts *data, int run, const char *checksum, char *reason, size_t n)
{
    if (!data || !*checksum)
        return true;
    if (data->from.run < 0)
        cnn_copy_string(data->checksum, sizeof data->checksum, checksum);
    if (agree(&data->from, run, strcmp(checksum, data->checksum) == 0))
        return true;
    snprintf(reason, n, "its data have the checksum %.31s, those of run %d %.31s: the data changed",
             checksum, data->from.run, data->checksum);
    return false;
}

bool cnn_consistency_check(cnn_consistency *c, int run, const cnn_setup_report *report,
                           char *reason, size_t n)
{
    cell_facts *cell = cell_of(c, run);
    const int64_t counts[COUNTS] = {report->parameters, report->train_images, report->test_images};
    for (int k = 0; k < COUNTS; k++) {
        if (counts[k] < 0)
            continue;
        if (cell->from[k].run < 0)
            cell->counts[k] = counts[k];
        if (agree(&cell->from[k], run, counts[k] == cell->counts[k]))
            continue;
        snprintf(reason, n, "%" PRId64 " %s, but %" PRId64 " in run %d of the same cell", counts[k],
                 count_names[k], cell->counts[k], cell->from[k].run);
        return false;
    }
    return check_data(data_of(c, run), run, report->data_checksum, reason, n);
}

static void keep(origin *from, int run)
{
    from->confirmed |= from->run == run;
}

void cnn_consistency_keep(cnn_consistency *c, int run)
{
    data_facts *data = data_of(c, run);
    for (int k = 0; k < COUNTS; k++)
        keep(&cell_of(c, run)->from[k], run);
    if (data)
        keep(&data->from, run);
}

static void forget(origin *from, int run)
{
    if (from->run == run && !from->confirmed)
        from->run = -1;
}

void cnn_consistency_forget(cnn_consistency *c, int run)
{
    data_facts *data = data_of(c, run);
    for (int k = 0; k < COUNTS; k++)
        forget(&cell_of(c, run)->from[k], run);
    if (data)
        forget(&data->from, run);
}
