/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of a new results file: the experiment as planned, and room for everything else. */
#include "hdf5io/results_create.h"

#include "analysis/analysis.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "hdf5io/attribute.h"
#include "hdf5io/file_image.h"
#include "hdf5io/file_replace.h"
#include "hdf5io/hdf5_error.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)CNN_RESULTS_FACTOR_FREE == (int)CNN_FACTOR_FREE &&
                   (int)CNN_RESULTS_FACTOR_COMPOUND == (int)CNN_FACTOR_COMPOUND,
               "the file's kinds of factors are the job's");
_Static_assert((int)CNN_JOB_METRICS_MAX <= (int)CNN_METRICS_MAX &&
                   (int)CNN_JOB_METRIC_ROOM <= (int)CNN_METRIC_ROOM,
               "every metric of a job has its place in the results");

enum { TITLE_SIZE = 256 };

/** Epochs of the run that trains longest: `epochs` may be a factor. */
static int most_epochs(const cnn_job *job)
{
    int most = 0;
    const cnn_factor *factor = cnn_job_find_factor(job, "epochs");
    for (int l = 0; factor && l < factor->level_count; l++)
        most = factor->values[l].epochs > most ? factor->values[l].epochs : most;
    return most > 0 ? most : job->train.epochs;
}

static int most_levels(const cnn_job *job)
{
    int most = 0;
    for (int f = 0; f < job->factor_count; f++)
        most = job->factors[f].level_count > most ? job->factors[f].level_count : most;
    return most;
}

static cnn_planned planned_row(const cnn_design *design, const cnn_run *run)
{
    const cnn_cell *cell = &design->cells[run->cell];
    const cnn_block *block = &design->blocks[run->block];
    return (cnn_planned){.cell = run->cell,
                         .combination = cell->combination,
                         .level = run->level,
                         .repeat = block->repeat,
                         .block = run->block,
                         .position = run->position,
                         .warmup = block->warmup,
                         .seed = block->seed,
                         .planned_device = block->device,
                         .planned_turn = block->queue_position};
}

/** The planned columns of every run; *out is owned by the caller. */
static cnn_status planned_rows(const cnn_design *design, cnn_planned **out)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((*out = calloc((size_t)design->run_count, sizeof **out)) != NULL, CNN_ENOMEM,
              "%d planned runs", design->run_count);
    for (int r = 0; r < design->run_count; r++)
        (*out)[r] = planned_row(design, &design->runs[r]);
done:
    return st;
}

/** Places of each run for its attempts: see attempts_per_run in results/store.h. */
static int attempt_places(int runs, int retries)
{
    enum { SPARE_IN_ALL = 100000 }; /* 80 MB */
    const int per_round = 1 + retries, spare = SPARE_IN_ALL / runs;
    return per_round + (spare < 1 ? 1 : spare < per_round ? spare : per_round);
}

static cnn_status plan_lengths(const cnn_job *job, const cnn_design *design,
                               const cnn_platform *platform, cnn_lengths *out)
{
    cnn_status st = CNN_OK;
    int seed_groups = 0;
    cnn_planned *rows = NULL;
    hsize_t levels = (hsize_t)design->level_count;
    hsize_t pairs = (hsize_t)design->combination_count * (levels * (levels - 1) / 2);
    CNN_CHECK(design->run_count > 0 && job->limits.retries >= 0 && most_epochs(job) > 0, CNN_EINVAL,
              "a results file needs runs, epochs and attempts");
    CNN_TRY(planned_rows(design, &rows));
    CNN_TRY(cnn_analysis_count_seed_groups(rows, design->run_count, &seed_groups));
    *out = (cnn_lengths){{
        [CNN_DIM_RUN] = (hsize_t)design->run_count,
        [CNN_DIM_EPOCH] = (hsize_t)most_epochs(job),
        [CNN_DIM_ATTEMPT] = (hsize_t)design->run_count *
                            (hsize_t)attempt_places(design->run_count, job->limits.retries),
        [CNN_DIM_SESSION] = CNN_SESSION_PLACES,
        [CNN_DIM_ENVIRONMENT] = CNN_ENVIRONMENT_PLACES,
        [CNN_DIM_CELL] = (hsize_t)design->cell_count,
        [CNN_DIM_COMBINATION] = (hsize_t)design->combination_count,
        [CNN_DIM_FACTOR] = (hsize_t)job->factor_count,
        [CNN_DIM_LEVEL] = (hsize_t)most_levels(job),
        [CNN_DIM_MEASURE] = CNN_MEASURE_COUNT + (hsize_t)job->metric_count,
        /* netCDF takes a length of 0 for an unlimited one */
        [CNN_DIM_COMPARISON] = pairs ? pairs : 1,
        [CNN_DIM_TEST] = CNN_TEST_COUNT,
        [CNN_DIM_CONTRAST_LEVEL] = levels,
        [CNN_DIM_COMPONENT] = CNN_COMPONENT_LEVELS + levels,
        [CNN_DIM_SEED_GROUP] = seed_groups ? (hsize_t)seed_groups : 1,
        [CNN_DIM_TUNING] = platform->tuning_places > 0 ? (hsize_t)platform->tuning_places : 1,
    }};
    for (int d = 0; d < CNN_DIM_COUNT; d++)
        CNN_CHECK(out->of[d] > 0 && out->of[d] <= INT_MAX, CNN_EINVAL,
                  "a results file cannot have %llu places along %s", (unsigned long long)out->of[d],
                  cnn_dimensions[d].path);
done:
    free(rows);
    return st;
}

