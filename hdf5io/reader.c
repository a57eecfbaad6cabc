/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a results file. Every part is checked before its room is allocated: see variable.h. */
#include "hdf5io/reader.h"

#include "base/text.h"
#include "hdf5io/attribute.h"
#include "hdf5io/hdf5_error.h"
#include "hdf5io/reader_check.h"
#include "hdf5io/results_file.h"
#include "hdf5io/tables.h"
#include "hdf5io/variable.h"
#include "job/job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    hid_t file;
    uint64_t size; /* bytes */
    int version;   /* of the layout */
    cnn_lengths lengths;
} source;

static size_t row_count(const source *s, cnn_table_id id)
{
    size_t n = 1;
    for (int i = 0; i < cnn_tables[id].rank; i++)
        n *= (size_t)s->lengths.of[cnn_tables[id].dimensions[i]];
    return n;
}

/** Reads all columns of a table; *rows is owned by the caller. */
static cnn_status read_table(const source *s, cnn_table_id id, void **rows)
{
    cnn_status st = CNN_OK;
    const cnn_table *table = &cnn_tables[id];
    hid_t sets[CNN_TABLE_COLUMNS_MAX];
    size_t n = row_count(s, id);
    void *all = NULL;
    CNN_TRY(cnn_table_open(s->file, s->size, s->version, id, &s->lengths, sets));
    all = calloc(n, table->row_size);
    if (!all)
        st = cnn_error_set(CNN_ENOMEM, "%zu rows of %zu bytes", n, table->row_size);
    for (int i = 0; st == CNN_OK && i < table->column_count; i++) {
        if (sets[i] >= 0)
            st = cnn_variable_read(sets[i], &table->columns[i], table->rank, all, table->row_size,
                                   n);
        else
            cnn_column_set_unknown(&table->columns[i], all, table->row_size, n);
    }
    CNN_TRY(cnn_table_close(st, id, sets));
    *rows = all;
    all = NULL;
done:
    free(all);
    return st;
}

/** Reads n texts of one variable, `width` bytes apart and ended. */
static cnn_status read_characters(const source *s, const char *path, int rank,
                                  const hsize_t *expected, char **texts, size_t *width)
{
    cnn_status st = CNN_OK;
    hid_t set = -1;
    hsize_t extents[CNN_VARIABLE_RANK_MAX];
    char *all = NULL;
    size_t n = 1;
    CNN_TRY(cnn_variable_open(s->file, s->size, path, CNN_COLUMN_TEXT, rank + 1, extents, &set));
    for (int i = 0; i < rank; i++) {
        CNN_CHECK(extents[i] == expected[i], CNN_EDATA, "'%s' has %llu places, not %llu", path,
                  (unsigned long long)extents[i], (unsigned long long)expected[i]);
        n *= (size_t)extents[i];
    }
    /* one more: texts that were rewritten may have no end */
    const cnn_column column = {path, CNN_COLUMN_TEXT, (size_t)extents[rank] + 1, 0, "", ""};
    CNN_CHECK((all = calloc(n, column.width)) != NULL, CNN_ENOMEM, "texts of '%s'", path);
    CNN_TRY(cnn_variable_read(set, &column, rank, all, column.width, n));
    *texts = all;
    *width = column.width;
    all = NULL;
done:
    free(all);
    return cnn_hdf5_close(st, &set, H5Dclose, path);
}

static cnn_status read_texts(const source *s, cnn_results *r)
{
    const struct {
        const char *path;
        char **text;
    } parts[] = {
        {CNN_VAR_JOB_NAME, &r->job_name},   {CNN_VAR_JOB_FILE, &r->job_text},
        {CNN_VAR_OVERRIDES, &r->overrides}, {CNN_VAR_PLAN, &r->plan},
        {CNN_VAR_PROGRAM, &r->created},
    };
    cnn_status st = CNN_OK;
    size_t width;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        CNN_TRY(read_characters(s, parts[i].path, 0, NULL, parts[i].text, &width));
done:
    return st;
}

static cnn_status take_factor(cnn_results_factor *factor, const char *name,
                              const cnn_stored_factor *stored, const char *labels, size_t width)
{
    cnn_status st = CNN_OK;
    const int32_t level_count = stored->level_count;
    factor->kind = stored->kind;
    CNN_CHECK((factor->name = cnn_strdup(name)) != NULL, CNN_ENOMEM, "name of a factor");
    CNN_CHECK((factor->labels = calloc((size_t)level_count, sizeof *factor->labels)) != NULL,
              CNN_ENOMEM, "labels of factor '%s'", name);
    factor->level_count = level_count;
    for (int l = 0; l < level_count; l++)
        CNN_CHECK((factor->labels[l] = cnn_strdup(labels + (size_t)l * width)) != NULL, CNN_ENOMEM,
                  "label of factor '%s'", name);
done:
    return st;
}

