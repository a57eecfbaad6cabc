/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into a results file that exists: opened by all ranks, rows written by one rank each. */
#include "hdf5io/writer.h"

#include "base/text.h"
#include "hdf5io/guard.h"
#include "hdf5io/hdf5_error.h"
#include "hdf5io/results_file.h"
#include "hdf5io/tables.h"
#include "hdf5io/variable.h"
#include "ranks/collectives.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cnn_writer {
    cnn_store store; /* first: see results/store.h */
    MPI_Comm comm;   /* our own; to agree on a status, never given to HDF5 */
    hid_t file;
    cnn_guard *guard; /* against other programs */
    bool failed;      /* a write has failed: HDF5 cannot close the file any more */
    cnn_lengths lengths;
    hid_t sets[CNN_TABLE_COUNT][CNN_TABLE_COLUMNS_MAX]; /* -1: not open */
};

/* Tables that are written after the file was made. */
static const cnn_table_id written[] = {
    CNN_TABLE_STATUS,      CNN_TABLE_MEASURED,
    CNN_TABLE_EPOCHS,      CNN_TABLE_ATTEMPTS,
    CNN_TABLE_SESSIONS,    CNN_TABLE_QUARANTINES,
    CNN_TABLE_TUNINGS,     CNN_TABLE_ENVIRONMENTS,
    CNN_TABLE_CELL_COUNTS, CNN_TABLE_SUMMARIES,
    CNN_TABLE_OUTLIERS,    CNN_TABLE_BLOCK_FLAWS,
    CNN_TABLE_PAIRS,       CNN_TABLE_CONDITIONS,
    CNN_TABLE_COMPARISONS, CNN_TABLE_FAMILIES,
    CNN_TABLE_BLOCKING,    CNN_TABLE_POSITIONS,
    CNN_TABLE_MODELS,      CNN_TABLE_FIXED,
    CNN_TABLE_COMPONENTS,  CNN_TABLE_SEED_GROUPS,
    CNN_TABLE_CELL_SEEDS,  CNN_TABLE_SCOPE,
    CNN_TABLE_OVERHEAD,    CNN_TABLE_SESSION_OVERHEADS,
};
enum { WRITTEN_COUNT = sizeof written / sizeof written[0] };

static cnn_status open_tables(cnn_writer *w, hid_t file, uint64_t size)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_lengths_read(file, size, CNN_LAYOUT_VERSION, true, &w->lengths));
    for (int i = 0; i < WRITTEN_COUNT; i++)
        CNN_TRY(cnn_table_open(file, size, CNN_LAYOUT_VERSION, written[i], &w->lengths,
                               w->sets[written[i]]));
done:
    return st;
}

static cnn_status close_tables(cnn_status st, cnn_writer *w)
{
    for (int i = 0; i < WRITTEN_COUNT; i++)
        st = cnn_table_close(st, written[i], w->sets[written[i]]);
    return st;
}

/** Whether the file has the storage that cnnmpi gave it, which a row that is written in place needs. */
static bool is_original(const cnn_writer *w)
{
    for (int i = 0; i < WRITTEN_COUNT; i++) {
        const cnn_table *table = &cnn_tables[written[i]];
        for (int c = 0; c < table->column_count; c++)
            if (!cnn_variable_is_original(w->sets[written[i]][c], &table->columns[c], table->rank))
                return false;
    }
    return true;
}

static cnn_status refuse_rewritten(const char *path)
{
    return cnn_error_set(CNN_EDATA,
                         "'%s' was rewritten by another program (h5repack, nccopy, xarray): report "
                         "and status read it, but a job is resumed in the file that cnnmpi made",
                         path);
}

/** Checks the file with serial HDF5, whose errors say more than those of MPI-IO. */
static cnn_status check_file(cnn_writer *w, const char *path, uint64_t *size)
{
    cnn_status st = CNN_OK;
    hid_t file = -1;
    int fd = -1, version = 0;
    CNN_TRY(cnn_results_file_open(path, &file, size, &version));
    CNN_CHECK(
        version == CNN_LAYOUT_VERSION, CNN_EDATA,
        "'%s' has layout version %d: report and status read it, but only the cnnmpi that made "
        "it continues it",
        path, version);
    fd = open(path, O_RDWR | O_CLOEXEC);
    CNN_CHECK(fd >= 0, CNN_EIO, "cannot write '%s': %s", path, strerror(errno));
    if (H5Lexists(file, "analysis", H5P_DEFAULT) == 0) { /* xarray writes the root alone */
        st = refuse_rewritten(path);
        goto done;
    }
    st = open_tables(w, file, *size);
    if (st != CNN_OK)
        st = cnn_error_prefix(st, st == CNN_EDATA ? "'%s' is damaged" : "opening '%s'", path);
    else if (!is_original(w))
        st = refuse_rewritten(path);
    st = close_tables(st, w);
done:
    if (fd >= 0)
        close(fd);
    return cnn_hdf5_close(st, &file, H5Fclose, path);
}

