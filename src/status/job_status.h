/* SPDX-License-Identifier: Apache-2.0 */
/** How far a job is, from its results file alone: what `cnnmpi status` prints. */
#ifndef CNN_STATUS_JOB_STATUS_H
#define CNN_STATUS_JOB_STATUS_H

#include "base/text.h"
#include "results/results.h"

/** Runs by the device that they ran on. */
typedef struct {
    char name[96];       /* "" where no run has ended yet: see planned_device */
    int planned_device;  /* of the plan, in the last session; -1 unknown */
    int ended, failed;   /* diverged ones are in `ended`; warm-ups are in neither */
    int left;            /* in its queue; -1: devices have no queues of their own */
    double mean_seconds; /* life of the runs that gave a result; NaN: none */
    double last_end;     /* seconds since 1970; NaN: none */
} cnn_device_status;

/** Attempts without a result that have the same reason. */
typedef struct {
    const char *reason; /* borrowed from the results */
    int attempts, runs; /* runs: those that have failed with it in the end */
    int run;            /* one of them, or one that was tried again */
} cnn_failure;

/** Owned by the caller: cnn_job_status_free. */
typedef struct {
    int planned, done, diverged, failed, left; /* runs, without warm-ups; left: the rest */
    int ranks;                                 /* of the last session */
    double seconds_left; /* estimate, with as many ranks; NaN: no run has finished yet */
    int device_count;
    cnn_device_status *devices; /* [device_count] by name; then those without one */
    int failure_count;
    cnn_failure *failures; /* [failure_count] most failed runs first, then most attempts */
} cnn_job_status;

/** results must stay as long as *out. now: seconds since 1970 where the job is running, so that
 *  what has passed of the runs under way counts; NaN: it is not running.
 *
 *  Each run that is left is taken to last as long as the mean of its cell (of all runs, where none
 *  of its cell has finished). With as many ranks as the plan has devices, time left is that of the
 *  longest queue; else, and where runs go to the first free rank, work is divided evenly. */
cnn_status cnn_job_status_create(const cnn_results *results, double now, cnn_job_status *out);
void cnn_job_status_free(cnn_job_status *status);

/** Appends it for people. holder: who runs the job, "" where nobody does. path names the file. */
void cnn_job_status_text(const cnn_results *results, const cnn_job_status *status,
                         const char *holder, const char *path, cnn_text *out);

/** Appends it as a screen of so many columns and lines: a bar for the job and for each device, time
 *  left, and means of the done runs by cell. What has no room is counted. */
void cnn_job_status_screen(const cnn_results *results, const cnn_job_status *status,
                           const char *holder, const char *path, int columns, int lines,
                           cnn_text *out);

/** Appends a cell's levels, "native / arch1 / mnist", without those of free factors that do not
 *  vary. */
void cnn_job_status_label(const cnn_results *results, int cell, cnn_text *out);

#endif
