/* SPDX-License-Identifier: Apache-2.0 */
/** Only for src/host/nvml*.c. */
#ifndef CNN_HOST_NVML_INTERNAL_H
#define CNN_HOST_NVML_INTERNAL_H

#include "host/nvml.h"
#include "host/nvml_abi.h"

struct cnn_nvml {
    void *library;
    cnn_nvml_api api;
    bool running; /* initialised */
    char driver[CNN_NVML_DRIVER_SIZE];
    cnn_nvml_device watched; /* NULL: none */
    cnn_nvml_device whole;   /* its GPU, where that is an instance */
};

#endif