/** Opens by MPI-IO over this rank alone. Over all ranks HDF5 would flush and close collectively,
 *  and then one rank whose disk fails leaves all of them in a barrier for ever. Ranks need no
 *  common file: nothing that they write changes HDF5's metadata, and each row has one writer. */
static cnn_status open_by_mpi_io(cnn_writer *w, const char *path, uint64_t size)
{
    cnn_status st = CNN_OK;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    CNN_HDF5(access >= 0 && H5Pset_fapl_mpio(access, MPI_COMM_SELF, MPI_INFO_NULL) >= 0, CNN_EIO,
             "cannot set up MPI-IO for '%s'", path);
    w->file = H5Fopen(path, H5F_ACC_RDWR, access);
    CNN_HDF5(w->file >= 0, CNN_EIO, "cannot open '%s' by MPI-IO", path);
    CNN_TRY(open_tables(w, w->file, size));
done:
    return cnn_hdf5_close(st, &access, H5Pclose, "a property list");
}

static cnn_status guard_file(cnn_writer *w, const char *path)
{
    int rank = 0;
    MPI_Comm_rank(w->comm, &rank);
    return cnn_guard_create(path, rank, &w->guard);
}

static cnn_status new_writer(MPI_Comm comm, cnn_writer **out)
{
    cnn_status st = CNN_OK;
    cnn_writer *w = malloc(sizeof *w);
    CNN_CHECK(w, CNN_ENOMEM, "a writer");
    w->file = -1;
    w->failed = false;
    w->guard = NULL;
    w->comm = comm;
    for (int t = 0; t < CNN_TABLE_COUNT; t++)
        for (int c = 0; c < CNN_TABLE_COLUMNS_MAX; c++)
            w->sets[t][c] = -1;
    *out = w;
done:
    return st;
}

void cnn_writer_prepare(void)
{
    /* Shared file pointers, which HDF5 does not use: Open MPI's component for them fails to set them up
     * once a rank has died. */
    setenv("OMPI_MCA_sharedfp", "^sm", 0);
    H5dont_atexit();
    H5open();
}

cnn_status cnn_writer_open(const char *path, MPI_Comm comm, cnn_writer **out)
{
    cnn_status st = CNN_OK;
    cnn_writer *w = NULL;
    MPI_Comm own = MPI_COMM_NULL;
    uint64_t size = 0;
    cnn_hdf5_quiet();
    CNN_CHECK(MPI_Comm_dup(comm, &own) == MPI_SUCCESS, CNN_EMPI, "cannot copy a communicator");
    CNN_TRY(cnn_collective_agree(own, new_writer(own, &w)));
    CNN_TRY(cnn_collective_agree(own, check_file(w, path, &size)));
    CNN_TRY(cnn_collective_agree(own, guard_file(w, path)));
    CNN_TRY(cnn_collective_agree(own, open_by_mpi_io(w, path, size)));
    *out = w;
    w = NULL;
    own = MPI_COMM_NULL;
done:
    if (w) {
        st = close_tables(st, w);
        st = cnn_hdf5_close(st, &w->file, H5Fclose, path);
    }
    if (w)
        cnn_guard_destroy(&w->guard);
    free(w);
    if (own != MPI_COMM_NULL)
        MPI_Comm_free(&own);
    return st;
}

/** Brings the rows to disk and closes. After a failed write the file stays open until the
 *  process ends: HDF5 1.10 would try the same write again, fail, and crash at its end. It also
 *  stays so where another program has written to it: HDF5 would write over what that has
 *  changed. */
static cnn_status close_file(cnn_writer *w)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(!w->failed, CNN_EIO, "an earlier write to the results file has failed");
    errno = 0;
    CNN_TRY(cnn_guard_check(w->guard));
    const herr_t flushed = H5Fflush(w->file, H5F_SCOPE_GLOBAL);
    const char *reason = cnn_hdf5_system_reason();
    CNN_HDF5(flushed >= 0, CNN_EIO, "cannot bring the results file to disk (%s)", reason);
    st = close_tables(st, w);
    errno = 0;
    const herr_t closed = H5Fclose(w->file);
    reason = cnn_hdf5_system_reason();
    CNN_HDF5(closed >= 0, CNN_EIO, "cannot close the results file (%s)", reason);
done:
    return st;
}

cnn_status cnn_writer_close(cnn_writer **writer)
{
    cnn_status st = CNN_OK;
    cnn_writer *w = *writer;
    if (!w)
        return CNN_OK;
    *writer = NULL;
    st = cnn_collective_agree(w->comm, close_file(w));
    cnn_guard_destroy(&w->guard);
    MPI_Comm_free(&w->comm);
    free(w);
    return st;
}

