/* SPDX-License-Identifier: Apache-2.0 */
/** Rows of a results file as a running job writes them. The interface; hdf5io/writer.h has one over
 *  an open file, tests bring their own. */
#ifndef CNN_RESULTS_STORE_H
#define CNN_RESULTS_STORE_H

#include "base/status.h"
#include "results/record.h"
#include "results/results.h"

typedef struct cnn_store cnn_store;

/** An implementation has this as its first member. All functions: one rank alone, for rows that only
 *  it writes; each returns once the row is written, or CNN_EIO; none is collective. */
struct cnn_store {
    /** Places for attempts that each run has: in a new file twice 1 + retries, for a second session
     *  or a block that is repeated on another device; fewer, but always one more than 1 + retries,
     *  where there are very many runs. */
    int attempts_per_run;
    /** The result of a run, with as many epochs as the job trains at most: its status is written
     *  last, and an earlier result is taken back first, so that the row is never a mixture of two. */
    cnn_status (*write_run)(cnn_store *store, int run, cnn_run_status status,
                            const cnn_measured *measured, const cnn_epoch_row *epochs);
    /** One attempt of a run, 0 .. attempts_per_run - 1. */
    cnn_status (*write_attempt)(cnn_store *store, int run, int attempt, const cnn_attempt *row);
    /** The devices quarantined in a session, and why; rank 0. */
    cnn_status (*write_quarantine)(cnn_store *store, int session, const cnn_quarantine *row);
};

static inline cnn_status cnn_store_run(cnn_store *store, int run, cnn_run_status status,
                                       const cnn_measured *measured, const cnn_epoch_row *epochs)
{
    return store->write_run(store, run, status, measured, epochs);
}

static inline cnn_status cnn_store_attempt(cnn_store *store, int run, int attempt,
                                           const cnn_attempt *row)
{
    return store->write_attempt(store, run, attempt, row);
}

static inline cnn_status cnn_store_quarantine(cnn_store *store, int session,
                                              const cnn_quarantine *row)
{
    return store->write_quarantine(store, session, row);
}

#endif
