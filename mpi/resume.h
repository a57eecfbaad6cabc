/* SPDX-License-Identifier: Apache-2.0 */
/** Whether a results file belongs to a job, so that it can be continued. Rank 0; pure functions:
 *  they do not block, and are not collective. */
#ifndef CNN_MPI_RESUME_H
#define CNN_MPI_RESUME_H

#include "base/status.h"
#include "design/design.h"
#include "mpi/placement/devices.h"
#include "results/results.h"

/** Number of devices that the file was planned for. CNN_EDATA: the file does not hold it. */
cnn_status cnn_resume_devices(const cnn_results *results, int *out);

/** CNN_OK when the file's plan is this design, and both jobs train the same in every cell and allow
 *  the same differences between levels (compare), and declare the same looks at the data;
 *  CNN_EUSAGE names the first difference. Keys that do not affect a run (output, limits, the rest
 *  of analysis) may differ: the file's hold. */
cnn_status cnn_resume_check(const cnn_results *results, const cnn_job *job,
                            const cnn_design *design);

/** CNN_EUSAGE: the file's runs were done with another backend. */
cnn_status cnn_resume_check_backend(const cnn_results *results, const cnn_devices *devices);

#endif