static cnn_status put_runs(cnn_file_image *c, const cnn_design *design)
{
    cnn_status st = CNN_OK;
    cnn_planned *rows = NULL;
    CNN_TRY(planned_rows(design, &rows));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_STATUS, NULL, 0));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_PLANNED, rows, sizeof *rows));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_MEASURED, NULL, 0));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_EPOCHS, NULL, 0));
done:
    free(rows);
    return st;
}

static cnn_status put_attempts(cnn_file_image *c)
{
    cnn_status st = CNN_OK;
    size_t n = c->lengths.of[CNN_DIM_ATTEMPT], per_run = n / c->lengths.of[CNN_DIM_RUN];
    cnn_attempt_key *keys = calloc(n, sizeof *keys);
    CNN_CHECK(keys, CNN_ENOMEM, "%zu attempts", n);
    for (size_t i = 0; i < n; i++)
        keys[i] = (cnn_attempt_key){(int32_t)(i / per_run), (int32_t)(i % per_run)};
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_ATTEMPT_KEYS, keys, sizeof *keys));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_ATTEMPTS, NULL, 0));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_SESSIONS, NULL, 0));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_QUARANTINES, NULL, 0));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_TUNINGS, NULL, 0));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_ENVIRONMENTS, NULL, 0));
done:
    free(keys);
    return st;
}

static cnn_status put_factors(cnn_file_image *c, const cnn_job *job)
{
    static const cnn_dimension by_level[] = {CNN_DIM_FACTOR, CNN_DIM_LEVEL};
    cnn_status st = CNN_OK;
    size_t factors = c->lengths.of[CNN_DIM_FACTOR], levels = c->lengths.of[CNN_DIM_LEVEL];
    const char **names = calloc(factors, sizeof *names);
    const char **labels = calloc(factors * levels, sizeof *labels);
    cnn_stored_factor *stored = calloc(factors, sizeof *stored);
    CNN_CHECK(names && labels && stored, CNN_ENOMEM, "labels of %zu factors", factors);
    for (size_t f = 0; f < factors; f++) {
        const cnn_factor *factor = &job->factors[f];
        names[f] = factor->name;
        stored[f] = (cnn_stored_factor){factor->level_count, (int8_t)factor->kind};
        for (int l = 0; l < factor->level_count; l++)
            labels[f * levels + (size_t)l] = factor->labels[l];
    }
    CNN_TRY(cnn_file_image_add_labels(c, CNN_VAR_FACTOR_NAME, 1, by_level, "name of the factor",
                                      names));
    CNN_TRY(cnn_file_image_add_table(c, CNN_TABLE_FACTORS, stored, sizeof *stored));
    CNN_TRY(cnn_file_image_add_labels(c, CNN_VAR_LEVEL_LABEL, 2, by_level,
                                      "label of the factor's level", labels));
done:
    free(names);
    free(labels);
    free(stored);
    return st;
}

/** Label and factor levels of a cell or a combination: row i of its dimension. */
static void row_of(const cnn_design *design, cnn_dimension by, size_t i, const char **label,
                   const int **levels)
{
    if (by == CNN_DIM_CELL) {
        *label = design->cells[i].label;
        *levels = design->cells[i].levels;
    } else {
        *label = design->combinations[i].label;
        *levels = design->combinations[i].levels;
    }
}

