/* SPDX-License-Identifier: Apache-2.0 */
/** Whether a results file belongs to a job, so that it can be continued. */
#ifndef CNN_MPI_RESUME_H
#define CNN_MPI_RESUME_H

#include "base/status.h"
#include "design/design.h"
#include "mpi/placement/devices.h"
#include "results/results.h"

/** Number of devices that the file was planned for. CNN_EDATA: nothing in the file tells. */
cnn_status cnn_resume_devices(const cnn_results *results, int *out);

/** CNN_OK when the file's plan is this design, and its job trained the same in every cell;
 * CNN_EUSAGE names the first difference. What does not bear on a run (output, limits, analysis) may
 * differ. */
cnn_status cnn_resume_check(const cnn_results *results, const cnn_job *job,
                            const cnn_design *design);

/** That its runs are done on what the file's were done on. CNN_EUSAGE otherwise. */
cnn_status cnn_resume_check_backend(const cnn_results *results, const cnn_devices *devices);

#endif
