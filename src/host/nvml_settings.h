/* SPDX-License-Identifier: Apache-2.0 */
/** How a GPU is set up, as far as that changes what is measured on it. */
#ifndef CNN_HOST_NVML_SETTINGS_H
#define CNN_HOST_NVML_SETTINGS_H

#include "host/nvml.h"

/** -1, NaN: NVML does not show it. */
typedef struct {
    int persistence;                         /* persistence mode: 1 on, 0 off */
    int ecc;                                 /* of its memory: 1 on, 0 off */
    int is_instance;                         /* 1: an instance of a GPU in MIG mode */
    int remapped;                            /* rows remapped after uncorrectable errors */
    int remap_pending, remap_failed;         /* 1: yes */
    int mps_clients;                         /* processes that compute through an MPS server */
    int pcie_width, pcie_width_most;         /* lanes: now, and at most in this GPU and slot */
    double sm_clock_most;                    /* MHz */
    double power_limit, power_limit_default; /* W */
    double temperature, slowdown;            /* degC: now, and where clocks are lowered */
} cnn_gpu_settings;

/** Of the device that cnn_nvml_watch chose; for an instance, its whole GPU's. Only the thread that
 *  opened nvml. */
void cnn_nvml_settings(const cnn_nvml *nvml, cnn_gpu_settings *out);

#endif
