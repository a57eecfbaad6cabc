/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nvml_settings.h"

#include "host/nvml_internal.h"

#include <math.h>

/** A whole number that a function of NVML returns of a device; -1: it does not. */
static int ask(unsigned (*function)(cnn_nvml_device, unsigned *), cnn_nvml_device device)
{
    unsigned value;
    return function && function(device, &value) == CNN_NVML_SUCCESS ? (int)value : -1;
}

/** The same with a kind of clock or threshold. */
static double ask_kind(unsigned (*function)(cnn_nvml_device, unsigned, unsigned *),
                       cnn_nvml_device device, unsigned kind)
{
    unsigned value;
    return function && function(device, kind, &value) == CNN_NVML_SUCCESS ? value : NAN;
}

static double watts(int milliwatts)
{
    return milliwatts < 0 ? NAN : 1e-3 * milliwatts;
}

static int count_mps_clients(const cnn_nvml *n)
{
    cnn_nvml_process processes[CNN_GPU_PROCESSES_MOST];
    unsigned count = CNN_GPU_PROCESSES_MOST;
    if (!n->api.mps_processes)
        return -1;
    const unsigned code = n->api.mps_processes(n->watched, &count, processes);
    return code == CNN_NVML_SUCCESS || code == CNN_NVML_INSUFFICIENT_SIZE ? (int)count : -1;
}

static void ask_memory(const cnn_nvml *n, cnn_gpu_settings *out)
{
    unsigned now, later, correctable, uncorrectable, pending, failed;
    if (n->api.ecc_mode && n->api.ecc_mode(n->whole, &now, &later) == CNN_NVML_SUCCESS)
        out->ecc = now != 0;
    if (n->api.remapped_rows && n->api.remapped_rows(n->whole, &correctable, &uncorrectable,
                                                     &pending, &failed) == CNN_NVML_SUCCESS) {
        out->remapped = (int)uncorrectable;
        out->remap_pending = pending != 0;
        out->remap_failed = failed != 0;
    }
}

void cnn_nvml_settings(const cnn_nvml *n, cnn_gpu_settings *out)
{
    *out = (cnn_gpu_settings){
        .ecc = -1, .remapped = -1, .remap_pending = -1, .remap_failed = -1, .is_instance = -1};
    const cnn_nvml_device gpu = n->whole;
    out->is_instance = n->whole != n->watched;
    out->persistence = ask(n->api.persistence, gpu);
    out->mps_clients = count_mps_clients(n);
    out->pcie_width = ask(n->api.pcie_width, gpu);
    out->pcie_width_most = ask(n->api.pcie_width_most, gpu);
    out->sm_clock_most = ask_kind(n->api.clock_most, gpu, CNN_NVML_CLOCK_SM);
    out->power_limit = watts(ask(n->api.power_limit, gpu));
    out->power_limit_default = watts(ask(n->api.power_limit_default, gpu));
    out->temperature = ask_kind(n->api.temperature, gpu, CNN_NVML_TEMPERATURE_GPU);
    out->slowdown = ask_kind(n->api.threshold, gpu, CNN_NVML_TEMPERATURE_SLOWDOWN);
    ask_memory(n, out);
}
