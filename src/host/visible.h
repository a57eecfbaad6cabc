/* SPDX-License-Identifier: Apache-2.0 */
/** Which of a host's GPUs the launcher gave this process: pure functions of texts. */
#ifndef CNN_HOST_VISIBLE_H
#define CNN_HOST_VISIBLE_H

#include "base/status.h"
#include "host/nvml.h"

/** Variables by which launcher and user choose GPUs; NULL: not set. */
typedef struct {
    const char *cuda;       /* CUDA_VISIBLE_DEVICES */
    const char *slurm_step; /* SLURM_STEP_GPUS */
} cnn_visible_variables;

/** Chooses among all [count] GPUs of the host (cnn_nvml_list): chosen [count] are indices into all,
 *  in the order given, *n of them.
 *
 *  CUDA_VISIBLE_DEVICES: a list of numbers of GPUs in the order of their PCI addresses, of UUIDs,
 *  beginnings of UUIDs that fit one device, or MIG instances by UUID; "", -1 and Slurm's NoDevFiles
 *  mean none, and a -1 ends the list. Without it SLURM_STEP_GPUS, where its numbers exist (Slurm
 *  numbers the node's GPUs, and hides others where it confines steps); without either, all. A GPU
 *  in MIG mode stands for its instances. CNN_EENV: the list names what is not there, is in MIG mode
 *  with several instances, or is named twice. */
cnn_status cnn_visible_gpus(const cnn_gpu *all, int count, const cnn_visible_variables *variables,
                            int *chosen, int *n);

#endif