cnn_status cnn_writer_close_alone(cnn_writer **writer)
{
    cnn_status st = CNN_OK;
    cnn_writer *w = *writer;
    if (!w)
        return CNN_OK;
    *writer = NULL;
    st = close_file(w);
    cnn_guard_destroy(&w->guard);
    free(w);
    return st;
}

bool cnn_writer_excludes_others(const cnn_writer *w)
{
    return cnn_guard_excludes_writers(w->guard);
}

cnn_status cnn_writer_check(const cnn_writer *w)
{
    return cnn_guard_check(w->guard);
}

/** Writes the rows start .. start + count of every column of a table. The first column comes
 *  last: it says whether a row is there (a session's start, an attempt's outcome, the cell of
 *  frozen algorithms), so that a write that fails leaves no half row. */
static cnn_status write_rows(cnn_writer *w, cnn_table_id id, const void *rows, size_t stride,
                             const hsize_t *start, const hsize_t *count)
{
    cnn_status st = CNN_OK;
    const cnn_table *table = &cnn_tables[id];
    for (int i = table->column_count - 1; i >= 0 && st == CNN_OK; i--)
        st = cnn_variable_write(w->sets[id][i], &table->columns[i], rows, stride, table->rank,
                                start, count);
    w->failed = w->failed || st != CNN_OK;
    return st;
}

static cnn_status write_row(cnn_writer *w, cnn_table_id id, hsize_t row, const void *value)
{
    const hsize_t one = 1;
    return write_rows(w, id, value, cnn_tables[id].row_size, &row, &one);
}

/** Writes a table from its first row to its last. */
static cnn_status write_table(cnn_writer *w, cnn_table_id id, const void *rows, size_t stride)
{
    const hsize_t start[CNN_TABLE_RANK_MAX] = {0};
    hsize_t count[CNN_TABLE_RANK_MAX];
    for (int i = 0; i < CNN_TABLE_RANK_MAX; i++)
        count[i] = w->lengths.of[cnn_tables[id].dimensions[i]];
    return write_rows(w, id, rows, stride, start, count);
}

cnn_status cnn_writer_session(cnn_writer *writer, int session, double start_time, int ranks)
{
    cnn_status st = CNN_OK;
    const cnn_session row = {start_time, ranks};
    CNN_CHECK(session >= 0, CNN_EINVAL, "no session %d", session);
    CNN_CHECK(session < CNN_SESSION_PLACES, CNN_EIO,
              "all %d places for sessions are taken: the results file cannot be resumed again",
              CNN_SESSION_PLACES);
    CNN_TRY(write_row(writer, CNN_TABLE_SESSIONS, (hsize_t)session, &row));
done:
    return st;
}

cnn_status cnn_writer_tuning(cnn_writer *writer, int place, const cnn_tuning *tuning)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(place >= 0 && (hsize_t)place < writer->lengths.of[CNN_DIM_TUNING], CNN_EINVAL,
              "the results file has no place %d for algorithms", place);
    CNN_TRY(write_row(writer, CNN_TABLE_TUNINGS, (hsize_t)place, tuning));
done:
    return st;
}

cnn_status cnn_writer_environment(cnn_writer *writer, int place,
                                  const cnn_stored_environment *environment)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(place >= 0 && (hsize_t)place < writer->lengths.of[CNN_DIM_ENVIRONMENT], CNN_EINVAL,
              "the results file has no place %d for an environment", place);
    CNN_TRY(write_row(writer, CNN_TABLE_ENVIRONMENTS, (hsize_t)place, environment));
done:
    return st;
}

static bool is_of_file(const cnn_writer *w, const cnn_analysis *a)
{
    const hsize_t *of = w->lengths.of;
    const hsize_t pairs = (hsize_t)a->comparison_count, seeds = (hsize_t)a->seed_group_count;
    return (hsize_t)a->run_count == of[CNN_DIM_RUN] && (hsize_t)a->cell_count == of[CNN_DIM_CELL] &&
           (hsize_t)a->combination_count == of[CNN_DIM_COMBINATION] &&
           (hsize_t)a->level_count == of[CNN_DIM_CONTRAST_LEVEL] &&
           (hsize_t)a->measure_count == of[CNN_DIM_MEASURE] &&
           (pairs == 0 || pairs == of[CNN_DIM_COMPARISON]) &&
           (seeds == 0 || seeds == of[CNN_DIM_SEED_GROUP]) &&
           a->session_count <= CNN_SESSION_PLACES;
}