static cnn_status read_factors(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    const hsize_t extents[] = {s->lengths.of[CNN_DIM_FACTOR], s->lengths.of[CNN_DIM_LEVEL]};
    size_t name_width = 0, label_width = 0;
    char *names = NULL, *labels = NULL;
    void *rows = NULL;
    CNN_TRY(read_characters(s, CNN_VAR_FACTOR_NAME, 1, extents, &names, &name_width));
    CNN_TRY(read_characters(s, CNN_VAR_LEVEL_LABEL, 2, extents, &labels, &label_width));
    CNN_TRY(read_table(s, CNN_TABLE_FACTORS, &rows));
    const cnn_stored_factor *stored = rows;
    r->factors = calloc(extents[0], sizeof *r->factors);
    CNN_CHECK(r->factors, CNN_ENOMEM, "%llu factors", (unsigned long long)extents[0]);
    r->factor_count = (int)extents[0];
    for (int f = 0; f < r->factor_count; f++) {
        const int32_t count = stored[f].level_count;
        CNN_CHECK(count > 0 && (hsize_t)count <= extents[1], CNN_EDATA,
                  "'factor_level_count': factor %d has %d of at most %llu", f, (int)count,
                  (unsigned long long)extents[1]);
        CNN_TRY(take_factor(&r->factors[f], names + (size_t)f * name_width, &stored[f],
                            labels + (size_t)f * (size_t)extents[1] * label_width, label_width));
    }
done:
    free(names);
    free(labels);
    free(rows);
    return st;
}

static cnn_status find_contrast(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    char *name = NULL;
    CNN_TRY(cnn_attribute_read_text(s->file, CNN_ATTR_CONTRAST, &name));
    r->contrast = -1;
    for (int f = 0; f < r->factor_count; f++)
        if (strcmp(r->factors[f].name, name) == 0)
            r->contrast = f;
    CNN_CHECK(r->contrast >= 0, CNN_EDATA, "'%s': the contrast '%s' is none of the factors",
              CNN_ATTR_CONTRAST, name);
    r->level_count = r->factors[r->contrast].level_count;
done:
    free(name);
    return st;
}

/** What files of layout 3 lack: one look, at the end, and the training time. */
static cnn_status read_declarations(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    char *primary = NULL;
    r->look_count = 1;
    r->looks[0] = 1;
    if (s->version < 4)
        goto done;
    CNN_TRY(cnn_attribute_read_text(s->file, CNN_ATTR_PRIMARY, &primary));
    cnn_copy_string(r->primary, sizeof r->primary, primary);
    CNN_TRY(cnn_attribute_read_reals(s->file, CNN_ATTR_LOOKS, CNN_RESULTS_LOOKS_MAX, r->looks,
                                     &r->look_count));
done:
    free(primary);
    return st;
}

static cnn_status read_numbers(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_attribute_read_text(s->file, CNN_ATTR_BACKEND, &r->backend));
    CNN_TRY(cnn_attribute_read(s->file, CNN_ATTR_MARGIN_TIME, CNN_COLUMN_F64, &r->margin_time));
    CNN_TRY(cnn_attribute_read(s->file, CNN_ATTR_MARGIN_ERROR, CNN_COLUMN_F64, &r->margin_error));
    CNN_TRY(cnn_attribute_read(s->file, CNN_ATTR_ALPHA, CNN_COLUMN_F64, &r->alpha));
    r->layout_version = s->version;
    CNN_TRY(read_declarations(s, r));
    r->run_count = (int)s->lengths.of[CNN_DIM_RUN];
    r->epoch_count = (int)s->lengths.of[CNN_DIM_EPOCH];
    r->attempts_per_run = (int)(s->lengths.of[CNN_DIM_ATTEMPT] / s->lengths.of[CNN_DIM_RUN]);
    r->cell_count = (int)s->lengths.of[CNN_DIM_CELL];
    r->combination_count = (int)s->lengths.of[CNN_DIM_COMBINATION];
done:
    return st;
}

static cnn_status read_cells(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    void *rows = NULL;
    _Static_assert(sizeof(int) == sizeof(int32_t), "levels are read as int");
    CNN_TRY(read_table(s, CNN_TABLE_CELLS, &rows));
    r->cell_levels = rows;
done:
    return st;
}

/** Reads the status first: it is written last, so that the rest of a finished run is there. */
static cnn_status read_runs(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    void *rows = NULL;
    CNN_TRY(read_table(s, CNN_TABLE_STATUS, &rows));
    r->status = rows;
    CNN_TRY(read_table(s, CNN_TABLE_PLANNED, &rows));
    r->planned = rows;
    CNN_TRY(read_table(s, CNN_TABLE_MEASURED, &rows));
    r->measured = rows;
    CNN_TRY(read_table(s, CNN_TABLE_EPOCHS, &rows));
    r->epochs = rows;
    CNN_TRY(read_table(s, CNN_TABLE_ATTEMPTS, &rows));
    r->attempts = rows;
done:
    return st;
}