/** Cells or combinations: a label and the level of each factor. */
static cnn_status put_level_table(cnn_file_image *c, const cnn_design *design, cnn_dimension by,
                                  cnn_table_id table, const char *label_path,
                                  const char *label_text)
{
    cnn_status st = CNN_OK;
    const size_t n = c->lengths.of[by], factors = (size_t)design->factor_count;
    const char **labels = calloc(n, sizeof *labels);
    int32_t *levels = calloc(n * factors, sizeof *levels);
    CNN_CHECK(labels && levels, CNN_ENOMEM, "%zu rows of '%s'", n, label_path);
    for (size_t i = 0; i < n; i++) {
        const int *row;
        row_of(design, by, i, &labels[i], &row);
        for (size_t f = 0; f < factors; f++)
            levels[i * factors + f] = row[f];
    }
    CNN_TRY(cnn_file_image_add_labels(c, label_path, 1, &by, label_text, labels));
    CNN_TRY(cnn_file_image_add_table(c, table, levels, sizeof *levels));
done:
    free(labels);
    free(levels);
    return st;
}

static cnn_status put_cells(cnn_file_image *c, const cnn_design *design)
{
    cnn_status st = CNN_OK;
    CNN_TRY(put_level_table(c, design, CNN_DIM_CELL, CNN_TABLE_CELLS, CNN_VAR_CELL_LABEL,
                            "label of the cell"));
    CNN_TRY(put_level_table(c, design, CNN_DIM_COMBINATION, CNN_TABLE_COMBINATIONS,
                            CNN_VAR_COMBINATION_LABEL, "label of the combination"));
done:
    return st;
}

static cnn_status put_texts(cnn_file_image *c, const cnn_job *job, const char *plan)
{
    cnn_status st = CNN_OK;
    char now[32], program[96];
    cnn_clock_format(cnn_clock_wall(), now, sizeof now);
    snprintf(program, sizeof program, "cnnmpi %s, %s", CNN_VERSION, now);
    CNN_TRY(cnn_file_image_add_text(c, CNN_VAR_JOB_NAME, "name of the job", job->name));
    CNN_TRY(cnn_file_image_add_text(c, CNN_VAR_JOB_FILE, "the job file", job->text));
    CNN_TRY(cnn_file_image_add_text(c, CNN_VAR_OVERRIDES,
                                    "keys set on the command line, one a line",
                                    job->overrides ? job->overrides : ""));
    CNN_TRY(cnn_file_image_add_text(c, CNN_VAR_PLAN,
                                    "the plan, as cnnmpi plan shows it, and the backend", plan));
    CNN_TRY(cnn_file_image_add_text(c, CNN_VAR_PROGRAM, "program that made the file, and when",
                                    program));
done:
    return st;
}

