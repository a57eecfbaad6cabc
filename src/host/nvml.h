/* SPDX-License-Identifier: Apache-2.0 */
/** The GPUs of this host and what they are doing, through NVML, which is loaded at run time: a host
 *  without it has no GPUs, which is no failure of the program. */
#ifndef CNN_HOST_NVML_H
#define CNN_HOST_NVML_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { CNN_GPUS_MOST = 128, CNN_GPU_PROCESSES_MOST = 64 };

/** NVML, loaded and initialised. Only the thread that opened it uses it. */
typedef struct cnn_nvml cnn_nvml;

/** A GPU, or an instance of one in MIG mode. Plain data. */
typedef struct {
    char uuid[96];  /* "GPU-..." or "MIG-..." */
    char name[96];  /* its model */
    char pci[16];   /* as Linux writes it, "0000:3b:00.0"; of an instance, its GPU's */
    int numa_node;  /* that it is attached to; -1: unknown */
    char cpus[256]; /* those near it, as a list "0-31,64-95"; "": unknown */
    int index;      /* of the GPU, in the order of PCI addresses; of an instance, its GPU's */
    bool instance;  /* a MIG instance */
    bool divided;   /* in MIG mode: only its instances can be computed on */
} cnn_gpu;

/** library: NULL for libnvidia-ml.so.1, where the loader finds it. CNN_EENV says why there is none:
 *  no such library, one that lacks a function, or no driver. */
cnn_status cnn_nvml_open(const char *library, cnn_nvml **out);
/** Takes NULL, leaves NULL. */
void cnn_nvml_close(cnn_nvml **nvml);

/** "550.54.15"; "" when it is unknown. */
const char *cnn_nvml_driver(const cnn_nvml *nvml);

/** Lists the GPUs by PCI address, each in MIG mode followed by its instances: at most
 *  CNN_GPUS_MOST. Those that this process has no permission to use are left out. A GPU that cannot
 *  be described (one that has fallen off the bus) is an error that names it. root: "" on a real
 *  machine, a folder in tests. */
cnn_status cnn_nvml_list(const cnn_nvml *nvml, const char *root, cnn_gpu *gpus, int *count);

/** What a GPU was doing at one moment. NaN, -1: unknown. */
typedef struct {
    double sm_clock, memory_clock;          /* MHz */
    double temperature;                     /* degC */
    double power;                           /* W */
    int64_t reasons;                        /* bits: why clocks are as they are */
    int process_count;                      /* with a compute context on it */
    int pids[CNN_GPU_PROCESSES_MOST];       /* [process_count] as the driver knows them */
    int64_t memory[CNN_GPU_PROCESSES_MOST]; /* [process_count] bytes of each; -1: unknown */
    bool lost;                              /* the GPU has fallen off the bus */
} cnn_gpu_sample;

/** Chooses the device that cnn_nvml_sample looks at. Of an instance, clocks, temperature, power and
 *  reasons are its whole GPU's. CNN_EENV: there is none with this UUID. */
cnn_status cnn_nvml_watch(cnn_nvml *nvml, const char *uuid);
void cnn_nvml_sample(const cnn_nvml *nvml, cnn_gpu_sample *out);

#endif