cnn_status cnn_writer_analysis(cnn_writer *writer, const cnn_analysis *a)
{
    const struct {
        cnn_table_id id;
        const void *rows; /* NULL: none */
    } parts[] = {
        {CNN_TABLE_CELL_COUNTS, a->counts},
        {CNN_TABLE_SUMMARIES, a->summaries},
        {CNN_TABLE_OUTLIERS, a->outlier},
        {CNN_TABLE_BLOCK_FLAWS, a->block_flaw},
        {CNN_TABLE_PAIRS, a->comparison_count ? a->pairs : NULL},
        {CNN_TABLE_CONDITIONS, a->comparison_count ? a->conditions : NULL},
        {CNN_TABLE_COMPARISONS, a->comparison_count ? a->comparisons : NULL},
        {CNN_TABLE_FAMILIES, a->family_size},
        {CNN_TABLE_BLOCKING, a->blocking},
        {CNN_TABLE_POSITIONS, a->positions},
        {CNN_TABLE_MODELS, a->models},
        {CNN_TABLE_FIXED, a->fixed},
        {CNN_TABLE_COMPONENTS, a->components},
        {CNN_TABLE_SEED_GROUPS, a->seed_group_count ? a->seed_groups : NULL},
        {CNN_TABLE_CELL_SEEDS, a->cell_seeds},
        {CNN_TABLE_SCOPE, &a->scope},
        {CNN_TABLE_OVERHEAD, &a->overhead},
    };
    cnn_status st = CNN_OK;
    const hsize_t sessions = (hsize_t)a->session_count, first = 0;
    CNN_CHECK(is_of_file(writer, a), CNN_EINVAL,
              "an analysis of %d runs, %d cells and %d comparisons is not the results file's",
              a->run_count, a->cell_count, a->comparison_count);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].rows)
            CNN_TRY(
                write_table(writer, parts[i].id, parts[i].rows, cnn_tables[parts[i].id].row_size));
    if (sessions > 0)
        CNN_TRY(write_rows(writer, CNN_TABLE_SESSION_OVERHEADS, a->session_overhead, sizeof(double),
                           &first, &sessions));
done:
    return st;
}

/* ---- rows of a running job -------------------------------------------------------------- */

static cnn_status store_run(cnn_store *store, int run, cnn_run_status status,
                            const cnn_measured *measured, const cnn_epoch_row *epochs)
{
    cnn_status st = CNN_OK;
    cnn_writer *writer = (cnn_writer *)store;
    const int8_t flag = (int8_t)status, none = CNN_RUN_PLANNED;
    const hsize_t start[] = {(hsize_t)run, 0};
    const hsize_t count[] = {1, writer->lengths.of[CNN_DIM_EPOCH]};
    CNN_CHECK(run >= 0 && (hsize_t)run < writer->lengths.of[CNN_DIM_RUN], CNN_EINVAL,
              "the results file has no run %d", run);
    CNN_CHECK((int)status >= 0 && status < CNN_RUN_STATUS_COUNT, CNN_EINVAL, "no status %d",
              (int)status);
    CNN_TRY(write_row(writer, CNN_TABLE_STATUS, start[0], &none)); /* if there was another result */
    CNN_TRY(write_row(writer, CNN_TABLE_MEASURED, start[0], measured));
    CNN_TRY(write_rows(writer, CNN_TABLE_EPOCHS, epochs, sizeof *epochs, start, count));
    CNN_TRY(write_row(writer, CNN_TABLE_STATUS, start[0], &flag));
done:
    return st;
}

static cnn_status store_attempt(cnn_store *store, int run, int attempt, const cnn_attempt *row)
{
    cnn_status st = CNN_OK;
    cnn_writer *writer = (cnn_writer *)store;
    const hsize_t runs = writer->lengths.of[CNN_DIM_RUN];
    const hsize_t per_run = (hsize_t)store->attempts_per_run;
    CNN_CHECK(run >= 0 && (hsize_t)run < runs && attempt >= 0 && (hsize_t)attempt < per_run,
              CNN_EINVAL, "the results file has no attempt %d of run %d", attempt, run);
    CNN_TRY(write_row(writer, CNN_TABLE_ATTEMPTS, (hsize_t)run * per_run + (hsize_t)attempt, row));
done:
    return st;
}

static cnn_status store_quarantine(cnn_store *store, int session, const cnn_quarantine *row)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(session >= 0 && session < CNN_SESSION_PLACES, CNN_EINVAL, "no session %d", session);
    CNN_TRY(write_row((cnn_writer *)store, CNN_TABLE_QUARANTINES, (hsize_t)session, row));
done:
    return st;
}

cnn_store *cnn_writer_store(cnn_writer *writer)
{
    const hsize_t *of = writer->lengths.of;
    writer->store = (cnn_store){(int)(of[CNN_DIM_ATTEMPT] / of[CNN_DIM_RUN]), store_run,
                                store_attempt, store_quarantine};
    return &writer->store;
}