/** The components' names; those after the fixed ones are residuals of the contrast's levels. */
static cnn_status put_component_names(cnn_file_image *c, const cnn_job *job)
{
    static const cnn_dimension by_component[] = {CNN_DIM_COMPONENT};
    cnn_status st = CNN_OK;
    const cnn_factor *contrast = &job->factors[job->contrast];
    const int n = CNN_COMPONENT_LEVELS + contrast->level_count;
    char **names = calloc((size_t)n, sizeof *names);
    CNN_CHECK(names, CNN_ENOMEM, "names of %d components", n);
    for (int i = 0; i < n; i++) {
        names[i] = i < CNN_COMPONENT_LEVELS
                       ? cnn_strdup(cnn_component_names[i])
                       : cnn_asprintf("residual of %s", contrast->labels[i - CNN_COMPONENT_LEVELS]);
        CNN_CHECK(names[i], CNN_ENOMEM, "names of %d components", n);
    }
    CNN_TRY(cnn_file_image_add_labels(c, CNN_VAR_COMPONENT_NAME, 1, by_component,
                                      "name of the component", (const char *const *)names));
done:
    for (int i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
    return st;
}

static cnn_status put_analysis(cnn_file_image *c, const cnn_job *job)
{
    static const cnn_dimension by_measure[] = {CNN_DIM_MEASURE}, by_test[] = {CNN_DIM_TEST};
    cnn_status st = CNN_OK;
    const char *names[CNN_MEASURES_MAX], *units[CNN_MEASURES_MAX];
    for (int m = 0; m < CNN_MEASURE_COUNT + job->metric_count; m++) {
        const cnn_job_metric *metric =
            &job->metrics[m < CNN_MEASURE_COUNT ? 0 : m - CNN_MEASURE_COUNT];
        names[m] = m < CNN_MEASURE_COUNT ? cnn_measure_names[m] : metric->name;
        units[m] = m < CNN_MEASURE_COUNT ? cnn_measure_units[m] : metric->units;
    }
    CNN_TRY(cnn_file_image_add_labels(c, CNN_VAR_MEASURE_NAME, 1, by_measure,
                                      "what is analysed of a run", names));
    CNN_TRY(cnn_file_image_add_labels(c, CNN_VAR_MEASURE_UNITS, 1, by_measure,
                                      "units of the measure", units));
    CNN_TRY(cnn_file_image_add_labels(c, CNN_VAR_TEST_NAME, 1, by_test, "name of the test",
                                      cnn_test_names));
    CNN_TRY(put_component_names(c, job));
    for (int id = CNN_TABLE_CELL_COUNTS; id <= CNN_TABLE_SESSION_OVERHEADS; id++)
        CNN_TRY(cnn_file_image_add_table(c, (cnn_table_id)id, NULL, 0));
done:
    return st;
}

/** The name of a factor's column: its own where no other variable has it; owned by the caller. */
static char *column_name(hid_t file, const cnn_factor *factor)
{
    char *name = cnn_strdup(factor->name);
    for (char *blank; name && (blank = strchr(name, ' ')) != NULL;)
        *blank = '_'; /* of a compound: framework_x_threads */
    while (name && H5Lexists(file, name, H5P_DEFAULT) > 0) {
        char *longer = cnn_asprintf("factor_%s", name);
        free(name);
        name = longer;
    }
    return name;
}

/** A level in each run. texts [level_count]; level_of [cell_count]. */
static cnn_status put_level_column(cnn_file_image *c, const cnn_design *design,
                                   const cnn_factor *factor, const char *const *texts,
                                   const int *level_of)
{
    static const cnn_dimension by_run[] = {CNN_DIM_RUN};
    cnn_status st = CNN_OK;
    const char **of_runs = calloc((size_t)design->run_count, sizeof *of_runs);
    char *name = column_name(c->file, factor);
    char *long_name = cnn_asprintf("level of the factor %s", factor->name);
    CNN_CHECK(of_runs && name && long_name, CNN_ENOMEM, "labels of '%s'", factor->name);
    CNN_CHECK(name[0] && !strchr(name, '/') && name[0] != '.', CNN_EINVAL,
              "'%s' cannot be the name of a variable", name);
    for (int r = 0; r < design->run_count; r++)
        of_runs[r] = texts[level_of[design->runs[r].cell]];
    CNN_TRY(cnn_file_image_add_labels(c, name, 1, by_run, long_name, of_runs));
done:
    free(of_runs);
    free(name);
    free(long_name);
    return st;
}

/** One factor's level in each run; a compound's members have columns of their own. member -1: the
 *  factor itself. */
static cnn_status put_factor_column(cnn_file_image *c, const cnn_job *job, const cnn_design *design,
                                    int f, int member)
{
    cnn_status st = CNN_OK;
    const cnn_factor *all = &job->factors[f], *factor = member < 0 ? all : &all->members[member];
    const char **texts = calloc((size_t)factor->level_count, sizeof *texts);
    int *level_of = calloc((size_t)design->cell_count, sizeof *level_of);
    CNN_CHECK(texts && level_of, CNN_ENOMEM, "levels of '%s'", factor->name);
    for (int l = 0; l < factor->level_count; l++)
        texts[l] = factor->settings ? factor->settings[l].text : factor->labels[l];
    for (int cell = 0; cell < design->cell_count; cell++) {
        const int level = design->cells[cell].levels[f];
        level_of[cell] = member < 0 ? level : cnn_factor_member_level(all, member, level);
    }
    CNN_TRY(put_level_column(c, design, factor, texts, level_of));
    for (int m = 0; member < 0 && m < factor->member_count; m++)
        CNN_TRY(put_factor_column(c, job, design, f, m));
done:
    free(texts);
    free(level_of);
    return st;
}

/** The job's name, cut between characters. */
static void make_title(const char *job_name, char title[TITLE_SIZE])
{
    size_t len = (size_t)snprintf(title, TITLE_SIZE, "cnnmpi results: ");
    for (size_t n; (n = *job_name ? cnn_utf8_length(job_name) : 0) > 0 && len + n < TITLE_SIZE;) {
        memcpy(title + len, job_name, n);
        len += n;
        job_name += n;
    }
    title[len] = '\0';
}

static cnn_status put_metrics(hid_t file, const cnn_job *job)
{
    cnn_status st = CNN_OK;
    cnn_text names = {0}, units = {0};
    for (int i = 0; i < job->metric_count; i++) {
        const cnn_job_metric *metric = &job->metrics[i];
        cnn_text_printf(&names, "%s%s", i ? "," : "", metric->name);
        cnn_text_printf(&units, "%s%s", i ? "," : "", *metric->units ? metric->units : "1");
    }
    CNN_TRY(cnn_text_status(&names));
    CNN_TRY(cnn_text_status(&units));
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_KIND, cnn_job_kind_names[job->kind]));
    if (job->metric_count == 0) /* netCDF makes something else of an empty text */
        goto done;
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_METRIC_NAMES, names.s));
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_METRIC_UNITS, units.s));
done:
    cnn_text_free(&names);
    cnn_text_free(&units);
    return st;
}