/** Sessions are opened one after the other: the last place with a start time ends them. */
static cnn_status read_sessions(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    void *rows = NULL;
    CNN_TRY(read_table(s, CNN_TABLE_SESSIONS, &rows));
    r->sessions = rows;
    for (int i = 0; i < CNN_SESSION_PLACES; i++)
        if (!isnan(r->sessions[i].start_time))
            r->session_count = i + 1;
    CNN_TRY(read_table(s, CNN_TABLE_QUARANTINES, &rows));
    r->quarantines = rows;
done:
    return st;
}

static cnn_status read_tunings(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    void *rows = NULL;
    CNN_TRY(read_table(s, CNN_TABLE_TUNINGS, &rows));
    r->tunings = rows;
    r->tuning_count = (int)s->lengths.of[CNN_DIM_TUNING];
done:
    return st;
}

/** Files of older layouts have none, and their runs refer to none. */
static cnn_status read_environments(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    void *rows = NULL;
    if (s->lengths.of[CNN_DIM_ENVIRONMENT] == 0)
        return CNN_OK;
    CNN_TRY(read_table(s, CNN_TABLE_ENVIRONMENTS, &rows));
    r->environments = rows;
    r->environment_count = (int)s->lengths.of[CNN_DIM_ENVIRONMENT];
done:
    return st;
}

/** What the job declares; a file whose job cannot be read has no metrics. */
static cnn_status read_metrics(const source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    char *kind = NULL;
    if (s->version < 6)
        return CNN_OK;
    CNN_TRY(cnn_attribute_read_text(s->file, CNN_ATTR_KIND, &kind));
    r->is_measurement = strcmp(kind, cnn_job_kind_names[CNN_JOB_MEASUREMENT]) == 0;
    if (H5Aexists(s->file, CNN_ATTR_METRIC_NAMES) <= 0)
        goto done;
    if (cnn_job_parse_stored("the job", r->job_text, r->overrides, &job) != CNN_OK)
        goto done; /* a file whose job cannot be read has no metrics */
    r->metric_count = job->metric_count;
    for (int i = 0; i < job->metric_count; i++) {
        const cnn_job_metric *from = &job->metrics[i];
        cnn_metric *to = &r->metrics[i];
        cnn_copy_string(to->name, sizeof to->name, from->name);
        cnn_copy_string(to->units, sizeof to->units, from->units);
        to->is_ratio = from->compare == CNN_COMPARE_RATIO;
        to->better = from->better;
        to->margin = from->margin;
    }
done:
    cnn_job_destroy(&job);
    free(kind);
    return st;
}

static cnn_status read_parts(source *s, cnn_results *r)
{
    cnn_status st = CNN_OK;
    /* xarray rewrites the root alone; the analysis is computed anew in any case */
    const bool has_analysis =
        s->version == CNN_LAYOUT_VERSION && H5Lexists(s->file, "analysis", H5P_DEFAULT) > 0;
    CNN_TRY(cnn_lengths_read(s->file, s->size, s->version, has_analysis, &s->lengths));
    CNN_TRY(read_numbers(s, r));
    CNN_TRY(read_texts(s, r));
    CNN_TRY(read_metrics(s, r));
    CNN_TRY(read_factors(s, r));
    CNN_TRY(find_contrast(s, r));
    CNN_TRY(read_cells(s, r));
    CNN_TRY(read_runs(s, r));
    CNN_TRY(read_sessions(s, r));
    CNN_TRY(read_tunings(s, r));
    CNN_TRY(read_environments(s, r));
    CNN_TRY(cnn_results_check(r));
done:
    return st;
}

cnn_status cnn_results_read(const char *path, cnn_results **out)
{
    cnn_status st = CNN_OK;
    cnn_results *r = NULL;
    source s = {.file = -1};
    CNN_CHECK(path && out, CNN_EINVAL, "path and out must not be NULL");
    cnn_hdf5_quiet();
    CNN_TRY(cnn_results_file_open(path, &s.file, &s.size, &s.version));
    CNN_CHECK((r = calloc(1, sizeof *r)) != NULL, CNN_ENOMEM, "results of '%s'", path);
    if ((st = read_parts(&s, r)) != CNN_OK) {
        st = cnn_error_prefix(st, st == CNN_EDATA ? "'%s' is damaged" : "reading '%s'", path);
        goto done;
    }
    *out = r;
    r = NULL;
done:
    cnn_results_free(&r);
    return cnn_hdf5_close(st, &s.file, H5Fclose, path);
}
