/* SPDX-License-Identifier: Apache-2.0 */
/* Quarantine: when a device is to blame, and its record on the screen and in the results file. */
#include "mpi/dispatch/internal.h"
#include "mpi/worker/simulated.h"

#include <stdio.h>
#include <string.h>

/** Adds a device to the session's row, or to the count of those for which that has no room. */
static void list_device(cnn_dispatcher *d, const char *device)
{
    enum { COUNT_ROOM = 24 }; /* of "; and 1000 more" */
    char *end = d->quarantine.devices + d->listed;
    const size_t room = sizeof d->quarantine.devices - d->listed;
    if (d->unlisted == 0 && strlen(device) + strlen("; ") + COUNT_ROOM < room) {
        d->listed += (size_t)snprintf(end, room, "%s%s", d->listed ? "; " : "", device);
        return;
    }
    d->unlisted++;
    snprintf(end, room, "; and %d more", d->unlisted);
}

cnn_status cnn_dispatcher_record_quarantine(cnn_dispatcher *d, int rank, int cell, const char *why)
{
    const cnn_treatment t =
        cnn_job_treatment(d->context->job, d->context->design->cells[cell].levels);
    const cnn_place place = cnn_simulated_place(t.framework, &d->context->places[rank]);
    char device[sizeof d->quarantine.devices];
    snprintf(device, sizeof device, "%s of %s (rank %d): %s", place.device, place.host, rank, why);
    list_device(d, device);
    cnn_progress_note(d->progress, "QUARANTINE: the job continues without %s", device);
    return cnn_store_quarantine(d->context->store, d->context->session, &d->quarantine);
}

/** Why a device is to blame, for people. */
static void explain(const cnn_consecutive_failures *failures, char *why, size_t n)
{
    if (failures->occupied)
        snprintf(why, n, "processes of a trainer did not end, the last one with '%s'",
                 failures->reason);
    else
        snprintf(why, n, "runs of %d cells failed in a row, the last one with '%s'",
                 CNN_FAILED_CELLS_MAX, failures->reason);
}

cnn_status cnn_dispatcher_quarantine(cnn_dispatcher *d, int rank, bool *quarantined)
{
    cnn_status st = CNN_OK;
    const cnn_consecutive_failures *failures = &d->failures[rank];
    char why[256];
    int others = 0;
    *quarantined = false;
    for (int r = 0; r < d->context->size; r++)
        others += r != rank && cnn_dispatcher_is_usable(d, r);
    if (others == 0) {
        if (d->context->size > 1)
            cnn_progress_note(d->progress, "rank %d fails as well, but its device is the last one",
                              rank);
        if (failures->occupied)
            cnn_progress_note(d->progress,
                              "processes of a trainer did not end and may use the last device: end "
                              "them, then continue with --resume");
        cnn_consecutive_failures_clear(&d->failures[rank]);
        goto done;
    }
    CNN_TRY(cnn_rank_transition(&d->ranks[rank], CNN_RANK_IS_BLAMED, rank));
    *quarantined = true;
    d->block[rank] = -1;
    explain(failures, why, sizeof why);
    CNN_TRY(
        cnn_dispatcher_record_quarantine(d, rank, failures->cells[failures->cell_count - 1], why));
    cnn_dispatcher_reassign(d, rank, -1, -1);
done:
    return st;
}