static cnn_status put_attributes(hid_t file, const cnn_job *job, const cnn_platform *platform)
{
    cnn_status st = CNN_OK;
    const int32_t version = CNN_LAYOUT_VERSION, repeats = job->repeats, seed = (int32_t)job->seed;
    char title[TITLE_SIZE];
    make_title(job->name, title);
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_TITLE, title));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_VERSION, CNN_COLUMN_I32, 0, &version));
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_CONTRAST, job->factors[job->contrast].name));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_REPEATS, CNN_COLUMN_I32, 0, &repeats));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_SEED, CNN_COLUMN_I32, 0, &seed));
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_BACKEND, platform->backend));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_MARGIN_TIME, CNN_COLUMN_F64, 0,
                                &job->analysis.margin_time));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_MARGIN_ERROR, CNN_COLUMN_F64, 0,
                                &job->analysis.margin_error));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_ALPHA, CNN_COLUMN_F64, 0, &job->analysis.alpha));
    CNN_TRY(cnn_attribute_write_text(file, CNN_ATTR_PRIMARY,
                                     cnn_job_measure_name(job, job->analysis.primary)));
    CNN_TRY(put_metrics(file, job));
    CNN_TRY(cnn_attribute_write(file, CNN_ATTR_LOOKS, CNN_COLUMN_F64, job->analysis.look_count,
                                job->analysis.looks));
done:
    return st;
}

static cnn_status put_everything(cnn_file_image *c, const cnn_job *job, const cnn_design *design,
                                 const char *plan, const cnn_platform *platform)
{
    cnn_status st = CNN_OK;
    CNN_TRY(put_attributes(c->file, job, platform));
    CNN_TRY(put_runs(c, design));
    CNN_TRY(put_attempts(c));
    CNN_TRY(put_factors(c, job));
    CNN_TRY(put_cells(c, design));
    CNN_TRY(put_texts(c, job, plan));
    CNN_TRY(put_analysis(c, job));
    for (int f = 0; f < job->factor_count; f++) /* last, so that taken names are known */
        CNN_TRY(put_factor_column(c, job, design, f, -1));
done:
    return st;
}

cnn_status cnn_results_create(const char *path, const cnn_job *job, const cnn_design *design,
                              const char *plan, const cnn_platform *platform)
{
    static const cnn_platform cpus = {.backend = "onednn"};
    cnn_status st = CNN_OK;
    cnn_file_image image;
    cnn_lengths lengths;
    void *bytes = NULL;
    size_t n = 0;
    CNN_CHECK(path && job && design && plan, CNN_EINVAL,
              "path, job, design, plan must not be NULL");
    platform = platform ? platform : &cpus;
    CNN_TRY(plan_lengths(job, design, platform, &lengths));
    cnn_hdf5_quiet();
    st = cnn_file_image_create(&image, &lengths);
    if (st == CNN_OK)
        st = put_everything(&image, job, design, plan, platform);
    if (st == CNN_OK)
        st = cnn_file_image_bytes(&image, &bytes, &n);
    st = cnn_file_image_close(st, &image);
    if (st != CNN_OK) {
        st = cnn_error_prefix(st, "cannot lay out '%s'", path);
        goto done;
    }
    CNN_TRY(cnn_file_replace(path, bytes, n));
done:
    free(bytes);
    return st;
}
