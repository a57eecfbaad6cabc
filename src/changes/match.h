/* SPDX-License-Identifier: Apache-2.0 */
/** Which cells two files share, and which devices. */
#ifndef CNN_CHANGES_MATCH_H
#define CNN_CHANGES_MATCH_H

#include "analysis/groups.h"
#include "changes/changes.h"
#include "job/job.h"

/** Two files with the jobs that they keep. Borrowed. */
typedef struct {
    const cnn_results *files[CNN_CHANGES_FILES];
    const char *paths[CNN_CHANGES_FILES];
    const cnn_job *jobs[CNN_CHANGES_FILES];
    const cnn_groups *groups; /* [CNN_CHANGES_FILES] */
} cnn_changes_source;

/** Whether a run counts: done, and no warm-up run. */
static inline bool cnn_changes_counts(const cnn_results *r, int run)
{
    return r->status[run] == CNN_RUN_DONE && !r->planned[run].warmup;
}

/** Fills cells and left of *out. Cells are the same where their treatments are
 *  (cnn_job_describe_treatment; the stated truth of a simulated framework is left aside: it stands
 *  for the program), and their runs report equal parameters, images, epochs and data; what a run
 *  does not report is not compared. */
cnn_status cnn_changes_match(const cnn_changes_source *s, cnn_changes *out);

/** Numbers for the devices of both files, equal where host and device are. */
typedef struct {
    int count, shared;
    int devices[CNN_CHANGES_FILES];
    int *of_run[CNN_CHANGES_FILES]; /* [run_count]; -1: the run does not count */
    bool *is_shared;                /* [count] */
} cnn_changes_devices;

/** End with cnn_changes_devices_free, also after a failure. CNN_ENOMEM. */
cnn_status cnn_changes_number_devices(const cnn_results *const *files, cnn_changes_devices *out);
void cnn_changes_devices_free(cnn_changes_devices *devices);

#endif
